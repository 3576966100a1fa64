package session

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/sdk/wire"
)

// AgentData is what an agent plugin said at once.
type AgentData struct {
	Data json.RawMessage
	// Done is called when the plugin has taken it and all that it concluded is
	// committed, or with why that will not be. It does not block.
	Done func(error)
}

// ErrRetired is what a session ends with whose process retired: another one, such as
// of a new version of the plugin, takes over.
var ErrRetired = errRetired

// AgentError is the failure of an agent plugin on its host. As the cause of the end of
// a context it makes Feed end with a failure.
type AgentError struct {
	Host string // its name
	Text string // what the plugin said
}

// Error implements error.
func (e *AgentError) Error() string { return "the agent plugin failed on " + e.Host + ": " + e.Text }

// Feed runs one session that an agent plugin feeds (guide, "Handling Data from Agent
// Plugins"): what comes first starts it, what follows continues it. opened is
// called when the plugin is ready for the first data. Feed returns when the plugin
// fails or goes, or ctx ends, which is no failure unless it is an *AgentError; Done is called for all data
// that was taken from the channel. The session is over then, and the root is stale;
// a failure makes it offline, until the next session has started.
func (s *Session) Feed(ctx context.Context, data <-chan AgentData, opened func()) error {
	err := s.within(ctx, func(r *run) error {
		opened()
		return r.feed(ctx, data)
	})
	over := ctx.Err() != nil
	var failed *AgentError
	if over && errors.As(context.Cause(ctx), &failed) {
		over, err = false, failed
	}
	if over || errors.Is(err, errRetired) {
		s.state(ctx, func(st *resource.RootState) { st.Live, st.NextTry = false, time.Time{} })
		if over {
			return nil //nolint:nilerr // it was to end
		}
		return err
	}
	if err == nil {
		err = errStopped
	}
	text := strings.Join(strings.Fields(err.Error()), " ")
	s.state(ctx, func(st *resource.RootState) {
		st.Live, st.Offline, st.Error, st.NextTry = false, true, text, time.Time{}
	})
	return err
}

// feed hands data on until something fails or ctx ends.
func (r *run) feed(ctx context.Context, data <-chan AgentData) error {
	method := wire.MethodAgentStart
	for {
		select {
		case <-r.p.Retired(): // before what waits, which would be said again anyway
			return errRetired
		default:
		}
		select {
		case d := <-data:
			leave, err := r.admit(ctx, method)
			if err != nil {
				d.Done(err)
				return err
			}
			res, err := r.hook(ctx, method, wire.AgentParams{Session: r.id, HostID: int64(r.o.HostID), Data: d.Data})
			leave()
			if err != nil {
				d.Done(err)
				return err
			}
			if method == wire.MethodAgentStart {
				r.state(ctx, func(st *resource.RootState) {
					st.Live, st.Offline, st.Error, st.NextTry = true, false, "", time.Time{}
					st.LastContact, st.Incomplete = r.o.Now(), res.Incomplete
				})
				method = wire.MethodAgentContinue
			} else {
				r.o.Sink.Contact(r.o.ID, r.o.Now())
			}
			d.Done(nil)
		case <-r.p.Retired():
			return errRetired
		case <-r.failed:
			return r.refusal()
		case <-r.p.Done():
			return r.p.Err()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// admit waits until a hook may be given its data.
func (r *run) admit(ctx context.Context, method string) (leave func(), err error) {
	if method != wire.MethodAgentStart {
		return func() {}, nil
	}
	return r.o.Admit(ctx)
}
