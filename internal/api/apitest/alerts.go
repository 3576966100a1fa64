package apitest

import (
	"cmp"
	"context"
	"iter"
	"maps"
	"slices"
	"strconv"

	"github.com/faultline-storage/faultline/internal/resource"
)

// Alerts implements api.Alerts for a World.
type Alerts struct{ w *World }

// Raise makes an alert.
func (w *World) Raise(id resource.ID, sev resource.Severity, condition, attribute, message string) *resource.Alert {
	w.mu.Lock()
	defer w.mu.Unlock()
	r := w.byID[id]
	w.aseq++
	a := &resource.Alert{
		ID: resource.AlertID(len(w.alerts) + 1), Resource: id, Plugin: r.Class.Plugin, Class: r.Class.Name,
		Condition: condition, Attribute: attribute, Severity: sev, Name: r.Name(), Message: message, Since: Start,
		Text: message + ": " + r.Class.Label() + " " + r.Name(), Began: Start, Seq: w.aseq,
	}
	w.alerts[a.ID] = a
	w.alerted.Append(w.aseq, []*resource.Alert{a})
	return a
}

// End ends an alert.
func (w *World) End(id resource.AlertID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.aseq++
	a := *w.alerts[id]
	a.Ended, a.Seq = Start.Add(3600e9), w.aseq
	w.alerts[id] = &a
	w.alerted.Append(w.aseq, []*resource.Alert{&a})
}

// PublishAlerts adds a set of alerts to the log as they are.
func (w *World) PublishAlerts(list []*resource.Alert) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, a := range list {
		w.aseq++
		a.Seq = w.aseq
	}
	w.alerted.Append(w.aseq, list)
}

// Own implements api.Alerts.
func (a Alerts) Own(id resource.ID) (out []*resource.Alert) {
	a.w.mu.Lock()
	defer a.w.mu.Unlock()
	for _, al := range a.w.alerts {
		if al.Resource == id && al.Active() {
			out = append(out, al)
		}
	}
	slices.SortFunc(out, func(x, y *resource.Alert) int {
		return cmp.Or(cmp.Compare(y.Severity, x.Severity), cmp.Compare(x.ID, y.ID))
	})
	return out
}

// Inherited implements api.Alerts.
func (a Alerts) Inherited(id resource.ID) (out []*resource.Alert) {
	steps, _ := a.w.Walk(id, resource.Up, 0, 0)
	for _, st := range steps {
		if st.Depth > 0 {
			out = append(out, a.Own(st.Resource.ID)...)
		}
	}
	slices.SortStableFunc(out, func(x, y *resource.Alert) int { return cmp.Compare(y.Severity, x.Severity) })
	return out
}

// Health implements api.Alerts.
func (a Alerts) Health(id resource.ID) (worst resource.Severity) {
	for _, al := range append(a.Own(id), a.Inherited(id)...) {
		worst = max(worst, al.Severity)
	}
	return worst
}

// Sick implements api.Alerts.
func (a Alerts) Sick() map[resource.ID]resource.Severity {
	a.w.mu.Lock()
	ids := slices.Collect(maps.Keys(a.w.byID))
	a.w.mu.Unlock()
	sick := map[resource.ID]resource.Severity{}
	for _, id := range ids {
		if h := a.Health(id); h != resource.OK {
			sick[id] = h
		}
	}
	return sick
}

// Get implements api.Alerts.
func (a Alerts) Get(id resource.AlertID) *resource.Alert {
	a.w.mu.Lock()
	defer a.w.mu.Unlock()
	return a.w.alerts[id]
}

// List implements api.Alerts, newest first.
func (a Alerts) List(q resource.AlertQuery) (page resource.AlertPage, err error) {
	a.w.mu.Lock()
	defer a.w.mu.Unlock()
	for _, id := range slices.Backward(slices.Sorted(maps.Keys(a.w.alerts))) {
		al := a.w.alerts[id]
		if !q.Selects(al) {
			continue
		}
		page.Items = append(page.Items, al)
	}
	from := 0
	if q.Cursor != "" {
		if from, err = strconv.Atoi(q.Cursor); err != nil || from < 0 || from > len(page.Items) {
			return page, resource.FieldErrorf("cursor", "%q is no cursor of this list", q.Cursor)
		}
	}
	page.Items = page.Items[from:]
	if len(page.Items) > q.Limit {
		page.Items, page.Next = page.Items[:q.Limit], strconv.Itoa(from+q.Limit)
	}
	return page, nil
}

