package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/faultline-storage/faultline/internal/api/gen"
	"github.com/faultline-storage/faultline/internal/pluginhost"
	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/internal/session"
	"github.com/faultline-storage/faultline/sdk/wire"
)

const (
	// startPatience is how long a session waits for its plugin's process before
	// it counts as failed, if the process is not just being started.
	startPatience = 5 * time.Second
	// startTick is how often it looks again after that.
	startTick = 200 * time.Millisecond
)

// pluginSet is the plugins of a server and their processes. Plugins are added,
// replaced and removed while it runs. Its methods are safe for concurrent use.
type pluginSet struct {
	o    setOptions
	uses useSamples // for those who ask how the plugins are

	mu     sync.Mutex
	byName map[string]*plugin
	loads  map[string]chan struct{}    // closed when the plugin is loaded; see loaded
	ctx    context.Context             //nolint:containedctx // that of run; nil before, and it outlives who adds a plugin
	routes map[string]func(wire.Batch) // by session

	processes sync.WaitGroup // supervisors, and what waits for sessions to leave one
}

// setOptions configure a pluginSet.
type setOptions struct {
	host    pluginhost.Options // of every process
	resolve pluginhost.ResolveOptions
	debug   debugging
	declare declare
	// budgets are those of a plugin, for those who ask how it is. Optional.
	budgets func(plugin string) *gen.PluginBudgets
	// hostsOnly has the set run no plugins but those that agents feed: a server that
	// leaves the others to runners is still the one that agents talk to.
	hostsOnly bool
	// changed is called when the set has a plugin that it had not, or the other way
	// round. Optional.
	changed func(name string)
}

// debugging names plugins whose whole log is kept, and where.
type debugging struct {
	plugins []string
	all     bool // it is all of them
	log     *slog.Logger
}

// origin is where the set knows a plugin from.
type origin string

const (
	fromConfig origin = "configuration"
	fromFolder origin = "folder"
	fromServer origin = "server" // without being asked; see addWaiting
)

func newPluginSet(o setOptions) *pluginSet {
	if o.changed == nil {
		o.changed = func(string) {}
	}
	if o.host.Log == nil {
		o.host.Log = slog.New(slog.DiscardHandler)
	}
	return &pluginSet{
		o: o, byName: map[string]*plugin{}, loads: map[string]chan struct{}{},
		routes: map[string]func(wire.Batch){},
	}
}

// add finds a plugin and, if the set runs, starts it; nobody waits for that. One
// that cannot run is kept all the same, as broken: it must not keep the server
// from starting (guide, "Introduction": a problem with a plugin is a matter for
// the log). The only error is that of a plugin whose name another one has.
func (s *pluginSet) add(path string, from origin) (*plugin, error) {
	spec, err := pluginhost.Resolve(path, s.o.resolve)
	name := cmp.Or(spec.Name, path)
	if err == nil && name == resource.ServerPlugin {
		err = fmt.Errorf("plugin %s: the name %s is the server's own; rename it", path, name)
		name = path
	}
	p := &plugin{set: s, name: name, from: from, path: path, kind: spec.Kind, changed: make(chan struct{}), tried: fingerprint(path)}
	p.level.Set(slog.LevelWarn)
	if s.o.debug.all || slices.Contains(s.o.debug.plugins, name) {
		p.level.Set(slog.LevelDebug)
	}
	var waiting wire.Manifest
	switch {
	case err != nil:
	case from == fromFolder:
		err = vet(path)
	case from == fromServer:
		waiting, err = s.declareWaiting(name)
	}
	if err != nil {
		s.o.host.Log.Error("a plugin was not loaded", "path", path, "error", err)
		p.broken = err
	} else {
		p.version = p.newVersion(spec)
		p.version.adopted, p.version.waiting, p.version.manifest = true, from == fromServer, waiting
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if other := s.byName[name]; other != nil {
		other.shadow(path)
		s.o.host.Log.Error("a plugin was not loaded: another one has its name", "plugin", name, "path", path, "loaded", other.where())
		return nil, resource.Errorf(resource.Conflict, "plugin %s was not loaded: %s has the same name", path, other.where())
	}
	s.byName[name] = p
	if p.version != nil {
		s.start(p.version)
	}
	s.announce(name)
	go s.o.changed(name) // not under mu
	return p, nil
}

// declareWaiting puts the classes of a plugin that agents feed into the inventory, so
// that they are known, and other plugins can relate to them, before a host reports.
// The plugin is part of this program: it needs no process to say what it declares.
func (s *pluginSet) declareWaiting(name string) (wire.Manifest, error) {
	program := hostPlugins[name]
	if program == nil {
		return wire.Manifest{}, fmt.Errorf("there is no built-in plugin %q for hosts; there are %s", name, strings.Join(slices.Sorted(maps.Keys(hostPlugins)), ", "))
	}
	m, problems := program().Manifest()
	if len(problems) > 0 {
		return m, fmt.Errorf("plugin %s: %s", name, problems[0].Text)
	}
	return m, s.o.declare(context.Background(), name, m, nil)
}

// remove forgets a plugin and unloads it.
func (s *pluginSet) remove(ctx context.Context, name string) error {
	p := s.get(name)
	if p == nil {
		return nil
	}
	s.forget(p)
	return p.unload(ctx)
}

// forget takes a plugin out of the set. It runs on until it is unloaded.
func (s *pluginSet) forget(p *plugin) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byName[p.name] == p {
		delete(s.byName, p.name)
	}
}

