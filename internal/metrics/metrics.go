package metrics

import (
	"reflect"
	"sync"
	"time"

	"github.com/faultline-storage/faultline/internal/resource"
)

// Options bound what a Recorder keeps. The zero Options are the defaults.
type Options struct {
	// Depth is how many samples of a series are kept; 0 means 64.
	Depth int
	// MaxBytes bounds the memory for samples other than the latest of each
	// series; 0 means 64 MiB. When it is reached, the series keep the depth they
	// have then.
	MaxBytes int
}

// Recorder keeps samples. Its methods are safe for concurrent use.
type Recorder struct {
	depth, maxBytes int

	mu sync.RWMutex
	// series are by index of the statistic in the resource's class.
	series map[resource.ID][]series
	bytes  int // of all rings
}

// series is one statistic of one resource. Most have one sample, or are read
// for the latest only, so that it stands apart from the ring, which is made for
// the second.
type series struct {
	last point
	ring *ring // what came before last
	set  bool
}

// point is a sample without what the series knows.
type point struct {
	nanos int64 // Unix time
	value float64
	bins  *[]int64 // of a histogram
}

// ring holds points, oldest first from next when it is full.
type ring struct {
	points []point
	next   int
}

const pointBytes = 24

func (p *point) bytes() int {
	if p.bins == nil {
		return pointBytes
	}
	return pointBytes + 24 + 8*len(*p.bins)
}

// New returns an empty recorder.
func New(o Options) *Recorder {
	if o.Depth == 0 {
		o.Depth = 64
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = 64 << 20
	}
	return &Recorder{depth: max(o.Depth, 1), maxBytes: o.MaxBytes, series: make(map[resource.ID][]series)}
}

// chunk is how many samples are added under one lock, so that readers need not
// wait long.
const chunk = 1000

// Observe adds the samples of a change and ends the series of the resources
// that it deletes, and those that a new declaration of the class makes others: a
// series of another kind, other bins or another sample period starts anew. The times of a series go forward: a sample older than the
// latest is dropped, one of the same time replaces it.
func (m *Recorder) Observe(c *resource.Changes) {
	for i := range c.Updated {
		if u := &c.Updated[i]; u.Was != nil {
			m.redeclared(u.Resource, u.Was)
		}
	}
	for rest := c.Samples; len(rest) > 0; {
		n := min(chunk, len(rest))
		m.add(rest[:n])
		rest = rest[n:]
	}
	if len(c.Deleted) == 0 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range c.Deleted {
		for i := range m.series[r.ID] {
			m.bytes -= m.series[r.ID][i].ring.bytes()
		}
		delete(m.series, r.ID)
	}
}

// redeclared brings the series of a resource in the order that its class has now.
func (m *Recorder) redeclared(r *resource.Resource, was *resource.Class) {
	m.mu.Lock()
	defer m.mu.Unlock()
	old := m.series[r.ID]
	if old == nil {
		return
	}
	now := make([]series, len(r.Class.Statistics))
	for i := range now {
		st := &r.Class.Statistics[i]
		j := was.Stat(st.Name)
		if j < 0 || j >= len(old) {
			continue
		}
		if w := &was.Statistics[j]; w.Kind == st.Kind && w.SamplePeriod == st.SamplePeriod && reflect.DeepEqual(w.Bins, st.Bins) {
			now[i], old[j] = old[j], series{}
		}
	}
	for j := range old {
		m.bytes -= old[j].ring.bytes()
	}
	m.series[r.ID] = now
}

func (r *ring) bytes() (n int) {
	if r == nil {
		return 0
	}
	n = (cap(r.points) - len(r.points)) * pointBytes
	for i := range r.points {
		n += r.points[i].bytes()
	}
	return n
}

func (m *Recorder) add(samples []resource.Sample) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range samples {
		sm := &samples[i]
		all := m.series[sm.Resource]
		if sm.Stat >= len(all) {
			grown := make([]series, sm.Stat+1)
			copy(grown, all)
			all = grown
			m.series[sm.Resource] = all
		}
		p := point{nanos: sm.Time.UnixNano(), value: sm.Value}
		if sm.Bins != nil {
			bins := sm.Bins
			p.bins = &bins
		}
		s := &all[sm.Stat]
		switch {
		case !s.set || p.nanos == s.last.nanos:
			s.last, s.set = p, true
		case p.nanos > s.last.nanos:
			m.push(s, s.last)
			s.last = p
		}
	}
}

// push adds a point to the ring of a series, which grows to the depth by
// doubling while the memory allows it, and else forgets its oldest point.
func (m *Recorder) push(s *series, p point) {
	depth := m.depth - 1 // the latest stands apart
	if depth == 0 {
		return
	}
	r := s.ring
	if r == nil {
		r = new(ring)
	}
	if len(r.points) == cap(r.points) && len(r.points) < depth {
		size := min(max(2*len(r.points), 1), depth)
		more := (size - len(r.points)) * pointBytes
		if m.bytes+more+p.bytes() <= m.maxBytes {
			grown := make([]point, 0, size)
			r.points = append(append(grown, r.points[r.next:]...), r.points[:r.next]...)
			r.next = 0
			m.bytes += more
			s.ring = r
		}
	}
	if s.ring == nil { // there is no room for it
		return
	}
	if len(r.points) < cap(r.points) {
		r.points = append(r.points, p)
		m.bytes += p.bytes() - pointBytes
		return
	}
	old := &r.points[r.next]
	m.bytes += p.bytes() - old.bytes()
	*old = p
	r.next = (r.next + 1) % len(r.points)
}

// Latest returns the newest sample of each statistic that has one, by the
// statistic's index. The bins must not be modified.
func (m *Recorder) Latest(id resource.ID) []resource.Sample {
	m.mu.RLock()
	defer m.mu.RUnlock()
	var out []resource.Sample
	for stat := range m.series[id] {
		if s := &m.series[id][stat]; s.set {
			out = append(out, s.last.sample(id, stat))
		}
	}
	return out
}

// Series returns the kept samples of one statistic, from and to inclusive, by
// time. A zero time bounds nothing. The bins must not be modified.
func (m *Recorder) Series(id resource.ID, stat int, from, to time.Time) []resource.Sample {
	m.mu.RLock()
	defer m.mu.RUnlock()
	all := m.series[id]
	if stat < 0 || stat >= len(all) || !all[stat].set {
		return nil
	}
	var out []resource.Sample
	add := func(p *point) {
		if (from.IsZero() || p.nanos >= from.UnixNano()) && (to.IsZero() || p.nanos <= to.UnixNano()) {
			out = append(out, p.sample(id, stat))
		}
	}
	if r := all[stat].ring; r != nil {
		for i := range r.points {
			add(&r.points[(r.next+i)%len(r.points)])
		}
	}
	add(&all[stat].last)
	return out
}

func (p *point) sample(id resource.ID, stat int) resource.Sample {
	s := resource.Sample{Resource: id, Stat: stat, Time: time.Unix(0, p.nanos).UTC(), Value: p.value}
	if p.bins != nil {
		s.Bins = *p.bins
	}
	return s
}
