package api

import (
	"cmp"
	"context"
	"encoding/base64"
	"fmt"
	"slices"

	"github.com/faultline-storage/faultline/internal/api/gen"
	"github.com/faultline-storage/faultline/internal/resource"
)

// ListIncidents lists what is sick, with what that causes.
func (h *handlers) ListIncidents(_ context.Context, req gen.ListIncidentsRequestObject) (gen.ListIncidentsResponseObject, error) {
	at, p := h.position(), req.Params
	severities, err := severityFilter(p.Severity)
	if err != nil {
		return nil, err
	}
	most, err := limit(p.Limit, resource.DefaultLimit, resource.MaxLimit)
	if err != nil {
		return nil, err
	}
	var after incidentKey
	if p.Cursor != nil {
		if after, err = parseIncidentKey(*p.Cursor); err != nil {
			return nil, err
		}
	}
	list, alerts := h.alerts.Incidents()
	out := gen.IncidentList{Items: []gen.Incident{}, Incidents: len(list), Alerts: alerts}
	var last incidentKey
	for _, i := range list {
		key := keyOf(i)
		if p.Cursor != nil && !after.before(key) ||
			severities != nil && !slices.Contains(severities, i.Severity) ||
			p.Acknowledged != nil && *p.Acknowledged != i.Acknowledged() {
			continue
		}
		if len(out.Items) == most {
			out.Next = last.String()
			break
		}
		if item, ok := h.incident(i); ok {
			out.Items, last = append(out.Items, item), key
		}
	}
	return gen.ListIncidents200JSONResponse{Body: out, Headers: gen.ListIncidents200ResponseHeaders{FaultlinePosition: at.String()}}, nil
}

// GetIncident returns one incident with its effects.
func (h *handlers) GetIncident(_ context.Context, req gen.GetIncidentRequestObject) (gen.GetIncidentResponseObject, error) {
	at := h.position()
	if req.ID < 1 {
		return nil, resource.FieldErrorf("id", "id must be a positive integer")
	}
	most, err := limit(req.Params.Limit, defaultItems, maxItems)
	if err != nil {
		return nil, err
	}
	i, effects := h.alerts.Incident(resource.ID(req.ID))
	if i == nil {
		return nil, notFound("resource %d is no cause of an incident: it has no alert that makes it sick, or one of its ancestors has", req.ID)
	}
	item, ok := h.incident(i)
	if !ok {
		return nil, notFound("resource %d is gone", req.ID)
	}
	item.Effects.Items = h.view.summaries(effects[:min(len(effects), most)])
	return gen.GetIncident200JSONResponse{Body: item, Headers: gen.GetIncident200ResponseHeaders{FaultlinePosition: at.String()}}, nil
}

// incident renders an incident. It reports false if the resource has gone
// since.
func (h *handlers) incident(i *resource.Incident) (out gen.Incident, ok bool) {
	r := h.inventory.Get(i.Resource)
	if r == nil {
		return out, false
	}
	n := i.Effects.BySeverity
	out = gen.Incident{
		ID: int64(i.Resource), Resource: h.view.ref(r), Severity: gen.AlertSeverity(i.Severity.String()),
		Began: i.Began().UTC(), Acknowledged: i.Acknowledged(), Causes: h.view.summaries(i.Causes),
		Effects: gen.IncidentEffects{Total: i.Effects.Total, ByClass: i.Effects.ByClass,
			BySeverity: gen.AlertCounts{Info: n[resource.Info], Warning: n[resource.Warning], Error: n[resource.Error]}},
		Affected: h.view.affected(i.Causes[0]),
	}
	for _, c := range h.inventory.Classes() {
		if c.Is(resource.BaseLogicalDrive) {
			out.Volumes += out.Affected.Counts[c.FullName()]
		}
	}
	return out, true
}

// incidentKey is the place of an incident in the list.
type incidentKey struct {
	severity resource.Severity
	began    int64 // Unix nanoseconds
	id       resource.ID
}

func keyOf(i *resource.Incident) incidentKey {
	return incidentKey{i.Severity, i.Began().UnixNano(), i.Resource}
}

// before is the order of the list.
func (k incidentKey) before(o incidentKey) bool {
	return cmp.Or(-cmp.Compare(k.severity, o.severity), cmp.Compare(k.began, o.began), cmp.Compare(k.id, o.id)) < 0
}

// String returns the cursor of what follows.
func (k incidentKey) String() string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d %d %d", k.severity, k.began, k.id))
}

func parseIncidentKey(cursor string) (k incidentKey, err error) {
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err == nil {
		_, err = fmt.Sscanf(string(b), "%d %d %d", &k.severity, &k.began, &k.id)
	}
	if err != nil || k.id < 1 {
		return k, resource.FieldErrorf("cursor", "%q is not a cursor of this list; start again without one", cursor)
	}
	return k, nil
}
