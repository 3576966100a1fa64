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
	writers   map[string]resource.ID // of attributes, while there are several reporters
	scope     resource.ID
	root      bool
	live      bool
}

type conversation struct {
	id      string
	handles map[resource.Handle]resource.ID // 0 for one that ended
	last    resource.Handle
	removed map[resource.ID]bool // by the session itself
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
		d.values, d.reporters, d.writers = slices.Clone(r.values), maps.Clone(r.reporters), maps.Clone(r.writers)
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
		r.join(r.id)
		for i, v := range values {
			if !v.IsNull() {
				r.write(i, v, r.id)
			}
		}
		r.root, r.scope = true, r.id
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
						delete(h.writers, a.Name)
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
		if r == nil {
			continue // it went already
		}
		delete(r.reporters, root)
		maps.DeleteFunc(r.writers, func(_ string, by resource.ID) bool { return by == root || len(r.reporters) < 2 })
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

// join makes a root a reporter.
func (r *thing) join(root resource.ID) {
	first := sortedIDs(r.reporters)
	r.reporters[root] = true
	if len(first) > 1 || len(r.reporters) < 2 {
		return
	}
	r.writers = map[string]resource.ID{}
	for i, v := range r.values {
		if !v.IsNull() {
			r.writers[r.class.Attributes[i].Name] = first[0]
		}
	}
}

// write gives an attribute a root's value.
func (r *thing) write(i int, v resource.Value, root resource.ID) {
	name := r.class.Attributes[i].Name
	if len(r.reporters) > 1 && (r.values[i] != v || !v.IsNull() && r.writers[name] == 0) {
		r.writers[name] = root
	}
	r.values[i] = v
}

// writtenBy returns what resource.Resource has in its field of that name.
func (r *thing) writtenBy() (ids []resource.ID) {
	if len(r.reporters) < 2 {
		return nil
	}
	for i := range r.class.Attributes {
		ids = append(ids, r.writers[r.class.Attributes[i].Name])
	}
	return ids
}

func (m *model) unstand(e resource.Edge, roots map[resource.ID]bool, root resource.ID) {
	if delete(roots, root); len(roots) == 0 {
		delete(m.edges, e)
	}
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
		if v.IsNull() {
			continue
		}
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
