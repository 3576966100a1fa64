package inventory_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/faultline-storage/faultline/internal/resource"
)

// disks are put ops for the disks from a number to another, both included.
func disks(from, to int) (lines []string) {
	for i := from; i <= to; i++ {
		lines = append(lines, fmt.Sprintf("put Disk d%02d", i))
	}
	return lines
}

func (w *world) count(class string) int {
	w.t.Helper()
	return w.inv.Count(w.classes[class])
}

func (w *world) held(root string) *resource.HeldRemoval {
	w.t.Helper()
	return w.inv.Get(w.roots[root]).Root.Held
}

func TestTheMassDeleteGuard(t *testing.T) {
	tests := []struct {
		name      string
		had       int
		rescan    []string
		want      int // disks left
		wantsHeld int
	}{
		{"most of more than 20", 21, disks(1, 10), 21, 11},
		{"half of more than 20", 22, disks(1, 11), 11, 0},
		{"all of 20", 20, nil, 0, 0},
		{"all of 21", 21, nil, 21, 21},
		{"most, and others come", 21, disks(15, 40), 40, 14},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, disk())
			w.root("a")
			w.scan("a", disks(1, tt.had)...)
			w.scan("a", tt.rescan...)
			h := w.held("a")
			if got := w.count("Disk"); got != tt.want || (h == nil) != (tt.wantsHeld == 0) {
				t.Fatalf("%d disks are left, held %+v", got, h)
			}
			if h != nil && (h.Lacking != tt.wantsHeld || h.Of != tt.had || len(h.Resources) != tt.wantsHeld || !slices.IsSorted(h.Resources)) {
				t.Fatalf("held %+v", h)
			}
		})
	}
}

func TestASecondScanAgreesWithTheHeldOne(t *testing.T) {
	w := newWorld(t, disk())
	w.root("a")
	w.scan("a", disks(1, 30)...)
	w.scan("a", disks(1, 10)...)
	w.load() // what is held survives a restart
	if h := w.held("a"); h == nil || h.Lacking != 20 {
		t.Fatalf("held %+v", h)
	}
	// It lacks others: that is no second scan, but another first one.
	w.scan("a", disks(5, 14)...)
	if h := w.held("a"); h == nil || h.Lacking != 20 || w.count("Disk") != 30 {
		t.Fatalf("held %+v", h)
	}
	// It lacks less: what came back stays.
	w.scan("a", disks(5, 15)...)
	if h := w.held("a"); h != nil || w.count("Disk") != 11 {
		t.Fatalf("held %+v of %d", h, w.count("Disk"))
	}
}

func TestAScanThatFindsMostAgainIsBelieved(t *testing.T) {
	w := newWorld(t, disk())
	w.root("a")
	w.scan("a", disks(1, 30)...)
	w.scan("a", disks(1, 10)...)
	w.scan("a", disks(1, 20)...)
	if h := w.held("a"); h != nil || w.count("Disk") != 20 {
		t.Fatalf("held %+v of %d", h, w.count("Disk"))
	}
}

func TestWhatAnUpdateFindsAgainWaitsNoLonger(t *testing.T) {
	w := newWorld(t, disk())
	w.root("a")
	w.scan("a", disks(1, 30)...)
	w.scan("a", disks(1, 10)...)
	id := w.roots["a"]
	live := func(s *resource.RootState) { s.Live = true }
	if err := w.inv.SetRootState(t.Context(), id, live); err != nil {
		t.Fatal(err)
	}
	stale := func() (n int) {
		page, err := w.inv.List(resource.Query{Class: "Disk"})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page.Items {
			if w.inv.Stale(r) {
				n++
			}
		}
		return n
	}
	if n := stale(); n != 20 {
		t.Fatalf("%d disks are stale", n)
	}
	w.update("a", disks(11, 14)...)
	// A removal that an update asks for is not held, however much it is.
	w.update("a", "remove d01", "remove d02", "remove d11")
	if h := w.held("a"); h == nil || len(h.Resources) != 16 || stale() != 16 || w.count("Disk") != 27 {
		t.Fatalf("held %+v, %d stale, %d disks", h, stale(), w.count("Disk"))
	}
	if _, err := w.inv.ApproveRemoval(t.Context(), id, 20); resource.KindOf(err) != resource.Invalid {
		t.Fatalf("approved with the numbers of before: %v", err)
	}
	if n, err := w.inv.ApproveRemoval(t.Context(), id, 16); err != nil || n != 16 {
		t.Fatalf("approved %d, %v", n, err)
	}
	if w.held("a") != nil || w.count("Disk") != 11 {
		t.Fatalf("held %+v, %d disks", w.held("a"), w.count("Disk"))
	}
	if _, err := w.inv.ApproveRemoval(t.Context(), id, 0); resource.KindOf(err) != resource.Conflict {
		t.Fatalf("approved twice: %v", err)
	}
	w.update("a", "put Disk d50") // the session goes on
}

func TestAllFoundAgainByUpdatesEndsTheHold(t *testing.T) {
	w := newWorld(t, disk())
	w.root("a")
	w.scan("a", disks(1, 30)...)
	w.scan("a", disks(1, 10)...)
	w.update("a", disks(11, 30)...)
	if h := w.held("a"); h != nil {
		t.Fatalf("held %+v", h)
	}
}

// What another root reports too does not go, and so does not count.
func TestSharedResourcesAreNotGuarded(t *testing.T) {
	lun := class("Lun", "LogicalDrive", resource.Global, "id", "id")
	w := newWorld(t, lun)
	w.root("a")
	w.root("b")
	var all []string
	for i := range 30 {
		all = append(all, fmt.Sprint("put Lun ", i))
	}
	w.scan("a", all...)
	w.scan("b", all...)
	w.scan("b")
	if w.held("b") != nil || w.count("Lun") != 30 {
		t.Fatalf("held %+v", w.held("b"))
	}
	w.scan("a")
	if w.held("a") == nil || w.count("Lun") != 30 {
		t.Fatalf("held %+v, %d LUNs", w.held("a"), w.count("Lun"))
	}
	if err := w.inv.RemoveRoot(t.Context(), w.roots["a"]); err != nil {
		t.Fatal(err)
	}
	w.want("Array b")
}
