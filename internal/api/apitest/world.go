// Package apitest is a small world of made-up storage behind the interfaces
// that package api asks for. Tests of the API and of the command line serve it.
package apitest

import (
	"context"
	"encoding/json"
	"iter"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/faultline-storage/faultline/internal/api"
	"github.com/faultline-storage/faultline/internal/api/gen"
	"github.com/faultline-storage/faultline/internal/feed"
	"github.com/faultline-storage/faultline/internal/resource"
)

// Start is the time at which the world begins.
var Start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// IDs of the resources of a new World. The pool has the drives as parents, the
// drives have the enclosure, and the LUN has the pool. Drive2 has failed.
const (
	Couplet   resource.ID = 1
	Enclosure resource.ID = 2
	Drive1    resource.ID = 3
	Drive2    resource.ID = 4
	Pool      resource.ID = 5
	Lun       resource.ID = 6
)

// Password is the stored password of the couplet. It must never be seen.
const Password = "sealed-secret"

// World implements the sources of api.Options: Inventory, Roots and Stats by
// itself, and the alerts by Alerts. It is safe for concurrent use.
type World struct {
	mu      sync.Mutex
	classes []*resource.Class
	byID    map[resource.ID]*resource.Resource
	changes *feed.Log[*resource.Changes]
	seq     uint64
	next    resource.ID

	told  map[resource.ID][]*resource.Change // see Tell
	since time.Time

	alerts  map[resource.AlertID]*resource.Alert
	alerted *feed.Log[[]*resource.Alert]
	aseq    uint64

	given map[string]json.RawMessage
	// Fail is returned by Add, Edit and Remove if it is not nil. Set it before the
	// world is served.
	Fail error
}

// New returns a world of one couplet with what it holds.
func New() *World {
	w := &World{
		classes: Classes(), byID: map[resource.ID]*resource.Resource{}, next: 1,
		told: map[resource.ID][]*resource.Change{}, changes: feed.New[*resource.Changes](8, 0), alerts: map[resource.AlertID]*resource.Alert{},
		alerted: feed.New[[]*resource.Alert](8, 0),
	}
	text, num := resource.StringValue, resource.IntValue
	w.Create("Couplet", Couplet, "Couplet 10.0.0.7", nil,
		text("10.0.0.7"), text("admin"), text(Password), resource.Null)
	w.Create("Enclosure", Couplet, "Enclosure 1", nil, num(1))
	drive := func(slot int64, status string) {
		w.Create("HardDrive", Couplet, "Drive "+strconv.FormatInt(slot, 10), []resource.ID{Enclosure},
			num(slot), text(status), num(4_000_787_030_016), resource.RefValue(int64(Enclosure)), text("fw-7"))
	}
	drive(1, "OK")
	drive(2, "FAILED")
	w.Create("RaidPool", Couplet, "Pool 0", []resource.ID{Drive1, Drive2}, num(0), text("raid6"))
	w.Create("Lun", Couplet, "scratch", []resource.ID{Pool}, num(7), text("scratch"), resource.BoolValue(true))
	w.Raise(Drive2, resource.Error, "failure", "status", "Drive failure")
	return w
}

// Options returns the options of a server of the world.
func (w *World) Options() api.Options {
	return api.Options{
		Inventory: w, Alerts: Alerts{w}, Roots: w, Stats: w, Plugins: Plugins,
		Version: "1.2.3", Started: Start,
	}
}

// Plugins returns a plugin that runs and one that does not.
func Plugins() []api.Plugin {
	return []api.Plugin{
		{Name: "acme", Kind: gen.Executable, Path: "/opt/acme", Version: "1", SDK: gen.SDK{Name: "go", Version: "0.1.0"},
			State: gen.Running, PID: 4711, Sessions: 1, Classes: []string{"acme.Couplet", "acme.HardDrive"}},
		{Name: "broken", Kind: gen.Python, Path: "broken.py", State: gen.Failed, Error: "1 problem",
			Problems: []gen.PluginProblem{{File: "broken.py", Line: 7, Where: "Disk.size", Text: "no such option: sise"}}},
	}
}

// Create adds a resource to the world, with the next ID, and returns it.
func (w *World) Create(class string, root resource.ID, label string, parents []resource.ID, values ...resource.Value) *resource.Resource {
	return w.CreateOf(w.class("acme", class), root, label, parents, values...)
}

