package alert_test

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/faultline-storage/faultline/internal/alert"
	"github.com/faultline-storage/faultline/internal/feed"
	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/internal/store/memory"
)

var epoch = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// world is a small inventory that a stage follows. Its methods that change it
// collect what changed until tell.
type world struct {
	tb    testing.TB
	store alert.Store

	mu      sync.RWMutex
	all     map[resource.ID]*resource.Resource
	unknown map[string]bool // full class names that the server does not know
	next    resource.ID
	seq     uint64
	pending *resource.Changes
	log     *feed.Log[*resource.Changes]

	clock bool // see now
	// whenRead, if not nil, is called after a resource was looked up.
	whenRead func(resource.ID)
	stage    *alert.Stage
	stop     func()
}

func newWorld(tb testing.TB, store alert.Store) *world {
	w := &world{tb: tb, store: store, all: map[resource.ID]*resource.Resource{}, unknown: map[string]bool{}, next: 1,
		pending: &resource.Changes{}, log: feed.New[*resource.Changes](1<<20, 0)}
	if store == nil {
		w.store = memory.New()
	}
	tb.Cleanup(func() {
		if w.stop != nil {
			w.stop()
		}
	})
	return w
}

// up starts a new stage on the present state of the world.
func (w *world) up() {
	w.tb.Helper()
	s, err := alert.New(alert.Options{Store: w.store, Get: w.Get, Walk: w.Walk, Class: w.Class, Count: w.Count,
		Seq: w.position, Missed: w.Missed, Now: w.now, After: time.After})
	if err != nil {
		w.tb.Fatal(err)
	}
	w.stage = s
	w.run()
}

// run runs the stage until stop.
func (w *world) run() {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	snapshot, seq := w.snapshot()
	s := w.stage
	go func() { done <- s.Run(ctx, snapshot, seq, w.log.Since(ctx, seq)) }()
	w.stop = func() {
		cancel()
		w.stop = nil
		if err := <-done; err != nil && ctx.Err() == nil {
			w.tb.Errorf("run: %v", err)
		}
	}
	if err := s.WaitSeq(w.tb.Context(), seq); err != nil {
		w.tb.Fatal(err)
	}
}

// Missed yields what the log has.
func (w *world) Missed(ctx context.Context, after, upTo uint64) iter.Seq2[*resource.Changes, error] {
	return func(yield func(*resource.Changes, error) bool) {
		if after >= upTo {
			return
		}
		for c, err := range w.log.Since(ctx, after) {
			if !yield(c, err) || err != nil || c.Seq >= upTo {
				return
			}
		}
	}
}

// now is the time of the last change, or in a world with clock the time of the
// synctest bubble.
func (w *world) now() time.Time {
	if w.clock {
		return time.Now()
	}
	w.mu.RLock()
	defer w.mu.RUnlock()
	return epoch.Add(time.Duration(w.seq) * time.Second)
}

func (w *world) snapshot() (iter.Seq[*resource.Resource], uint64) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	var rs []*resource.Resource
	for _, r := range w.all {
		if !w.unknown[r.Class.FullName()] {
			rs = append(rs, r)
		}
	}
	return slices.Values(rs), w.seq
}

// tell publishes what changed and waits until the stage has evaluated it.
func (w *world) tell() {
	w.tb.Helper()
	w.publish()
	if w.stop == nil {
		return
	}
	if err := w.stage.WaitSeq(w.tb.Context(), w.seq); err != nil {
		w.tb.Fatal(err)
	}
}

func (w *world) publish() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seq++
	c := w.pending
	c.Seq, c.Time = w.seq, epoch.Add(time.Duration(w.seq)*time.Second)
	if w.clock {
		c.Time = time.Now()
	}
	w.pending = &resource.Changes{}
	w.log.Append(c.Seq, c)
}

func (w *world) position() uint64 {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return w.seq
}

func (w *world) Get(id resource.ID) *resource.Resource {
	if w.whenRead != nil {
		defer w.whenRead(id)
	}
	w.mu.RLock()
	defer w.mu.RUnlock()
	return w.all[id]
}

func (w *world) Class(plugin, name string) *resource.Class {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if full := plugin + "." + name; !w.unknown[full] {
		return &resource.Class{Plugin: plugin, Name: name}
	}
	return nil
}

func (w *world) Count(c *resource.Class) int {
	w.mu.RLock()
	defer w.mu.RUnlock()
	n := 0
	for _, r := range w.all {
		if r.Class == c {
			n++
		}
	}
	return n
}

func (w *world) Walk(start resource.ID, dir resource.Direction, _, _ int) ([]resource.Step, bool) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if w.all[start] == nil {
		return nil, false
	}
	seen := map[resource.ID]bool{start: true}
	steps := []resource.Step{{Resource: w.all[start]}}
	for i := 0; i < len(steps); i++ {
		near := steps[i].Resource.Parents
		if dir == resource.Down {
			near = steps[i].Resource.Children
		}
		for _, id := range near {
			if !seen[id] && w.all[id] != nil {
				seen[id] = true
				steps = append(steps, resource.Step{Resource: w.all[id], Via: steps[i].Resource.ID, Depth: steps[i].Depth + 1})
			}
		}
	}
	return steps, false
}

