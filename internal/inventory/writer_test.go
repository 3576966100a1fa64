package inventory_test

import (
	"slices"
	"testing"

	"github.com/faultline-storage/faultline/internal/resource"
)

// writtenBy checks who wrote each attribute of the only LUN, by the names of
// the roots ("" for nobody), also after a restart.
func (w *world) writtenBy(want ...string) {
	w.t.Helper()
	var ids []resource.ID
	for _, name := range want {
		ids = append(ids, w.roots[name])
	}
	open := w.inv
	defer func() { w.inv = open }() // with its sessions
	for range 2 {
		if got := w.one("Lun").WrittenBy; !slices.Equal(got, ids) {
			w.t.Fatalf("written by %v, want %v", got, ids)
		}
		w.load()
	}
}

func TestTheLastWriterWinsEachAttribute(t *testing.T) {
	lun := class("Lun", "LogicalDrive", resource.Global, "id", "id", "size?", "owner?", "note?")
	w := newWorld(t, lun)
	w.root("a")
	w.root("b")
	w.scan("a", "put Lun l size=10 owner=left")
	w.writtenBy() // with one reporter it goes without saying
	w.scan("b", "put Lun l size=20 note=new")
	want := func(line string) {
		t.Helper()
		got := w.dump()
		if slices.Sort(got); got[len(got)-1] != "Lun "+line {
			t.Fatalf("got %s, want Lun %s", got[len(got)-1], line)
		}
	}
	want("l size=20 owner=left note=new") // b said nothing about the owner
	w.writtenBy("a", "b", "a", "b")

	// The same value again is no write, another one is, and so is null.
	w.scan("a", "put Lun l size=20 owner=left")
	w.writtenBy("a", "b", "a", "b")
	w.update("a", "set Lun l size=30 note=")
	want("l size=30 owner=left")
	w.writtenBy("a", "a", "a", "a")

	// What a root wrote stays when it goes, without its name.
	w.root("c")
	w.scan("c", "put Lun l note=third")
	w.writtenBy("a", "a", "a", "c")
	w.scan("a")
	want("l size=30 owner=left note=third")
	w.writtenBy("", "", "", "c")
	w.scan("b", "put Lun l size=40")
	want("l size=40 note=third") // nobody stands for the owner any more
	w.writtenBy("b", "b", "b", "c")
	w.scan("c")
	w.writtenBy()
	want("l size=40 note=third")
}

func TestAUserWritesForTheRoot(t *testing.T) {
	w := newWorld(t)
	a := w.root("a")
	b := w.root("b")
	w.scan("a", "put Array b comment=found")
	r := w.inv.Get(b)
	if got := r.WrittenBy; !slices.Equal(got, []resource.ID{b, a}) {
		t.Fatalf("written by %v", got)
	}
}
