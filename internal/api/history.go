package api

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/faultline-storage/faultline/internal/api/gen"
	"github.com/faultline-storage/faultline/internal/resource"
)

// Bounds on one page of a history.
const (
	defaultHistory = 100
	maxHistory     = 1000
)

// GetHistory lists what happened to a resource.
func (h *handlers) GetHistory(ctx context.Context, req gen.GetHistoryRequestObject) (gen.GetHistoryResponseObject, error) {
	at, p := h.position(), req.Params
	if req.ID < 1 {
		return nil, resource.FieldErrorf("id", "id must be a positive integer")
	}
	most, err := limit(p.Limit, defaultHistory, maxHistory)
	if err != nil {
		return nil, err
	}
	asked := resource.ID(req.ID)
	from := historyCursor{of: asked, change: resource.HistoryPosition{Resource: asked, Seq: math.MaxInt64}}
	if p.Until != nil {
		from.change.Seq = uint64(max(0, p.Until.UnixMicro())) // a position is never behind the clock
	}
	if p.Cursor != nil {
		if from, err = parseHistoryCursor(*p.Cursor, asked); err != nil {
			return nil, err
		}
	}
	out := gen.History{Items: []gen.HistoryItem{}}
	if out.Resource, out.Deleted, err = h.onceThere(ctx, asked); err != nil {
		return nil, err
	}
	past := past{handlers: h, of: asked, most: most, since: deref(p.Since), until: deref(p.Until)}
	if err := past.read(ctx, from); err != nil {
		return nil, err
	}
	out.Items, out.Next = append(out.Items, past.items...), past.next
	since, err := h.inventory.HistorySince(ctx) // after the reading, since what is old goes meanwhile
	if err != nil {
		return nil, err
	}
	out.KeptSince = timeOrNil(since)
	return gen.GetHistory200JSONResponse{Body: out, Headers: gen.GetHistory200ResponseHeaders{FaultlinePosition: at.String()}}, nil
}

// onceThere returns a resource that is there, or is deleted and has a history.
func (h *handlers) onceThere(ctx context.Context, id resource.ID) (_ gen.Ref, deleted bool, err error) {
	if r := h.inventory.Get(id); r != nil {
		return h.view.ref(r), false, nil
	}
	for c, err := range h.inventory.History(ctx, resource.HistoryPosition{Resource: id, Seq: math.MaxInt64}) {
		if err != nil {
			return gen.Ref{}, false, err
		}
		if c.Deleted == nil {
			break
		}
		plugin, class := splitClass(c.Deleted.Class)
		return gen.Ref{ID: int64(id), Plugin: plugin, Class: class, Name: c.Deleted.Name}, true, nil
	}
	return gen.Ref{}, false, notFound("there is no resource %d, and nothing is kept of one that is gone", id)
}

func splitClass(full string) (plugin, class string) {
	i := strings.LastIndexByte(full, '.')
	return full[:max(0, i)], full[i+1:]
}

// past reads one page of a history: it merges the changes of a resource with
// the beginnings and ends of its alerts.
type past struct {
	*handlers
	of           resource.ID // that is asked for
	most         int
	since, until time.Time // zero bounds nothing
	items        []gen.HistoryItem
	next         string

	life    resource.ID // whose alerts these are
	alerts  []alertEvent
	last    alertEvent // that was listed; zero if none was of this life
	classes map[string]*resource.Class
}

// read lists what happened from a place on.
func (p *past) read(ctx context.Context, from historyCursor) error {
	p.last = from.alert
	for c, err := range p.inventory.History(ctx, from.change) {
		if err != nil {
			return err
		}
		if c.Resource != p.life {
			if p.life != 0 {
				p.last = alertEvent{}
			}
			if err := p.readAlerts(c.Resource); err != nil {
				return err
			}
		}
		more, err := p.list(c)
		if err != nil {
			return err
		}
		if !more {
			return nil
		}
	}
	return nil
}

// list adds a change and the alerts' events that are not before it, and reports
// whether there is room for more.
func (p *past) list(c *resource.Change) (more bool, err error) {
	full := func() bool {
		if len(p.items) < p.most {
			return false
		}
		p.next = historyCursor{p.of, c.HistoryPosition, p.last}.String()
		return true
	}
	// Nothing happened to a resource before it was seen.
	for len(p.alerts) > 0 && (c.Created || !p.alerts[0].time.Before(c.Time)) {
		e := p.alerts[0]
		if e.time.Before(p.since) {
			p.alerts = nil
			break
		}
		if full() {
			return false, nil
		}
		p.items = append(p.items, e.item())
		p.alerts, p.last = p.alerts[1:], e
	}
	if c.Time.Before(p.since) {
		return false, nil
	}
	if !p.until.IsZero() && c.Time.After(p.until) {
		return true, nil
	}
	if full() {
		return false, nil
	}
	item, err := p.item(c)
	p.items = append(p.items, item)
	return true, err
}

// alertEvent is something that happened to an alert. The later one is the
// greater one.
type alertEvent struct {
	time  time.Time
	id    resource.AlertID
	step  int // began, acknowledged, ended: an index of alertSteps
	alert *resource.Alert
}

var alertSteps = []gen.HistoryKind{gen.AlertBegan, gen.AlertAcknowledged, gen.AlertEnded}

func (e alertEvent) compare(o alertEvent) int {
	return cmp.Or(e.time.Compare(o.time), cmp.Compare(e.id, o.id), cmp.Compare(e.step, o.step))
}

func (e alertEvent) item() gen.HistoryItem {
	a := timelineAlert(e.alert)
	return gen.HistoryItem{Time: e.time.UTC(), Kind: alertSteps[e.step], Resource: a.Resource, Alert: &a}
}

