package app

import (
	"context"
	"iter"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/faultline-storage/faultline/internal/inventory"
	"github.com/faultline-storage/faultline/internal/resource"
)

// host runs the sessions of roots: the server itself, or a runner. Its methods do
// not wait, and do not call the placement.
type host interface {
	// start has a session of a root run, or begin anew.
	start(ctx context.Context, root *resource.Resource)
	// stop has the session of a root torn down. The channel is closed when that is
	// done, or no longer of interest: nothing more is taken from the session.
	stop(id resource.ID) <-chan struct{}
}

// placement decides which host runs which root, so that there is one session of a
// root at most. The server's own plugins come first, then the runners in the order
// in which they came. Its methods are safe for concurrent use.
type placement struct {
	inv *inventory.Inventory
	log *slog.Logger
	// local is the server as a host, and has tells which plugins it has. With
	// onlyOwn it has no others than those that are part of it, and leaves the rest
	// to runners.
	local   host
	has     func(plugin string) bool
	onlyOwn bool
	// patient says that runners may be on their way: until settled is called, nobody
	// is told that a plugin is missing.
	patient bool

	mu      sync.Mutex
	ctx     context.Context //nolint:containedctx // of the last run; sessions outlive what starts them
	runners []*remote
	// chosen are the runners of plugins that the server has not itself.
	chosen map[string]*remote
	roots  map[resource.ID]*placed
	// left has the plugins whose last runner was stopped in order: nobody misses it.
	left map[string]bool
	// waited is set by settled.
	waited bool
}

// placed is where the session of a root runs.
type placed struct {
	root   *resource.Resource // as it was last seen
	at     host               // nil if nowhere
	moving bool               // its session is being torn down; it is placed anew after that
}

func newPlacement(inv *inventory.Inventory, log *slog.Logger) *placement {
	return &placement{inv: inv, log: log, chosen: map[string]*remote{}, roots: map[resource.ID]*placed{}, left: map[string]bool{}}
}

// run follows the inventory until ctx ends: a root that appears gets a session,
// one that a user edits gets a new one, and one that goes has its session torn
// down. It waits for no plugin. It is a subscriber; sessions go on when it is run
// again.
func (p *placement) run(ctx context.Context, roots iter.Seq[*resource.Resource], _ uint64, changes iter.Seq2[*resource.Changes, error]) error {
	p.mu.Lock()
	p.ctx = ctx
	p.mu.Unlock()
	there := map[resource.ID]bool{}
	for root := range roots {
		if placeable(root) {
			there[root.ID] = true
			p.found(root)
		}
	}
	p.removeUnless(there)
	for ch, err := range changes {
		if err != nil {
			return err
		}
		for _, c := range ch.Created {
			if placeable(c) {
				p.put(c)
			}
		}
		for i := range ch.Updated {
			p.updated(ch.Root == 0, &ch.Updated[i])
		}
		for _, d := range ch.Deleted {
			p.remove(d.ID)
		}
	}
	return ctx.Err()
}

// placeable reports whether a resource is a root whose session somebody has to keep
// going. The sessions of what agents report begin with what those say; see fleet.
func placeable(r *resource.Resource) bool { return r.Root != nil && !hostRoot(r.Class) }

// updated follows a change of a resource, by a user or by a session.
func (p *placement) updated(byUser bool, u *resource.Update) {
	id := u.Resource.ID
	if !placeable(u.Resource) {
		p.remove(id) // a root that a user took back, and a scan still finds
		return
	}
	p.mu.Lock()
	known := p.roots[id]
	if known != nil && (!byUser || u.Was != nil) { // where the class is declared anew, the sessions move by themselves
		known.root = u.Resource
	}
	p.mu.Unlock()
	if known == nil || len(u.Attributes) > 0 && byUser && u.Was == nil { // else a found resource that a user has added
		p.put(u.Resource)
	}
}

// found places a root that is there. It may have been edited while nobody
// followed.
func (p *placement) found(root *resource.Resource) {
	p.mu.Lock()
	known := p.roots[root.ID]
	same := known != nil && known.at != nil && slices.Equal(known.root.Values, root.Values)
	p.mu.Unlock()
	if !same {
		p.put(root)
	}
}

// put has a root run, or begin anew.
func (p *placement) put(root *resource.Resource) {
	p.mu.Lock()
	defer p.mu.Unlock()
	known := p.roots[root.ID]
	if known == nil {
		known = &placed{}
		p.roots[root.ID] = known
	}
	known.root = root
	if known.at != nil && !known.moving && p.hostOf(known) == known.at {
		known.at.start(p.ctx, root)
		return
	}
	p.settle(known)
}

func (p *placement) remove(id resource.ID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	known := p.roots[id]
	delete(p.roots, id)
	if known != nil && known.at != nil {
		known.at.stop(id)
	}
}

func (p *placement) removeUnless(there map[resource.ID]bool) {
	p.mu.Lock()
	var gone []resource.ID
	for id := range p.roots {
		if !there[id] {
			gone = append(gone, id)
		}
	}
	p.mu.Unlock()
	for _, id := range gone {
		p.remove(id)
	}
}

