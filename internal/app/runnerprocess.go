package app

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/faultline-storage/faultline/internal/config"
	"github.com/faultline-storage/faultline/internal/link"
	"github.com/faultline-storage/faultline/internal/link/httplink"
	"github.com/faultline-storage/faultline/internal/pluginhost"
	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/internal/session"
	"github.com/faultline-storage/faultline/python"
	"github.com/faultline-storage/faultline/sdk/wire"
)

const (
	// statesEvery is how often a runner tells the server how its plugins are, if
	// that changed.
	statesEvery = 2 * time.Second
	// goodbye is how long a runner that ends waits for its sessions and the server,
	// and goodbyeAlone where the server does not answer anyway.
	goodbye      = 20 * time.Second
	goodbyeAlone = 2 * time.Second
	// logRoom is how many lines of the log wait for the server; more are dropped
	// and counted.
	logRoom = 1000
)

// RunnerOptions configure a Runner. All but Token and Program are required.
type RunnerOptions struct {
	Server  string // its address
	Token   string // to show to the server, unless it is empty
	HTTP    *http.Client
	Name    string // of the runner; the server knows each by its own
	Version string
	// Config has the plugins and what is set for them, and Data, the folder for what
	// they need.
	Config config.Config
	// Log takes the runner's own log and that of its plugins; warnings of these go
	// to the server's log too. With Verbose, so does the rest.
	Log     *slog.Logger
	Verbose bool
	Program string // see Options.Program
}

// Runner hosts plugins in a process of its own, for a server that it connects to.
type Runner struct {
	o       RunnerOptions
	log     *slog.Logger
	plugins *pluginSet
	gate    *session.Gate
	logs    chan logNote
	// sessionLog is that of the sessions.
	sessionLog *slog.Logger

	mu      sync.Mutex
	classes map[string]map[string]*resource.Class // by plugin and name
	// manifests are what the plugins that run declare.
	manifests map[string]wire.Manifest
	work      *shift        // nil while there is no link
	changed   chan struct{} // closed and replaced when work changed
	dropped   int           // lines of the log
}

// shift is a runner's work on one link.
type shift struct {
	conn     *link.Conn
	sink     *link.Sink
	sessions *runner
	ctx      context.Context //nolint:containedctx // of the sessions
	end      context.CancelFunc
	// declared is closed when the server knows what the plugins that ran at the
	// beginning declare.
	declared chan struct{}
}

// NewRunner makes a runner. Nothing runs before Run.
func NewRunner(o RunnerOptions) (*Runner, error) {
	c := o.Config
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return nil, fmt.Errorf("make the data directory (see --data): %w", err)
	}
	contained, err := newContainment(c, o.Log)
	if err != nil {
		return nil, err
	}
	r := &Runner{
		o: o, log: o.Log, gate: session.NewGate(time.Now, time.After), logs: make(chan logNote, logRoom),
		classes: map[string]map[string]*resource.Class{}, manifests: map[string]wire.Manifest{},
		changed: make(chan struct{}),
	}
	level := slog.LevelWarn
	if o.Verbose {
		level = slog.LevelDebug
	}
	log := slog.New(forward{Handler: o.Log.Handler(), r: r, least: level})
	r.sessionLog = slog.New(forward{Handler: o.Log.Handler(), r: r, least: slog.LevelWarn, session: true})
	r.plugins = newPluginSet(setOptions{
		host: pluginhost.Options{
			Log:         log,
			PythonPath:  func() (string, error) { return python.Extract(filepath.Join(c.Data, "python")) },
			CallTimeout: time.Duration(c.CallTimeout),
			Contain:     contained.contain,
			Greeting:    wire.Peer{Name: "faultline", Version: o.Version},
		},
		resolve: pluginhost.ResolveOptions{Builtins: builtinNames(), Program: o.Program},
		debug:   debugging{plugins: c.DebugPlugins, log: log, all: o.Verbose},
		declare: r.declare,
	})
	for _, path := range c.Plugins {
		_, _ = r.plugins.add(path, fromConfig) // its log, and its state, tell of an error
	}
	return r, nil
}

