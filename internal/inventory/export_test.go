package inventory

import (
	"fmt"
	"maps"
	"slices"

	"github.com/faultline-storage/faultline/internal/inventory/graph"
	"github.com/faultline-storage/faultline/internal/resource"
)

// Check reports the first rule between the look-up tables and the graph that
// does not hold.
func (inv *Inventory) Check() error {
	inv.write.Lock()
	defer inv.write.Unlock()
	reported, holders := map[[2]resource.ID]bool{}, map[[2]resource.ID]bool{}
	index := newRelations(inv.classes)
	children := map[resource.ID][]resource.ID{}
	for id, n := range inv.nodes.all() {
		if err := inv.checkNode(id, n); err != nil {
			return fmt.Errorf("resource %d: %w", id, err)
		}
		for _, root := range n.Reporters {
			reported[[2]resource.ID{root, id}] = true
		}
		for _, v := range n.Values {
			if to, ok := v.Ref(); ok {
				holders[[2]resource.ID{resource.ID(to), id}] = true
			}
		}
		for _, p := range n.Parents {
			children[p] = append(children[p], id)
		}
		index.fill(n)
	}
	for id, n := range inv.nodes.all() {
		slices.Sort(children[id])
		if !slices.Equal(n.Children, children[id]) {
			return fmt.Errorf("resource %d has the children %v, and %v have it as a parent", id, n.Children, children[id])
		}
	}
	if len(inv.identity) != inv.nodes.len() {
		return fmt.Errorf("%d identities of %d resources", len(inv.identity), inv.nodes.len())
	}
	members := 0
	for c, ids := range inv.members {
		members += len(ids)
		if inv.classes[c.FullName()] != c && len(ids) > 0 {
			return fmt.Errorf("%d resources of a class %s that is not in use", len(ids), c.FullName())
		}
		if !slices.IsSorted(ids) {
			return fmt.Errorf("the members of %s are not in order: %v", c.FullName(), ids)
		}
	}
	if members != inv.nodes.len() {
		return fmt.Errorf("%d members of %d resources", members, inv.nodes.len())
	}
	if got := pairs(inv.reported); !maps.Equal(got, reported) {
		return fmt.Errorf("reported is %v and should be %v", got, reported)
	}
	if got := pairs(inv.holders); !maps.Equal(got, holders) {
		return fmt.Errorf("holders is %v and should be %v", got, holders)
	}
	ids := func(yield func(resource.ID) bool) {
		for id := range inv.nodes.all() {
			if !yield(id) {
				return
			}
		}
	}
	if !graph.Acyclic(ids, func(id resource.ID) []resource.ID { return inv.nodes.get(id).Parents }) {
		return fmt.Errorf("the graph has a cycle")
	}
	for root, s := range inv.sessions {
		if n := inv.nodes.get(root); n == nil || n.Root == nil || s.handles[0] != root {
			return fmt.Errorf("a session of %d, which is no root", root)
		}
	}
	return inv.checkRelations(index)
}

