package inventory_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"pgregory.net/rapid"

	"github.com/faultline-storage/faultline/internal/inventory"
	"github.com/faultline-storage/faultline/internal/resource"
)

// The acts of the machine. Each draws what to do, does it to the inventory and
// to the model, and compares whether it was refused.

var texts = []string{"", "a", "A", "b", "7"}

// plain draws a value for an attribute that is no reference.
func plain(t *rapid.T, c *resource.Class, i int) resource.Value {
	a := &c.Attributes[i]
	if slices.Contains(c.IDNames, a.Name) {
		return resource.StringValue(rapid.SampledFrom([]string{"1", "2", "3"}).Draw(t, a.Name))
	}
	s := rapid.SampledFrom(texts).Draw(t, a.Name)
	if s == "" && a.Optional {
		return resource.Null
	}
	if a.Kind == resource.Integer {
		n, _ := strconv.Atoi(s)
		return resource.IntValue(int64(n))
	}
	return resource.StringValue(s)
}

// pickRoot draws a root that a user added.
func (w *machine) pickRoot(t *rapid.T) resource.ID {
	var roots []resource.ID
	for id, r := range w.res {
		if r.root {
			roots = append(roots, id)
		}
	}
	if len(roots) == 0 {
		t.Skip("no root")
	}
	slices.Sort(roots)
	return rapid.SampledFrom(roots).Draw(t, "root")
}

// reference draws a resource to refer to by ID, or null.
func (w *machine) reference(t *rapid.T, name string) resource.Value {
	if len(w.res) == 0 || rapid.IntRange(0, 2).Draw(t, name+" null") == 0 {
		return resource.Null
	}
	return resource.RefValue(int64(rapid.SampledFrom(sortedIDs(w.res)).Draw(t, name)))
}

func (w *machine) addRoot(t *rapid.T) {
	c := w.classes[rapid.SampledFrom([]string{"acme.Array", "acme.Array", "acme.Box"}).Draw(t, "class")]
	values := make([]resource.Value, len(c.Attributes))
	for i := range values {
		if c.Attributes[i].Kind != resource.Reference {
			values[i] = plain(t, c, i)
		} else if values[i] = w.reference(t, c.Attributes[i].Name); values[i].IsNull() && !c.Attributes[i].Optional {
			t.Skip("nothing to refer to")
		}
	}
	if _, _, err := w.inv.AddRoot(context.Background(), c, slices.Clone(values)); err != nil {
		t.Fatal(err)
	}
	w.model.addRoot(c, values)
}

func (w *machine) edit(t *rapid.T) {
	if len(w.res) == 0 {
		t.Skip("nothing to edit")
	}
	id := rapid.SampledFrom(sortedIDs(w.res)).Draw(t, "resource")
	r := w.res[id]
	e := inventory.Edit{Class: r.class}
	if rapid.Bool().Draw(t, "alias?") {
		alias := rapid.SampledFrom([]string{"", "x", "y", " y"}).Draw(t, "alias")
		e.Alias = &alias
	}
	values := slices.Clone(r.values)
	for i, a := range r.class.Attributes {
		if a.Kind != resource.Reference && rapid.Bool().Draw(t, a.Name+"?") {
			values[i] = plain(t, r.class, i)
			e.Set = append(e.Set, resource.AttrValue{Index: i, Value: values[i]})
		}
	}
	ok := (e.Alias == nil || *e.Alias != " y") && (len(e.Set) == 0 || r.root) && identity(r.class, values) == r.identity
	w.agree(t, w.inv.Edit(context.Background(), id, e), ok)
	if !ok {
		return
	}
	for _, s := range e.Set {
		r.write(s.Index, s.Value, id)
	}
	if e.Alias != nil {
		r.alias = *e.Alias
	}
}

func (w *machine) agree(t *rapid.T, err error, ok bool) {
	if (err == nil) != ok {
		t.Fatalf("the inventory says %v; fine by the model: %t", err, ok)
	}
}

