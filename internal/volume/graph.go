package volume

import (
	"slices"

	"github.com/faultline-storage/faultline/internal/resource"
)

// kind is what a class is to volumes.
type kind uint8

const (
	hardware kind = iota // no part of any stack; not kept
	other                // anything else that may stand in between
	node
	drive
	slice
	pool
	occupier
	weight
	target
	host
	member // says in which cluster a host is
)

func (k kind) isDrive() bool { return k == drive || k == slice }

// class is what is known of a resource class.
type class struct {
	kind kind
	// The indexes of attributes, -1 if there is none.
	hostID, path, drive, size, fs, weight, number, name, fqdn, cluster, nodes, usable int
}

var hardwareBases = []string{
	"Controller", "Enclosure", "Fan", "PhysicalDisk", "VirtualMachine", resource.BaseScannable, resource.BaseHostRoot, resource.BaseInternal,
}

func newClass(c *resource.Class) *class {
	k := &class{
		hostID: c.Attr(resource.AttrHostID), path: c.Attr("path"), drive: c.Attr("logical_drive"), size: c.Attr("size"),
		fs: c.Attr("filesystem_type"), weight: c.Attr("weight"), number: c.Attr("number"), name: c.Attr("name"),
		fqdn: c.Attr(resource.AttrFQDN), cluster: c.Attr(resource.AttrCluster), nodes: c.Attr(resource.AttrClusterNodes), usable: c.Attr(resource.AttrUsable),
	}
	// The more telling base comes first.
	switch {
	case c.Is(resource.BaseDeviceNode):
		k.kind = node
	case c.Is(resource.BaseSlice):
		k.kind = slice
	case c.Is(resource.BaseLogicalDrive):
		k.kind = drive
	case c.Is(resource.BaseStoragePool):
		k.kind = pool
	case c.Is(resource.ClassTarget):
		k.kind = target
	case c.Is(resource.BaseOccupier):
		k.kind = occupier
	case c.Is(resource.BasePathWeight):
		k.kind = weight
	case c.Is(resource.BaseHost):
		k.kind = host
	case k.hostID >= 0 && k.nodes >= 0:
		k.kind = member
	case !slices.ContainsFunc(hardwareBases, c.Is):
		k.kind = other
	}
	return k
}

// graph is the part of the inventory that volumes follow from, as of one change.
// Resources of the kind hardware are not in it, so that a walk ends there.
type graph struct {
	classes map[*resource.Class]*class
	byID    map[resource.ID]vertex
	// weights counts the PathWeights: most sites have none, and need no search.
	weights int
	// above has the parents of pools that are in the graph. A pool has as many
	// others as disks.
	above map[resource.ID][]resource.ID
	// naming has the nodes that name a drive which is none of their parents.
	naming map[resource.ID][]resource.ID
	// hosts and members are the resources of these kinds.
	hosts, members map[resource.ID]bool
}

type vertex struct {
	r *resource.Resource
	c *class
}

func (v vertex) text(i int) string {
	if i < 0 {
		return ""
	}
	s, _ := v.r.Values[i].Text()
	return s
}

func (v vertex) number(i int) int64 {
	if i < 0 {
		return 0
	}
	n, _ := v.r.Values[i].Int()
	return n
}

func newGraph() *graph {
	return &graph{
		classes: make(map[*resource.Class]*class), byID: make(map[resource.ID]vertex),
		above: make(map[resource.ID][]resource.ID), naming: make(map[resource.ID][]resource.ID),
		hosts: make(map[resource.ID]bool), members: make(map[resource.ID]bool),
	}
}

func (g *graph) class(c *resource.Class) *class {
	k := g.classes[c]
	if k == nil {
		k = newClass(c)
		g.classes[c] = k
	}
	return k
}

// put enters a resource or its new state.
func (g *graph) put(r *resource.Resource) {
	g.drop(r.ID)
	v := vertex{r, g.class(r.Class)}
	switch v.c.kind {
	case hardware:
		return
	case weight:
		g.weights++
	case host:
		g.hosts[r.ID] = true
	case member:
		g.members[r.ID] = true
	case node:
		if d := v.names(); d != 0 {
			g.naming[d] = append(g.naming[d], r.ID)
		}
	}
	g.byID[r.ID] = v
}

func (g *graph) drop(id resource.ID) {
	v, ok := g.byID[id]
	if !ok {
		return
	}
	switch v.c.kind {
	case weight:
		g.weights--
	case node:
		if d := v.names(); d != 0 {
			rest := slices.DeleteFunc(g.naming[d], func(o resource.ID) bool { return o == id })
			if g.naming[d] = rest; len(rest) == 0 {
				delete(g.naming, d)
			}
		}
	}
	delete(g.byID, id)
	delete(g.above, id)
	delete(g.hosts, id)
	delete(g.members, id)
}

// names returns the resource that a node's attribute names, if it is none of the
// node's parents, or else 0.
func (v vertex) names() resource.ID {
	if v.c.kind != node || v.c.drive < 0 {
		return 0
	}
	id, _ := v.r.Values[v.c.drive].Ref()
	if _, ok := slices.BinarySearch(v.r.Parents, resource.ID(id)); ok {
		return 0
	}
	return resource.ID(id)
}

// parents yields what is directly above: the drive that a node names first.
func (g *graph) parents(v vertex, yield func(vertex)) {
	if named, ok := g.named(v); ok {
		yield(named)
	}
	if v.c.kind != pool {
		for _, id := range v.r.Parents {
			if p, ok := g.byID[id]; ok {
				yield(p)
			}
		}
		return
	}
	ids, ok := g.above[v.r.ID]
	if !ok {
		for _, id := range v.r.Parents {
			if _, ok := g.byID[id]; ok {
				ids = append(ids, id)
			}
		}
		g.above[v.r.ID] = ids
	}
	for _, id := range ids {
		if p, ok := g.byID[id]; ok { // what went since takes its edge with it in the same change
			yield(p)
		}
	}
}

// named returns the drive that a node's attribute names.
func (g *graph) named(v vertex) (vertex, bool) {
	if v.c.kind != node || v.c.drive < 0 {
		return vertex{}, false
	}
	id, ok := v.r.Values[v.c.drive].Ref()
	if !ok {
		return vertex{}, false
	}
	d, ok := g.byID[resource.ID(id)]
	return d, ok && d.c.kind.isDrive()
}

// children yields what is directly below; a drive has the nodes that name it
// below it, too.
func (g *graph) children(v vertex, yield func(vertex)) {
	for _, id := range v.r.Children {
		if c, ok := g.byID[id]; ok {
			yield(c)
		}
	}
	if v.c.kind.isDrive() {
		for _, id := range g.naming[v.r.ID] {
			yield(g.byID[id])
		}
	}
}

// nearest returns the drive of a node: that which it names, or the nearest
// above it. Breadth first, and of equally near ones the smallest ID, so that the
// answer does not depend on who reported first.
func (g *graph) nearest(v vertex) (found resource.ID) {
	if d, ok := g.named(v); ok {
		return d.r.ID
	}
	seen := map[resource.ID]bool{v.r.ID: true}
	level := []vertex{v}
	for len(level) > 0 && found == 0 {
		var next []vertex
		for _, at := range level {
			g.parents(at, func(p vertex) {
				switch {
				case p.c.kind.isDrive():
					if found == 0 || p.r.ID < found {
						found = p.r.ID
					}
				case !seen[p.r.ID]:
					seen[p.r.ID] = true
					next = append(next, p)
				}
			})
		}
		level = next
	}
	return found
}
