package inventory_test

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/faultline-storage/faultline/internal/inventory"
	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/internal/store/memory"
)

// class declares a class of the plugin "acme"; a trailing "?" makes an
// attribute optional, a leading "&" a reference.
func class(name, base string, scope resource.IDScope, id string, attrs ...string) *resource.Class {
	c := &resource.Class{Plugin: "acme", Name: name, IDScope: scope, Bases: []string{resource.BaseResource}}
	if base != "" {
		c.Bases = []string{base, resource.BaseResource}
	}
	if id != "" {
		c.IDNames = strings.Fields(id)
	}
	for _, a := range attrs {
		at := resource.Attribute{Kind: resource.String}
		a, at.Optional = strings.CutSuffix(a, "?")
		if ref, ok := strings.CutPrefix(a, "&"); ok {
			a, at.Kind = ref, resource.Reference
		}
		at.Name = a
		c.Attributes = append(c.Attributes, at)
	}
	c.Statistics = []resource.Statistic{{Name: "load", Kind: resource.Gauge}}
	c.Index()
	return c
}

// world is an inventory with an open session for each of its roots.
type world struct {
	t       *testing.T
	inv     *inventory.Inventory
	store   *memory.Store
	classes map[string]*resource.Class
	clock   time.Time
	clocked sync.Mutex // of clock
	roots   map[string]resource.ID
	handles map[string]map[string]resource.Handle // root → id → handle
	next    map[string]resource.Handle
	opened  int
	keep    int // see inventory.Options
	// sessions are the open sessions, told what they were told of deletions.
	sessions map[string]string
	told     map[string][]resource.Handle
}

func newWorld(t *testing.T, classes ...*resource.Class) *world {
	t.Helper()
	w := &world{t: t, store: memory.New(), classes: map[string]*resource.Class{}, clock: time.Unix(1e9, 0), roots: map[string]resource.ID{}}
	w.handles, w.next = map[string]map[string]resource.Handle{}, map[string]resource.Handle{}
	w.sessions, w.told = map[string]string{}, map[string][]resource.Handle{}
	array := class("Array", resource.BaseScannable, resource.Global, "name", "name", "comment?")
	for _, c := range append(classes, array) {
		w.classes[c.Name] = c
	}
	w.load()
	return w
}

