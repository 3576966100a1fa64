package api

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/faultline-storage/faultline/internal/api/gen"
	"github.com/faultline-storage/faultline/internal/resource"
)

// Bounds on the list of ended incidents.
const (
	defaultEnded = 50
	maxEnded     = 1000
	// endedSearch is how many alerts are looked through, the latest first.
	endedSearch = 10_000
	endedSince  = 30 * day
)

// ListEndedIncidents lists what was sick and is well.
func (h *handlers) ListEndedIncidents(_ context.Context, req gen.ListEndedIncidentsRequestObject) (gen.ListEndedIncidentsResponseObject, error) {
	at := h.position()
	most, err := limit(req.Params.Limit, defaultEnded, maxEnded)
	if err != nil {
		return nil, err
	}
	since := time.Now().Add(-endedSince)
	if req.Params.Since != nil {
		since = *req.Params.Since
	}
	p := episodeSet{h: h, episodes: map[resource.ID][]*episode{}, above: map[resource.ID][]resource.ID{}}
	out := gen.EndedIncidentList{Items: []gen.EndedIncident{}}
	for _, active := range []bool{true, false} {
		cut, err := p.read(resource.AlertQuery{Active: &active, Since: since, Sort: "-ended", Limit: resource.MaxLimit})
		if err != nil {
			return nil, err
		}
		out.Truncated = out.Truncated || cut
	}
	list := p.ended()
	out.Truncated = out.Truncated || len(list) > most
	for _, e := range list[:min(most, len(list))] {
		a := e.causes[0]
		out.Items = append(out.Items, gen.EndedIncident{
			ID: int64(a.Resource), Name: a.Name, Plugin: a.Plugin, Class: a.Class, Gone: h.inventory.Get(a.Resource) == nil,
			Severity: gen.AlertSeverity(a.Severity.String()), Began: e.began.UTC(), Ended: e.ended.UTC(), Causes: h.view.summaries(e.causes), Effects: e.effects,
		})
	}
	return gen.ListEndedIncidents200JSONResponse{Body: out, Headers: gen.ListEndedIncidents200ResponseHeaders{FaultlinePosition: at.String()}}, nil
}

// episode is a time during which a resource was sick without a break.
type episode struct {
	began, ended time.Time         // ended is zero while it lasts
	causes       []*resource.Alert // worst first
	effects      int               // alerts of descendants that were active at the same time
}

// during reports whether an alert was active at any time of the episode.
func (e *episode) during(a *resource.Alert) bool {
	return (a.Ended.IsZero() || !a.Ended.Before(e.began)) && (e.ended.IsZero() || !a.Began.After(e.ended))
}

// episodeSet puts alerts together that belonged to one incident. Which resources
// depended on which is asked of the present graph: alerts do not keep it.
type episodeSet struct {
	h        *handlers
	alerts   []*resource.Alert
	episodes map[resource.ID][]*episode // by resource, the oldest first
	above    map[resource.ID][]resource.ID
}

// read adds the alerts of a query, and reports whether there are more.
func (p *episodeSet) read(q resource.AlertQuery) (more bool, _ error) {
	for seen := 0; ; {
		page, err := p.h.alerts.List(q)
		if err != nil {
			return false, err
		}
		p.alerts = append(p.alerts, page.Items...)
		if q.Cursor = page.Next; q.Cursor == "" {
			return false, nil
		}
		if seen += len(page.Items); seen >= endedSearch {
			return true, nil
		}
	}
}

// ended returns the episodes that are over and that no ancestor's explains, the
// last to end first.
func (p *episodeSet) ended() (list []*episode) {
	slices.SortFunc(p.alerts, func(a, b *resource.Alert) int {
		return cmp.Or(a.Began.Compare(b.Began), cmp.Compare(a.ID, b.ID))
	})
	for _, a := range p.alerts {
		if !a.MayCause() {
			continue
		}
		all := p.episodes[a.Resource]
		if len(all) == 0 || !all[len(all)-1].during(a) {
			all = append(all, &episode{began: a.Began, ended: a.Began})
			p.episodes[a.Resource] = all
		}
		e := all[len(all)-1]
		e.causes = append(e.causes, a)
		if a.Ended.IsZero() || !e.ended.IsZero() && a.Ended.After(e.ended) {
			e.ended = a.Ended
		}
	}
	explained := map[*episode]bool{}
	for _, all := range p.episodes {
		for _, e := range all {
			slices.SortStableFunc(e.causes, func(a, b *resource.Alert) int { return cmp.Compare(b.Severity, a.Severity) })
			explained[e] = slices.ContainsFunc(e.causes, func(a *resource.Alert) bool { return len(p.during(a)) > 0 })
			if !explained[e] && !e.ended.IsZero() {
				list = append(list, e)
			}
		}
	}
	for _, a := range p.alerts {
		for _, e := range p.during(a) {
			if !explained[e] {
				e.effects++
			}
		}
	}
	slices.SortFunc(list, func(a, b *episode) int {
		return cmp.Or(b.ended.Compare(a.ended), cmp.Compare(b.causes[0].ID, a.causes[0].ID))
	})
	return list
}

// during returns the episodes of the ancestors of an alert's resource during
// which it was active.
func (p *episodeSet) during(a *resource.Alert) (found []*episode) {
	for _, id := range p.sick(a.Resource) {
		for _, e := range p.episodes[id] {
			if e.during(a) {
				found = append(found, e)
			}
		}
	}
	return found
}

// sick returns the ancestors of a resource that have episodes, ascending.
func (p *episodeSet) sick(id resource.ID) []resource.ID {
	if found, ok := p.above[id]; ok {
		return found
	}
	var found []resource.ID
	if r := p.h.inventory.Get(id); r != nil {
		for _, parent := range r.Parents {
			if len(p.episodes[parent]) > 0 {
				found = append(found, parent)
			}
			found = append(found, p.sick(parent)...)
		}
	}
	slices.Sort(found)
	p.above[id] = slices.Compact(found)
	return p.above[id]
}
