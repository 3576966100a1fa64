package inventory

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/faultline-storage/faultline/internal/resource"
)

// past is a graph that goes back in time, one entry of the change log after the
// other. It shares the nodes of the inventory, which are immutable, and keeps
// only what is different. It is used by one goroutine.
//
// Its nodes tell which roots stand for an edge, not which relations do.
type past struct {
	base    []*node               // the graph at the position from, ascending by ID
	over    map[resource.ID]*node // what is different at seq; nil was not there
	classes map[string]*resource.Class
	from    uint64
	seq     uint64
	root    resource.ID // of the entry that was undone last
}

// past returns the graph as it is now.
func (inv *Inventory) past() *past {
	inv.mu.RLock()
	p := &past{from: inv.seq, classes: inv.classes, base: make([]*node, 0, inv.nodes.len())}
	for _, n := range inv.nodes.all() {
		p.base = append(p.base, n)
	}
	inv.mu.RUnlock()
	slices.SortFunc(p.base, func(a, b *node) int { return cmp.Compare(a.ID, b.ID) })
	return p.again()
}

// again returns the graph as it was when it was taken.
func (p *past) again() *past {
	return &past{base: p.base, from: p.from, seq: p.from, over: map[resource.ID]*node{}, classes: maps.Clone(p.classes)}
}

func (p *past) get(id resource.ID) *node {
	if n, ok := p.over[id]; ok {
		return n
	}
	i, ok := slices.BinarySearchFunc(p.base, id, func(n *node, id resource.ID) int { return cmp.Compare(n.ID, id) })
	if !ok {
		return nil
	}
	return p.base[i]
}

// class returns the class of a resource, or nil if that was not there.
func (p *past) class(id resource.ID) *resource.Class {
	if n := p.get(id); n != nil {
		return n.Class
	}
	return nil
}

// all calls f with every node, ascending by ID.
func (p *past) all(f func(*node) bool) {
	extra := slices.Sorted(maps.Keys(p.over))
	rest := p.base
	for len(rest) > 0 || len(extra) > 0 {
		var n *node
		if len(extra) == 0 || len(rest) > 0 && rest[0].ID < extra[0] {
			n, rest = rest[0], rest[1:]
		} else {
			if len(rest) > 0 && rest[0].ID == extra[0] {
				rest = rest[1:]
			}
			n, extra = p.over[extra[0]], extra[1:]
		}
		if n != nil && !f(n) {
			return
		}
	}
}

// undoing takes back what one entry says.
type undoing struct {
	*past
	// after has the nodes that it touches as they were after the entry, nil for
	// those that were gone.
	after map[resource.ID]*node
	kids  map[resource.ID]*kids
}

// undo goes back over the newest entry that is not taken back yet. It returns
// the nodes that differ, as they were after it.
func (p *past) undo(stored *resource.LogEntry) (map[resource.ID]*node, error) {
	u := &undoing{past: p, after: map[resource.ID]*node{}, kids: map[resource.ID]*kids{}}
	p.root = 0
	if len(stored.Log) > 0 {
		var e LogEntry
		if err := json.Unmarshal(stored.Log, &e); err != nil {
			return nil, fmt.Errorf("read entry %d of the change log: %w", stored.Seq, err)
		}
		p.root = e.Root
		if err := u.undo(&e); err != nil {
			return nil, fmt.Errorf("entry %d of the change log: %w", stored.Seq, err)
		}
	}
	p.seq = stored.Seq - 1
	return u.after, nil
}

func (u *undoing) undo(e *LogEntry) error {
	for _, id := range e.createdIDs() {
		if n := u.get(id); n != nil {
			u.after[id], u.over[id] = n, nil
			for i := range n.in {
				u.kid(n.in[i].parent).unlink(id)
			}
		}
	}
	for _, name := range e.classNames() {
		c, err := resource.DecodeClass(e.Classes[name])
		if err != nil {
			return err
		}
		u.classes[name] = c
	}
	for i := range e.Updated {
		if err := u.update(&e.Updated[i], e.Classes); err != nil {
			return fmt.Errorf("resource %d: %w", e.Updated[i].ID, err)
		}
	}
	for i := range e.Deleted {
		if err := u.restore(&e.Deleted[i]); err != nil {
			return fmt.Errorf("resource %d: %w", e.Deleted[i].ID, err)
		}
	}
	for parent, k := range u.kids {
		if n := u.edit(parent); n != nil {
			n.Children = k.apply(n.Children)
		}
	}
	for id := range u.after {
		if n := u.get(id); n != nil && n.own {
			// What is of a class that is not declared now is not there, in the past
			// neither.
			n.in = slices.DeleteFunc(n.in, func(e inEdge) bool { return u.get(e.parent) == nil })
			n.Parents, n.own = parents(n.in), false
		}
	}
	return nil
}

// edit returns a copy of the node that may be changed, but for the slices, or
// nil.
func (u *undoing) edit(id resource.ID) *node {
	n := u.get(id)
	if _, done := u.after[id]; n == nil || done {
		return n
	}
	u.after[id] = n
	c := &node{Resource: n.Resource, in: n.in}
	u.over[id] = c
	return c
}