// AddClass adds a class to the world.
func (w *World) AddClass(c *resource.Class) { w.classes = append(w.classes, c) }

// CreateOf is Create for any class.
func (w *World) CreateOf(c *resource.Class, root resource.ID, label string, parents []resource.ID, values ...resource.Value) *resource.Resource {
	w.mu.Lock()
	defer w.mu.Unlock()
	r := &resource.Resource{
		ID: w.next, Class: c, Label: label, Values: values, Scope: root,
		Reporters: []resource.ID{root}, Parents: parents, FirstSeen: Start, Updated: Start,
	}
	if r.Class.Root() {
		r.Root = &resource.RootState{Live: true, LastContact: Start.Add(time.Minute)}
		r.Scope, r.Reporters = r.ID, []resource.ID{r.ID}
	}
	w.next++
	w.byID[r.ID] = r
	for _, p := range parents {
		parent := *w.byID[p]
		parent.Children = append(parent.Children, r.ID) // nobody appends to an old list
		w.byID[p] = &parent
	}
	w.publish(&resource.Changes{Created: []*resource.Resource{r}})
	return r
}

// Link makes one resource the parent of another.
func (w *World) Link(parent, child resource.ID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p, c := *w.byID[parent], *w.byID[child]
	p.Children, c.Parents = append(slices.Clone(p.Children), child), append(slices.Clone(c.Parents), parent)
	w.byID[parent], w.byID[child] = &p, &c
	w.publish(&resource.Changes{Updated: []resource.Update{{Resource: &c, Edges: true}}})
}

// Set changes an attribute of a resource.
func (w *World) Set(id resource.ID, attribute string, v resource.Value) {
	w.mu.Lock()
	defer w.mu.Unlock()
	r := *w.byID[id]
	i := r.Class.Attr(attribute)
	r.Values = slices.Clone(r.Values)
	r.Values[i] = v
	w.byID[id] = &r
	w.publish(&resource.Changes{Root: r.Scope, Updated: []resource.Update{{Resource: &r, Attributes: []int{i}}}})
}

// Sample records a sample that nobody keeps; only the events tell it.
func (w *World) Sample(id resource.ID, stat int, value float64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.publish(&resource.Changes{Samples: []resource.Sample{{Resource: id, Stat: stat, Time: Start, Value: value}}})
}

// Publish adds changes to the log as they are.
func (w *World) Publish(ch *resource.Changes) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.publish(ch)
}

// SetRoot changes the state of a root.
func (w *World) SetRoot(id resource.ID, s resource.RootState) {
	w.mu.Lock()
	defer w.mu.Unlock()
	r := *w.byID[id]
	r.Root = &s
	w.byID[id] = &r
	w.publish(&resource.Changes{Root: id, Updated: []resource.Update{{Resource: &r, State: true}}})
}

func (w *World) publish(ch *resource.Changes) {
	w.seq++
	ch.Seq, ch.Time = w.seq, Start
	w.changes.Append(w.seq, ch)
}

func (w *World) class(plugin, name string) *resource.Class {
	for _, c := range w.classes {
		if c.Plugin == plugin && c.Name == name {
			return c
		}
	}
	return nil
}

// Get implements api.Inventory.
func (w *World) Get(id resource.ID) *resource.Resource {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.byID[id]
}

// Stale implements api.Inventory.
func (w *World) Stale(r *resource.Resource) bool {
	root := w.Get(r.Scope)
	return root == nil || root.Root == nil || !root.Root.Live
}

// Classes implements api.Inventory.
func (w *World) Classes() []*resource.Class { return w.classes }

// Count implements api.Inventory.
func (w *World) Count(c *resource.Class) (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range w.byID {
		if r.Class == c {
			n++
		}
	}
	return n
}

// Reported implements api.Inventory.
func (w *World) Reported(root resource.ID) map[*resource.Class]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	counts := map[*resource.Class]int{}
	for _, r := range w.byID {
		if r.ID != root && slices.Contains(r.Reporters, root) {
			counts[r.Class]++
		}
	}
	return counts
}

// Seq implements api.Inventory.
func (w *World) Seq() uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.seq
}

// Since implements api.Inventory.
func (w *World) Since(ctx context.Context, seq uint64) iter.Seq2[*resource.Changes, error] {
	return w.changes.Since(ctx, seq)
}

