package inventory_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/faultline-storage/faultline/internal/resource"
)

func disk() *resource.Class {
	return class("Disk", "PhysicalDisk", resource.Scoped, "id", "id", "status?", "&shelf?", "serial?")
}

func shelf() *resource.Class { return class("Shelf", "Enclosure", resource.Scoped, "id", "id") }

func TestAnInitialScanIsTheWholeTruth(t *testing.T) {
	w := newWorld(t, disk(), shelf())
	w.root("a")
	w.scan("a", "put Shelf s1", "put Shelf s2", "put Disk d1 shelf=&s1 < s1", "put Disk d2 < s1 s2")
	w.want("Array a", "Shelf s1", "Shelf s2", "Disk d1 shelf=&s1 < s1", "Disk d2 < s1 s2")
	id := w.inv.Get(w.roots["a"]).ID
	w.scan("a", "put Shelf s1", "put Disk d2 status=bad < s1")
	w.want("Array a", "Shelf s1", "Disk d2 status=bad < s1")
	if w.inv.Get(id) == nil {
		t.Error("the root changed its ID")
	}
}

func TestARescanKeepsIDs(t *testing.T) {
	w := newWorld(t, disk(), shelf())
	w.root("a")
	w.scan("a", "put Disk d1")
	before, _ := w.inv.List(resource.Query{Class: "Disk"})
	w.scan("a", "put Disk d1 status=bad")
	after, _ := w.inv.List(resource.Query{Class: "Disk"})
	if before.Items[0].ID != after.Items[0].ID || !before.Items[0].FirstSeen.Equal(after.Items[0].FirstSeen) {
		t.Errorf("%+v became %+v", before.Items[0], after.Items[0])
	}
}

func TestHandlesMayBeNamedBeforeTheyArePut(t *testing.T) {
	w := newWorld(t, disk(), shelf())
	w.root("a")
	w.scan("a", "put Disk d1 shelf=&s1 < s1", "put Shelf s1")
	w.want("Array a", "Shelf s1", "Disk d1 shelf=&s1 < s1")
}

func TestIdentifyingReferences(t *testing.T) {
	part := class("Part", "", resource.Scoped, "of id", "&of", "id")
	w := newWorld(t, disk(), part)
	w.root("a")
	w.scan("a", "put Part 1 of=&d1", "put Disk d1", "put Disk d2")
	w.update("a", "put Part 1 of=&d2")
	w.want("Array a", "Disk d1", "Disk d2", "Part 1 of=&d1", "Part 1 of=&d2")
}

func TestUpdates(t *testing.T) {
	for _, tc := range []struct {
		name   string
		update []string
		want   []string
	}{
		{"an attribute", []string{"set Disk d1 status=bad"}, []string{"Disk d1 status=bad < s1", "Shelf s1", "Shelf s2"}},
		{"a parent more", []string{"link d1 +s2"}, []string{"Disk d1 < s1 s2", "Shelf s1", "Shelf s2"}},
		{"another parent", []string{"link d1 +s2 -s1"}, []string{"Disk d1 < s2", "Shelf s1", "Shelf s2"}},
		{"a parent twice", []string{"link d1 +s2", "link d1 +s2"}, []string{"Disk d1 < s1 s2", "Shelf s1", "Shelf s2"}},
		{"a parent that is not there", []string{"link d1 -s2"}, []string{"Disk d1 < s1", "Shelf s1", "Shelf s2"}},
		{"removal", []string{"remove d1"}, []string{"Shelf s1", "Shelf s2"}},
		{"removal of a parent", []string{"remove s1"}, []string{"Disk d1", "Shelf s2"}},
		{"removal and the same again", []string{"remove d1", "put Disk d1@2 status=new < s2"}, []string{"Disk d1 status=new < s2", "Shelf s1", "Shelf s2"}},
		{"removal and the same again, named before", []string{"set Disk d1 shelf=&s1@2", "remove s1", "put Shelf s1@2"}, []string{"Disk d1 shelf=&s1", "Shelf s1", "Shelf s2"}},
		{"the last value counts", []string{"put Disk d2 shelf=&d1@2", "set Disk d1 status=old", "remove d1", "put Disk d1@2 status=new"}, []string{"Disk d1 status=new", "Disk d2 shelf=&d1", "Shelf s1", "Shelf s2"}},
		{"removal of a parent and the same again", []string{"remove s1", "put Shelf s1@2"}, []string{"Disk d1", "Shelf s1", "Shelf s2"}},
		{"partners", []string{"put Disk d2 shelf=&d3", "put Disk d3 shelf=&d2"}, []string{"Disk d1 < s1", "Disk d2 shelf=&d3", "Disk d3 shelf=&d2", "Shelf s1", "Shelf s2"}},
		{"an edge turned round", []string{"link s1 +d1", "link d1 -s1"}, []string{"Disk d1", "Shelf s1 < d1", "Shelf s2"}},
		{"an edge that would close a cycle through what goes", []string{"link s2 +d1", "link s1 +s2", "remove d1"}, []string{"Shelf s1 < s2", "Shelf s2"}},
		{"a child of what was just put", []string{"put Shelf s3", "put Disk d2 < s3"}, []string{"Disk d1 < s1", "Disk d2 < s3", "Shelf s1", "Shelf s2", "Shelf s3"}},
		{"nothing", nil, []string{"Disk d1 < s1", "Shelf s1", "Shelf s2"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t, disk(), shelf())
			w.root("a")
			w.scan("a", "put Shelf s1", "put Shelf s2", "put Disk d1 < s1")
			w.update("a", tc.update...)
			w.want(append(tc.want, "Array a")...)
		})
	}
}

