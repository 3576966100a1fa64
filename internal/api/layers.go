package api

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/faultline-storage/faultline/internal/api/gen"
	"github.com/faultline-storage/faultline/internal/resource"
)

// How layers are folded.
const (
	foldAbove    = 5  // more resources of one class in a layer become a group
	standOut     = 4  // so many of a group stand for themselves
	defaultPage  = 40 // members that an open group shows
	maxPage      = 200
	maxOpen      = 50
	sortAllAbove = 1000 // members wanted of a group, from which on sorting all is faster
)

// GetLayers returns the graph around a resource, large fans folded.
func (h *handlers) GetLayers(_ context.Context, req gen.GetLayersRequestObject) (gen.GetLayersResponseObject, error) {
	at, p := h.position(), req.Params
	r, err := h.resource(req.ID)
	if err != nil {
		return nil, err
	}
	dirs, err := directions(p.Direction)
	if err != nil {
		return nil, err
	}
	depth := deref(p.Depth)
	if depth < 0 {
		return nil, resource.FieldErrorf("depth", "depth may not be negative")
	}
	l := layers{h: h, fans: map[fanKey]*fan{}, page: defaultPage}
	if p.Page != nil {
		if l.page = *p.Page; l.page < 1 || l.page > maxPage {
			return nil, resource.FieldErrorf("page", "page must be from 1 to %d", maxPage)
		}
	}
	if l.open, err = parseOpen(p.Open); err != nil {
		return nil, err
	}
	var toward func(*resource.Class) bool
	if p.Toward != nil {
		if toward, err = h.classOrBase("toward", *p.Toward); err != nil {
			return nil, err
		}
	}
	l.add(r, 0)
	for _, dir := range dirs {
		steps, more := h.inventory.Walk(r.ID, dir, depth, 0)
		steps = others(steps)
		l.out.More = l.out.More || more
		if toward != nil {
			steps = onTheWay(steps, dir, toward)
		}
		if dir == resource.Up {
			l.out.Above = len(steps)
		} else {
			l.out.Below = len(steps)
		}
		for _, st := range steps {
			l.add(st.Resource, signed(dir, st.Depth))
		}
	}
	l.fold()
	l.link()
	return gen.GetLayers200JSONResponse{Body: l.out, Headers: gen.GetLayers200ResponseHeaders{FaultlinePosition: at.String()}}, nil
}

// parseOpen reads which groups are open, and how many members each leaves out.
func parseOpen(list []string) (map[string]int, error) {
	if len(list) > maxOpen {
		return nil, resource.FieldErrorf("open", "open names %d groups; at most %d can be open", len(list), maxOpen)
	}
	open := make(map[string]int, len(list))
	for _, s := range list {
		parts := strings.Split(s, ":")
		_, err := strconv.Atoi(parts[0])
		first := 0
		if len(parts) == 3 && err == nil {
			first, err = strconv.Atoi(parts[2])
		}
		if len(parts) < 2 || len(parts) > 3 || err != nil || first < 0 {
			return nil, resource.FieldErrorf("open", "%q names no group; write DEPTH:plugin.Class, or DEPTH:plugin.Class:FIRST", s)
		}
		open[parts[0]+":"+parts[1]] = first
	}
	return open, nil
}

// onTheWay keeps the steps that lie on a way to a resource for which is holds,
// and those resources.
func onTheWay(steps []resource.Step, dir resource.Direction, is func(*resource.Class) bool) []resource.Step {
	wanted := map[*resource.Class]bool{}
	at := make(map[resource.ID]int32, len(steps))
	kept := make([]bool, len(steps))
	var queue []*resource.Resource
	for i, st := range steps {
		r := st.Resource
		ends, known := wanted[r.Class]
		if !known {
			ends = is(r.Class)
			wanted[r.Class] = ends
		}
		at[r.ID], kept[i] = int32(i), ends
		if ends {
			queue = append(queue, r)
		}
	}
	for len(queue) > 0 {
		r := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		back := r.Parents
		if dir == resource.Up {
			back = r.Children
		}
		for _, id := range back {
			if i, reached := at[id]; reached && !kept[i] {
				kept[i] = true
				queue = append(queue, steps[i].Resource)
			}
		}
	}
	out := steps[:0]
	for i, st := range steps {
		if kept[i] {
			out = append(out, st)
		}
	}
	return out
}

// layers folds a graph. The members are added first, the start before all others.
type layers struct {
	h    *handlers
	fans map[fanKey]*fan
	open map[string]int // by the key of a group, how many members come before the page
	page int
	out  gen.Layers

	all   []member
	items []string // the keys of the nodes and groups
	last  *fan     // that of the member before, mostly that of the next one too
}

type fanKey struct {
	depth int
	class *resource.Class
}

type fan struct {
	fanKey
	members []int32 // indexes in layers.all
}

// member is a resource of a fan.
type member struct {
	*resource.Resource
	health resource.Severity
	item   int32 // the index of the node or group that stands for it
}

// candidate is a member that may stand for itself.
type candidate struct {
	*member
	own bool // it is sick by alerts of its own
}

func (l *layers) add(r *resource.Resource, depth int) {
	key := fanKey{depth, r.Class}
	if l.last == nil || l.last.fanKey != key {
		if l.last = l.fans[key]; l.last == nil {
			l.last = &fan{fanKey: key}
			l.fans[key] = l.last
		}
	}
	l.last.members = append(l.last.members, int32(len(l.all)))
	l.all = append(l.all, member{Resource: r, health: l.h.alerts.Health(r.ID), item: -1})
}

