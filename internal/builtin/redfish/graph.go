package redfish

import "slices"

// edge says that a problem with parent is a problem with child.
type edge struct{ parent, child string }

// dag collects edges and refuses those that would close a cycle. Services
// contradict themselves: two chassis contain each other, a pool takes its
// capacity from itself.
type dag struct {
	children map[string][]string
	has      map[edge]bool
	edges    []edge
	refused  []edge
}

func newDAG() *dag { return &dag{children: map[string][]string{}, has: map[edge]bool{}} }

// add adds an edge unless it closes a cycle. safe says that it cannot. Adding
// an edge again changes nothing.
func (g *dag) add(e edge, safe bool) {
	if g.has[e] || e.parent == e.child {
		return
	}
	if !safe && g.reaches(e.child, e.parent) {
		if !slices.Contains(g.refused, e) {
			g.refused = append(g.refused, e)
		}
		return
	}
	g.has[e] = true
	g.children[e.parent] = append(g.children[e.parent], e.child)
	g.edges = append(g.edges, e)
}

func (g *dag) reaches(from, to string) bool {
	seen := map[string]bool{from: true}
	for todo := []string{from}; len(todo) > 0; {
		at := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for _, c := range g.children[at] {
			if c == to {
				return true
			}
			if !seen[c] {
				seen[c] = true
				todo = append(todo, c)
			}
		}
	}
	return false
}

// layer orders classes from cause to effect. Edges from a lower to a higher
// layer cannot close a cycle; edges the other way are not drawn.
func layer(r hardware) int {
	switch r.(type) {
	case *Fan, *PowerSupply, *TemperatureSensor:
		return 0
	case *Chassis:
		return 1
	case *Controller:
		return 2
	case *Drive:
		return 3
	}
	return 4 // pools and volumes are made of each other
}

// edges resolves the links of the nodes, in the order of the nodes, on top of
// edges that are kept from before.
func edges(nodes []*node, kept []edge) *dag {
	at := map[string]*node{}
	for _, n := range nodes {
		at[n.path()] = n
	}
	for _, n := range nodes {
		for _, id := range n.alias {
			if _, taken := at[id]; !taken {
				at[id] = n
			}
		}
	}
	g := newDAG()
	for _, e := range kept {
		g.add(e, false)
	}
	draw := func(parent, child *node) bool {
		if parent == nil || child == nil || parent == child {
			return false
		}
		p, c := layer(parent.res), layer(child.res)
		if p <= c {
			g.add(edge{parent.path(), child.path()}, p < c && len(kept) == 0)
		}
		_, housed := parent.res.(*Chassis)
		return housed && p < c
	}
	for _, n := range nodes {
		housed := false
		for _, id := range n.under {
			housed = draw(at[id], n) || housed
		}
		for _, way := range n.home {
			for _, id := range way {
				if housed {
					break
				}
				housed = draw(at[id], n)
			}
		}
		for _, id := range n.over {
			draw(n, at[id])
		}
	}
	return g
}