func TestReferencesToWhatGoes(t *testing.T) {
	holder := class("Holder", "", resource.Scoped, "id", "id", "&must", "&may?")
	w := newWorld(t, disk(), holder)
	w.root("a")
	w.scan("a", "put Disk d1", "put Disk d2", "put Holder h1 must=&d1 may=&d2", "put Holder h2 must=&d2 may=&d1", "put Holder h3 must=&h2")
	w.update("a", "remove d2")
	w.want("Array a", "Disk d1", "Holder h1 must=&d1")
}

func TestAGlobalResourceLivesWhileSomebodyReportsIt(t *testing.T) {
	lun := class("Lun", "LogicalDrive", resource.Global, "id", "id", "status?")
	w := newWorld(t, lun, shelf())
	w.root("a")
	w.root("b")
	w.scan("a", "put Shelf s", "put Lun l < s")
	w.scan("b", "put Shelf s", "put Lun l status=b < s")
	w.want("Array a", "Array b", "Shelf s", "Shelf s", "Lun l status=b < s s")
	w.scan("a")
	w.want("Array a", "Array b", "Shelf s", "Lun l status=b < s")
	if err := w.inv.RemoveRoot(t.Context(), w.roots["b"]); err != nil {
		t.Fatal(err)
	}
	w.want("Array a")
}

func TestACycleIsRefusedWithItsPath(t *testing.T) {
	w := newWorld(t, disk())
	w.root("a")
	w.scan("a", "put Disk d1", "put Disk d2 < d1", "put Disk d3 < d2")
	err := w.apply("a", false, "set Disk d1 status=lost", "link d1 +d3")
	if resource.KindOf(err) != resource.Conflict {
		t.Fatalf("error %v", err)
	}
	for _, part := range []string{"cycle", `["d1"]`, `["d2"]`, `["d3"]`} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q lacks %s", err, part)
		}
	}
	w.want("Array a", "Disk d1", "Disk d2 < d1", "Disk d3 < d2") // nothing of the batch
}

func TestAnIdentifierNeverChanges(t *testing.T) {
	w := newWorld(t, disk())
	w.root("a")
	w.scan("a", "put Disk d1")
	var f *resource.Fault
	if err := w.apply("a", false, "set Disk d1 id=d9"); !errors.As(err, &f) || f.Field != "id" {
		t.Errorf("error %v", err)
	}
}