// fold decides what stands for itself and what is in groups.
func (l *layers) fold() {
	fans := slices.SortedFunc(maps.Values(l.fans), func(a, b *fan) int { // the nearest first, up before down
		return cmp.Or(cmp.Compare(max(a.depth, -a.depth), max(b.depth, -b.depth)), cmp.Compare(a.depth, b.depth),
			cmp.Compare(a.class.FullName(), b.class.FullName()))
	})
	l.out.Groups = []gen.LayerGroup{}
	for _, f := range fans {
		l.foldFan(f)
	}
}

func (l *layers) foldFan(f *fan) {
	total := len(f.members)
	first, open := 0, false
	g := gen.LayerGroup{Depth: f.depth, Plugin: f.class.Plugin, Class: f.class.Name, Total: total, First: -1}
	if total > foldAbove {
		g.Key = fmt.Sprintf("%d:%s", f.depth, f.class.FullName())
		if first, open = l.open[g.Key]; first >= total { // the group has shrunk: its last page
			first = (total - 1) / l.page * l.page
		}
	}
	var shown []candidate
	switch {
	case total <= foldAbove:
		shown = l.inOrder(f.members, total)
	case open:
		g.First = first
		shown = l.inOrder(f.members, min(first+l.page, total))[first:]
	default:
		shown = l.standing(f)
	}
	if total-len(shown) == 1 { // a group of one takes as much room as the one
		shown = l.inOrder(f.members, total)
	}
	for _, m := range shown {
		l.out.Nodes = append(l.out.Nodes, l.h.view.Node(m.Resource, f.depth))
		m.item = l.item(strconv.FormatInt(int64(m.ID), 10))
	}
	g.Shown, g.Folded = len(shown), total-len(shown)
	if g.Folded > 0 {
		var n [4]int
		item := l.item(g.Key)
		for _, i := range f.members {
			if m := &l.all[i]; m.item < 0 {
				m.item = item
				n[m.health]++
			}
		}
		g.Health = healthCounts(g.Folded, n)
	}
	if g.Folded > 0 || open {
		l.out.Groups = append(l.out.Groups, g)
	}
}

// standing returns the members that stand for themselves while their group is
// not open: see the description of getLayers.
func (l *layers) standing(f *fan) []candidate {
	// Below a sick resource everything is sick.
	ownOnly := f.depth > 0 && l.all[0].health != resource.OK
	var tell []int32
	for _, i := range f.members {
		if m := &l.all[i]; m.health != resource.OK && (!ownOnly || l.own(m)) {
			tell = append(tell, i)
		}
	}
	return l.inOrder(tell, min(standOut, len(tell)))
}

func (l *layers) own(m *member) bool {
	return m.health != resource.OK && len(l.h.alerts.Own(m.ID)) > 0
}

func (l *layers) item(key string) int32 {
	l.items = append(l.items, key)
	return int32(len(l.items) - 1)
}

// link sums up the edges among nodes and groups.
func (l *layers) link() {
	of := make(map[resource.ID]int32, len(l.all))
	for i := range l.all {
		of[l.all[i].ID] = int32(i)
	}
	type pair struct{ source, target int32 }
	type sum struct {
		edges  int
		health resource.Severity
	}
	sums := map[pair]*sum{}
	var last pair
	var at *sum
	for i := range l.all {
		m := &l.all[i]
		for _, id := range m.Parents {
			n, ok := of[id]
			if !ok || l.all[n].item == m.item {
				continue
			}
			p := &l.all[n]
			if k := (pair{p.item, m.item}); at == nil || k != last {
				if at, last = sums[k], k; at == nil {
					at = &sum{}
					sums[k] = at
				}
			}
			at.edges++
			at.health = max(at.health, p.health)
		}
	}
	l.out.Links = make([]gen.LayerLink, 0, len(sums))
	for k, s := range sums {
		l.out.Links = append(l.out.Links, gen.LayerLink{
			Source: l.items[k.source], Target: l.items[k.target], Edges: s.edges, Health: gen.Severity(s.health.String()),
		})
	}
	slices.SortFunc(l.out.Links, func(a, b gen.LayerLink) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Target, b.Target))
	})
}

// inOrder returns the first n members, worst first, those with alerts of their
// own before others, then by name.
func (l *layers) inOrder(members []int32, n int) []candidate {
	if n == 0 {
		return nil
	}
	all := func(yield func(candidate) bool) {
		for _, i := range members {
			if m := &l.all[i]; !yield(candidate{m, l.own(m)}) {
				return
			}
		}
	}
	if n > sortAllAbove || n == len(members) {
		return slices.SortedFunc(all, worstCandidate)[:n]
	}
	first := make([]candidate, 0, n+1)
	for c := range all {
		if len(first) == n && worstCandidate(c, first[n-1]) > 0 {
			continue
		}
		i, _ := slices.BinarySearchFunc(first, c, worstCandidate)
		first = slices.Insert(first, i, c)
		first = first[:min(len(first), n)]
	}
	return first
}

func worstCandidate(a, b candidate) int {
	if c := cmp.Compare(b.health, a.health); c != 0 {
		return c
	}
	if a.own != b.own {
		if a.own {
			return -1
		}
		return 1
	}
	return cmp.Or(resource.Natural(a.Name(), b.Name()), cmp.Compare(a.ID, b.ID))
}