// Walk implements api.Inventory.
func (w *World) Walk(start resource.ID, dir resource.Direction, depth, limit int) (steps []resource.Step, truncated bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	r := w.byID[start]
	if r == nil {
		return nil, false
	}
	steps = []resource.Step{{Resource: r}}
	seen := map[resource.ID]bool{start: true}
	for i := 0; i < len(steps); i++ {
		st := steps[i]
		if depth > 0 && st.Depth == depth {
			continue
		}
		next := st.Resource.Parents
		if dir == resource.Down {
			next = st.Resource.Children
		}
		for _, id := range next {
			if seen[id] {
				continue
			}
			if limit > 0 && len(steps) == limit {
				return steps, true
			}
			seen[id] = true
			steps = append(steps, resource.Step{Resource: w.byID[id], Via: st.Resource.ID, Depth: st.Depth + 1})
		}
	}
	return steps, false
}

// List implements api.Inventory, sorted by ID or, with Sort "-id", downwards.
func (w *World) List(q resource.Query) (resource.Page, error) {
	within := func(id resource.ID, dir resource.Direction) func(resource.ID) bool {
		if id == 0 {
			return func(resource.ID) bool { return true }
		}
		steps, _ := w.Walk(id, dir, 0, 0)
		return func(id resource.ID) bool {
			return slices.ContainsFunc(steps, func(st resource.Step) bool { return st.Resource.ID == id })
		}
	}
	up, down := within(q.AncestorOf, resource.Up), within(q.DescendantOf, resource.Down)
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []*resource.Resource
	for id := resource.ID(1); id < w.next; id++ {
		r := w.byID[id]
		if r == nil || q.Plugin != "" && r.Class.Plugin != q.Plugin || q.Class != "" && r.Class.Name != q.Class ||
			q.Base != "" && !r.Class.Is(q.Base) || q.Scopes != nil && !slices.Contains(q.Scopes, r.Scope) ||
			!identified(r, q.Identifier) || q.Text != "" && !strings.Contains(strings.ToLower(r.Name()), strings.ToLower(q.Text)) ||
			q.Parent != 0 && !slices.Contains(r.Parents, q.Parent) || !up(id) || !down(id) {
			continue
		}
		if q.Health != nil {
			if !slices.Contains(q.Health, q.Sick[id]) {
				continue
			}
		}
		all = append(all, r)
	}
	switch q.Sort {
	case "", "id":
	case "-id":
		slices.Reverse(all)
	default:
		return resource.Page{}, resource.FieldErrorf("sort", "resources cannot be sorted by %q", q.Sort)
	}
	from := 0
	if q.Cursor != "" {
		var err error
		if from, err = strconv.Atoi(q.Cursor); err != nil || from < 0 || from > len(all) {
			return resource.Page{}, resource.FieldErrorf("cursor", "%q is no cursor of this list", q.Cursor)
		}
	}
	if q.Cursor == "" {
		from = min(q.Offset, len(all))
	}
	page := resource.Page{Items: all[from:], Total: len(all)}
	if len(page.Items) > q.Limit {
		page.Items, page.Next = page.Items[:q.Limit], strconv.Itoa(from+q.Limit)
	}
	return page, nil
}

// Find implements api.Inventory.
func (w *World) Find(q resource.Query) (ids []resource.ID, err error) {
	q.Limit, q.Cursor, q.Offset = math.MaxInt, "", 0
	page, err := w.List(q)
	for _, r := range page.Items {
		ids = append(ids, r.ID)
	}
	return ids, err
}

// Search implements api.Inventory, by the name alone.
func (w *World) Search(text string, limit int) (out []resource.Match) {
	page, _ := w.List(resource.Query{Text: text, Limit: math.MaxInt})
	for _, r := range page.Items {
		i := slices.IndexFunc(out, func(m resource.Match) bool { return m.Class == r.Class })
		if i < 0 {
			i, out = len(out), append(out, resource.Match{Class: r.Class})
		}
		if out[i].Count++; len(out[i].Best) < limit {
			out[i].Best = append(out[i].Best, resource.MatchedResource{Resource: r, Attribute: -1})
		}
	}
	return out
}

func identified(r *resource.Resource, want map[string]string) bool {
	for name, text := range want {
		if i := r.Class.Attr(name); i < 0 || r.Values[i].String() != text {
			return false
		}
	}
	return true
}

