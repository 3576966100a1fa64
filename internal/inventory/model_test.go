package inventory_test

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/faultline-storage/faultline/internal/inventory/graph"
	"github.com/faultline-storage/faultline/internal/resource"
)

// model is the inventory done naively: plain maps, and everything that follows
// from something else worked out from scratch whenever it is asked for.
type model struct {
	classes  map[string]*resource.Class
	next     resource.ID
	res      map[resource.ID]*thing
	edges    map[resource.Edge]map[resource.ID]bool // reported, and by whom
	sessions map[resource.ID]*conversation
}

type thing struct {
	id        resource.ID
	class     *resource.Class
	values    []resource.Value
	identity  string
	label     *string // the author's
	alias     string
	reporters map[resource.ID]bool
	scope     resource.ID
	root      bool
	live      bool
}

type conversation struct {
	id      string
	handles map[resource.Handle]resource.ID // 0 for one that ended
	last    resource.Handle
}

var errRefused = errors.New("refused")

func newModel(classes []*resource.Class) *model {
	m := &model{
		classes: map[string]*resource.Class{}, next: 1, res: map[resource.ID]*thing{},
		edges: map[resource.Edge]map[resource.ID]bool{}, sessions: map[resource.ID]*conversation{},
	}
	for _, c := range classes {
		m.classes[c.FullName()] = c
	}
	return m
}

// clone copies all that a batch may change before it is refused.
func (m *model) clone() *model {
	c := *m
	c.res, c.edges = map[resource.ID]*thing{}, map[resource.Edge]map[resource.ID]bool{}
	for id, r := range m.res {
		d := *r
		d.values, d.reporters = slices.Clone(r.values), maps.Clone(r.reporters)
		c.res[id] = &d
	}
	for e, roots := range m.edges {
		c.edges[e] = maps.Clone(roots)
	}
	c.sessions = maps.Clone(m.sessions)
	return &c
}

func sortedIDs[V any](m map[resource.ID]V) []resource.ID { return slices.Sorted(maps.Keys(m)) }

func (m *model) find(c *resource.Class, scope resource.ID, identity string) *thing {
	for _, r := range m.res {
		if r.class == c && r.identity == identity && (c.IDScope != resource.Scoped || r.scope == scope) {
			return r
		}
	}
	return nil
}

func identity(c *resource.Class, values []resource.Value) string {
	var parts []string
	for _, n := range c.IDNames {
		parts = append(parts, string(values[c.Attr(n)].AppendJSON(nil)))
	}
	return "[" + strings.Join(parts, ",") + "]"
}

func (m *model) addRoot(c *resource.Class, values []resource.Value) {
	if r := m.find(c, 0, identity(c, values)); r != nil {
		if r.root {
			return
		}
		for i, v := range values {
			if !v.IsNull() {
				r.values[i] = v
			}
		}
		r.root, r.scope, r.reporters[r.id] = true, r.id, true
		return
	}
	id := m.next
	m.next++
	m.res[id] = &thing{
		id: id, class: c, values: slices.Clone(values), identity: identity(c, values),
		reporters: map[resource.ID]bool{id: true}, scope: id, root: true,
	}
}

func (m *model) removeRoot(id resource.ID) {
	delete(m.sessions, id)
	m.res[id].root, m.res[id].live = false, false
	leaving := map[resource.ID]bool{}
	for _, r := range m.res {
		if r.reporters[id] {
			leaving[r.id] = true
		}
	}
	m.leave(id, leaving)
}

// leave ends the root's reports and deletes what nobody reports any more, with
// all that follows from that.
func (m *model) leave(root resource.ID, leaving map[resource.ID]bool) {
	dead := map[resource.ID]bool{}
	m.withdraw(root, leaving, dead)
	m.bury(dead)
}

