package link_test

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/faultline-storage/faultline/internal/inventory"
	"github.com/faultline-storage/faultline/internal/link"
	"github.com/faultline-storage/faultline/internal/link/linktest"
	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/internal/store/memory"
)

// array is a made-up array: what it reports is known, so that the graph at the end
// is known.
type array struct {
	rnd    *rand.Rand
	class  *resource.Class
	next   resource.Handle
	disks  map[resource.Handle]string // serial by handle
	serial int
}

// turn changes the array at random and returns the ops that say so.
func (a *array) turn() (ops []resource.Op) {
	for range 1 + a.rnd.IntN(6) {
		switch known := slices.Sorted(maps.Keys(a.disks)); {
		case len(known) < 3 || a.rnd.IntN(3) == 0:
			a.serial++
			ops = append(ops, a.put(fmt.Sprint("d", a.serial), known))
		case a.rnd.IntN(3) == 0:
			h := known[a.rnd.IntN(len(known))]
			delete(a.disks, h)
			ops = append(ops, resource.Op{Kind: resource.Remove, Handle: h})
		default:
			h := known[a.rnd.IntN(len(known))]
			ops = append(ops, resource.Op{Kind: resource.Set, Handle: h, Class: a.class, Set: []resource.AttrValue{{Index: 1, Value: resource.IntValue(a.rnd.Int64N(5))}}})
		}
	}
	return ops
}

func (a *array) put(serial string, above []resource.Handle) resource.Op {
	a.next++
	a.disks[a.next] = serial
	op := resource.Op{Kind: resource.Put, Handle: a.next, Class: a.class, Values: []resource.Value{resource.StringValue(serial), resource.IntValue(0)}}
	if len(above) > 0 {
		op.Parents = above[:1+a.rnd.IntN(len(above))]
	}
	return op
}

// script are the turns of the sessions of a root: each session begins with a
// complete turn.
func script(seed uint64, class *resource.Class) (sessions [][][]resource.Op) {
	a := &array{rnd: rand.New(rand.NewPCG(seed, 7)), class: class}
	for range 3 {
		var turns [][]resource.Op
		before := slices.Sorted(maps.Values(a.disks))
		a.disks, a.next = map[resource.Handle]string{}, 0
		var first []resource.Op
		for _, serial := range before {
			first = append(first, a.put(serial, slices.Sorted(maps.Keys(a.disks))))
		}
		turns = append(turns, append(first, a.turn()...))
		for range 8 {
			turns = append(turns, a.turn())
		}
		sessions = append(sessions, turns)
	}
	return sessions
}

// play writes the script of a root to a sink, each session as often as it takes:
// one that ends with its link is begun again.
func play(t *testing.T, root resource.ID, script [][][]resource.Op, sink func() linktest.Sink) {
	ctx := context.Background()
	for n, turns := range script {
	again:
		for try := 0; ; try++ {
			s := sink()
			id := fmt.Sprintf("%d-%d-%d", root, n, try)
			if s.OpenSession(root, id, nil) != nil {
				continue
			}
			for i, ops := range turns {
				b := &resource.Batch{Root: root, Session: id, Plugin: "acme", Turn: int64(i + 1), Complete: i == 0, Ops: clone(ops)}
				b.Samples = []resource.HandleSample{{Handle: 0, Name: "gauge", Time: time.UnixMilli(int64(i)), Value: float64(n*100 + i)}}
				if err := s.Apply(ctx, b); err != nil {
					if resource.KindOf(err) == resource.NotFound { // the link ended
						continue again
					}
					t.Errorf("root %d, session %d, turn %d: %v", root, n, i, err)
					return
				}
			}
			s.CloseSession(root, id)
			break
		}
	}
}

// clone copies ops: the inventory keeps what it is given.
func clone(ops []resource.Op) []resource.Op {
	out := slices.Clone(ops)
	for i := range out {
		out[i].Values = slices.Clone(out[i].Values)
	}
	return out
}

