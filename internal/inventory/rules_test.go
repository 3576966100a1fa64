package inventory_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/faultline-storage/faultline/internal/inventory"
	"github.com/faultline-storage/faultline/internal/resource"
)

// The model says what must hold; these tests say it one rule at a time.

func (w *world) entries() int {
	w.t.Helper()
	log, err := w.store.Log(context.Background(), 0, 1<<20)
	if err != nil {
		w.t.Fatal(err)
	}
	return len(log)
}

func (w *world) one(class string) *resource.Resource {
	w.t.Helper()
	page, err := w.inv.List(resource.Query{Class: class})
	if err != nil || len(page.Items) != 1 {
		w.t.Fatalf("%d resources of class %s, %v", len(page.Items), class, err)
	}
	return page.Items[0]
}

// linked declares that Lun provides to Dev by serial, Dev to Lun by wwn.
func linked() (lun, dev *resource.Class) {
	lun = class("Lun", "LogicalDrive", resource.Global, "id", "id", "serial?", "wwn?")
	dev = class("Dev", "", resource.Global, "id", "id", "serial?", "wwn?")
	lun.Relations = []resource.Relation{{Provide: true, Class: "Dev", Attributes: []string{"serial"}}}
	dev.Relations = []resource.Relation{{Provide: true, Class: "Lun", Attributes: []string{"wwn"}}}
	return lun, dev
}

func TestAScanMayTurnEdgesRound(t *testing.T) {
	w := newWorld(t, disk())
	w.root("a")
	w.scan("a", "put Disk d1", "put Disk d2 < d1", "put Disk d3 < d2")
	w.scan("a", "put Disk d1 < d2", "put Disk d2 < d3", "put Disk d3")
	w.want("Array a", "Disk d1 < d2", "Disk d2 < d3", "Disk d3")
}

func TestRelationsGiveWayToReportedEdges(t *testing.T) {
	lun, dev := linked()
	w := newWorld(t, lun, dev)
	w.root("a")
	w.scan("a", "put Lun l serial=1", "put Dev d serial=1")
	w.want("Array a", "Lun l serial=1", "Dev d serial=1 < l")
	w.open("a")
	w.update("a", "put Lun l@2 serial=1 < d@2", "put Dev d@2 serial=1")
	w.want("Array a", "Lun l serial=1 < d", "Dev d serial=1")
	w.open("a")
	w.update("a", "put Lun l@2 serial=1", "put Dev d@2 serial=1", "link l@2 -d@2")
	w.want("Array a", "Lun l serial=1", "Dev d serial=1 < l") // it fits again
}

func TestACycleIsRefusedAlsoWhereARelationMadeAnEdgeOfIt(t *testing.T) {
	lun, dev := linked()
	w := newWorld(t, lun, dev)
	w.root("a")
	w.scan("a", "put Lun l serial=1", "put Dev d serial=1")
	if err := w.apply("a", false, "link l +d", "link d +l"); resource.KindOf(err) != resource.Conflict {
		t.Errorf("error %v", err)
	}
	w.want("Array a", "Lun l serial=1", "Dev d serial=1 < l")
}

func TestTheGraphDoesNotDependOnTheOrderOfReports(t *testing.T) {
	lun, dev := linked()
	w := newWorld(t, lun, dev)
	w.root("a")
	// Both are parents of each other by a relation. The lower parent counts, in
	// whatever order the values came.
	w.scan("a", "put Lun l", "put Dev d")
	w.update("a", "set Dev d serial=1 wwn=2", "set Lun l wwn=2")
	w.update("a", "set Lun l serial=1")
	w.want("Array a", "Lun l serial=1 wwn=2", "Dev d serial=1 wwn=2 < l")
}

func TestARestartWritesNothing(t *testing.T) {
	lun, dev := linked()
	w := newWorld(t, lun, dev)
	w.root("a")
	w.scan("a", "put Lun l serial=1", "put Dev d serial=1")
	before, at := w.entries(), w.one("Dev").Updated
	w.load()
	if n := w.entries(); n != before {
		t.Errorf("a restart made %d entries in the change log", n-before)
	}
	if now := w.one("Dev").Updated; !now.Equal(at) {
		t.Errorf("updated at %v, after a restart at %v", at, now)
	}
}

func TestADefaultLabelFollowsThoseInIt(t *testing.T) {
	w := newWorld(t, disk(), class("Part", "", resource.Scoped, "of id", "&of", "id"))
	w.root("a")
	w.scan("a", "put Part p of=&d1", "put Disk d1")
	if l := w.one("Part").Label; l != "acme.Part acme.Disk d1 p" {
		t.Errorf("label %q", l)
	}
	name := "left"
	op := resource.Op{Kind: resource.Set, Handle: w.handles["a"]["d1"], Label: &name}
	if err := w.inv.Apply(t.Context(), &resource.Batch{Root: w.roots["a"], Session: fmt.Sprint("s", w.opened), Ops: []resource.Op{op}}); err != nil {
		t.Fatal(err)
	}
	if l := w.one("Part").Label; l != "acme.Part left p" {
		t.Errorf("label %q", l)
	}
}

