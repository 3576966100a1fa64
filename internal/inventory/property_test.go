package inventory_test

import (
	"context"
	"encoding/json"
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
		})
		w.goBack(rt)
	})
}

// machine is an inventory and its model, side by side.
type machine struct {
	*model
	inv    *inventory.Inventory
	store  *memory.Store
	clock  time.Time
	opened int
	newest resource.ID // that anybody ever saw
	// known are the classes as declared now, versions how often each was changed.
	known  []*resource.Class
	before map[resource.ID]resource.Resource // as of the last comparison
	mirror map[resource.ID]*resource.Resource
	seq    uint64
	// past has the states that the change log must lead back to, by the number
	// of its entries.
	past []map[resource.ID]memory1
}

// memory1 is what the change log keeps of a resource.
type memory1 struct {
	Class, Label, Alias string
	Attributes          map[string]resource.Value
	Parents             []resource.ID
}

func newMachine(t *rapid.T) *machine {
	w := &machine{store: memory.New(), clock: time.Unix(1e9, 0), known: declare([7]int{})}
	w.model = newModel(w.known)
	w.restart(t)
	w.past = append(w.past, map[resource.ID]memory1{})
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
	return []*resource.Class{
		array, box,
		pick(0, class("Disk", "PhysicalDisk", resource.Scoped, "id", "id", "status?", "&shelf?"), number, small),
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
	w.remember(t, got)
}

// dumpAll returns every resource, by paging through a list.
func dumpAll(t *rapid.T, inv *inventory.Inventory) map[resource.ID]resource.Resource {
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

func (w *machine) compareModel(t *rapid.T, got map[resource.ID]resource.Resource) {
	parents := w.parents()
	children := map[resource.ID][]resource.ID{}
	counts := map[*resource.Class]int{}
	for id, r := range w.res {
		counts[r.class]++
		for _, p := range parents[id] {
			children[p] = append(children[p], id)
		}
	}
	want := map[resource.ID]resource.Resource{}
	for id, m := range w.res {
		r := resource.Resource{
			ID: id, Class: m.class, Values: m.values, Identity: m.identity, Label: w.label(m), OwnLabel: m.label != nil,
			Alias: m.alias, Scope: m.scope, Reporters: sortedIDs(m.reporters), WrittenBy: m.writtenBy(), Parents: parents[id], Children: children[id],
			FirstSeen: got[id].FirstSeen, Updated: got[id].Updated,
		}
		slices.Sort(r.Children)
		if m.root {
			r.Root = got[id].Root
			if r.Root == nil {
				r.Root = &resource.RootState{}
			}
		}
		want[id] = r
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

func samePast(a, b map[resource.ID]memory1) bool { return maps.EqualFunc(a, b, sameRecord) }

// remember keeps the state for goBack.
func (w *machine) remember(t *rapid.T, got map[resource.ID]resource.Resource) {
	now := map[resource.ID]memory1{}
	for id, r := range got {
		now[id] = record(&r)
	}
	log, err := w.store.Log(context.Background(), 0, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	switch len(log) - len(w.past) {
	case -1:
		if last := w.past[len(log)]; !samePast(last, now) {
			t.Fatalf("without an entry in the log, %+v became %+v", last, now)
		}
	case 0:
		w.past = append(w.past, now)
	default:
		t.Fatalf("one act made %d entries in the log", len(log)+1-len(w.past))
	}
}

// goBack follows the change log backwards.
func (w *machine) goBack(t *rapid.T) {
	log, err := w.store.Log(context.Background(), 0, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	for k := len(log) - 1; k >= 0 && k+1 < len(w.past); k-- {
		var e struct {
			Created [][2]resource.ID
			Updated []struct {
				ID           resource.ID
				Was          map[string]json.RawMessage
				Label, Alias *string
				Parents      []resource.ID
				Orphan       bool
			}
			Deleted []struct {
				ID                  resource.ID
				Class, Label, Alias string
				Attributes          map[string]json.RawMessage
				Parents             []resource.ID
			}
		}
		if err := json.Unmarshal(log[k].Log, &e); err != nil {
			t.Fatal(err)
		}
		state := maps.Clone(w.past[k+1])
		for _, r := range e.Created {
			for id := r[0]; id <= r[1]; id++ {
				delete(state, id)
			}
		}
		for _, u := range e.Updated {
			m := state[u.ID]
			m.Attributes = maps.Clone(m.Attributes)
			for name, raw := range u.Was {
				setRaw(t, m.Attributes, name, raw)
			}
			if u.Label != nil {
				m.Label, m.Alias = *u.Label, *u.Alias
			}
			if u.Parents != nil || u.Orphan {
				m.Parents = u.Parents
			}
			state[u.ID] = m
		}
		for _, d := range e.Deleted {
			m := memory1{Class: d.Class, Label: d.Label, Alias: d.Alias, Parents: d.Parents, Attributes: map[string]resource.Value{}}
			for name, raw := range d.Attributes {
				setRaw(t, m.Attributes, name, raw)
			}
			state[d.ID] = m
		}
		if !samePast(state, w.past[k]) {
			t.Fatalf("back over %s is\n%+v\nand it was\n%+v", log[k].Log, state, w.past[k])
		}
	}
}

func setRaw(t *rapid.T, to map[string]resource.Value, name string, raw []byte) {
	a := resource.Attribute{Kind: resource.Enum}
	if raw[0] == '{' {
		a.Kind = resource.Reference
	}
	v, err := a.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	if delete(to, name); !v.IsNull() {
		to[name] = v
	}
}
