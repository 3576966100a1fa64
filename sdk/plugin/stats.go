package plugin

import (
	"fmt"
	"math"
	"slices"
)

// Statistic is a pointer to a Gauge, a Counter, a Histogram or a BytesHistogram.
type Statistic interface {
	statistic() *stat
}

// stat is what all statistics have in common: where their samples go.
type stat struct {
	n     *node     // nil until the resource is reported
	idx   int       // index in class.stats
	early *[]sample // samples from before the report, without n and idx
}

func (s *stat) statistic() *stat { return s }

// Gauge is a series of numbers that may go up and down.
type Gauge struct{ stat }

// Set adds a sample with the present time. It is no assignment: setting the
// same value twice makes two samples. A NaN or an infinity fails the turn.
// Set may be called from any goroutine once the resource is reported.
func (g *Gauge) Set(v float64) { g.add(v, nil) }

// Counter is a series of numbers that only goes up, such as bytes read since
// power-on; a lower value means that the device was reset.
type Counter struct{ stat }

// Set adds a sample with the present time: the counter's standing, not the
// increase. Set may be called from any goroutine once the resource is reported.
func (c *Counter) Set(v float64) { c.add(v, nil) }

// Histogram is a fixed number of counts, one for each bin of its tag, such as
// bins:"0-1,2-3,4-7,8-". The tag unit says what the bins are of.
type Histogram struct{ stat }

// BytesHistogram is a Histogram whose bins are of bytes, such as
// bins:"0-512,513-1024,1025-4096,4097-", unless the tag unit says otherwise
// (guide, BytesHistogram).
type BytesHistogram struct{ Histogram }

// Set adds a sample with the present time: one count for each bin. A wrong
// number of counts fails the turn. Set may be called from any goroutine once
// the resource is reported, and keeps no reference to counts.
func (h *Histogram) Set(counts []int64) { h.add(0, append([]int64{}, counts...)) }

// sample is one value of one statistic on its way out.
type sample struct {
	n    *node // nil of one that is dropped
	idx  int
	time int64 // ms; 0 for an early sample
	v    float64
	hist []int64
}

func (s *stat) add(v float64, hist []int64) {
	smp := sample{n: s.n, idx: s.idx, v: v, hist: hist}
	if s.n == nil {
		if s.early == nil {
			s.early = new([]sample)
		}
		*s.early = append(*s.early, smp)
		return
	}
	s.n.s.addSample(smp)
}

// bind ties the statistics of a resource to its node.
func (n *node) bindStats() {
	for i := range n.c.stats {
		st := n.c.stats[i].stat(n.ptr)
		st.n, st.idx = n, i
		n.takeEarly(st)
	}
}

// takeEarly sends the samples that were set before the resource was reported.
func (n *node) takeEarly(st *stat) {
	if st.early == nil {
		return
	}
	for _, smp := range *st.early {
		smp.n, smp.idx = n, st.idx
		n.s.addSample(smp)
	}
	st.early = nil
}

// addSample queues a sample for the end of the turn, or for a turn of its own.
func (s *Session) addSample(smp sample) {
	smp.time = s.now().UnixMilli()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return
	}
	if s.samples.empty() {
		s.kick()
	}
	s.samples.push(smp)
}

// checkSample returns what is wrong with a sample, or nil.
func checkSample(smp *sample) error {
	st := &smp.n.c.stats[smp.idx]
	problem := ""
	switch {
	case len(st.Bins) != len(smp.hist):
		problem = fmt.Sprintf("%d counts for %d bins", len(smp.hist), len(st.Bins))
	case math.IsNaN(smp.v) || math.IsInf(smp.v, 0):
		problem = fmt.Sprintf("%v is not a finite number", smp.v)
	case slices.ContainsFunc(smp.hist, func(n int64) bool { return n < 0 }):
		problem = "a count is negative"
	default:
		return nil
	}
	return &ValueError{Class: smp.n.c.Name, Identity: smp.n.identity(), Attribute: st.Name, Problem: problem}
}
