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
	if out.Filesystems, err = h.filesystemsStanding(most); err != nil {
		return nil, err
	}
	out.Volumes = h.volumesStanding(most)
	return gen.GetStanding200JSONResponse{Body: out, Headers: gen.GetStanding200ResponseHeaders{FaultlinePosition: at.String()}}, nil
}

// stood is what is listed of a kind, with its state.
type stood struct {
	ref   gen.Ref
	state gen.StandingState
	r     *resource.Resource // nil if it is gone
	v     *resource.Volume   // of a volume
	why   string             // of a volume
}

// standingStates is the order of lists.
var standingStates = []gen.StandingState{gen.StandingStateDown, gen.StandingStateDegraded, gen.StandingStateAtRisk, gen.StandingStateFine}

// filesystemsStanding tells how the file systems stand; those that are fine are
// listed, too, if there is room.
func (h *handlers) filesystemsStanding(most int) (out gen.StandingKind, _ error) {
	q := resource.Query{Base: resource.ClassFileSystem, Limit: resource.MaxLimit, Sick: h.alerts.Sick()}
	var list []stood
	for more := true; more; more = q.Cursor != "" {
		page, err := h.inventory.List(q)
		if err != nil {
			return out, err
		}
		for _, r := range page.Items {
			list = append(list, stood{ref: h.view.ref(r), state: h.view.filesystemState(r), r: r})
		}
		q.Cursor = page.Next
	}
	return h.standingKind(list, 0, most), nil
}

// volumesStanding tells how the volumes stand. Most of many are fine, and are not
// listed.
func (h *handlers) volumesStanding(most int) gen.StandingKind {
	var list []stood
	fine := 0
	for _, v := range h.volumes.Counted() {
		state, why := h.view.volumeState(v)
		if state == gen.VolumeFine {
			fine++
			continue
		}
		r := h.inventory.Get(v.ID)
		of := gen.Ref{ID: int64(v.ID), Plugin: v.Plugin, Class: v.Class}
		if r != nil {
			of = h.view.ref(r)
		}
		of.Name = v.Name()
		list = append(list, stood{ref: of, state: gen.StandingState(state), r: r, v: v, why: why})
	}
	return h.standingKind(list, fine, most)
}

// standingKind counts what is listed, and what is fine beside it, and shows the
// worst.
func (h *handlers) standingKind(list []stood, fine, most int) gen.StandingKind {
	out := gen.StandingKind{Fine: fine, Items: []gen.StandingItem{}}
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
			resource.Natural(a.ref.Name, b.ref.Name), cmp.Compare(a.ref.ID, b.ref.ID))
	})
	for _, s := range list[:min(most, len(list))] {
		out.Items = append(out.Items, h.standingItem(s))
	}
	return out
}

func (h *handlers) standingItem(s stood) gen.StandingItem {
	out := gen.StandingItem{Resource: s.ref, State: s.state, Why: s.why, Volume: s.v != nil && h.volumes.Get(s.v.ID) != nil}
	if s.r != nil {
		out.Stale = h.inventory.Stale(s.r)
	}
	if s.state == gen.StandingStateFine {
		return out
	}
	id := resource.ID(s.ref.ID)
	causes := slices.Concat(h.alerts.Own(id), h.alerts.Inherited(id))
	if s.v != nil && !slices.ContainsFunc(causes, (*resource.Alert).MayCause) { // its paths then
		for i := range s.v.Nodes {
			causes = append(causes, h.alerts.Own(s.v.Nodes[i].ID)...)
		}
	}
	// Of each severity the nearest come first, so the last of the worst is the
	// furthest.
	var first *resource.Alert
	for _, a := range causes {
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
