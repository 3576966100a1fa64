package inventory

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/faultline-storage/faultline/internal/resource"
)

// earlyRows is how many resources a change must create for the store to begin
// before the change is worked out to its end.
const earlyRows = 2_000

// nothing is the rest of the work on a change that is worked out already.
func nothing() error { return nil }

// commit does the rest of the work on the change, hands it to the store and
// then makes it visible. The rest may touch edges only: the store may be writing
// the new resources meanwhile.
func (t *txn) commit(ctx context.Context, rest func() error) error {
	return t.finish(ctx, func() error {
		if err := rest(); err != nil {
			return err
		}
		t.relate()
		return nil
	})
}

// finish is commit without relations.
func (t *txn) finish(ctx context.Context, rest func() error) error {
	var ch *resource.Changes
	var m *resource.Mutation
	var wrong error
	err := t.submit(ctx, func() (*resource.Mutation, error) {
		if wrong = rest(); wrong != nil {
			return nil, wrong
		}
		t.settle()
		ch, m = t.outcome()
		t.makeRoom()
		return m, nil
	})
	if wrong != nil {
		return wrong
	}
	if err != nil {
		return errors.Join(errNoStore, err)
	}
	t.publish(ch, m != nil)
	t.tellSessions(ch.Deleted)
	return nil
}

// publish makes the change visible.
func (t *txn) publish(ch *resource.Changes, stored bool) {
	inv := t.inv
	inv.mu.Lock()
	defer inv.mu.Unlock()
	t.install(ch.Deleted)
	if stored || len(ch.Updated)+len(ch.Samples) > 0 {
		inv.seq = ch.Seq
		inv.feed.Append(ch.Seq, ch)
	}
}

// submit has the store commit what rest returns, if that is anything.
func (t *txn) submit(ctx context.Context, rest func() (*resource.Mutation, error)) error {
	if early, ok := t.inv.store.(earlyStore); ok && len(t.created) >= earlyRows && len(t.seen) == 0 {
		created := make([]*resource.Resource, len(t.created))
		for i, id := range t.created {
			created[i] = &t.nodes.at(id).Resource
		}
		return early.CommitEarly(ctx, created, rest)
	}
	m, err := rest()
	if err != nil || m == nil {
		return err
	}
	return t.inv.store.Commit(ctx, m)
}

// settle brings Parents and Children of the touched nodes in step.
func (t *txn) settle() {
	for parent, k := range t.kids {
		if t.get(parent) == nil {
			continue
		}
		n := t.edit(parent)
		n.Children = k.apply(n.Children)
	}
	edges := 0
	for _, n := range t.nodes.all() {
		if n != nil && n.own {
			edges += len(n.in)
		}
	}
	all := make([]resource.ID, 0, edges) // one piece of memory for all lists
	for _, n := range t.nodes.all() {
		if n == nil || !n.own {
			continue
		}
		if n.Parents = nil; len(n.in) > 0 {
			start := len(all)
			for i := range n.in {
				all = append(all, n.in[i].parent)
			}
			n.Parents = all[start:len(all):len(all)]
		}
	}
}

// difference is what of a node changed in the transaction.
type difference struct {
	attrs                              []int // by their index in the class as it is now
	name, parents, edges, state, other bool
}

// row reports whether the stored row changed.
func (d *difference) row(old, n *node) bool {
	return len(d.attrs) > 0 || d.name || d.parents || d.other ||
		d.state && (old.Root == nil || n.Root == nil || old.Root.Offline != n.Root.Offline || old.Root.Error != n.Root.Error || old.Root.Held != n.Root.Held)
}

// any reports whether subscribers are to hear of it.
func (d *difference) any() bool {
	return len(d.attrs) > 0 || d.name || d.edges || d.state || d.other
}

