package inventory

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/faultline-storage/faultline/internal/inventory/graph"
	"github.com/faultline-storage/faultline/internal/resource"
)

const (
	defaultLimit = 100
	maxLimit     = 10000
)

// List answers a query. Paging is by key: a page goes on after the last item
// of the page before, also when resources came or went in between. By offset it
// is not, but the list can be entered anywhere.
func (inv *Inventory) List(q resource.Query) (resource.Page, error) {
	limit := q.Limit
	switch {
	case limit == 0:
		limit = defaultLimit
	case limit < 0 || limit > maxLimit:
		return resource.Page{}, resource.FieldErrorf("limit", "limit must be from 1 to %d", maxLimit)
	case q.Offset < 0 || q.Offset > 0 && q.Cursor != "":
		return resource.Page{}, resource.FieldErrorf("offset", "offset must be 0 or more, and stand without a cursor")
	}
	after, err := parseCursor(q.Cursor, q.Sort)
	if err != nil {
		return resource.Page{}, err
	}
	found, err := inv.find(&q)
	if err != nil {
		return resource.Page{}, err
	}
	s := newSorter(q.Sort, q.Sick, inv.nameOf)
	from := min(q.Offset, len(found.ids))
	if after != nil {
		row := after.row()
		from = found.after(&row, s, inv.Get)
	}
	page := resource.Page{Items: make([]*resource.Resource, 0, min(limit, len(found.ids)-from)), Total: len(found.ids)}
	to := min(len(found.ids), from+limit)
	for i := from; i < to; i++ {
		if r := inv.Get(found.at(i, s.desc)); r != nil { // else it went just now
			page.Items = append(page.Items, r)
		}
	}
	if to < len(found.ids) && len(page.Items) > 0 {
		last := page.Items[len(page.Items)-1]
		k := s.key(last)
		page.Next = cursor{Sort: q.Sort, Kind: k.kind, Num: k.num, Text: k.text, ID: last.ID}.String()
	}
	return page, nil
}

// Find returns all that a query selects, in its order, without regard to its
// paging. What comes or goes afterwards is not considered.
func (inv *Inventory) Find(q resource.Query) ([]resource.ID, error) {
	found, err := inv.find(&q)
	if err != nil {
		return nil, err
	}
	ids := make([]resource.ID, len(found.ids))
	for i := range ids {
		ids[i] = found.at(i, strings.HasPrefix(q.Sort, "-"))
	}
	return ids, nil
}

// after returns where a list goes on after a row.
func (s *sorted) after(row *keyed, by *sorter, get func(resource.ID) *resource.Resource) int {
	k := len(s.ids) - s.nulls
	part, start := s.ids[:k], 0
	if row.key.kind == nullKey {
		part, start = s.ids[k:], k
	}
	n := searchRow(part, row, by, get)
	if by.desc {
		return start + len(part) - n // those before it come after it
	}
	if n < len(part) && part[n] == row.id {
		n++
	}
	return start + n
}

// nameOf tells the name of a referenced resource.
func (inv *Inventory) nameOf(id resource.ID) string {
	if r := inv.Get(id); r != nil {
		return r.Name()
	}
	return ""
}

// find returns what a query selects, in ascending order.
func (inv *Inventory) find(q *resource.Query) (sorted, error) {
	if !utf8.ValidString(q.Sort) {
		return sorted{}, resource.FieldErrorf("sort", "the name to sort by is not UTF-8")
	}
	by := newSorter(q.Sort, nil, nil).by
	f, err := inv.newFilter(q)
	if err != nil {
		return sorted{}, err
	}
	if by != "health" {
		return inv.pick(f, by), nil
	}
	if q.Sick == nil {
		return sorted{}, resource.FieldErrorf("sort", "health is not known here")
	}
	all := inv.pick(f, "id")
	var buckets [resource.Error + 1][]resource.ID
	for _, id := range all.ids {
		sev := q.Sick[id]
		buckets[sev] = append(buckets[sev], id)
	}
	return sorted{ids: slices.Concat(buckets[:]...)}, nil
}

