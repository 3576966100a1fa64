package inventory

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/faultline-storage/faultline/internal/inventory/graph"
	"github.com/faultline-storage/faultline/internal/resource"
)

// edgeIndex finds the edge to a parent, or where it belongs.
func edgeIndex(in []inEdge, parent resource.ID) (int, bool) {
	return slices.BinarySearchFunc(in, parent, func(e inEdge, p resource.ID) int { return cmp.Compare(e.parent, p) })
}

// editIn returns a copy of the node whose list of edges the transaction may
// change.
func (t *txn) editIn(id resource.ID) *node {
	n := t.edit(id)
	if !n.own {
		n.in, n.own = slices.Clone(n.in), true
	}
	return n
}

// addEdge lets stand add who stands for an edge; it makes the edge if it is
// new. The caller has seen to it that a new edge closes no cycle.
func (t *txn) addEdge(parent, child resource.ID, stand func(*inEdge) (changed bool)) {
	n := t.get(child)
	i, ok := edgeIndex(n.in, parent)
	if ok {
		trial := n.in[i]
		if stand(&trial) {
			t.editIn(child).in[i] = trial
		}
		return
	}
	edge := inEdge{parent: parent}
	stand(&edge)
	t.insertEdge(child, i, edge)
}

// insertEdge makes an edge to a child that has none from this parent; i is its
// place.
func (t *txn) insertEdge(child resource.ID, i int, e inEdge) {
	n := t.editIn(child)
	n.in = slices.Insert(n.in, i, e)
	t.kid(e.parent).link(child)
	t.rewired = true
}

// dropEdge lets fall remove who stands for an edge; the edge goes when nobody
// is left.
func (t *txn) dropEdge(parent, child resource.ID, fall func(*inEdge)) {
	in := t.get(child).in
	i, ok := edgeIndex(in, parent)
	if !ok {
		return
	}
	trial := in[i]
	fall(&trial)
	if len(trial.roots) == len(in[i].roots) && len(trial.rules) == len(in[i].rules) {
		return
	}
	t.rewired = true
	n := t.editIn(child)
	if len(trial.roots)+len(trial.rules) > 0 {
		n.in[i] = trial
		return
	}
	n.in = slices.Delete(n.in, i, i+1)
	t.kid(parent).unlink(child)
}

func (t *txn) hasEdge(parent, child resource.ID) bool {
	_, ok := edgeIndex(t.get(child).in, parent)
	return ok
}

// report makes a root stand for an edge. An edge that would close a cycle of
// reported edges is refused with the cycle's path. Relations give way to it.
func (t *txn) report(parent, child, root resource.ID) error {
	n := t.get(child)
	i, ok := edgeIndex(n.in, parent)
	if !ok {
		if parent == child {
			return resource.Errorf(resource.Conflict, "%s cannot be its own parent", t.describe(child))
		}
		if t.closesCycle(parent, child) {
			if err := t.checkAcyclic(parent, child); err != nil {
				return err
			}
			t.contested = true
		}
		if len(t.alone) == 0 || t.alone[0] != root {
			t.alone = []resource.ID{root}
		}
		t.insertEdge(child, i, inEdge{parent: parent, roots: t.alone})
		return nil
	}
	roots := n.in[i].roots
	k, ok := slices.BinarySearch(roots, root)
	if ok {
		return nil
	}
	if len(roots) == 0 { // relations had made it, and it stands on its own now
		if t.contested { // else nothing has a cycle yet
			if err := t.checkAcyclic(parent, child); err != nil {
				return err
			}
		}
		t.rewired = true
	}
	t.editIn(child).in[i].roots = slices.Insert(slices.Clone(roots), k, root)
	return nil
}

func (t *txn) unreport(parent, child, root resource.ID) {
	t.dropEdge(parent, child, func(e *inEdge) {
		if i, ok := slices.BinarySearch(e.roots, root); ok {
			e.roots = slices.Delete(slices.Clone(e.roots), i, i+1)
		}
	})
}

// closesCycle reports whether the child is already an ancestor of the parent.
func (t *txn) closesCycle(parent, child resource.ID) bool {
	if t.childless(child) {
		return false // nothing is affected by it, so it cannot affect its parent
	}
	return graph.Path(parent, child, t.parents) != nil
}

// checkAcyclic refuses an edge whose child is already an ancestor of its
// parent by reported edges (guide, "Relationships": the graph must be acyclic).
func (t *txn) checkAcyclic(parent, child resource.ID) error {
	path := graph.Path(parent, child, t.reportedParents)
	if path == nil {
		return nil
	}
	slices.Reverse(path)
	return resource.Errorf(resource.Conflict, "%s cannot be a parent of %s: the graph would have the cycle %s; check the parents that the plugin reports",
		t.describe(parent), t.describe(child), t.cycleText(path))
}

// cycleText names the resources of a path that an edge from its end to its
// beginning closes.
func (t *txn) cycleText(path []resource.ID) string {
	names := make([]string, 0, len(path)+1)
	for _, id := range path {
		names = append(names, t.describe(id))
	}
	names = append(names, t.describe(path[0]))
	return strings.Join(names, " → ")
}

// reportedParents returns the parents that some root reports.
func (t *txn) reportedParents(id resource.ID) (ids []resource.ID) {
	for _, e := range t.get(id).in {
		if len(e.roots) > 0 {
			ids = append(ids, e.parent)
		}
	}
	return ids
}

// describe names a resource in an error.
func (t *txn) describe(id resource.ID) string {
	n := t.get(id)
	if n == nil {
		return fmt.Sprintf("resource %d", id)
	}
	return fmt.Sprintf("%s %s", n.Class.FullName(), n.Identity)
}
