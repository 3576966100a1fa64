package inventory_test

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/faultline-storage/faultline/internal/inventory"
	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/internal/store/memory"
)

// TestAgainstANaiveModel runs random acts of users and plugins against the
// inventory and the model, and compares all that can be seen after each.
func TestAgainstANaiveModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newMachine(rt)
		rt.Repeat(map[string]func(*rapid.T){
			"":           w.compare,
			"addRoot":    w.addRoot,
			"edit":       w.edit,
			"open":       w.open,
			"scan":       func(t *rapid.T) { w.open(t); w.batch(t, true) },
			"update":     func(t *rapid.T) { w.batch(t, false) },
			"update2":    func(t *rapid.T) { w.batch(t, false) },
			"state":      w.state,
			"removeRoot": w.removeRoot,
			"restart":    w.restart,
			"setClasses": w.setClasses,
			"crash":      w.crash,
		})
		w.history.check(rt, w.inv, w.store)
		w.history.check(rt, w.load(rt), w.store)
	})
}

// machine is an inventory and its model, side by side.
type machine struct {
	*model
	inv    *inventory.Inventory
	store  *cutStore
	clock  time.Time
	opened int
	// notices are how often each session was told that a resource is gone.
	notices map[string]map[resource.Handle]int
	newest  resource.ID // that anybody ever saw
	// known are the classes as declared now, versions how often each was changed.
	known  []*resource.Class
	before map[resource.ID]resource.Resource // as of the last comparison
	mirror map[resource.ID]*resource.Resource
	seq    uint64
	history
}

// memory1 is what moves the time of the last update of a resource.
type memory1 struct {
	Class, Label, Alias string
	Attributes          map[string]resource.Value
	Parents             []resource.ID
}

func newMachine(t *rapid.T) *machine {
	w := &machine{notices: map[string]map[resource.Handle]int{}, store: &cutStore{Store: memory.New()}, history: newHistory(), clock: time.Unix(1e9, 0), known: declare([7]int{})}
	w.model = newModel(w.known)
	w.restart(t)
	return w
}

// declare returns the classes, each in one of its versions.
func declare(version [7]int) []*resource.Class {
	pick := func(k int, versions ...*resource.Class) *resource.Class { return versions[version[k]%len(versions)] }
	array := class("Array", resource.BaseScannable, resource.Global, "id", "id", "status?", "&may?")
	box := class("Box", resource.BaseScannable, resource.Global, "id", "id", "&must")
	lun := func() *resource.Class {
		c := class("Lun", "LogicalDrive", resource.Global, "id", "id", "serial?", "wwn?", "&may?")
		c.Relations = []resource.Relation{{Provide: true, Plugin: "linux", Class: "Dev", Attributes: []string{"serial"}, IgnoreCase: true}}
		return c
	}
	both := lun()
	both.Relations = append(both.Relations, resource.Relation{Plugin: "linux", Class: "Dev", Attributes: []string{"serial", "wwn"}})
	none := lun()
	none.Relations, none.OwnLabel = nil, "LUN"
	dev := func(id, base string, attrs ...string) *resource.Class {
		c := class(id, base, resource.Global, "id", append([]string{"id", "serial?"}, attrs...)...)
		c.Plugin = "linux"
		return c
	}
	sub := dev("SubDev", "Dev", "wwn?")
	sub.Relations = []resource.Relation{{Provide: true, Class: "SubDev", Attributes: []string{"wwn"}}}
	number := class("Disk", "PhysicalDisk", resource.Scoped, "id", "id", "status?", "&shelf?", "&must", "more?")
	number.Attributes[1].Kind = resource.Integer
	small := class("Disk", "PhysicalDisk", resource.Scoped, "id", "&may?", "status", "id")
	small.Attributes[1].Default = resource.StringValue("fine")
	named := class("Disk", "PhysicalDisk", resource.Scoped, "key", "state?", "key", "&on?")
	for i, was := range []string{"status", "id", "shelf"} {
		named.Attributes[i].RenamedFrom = []string{"older", was}
	}
	return []*resource.Class{
		array, box,
		pick(0, class("Disk", "PhysicalDisk", resource.Scoped, "id", "id", "status?", "&shelf?"), number, small, named),
		pick(1, class("Part", "", resource.Scoped, "of id", "&of", "id", "&may?"), class("Part", "", resource.Scoped, "id", "&of", "id")),
		pick(2, lun(), both, none, class("Lun", "LogicalDrive", resource.Scoped, "id", "id", "serial?", "wwn?")),
		pick(3, class("Pool", "StoragePool", resource.Global, "id", "id", "&must"), class("Pool", "StoragePool", resource.Global, "id", "id", "&must?")),
		pick(4, dev("Dev", "", "wwn?"), dev("Dev", "")),
		pick(5, sub, dev("SubDev", "Dev", "wwn?")),
	}
}

