package api

import (
	"cmp"
	"context"
	"fmt"
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
	kept := make(map[resource.ID]bool, len(steps)) // false: in the walk, not known to be on a way
	at := make(map[resource.ID]*resource.Resource, len(steps))
	var queue []*resource.Resource
	for _, st := range steps {
		r := st.Resource
		ends, known := wanted[r.Class]
		if !known {
			ends = is(r.Class)
			wanted[r.Class] = ends
		}
		kept[r.ID], at[r.ID] = ends, r
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
			if on, reached := kept[id]; reached && !on {
				kept[id] = true
				queue = append(queue, at[id])
			}
		}
	}
	return slices.DeleteFunc(steps, func(st resource.Step) bool { return !kept[st.Resource.ID] })
}

// layers folds a graph. The members are added first, the start before all others.
type layers struct {
	h    *handlers
	fans map[fanKey]*fan
	open map[string]int // by the key of a group, how many members come before the page
	page int
	out  gen.Layers

	all   []*member
	items []string // the keys of the nodes and groups
}

type fanKey struct {
	depth int
	class *resource.Class
}

type fan struct{ members []*member }

// member is a resource of a fan.
type member struct {
	*resource.Resource
	health resource.Severity
	own    bool // it is sick by alerts of its own
	item   int  // the index of the node or group that stands for it
}

func (l *layers) add(r *resource.Resource, depth int) {
	m := &member{Resource: r, health: l.h.alerts.Health(r.ID), item: -1}
	if m.health != resource.OK {
		m.own = len(l.h.alerts.Own(r.ID)) > 0
	}
	l.all = append(l.all, m)
	key := fanKey{depth, r.Class}
	f := l.fans[key]
	if f == nil {
		f = &fan{}
		l.fans[key] = f
	}
	f.members = append(f.members, m)
}

// fold decides what stands for itself and what is in groups.
func (l *layers) fold() {
	keys := make([]fanKey, 0, len(l.fans))
	for k := range l.fans {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b fanKey) int { // the nearest first, up before down
		return cmp.Or(cmp.Compare(max(a.depth, -a.depth), max(b.depth, -b.depth)), cmp.Compare(a.depth, b.depth),
			cmp.Compare(a.class.FullName(), b.class.FullName()))
	})
	l.out.Groups = []gen.LayerGroup{}
	sickStart := l.all[0].health != resource.OK
	for _, k := range keys {
		l.foldFan(k, l.fans[k].members, sickStart)
	}
}

func (l *layers) foldFan(k fanKey, members []*member, sickStart bool) {
	if len(members) <= foldAbove {
		for _, m := range inOrder(members, len(members)) {
			l.node(m, k.depth)
		}
		return
	}
	g := gen.LayerGroup{
		Key: fmt.Sprintf("%d:%s", k.depth, k.class.FullName()), Depth: k.depth,
		Plugin: k.class.Plugin, Class: k.class.Name, Total: len(members), First: -1,
	}
	shown := standing(members, k.depth, sickStart)
	if first, ok := l.open[g.Key]; ok {
		if first >= len(members) { // the group has shrunk: its last page
			first = (len(members) - 1) / l.page * l.page
		}
		g.First = first
		shown = inOrder(members, min(first+l.page, len(members)))[first:]
	}
	if len(members)-len(shown) == 1 { // a group of one takes as much room as the one
		shown = inOrder(members, len(members))
	}
	for _, m := range shown {
		l.node(m, k.depth)
	}
	g.Shown, g.Folded = len(shown), len(members)-len(shown)
	if g.Folded > 0 {
		var n [4]int
		item := l.item(g.Key)
		for _, m := range members {
			if m.item < 0 {
				m.item = item
				n[m.health]++
			}
		}
		g.Health = healthCounts(g.Folded, n)
	}
	if g.Folded > 0 || g.First >= 0 {
		l.out.Groups = append(l.out.Groups, g)
	}
}

// standing returns the members that stand for themselves while their group is
// not open: see the description of getLayers.
func standing(members []*member, depth int, sickStart bool) []*member {
	var tell []*member
	for _, m := range members {
		if m.health != resource.OK && (depth < 0 || !sickStart || m.own) {
			tell = append(tell, m)
		}
	}
	return inOrder(tell, min(standOut, len(tell)))
}

func (l *layers) node(m *member, depth int) {
	l.out.Nodes = append(l.out.Nodes, l.h.view.Node(m.Resource, depth))
	m.item = l.item(strconv.FormatInt(int64(m.ID), 10))
}

func (l *layers) item(key string) int {
	l.items = append(l.items, key)
	return len(l.items) - 1
}

// link sums up the edges among nodes and groups.
func (l *layers) link() {
	of := make(map[resource.ID]*member, len(l.all))
	for _, m := range l.all {
		of[m.ID] = m
	}
	type pair struct{ source, target int }
	type sum struct {
		edges  int
		health resource.Severity
	}
	sums := map[pair]sum{}
	for _, m := range l.all {
		for _, id := range m.Parents {
			p := of[id]
			if p == nil || p.item == m.item {
				continue
			}
			k := pair{p.item, m.item}
			s := sums[k]
			sums[k] = sum{s.edges + 1, max(s.health, p.health)}
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
func inOrder(members []*member, n int) []*member {
	if n > sortAllAbove || n == len(members) {
		return slices.SortedFunc(slices.Values(members), worstMember)[:n]
	}
	first := make([]*member, 0, n+1)
	for _, m := range members {
		if n == 0 || len(first) == n && worstMember(m, first[n-1]) > 0 {
			continue
		}
		i, _ := slices.BinarySearchFunc(first, m, worstMember)
		first = slices.Insert(first, i, m)
		first = first[:min(len(first), n)]
	}
	return first
}

func worstMember(a, b *member) int {
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
