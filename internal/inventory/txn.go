package inventory

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/faultline-storage/faultline/internal/resource"
)

// txn works a change out on copies. It is made and used by the holder of
// Inventory.write. Nothing of it is visible before commit returns nil.
type txn struct {
	inv     *Inventory
	now     time.Time
	root    resource.ID           // whose batch it is; 0 for an act of a user
	nodes   map[resource.ID]*node // new and changed nodes; nil for a deleted one
	edited  map[resource.ID]*edit // of nodes that were there before
	kids    map[resource.ID]*kids // changes of children
	ids     map[idKey]resource.ID // identities of created nodes
	created []resource.ID         // ascending
	next    resource.ID
	samples []resource.Sample
	nowhere edit // takes the notes about created nodes
	// changedKeys is what relate found, for reindexRelations.
	changedKeys []keyChange
}

// edit notes what of a node changed.
type edit struct {
	attrs              []int
	name, edges, state bool
	row                bool // the stored row changed
}

// kids are the changes of one parent's children.
type kids struct {
	add  []resource.ID
	drop map[resource.ID]struct{}
}

func (inv *Inventory) begin(root resource.ID) *txn { return inv.beginSized(root, 0) }

// beginSized is begin for a change that may create so many resources.
func (inv *Inventory) beginSized(root resource.ID, n int) *txn {
	return &txn{
		inv: inv, now: inv.now(), root: root, next: inv.next,
		nodes:   make(map[resource.ID]*node, n),
		edited:  map[resource.ID]*edit{},
		kids:    map[resource.ID]*kids{},
		ids:     make(map[idKey]resource.ID, n),
		created: make([]resource.ID, 0, n),
	}
}

// get returns the node as the transaction sees it, or nil.
func (t *txn) get(id resource.ID) *node {
	if n, ok := t.nodes[id]; ok {
		return n
	}
	return t.inv.nodes[id]
}

// edit returns a copy of the node that the transaction may change, and the
// notes of what it changes. The node must exist.
func (t *txn) edit(id resource.ID) (*node, *edit) {
	if n, ok := t.nodes[id]; ok {
		e := t.edited[id]
		if e == nil {
			e = &t.nowhere // a created node needs no notes
		}
		return n, e
	}
	old := t.inv.nodes[id]
	r := *old.Resource
	n := &node{Resource: &r, in: slices.Clone(old.in)}
	e := &edit{}
	t.nodes[id], t.edited[id] = n, e
	return n, e
}

// find returns the resource with an identity, or 0.
func (t *txn) find(k idKey) resource.ID {
	if id, ok := t.ids[k]; ok {
		return id
	}
	id := t.inv.identity[k]
	if n, ok := t.nodes[id]; ok && n == nil {
		return 0
	}
	return id
}

// create makes a resource. Its label must be set by the caller.
func (t *txn) create(c *resource.Class, values []resource.Value, identity string, scope resource.ID, reporters []resource.ID) *node {
	id := t.next
	t.next++
	n := &node{Resource: &resource.Resource{
		ID: id, Class: c, Values: values, Identity: identity, Scope: scope,
		Reporters: reporters, FirstSeen: t.now, Updated: t.now,
	}}
	if n.Scope == 0 {
		n.Scope = id
	}
	t.nodes[id] = n
	t.ids[n.key()] = id
	t.created = append(t.created, id)
	return n
}

// setValue assigns an attribute and notes it if it changed.
func (t *txn) setValue(id resource.ID, i int, v resource.Value) {
	if t.get(id).Values[i] == v {
		return
	}
	n, e := t.edit(id)
	if len(e.attrs) == 0 { // the first change: the values are still the visible ones
		n.Values = slices.Clone(n.Values)
	}
	n.Values[i] = v
	if !slices.Contains(e.attrs, i) {
		e.attrs = append(e.attrs, i)
	}
	e.row = true
}

// setLabel assigns the author's label, or the default one if own is nil.
func (t *txn) setLabel(id resource.ID, own *string) {
	n := t.get(id)
	label := t.defaultLabel(n)
	if own != nil {
		label = *own
	}
	if n.Label == label && n.OwnLabel == (own != nil) {
		return
	}
	n, e := t.edit(id)
	n.Label, n.OwnLabel = label, own != nil
	e.name, e.row = true, true
}

// defaultLabel is the class label and the identifier's values (guide, "Names").
func (t *txn) defaultLabel(n *node) string {
	b := []byte(n.Class.Label())
	if len(n.Class.IDAttrs()) == 0 {
		return fmt.Sprintf("%s %d", b, n.ID)
	}
	for _, i := range n.Class.IDAttrs() {
		v := n.Values[i]
		b = append(b, ' ')
		if target, ok := v.Ref(); ok {
			if r := t.get(resource.ID(target)); r != nil {
				b = append(b, r.Label...)
			}
			continue
		}
		b = append(b, v.String()...)
	}
	return string(b)
}

