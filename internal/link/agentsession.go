package link

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/faultline-storage/faultline/internal/resource"
)

const (
	// agentBacklog is how much a session keeps, in bytes, before Send waits.
	agentBacklog = 8 << 20
	// agentFlight is how much of a session may be on its way: messages, and bytes
	// unless there is one only.
	agentFlight      = 16
	agentFlightBytes = 1 << 20
)

// ErrSessionClosed is the end of an AgentSession that the agent closed, or whose
// plugin opened another one.
var ErrSessionClosed = errors.New("the session was closed")

// ResetError is the end of a session that the server ended.
type ResetError struct {
	Cause AgentCause
	Text  string
}

// Error implements error.
func (e *ResetError) Error() string { return "the server ended the session: " + e.Text }

// AgentSession is a session of a device plugin. What is sent arrives in order and
// once, or the session ends: a new one is opened then, by a new instance of the
// plugin. Of what waits, the higher priority goes first; the first message stays the
// first. Its methods are safe for concurrent use.
type AgentSession struct {
	a          *Agent
	conn       *Conn
	plugin, id string
	began      time.Time
	done       chan struct{}
	ctx        context.Context //nolint:containedctx // it ends with the session, for the pump
	cancel     context.CancelFunc

	mu       sync.Mutex
	waiting  [priorities][]json.RawMessage
	backlog  int // bytes in waiting
	sequence uint64
	flight   int // messages that the server has not handled
	flying   int // their bytes
	lane     Priority
	changed  chan struct{} // closed and replaced when one of the above changed
	err      error
}

// Plugin is the name of the session's plugin.
func (s *AgentSession) Plugin() string { return s.plugin }

// ID is the name of the session.
func (s *AgentSession) ID() string { return s.id }

// Done is closed when the session has ended.
func (s *AgentSession) Done() <-chan struct{} { return s.done }

