package link

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/faultline-storage/faultline/internal/resource"
)

// Inventory is what an Intake writes to; see inventory.Inventory.
type Inventory interface {
	OpenSession(root resource.ID, session string, deleted func([]resource.Handle)) error
	CloseSession(root resource.ID, session string)
	Apply(ctx context.Context, b *resource.Batch) error
	SetRootState(ctx context.Context, root resource.ID, change func(*resource.RootState)) error
	Contact(root resource.ID, at time.Time)
}

// IntakeOptions configure an Intake. All are required.
type IntakeOptions struct {
	Conn      *Conn
	Inventory Inventory
	// Owns returns the plugin of a root, or an error of kind NotFound unless the
	// peer has to run that root.
	Owns func(root resource.ID) (plugin string, err error)
	// Class finds a class as it is declared now; nil if there is none.
	Class func(plugin, name string) *resource.Class
	Seal  func(string) string // hides a password that a plugin reports
}

// Intake hands what the Sink at the other end of a link sent to the inventory. It
// trusts nothing of it: the peer speaks only for roots that it has to run, and
// every value must satisfy its class.
type Intake struct {
	o IntakeOptions

	// Used by the link's receiver alone.
	turns map[string]*incoming // by session

	mu       sync.Mutex
	sessions map[resource.ID]*intakeSession
}

// incoming is a turn of which parts have come.
type incoming struct {
	part
	parts uint64
	cost  int
	err   error // why it is not taken
	// The parts are joined once: a turn may be large.
	allOps     [][]resource.Op
	allSamples [][]resource.HandleSample
}

// intakeSession is the open session of a root.
type intakeSession struct {
	id   string
	live bool // the session says that it is up
	// updates says that the session has contact by update scans.
	updates bool
	// recovering says that the offline alert holds until the next contact.
	recovering bool
}

// NewIntake returns the intake at an end of a link, whose Receiver shows it
// messages.
func NewIntake(o IntakeOptions) *Intake {
	return &Intake{o: o, turns: map[string]*incoming{}, sessions: map[resource.ID]*intakeSession{}}
}

// Receive handles a message if it is for intakes, and reports whether it is.
func (in *Intake) Receive(ctx context.Context, m Message, answer func([]byte, error)) bool {
	if !strings.HasPrefix(m.Kind, "session/") {
		return false
	}
	ctx = context.WithoutCancel(ctx) // what has begun is committed, or nobody knows
	var err error
	if m.Kind == kindBatch {
		var whole bool
		if whole, err = in.batch(ctx, m.Body); !whole {
			return true
		}
	} else {
		err = in.note(ctx, m)
	}
	answer(nil, err)
	return true
}

func (in *Intake) note(ctx context.Context, m Message) error {
	if m.Kind == kindState {
		var n stateNote
		if err := json.Unmarshal(m.Body, &n); err != nil {
			return unreadable(m, err)
		}
		if _, err := in.o.Owns(n.Root); err != nil {
			return err
		}
		return in.state(ctx, &n)
	}
	var n sessionNote
	if err := json.Unmarshal(m.Body, &n); err != nil {
		return unreadable(m, err)
	}
	if _, err := in.o.Owns(n.Root); err != nil && m.Kind != kindClose {
		return err
	}
	switch m.Kind {
	case kindOpen:
		return in.open(n)
	case kindClose:
		in.close(n)
	case kindContact:
		return in.contact(ctx, n)
	default:
		return resource.Errorf(resource.Invalid, "nobody knows messages of kind %s", m.Kind)
	}
	return nil
}

func unreadable(m Message, err error) error {
	return &resource.Fault{Kind: resource.Invalid, Text: "a message of kind " + m.Kind + " cannot be read", Cause: err}
}

