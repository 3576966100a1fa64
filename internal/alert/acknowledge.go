package alert

import (
	"context"
	"fmt"

	"github.com/faultline-storage/faultline/internal/resource"
)

// Acknowledge notes that the user knows of the selected alerts, with a comment,
// and returns them as they are then. What an alert named by its ID had of
// acknowledgement is replaced; a query passes over what is acknowledged. Ended
// alerts cannot be acknowledged. All are, or none: errors are Faults.
func (s *Stage) Acknowledge(ctx context.Context, which resource.AlertSelection, user, comment string) ([]*resource.Alert, error) {
	return s.setAck(ctx, which, resource.Acknowledgement{User: user, Comment: comment, Time: s.opts.Now()})
}

// Unacknowledge takes the acknowledgement of the selected alerts back. It is
// otherwise as Acknowledge.
func (s *Stage) Unacknowledge(ctx context.Context, which resource.AlertSelection) ([]*resource.Alert, error) {
	return s.setAck(ctx, which, resource.Acknowledgement{})
}

func (s *Stage) setAck(ctx context.Context, which resource.AlertSelection, ack resource.Acknowledgement) ([]*resource.Alert, error) {
	select {
	case <-s.loaded:
	default:
		return nil, resource.Errorf(resource.Unavailable, "the alerts are being loaded; try again")
	}
	s.work.Lock()
	defer s.work.Unlock()
	list, err := s.selected(ctx, which, !ack.Given())
	if err != nil {
		return nil, err
	}
	p := s.begin(s.opts.Now(), 0)
	out := make([]*resource.Alert, len(list))
	for i, a := range list {
		if a.Ack == ack { // it had none before either
			out[i] = a
			continue
		}
		out[i] = p.acknowledge(a, ack)
	}
	if err := p.commit(ctx); err != nil {
		return nil, fmt.Errorf("acknowledge alerts: %w", err)
	}
	return out, nil
}

// selected returns active alerts, each once.
func (s *Stage) selected(ctx context.Context, which resource.AlertSelection, acknowledged bool) ([]*resource.Alert, error) {
	var out []*resource.Alert
	if which.Query == nil {
		seen := make(map[resource.AlertID]bool, len(which.IDs))
		for _, id := range which.IDs {
			if seen[id] {
				continue
			}
			seen[id] = true
			a := s.active[id] // only who holds work writes it
			if a == nil {
				if _, err := s.opts.Store.Alert(ctx, id); err != nil {
					return nil, err
				}
				return nil, resource.Errorf(resource.Conflict, "alert %d has ended", id)
			}
			out = append(out, a)
		}
		return out, nil
	}
	if _, err := which.Query.Plan(); err != nil {
		return nil, err
	}
	for _, a := range s.active {
		if a.Ack.Given() == acknowledged && which.Query.Selects(a) {
			out = append(out, a)
		}
	}
	sortByID(out)
	return out, nil
}

// acknowledge gives an active alert an acknowledgement, or takes it.
func (p *pass) acknowledge(a *resource.Alert, ack resource.Acknowledgement) *resource.Alert {
	p.seq++
	known := *a
	known.Ack, known.Seq = ack, p.seq
	p.changed = append(p.changed, &known)
	p.own[a.Resource] = replaced(p.active(a.Resource), &known)
	return &known
}
