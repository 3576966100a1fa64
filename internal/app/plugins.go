package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

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

// pluginSet is the configured plugins and their processes. Its methods are
// safe for concurrent use.
type pluginSet struct {
	byName map[string]*plugin // fixed after newPluginSet

	mu     sync.Mutex
	routes map[string]func(wire.Batch) // by session
}

// plugin is one configured plugin.
type plugin struct {
	name string
	path string // as configured
	kind pluginhost.Kind
	// sup keeps its process running; nil if the plugin could not even be found.
	sup *pluginhost.Supervisor
	// shadows names plugins that were not loaded because this one has their name;
	// nil if there are none.
	shadows error

	mu      sync.Mutex
	broken  error               // why it cannot run; a server's view, beside the supervisor's
	current *pluginhost.Process // up, and its classes are in the inventory
	changed chan struct{}       // closed when current or broken changes
}

// declare puts the classes of a plugin into the inventory.
type declare func(ctx context.Context, plugin string, m wire.Manifest) error

// debugging names plugins whose whole log is kept, and where.
type debugging struct {
	plugins []string
	log     *slog.Logger
}

// newPluginSet finds the plugins. One that is not there, or whose name another
// one has, is kept as broken: it must not keep the server from starting (guide,
// "Introduction": a problem with a plugin is a matter for the log).
func newPluginSet(ctx context.Context, paths []string, o pluginhost.Options, ro pluginhost.ResolveOptions, debug debugging, d declare) *pluginSet {
	s := &pluginSet{byName: map[string]*plugin{}, routes: map[string]func(wire.Batch){}}
	for _, path := range paths {
		spec, err := pluginhost.Resolve(path, ro)
		name := spec.Name
		if name == "" {
			name = path
		}
		if other := s.byName[name]; other != nil {
			other.shadows = errors.Join(other.shadows, fmt.Errorf("a second plugin of this name, %s, was not loaded", path))
			o.Log.Error("a plugin was not loaded: another one has its name", "plugin", name, "path", path, "loaded", other.path)
			continue
		}
		p := &plugin{name: name, path: path, kind: spec.Kind, broken: err, changed: make(chan struct{})}
		s.byName[name] = p
		if err != nil {
			o.Log.Error("a plugin was not loaded", "path", path, "error", err)
			continue
		}
		po := o
		po.Spec, po.OnBatch, po.LogLevel = spec, s.deliver, slog.LevelWarn
		if slices.Contains(debug.plugins, name) {
			po.LogLevel, po.Log = slog.LevelDebug, debug.log
		}
		log := o.Log.With("plugin", name)
		p.sup = pluginhost.NewSupervisor(pluginhost.SupervisorOptions{
			Options: po,
			OnUp: func(proc *pluginhost.Process) {
				err := d(ctx, name, proc.Info().Manifest)
				if err != nil {
					log.Error("the plugin's declarations were refused", "error", err)
				} else {
					log.Info("the plugin is running", "pid", proc.Pid())
				}
				p.set(proc, err)
			},
			OnFail: func(err error) {
				log.Error("the plugin cannot be started", "error", err)
				if problems := pluginhost.Problems(err); len(problems) > 1 { // the error names the first
					for _, pr := range problems[1:] {
						log.Error("the plugin cannot be started: " + problemLine(path, pr))
					}
				}
				if pluginhost.Permanent(err) {
					p.set(nil, err)
				}
			},
			OnDown: func(err error) {
				if err != nil {
					log.Error("the plugin's process ended", "error", err)
				}
				p.set(nil, nil)
			},
		})
	}
	return s
}

func (p *plugin) set(proc *pluginhost.Process, broken error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.current, p.broken = proc, broken
	if broken != nil {
		p.current = nil
	}
	close(p.changed)
	p.changed = make(chan struct{})
}

