package inventory

import (
	"maps"
	"slices"
	"strconv"

	"github.com/faultline-storage/faultline/internal/resource"
)

// relations are the declared relations, resolved against the classes there
// are. Only index changes once they are in use.
type relations struct {
	rules []*rule
	roles map[*resource.Class][]role
	// refused are matches that make no edge because it would close a cycle, with
	// the path from the child to the parent.
	refused map[resource.Edge][]resource.ID
}

// rule is one relation: a provider is a parent of every subscriber whose named
// attributes have the same values (guide, "Correlating Controller Resources
// with Linux Devices").
type rule struct {
	class      *resource.Class // that declares it
	relation   *resource.Relation
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

// newRelations works the relations out from the classes, by full name. Equal
// classes give equal rules in equal order. Every index is empty.
func newRelations(classes map[string]*resource.Class) *relations {
	rel := &relations{roles: map[*resource.Class][]role{}}
	names := slices.Sorted(maps.Keys(classes))
	for _, name := range names {
		own := classes[name]
		for i := range own.Relations {
			r := &own.Relations[i]
			ownSide, otherSide := subscribes, provides
			if r.Provide {
				ownSide, otherSide = provides, subscribes
			}
			attrs, ok := attrIndexes(own, r.Attributes)
			if !ok {
				continue
			}
			k := int32(len(rel.rules))
			targets := 0
			for _, n := range names {
				c := classes[n]
				if !isTarget(r, own, c) {
					continue
				}
				// A subclass of the target that lacks an attribute takes no part.
				if at, ok := attrIndexes(c, r.Attributes); ok {
					rel.roles[c] = append(rel.roles[c], role{k, otherSide, at})
					targets++
				}
			}
			if targets == 0 {
				continue // until a plugin with the target class is loaded
			}
			rel.roles[own] = append(rel.roles[own], role{k, ownSide, attrs})
			rel.rules = append(rel.rules, &rule{class: own, relation: r, ignoreCase: r.IgnoreCase, index: [2]map[string][]resource.ID{{}, {}}})
		}
	}
	return rel
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
func (rel *relations) key(ro role, n *node) (string, bool) {
	ic := rel.rules[ro.rule].ignoreCase
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

// fill enters a resource in the indexes.
func (rel *relations) fill(n *node) {
	for _, ro := range rel.roles[n.Class] {
		if key, ok := rel.key(ro, n); ok {
			ix := rel.rules[ro.rule].index[ro.side]
			ix[key] = append(ix[key], n.ID)
		}
	}
}

// matches returns the edges that the rules ask for, and which rules, ascending.
// No resource is linked to itself.
func (rel *relations) matches() map[resource.Edge][]int32 {
	want := map[resource.Edge][]int32{}
	for k, r := range rel.rules {
		for key, providers := range r.index[provides] {
			for _, child := range r.index[subscribes][key] {
				for _, parent := range providers {
					if parent != child {
						e := resource.Edge{Parent: parent, Child: child}
						want[e] = append(want[e], int32(k))
					}
				}
			}
		}
	}
	return want
}
