package alert

import (
	"cmp"
	"container/heap"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/faultline-storage/faultline/internal/resource"
)

// pending is a condition that holds, but not yet for as long as its For asks.
type pending struct {
	*resource.PendingAlert
	due time.Time // when the alert is raised
}

// waiting returns the pending alert of the key as the pass has it, or nil.
func (p *pass) waiting(k resource.AlertKey) *pending {
	if len(p.pending)+len(p.s.pending) == 0 {
		return nil // no condition in use has a For
	}
	if w, ok := p.pending[k]; ok {
		return w
	}
	return p.s.waiting(k)
}

func (s *Stage) waiting(k resource.AlertKey) *pending {
	for _, w := range s.pending[k.Resource] {
		if w.AlertKey == k {
			return w
		}
	}
	return nil
}

// queueAll gives what was loaded its time, where its class is known. What has
// another class by now gets its time later; see pass.redeclared.
func (s *Stage) queueAll() {
	if s.opts.Class == nil {
		return
	}
	for _, list := range s.pending {
		for _, w := range list {
			c := s.opts.Class(w.Plugin, w.Class)
			if c == nil {
				continue
			}
			if cond := s.watch(c).declared[key{w.Condition, w.Attribute, w.Severity}]; cond != nil {
				w.due = w.Since.Add(cond.For)
				s.due.put(w)
			}
		}
	}
}

// wait notes that a condition holds, since now if it did not before.
func (p *pass) wait(r *resource.Resource, ch check, before *pending, message string) {
	row := &resource.PendingAlert{AlertKey: ch.of(r.ID), Plugin: r.Class.Plugin, Class: r.Class.Name, Since: p.now, Message: message}
	if before != nil {
		if before.Message == message {
			return
		}
		row.Since = before.Since
	}
	p.pending[row.AlertKey] = &pending{row, row.Since.Add(ch.condition.For)}
}

// settle ends the wait of a pending alert, which may be nil.
func (p *pass) settle(w *pending) {
	if w != nil {
		p.pending[w.AlertKey] = nil
	}
}

// redeclared gives what is pending on a resource the For that its class has
// now, and settles what the class no longer declares. After a start it is what
// gives a stored pending alert its time.
func (p *pass) redeclared(r *resource.Resource, w *watch) {
	for _, known := range p.s.pending[r.ID] {
		now := p.waiting(known.AlertKey)
		if now == nil {
			continue
		}
		cond := w.declared[key{now.Condition, now.Attribute, now.Severity}]
		if cond == nil {
			p.settle(now)
		} else if due := now.Since.Add(cond.For); !due.Equal(now.due) {
			p.pending[now.AlertKey] = &pending{now.PendingAlert, due}
		}
	}
}

// mutation is what the pass has the store do.
func (p *pass) mutation() *resource.AlertMutation {
	m := &resource.AlertMutation{Put: p.changed}
	defer func() {
		if !m.Empty() {
			m.Position = p.at
		}
	}()
	for k, w := range p.pending {
		before := p.s.waiting(k)
		switch {
		case w == nil && before != nil:
			m.Settle = append(m.Settle, k)
		case w != nil && (before == nil || before.PendingAlert != w.PendingAlert):
			m.Pend = append(m.Pend, w.PendingAlert)
		}
	}
	return m
}

// applyPending makes what the pass left pending the state of the stage, and
// wakes the clock if something is due sooner than before.
func (s *Stage) applyPending(p *pass) {
	if len(p.pending) == 0 {
		return
	}
	var first time.Time
	if len(s.due) > 0 {
		first = s.due[0].due
	}
	for k, w := range p.pending {
		rest := slices.DeleteFunc(s.pending[k.Resource], func(o *pending) bool { return o.AlertKey == k })
		if w != nil {
			rest = append(rest, w)
			s.due.put(w)
		}
		if len(rest) == 0 {
			delete(s.pending, k.Resource)
		} else {
			s.pending[k.Resource] = rest
		}
	}
	// What is settled stays in the queue until its time, unless that would fill it.
	if len(s.due) > 1000+4*len(s.pending) {
		s.due = s.due[:0]
		for _, list := range s.pending {
			s.due = append(s.due, list...)
		}
		heap.Init(&s.due)
	}
	if len(s.due) > 0 && (first.IsZero() || s.due[0].due.Before(first)) {
		s.wake()
	}
}

