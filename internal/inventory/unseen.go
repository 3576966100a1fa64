package inventory

import (
	"context"
	"maps"
	"slices"

	"github.com/faultline-storage/faultline/internal/resource"
)

// show takes in the rows of classes that nobody had declared. While nobody saw
// them, their roots and what they refer to may have gone.
func (t *txn) show(ctx context.Context, classes map[string]*resource.Class) error {
	if len(classes) == 0 {
		return nil
	}
	t.seen = map[resource.ID]struct{}{}
	var edges []resource.StoredEdge
	_, _, err := t.inv.store.Load(ctx, func(row resource.StoredResource) error {
		c := classes[row.Plugin+"."+row.Class]
		if c == nil {
			return nil
		}
		n, err := read(&row, c)
		if err != nil {
			return err
		}
		n.own = true
		t.nodes.set(n.ID, n)
		t.ids[n.key()] = n.ID
		t.created, t.seen[n.ID] = append(t.created, n.ID), struct{}{}
		return nil
	}, func(e resource.StoredEdge) error {
		_, parentNew := t.seen[e.Parent]
		_, childNew := t.seen[e.Child]
		if (parentNew || childNew) && t.get(e.Parent) != nil && t.get(e.Child) != nil {
			edges = append(edges, e)
		}
		return nil
	})
	if err != nil {
		return err
	}
	slices.Sort(t.created)
	var gone []resource.ID
	for _, id := range slices.Sorted(maps.Keys(t.seen)) {
		if !t.catchUp(t.nodes.at(id)) {
			gone = append(gone, id)
		}
	}
	t.remove(gone...)
	for _, e := range edges {
		t.showEdge(e)
	}
	return nil
}

// catchUp does to an unseen resource what was missed, and reports whether it
// stays.
func (t *txn) catchUp(n *node) bool {
	n.Reporters = slices.DeleteFunc(n.Reporters, func(root resource.ID) bool {
		r := t.get(root)
		return r == nil || r.Root == nil
	})
	if len(n.Reporters) == 0 {
		return false
	}
	dropWriters(n)
	if !slices.Contains(n.Reporters, n.Scope) {
		if n.Class.IDScope == resource.Scoped {
			return false
		}
		n.Scope = n.Reporters[0]
	}
	for _, v := range n.Values {
		if target, ok := v.Ref(); ok && t.get(resource.ID(target)) == nil && t.release(n.ID, resource.ID(target)) {
			return false
		}
	}
	return true
}

// showEdge takes in an edge for those of its roots that report both ends.
func (t *txn) showEdge(e resource.StoredEdge) {
	parent, child := t.get(e.Parent), t.get(e.Child)
	if parent == nil || child == nil {
		return // and its row goes with them
	}
	for _, root := range e.Roots {
		if !slices.Contains(parent.Reporters, root) || !slices.Contains(child.Reporters, root) {
			continue
		}
		if err := t.report(e.Parent, e.Child, root); err != nil {
			// What was reported since stands against it.
			t.inv.log.Warn("an edge of a resource that was unseen is left out", "error", err)
		}
	}
	if i, ok := edgeIndex(t.get(e.Child).in, e.Parent); !ok || len(t.get(e.Child).in[i].roots) == 0 {
		t.lost = append(t.lost, e.Edge)
	}
}

// storeSeen adds to a mutation what became of unseen resources.
func (t *txn) storeSeen(m *resource.Mutation) {
	for _, id := range slices.Sorted(maps.Keys(t.seen)) {
		if n := t.nodes.at(id); n == nil {
			m.Delete = append(m.Delete, id)
		} else {
			m.Put = append(m.Put, &n.Resource) // not as a new one: the store has it
		}
	}
	for _, e := range t.lost {
		if t.get(e.Parent) != nil && t.get(e.Child) != nil {
			m.RemoveEdges = append(m.RemoveEdges, e)
		}
	}
}
