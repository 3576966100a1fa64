package link

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/faultline-storage/faultline/internal/resource"
)

const (
	// agentPause and agentMaxPause bound the pause after a session that failed; it
	// doubles until one lasts for agentSteady.
	agentPause    = time.Second
	agentMaxPause = time.Minute
	agentSteady   = time.Minute
	// agentBacklog is how much a session keeps, in bytes, before Send waits.
	agentBacklog = 8 << 20
	// agentFlight is how much of a session may be on its way: messages, and bytes
	// unless there is one only.
	agentFlight      = 16
	agentFlightBytes = 1 << 20
)

// AgentOptions configure an Agent. Transport, Name, Hello, Now and After are
// required.
type AgentOptions struct {
	Transport Transport
	Name      string // of the host, as its certificate has it
	Version   string // of the program
	Instance  string // random, and new with every start of the agent
	// Hello says what there is to say of the host. It is asked for every link.
	Hello func() AgentHello
	// Connected is called with the server's version and answer for every link.
	// Optional.
	Connected func(version string, w AgentWelcome)
	Log       *slog.Logger
	Now       func() time.Time
	After     func(time.Duration) <-chan time.Time
	Jitter    func() float64 // see ClientOptions
}

// Agent is the agent's end of the link: it keeps the link to the server and has
// the sessions of device plugins. Its methods are safe for concurrent use.
type Agent struct {
	o      AgentOptions
	client *Client

	mu      sync.Mutex
	conn    *Conn         // nil while there is no link
	changed chan struct{} // closed and replaced when conn changed
	open    map[string]*AgentSession
	pace    map[string]*agentPace
}

// agentPace is when a plugin may open its next session.
type agentPace struct {
	pause time.Duration
	since time.Time // when the last one ended
}

// What ends an AgentSession, beside what ends a link.
var (
	// ErrSessionClosed is the end of a session that the agent closed, or whose
	// plugin opened another one.
	ErrSessionClosed = errors.New("the session was closed")
)

// ResetError is the end of a session that the server ended.
type ResetError struct {
	Cause AgentCause
	Text  string
}

// Error implements error.
func (e *ResetError) Error() string { return "the server ended the session: " + e.Text }

// NewAgent returns an agent's end of the link. Nothing happens before Run.
func NewAgent(o AgentOptions) *Agent {
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	if o.Jitter == nil {
		o.Jitter = rand.Float64
	}
	a := &Agent{o: o, changed: make(chan struct{}), open: map[string]*AgentSession{}, pace: map[string]*agentPace{}}
	a.client = NewClient(ClientOptions{
		Transport: o.Transport, Log: o.Log, Now: o.Now, After: o.After, Jitter: o.Jitter,
		Open: a.connected, Strict: true,
		Hello: func() Hello {
			b, err := json.Marshal(o.Hello())
			if err != nil { // times and strings always marshal
				panic(err)
			}
			return Hello{Kind: AgentKind, Name: o.Name, Version: o.Version, Instance: o.Instance, Body: b}
		},
	})
	return a
}

// Run keeps a link until ctx ends or Close was called. It returns an error only if
// the server refuses the agent for good.
func (a *Agent) Run(ctx context.Context) error { return a.client.Run(ctx) }

// Close tells the server that the agent ends in order, once it has taken all that
// was sent, or until ctx ends.
func (a *Agent) Close(ctx context.Context) error { return a.client.Close(ctx) }

// Silent reports whether the server did not answer the last time.
func (a *Agent) Silent() bool { return a.client.Silent() }

// connected implements ClientOptions.Open.
func (a *Agent) connected(c *Conn, w Welcome) (Receiver, func()) {
	var body AgentWelcome
	if err := json.Unmarshal(w.Body, &body); err != nil {
		a.o.Log.Warn("what the server says to the agent cannot be read", "error", err)
	}
	if a.o.Connected != nil {
		a.o.Connected(w.Version, body)
	}
	a.set(c)
	over := func() {
		a.set(nil)
		a.endAll(c.Err())
	}
	return func(_ context.Context, m Message, answer func([]byte, error)) { answer(nil, a.receive(m)) }, over
}

func (a *Agent) set(c *Conn) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.conn = c
	close(a.changed)
	a.changed = make(chan struct{})
}

func (a *Agent) endAll(why error) {
	a.mu.Lock()
	list := make([]*AgentSession, 0, len(a.open))
	for _, s := range a.open {
		list = append(list, s)
	}
	a.mu.Unlock()
	for _, s := range list {
		s.end(why)
	}
}