// Err returns why the session ended, or nil: a *ResetError, ErrSessionClosed, or
// what ended the link.
func (s *AgentSession) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// Send has a value in JSON sent. It returns when the session keeps it, which may
// take until the server has taken others: a plugin that is asked less often has
// the more to say at once. Data of more than MaxAgentData is an error of kind
// Invalid, and not sent. The data must not be changed afterwards.
func (s *AgentSession) Send(ctx context.Context, data json.RawMessage, p Priority) error {
	switch {
	case len(data) == 0:
		return resource.Errorf(resource.Invalid, "device plugin %s sends nothing, which is no JSON", s.plugin)
	case len(data) > MaxAgentData:
		return resource.Errorf(resource.Invalid, "device plugin %s says %d bytes at once, and %d are allowed; it should return several messages", s.plugin, len(data), MaxAgentData)
	case p >= priorities:
		return resource.Errorf(resource.Invalid, "a message of device plugin %s has the priority %d", s.plugin, p)
	}
	for {
		s.mu.Lock()
		if s.err != nil {
			defer s.mu.Unlock()
			return s.err
		}
		if s.backlog == 0 || s.backlog+len(data) <= agentBacklog {
			s.waiting[p] = append(s.waiting[p], data)
			s.backlog += len(data)
			s.signal()
			s.mu.Unlock()
			return nil
		}
		changed := s.changed
		s.mu.Unlock()
		select {
		case <-changed:
		case <-s.done:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Flush waits until the server has handled all that was sent. It returns why that
// will not be.
func (s *AgentSession) Flush(ctx context.Context) error {
	for {
		s.mu.Lock()
		empty, err, changed := s.flight == 0 && s.backlog == 0, s.err, s.changed
		s.mu.Unlock()
		if empty || err != nil {
			return err
		}
		select {
		case <-changed:
		case <-s.done:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Close ends the session, also on the server: the plugin is not there any more, or
// failed, as failure says unless it is empty. A plugin that starts anew need not close
// its session; it opens another one.
func (s *AgentSession) Close(failure string) {
	if !s.end(ErrSessionClosed) {
		return
	}
	b, err := json.Marshal(AgentNote{AgentPlugin: AgentPlugin{Plugin: s.plugin, Session: s.id}, Text: cutText(failure)})
	if err == nil {
		err = s.conn.Post(Message{Kind: AgentClose, Body: b})
	}
	if err != nil && s.conn.Err() == nil {
		s.a.o.Log.Warn("the server was not told that a session has ended", "plugin", s.plugin, "error", err)
	}
}

// cutText bounds what a plugin says of its failure.
func cutText(text string) string {
	const most = 4 << 10
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}

// end ends the session and reports whether it did; the first reason counts.
func (s *AgentSession) end(why error) bool {
	s.mu.Lock()
	if s.err != nil {
		s.mu.Unlock()
		return false
	}
	s.err = why
	s.waiting, s.backlog = [priorities][]json.RawMessage{}, 0
	s.signal()
	close(s.done)
	s.cancel()
	s.mu.Unlock()
	s.a.ended(s, why)
	return true
}

// signal wakes who waits for a change. The caller holds mu.
func (s *AgentSession) signal() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// next takes the next message that may go. The link lets messages of a higher
// priority overtake others, so what is on its way has one priority only: the order
// of a session is that in which it leaves here. The caller holds mu.
func (s *AgentSession) next() (data json.RawMessage, ok bool) {
	for _, p := range []Priority{High, Normal, Low} {
		if len(s.waiting[p]) == 0 {
			continue
		}
		data = s.waiting[p][0]
		if s.flight > 0 && (p != s.lane || s.flight >= agentFlight || s.flying+len(data) > agentFlightBytes) {
			return nil, false
		}
		s.waiting[p][0] = nil
		s.waiting[p] = s.waiting[p][1:]
		s.backlog -= len(data)
		s.flight++
		s.flying += len(data)
		s.lane = p
		return data, true
	}
	return nil, false
}

// pump hands the messages to the link until the session ends.
func (s *AgentSession) pump() {
	stop := context.AfterFunc(s.conn.ctx, func() { s.end(s.conn.Err()) })
	defer stop()
	for {
		s.mu.Lock()
		data, ok := s.next()
		head := AgentDataHead{AgentPlugin: AgentPlugin{Plugin: s.plugin, Session: s.id}, Sequence: s.sequence}
		if ok {
			s.sequence++
			s.signal()
		}
		lane, changed, err := s.lane, s.changed, s.err
		s.mu.Unlock()
		switch {
		case err != nil:
			return
		case !ok:
			<-changed // the end of the session is a change
			continue
		}
		body, err := AppendAgentData(nil, head, data)
		if err != nil { // two strings and a number always marshal
			panic(err)
		}
		if err := s.room(len(data)); err != nil {
			s.end(err)
			return
		}
		answer, err := s.conn.ask(s.ctx, Message{Kind: AgentData, Body: body, Priority: lane})
		if err != nil {
			s.end(err)
			return
		}
		go s.handled(answer, len(data))
	}
}

// room waits until the server has room for data.
func (s *AgentSession) room(size int) error {
	if size <= AgentFree {
		return nil
	}
	b, err := json.Marshal(AgentSize{AgentPlugin: AgentPlugin{Plugin: s.plugin, Session: s.id}, Bytes: size})
	if err != nil {
		return err
	}
	_, err = s.conn.Call(s.ctx, Message{Kind: AgentRoom, Body: b, Priority: High})
	if err != nil && s.conn.Err() == nil {
		return &ResetError{Cause: CausePlugin, Text: err.Error()}
	}
	return err
}

// handled waits until the server has handled a message.
func (s *AgentSession) handled(answer func(context.Context) ([]byte, error), size int) {
	_, err := answer(context.Background()) // it ends with the link
	s.mu.Lock()
	s.flight--
	s.flying -= size
	s.signal()
	s.mu.Unlock()
	switch {
	case err == nil:
	case s.conn.Err() != nil:
		s.end(s.conn.Err())
	default: // a note that says more may have come before
		s.end(&ResetError{Cause: CausePlugin, Text: err.Error()})
	}
}
