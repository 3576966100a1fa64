package pluginhost

import (
	"sync"
	"time"
)

// A limiter lets at most perSecond things through in each second, and reports
// how many it held back when a second is over. It is safe for concurrent use.
type limiter struct {
	perSecond int
	report    func(dropped int)

	mu      sync.Mutex
	begin   time.Time // of the current second
	passed  int
	dropped int
	timer   *time.Timer // runs while there is something to report
}

func newLimiter(perSecond int, report func(dropped int)) *limiter {
	return &limiter{perSecond: perSecond, report: report}
}

// allow reports whether one more thing may pass now.
func (l *limiter) allow() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if now.Sub(l.begin) >= time.Second {
		l.begin, l.passed = now, 0
	}
	if l.passed < l.perSecond {
		l.passed++
		return true
	}
	l.dropped++
	if l.timer == nil {
		l.timer = time.AfterFunc(time.Second, l.flush)
	}
	return false
}

// flush reports what was held back and not reported yet.
func (l *limiter) flush() {
	l.mu.Lock()
	n := l.dropped
	l.dropped = 0
	if l.timer != nil {
		l.timer.Stop()
		l.timer = nil
	}
	l.mu.Unlock()
	if n > 0 {
		l.report(n)
	}
}

// A window counts events and tells when more than a number of them fall into any
// span of time. It serves one goroutine.
type window struct {
	span time.Duration
	ring []time.Time // the last events, as many as are allowed, oldest at next
	next int
}

func newWindow(most int, span time.Duration) *window {
	return &window{span: span, ring: make([]time.Time, most)}
}

// exceeded counts an event at now and reports whether that is one too many.
func (w *window) exceeded(now time.Time) bool {
	oldest := w.ring[w.next]
	w.ring[w.next] = now
	w.next = (w.next + 1) % len(w.ring)
	return !oldest.IsZero() && now.Sub(oldest) < w.span
}

// A brake bounds how many worthless lines of one plugin the host reads in a
// second: beyond that it stops reading until the second is over, so that a
// flood costs the plugin its time and not the host's.
type brake struct {
	perSecond int
	begin     time.Time
	count     int
}

// step counts one line and returns how long to wait before the next.
func (b *brake) step(now time.Time) time.Duration {
	if now.Sub(b.begin) >= time.Second {
		b.begin, b.count = now, 0
	}
	b.count++
	if b.count < b.perSecond {
		return 0
	}
	return b.begin.Add(time.Second).Sub(now)
}
