package inventory

import (
	"cmp"
	"maps"
	"slices"

	"github.com/faultline-storage/faultline/internal/inventory/graph"
	"github.com/faultline-storage/faultline/internal/resource"
)

// keyChange is a resource whose key under a role is another after the
// transaction.
type keyChange struct {
	id       resource.ID
	role     role
	old, now string
	had, has bool
}

// relate brings the edges that relations make in step with the values of the
// resources that the transaction touched.
//
// The graph must follow from what is reported and declared, and not from the
// order in which it came: a restart works it out anew. As long as no match
// closes a cycle, the matches are the edges, and only what changed needs a look.
// While one would, every change of edges has all of them worked out afresh.
func (t *txn) relate() {
	if len(t.rel.rules) == 0 {
		return
	}
	for id, n := range t.nodes.all() {
		old := t.inv.nodes.get(id)
		if n != nil && old != nil && shared(old.Values, n.Values) {
			continue
		}
		for _, ro := range t.rel.roles[classOf(n, old)] {
			ch := keyChange{id: id, role: ro}
			if old != nil {
				ch.old, ch.had = t.rel.key(ro, old)
			}
			if n != nil {
				ch.now, ch.has = t.rel.key(ro, n)
			}
			if ch.had != ch.has || ch.old != ch.now {
				t.changedKeys = append(t.changedKeys, ch)
			}
		}
	}
	if len(t.rel.refused) > 0 && (t.rewired || len(t.changedKeys) > 0) {
		t.contested = true
	}
	if !t.contested {
		t.relateChanged()
	}
	if t.contested {
		t.relateAfresh()
	}
}

func classOf(n, old *node) *resource.Class {
	if n != nil {
		return n.Class
	}
	return old.Class
}

func (t *txn) relateChanged() {
	type place struct {
		rule int32
		side int
		key  string
	}
	sides := make([][2]bool, len(t.rel.rules)) // on which of them keys came
	for _, ch := range t.changedKeys {
		if ch.has {
			sides[ch.role.rule][ch.role.side] = true
		}
	}
	fresh := map[place][]resource.ID{}
	moved := map[[2]int64]struct{}{} // (resource, rule and side) in the index, whose key changed
	mark := func(id resource.ID, ro role) [2]int64 { return [2]int64{int64(id), int64(ro.rule)*2 + int64(ro.side)} }
	for _, ch := range t.changedKeys {
		if ch.had {
			moved[mark(ch.id, ch.role)] = struct{}{}
		}
		if ch.has && sides[ch.role.rule][1-ch.role.side] { // else nobody will look for it
			p := place{ch.role.rule, ch.role.side, ch.now}
			fresh[p] = append(fresh[p], ch.id)
		}
	}
	for _, ch := range t.changedKeys {
		if !ch.had {
			continue
		}
		for _, other := range t.rel.rules[ch.role.rule].index[1-ch.role.side][ch.old] {
			t.unrelate(ch.role, ch.id, other)
		}
	}
	for _, ch := range t.changedKeys {
		if !ch.has {
			continue
		}
		ro := ch.role
		otherRole := role{rule: ro.rule, side: 1 - ro.side}
		for _, other := range t.rel.rules[ro.rule].index[otherRole.side][ch.now] {
			if _, changed := moved[mark(other, otherRole)]; !changed && t.get(other) != nil {
				t.relateTo(ro, ch.id, other)
			}
		}
		for _, other := range fresh[place{ro.rule, otherRole.side, ch.now}] {
			t.relateTo(ro, ch.id, other)
		}
	}
}

// ends returns which of two matching resources is the parent.
func (ro role) ends(id, other resource.ID) (parent, child resource.ID) {
	if ro.side == subscribes {
		return other, id
	}
	return id, other
}

// relateTo makes the edge of a match, unless it would close a cycle.
func (t *txn) relateTo(ro role, id, other resource.ID) {
	parent, child := ro.ends(id, other)
	if parent == child {
		return
	}
	if !t.hasEdge(parent, child) && t.closesCycle(parent, child) {
		t.contested = true
		return
	}
	t.addEdge(parent, child, func(e *inEdge) bool {
		i, ok := slices.BinarySearch(e.rules, ro.rule)
		if ok {
			return false
		}
		e.rules = slices.Insert(slices.Clip(e.rules), i, ro.rule)
		return true
	})
}

func (t *txn) unrelate(ro role, id, other resource.ID) {
	parent, child := ro.ends(id, other)
	if t.get(parent) == nil || t.get(child) == nil {
		return
	}
	t.dropEdge(parent, child, func(e *inEdge) {
		if i, ok := slices.BinarySearch(e.rules, ro.rule); ok {
			e.rules = slices.Delete(slices.Clone(e.rules), i, i+1)
		}
	})
}

