package agent

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/faultline-storage/faultline/sdk/wire"
)

const (
	// DefaultPeriod is the pause between two updates of a plugin that sets none.
	DefaultPeriod = 10 * time.Second
	// minPeriod is the least pause between two updates, also of a plugin that has
	// news all the time.
	minPeriod = time.Second
	maxPeriod = 24 * time.Hour
	// minPause and maxPause bound the pause after a session that failed; it doubles
	// until one lasts for steady.
	minPause = time.Second
	maxPause = time.Minute
	steady   = time.Minute
)

// Process is a running device plugin.
type Process interface {
	// Call calls a method of the plugin. It has a deadline of its own, after which the
	// process is gone.
	Call(ctx context.Context, method string, params, result any) error
	// Done is closed when the process has ended.
	Done() <-chan struct{}
	// Info is what the plugin said of itself.
	Info() wire.DeviceInfo
}

// Session is a session with the server. What was sent arrives in order and once, or
// the session ends.
type Session interface {
	// Send takes a message. It may wait for room. An error means that the message
	// will not arrive.
	Send(ctx context.Context, data json.RawMessage, priority int) error
	// Flush waits until the server has handled what was sent.
	Flush(ctx context.Context) error
	// Done is closed when the session has ended, and Err then says why.
	Done() <-chan struct{}
	Err() error
	// Close ends the session for the reason given, which the server is told.
	Close(reason string)
}

// Options configure a Poller. All but Period and Log are required.
type Options struct {
	Plugin string // its name
	// Process waits until the plugin runs. The error is that of ctx.
	Process func(ctx context.Context) (Process, error)
	// Open waits until the server is ready for a session. The error is that of ctx.
	Open func(ctx context.Context) (Session, error)
	// Period is the pause between two updates of a plugin that sets none.
	Period time.Duration
	Log    *slog.Logger
	Now    func() time.Time
	After  func(time.Duration) <-chan time.Time
}

// Poller keeps the session of one device plugin.
type Poller struct {
	o     Options
	log   *slog.Logger
	wake  chan struct{} // has one when the plugin has news
	pause time.Duration // before the next session; 0 for none

	mu      sync.Mutex
	session string // its name to the process; empty between sessions
	count   int    // of sessions
}

// NewPoller returns a Poller that does nothing before Run.
func NewPoller(o Options) *Poller {
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	o.Period = cmp.Or(o.Period, DefaultPeriod)
	return &Poller{o: o, log: o.Log.With("plugin", o.Plugin), wake: make(chan struct{}, 1)}
}

// Changed notes that the plugin has news in a session. It does not block and may be
// called at any time.
func (p *Poller) Changed(session string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if session != p.session {
		return
	}
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// Run keeps a session until ctx ends, whose error it returns. A session that is open
// then is left to the end of the link.
func (p *Poller) Run(ctx context.Context) error {
	for {
		if err := p.rest(ctx); err != nil {
			return err
		}
		proc, err := p.o.Process(ctx)
		if err != nil {
			return err
		}
		s, err := p.o.Open(ctx)
		if err != nil {
			return err
		}
		began := p.o.Now()
		failed := p.run(ctx, proc, s)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if failed == nil || p.o.Now().Sub(began) >= steady {
			p.pause = 0
		}
		if failed != nil {
			p.pause = min(max(2*p.pause, minPause), maxPause)
			p.log.Error("a session of the device plugin failed; a new one begins with everything", "error", failed, "in", p.pause)
			s.Close(failed.Error())
		}
	}
}

// rest waits before the next session.
func (p *Poller) rest(ctx context.Context) error {
	if p.pause > 0 {
		select {
		case <-p.o.After(p.pause):
		case <-ctx.Done():
		}
	}
	return ctx.Err()
}

// run keeps one session to its end. The error is that of the plugin; nil is the end
// of the session for another reason.
func (p *Poller) run(ctx context.Context, proc Process, s Session) error {
	name := p.begin()
	defer p.over()
	if isClosed(proc.Done()) {
		s.Close("the plugin is not running") // it ended while the server was not ready
		return nil
	}
	if err := p.ask(ctx, proc, s, wire.MethodDeviceStart, name); err != nil {
		return p.endOf(ctx, proc, s, name, err)
	}
	p.log.Info("a session of the device plugin began")
	for {
		err := p.wait(ctx, proc, s)
		if err == nil {
			err = p.ask(ctx, proc, s, wire.MethodDeviceUpdate, name)
		}
		if err != nil {
			return p.endOf(ctx, proc, s, name, err)
		}
	}
}

// endOf ends a session on the plugin's side, and tells whether the error is the
// plugin's.
func (p *Poller) endOf(ctx context.Context, proc Process, s Session, name string, err error) error {
	if ctx.Err() != nil {
		return nil //nolint:nilerr // it was to end
	}
	if isClosed(proc.Done()) {
		p.log.Warn("the device plugin's process ended, and its session with it")
		s.Close("the plugin's process ended")
		return nil // pluginhost paces its starts
	}
	if why := s.Err(); why != nil {
		// The plugin is not to go on watching for a session that is no more: the next
		// one may be hours away.
		if err := proc.Call(ctx, wire.MethodDeviceEnd, wire.DeviceParams{Session: name}, nil); err != nil && ctx.Err() == nil {
			p.log.Warn("the device plugin was not told that its session ended", "error", err)
		}
		p.log.Info("a session of the device plugin ended", "reason", why)
		return nil
	}
	return err
}

// begin names a new session.
func (p *Poller) begin() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.wake: // meant for the session before
	default:
	}
	p.count++
	p.session = strconv.Itoa(p.count)
	return p.session
}

func (p *Poller) over() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.session = ""
}

// wait waits until the plugin is to be asked again. An error says that it is not.
func (p *Poller) wait(ctx context.Context, proc Process, s Session) error {
	// What the server has not taken yet holds the plugin up, so that what changes
	// meanwhile is one answer and does not pile up here.
	if err := s.Flush(ctx); err != nil {
		return err
	}
	info := proc.Info()
	var due, news = (<-chan time.Time)(nil), (<-chan struct{})(nil)
	soon := p.o.After(minPeriod)
	if info.Updates {
		due = p.o.After(p.period(info))
	}
	for {
		select {
		case <-soon:
			if soon = nil; info.Updates {
				news = p.wake
			}
		case <-news:
			return nil
		case <-due:
			return nil
		case <-s.Done():
			return cmp.Or(s.Err(), errEnded)
		case <-proc.Done():
			return errEnded
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (p *Poller) period(info wire.DeviceInfo) time.Duration {
	d := p.o.Period
	if info.Period > 0 {
		d = time.Duration(min(info.Period, maxPeriod.Seconds()) * float64(time.Second))
	}
	return max(d, minPeriod)
}

// ask has the plugin run a hook and sends what it says.
func (p *Poller) ask(ctx context.Context, proc Process, s Session, method, name string) error {
	if method == wire.MethodDeviceUpdate {
		select {
		case <-p.wake: // news of before this update are in it
		default:
		}
	}
	messages, err := Ask(ctx, proc, method, name)
	if err != nil {
		return err
	}
	for i, m := range messages {
		if err := s.Send(ctx, m.Data, m.Urgency()); err != nil {
			return fmt.Errorf("message %d of %s (%d bytes): %w", i, hookOf(method), len(m.Data), err)
		}
	}
	return nil
}

func isClosed(ch <-chan struct{}) bool {
	select {
	case <-ch:
		return true
	default:
		return false
	}
}
