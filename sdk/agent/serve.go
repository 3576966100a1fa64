package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/creachadair/jrpc2"

	"github.com/faultline-storage/faultline/sdk/internal/stdio"
	"github.com/faultline-storage/faultline/sdk/wire"
)

const (
	// sdkVersion is what the handshake tells of this package.
	sdkVersion = "0.1"
	// endTime is how long a hook that runs has when the host is gone.
	endTime = 5 * time.Second
	// maxAnswer bounds what one hook returns, in bytes of JSON: a line has at most
	// 16 MiB (SPEC.md, section 1).
	maxAnswer = 15 << 20
)

// server answers the agent on one connection.
type server struct {
	p    *Program
	conn *stdio.Conn
	stop func() // ends Serve

	hook sync.Mutex // held while code of the author runs

	mu     sync.Mutex // guards what follows
	shaken bool
	closed bool
	cur    *session // nil between sessions
}

// session is one session; at most one is open.
type session struct {
	id      string
	plugin  Plugin
	ctx     context.Context //nolint:containedctx // of the session's goroutines
	end     context.CancelFunc
	started bool // StartSession has returned without an error

	// told is whether the agent knows that there is news, so that a plugin which sees
	// a thousand changes says so once.
	told atomic.Bool
}

// Serve speaks the protocol on in and out until the host asks for shutdown, in ends
// or ctx ends. It does not touch the process's own standard streams. If in is an
// io.Closer, Serve closes it.
func (p *Program) Serve(ctx context.Context, in io.Reader, out io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s := &server{p: p, conn: stdio.NewConn(in, out, cancel), stop: cancel}
	if p.prints != nil {
		p.prints.LogTo(s.conn, p.now)
	}
	return stdio.Serve(ctx, cancel, s.conn, s, s.close)
}

// Assign implements jrpc2.Assigner.
func (s *server) Assign(ctx context.Context, method string) jrpc2.Handler {
	switch method {
	case wire.MethodInitialize:
		return stdio.Handle(s.initialize, fault)
	case wire.MethodDeviceStart:
		return shaken(s, s.start)
	case wire.MethodDeviceUpdate:
		return shaken(s, s.update)
	case wire.MethodDeviceEnd:
		return shaken(s, s.endSession)
	case wire.MethodShutdown:
		return stdio.Handle(s.shutdown, fault)
	case wire.NoteLogLevel:
		return stdio.Handle(s.logLevel, fault)
	}
	return stdio.Unknown(ctx, method)
}

type empty struct{}

func fault(err error) error { return stdio.Fault(wire.CodeScanFailed, err, wire.ErrorData{}) }

// shaken handles calls that may come after the handshake only.
func shaken[P, R any](s *server, f func(P) (R, error)) jrpc2.Handler {
	return stdio.Handle(func(params P) (R, error) {
		s.mu.Lock()
		ok := s.shaken
		s.mu.Unlock()
		if !ok {
			var none R
			return none, jrpc2.Errorf(wire.CodeBadState, "the first call must be %s", wire.MethodInitialize)
		}
		return f(params)
	}, fault)
}

func (s *server) initialize(p wire.InitializeParams) (*wire.InitializeResult, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shaken {
		return nil, jrpc2.Errorf(wire.CodeBadState, "%s is called once", wire.MethodInitialize)
	}
	version, err := stdio.Negotiate(p.Protocol)
	if err != nil {
		return nil, err
	}
	s.shaken = true
	s.conn.Handshake()
	return &wire.InitializeResult{
		Protocol: version,
		Plugin:   wire.Peer{Name: s.p.name, Version: s.p.version},
		SDK:      wire.Peer{Name: "go", Version: sdkVersion},
		Manifest: wire.Manifest{APIVersion: wire.APIVersion, Classes: []wire.Class{}},
		Device:   &wire.DeviceInfo{Updates: !s.p.once, Period: s.p.period.Seconds()},
	}, nil
}

// start makes a new plugin for a new session. The session before it ends.
func (s *server) start(p wire.DeviceParams) (*wire.DeviceResult, error) {
	if p.Session == "" {
		return nil, stdio.InvalidParams("params must name the session")
	}
	s.mu.Lock()
	switch {
	case s.closed:
		s.mu.Unlock()
		return nil, jrpc2.Errorf(wire.CodeBadState, "the plugin is shutting down")
	case s.cur != nil && s.cur.id == p.Session:
		s.mu.Unlock()
		return nil, jrpc2.Errorf(wire.CodeBadState, "session %.100q is open already", p.Session)
	}
	s.endLocked()
	ses := &session{id: p.Session}
	ses.ctx, ses.end = context.WithCancel(context.Background())
	s.cur = ses
	s.mu.Unlock()
	env := &Env{Log: stdio.NewLogger(s.conn, ses.id, &s.p.level, s.p.now), changed: func() { s.changed(ses) }}
	return s.run(ses, "StartSession", func() ([]Message, error) {
		ses.plugin = s.p.newPlugin(env)
		return ses.plugin.StartSession(ses.ctx)
	})
}