type world struct {
	inv   *inventory.Inventory
	roots []resource.ID
}

func newWorld(t *testing.T, box, disk *resource.Class) *world {
	t.Helper()
	inv, err := inventory.New(t.Context(), inventory.Options{
		Store: memory.New(), Classes: []*resource.Class{box, disk}, Log: slog.New(slog.DiscardHandler), Now: time.Now, Unguarded: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{inv: inv}
	for i := range 3 {
		r, _, err := inv.AddRoot(t.Context(), box, []resource.Value{resource.StringValue(fmt.Sprint("array", i))})
		if err != nil {
			t.Fatal(err)
		}
		w.roots = append(w.roots, r.ID)
	}
	return w
}

// picture draws all resources.
func (w *world) picture() string {
	var lines []string
	all, _, _ := w.inv.Subscribe(context.Background())
	for r := range all {
		var parents []string
		for _, p := range r.Parents {
			parents = append(parents, w.inv.Get(p).Label)
		}
		slices.Sort(parents)
		lines = append(lines, fmt.Sprintf("%s of %d: %v below %q", r.Label, slices.Index(w.roots, r.Scope), r.Values, parents))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// turns counts the changes that the turns of the roots made, by the value of
// their sample.
func (w *world) turns(ctx context.Context) map[float64]int {
	seen := map[float64]int{}
	for samples, err := range w.inv.Samples(ctx, 0, w.inv.Seq()) {
		if err != nil {
			break
		}
		for _, s := range samples {
			seen[s.Value]++
		}
	}
	return seen
}

func graphClasses() (box, disk *resource.Class) {
	box = &resource.Class{
		Plugin: "acme", Name: "Array", Bases: []string{resource.BaseScannable, resource.BaseResource}, IDScope: resource.Global, IDNames: []string{"name"},
		Attributes: []resource.Attribute{{Name: "name", Kind: resource.String}},
		Statistics: []resource.Statistic{{Name: "gauge", Kind: resource.Gauge}},
	}
	box.Index()
	disk = &resource.Class{
		Plugin: "acme", Name: "Disk", Bases: []string{resource.BaseResource}, IDScope: resource.Scoped, IDNames: []string{"serial"},
		Attributes: []resource.Attribute{{Name: "serial", Kind: resource.String}, {Name: "size", Kind: resource.Integer}},
	}
	disk.Index()
	return box, disk
}

// TestTheGraphIsTheSame: sessions that write over a link which loses, repeats and
// reorders end with the graph that they would have written directly, and every
// turn was committed once.
func TestTheGraphIsTheSame(t *testing.T) {
	t.Parallel()
	for n := range 12 {
		seed := uint64(time.Now().UnixNano()) + uint64(n)
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			t.Logf("seed %d", seed)
			box, disk := graphClasses()
			direct, far := newWorld(t, box, disk), newWorld(t, box, disk)
			sink, _ := linktest.Over(t, far.inv, far.inv.Class, func(_ *testing.T, h *link.Hub) link.Transport {
				return linktest.NewBad(h.Local(link.Origin{}), 60, seed)
			})
			var wg sync.WaitGroup
			for i := range direct.roots {
				turns := script(seed+uint64(i), disk)
				play(t, direct.roots[i], turns, func() linktest.Sink { return direct.inv })
				wg.Go(func() { play(t, far.roots[i], turns, func() linktest.Sink { return sink }) })
			}
			wg.Wait()
			if d := cmp.Diff(strings.Split(direct.picture(), "\n"), strings.Split(far.picture(), "\n")); d != "" {
				t.Errorf("the graphs differ (-direct +link):\n%s", d)
			}
			if d := cmp.Diff(direct.turns(t.Context()), far.turns(t.Context())); d != "" {
				t.Errorf("turns were lost or doubled (-direct +link):\n%s", d)
			}
		})
	}
}
