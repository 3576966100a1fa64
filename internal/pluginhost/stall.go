package pluginhost

import (
	"sync"
	"time"

	"github.com/faultline-storage/faultline/sdk/wire"
)

// onBatch hands a batch on, unless the process is over, and keeps account of the
// time that takes.
func (p *Process) onBatch(b wire.Batch) {
	p.batchMu.Lock()
	sealed := p.sealed
	if !sealed {
		p.stall.begin()
	}
	p.batchMu.Unlock()
	if sealed {
		return
	}
	defer p.stall.end()
	p.opts.OnBatch(b)
}

// seal keeps further batches from OnBatch. One that is inside stays there.
func (p *Process) seal() {
	p.batchMu.Lock()
	defer p.batchMu.Unlock()
	p.sealed = true
}

// A stall measures how long the host itself held a plugin up. The zero value is
// ready to use.
type stall struct {
	mu    sync.Mutex
	total time.Duration
	since time.Time // of the current one; zero if there is none
}

func (s *stall) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.since = time.Now()
}

func (s *stall) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.total += time.Since(s.since)
	s.since = time.Time{}
}

// sum returns the time of all stalls so far.
func (s *stall) sum() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.since.IsZero() {
		return s.total
	}
	return s.total + time.Since(s.since)
}

// after calls f once d has passed in which the host did not hold the plugin up.
// The function that it returns calls that off.
func (s *stall) after(d time.Duration, f func()) (stop func()) {
	var (
		mu      sync.Mutex
		stopped bool
		timer   *time.Timer
		counted = s.sum()
	)
	mu.Lock()
	defer mu.Unlock()
	timer = time.AfterFunc(d, func() {
		mu.Lock()
		defer mu.Unlock()
		if stopped {
			return
		}
		now := s.sum()
		if held := now - counted; held > 0 {
			counted = now
			timer.Reset(held)
			return
		}
		f()
	})
	return func() {
		mu.Lock()
		defer mu.Unlock()
		stopped = true
		timer.Stop()
	}
}