// filter is what a query asks besides the order.
type filter struct {
	among
	text string
	// sets have the resources that fit what a query asks of the graph and of health;
	// what fits is in all of them.
	sets []set
	// tests are what is asked of a resource by itself.
	tests []func(*resource.Resource) bool
	// key names the filter if what fits is worth to be kept for the next page: it
	// follows from the resources alone.
	key string
}

// set is a set of resources. Its IDs are in no order.
type set struct {
	ids []resource.ID
	has func(resource.ID) bool
}

func (inv *Inventory) newFilter(q *resource.Query) (*filter, error) {
	f := &filter{among: among{q.Plugin, q.Class, q.Base, q.Hardware}, text: q.Text}
	inv.mu.RLock()
	known := inv.classes // which are never changed in place
	err := inv.graphSets(f, q)
	inv.mu.RUnlock()
	if err != nil {
		return nil, err
	}
	if err := checkIdentifier(q.Identifier, known); err != nil {
		return nil, err
	}
	if len(q.Identifier) > 0 {
		f.tests = append(f.tests, func(r *resource.Resource) bool { return identified(r, q.Identifier, inv.nameOf) })
	}
	if len(q.Where) > 0 {
		where, err := newWhere(q.Where, f.among, known, inv.nameOf)
		if err != nil {
			return nil, err
		}
		f.tests = append(f.tests, where)
	}
	if len(q.Health) > 0 {
		f.keepHealth(q)
	} else if len(f.sets) == 0 && (q.Text != "" || len(f.tests) > 0) {
		f.key = fmt.Sprintf("%q %q %q", strings.ToLower(q.Text), q.Identifier, q.Where)
	}
	return f, nil
}

// keepHealth keeps what has one of the states.
func (f *filter) keepHealth(q *resource.Query) {
	if slices.Contains(q.Health, resource.OK) {
		f.tests = append(f.tests, func(r *resource.Resource) bool { return slices.Contains(q.Health, q.Sick[r.ID]) })
		return
	}
	s := set{has: func(id resource.ID) bool {
		sev, sick := q.Sick[id]
		return sick && slices.Contains(q.Health, sev)
	}}
	for id := range q.Sick {
		if s.has(id) {
			s.ids = append(s.ids, id)
		}
	}
	f.sets = append(f.sets, s)
}

// graphSets adds what a query asks of the graph. The caller holds mu.
func (inv *Inventory) graphSets(f *filter, q *resource.Query) error {
	add := func(members map[resource.ID]struct{}) {
		s := set{has: func(id resource.ID) bool { _, ok := members[id]; return ok }}
		for id := range members {
			s.ids = append(s.ids, id)
		}
		f.sets = append(f.sets, s)
	}
	for _, g := range []struct {
		field string
		start resource.ID
		dir   resource.Direction
		depth int
	}{
		{"ancestor_of", q.AncestorOf, resource.Up, 0},
		{"descendant_of", q.DescendantOf, resource.Down, 0},
		{"parent", q.Parent, resource.Down, 1},
	} {
		if g.start == 0 {
			continue
		}
		if inv.nodes.get(g.start) == nil {
			return resource.FieldErrorf(g.field, "there is no resource %d", g.start)
		}
		members := map[resource.ID]struct{}{}
		var w graph.Walker[resource.ID]
		reached, _ := w.Walk(g.start, inv.neighbours(g.dir), g.depth, 0)
		for _, s := range reached {
			members[s.Node] = struct{}{}
		}
		if g.field == "parent" {
			delete(members, g.start)
		}
		add(members)
	}
	if q.Scopes == nil {
		return nil
	}
	members := map[resource.ID]struct{}{}
	for _, root := range q.Scopes {
		if inv.nodes.get(root) == nil {
			return resource.FieldErrorf("scope", "there is no resource %d", root)
		}
		maps.Copy(members, inv.reported[root])
	}
	add(members)
	return nil
}