func TestARootThatGoesTakesItsReportsAlong(t *testing.T) {
	box := class("Box", resource.BaseScannable, resource.Global, "id", "id", "&must")
	w := newWorld(t, disk(), box)
	w.root("a")
	w.scan("a", "put Disk d1")
	r, _, err := w.inv.AddRoot(t.Context(), box, []resource.Value{resource.StringValue("b"), resource.RefValue(int64(w.one("Disk").ID))})
	if err != nil {
		t.Fatal(err)
	}
	w.roots["b"] = r.ID
	w.scan("b", "put Disk d2")
	w.scan("a")
	w.want("Array a")
}

func TestARootStandsOnlyForEdgesOfWhatItReports(t *testing.T) {
	lun := class("Lun", "LogicalDrive", resource.Global, "id", "id")
	w := newWorld(t, lun)
	w.root("b")
	w.scan("b", "put Lun l1", "put Lun l2")
	w.root("a")
	w.scan("a", "put Lun l1", "put Lun l2 < l1")
	w.update("a", "remove l1")
	w.want("Array a", "Array b", "Lun l1", "Lun l2")
}

func TestATakenBackRootStaysOneNoMore(t *testing.T) {
	w := newWorld(t)
	w.root("a")
	w.scan("a", "put Array b") // found by a's scan
	w.root("b")
	if err := w.inv.RemoveRoot(t.Context(), w.roots["b"]); err != nil {
		t.Fatal(err)
	}
	w.load()
	if r := w.inv.Get(w.roots["b"]); r == nil || r.Root != nil {
		t.Errorf("after a restart it is %+v", r)
	}
}

func TestAnAutoIdCannotBeReported(t *testing.T) {
	auto := class("Auto", resource.BaseScannable, resource.Auto, "", "id")
	w := newWorld(t, auto)
	w.root("a")
	if err := w.apply("a", false, "put Auto x"); resource.KindOf(err) != resource.Invalid {
		t.Errorf("error %v", err)
	}
}

func TestPositionsFollowTheClock(t *testing.T) {
	w := newWorld(t)
	w.root("a")
	w.clock = w.clock.Add(24 * time.Hour)
	w.root("b")
	if at := w.clock.UnixMicro(); w.inv.Seq() < uint64(at)-1e6 {
		t.Errorf("position %d at %d", w.inv.Seq(), at)
	}
	// A clock that is set back does not set positions back.
	seq := w.inv.Seq()
	w.clock = w.clock.Add(-48 * time.Hour)
	w.root("c")
	if w.inv.Seq() != seq+1 {
		t.Errorf("position %d after %d", w.inv.Seq(), seq)
	}
}

func TestEditIsAllOrNothing(t *testing.T) {
	w := newWorld(t)
	id := w.root("a")
	array := w.inv.Class("acme", "Array")
	alias, bad := "left", "left "
	comment := []resource.AttrValue{{Index: array.Attr("comment"), Value: resource.StringValue("new")}}
	for _, e := range []inventory.Edit{
		{Alias: &bad, Class: array, Set: comment},
		{Alias: &alias, Class: array, Set: append(slices.Clone(comment), resource.AttrValue{Index: 0, Value: resource.StringValue("b")})},
		{Alias: &alias, Class: disk(), Set: comment},
	} {
		if err := w.inv.Edit(t.Context(), id, e); err == nil {
			t.Errorf("%+v was accepted", e)
		}
		if r := w.inv.Get(id); r.Alias != "" || !r.Values[1].IsNull() {
			t.Errorf("%+v was refused and left %+v", e, r)
		}
	}
	if err := w.inv.Edit(t.Context(), id, inventory.Edit{Alias: &alias, Class: array, Set: comment}); err != nil {
		t.Fatal(err)
	}
	if r := w.inv.Get(id); r.Name() != "left" || r.Values[1] != comment[0].Value {
		t.Errorf("edited to %+v", r)
	}
}