func (u *undoing) kid(parent resource.ID) *kids {
	k := u.kids[parent]
	if k == nil {
		k = &kids{}
		u.kids[parent] = k
	}
	return k
}

func (u *undoing) update(l *LogUpdate, declared map[string]json.RawMessage) error {
	n := u.edit(l.ID)
	if n == nil {
		return nil // of a class that is not declared now
	}
	values := slices.Clone(n.Values)
	if name := n.Class.FullName(); declared[name] != nil {
		now := n.Class
		n.Class = u.classes[name]
		values = make([]resource.Value, len(n.Class.Attributes))
		for i := range values {
			if j := now.Attr(n.Class.Attributes[i].Name); j >= 0 {
				values[i] = n.Values[j]
			}
		}
	}
	if l.Was != nil {
		err := resource.EachMember(l.Was, func(name, raw []byte) (err error) {
			if i := n.Class.Attr(string(name)); i >= 0 {
				values[i], err = n.Class.Attributes[i].Parse(raw)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	n.Values = values
	if l.Name != nil {
		n.Label, n.OwnLabel, n.Alias = l.Name.Label, l.Name.OwnLabel, l.Name.Alias
	}
	if l.Scope != 0 {
		n.Scope = l.Scope
	}
	if l.Reporters != nil {
		n.Reporters = l.Reporters
	}
	if l.Writers != nil {
		by, err := writers(l.Writers, n.Class)
		if err != nil {
			return err
		}
		n.WrittenBy = by
	}
	if l.State != nil {
		n.Root = l.State.before(n.Root)
	}
	if l.Updated != 0 {
		n.Updated = fromNanos(l.Updated)
	}
	u.edges(n, l)
	return nil
}

func writers(raw []byte, c *resource.Class) ([]resource.ID, error) {
	if string(raw) == "null" {
		return nil, nil
	}
	return resource.ParseWriters(raw, c)
}

// before returns the state of a root as it was. What is not durable is as it is
// now.
func (l *LogRoot) before(now *resource.RootState) *resource.RootState {
	if l.None {
		return nil
	}
	var s resource.RootState
	if now != nil {
		s = *now
	}
	s.Offline, s.Error, s.Held = l.Offline, l.Error, l.Held
	return &s
}

func (u *undoing) edges(n *node, l *LogUpdate) {
	if l.Came == nil && l.Edges == nil {
		return
	}
	n.in, n.own = slices.Clone(n.in), true
	for _, parent := range l.Came {
		if i, ok := edgeIndex(n.in, parent); ok {
			n.in = slices.Delete(n.in, i, i+1)
			u.kid(parent).unlink(n.ID)
		}
	}
	u.restoreEdges(n, l.Edges)
}

func (u *undoing) restoreEdges(n *node, edges []LogEdge) {
	for _, e := range edges {
		if len(e) == 0 {
			continue
		}
		edge := inEdge{parent: e[0], roots: e[1:]}
		i, ok := edgeIndex(n.in, edge.parent)
		if ok {
			n.in[i] = edge
			continue
		}
		n.in = slices.Insert(n.in, i, edge)
		u.kid(edge.parent).link(n.ID)
	}
}

func (u *undoing) restore(l *LogResource) error {
	c := u.classes[l.Class]
	if c == nil {
		c = bareClass(l)
		u.classes[l.Class] = c
	}
	row := resource.StoredResource{
		ID: l.ID, Label: l.Label, OwnLabel: l.OwnLabel, Alias: l.Alias, Attributes: l.Attributes, Identity: l.Identity,
		Scope: l.Scope, Reporters: l.Reporters, WrittenBy: l.Writers, FirstSeen: fromNanos(l.FirstSeen), Updated: fromNanos(l.Updated),
	}
	r, err := row.Resource(c)
	if err != nil {
		return err
	}
	if l.State != nil {
		r.Root = l.State.before(nil)
	}
	n := &node{Resource: r, own: true}
	if _, touched := u.after[l.ID]; !touched {
		u.after[l.ID] = nil
	}
	u.over[l.ID] = n
	u.restoreEdges(n, l.Edges)
	return nil
}

// bareClass stands in for a class that is not declared any more: it has the
// attributes that the resource has.
func bareClass(l *LogResource) *resource.Class {
	c := &resource.Class{IDScope: resource.Global}
	for i := range len(l.Class) {
		if l.Class[i] == '.' {
			c.Plugin, c.Name = l.Class[:i], l.Class[i+1:]
			break
		}
	}
	_ = resource.EachMember(l.Attributes, func(name, raw []byte) error { // what is no object has no members
		a := resource.Attribute{Name: string(name), Kind: resource.Enum, Optional: true} // the kind that reads any value
		if raw[0] == '{' {
			a.Kind = resource.Reference
		}
		c.Attributes = append(c.Attributes, a)
		return nil
	})
	c.Index()
	return c
}