// Affected implements api.Alerts.
func (a Alerts) Affected(al *resource.Alert) (counts map[string]int, filesystems []resource.ID) {
	steps, _ := a.w.Walk(al.Resource, resource.Down, 0, 0)
	counts = map[string]int{}
	for _, st := range steps {
		if st.Depth > 0 {
			counts[st.Resource.Class.FullName()]++
		}
	}
	return counts, nil
}

// Acknowledge implements api.Alerts.
func (a Alerts) Acknowledge(_ context.Context, which resource.AlertSelection, user, comment string) ([]*resource.Alert, error) {
	return a.setAck(which, resource.Acknowledgement{User: user, Comment: comment, Time: Start})
}

// Unacknowledge implements api.Alerts.
func (a Alerts) Unacknowledge(_ context.Context, which resource.AlertSelection) ([]*resource.Alert, error) {
	return a.setAck(which, resource.Acknowledgement{})
}

func (a Alerts) setAck(which resource.AlertSelection, ack resource.Acknowledgement) (out []*resource.Alert, _ error) {
	a.w.mu.Lock()
	defer a.w.mu.Unlock()
	ids := which.IDs
	if which.Query != nil {
		for _, id := range slices.Sorted(maps.Keys(a.w.alerts)) {
			if al := a.w.alerts[id]; al.Active() && al.Ack.Given() != ack.Given() && which.Query.Selects(al) {
				ids = append(ids, id)
			}
		}
	}
	for _, id := range ids {
		switch al := a.w.alerts[id]; {
		case al == nil:
			return nil, resource.Errorf(resource.NotFound, "there is no alert %d", id)
		case !al.Active():
			return nil, resource.Errorf(resource.Conflict, "alert %d has ended", id)
		}
	}
	for _, id := range ids {
		a.w.aseq++
		al := *a.w.alerts[id]
		al.Ack, al.Seq = ack, a.w.aseq
		a.w.alerts[id] = &al
		out = append(out, &al)
	}
	if len(out) > 0 {
		a.w.alerted.Append(a.w.aseq, out)
	}
	return out, nil
}

// Incidents implements api.Alerts.
func (a Alerts) Incidents() (list []*resource.Incident, alerts int) {
	page, _ := a.w.List(resource.Query{Limit: 1000})
	for _, r := range page.Items {
		if i, effects := a.Incident(r.ID); i != nil {
			list = append(list, i)
			alerts += len(i.Causes) + len(effects)
		}
	}
	slices.SortStableFunc(list, func(x, y *resource.Incident) int { return cmp.Compare(y.Severity, x.Severity) })
	return list, alerts
}

// Incident implements api.Alerts.
func (a Alerts) Incident(id resource.ID) (*resource.Incident, []*resource.Alert) {
	own := a.Own(id)
	if !slices.ContainsFunc(own, (*resource.Alert).MayCause) || slices.ContainsFunc(a.Inherited(id), (*resource.Alert).MayCause) {
		return nil, nil
	}
	i := &resource.Incident{Resource: id, Causes: own, Severity: own[0].Severity, Effects: resource.AlertCounts{ByClass: map[string]int{}}}
	var effects []*resource.Alert
	steps, _ := a.w.Walk(id, resource.Down, 0, 0)
	for _, st := range steps {
		if st.Depth == 0 {
			continue
		}
		for _, al := range a.Own(st.Resource.ID) {
			effects = append(effects, al)
			i.Effects.Total++
			i.Effects.BySeverity[al.Severity]++
			i.Effects.ByClass[al.Plugin+"."+al.Class]++
			i.Severity = max(i.Severity, al.Severity)
		}
	}
	return i, effects
}

// HealthCounts implements api.Alerts.
func (a Alerts) HealthCounts(c *resource.Class) (n [4]int) {
	page, _ := a.w.List(resource.Query{Plugin: c.Plugin, Class: c.Name, Limit: 1000})
	for _, r := range page.Items {
		n[a.Health(r.ID)]++
	}
	return n
}

// ActiveCounts implements api.Alerts.
func (a Alerts) ActiveCounts() (n [4]int) {
	a.w.mu.Lock()
	defer a.w.mu.Unlock()
	for _, al := range a.w.alerts {
		if al.Active() {
			n[al.Severity]++
		}
	}
	return n
}

// Since implements api.Alerts.
func (a Alerts) Since(ctx context.Context, seq uint64) iter.Seq2[[]*resource.Alert, error] {
	return a.w.alerted.Since(ctx, seq)
}

// Seq implements api.Alerts.
func (a Alerts) Seq() uint64 {
	a.w.mu.Lock()
	defer a.w.mu.Unlock()
	return a.w.aseq
}