// Run runs the plugins and works for the server until ctx ends. Then it tears the
// sessions down and says goodbye. It returns an error if the server refuses it.
func (r *Runner) Run(ctx context.Context) error {
	var parts lifecycle
	ended := make(chan error, 1)
	parts.run("plugins", func(error) {}, func(ctx context.Context) error { r.plugins.run(ctx); return nil })
	instance := rand.Text()
	client := link.NewClient(link.ClientOptions{
		Transport: &httplink.Transport{Server: r.o.Server, Token: r.o.Token, Client: r.o.HTTP, Agent: "faultline-runner/" + r.o.Version},
		Log:       r.log, Now: time.Now, After: time.After, Open: r.open,
		Hello: func() link.Hello {
			b, err := json.Marshal(runnerHello{Plugins: r.names()})
			if err != nil { // names always marshal
				panic(err)
			}
			return link.Hello{Kind: runnerKind, Name: r.o.Name, Version: r.o.Version, Instance: instance, Body: b}
		},
	})
	parts.run("link", func(error) {}, func(ctx context.Context) error { ended <- client.Run(ctx); return nil })
	parts.run("log", func(error) {}, r.sendLogs)
	parts.run("states", func(error) {}, r.sendStates)
	var err error
	select {
	case <-ctx.Done():
		patience := goodbye
		if client.Silent() {
			patience = goodbyeAlone
		}
		closing, cancel := context.WithTimeout(context.Background(), patience)
		r.stopSessions(closing)
		if cerr := client.Close(closing); cerr != nil {
			r.log.Warn("the server was not told that the runner ends", "error", cerr)
		}
		cancel()
	case err = <-ended:
	}
	return errors.Join(err, parts.stop(stopTimeout))
}

func (r *Runner) names() []string {
	var names []string
	for _, p := range r.plugins.all() {
		names = append(names, p.name)
	}
	return names
}

// stopSessions ends the sessions in order, until ctx ends.
func (r *Runner) stopSessions(ctx context.Context) {
	w := r.current()
	if w == nil {
		return
	}
	w.end()
	done := make(chan struct{})
	go func() {
		w.sessions.stopAll()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
		r.log.Warn("some sessions did not end in time")
	}
}

func (r *Runner) current() *shift {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.work
}

func (r *Runner) set(w *shift) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.work = w
	close(r.changed)
	r.changed = make(chan struct{})
}

// open implements link.ClientOptions.Open.
func (r *Runner) open(c *link.Conn, w link.Welcome) (link.Receiver, func()) {
	s := &shift{conn: c, sink: link.NewSink(c), declared: make(chan struct{})}
	s.ctx, s.end = context.WithCancel(context.Background())
	s.sessions = newRunner(func(ctx context.Context, id resource.ID, plugin string) session.Options {
		return r.options(ctx, s, id, plugin)
	})
	r.log.Info("the runner is connected", "server", w.Version)
	r.set(s)
	go r.declareAll(s)
	return func(_ context.Context, m link.Message, answer func([]byte, error)) { r.receive(s, m, answer) }, func() {
		r.set(nil)
		s.end()
		s.sessions.stopAll() // their Sink has ended, so they do not wait for it
	}
}

// declareAll tells a server that was not told what the plugins declare.
func (r *Runner) declareAll(s *shift) {
	defer close(s.declared)
	r.mu.Lock()
	manifests := maps.Clone(r.manifests)
	r.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(manifests)) {
		if err := s.declare(s.ctx, name, manifests[name]); err != nil && s.conn.Err() == nil {
			r.log.Error("the server refuses the plugin's declarations", "plugin", name, "error", err)
		}
	}
}

func (s *shift) declare(ctx context.Context, plugin string, m wire.Manifest) error {
	_, err := s.call(ctx, kindDeclare, declareNote{Plugin: plugin, Manifest: m})
	return err
}