// receive handles what the server says.
func (a *Agent) receive(m Message) error {
	var n AgentNote
	if err := json.Unmarshal(m.Body, &n); err != nil {
		a.o.Log.Warn("a message of the server cannot be read", "message", m.Kind, "error", err)
		return err
	}
	switch m.Kind {
	case AgentWaiting:
		a.o.Log.Warn("the server lets a device plugin wait", "plugin", n.Plugin, "reason", n.Text)
	case AgentReset:
		a.mu.Lock()
		s := a.open[n.Plugin]
		a.mu.Unlock()
		if s != nil && s.id == n.Session {
			s.end(&ResetError{Cause: n.Cause, Text: n.Text})
		}
	case AgentResetAll:
		a.endAll(&ResetError{Cause: n.Cause, Text: n.Text})
	default:
		a.o.Log.Warn("a message of the server was not understood", "message", m.Kind)
		return resource.Errorf(resource.Invalid, "this agent does not know messages of kind %.80q", m.Kind)
	}
	return nil
}

// Open opens a session for a device plugin, when the server is ready for its first
// message; a session that the plugin had is closed. It waits for as long as that
// takes: for the link, for the server's plugin of that name, and after a session
// that failed for a pause that grows. So the caller need not pace itself, and
// should collect what the first message says after Open. An error is that of ctx.
func (a *Agent) Open(ctx context.Context, plugin string) (*AgentSession, error) {
	for {
		if err := a.rest(ctx, plugin); err != nil {
			return nil, err
		}
		a.mu.Lock()
		conn, changed := a.conn, a.changed
		a.mu.Unlock()
		if conn == nil {
			select {
			case <-changed:
				continue
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
		s, err := a.openOn(ctx, conn, plugin)
		switch {
		case err == nil:
			return s, nil
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case conn.Err() != nil:
			select { // Open may be ahead of the one who notes that
			case <-changed:
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		default:
			a.o.Log.Error("the server opens no session for a device plugin", "plugin", plugin, "error", err)
			a.slower(plugin)
		}
	}
}

func (a *Agent) openOn(ctx context.Context, conn *Conn, plugin string) (*AgentSession, error) {
	b, err := json.Marshal(AgentPlugin{Plugin: plugin})
	if err != nil {
		return nil, err
	}
	b, err = conn.Call(ctx, Message{Kind: AgentOpen, Body: b, Priority: High})
	if err != nil {
		return nil, err
	}
	var id AgentSessionID
	if err := json.Unmarshal(b, &id); err != nil {
		return nil, fmt.Errorf("the server's answer cannot be read: %w", err)
	}
	s := &AgentSession{
		a: a, conn: conn, plugin: plugin, id: id.Session, began: a.o.Now(),
		done: make(chan struct{}), changed: make(chan struct{}),
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	a.mu.Lock()
	before := a.open[plugin]
	a.open[plugin] = s
	a.mu.Unlock()
	if before != nil {
		before.end(ErrSessionClosed)
	}
	go s.pump()
	return s, conn.Err()
}

// rest waits out the pause after a plugin's last session.
func (a *Agent) rest(ctx context.Context, plugin string) error {
	a.mu.Lock()
	var wait time.Duration
	if p := a.pace[plugin]; p != nil {
		wait = p.pause - time.Duration(a.o.Jitter()*float64(p.pause)/4) - a.o.Now().Sub(p.since)
	}
	a.mu.Unlock()
	if wait <= 0 {
		return ctx.Err()
	}
	select {
	case <-a.o.After(min(wait, agentMaxPause)): // the clock may have been set
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// slower makes the pause before a plugin's next session longer.
func (a *Agent) slower(plugin string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	p := a.pace[plugin]
	if p == nil {
		p = &agentPace{}
		a.pace[plugin] = p
	}
	p.pause, p.since = min(max(2*p.pause, agentPause), agentMaxPause), a.o.Now()
}

// ended notes the end of a session.
func (a *Agent) ended(s *AgentSession, why error) {
	a.mu.Lock()
	if a.open[s.plugin] == s {
		delete(a.open, s.plugin)
	}
	var reset *ResetError
	failed := errors.As(why, &reset) && (reset.Cause == CausePlugin || reset.Cause == CauseOrder)
	if !failed || a.o.Now().Sub(s.began) > agentSteady {
		delete(a.pace, s.plugin)
	}
	a.mu.Unlock()
	if failed {
		a.slower(s.plugin)
	}
	if reset != nil {
		a.o.Log.Info("the server wants to hear everything again", "plugin", s.plugin, "cause", reset.Cause, "reason", reset.Text)
	}
}

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