// reindexRelations enters the changed keys in the rules' indexes. The caller
// holds mu.
func (t *txn) reindexRelations() {
	came := make([][2]int, len(t.rel.rules))
	for _, ch := range t.changedKeys {
		if ch.has && !ch.had {
			came[ch.role.rule][ch.role.side]++
		}
	}
	for k, r := range t.rel.rules {
		for side, n := range came[k] {
			if n > len(r.index[side]) { // to grow it step by step takes longer
				room := make(map[string][]resource.ID, len(r.index[side])+n)
				maps.Copy(room, r.index[side])
				r.index[side] = room
			}
		}
	}
	for _, ch := range t.changedKeys {
		ix := t.rel.rules[ch.role.rule].index[ch.role.side]
		if ch.had {
			if ids := slices.DeleteFunc(ix[ch.old], func(id resource.ID) bool { return id == ch.id }); len(ids) > 0 {
				ix[ch.old] = ids
			} else {
				delete(ix, ch.old)
			}
		}
		if ch.has {
			ix[ch.now] = append(ix[ch.now], ch.id)
		}
	}
}

// relateAfresh works out all edges of relations from the classes and the
// resources as the transaction sees them, and puts them in place of those there
// are.
func (t *txn) relateAfresh() {
	classes, known := t.classes, t.inv.rel
	if classes == nil {
		classes = t.inv.classes
	}
	t.rel = newRelations(classes)
	if len(t.rel.rules) == 0 && (known == nil || len(known.rules) == 0) {
		return
	}
	t.all(t.rel.fill)
	want := t.rel.matches()
	if !t.acyclicWith(want) {
		t.rel.refused = t.refuse(want)
		t.tellRefused(known)
	}
	var stale []resource.Edge
	t.all(func(n *node) {
		for _, e := range n.in {
			if edge := (resource.Edge{Parent: e.parent, Child: n.ID}); len(e.rules) > 0 && !slices.Equal(e.rules, want[edge]) {
				stale = append(stale, edge)
			}
		}
	})
	for _, e := range stale {
		t.dropEdge(e.Parent, e.Child, func(e *inEdge) { e.rules = nil })
	}
	for edge, rules := range want {
		t.addEdge(edge.Parent, edge.Child, func(e *inEdge) bool {
			if slices.Equal(e.rules, rules) {
				return false
			}
			e.rules = rules
			return true
		})
	}
}

// acyclicWith reports whether the reported edges and the wanted ones together
// have no cycle.
func (t *txn) acyclicWith(want map[resource.Edge][]int32) bool {
	by := map[resource.ID][]resource.ID{}
	for e := range want {
		by[e.Child] = append(by[e.Child], e.Parent)
	}
	return graph.Acyclic(maps.Keys(by), func(id resource.ID) []resource.ID {
		return append(t.reportedParents(id), by[id]...)
	})
}

// refuse takes the edges from want that would close a cycle, each with the
// reported ones and those before it, by parent and child. A match that makes no
// edge is a matter of data, which must not fail the turn of a plugin.
func (t *txn) refuse(want map[resource.Edge][]int32) (refused map[resource.Edge][]resource.ID) {
	refused = map[resource.Edge][]resource.ID{}
	made := map[resource.ID][]resource.ID{}
	next := func(id resource.ID) []resource.ID { return append(t.reportedParents(id), made[id]...) }
	for _, e := range slices.SortedFunc(maps.Keys(want), func(a, b resource.Edge) int {
		return cmp.Or(cmp.Compare(a.Parent, b.Parent), cmp.Compare(a.Child, b.Child))
	}) {
		if slices.Contains(t.reportedParents(e.Child), e.Parent) {
			continue
		}
		if path := graph.Path(e.Parent, e.Child, next); path != nil {
			slices.Reverse(path)
			refused[e] = path
			delete(want, e)
			continue
		}
		made[e.Child] = append(made[e.Child], e.Parent)
	}
	return refused
}

// tellRefused logs what is refused and was not before, in one line.
func (t *txn) tellRefused(known *relations) {
	var first resource.Edge
	n := 0
	for e := range t.rel.refused {
		if known != nil {
			if _, told := known.refused[e]; told {
				continue
			}
		}
		if n++; n == 1 || cmp.Or(cmp.Compare(e.Parent, first.Parent), cmp.Compare(e.Child, first.Child)) < 0 {
			first = e
		}
	}
	if n > 0 {
		t.inv.log.Warn("relations match resources that cannot be linked, because the graph would have a cycle",
			"links", n, "parent", t.describe(first.Parent), "child", t.describe(first.Child), "cycle", t.cycleText(t.rel.refused[first]))
	}
}
