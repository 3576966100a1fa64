package app

import (
	"context"
	"encoding/json"
	"iter"
	"log/slog"
	"sync"
	"time"

	"github.com/faultline-storage/faultline/internal/inventory"
	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/internal/secret"
	"github.com/faultline-storage/faultline/internal/session"
)

// passwords is the purpose under which the values of Password attributes are
// sealed.
const passwords = "password attributes"

// runner keeps one session running for each root in the inventory.
type runner struct {
	inv          *inventory.Inventory
	plugins      *pluginSet
	secrets      *secret.Box
	log          *slog.Logger
	now          func() time.Time
	updatePeriod time.Duration

	mu      sync.Mutex
	running map[resource.ID]*running
}

// running is the session of a root.
type running struct {
	stop func()
	done chan struct{}
}

// run follows the inventory until ctx ends: a root that appears gets a
// session, one that a user edits gets a new one. It is a subscriber; sessions
// go on when it is run again. The caller stops them with stopAll.
func (r *runner) run(ctx context.Context, roots iter.Seq[*resource.Resource], _ uint64, changes iter.Seq2[*resource.Changes, error]) error {
	for root := range roots {
		if root.Root != nil && !r.has(root.ID) {
			r.start(ctx, root)
		}
	}
	for ch, err := range changes {
		if err != nil {
			return err
		}
		for _, c := range ch.Created {
			if c.Root != nil {
				r.start(ctx, c)
			}
		}
		for _, u := range ch.Updated {
			switch {
			case u.Resource.Root == nil:
			case !r.has(u.Resource.ID): // a found resource that a user has added
				r.start(ctx, u.Resource)
			case ch.Root == 0 && len(u.Attributes) > 0:
				r.start(ctx, u.Resource)
			}
		}
		for _, d := range ch.Deleted {
			if d.Root != nil {
				r.stopOne(d.ID)
			}
		}
	}
	return ctx.Err()
}

func (r *runner) has(id resource.ID) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.running[id] != nil
}

// start starts the session of a root; one that runs already is ended first.
func (r *runner) start(ctx context.Context, root *resource.Resource) {
	ctx, cancel := context.WithCancel(ctx)
	rn := &running{stop: cancel, done: make(chan struct{})}
	r.mu.Lock()
	before := r.running[root.ID]
	r.running[root.ID] = rn
	r.mu.Unlock()
	s := session.New(r.options(root.ID, root.Class.Plugin))
	go func() {
		defer close(rn.done)
		if before != nil {
			before.stop()
			<-before.done
		}
		s.Run(ctx)
	}()
}

// stopOne ends the session of a root and waits for its teardown.
func (r *runner) stopOne(id resource.ID) {
	r.mu.Lock()
	rn := r.running[id]
	delete(r.running, id)
	r.mu.Unlock()
	if rn != nil {
		rn.stop()
		<-rn.done
	}
}

func (r *runner) stopAll() {
	r.mu.Lock()
	all := r.running
	r.running = map[resource.ID]*running{}
	r.mu.Unlock()
	for _, rn := range all {
		rn.stop()
	}
	for _, rn := range all {
		<-rn.done
	}
}

// count returns how many roots of a plugin have a live session.
func (r *runner) count(plugin string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for id := range r.running {
		if res := r.inv.Get(id); res != nil && res.Class.Plugin == plugin && res.Root != nil && res.Root.Live {
			n++
		}
	}
	return n
}

func (r *runner) options(id resource.ID, plugin string) session.Options {
	return session.Options{
		ID: id, Plugin: plugin,
		Root: func() (session.Root, error) { return rootFor(r.inv, r.secrets, id) },
		Wait: func(ctx context.Context) (session.Plugin, error) { return r.plugins.process(ctx, plugin) },
		Class: func(name string) *resource.Class {
			return r.inv.Class(plugin, name)
		},
		Seal: func(plain string) string { return r.secrets.Seal(passwords, plain) },
		Sink: r.inv, Route: r.plugins.route,
		Log: r.log.With("plugin", plugin, "root", id), Now: r.now, After: time.After,
		UpdatePeriod: r.updatePeriod,
	}
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
