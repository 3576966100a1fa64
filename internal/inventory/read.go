package inventory

import (
	"github.com/faultline-storage/faultline/internal/inventory/graph"
	"github.com/faultline-storage/faultline/internal/resource"
)

// Get returns the resource, or nil.
func (inv *Inventory) Get(id resource.ID) *resource.Resource {
	inv.mu.RLock()
	defer inv.mu.RUnlock()
	if n := inv.nodes.get(id); n != nil {
		return n.Resource
	}
	return nil
}

// Stale reports whether the resource is only last known: no root that reports
// it has a live session, or the last scan lacked it and its removal is held.
func (inv *Inventory) Stale(r *resource.Resource) bool {
	inv.mu.RLock()
	defer inv.mu.RUnlock()
	return inv.stale(r)
}

func (inv *Inventory) stale(r *resource.Resource) bool {
	for _, root := range r.Reporters {
		if n := inv.nodes.get(root); n != nil && n.Root != nil && n.Root.Live && !n.Root.Held.Has(r.ID) {
			return false
		}
	}
	return true
}

// Walk returns the resources that can be reached from start in a direction,
// nearest first, start included, each once. Depth and limit are bounds if
// greater than 0; truncated says that one of them was met. The walk sees one
// state of the graph. It returns nothing if there is no such start.
func (inv *Inventory) Walk(start resource.ID, dir resource.Direction, depth, limit int) (steps []resource.Step, truncated bool) {
	inv.mu.RLock()
	defer inv.mu.RUnlock()
	if inv.nodes.get(start) == nil {
		return nil, false
	}
	truncated = graph.Walk(start, inv.neighbours(dir), depth, limit, func(s graph.Step[resource.ID]) {
		steps = append(steps, resource.Step{Resource: inv.nodes.get(s.Node).Resource, Via: s.Via, Depth: s.Depth})
	})
	return steps, truncated
}

func (inv *Inventory) neighbours(dir resource.Direction) func(resource.ID) []resource.ID {
	if dir == resource.Up {
		return func(id resource.ID) []resource.ID { return inv.nodes.get(id).Parents }
	}
	return func(id resource.ID) []resource.ID { return inv.nodes.get(id).Children }
}
