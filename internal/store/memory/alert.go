package memory

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/faultline-storage/faultline/internal/resource"
)

// LoadAlerts calls alert for every active alert, by ID, and pending for every
// pending one, by key.
func (s *Store) LoadAlerts(ctx context.Context, alert func(*resource.Alert) error, pending func(*resource.PendingAlert) error) (resource.AlertID, uint64, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, id := range slices.Sorted(maps.Values(s.active)) {
		a := *s.alerts[id]
		if err := alert(&a); err != nil {
			return 0, 0, err
		}
	}
	byKey := func(a, b resource.AlertKey) int {
		return cmp.Or(cmp.Compare(a.Resource, b.Resource), cmp.Compare(a.Condition, b.Condition),
			cmp.Compare(a.Attribute, b.Attribute), cmp.Compare(a.Severity, b.Severity))
	}
	for _, k := range slices.SortedFunc(maps.Keys(s.pending), byKey) {
		p := s.pending[k]
		if err := pending(&p); err != nil {
			return 0, 0, err
		}
	}
	return s.nextAlert, s.alertSeq, ctx.Err()
}

// CommitAlerts applies m, or nothing of it if it returns an error.
func (s *Store) CommitAlerts(ctx context.Context, m *resource.AlertMutation) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	active := maps.Clone(s.active)
	for _, a := range m.Put {
		old := s.alerts[a.ID]
		if old != nil && (!a.Active() || old.Key() != a.Key()) && active[old.Key()] == a.ID {
			delete(active, old.Key())
		}
		if !a.Active() && active[a.Key()] == a.ID {
			delete(active, a.Key())
		}
	}
	for _, a := range m.Put {
		if !a.Active() {
			continue
		}
		if other, ok := active[a.Key()]; ok && other != a.ID {
			return fmt.Errorf("commit %d alerts: alert %d is active for the condition of alert %d", len(m.Put), other, a.ID)
		}
		active[a.Key()] = a.ID
	}
	s.active = active
	if m.Position > 0 {
		s.positions[resource.AlertPosition] = m.Position
	}
	for _, a := range m.Put {
		row := *a
		if old, ok := s.alerts[a.ID]; ok { // what it is about stays
			row = *old
			row.Condition, row.Attribute, row.Ended, row.Ack, row.Seq = a.Condition, a.Attribute, a.Ended, a.Ack, a.Seq
		}
		s.alerts[a.ID] = &row
		s.nextAlert, s.alertSeq = max(s.nextAlert, a.ID+1), max(s.alertSeq, a.Seq)
	}
	for _, p := range m.Pend {
		s.pending[p.AlertKey] = *p
	}
	for _, k := range m.Settle {
		delete(s.pending, k)
	}
	return nil
}

// Alert returns the alert with the ID, or a NotFound fault.
func (s *Store) Alert(_ context.Context, id resource.AlertID) (*resource.Alert, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	a, ok := s.alerts[id]
	if !ok {
		return nil, resource.Errorf(resource.NotFound, "there is no alert %d", id)
	}
	row := *a
	return &row, nil
}

// Alerts answers a query.
func (s *Store) Alerts(ctx context.Context, q resource.AlertQuery) (resource.AlertPage, error) {
	p, err := q.Plan()
	if err != nil {
		return resource.AlertPage{}, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	order := func(ak, bk int64, a, b resource.AlertID) int {
		c := cmp.Or(cmp.Compare(ak, bk), cmp.Compare(a, b))
		if p.Desc {
			return -c
		}
		return c
	}
	var items []*resource.Alert
	for _, a := range s.alerts {
		if q.Selects(a) && (!p.Resume || order(p.Key(a), p.AfterKey, a.ID, p.AfterID) > 0) {
			row := *a
			items = append(items, &row)
		}
	}
	slices.SortFunc(items, func(a, b *resource.Alert) int { return order(p.Key(a), p.Key(b), a.ID, b.ID) })
	page := resource.AlertPage{Items: items}
	if len(items) > p.Limit {
		page.Items = items[:p.Limit:p.Limit]
		page.Next = p.Cursor(items[p.Limit-1])
	}
	return page, ctx.Err()
}

// AlertsSince returns up to limit alerts whose last change is after the given
// Seq, by that.
func (s *Store) AlertsSince(ctx context.Context, seq uint64, limit int) ([]*resource.Alert, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var out []*resource.Alert
	for _, a := range s.alerts {
		if a.Seq > seq {
			row := *a
			out = append(out, &row)
		}
	}
	slices.SortFunc(out, func(a, b *resource.Alert) int { return cmp.Compare(a.Seq, b.Seq) })
	return out[:min(limit, len(out))], ctx.Err()
}
