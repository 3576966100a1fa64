package volume

import (
	"cmp"
	"maps"
	"slices"

	"github.com/faultline-storage/faultline/internal/resource"
)

// region is what lies on a drive without another drive in between.
type region struct {
	nodes []vertex // whose drive it is, and that no other node is built on; by ID
	taken bool     // something occupies it, or is built on it
	bare  bool     // neither a node nor another drive lies on it
	users []resource.ID
	// runs are the hosts, by host_id, on whose nodes the users lie.
	runs []int64
}

// regionWalk goes down from a drive, depth first. What lies between nodes is
// reached once from each node, since it matters which node is above.
type regionWalk struct {
	g     *graph
	drive resource.ID
	seen  map[spot]bool
	todo  []spot
	built map[resource.ID]bool // nodes that a node is built on
	nodes []vertex
	users map[resource.ID]bool
	runs  map[int64]bool
	taken bool
	shown bool // there is another view of the drive
}

// spot is a resource and the nearest node above it; 0 is none.
type spot struct{ at, node resource.ID }

func (g *graph) region(d vertex) *region {
	w := &regionWalk{
		g: g, drive: d.r.ID, seen: make(map[spot]bool), built: make(map[resource.ID]bool),
		users: make(map[resource.ID]bool), runs: make(map[int64]bool),
	}
	w.push(spot{d.r.ID, 0})
	for len(w.todo) > 0 {
		top := w.todo[len(w.todo)-1]
		w.todo = w.todo[:len(w.todo)-1]
		g.children(g.byID[top.at], func(v vertex) { w.visit(v, top.node) })
	}
	out := &region{taken: w.taken, users: slices.Sorted(maps.Keys(w.users)), runs: slices.Sorted(maps.Keys(w.runs))}
	for _, n := range w.nodes {
		if !w.built[n.r.ID] && g.nearest(n) == d.r.ID {
			out.nodes = append(out.nodes, n)
		}
	}
	out.bare = !w.shown && len(w.nodes) == 0
	slices.SortFunc(out.nodes, func(a, b vertex) int { return cmp.Compare(a.r.ID, b.r.ID) })
	return out
}

func (w *regionWalk) push(s spot) bool {
	if w.seen[s] {
		return false
	}
	w.seen[s] = true
	w.todo = append(w.todo, s)
	return true
}

// visit follows the edge to v from what lies on the given node.
func (w *regionWalk) visit(v vertex, from resource.ID) {
	switch v.c.kind {
	case drive:
		// Without a node in between it is another view of the same drive: the disk that
		// a host sees of a controller's LUN.
		w.taken = w.taken || from != 0
		w.shown = true
	case slice, pool:
		w.taken = true
	case target:
		w.users[v.r.ID] = true
		if n, ok := w.g.byID[from]; ok {
			w.runs[n.number(n.c.hostID)] = true
		}
	case node:
		if from != 0 {
			w.built[from] = true
		}
		if w.push(spot{v.r.ID, v.r.ID}) {
			w.nodes = append(w.nodes, v)
		}
	case occupier: // what is mounted may be a target's
		w.taken = true
		w.push(spot{v.r.ID, from})
	default:
		w.push(spot{v.r.ID, from})
	}
}

// weight sums the PathWeights above a node. The way up does not lead through
// nodes of other hosts: a partition that two hosts see lies on the nodes of
// both.
func (g *graph) weight(n vertex) (sum int64, count int) {
	if g.weights == 0 {
		return 0, 0
	}
	on := n.number(n.c.hostID)
	seen := map[resource.ID]bool{n.r.ID: true}
	todo := []vertex{n}
	for len(todo) > 0 {
		at := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		g.parents(at, func(p vertex) {
			if seen[p.r.ID] || p.c.kind == node && p.number(p.c.hostID) != on {
				return
			}
			seen[p.r.ID] = true
			if p.c.kind == weight {
				sum += p.number(p.c.weight)
				count++
			}
			todo = append(todo, p)
		})
	}
	return sum, count
}

// origins returns the nearest drives and pools above a drive with no node in
// between, ascending: what it is another view of, or is made from.
func (g *graph) origins(d vertex) (out []vertex) {
	seen := map[resource.ID]bool{d.r.ID: true}
	todo := []vertex{d}
	for len(todo) > 0 {
		at := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		g.parents(at, func(p vertex) {
			if seen[p.r.ID] {
				return
			}
			seen[p.r.ID] = true
			switch {
			case p.c.kind.isDrive(), p.c.kind == pool:
				out = append(out, p)
			case p.c.kind == other:
				todo = append(todo, p)
			}
		})
	}
	slices.SortFunc(out, func(a, b vertex) int { return cmp.Compare(a.r.ID, b.r.ID) })
	return out
}

// backing returns the resources whose failure is that of the drive.
func (g *graph) backing(d vertex) []resource.ID {
	seen := make(map[resource.ID]bool)
	todo := []vertex{d}
	for len(todo) > 0 {
		at := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if seen[at.r.ID] {
			continue
		}
		seen[at.r.ID] = true
		if at.c.kind == pool {
			continue
		}
		todo = append(todo, g.origins(at)...)
		if at.c.kind == slice {
			if whole, ok := g.whole(at); ok {
				todo = append(todo, whole)
			}
		}
	}
	return slices.Sorted(maps.Keys(seen))
}
