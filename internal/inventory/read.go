package inventory

import (
	"slices"
	"sync"

	"github.com/faultline-storage/faultline/internal/inventory/graph"
	"github.com/faultline-storage/faultline/internal/resource"
)

// Get returns the resource, or nil.
func (inv *Inventory) Get(id resource.ID) *resource.Resource {
	inv.mu.RLock()
	defer inv.mu.RUnlock()
	if n := inv.nodes.get(id); n != nil {
		return &n.Resource
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
	return inv.walk(start, inv.neighbours(dir), depth, limit)
}

// Nearest returns the resources for which is holds and that can be reached from
// start, itself left out, without passing another of them; nearest first, and
// before each the resources on a shortest way to it, as far as they were not
// named before. Depth bounds the walk as in Walk, limit the number of resources
// found. Its time is linear in the resources and edges that the walk reaches.
func (inv *Inventory) Nearest(start resource.ID, dir resource.Direction, depth, limit int, is func(*resource.Class) bool) (steps []resource.Step, truncated bool) {
	inv.mu.RLock()
	defer inv.mu.RUnlock()
	wanted := map[*resource.Class]bool{}
	for c := range inv.members {
		wanted[c] = is(c)
	}
	found := func(id resource.ID) bool { return id != start && wanted[inv.nodes.get(id).Class] }
	next := inv.neighbours(dir)
	all, truncated := inv.walk(start, func(id resource.ID) []resource.ID {
		if found(id) {
			return nil
		}
		return next(id)
	}, depth, 0)
	at := make(map[resource.ID]int, len(all))
	for i := range all {
		at[all[i].Resource.ID] = i
	}
	named := make([]bool, len(all))
	n := 0
	for i := range all {
		if !found(all[i].Resource.ID) {
			continue
		}
		if n++; limit > 0 && n > limit {
			return steps, true
		}
		from := len(steps)
		for k := i; !named[k]; k = at[all[k].Via] {
			named[k] = true
			steps = append(steps, all[k])
			if all[k].Depth == 0 {
				break
			}
		}
		slices.Reverse(steps[from:])
	}
	return steps, truncated
}

var walkers = sync.Pool{New: func() any { return new(graph.Walker[resource.ID]) }}

// walk is Walk along next. The caller holds mu.
func (inv *Inventory) walk(start resource.ID, next func(resource.ID) []resource.ID, depth, limit int) (steps []resource.Step, truncated bool) {
	if inv.nodes.get(start) == nil {
		return nil, false
	}
	w := walkers.Get().(*graph.Walker[resource.ID])
	defer walkers.Put(w)
	reached, truncated := w.Walk(start, next, depth, limit)
	steps = make([]resource.Step, len(reached))
	for i, s := range reached {
		steps[i] = resource.Step{Resource: &inv.nodes.get(s.Node).Resource, Via: s.Via, Depth: s.Depth}
	}
	return steps, truncated
}

func (inv *Inventory) neighbours(dir resource.Direction) func(resource.ID) []resource.ID {
	if dir == resource.Up {
		return inv.nodes.parents
	}
	return inv.nodes.children
}
