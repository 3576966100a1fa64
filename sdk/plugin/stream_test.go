package plugin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/faultline-storage/faultline/sdk/internal/stdio"
	"github.com/faultline-storage/faultline/sdk/wire"
)

type streamShelf struct {
	Enclosure
	Number int    `attr:",scopedid"`
	Name   string `attr:",optional"`
}

// streamDrive has a label that needs another resource, and a default.
type streamDrive struct {
	PhysicalDisk
	Shelf *streamShelf `attr:",scopedid"`
	Slot  int          `attr:",scopedid"`
	Model string       `default:"none"`
	Spare *streamDrive `attr:",optional"`
	Size  *int         `attr:",optional"`
	Temp  Gauge        `unit:"C"`
}

func (d *streamDrive) Label() string { return fmt.Sprint(d.Shelf.Name, " bay ", d.Slot, " ", d.Model) }

type streamPool struct {
	StoragePool
	Name string `attr:",globalid"`
	Free Bytes
}

type streamPlugin struct {
	scan func(*Session) error
}

func (p *streamPlugin) InitialScan(_ context.Context, s *Session, _ *benchArray) error {
	return p.scan(s)
}

// firstTurn runs the scan as the first turn of a session whose parts have about
// the given size, and returns the batches, and how many there were when
// the hook returned.
func firstTurn(t *testing.T, limit int, scan func(*Session) error) (batches []wire.Batch, early int, err error) {
	t.Helper()
	p := New("stream", 1, Scans(func() *streamPlugin { return &streamPlugin{} }), Reports[streamShelf](), Reports[streamDrive](), Reports[streamPool]())
	if _, problems := p.Manifest(); len(problems) > 0 {
		t.Fatal(problems)
	}
	var out bytes.Buffer
	srv := &server{p: p, conn: stdio.NewConn(nil, &out, func() {}), sessions: map[string]*Session{}}
	srv.conn.SetReady()
	s, err := srv.newSession(wire.OpenParams{Session: "s1", Class: "benchArray", Attributes: map[string]json.RawMessage{"address": json.RawMessage(`"a"`)}})
	if err != nil {
		t.Fatal(err)
	}
	s.w.limit = limit
	s.state = stateEntered
	_, err = s.hookTurn(true, func() error {
		defer func() { early = strings.Count(out.String(), "\n") }()
		return scan(s)
	})
	if s.w.buf != nil || s.stream.on || s.stream.sent || len(s.stream.pending) > 0 {
		t.Error("the turn left its stream behind")
	}
	for line := range strings.Lines(out.String()) {
		var msg struct{ Params wire.Batch }
		if err := json.Unmarshal([]byte(line), &msg); err != nil {
			t.Fatal(err)
		}
		batches = append(batches, msg.Params)
	}
	return batches, early, err
}

// heard is what the host knows of one resource after a turn.
type heard struct {
	class, label string
	attrs        map[string]string
	parents      []int64
	samples      []string
}

// hear plays the host: it takes the batches of a turn in and returns the
// resources as text, by handle.
func hear(t *testing.T, batches []wire.Batch) string {
	t.Helper()
	all := map[int64]*heard{0: {attrs: map[string]string{}}}
	last := int64(0)
	for i, b := range batches {
		if b.Part != i || b.Turn != 1 || b.Last != (i == len(batches)-1) {
			t.Fatalf("part %d of turn %d, last %t, in the place of part %d of %d", b.Part, b.Turn, b.Last, i, len(batches))
		}
		for _, op := range b.Ops {
			r := all[op.Handle]
			if op.Op == wire.OpPut {
				if op.Handle <= last {
					t.Fatalf("handle %d was put after %d", op.Handle, last)
				}
				last = op.Handle
				r = &heard{class: op.Class, attrs: map[string]string{}}
				all[op.Handle] = r
			}
			if r == nil {
				t.Fatalf("%s of handle %d, which is not there", op.Op, op.Handle)
			}
			if op.Op == wire.OpRemove {
				delete(all, op.Handle)
				for _, r := range all {
					r.parents = slices.DeleteFunc(r.parents, func(p int64) bool { return p == op.Handle })
				}
				continue
			}
			if len(op.Attributes) > 0 {
				var attrs map[string]json.RawMessage
				if err := json.Unmarshal(op.Attributes, &attrs); err != nil {
					t.Fatal(err)
				}
				for k, v := range attrs {
					if r.attrs[k] = string(v); string(v) == "null" {
						delete(r.attrs, k)
					}
				}
			}
			if op.Label != nil {
				r.label = *op.Label
			}
			r.parents = slices.DeleteFunc(append(append(r.parents, op.Parents...), op.Add...), func(p int64) bool { return slices.Contains(op.Remove, p) })
		}
		for _, smp := range b.Samples {
			if r := all[smp.Handle]; r != nil {
				r.samples = append(r.samples, smp.Name+string(smp.Value))
			} else {
				t.Fatalf("a sample of handle %d, which is not there", smp.Handle)
			}
		}
	}
	var text strings.Builder
	for _, h := range slices.Sorted(maps.Keys(all)) {
		r := all[h]
		slices.Sort(r.parents)
		fmt.Fprintln(&text, h, r.class, r.label, r.attrs, slices.Compact(r.parents), r.samples)
	}
	return text.String()
}

