package alert

import (
	"cmp"
	"encoding/binary"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/faultline-storage/faultline/internal/resource"
)

// incidents keeps the incidents until an alert, or an edge that matters,
// changes. They are computed only when somebody asks.
type incidents struct {
	current atomic.Pointer[incidentSet]
	compute sync.Mutex
}

// incidentSet is all incidents at one moment.
type incidentSet struct {
	age, seq uint64 // see effects.age and Stage.seq
	list     []*resource.Incident
	byID     map[resource.ID]int // the index in list
	alerts   int                 // of all incidents, each once
	groups   [][]resource.ID     // the resources with alerts that have the same causes, by number of the set of causes
	sets     *causeSets
}

// Incidents returns the incidents of the live graph and how many active alerts
// belong to them, each counted once. The incidents are worst first, then the
// oldest first. They must not be modified. A look-up, if no alert and no edge
// that matters changed since the last call; else a walk over the ancestors of
// all resources with alerts.
func (s *Stage) Incidents() (list []*resource.Incident, alerts int) {
	set := s.incidentSet()
	return set.list, set.alerts
}

// Incident returns the incident of a topmost sick resource and the alerts of
// its effects, worst first, then the oldest; nil if there is none.
func (s *Stage) Incident(id resource.ID) (*resource.Incident, []*resource.Alert) {
	set := s.incidentSet()
	i, ok := set.byID[id]
	if !ok {
		return nil, nil
	}
	inc := set.list[i]
	effects := make([]*resource.Alert, 0, inc.Effects.Total)
	s.mu.RLock()
	for n, members := range set.groups {
		if !set.sets.has(n, id) {
			continue
		}
		for _, member := range members {
			if member != id {
				effects = append(effects, s.own[member]...)
			}
		}
	}
	s.mu.RUnlock()
	slices.SortFunc(effects, worstFirst)
	return inc, effects
}

func (s *Stage) incidentSet() *incidentSet {
	fresh := func() *incidentSet {
		cur := s.incidents.current.Load()
		if cur != nil && cur.age == s.effects.age.Load() && cur.seq == s.Seq() {
			return cur
		}
		return nil
	}
	if cur := fresh(); cur != nil {
		return cur
	}
	s.incidents.compute.Lock()
	defer s.incidents.compute.Unlock()
	if cur := fresh(); cur != nil { // computed while we waited
		return cur
	}
	// What tells whether a change of the graph matters is the effect, so it has to
	// be there; see effects.changed.
	age := s.effect().age
	cur := s.findIncidents(age)
	s.incidents.current.Store(cur)
	return cur
}

// findIncidents goes up from every resource that has alerts, and reaches every
// ancestor once.
func (s *Stage) findIncidents(age uint64) *incidentSet {
	s.mu.RLock()
	own, seq := maps.Clone(s.own), s.seq
	s.mu.RUnlock()
	cur := &incidentSet{age: age, seq: seq, byID: make(map[resource.ID]int), sets: newCauseSets()}
	sick := make(map[resource.ID]bool)
	for id, alerts := range own {
		if slices.ContainsFunc(alerts, (*resource.Alert).MayCause) {
			sick[id] = true
		}
	}
	found := make(map[resource.ID]int, 2*len(own))
	for id := range own {
		s.causesOf(id, sick, cur.sets, found)
	}
	cur.groups = make([][]resource.ID, len(cur.sets.list))
	counts := make([]resource.AlertCounts, len(cur.sets.list))
	for id, alerts := range own {
		n := found[id]
		if n == 0 { // nothing makes it sick, and it is not sick itself
			continue
		}
		cur.alerts += len(alerts)
		cur.groups[n] = append(cur.groups[n], id)
		if sick[id] && slices.Equal(cur.sets.list[n], []resource.ID{id}) {
			cur.byID[id] = len(cur.list)
			cur.list = append(cur.list, &resource.Incident{Resource: id, Causes: alerts, Severity: alerts[0].Severity,
				Effects: resource.AlertCounts{ByClass: make(map[string]int)}})
			continue // causes are no effects
		}
		countAlerts(&counts[n], alerts)
	}
	for n := range counts {
		if counts[n].Total == 0 {
			continue
		}
		for _, cause := range cur.sets.list[n] {
			add(cur.list[cur.byID[cause]], &counts[n])
		}
	}
	cur.sort()
	return cur
}