func (inv *Inventory) checkNode(id resource.ID, n *node) error {
	c := n.Class
	switch {
	case n.ID != id || id >= inv.next:
		return fmt.Errorf("its ID is %d, the next one %d", n.ID, inv.next)
	case len(n.Values) != len(c.Attributes):
		return fmt.Errorf("%d values", len(n.Values))
	case inv.identity[n.key()] != id:
		return fmt.Errorf("its identity %s leads to %d", n.Identity, inv.identity[n.key()])
	case c.IDScope != resource.Auto && n.Identity != identityOf(c, n.Values):
		return fmt.Errorf("identity %s, from its values %s", n.Identity, identityOf(c, n.Values))
	case !slices.Contains(inv.members[c], id):
		return fmt.Errorf("it is no member of its class")
	case len(n.Reporters) == 0 || !slices.IsSorted(n.Reporters) || !slices.Contains(n.Reporters, n.Scope):
		return fmt.Errorf("reporters %v, scope %d", n.Reporters, n.Scope)
	case (n.Root != nil) != slices.Contains(n.Reporters, id):
		return fmt.Errorf("root %v, reporters %v", n.Root, n.Reporters)
	case !slices.Equal(n.Parents, parents(n.in)):
		return fmt.Errorf("parents %v, edges %v", n.Parents, n.in)
	}
	for _, root := range n.Reporters {
		if r := inv.nodes.get(root); r == nil || r.Root == nil {
			return fmt.Errorf("its reporter %d is no root", root)
		}
	}
	for i, v := range n.Values {
		if to, ok := v.Ref(); ok && inv.nodes.get(resource.ID(to)) == nil {
			return fmt.Errorf("%s refers to %d, which is not there", c.Attributes[i].Name, to)
		}
	}
	for k, e := range n.in {
		switch {
		case inv.nodes.get(e.parent) == nil:
			return fmt.Errorf("parent %d is not there", e.parent)
		case k > 0 && n.in[k-1].parent >= e.parent:
			return fmt.Errorf("parents out of order")
		case len(e.roots)+len(e.rules) == 0:
			return fmt.Errorf("nobody stands for parent %d", e.parent)
		}
		for _, root := range e.roots {
			if !slices.Contains(n.Reporters, root) || !slices.Contains(inv.nodes.get(e.parent).Reporters, root) {
				return fmt.Errorf("root %d stands for the edge from %d, and does not report both ends", root, e.parent)
			}
		}
	}
	return nil
}

// checkRelations compares the indexes with fresh ones, and the edges with what
// matches.
func (inv *Inventory) checkRelations(fresh *relations) error {
	if len(fresh.rules) != len(inv.rel.rules) {
		return fmt.Errorf("%d rules, and %d follow from the classes", len(inv.rel.rules), len(fresh.rules))
	}
	for k := range fresh.rules {
		for side := range 2 {
			got, want := inv.rel.rules[k].index[side], fresh.rules[k].index[side]
			if len(got) != len(want) {
				return fmt.Errorf("rule %d: index %v, want %v", k, got, want)
			}
			for key := range want {
				if a, b := slices.Sorted(slices.Values(got[key])), slices.Sorted(slices.Values(want[key])); !slices.Equal(a, b) {
					return fmt.Errorf("rule %d, key %q: %v, want %v", k, key, a, b)
				}
			}
		}
	}
	want := fresh.matches()
	for e := range inv.rel.refused {
		delete(want, e)
	}
	for id, n := range inv.nodes.all() {
		for _, in := range n.in {
			e := resource.Edge{Parent: in.parent, Child: id}
			if !slices.Equal(in.rules, want[e]) {
				return fmt.Errorf("edge %v by the rules %v, want %v", e, in.rules, want[e])
			}
			delete(want, e)
		}
	}
	if len(want) > 0 {
		return fmt.Errorf("edges %v are missing", want)
	}
	return nil
}

func pairs(m map[resource.ID]map[resource.ID]struct{}) map[[2]resource.ID]bool {
	out := map[[2]resource.ID]bool{}
	for a, set := range m {
		if len(set) == 0 {
			out[[2]resource.ID{a, 0}] = true // empty sets must go
		}
		for b := range set {
			out[[2]resource.ID{a, b}] = true
		}
	}
	return out
}

// SearchAtMost bounds the resources that Explain looks at, until the returned
// function is called.
func SearchAtMost(n int) func() {
	old := mostSearched
	mostSearched = n
	return func() { mostSearched = old }
}

// SortAtMost has lists pick more resources than these from a kept order.
func (inv *Inventory) SortAtMost(n int) { inv.few = n }

// Sorted returns the IDs of resources by what Query.Sort names, ascending, and how many
// of them have none of it.
func Sorted(list []*resource.Resource, by string) ([]resource.ID, int) {
	s := sortResources(list, func() *sorter { return newSorter(by, nil, func(resource.ID) string { return "" }) })
	return s.ids, s.nulls
}