func diff(old, n *node) (d difference) {
	if old.Class != n.Class {
		d.attrs, d.name, d.other = changedByName(&old.Resource, &n.Resource), true, true
	} else if !shared(old.Values, n.Values) {
		for i := range n.Values {
			if n.Values[i] != old.Values[i] {
				d.attrs = append(d.attrs, i)
			}
		}
	}
	d.name = d.name || old.Label != n.Label || old.Alias != n.Alias
	d.parents = !same(old.Parents, n.Parents)
	d.edges = d.parents || !same(old.Children, n.Children)
	d.state = (old.Root == nil) != (n.Root == nil) || n.Root != nil && !equalState(old.Root, n.Root)
	d.other = d.other || old.OwnLabel != n.OwnLabel || old.Scope != n.Scope || !same(old.Reporters, n.Reporters) || !same(old.WrittenBy, n.WrittenBy)
	return d
}

func same(a, b []resource.ID) bool { return shared(a, b) || slices.Equal(a, b) }

// changedByName returns the attributes whose values differ between two
// declarations of a class. One that has another name now is another one to
// whoever knows attributes by name.
func changedByName(old, now *resource.Resource) (attrs []int) {
	for i := range now.Class.Attributes {
		was := resource.Null
		if j := old.Class.Attr(now.Class.Attributes[i].Name); j >= 0 {
			was = old.Values[j]
		}
		if now.Values[i] != was {
			attrs = append(attrs, i)
		}
	}
	return attrs
}

// outcome returns the change as subscribers and the store see it. The mutation
// is nil if there is nothing to store.
func (t *txn) outcome() (*resource.Changes, *resource.Mutation) {
	seq := t.inv.position(t.now)
	ch := &resource.Changes{Seq: seq, Time: t.now, Root: t.root, Samples: t.samples}
	m := &resource.Mutation{Seq: seq, Time: t.now}
	ch.Created = make([]*resource.Resource, 0, len(t.created))
	m.Put = make([]*resource.Resource, 0, len(t.created)+len(t.nodes.other))
	edges := 0
	for _, id := range t.created {
		edges += len(t.nodes.at(id).in)
	}
	m.AddEdges = make([]resource.StoredEdge, 0, edges)
	for _, id := range t.created {
		n := t.nodes.at(id)
		ch.Created = append(ch.Created, &n.Resource)
		if _, seen := t.seen[id]; !seen {
			m.Put = append(m.Put, &n.Resource)
		}
		for i := range n.in {
			if len(n.in[i].roots) > 0 {
				m.AddEdges = append(m.AddEdges, storedEdge(n, i))
			}
		}
	}
	m.Created = len(m.Put)
	t.storeSeen(m)
	touched := t.touched()
	var log LogEntry
	for _, id := range touched {
		n, old := t.nodes.at(id), t.inv.nodes.get(id)
		if n == nil {
			ch.Deleted = append(ch.Deleted, &old.Resource)
			m.Delete = append(m.Delete, id)
			m.History = append(m.History, t.deletedRow(&old.Resource))
			continue
		}
		t.edgeDiff(m, old, n)
		d := diff(old, n)
		if len(d.attrs) > 0 || d.name || d.parents {
			n.Updated = t.now
		}
		if d.row(old, n) {
			m.Put = append(m.Put, &n.Resource)
		}
		if d.any() {
			if c := t.change(old, n, &d); c != nil {
				m.History = append(m.History, resource.StoredChange{Resource: id, What: c.JSON()})
			}
			ch.Updated = append(ch.Updated, resource.Update{Resource: &n.Resource, Attributes: d.attrs, Edges: d.edges, State: d.state, Name: d.name, Was: wasClass(old, n)})
		}
		// Who stands for an edge may be all that changed.
		if d.any() || !shared(old.in, n.in) {
			log.update(old, n, &d)
		}
	}
	if len(m.Put)+len(m.Delete)+len(m.AddEdges)+len(m.RemoveEdges)+len(ch.Created)+len(t.changed) > 0 {
		m.Log = log.text(t, ch.Deleted)
	} else if len(t.samples) == 0 {
		return ch, nil
	}
	m.Manifest = t.manifest
	m.Samples = resource.AppendSamples(nil, t.samples, func(id resource.ID) *resource.Class { return t.get(id).Class })
	return ch, m
}