func (w *machine) now() time.Time { w.clock = w.clock.Add(time.Millisecond); return w.clock }

func (w *machine) load(t *rapid.T) *inventory.Inventory {
	inv, err := inventory.New(context.Background(), inventory.Options{
		Store: w.store, Classes: w.known, Log: slog.New(slog.DiscardHandler), Now: w.now,
	})
	if err != nil {
		t.Fatal(err)
	}
	return inv
}

func (w *machine) restart(t *rapid.T) {
	w.inv = w.load(t)
	w.next = w.newest + 1 // what came and went in one turn left nothing behind
	w.sessions = map[resource.ID]*conversation{}
	for _, r := range w.res {
		r.live = false
	}
	snapshot, seq, _ := w.inv.Subscribe(context.Background())
	w.mirror, w.seq = map[resource.ID]*resource.Resource{}, seq
	for r := range snapshot {
		w.mirror[r.ID] = r
	}
	w.before = nil
}

func (w *machine) compare(t *rapid.T) {
	if err := w.inv.Check(); err != nil {
		t.Fatal(err)
	}
	got := dumpAll(t, w.inv)
	w.compareModel(t, got)
	w.follow(t, got)
	if again := dumpAll(t, w.load(t)); !sameDump(got, again) {
		t.Fatalf("after a restart the graph is\n%s\nbefore it was\n%s", show(again), show(got))
	}
	for id, r := range got {
		old, ok := w.before[id]
		if !ok {
			continue
		}
		a, b := record(&old), record(&r)
		moved := old.Class != r.Class || !sameRecord(a, b)
		if moved == old.Updated.Equal(r.Updated) || !old.FirstSeen.Equal(r.FirstSeen) {
			t.Fatalf("resource %d: updated %v, then %v; it was %+v and is %+v", id, old.Updated, r.Updated, a, b)
		}
	}
	for id := range got {
		w.newest = max(w.newest, id)
	}
	w.before = got
	w.history.remember(t, w.store, w.inv.Seq(), got)
	w.compareTold(t)
}

// compareTold looks at what the open sessions were told of: what they did not
// remove, and is gone all the same.
func (w *machine) compareTold(t *rapid.T) {
	for _, s := range w.sessions {
		want := map[resource.Handle]int{}
		for h, id := range s.handles {
			if id != 0 && w.res[id] == nil && !s.removed[id] {
				want[h] = 1
			}
		}
		got := maps.Clone(w.notices[s.id])
		for h := range got {
			if s.handles[h] == 0 { // the plugin removed it after it was told
				delete(got, h)
			}
		}
		if !maps.Equal(got, want) {
			t.Fatalf("session %s was told of %v, want %v", s.id, got, want)
		}
	}
}

// dumpAll returns every resource, by paging through a list.
func dumpAll(t rapid.TB, inv *inventory.Inventory) map[resource.ID]resource.Resource {
	all := map[resource.ID]resource.Resource{}
	q := resource.Query{Limit: 7, Sort: "name"}
	for {
		page, err := inv.List(q)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page.Items {
			if _, twice := all[r.ID]; twice {
				t.Fatalf("resource %d is listed twice", r.ID)
			}
			all[r.ID] = *r
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			return all
		}
	}
}

// text shows all of a resource but what only lives in memory.
func text(r *resource.Resource) string {
	root := ""
	if r.Root != nil {
		root = fmt.Sprintf(" root(%t %s)", r.Root.Offline, r.Root.Error)
	}
	return fmt.Sprintf("%d %s %s label=%q/%t alias=%q %s reporters=%v written=%s scope=%d parents=%v children=%v%s seen=%d updated=%d",
		r.ID, r.Class.FullName(), r.Identity, r.Label, r.OwnLabel, r.Alias, r.AppendAttributes(nil),
		r.Reporters, r.AppendWriters(nil), r.Scope, r.Parents, r.Children, root, r.FirstSeen.UnixNano(), r.Updated.UnixNano())
}

func show(all map[resource.ID]resource.Resource) (s string) {
	for _, id := range sortedIDs(all) {
		r := all[id]
		s += "  " + text(&r) + "\n"
	}
	return s
}

func sameDump(a, b map[resource.ID]resource.Resource) bool { return show(a) == show(b) }

