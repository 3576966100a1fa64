package api

import (
	"cmp"
	"context"
	"slices"

	"github.com/faultline-storage/faultline/internal/api/gen"
	"github.com/faultline-storage/faultline/internal/resource"
)

// Bounds on what one answer about the graph lists.
const (
	defaultItems = 1000
	maxItems     = 100_000
)

// GetGraph returns the part of the graph that is reachable from a resource.
func (h *handlers) GetGraph(_ context.Context, req gen.GetGraphRequestObject) (gen.GetGraphResponseObject, error) {
	at := h.position()
	r, err := h.resource(req.ID)
	if err != nil {
		return nil, err
	}
	depth, p := deref(req.Params.Depth), req.Params
	if depth < 0 {
		return nil, resource.FieldErrorf("depth", "depth may not be negative")
	}
	most, err := limit(p.Limit, defaultItems, maxItems)
	if err != nil {
		return nil, err
	}
	dirs, err := directions(p.Direction)
	if err != nil {
		return nil, err
	}
	walk := func(dir resource.Direction) ([]resource.Step, bool) {
		// The start is one of the walk's resources, but none of the limit's.
		return h.inventory.Walk(r.ID, dir, depth, most+1)
	}
	if p.Nearest != nil {
		is, err := h.classOrBase("nearest", *p.Nearest)
		if err != nil {
			return nil, err
		}
		walk = func(dir resource.Direction) ([]resource.Step, bool) {
			return h.inventory.Nearest(r.ID, dir, depth, most, is)
		}
	}
	out := gen.Graph{Nodes: []gen.Node{h.view.Node(r, 0)}, Edges: []gen.Edge{}}
	seen := map[resource.ID]*resource.Resource{r.ID: r}
	for _, dir := range dirs {
		steps, truncated := walk(dir)
		out.Truncated = out.Truncated || truncated
		for _, st := range steps {
			if _, ok := seen[st.Resource.ID]; ok {
				continue
			}
			seen[st.Resource.ID] = st.Resource
			out.Nodes = append(out.Nodes, h.view.Node(st.Resource, signed(dir, st.Depth)))
		}
	}
	for _, n := range out.Nodes {
		for _, p := range seen[resource.ID(n.ID)].Parents {
			if seen[p] != nil {
				out.Edges = append(out.Edges, gen.Edge{Parent: int64(p), Child: n.ID})
			}
		}
	}
	return gen.GetGraph200JSONResponse{Body: out, Headers: gen.GetGraph200ResponseHeaders{FaultlinePosition: at.String()}}, nil
}

// directions returns those that are asked for; up comes before down.
func directions(asked *gen.Direction) ([]resource.Direction, error) {
	if asked == nil {
		return []resource.Direction{resource.Up, resource.Down}, nil
	}
	switch *asked {
	case gen.DirectionUp:
		return []resource.Direction{resource.Up}, nil
	case gen.DirectionDown:
		return []resource.Direction{resource.Down}, nil
	}
	return nil, resource.FieldErrorf("direction", "%q is no direction; there are up and down", *asked)
}

// classOrBase returns what tells the classes of a name that a parameter has:
// "plugin.Class", or the name of a class or of one that it inherits from.
func (h *handlers) classOrBase(parameter, name string) (func(*resource.Class) bool, error) {
	is := func(c *resource.Class) bool { return c.FullName() == name || c.Is(name) }
	if !slices.ContainsFunc(h.inventory.Classes(), is) {
		return nil, resource.FieldErrorf(parameter, "there is no class %s, and none that inherits from it", name)
	}
	return is, nil
}

// signed is the depth of a node: negative towards the parents.
func signed(dir resource.Direction, depth int) int {
	if dir == resource.Up {
		return -depth
	}
	return depth
}

// GetImpact lists what a fault of the resource endangers.
func (h *handlers) GetImpact(_ context.Context, req gen.GetImpactRequestObject) (gen.GetImpactResponseObject, error) {
	at := h.position()
	r, err := h.resource(req.ID)
	if err != nil {
		return nil, err
	}
	most, err := limit(req.Params.Limit, defaultItems, maxItems)
	if err != nil {
		return nil, err
	}
	steps, _ := h.inventory.Walk(r.ID, resource.Down, 0, 0)
	steps = others(steps)
	counts, filesystems := h.view.summarize(steps)
	listed := steps[:min(len(steps), most)]
	path := newPaths(r.ID, steps)
	out := gen.Impact{
		Resource: h.view.Node(r, 0), Items: make([]gen.ImpactItem, len(listed)),
		Counts: counts, Total: len(steps), Filesystems: filesystems,
		Truncated: len(listed) < len(steps),
	}
	for i, st := range listed {
		out.Items[i] = gen.ImpactItem{
			Resource: h.view.Node(st.Resource, st.Depth), Path: path.to(st), Depth: st.Depth,
		}
	}
	return gen.GetImpact200JSONResponse{Body: out, Headers: gen.GetImpact200ResponseHeaders{FaultlinePosition: at.String()}}, nil
}

