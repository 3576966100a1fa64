package plugin

import (
	"slices"
	"unsafe"
)

// node is what the session knows about one reported resource. It belongs to the
// session's goroutine.
type node struct {
	s      *Session // nil while the resource is not reported
	c      *class
	ptr    unsafe.Pointer // of self
	slot   int            // of the table's shadows
	handle int64

	// What is up to here is looked at in every turn, and stands together.
	created bool // the last report was the first
	sent    bool // the host knows it
	dead    bool // removed
	touched bool // has a place among the turn's events
	linked  bool // has its old parents among the turn's
	bad     bool // must not be sent in this turn

	streamed bool // sent before the end of the turn

	self    Any // the author's pointer
	key     string
	label   string
	parents []*node // may hold nodes of resources that are not reported yet
	fwd     *node   // the node that took this one's place at report
}

// canonical follows the nodes that were replaced at report.
func (n *node) canonical() *node {
	for n != nil && n.fwd != nil {
		n = n.fwd
	}
	return n
}

func (n *node) identity() string { return n.c.identity(n.ptr) }

// ensureNode returns the node of the resource, making one that no session
// knows if it was not reported yet.
func (r *Resource) ensureNode() *node {
	if r.n == nil {
		r.n = &node{}
	}
	return r.n.canonical()
}

// addParent adds a parent, noting what the parents were before the turn.
func (n *node) addParent(parent Any) {
	if isNil(parent) {
		n.fail("a parent given to it is nil")
		return
	}
	p := parent.resource().ensureNode()
	if n.s != nil && !n.s.mustBeInTurn("AddParent") {
		return
	}
	switch {
	case p == n:
		n.fail("a resource cannot be its own parent")
		return
	case p.s != nil && n.s != nil && p.s != n.s:
		n.fail("a parent given to it belongs to another session")
		return
	case p.dead:
		n.fail("a parent given to it was removed: " + p.c.Name + " " + p.identity())
		return
	}
	n.linkTo(p)
}

// fewParents is the number up to which looking through a list of parents is
// faster than a map.
const fewParents = 32

// linkTo adds a parent by its node. Of a resource with many parents the
// duplicates leave the list at the end of the turn only.
func (n *node) linkTo(p *node) {
	if len(n.parents) <= fewParents {
		for _, old := range n.parents {
			if old.canonical() == p {
				return
			}
		}
	}
	n.noteParents()
	n.parents = append(n.parents, p)
}

func (n *node) removeParent(parent Any) {
	if isNil(parent) || parent.resource().n == nil || n.s != nil && !n.s.mustBeInTurn("RemoveParent") {
		return
	}
	p := parent.resource().n.canonical()
	is := func(old *node) bool { return old.canonical() == p }
	if slices.ContainsFunc(n.parents, is) {
		n.noteParents()
		n.parents = slices.DeleteFunc(slices.Clone(n.parents), is) // a clone, since the old list may be the note
	}
}

// noteParents keeps the parents as the host knows them and gives the node its
// place among the events of the turn.
func (n *node) noteParents() {
	if n.s == nil {
		return
	}
	n.s.touch(n)
	if n.sent && !n.linked {
		n.linked = true
		n.s.linked[n] = n.parents[:len(n.parents):len(n.parents)]
	}
}

// fail notes an error about the resource for the end of the turn.
func (n *node) fail(problem string) {
	if n.s != nil {
		n.s.fail(&ValueError{Class: n.c.Name, Identity: n.identity(), Attribute: "parents", Problem: problem})
	}
}

// table holds the resources of one class in one session, and what was last
// sent of them.
type table struct {
	c      *class
	nodes  []*node // in the order of report; dead ones leave at the end of the turn
	byKey  map[string]*node
	chunks []chunk
	free   []int
	used   int
}

const chunkSize = 256

// chunk holds the shadows of chunkSize resources. Keeping them together, and
// in few slices, saves memory and time over one value a resource.
type chunk struct {
	strs  []string
	nums  []uint64
	refs  []*node
	nulls []uint64
}

func newTable(c *class) *table { return &table{c: c, byKey: map[string]*node{}} }

// shadow returns where the values last sent of a resource are kept.
func (t *table) shadow(n *node) shadow {
	ch, i := &t.chunks[n.slot/chunkSize], n.slot%chunkSize
	c := t.c
	sh := shadow{strs: ch.strs[i*c.nStrs : (i+1)*c.nStrs], nums: ch.nums[i*c.nNums : (i+1)*c.nNums], refs: ch.refs[i*c.nRefs : (i+1)*c.nRefs]}
	if c.nPtrs > 0 {
		sh.nulls = &ch.nulls[i]
	}
	return sh
}

// add takes a node in.
func (t *table) add(n *node) {
	if last := len(t.free) - 1; last >= 0 {
		n.slot, t.free = t.free[last], t.free[:last]
	} else {
		if t.used == len(t.chunks)*chunkSize {
			c := t.c
			ch := chunk{strs: make([]string, chunkSize*c.nStrs), nums: make([]uint64, chunkSize*c.nNums), refs: make([]*node, chunkSize*c.nRefs)}
			if c.nPtrs > 0 {
				ch.nulls = make([]uint64, chunkSize)
			}
			t.chunks = append(t.chunks, ch)
		}
		n.slot = t.used
		t.used++
	}
	t.nodes = append(t.nodes, n)
	t.byKey[n.key] = n
}

// compact forgets dead nodes.
func (t *table) compact() {
	live := t.nodes[:0]
	for _, n := range t.nodes {
		if !n.dead {
			live = append(live, n)
			continue
		}
		sh := t.shadow(n)
		clear(sh.strs)
		clear(sh.refs)
		t.free = append(t.free, n.slot)
	}
	clear(t.nodes[len(live):])
	t.nodes = live
}