// identityOf returns the canonical identity that the values make.
func identityOf(c *resource.Class, values []resource.Value) string {
	b := make([]byte, 0, 48)
	b = append(b, '[')
	for k, i := range c.IDAttrs() {
		if k > 0 {
			b = append(b, ',')
		}
		b = values[i].AppendJSON(b)
	}
	return string(append(b, ']'))
}

// remove deletes a resource, what refers to it by a mandatory attribute, and
// clears optional references to it (guide, "ResourceReference").
func (t *txn) remove(ids ...resource.ID) {
	for len(ids) > 0 {
		id := ids[len(ids)-1]
		ids = ids[:len(ids)-1]
		n := t.get(id)
		if n == nil {
			continue
		}
		for _, e := range n.in {
			t.kid(e.parent).unlink(id)
		}
		for _, c := range t.children(id) {
			t.dropEdge(id, c, func(e *inEdge) { e.roots, e.rules = nil, nil })
		}
		if _, existed := t.inv.nodes[id]; existed {
			t.nodes[id] = nil
			delete(t.edited, id)
		} else {
			delete(t.nodes, id)
			delete(t.ids, n.key())
			i, _ := slices.BinarySearch(t.created, id)
			t.created = slices.Delete(t.created, i, i+1)
		}
		delete(t.kids, id)
		for _, h := range t.holdersOf(id) {
			if t.release(h, id) {
				ids = append(ids, h)
			}
		}
	}
}