// load makes the inventory from the store, as a restart does.
func (w *world) load() {
	w.t.Helper()
	var all []*resource.Class
	for _, c := range w.classes {
		all = append(all, c)
	}
	inv, err := inventory.New(w.t.Context(), inventory.Options{
		Store: w.store, Classes: all, Log: slog.New(slog.DiscardHandler), Keep: w.keep,
		Now: w.tick,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.inv = inv
}

// tick is the time of the inventory, a second later each time that it is asked for.
func (w *world) tick() time.Time {
	w.clocked.Lock()
	defer w.clocked.Unlock()
	w.clock = w.clock.Add(time.Second)
	return w.clock
}

// root adds a root and opens a session for it.
func (w *world) root(name string) resource.ID {
	w.t.Helper()
	r, _, err := w.inv.AddRoot(w.t.Context(), w.classes["Array"], []resource.Value{resource.StringValue(name), resource.Null})
	if err != nil {
		w.t.Fatal(err)
	}
	w.roots[name] = r.ID
	w.open(name)
	return r.ID
}

func (w *world) open(root string) {
	w.t.Helper()
	w.opened++
	id := fmt.Sprint("s", w.opened)
	told := func(hs []resource.Handle) { w.told[root] = append(w.told[root], hs...) }
	if err := w.inv.OpenSession(w.roots[root], id, told); err != nil {
		w.t.Fatal(err)
	}
	w.sessions[root], w.told[root] = id, nil
	w.handles[root], w.next[root] = map[string]resource.Handle{"root": 0}, 1
}

// op is written as "put Disk d1 shelf=&s1 < p1 p2", "set Disk d1 status=bad",
// "link d1 +p1 -p2" or "remove d1"; d1 is the value of the attribute "id". A
// second report of the same is told from the first as "d1@2".
func (w *world) ops(root string, lines ...string) []resource.Op {
	w.t.Helper()
	h := w.handles[root]
	for _, line := range lines { // a handle may be named before it is put
		f := strings.Fields(line)
		if f[0] == "put" {
			h[f[2]] = w.next[root]
			w.next[root]++
		}
	}
	var ops []resource.Op
	for _, line := range lines {
		f := strings.Fields(line)
		switch f[0] {
		case "put":
			c := w.classes[f[1]]
			op := resource.Op{Kind: resource.Put, Handle: h[f[2]], Class: c, Values: make([]resource.Value, len(c.Attributes))}
			id, _, _ := strings.Cut(f[2], "@")
			op.Values[max(0, c.Attr("id"))] = resource.StringValue(id) // of an array it is the name, the first
			rest := f[3:]
			if i := slices.Index(rest, "<"); i >= 0 {
				for _, p := range rest[i+1:] {
					op.Parents = append(op.Parents, h[p])
				}
				rest = rest[:i]
			}
			for _, kv := range rest {
				s := w.assign(c, h, kv)
				op.Values[s.Index] = s.Value
			}
			ops = append(ops, op)
		case "set":
			op := resource.Op{Kind: resource.Set, Handle: h[f[2]]}
			for _, kv := range f[3:] {
				op.Set = append(op.Set, w.assign(w.classes[f[1]], h, kv))
			}
			ops = append(ops, op)
		case "link":
			op := resource.Op{Kind: resource.Link, Handle: h[f[1]]}
			for _, p := range f[2:] {
				if p[0] == '+' {
					op.Parents = append(op.Parents, h[p[1:]])
				} else {
					op.Drop = append(op.Drop, h[p[1:]])
				}
			}
			ops = append(ops, op)
		case "remove":
			ops = append(ops, resource.Op{Kind: resource.Remove, Handle: h[f[1]]})
		}
	}
	return ops
}

func (w *world) assign(c *resource.Class, h map[string]resource.Handle, kv string) resource.AttrValue {
	k, v, _ := strings.Cut(kv, "=")
	s := resource.AttrValue{Index: c.Attr(k), Value: resource.StringValue(v)}
	if v == "" {
		s.Value = resource.Null
	} else if target, ok := strings.CutPrefix(v, "&"); ok {
		s.Value = resource.RefValue(int64(h[target]))
	}
	return s
}

func (w *world) apply(root string, complete bool, lines ...string) error {
	w.t.Helper()
	return w.inv.Apply(w.t.Context(), &resource.Batch{
		Root: w.roots[root], Session: w.sessions[root], Complete: complete, Ops: w.ops(root, lines...),
	})
}

func (w *world) scan(root string, lines ...string) {
	w.t.Helper()
	w.open(root)
	if err := w.apply(root, true, lines...); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) update(root string, lines ...string) {
	w.t.Helper()
	if err := w.apply(root, false, lines...); err != nil {
		w.t.Fatal(err)
	}
}

// want compares the graph with lines "Class id attr=value < parents", sorted,
// after checking it against itself, and again after a restart, which ends
// every session.
func (w *world) want(lines ...string) {
	w.t.Helper()
	slices.Sort(lines)
	for range 2 {
		if got := w.dump(); !slices.Equal(got, lines) {
			w.t.Fatalf("the graph is\n  %s\nand should be\n  %s", strings.Join(got, "\n  "), strings.Join(lines, "\n  "))
		}
		w.load()
	}
}

func (w *world) dump() []string {
	w.t.Helper()
	page, err := w.inv.List(resource.Query{Limit: 10000})
	if err != nil {
		w.t.Fatal(err)
	}
	name := func(id resource.ID) string {
		r := w.inv.Get(id)
		if r == nil {
			w.t.Fatalf("resource %d is named and does not exist", id)
		}
		if i := r.Class.Attr("id"); i >= 0 {
			return r.Values[i].String()
		}
		return r.Values[0].String()
	}
	var lines []string
	for _, r := range page.Items {
		b := r.Class.Name + " " + name(r.ID)
		for i, v := range r.Values {
			a := r.Class.Attributes[i].Name
			if v.IsNull() || a == "id" || a == "name" {
				continue
			}
			if target, ok := v.Ref(); ok {
				b += " " + a + "=&" + name(resource.ID(target))
			} else {
				b += " " + a + "=" + v.String()
			}
		}
		var ps []string
		for _, p := range r.Parents {
			ps = append(ps, name(p))
			if !slices.Contains(w.inv.Get(p).Children, r.ID) {
				w.t.Fatalf("%s is no child of its parent %s", name(r.ID), name(p))
			}
		}
		for _, c := range r.Children {
			if !slices.Contains(w.inv.Get(c).Parents, r.ID) {
				w.t.Fatalf("%s is no parent of its child %s", name(r.ID), name(c))
			}
		}
		if len(ps) > 0 {
			slices.Sort(ps)
			b += " < " + strings.Join(ps, " ")
		}
		lines = append(lines, b)
	}
	slices.Sort(lines)
	return lines
}
