package plugin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/creachadair/jrpc2"

	"github.com/faultline-storage/faultline/sdk/internal/stdio"
	"github.com/faultline-storage/faultline/sdk/wire"
)

// sdkVersion is what the handshake tells of this package.
const sdkVersion = "0.1"

// teardownTime is how long sessions have for their teardown when the host is
// gone (SPEC.md, section 1).
const teardownTime = 5 * time.Second

// errTeardownTime says that a teardown did not end in time.
var errTeardownTime = fmt.Errorf("a session was not torn down within %v", teardownTime)

// server answers the host on one connection.
type server struct {
	p    *Program
	conn *stdio.Conn
	stop func() // ends Serve

	mu       sync.Mutex // guards what follows
	shaken   bool
	closed   bool
	sessions map[string]*Session
}

// Serve speaks the plugin protocol on in and out until the host asks for
// shutdown, in ends or ctx ends, and tears all sessions down. It does not touch
// the process's own standard streams. If in is an io.Closer, Serve closes it;
// else a read of in may still be pending when Serve returns.
func (p *Program) Serve(ctx context.Context, in io.Reader, out io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s := &server{p: p, conn: stdio.NewConn(in, out, cancel), stop: cancel, sessions: map[string]*Session{}}
	if p.prints != nil {
		p.prints.LogTo(s.conn, p.now)
	}
	return stdio.Serve(ctx, cancel, s.conn, s, func() error { return s.teardownAll(teardownTime) })
}

// Assign implements jrpc2.Assigner.
func (s *server) Assign(ctx context.Context, method string) jrpc2.Handler {
	switch method {
	case wire.MethodInitialize:
		return handle(s.initialize)
	case wire.MethodSessionOpen:
		return shaken(s, s.open)
	case wire.MethodInitialScan:
		return shaken(s, s.initialScan)
	case wire.MethodUpdateScan:
		return shaken(s, s.updateScan)
	case wire.MethodAgentStart:
		return shaken(s, s.agentStart)
	case wire.MethodAgentContinue:
		return shaken(s, s.agentContinue)
	case wire.MethodTeardown:
		return shaken(s, s.teardown)
	case wire.MethodEncrypt:
		return shaken(s, s.encrypt)
	case wire.MethodDefaults:
		return shaken(s, s.defaults)
	case wire.MethodShutdown:
		return handle(s.shutdown)
	case wire.NoteRejected:
		return handle(s.rejected)
	case wire.NoteDeleted:
		return handle(s.deleted)
	case wire.NoteLogLevel:
		return handle(s.logLevel)
	}
	return stdio.Unknown(ctx, method)
}

type empty struct{}

// handle makes a JSON-RPC handler of a function with typed params and result.
func handle[P, R any](f func(P) (R, error)) jrpc2.Handler { return stdio.Handle(f, rpcError) }

// shaken is handle for calls that may come after the handshake only.
func shaken[P, R any](s *server, f func(P) (R, error)) jrpc2.Handler {
	return handle(func(params P) (R, error) {
		s.mu.Lock()
		ok := s.shaken
		s.mu.Unlock()
		if !ok {
			var none R
			return none, jrpc2.Errorf(wire.CodeBadState, "the first call must be %s", wire.MethodInitialize)
		}
		return f(params)
	})
}

func errUnknownSession(id string) error {
	return jrpc2.Errorf(wire.CodeUnknownSession, "session %s is not open", quote(id))
}

// rpcError gives an error of a hook its form on the wire.
func rpcError(err error) error {
	var ve *ValueError
	if errors.As(err, &ve) {
		return stdio.Fault(wire.CodeInvalidValue, err, wire.ErrorData{Attribute: ve.Attribute})
	}
	return stdio.Fault(wire.CodeScanFailed, err, wire.ErrorData{})
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
	manifest, problems := s.p.Manifest()
	if len(problems) > 0 {
		err := jrpc2.Errorf(wire.CodeBadPlugin, "%d problems in the declarations of plugin %s, the first: %s", len(problems), s.p.name, problems[0])
		data := wire.ErrorData{Problems: problems}
		if p.Check {
			data.Draft, data.Places = &s.p.manifest, s.p.places()
			data.Problems = append(data.Problems, wireProblems(s.p.warnings)...)
		}
		return nil, err.WithData(data)
	}
	s.shaken = true
	s.conn.Handshake()
	result := &wire.InitializeResult{
		Protocol: version,
		Plugin:   wire.Peer{Name: s.p.name, Version: s.p.version},
		SDK:      wire.Peer{Name: "go", Version: sdkVersion},
		Manifest: manifest,
	}
	if p.Check {
		result.Places, result.Warnings = s.p.places(), wireProblems(s.p.warnings)
	}
	return result, nil
}

// session returns an open session.
func (s *server) session(id string) (*Session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ses := s.sessions[id]; ses != nil {
		return ses, nil
	}
	return nil, errUnknownSession(id)
}

