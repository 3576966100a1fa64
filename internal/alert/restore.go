package alert

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/faultline-storage/faultline/internal/feed"
	"github.com/faultline-storage/faultline/internal/resource"
)

// load makes the stored active alerts the state of the stage.
func (s *Stage) load(ctx context.Context) error {
	s.work.Lock()
	defer s.work.Unlock()
	s.classes = make(map[*resource.Class]*watch)
	own := make(map[resource.ID][]*resource.Alert)
	active := make(map[resource.AlertID]*resource.Alert)
	waiting := make(map[resource.ID][]*pending)
	next, seq, err := s.opts.Store.LoadAlerts(ctx, func(a *resource.Alert) error {
		own[a.Resource] = append(own[a.Resource], a)
		active[a.ID] = a
		return nil
	}, func(w *resource.PendingAlert) error {
		waiting[w.Resource] = append(waiting[w.Resource], &pending{PendingAlert: w})
		return nil
	})
	if err != nil {
		return err
	}
	for _, list := range own {
		slices.SortFunc(list, worstFirst)
	}
	position, err := s.opts.Store.Position(ctx, resource.AlertPosition)
	if err != nil {
		return err
	}
	missed, err := s.missed(ctx, active)
	if err != nil {
		return err
	}
	s.pending, s.due = waiting, nil
	s.queueAll()
	s.mu.Lock()
	s.own, s.active, s.next, s.seq = own, active, next, seq
	s.mu.Unlock()
	s.kept = position
	s.effects.forget()
	if s.feed == nil {
		s.feed = feed.New[[]*resource.Alert](s.opts.Keep, seq)
		close(s.loaded)
	} else if len(missed) > 0 {
		s.feed.Append(missed[len(missed)-1].Seq, missed)
	}
	return nil
}

// missed returns, by Seq, the alerts that an earlier Run committed but did not
// tell of, because the commit reported an error and yet happened.
func (s *Stage) missed(ctx context.Context, active map[resource.AlertID]*resource.Alert) ([]*resource.Alert, error) {
	if s.feed == nil {
		return nil, nil
	}
	var out []*resource.Alert
	for id, a := range active {
		if s.active[id] == nil {
			out = append(out, a)
		}
	}
	for id := range s.active {
		if active[id] == nil {
			a, err := s.opts.Store.Alert(ctx, id)
			if err != nil {
				return nil, err
			}
			out = append(out, a)
		}
	}
	slices.SortFunc(out, func(a, b *resource.Alert) int { return cmp.Compare(a.Seq, b.Seq) })
	return out, nil
}

// catchUp evaluates what was committed after the stored position, up to seq. If
// that is no longer known, what began and ended meanwhile stays unknown.
func (s *Stage) catchUp(ctx context.Context, seq uint64) error {
	if s.opts.Missed == nil || s.kept >= seq {
		return nil
	}
	n := 0
	for c, err := range s.opts.Missed(ctx, s.kept, seq) {
		if errors.Is(err, feed.ErrBehind) {
			s.opts.Log.Warn("the change log does not reach back to what was evaluated last; alerts that began and ended since are not known", "position", s.kept)
			return nil
		}
		if err != nil {
			return err
		}
		if err := s.observe(ctx, c); err != nil {
			return fmt.Errorf("change %d: %w", c.Seq, err)
		}
		n++
	}
	if n > 0 {
		s.opts.Log.Info("evaluated changes that were committed before the last end of the server", "changes", n)
	}
	return ctx.Err()
}

// reconcile compares the alerts with what the inventory has at position seq.
func (s *Stage) reconcile(ctx context.Context, snapshot iter.Seq[*resource.Resource], seq uint64) error {
	s.work.Lock()
	defer s.work.Unlock()
	p := s.begin(s.opts.Now(), seq)
	missing := make(map[resource.ID]bool, len(s.own)+len(s.pending))
	for id := range s.own {
		missing[id] = true
	}
	for id := range s.pending {
		missing[id] = true
	}
	for r := range snapshot {
		if len(missing) > 0 && missing[r.ID] {
			delete(missing, r.ID)
			if !s.known(r.Class.Plugin, r.Class.Name) {
				continue
			}
		}
		p.all(r)
	}
	gone := make([]resource.ID, 0, len(missing))
	for id := range missing {
		gone = append(gone, id)
	}
	slices.Sort(gone)
	for _, id := range gone {
		if s.known(s.classOf(id)) {
			p.endAll(id)
		}
	}
	return p.commit(ctx)
}

// classOf names the class of a resource that has alerts, active or pending.
func (s *Stage) classOf(id resource.ID) (plugin, class string) {
	if own := s.own[id]; len(own) > 0 {
		return own[0].Plugin, own[0].Class
	}
	w := s.pending[id][0]
	return w.Plugin, w.Class
}

// known reports whether the server knows the class now. What it does not know
// it cannot judge.
func (s *Stage) known(plugin, class string) bool {
	return s.opts.Class == nil || s.opts.Class(plugin, class) != nil
}