// hostOf decides where a root has to run; nil is nowhere. The caller holds mu.
func (p *placement) hostOf(r *placed) host {
	plugin := r.root.Class.Plugin
	if m := p.runnerOf(plugin); m != nil {
		return m
	}
	if p.local == nil || !p.has(plugin) && (p.onlyOwn || p.patient || p.left[plugin]) {
		return nil
	}
	return p.local // whose session says so if the plugin is not there
}

// runnerOf returns the runner to run a plugin, or nil if the server does, or
// nobody: the one that does already, else the first that came; one that is lost
// only if there is no other. The caller holds mu.
func (p *placement) runnerOf(plugin string) *remote {
	now := p.chosen[plugin]
	if p.local != nil && p.has(plugin) {
		delete(p.chosen, plugin)
		return nil
	}
	if now != nil && now.offers(plugin) && !now.isLost() {
		return now
	}
	i := slices.IndexFunc(p.runners, func(m *remote) bool { return m.offers(plugin) && !m.isLost() })
	if i < 0 {
		i = slices.IndexFunc(p.runners, func(m *remote) bool { return m.offers(plugin) && (now == nil || m == now) })
	}
	if i < 0 {
		delete(p.chosen, plugin)
		return nil
	}
	if m := p.runners[i]; m != now {
		p.chosen[plugin] = m
		m.chosen(plugin)
	}
	return p.chosen[plugin]
}

// settle brings a root to where it has to run. The caller holds mu.
func (p *placement) settle(r *placed) {
	want := p.hostOf(r)
	switch {
	case r.moving || p.ctx == nil || p.ctx.Err() != nil:
	case r.at == nil && want != nil:
		if m, ok := want.(*remote); ok {
			switch ok, why := m.ready(r.root.Class.Plugin); {
			case why != nil:
				p.offline(r.root.ID, "the plugin's declarations were refused: "+why.Error())
				return
			case !ok:
				return // it is settled again when the runner's declarations are known
			}
		}
		r.at = want
		want.start(p.ctx, r.root)
	case r.at != nil && r.at != want:
		r.moving = true
		done := r.at.stop(r.root.ID)
		go func() {
			<-done
			p.mu.Lock()
			defer p.mu.Unlock()
			r.moving, r.at = false, nil
			if p.roots[r.root.ID] == r {
				p.settle(r)
			}
		}()
	}
	if want == nil && r.at == nil {
		p.miss(r)
	}
}

// miss says that nobody runs a root, unless somebody wants it so. The caller holds
// mu.
func (p *placement) miss(r *placed) {
	if plugin := r.root.Class.Plugin; !p.patient && !p.left[plugin] && plugin != resource.ServerPlugin {
		why := "no runner is connected that has plugin " + plugin
		for _, m := range p.runners {
			if m.unloaded(plugin) {
				why = "plugin " + plugin + " was unloaded at runner " + m.name
			}
		}
		p.offline(r.root.ID, why)
	}
}

// offline marks a root, soon.
func (p *placement) offline(id resource.ID, why string) {
	if p.ctx == nil {
		return
	}
	ctx := context.WithoutCancel(p.ctx)
	go func() { // the inventory may be busy, and nobody waits here
		err := p.inv.SetRootState(ctx, id, func(st *resource.RootState) {
			st.Live, st.Offline, st.Error, st.NextTry = false, true, why, time.Time{}
		})
		if err != nil && resource.KindOf(err) != resource.NotFound {
			p.log.Error("the state of a root was not noted", "root", id, "error", err)
		}
	}()
}

// again settles the roots of a plugin, or of all plugins if it is empty: who has
// it has changed.
func (p *placement) again(plugin string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.againLocked(plugin)
}

func (p *placement) againLocked(plugin string) {
	for _, r := range p.roots {
		if plugin == "" || r.root.Class.Plugin == plugin {
			p.settle(r)
		}
	}
}

// settled says that runners which were on their way would be here by now.
func (p *placement) settled() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.patient, p.waited = false, true
	p.againLocked("")
}

// awaits reports whether runners may still be on their way.
func (p *placement) awaits() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.waited
}

// join takes a runner up. Its roots are started when its declarations are known.
func (p *placement) join(m *remote) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.runners = append(p.runners, m)
}

// leave drops a runner whose link has ended. Nothing runs there any more.
func (p *placement) leave(m *remote, inOrder bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.runners = slices.DeleteFunc(p.runners, func(o *remote) bool { return o == m })
	for _, plugin := range m.names() {
		p.left[plugin] = inOrder
	}
	for _, r := range p.roots {
		if r.at == m && !r.moving {
			r.at = nil
		}
	}
	p.againLocked("")
}

// at is runnerOf for others.
func (p *placement) at(plugin string) *remote {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.runnerOf(plugin)
}

// sessions counts the roots of a plugin with a live session at a host.
func (p *placement) sessions(plugin string, at host) (live, all int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for id, r := range p.roots {
		if r.root.Class.Plugin != plugin || r.at != at {
			continue
		}
		all++
		if now := p.inv.Get(id); now != nil && now.Root != nil && now.Root.Live {
			live++
		}
	}
	return live, all
}

// all returns the runners in the order in which they came.
func (p *placement) all() []*remote {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.runners)
}