// wasClass returns the class of a node if it is another now.
func wasClass(old, now *node) *resource.Class {
	if old.Class == now.Class {
		return nil
	}
	return old.Class
}

// touched are the nodes there were before that the transaction changes or
// deletes, ascending.
func (t *txn) touched() []resource.ID {
	ids := make([]resource.ID, 0, len(t.nodes.other))
	for id := range t.nodes.other {
		if t.inv.nodes.get(id) != nil { // else it was unseen
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// edgeDiff adds what changed of the stored edges to a node.
func (t *txn) edgeDiff(m *resource.Mutation, old, n *node) {
	if shared(old.in, n.in) {
		return
	}
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

// install makes the nodes visible and brings the look-up tables in step. The
// caller holds mu, or is New.
func (t *txn) install(deleted []*resource.Resource) {
	inv := t.inv
	if t.grown != nil {
		inv.identity = t.grown
	}
	cut := map[*resource.Class]struct{}{}
	for _, r := range deleted {
		inv.unindex(inv.nodes.get(r.ID))
		delete(inv.reported, r.ID)
		delete(inv.sessions, r.ID)
		cut[r.Class] = struct{}{}
	}
	for c := range cut {
		inv.members[c] = slices.DeleteFunc(inv.members[c], func(id resource.ID) bool { return inv.nodes.get(id) == nil })
	}
	for id, n := range t.nodes.other {
		old := inv.nodes.get(id)
		if n == nil || old == nil {
			continue
		}
		inv.nodes.set(n)
		inv.reindex(old, n)
	}
	for old, c := range t.changed {
		inv.members[c] = inv.members[old]
		delete(inv.members, old)
	}
	for _, id := range t.created {
		n := t.nodes.at(id)
		inv.nodes.set(n)
		if t.grown == nil {
			inv.identity[n.key()] = id
		}
		inv.index(n)
	}
	for c := range t.adopted() {
		slices.Sort(inv.members[c])
	}
	if t.classes != nil {
		inv.classes = t.classes
	}
	if t.rel != inv.rel {
		inv.rel = t.rel
	} else {
		t.reindexRelations()
	}
	inv.next = t.next
}

// makeRoom prepares the table of identities if most of what will be in it is
// new. To do so beforehand takes the time out of install, which readers wait
// for; to grow it step by step takes longer.
func (t *txn) makeRoom() {
	inv, n := t.inv, len(t.created)
	if n < max(inv.nodes.len(), 1) {
		return
	}
	t.grown = make(map[idKey]resource.ID, len(inv.identity)+n)
	maps.Copy(t.grown, inv.identity)
	for _, id := range t.created {
		t.grown[t.nodes.at(id).key()] = id
	}
}

// adopted are the classes of created resources whose IDs are not the highest.
func (t *txn) adopted() map[*resource.Class]struct{} {
	classes := map[*resource.Class]struct{}{}
	for id := range t.seen {
		if n := t.nodes.at(id); n != nil {
			classes[n.Class] = struct{}{}
		}
	}
	return classes
}

// reindex follows a change of class, reporters or references. An identity
// never changes.
func (inv *Inventory) reindex(old, n *node) {
	if old.Class != n.Class {
		delete(inv.identity, old.key())
		inv.identity[n.key()] = n.ID
	}
	if !same(old.Reporters, n.Reporters) {
		for _, root := range old.Reporters {
			if !slices.Contains(n.Reporters, root) {
				dropFrom(inv.reported, root, n.ID)
			}
		}
		for _, root := range n.Reporters {
			addTo(inv.reported, root, n.ID)
		}
	}
	if shared(old.Values, n.Values) {
		return
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