// Nearest implements api.Inventory for a world in which no wanted resource is
// behind another.
func (w *World) Nearest(start resource.ID, dir resource.Direction, depth, _ int, is func(*resource.Class) bool) ([]resource.Step, bool) {
	all, truncated := w.Walk(start, dir, depth, 0)
	keep := map[resource.ID]bool{}
	for _, st := range slices.Backward(all) {
		if keep[st.Resource.ID] || st.Depth > 0 && is(st.Resource.Class) {
			keep[st.Resource.ID], keep[st.Via] = true, true
		}
	}
	return slices.DeleteFunc(all, func(st resource.Step) bool { return !keep[st.Resource.ID] }), truncated
}

// Explain implements api.Inventory: the edges are reported by the couplet. Of
// what is not linked it compares labels by the relation of the LUNs.
func (w *World) Explain(a, b resource.ID) (*resource.Linkage, error) {
	if a == b {
		return nil, resource.FieldErrorf("other", "a resource is not linked to itself; give two")
	}
	for _, ends := range [2][2]resource.ID{{b, a}, {a, b}} {
		via := map[resource.ID]resource.ID{}
		steps, _ := w.Walk(ends[0], resource.Up, 0, 0)
		for _, s := range steps {
			via[s.Resource.ID] = s.Via
			if s.Resource.ID != ends[1] {
				continue
			}
			e := &resource.Linkage{}
			for id := ends[1]; id != ends[0]; id = via[id] {
				e.Steps = append(e.Steps, resource.LinkStep{Parent: w.Get(id), Child: w.Get(via[id]), Roots: []resource.ID{Couplet}})
			}
			return e, nil
		}
	}
	c := w.class("acme", "Lun")
	x, y := w.Get(a), w.Get(b)
	m := resource.RelationMatch{Class: c, Relation: &c.Relations[0], Provider: x, Subscriber: y}
	p, s := resource.StringValue(x.Label), resource.StringValue(y.Label)
	m.Attributes = []resource.Comparison{{Name: "name", Provider: p, Subscriber: s, Difference: resource.Compare(p, s, true)}}
	m.Near = []resource.NearMatch{
		{Resource: x, Provides: true, Attributes: m.Attributes},
		{Resource: y, Attributes: []resource.Comparison{{Name: "name", Provider: p, Subscriber: p}}},
	}
	return &resource.Linkage{Misses: []resource.RelationMatch{m}}, nil
}

// Latest implements api.Stats: the drives are 40 degrees warm.
func (w *World) Latest(id resource.ID) []resource.Sample {
	if id != Drive1 && id != Drive2 {
		return nil
	}
	return []resource.Sample{
		{Resource: id, Stat: 0, Time: Start, Value: 40},
		{Resource: id, Stat: 1, Time: Start, Bins: []int64{5, 0, 2}},
	}
}

// Series implements api.Stats: ten samples, a second apart.
func (w *World) Series(_ context.Context, r *resource.Resource, stat int, from, to time.Time) (out []resource.Sample, _ error) {
	for i := range 10 {
		t := Start.Add(time.Duration(i) * time.Second)
		if from.After(t) || !to.IsZero() && to.Before(t) {
			continue
		}
		out = append(out, resource.Sample{Resource: r.ID, Stat: stat, Time: t, Value: float64(30 + i), Bins: nil})
	}
	return out, nil
}

// LineEvery is how much time lies between the samples that Line knows.
const LineEvery = time.Minute

// Line implements api.Stats: from Start on a minute's number each minute, or that
// many in the first bin.
func (w *World) Line(_ context.Context, r *resource.Resource, stat int, from time.Time, step time.Duration, n int) (l resource.Line, _ error) {
	s := &r.Class.Statistics[stat]
	if s.Kind == resource.Histogram {
		l.Counts = make([][]int64, n)
	} else {
		l.Values = make([]float64, n)
		for i := range l.Values {
			l.Values[i] = math.NaN()
		}
	}
	for minute := range 60 {
		i := int((Start.Add(time.Duration(minute)*LineEvery).Sub(from) - 1) / step)
		switch {
		case i < 0 || i >= n:
		case l.Counts != nil:
			l.Counts[i] = make([]int64, len(s.Bins))
			l.Counts[i][0] = int64(minute)
		default:
			l.Values[i] = float64(minute)
		}
	}
	return l, nil
}