func TestRelations(t *testing.T) {
	lun := class("Lun", "LogicalDrive", resource.Scoped, "id", "id", "serial?")
	lun.Relations = []resource.Relation{{Provide: true, Plugin: "acme", Class: "ScsiDevice", Attributes: []string{"serial"}, IgnoreCase: true}}
	scsi := class("ScsiDevice", "", resource.Global, "id", "id", "serial?")
	sub := class("SubDevice", "ScsiDevice", resource.Global, "id", "id", "serial?")
	w := newWorld(t, lun, scsi, sub)
	w.root("a")
	w.root("host")
	w.scan("a", "put Lun l1 serial=ABC", "put Lun l2")
	w.scan("host", "put ScsiDevice x serial=abc", "put SubDevice y serial=Abc", "put ScsiDevice z")
	w.want("Array a", "Array host", "Lun l1 serial=ABC", "Lun l2", "ScsiDevice x serial=abc < l1", "SubDevice y serial=Abc < l1", "ScsiDevice z")
	w.open("host")
	w.update("host", "put ScsiDevice x serial=other", "put ScsiDevice z serial=ABC")
	w.want("Array a", "Array host", "Lun l1 serial=ABC", "Lun l2", "ScsiDevice x serial=other", "SubDevice y serial=Abc < l1", "ScsiDevice z serial=ABC < l1")
	w.scan("a", "put Lun l2 serial=OTHER")
	w.want("Array a", "Array host", "Lun l2 serial=OTHER", "ScsiDevice x serial=other < l2", "SubDevice y serial=Abc", "ScsiDevice z serial=ABC")
}

func TestStaleWithoutALiveSession(t *testing.T) {
	w := newWorld(t, disk())
	id := w.root("a")
	w.scan("a", "put Disk d1")
	page, _ := w.inv.List(resource.Query{Class: "Disk"})
	if !w.inv.Stale(page.Items[0]) {
		t.Error("fresh before the session was said to be live")
	}
	if err := w.inv.SetRootState(t.Context(), id, func(r *resource.RootState) { r.Live = true }); err != nil {
		t.Fatal(err)
	}
	if w.inv.Stale(page.Items[0]) {
		t.Error("stale although the session is live")
	}
}

func TestUsersMayOnlyRemoveWhatTheyAdded(t *testing.T) {
	w := newWorld(t, disk())
	w.root("a")
	w.scan("a", "put Disk d1")
	page, _ := w.inv.List(resource.Query{Class: "Disk"})
	if err := w.inv.RemoveRoot(t.Context(), page.Items[0].ID); resource.KindOf(err) != resource.Conflict {
		t.Errorf("error %v", err)
	}
	if err := w.inv.RemoveRoot(t.Context(), w.roots["a"]); err != nil {
		t.Error(err)
	}
	w.want()
}

func TestSubscribersSeeEveryChangeOnce(t *testing.T) {
	w := newWorld(t, disk())
	w.root("a")
	all, _, changes := w.inv.Subscribe(t.Context())
	n := 0
	for range all {
		n++
	}
	w.scan("a", "put Disk d1", "put Disk d2")
	w.update("a", "set Disk d1 status=bad", "remove d2")
	w.update("a", "set Disk d1 status=bad") // changes nothing
	w.update("a", "set Disk d1 status=good")
	var got []string
	for ch, err := range changes {
		if err != nil {
			t.Fatal(err)
		}
		line := ""
		for _, r := range ch.Created {
			line += "+" + r.Label
		}
		for _, u := range ch.Updated {
			line += "~" + u.Resource.Label
		}
		for _, r := range ch.Deleted {
			line += "-" + r.Label
		}
		if got = append(got, line); len(got) == 3 {
			break
		}
	}
	want := "+acme.Disk d1+acme.Disk d2|~acme.Disk d1-acme.Disk d2|~acme.Disk d1"
	if n != 1 || strings.Join(got, "|") != want {
		t.Errorf("%d resources at first, then %q, want %q", n, got, want)
	}
}

func TestListPagesAreStable(t *testing.T) {
	w := newWorld(t, disk())
	w.root("a")
	var lines []string
	for _, s := range []string{"b", "a", "", "c", "a", "", "b"} {
		l := "put Disk d" + string(rune('0'+len(lines)))
		if s != "" {
			l += " status=" + s
		}
		lines = append(lines, l)
	}
	w.scan("a", lines...)
	for sort, want := range map[string]string{
		"status": "d1 d4 d0 d6 d3 d2 d5", "-status": "d3 d6 d0 d4 d1 d5 d2", "name": "d0 d1 d2 d3 d4 d5 d6", "-name": "d6 d5 d4 d3 d2 d1 d0",
	} {
		q := resource.Query{Class: "Disk", Sort: sort, Limit: 2}
		var got []string
		for {
			page, err := w.inv.List(q)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range page.Items {
				got = append(got, r.Values[0].String())
			}
			if q.Cursor = page.Next; q.Cursor == "" {
				break
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("by %s: %v, want %s", sort, got, want)
		}
	}
}
