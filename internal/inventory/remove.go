package inventory

import (
	"slices"

	"github.com/faultline-storage/faultline/internal/resource"
)

// withdraw ends the root's reports of resources and returns those that nobody
// reports any more, ascending.
func (t *txn) withdraw(root resource.ID, ids map[resource.ID]struct{}) (gone []resource.ID) {
	for id := range ids {
		n := t.get(id)
		if n == nil {
			continue
		}
		i, ok := slices.BinarySearch(n.Reporters, root)
		if ok && len(n.Reporters) == 1 || n.Class.IDScope == resource.Scoped && n.Scope == root {
			gone = append(gone, id)
			continue
		}
		if !ok {
			continue
		}
		n = t.edit(id)
		n.Reporters = slices.Delete(slices.Clone(n.Reporters), i, i+1)
		dropWriters(n)
		if n.Scope == root {
			n.Scope = n.Reporters[0]
		}
		// Nobody can stand for an edge to or from what he does not report.
		for _, in := range slices.Clone(n.in) {
			t.unreport(in.parent, id, root)
		}
		for _, c := range t.children(id) {
			t.unreport(id, c, root)
		}
	}
	slices.Sort(gone)
	return gone
}

// remove deletes resources, what refers to them by a mandatory attribute, and
// clears optional references to them (guide, "ResourceReference"). A root
// takes along what only it reports.
func (t *txn) remove(ids ...resource.ID) {
	doomed := make(map[resource.ID]struct{}, len(ids))
	for _, id := range ids {
		doomed[id] = struct{}{}
	}
	for len(ids) > 0 {
		id := ids[len(ids)-1]
		ids = ids[:len(ids)-1]
		n := t.get(id)
		if n == nil {
			continue
		}
		t.rewired = true
		for _, e := range n.in {
			t.kid(e.parent).unlink(id)
		}
		for _, c := range t.children(id) {
			if _, too := doomed[c]; !too {
				t.dropEdge(id, c, func(e *inEdge) { e.roots, e.rules = nil, nil })
			}
		}
		t.forget(id, n)
		for _, h := range t.holdersOf(id) {
			if t.release(h, id) {
				ids = append(ids, h)
			}
		}
		if n.Root != nil {
			ids = append(ids, t.withdraw(id, t.reportedBy(id))...)
		}
	}
}

// forget takes a node out of the transaction.
func (t *txn) forget(id resource.ID, n *node) {
	delete(t.kids, id)
	t.forgot = true
	if t.inv.nodes.get(id) != nil {
		t.nodes.set(id, nil)
		return
	}
	t.nodes.forget(id)
	if t.ids[n.key()] == id {
		delete(t.ids, n.key())
	}
	if i, ok := slices.BinarySearch(t.created, id); ok {
		t.created = slices.Delete(t.created, i, i+1)
	}
}

// reportedBy returns what a root reports as the transaction sees it.
func (t *txn) reportedBy(root resource.ID) map[resource.ID]struct{} {
	ids := make(map[resource.ID]struct{}, len(t.inv.reported[root]))
	for id := range t.inv.reported[root] {
		ids[id] = struct{}{}
	}
	for id, n := range t.nodes.all() {
		if n != nil && slices.Contains(n.Reporters, root) {
			ids[id] = struct{}{}
		}
	}
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
		t.setWriter(holder, i, 0)
	}
	return false
}
