// Package session runs the sessions of plugins: for each root it opens a
// session, has the plugin scan, checks what the plugin reports and hands it on
// as batches. It keeps the life-cycle promises of the guide ("Implementing a
// Plugin"): initial scan before updates, no two hooks at once, teardown always.
package session

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/sdk/wire"
)

// Plugin is a running plugin process; see pluginhost.Process.
type Plugin interface {
	// Call calls a method. It returns when the answer is there, ctx ends, the
	// host's deadline is over or the process is gone. Batches that the plugin sent
	// before its answer have been delivered by then.
	Call(ctx context.Context, method string, params, result any) error
	Notify(method string, params any) error
	// Done is closed when the process is gone; Err then tells why.
	Done() <-chan struct{}
	Err() error
	// Retired is closed when sessions are to leave the process, such as for a new
	// version of the plugin. The session ends after the hook that runs, with its
	// teardown, and is opened anew where Wait says; that is no failure. It may be
	// nil.
	Retired() <-chan struct{}
	// Release says that the session has left the process. It is called once.
	Release()
}

// Sink takes what sessions find out; see inventory.Inventory.
type Sink interface {
	// OpenSession has deleted called with the handles of resources that went for
	// what happened outside the session. The function does not block.
	OpenSession(root resource.ID, session string, deleted func([]resource.Handle)) error
	CloseSession(root resource.ID, session string)
	Apply(ctx context.Context, b *resource.Batch) error
	SetRootState(ctx context.Context, root resource.ID, change func(*resource.RootState)) error
	Contact(root resource.ID, at time.Time)
}

// Root is a root resource as its plugin may see it: with passwords opened.
type Root struct {
	Class      string
	Attributes map[string]json.RawMessage
}

// Options configure New. All but the periods are required.
type Options struct {
	ID     resource.ID // of the root
	Plugin string
	// HostID is the number of the host whose agent feeds the session; see Feed.
	HostID resource.ID
	// Admit waits until the plugin may be given what comes first from an agent plugin,
	// which is everything. leave is called when it has taken that. Feed alone asks;
	// nil admits at once.
	Admit func(ctx context.Context) (leave func(), err error)
	// Root returns the root as it is now.
	Root func() (Root, error)
	// Wait returns the plugin's process when it runs. It returns an error if that
	// cannot be hoped for within a few seconds. The session releases the process.
	Wait func(ctx context.Context) (Plugin, error)
	// Again returns a channel that is closed when a failed session should be tried
	// at once, such as when the plugin was loaded anew. Optional.
	Again func() <-chan struct{}
	Class func(name string) *resource.Class // of the plugin
	Seal  func(string) string
	Sink  Sink
	// Route has batches of the named session delivered to the function until the
	// returned one is called. The function may block.
	Route func(session string, to func(wire.Batch)) (stop func())
	// Scanned is called after each hook that scans, with its method and how long it
	// took, the commit of what it reported included. Optional.
	Scanned func(method string, took time.Duration, failed bool)
	Log     *slog.Logger
	Now     func() time.Time
	After   func(time.Duration) <-chan time.Time
	// Gate keeps scans of one address apart; nil does not. Target tells what the
	// scans of a class talk to, with the bounds that hold here; nil if there are
	// none. If it is not given, that is what the class declares.
	Gate   *Gate
	Target func(*resource.Class) *resource.Target
	// UpdatePeriod is the pause between update scans of a plugin that sets none;
	// 5 s if 0.
	UpdatePeriod time.Duration
	// TeardownTimeout is how long a session that ends waits for its teardown; 10 s
	// if 0.
	TeardownTimeout time.Duration
}

const (
	firstDelay = time.Second
	maxDelay   = 256 * time.Second
)

// Session keeps one root's session going.
type Session struct {
	o Options
}

// New returns the session of a root. Nothing runs before Run.
func New(o Options) *Session {
	if o.UpdatePeriod <= 0 {
		o.UpdatePeriod = 5 * time.Second
	}
	if o.TeardownTimeout <= 0 {
		o.TeardownTimeout = 10 * time.Second
	}
	if o.Target == nil {
		o.Target = func(c *resource.Class) *resource.Target { return c.Target }
	}
	if o.Scanned == nil {
		o.Scanned = func(string, time.Duration, bool) {}
	}
	if o.Admit == nil {
		o.Admit = func(context.Context) (func(), error) { return func() {}, nil }
	}
	if o.Again == nil {
		o.Again = func() <-chan struct{} { return nil }
	}
	return &Session{o: o}
}

// Run keeps a session of the root open until ctx ends or the root is gone. A
// session that fails makes the root offline and is tried again after 1 s, 2 s, 4 s
// and so on, 256 s at most; one that had run for longer than that starts anew at
// 1 s. When ctx ends, the session is torn down; this is no failure.
func (s *Session) Run(ctx context.Context) {
	delay := firstDelay
	for ctx.Err() == nil {
		began := s.o.Now()
		again := s.o.Again()
		err := s.once(ctx)
		if ctx.Err() != nil {
			break
		}
		if errors.Is(err, errRetired) {
			delay = firstDelay
			continue
		}
		if _, gone := s.o.Root(); resource.KindOf(gone) == resource.NotFound {
			return // a user removed it, and whoever runs us will know soon
		}
		if s.o.Now().Sub(began) > maxDelay {
			delay = firstDelay
		}
		s.fail(ctx, err, delay)
		select {
		case <-s.o.After(delay):
		case <-again:
			delay = firstDelay
			continue
		case <-ctx.Done():
		}
		delay = min(2*delay, maxDelay)
	}
	s.state(ctx, func(r *resource.RootState) { r.Live, r.NextTry = false, time.Time{} })
}