// create adds a resource with the named values and parents.
func (w *world) create(c *resource.Class, name string, values map[string]resource.Value, parents ...resource.ID) resource.ID {
	w.mu.Lock()
	defer w.mu.Unlock()
	r := &resource.Resource{ID: w.next, Class: c, Label: name, Scope: 1, Reporters: []resource.ID{1},
		Values: make([]resource.Value, len(c.Attributes)), Parents: sorted(parents)}
	w.next++
	for n, v := range values {
		i := c.Attr(n)
		if i < 0 {
			w.tb.Fatalf("class %s has no attribute %q", c.FullName(), n)
		}
		r.Values[i] = v
	}
	if c.Root() {
		r.Root = &resource.RootState{Live: true}
	}
	w.all[r.ID] = r
	w.pending.Created = append(w.pending.Created, r)
	for _, p := range r.Parents {
		w.edit(p, resource.Update{}, func(p *resource.Resource) { p.Children = sorted(append(p.Children, r.ID)) })
	}
	return r.ID
}

func sorted(ids []resource.ID) []resource.ID {
	ids = slices.Clone(ids)
	slices.Sort(ids)
	return slices.Compact(ids)
}

// edit replaces a resource by a changed copy; u says what of it changed. The
// caller holds the lock.
func (w *world) edit(id resource.ID, u resource.Update, f func(*resource.Resource)) {
	r := *w.all[id]
	r.Values = slices.Clone(r.Values)
	r.Parents, r.Children = slices.Clone(r.Parents), slices.Clone(r.Children)
	f(&r)
	w.all[id] = &r
	for i, c := range w.pending.Created {
		if c.ID == id {
			w.pending.Created[i] = &r
			return
		}
	}
	for i := range w.pending.Updated {
		if o := &w.pending.Updated[i]; o.Resource.ID == id {
			o.Resource = &r
			o.Attributes = append(o.Attributes, u.Attributes...)
			o.Edges, o.State, o.Name = o.Edges || u.Edges, o.State || u.State, o.Name || u.Name
			return
		}
	}
	if len(u.Attributes) > 0 || u.Edges || u.State || u.Name {
		u.Resource = &r
		w.pending.Updated = append(w.pending.Updated, u)
	}
}

func (w *world) set(id resource.ID, attr string, v resource.Value) {
	w.mu.Lock()
	defer w.mu.Unlock()
	i := w.all[id].Class.Attr(attr)
	if i < 0 {
		w.tb.Fatalf("no attribute %q", attr)
	}
	w.edit(id, resource.Update{Attributes: []int{i}}, func(r *resource.Resource) { r.Values[i] = v })
}

func (w *world) sample(id resource.ID, stat string, v float64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	i := w.all[id].Class.Stat(stat)
	if i < 0 {
		w.tb.Fatalf("no statistic %q", stat)
	}
	w.pending.Samples = append(w.pending.Samples, resource.Sample{Resource: id, Stat: i, Time: epoch, Value: v})
}

func (w *world) state(id resource.ID, s resource.RootState) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.edit(id, resource.Update{State: true}, func(r *resource.Resource) { r.Root = &s })
}

func (w *world) alias(id resource.ID, name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.edit(id, resource.Update{Name: true}, func(r *resource.Resource) { r.Alias = name })
}

func (w *world) redeclare(old, c *resource.Class) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for id, r := range w.all {
		if r.Class == old {
			w.edit(id, resource.Update{Name: true}, func(r *resource.Resource) { r.Class = c })
		}
	}
}

func (w *world) link(parent, child resource.ID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.edit(parent, resource.Update{}, func(r *resource.Resource) { r.Children = sorted(append(r.Children, child)) })
	w.edit(child, resource.Update{Edges: true}, func(r *resource.Resource) { r.Parents = sorted(append(r.Parents, parent)) })
}

func without(ids []resource.ID, id resource.ID) []resource.ID {
	return slices.DeleteFunc(ids, func(x resource.ID) bool { return x == id })
}

func (w *world) unlink(parent, child resource.ID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.edit(parent, resource.Update{}, func(r *resource.Resource) { r.Children = without(r.Children, child) })
	w.edit(child, resource.Update{Edges: true}, func(r *resource.Resource) { r.Parents = without(r.Parents, parent) })
}

func (w *world) remove(id resource.ID) {
	r := w.Get(id)
	for _, p := range r.Parents {
		w.unlink(p, id)
	}
	for _, c := range r.Children {
		w.unlink(id, c)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.all, id)
	isIt := func(x *resource.Resource) bool { return x.ID == id }
	if i := slices.IndexFunc(w.pending.Created, isIt); i >= 0 {
		w.pending.Created = slices.Delete(w.pending.Created, i, i+1)
		return
	}
	w.pending.Updated = slices.DeleteFunc(w.pending.Updated, func(u resource.Update) bool { return u.Resource.ID == id })
	w.pending.Deleted = append(w.pending.Deleted, r)
}

// active returns what is active on a resource, as "severity condition" texts.
func (w *world) active(id resource.ID) []string {
	var out []string
	for _, a := range w.stage.Own(id) {
		out = append(out, fmt.Sprintf("%v %s", a.Severity, a.Message))
	}
	return out
}
