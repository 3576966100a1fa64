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
	// followed are alerts in changed because their attribute has another name.
	followed []resource.AlertID
	// own overlays Stage.own, pending Stage.pending; nil is no longer pending.
	own     map[resource.ID][]*resource.Alert
	pending map[resource.AlertKey]*pending
	fired   []*pending // taken from Stage.due
}

// begin starts a pass for something that happened at the given time and
// position; 0 is no position. The caller holds Stage.work until the pass is
// over.
func (s *Stage) begin(now time.Time, at uint64) *pass {
	if now.IsZero() {
		now = s.opts.Now()
	}
	return &pass{s: s, now: now, at: at, next: s.next, seq: s.seq,
		own: make(map[resource.ID][]*resource.Alert), pending: make(map[resource.AlertKey]*pending)}
}

func (p *pass) active(id resource.ID) []*resource.Alert {
	if own, ok := p.own[id]; ok {
		return own
	}
	return p.s.own[id] // only who holds work writes it
}

func find(own []*resource.Alert, k key) int {
	return slices.IndexFunc(own, func(a *resource.Alert) bool { return keyOf(a) == k })
}

// all evaluates everything about a resource but its statistics, and ends what
// its class no longer declares.
func (p *pass) all(r *resource.Resource) {
	w := p.s.watch(r.Class)
	p.rename(r, w)
	for i := range w.byAttr {
		p.attribute(r, w, i)
	}
	for _, a := range p.active(r.ID) {
		if !resource.ServerMade(a.Condition) && w.declared[keyOf(a)] == nil {
			p.end(a)
		}
	}
	p.redeclared(r, w)
	p.offline(r)
}

// rename has alerts, and what is pending, follow an attribute that has another
// name in the new declaration of the class, if that watches it as before: they go
// on, with their age and their acknowledgement.
func (p *pass) rename(r *resource.Resource, w *watch) {
	for i := range r.Class.Attributes {
		a := &r.Class.Attributes[i]
		for _, old := range a.RenamedFrom {
			p.follow(r, w, old, a.Name)
		}
	}
}

func (p *pass) follow(r *resource.Resource, w *watch, old, name string) {
	// renamed is the key under the new name, if there is such a condition now and
	// none under the old one.
	renamed := func(k key) (key, bool) {
		now := key{k.condition, name, k.severity}
		if k.condition == old { // it has no id of its own
			now.condition = name
		}
		return now, k.attribute == old && w.declared[k] == nil && w.declared[now] != nil
	}
	for _, al := range p.active(r.ID) {
		k, ok := renamed(keyOf(al))
		if !ok || find(p.active(r.ID), k) >= 0 {
			continue
		}
		p.seq++
		now := *al
		now.Condition, now.Attribute, now.Seq = k.condition, k.attribute, p.seq
		p.changed = append(p.changed, &now)
		p.followed = append(p.followed, now.ID)
		own := slices.Clone(p.active(r.ID))
		own[find(own, keyOf(al))] = &now
		p.own[r.ID] = own
	}
	for _, known := range p.s.pending[r.ID] {
		before := p.waiting(known.AlertKey)
		if before == nil {
			continue
		}
		k, ok := renamed(key{before.Condition, before.Attribute, before.Severity})
		if !ok || p.waiting(k.of(r.ID)) != nil {
			continue
		}
		row := *before.PendingAlert
		row.AlertKey = k.of(r.ID)
		p.settle(before)
		p.pending[row.AlertKey] = &pending{&row, before.due}
	}
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
	waiting := p.waiting(ch.of(r.ID))
	if len(own) == 0 && !holds && waiting == nil {
		return // nearly always
	}
	switch i := find(own, ch.key); {
	case i >= 0:
		if ch.condition.Ends(ch.severity, v) {
			p.end(own[i])
		}
	case !holds:
		p.settle(waiting)
	case ch.condition.For > 0:
		p.wait(r, ch, waiting, message(r, ch, v, p.s.nameOf))
	default:
		since := p.now
		if waiting != nil { // its class had a For until now
			since = waiting.Since
			p.settle(waiting)
		}
		p.raise(r, ch.key, message(r, ch, v, p.s.nameOf), since, since)
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
		p.raise(r, offlineKey, offlineMessage(r), p.now, p.now)
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
		p.raise(r, heldKey, text, p.now, p.now)
	}
}

func (p *pass) raise(r *resource.Resource, k key, message string, since, began time.Time) {
	p.seq++
	a := &resource.Alert{
		ID: p.next, Resource: r.ID, Plugin: r.Class.Plugin, Class: r.Class.Name,
		Condition: k.condition, Attribute: k.attribute, Severity: k.severity,
		Name: r.Name(), Message: message, Text: text(message, r), Since: since, Began: began, Seq: p.seq,
	}
	p.next++
	p.changed = append(p.changed, a)
	own := append(slices.Clone(p.active(r.ID)), a)
	slices.SortFunc(own, worstFirst)
	p.own[r.ID] = own
}

// replaced returns the alerts of a resource with one of them changed.
func replaced(own []*resource.Alert, a *resource.Alert) []*resource.Alert {
	own = slices.Clone(own)
	if i := find(own, keyOf(a)); i >= 0 {
		own[i] = a
	}
	return own
}

func sortByID(list []*resource.Alert) {
	slices.SortFunc(list, func(a, b *resource.Alert) int { return cmp.Compare(a.ID, b.ID) })
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
	if slices.Contains(p.followed, a.ID) {
		p.changed = slices.DeleteFunc(p.changed, func(o *resource.Alert) bool { return o.ID == a.ID })
	}
	p.changed = append(p.changed, &over)
	p.own[a.Resource] = slices.DeleteFunc(slices.Clone(p.active(a.Resource)), func(o *resource.Alert) bool { return o.ID == a.ID })
}

// endAll ends and settles everything about a resource.
func (p *pass) endAll(id resource.ID) {
	for _, a := range p.active(id) {
		p.end(a)
	}
	for _, w := range p.s.pending[id] {
		p.settle(p.waiting(w.AlertKey))
	}
}

// commit stores what the pass changed and then shows it. After an error nobody
// sees any of it.
func (p *pass) commit(ctx context.Context) error {
	m := p.mutation()
	if !m.Empty() {
		if err := p.s.opts.Store.CommitAlerts(ctx, m); err != nil {
			p.s.due.put(p.fired...)
			return err
		}
		if p.at > 0 {
			p.s.kept, p.s.keptAt = p.at, p.s.opts.Now()
		}
	}
	p.s.applyPending(p)
	if len(p.changed) == 0 {
		return nil
	}
	before := p.s.next
	p.s.apply(p)
	var raised, ended int
	for _, a := range p.changed {
		switch {
		case !a.Active():
			ended++
		case a.ID >= before:
			raised++
		}
	}
	p.s.opts.Log.Info(fmt.Sprintf("alerts: %d raised, %d ended, %d changed", raised, ended, len(p.changed)-raised-ended),
		"first", p.changed[0].Text, "seq", p.seq)
	return nil
}

func (s *Stage) apply(p *pass) {
	known := s.next
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
	if slices.ContainsFunc(p.changed, func(a *resource.Alert) bool { return a.ID >= known || !a.Active() }) {
		s.effects.forget() // more than acknowledgements
	}
	s.feed.Append(p.seq, p.changed)
}
