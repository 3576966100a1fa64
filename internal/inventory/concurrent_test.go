package inventory_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/faultline-storage/faultline/internal/resource"
)

// TestReadersSeeWholeCommits reads in all ways while the graph changes in all
// ways. The race detector has a part in it.
func TestReadersSeeWholeCommits(t *testing.T) {
	lun, dev := linked()
	w := newWorld(t, disk(), shelf(), lun, dev)
	w.root("a")
	ctx, stop := context.WithCancel(t.Context())
	var readers sync.WaitGroup
	read := func(f func()) {
		readers.Go(func() {
			for ctx.Err() == nil {
				f()
			}
		})
	}
	read(func() {
		all, seq, _ := w.inv.Subscribe(ctx)
		there := map[resource.ID]*resource.Resource{}
		for r := range all {
			there[r.ID] = r
		}
		for id, r := range there {
			for _, p := range r.Parents {
				if there[p] == nil || !slices.Contains(there[p].Children, id) {
					t.Errorf("at %d, %d has the parent %d, which does not know it", seq, id, p)
				}
			}
		}
	})
	read(func() {
		for _, sort := range []string{"name", "status", "-updated"} {
			page, err := w.inv.List(resource.Query{Sort: sort, Text: "d", DescendantOf: w.roots["a"]})
			if err != nil {
				t.Error(err)
			}
			for _, r := range page.Items {
				w.inv.Stale(r)
				w.inv.Walk(r.ID, resource.Up, 0, 0)
				w.inv.Count(r.Class)
			}
		}
		w.inv.Classes()
	})
	for i := range 60 {
		s := fmt.Sprint(i % 7)
		w.scan("a", "put Shelf s"+s, "put Disk d1 status=x < s"+s, "put Disk d2 shelf=&d1 < d1", "put Lun l serial="+s, "put Dev v serial="+s)
		w.update("a", "set Disk d1 status="+s, "remove d2", "link s"+s+" +root")
		w.inv.Contact(w.roots["a"], w.clock)
		if err := w.inv.SetRootState(ctx, w.roots["a"], func(r *resource.RootState) { r.Live = !r.Live }); err != nil {
			t.Error(err)
		}
		if i%20 == 10 {
			next := disk()
			next.OwnLabel = fmt.Sprint("Disk ", i)
			if err := w.declare(next); err != nil {
				t.Error(err)
			}
		}
	}
	stop()
	readers.Wait()
	if err := w.inv.Check(); err != nil {
		t.Error(err)
	}
}
