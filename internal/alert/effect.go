package alert

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/faultline-storage/faultline/internal/resource"
)

// effects keeps the effect of all active alerts until something changes it. It
// is computed only when somebody asks.
type effects struct {
	// age counts the changes; a computed effect is good for one age.
	age     atomic.Uint64
	current atomic.Pointer[effect]
	compute sync.Mutex
}

// effect is the effect of all active alerts on the graph, at one moment.
type effect struct {
	age uint64
	// worst has every affected resource with its worst severity.
	worst map[resource.ID]resource.Severity
	// classes counts them.
	classes map[*resource.Class]*[4]int

	mu sync.Mutex
	// below remembers what Affected found, by resource of the alert.
	below map[resource.ID]affected
}

type affected struct {
	counts      map[string]int
	filesystems []resource.ID
}

// forget makes the computed effect old.
func (e *effects) forget() { e.age.Add(1) }

// fresh returns the computed effect if nothing changed since.
func (e *effects) fresh() *effect {
	if cur := e.current.Load(); cur != nil && cur.age == e.age.Load() {
		return cur
	}
	return nil
}

// changed makes the effect old if the changes of the graph may touch it. They
// do so only where a resource or its parent is affected: whatever becomes
// affected first in a change has an affected parent, and is named in the change
// with its parents; whatever stops being affected was affected.
func (e *effects) changed(c *resource.Changes) {
	cur := e.fresh()
	if cur == nil {
		// One may be computed right now, from the graph without the change.
		e.forget()
		return
	}
	hit := func(r *resource.Resource) bool {
		if _, ok := cur.worst[r.ID]; ok {
			return true
		}
		for _, p := range r.Parents {
			if _, ok := cur.worst[p]; ok {
				return true
			}
		}
		return false
	}
	if slices.ContainsFunc(c.Created, hit) {
		e.forget()
		return
	}
	for i := range c.Updated {
		u := &c.Updated[i]
		// A new class, which comes with a name, changes the counts.
		if (u.Edges || u.Name) && hit(u.Resource) {
			e.forget()
			return
		}
	}
	if slices.ContainsFunc(c.Deleted, hit) {
		e.forget()
		return
	}
}

// effect returns the effect of the active alerts on the graph as it is now.
func (s *Stage) effect() *effect {
	e := &s.effects
	if cur := e.fresh(); cur != nil {
		return cur
	}
	e.compute.Lock()
	defer e.compute.Unlock()
	if cur := e.fresh(); cur != nil { // computed while we waited
		return cur
	}
	size := 0
	if old := e.current.Load(); old != nil {
		size = len(old.worst) // likely about the same
	}
	// The age is read before the walk: a change during it makes the result old.
	cur := s.walk(e.age.Load(), size)
	e.current.Store(cur)
	return cur
}

// walk goes down from all alerting resources at once, the worst first, so that
// every affected resource is reached once.
func (s *Stage) walk(age uint64, size int) *effect {
	cur := &effect{age: age,
		worst:   make(map[resource.ID]resource.Severity, size),
		classes: make(map[*resource.Class]*[4]int),
		below:   make(map[resource.ID]affected),
	}
	starts := make(map[resource.Severity][]resource.ID)
	s.mu.RLock()
	for id, own := range s.own {
		starts[own[0].Severity] = append(starts[own[0].Severity], id)
	}
	s.mu.RUnlock()
	for _, sev := range resource.Severities {
		queue := starts[sev]
		for len(queue) > 0 {
			id := queue[len(queue)-1]
			queue = queue[:len(queue)-1]
			if _, seen := cur.worst[id]; seen {
				continue
			}
			r := s.opts.Get(id)
			if r == nil {
				continue
			}
			cur.worst[id] = sev
			n := cur.classes[r.Class]
			if n == nil {
				n = new([4]int)
				cur.classes[r.Class] = n
			}
			n[sev]++
			queue = append(queue, r.Children...)
		}
	}
	return cur
}
