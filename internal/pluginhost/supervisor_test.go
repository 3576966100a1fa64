package pluginhost

import (
	"context"
	"errors"
	"slices"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/faultline-storage/faultline/sdk/wire"
)

// TestBackoff watches the pauses between starts that fail.
func TestBackoff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := NewSupervisor(SupervisorOptions{Options: Options{Spec: Spec{Name: "acme"}}})
		began := time.Now()
		var mu sync.Mutex
		var at []int
		starts := func() []int {
			mu.Lock()
			defer mu.Unlock()
			return slices.Clone(at)
		}
		noArray := errors.New("no such array")
		s.start = func(context.Context, Options) (*Process, error) {
			mu.Lock()
			defer mu.Unlock()
			at = append(at, int(time.Since(began).Seconds()))
			return nil, noArray
		}
		ctx, cancel := context.WithCancel(t.Context())
		over := make(chan error)
		go func() { over <- s.Run(ctx) }()
		time.Sleep(time.Second / 2)
		synctest.Wait()
		st := s.Status()
		if st.State != Backoff || !errors.Is(st.LastError, noArray) || !st.NextTry.Equal(began.Add(time.Second)) || st.Restarts != 0 {
			t.Errorf("status %+v", st)
		}
		if p := s.Current(); p != nil {
			t.Errorf("current process %v", p)
		}

		time.Sleep(1023 * time.Second)
		synctest.Wait()
		if want := []int{0, 1, 3, 7, 15, 31, 63, 127, 255, 511, 767, 1023}; !slices.Equal(starts(), want) {
			t.Errorf("starts at %v, want %v", starts(), want)
		}
		if st := s.Status(); st.Restarts != 11 {
			t.Errorf("%d restarts, want 11", st.Restarts)
		}

		// Restart does not wait, and begins anew.
		s.Restart()
		synctest.Wait()
		if got := len(starts()); got != 13 {
			t.Errorf("%d starts after Restart, want 13", got)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if got := len(starts()); got != 14 {
			t.Errorf("%d starts a second later, want 14", got)
		}

		waiting, stop := context.WithTimeout(ctx, time.Second)
		defer stop()
		if _, err := s.Wait(waiting); !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, noArray) {
			t.Errorf("Wait: %v", err)
		}
		cancel()
		if err := <-over; !errors.Is(err, context.Canceled) {
			t.Errorf("Run: %v", err)
		}
		if st := s.Status(); st.State != Stopped {
			t.Errorf("state %s after Run", st.State)
		}
	})
}

func TestPermanentFailure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		failures := 0
		s := NewSupervisor(SupervisorOptions{OnFail: func(err error) {
			if Permanent(err) {
				failures++
			}
		}})
		starts := 0
		s.start = func(context.Context, Options) (*Process, error) {
			starts++
			return nil, &CallError{Plugin: "acme", Method: wire.MethodInitialize, Code: wire.CodeBadPlugin,
				Data: wire.ErrorData{Problems: []wire.Problem{{Text: "no identifier"}}}}
		}
		ctx, cancel := context.WithCancel(t.Context())
		over := make(chan error)
		go func() { over <- s.Run(ctx) }()
		if _, err := s.Wait(ctx); !Permanent(err) {
			t.Errorf("Wait: %v", err)
		}
		time.Sleep(24 * time.Hour)
		if st := s.Status(); starts != 1 || st.State != Failed || len(st.Problems) != 1 || !st.NextTry.IsZero() {
			t.Errorf("%d starts, status %+v", starts, st)
		}
		s.Restart()
		synctest.Wait()
		if starts != 2 || failures != 2 {
			t.Errorf("%d starts and %d calls of OnFail after Restart, want 2 each", starts, failures)
		}
		cancel()
		<-over
	})
}

// TestRecovery follows a plugin that is over budget until it has run well for
// long enough.
func TestRecovery(t *testing.T) {
	t.Parallel()
	s := NewSupervisor(SupervisorOptions{
		Options: fakeOptions("good"), MinBackoff: 10 * time.Millisecond, MaxBackoff: time.Minute, MinRecovery: time.Second,
	})
	up := make(chan *Process, 10)
	s.opts.OnUp = func(p *Process) { up <- p }
	ctx, cancel := context.WithCancel(t.Context())
	over := make(chan error)
	go func() { over <- s.Run(ctx) }()
	broken := &BudgetError{Budget: BudgetMemory, Limit: 1, Use: 2}
	for n := 1; n <= 3; n++ {
		p := <-up
		if st := s.Status(); st.Failures != n-1 || (st.Over != nil) != (n > 1) {
			t.Errorf("when it is up for the %d. time: %+v", n, st)
		}
		p.fail(broken)
	}
	p := <-up
	for st := s.Status(); st.Over != nil || st.Failures > 0; st = s.Status() {
		if st.Over != nil && (st.Over.Budget != broken.Budget || st.Failures != 3) {
			t.Fatalf("before it recovers: %+v", st)
		}
		time.Sleep(10 * time.Millisecond)
	}
	// What ends for another reason is no matter of budgets.
	p.fail(ErrGarbage)
	<-up
	if st := s.Status(); st.Failures != 1 || st.Over != nil {
		t.Errorf("after another failure: %+v", st)
	}
	cancel()
	<-over
}

// TestSupervisor lives through two deaths of a real process.
func TestSupervisor(t *testing.T) {
	t.Parallel()
	type event struct {
		up  *Process
		err error
	}
	events := make(chan event, 10)
	s := NewSupervisor(SupervisorOptions{
		Options:    fakeOptions("good"),
		MinBackoff: 10 * time.Millisecond,
		OnUp:       func(p *Process) { events <- event{up: p} },
		OnDown:     func(err error) { events <- event{err: err} },
	})
	ctx, cancel := context.WithCancel(t.Context())
	over := make(chan error)
	go func() { over <- s.Run(ctx) }()

	for restarts := range 3 {
		p, err := s.Wait(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if e := <-events; e.up != p {
			t.Errorf("OnUp with %v, want %v", e, p)
		}
		st := s.Status()
		if st.State != Running || st.Pid != p.Pid() || st.Restarts != restarts || st.Info == nil || st.Info.Plugin.Name != "fake" || s.Current() != p {
			t.Errorf("status %+v", st)
		}
		if (st.LastError != nil) != (restarts > 0) {
			t.Errorf("last error %v", st.LastError)
		}
		if restarts == 2 {
			break
		}
		if err := syscall.Kill(p.Pid(), syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		if e := <-events; e.up != nil || !errors.Is(e.err, ErrEnded) {
			t.Errorf("OnDown with %v", e)
		}
	}
	pid := s.Current().Pid()
	cancel()
	if err := <-over; !errors.Is(err, context.Canceled) {
		t.Errorf("Run: %v", err)
	}
	if e := <-events; e.up != nil || e.err != nil {
		t.Errorf("OnDown after a clean stop with %v", e)
	}
	if s.Current() != nil || s.Status().Pid != 0 {
		t.Errorf("there is still a process: %+v", s.Status())
	}
	waitGone(t, time.Minute, pid)
}

func TestSupervisorBadPlugin(t *testing.T) {
	t.Parallel()
	s := NewSupervisor(SupervisorOptions{Options: fakeOptions("bad plugin")})
	ctx, cancel := context.WithCancel(t.Context())
	over := make(chan error)
	go func() { over <- s.Run(ctx) }()
	if _, err := s.Wait(ctx); !Permanent(err) || len(Problems(err)) != 2 {
		t.Errorf("Wait: %v", err)
	}
	cancel()
	<-over
}