// readAlerts reads the events of the alerts of a resource that are to be listed,
// the newest first. Of very many alerts the newest count.
func (p *past) readAlerts(id resource.ID) error {
	p.life, p.alerts = id, nil
	q := resource.AlertQuery{Resource: id, Sort: "-began", Since: p.since, Limit: resource.MaxLimit}
	for seen := 0; seen < timelineSearch; {
		page, err := p.handlers.alerts.List(q)
		if err != nil {
			return err
		}
		for _, a := range page.Items {
			for step, t := range []time.Time{a.Began, a.Ack.Time, a.Ended} {
				e := alertEvent{t, a.ID, step, a}
				if t.IsZero() || !p.until.IsZero() && t.After(p.until) || !p.last.time.IsZero() && e.compare(p.last) >= 0 {
					continue
				}
				p.alerts = append(p.alerts, e)
			}
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			break
		}
		seen += len(page.Items)
	}
	slices.SortFunc(p.alerts, func(a, b alertEvent) int { return b.compare(a) })
	return nil
}

// item renders a change.
func (p *past) item(c *resource.Change) (gen.HistoryItem, error) {
	out := gen.HistoryItem{
		Time: c.Time.UTC(), Kind: gen.Changed, Resource: int64(c.Resource), Root: int64(c.Root),
		Label: changedText(c.Label), Alias: changedText(c.Alias), Parents: p.links(c.Parents), Children: p.links(c.Children),
	}
	switch {
	case c.Created:
		out.Kind = gen.Created
	case c.Deleted != nil:
		out.Kind = gen.Deleted
	}
	if s := c.Session; s != nil {
		out.Session = &gen.HistorySession{Offline: s.Offline, Error: s.Error}
	}
	for i := range c.Attributes {
		a, err := p.attribute(c.Class, &c.Attributes[i])
		if err != nil {
			return out, err
		}
		out.Attributes = append(out.Attributes, a)
	}
	return out, nil
}

// attribute renders a changed attribute as its class has it now. One that is no
// longer declared, or could not have had the value, is shown as it is.
func (p *past) attribute(class string, ch *resource.ChangedAttribute) (gen.HistoryAttribute, error) {
	out := gen.HistoryAttribute{Name: ch.Name, Label: ch.Name, Secret: ch.Secret}
	a := p.declared(class, ch.Name)
	if a != nil {
		out.Label = a.Label()
		// What is a secret now is none to show, though it was not one then.
		out.Secret = out.Secret || a.Kind == resource.Password
	}
	if out.Secret {
		return out, nil
	}
	for _, side := range []struct {
		raw   json.RawMessage
		value *any
		text  *string
	}{{ch.From, &out.From, &out.FromText}, {ch.To, &out.To, &out.ToText}} {
		if a != nil {
			if v, err := a.Parse(side.raw); err == nil {
				shown := p.view.attribute(a, v)
				*side.value, *side.text = shown.Value, shown.Text
				continue
			}
		}
		if err := json.Unmarshal(side.raw, side.value); err != nil {
			return out, fmt.Errorf("attribute %s as it was: %w", ch.Name, err)
		}
		if *side.value != nil {
			*side.text = fmt.Sprint(*side.value)
		}
	}
	return out, nil
}

// declared returns an attribute of a class, or nil if there is none now.
func (p *past) declared(class, name string) *resource.Attribute {
	if p.classes == nil {
		p.classes = map[string]*resource.Class{}
		for _, c := range p.inventory.Classes() {
			p.classes[c.FullName()] = c
		}
	}
	if c := p.classes[class]; c != nil {
		if i := c.Attr(name); i >= 0 {
			return &c.Attributes[i]
		}
	}
	return nil
}

func (p *past) links(l *resource.ChangedLinks) *gen.HistoryLinks {
	if l == nil {
		return nil
	}
	ends := func(list []resource.Linked) []gen.HistoryLink {
		out := make([]gen.HistoryLink, len(list))
		for i, e := range list {
			plugin, class := splitClass(e.Class)
			out[i] = gen.HistoryLink{ID: int64(e.ID), Plugin: plugin, Class: class, Name: e.Name, Gone: p.inventory.Get(e.ID) == nil}
		}
		return out
	}
	return &gen.HistoryLinks{Added: ends(l.Added), Removed: ends(l.Removed), AddedCount: l.AddedCount, RemovedCount: l.RemovedCount}
}

func changedText(c *resource.ChangedText) *gen.HistoryText {
	if c == nil {
		return nil
	}
	return &gen.HistoryText{From: c.From, To: c.To}
}

// historyCursor is where a page goes on: with this change, and what happened to
// the alerts of its resource before the last event that was listed.
type historyCursor struct {
	of     resource.ID // whose history it is
	change resource.HistoryPosition
	alert  alertEvent // zero if none was listed
}

const historyCursorForm = "%d %d %d %d %d %d"

func (c historyCursor) String() string {
	var nanos int64
	if !c.alert.time.IsZero() {
		nanos = c.alert.time.UnixNano()
	}
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, historyCursorForm, c.of, c.change.Resource, c.change.Seq, nanos, c.alert.id, c.alert.step))
}

func parseHistoryCursor(s string, of resource.ID) (c historyCursor, err error) {
	wrong := resource.FieldErrorf("cursor", "%q is not a cursor of this list; start again without one", s)
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return c, wrong
	}
	var nanos int64
	_, err = fmt.Sscanf(string(b), historyCursorForm, &c.of, &c.change.Resource, &c.change.Seq, &nanos, &c.alert.id, &c.alert.step)
	if err != nil || c.of != of || c.change.Resource < 1 || c.change.Seq > math.MaxInt64 {
		return c, wrong
	}
	if nanos != 0 {
		c.alert.time = time.Unix(0, nanos)
	}
	return c, nil
}
