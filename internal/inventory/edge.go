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

// addEdge lets stand add who stands for an edge; it makes the edge if it is
// new. An edge that would close a cycle is refused with the cycle's path.
func (t *txn) addEdge(parent, child resource.ID, stand func(*inEdge) (changed bool)) error {
	n := t.get(child)
	if i, ok := edgeIndex(n.in, parent); ok {
		trial := n.in[i]
		if !stand(&trial) {
			return nil
		}
		n, e := t.edit(child)
		n.in[i] = trial
		e.edges = true
		return nil
	}
	if err := t.checkAcyclic(parent, child); err != nil {
		return err
	}
	n, e := t.edit(child)
	i, _ := edgeIndex(n.in, parent)
	edge := inEdge{parent: parent}
	stand(&edge)
	n.in = slices.Insert(n.in, i, edge)
	t.rowEdge(n, e)
	t.kid(parent).link(child)
	return nil
}

// dropEdge lets fall remove who stands for an edge; the edge goes when nobody
// is left.
func (t *txn) dropEdge(parent, child resource.ID, fall func(*inEdge)) {
	n := t.get(child)
	i, ok := edgeIndex(n.in, parent)
	if !ok {
		return
	}
	trial := n.in[i]
	fall(&trial)
	if len(trial.roots) == len(n.in[i].roots) && len(trial.rules) == len(n.in[i].rules) {
		return
	}
	n, e := t.edit(child)
	if len(trial.roots)+len(trial.rules) > 0 {
		n.in[i] = trial
		e.edges = true
		return
	}
	n.in = slices.Delete(n.in, i, i+1)
	t.rowEdge(n, e)
	t.kid(parent).unlink(child)
}

// rowEdge notes that the parents of a node are others now.
func (t *txn) rowEdge(n *node, e *edit) {
	n.Parents = parents(n.in)
	e.edges, e.row = true, true
}

func (t *txn) report(parent, child, root resource.ID) error {
	return t.addEdge(parent, child, func(e *inEdge) bool {
		i, ok := slices.BinarySearch(e.roots, root)
		if ok {
			return false
		}
		e.roots = slices.Insert(slices.Clone(e.roots), i, root)
		return true
	})
}

func (t *txn) unreport(parent, child, root resource.ID) {
	t.dropEdge(parent, child, func(e *inEdge) {
		if i, ok := slices.BinarySearch(e.roots, root); ok {
			e.roots = slices.Delete(slices.Clone(e.roots), i, i+1)
		}
	})
}

// checkAcyclic refuses an edge whose child is already an ancestor of its
// parent (guide, "Relationships": the graph must be acyclic).
func (t *txn) checkAcyclic(parent, child resource.ID) error {
	if parent == child {
		return resource.Errorf(resource.Conflict, "%s cannot be its own parent", t.describe(child))
	}
	if len(t.children(child)) == 0 {
		return nil // nothing is affected by it, so it cannot affect its parent
	}
	path := graph.Path(parent, child, func(id resource.ID) []resource.ID { return parents(t.get(id).in) })
	if path == nil {
		return nil
	}
	names := make([]string, 0, len(path)+1)
	names = append(names, t.describe(child))
	slices.Reverse(path)
	for _, id := range path[1:] {
		names = append(names, t.describe(id))
	}
	names = append(names, t.describe(child))
	return resource.Errorf(resource.Conflict, "%s cannot be a parent of %s: the graph would have the cycle %s; check the parents that the plugin reports",
		t.describe(parent), t.describe(child), strings.Join(names, " → "))
}

// describe names a resource in an error.
func (t *txn) describe(id resource.ID) string {
	n := t.get(id)
	if n == nil {
		return fmt.Sprintf("resource %d", id)
	}
	return fmt.Sprintf("%s %s", n.Class.FullName(), n.Identity)
}