func (w *machine) open(t *rapid.T) {
	root := w.pickRoot(t)
	w.opened++
	id := fmt.Sprint("s", w.opened)
	told := map[resource.Handle]int{}
	if err := w.inv.OpenSession(root, id, func(hs []resource.Handle) {
		for _, h := range hs {
			told[h]++
		}
	}); err != nil {
		t.Fatal(err)
	}
	w.notices[id] = told
	w.sessions[root] = &conversation{id: id, handles: map[resource.Handle]resource.ID{0: root}}
}

func (w *machine) state(t *rapid.T) {
	id := w.pickRoot(t)
	live, offline := rapid.Bool().Draw(t, "live"), rapid.Bool().Draw(t, "offline")
	err := w.inv.SetRootState(context.Background(), id, func(s *resource.RootState) { s.Live, s.Offline = live, offline })
	if err != nil {
		t.Fatal(err)
	}
	w.inv.Contact(id, w.clock)
	w.res[id].live = live
}

func (w *machine) removeRoot(t *rapid.T) {
	id := w.pickRoot(t)
	if err := w.inv.RemoveRoot(context.Background(), id); err != nil {
		t.Fatal(err)
	}
	w.model.removeRoot(id)
}

func (w *machine) setClasses(t *rapid.T) {
	var version [7]int
	for k := range version {
		if rapid.IntRange(0, 2).Draw(t, "other?") == 0 {
			version[k] = rapid.IntRange(0, 3).Draw(t, "version")
		}
	}
	plugin := rapid.SampledFrom([]string{"acme", "linux"}).Draw(t, "plugin")
	var declared []*resource.Class
	for _, c := range declare(version) {
		if c.Plugin == plugin {
			declared = append(declared, c)
		}
	}
	inUse, err := w.inv.SetClasses(context.Background(), plugin, declared)
	if err != nil {
		t.Fatal(err)
	}
	changed := false
	for i, c := range inUse {
		k := slices.IndexFunc(w.known, func(o *resource.Class) bool { return o.FullName() == c.FullName() })
		if old := w.known[k]; old != c {
			if c != declared[i] {
				t.Fatalf("another %s is in use than before and than declared", c.Name)
			}
			changed = true
			w.known[k], w.classes[c.FullName()] = c, c
			w.model.reclass(old, c)
		}
	}
	if changed {
		w.model.settleClasses(plugin)
	}
}

// reclass gives the resources of a class its new declaration.
func (m *model) reclass(old, c *resource.Class) {
	for _, r := range m.res {
		if r.class != old {
			continue
		}
		values, writers := make([]resource.Value, len(c.Attributes)), map[string]resource.ID{}
		for i, a := range c.Attributes {
			name := a.Name
			for _, was := range a.RenamedFrom {
				if old.Attr(name) < 0 {
					name = was
				}
			}
			j := old.Attr(name)
			if j >= 0 {
				values[i] = recast(r.values[j], old.Attributes[j].Kind, a.Kind)
			}
			if values[i].IsNull() && !a.Optional {
				values[i] = a.Default
			}
			if j >= 0 && r.values[j] == values[i] && r.writers[name] != 0 {
				writers[a.Name] = r.writers[name]
			}
		}
		r.class, r.values, r.writers = c, values, writers
		if old.IDScope != c.IDScope || identity(c, values) != r.identity {
			r.identity = "" // it goes
		}
	}
}

// recast is what becomes of a value whose kind changes.
func recast(v resource.Value, from, to resource.Kind) resource.Value {
	switch {
	case from == to || v.IsNull():
		return v
	case from == resource.Integer && to == resource.String:
		return resource.StringValue(v.String())
	case from == resource.String && to == resource.Integer:
		text := v.String()
		if n, err := strconv.Atoi(text); err == nil && strconv.Itoa(n) == text {
			return resource.IntValue(int64(n))
		}
	}
	return resource.Null
}

