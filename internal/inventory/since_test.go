package inventory_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/faultline-storage/faultline/internal/feed"
	"github.com/faultline-storage/faultline/internal/resource"
)

// TestSinceGoesOnAfterARestart reads from a position of an earlier life.
func TestSinceGoesOnAfterARestart(t *testing.T) {
	w := newWorld(t, disk())
	w.root("a")
	w.scan("a", "put Disk d1 status=OK")
	after := w.inv.Seq()
	w.update("a", "set Disk d1 status=FAILED")
	w.update("a", "set Disk d1 status=OK")
	w.load()
	w.open("a")
	w.scan("a", "put Disk d1 status=WORN")

	var got []string
	for ch, err := range w.inv.Since(t.Context(), after) {
		if err != nil {
			t.Fatal(err)
		}
		line := ""
		for _, u := range ch.Updated {
			if i := u.Resource.Class.Attr("status"); i >= 0 {
				line += fmt.Sprintf("%v %v;", u.Attributes, u.Resource.Values[i])
			} else if u.State {
				line += "state;"
			}
		}
		got = append(got, line)
		if ch.Seq >= w.inv.Seq() {
			break
		}
	}
	if want := "[[1] FAILED; [1] OK; [1] WORN;state;]"; fmt.Sprint(got) != want {
		t.Errorf("got %v, want %s", got, want)
	}
}

// TestSinceWhenMemoryIsShort reads more than the inventory keeps in memory.
func TestSinceWhenMemoryIsShort(t *testing.T) {
	w := newWorld(t, disk())
	w.keep = 4
	w.load()
	w.root("a")
	w.scan("a", "put Disk d1 status=0")
	after := w.inv.Seq()
	const n = 700 // and more than is read from the store at once
	for i := range n {
		w.update("a", fmt.Sprintf("set Disk d1 status=%d", i+1))
	}
	seen := 0
	for ch, err := range w.inv.Since(t.Context(), after) {
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range ch.Updated {
			if i := u.Resource.Class.Attr("status"); i >= 0 {
				if seen++; u.Resource.Values[i] != resource.StringValue(fmt.Sprint(seen)) {
					t.Fatalf("change %d made it %v", seen, u.Resource.Values[i])
				}
			}
		}
		if seen == n {
			return
		}
	}
}

// TestTheLogDoesNotReachBack asks for what was trimmed, and for what never was.
func TestTheLogDoesNotReachBack(t *testing.T) {
	w := newWorld(t, disk())
	w.root("a")
	before := w.inv.Seq()
	w.scan("a", "put Disk d1 status=OK")
	middle := w.inv.Seq()
	w.update("a", "set Disk d1 status=BAD")
	if err := w.store.Trim(t.Context(), middle); err != nil {
		t.Fatal(err)
	}
	w.load()
	if _, err := w.inv.At(t.Context(), before); !errors.Is(err, feed.ErrBehind) {
		t.Errorf("at: got %v", err)
	}
	if g, err := w.inv.At(t.Context(), middle); err != nil || g.Get(2).Values[1] != resource.StringValue("OK") {
		t.Errorf("at the end of what is kept: got %v", err)
	}
	wantBehind(t, w, map[string]uint64{"trimmed": before, "of the future": w.inv.Seq() + 1})

	w = newWorld(t, disk())
	w.root("a")
	w.load()
	wantBehind(t, w, map[string]uint64{"older than the store": 7})
}

func wantBehind(t *testing.T, w *world, positions map[string]uint64) {
	t.Helper()
	for name, position := range positions {
		n := 0
		for ch, err := range w.inv.Since(t.Context(), position) {
			if n++; n > 1 || !errors.Is(err, feed.ErrBehind) {
				t.Errorf("since a position that is %s: got %v, %v", name, ch, err)
			}
		}
	}
}

func TestAtATime(t *testing.T) {
	w := newWorld(t, disk())
	w.root("a")
	for i := range 5 {
		w.scan("a", fmt.Sprintf("put Disk d1 status=%d", i))
	}
	last := w.inv.Get(2).Updated
	for back, want := range map[time.Duration]string{-time.Hour: "4", 0: "4", time.Millisecond: "3"} {
		g, err := w.inv.AtTime(t.Context(), last.Add(-back))
		if err != nil {
			t.Fatal(err)
		}
		if got := g.Get(2).Values[1].String(); got != want {
			t.Errorf("%v back: got %s, want %s", back, got, want)
		}
	}
	g, err := w.inv.AtTime(t.Context(), time.Unix(1, 0))
	if err != nil {
		t.Fatal(err)
	}
	for r := range g.All() {
		t.Errorf("at the beginning there was %s", r.Name())
	}
}

// Who reports an edge may change while a relation keeps the edge.
func TestThePastHasWhoReportedAnEdge(t *testing.T) {
	lun, dev := linked()
	w := newWorld(t, lun, dev)
	a := w.root("a")
	w.scan("a", "put Lun l serial=1", "put Dev d serial=1 < l")
	before := w.inv.Seq()
	w.update("a", "link d -l")
	g, err := w.inv.At(t.Context(), before)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for e := range g.Edges() {
		if n++; len(e.Roots) != 1 || e.Roots[0] != a {
			t.Errorf("edge %+v", e)
		}
	}
	if n != 1 {
		t.Errorf("%d edges", n)
	}
}