// errRetired is what a session ends with whose process retired.
var errRetired = errors.New("another process takes the session over")

// errStopped is what a session fails with whose plugin was stopped in order,
// though not by the end of the session.
var errStopped = errors.New("the plugin was stopped")

func (s *Session) fail(ctx context.Context, err error, delay time.Duration) {
	if err == nil {
		err = errStopped
	}
	s.o.Log.Warn("the session failed and is tried again", "error", err, "in", delay)
	next := s.o.Now().Add(delay)
	// An error may have the last lines that the process wrote.
	text := strings.Join(strings.Fields(err.Error()), " ")
	s.state(ctx, func(r *resource.RootState) {
		r.Live, r.Offline, r.Error, r.NextTry = false, true, text, next
	})
}

// state notes the state of the root, also if ctx has ended.
func (s *Session) state(ctx context.Context, change func(*resource.RootState)) {
	err := s.o.Sink.SetRootState(context.WithoutCancel(ctx), s.o.ID, change)
	if err != nil && resource.KindOf(err) != resource.NotFound { // a root that was removed has no state
		s.o.Log.Error("the state of a root was not noted", "error", err)
	}
}

// once runs one session to its end. It returns nil only if ctx ended.
func (s *Session) once(ctx context.Context) error {
	return s.within(ctx, func(r *run) error { return r.scan(ctx) })
}

// HookError says which hook of the plugin failed.
type HookError struct {
	Hook string // as the guide names it: "initial_scan", "update_scan", "teardown"
	Err  error
}

// Error implements error. The text names the hook once, although the plugin's
// host names it too, and with it the plugin, which whoever asks about a root
// knows.
func (e *HookError) Error() string {
	text := e.Err.Error()
	if rest, ok := strings.CutPrefix(text, "plugin "); ok {
		if _, rest, ok = strings.Cut(rest, ": "); ok {
			text = strings.TrimPrefix(rest, e.Hook+": ")
		}
	}
	return strings.ReplaceAll(e.Hook, "_", " ") + ": " + text
}

// Unwrap returns the failure.
func (e *HookError) Unwrap() error { return e.Err }

// Once runs one session: an initial scan, some updates right after it, and the
// teardown. It returns what the initial scan could not read. A failed hook is a
// *HookError.
func (s *Session) Once(ctx context.Context, updates int) (incomplete []string, err error) {
	err = s.within(ctx, func(r *run) error {
		res, err := r.turn(ctx, wire.MethodInitialScan)
		if err != nil {
			return err
		}
		r.live(ctx, res)
		incomplete = res.Incomplete
		for i := 0; i < updates && res.Updates && err == nil; i++ {
			_, err = r.turn(ctx, wire.MethodUpdateScan)
		}
		return err
	})
	return incomplete, err
}

// Drive opens a session, has f run hooks of it one by one, by their method, and
// tears it down. A hook returns when all that it reported is committed.
func (s *Session) Drive(ctx context.Context, f func(hook func(method string) (wire.TurnResult, error)) error) error {
	return s.within(ctx, func(r *run) error {
		return f(func(method string) (wire.TurnResult, error) { return r.turn(ctx, method) })
	})
}

// target returns what the scans of the root talk to; nil if nothing bounds them.
func (s *Session) target(c *resource.Class, root Root) (t *resource.Target, address string) {
	if s.o.Gate == nil || c == nil {
		return nil, ""
	}
	if t = s.o.Target(c); t == nil {
		return nil, ""
	}
	if err := json.Unmarshal(root.Attributes[t.Attribute], &address); err != nil || address == "" {
		return nil, "" // it names no address, or what is none
	}
	return t, address
}

// within opens a session, has f use it, and tears it down. A teardown that
// fails counts if nothing failed before it.
func (s *Session) within(ctx context.Context, f func(*run) error) (err error) {
	p, err := s.o.Wait(ctx)
	if err != nil {
		return err
	}
	defer p.Release()
	root, err := s.o.Root()
	if err != nil {
		return err
	}
	r := &run{Session: s, p: p, id: rand.Text(), failed: make(chan struct{}), queue: make(chan item, 16), wake: make(chan struct{}, 1)}
	class := s.o.Class(root.Class)
	r.dec = newDecoder(s.o.Class, s.o.Seal, class)
	r.target, r.address = s.target(class, root)
	if err := s.o.Sink.OpenSession(s.o.ID, r.id, r.deleted); err != nil {
		return err
	}
	defer s.o.Sink.CloseSession(s.o.ID, r.id)

	// What the plugin reported before a hook failed still counts, so apply goes
	// on until it has taken all of it.
	applying, stopApplying := context.WithCancel(context.WithoutCancel(ctx))
	var wg sync.WaitGroup
	wg.Go(func() { r.apply(context.WithoutCancel(ctx), applying.Done()) })
	go r.tell(applying.Done()) // nobody waits for a plugin that does not read
	stopRoute := s.o.Route(r.id, func(b wire.Batch) {
		select {
		case r.queue <- item{batch: b}:
		case <-applying.Done():
		}
	})
	defer wg.Wait()
	defer stopApplying()
	defer stopRoute()

	if err := p.Call(ctx, wire.MethodSessionOpen, wire.OpenParams{Session: r.id, Class: root.Class, Attributes: root.Attributes, HostID: int64(s.o.HostID)}, nil); err != nil {
		return fmt.Errorf("open: %w", err)
	}
	defer func() {
		if tornDown := r.teardown(context.WithoutCancel(ctx)); err == nil {
			err = tornDown
		}
	}()
	return f(r)
}