// settleClasses removes what has no identity any more.
func (m *model) settleClasses(plugin string) {
	for root := range m.sessions {
		if m.res[root].class.Plugin == plugin {
			delete(m.sessions, root)
		}
	}
	dead := map[resource.ID]bool{}
	for id, r := range m.res {
		if r.identity == "" {
			dead[id] = true
		}
	}
	m.bury(dead)
}

func (w *machine) batch(t *rapid.T, complete bool) { w.cutBatch(t, complete, "") }

// cutBatch is a batch whose commit the store cuts "before" or "after" it takes
// place, unless cut is empty. It reports whether the store has it.
func (w *machine) cutBatch(t *rapid.T, complete bool, cut string) (kept bool) {
	if len(w.sessions) == 0 {
		t.Skip("no session")
	}
	root := rapid.SampledFrom(sortedIDs(w.sessions)).Draw(t, "session")
	s := w.sessions[root]
	if complete { // of the session that was opened just now
		for id, o := range w.sessions {
			if o.id == fmt.Sprint("s", w.opened) {
				root, s = id, o
			}
		}
	}
	g := &batchGen{w: w, t: t, s: s}
	b := &resource.Batch{Root: root, Session: s.id, Complete: complete || rapid.IntRange(0, 9).Draw(t, "complete") == 0, Ops: g.ops()}
	b.Samples = g.samples()
	copied := *b
	copied.Ops = make([]resource.Op, len(b.Ops))
	for i, op := range b.Ops {
		op.Values, op.Set = slices.Clone(op.Values), slices.Clone(op.Set)
		copied.Ops[i] = op
	}
	t.Logf("batch of root %d, complete %t", b.Root, b.Complete)
	for _, op := range b.Ops {
		t.Logf("  %+v", op)
	}
	next, err := w.model.apply(&copied)
	w.store.cut = cut
	got := w.inv.Apply(context.Background(), b)
	cut, w.store.cut = w.store.cut, "" // it stays if there was nothing to commit
	if cut == cutDone {
		if !errors.Is(got, errCut) {
			t.Fatalf("the commit failed, and the inventory says %v", got)
		}
		if w.store.kept {
			w.model = next
		}
		return w.store.kept
	}
	w.agree(t, got, err == nil)
	if err == nil {
		w.model = next
	}
	return err == nil
}

// crash cuts a commit short and starts anew from what the store has.
func (w *machine) crash(t *rapid.T) {
	w.cutBatch(t, rapid.Bool().Draw(t, "complete"), rapid.SampledFrom([]string{"before", "after"}).Draw(t, "cut"))
	for id := range w.res {
		w.newest = max(w.newest, id)
	}
	w.restart(t)
}

// rarely draws true once in more than n times.
func rarely(t *rapid.T, n int, what string) bool { return rapid.IntRange(0, n).Draw(t, what+"?") == n }

// batchGen draws the ops of a batch: mostly such as a plugin makes.
type batchGen struct {
	w *machine
	t *rapid.T
	s *conversation
	// subjects are the handles that ops may be about: put, and not removed.
	// Others may be named, too, before they are put.
	subjects, future []resource.Handle
	class            map[resource.Handle]*resource.Class
}

var reportable = []string{"acme.Disk", "acme.Lun", "linux.Dev", "acme.Part", "acme.Pool", "linux.SubDev", "acme.Array"}

