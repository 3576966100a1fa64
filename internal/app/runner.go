package app

import (
	"context"
	"encoding/json"
	"iter"
	"log/slog"
	"maps"
	"slices"
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

	sessions sync.WaitGroup // also those that are ending

	mu sync.Mutex
	// running are the sessions of the roots, ending has those before them, and
	// those of roots that are gone, until they are torn down.
	running, ending map[resource.ID]*running
}

// running is the session of a root.
type running struct {
	values []resource.Value // of the root, as they were last seen
	stop   func()
	done   chan struct{}
}

// run follows the inventory until ctx ends: a root that appears gets a
// session, one that a user edits gets a new one, and one that goes has its
// session torn down. It waits for no plugin. It is a subscriber; sessions go on
// when it is run again. The caller stops them with stopAll.
func (r *runner) run(ctx context.Context, roots iter.Seq[*resource.Resource], _ uint64, changes iter.Seq2[*resource.Changes, error]) error {
	there := map[resource.ID]bool{}
	for root := range roots {
		if root.Root != nil {
			there[root.ID] = true
			// It may have been edited while nobody followed.
			if s := r.of(root.ID); s == nil || !slices.Equal(s.values, root.Values) {
				r.start(ctx, root)
			}
		}
	}
	r.stopUnless(there)
	for ch, err := range changes {
		if err != nil {
			return err
		}
		for _, c := range ch.Created {
			if c.Root != nil {
				r.start(ctx, c)
			}
		}
		for i := range ch.Updated {
			r.updated(ctx, ch.Root == 0, &ch.Updated[i])
		}
		for _, d := range ch.Deleted {
			r.stop(d.ID)
		}
	}
	return ctx.Err()
}

// updated follows a change of a resource, by a user or by a session.
func (r *runner) updated(ctx context.Context, byUser bool, u *resource.Update) {
	s := r.of(u.Resource.ID)
	switch {
	case u.Resource.Root == nil:
		r.stop(u.Resource.ID) // a root that a user took back, and a scan still finds
	case s == nil: // a found resource that a user has added
		r.start(ctx, u.Resource)
	case len(u.Attributes) == 0:
	case byUser:
		r.start(ctx, u.Resource)
	default:
		r.mu.Lock()
		s.values = u.Resource.Values
		r.mu.Unlock()
	}
}

// of returns the session of a root, or nil.
func (r *runner) of(id resource.ID) *running {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.running[id]
}

// start starts the session of a root; one that runs already is ended first.
func (r *runner) start(ctx context.Context, root *resource.Resource) {
	id := root.ID
	r.stop(id)
	ctx, cancel := context.WithCancel(ctx)
	rn := &running{values: root.Values, stop: cancel, done: make(chan struct{})}
	r.mu.Lock()
	before := r.ending[id]
	r.running[id] = rn
	r.mu.Unlock()
	s := session.New(r.options(id, root.Class.Plugin))
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

// stop has the session of a root torn down, if there is one, and does not wait
// for it.
func (r *runner) stop(id resource.ID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if rn := r.running[id]; rn != nil {
		delete(r.running, id)
		r.ending[id] = rn
		rn.stop()
	}
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
		Root:  func() (session.Root, error) { return rootFor(r.inv, r.secrets, id) },
		Wait:  func(ctx context.Context) (session.Plugin, error) { return r.plugins.session(ctx, plugin) },
		Again: func() <-chan struct{} { return r.plugins.loaded(plugin) },
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
