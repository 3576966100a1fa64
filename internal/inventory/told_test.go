package inventory_test

import (
	"slices"
	"testing"

	"github.com/faultline-storage/faultline/internal/resource"
)

// wantTold checks what the session of a root was told of, and forgets it.
func (w *world) wantTold(root string, names ...string) {
	w.t.Helper()
	var want []resource.Handle
	for _, n := range names {
		want = append(want, w.handles[root][n])
	}
	if !slices.Equal(w.told[root], want) {
		w.t.Fatalf("the session of %s was told of %v, want %v", root, w.told[root], want)
	}
	w.told[root] = nil
}

func TestSessionsAreToldOfWhatIsDeletedUnderThem(t *testing.T) {
	shelf := class("Shelf", "Enclosure", resource.Scoped, "id", "id")
	pool := class("Pool", "StoragePool", resource.Global, "id", "id", "&on")
	lun := class("Lun", "LogicalDrive", resource.Scoped, "id", "id", "&pool", "&spare?")
	w := newWorld(t, shelf, pool, lun)
	w.root("a")
	w.root("b")
	w.scan("b", "put Shelf s", "put Pool p on=&s", "put Lun l1 pool=&p < p", "put Lun l2 pool=&p", "put Shelf free")
	w.scan("a", "put Shelf s", "put Pool p on=&s", "put Lun l pool=&p")
	w.wantTold("a")
	w.wantTold("b")

	// The pool stood on the shelf of a, by a's word, which was the last. It goes
	// with it, and with the pool what b has on it.
	w.update("a", "remove l", "remove p", "remove s")
	w.wantTold("a") // it did so itself
	w.wantTold("b", "p", "l1", "l2")

	// A plugin that does not know yet may go on for a while.
	w.update("b", "set Lun l1 spare=", "link l2 +s", "remove l1")
	// Then it reports again what it still has.
	w.update("b", "put Pool p on=&s", "put Lun l2 pool=&p < p")
	w.want("Array a", "Array b", "Shelf s", "Shelf free", "Pool p on=&s", "Lun l2 pool=&p < p")
}

func TestASessionIsToldOfWhatItsOwnRemovalTakesAlong(t *testing.T) {
	shelf := class("Shelf", "Enclosure", resource.Scoped, "id", "id")
	disk := class("Disk", "PhysicalDisk", resource.Scoped, "on id", "&on", "id")
	w := newWorld(t, shelf, disk)
	w.root("a")
	w.scan("a", "put Shelf s", "put Disk d1 on=&s", "put Disk d2 on=&s")
	w.update("a", "remove s", "remove d1")
	w.wantTold("a", "d2")
}

func TestARemovedRootTellsOthers(t *testing.T) {
	pool := class("Pool", "StoragePool", resource.Global, "id", "id", "&on")
	w := newWorld(t, pool)
	a := w.root("a")
	w.root("b")
	w.scan("b", "put Pool p on=&root")
	w.scan("a", "put Pool p on=&root")
	if err := w.inv.RemoveRoot(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	w.wantTold("b", "p")
	w.update("b", "put Pool p on=&root")
	w.want("Array b", "Pool p on=&b")
}

func TestASessionIsToldOfWhatItPutsInVain(t *testing.T) {
	shelf := class("Shelf", "Enclosure", resource.Scoped, "id", "id")
	disk := class("Disk", "PhysicalDisk", resource.Scoped, "on id", "&on", "id")
	w := newWorld(t, shelf, disk)
	w.root("a")
	w.scan("a", "put Shelf s")
	w.update("a", "put Disk d1 on=&s", "put Disk d2 on=&s", "remove d2", "remove s")
	w.wantTold("a", "d1")
	w.want("Array a")
}

// A plugin that was not told yet fails no turn.
func TestAPluginMayNameWhatIsGone(t *testing.T) {
	shelf := class("Shelf", "Enclosure", resource.Scoped, "id", "id")
	pool := class("Pool", "StoragePool", resource.Global, "id", "id", "&on", "note?")
	part := class("Part", "", resource.Scoped, "of id", "&of", "id")
	w := newWorld(t, shelf, pool, part)
	w.root("a")
	w.root("b")
	w.scan("b", "put Shelf s", "put Pool p on=&s", "put Pool q on=&p")
	w.scan("a", "put Shelf s", "put Pool p on=&s", "put Pool r on=&s")
	w.update("b", "put Pool r on=&s")
	w.update("a", "set Pool r on=&s note=a", "remove p", "remove s", "put Shelf s2", "set Pool r on=&s2")
	w.wantTold("b", "p", "q")
	w.update("b",
		"put Part x of=&p",          // identified by what is gone
		"put Pool new on=&q",        // and this, by a mandatory reference
		"put Pool onnew on=&new",    // and what is on that
		"put Pool r@2 on=&p note=b", // somebody else reports this one
		"set Pool r on=&p",
	)
	w.wantTold("b", "x", "new", "onnew")
	w.want("Array a", "Array b", "Shelf s", "Shelf s2", "Pool r on=&s2 note=b")
}
