package api

import (
	"context"

	"github.com/faultline-storage/faultline/internal/api/gen"
	"github.com/faultline-storage/faultline/internal/resource"
)

// ListAlerts lists alerts.
func (h *handlers) ListAlerts(_ context.Context, req gen.ListAlertsRequestObject) (gen.ListAlertsResponseObject, error) {
	at, p := h.position(), req.Params
	q := resource.AlertQuery{Active: p.Active, Acknowledged: p.Acknowledged, Text: deref(p.Q), Sort: deref(p.Sort), Cursor: deref(p.Cursor)}
	var err error
	if q.Plugin, q.Class, err = classFilter(p.Plugin, p.Class); err != nil {
		return nil, err
	}
	if q.Resource, err = idFilter("resource", p.Resource); err != nil {
		return nil, err
	}
	if q.Limit, err = limit(p.Limit, resource.DefaultLimit, resource.MaxLimit); err != nil {
		return nil, err
	}
	if q.Severities, err = severityFilter(p.Severity); err != nil {
		return nil, err
	}
	page, err := h.alerts.List(q)
	if err != nil {
		return nil, err
	}
	list := gen.AlertList{Items: make([]gen.Alert, len(page.Items)), Next: page.Next}
	for i, a := range page.Items {
		list.Items[i] = h.view.Alert(a)
	}
	return gen.ListAlerts200JSONResponse{Body: list, Headers: gen.ListAlerts200ResponseHeaders{FaultlinePosition: at.String()}}, nil
}

// GetAlert returns one alert.
func (h *handlers) GetAlert(_ context.Context, req gen.GetAlertRequestObject) (gen.GetAlertResponseObject, error) {
	if req.ID < 1 {
		return nil, resource.FieldErrorf("id", "id must be a positive integer")
	}
	a := h.alerts.Get(resource.AlertID(req.ID))
	if a == nil {
		return nil, notFound("there is no alert %d", req.ID)
	}
	return gen.GetAlert200JSONResponse(h.view.Alert(a)), nil
}

// severityFilter reads a list of severities; an empty one is nil and selects
// all.
func severityFilter(list []gen.AlertSeverity) (out []resource.Severity, err error) {
	for _, s := range list {
		sev, ok := resource.ParseSeverity(string(s))
		if !ok || sev == resource.OK {
			return nil, resource.FieldErrorf("severity", "%q is no severity of an alert; there are info, warning and error", s)
		}
		out = append(out, sev)
	}
	return out, nil
}