func (g *batchGen) ops() []resource.Op {
	g.class = map[resource.Handle]*resource.Class{}
	for h, id := range g.s.handles {
		if r := g.w.res[id]; r != nil {
			g.subjects, g.class[h] = append(g.subjects, h), r.class
		} else if id != 0 && rarely(g.t, 2, "vanished") {
			g.subjects = append(g.subjects, h)
		}
	}
	slices.Sort(g.subjects)
	next := g.s.last
	for range rapid.IntRange(0, 6).Draw(g.t, "puts") {
		if next++; rarely(g.t, 4, "gap") {
			next++
		}
		g.class[next] = g.w.classes[rapid.SampledFrom(reportable).Draw(g.t, "class")]
		g.future = append(g.future, next)
	}
	var ops []resource.Op
	for range rapid.IntRange(len(g.future), len(g.future)+5).Draw(g.t, "ops") {
		if len(g.future) > 0 && rapid.Bool().Draw(g.t, "put?") {
			ops = append(ops, g.put())
		} else {
			ops = append(ops, g.change())
		}
	}
	for len(g.future) > 0 {
		ops = append(ops, g.put())
	}
	return ops
}

// handle draws a handle to name.
func (g *batchGen) handle(what string) resource.Handle {
	if rarely(g.t, 200, what+" odd") {
		return resource.Handle(rapid.IntRange(-1, 12).Draw(g.t, what+" any"))
	}
	return rapid.SampledFrom(slices.Concat(g.subjects, g.future)).Draw(g.t, what)
}

func (g *batchGen) value(c *resource.Class, i int) resource.Value {
	a := &c.Attributes[i]
	if a.Kind != resource.Reference {
		return plain(g.t, c, i)
	}
	if a.Optional && rapid.Bool().Draw(g.t, a.Name+" null") {
		return resource.Null
	}
	return resource.RefValue(int64(g.handle(a.Name)))
}

// parents draws handles to be parents of one: mostly of lower ones, so that
// not too many are refused for making a cycle.
func (g *batchGen) parents(what string, of resource.Handle, most int) (hs []resource.Handle) {
	for range rapid.IntRange(0, most).Draw(g.t, what+"s") {
		if h := g.handle(what); h < of || rarely(g.t, 3, "upwards") && h != of || rarely(g.t, 100, "itself") {
			hs = append(hs, h)
		}
	}
	return hs
}

func (g *batchGen) label() *string {
	if !rarely(g.t, 3, "own label") {
		return nil
	}
	s := rapid.SampledFrom([]string{"", "one", "two"}).Draw(g.t, "label")
	return &s
}

func (g *batchGen) put() resource.Op {
	h := g.future[0]
	c := g.class[h]
	op := resource.Op{Kind: resource.Put, Handle: h, Class: c, Values: make([]resource.Value, len(c.Attributes)), Label: g.label()}
	for i := range op.Values {
		op.Values[i] = g.value(c, i)
	}
	op.Parents = g.parents("parent", h, 2)
	g.future, g.subjects = g.future[1:], append(g.subjects, h)
	return op
}

func (g *batchGen) change() resource.Op {
	h := rapid.SampledFrom(g.subjects).Draw(g.t, "subject")
	if len(g.future) > 0 && rarely(g.t, 200, "too early") {
		h = g.future[0]
	}
	switch rapid.IntRange(0, 4).Draw(g.t, "kind") {
	case 0, 1:
		op := resource.Op{Kind: resource.Set, Handle: h, Label: g.label()}
		if c := g.class[h]; c != nil {
			for i, a := range c.Attributes {
				if rapid.Bool().Draw(g.t, "set "+a.Name) && (!slices.Contains(c.IDNames, a.Name) || rarely(g.t, 30, "set identity")) {
					op.Set = append(op.Set, resource.AttrValue{Index: i, Value: g.value(c, i)})
				}
			}
		}
		return op
	case 2:
		return resource.Op{Kind: resource.Link, Handle: h, Parents: g.parents("add", h, 2), Drop: g.parents("drop", h, 2)}
	}
	if h == 0 && !rarely(g.t, 100, "remove the root") {
		return resource.Op{Kind: resource.Link, Handle: h}
	}
	if !rarely(g.t, 200, "use it again") {
		g.subjects = slices.DeleteFunc(slices.Clone(g.subjects), func(o resource.Handle) bool { return o == h && h != 0 })
	}
	return resource.Op{Kind: resource.Remove, Handle: h}
}