func (s *shift) call(ctx context.Context, kind string, note any) ([]byte, error) {
	b, err := json.Marshal(note)
	if err != nil {
		return nil, err
	}
	return s.conn.Call(ctx, link.Message{Kind: kind, Body: b})
}

// declare is the declare of the plugin set: the server is asked, as long as it
// takes to reach it.
func (r *Runner) declare(ctx context.Context, plugin string, m wire.Manifest, _ asked) error {
	list, err := session.Classes(plugin, m)
	if err != nil {
		return err
	}
	byName := map[string]*resource.Class{}
	for _, c := range list {
		byName[c.Name] = c
	}
	for {
		r.mu.Lock()
		r.classes[plugin], r.manifests[plugin] = byName, m
		w, changed := r.work, r.changed
		r.mu.Unlock()
		if w != nil {
			if err := w.declare(ctx, plugin, m); err == nil || w.conn.Err() == nil {
				return err
			}
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// options are those of the session of a root.
func (r *Runner) options(ctx context.Context, s *shift, id resource.ID, plugin string) session.Options {
	return session.Options{
		ID: id, Plugin: plugin,
		Root: func() (session.Root, error) { return s.root(ctx, id) },
		Wait: func(ctx context.Context) (session.Plugin, error) {
			select {
			case <-s.declared:
			case <-ctx.Done():
				return nil, ctx.Err()
			}
			return r.plugins.session(ctx, plugin)
		},
		Again: func() <-chan struct{} { return r.plugins.loaded(plugin) },
		Class: func(name string) *resource.Class {
			r.mu.Lock()
			defer r.mu.Unlock()
			return r.classes[plugin][name]
		},
		Gate: r.gate, Target: targetsOf(r.o.Config.PluginTargets),
		Seal: func(plain string) string { return plain }, // the server has the key
		Sink: s.sink, Route: r.plugins.route, Scanned: r.plugins.scanned(plugin),
		Log: r.sessionLog.With("plugin", plugin, "root", id), Now: time.Now, After: time.After,
		UpdatePeriod: time.Duration(r.o.Config.UpdatePeriod),
	}
}

// root asks the server for a root.
func (s *shift) root(ctx context.Context, id resource.ID) (session.Root, error) {
	var root session.Root
	b, err := s.call(ctx, kindRoot, rootNote{Root: id})
	if err != nil {
		if s.conn.Err() != nil {
			err = resource.Errorf(resource.NotFound, "the link to the server has ended") // so is the session
		}
		return root, err
	}
	return root, json.Unmarshal(b, &root)
}

// receive handles what the server says.
func (r *Runner) receive(s *shift, m link.Message, answer func([]byte, error)) {
	if s.sink.Receive(m) {
		return
	}
	var n rootNote
	var err error
	switch m.Kind {
	case kindAssign:
		if err = json.Unmarshal(m.Body, &n); err == nil && s.ctx.Err() == nil { // else the runner is ending
			s.sessions.begin(s.ctx, n.Root, n.Plugin)
		}
	case kindUnassign:
		if err = json.Unmarshal(m.Body, &n); err == nil {
			done := s.sessions.stop(n.Root)
			go func() {
				<-done
				_, _ = s.call(s.ctx, kindReleased, n) // it fails with the link, and the server with that
			}()
		}
	case kindCall:
		var c callNote
		if err = json.Unmarshal(m.Body, &c); err == nil {
			go func() { answer(r.call(s, c)) }() // it may take its time
			return
		}
	default:
		err = resource.Errorf(resource.Invalid, "this runner does not know messages of kind %.80q", m.Kind)
	}
	if err != nil {
		r.log.Warn("a message of the server was not understood", "message", m.Kind, "error", err)
	}
	answer(nil, err)
}

// call has a plugin run a method.
func (r *Runner) call(s *shift, c callNote) ([]byte, error) {
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	p, err := r.plugins.process(ctx, c.Plugin)
	if err != nil {
		return nil, err
	}
	defer p.Release()
	var result json.RawMessage
	if err := p.Call(ctx, c.Method, c.Params, &result); err != nil {
		return nil, err
	}
	return result, nil
}

// sendStates tells the server how the plugins are, until ctx ends.
func (r *Runner) sendStates(ctx context.Context) error {
	var told *shift
	var last []byte
	for {
		if w := r.current(); w != nil {
			b, err := r.states()
			if err != nil {
				return err
			}
			if w != told || !bytes.Equal(b, last) {
				if w.conn.Send(ctx, link.Message{Kind: kindPlugins, Body: b, Priority: link.Low}) == nil {
					told, last = w, b
				}
			}
		}
		select {
		case <-time.After(statesEvery):
		case <-r.changes():
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (r *Runner) changes() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.changed
}

func (r *Runner) states() ([]byte, error) {
	r.mu.Lock()
	classes := maps.Clone(r.classes)
	r.mu.Unlock()
	list := []any{}
	for _, p := range r.plugins.all() {
		g := p.state()
		g.Outdated = p.outdatedBy(fingerprint(p.path))
		for _, name := range slices.Sorted(maps.Keys(classes[p.name])) {
			g.Classes = append(g.Classes, p.name+"."+name)
		}
		list = append(list, g)
	}
	return json.Marshal(list)
}

// sendLogs tells the server what the plugins log, until ctx ends.
func (r *Runner) sendLogs(ctx context.Context) error {
	for {
		select {
		case n := <-r.logs:
			r.sendLog(ctx, n)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// sendLog waits until the server has the line, or the runner ends.
func (r *Runner) sendLog(ctx context.Context, n logNote) {
	r.mu.Lock()
	dropped := r.dropped
	r.dropped = 0
	r.mu.Unlock()
	if dropped > 0 {
		n.Text = fmt.Sprintf("%s (%d lines of the log before this were dropped: the server was away)", n.Text, dropped)
	}
	b, err := json.Marshal(n)
	if err != nil { // a field that has no form as JSON
		n.Fields = nil
		if b, err = json.Marshal(n); err != nil {
			return
		}
	}
	for ctx.Err() == nil {
		changed := r.changes()
		if w := r.current(); w != nil && w.conn.Send(ctx, link.Message{Kind: kindLog, Body: b, Priority: link.Low}) == nil {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
		}
	}
}

// forward is a handler of logs that also hands them to the server.
type forward struct {
	slog.Handler
	r       *Runner
	least   slog.Level // of what the server gets
	session bool       // a session logs, not a plugin
	attrs   []slog.Attr
}

// Enabled implements slog.Handler.
func (h forward) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= h.least || h.Handler.Enabled(ctx, l)
}

// Handle implements slog.Handler.
func (h forward) Handle(ctx context.Context, rec slog.Record) error {
	if rec.Level >= h.least {
		n := logNote{Time: rec.Time, Level: rec.Level, Text: rec.Message, Session: h.session, Fields: map[string]any{}}
		add := func(a slog.Attr) bool {
			switch v := a.Value.Resolve(); {
			case a.Key == "plugin":
				n.Plugin = v.String()
			case v.Kind() == slog.KindAny, v.Kind() == slog.KindDuration:
				n.Fields[a.Key] = v.String()
			default:
				n.Fields[a.Key] = v.Any()
			}
			return true
		}
		for _, a := range h.attrs {
			add(a)
		}
		rec.Attrs(add)
		select {
		case h.r.logs <- n:
		default:
			h.r.mu.Lock()
			h.r.dropped++
			h.r.mu.Unlock()
		}
	}
	if h.Handler.Enabled(ctx, rec.Level) {
		return h.Handler.Handle(ctx, rec)
	}
	return nil
}

// WithAttrs implements slog.Handler.
func (h forward) WithAttrs(attrs []slog.Attr) slog.Handler {
	h.Handler, h.attrs = h.Handler.WithAttrs(attrs), slices.Concat(h.attrs, attrs)
	return h
}

// WithGroup implements slog.Handler. Groups are for the runner's own log only.
func (h forward) WithGroup(name string) slog.Handler {
	h.Handler = h.Handler.WithGroup(name)
	return h
}