// cause is a resource with what makes it sick.
type cause struct {
	resource.Step
	alerts []*resource.Alert // worst first
}

// GetCauses lists what makes the resource sick.
func (h *handlers) GetCauses(_ context.Context, req gen.GetCausesRequestObject) (gen.GetCausesResponseObject, error) {
	at := h.position()
	r, err := h.resource(req.ID)
	if err != nil {
		return nil, err
	}
	most, err := limit(req.Params.Limit, defaultItems, maxItems)
	if err != nil {
		return nil, err
	}
	out := gen.Causes{Resource: h.view.Node(r, 0), Items: []gen.CauseItem{}, Counts: gen.Counts{}}
	all := deref(req.Params.All)
	if all || h.alerts.Health(r.ID) != resource.OK { // a healthy resource has no causes: no walk
		steps, _ := h.inventory.Walk(r.ID, resource.Up, 0, 0)
		causes := make([]cause, 0, 16)
		for _, st := range steps {
			if alerts := h.alerts.Own(st.Resource.ID); len(alerts) > 0 || all && st.Depth > 0 {
				causes = append(causes, cause{st, alerts})
			}
		}
		slices.SortStableFunc(causes, func(a, b cause) int { // the walk's order: nearest first
			return cmp.Compare(worst(b.alerts), worst(a.alerts))
		})
		h.fillCauses(&out, causes, steps, most)
	}
	return gen.GetCauses200JSONResponse{Body: out, Headers: gen.GetCauses200ResponseHeaders{FaultlinePosition: at.String()}}, nil
}

func (h *handlers) fillCauses(out *gen.Causes, causes []cause, steps []resource.Step, most int) {
	path := newPaths(resource.ID(out.Resource.ID), steps)
	out.Total = len(causes)
	for i, c := range causes {
		out.Counts[c.Resource.Class.FullName()]++
		if i >= most {
			out.Truncated = true
			continue
		}
		out.Items = append(out.Items, gen.CauseItem{
			Resource: h.view.Node(c.Resource, signed(resource.Up, c.Depth)),
			Path:     path.to(c.Step), Depth: c.Depth, Alerts: h.view.summaries(c.alerts),
		})
	}
}

func worst(alerts []*resource.Alert) resource.Severity {
	if len(alerts) == 0 {
		return resource.OK
	}
	return alerts[0].Severity
}

// others drops the start from the steps of a walk.
func others(steps []resource.Step) []resource.Step {
	if len(steps) > 0 && steps[0].Depth == 0 {
		return steps[1:]
	}
	return steps
}

// fileSystem is the base class of the file systems that an impact names.
const fileSystem = "FileSystem"

// summarize counts the steps by full class name and names the file systems.
func (v *View) summarize(steps []resource.Step) (gen.Counts, []gen.Ref) {
	// By class first: what a class is and is called is found once and not for
	// each of 100,000 steps.
	type class struct {
		n          int
		fileSystem bool
	}
	classes := map[*resource.Class]*class{}
	filesystems := []gen.Ref{}
	for _, st := range steps {
		c := classes[st.Resource.Class]
		if c == nil {
			c = &class{fileSystem: st.Resource.Class.Is(fileSystem)}
			classes[st.Resource.Class] = c
		}
		c.n++
		if c.fileSystem {
			filesystems = append(filesystems, v.ref(st.Resource))
		}
	}
	counts := make(gen.Counts, len(classes))
	for c, found := range classes {
		counts[c.FullName()] += found.n
	}
	return counts, filesystems
}

// paths finds the way back to the start of a walk. Its index of the steps is
// made when it is first needed, and only as far as needed: a path leads through
// steps that came before its end.
type paths struct {
	start resource.ID
	steps []resource.Step
	via   map[resource.ID]resource.ID
	done  int
}

func newPaths(start resource.ID, steps []resource.Step) *paths {
	return &paths{start: start, steps: steps, via: map[resource.ID]resource.ID{}}
}

// to returns the ids from the start to the step, both included.
func (p *paths) to(st resource.Step) []int64 {
	out := make([]int64, st.Depth+1)
	id := st.Resource.ID
	for i := st.Depth; i > 0; i-- {
		out[i] = int64(id)
		id = p.viaOf(id)
	}
	out[0] = int64(p.start)
	return out
}

func (p *paths) viaOf(id resource.ID) resource.ID {
	for {
		if v, ok := p.via[id]; ok {
			return v
		}
		if p.done == len(p.steps) {
			return p.start
		}
		st := p.steps[p.done]
		p.via[st.Resource.ID] = st.Via
		p.done++
	}
}
