package conform

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/faultline-storage/faultline/internal/pluginhost"
	"github.com/faultline-storage/faultline/sdk/wire"
)

// How long a process may take to end: for shutdown a server waits so long before
// it uses force, the rest is for a loaded machine.
const (
	shutdownTime = 10 * time.Second
	hangupTime   = 5*time.Second + 500*time.Millisecond
)

// running has the first hook of a session begin, and returns where its error
// will be when it has ended. The call is on its way when running returns.
func (s *session) running(ctx context.Context) <-chan error {
	method, params := s.params(true)
	sent := s.b.rec.expect(method, s.rec.Name)
	done := make(chan error, 1)
	go func() { done <- s.call(ctx, method, params, nil) }()
	select {
	case <-sent:
	case <-s.p.Done(): // the call tells of it
	}
	return done
}

// cancel tears sessions down while their first hooks run.
func (b *bench) cancel(ctx context.Context) verdict {
	var seen findings
	s, err := b.begin(ctx)
	if err != nil {
		return judge([]string{err.Error()}, "")
	}
	hook := s.running(ctx)
	torn := s.end(ctx)
	select {
	case err = <-hook:
	case <-time.After(orderTime):
		seen.add("teardown was answered while the first hook of the session was running: calls of one session come one at a time")
		err = <-hook
	}
	if err != nil && code(err) == 0 {
		seen.add("the hook that ran when its session was torn down: %v", err)
	}
	if torn != nil {
		seen.add("teardown behind a running hook: %v", torn)
	}
	method, params := s.params(false)
	if err := s.call(ctx, method, params, nil); code(err) != wire.CodeUnknownSession {
		seen.add("%s after the teardown: %v; wanted was error %d", method, err, wire.CodeUnknownSession)
	}

	// A host that gives a call up forgets it, tears down, and scans anew.
	if s, err = b.begin(ctx); err != nil {
		seen.add("a session after one that was torn down: %v", err)
		return judge(seen, "")
	}
	given, giveUp := context.WithCancel(ctx)
	hook = s.running(given)
	giveUp()
	if err := <-hook; err != nil && !errors.Is(err, context.Canceled) {
		seen.add("a hook that the host gave up: %v", err)
	}
	if err := s.end(ctx); err != nil {
		seen.add("teardown behind a hook that the host gave up: %v", err)
	}
	if s, err = b.scanned(ctx); err != nil {
		seen.add("the root, after a hook that the host gave up: %v", err)
		return judge(seen, "")
	}
	seen = append(seen, b.compare(s)...)
	_ = s.end(ctx)
	return judge(seen, "")
}

// orderTime is how long the answer of a hook may come after that of the teardown
// behind it: it was written before, and only goroutines of the host stand
// between.
const orderTime = time.Second

// shutdown ends processes as a server does that stops.
func (b *bench) shutdown(ctx context.Context) verdict {
	var seen findings
	for _, busy := range []bool{false, true} {
		what, p, err := b.start(ctx, busy)
		if err != nil {
			seen.add("%s: %v", what, err)
			continue
		}
		asked, cancel := context.WithTimeout(ctx, shutdownTime)
		if err := p.Call(asked, wire.MethodShutdown, struct{}{}, nil); err != nil {
			seen.add("shutdown %s: %v", what, err)
		} else if state, ok := b.ends(ctx, p, shutdownTime); !ok {
			seen.add("%v after shutdown %s was answered, the process was still there", shutdownTime, what)
		} else if state != "exit status 0" {
			seen.add("after shutdown %s, the process ended with %s; wanted was exit status 0", what, state)
		}
		cancel()
		kill(ctx, p)
	}
	return judge(seen, "")
}

// hangup ends processes as the death of a server does.
func (b *bench) hangup(ctx context.Context) verdict {
	var seen findings
	for _, busy := range []bool{false, true} {
		what, p, err := b.start(ctx, busy)
		if err != nil {
			seen.add("%s: %v", what, err)
			continue
		}
		p.HangUp()
		if _, ok := b.ends(ctx, p, hangupTime); !ok {
			seen.add("5 s after the end of standard input %s, the process was still there", what)
		}
		kill(ctx, p)
	}
	return judge(seen, "")
}

// start starts a process with a session that was scanned, or whose first hook
// runs.
func (b *bench) start(ctx context.Context, busy bool) (what string, p *pluginhost.Process, err error) {
	if what = "with an idle session"; busy {
		what = "while a hook runs"
	}
	if p, err = b.launch(ctx); err != nil {
		return what, nil, err
	}
	s, err := b.open(ctx, p, b.stored)
	if err == nil && busy {
		s.running(ctx)
	} else if err == nil {
		err = s.scan(ctx)
	}
	if err != nil {
		kill(ctx, p)
	}
	return what, p, err
}

// ends waits for the end of a process and returns how it ended.
func (b *bench) ends(ctx context.Context, p *pluginhost.Process, within time.Duration) (state string, ok bool) {
	t := time.NewTimer(within)
	defer t.Stop()
	select {
	case <-p.Done():
	case <-t.C:
		return "", false
	case <-ctx.Done():
		return "", false
	}
	var exit *pluginhost.ExitError
	if errors.As(p.Err(), &exit) {
		return exit.State, true
	}
	return "", true
}

// kill makes sure that a process is gone.
func kill(ctx context.Context, p *pluginhost.Process) {
	now, cancel := context.WithCancel(ctx)
	cancel()
	_ = p.Stop(now)
}

// teardown looks at the ends of sessions: at some of its own, and at what came of
// all those that were torn down before.
func (b *bench) teardown(ctx context.Context) verdict {
	var seen findings
	s, err := b.begin(ctx)
	if err != nil {
		return judge([]string{err.Error()}, "")
	}
	if err := s.end(ctx); err != nil {
		seen.add("teardown of a session that was never scanned: %v", err)
	}
	if s, err = b.scanned(ctx); err != nil {
		seen.add("a session: %v", err)
		return judge(seen, "")
	}
	if s.updates {
		if _, err := s.later(ctx); err != nil {
			seen.add("an update: %v", err)
		}
	}
	for _, what := range []string{"teardown", "a second teardown"} {
		if err := s.end(ctx); err != nil {
			seen.add("%s: %v", what, err)
		}
	}
	for _, first := range []bool{false, true} {
		method, params := s.params(first)
		if err := s.call(ctx, method, params, nil); code(err) != wire.CodeUnknownSession {
			seen.add("%s after the teardown: %v; wanted was error %d", method, answer(err), wire.CodeUnknownSession)
		}
	}
	b.rec.mu.Lock()
	defer b.rec.mu.Unlock()
	var late []string
	for _, r := range b.rec.sorted() {
		if r.late > 0 {
			late = append(late, r.Name)
		}
	}
	if len(late) > 0 {
		seen.add("%s sent batches after the teardown: %s", count(len(late), "session"), strings.Join(late[:min(5, len(late))], ", "))
	}
	return judge(seen, "")
}

func answer(err error) string {
	if err == nil {
		return "a result"
	}
	return err.Error()
}
