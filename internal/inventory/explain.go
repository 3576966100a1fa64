package inventory

import (
	"cmp"
	"slices"

	"github.com/faultline-storage/faultline/internal/inventory/graph"
	"github.com/faultline-storage/faultline/internal/resource"
)

// mostNear is how many near matches an explanation lists for a relation and
// side.
const mostNear = 5

// mostSearched is how many resources of a class an explanation looks at for
// them; a variable for its test.
var mostSearched = 100_000

// Explain tells how two resources are linked, or why they are not: through which
// edges, who stands for each, and which relations would link them if what
// differed did not. Its time is linear in the ancestors of the two, and of the
// resources of their classes it looks at a bounded number.
func (inv *Inventory) Explain(a, b resource.ID) (*resource.Linkage, error) {
	if a == b {
		return nil, resource.FieldErrorf("other", "a resource is not linked to itself; give two")
	}
	e, searches, err := inv.explain(a, b)
	if err != nil {
		return nil, err
	}
	for _, s := range searches { // resources are immutable: this needs no lock
		s.run()
	}
	return e, nil
}

func (inv *Inventory) explain(a, b resource.ID) (*resource.Linkage, []*search, error) {
	inv.mu.RLock()
	defer inv.mu.RUnlock()
	for _, id := range [2]resource.ID{a, b} {
		if inv.nodes.get(id) == nil {
			return nil, nil, noSuch(id)
		}
	}
	e := &resource.Linkage{}
	up := inv.neighbours(resource.Up)
	path := graph.Path(b, a, up)
	if path == nil {
		path = graph.Path(a, b, up)
	}
	slices.Reverse(path)
	for i := 1; i < len(path); i++ {
		e.Steps = append(e.Steps, inv.step(path[i-1], path[i]))
	}
	var searches []*search
	for _, ends := range [2][2]resource.ID{{a, b}, {b, a}} {
		provider, subscriber := inv.nodes.get(ends[0]), inv.nodes.get(ends[1])
		made := inv.madeBy(provider.ID, subscriber)
		inv.rel.between(provider.Class, subscriber.Class, func(k int32, pro, sub role) {
			if slices.Contains(made, k) {
				return
			}
			m := inv.rel.compare(k, pro, sub, &provider.Resource, &subscriber.Resource)
			if resource.Matches(m.Attributes) {
				m.Cycle = inv.rel.refused[resource.Edge{Parent: provider.ID, Child: subscriber.ID}]
			}
			e.Misses = append(e.Misses, m)
			if len(e.Steps) == 0 {
				searches = append(searches, inv.search(k, pro, sub, provider, subscriber, e, len(e.Misses)-1))
			}
		})
	}
	return e, searches, nil
}

// step explains an edge. The caller holds mu.
func (inv *Inventory) step(parent, child resource.ID) resource.LinkStep {
	p, c := inv.nodes.get(parent), inv.nodes.get(child)
	s := resource.LinkStep{Parent: &p.Resource, Child: &c.Resource}
	i, ok := edgeIndex(c.in, parent)
	if !ok { // the lists of parents and of edges are in step
		return s
	}
	s.Roots = c.in[i].roots
	made := c.in[i].rules
	inv.rel.between(p.Class, c.Class, func(k int32, pro, sub role) {
		if slices.Contains(made, k) {
			s.Matches = append(s.Matches, inv.rel.compare(k, pro, sub, &p.Resource, &c.Resource))
		}
	})
	return s
}

// madeBy returns the relations that make the edge to the child.
func (inv *Inventory) madeBy(parent resource.ID, child *node) []int32 {
	if i, ok := edgeIndex(child.in, parent); ok {
		return child.in[i].rules
	}
	return nil
}

// between calls f with the relations by which a resource of one class can
// provide to one of the other.
func (rel *relations) between(provider, subscriber *resource.Class, f func(k int32, pro, sub role)) {
	for _, pro := range rel.roles[provider] {
		for _, sub := range rel.roles[subscriber] {
			if pro.rule == sub.rule && pro.side == provides && sub.side == subscribes {
				f(pro.rule, pro, sub)
			}
		}
	}
}

