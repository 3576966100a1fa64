package inventory_test

import (
	"context"
	"encoding/binary"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/faultline-storage/faultline/internal/inventory"
	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/internal/store/memory"
)

// source draws numbers from bytes; it gives zeros when they are used up.
type source []byte

func (s *source) n(below int) int {
	if len(*s) == 0 {
		return 0
	}
	b := (*s)[0]
	*s = (*s)[1:]
	return int(b) % below
}

// handle is mostly a small one.
func (s *source) handle() resource.Handle {
	if n := s.n(64); n < 60 {
		return resource.Handle(n % 12)
	}
	var b [8]byte
	*s = (*s)[copy(b[:], *s):]
	return resource.Handle(binary.BigEndian.Uint64(b[:]))
}

func (s *source) handles() (hs []resource.Handle) {
	for range s.n(4) {
		hs = append(hs, s.handle())
	}
	return hs
}

func (s *source) value() resource.Value {
	switch s.n(6) {
	case 0:
		return resource.Null
	case 1:
		return resource.IntValue(int64(s.n(3)))
	case 2:
		return resource.BoolValue(s.n(2) == 1)
	case 3:
		return resource.RefValue(int64(s.handle()))
	}
	return resource.StringValue(string(rune('a' + s.n(3))))
}

// FuzzApply applies batches that keep no rule at all: wrong handles, values of
// any kind, indexes out of range, classes that nobody declared. Whatever is
// refused, the graph keeps its own rules.
func FuzzApply(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("a longer text, to have some ops in it at the least; and so on and on"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s := source(data)
		classes := declare([7]int{s.n(3), s.n(2), s.n(4), s.n(2), s.n(2), s.n(2)})
		now := time.Unix(1e9, 0)
		store := memory.New()
		inv, err := inventory.New(context.Background(), inventory.Options{
			Store: store, Classes: classes, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return now },
		})
		if err != nil {
			t.Fatal(err)
		}
		foreign := disk()
		var roots []resource.ID
		for _, name := range []string{"1", "2"} {
			r, _, err := inv.AddRoot(context.Background(), classes[0], []resource.Value{resource.StringValue(name), resource.Null, resource.Null})
			if err != nil {
				t.Fatal(err)
			}
			if err := inv.OpenSession(r.ID, "s", nil); err != nil {
				t.Fatal(err)
			}
			roots = append(roots, r.ID)
		}
		for len(s) > 0 {
			b := &resource.Batch{Root: roots[s.n(2)], Session: "s", Complete: s.n(8) == 0}
			for range s.n(6) {
				op := resource.Op{Kind: resource.OpKind(s.n(6)), Handle: s.handle(), Parents: s.handles(), Drop: s.handles()}
				switch k := s.n(len(classes) + 4); {
				case k < len(classes):
					op.Class = classes[k]
				case k == len(classes):
					op.Class = foreign
				}
				if op.Class != nil {
					op.Values = make([]resource.Value, max(0, len(op.Class.Attributes)+min(0, s.n(20)-1)))
					for i := range op.Values {
						op.Values[i] = s.value()
					}
				}
				for range s.n(3) {
					op.Set = append(op.Set, resource.AttrValue{Index: s.n(8) - 1, Value: s.value()})
				}
				if s.n(4) == 0 {
					op.Class = nil
				}
				b.Ops = append(b.Ops, op)
			}
			for range s.n(3) {
				b.Samples = append(b.Samples, resource.HandleSample{Handle: s.handle(), Name: "none"})
			}
			_ = inv.Apply(context.Background(), b) // refused or not
			if err := inv.Check(); err != nil {
				t.Fatal(err)
			}
		}
		g, err := inv.At(context.Background(), 0)
		if err != nil {
			t.Fatal(err)
		}
		for r := range g.All() {
			t.Errorf("before everything there was %s", text(r))
		}
	})
}

// FuzzList lists with any order and cursor: a page, or a fault that names the
// field. The cursor of a page leads on in the same order.
func FuzzList(f *testing.F) {
	f.Add("name", "", 1, "d")
	f.Add("-status", "eyJrIjp7fSwiaSI6MX0", 2, "")
	f.Add("id", "bnVsbA", 0, "x")
	f.Fuzz(func(t *testing.T, sort, cursor string, limit int, contains string) {
		w := newWorld(t, disk())
		w.root("a")
		w.scan("a", "put Disk d1 status=OK", "put Disk d2 status=BAD < d1", "put Disk d3")
		q := resource.Query{Sort: sort, Cursor: cursor, Limit: limit, Text: contains}
		for range 10 {
			page, err := w.inv.List(q)
			if err != nil {
				var fault *resource.Fault
				if !errors.As(err, &fault) || fault.Field == "" {
					t.Fatalf("an error without a field: %v", err)
				}
				if q.Cursor != cursor {
					t.Fatalf("the page's own cursor %q: %v", q.Cursor, err)
				}
				return
			}
			if page.Next == "" {
				return
			}
			q.Cursor = page.Next
		}
		t.Errorf("a list of %d resources does not end", 4)
	})
}
