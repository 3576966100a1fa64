package api

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/faultline-storage/faultline/internal/api/gen"
	"github.com/faultline-storage/faultline/internal/resource"
)

// Bounds on a timeline.
const (
	defaultTimeline = 200
	maxTimeline     = 10_000
	// timelineSearch is how many alerts of all resources are looked through.
	timelineSearch = 20_000
	day            = 24 * time.Hour
)

// GetTimeline lists the alerts of a resource and of what it affects.
func (h *handlers) GetTimeline(_ context.Context, req gen.GetTimelineRequestObject) (gen.GetTimelineResponseObject, error) {
	at := h.position()
	r, err := h.resource(req.ID)
	if err != nil {
		return nil, err
	}
	most, err := limit(req.Params.Limit, defaultTimeline, maxTimeline)
	if err != nil {
		return nil, err
	}
	q := resource.AlertQuery{Since: time.Now().Add(-day), Sort: "-began", Limit: resource.MaxLimit}
	if req.Params.Since != nil {
		q.Since = *req.Params.Since
	}
	steps, _ := h.inventory.Walk(r.ID, resource.Down, 0, 0)
	reached := make(map[resource.ID]bool, len(steps))
	for _, st := range steps {
		reached[st.Resource.ID] = true
	}
	out := gen.Timeline{Items: []gen.TimelineAlert{}}
	// What is active is never crowded out by what came and went.
	for _, active := range []bool{true, false} {
		q.Active, q.Cursor = &active, ""
		if err := h.addToTimeline(&out, q, reached, most); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(out.Items, func(a, b gen.TimelineAlert) int {
		return cmp.Or(b.Began.Compare(a.Began), cmp.Compare(b.ID, a.ID))
	})
	if out.Truncated {
		out.Items = append(out.Items, h.ownBeyond(r.ID, out.Items)...)
	}
	return gen.GetTimeline200JSONResponse{Body: out, Headers: gen.GetTimeline200ResponseHeaders{FaultlinePosition: at.String()}}, nil
}

// addToTimeline adds the alerts of a query that are of resources reached, until
// there are enough.
func (h *handlers) addToTimeline(out *gen.Timeline, q resource.AlertQuery, reached map[resource.ID]bool, most int) error {
	for seen := 0; ; {
		page, err := h.alerts.List(q)
		if err != nil {
			return err
		}
		for _, a := range page.Items {
			switch {
			case !reached[a.Resource]:
			case len(out.Items) == most:
				out.Truncated = true
				return nil
			default:
				out.Items = append(out.Items, timelineAlert(a))
			}
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			return nil
		}
		if seen += len(page.Items); seen >= timelineSearch {
			out.Truncated = true
			return nil
		}
	}
}

// ownBeyond returns the active alerts of the resource itself that are not in
// the list: what all began with must not be missing where not all are listed.
func (h *handlers) ownBeyond(id resource.ID, list []gen.TimelineAlert) (out []gen.TimelineAlert) {
	for _, a := range h.alerts.Own(id) {
		if !slices.ContainsFunc(list, func(t gen.TimelineAlert) bool { return t.ID == int64(a.ID) }) {
			out = append(out, timelineAlert(a))
		}
	}
	slices.SortFunc(out, func(a, b gen.TimelineAlert) int { return b.Began.Compare(a.Began) })
	return out
}

func timelineAlert(a *resource.Alert) gen.TimelineAlert {
	return gen.TimelineAlert{
		ID: int64(a.ID), Resource: int64(a.Resource), ResourceName: a.Name, Plugin: a.Plugin, Class: a.Class,
		Condition: a.Condition, Severity: gen.AlertSeverity(a.Severity.String()), Message: a.Message,
		Began: a.Began.UTC(), Ended: timeOrNil(a.Ended), Acknowledged: acknowledgement(a.Ack),
	}
}
