package inventory

import (
	"fmt"
	"maps"
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
	nodes   overlay               // new and changed nodes; nil for a deleted one
	kids    map[resource.ID]*kids // changes of children
	ids     map[idKey]resource.ID // identities of created nodes
	created []resource.ID         // ascending
	next    resource.ID
	samples []resource.Sample
	// forgot says that something was deleted, if only what the transaction made.
	forgot bool
	// leaving are resources that the root of the batch no longer reports, unless a
	// later op puts them again.
	leaving map[resource.ID]struct{}
	// alone is a list of one root, shared by the edges that only it stands for.
	alone []resource.ID
	// refs has those who may refer to a resource because of this transaction, by
	// target. It is made when it is first asked for.
	refs map[resource.ID][]resource.ID
	// relabel are the resources whose label changed; see labels.
	relabel []resource.ID
	// lateLabels says that an identifier, and so a label, refers to what is put
	// later and has no label yet.
	lateLabels bool

	// rel are the relations as they will be: those of the inventory, unless the
	// classes change.
	rel *relations
	// rewired says that edges changed, contested that relations must be worked
	// out afresh because of a cycle; see relate.
	rewired, contested bool
	changedKeys        []keyChange

	classes map[string]*resource.Class          // all, if they change
	changed map[*resource.Class]*resource.Class // those replaced, by the old one
	// manifest goes to the store with them.
	manifest *resource.Manifest
	// grown is the table of identities with those of the created nodes; see makeRoom.
	grown map[idKey]resource.ID
	// seen are resources among the created that the store has already, lost are
	// edges of theirs that go; see show.
	seen map[resource.ID]struct{}
	lost []resource.Edge
}

func (inv *Inventory) begin(root resource.ID) *txn { return inv.beginSized(root, 0) }

// beginSized is begin for a change that may create so many resources.
func (inv *Inventory) beginSized(root resource.ID, n int) *txn {
	return &txn{
		inv: inv, now: inv.now(), root: root, next: inv.next, rel: inv.rel,
		nodes:   newOverlay(inv.next, n),
		kids:    map[resource.ID]*kids{},
		ids:     make(map[idKey]resource.ID, n),
		created: make([]resource.ID, 0, n),
	}
}

// get returns the node as the transaction sees it, or nil. Until settle its
// Parents and Children are those before the transaction; see parents and
// children.
func (t *txn) get(id resource.ID) *node {
	if n, ok := t.nodes.get(id); ok {
		return n
	}
	return t.inv.nodes.get(id)
}

// all calls f with every node as the transaction sees it.
func (t *txn) all(f func(*node)) {
	for id, n := range t.inv.nodes.all() {
		if _, changed := t.nodes.get(id); !changed {
			f(n)
		}
	}
	for _, n := range t.nodes.all() {
		if n != nil {
			f(n)
		}
	}
}

// edit returns a copy of the node that the transaction may change, though of
// the slices only in if it is its own. The node must exist.
func (t *txn) edit(id resource.ID) *node {
	if n, ok := t.nodes.get(id); ok {
		return n
	}
	old := t.inv.nodes.get(id)
	n := &node{Resource: old.Resource, in: old.in}
	t.nodes.set(id, n)
	return n
}

// find returns the resource with an identity, or 0.
func (t *txn) find(k idKey) resource.ID {
	if id, ok := t.ids[k]; ok {
		return id
	}
	if len(t.inv.members[k.class]) == 0 { // as in a first scan
		return 0
	}
	id := t.inv.identity[k]
	if n, ok := t.nodes.get(id); ok && n == nil {
		return 0
	}
	return id
}

// create makes a resource, which takes the values over. Its label must be set
// by the caller.
func (t *txn) create(c *resource.Class, values []resource.Value, identity string, scope resource.ID, reporters []resource.ID) *node {
	id := t.next
	t.next++
	n := &node{own: true, Resource: resource.Resource{
		ID: id, Class: c, Values: values, Identity: identity, Scope: scope,
		Reporters: reporters, FirstSeen: t.now, Updated: t.now,
	}}
	if n.Scope == 0 {
		n.Scope = id
	}
	t.nodes.set(id, n)
	t.ids[n.key()] = id
	t.created = append(t.created, id)
	return n
}