// bury deletes resources and what has to go with them.
func (m *model) bury(dead map[resource.ID]bool) {
	for again := true; again; {
		again = false
		for _, id := range sortedIDs(dead) {
			if r := m.res[id]; r != nil {
				again = true
				delete(m.res, id)
				for e := range m.edges {
					if e.Parent == id || e.Child == id {
						delete(m.edges, e)
					}
				}
				if r.root {
					all := map[resource.ID]bool{}
					for _, o := range m.res {
						if o.reporters[id] {
							all[o.id] = true
						}
					}
					m.withdraw(id, all, dead)
					delete(m.sessions, id)
				}
			}
			for _, h := range m.res {
				for i, v := range h.values {
					if v != resource.RefValue(int64(id)) {
						continue
					}
					again = true
					if a := h.class.Attributes[i]; a.Optional && !slices.Contains(h.class.IDNames, a.Name) {
						h.values[i] = resource.Null
					} else {
						dead[h.id] = true
					}
				}
			}
		}
	}
}

func (m *model) withdraw(root resource.ID, leaving, dead map[resource.ID]bool) {
	for id := range leaving {
		r := m.res[id]
		delete(r.reporters, root)
		for e, roots := range m.edges {
			if e.Parent == id || e.Child == id {
				m.unstand(e, roots, root)
			}
		}
		if len(r.reporters) == 0 {
			dead[id] = true
		} else if r.scope == root {
			r.scope = sortedIDs(r.reporters)[0]
		}
	}
}

func (m *model) unstand(e resource.Edge, roots map[resource.ID]bool, root resource.ID) {
	if delete(roots, root); len(roots) == 0 {
		delete(m.edges, e)
	}
}

// turn is a batch on its way into a copy of the model.
type turn struct {
	*model
	b       *resource.Batch
	s       *conversation
	puts    map[resource.Handle]*resource.Op
	known   map[resource.Handle]resource.ID // puts whose resource is known
	open    map[resource.Handle]bool        // being identified
	done    map[resource.Handle]bool        // put, in order
	removed map[resource.Handle]bool
	fresh   map[resource.ID]bool
	leaving map[resource.ID]bool
	put     map[resource.ID]bool
	taken   map[resource.ID]bool // whose edges this root takes back
	back    map[resource.ID]bool // taken because they were removed and put again
}

// apply returns the model after the batch.
func (m *model) apply(b *resource.Batch) (*model, error) {
	s := m.sessions[b.Root]
	if s == nil || s.id != b.Session {
		return nil, errRefused
	}
	t := &turn{
		model: m.clone(), b: b, s: s, puts: map[resource.Handle]*resource.Op{}, known: map[resource.Handle]resource.ID{},
		open: map[resource.Handle]bool{}, done: map[resource.Handle]bool{}, removed: map[resource.Handle]bool{}, fresh: map[resource.ID]bool{},
		leaving: map[resource.ID]bool{}, put: map[resource.ID]bool{}, taken: map[resource.ID]bool{}, back: map[resource.ID]bool{},
	}
	for i := range b.Ops {
		if op := &b.Ops[i]; op.Kind == resource.Put {
			if t.puts[op.Handle] != nil || op.Handle <= s.last {
				return nil, errRefused
			}
			t.puts[op.Handle] = op
		}
	}
	for i := range b.Ops {
		if err := t.op(&b.Ops[i]); err != nil {
			return nil, err
		}
	}
	if b.Complete {
		t.taken[b.Root] = true
		for _, r := range t.res {
			if r.reporters[b.Root] && !t.put[r.id] && r.id != b.Root {
				t.leaving[r.id] = true
			}
		}
	}
	before := maps.Clone(t.edges)
	t.leave(b.Root, t.leaving)
	if err := t.link(before); err != nil {
		return nil, err
	}
	// The handles hold from now on.
	next := &conversation{id: s.id, handles: maps.Clone(s.handles), last: s.last}
	for h, id := range t.known {
		next.handles[h], next.last = id, max(next.last, h)
	}
	for h := range t.removed {
		next.handles[h] = 0
	}
	if t.res[b.Root] != nil {
		t.sessions[b.Root] = next
	}
	return t.model, nil
}

