package inventory

import (
	"cmp"
	"container/heap"
	"encoding/base64"
	"encoding/json"
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
// of the page before, also when resources came or went in between.
func (inv *Inventory) List(q resource.Query) (resource.Page, error) {
	limit := q.Limit
	switch {
	case limit == 0:
		limit = defaultLimit
	case limit < 0 || limit > maxLimit:
		return resource.Page{}, resource.FieldErrorf("limit", "limit must be from 1 to %d", maxLimit)
	}
	inv.mu.RLock()
	candidates, err := inv.candidates(&q)
	if err != nil {
		inv.mu.RUnlock()
		return resource.Page{}, err
	}
	// Resources are immutable: the work on them needs no lock.
	names := inv.namer()
	known := inv.classes // which are never changed in place
	inv.mu.RUnlock()

	if !utf8.ValidString(q.Sort) {
		return resource.Page{}, resource.FieldErrorf("sort", "the name to sort by is not UTF-8")
	}
	s, err := newSorter(q.Sort, q.HealthOf, names)
	if err != nil {
		return resource.Page{}, err
	}
	after, err := parseCursor(q.Cursor, q.Sort)
	if err != nil {
		return resource.Page{}, err
	}
	if err := checkIdentifier(q.Identifier, known); err != nil {
		return resource.Page{}, err
	}
	text := strings.ToLower(q.Text)
	best := &topItems{sorter: s}
	more := false
	for _, r := range candidates {
		if q.Hardware && r.Class.Internal() {
			continue
		}
		if len(q.Health) > 0 && !slices.Contains(q.Health, q.HealthOf(r.ID)) {
			continue
		}
		if text != "" && !matches(r, text, names) || !identified(r, q.Identifier, names) {
			continue
		}
		it := item{r: r, key: s.key(r)}
		if after != nil && s.compare(it.key, r.ID, after.Key, after.ID) <= 0 {
			continue
		}
		if len(best.items) < limit {
			heap.Push(best, it)
			continue
		}
		more = true
		if top := best.items[0]; s.compare(it.key, r.ID, top.key, top.r.ID) < 0 {
			best.items[0] = it
			heap.Fix(best, 0)
		}
	}
	slices.SortFunc(best.items, func(a, b item) int { return s.compare(a.key, a.r.ID, b.key, b.r.ID) })
	page := resource.Page{Items: make([]*resource.Resource, len(best.items))}
	for i, it := range best.items {
		page.Items[i] = it.r
	}
	if more {
		last := best.items[len(best.items)-1]
		page.Next = cursor{q.Sort, last.key, last.r.ID}.String()
	}
	return page, nil
}

// namer tells the name of a referenced resource. It may be used after the lock
// was released.
func (inv *Inventory) namer() func(resource.ID) string {
	return func(id resource.ID) string {
		if r := inv.Get(id); r != nil {
			return r.Name()
		}
		return ""
	}
}

// candidates returns the resources that satisfy all of the query but Health
// and Text. The caller holds mu.
func (inv *Inventory) candidates(q *resource.Query) ([]*resource.Resource, error) {
	var sets []map[resource.ID]struct{}
	for _, f := range []struct {
		field string
		start resource.ID
		dir   resource.Direction
		depth int
	}{
		{"ancestor_of", q.AncestorOf, resource.Up, 0},
		{"descendant_of", q.DescendantOf, resource.Down, 0},
		{"parent", q.Parent, resource.Down, 1},
	} {
		if f.start == 0 {
			continue
		}
		if inv.nodes.get(f.start) == nil {
			return nil, resource.FieldErrorf(f.field, "there is no resource %d", f.start)
		}
		set := map[resource.ID]struct{}{}
		var w graph.Walker[resource.ID]
		reached, _ := w.Walk(f.start, inv.neighbours(f.dir), f.depth, 0)
		for _, s := range reached {
			set[s.Node] = struct{}{}
		}
		if f.field == "parent" {
			delete(set, f.start)
		}
		sets = append(sets, set)
	}
	if q.Scope != 0 {
		if inv.nodes.get(q.Scope) == nil {
			return nil, resource.FieldErrorf("scope", "there is no resource %d", q.Scope)
		}
		sets = append(sets, inv.reported[q.Scope])
	}
	var out []*resource.Resource
	keep := func(n *node) {
		c := n.Class
		if q.Plugin != "" && c.Plugin != q.Plugin || q.Class != "" && c.Name != q.Class || q.Base != "" && !c.Is(q.Base) {
			return
		}
		for _, s := range sets {
			if _, ok := s[n.ID]; !ok {
				return
			}
		}
		out = append(out, &n.Resource)
	}
	if len(sets) > 0 {
		smallest := slices.MinFunc(sets, func(a, b map[resource.ID]struct{}) int { return len(a) - len(b) })
		for id := range smallest {
			keep(inv.nodes.get(id))
		}
		return out, nil
	}
	for c, ids := range inv.members {
		if q.Plugin != "" && c.Plugin != q.Plugin || q.Class != "" && c.Name != q.Class || q.Base != "" && !c.Is(q.Base) {
			continue
		}
		out = slices.Grow(out, len(ids))
		for _, id := range ids {
			out = append(out, &inv.nodes.get(id).Resource)
		}
	}
	return out, nil
}

// matches reports whether the lowered text stands in the name or in what
// people read of an attribute.
func matches(r *resource.Resource, text string, names func(resource.ID) string) bool {
	if strings.Contains(strings.ToLower(r.Name()), text) || r.Alias != "" && strings.Contains(strings.ToLower(r.Label), text) {
		return true
	}
	for i, v := range r.Values {
		if a := &r.Class.Attributes[i]; !v.IsNull() && a.Kind != resource.Password && strings.Contains(strings.ToLower(a.Format(v, names)), text) {
			return true
		}
	}
	return false
}

// sortKey is what resources are compared by: nothing, a number or a text. Null
// keys come last in either direction; numbers come before texts, which meet if
// classes declare an attribute differently.
type sortKey struct {
	Null   bool    `json:"z,omitempty"`
	IsText bool    `json:"t,omitempty"`
	Num    float64 `json:"n,omitempty"`
	Text   string  `json:"s,omitempty"`
}

// textKey ignores case, and what comes after a few hundred bytes: cursors must
// fit in an address.
func textKey(s string) sortKey {
	const most = 200
	if s = strings.ToLower(s); len(s) > most {
		s = strings.ToValidUTF8(s[:most], "")
	}
	return sortKey{IsText: true, Text: s}
}

type sorter struct {
	desc bool
	key  func(*resource.Resource) sortKey
}

func newSorter(by string, health func(resource.ID) resource.Severity, names func(resource.ID) string) (*sorter, error) {
	name, desc := strings.CutPrefix(by, "-")
	s := &sorter{desc: desc}
	switch name {
	case "", "id":
		s.key = func(r *resource.Resource) sortKey { return sortKey{Num: float64(r.ID)} }
	case "name":
		s.key = func(r *resource.Resource) sortKey { return textKey(r.Name()) }
	case "class":
		s.key = func(r *resource.Resource) sortKey { return sortKey{IsText: true, Text: r.Class.FullName()} }
	case "updated":
		s.key = func(r *resource.Resource) sortKey { return sortKey{Num: float64(r.Updated.UnixMicro())} }
	case "first_seen":
		s.key = func(r *resource.Resource) sortKey { return sortKey{Num: float64(r.FirstSeen.UnixMicro())} }
	case "health":
		if health == nil {
			return nil, resource.FieldErrorf("sort", "health is not known here")
		}
		s.key = func(r *resource.Resource) sortKey { return sortKey{Num: float64(health(r.ID))} }
	default:
		s.key = func(r *resource.Resource) sortKey { return attrKey(r, name, names) }
	}
	return s, nil
}

func attrKey(r *resource.Resource, name string, names func(resource.ID) string) sortKey {
	i := r.Class.Attr(name)
	if i < 0 || r.Values[i].IsNull() || r.Class.Attributes[i].Kind == resource.Password {
		return sortKey{Null: true}
	}
	v := r.Values[i]
	if n, ok := v.Number(); ok {
		return sortKey{Num: n}
	}
	if target, ok := v.Ref(); ok {
		return textKey(names(resource.ID(target)))
	}
	return textKey(v.String())
}

// compare orders two resources: by key, then by ID, so that no two are equal.
func (s *sorter) compare(a sortKey, aID resource.ID, b sortKey, bID resource.ID) int {
	if a.Null != b.Null {
		if a.Null {
			return 1
		}
		return -1
	}
	c := cmp.Compare(a.Num, b.Num)
	if a.IsText != b.IsText {
		c = -1
		if a.IsText {
			c = 1
		}
	}
	if c == 0 {
		c = resource.Natural(a.Text, b.Text)
	}
	if c == 0 {
		c = cmp.Compare(aID, bID)
	}
	if s.desc {
		return -c
	}
	return c
}

type item struct {
	r   *resource.Resource
	key sortKey
}

// topItems is a heap of the best items so far, the worst of them on top.
type topItems struct {
	*sorter
	items []item
}

func (h *topItems) Len() int      { return len(h.items) }
func (h *topItems) Swap(i, j int) { h.items[i], h.items[j] = h.items[j], h.items[i] }
func (h *topItems) Push(x any)    { h.items = append(h.items, x.(item)) }
func (h *topItems) Pop() any {
	it := h.items[len(h.items)-1]
	h.items = h.items[:len(h.items)-1]
	return it
}

func (h *topItems) Less(i, j int) bool {
	a, b := h.items[i], h.items[j]
	return h.compare(a.key, a.r.ID, b.key, b.r.ID) > 0
}

// cursor is the place after which a page goes on.
type cursor struct {
	Sort string      `json:"o,omitempty"`
	Key  sortKey     `json:"k"`
	ID   resource.ID `json:"i"`
}

// String returns the cursor as text that clients pass back unread.
func (c cursor) String() string {
	b, err := json.Marshal(c)
	if err != nil { // its fields always marshal
		panic(err)
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

func parseCursor(s, sort string) (*cursor, error) {
	if s == "" {
		return nil, nil
	}
	var c cursor
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err == nil {
		err = json.Unmarshal(b, &c)
	}
	if err != nil {
		return nil, resource.FieldErrorf("cursor", "this is no cursor that a page gave")
	}
	if c.Sort != sort {
		return nil, resource.FieldErrorf("cursor", "this cursor belongs to a list with another order, sort=%s", c.Sort)
	}
	return &c, nil
}