// has reports whether the set has a plugin that nobody unloaded.
func (s *pluginSet) has(name string) bool {
	p := s.get(name)
	if p == nil {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return !errors.Is(p.broken, errUnloaded)
}

// runs reports whether the set runs a plugin of its own.
func (s *pluginSet) runs(p *plugin) bool { return !s.o.hostsOnly || p.from == fromServer }

// hasRunning reports whether the set has a plugin that it runs.
func (s *pluginSet) hasRunning(name string) bool {
	p := s.get(name)
	return p != nil && s.runs(p) && s.has(name)
}

// start runs a version's process if the set runs. The caller holds mu.
func (s *pluginSet) start(v *version) {
	if s.ctx == nil || s.ctx.Err() != nil || v.stop != nil || v.waits() || !s.runs(v.plugin) {
		return
	}
	ctx, cancel := context.WithCancel(s.ctx)
	v.stop = cancel
	s.processes.Go(func() {
		defer close(v.ended)
		_ = v.sup.Run(ctx) // it ends with ctx and says nothing else
	})
}

// run keeps every plugin's process running until ctx ends, but for those that wait
// for their first use.
func (s *pluginSet) run(ctx context.Context) {
	s.mu.Lock()
	s.ctx = ctx
	for _, p := range s.byName {
		if p.version != nil {
			s.start(p.version)
		}
	}
	s.mu.Unlock()
	<-ctx.Done()
	s.mu.Lock() // who holds it may be starting something; after that, nobody does
	over := &s.processes
	s.mu.Unlock()
	over.Wait()
}

// spawn has f run beside the set's processes, for a version that was started. It
// reports whether there is something to do: if the set is not running, it is not.
func (s *pluginSet) spawn(v *version, f func(running context.Context)) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v.stop == nil || s.ctx.Err() != nil {
		return false
	}
	s.processes.Go(func() { f(s.ctx) })
	return true
}

// spawnAct has f run beside the set's processes, if the set runs.
func (s *pluginSet) spawnAct(f func(running context.Context)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx == nil || s.ctx.Err() != nil {
		return
	}
	s.processes.Go(func() { f(s.ctx) })
}

// scanned returns what takes the times of a plugin's scans.
func (s *pluginSet) scanned(name string) func(method string, took time.Duration, failed bool) {
	return func(method string, took time.Duration, failed bool) {
		if p := s.get(name); p != nil {
			p.scans.note(method, took, failed)
		}
	}
}

// get returns the plugin of the name, or nil.
func (s *pluginSet) get(name string) *plugin {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.byName[name]
}

// all returns the plugins by name.
func (s *pluginSet) all() []*plugin {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]*plugin, 0, len(s.byName))
	for _, p := range s.byName {
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b *plugin) int { return strings.Compare(a.name, b.name) })
	return out
}

// loaded returns a channel that is closed when a plugin of the name is loaded
// the next time, so that who waits in vain for it now may try again.
func (s *pluginSet) loaded(name string) <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	ch := s.loads[name]
	if ch == nil {
		ch = make(chan struct{})
		s.loads[name] = ch
	}
	return ch
}

// announce wakes who waits for a plugin to be loaded. The caller holds mu.
func (s *pluginSet) announce(name string) {
	if ch := s.loads[name]; ch != nil {
		close(ch)
		delete(s.loads, name)
	}
}

// process returns the plugin's process once it is up and its classes are
// known; the caller releases it. It gives up after startPatience and says why
// there is none; a process that is being started has pluginhost's time for
// that, and one that takes another one's place the time that this takes.
func (s *pluginSet) process(ctx context.Context, name string) (*lease, error) {
	p := s.get(name)
	if p == nil {
		return nil, resource.Errorf(resource.Unavailable, "plugin %s is not loaded on this server", name)
	}
	p.wake()
	patience := time.NewTimer(startPatience)
	defer patience.Stop()
	for {
		l, changed, err := p.lease()
		if l != nil || err != nil {
			return l, err
		}
		select {
		case <-changed:
		case <-patience.C:
			// One that is being started will soon run or fail: on a busy machine that
			// takes its time, and is no outage.
			if !p.soon() {
				return nil, p.down()
			}
			patience.Reset(startTick)
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// session is process for session.Options.Wait.
func (s *pluginSet) session(ctx context.Context, name string) (session.Plugin, error) {
	l, err := s.process(ctx, name)
	if err != nil { // a nil *lease is no nil Plugin
		return nil, err
	}
	return l, nil
}

func (s *pluginSet) deliver(b wire.Batch) {
	s.mu.Lock()
	to := s.routes[b.Session]
	s.mu.Unlock()
	if to != nil {
		to(b)
	}
}

// route implements session.Options.Route.
func (s *pluginSet) route(id string, to func(wire.Batch)) (stop func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.routes[id] = to
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.routes, id)
	}
}

// errUnloaded is why a plugin that somebody unloaded does not run.
var errUnloaded = errors.New("it was unloaded")