// randomScan reports, changes and removes by chance.
func randomScan(r *rand.Rand) func(*Session) error {
	return func(s *Session) error {
		var shelves []*streamShelf
		var drives []*streamDrive
		var all []interface {
			Any
			AddParent(Any)
			RemoveParent(Any)
		}
		gone := map[Any]bool{}
		wild := r.IntN(3) > 0 // else only what can be streamed to the end
		for range 5 + r.IntN(60) {
			switch op := r.IntN(12); {
			case len(shelves) == 0 || op == 0:
				e := Report(s, &streamShelf{Number: r.IntN(20), Name: fmt.Sprint("e", r.IntN(3))})
				shelves, all = append(shelves, e), append(all, e)
			case op <= 4:
				e := shelves[r.IntN(len(shelves))]
				if gone[e] {
					continue
				}
				d := &streamDrive{Shelf: e, Slot: r.IntN(20), Model: "X"}
				if wild && r.IntN(10) == 0 {
					d.Model = ""
				}
				d = Report(s, d, e)
				delete(gone, d)
				drives, all = append(drives, d), append(all, d)
			case op == 5:
				all = append(all, Report(s, &streamPool{Name: fmt.Sprint("p", r.IntN(9))}, shelves[0]))
			case op == 6 && len(drives) > 0:
				d := drives[r.IntN(len(drives))]
				d.Size, d.Model = new(r.IntN(100)), fmt.Sprint("Y", r.IntN(3))
			case op == 7 && len(drives) > 1:
				if d, e := drives[r.IntN(len(drives))], drives[r.IntN(len(drives))]; !gone[d] && !gone[e] {
					d.Spare = e
				}
			case op == 8:
				shelves[r.IntN(len(shelves))].Name = fmt.Sprint("n", r.IntN(5))
			case op == 9 && len(drives) > 0:
				drives[r.IntN(len(drives))].Temp.Set(float64(r.IntN(90)))
			case op == 10 && len(drives) > 0 && wild:
				d := drives[r.IntN(len(drives))]
				Remove(d)
				gone[d] = true
			case op == 11:
				a, b := r.IntN(len(all)), r.IntN(len(all))
				if x, y := all[a], all[b]; !gone[x] && !gone[y] && x != y {
					if x.AddParent(y); r.IntN(3) == 0 {
						x.RemoveParent(y)
					}
				}
			}
		}
		return nil
	}
}

func TestAStreamedScanSaysTheSame(t *testing.T) {
	streamed := 0
	for seed := range uint64(500) {
		whole, early, err := firstTurn(t, 1<<20, randomScan(rand.New(rand.NewPCG(seed, 1))))
		if err != nil {
			t.Fatal(seed, err)
		}
		if early != 0 || len(whole) != 1 || !whole[0].Complete {
			t.Fatalf("seed %d: a small scan has %d parts, of which %d were sent in the hook", seed, len(whole), early)
		}
		for _, op := range whole[0].Ops {
			if op.Op == wire.OpRemove || op.Op != wire.OpPut && op.Handle != 0 {
				t.Fatalf("seed %d: %s in a small scan, where each resource is put as it is in the end", seed, op.Op)
			}
		}
		for _, limit := range []int{1, 300, 2000} {
			parts, early, err := firstTurn(t, limit, randomScan(rand.New(rand.NewPCG(seed, 1))))
			if err != nil {
				t.Fatal(seed, err)
			}
			streamed += early
			if got, want := hear(t, parts), hear(t, whole); got != want {
				t.Fatalf("seed %d in parts of %d:\n%s\nin one part:\n%s", seed, limit, got, want)
			}
			for _, b := range parts {
				if b.Complete != b.Last {
					t.Fatalf("seed %d: part %d is complete: %t", seed, b.Part, b.Complete)
				}
			}
		}
	}
	if streamed < 1000 {
		t.Errorf("only %d parts were sent before the end of their hook", streamed)
	}
}

func TestAStreamedScanThatFails(t *testing.T) {
	for what, end := range map[string]func(*streamShelf) error{
		"hook fails": func(*streamShelf) error { return errors.New("no answer") },
		"panic":      func(*streamShelf) error { panic("no answer") },
		"bad value":  func(e *streamShelf) error { e.Number = 7; return nil },
	} {
		batches, early, err := firstTurn(t, 100, func(s *Session) error {
			var e *streamShelf
			for i := range 20 {
				e = Report(s, &streamShelf{Number: 100 + i})
			}
			return end(e)
		})
		if err == nil || early == 0 {
			t.Errorf("%s: error %v, and %d parts in the hook", what, err, early)
		}
		for _, b := range batches {
			if b.Last {
				t.Errorf("%s: the turn has a last part", what)
			}
		}
	}
}

// TestAnIncompleteStreamedScan sees that what is known only at the end counts.
func TestAnIncompleteStreamedScan(t *testing.T) {
	batches, early, err := firstTurn(t, 100, func(s *Session) error {
		for i := range 20 {
			Report(s, &streamShelf{Number: i})
		}
		s.Incomplete("shelf 21 does not answer")
		return nil
	})
	if err != nil || early == 0 {
		t.Fatal(err, early)
	}
	for _, b := range batches {
		if b.Complete {
			t.Errorf("part %d is complete", b.Part)
		}
	}
}