func (in *Intake) open(n sessionNote) error {
	err := in.o.Inventory.OpenSession(n.Root, n.Session, func(handles []resource.Handle) {
		b, err := json.Marshal(sessionNote{Root: n.Root, Session: n.Session, Handles: handles})
		if err == nil {
			_ = in.o.Conn.Post(Message{Kind: kindDeleted, Body: b}) // it fails with the link, and the session with that
		}
	})
	if err != nil {
		return err
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	in.sessions[n.Root] = &intakeSession{id: n.Session}
	return nil
}

func (in *Intake) close(n sessionNote) {
	in.mu.Lock()
	if s := in.sessions[n.Root]; s != nil && s.id == n.Session {
		delete(in.sessions, n.Root)
	}
	in.mu.Unlock()
	delete(in.turns, n.Session)
	in.o.Inventory.CloseSession(n.Root, n.Session)
}

// state notes the state of a root.
func (in *Intake) state(ctx context.Context, n *stateNote) error {
	in.mu.Lock()
	if s := in.sessions[n.Root]; s != nil {
		if n.Live != nil {
			s.live = *n.Live
		}
		if n.Offline != nil {
			s.recovering = false
		}
	}
	in.mu.Unlock()
	return in.o.Inventory.SetRootState(ctx, n.Root, n.apply)
}

func (in *Intake) contact(ctx context.Context, n sessionNote) error {
	in.mu.Lock()
	s := in.sessions[n.Root]
	recovered := s != nil && s.recovering
	if s != nil {
		s.updates, s.recovering = true, false
	}
	in.mu.Unlock()
	if s == nil || n.At == nil {
		return nil
	}
	in.o.Inventory.Contact(n.Root, *n.At)
	if recovered {
		return in.o.Inventory.SetRootState(ctx, n.Root, func(st *resource.RootState) { st.Offline = false })
	}
	return nil
}

// batch takes a part of a turn in, and has the turn committed with its last part.
// It reports whether it was the last one.
func (in *Intake) batch(ctx context.Context, body []byte) (last bool, err error) {
	p, rest, err := readHead(body)
	if err != nil {
		return true, err
	}
	t := in.turns[p.session]
	if p.number == 0 {
		if t == nil {
			t = &incoming{}
		}
		*t = incoming{part: part{root: p.root, session: p.session, turn: p.turn, complete: p.complete}}
		in.turns[p.session] = t
	}
	if t == nil || t.root != p.root || t.turn != p.turn || t.parts != p.number {
		return p.last, resource.Errorf(resource.Invalid, "%v came out of order", &p)
	}
	t.parts++
	if t.err == nil {
		t.err = in.add(t, &p, rest, len(body))
	}
	if !p.last {
		return false, nil
	}
	delete(in.turns, p.session)
	if t.err != nil {
		return true, t.err
	}
	plugin, err := in.o.Owns(t.root) // it may have moved since the first part
	if err != nil {
		return true, err
	}
	return true, in.o.Inventory.Apply(ctx, &resource.Batch{
		Root: t.root, Session: t.session, Plugin: plugin, Turn: t.turn, Complete: t.complete,
		Ops: slices.Concat(t.allOps...), Samples: slices.Concat(t.allSamples...),
	})
}

// add reads a part into its turn.
func (in *Intake) add(t *incoming, p *part, rest resource.Unpacker, size int) error {
	plugin, err := in.o.Owns(p.root)
	if err != nil {
		return err
	}
	if err := p.readBody(rest, func(name string) *resource.Class { return in.o.Class(plugin, name) }, in.o.Seal); err != nil {
		return err
	}
	if t.cost += size + opCost*(len(p.ops)+len(p.samples)); t.cost > maxTurn {
		t.allOps, t.allSamples = nil, nil
		return tooLarge(p.turn)
	}
	t.allOps, t.allSamples = append(t.allOps, p.ops), append(t.allSamples, p.samples)
	return nil
}

// Down marks roots as not live: their peer is lost. With a reason they are offline
// for that reason.
func (in *Intake) Down(ctx context.Context, roots []resource.ID, why string) error {
	in.mu.Lock()
	for _, id := range roots {
		if s := in.sessions[id]; s != nil {
			s.recovering = why != ""
		}
	}
	in.mu.Unlock()
	var first error
	for _, id := range roots {
		err := in.o.Inventory.SetRootState(ctx, id, func(st *resource.RootState) {
			st.Live, st.NextTry, st.Waiting = false, time.Time{}, ""
			if why != "" {
				st.Offline, st.Error = true, why
			}
		})
		if err != nil && first == nil && resource.KindOf(err) != resource.NotFound {
			first = err
		}
	}
	return first
}

// Up takes Down back for the sessions that were up: they go on. The offline alert
// of one with update scans holds until the next of them.
func (in *Intake) Up(ctx context.Context) error {
	in.mu.Lock()
	type back struct {
		root resource.ID
		*intakeSession
	}
	var list []back
	for _, id := range slices.Sorted(maps.Keys(in.sessions)) {
		s := in.sessions[id]
		if s.recovering = s.recovering && s.live && s.updates; s.live {
			list = append(list, back{id, &intakeSession{live: s.live, recovering: s.recovering}})
		}
	}
	in.mu.Unlock()
	var first error
	for _, b := range list {
		err := in.o.Inventory.SetRootState(ctx, b.root, func(st *resource.RootState) {
			st.Live, st.Error = true, ""
			if !b.recovering {
				st.Offline = false
			}
		})
		if err != nil && first == nil && resource.KindOf(err) != resource.NotFound {
			first = err
		}
	}
	return first
}

// CloseRoot closes the session of a root, if there is one: it is run elsewhere.
func (in *Intake) CloseRoot(id resource.ID) {
	in.mu.Lock()
	s := in.sessions[id]
	delete(in.sessions, id)
	in.mu.Unlock()
	if s != nil {
		in.o.Inventory.CloseSession(id, s.id)
	}
}

// Close closes all sessions: the link is over.
func (in *Intake) Close() {
	in.mu.Lock()
	sessions := in.sessions
	in.sessions = map[resource.ID]*intakeSession{}
	in.mu.Unlock()
	for id, s := range sessions {
		in.o.Inventory.CloseSession(id, s.id)
	}
}
