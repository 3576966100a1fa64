package alert

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/faultline-storage/faultline/internal/resource"
)

// pass evaluates one set of changes. It writes nothing that others see before
// its commit succeeded.
type pass struct {
	s       *Stage
	now     time.Time
	at      uint64 // the position of the inventory that it leads to
	next    resource.AlertID
	seq     uint64
	changed []*resource.Alert // by Seq; one alert at most once
	// own overlays Stage.own.
	own map[resource.ID][]*resource.Alert
}

// begin starts a pass for something that happened at the given time and
// position.
func (s *Stage) begin(now time.Time, at uint64) *pass {
	if now.IsZero() {
		now = s.opts.Now()
	}
	return &pass{s: s, now: now, at: at, next: s.next, seq: s.seq, own: make(map[resource.ID][]*resource.Alert)}
}

func (p *pass) active(id resource.ID) []*resource.Alert {
	if own, ok := p.own[id]; ok {
		return own
	}
	return p.s.own[id] // only Run, which runs the pass, writes it
}

func find(own []*resource.Alert, k key) int {
	return slices.IndexFunc(own, func(a *resource.Alert) bool { return keyOf(a) == k })
}

// all evaluates everything about a resource but its statistics, and ends what
// its class no longer declares.
func (p *pass) all(r *resource.Resource) {
	w := p.s.watch(r.Class)
	for i := range w.byAttr {
		p.attribute(r, w, i)
	}
	for _, a := range p.active(r.ID) {
		if !resource.ServerMade(a.Condition) && !w.declared[keyOf(a)] {
			p.end(a)
		}
	}
	p.offline(r)
}

func (p *pass) attributes(r *resource.Resource, indexes []int) {
	if len(indexes) == 0 {
		return
	}
	w := p.s.watch(r.Class)
	for _, i := range indexes {
		p.attribute(r, w, i)
	}
}

func (p *pass) attribute(r *resource.Resource, w *watch, i int) {
	if i >= len(w.byAttr) || i >= len(r.Values) {
		return
	}
	for _, ch := range w.byAttr[i] {
		p.check(r, ch, r.Values[i])
	}
}

// samples evaluates the last sample of each statistic.
func (p *pass) samples(c *resource.Changes, gone map[resource.ID]bool) {
	type series struct {
		id   resource.ID
		stat int
	}
	last := make(map[series]int)
	fresh := make(map[resource.ID]*resource.Resource)
	for i := range c.Samples {
		sm := &c.Samples[i]
		if gone[sm.Resource] || sm.Bins != nil || math.IsNaN(sm.Value) {
			continue
		}
		r := p.s.opts.Get(sm.Resource)
		if r == nil { // deleted by a later change
			continue
		}
		if w := p.s.watch(r.Class); sm.Stat < len(w.byStat) && len(w.byStat[sm.Stat]) > 0 {
			last[series{sm.Resource, sm.Stat}] = i
			fresh[sm.Resource] = r
		}
	}
	// In the order of the samples, so that equal inputs make equal alerts.
	for _, i := range slices.Sorted(maps.Values(last)) {
		sm := &c.Samples[i]
		r := fresh[sm.Resource]
		for _, ch := range p.s.watch(r.Class).byStat[sm.Stat] {
			p.check(r, ch, resource.FloatValue(sm.Value))
		}
	}
}

func (p *pass) check(r *resource.Resource, ch check, v resource.Value) {
	own := p.active(r.ID)
	holds := ch.condition.Holds(ch.severity, v)
	if len(own) == 0 && !holds {
		return // nearly always
	}
	switch i := find(own, ch.key); {
	case holds && i < 0:
		p.raise(r, ch.key, message(r.Class, ch, v, p.s.nameOf))
	case !holds && i >= 0:
		p.end(own[i])
	}
}

var (
	offlineKey = key{condition: resource.OfflineCondition, severity: resource.Warning}
	heldKey    = key{condition: resource.HeldCondition, severity: resource.Warning}
)

func (p *pass) offline(r *resource.Resource) {
	holds := r.Root != nil && r.Root.Offline
	own := p.active(r.ID)
	switch i := find(own, offlineKey); {
	case holds && i < 0:
		p.raise(r, offlineKey, offlineMessage(r))
	case !holds && i >= 0:
		p.end(own[i])
	}
	p.held(r)
}

// held evaluates the condition of a held removal. One that another scan
// replaced is another alert, with other numbers.
func (p *pass) held(r *resource.Resource) {
	var text string
	if r.Root != nil && r.Root.Held != nil {
		text = heldMessage(r)
	}
	own := p.active(r.ID)
	i := find(own, heldKey)
	if i >= 0 && own[i].Message != text {
		p.end(own[i])
		i = -1
	}
	if i < 0 && text != "" {
		p.raise(r, heldKey, text)
	}
}

func (p *pass) raise(r *resource.Resource, k key, message string) {
	p.seq++
	a := &resource.Alert{
		ID: p.next, Resource: r.ID, Plugin: r.Class.Plugin, Class: r.Class.Name,
		Condition: k.condition, Attribute: k.attribute, Severity: k.severity,
		Message: message, Text: text(message, r), Began: p.now, Seq: p.seq,
	}
	p.next++
	p.changed = append(p.changed, a)
	own := append(slices.Clone(p.active(r.ID)), a)
	slices.SortFunc(own, worstFirst)
	p.own[r.ID] = own
}

func worstFirst(a, b *resource.Alert) int {
	return cmp.Or(-cmp.Compare(a.Severity, b.Severity), cmp.Compare(a.ID, b.ID))
}

func (p *pass) end(a *resource.Alert) {
	p.seq++
	over := *a
	over.Ended, over.Seq = p.now, p.seq
	if over.Ended.Before(over.Began) { // the clock was set back
		over.Ended = over.Began
	}
	p.changed = append(p.changed, &over)
	p.own[a.Resource] = slices.DeleteFunc(slices.Clone(p.active(a.Resource)), func(o *resource.Alert) bool { return o.ID == a.ID })
}

func (p *pass) endAll(id resource.ID) {
	for _, a := range p.active(id) {
		p.end(a)
	}
}

// commit stores what the pass changed and then shows it. After an error nobody
// sees any of it.
func (p *pass) commit(ctx context.Context) error {
	if len(p.changed) == 0 {
		return nil
	}
	if err := p.s.opts.Store.CommitAlerts(ctx, p.changed, p.at); err != nil {
		return err
	}
	p.s.kept, p.s.keptAt = p.at, p.s.opts.Now()
	p.s.apply(p)
	var raised int
	for _, a := range p.changed {
		if a.Active() {
			raised++
		}
	}
	p.s.opts.Log.Info(fmt.Sprintf("alerts: %d raised, %d ended", raised, len(p.changed)-raised),
		"first", p.changed[0].Text, "seq", p.seq)
	return nil
}

func (s *Stage) apply(p *pass) {
	s.mu.Lock()
	for id, own := range p.own {
		if len(own) == 0 {
			delete(s.own, id)
		} else {
			s.own[id] = own
		}
	}
	for _, a := range p.changed {
		if a.Active() {
			s.active[a.ID] = a
		} else {
			delete(s.active, a.ID)
		}
	}
	s.next, s.seq = p.next, p.seq
	s.mu.Unlock()
	s.effects.forget()
	s.feed.Append(p.seq, p.changed)
}
