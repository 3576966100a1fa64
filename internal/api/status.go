package api

import (
	"context"

	"github.com/faultline-storage/faultline/internal/api/gen"
	"github.com/faultline-storage/faultline/internal/resource"
)

// GetStatus tells the server's version and counts what it knows.
func (h *handlers) GetStatus(context.Context, gen.GetStatusRequestObject) (gen.GetStatusResponseObject, error) {
	out := gen.Status{
		Version: h.version, Started: h.started.UTC(), Position: h.position().String(),
		Resources: gen.ResourceCounts{Classes: []gen.ClassStatus{}},
	}
	for _, c := range h.inventory.Classes() {
		n := h.inventory.Count(c)
		if n == 0 || c.Internal() {
			continue
		}
		health := healthCounts(n, h.alerts.HealthCounts(c))
		out.Resources.Total += n
		addHealth(&out.Resources.Health, health)
		out.Resources.Classes = append(out.Resources.Classes, gen.ClassStatus{
			Plugin: c.Plugin, Name: c.Name, Full: c.FullName(), Label: c.Label(), Count: n, Health: health,
		})
	}
	active := h.alerts.ActiveCounts()
	out.Alerts = gen.AlertCounts{
		Info: active[resource.Info], Warning: active[resource.Warning], Error: active[resource.Error],
	}
	for _, p := range h.plugins() {
		switch p.State {
		case gen.Running:
			out.Plugins.Running++
		case gen.Starting:
			out.Plugins.Starting++
		case gen.Backoff:
			out.Plugins.Backoff++
		case gen.Failed:
			out.Plugins.Failed++
		}
	}
	return gen.GetStatus200JSONResponse(out), nil
}

// healthCounts makes the counts add up to n: the alerts may lag a moment
// behind the inventory, and what has no alert is fine.
func healthCounts(n int, by [4]int) gen.HealthCounts {
	out := gen.HealthCounts{Info: by[resource.Info], Warning: by[resource.Warning], Error: by[resource.Error]}
	out.Ok = max(0, n-out.Info-out.Warning-out.Error)
	return out
}

func addHealth(to *gen.HealthCounts, n gen.HealthCounts) {
	to.Ok += n.Ok
	to.Info += n.Info
	to.Warning += n.Warning
	to.Error += n.Error
}

// GetOpenAPI returns the description of the interface.
func (h *handlers) GetOpenAPI(context.Context, gen.GetOpenAPIRequestObject) (gen.GetOpenAPIResponseObject, error) {
	return document(SpecJSON()), nil
}