func (s *server) open(p wire.OpenParams) (empty, error) {
	ses, err := s.newSession(p)
	if err != nil {
		return empty{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return empty{}, jrpc2.Errorf(wire.CodeBadState, "the plugin is shutting down")
	case s.sessions[p.Session] != nil:
		return empty{}, jrpc2.Errorf(wire.CodeBadState, "session %s is open already", quote(p.Session))
	}
	if err := stdio.Protect(func() error { ses.hooks = s.p.newHooks(); return nil }); err != nil {
		return empty{}, err
	}
	s.sessions[p.Session] = ses
	go ses.loop()
	return empty{}, nil
}

// newSession makes a session with its root.
func (s *server) newSession(p wire.OpenParams) (*Session, error) {
	c := s.p.class(p.Class)
	if c == nil && (p.Class == wire.BaseHostRoot || p.Class == "") {
		c = s.p.hostRoot
	}
	if c == nil {
		return nil, stdio.InvalidParams("this plugin has no class %s", quote(p.Class))
	}
	if c != s.p.hostRoot && !c.has(wire.BaseScannable) && !c.has(wire.BaseHostRoot) {
		return nil, stdio.InvalidParams("class %s cannot be a root: it is neither a ScannableResource nor a HostRoot", c.Name)
	}
	root, err := c.decodeRoot(p.Attributes)
	if err != nil {
		return nil, err
	}
	ses := &Session{id: p.Session, prog: s.p, conn: s.conn, now: s.p.now, linked: map[*node][]*node{}, wake: make(chan struct{}, 1)}
	ses.ctx, ses.stop = context.WithCancel(context.Background())
	ses.Log = stdio.NewLogger(s.conn, p.Session, &s.p.level, s.p.now)
	ses.w = batchWriter{conn: s.conn, limit: partSize, session: appendString(nil, p.Session)}
	for _, c := range s.p.classes {
		ses.tables = append(ses.tables, newTable(c))
	}
	ses.tables = append(ses.tables, newTable(s.p.hostRoot))
	ses.setRoot(c, root)
	return ses, nil
}

// logLevel takes the host's word on what to log from now on.
func (s *server) logLevel(p wire.LogLevel) (empty, error) {
	s.p.level.Set(stdio.LevelNamed(p.Level))
	return empty{}, nil
}

// teardown answers session/teardown. A session that is not open is torn down.
func (s *server) teardown(p wire.SessionParams) (empty, error) {
	ses, err := s.session(p.Session)
	if err != nil {
		return empty{}, nil //nolint:nilerr // a session that is not open is torn down
	}
	err = ses.tearDown()
	s.mu.Lock()
	if s.sessions[p.Session] == ses {
		delete(s.sessions, p.Session)
	}
	s.mu.Unlock()
	return empty{}, err
}

// teardownAll tears all sessions down at the same time and lets no more be
// opened.
func (s *server) teardownAll(timeout time.Duration) error {
	s.mu.Lock()
	s.closed = true
	var wg sync.WaitGroup
	for _, ses := range s.sessions {
		wg.Go(func() {
			if err := ses.tearDown(); err != nil {
				ses.Log.Error("teardown failed", "error", err.Error())
			}
		})
	}
	clear(s.sessions)
	s.mu.Unlock()
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-time.After(timeout):
		return errTeardownTime
	}
}

func (s *server) shutdown(empty) (empty, error) {
	err := s.teardownAll(teardownTime)
	s.p.syncStdout()
	s.conn.AfterLast(s.stop)
	return empty{}, err
}

// rejected notes in the log that the host refused a turn. The host tears the
// session down next.
func (s *server) rejected(p wire.Rejected) (empty, error) {
	if ses, err := s.session(p.Session); err == nil {
		ses.Log.Debug("the host refused a turn", "turn", p.Turn, "error", p.Error)
	}
	return empty{}, nil
}

// deleted hands on what the host deleted. A session that is over has no use for
// it.
func (s *server) deleted(p wire.Deleted) (empty, error) {
	if ses, err := s.session(p.Session); err == nil {
		ses.deleted(p.Handles)
	}
	return empty{}, nil
}

func (s *server) encrypt(p wire.EncryptParams) (res wire.EncryptResult, err error) {
	c := s.p.class(p.Class)
	if c == nil {
		return res, stdio.InvalidParams("this plugin has no class %s", quote(p.Class))
	}
	f := c.fieldNamed(p.Attribute)
	if f == nil || f.Kind != wire.KindPassword {
		return res, stdio.InvalidParams("%s has no password attribute %s", c.Name, quote(p.Attribute))
	}
	if c.encrypt == nil {
		return wire.EncryptResult{Value: p.Value}, nil
	}
	err = stdio.Protect(func() (err error) {
		res.Value, err = c.encrypt(p.Value)
		return err
	})
	if err == nil && strings.ToValidUTF8(res.Value, "") != res.Value {
		err = fmt.Errorf("the Encrypt method of %s returned bytes that are not UTF-8: use base64, for example", c.Name)
	}
	return res, err
}

func (s *server) defaults(p wire.DefaultsParams) (res wire.DefaultsResult, err error) {
	c := s.p.class(p.Class)
	if c == nil {
		return res, stdio.InvalidParams("this plugin has no class %s", quote(p.Class))
	}
	_, root := c.newResource()
	given := map[string]json.RawMessage{}
	for name, raw := range p.Attributes {
		if string(raw) != "null" {
			given[name] = raw
		}
	}
	if err := c.decode(root, given); err != nil {
		return res, err
	}
	res.Attributes = map[string]json.RawMessage{}
	err = stdio.Protect(func() error {
		for _, computed := range []bool{false, true} {
			for i := range c.fields {
				f := &c.fields[i]
				if _, ok := given[f.Name]; ok || !f.hasDefault() || (f.set == nil) != computed {
					continue
				}
				f.setDefaultValue(root)
				res.Attributes[f.Name] = f.append(nil, root)
			}
		}
		return nil
	})
	return res, err
}
