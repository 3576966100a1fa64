package link

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"github.com/faultline-storage/faultline/internal/resource"
)

// The kinds of the messages between a Sink and an Intake.
const (
	kindOpen    = "session/open"
	kindClose   = "session/close"
	kindBatch   = "session/batch"
	kindState   = "session/state"
	kindContact = "session/contact"
	kindDeleted = "session/deleted" // from the Intake
)

// sessionNote is the body of kindOpen, kindClose, kindContact and kindDeleted.
type sessionNote struct {
	Root    resource.ID       `json:"root"`
	Session string            `json:"session,omitempty"`
	At      *time.Time        `json:"at,omitempty"`
	Handles []resource.Handle `json:"handles,omitempty"`
}

// stateNote is the body of kindState: what changes of the state of a root.
type stateNote struct {
	Root        resource.ID `json:"root"`
	Live        *bool       `json:"live,omitempty"`
	Offline     *bool       `json:"offline,omitempty"`
	Error       *string     `json:"error,omitempty"`
	Waiting     *string     `json:"waiting,omitempty"`
	LastContact *time.Time  `json:"last_contact,omitempty"`
	NextTry     *time.Time  `json:"next_try,omitempty"`
	Incomplete  *[]string   `json:"incomplete,omitempty"`
}

// Sink hands what the sessions of a runner find out to the Intake at the other
// end of a link. It is a session.Sink: batches return when they are committed.
// Its methods fail with an error of kind NotFound when the link
// has ended, and are safe for concurrent use.
type Sink struct {
	conn *Conn

	mu      sync.Mutex
	deleted map[string]func([]resource.Handle) // by session
}

// NewSink returns the sink at an end of a link, whose Receiver shows it messages.
func NewSink(c *Conn) *Sink { return &Sink{conn: c, deleted: map[string]func([]resource.Handle){}} }

// Receive handles a message if it is for sinks, and reports whether it is.
func (s *Sink) Receive(m Message) bool {
	if m.Kind != kindDeleted {
		return false
	}
	var n sessionNote
	if json.Unmarshal(m.Body, &n) != nil {
		return true // our own server wrote it
	}
	s.mu.Lock()
	tell := s.deleted[n.Session]
	s.mu.Unlock()
	if tell != nil {
		tell(n.Handles)
	}
	return true
}

// send sends a note, or calls with it.
func (s *Sink) send(ctx context.Context, kind string, note any, call bool) error {
	b, err := json.Marshal(note)
	if err != nil {
		return err
	}
	if call {
		_, err = s.conn.Call(ctx, Message{Kind: kind, Body: b})
	} else {
		err = s.conn.Send(ctx, Message{Kind: kind, Body: b})
	}
	return s.over(err)
}

// over says of an error that comes from the end of the link that the root is not
// there: the session has nothing more to do, and nothing to complain about.
func (s *Sink) over(err error) error {
	if err != nil && s.conn.Err() != nil {
		return &resource.Fault{Kind: resource.NotFound, Text: "the link to the server has ended", Cause: s.conn.Err()}
	}
	return err
}

// OpenSession implements session.Sink.
func (s *Sink) OpenSession(root resource.ID, session string, deleted func([]resource.Handle)) error {
	if deleted != nil {
		s.mu.Lock()
		s.deleted[session] = deleted
		s.mu.Unlock()
	}
	err := s.send(context.Background(), kindOpen, sessionNote{Root: root, Session: session}, true)
	if err != nil {
		s.forget(session)
	}
	return err
}

func (s *Sink) forget(session string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.deleted, session)
}

// CloseSession implements session.Sink.
func (s *Sink) CloseSession(root resource.ID, session string) {
	s.forget(session)
	_ = s.send(context.Background(), kindClose, sessionNote{Root: root, Session: session}, false) // a link that has ended has no sessions
}

// Apply implements session.Sink.
func (s *Sink) Apply(ctx context.Context, b *resource.Batch) error {
	cost := 0
	return eachPart(b, func(part []byte, last bool) error {
		if cost += len(part); cost > maxTurn {
			return tooLarge(b.Turn)
		}
		m := Message{Kind: kindBatch, Body: part}
		var err error
		if last {
			_, err = s.conn.Call(ctx, m)
		} else {
			err = s.conn.Send(ctx, m)
		}
		return s.over(err)
	})
}

func tooLarge(turn int64) error {
	return resource.Errorf(resource.Invalid, "turn %d is larger than the %d MiB that can be delivered at once", turn, maxTurn>>20)
}

// SetRootState implements session.Sink. change must set fields without looking at
// others, as a session does, for it is not the server's state that it sees.
func (s *Sink) SetRootState(ctx context.Context, root resource.ID, change func(*resource.RootState)) error {
	n := stateNoteOf(change)
	n.Root = root
	return s.send(ctx, kindState, n, true)
}

// Contact implements session.Sink.
func (s *Sink) Contact(root resource.ID, at time.Time) {
	_ = s.send(context.Background(), kindContact, sessionNote{Root: root, At: &at}, false) // see CloseSession
}

// stateNoteOf finds out what a change sets: what is the same after it, however it
// was before.
func stateNoteOf(change func(*resource.RootState)) (n stateNote) {
	at := time.Unix(1, 0)
	a := resource.RootState{}
	b := resource.RootState{Live: true, Offline: true, Error: "\x00", Waiting: "\x00", LastContact: at, NextTry: at, Incomplete: []string{"\x00"}}
	change(&a)
	change(&b)
	if a.Live == b.Live {
		n.Live = &a.Live
	}
	if a.Offline == b.Offline {
		n.Offline = &a.Offline
	}
	if a.Error == b.Error {
		n.Error = &a.Error
	}
	if a.Waiting == b.Waiting {
		n.Waiting = &a.Waiting
	}
	if a.LastContact.Equal(b.LastContact) {
		n.LastContact = &a.LastContact
	}
	if a.NextTry.Equal(b.NextTry) {
		n.NextTry = &a.NextTry
	}
	if len(a.Incomplete) == len(b.Incomplete) && (len(b.Incomplete) == 0 || b.Incomplete[0] != "\x00") {
		if a.Incomplete == nil {
			a.Incomplete = []string{}
		}
		n.Incomplete = &a.Incomplete
	}
	return n
}

// apply makes the change.
func (n *stateNote) apply(st *resource.RootState) {
	set(&st.Live, n.Live)
	set(&st.Offline, n.Offline)
	set(&st.Error, n.Error)
	set(&st.Waiting, n.Waiting)
	set(&st.LastContact, n.LastContact)
	set(&st.NextTry, n.NextTry)
	if n.Incomplete != nil {
		st.Incomplete = nil
		if len(*n.Incomplete) > 0 {
			st.Incomplete = *n.Incomplete
		}
	}
}

func set[T any](to, value *T) {
	if value != nil {
		*to = *value
	}
}
