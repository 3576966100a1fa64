package inventory_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/faultline-storage/faultline/internal/inventory"
	"github.com/faultline-storage/faultline/internal/resource"
)

// storyOf tells the history of a resource from a position on, the newest first.
func (w *world) storyOf(id resource.ID, from uint64) (lines []string) {
	w.t.Helper()
	for c, err := range w.inv.History(w.t.Context(), resource.HistoryPosition{Resource: id, Seq: from}) {
		if err != nil {
			w.t.Fatal(err)
		}
		lines = append(lines, story(c))
	}
	return lines
}

func story(c *resource.Change) string {
	var b strings.Builder
	fmt.Fprint(&b, c.Resource)
	if c.Created {
		fmt.Fprint(&b, " created")
	}
	for _, a := range c.Attributes {
		fmt.Fprintf(&b, " %s:%s→%s", a.Name, a.From, a.To)
		if a.Secret {
			fmt.Fprint(&b, "secret")
		}
	}
	if c.Label != nil {
		fmt.Fprintf(&b, " label:%s→%s", c.Label.From, c.Label.To)
	}
	if c.Alias != nil {
		fmt.Fprintf(&b, " alias:%s→%s", c.Alias.From, c.Alias.To)
	}
	for i, l := range []*resource.ChangedLinks{c.Parents, c.Children} {
		if l == nil {
			continue
		}
		fmt.Fprint(&b, []string{" parents", " children"}[i])
		for _, a := range l.Added {
			fmt.Fprintf(&b, " +%s", a.Name)
		}
		for _, r := range l.Removed {
			fmt.Fprintf(&b, " -%s", r.Name)
		}
	}
	if c.Session != nil {
		fmt.Fprintf(&b, " offline=%t %s", c.Session.Offline, c.Session.Error)
	}
	if c.Deleted != nil {
		fmt.Fprintf(&b, " deleted %s", c.Deleted.Name)
	}
	return b.String()
}

func wantStory(t *testing.T, got []string, want ...string) {
	t.Helper()
	if g, w := strings.Join(got, "\n"), strings.Join(want, "\n"); g != w {
		t.Fatalf("the history is\n%s\nand should be\n%s", g, w)
	}
}

func storyWorld(t *testing.T) *world {
	shelf := class("Shelf", "Enclosure", resource.Scoped, "id", "id")
	disk := class("Disk", "PhysicalDisk", resource.Scoped, "id", "id", "status?", "&shelf?", "key?")
	disk.Attributes[3].Kind = resource.Password
	disk.Index()
	return newWorld(t, shelf, disk)
}

func TestTheHistoryOfAResource(t *testing.T) {
	w := storyWorld(t)
	root := w.root("a")
	w.scan("a", "put Shelf s", "put Shelf s2", "put Disk d status=OK key=first < s")
	shelf, disk := resource.ID(2), resource.ID(4)
	w.update("a", "set Disk d status=FAILED key=second")
	middle := w.inv.Seq()
	alias := "left"
	if err := w.inv.Edit(t.Context(), disk, inventory.Edit{Alias: &alias}); err != nil {
		t.Fatal(err)
	}
	w.update("a", "set Disk d shelf=&s2", "link d +s2 -s")
	w.update("a", "put Disk e < s")
	wantDisk := []string{
		"4 shelf:null→{\"$ref\":3} parents +acme.Shelf s2 -acme.Shelf s",
		"4 alias:→left",
		`4 status:"OK"→"FAILED" key:→secret`,
		"4 created",
	}
	wantStory(t, w.storyOf(disk, math.MaxInt64), wantDisk...)
	wantStory(t, w.storyOf(disk, middle), wantDisk[2:]...)
	wantStory(t, w.storyOf(disk, 0), wantDisk[3:]...)
	wantStory(t, w.storyOf(shelf, math.MaxInt64), "2 children +acme.Disk e", "2 children -left", "2 created")

	// It goes, and comes back as another resource with the same identity.
	w.update("a", "remove d")
	gone := append([]string{"4 deleted left"}, wantDisk...)
	wantStory(t, w.storyOf(disk, math.MaxInt64), gone...)
	w.update("a", "put Disk d status=OK")
	wantStory(t, w.storyOf(6, math.MaxInt64), append([]string{"6 created"}, gone...)...)
	w.load() // as the store has it
	wantStory(t, w.storyOf(6, math.MaxInt64), append([]string{"6 created"}, gone...)...)
	wantStory(t, w.storyOf(99, math.MaxInt64))

	if err := w.inv.SetRootState(t.Context(), root, func(s *resource.RootState) { s.Offline, s.Error = true, "no route" }); err != nil {
		t.Fatal(err)
	}
	if err := w.inv.SetRootState(t.Context(), root, func(s *resource.RootState) { s.Offline, s.Live = false, true }); err != nil {
		t.Fatal(err)
	}
	wantStory(t, w.storyOf(root, math.MaxInt64), "1 offline=false ", "1 offline=true no route", "1 created")

	// What is trimmed is no longer told; that it was there still is.
	if since, err := w.inv.HistorySince(t.Context()); err != nil || !since.IsZero() {
		t.Errorf("all is kept, and the history begins at %v, %v", since, err)
	}
	if err := w.store.Trim(t.Context(), w.inv.Seq()); err != nil {
		t.Fatal(err)
	}
	wantStory(t, w.storyOf(6, math.MaxInt64), "6 created")
	wantStory(t, w.storyOf(disk, math.MaxInt64))
	since, err := w.inv.HistorySince(t.Context())
	if err != nil || since.Before(time.Unix(1e9, 0)) || since.After(w.clock) {
		t.Errorf("the history begins at %v, %v", since, err)
	}
}

func TestTheHistoryNamesAFewOfManyLinks(t *testing.T) {
	w := storyWorld(t)
	w.root("a")
	w.scan("a", "put Shelf s")
	lines := make([]string, resource.MaxChangedLinks+10)
	for i := range lines {
		lines[i] = fmt.Sprintf("put Disk d%d < s", i)
	}
	w.update("a", lines...)
	for c, err := range w.inv.History(t.Context(), resource.HistoryPosition{Resource: 2, Seq: math.MaxInt64}) {
		if err != nil {
			t.Fatal(err)
		}
		if c.Children.AddedCount != len(lines) || len(c.Children.Added) != resource.MaxChangedLinks {
			t.Errorf("%d of %d children are named, want %d of %d", len(c.Children.Added), c.Children.AddedCount, resource.MaxChangedLinks, len(lines))
		}
		break
	}
}

// A history is read in pages, and each is asked for when it is needed.
func TestALongHistory(t *testing.T) {
	w := storyWorld(t)
	w.root("a")
	w.scan("a", "put Disk d status=0")
	want := []string{"2 created"}
	for i := range 250 {
		w.update("a", fmt.Sprintf("set Disk d status=%d", i+1))
		want = append([]string{fmt.Sprintf(`2 status:"%d"→"%d"`, i, i+1)}, want...)
	}
	wantStory(t, w.storyOf(2, math.MaxInt64), want...)
}
