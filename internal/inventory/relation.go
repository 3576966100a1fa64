package inventory

import (
	"context"
	"slices"
	"strconv"

	"github.com/faultline-storage/faultline/internal/resource"
)

// rule is a declared relation, resolved against the classes there are: a
// provider is a parent of every subscriber whose named attributes have the same
// values (guide, "Correlating Controller Resources with Linux Devices").
type rule struct {
	ignoreCase bool
	// index has the resources by side and key.
	index [2]map[string][]resource.ID
}

const (
	provides = iota
	subscribes
)

// role is a class's part in a rule.
type role struct {
	rule  int32
	side  int
	attrs []int // the attributes that make the key, in the order of the relation
}

// keyChange is a resource whose key under a role is another after the
// transaction.
type keyChange struct {
	id       resource.ID
	role     role
	old, now string
	had, has bool
}

// setRules works the rules out from the classes. Every index is empty after it.
func (inv *Inventory) setRules() {
	inv.rules, inv.roles = nil, map[*resource.Class][]role{}
	names := make([]string, 0, len(inv.classes))
	for n := range inv.classes {
		names = append(names, n)
	}
	slices.Sort(names)
	for _, name := range names {
		own := inv.classes[name]
		for i := range own.Relations {
			rel := &own.Relations[i]
			ownSide, otherSide := subscribes, provides
			if rel.Provide {
				ownSide, otherSide = provides, subscribes
			}
			attrs, ok := attrIndexes(own, rel.Attributes)
			if !ok {
				continue
			}
			k := int32(len(inv.rules))
			targets := 0
			for _, n := range names {
				c := inv.classes[n]
				if !isTarget(rel, own, c) {
					continue
				}
				// A subclass of the target that lacks an attribute takes no part.
				if at, ok := attrIndexes(c, rel.Attributes); ok {
					inv.roles[c] = append(inv.roles[c], role{k, otherSide, at})
					targets++
				}
			}
			if targets == 0 {
				continue // until a plugin with the target class is loaded
			}
			inv.roles[own] = append(inv.roles[own], role{k, ownSide, attrs})
			inv.rules = append(inv.rules, &rule{ignoreCase: rel.IgnoreCase, index: [2]map[string][]resource.ID{{}, {}}})
		}
	}
}

func isTarget(rel *resource.Relation, own, c *resource.Class) bool {
	switch rel.Plugin {
	case "builtin":
		return c.Is(rel.Class)
	case "":
		return c.Plugin == own.Plugin && c.Is(rel.Class)
	}
	return c.Plugin == rel.Plugin && c.Is(rel.Class)
}

func attrIndexes(c *resource.Class, names []string) ([]int, bool) {
	out := make([]int, len(names))
	for i, n := range names {
		if out[i] = c.Attr(n); out[i] < 0 {
			return nil, false
		}
	}
	return out, true
}

// key is the text that both sides must share, or false if a value is null:
// null matches nothing.
func (inv *Inventory) key(ro role, n *node) (string, bool) {
	ic := inv.rules[ro.rule].ignoreCase
	if len(ro.attrs) == 1 {
		return n.Values[ro.attrs[0]].Fold(ic)
	}
	var b []byte
	for _, i := range ro.attrs {
		s, ok := n.Values[i].Fold(ic)
		if !ok {
			return "", false
		}
		b = strconv.AppendQuote(b, s)
	}
	return string(b), true
}

// relate brings the edges that relations make in step with the values of the
// resources that the transaction touched.
func (t *txn) relate() {
	if len(t.inv.rules) == 0 {
		return
	}
	for id, n := range t.nodes {
		old := t.inv.nodes[id]
		c := classOf(n, old)
		for _, ro := range t.inv.roles[c] {
			ch := keyChange{id: id, role: ro}
			if old != nil {
				ch.old, ch.had = t.inv.key(ro, old)
			}
			if n != nil {
				ch.now, ch.has = t.inv.key(ro, n)
			}
			if ch.had != ch.has || ch.old != ch.now {
				t.changedKeys = append(t.changedKeys, ch)
			}
		}
	}
	// The order decides which edge of a would-be cycle is refused.
	slices.SortFunc(t.changedKeys, func(a, b keyChange) int {
		if a.id != b.id {
			return int(a.id - b.id)
		}
		return int(a.role.rule - b.role.rule)
	})
	t.relateChanged()
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
	fresh := map[place][]resource.ID{}
	moved := map[[2]int64]struct{}{} // (resource, rule and side) whose key changed
	mark := func(id resource.ID, ro role) [2]int64 { return [2]int64{int64(id), int64(ro.rule)*2 + int64(ro.side)} }
	for _, ch := range t.changedKeys {
		moved[mark(ch.id, ch.role)] = struct{}{}
		if ch.has {
			p := place{ch.role.rule, ch.role.side, ch.now}
			fresh[p] = append(fresh[p], ch.id)
		}
	}
	for _, ch := range t.changedKeys {
		if !ch.had {
			continue
		}
		for _, other := range t.inv.rules[ch.role.rule].index[1-ch.role.side][ch.old] {
			t.unrelate(ch.role, ch.id, other)
		}
	}
	for _, ch := range t.changedKeys {
		if !ch.has {
			continue
		}
		ro := ch.role
		otherRole := role{rule: ro.rule, side: 1 - ro.side}
		for _, other := range t.inv.rules[ro.rule].index[otherRole.side][ch.now] {
			if _, changed := moved[mark(other, otherRole)]; !changed && t.get(other) != nil {
				t.relateTo(ro, ch.id, other)
			}
		}
		for _, other := range fresh[place{ro.rule, otherRole.side, ch.now}] {
			t.relateTo(ro, ch.id, other)
		}
	}
}

// relateTo makes the edge of a match. A match that would close a cycle makes
// no edge: it is a matter of data, which must not fail the plugin's turn.
func (t *txn) relateTo(ro role, id, other resource.ID) {
	parent, child := id, other
	if ro.side == subscribes {
		parent, child = other, id
	}
	if parent == child {
		return
	}
	err := t.addEdge(parent, child, func(e *inEdge) bool {
		i, ok := slices.BinarySearch(e.rules, ro.rule)
		if ok {
			return false
		}
		e.rules = slices.Insert(slices.Clone(e.rules), i, ro.rule)
		return true
	})
	if err != nil {
		t.inv.log.Warn("a relation between resources was not linked", "error", err)
	}
}

func (t *txn) unrelate(ro role, id, other resource.ID) {
	parent, child := id, other
	if ro.side == subscribes {
		parent, child = other, id
	}
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
	for _, ch := range t.changedKeys {
		ix := t.inv.rules[ch.role.rule].index[ch.role.side]
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

// relateAll links everything anew after the rules were set. The caller holds
// write, or is New.
func (inv *Inventory) relateAll(ctx context.Context) error {
	t := inv.begin(0)
	for id, n := range inv.nodes {
		for _, e := range n.in {
			if len(e.rules) > 0 {
				t.dropEdge(e.parent, id, func(e *inEdge) { e.rules = nil })
			}
		}
		for _, ro := range inv.roles[n.Class] {
			if key, ok := inv.key(ro, n); ok {
				t.changedKeys = append(t.changedKeys, keyChange{id: id, role: ro, now: key, has: true})
			}
		}
	}
	t.relateChanged()
	return t.finish(ctx)
}
