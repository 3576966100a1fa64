package alert

import (
	"context"
	"slices"

	"github.com/faultline-storage/faultline/internal/resource"
)

// FileSystem is the class name, own or inherited, of the resources that
// Affected names.
const FileSystem = "FileSystem"

// Health is the worst severity among the active alerts of the resource and of
// all its ancestors in the live graph; OK for a resource that is not there. It
// costs a look-up; the first call after a change that matters costs a walk over
// all affected resources.
func (s *Stage) Health(id resource.ID) resource.Severity { return s.effect().worst[id] }

// Sick has the health of all resources whose health is not OK. It is never
// changed, and costs what Health does.
func (s *Stage) Sick() map[resource.ID]resource.Severity { return s.effect().worst }

// HealthCounts counts the resources of exactly this class by health. The order
// is that of the severities, OK first.
func (s *Stage) HealthCounts(c *resource.Class) [4]int {
	var n [4]int
	if found := s.effect().classes[c]; found != nil {
		n = *found
	}
	if s.opts.Count != nil {
		// The count may be a moment younger than the effect.
		n[resource.OK] = max(0, s.opts.Count(c)-n[resource.Info]-n[resource.Warning]-n[resource.Error])
	}
	return n
}

// ActiveCounts counts the active alerts by severity; the count for OK is 0.
func (s *Stage) ActiveCounts() [4]int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var n [4]int
	for _, a := range s.active {
		n[a.Severity]++
	}
	return n
}

// Own returns the active alerts of the resource, worst first, then oldest
// first. They must not be modified.
func (s *Stage) Own(id resource.ID) []*resource.Alert {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.own[id]
}

// Inherited returns the active alerts of the ancestors of the resource, worst
// first, then of the nearest first.
func (s *Stage) Inherited(id resource.ID) []*resource.Alert {
	if s.Health(id) == resource.OK {
		return nil
	}
	steps, _ := s.opts.Walk(id, resource.Up, 0, 0)
	var out []*resource.Alert
	s.mu.RLock()
	for _, st := range steps { // nearest first
		if st.Depth > 0 {
			out = append(out, s.own[st.Resource.ID]...)
		}
	}
	s.mu.RUnlock()
	slices.SortStableFunc(out, func(a, b *resource.Alert) int { return int(b.Severity) - int(a.Severity) })
	return out
}

// Get returns an alert, active or ended, or nil if there is none. The failure
// of the store to answer is logged and looks the same.
func (s *Stage) Get(id resource.AlertID) *resource.Alert {
	s.mu.RLock()
	a := s.active[id]
	s.mu.RUnlock()
	if a != nil {
		return a
	}
	a, err := s.opts.Store.Alert(context.Background(), id)
	if err != nil {
		if resource.KindOf(err) != resource.NotFound {
			s.opts.Log.Error("read an alert", "alert", id, "error", err)
		}
		return nil
	}
	return a
}

// List answers a query from the store, which is never behind what the other
// methods say. Its errors about the query are Faults that name the field.
func (s *Stage) List(q resource.AlertQuery) (resource.AlertPage, error) {
	return s.opts.Store.Alerts(context.Background(), q)
}

// Affected counts the descendants of the alert's resource in the live graph, by
// full class name, and returns the file systems that the alert endangers:
// descendants whose class is or inherits FileSystem, and the resource itself if
// it is one. Both are empty if the resource is gone. The answer must not be
// modified.
func (s *Stage) Affected(a *resource.Alert) (counts map[string]int, filesystems []resource.ID) {
	cur := s.effect()
	_, tracked := cur.worst[a.Resource]
	if tracked {
		cur.mu.Lock()
		found, ok := cur.below[a.Resource]
		cur.mu.Unlock()
		if ok {
			return found.counts, found.filesystems
		}
	}
	steps, _ := s.opts.Walk(a.Resource, resource.Down, 0, 0)
	classes := make(map[*resource.Class]int)
	for _, st := range steps {
		c := st.Resource.Class
		if st.Depth > 0 {
			classes[c]++
		}
		if c.Is(FileSystem) {
			filesystems = append(filesystems, st.Resource.ID)
		}
	}
	counts = make(map[string]int, len(classes))
	for c, n := range classes {
		counts[c.FullName()] += n
	}
	slices.Sort(filesystems)
	if tracked {
		// A change below an affected resource makes cur old, and this with it.
		cur.mu.Lock()
		cur.below[a.Resource] = affected{counts, filesystems}
		cur.mu.Unlock()
	}
	return counts, filesystems
}
