package inventory

import (
	"maps"
	"slices"
	"strings"

	"github.com/faultline-storage/faultline/internal/resource"
)

// Classes returns the known classes, by plugin and name.
func (inv *Inventory) Classes() []*resource.Class {
	inv.mu.RLock()
	defer inv.mu.RUnlock()
	return slices.SortedFunc(maps.Values(inv.classes), func(a, b *resource.Class) int {
		if c := strings.Compare(a.Plugin, b.Plugin); c != 0 {
			return c
		}
		return strings.Compare(a.Name, b.Name)
	})
}

// Class returns the class, or nil.
func (inv *Inventory) Class(plugin, name string) *resource.Class {
	inv.mu.RLock()
	defer inv.mu.RUnlock()
	return inv.classes[plugin+"."+name]
}

// Reported counts what the sessions of a root report, by class. The root itself is
// not counted.
func (inv *Inventory) Reported(root resource.ID) map[*resource.Class]int {
	inv.mu.RLock()
	defer inv.mu.RUnlock()
	counts := map[*resource.Class]int{}
	for id := range inv.reported[root] {
		if id != root {
			counts[inv.nodes.get(id).Class]++
		}
	}
	return counts
}

// Members returns the resources of exactly this class, by ID.
func (inv *Inventory) Members(c *resource.Class) []*resource.Resource {
	inv.mu.RLock()
	defer inv.mu.RUnlock()
	list := make([]*resource.Resource, 0, len(inv.members[c]))
	for _, id := range inv.members[c] {
		list = append(list, &inv.nodes.get(id).Resource)
	}
	return list
}

// Count is the number of resources of exactly this class.
func (inv *Inventory) Count(c *resource.Class) int {
	inv.mu.RLock()
	defer inv.mu.RUnlock()
	return len(inv.members[c])
}
