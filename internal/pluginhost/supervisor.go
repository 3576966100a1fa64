package pluginhost

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/faultline-storage/faultline/sdk/wire"
)

// State is what a Supervisor is doing.
type State string

// The states of a Supervisor.
const (
	Starting State = "starting" // the process is being started
	Running  State = "running"  // the handshake is done
	Backoff  State = "backoff"  // it ended; waiting to start it again
	Failed   State = "failed"   // starting it again would not help; see Status.Problems
	Stopped  State = "stopped"  // Run is over, or was not called yet
)

// SupervisorOptions says what process to keep running.
type SupervisorOptions struct {
	Options // of each process

	// OnUp is called with each new process, after its handshake, and OnDown when
	// that process is gone, with the reason, which is nil after a clean stop.
	// OnDown is called as often as OnUp, and never before OnUp has returned;
	// both are called on the goroutine of Run.
	OnUp   func(*Process)
	OnDown func(error)
	// OnFail is called, on the same goroutine, with the reason whenever a process
	// could not be started. See Permanent for whether it will be tried again.
	OnFail func(error)

	// MinBackoff is the pause before the first restart, 1 s by default; it
	// doubles with each, up to MaxBackoff, 256 s by default. A process that ran
	// for longer than MaxBackoff starts the count anew.
	MinBackoff time.Duration
	MaxBackoff time.Duration
	// MinRecovery is how long a process has to run at least until Status no longer
	// counts what was before it; 5 s by default.
	MinRecovery time.Duration
}

// Status is what a Supervisor is doing and how it got there.
type Status struct {
	State State
	// Pid of the process, 0 if there is none.
	Pid int
	// Since is when State was entered.
	Since time.Time
	// Restarts counts the starts after the first one.
	Restarts int
	// Failures counts how often in a row the process ended, or could not be
	// started, without having recovered in between: by running for twice as long as
	// the pause before its start, and for MinRecovery at least.
	Failures int
	// Over is the last budget that a process was ended for; nil if there is none, or
	// when the plugin has recovered since.
	Over *BudgetError
	// LastError is why the last process ended or could not be started. It stays
	// while the next one runs.
	LastError error
	// NextTry is when the process will be started again, in state Backoff.
	NextTry time.Time
	// Info is what the plugin last said in its handshake, nil if it never did.
	Info *wire.InitializeResult
	// Problems are what is wrong with the plugin's declarations, in state Failed.
	Problems []wire.Problem
}

// A Supervisor keeps one process of a plugin running. Its methods are safe for
// concurrent use.
type Supervisor struct {
	opts  SupervisorOptions
	start func(context.Context, Options) (*Process, error)
	again chan struct{}

	mu      sync.Mutex
	status  Status
	current *Process
	changed chan struct{} // closed and replaced at every change of status
}

// NewSupervisor returns a Supervisor that does nothing until Run.
func NewSupervisor(o SupervisorOptions) *Supervisor {
	o.MinBackoff = cmp.Or(o.MinBackoff, time.Second)
	o.MaxBackoff = cmp.Or(o.MaxBackoff, 256*time.Second)
	o.MinRecovery = cmp.Or(o.MinRecovery, 5*time.Second)
	return &Supervisor{
		opts:    o,
		start:   Start,
		again:   make(chan struct{}, 1),
		status:  Status{State: Stopped, Since: time.Now()},
		changed: make(chan struct{}),
	}
}

// Run starts the process, and starts it again whenever it ends, until ctx ends;
// then it stops the process and returns ctx's error. A plugin whose declarations
// are wrong, or that speaks another protocol version, is not started again (see
// Restart). Run is called once.
func (s *Supervisor) Run(ctx context.Context) error {
	pause := time.Duration(0) // before the next start; 0 for none
	for first := true; ; first = false {
		began, err := s.once(ctx, first, max(2*pause, s.opts.MinRecovery))
		if ctx.Err() != nil {
			s.set(func(st *Status) { st.State = Stopped })
			return ctx.Err()
		}
		if !began.IsZero() && time.Since(began) > s.opts.MaxBackoff {
			pause = 0
		}
		pause = min(max(2*pause, s.opts.MinBackoff), s.opts.MaxBackoff)
		if !s.rest(ctx, err, pause) {
			pause = 0
		}
	}
}

