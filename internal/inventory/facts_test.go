package inventory_test

import (
	"testing"

	"github.com/faultline-storage/faultline/internal/resource"
)

// family declares a provider and a subscriber, each with a subclass. The
// subclasses inherit the relation, as the SDKs have them do.
func family(rel resource.Relation) (classes []*resource.Class) {
	of := func(plugin, name string, bases ...string) *resource.Class {
		c := class(name, "", resource.Scoped, "id", "id", "serial?", "side?")
		c.Plugin, c.Bases = plugin, append(bases, resource.BaseResource)
		return c
	}
	lun, thin := of("acme", "Lun"), of("acme", "ThinLun", "Lun")
	dev, path := of("linux", "Dev"), of("linux", "Path", "Dev")
	short := class("Short", "", resource.Scoped, "id", "id") // lacks what the relation names
	short.Plugin, short.Bases = "linux", []string{"Dev", resource.BaseResource}
	if rel.Provide {
		lun.Relations, thin.Relations = []resource.Relation{rel}, []resource.Relation{rel}
	} else {
		dev.Relations, path.Relations = []resource.Relation{rel}, []resource.Relation{rel}
	}
	return []*resource.Class{lun, thin, dev, path, short}
}

func TestRelationsOfSubclassesOnBothSides(t *testing.T) {
	for name, rel := range map[string]resource.Relation{
		"provide":   {Provide: true, Plugin: "linux", Class: "Dev", Attributes: []string{"serial", "side"}},
		"subscribe": {Plugin: "acme", Class: "Lun", Attributes: []string{"serial", "side"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, family(rel)...)
			w.root("a")
			w.root("b")
			reports := map[string][]string{
				"a": {"put Lun l serial=1 side=x", "put ThinLun t serial=1 side=x", "put Lun no serial=1", "put Lun other serial=1x side="},
				"b": {"put Dev d serial=1 side=x", "put Path p serial=1 side=x", "put Short s", "put Dev y serial=1 side=y", "put Dev null"},
			}
			want := []string{
				"Array a", "Array b", "Lun l serial=1 side=x", "ThinLun t serial=1 side=x", "Lun no serial=1", "Lun other serial=1x",
				"Dev d serial=1 side=x < l t", "Path p serial=1 side=x < l t", "Short s", "Dev y serial=1 side=y", "Dev null",
			}
			for _, order := range [][2]string{{"a", "b"}, {"b", "a"}} {
				for _, root := range order {
					w.scan(root, reports[root]...)
				}
				w.want(want...)
			}
		})
	}
}

// A plugin may be loaded after the one that its relation names, and the other
// way round; unloaded, it leaves its resources and their links.
func TestARelationWaitsForItsTarget(t *testing.T) {
	all := family(resource.Relation{Provide: true, Plugin: "linux", Class: "Dev", Attributes: []string{"serial"}})
	w := newWorld(t, all[:2]...)
	w.root("a")
	w.scan("a", "put Lun l serial=1", "put Array b")
	if _, err := w.inv.SetClasses(t.Context(), "linux", all[2:]); err != nil {
		t.Fatal(err)
	}
	for _, c := range all[2:] {
		w.classes[c.Name] = c
	}
	w.root("c")
	w.scan("c", "put Path p serial=1")
	w.want("Array a", "Array b", "Array c", "Lun l serial=1", "Path p serial=1 < l")
}

func TestTheMiddleOfAChainLeavesItsEnds(t *testing.T) {
	pool := class("Pool", "StoragePool", resource.Scoped, "id", "id", "&on?")
	w := newWorld(t, disk(), pool)
	w.root("a")
	w.scan("a", "put Disk d < root", "put Pool p on=&d < d", "put Pool q on=&p < p", "put Pool r on=&d < d q")
	w.update("a", "remove p")
	w.want("Array a", "Disk d < a", "Pool q", "Pool r on=&d < d q")
}

func TestWhatComesAndGoesInOneTurn(t *testing.T) {
	pool := class("Pool", "StoragePool", resource.Global, "id", "id", "note?")
	w := newWorld(t, disk(), pool)
	w.root("a")
	w.scan("a", "put Disk d", "put Pool p note=old < d", "put Pool q < p")
	id, entries := w.inv.Get(3).ID, w.entries()

	// What is put and removed leaves nothing behind; a parent that is added and
	// removed leaves things as they were.
	w.update("a", "put Pool x < d", "link q +x", "remove x", "link q +d", "link q -d")
	if n := w.entries() - entries; n != 0 {
		t.Errorf("%d entries in the change log", n)
	}
	w.want("Array a", "Disk d", "Pool p note=old < d", "Pool q < p")

	// What is removed and put again is there, as the same resource.
	w.open("a")
	w.update("a", "put Disk d@2", "put Pool p@2 note=old", "put Pool q@2")
	w.update("a", "remove p@2", "put Pool p@3 note=new < d@2")
	w.want("Array a", "Disk d", "Pool p note=new < d", "Pool q")
	if r := w.inv.Get(id); r == nil || r.Values[1] != resource.StringValue("new") {
		t.Errorf("resource %d is %v", id, r)
	}
}