// resolve returns 0 for what was deleted behind the session's back.
func (t *turn) resolve(h resource.Handle) (resource.ID, error) {
	if t.removed[h] {
		return 0, errRefused
	}
	id, old := t.s.handles[h]
	if old && id == 0 {
		return 0, errRefused
	}
	if !old {
		op := t.puts[h]
		if op == nil {
			return 0, errRefused
		}
		if err := t.identify(op); err != nil {
			return 0, err
		}
		return t.known[h], nil
	}
	if r := t.res[id]; r == nil || !r.reporters[t.b.Root] {
		return 0, nil
	}
	return id, nil
}

func (t *turn) reference(c *resource.Class, i int, v resource.Value) (resource.Value, error) {
	h, ok := v.Ref()
	if !ok {
		return v, nil
	}
	id, err := t.resolve(resource.Handle(h))
	if err == nil && id == 0 {
		if a := c.Attributes[i]; !a.Optional || slices.Contains(c.IDNames, a.Name) {
			err = errRefused
		}
		return resource.Null, err
	}
	return resource.RefValue(int64(id)), err
}

func (t *turn) identify(op *resource.Op) error {
	if t.known[op.Handle] != 0 {
		return nil
	}
	c := op.Class
	if t.open[op.Handle] || t.classes[c.FullName()] != c {
		return errRefused
	}
	t.open[op.Handle] = true
	values := make([]resource.Value, len(c.Attributes))
	for _, n := range c.IDNames {
		v, err := t.reference(c, c.Attr(n), op.Values[c.Attr(n)])
		if err != nil {
			return err
		}
		values[c.Attr(n)] = v
	}
	if r := t.find(c, t.b.Root, identity(c, values)); r != nil {
		t.known[op.Handle] = r.id
		return nil
	}
	id := t.next
	t.next++
	t.res[id] = &thing{id: id, class: c, values: values, identity: identity(c, values), reporters: map[resource.ID]bool{t.b.Root: true}, scope: t.b.Root}
	t.known[op.Handle], t.fresh[id] = id, true
	return nil
}

func (t *turn) op(op *resource.Op) error {
	if op.Kind == resource.Put {
		if err := t.identify(op); err != nil {
			return err
		}
		t.done[op.Handle] = true
		r := t.res[t.known[op.Handle]]
		for i, v := range op.Values {
			if slices.Contains(op.Class.IDNames, op.Class.Attributes[i].Name) {
				continue
			}
			v, err := t.reference(op.Class, i, v)
			if err != nil {
				return err
			}
			if !r.root || !v.IsNull() {
				r.values[i] = v
			}
		}
		r.label, r.reporters[t.b.Root] = op.Label, true
		if t.leaving[r.id] {
			delete(t.leaving, r.id)
			t.taken[r.id], t.back[r.id] = true, true
		}
		if t.b.Complete {
			t.taken[r.id] = true
		}
		t.put[r.id] = true
		return nil
	}
	if op.Kind == resource.Link {
		return nil
	}
	if t.puts[op.Handle] != nil && !t.done[op.Handle] {
		return errRefused
	}
	id, err := t.resolve(op.Handle)
	if err != nil {
		return err
	}
	if op.Kind == resource.Remove {
		if id == t.b.Root {
			return errRefused
		}
		t.removed[op.Handle] = true
		if id != 0 {
			t.leaving[id] = true
		}
		return nil
	}
	r := t.res[id]
	if r == nil {
		return nil
	}
	for _, s := range op.Set {
		v, err := t.reference(r.class, s.Index, s.Value)
		if err != nil {
			return err
		}
		if slices.Contains(r.class.IDNames, r.class.Attributes[s.Index].Name) && r.values[s.Index] != v {
			return errRefused
		}
		r.values[s.Index] = v
	}
	if op.Label != nil {
		r.label = op.Label
	}
	return nil
}

