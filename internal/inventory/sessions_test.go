package inventory_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/faultline-storage/faultline/internal/inventory"
	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/internal/store/memory"
)

// talker is a session of a root on a goroutine of its own.
type talker struct {
	rnd     *rand.Rand
	classes []*resource.Class
	root    resource.ID
	opened  int
	last    resource.Handle
	mine    []resource.Handle // put and not removed
	said    []*resource.Batch // copies, in order
}

// say makes the next batch: a new session now and then, and such ops as no
// order of the sessions can make wrong.
func (k *talker) say(turn int) *resource.Batch {
	b := &resource.Batch{Root: k.root}
	if k.opened == 0 || k.rnd.IntN(8) == 0 {
		k.opened++
		k.mine, k.last, b.Complete = nil, 0, true
	}
	b.Session = fmt.Sprint(k.opened)
	for range 1 + k.rnd.IntN(4) {
		switch n := k.rnd.IntN(6); {
		case n < 3 || len(k.mine) == 0:
			c := k.classes[k.rnd.IntN(len(k.classes))]
			k.last++
			op := resource.Op{Kind: resource.Put, Handle: k.last, Class: c, Values: make([]resource.Value, len(c.Attributes))}
			for i := range op.Values {
				op.Values[i] = k.value(c, i)
			}
			if c.Name == "Disk" { // nothing is above a disk, so there are no cycles
				op.Parents = []resource.Handle{0}
			}
			b.Ops = append(b.Ops, op)
			k.mine = append(k.mine, k.last)
		case n == 3:
			i := k.rnd.IntN(len(k.mine))
			b.Ops = append(b.Ops, resource.Op{Kind: resource.Remove, Handle: k.mine[i]})
			k.mine = slices.Delete(k.mine, i, i+1)
		default:
			label := fmt.Sprint(k.rnd.IntN(3))
			b.Ops = append(b.Ops, resource.Op{Kind: resource.Set, Handle: k.mine[k.rnd.IntN(len(k.mine))], Label: &label})
		}
	}
	// It is how the batch is known again among the changes.
	b.Samples = []resource.HandleSample{{Handle: 0, Name: "load", Time: time.Unix(int64(turn), 0).UTC()}}
	copied := *b
	copied.Ops = slices.Clone(b.Ops)
	for i := range copied.Ops {
		copied.Ops[i].Values = slices.Clone(copied.Ops[i].Values)
	}
	k.said = append(k.said, &copied)
	return b
}

func (k *talker) value(c *resource.Class, i int) resource.Value {
	a := &c.Attributes[i]
	switch {
	case slices.Contains(c.IDNames, a.Name):
		return resource.StringValue(fmt.Sprint(k.rnd.IntN(4)))
	case a.Kind == resource.Reference:
		if k.rnd.IntN(2) == 0 {
			return resource.RefValue(0)
		}
		return resource.Null
	}
	return resource.StringValue(fmt.Sprint(k.rnd.IntN(3)))
}

// TestSessionsAtOnce has sessions commit at once, and a user name their roots.
// The model does what they did in the order in which the changes were told, and
// must agree at every moment; and so must what the change log leads back to.
func TestSessionsAtOnce(t *testing.T) {
	const sessions, turns = 5, 40
	ctx := t.Context()
	for round := range 4 {
		seed := uint64(time.Now().UnixNano())
		t.Logf("round %d: seed %d", round, seed)
		classes := declare([7]int{})
		store := &cutStore{Store: memory.New()}
		inv, err := inventory.New(ctx, inventory.Options{Store: store, Classes: classes, Log: slog.New(slog.DiscardHandler), Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		m := newModel(classes)
		var talkers []*talker
		for i := range sessions {
			values := []resource.Value{resource.StringValue(fmt.Sprint(i)), resource.Null, resource.Null}
			r, _, err := inv.AddRoot(ctx, classes[0], values)
			if err != nil {
				t.Fatal(err)
			}
			m.addRoot(classes[0], values)
			talkers = append(talkers, &talker{rnd: rand.New(rand.NewPCG(seed, uint64(i))), root: r.ID,
				classes: slices.DeleteFunc(slices.Clone(classes), func(c *resource.Class) bool {
					return !slices.Contains([]string{"Disk", "Lun", "Dev", "SubDev"}, c.Name)
				})})
		}
		first := inv.Seq()
		var all sync.WaitGroup
		for _, k := range talkers {
			all.Go(func() {
				for turn := range turns {
					b := k.say(turn)
					if b.Complete {
						if err := inv.OpenSession(k.root, b.Session, nil); err != nil {
							t.Error(err)
						}
					}
					if err := inv.Apply(ctx, b); err != nil {
						t.Errorf("root %d, turn %d: %v", k.root, turn, err)
						return
					}
				}
			})
		}
		all.Go(func() {
			for turn := range turns {
				alias := fmt.Sprint("r", turn)
				if err := inv.Edit(ctx, talkers[turn%sessions].root, inventory.Edit{Alias: &alias}); err != nil {
					t.Error(err)
				}
			}
		})
		all.Wait()
		if t.Failed() {
			return
		}
		if err := inv.Check(); err != nil {
			t.Fatal(err)
		}
		retell(t, inv, store, m, talkers, first)
	}
}

// retell has the model do what the changes tell, one after the other.
func retell(t *testing.T, inv *inventory.Inventory, store *cutStore, m *model, talkers []*talker, first uint64) {
	t.Helper()
	h := newHistory()
	mirror := map[resource.ID]*resource.Resource{}
	for ch, err := range inv.Missed(context.Background(), 0, first) {
		if err != nil {
			t.Fatal(err)
		}
		h.tell(ch, mirror)
		for _, r := range ch.Created {
			mirror[r.ID] = r
		}
	}
	for ch, err := range inv.Since(context.Background(), first) {
		if err != nil {
			t.Fatal(err)
		}
		h.tell(ch, mirror)
		for _, r := range ch.Created {
			mirror[r.ID] = r
		}
		for _, u := range ch.Updated {
			mirror[u.Resource.ID] = u.Resource
			if m.res[u.Resource.ID] != nil && ch.Root == 0 {
				m.res[u.Resource.ID].alias = u.Resource.Alias
			}
		}
		for _, r := range ch.Deleted {
			delete(mirror, r.ID)
		}
		if ch.Root != 0 {
			k := talkers[slices.IndexFunc(talkers, func(k *talker) bool { return k.root == ch.Root })]
			b := k.said[ch.Samples[0].Time.Unix()]
			if b.Complete {
				m.sessions[k.root] = &conversation{id: b.Session, handles: map[resource.Handle]resource.ID{0: k.root}}
			}
			next, err := m.apply(b)
			if err != nil {
				t.Fatalf("the model refuses batch %+v: %v", b, err)
			}
			// What came and went in one turn took numbers all the same.
			for _, r := range ch.Created {
				if next.res[r.ID] == nil {
					t.Fatalf("the model knows nothing of %s", text(r))
				}
			}
			m = next
		}
		got := map[resource.ID]resource.Resource{}
		for id, r := range mirror {
			got[id] = *r
		}
		if want := m.dump(got); !sameDump(got, want) {
			t.Fatalf("after change %d the graph is\n%s\nand should be\n%s", ch.Seq, show(got), show(want))
		}
		h.seqs = append(h.seqs, ch.Seq)
		h.pictures[ch.Seq] = picture(got, m.reportedEdges())
		if ch.Seq >= inv.Seq() {
			break
		}
	}
	h.check(t, inv, store)
}