func TestACursorBelongsToItsOrder(t *testing.T) {
	w := newWorld(t, disk())
	w.root("a")
	w.scan("a", "put Disk d1 status="+strings.Repeat("x", 5000), "put Disk d2")
	page, err := w.inv.List(resource.Query{Sort: "status", Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	if len(page.Next) > 500 {
		t.Errorf("a cursor of %d bytes", len(page.Next))
	}
	if _, err := w.inv.List(resource.Query{Sort: "name", Limit: 1, Cursor: page.Next}); resource.KindOf(err) != resource.Invalid {
		t.Errorf("with another order: %v", err)
	}
}

// declared has the inventory take a new declaration of a class.
func (w *world) declare(c *resource.Class) error {
	w.t.Helper()
	inUse, err := w.inv.SetClasses(w.t.Context(), c.Plugin, []*resource.Class{c})
	if err == nil {
		w.classes[c.Name] = inUse[0]
	}
	return err
}

func TestANewDeclaration(t *testing.T) {
	w := newWorld(t, disk(), shelf())
	w.root("a")
	w.scan("a", "put Shelf s1", "put Disk d1 status=7 shelf=&s1 serial=x < s1")
	id := w.one("Disk").ID
	next := class("Disk", "PhysicalDisk", resource.Scoped, "id", "size?", "status", "id", "serial?")
	next.Attributes[1].Options, next.Attributes[1].Kind = []resource.Value{resource.StringValue("ok")}, resource.Enum
	next.Attributes[1].Default = resource.StringValue("ok")
	if err := w.declare(next); err != nil {
		t.Fatal(err)
	}
	w.want("Array a", "Shelf s1", "Disk d1 status=ok serial=x < s1")
	if got := w.one("Disk").ID; got != id {
		t.Errorf("ID %d, was %d", got, id)
	}
	if err := w.apply("a", false, "set Disk d1 serial=y"); resource.KindOf(err) != resource.Conflict {
		t.Errorf("a batch made for the old declaration: %v", err)
	}
	w.scan("a", "put Disk d1 status=ok")
	w.want("Array a", "Disk d1 status=ok")
}

func TestAnotherIdentifierMakesOtherResources(t *testing.T) {
	w := newWorld(t, disk())
	w.root("a")
	w.scan("a", "put Disk d1 serial=x")
	if err := w.declare(class("Disk", "PhysicalDisk", resource.Scoped, "id serial", "id", "status?", "&shelf?", "serial?")); err != nil {
		t.Fatal(err)
	}
	w.want("Array a")
	array := class("Array", resource.BaseScannable, resource.Global, "comment", "name", "comment?")
	if err := w.declare(array); resource.KindOf(err) != resource.Conflict || !strings.Contains(err.Error(), "comment") {
		t.Errorf("a root would lose its identity: %v", err)
	}
	w.want("Array a")
}

func TestAClassThatComesBackBringsItsResources(t *testing.T) {
	lun, dev := linked()
	w := newWorld(t, lun, dev, disk())
	w.root("a")
	w.scan("a", "put Lun l serial=1", "put Disk d < l", "put Dev d2 serial=1 < d")
	id := w.one("Disk").ID
	delete(w.classes, "Disk")
	w.load()
	if got := w.dump(); len(got) != 3 {
		t.Errorf("without the class there is %q", got)
	}
	changes := w.inv.Seq()
	if err := w.declare(disk()); err != nil {
		t.Fatal(err)
	}
	for ch, err := range w.inv.Since(t.Context(), changes) {
		if err != nil || len(ch.Created) != 1 || ch.Created[0].ID != id || len(ch.Updated) != 2 {
			t.Errorf("told of %+v, %v", ch, err)
		}
		break
	}
	w.want("Array a", "Lun l serial=1", "Disk d < l", "Dev d2 serial=1 < d l")
	w.scan("a", "put Disk d")
	if w.one("Disk").ID != id {
		t.Error("the disk is another one")
	}
}

func TestWhatHappenedWhileAClassWasAwayIsMadeUpFor(t *testing.T) {
	holder := class("Holder", "", resource.Scoped, "id", "id", "&must", "&may?")
	lun := class("Lun", "LogicalDrive", resource.Global, "id", "id", "&may?")
	w := newWorld(t, shelf(), holder, lun)
	w.root("a")
	w.scan("a", "put Shelf s1", "put Shelf s2", "put Holder h1 must=&s1 may=&s2 < s1 s2", "put Holder h2 must=&s2", "put Lun l may=&s2 < s1 s2")
	w.root("b")
	w.scan("b", "put Holder h3 must=&root", "put Lun l < root")
	delete(w.classes, "Holder")
	delete(w.classes, "Lun")
	w.load()
	w.scan("a", "put Shelf s1")
	if err := w.inv.RemoveRoot(t.Context(), w.roots["b"]); err != nil {
		t.Fatal(err)
	}
	inUse, err := w.inv.SetClasses(t.Context(), "acme", []*resource.Class{holder, lun})
	if err != nil {
		t.Fatal(err)
	}
	w.classes["Holder"], w.classes["Lun"] = inUse[0], inUse[1]
	if err := w.inv.Check(); err != nil {
		t.Error(err)
	}
	w.want("Array a", "Shelf s1", "Holder h1 must=&s1 < s1", "Lun l < s1")
}

// TestALabelledRoot keeps its label, takes another one, and is one with the root
// of the same identity that had none.
func TestALabelledRoot(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	values := []resource.Value{resource.StringValue("a"), resource.Null}
	plain, _, err := w.inv.AddRoot(t.Context(), w.classes["Array"], values)
	if err != nil {
		t.Fatal(err)
	}
	for _, label := range []string{"a on b", "a on b", "a on c"} {
		r, created, err := w.inv.AddLabelledRoot(t.Context(), w.classes["Array"], values, label)
		if err != nil || created || r.ID != plain.ID || r.Label != label || w.inv.Get(r.ID).Name() != label {
			t.Errorf("%s: got %+v, created %t, %v", label, r, created, err)
		}
	}
	r, created, err := w.inv.AddLabelledRoot(t.Context(), w.classes["Array"], []resource.Value{resource.StringValue("b"), resource.Null}, "b on b")
	if err != nil || !created || r.Label != "b on b" {
		t.Errorf("got %+v, created %t, %v", r, created, err)
	}
}