// process returns the plugin's process once it is up and its classes are
// known. It gives up after startPatience and says why there is none; a process
// that is being started has pluginhost's time for that.
func (s *pluginSet) process(ctx context.Context, name string) (*pluginhost.Process, error) {
	p := s.byName[name]
	if p == nil {
		return nil, resource.Errorf(resource.Unavailable, "plugin %s is not configured on this server", name)
	}
	patience := time.NewTimer(startPatience)
	defer patience.Stop()
	for {
		p.mu.Lock()
		proc, broken, changed := p.current, p.broken, p.changed
		p.mu.Unlock()
		if proc != nil {
			return proc, nil
		}
		if broken != nil {
			return nil, &resource.Fault{Kind: resource.Unavailable, Text: "plugin " + name + " cannot run", Cause: broken}
		}
		if p.sup.Status().State == pluginhost.Failed { // it will not be started again
			return nil, p.down()
		}
		select {
		case <-changed:
		case <-patience.C:
			// One that is being started will soon run or fail: on a busy machine that
			// takes its time, and is no outage.
			if p.sup != nil && p.sup.Status().State == pluginhost.Starting {
				patience.Reset(startTick)
				continue
			}
			return nil, p.down()
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// down says why the plugin's process is not there.
func (p *plugin) down() error {
	f := &resource.Fault{Kind: resource.Unavailable, Text: "plugin " + p.name + " is not running"}
	if st := p.sup.Status(); st.LastError != nil {
		f.Cause = st.LastError
	}
	return f
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

// run keeps every plugin's process running until ctx ends.
func (s *pluginSet) run(ctx context.Context) {
	var wg sync.WaitGroup
	for _, p := range s.byName {
		if p.sup != nil {
			wg.Go(func() { _ = p.sup.Run(ctx) }) // it ends with ctx and says nothing else
		}
	}
	wg.Wait()
}

// all returns the plugins by name.
func (s *pluginSet) all() []*plugin {
	out := make([]*plugin, 0, len(s.byName))
	for _, p := range s.byName {
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b *plugin) int { return strings.Compare(a.name, b.name) })
	return out
}

// manifestStore is where manifests are kept between runs of the server.
type manifestStore interface {
	SaveManifest(ctx context.Context, plugin string, manifest []byte) error
	Manifests(ctx context.Context) (map[string][]byte, error)
}

// classSetter is the part of the inventory that declarations go to.
type classSetter interface {
	Class(plugin, name string) *resource.Class
	Count(c *resource.Class) int
	SetClasses(ctx context.Context, plugin string, classes []*resource.Class) ([]*resource.Class, error)
}

// declarer returns the declare that sets the classes and keeps the manifest, in
// this order: rows can be read by an older declaration of their class, and are
// then brought in step again, but a newer one would hide that they have to be.
func declarer(store manifestStore, inv classSetter) declare {
	return func(ctx context.Context, plugin string, m wire.Manifest) error {
		classes, err := session.Classes(plugin, m)
		if err != nil {
			return err
		}
		if _, err := inv.SetClasses(ctx, plugin, classes); err != nil {
			return err
		}
		if m, err = withFormer(ctx, store, inv, plugin, m); err != nil {
			return err
		}
		b, err := json.Marshal(m)
		if err != nil {
			return err
		}
		return store.SaveManifest(ctx, plugin, b)
	}
}

// withFormer adds to a manifest the classes that the plugin declared before,
// declares no more, and that there are still resources of.
func withFormer(ctx context.Context, store manifestStore, inv classSetter, plugin string, m wire.Manifest) (wire.Manifest, error) {
	all, err := store.Manifests(ctx)
	if err != nil {
		return m, err
	}
	var before wire.Manifest
	if text, ok := all[plugin]; !ok {
		return m, nil
	} else if err := json.Unmarshal(text, &before); err != nil {
		return m, nil //nolint:nilerr // a manifest that cannot be used is replaced, not a reason to refuse its successor
	}
	m.Classes = slices.Clone(m.Classes)
	for _, c := range before.Classes {
		declared := slices.ContainsFunc(m.Classes, func(d wire.Class) bool { return d.Name == c.Name })
		if known := inv.Class(plugin, c.Name); !declared && known != nil && inv.Count(known) > 0 {
			m.Classes = append(m.Classes, c)
		}
	}
	return m, nil
}

// knownClasses returns the classes that plugins declared in earlier runs.
func knownClasses(ctx context.Context, store manifestStore, log *slog.Logger) ([]*resource.Class, error) {
	manifests, err := store.Manifests(ctx)
	if err != nil {
		return nil, err
	}
	var all []*resource.Class
	for plugin, text := range manifests {
		var m wire.Manifest
		err := json.Unmarshal(text, &m)
		var classes []*resource.Class
		if err == nil {
			classes, err = session.Classes(plugin, m)
		}
		if err != nil {
			// The plugin will declare its classes anew when it starts.
			log.Error("the stored declarations of a plugin cannot be used", "plugin", plugin, "error", err)
			continue
		}
		all = append(all, classes...)
	}
	return all, nil
}