// holdersOf returns who refers to the target, before or in this transaction.
func (t *txn) holdersOf(target resource.ID) []resource.ID {
	var ids []resource.ID
	for h := range t.inv.holders[target] {
		ids = append(ids, h)
	}
	for id, n := range t.nodes { // holders that this transaction made
		if n == nil {
			continue
		}
		if _, known := t.inv.holders[target][id]; known {
			continue
		}
		if slices.Contains(n.Values, resource.RefValue(int64(target))) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// release clears the holder's references to the target and reports whether
// one of them was mandatory, so that the holder must go too.
func (t *txn) release(holder, target resource.ID) (must bool) {
	n := t.get(holder)
	if n == nil {
		return false
	}
	ref := resource.RefValue(int64(target))
	for i, v := range n.Values {
		if v != ref {
			continue
		}
		if !n.Class.Attributes[i].Optional || slices.Contains(n.Class.IDAttrs(), i) {
			return true
		}
		t.setValue(holder, i, resource.Null)
	}
	return false
}

// commit hands the change to the store and then makes it visible.
func (t *txn) commit(ctx context.Context) error {
	t.relate()
	return t.finish(ctx)
}

func (t *txn) finish(ctx context.Context) error {
	t.settle()
	ch, m := t.outcome()
	if m != nil {
		if err := t.inv.store.Commit(ctx, m); err != nil {
			return errors.Join(errNoStore, err)
		}
	}
	if m != nil || len(ch.Samples) > 0 || len(t.changedKeys) > 0 {
		t.publish(ch)
	}
	return nil
}

// settle brings Parents, Children and Updated of the touched nodes in step.
func (t *txn) settle() {
	for parent, k := range t.kids {
		if t.get(parent) == nil {
			continue
		}
		n, e := t.edit(parent)
		n.Children = k.apply(n.Children)
		e.edges = true
	}
	for id, n := range t.nodes {
		if n == nil {
			continue
		}
		e := t.edited[id]
		if e == nil {
			n.Parents = parents(n.in)
			continue
		}
		if e.row {
			n.Updated = t.now
		}
	}
}

func (k *kids) unlink(id resource.ID) {
	if k.drop == nil {
		k.drop = map[resource.ID]struct{}{}
	}
	k.drop[id] = struct{}{}
}

func (k *kids) link(id resource.ID) {
	delete(k.drop, id)
	k.add = append(k.add, id)
}

// apply returns the children after the change, ascending, without repeats.
func (k *kids) apply(old []resource.ID) []resource.ID {
	out := make([]resource.ID, 0, len(old)+len(k.add))
	for _, list := range [2][]resource.ID{old, k.add} {
		for _, id := range list {
			if _, gone := k.drop[id]; !gone {
				out = append(out, id)
			}
		}
	}
	if !slices.IsSorted(out) {
		slices.Sort(out)
	}
	return slices.Compact(out)
}

func (t *txn) kid(parent resource.ID) *kids {
	k := t.kids[parent]
	if k == nil {
		k = &kids{}
		t.kids[parent] = k
	}
	return k
}

// children returns the children of a node as the transaction sees them.
func (t *txn) children(id resource.ID) []resource.ID {
	var old []resource.ID
	if n := t.inv.nodes[id]; n != nil {
		old = n.Children
	}
	if k := t.kids[id]; k != nil {
		return k.apply(old)
	}
	return old
}

// outcome returns the change as subscribers and the store see it. The mutation
// is nil if there is nothing to store.
func (t *txn) outcome() (*resource.Changes, *resource.Mutation) {
	seq := t.inv.seq + 1
	ch := &resource.Changes{Seq: seq, Time: t.now, Root: t.root, Samples: t.samples}
	m := &resource.Mutation{Seq: seq, Time: t.now, Created: len(t.created)}
	ch.Created = make([]*resource.Resource, 0, len(t.created))
	m.Put = make([]*resource.Resource, 0, len(t.created)+len(t.edited))
	for _, id := range t.created {
		n := t.nodes[id]
		ch.Created = append(ch.Created, n.Resource)
		m.Put = append(m.Put, n.Resource)
		for _, e := range n.in {
			if len(e.roots) > 0 {
				m.AddEdges = append(m.AddEdges, resource.StoredEdge{Edge: resource.Edge{Parent: e.parent, Child: id}, Roots: e.roots})
			}
		}
	}
	touched := make([]resource.ID, 0, len(t.nodes)-len(t.created))
	for id := range t.nodes {
		if _, old := t.inv.nodes[id]; old {
			touched = append(touched, id)
		}
	}
	slices.Sort(touched)
	for _, id := range touched {
		n, old := t.nodes[id], t.inv.nodes[id]
		if n == nil {
			ch.Deleted = append(ch.Deleted, old.Resource)
			m.Delete = append(m.Delete, id)
			continue
		}
		e := t.edited[id]
		if e.row {
			m.Put = append(m.Put, n.Resource)
		}
		t.edgeDiff(m, old, n)
		slices.Sort(e.attrs)
		if len(e.attrs) > 0 || e.name || e.edges || e.state {
			ch.Updated = append(ch.Updated, resource.Update{Resource: n.Resource, Attributes: e.attrs, Edges: e.edges, State: e.state, Name: e.name})
		}
	}
	if len(m.Put)+len(m.Delete)+len(m.AddEdges)+len(m.RemoveEdges) == 0 {
		if len(ch.Updated) == 0 {
			return ch, nil
		}
	}
	m.Log = logEntry(t, ch)
	return ch, m
}

// edgeDiff adds what changed of the stored edges to a node.
func (t *txn) edgeDiff(m *resource.Mutation, old, n *node) {
	stored := func(e inEdge) bool { return len(e.roots) > 0 }
	i, j := 0, 0
	for i < len(old.in) || j < len(n.in) {
		c := 0
		switch {
		case i == len(old.in):
			c = 1
		case j == len(n.in):
			c = -1
		default:
			c = cmp.Compare(old.in[i].parent, n.in[j].parent)
		}
		switch {
		case c < 0:
			if stored(old.in[i]) && t.get(old.in[i].parent) != nil { // else the deleted parent takes it along
				m.RemoveEdges = append(m.RemoveEdges, resource.Edge{Parent: old.in[i].parent, Child: n.ID})
			}
			i++
		case c > 0:
			if stored(n.in[j]) {
				m.AddEdges = append(m.AddEdges, storedEdge(n, j))
			}
			j++
		default:
			was, is := stored(old.in[i]), stored(n.in[j])
			if is && !slices.Equal(old.in[i].roots, n.in[j].roots) {
				m.AddEdges = append(m.AddEdges, storedEdge(n, j))
			} else if was && !is {
				m.RemoveEdges = append(m.RemoveEdges, resource.Edge{Parent: n.in[j].parent, Child: n.ID})
			}
			i++
			j++
		}
	}
}

func storedEdge(n *node, i int) resource.StoredEdge {
	return resource.StoredEdge{Edge: resource.Edge{Parent: n.in[i].parent, Child: n.ID}, Roots: n.in[i].roots}
}

// publish makes a committed change visible and tells the subscribers.
func (t *txn) publish(ch *resource.Changes) {
	inv := t.inv
	inv.mu.Lock()
	defer inv.mu.Unlock()
	t.reindexRelations()
	gone := map[*resource.Class]struct{}{}
	for _, r := range ch.Deleted {
		inv.unindex(inv.nodes[r.ID])
		delete(inv.reported, r.ID)
		delete(inv.sessions, r.ID)
		gone[r.Class] = struct{}{}
	}
	for c := range gone {
		inv.members[c] = slices.DeleteFunc(inv.members[c], func(id resource.ID) bool { return inv.nodes[id] == nil })
	}
	for _, id := range t.created {
		inv.index(t.nodes[id])
	}
	for id, e := range t.edited {
		old, n := inv.nodes[id], t.nodes[id]
		inv.nodes[id] = n
		if e.row {
			inv.reindex(old, n)
		}
	}
	inv.next = t.next
	inv.seq = ch.Seq
	inv.feed.Append(ch.Seq, ch)
}

// reindex follows a change of reporters or references. An identity never
// changes.
func (inv *Inventory) reindex(old, n *node) {
	for _, root := range old.Reporters {
		if !slices.Contains(n.Reporters, root) {
			dropFrom(inv.reported, root, n.ID)
		}
	}
	for _, root := range n.Reporters {
		addTo(inv.reported, root, n.ID)
	}
	for _, v := range old.Values {
		if target, ok := v.Ref(); ok {
			dropFrom(inv.holders, resource.ID(target), n.ID)
		}
	}
	for _, v := range n.Values {
		if target, ok := v.Ref(); ok {
			addTo(inv.holders, resource.ID(target), n.ID)
		}
	}
}
