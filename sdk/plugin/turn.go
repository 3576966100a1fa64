package plugin

import (
	"cmp"
	"errors"

	"github.com/faultline-storage/faultline/sdk/internal/stdio"
	"github.com/faultline-storage/faultline/sdk/wire"
)

// call is a call of the host, waiting for its turn.
type call struct {
	run  func() (wire.TurnResult, error)
	res  wire.TurnResult
	err  error
	done chan struct{}
}

// do runs f on the session's goroutine and waits for it.
func (s *Session) do(f func() (wire.TurnResult, error)) (wire.TurnResult, error) {
	c := &call{run: f, done: make(chan struct{})}
	s.mu.Lock()
	if s.ended {
		s.mu.Unlock()
		return wire.TurnResult{}, errUnknownSession(s.id)
	}
	s.calls = append(s.calls, c)
	s.kick()
	s.mu.Unlock()
	<-c.done
	return c.res, c.err
}

// loop is the session's goroutine: it runs one turn after another until the
// session has ended. Posted functions and calls of the host take turns, so that
// neither can starve the other.
func (s *Session) loop() {
	var running *call
	defer func() {
		if running != nil { // the hook left by runtime.Goexit, as t.FailNow does
			running.err = errors.New("the hook ended its goroutine")
			close(running.done)
		}
		if s.state != stateEnded {
			s.mu.Lock()
			s.inTurn = false
			s.kick()
			s.mu.Unlock()
			go s.loop()
		}
	}()
	for s.state != stateEnded {
		<-s.wake
		for {
			s.mu.Lock()
			var posts []post
			if s.state == stateReady {
				posts, s.posts = s.posts, nil
			}
			if len(s.calls) > 0 {
				running, s.calls = s.calls[0], s.calls[1:]
			}
			own := s.state == stateReady && (!s.samples.empty() || len(s.lost) > 0)
			s.mu.Unlock()
			if len(posts) > 0 || own && running == nil {
				s.runPosts(posts)
			}
			if running != nil {
				running.res, running.err = running.run()
				close(running.done)
				running = nil
			} else if len(posts) == 0 {
				break
			}
		}
	}
}

func (s *Session) inTurnNow(v bool) {
	s.mu.Lock()
	s.inTurn = v
	s.mu.Unlock()
}

// takeErrs returns the errors that were noted, and forgets them.
func (s *Session) takeErrs() []error {
	s.mu.Lock()
	defer s.mu.Unlock()
	errs := s.errs
	s.errs = nil
	return errs
}

// hookTurn runs one of the author's hooks as a turn. first marks an initial scan
// or agent start.
func (s *Session) hookTurn(first bool, hook func() error) (int64, error) {
	s.inTurnNow(true)
	defer s.inTurnNow(false)
	err := s.stateErr
	if err == nil {
		s.stream.on = first
		err = stdio.Protect(hook)
	}
	s.prog.syncStdout()
	return s.endTurn(err, turnKind{first: first, all: true})
}

// runPosts runs posted functions as one turn. There is nobody to answer, so a
// failure is logged and fails the next hook.
func (s *Session) runPosts(posts []post) {
	s.inTurnNow(true)
	defer s.inTurnNow(false)
	var failed error
	var kind turnKind
	for _, p := range posts {
		if p.only != nil {
			kind.only = append(kind.only, p.only)
		} else {
			kind.all = true
		}
		if err := stdio.Protect(func() error { p.f(); return nil }); err != nil {
			var pe *stdio.PanicError
			stack := ""
			if errors.As(err, &pe) {
				stack = pe.Stack
			}
			s.Log.Error("a posted function failed", "error", err.Error(), "stack", stack)
			failed = cmp.Or(failed, err)
		}
	}
	s.prog.syncStdout()
	_, err := s.endTurn(failed, kind)
	if err == nil {
		return
	}
	if failed == nil {
		s.Log.Error("a change outside of the hooks failed", "error", err.Error())
	}
	if s.stateErr == nil {
		s.stateErr = err
	}
}