func countAlerts(c *resource.AlertCounts, alerts []*resource.Alert) {
	if c.ByClass == nil {
		c.ByClass = make(map[string]int)
	}
	c.Total += len(alerts)
	c.ByClass[alerts[0].Plugin+"."+alerts[0].Class] += len(alerts)
	for _, a := range alerts {
		c.BySeverity[a.Severity]++
	}
}

// add adds effects to an incident that is being made.
func add(i *resource.Incident, c *resource.AlertCounts) {
	i.Effects.Total += c.Total
	for class, n := range c.ByClass {
		i.Effects.ByClass[class] += n
	}
	for sev, n := range c.BySeverity {
		i.Effects.BySeverity[sev] += n
		if n > 0 {
			i.Severity = max(i.Severity, resource.Severity(sev))
		}
	}
}

func (set *incidentSet) sort() {
	slices.SortFunc(set.list, func(a, b *resource.Incident) int {
		return cmp.Or(-cmp.Compare(a.Severity, b.Severity), a.Began().Compare(b.Began()), cmp.Compare(a.Resource, b.Resource))
	})
	for i, inc := range set.list {
		set.byID[inc.Resource] = i
	}
}

// causesOf finds the set of the topmost sick resources among a resource and its
// ancestors. It goes depth first, so that every parent has its set before its
// child; found remembers the sets.
func (s *Stage) causesOf(id resource.ID, sick map[resource.ID]bool, sets *causeSets, found map[resource.ID]int) {
	if _, ok := found[id]; ok {
		return
	}
	type step struct {
		id      resource.ID
		parents []resource.ID
		next    int // the parent to look at
	}
	var stack []step
	push := func(id resource.ID) {
		// Nothing until it is known. The graph may change under the walk, and what is
		// read at two moments may look like a cycle; this ends it.
		found[id] = 0
		st := step{id: id}
		if r := s.opts.Get(id); r != nil { // else deleted by a change that is under way
			st.parents = r.Parents
		}
		stack = append(stack, st)
	}
	push(id)
	var above []int
	for len(stack) > 0 {
		top := &stack[len(stack)-1]
		if top.next < len(top.parents) {
			parent := top.parents[top.next]
			top.next++
			if _, ok := found[parent]; !ok {
				push(parent)
			}
			continue
		}
		above = above[:0]
		for _, parent := range top.parents {
			if n := found[parent]; n != 0 {
				above = append(above, n)
			}
		}
		n := sets.union(above)
		if n == 0 && sick[top.id] {
			n = sets.add([]resource.ID{top.id})
		}
		found[top.id] = n
		stack = stack[:len(stack)-1]
	}
}

// causeSets numbers sets of resources, so that the many resources that have the
// same causes share one set, and a union that was made is not made again.
// Number 0 is the empty set.
type causeSets struct {
	list   [][]resource.ID // ascending
	number map[string]int  // by the bytes of the IDs
	unions map[string]int  // by the bytes of the numbers
	key    []byte
}

func newCauseSets() *causeSets {
	return &causeSets{list: [][]resource.ID{nil}, number: map[string]int{"": 0}, unions: make(map[string]int)}
}

// has reports whether the resource is in the set.
func (c *causeSets) has(n int, id resource.ID) bool {
	_, ok := slices.BinarySearch(c.list[n], id)
	return ok
}

// add returns the number of a set; ids are ascending.
func (c *causeSets) add(ids []resource.ID) int {
	c.key = c.key[:0]
	for _, id := range ids {
		c.key = binary.LittleEndian.AppendUint64(c.key, uint64(id))
	}
	n, ok := c.number[string(c.key)]
	if !ok {
		n = len(c.list)
		c.list = append(c.list, ids)
		c.number[string(c.key)] = n
	}
	return n
}

// union returns the number of the union of all these sets, whose order it
// changes. All at once: a pool may have thousands of failed drives, and
// thousands of sets that grow by one would be millions of members.
func (c *causeSets) union(sets []int) int {
	slices.Sort(sets)
	sets = slices.Compact(sets)
	switch len(sets) {
	case 0:
		return 0
	case 1:
		return sets[0]
	}
	c.key = c.key[:0]
	for _, n := range sets {
		c.key = binary.LittleEndian.AppendUint32(c.key, uint32(n))
	}
	key := string(c.key)
	n, ok := c.unions[key]
	if !ok {
		var ids []resource.ID
		for _, m := range sets {
			ids = append(ids, c.list[m]...)
		}
		slices.Sort(ids)
		n = c.add(slices.Compact(ids))
		c.unions[key] = n
	}
	return n
}