// setValue assigns an attribute.
func (t *txn) setValue(id resource.ID, i int, v resource.Value) {
	if t.get(id).Values[i] == v {
		return
	}
	n := t.edit(id)
	if old := t.inv.nodes.get(id); old != nil && shared(old.Values, n.Values) {
		n.Values = slices.Clone(n.Values)
	}
	n.Values[i] = v
	if target, ok := v.Ref(); ok && t.refs != nil {
		t.refs[resource.ID(target)] = append(t.refs[resource.ID(target)], id)
	}
}

// shared reports whether two slices are the same piece of memory, and so equal.
func shared[T any](a, b []T) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}

// setLabel assigns the author's label, or the default one if own is nil.
func (t *txn) setLabel(id resource.ID, own *string) {
	n := t.get(id)
	var label string
	if own != nil {
		label = *own
	} else {
		label = t.defaultLabel(n)
	}
	if n.Label == label && n.OwnLabel == (own != nil) {
		return
	}
	// A resource that was only named until now has no label yet. Nobody else's has
	// it then, but for what lateLabels tells.
	if none := n.Label == "" && !n.OwnLabel; n.Label != label && (!none || t.lateLabels) {
		t.relabel = append(t.relabel, id)
	}
	n = t.edit(id)
	n.Label, n.OwnLabel = label, own != nil
}

// labels brings the default labels in step with the labels that they contain:
// an identifier may refer to a resource whose label changed.
func (t *txn) labels() {
	for len(t.relabel) > 0 {
		id := t.relabel[0]
		t.relabel = t.relabel[1:]
		ref := resource.RefValue(int64(id))
		for _, h := range t.holdersOf(id) {
			n := t.get(h)
			if n == nil || n.OwnLabel {
				continue
			}
			if slices.ContainsFunc(n.Class.IDAttrs(), func(i int) bool { return n.Values[i] == ref }) {
				t.setLabel(h, nil)
			}
		}
	}
}

// defaultLabel is the class label and the identifier's values (guide, "Names").
func (t *txn) defaultLabel(n *node) string {
	b := []byte(n.Class.Label())
	if len(n.Class.IDAttrs()) == 0 {
		return fmt.Sprintf("%s %d", b, n.ID)
	}
	for _, i := range n.Class.IDAttrs() {
		v := n.Values[i]
		if v.IsNull() { // an optional attribute may identify too
			continue
		}
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

// holdersOf returns who may refer to the target, before or in this
// transaction, ascending.
func (t *txn) holdersOf(target resource.ID) []resource.ID {
	if t.refs == nil {
		t.refs = map[resource.ID][]resource.ID{}
		for id, n := range t.nodes.all() {
			if n == nil {
				continue
			}
			if old := t.inv.nodes.get(id); old != nil && shared(old.Values, n.Values) {
				continue
			}
			for _, v := range n.Values {
				if to, ok := v.Ref(); ok {
					t.refs[resource.ID(to)] = append(t.refs[resource.ID(to)], id)
				}
			}
		}
	}
	ids := slices.AppendSeq(slices.Clone(t.refs[target]), maps.Keys(t.inv.holders[target]))
	slices.Sort(ids)
	return slices.Compact(ids)
}

// kids are the changes of one parent's children.
type kids struct {
	add  []resource.ID
	drop map[resource.ID]struct{}
}

func (t *txn) kid(parent resource.ID) *kids {
	k := t.kids[parent]
	if k == nil {
		k = &kids{}
		t.kids[parent] = k
	}
	return k
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
	if out = slices.Compact(out); len(out) == 0 {
		return nil
	}
	return out
}

// children returns the children of a node as the transaction sees them.
func (t *txn) children(id resource.ID) []resource.ID {
	var old []resource.ID
	if n := t.inv.nodes.get(id); n != nil {
		old = n.Children
	}
	if k := t.kids[id]; k != nil {
		return k.apply(old)
	}
	return old
}

// childless reports whether a node has no children, at less cost than children.
func (t *txn) childless(id resource.ID) bool {
	var old []resource.ID
	if n := t.inv.nodes.get(id); n != nil {
		old = n.Children
	}
	k := t.kids[id]
	if k == nil {
		return len(old) == 0
	}
	for _, list := range [2][]resource.ID{old, k.add} {
		for _, c := range list {
			if _, gone := k.drop[c]; !gone {
				return false
			}
		}
	}
	return true
}

// parents returns the parents of a node as the transaction sees them.
func (t *txn) parents(id resource.ID) []resource.ID {
	if n := t.nodes.at(id); n != nil && n.own {
		return parents(n.in)
	}
	return t.inv.nodes.get(id).Parents
}
