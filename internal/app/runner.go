package app

import (
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/faultline-storage/faultline/internal/config"
	"github.com/faultline-storage/faultline/internal/inventory"
	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/internal/secret"
	"github.com/faultline-storage/faultline/internal/session"
)

// passwords is the purpose under which the values of Password attributes are
// sealed.
const passwords = "password attributes"

// runner is a host: it keeps a session running for each root that it was given.
type runner struct {
	// options are those of the session of a root; ctx is that of the session.
	options func(ctx context.Context, id resource.ID, plugin string) session.Options

	sessions sync.WaitGroup // also those that are ending

	mu sync.Mutex
	// running are the sessions of the roots, ending has those before them, and
	// those of roots that are gone, until they are torn down.
	running, ending map[resource.ID]*running
}

// running is the session of a root.
type running struct {
	stop func()
	done chan struct{}
}

// of returns the session of a root, or nil.
func (r *runner) of(id resource.ID) *running {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.running[id]
}

// start implements host.
func (r *runner) start(ctx context.Context, root *resource.Resource) {
	r.begin(ctx, root.ID, root.Class.Plugin)
}

// begin starts the session of a root. One that runs already is ended first.
func (r *runner) begin(ctx context.Context, id resource.ID, plugin string) {
	r.stop(id)
	ctx, cancel := context.WithCancel(ctx)
	rn := &running{stop: cancel, done: make(chan struct{})}
	r.mu.Lock()
	before := r.ending[id]
	r.running[id] = rn
	r.mu.Unlock()
	s := session.New(r.options(ctx, id, plugin))
	r.sessions.Go(func() {
		defer func() {
			cancel()
			close(rn.done)
			r.mu.Lock()
			defer r.mu.Unlock()
			if r.ending[id] == rn {
				delete(r.ending, id)
			}
		}()
		if before != nil {
			<-before.done
		}
		s.Run(ctx)
	})
}

// stop implements host.
func (r *runner) stop(id resource.ID) <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	if rn := r.running[id]; rn != nil {
		delete(r.running, id)
		r.ending[id] = rn
		rn.stop()
	}
	if rn := r.ending[id]; rn != nil {
		return rn.done
	}
	done := make(chan struct{})
	close(done)
	return done
}

func (r *runner) stopUnless(there map[resource.ID]bool) {
	r.mu.Lock()
	ids := slices.Collect(maps.Keys(r.running))
	r.mu.Unlock()
	for _, id := range ids {
		if !there[id] {
			r.stop(id)
		}
	}
}

// stopAll ends all sessions and waits for their teardown.
func (r *runner) stopAll() {
	r.stopUnless(nil)
	r.sessions.Wait()
}

// newRunner returns a runner of sessions with the given options.
func newRunner(options func(ctx context.Context, id resource.ID, plugin string) session.Options) *runner {
	return &runner{options: options, running: map[resource.ID]*running{}, ending: map[resource.ID]*running{}}
}

// localSessions is what the sessions of a server's own runner work with.
type localSessions struct {
	inv          *inventory.Inventory
	plugins      *pluginSet
	secrets      *secret.Box
	gate         *session.Gate
	targets      config.PluginTargets
	self         session.Plugin // the server's own; nil if it reports nothing of itself
	log          *slog.Logger
	now          func() time.Time
	updatePeriod time.Duration
}

func (r *localSessions) options(_ context.Context, id resource.ID, plugin string) session.Options {
	return session.Options{
		ID: id, Plugin: plugin,
		Root: func() (session.Root, error) { return rootFor(r.inv, r.secrets, id) },
		Wait: func(ctx context.Context) (session.Plugin, error) {
			if plugin == resource.ServerPlugin && r.self != nil {
				return r.self, nil
			}
			return r.plugins.session(ctx, plugin)
		},
		Again: func() <-chan struct{} { return r.plugins.loaded(plugin) },
		Class: func(name string) *resource.Class {
			return r.inv.Class(plugin, name)
		},
		Seal: func(plain string) string { return r.secrets.Seal(passwords, plain) },
		Gate: r.gate, Target: targetsOf(r.targets),
		Sink: r.inv, Route: r.plugins.route, Scanned: r.plugins.scanned(plugin),
		Log: r.log.With("plugin", plugin, "root", id), Now: r.now, After: time.After,
		UpdatePeriod: r.updatePeriod,
	}
}

// agentOptions are those of a session that the agent of a host feeds.
func (r *localSessions) agentOptions(root, host resource.ID, plugin string) session.Options {
	o := r.options(nil, root, plugin) //nolint:staticcheck // it takes none
	o.HostID = host
	o.Wait = func(ctx context.Context) (session.Plugin, error) { return r.plugins.session(ctx, plugin) }
	o.Root = func() (session.Root, error) {
		out, err := rootFor(r.inv, r.secrets, root)
		if res := r.inv.Get(root); res != nil && res.Class.Plugin != plugin { // the server's, which no plugin knows
			out.Class, out.Attributes = resource.BaseHostRoot, map[string]json.RawMessage{}
		}
		return out, err
	}
	o.Gate = nil
	return o
}

// rootFor returns a root as its plugin may see it.
func rootFor(inv *inventory.Inventory, secrets *secret.Box, id resource.ID) (session.Root, error) {
	res := inv.Get(id)
	if res == nil {
		return session.Root{}, resource.Errorf(resource.NotFound, "there is no resource %d", id)
	}
	out := session.Root{Class: res.Class.Name, Attributes: map[string]json.RawMessage{}}
	for i, v := range res.Values {
		a := &res.Class.Attributes[i]
		if v.IsNull() || a.Kind == resource.Reference { // a session has no handle for what others report
			continue
		}
		if a.Kind == resource.Password {
			sealed, _ := v.Text()
			plain, err := secrets.Open(passwords, sealed)
			if err != nil {
				return out, &resource.Fault{Kind: resource.Internal, Text: "attribute " + a.Name + " cannot be decrypted; edit the resource and give it again", Cause: err}
			}
			v = resource.StringValue(plain)
		}
		out.Attributes[a.Name] = v.AppendJSON(nil)
	}
	return out, nil
}
