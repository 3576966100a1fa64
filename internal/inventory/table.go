package inventory

import (
	"cmp"
	"iter"
	"slices"

	"github.com/faultline-storage/faultline/internal/resource"
)

// table has nodes by ID. IDs are given out in ascending order, so that a list
// of pages is smaller than a map and quicker to look up, to grow and to walk.
// Nodes in it must not change, but by link. The zero value is empty.
type table struct {
	pages []*page
	count int
	// version is that of the page that changed last.
	version uint64
}

// pageSize is the number of IDs of a page.
const pageSize = 256

type page struct {
	nodes [pageSize]*node
	// up and down have the Parents and Children of the nodes. A walk finds them
	// side by side here, where each node of its own costs a wait for memory.
	up, down [pageSize][]resource.ID
	count    int
	// version changes with the nodes; two pages never have the same.
	version uint64
}

// get returns the node, or nil.
func (t *table) get(id resource.ID) *node {
	if p := uint64(id) / pageSize; p < uint64(len(t.pages)) && t.pages[p] != nil {
		return t.pages[p].nodes[id%pageSize]
	}
	return nil
}

// set enters a node under its ID, in place of any other.
func (t *table) set(n *node) {
	i := int(n.ID / pageSize)
	for i >= len(t.pages) {
		t.pages = append(t.pages, nil)
	}
	p := t.pages[i]
	if p == nil {
		p = &page{}
		t.pages[i] = p
	}
	if p.nodes[n.ID%pageSize] == nil {
		p.count++
		t.count++
	}
	p.put(n)
	t.touch(p)
}

func (t *table) touch(p *page) {
	t.version++
	p.version = t.version
}

func (p *page) put(n *node) {
	k := n.ID % pageSize
	p.nodes[k], p.up[k], p.down[k] = n, n.Parents, n.Children
}

// parents returns the parents of a node, none if there is no such node. The
// caller must not modify them.
func (t *table) parents(id resource.ID) []resource.ID {
	if p := uint64(id) / pageSize; p < uint64(len(t.pages)) && t.pages[p] != nil {
		return t.pages[p].up[id%pageSize]
	}
	return nil
}

// children is parents the other way.
func (t *table) children(id resource.ID) []resource.ID {
	if p := uint64(id) / pageSize; p < uint64(len(t.pages)) && t.pages[p] != nil {
		return t.pages[p].down[id%pageSize]
	}
	return nil
}

// link makes the lists of parents and children of all nodes, which have none
// yet, from their edges. The parent of each edge must be in the table.
func (t *table) link() {
	edges := 0
	kids := make([]int32, len(t.pages)*pageSize) // how many each has, by ID
	for _, n := range t.all() {
		slices.SortFunc(n.in, func(a, b inEdge) int { return cmp.Compare(a.parent, b.parent) })
		edges += len(n.in)
		for i := range n.in {
			kids[n.in[i].parent]++
		}
	}
	// One piece of memory for all lists of a kind, in the order of the IDs.
	up, down := make([]resource.ID, 0, edges), make([]resource.ID, edges)
	for id, n := range t.all() {
		if count := int(kids[id]); count > 0 {
			n.Children, down = down[:0:count], down[count:]
		}
	}
	for id, n := range t.all() { // ascending, so that Children are
		if len(n.in) == 0 {
			continue
		}
		start := len(up)
		for i := range n.in {
			up = append(up, n.in[i].parent)
			parent := t.get(n.in[i].parent)
			parent.Children = append(parent.Children, id)
		}
		n.Parents = up[start:len(up):len(up)]
	}
	for _, n := range t.all() {
		t.pages[n.ID/pageSize].put(n)
	}
}

// drop takes a node out. A page without nodes goes with the last of them.
func (t *table) drop(id resource.ID) {
	if t.get(id) == nil {
		return
	}
	p, k := t.pages[id/pageSize], id%pageSize
	p.nodes[k], p.up[k], p.down[k] = nil, nil, nil
	t.touch(p)
	t.count--
	if p.count--; p.count == 0 {
		t.pages[id/pageSize] = nil
	}
}

func (t *table) len() int { return t.count }

// all yields the nodes by ascending ID.
func (t *table) all() iter.Seq2[resource.ID, *node] {
	return func(yield func(resource.ID, *node) bool) {
		for i, p := range t.pages {
			if p == nil {
				continue
			}
			for k, n := range p.nodes {
				if n != nil && !yield(resource.ID(i*pageSize+k), n) {
					return
				}
			}
		}
	}
}

// overlay has the nodes that a transaction made, changed or deleted, by ID.
type overlay struct {
	first resource.ID           // of those that it made
	made  []*node               // from first on; nil for one that is forgotten
	other map[resource.ID]*node // those there were before
}

func newOverlay(first resource.ID, room int) overlay {
	return overlay{first: first, made: make([]*node, 0, room), other: map[resource.ID]*node{}}
}

// get returns the node, nil if the transaction deletes it; ok tells whether the
// transaction touches it at all.
func (o *overlay) get(id resource.ID) (n *node, ok bool) {
	if id < o.first {
		n, ok = o.other[id]
		return n, ok
	}
	if i := int(id - o.first); i < len(o.made) {
		n = o.made[i]
	}
	return n, n != nil
}

// set enters a node, or nil for one that is deleted. A new one comes with the
// next ID.
func (o *overlay) set(id resource.ID, n *node) {
	switch i := int(id - o.first); {
	case i < 0:
		o.other[id] = n
	case i == len(o.made):
		o.made = append(o.made, n)
	default:
		o.made[i] = n
	}
}

// forget takes back that the transaction touches a node.
func (o *overlay) forget(id resource.ID) {
	if id < o.first {
		delete(o.other, id)
	} else {
		o.made[id-o.first] = nil
	}
}

// all yields what the transaction touches, those that it made last, nil for
// those that it deletes. It is no error to change nodes meanwhile, nor to enter
// more; whether those are yielded is open.
func (o *overlay) all() iter.Seq2[resource.ID, *node] {
	return func(yield func(resource.ID, *node) bool) {
		for id, n := range o.other {
			if !yield(id, n) {
				return
			}
		}
		for i, n := range o.made {
			if n != nil && !yield(o.first+resource.ID(i), n) {
				return
			}
		}
	}
}

// at returns the node, or nil if the transaction deletes it or does not touch
// it.
func (o *overlay) at(id resource.ID) *node {
	n, _ := o.get(id)
	return n
}
