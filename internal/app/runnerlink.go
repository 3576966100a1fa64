package app

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/faultline-storage/faultline/internal/api"
	"github.com/faultline-storage/faultline/internal/link"
	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/internal/session"
	"github.com/faultline-storage/faultline/sdk/wire"
)

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
func (r *Runner) declare(ctx context.Context, plugin string, m wire.Manifest, p asked) error {
	list, err := checkedClasses(plugin, m)
	if err != nil {
		return err
	}
	byName := map[string]*resource.Class{}
	for _, c := range list {
		byName[c.Name] = c
	}
	r.mu.Lock()
	r.asking[plugin] = p
	r.mu.Unlock()
	err = r.linked(ctx, func(w *shift) error { return w.declare(ctx, plugin, m) })
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.asking, plugin)
	if err == nil {
		r.classes[plugin], r.manifests[plugin] = byName, m
	}
	return err
}

// compare has the server compare what a plugin declares with what it has.
func (r *Runner) compare(ctx context.Context, plugin string, running *wire.Manifest, next wire.Manifest) (*api.PluginChanges, error) {
	var ch api.PluginChanges
	err := r.linked(ctx, func(w *shift) error {
		b, err := w.call(ctx, kindChanges, changesNote{Plugin: plugin, Running: running, Next: next})
		if err != nil {
			return err
		}
		return json.Unmarshal(b, &ch)
	})
	return &ch, err
}

// linked asks the server something, as long as it takes to reach it.
func (r *Runner) linked(ctx context.Context, ask func(*shift) error) error {
	for {
		r.mu.Lock()
		w, changed := r.work, r.changed
		r.mu.Unlock()
		if w != nil {
			if err := ask(w); err == nil || w.conn.Err() == nil {
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
	case kindAct:
		var n actNote
		if err = json.Unmarshal(m.Body, &n); err == nil {
			go func() {
				a, err := r.act(s.ctx, n)
				answerJSON(answer, a, err)
			}()
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
	p, done, err := r.whoAnswers(ctx, c)
	if err != nil {
		return nil, err
	}
	defer done()
	var result json.RawMessage
	if err := p.Call(ctx, c.Method, c.Params, &result); err != nil {
		return nil, err
	}
	return result, nil
}

// whoAnswers returns the process to ask: of a plugin that is being declared, the one
// that is, for it serves nobody else yet.
func (r *Runner) whoAnswers(ctx context.Context, c callNote) (p asked, done func(), err error) {
	r.mu.Lock()
	p = r.asking[c.Plugin]
	r.mu.Unlock()
	if p != nil && c.Method == wire.MethodDefaults {
		return p, func() {}, nil
	}
	l, err := r.plugins.process(ctx, c.Plugin)
	if err != nil {
		return nil, nil, err
	}
	return l, l.Release, nil
}

// act acts on a plugin for a user of the server.
func (r *Runner) act(ctx context.Context, n actNote) (a actAnswer, err error) {
	ctx, cancel := context.WithTimeout(ctx, n.Within)
	defer cancel()
	defer func() { // also where it failed: a plugin knows why its files were not taken in
		select {
		case r.acted <- struct{}{}:
		default:
		}
	}()
	switch n.Act {
	case actLoad:
		err = r.catalog.Load(ctx, n.Plugin)
	case actChanges:
		a.Changes, err = r.catalog.Changes(ctx, n.Plugin)
	case actReload:
		a.Changes, err = r.catalog.Reload(ctx, n.Plugin)
	case actUnload:
		err = r.catalog.Unload(ctx, n.Plugin)
	case actLogLevel:
		err = r.catalog.SetLogLevel(ctx, n.Plugin, n.Level)
	default:
		err = resource.Errorf(resource.Invalid, "this runner does not know how to %.80q a plugin", n.Act)
	}
	a.Plugins = r.states()
	return a, err
}

func (r *Runner) changes() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.changed
}