// pick returns what fits a filter, by a sort key other than health.
func (inv *Inventory) pick(f *filter, by string) sorted {
	order := orderKey{f.among, by}
	if f.text == "" && len(f.sets) == 0 && len(f.tests) == 0 {
		return inv.order(order)
	}
	if f.key == "" {
		return inv.pickAfresh(f, order)
	}
	e := inv.selections.get(selectionKey{order, f.key}, inv.now())
	e.mu.Lock()
	defer e.mu.Unlock()
	inv.mu.RLock()
	seq := inv.seq
	changed, ok := inv.changedSince(e.v.seq, &f.among, func(u *resource.Update) bool {
		return len(u.Attributes) > 0 || u.Name || by == "updated"
	}, true)
	inv.mu.RUnlock()
	if !ok || len(changed) > 0 {
		e.v.sorted = inv.pickAfresh(f, order)
	}
	e.v.seq = seq
	return e.v.sorted
}

func (inv *Inventory) pickAfresh(f *filter, key orderKey) sorted {
	sets := f.sets
	if f.text != "" {
		ids := inv.withText(f.text)
		sets = append(slices.Clone(sets), set{ids, newIDSet(ids).has})
	}
	if len(sets) == 0 {
		return inv.sift(inv.order(key), nil, f.tests)
	}
	smallest := slices.MinFunc(sets, func(a, b set) int { return len(a.ids) - len(b.ids) })
	if len(smallest.ids) > inv.few {
		return inv.sift(inv.order(key), sets, f.tests)
	}
	var list []*resource.Resource
	for _, id := range smallest.ids {
		if r := inv.Get(id); r != nil && f.has(r.Class) && inAll(sets, id) && passes(f.tests, r) {
			list = append(list, r)
		}
	}
	return sortResources(list, func() *sorter { return newSorter(key.by, nil, inv.nameOf) })
}

func inAll(sets []set, id resource.ID) bool {
	for i := range sets {
		if !sets[i].has(id) {
			return false
		}
	}
	return true
}

func passes(tests []func(*resource.Resource) bool, r *resource.Resource) bool {
	for _, test := range tests {
		if !test(r) {
			return false
		}
	}
	return true
}

// sift returns what of an order is in all sets and passes all tests.
func (inv *Inventory) sift(all sorted, sets []set, tests []func(*resource.Resource) bool) sorted {
	parts := make([]sorted, (len(all.ids)+chunk-1)/chunk)
	values := len(all.ids) - all.nulls
	inChunks(len(all.ids), func() func(from, to int) {
		rows := make([]*resource.Resource, 0, chunk)
		return func(from, to int) {
			part := sorted{ids: make([]resource.ID, 0, to-from)}
			for _, id := range all.ids[from:to] {
				if inAll(sets, id) {
					part.ids = append(part.ids, id)
				}
			}
			if len(tests) > 0 {
				rows = inv.appendResources(rows[:0], part.ids)
				part.ids = part.ids[:0]
				for _, r := range rows {
					if passes(tests, r) {
						part.ids = append(part.ids, r.ID)
					}
				}
			}
			if to > values {
				none := newIDSet(slices.Sorted(slices.Values(all.ids[max(from, values):to])))
				for _, id := range part.ids {
					if none.has(id) {
						part.nulls++
					}
				}
			}
			parts[from/chunk] = part
		}
	})
	n := 0
	for i := range parts {
		n += len(parts[i].ids)
	}
	out := sorted{ids: make([]resource.ID, 0, n)}
	for i := range parts {
		out.ids = append(out.ids, parts[i].ids...)
		out.nulls += parts[i].nulls
	}
	return out
}

// appendResources appends the resources of the IDs, but for those that are gone.
func (inv *Inventory) appendResources(to []*resource.Resource, ids []resource.ID) []*resource.Resource {
	inv.mu.RLock()
	defer inv.mu.RUnlock()
	for _, id := range ids {
		if n := inv.nodes.get(id); n != nil {
			to = append(to, &n.Resource)
		}
	}
	return to
}