// compare puts the attributes of a relation side by side.
func (rel *relations) compare(k int32, pro, sub role, provider, subscriber *resource.Resource) resource.RelationMatch {
	r := rel.rules[k]
	return resource.RelationMatch{
		Class: r.class, Relation: r.relation, Provider: provider, Subscriber: subscriber,
		Attributes: r.compare(pro, sub, provider, subscriber),
	}
}

func (r *rule) compare(pro, sub role, provider, subscriber *resource.Resource) []resource.Comparison {
	out := make([]resource.Comparison, len(pro.attrs))
	for i := range out {
		x, y := provider.Values[pro.attrs[i]], subscriber.Values[sub.attrs[i]]
		out[i] = resource.Comparison{
			Name: r.relation.Attributes[i], Provider: x, Subscriber: y, Difference: resource.Compare(x, y, r.ignoreCase),
		}
	}
	return out
}

// search looks for what matches one of two resources, or nearly does.
type search struct {
	rule                 *rule
	pro, sub             role
	provider, subscriber *resource.Resource
	providers            []*resource.Resource // that may stand in its place
	subscribers          []*resource.Resource
	cut                  bool
	e                    *resource.Linkage
	miss                 int
}

// search prepares a search, with the resources to look at. The caller holds mu.
func (inv *Inventory) search(k int32, pro, sub role, provider, subscriber *node, e *resource.Linkage, miss int) *search {
	s := &search{
		rule: inv.rel.rules[k], pro: pro, sub: sub, provider: &provider.Resource, subscriber: &subscriber.Resource, e: e, miss: miss,
	}
	// Whatever the bound, what matches is found: the relation has an index of it.
	some := func(c *resource.Class, ro role, other *node, side int) (rs []*resource.Resource) {
		ids := inv.members[c]
		if len(ids) > mostSearched {
			ids, s.cut = ids[:mostSearched], true
			if key, ok := inv.rel.key(ro, other); ok {
				for _, id := range s.rule.index[side][key] {
					if n := inv.nodes.get(id); n.Class == c && id > ids[len(ids)-1] && len(rs) < mostNear {
						rs = append(rs, &n.Resource)
					}
				}
			}
		}
		rs = slices.Grow(rs, len(ids))
		for _, id := range ids {
			rs = append(rs, &inv.nodes.get(id).Resource)
		}
		return rs
	}
	s.providers = some(provider.Class, sub, subscriber, provides)
	s.subscribers = some(subscriber.Class, pro, provider, subscribes)
	return s
}

func (s *search) run() {
	var near []ranked
	for _, provides := range [2]bool{false, true} {
		var found []ranked
		others := s.subscribers
		if provides {
			others = s.providers
		}
		for _, o := range others {
			if o.ID == s.provider.ID || o.ID == s.subscriber.ID {
				continue
			}
			pro, sub := s.provider, o
			if provides {
				pro, sub = o, s.subscriber
			}
			if r, ok := s.rank(pro, sub); ok {
				found = append(found, ranked{resource.NearMatch{Resource: o, Provides: provides}, r})
			}
		}
		slices.SortStableFunc(found, func(a, b ranked) int { return cmp.Compare(a.rank, b.rank) }) // by ID among equals
		for _, f := range found[:min(len(found), mostNear)] {
			pro, sub := s.provider, f.Resource
			if provides {
				pro, sub = f.Resource, s.subscriber
			}
			f.Attributes = s.rule.compare(s.pro, s.sub, pro, sub)
			near = append(near, f)
		}
	}
	slices.SortStableFunc(near, func(a, b ranked) int { return cmp.Compare(a.rank, b.rank) })
	m := &s.e.Misses[s.miss]
	m.Cut = s.cut
	for _, n := range near {
		m.Near = append(m.Near, n.NearMatch)
	}
}

type ranked struct {
	resource.NearMatch
	rank int // 0 for a match
}

// rank tells how far two resources are from a match, or false if they have
// nothing to do with each other.
func (s *search) rank(provider, subscriber *resource.Resource) (rank int, ok bool) {
	for i := range s.pro.attrs {
		x, y := provider.Values[s.pro.attrs[i]], subscriber.Values[s.sub.attrs[i]]
		switch d := resource.Compare(x, y, s.rule.ignoreCase); d {
		case resource.Nothing:
			return 0, false
		case resource.Another:
			if !resource.Alike(x.String(), y.String()) {
				return 0, false
			}
			rank += int(d)
		default:
			rank += int(d)
		}
	}
	return rank, true
}
