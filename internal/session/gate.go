package session

import (
	"context"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/faultline-storage/faultline/internal/resource"
)

// A Gate keeps scans of one address apart, those of all sessions that share it.
// Who waits gets its turn in the order of coming. Its methods are safe for
// concurrent use.
type Gate struct {
	now   func() time.Time
	after func(time.Duration) <-chan time.Time

	mu    sync.Mutex
	lanes map[string]*lane // by address
}

// lane is one address. It stays: addresses are few, and what was last is needed.
type lane struct {
	running []*ticket
	waiting []*ticket // in the order of coming
	last    time.Time // when the last scan began
}

// ticket is one scan that runs or waits.
type ticket struct {
	target *resource.Target
	called chan struct{}      // closed when it may run
	first  chan time.Duration // how long to wait, when it is the first one in the row
}

// NewGate returns a gate that goes by the given clock.
func NewGate(now func() time.Time, after func(time.Duration) <-chan time.Time) *Gate {
	return &Gate{now: now, after: after, lanes: map[string]*lane{}}
}

// Enter returns when a scan of the address may begin; whoever called it calls
// leave when the scan is over. If it has to wait, wait is called first. It gives
// up when ctx ends.
func (g *Gate) Enter(ctx context.Context, address string, target *resource.Target, wait func()) (leave func(), err error) {
	key := canonical(address)
	t := &ticket{target: target, called: make(chan struct{}), first: make(chan time.Duration, 1)}
	g.mu.Lock()
	l := g.lanes[key]
	if l == nil {
		l = &lane{}
		g.lanes[key] = l
	}
	l.waiting = append(l.waiting, t)
	g.move(l)
	g.mu.Unlock()

	leave = sync.OnceFunc(func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		l.running, l.waiting = without(l.running, t), without(l.waiting, t)
		g.move(l)
	})
	select {
	case <-t.called:
		return leave, nil
	default:
		wait()
	}
	var alarm <-chan time.Time
	for {
		select {
		case <-t.called:
			return leave, nil
		case pause := <-t.first:
			alarm = g.after(pause)
		case <-alarm:
			g.mu.Lock()
			g.move(l)
			g.mu.Unlock()
		case <-ctx.Done():
			leave()
			return nil, ctx.Err()
		}
	}
}

// move calls everybody who may run now, and tells the first one who may not how
// long that takes, if it is a matter of time. The caller holds mu.
func (g *Gate) move(l *lane) {
	for len(l.waiting) > 0 {
		t := l.waiting[0]
		// What runs has a bound, too.
		most := t.target.Concurrency
		for _, o := range l.running {
			if c := o.target.Concurrency; c > 0 && (most == 0 || c < most) {
				most = c
			}
		}
		if most > 0 && len(l.running) >= most {
			return // the next one to leave goes on here
		}
		now := g.now()
		if pause := l.last.Add(t.target.MinInterval).Sub(now); !l.last.IsZero() && pause > 0 {
			select {
			case t.first <- pause:
			default: // it has not taken in the last one yet, which ends no later
			}
			return
		}
		l.waiting = l.waiting[1:]
		l.running = append(l.running, t)
		l.last = now
		close(t.called)
	}
}

func without(list []*ticket, t *ticket) []*ticket {
	for i, o := range list {
		if o == t {
			return append(list[:i:i], list[i+1:]...)
		}
	}
	return list
}

// canonical makes an address of how it was written: without case, and of a URL
// the host only, with its port if it has one of its own.
func canonical(address string) string {
	s := strings.ToLower(strings.TrimSpace(address))
	if strings.Contains(s, "://") {
		if u, err := url.Parse(s); err == nil && u.Host != "" {
			host := u.Hostname()
			if p := u.Port(); p != "" && !(u.Scheme == "https" && p == "443") && !(u.Scheme == "http" && p == "80") {
				host += ":" + p
			}
			return host
		}
	}
	return strings.TrimSuffix(s, ".")
}
