package link

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
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
