package volume

import (
	"slices"

	"github.com/faultline-storage/faultline/internal/resource"
)

// marks collects the drives that have to be worked out again after a change.
type marks struct {
	dirty map[resource.ID]bool
	hosts map[int64]bool // whose volumes have to be
	// clusters says that a host's word about its cluster changed; gone, that a
	// target went.
	clusters, gone bool
}

func newMarks() *marks {
	return &marks{dirty: make(map[resource.ID]bool), hosts: make(map[int64]bool)}
}

// effect is how far a changed resource matters.
type effect uint8

const (
	itself effect = 1 << iota // to the volume of the drive that it is
	up                        // to the drives that it lies on
	down                      // to the drives that lie on it
)

// effectOf tells what an update means. Children are not looked at: an edge that
// came or went changed the parents of the child, too.
// fresh are kept resources that the change makes.
func (g *graph) effectOf(old vertex, u *resource.Update, fresh map[resource.ID]bool) (e effect) {
	c := g.class(u.Resource.Class)
	if u.Was != nil || old.c == nil || old.c.kind != c.kind {
		return itself | up | down
	}
	if u.Edges && !g.sameParents(old.r, u.Resource, fresh) {
		e = itself | up | down
	}
	if u.Name {
		switch c.kind {
		case drive, slice:
			e |= itself | down
		case pool:
			e |= down
		case host:
			e |= itself
		}
	}
	for _, i := range u.Attributes {
		switch c.kind {
		case node:
			if i == c.hostID || i == c.path || i == c.drive {
				e |= up | down
			}
		case drive, slice:
			if i == c.size || i == c.fs || i == c.number || i == c.name || i == c.usable {
				e |= itself
			}
		case weight:
			if i == c.weight {
				e |= down
			}
		case host:
			if i == c.fqdn {
				e |= itself
			}
		case member:
			e |= itself
		}
	}
	return e
}

// sameParents compares the parents that matter.
func (g *graph) sameParents(a, b *resource.Resource, fresh map[resource.ID]bool) bool {
	if slices.Equal(a.Parents, b.Parents) {
		return true
	}
	known := func(r *resource.Resource) (ids []resource.ID) {
		for _, id := range r.Parents {
			if _, ok := g.byID[id]; ok || fresh[id] {
				ids = append(ids, id)
			}
		}
		return ids
	}
	return slices.Equal(known(a), known(b))
}

// walker marks in the graph as it is before or after a change.
type walker struct {
	g     *graph
	m     *marks
	ups   map[resource.ID]bool // whose parents were looked at
	downs map[resource.ID]bool
}

func newWalker(g *graph, m *marks) *walker {
	return &walker{g, m, make(map[resource.ID]bool), make(map[resource.ID]bool)}
}

// mark marks what a resource with the effect matters to.
func (w *walker) mark(id resource.ID, e effect) {
	v, ok := w.g.byID[id]
	if !ok {
		return
	}
	switch v.c.kind {
	case host:
		w.m.hosts[int64(id)] = true
		return
	case member:
		w.m.clusters = true
		return
	}
	if e&itself != 0 && v.c.kind.isDrive() {
		w.m.dirty[id] = true
	}
	if e&up != 0 {
		w.up(v)
	}
	if e&down != 0 {
		w.down(v)
	}
}

// up marks the nearest drives above: what lies on them has changed.
func (w *walker) up(v vertex) {
	todo := []vertex{v}
	for len(todo) > 0 {
		at := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if w.ups[at.r.ID] {
			continue
		}
		w.ups[at.r.ID] = true
		w.g.parents(at, func(p vertex) {
			if p.c.kind.isDrive() {
				w.m.dirty[p.r.ID] = true
			} else {
				todo = append(todo, p)
			}
		})
	}
}

// down marks all drives below: weights and names may come from above.
func (w *walker) down(v vertex) {
	todo := []vertex{v}
	for len(todo) > 0 {
		at := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if w.downs[at.r.ID] {
			continue
		}
		w.downs[at.r.ID] = true
		if at.c.kind.isDrive() && at.r.ID != v.r.ID {
			w.m.dirty[at.r.ID] = true
		}
		if at.c.kind == node {
			// Its own weight is part of the volume of its drive.
			if d := w.g.nearest(at); d != 0 {
				w.m.dirty[d] = true
			}
		}
		w.g.children(at, func(c vertex) { todo = append(todo, c) })
	}
}

// apply moves the graph on by one change and returns what that touched.
func (g *graph) apply(c *resource.Changes) *marks {
	m := newMarks()
	deleted := make(map[resource.ID]bool, len(c.Deleted))
	for _, r := range c.Deleted {
		deleted[r.ID] = true
	}
	fresh := make(map[resource.ID]bool)
	for _, r := range c.Created {
		if g.class(r.Class).kind != hardware {
			fresh[r.ID] = true
		}
	}
	effects := make([]effect, len(c.Updated))
	before := newWalker(g, m)
	for _, r := range c.Deleted {
		if v, ok := g.byID[r.ID]; ok {
			m.gone = m.gone || v.c.kind == target
			before.mark(r.ID, itself|up|down)
		}
	}
	for i := range c.Updated {
		u := &c.Updated[i]
		if deleted[u.Resource.ID] {
			continue
		}
		old, had := g.byID[u.Resource.ID]
		if !had && g.class(u.Resource.Class).kind == hardware {
			continue
		}
		if effects[i] = g.effectOf(old, u, fresh); effects[i] != 0 {
			before.mark(u.Resource.ID, effects[i])
		}
	}
	for _, r := range c.Deleted {
		g.drop(r.ID)
	}
	for _, r := range c.Created {
		g.put(r)
	}
	for i := range c.Updated {
		if r := c.Updated[i].Resource; !deleted[r.ID] {
			g.put(r)
		}
	}
	after := newWalker(g, m)
	for _, r := range c.Created {
		after.mark(r.ID, itself|up|down)
	}
	for i := range c.Updated {
		if effects[i] != 0 {
			after.mark(c.Updated[i].Resource.ID, effects[i])
		}
	}
	return m
}
