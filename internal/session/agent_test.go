package session_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/internal/session"
	"github.com/faultline-storage/faultline/sdk/wire"
)

// feeding runs a fed session of f. end returns how it ended, and ends it if stop is
// set.
func feeding(t *testing.T, f *fake, change ...func(*session.Options)) (send func(string) error, end func(stop bool) error) {
	t.Helper()
	s := sessionOf(f, change...)
	ctx, cancel := context.WithCancel(t.Context())
	data, over := make(chan session.AgentData), make(chan error, 1)
	go func() { over <- s.Feed(ctx, data, func() { f.note("opened") }) }()
	send = func(text string) error {
		done := make(chan error, 1)
		select {
		case data <- session.AgentData{Data: json.RawMessage(text), Done: func(err error) { done <- err }}:
			return <-done
		case <-time.After(time.Hour):
			return errors.New("nobody takes it")
		}
	}
	return send, func(stop bool) error {
		if stop {
			cancel()
		}
		defer cancel()
		return <-over
	}
}

func TestFedSessions(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(t *testing.T, f *fake, send func(string) error)
		want string // calls
		err  string
		live bool // before the end
		off  bool // after it
	}{
		{"starts, goes on and ends", func(t *testing.T, f *fake, send func(string) error) {
			for _, d := range []string{"1", "2", "3"} {
				if err := send(d); err != nil {
					t.Error(err)
				}
			}
			if s := f.rootState(); !s.Live || s.Offline {
				t.Errorf("state %+v", s)
			}
		}, "open opened agent_start apply(1) [live=true offline=false] agent_continue agent_continue teardown close [live=false offline=false]", "", true, false},
		{"a hook fails", func(t *testing.T, f *fake, send func(string) error) {
			f.mu.Lock()
			f.answer = func(_ int, method string) (wire.TurnResult, error) {
				if method == "agent_continue" {
					return wire.TurnResult{}, errors.New("KeyError: 'devs'")
				}
				return wire.TurnResult{}, nil
			}
			f.mu.Unlock()
			if err := send("1"); err != nil {
				t.Error(err)
			}
			if err := send("2"); err == nil {
				t.Error("data that the plugin failed on is taken for handled")
			}
		}, "", "agent continue: KeyError: 'devs'", false, true},
		{"the process retires", func(_ *testing.T, f *fake, send func(string) error) {
			_ = send("1")
			close(f.retired)
		}, "", session.ErrRetired.Error(), false, false},
		{"the process dies", func(_ *testing.T, f *fake, send func(string) error) {
			_ = send("1")
			close(f.dead)
		}, "", "plugin acme was killed", false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &fake{retired: make(chan struct{})}
				f.answer = func(_ int, method string) (wire.TurnResult, error) {
					if method == "agent_start" {
						return f.report(true, good), nil
					}
					return wire.TurnResult{}, nil
				}
				send, end := feeding(t, f)
				c.do(t, f, send)
				err := end(c.err == "")
				switch {
				case c.err == "" && err != nil:
					t.Errorf("it ended with %v", err)
				case c.err != "" && (err == nil || err.Error() != c.err):
					t.Errorf("it ended with %v, want %s", err, c.err)
				}
				s := f.rootState()
				if s.Live || s.Offline != c.off || c.off && s.Error == "" {
					t.Errorf("state %+v", s)
				}
				if got := f.noted(); c.want != "" && got != c.want {
					t.Errorf("calls %q, want %q", got, c.want)
				}
				if f.held != 0 {
					t.Errorf("the process was released %d times too few", f.held)
				}
			})
		})
	}
}

// TestAFedSessionIsAdmitted before it starts, and not for what follows.
func TestAFedSessionIsAdmitted(t *testing.T) {
	for _, refused := range []error{nil, errors.New("not today")} {
		synctest.Test(t, func(t *testing.T) {
			f := &fake{retired: make(chan struct{})}
			f.answer = func(_ int, method string) (wire.TurnResult, error) {
				if method == "agent_start" {
					return f.report(true, good), nil
				}
				return wire.TurnResult{}, nil
			}
			admitted := make(chan struct{})
			send, end := feeding(t, f, func(o *session.Options) {
				o.Admit = func(context.Context) (func(), error) {
					<-admitted
					return func() { f.note("left") }, refused
				}
			})
			sent := make(chan error, 1)
			go func() { sent <- send("1") }()
			time.Sleep(time.Hour)
			if got := f.noted(); got != "open opened" {
				t.Errorf("before it is admitted: %q", got)
			}
			close(admitted)
			if err := <-sent; !errors.Is(err, refused) {
				t.Errorf("the data ended with %v", err)
			}
			if refused != nil {
				if err := end(false); !errors.Is(err, refused) {
					t.Errorf("it ended with %v", err)
				}
				return
			}
			if err := send("2"); err != nil {
				t.Error(err)
			}
			if err := end(true); err != nil {
				t.Error(err)
			}
			want := "open opened agent_start apply(1) left [live=true offline=false] agent_continue teardown close [live=false offline=false]"
			if got := f.noted(); got != want {
				t.Errorf("calls %q, want %q", got, want)
			}
		})
	}
}

func (f *fake) rootState() resource.RootState {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.state
}