func (s *server) update(p wire.DeviceParams) (*wire.DeviceResult, error) {
	s.mu.Lock()
	ses := s.cur
	s.mu.Unlock()
	switch {
	case ses == nil || ses.id != p.Session:
		return nil, jrpc2.Errorf(wire.CodeUnknownSession, "session %.100q is not open", p.Session)
	case s.p.once:
		return nil, jrpc2.Errorf(wire.CodeBadState, "this plugin has no updates")
	}
	return s.run(ses, "UpdateSession", func() ([]Message, error) {
		if !ses.started {
			return nil, jrpc2.Errorf(wire.CodeBadState, "session %.100q has not started", p.Session)
		}
		ses.told.Store(false) // what is seen from here on, this update may miss
		return ses.plugin.UpdateSession(ses.ctx)
	})
}

// run runs a hook of a session, which ends if the hook fails.
func (s *server) run(ses *session, name string, hook func() ([]Message, error)) (*wire.DeviceResult, error) {
	s.hook.Lock()
	defer s.hook.Unlock()
	res := &wire.DeviceResult{Messages: []wire.DeviceMessage{}}
	err := stdio.Protect(func() error {
		messages, err := hook()
		if err != nil {
			return err
		}
		res.Messages, err = encode(name, messages)
		return err
	})
	if s.p.prints != nil {
		s.p.prints.Sync()
	}
	if err != nil {
		s.mu.Lock()
		if s.cur == ses {
			s.endLocked()
		}
		s.mu.Unlock()
		return nil, err
	}
	ses.started = true
	return res, nil
}

// encode gives messages their form on the wire.
func encode(hook string, messages []Message) ([]wire.DeviceMessage, error) {
	out := make([]wire.DeviceMessage, 0, len(messages))
	size := 0
	for i, m := range messages {
		data, err := json.Marshal(m.Data)
		if err != nil {
			return nil, fmt.Errorf("message %d of %s cannot be sent: %w", i, hook, err)
		}
		if string(data) == "null" {
			continue
		}
		w := wire.DeviceMessage{Data: data}
		switch m.Priority {
		case Normal:
		case High:
			w.Priority = new(int(wire.PriorityHigh))
		case Low:
			w.Priority = new(int(wire.PriorityLow))
		default:
			return nil, fmt.Errorf("message %d of %s has the priority %d; there are agent.High, agent.Normal and agent.Low", i, hook, m.Priority)
		}
		if size += len(data); size > maxAnswer {
			return nil, fmt.Errorf("%s returned more than %d MiB of messages; send what is large over several updates", hook, maxAnswer>>20)
		}
		out = append(out, w)
	}
	return out, nil
}

// endSession ends a session; one that is not open has ended.
func (s *server) endSession(p wire.DeviceParams) (empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cur != nil && s.cur.id == p.Session {
		s.endLocked()
	}
	return empty{}, nil
}

func (s *server) endLocked() {
	if s.cur != nil {
		s.cur.end()
		s.cur = nil
	}
}

// changed tells the agent that a session has news.
func (s *server) changed(ses *session) {
	if ses.ctx.Err() != nil || ses.told.Swap(true) {
		return
	}
	line, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "method": wire.NoteDeviceChanged, "params": wire.DeviceParams{Session: ses.id}})
	if err != nil { // strings always marshal
		panic(err)
	}
	_ = s.conn.WriteLine(append(line, '\n')) // it fails with everything else
}

func (s *server) logLevel(p wire.LogLevel) (empty, error) {
	s.p.level.Set(stdio.LevelNamed(p.Level))
	return empty{}, nil
}

func (s *server) shutdown(empty) (empty, error) {
	err := s.close()
	if s.p.prints != nil {
		s.p.prints.Sync()
	}
	s.conn.AfterLast(s.stop)
	return empty{}, err
}

// close ends the session and waits for a hook that runs.
func (s *server) close() error {
	s.mu.Lock()
	s.closed = true
	s.endLocked()
	s.mu.Unlock()
	idle := make(chan struct{})
	go func() {
		s.hook.Lock()
		s.hook.Unlock() //nolint:staticcheck // only the wait is wanted
		close(idle)
	}()
	select {
	case <-idle:
		return nil
	case <-time.After(endTime):
		return fmt.Errorf("a hook did not end within %v", endTime)
	}
}