// link makes this root's edges from those before and what the ops say.
func (t *turn) link(before map[resource.Edge]map[resource.ID]bool) error {
	for e, roots := range before {
		if roots[t.b.Root] && (t.taken[e.Child] || t.back[e.Parent]) && t.edges[e] != nil {
			t.unstand(e, t.edges[e], t.b.Root)
		}
	}
	for i := range t.b.Ops {
		op := &t.b.Ops[i]
		if len(op.Parents)+len(op.Drop) == 0 || t.removed[op.Handle] {
			continue
		}
		child, err := t.resolve(op.Handle)
		if err != nil {
			return err
		}
		if r := t.res[child]; r == nil || !r.reporters[t.b.Root] {
			continue
		}
		for k, h := range slices.Concat(op.Parents, op.Drop) {
			if t.removed[h] {
				continue
			}
			parent, err := t.resolve(h)
			if err != nil {
				return err
			}
			e := resource.Edge{Parent: parent, Child: child}
			switch r := t.res[parent]; {
			case r == nil || !r.reporters[t.b.Root]:
			case k >= len(op.Parents):
				if roots := t.edges[e]; roots != nil {
					t.unstand(e, roots, t.b.Root)
				}
			default:
				if t.edges[e] == nil {
					t.edges[e] = map[resource.ID]bool{}
				}
				t.edges[e][t.b.Root] = true
			}
		}
	}
	if !acyclic(maps.Keys(t.edges)) {
		return errRefused
	}
	return nil
}

// parents returns the parents of every resource: the reported ones and those by
// relations.
func (m *model) parents() map[resource.ID][]resource.ID {
	matches := map[resource.Edge]bool{}
	for _, c := range m.classes {
		for _, rel := range c.Relations {
			for _, a := range m.res {
				for _, b := range m.res {
					other := b.class.Plugin == rel.Plugin || rel.Plugin == "" && b.class.Plugin == c.Plugin || rel.Plugin == "builtin"
					if a.class != c || !other || !b.class.Is(rel.Class) || a == b || !matching(rel, a, b) {
						continue
					}
					if rel.Provide {
						matches[resource.Edge{Parent: a.id, Child: b.id}] = true
					} else {
						matches[resource.Edge{Parent: b.id, Child: a.id}] = true
					}
				}
			}
		}
	}
	edges := map[resource.Edge]bool{}
	for e := range m.edges {
		edges[e] = true
	}
	for _, e := range slices.SortedFunc(maps.Keys(matches), func(a, b resource.Edge) int {
		return cmp.Or(cmp.Compare(a.Parent, b.Parent), cmp.Compare(a.Child, b.Child))
	}) {
		if edges[e] = true; m.edges[e] == nil && !acyclic(maps.Keys(edges)) {
			delete(edges, e)
		}
	}
	out := map[resource.ID][]resource.ID{}
	for e := range edges {
		out[e.Child] = append(out[e.Child], e.Parent)
	}
	for _, ps := range out {
		slices.Sort(ps)
	}
	return out
}

func matching(rel resource.Relation, a, b *thing) bool {
	for _, n := range rel.Attributes {
		i, j := a.class.Attr(n), b.class.Attr(n)
		if i < 0 || j < 0 || a.values[i].IsNull() || b.values[j].IsNull() {
			return false
		}
		x, y := a.values[i].String(), b.values[j].String()
		if x != y && !(rel.IgnoreCase && strings.EqualFold(x, y)) {
			return false
		}
	}
	return true
}

// label is the author's, or else the default one, with the labels of what the
// identifier refers to.
func (m *model) label(r *thing) string {
	if r.label != nil {
		return *r.label
	}
	text := r.class.Label()
	for _, n := range r.class.IDNames {
		v := r.values[r.class.Attr(n)]
		if to, ok := v.Ref(); ok {
			text += " " + m.label(m.res[resource.ID(to)])
		} else {
			text += " " + v.String()
		}
	}
	return text
}

func (m *model) stale(r *thing) bool {
	for root := range r.reporters {
		if m.res[root].live {
			return false
		}
	}
	return true
}

func (r *thing) String() string { return fmt.Sprintf("%s %s", r.class.Name, r.identity) }

func acyclic(edges func(func(resource.Edge) bool)) bool {
	by := map[resource.ID][]resource.ID{}
	for e := range edges {
		by[e.Child] = append(by[e.Child], e.Parent)
	}
	return graph.Acyclic(maps.Keys(by), func(id resource.ID) []resource.ID { return by[id] })
}