// dump returns the resources as they should be. Times and the states of roots
// are not the model's business; they are as got has them.
func (m *model) dump(got map[resource.ID]resource.Resource) map[resource.ID]resource.Resource {
	parents := m.parents()
	children := map[resource.ID][]resource.ID{}
	for id := range m.res {
		for _, p := range parents[id] {
			children[p] = append(children[p], id)
		}
	}
	want := map[resource.ID]resource.Resource{}
	for id, o := range m.res {
		r := resource.Resource{
			ID: id, Class: o.class, Values: o.values, Identity: o.identity, Label: m.label(o), OwnLabel: o.label != nil,
			Alias: o.alias, Scope: o.scope, Reporters: sortedIDs(o.reporters), WrittenBy: o.writtenBy(), Parents: parents[id], Children: children[id],
			FirstSeen: got[id].FirstSeen, Updated: got[id].Updated,
		}
		slices.Sort(r.Children)
		if o.root {
			r.Root = got[id].Root
			if r.Root == nil {
				r.Root = &resource.RootState{}
			}
		}
		want[id] = r
	}
	return want
}

func (w *machine) compareModel(t *rapid.T, got map[resource.ID]resource.Resource) {
	want := w.dump(got)
	counts := map[*resource.Class]int{}
	for id, m := range w.res {
		counts[m.class]++
		if g := w.inv.Get(id); g != nil && w.inv.Stale(g) != w.stale(m) {
			t.Fatalf("%v: stale %t", m, w.inv.Stale(g))
		}
	}
	if !sameDump(got, want) {
		t.Fatalf("the graph is\n%s\nand should be\n%s", show(got), show(want))
	}
	for _, c := range w.inv.Classes() {
		page, err := w.inv.List(resource.Query{Plugin: c.Plugin, Class: c.Name})
		if err != nil || len(page.Items) != counts[c] || w.inv.Count(c) != counts[c] {
			t.Fatalf("%s: %d listed, %d counted (%v), want %d", c.FullName(), len(page.Items), w.inv.Count(c), err, counts[c])
		}
	}
}

// follow applies the changes that subscribers were told of to a copy of the
// graph, which must then be the graph.
func (w *machine) follow(t *rapid.T, got map[resource.ID]resource.Resource) {
	if now := w.inv.Seq(); now > w.seq {
		for ch, err := range w.inv.Since(context.Background(), w.seq) {
			if err != nil {
				t.Fatal(err)
			}
			w.history.tell(ch, w.mirror)
			for _, r := range ch.Created {
				if w.mirror[r.ID] != nil {
					t.Fatalf("%d was created twice", r.ID)
				}
				w.mirror[r.ID] = r
			}
			for _, u := range ch.Updated {
				w.checkUpdate(t, &u)
				w.mirror[u.Resource.ID] = u.Resource
			}
			for _, r := range ch.Deleted {
				if old := w.mirror[r.ID]; old == nil || text(old) != text(r) {
					t.Fatalf("deleted as %v, was %v", text(r), old)
				}
				delete(w.mirror, r.ID)
			}
			if w.seq = ch.Seq; w.seq >= now {
				break
			}
		}
	}
	mirror := map[resource.ID]resource.Resource{}
	for id, r := range w.mirror {
		mirror[id] = *r
	}
	if !sameDump(got, mirror) {
		t.Fatalf("the changes lead to\n%s\nand the graph is\n%s", show(mirror), show(got))
	}
}

func (w *machine) checkUpdate(t *rapid.T, u *resource.Update) {
	old, now := w.mirror[u.Resource.ID], u.Resource
	if old == nil {
		t.Fatalf("%d was updated and never created", now.ID)
	}
	name := old.Label != now.Label || old.Alias != now.Alias || old.Class != now.Class
	edges := !slices.Equal(old.Parents, now.Parents) || !slices.Equal(old.Children, now.Children)
	if u.Name != name || u.Edges != edges {
		t.Fatalf("update %+v from %s to %s", u, text(old), text(now))
	}
	for i, a := range now.Class.Attributes {
		was := resource.Null
		if j := old.Class.Attr(a.Name); j >= 0 {
			was = old.Values[j]
		}
		if (was != now.Values[i]) != slices.Contains(u.Attributes, i) {
			t.Fatalf("update of the attributes %v from %s to %s", u.Attributes, text(old), text(now))
		}
	}
}

func record(r *resource.Resource) memory1 {
	m := memory1{Class: r.Class.FullName(), Label: r.Label, Alias: r.Alias, Parents: r.Parents, Attributes: map[string]resource.Value{}}
	for i, v := range r.Values {
		if !v.IsNull() {
			m.Attributes[r.Class.Attributes[i].Name] = v
		}
	}
	return m
}

func sameRecord(a, b memory1) bool {
	return a.Class == b.Class && a.Label == b.Label && a.Alias == b.Alias && slices.Equal(a.Parents, b.Parents) && maps.Equal(a.Attributes, b.Attributes)
}