// once runs one process to its end. began is when it was up, zero if never.
// After the time recovery it has made up for those before it.
func (s *Supervisor) once(ctx context.Context, first bool, recovery time.Duration) (began time.Time, err error) {
	s.set(func(st *Status) {
		st.State = Starting
		if !first {
			st.Restarts++
		}
	})
	p, err := s.start(ctx, s.opts.Options)
	if err != nil {
		if s.opts.OnFail != nil && ctx.Err() == nil {
			s.opts.OnFail(err)
		}
		return time.Time{}, err
	}
	began = time.Now()
	info := p.Info()
	s.mu.Lock()
	s.current = p
	s.mu.Unlock()
	s.set(func(st *Status) {
		st.State, st.Pid, st.Info, st.Problems = Running, p.Pid(), &info, nil
	})
	if s.opts.OnUp != nil {
		s.opts.OnUp(p)
	}

	recovered := time.AfterFunc(recovery, func() {
		s.set(func(st *Status) {
			if st.Pid == p.Pid() {
				st.Failures, st.Over = 0, nil
			}
		})
	})
	defer recovered.Stop()
	select {
	case <-p.Done():
	case <-ctx.Done():
		// Its time is bounded by the process's own options.
		_ = p.Stop(context.WithoutCancel(ctx)) // whether by force or not, it is gone
	}
	err = p.Err()
	if err == nil && ctx.Err() == nil {
		err = errors.New("plugin " + p.Name() + " was stopped")
	}
	s.mu.Lock()
	s.current = nil
	s.mu.Unlock()
	s.set(func(st *Status) { st.Pid = 0 })
	if s.opts.OnDown != nil {
		s.opts.OnDown(p.Err())
	}
	return began, err
}

// rest waits before the next start, or for Restart if that would not help. It
// reports whether the pause was sat out.
func (s *Supervisor) rest(ctx context.Context, err error, pause time.Duration) bool {
	select {
	case <-s.again: // meant for the process that has just ended
	default:
	}
	s.set(func(st *Status) {
		st.Failures++
		var over *BudgetError
		if errors.As(err, &over) {
			st.Over = over
		}
	})
	var wake <-chan time.Time
	if Permanent(err) {
		s.set(func(st *Status) {
			st.State, st.LastError, st.Problems, st.NextTry = Failed, err, Problems(err), time.Time{}
		})
	} else {
		t := time.NewTimer(pause)
		defer t.Stop()
		wake = t.C
		s.set(func(st *Status) {
			st.State, st.LastError, st.Problems, st.NextTry = Backoff, err, nil, time.Now().Add(pause)
		})
	}
	select {
	case <-wake:
		return true
	case <-s.again:
		return false
	case <-ctx.Done():
		return false
	}
}

// Restart starts the process now if it is waiting to be started or has failed
// for good, such as after its files were changed. Else it does nothing.
func (s *Supervisor) Restart() {
	select {
	case s.again <- struct{}{}:
	default:
	}
}

func (s *Supervisor) set(change func(*Status)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.status.State
	change(&s.status)
	if s.status.State != before {
		s.status.Since = time.Now()
	}
	if s.status.State != Backoff {
		s.status.NextTry = time.Time{}
	}
	close(s.changed)
	s.changed = make(chan struct{})
}

// Current returns the running process, nil if there is none. It may end at any
// time.
func (s *Supervisor) Current() *Process {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.current
}

// Status returns what the Supervisor is doing.
func (s *Supervisor) Status() Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.status
}

// Wait returns the running process, and waits until there is one. If the plugin
// has failed for good it returns the reason at once.
func (s *Supervisor) Wait(ctx context.Context) (*Process, error) {
	for {
		s.mu.Lock()
		p, st, changed := s.current, s.status, s.changed
		s.mu.Unlock()
		if p != nil {
			return p, nil
		}
		if st.State == Failed {
			return nil, st.LastError
		}
		select {
		case <-changed:
		case <-ctx.Done():
			if st.LastError != nil {
				return nil, errors.Join(ctx.Err(), st.LastError)
			}
			return nil, ctx.Err()
		}
	}
}