func (s *Stage) wake() {
	select {
	case s.poke <- struct{}{}:
	default: // it wakes already
	}
}

// fire raises and commits what has held for long enough at the given time. An
// alert begins when it is due, however late the stage comes to it: what a
// history of changes leads to does not depend on when it is evaluated. The
// caller holds work.
func (s *Stage) fire(ctx context.Context, now time.Time) error {
	if len(s.due) == 0 || s.due[0].due.After(now) {
		return nil // nearly always
	}
	p := s.begin(now, 0)
	for len(s.due) > 0 && !s.due[0].due.After(now) {
		w := s.due.take()
		if s.waiting(w.AlertKey) != w {
			continue // settled, or given another time
		}
		r := s.opts.Get(w.Resource)
		if r == nil {
			continue // deleted by a change that is still to come, which settles it
		}
		p.fired = append(p.fired, w)
		p.settle(w)
		p.raise(r, key{w.Condition, w.Attribute, w.Severity}, w.Message, w.Since, w.due)
	}
	return p.commit(ctx)
}

// elapse raises what has held for long enough by now, unless a change is under
// way that may say otherwise; Run calls it again when that is evaluated.
func (s *Stage) elapse(ctx context.Context) error {
	s.work.Lock()
	defer s.work.Unlock()
	if s.behind() {
		return nil
	}
	if err := s.fire(ctx, s.opts.Now()); err != nil {
		return fmt.Errorf("raise what has held for long enough: %w", err)
	}
	return nil
}

// behind reports whether the inventory has changes that are not evaluated.
func (s *Stage) behind() bool {
	return s.opts.Seq != nil && s.opts.Seq() > s.position.Seq()
}

// retry is how soon the clock tries again after the store failed.
const retry = time.Second

// watchClock raises what is due, also if nothing changes, until the returned
// func is called.
func (s *Stage) watchClock(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() {
		pause := time.Duration(0)
		for {
			select {
			case <-ctx.Done():
				return
			case <-s.poke:
			case <-s.nextDue(pause):
			}
			pause = 0
			if err := s.elapse(ctx); err != nil && ctx.Err() == nil {
				s.opts.Log.Error("the clock tries again", "after", retry, "error", err)
				pause = retry
			}
		}
	})
	return func() { cancel(); wg.Wait() }
}

// nextDue returns a channel that delivers when something is due, and not before
// the pause is over; nil if the next change comes first in any case.
func (s *Stage) nextDue(pause time.Duration) <-chan time.Time {
	s.work.Lock()
	defer s.work.Unlock()
	if len(s.due) == 0 {
		return nil
	}
	d := s.due[0].due.Sub(s.opts.Now())
	if d <= 0 && pause == 0 && s.behind() {
		return nil // Run calls elapse after the change, and again after the next
	}
	return s.opts.After(max(d, pause))
}

// queue is a heap of pending alerts, the first due first.
type queue []*pending

func (q *queue) put(list ...*pending) {
	for _, w := range list {
		heap.Push(q, w)
	}
}

func (q *queue) take() *pending { return heap.Pop(q).(*pending) }

// Len implements heap.Interface.
func (q queue) Len() int { return len(q) }

// Less implements heap.Interface. The order of what is due at one time is as
// good as any, but always the same.
func (q queue) Less(i, j int) bool {
	a, b := q[i], q[j]
	return cmp.Or(a.due.Compare(b.due), cmp.Compare(a.Resource, b.Resource), cmp.Compare(a.Condition, b.Condition),
		cmp.Compare(a.Attribute, b.Attribute), cmp.Compare(a.Severity, b.Severity)) < 0
}

// Swap implements heap.Interface.
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }

// Push implements heap.Interface.
func (q *queue) Push(x any) { *q = append(*q, x.(*pending)) }

// Pop implements heap.Interface.
func (q *queue) Pop() any {
	old := *q
	last := old[len(old)-1]
	old[len(old)-1] = nil
	*q = old[:len(old)-1]
	return last
}
