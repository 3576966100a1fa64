package api

import (
	"cmp"
	"context"
	"slices"

	"github.com/faultline-storage/faultline/internal/api/gen"
	"github.com/faultline-storage/faultline/internal/resource"
)

// Bounds on what a standing lists.
const (
	defaultStanding = 10
	maxStanding     = 1000
)

// GetStanding tells which file systems and volumes are in danger.
func (h *handlers) GetStanding(_ context.Context, req gen.GetStandingRequestObject) (gen.GetStandingResponseObject, error) {
	at := h.position()
	most, err := limit(req.Params.Limit, defaultStanding, maxStanding)
	if err != nil {
		return nil, err
	}
	var out gen.Standing
	if out.Filesystems, err = h.standing(resource.ClassFileSystem, most, true); err != nil {
		return nil, err
	}
	if out.Volumes, err = h.standing(resource.BaseLogicalDrive, most, false); err != nil {
		return nil, err
	}
	return gen.GetStanding200JSONResponse{Body: out, Headers: gen.GetStanding200ResponseHeaders{FaultlinePosition: at.String()}}, nil
}

// stood is a resource with its state.
type stood struct {
	r     *resource.Resource
	state gen.StandingState
}

// standingStates is the order of lists.
var standingStates = []gen.StandingState{gen.StandingStateDown, gen.StandingStateDegraded, gen.StandingStateAtRisk, gen.StandingStateFine}

// standing tells how the resources of a base class stand, and lists the worst;
// those that are fine too, if they are wanted and there is room.
func (h *handlers) standing(base string, most int, fine bool) (out gen.StandingKind, _ error) {
	total, sick := 0, 0
	for _, c := range h.inventory.Classes() {
		if c.Is(base) {
			n := h.alerts.HealthCounts(c)
			total, sick = total+h.inventory.Count(c), sick+n[resource.Warning]+n[resource.Error]
		}
	}
	q := resource.Query{Base: base, Limit: resource.MaxLimit, Sick: h.alerts.Sick()}
	if !fine { // most of many volumes are fine, and need not be looked at
		q.Health = []resource.Severity{resource.Warning, resource.Error}
	}
	var list []stood
	for more := fine || sick > 0; more; more = q.Cursor != "" {
		page, err := h.inventory.List(q)
		if err != nil {
			return out, err
		}
		for _, r := range page.Items {
			list = append(list, stood{r, h.stand(r)})
		}
		q.Cursor = page.Next
	}
	out.Fine = max(0, total-len(list))
	for _, s := range list {
		switch s.state {
		case gen.StandingStateDown:
			out.Down++
		case gen.StandingStateDegraded:
			out.Degraded++
		case gen.StandingStateAtRisk:
			out.AtRisk++
		case gen.StandingStateFine:
			out.Fine++
		}
	}
	slices.SortFunc(list, func(a, b stood) int {
		return cmp.Or(cmp.Compare(slices.Index(standingStates, a.state), slices.Index(standingStates, b.state)),
			resource.Natural(a.r.Name(), b.r.Name()), cmp.Compare(a.r.ID, b.r.ID))
	})
	out.Items = []gen.StandingItem{}
	for _, s := range list[:min(most, len(list))] {
		if fine || s.state != gen.StandingStateFine {
			out.Items = append(out.Items, h.standingItem(s))
		}
	}
	return out, nil
}

// stand tells the state of a resource: see the description of getStanding.
func (h *handlers) stand(r *resource.Resource) gen.StandingState {
	if h.alerts.Health(r.ID) < resource.Warning {
		return gen.StandingStateFine
	}
	failed, sick := h.says(r)
	if failed {
		return gen.StandingStateDown
	}
	allFailed := len(r.Parents) > 0
	for _, id := range r.Parents {
		p := h.inventory.Get(id)
		if p == nil { // deleted by a change that is under way
			continue
		}
		f, s := h.says(p)
		allFailed, sick = allFailed && f, sick || s
	}
	switch {
	case allFailed:
		return gen.StandingStateDown
	case sick:
		return gen.StandingStateDegraded
	}
	return gen.StandingStateAtRisk
}

// says reports what a resource says of itself: whether it has failed, and
// whether it is not well at all. A bound that is exceeded, such as of the space
// used, is no failure.
func (h *handlers) says(r *resource.Resource) (failed, sick bool) {
	for _, a := range h.alerts.Own(r.ID) {
		if !a.MayCause() {
			continue
		}
		sick = true
		if a.Severity == resource.Error && !bounded(r.Class, a.Attribute) {
			failed = true
		}
	}
	return failed, sick
}

// bounded reports whether conditions watch the bounds of an attribute or
// statistic, rather than its states.
func bounded(c *resource.Class, attribute string) bool {
	return slices.ContainsFunc(c.Conditions, func(k resource.Condition) bool {
		return k.Attribute == attribute && k.Kind != resource.ValueCondition
	})
}

func (h *handlers) standingItem(s stood) gen.StandingItem {
	out := gen.StandingItem{Resource: h.view.ref(s.r), State: s.state, Stale: h.inventory.Stale(s.r)}
	if s.state == gen.StandingStateFine {
		return out
	}
	// Of each severity the nearest come first, so the last of the worst is the
	// furthest.
	var first *resource.Alert
	for _, a := range slices.Concat(h.alerts.Own(s.r.ID), h.alerts.Inherited(s.r.ID)) {
		if !a.MayCause() {
			continue
		}
		out.Causes++
		if first == nil || a.Severity >= first.Severity {
			first = a
		}
	}
	if first != nil {
		out.Cause = &h.view.summaries([]*resource.Alert{first})[0]
	}
	return out
}
