package pluginhost

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/creachadair/jrpc2"

	"github.com/faultline-storage/faultline/sdk/wire"
)

const (
	// drainTime is how long the host reads on after a process has exited. What
	// it wrote is in the pipe already; only a process that it left behind
	// could keep the pipe open.
	drainTime = time.Second
	// greasePause is the pause between two notifications that nobody defines
	// (protocol/SPEC.md, section 3).
	greasePause = 10 * time.Minute
)

// A Process is a running plugin. Its methods are safe for concurrent use.
type Process struct {
	opts   Options
	child  *child
	conn   *conn
	client *jrpc2.Client
	sink   *logSink
	info   wire.InitializeResult

	outputEnded chan struct{} // closed when standard output has ended
	stderrEnded chan struct{}
	done        chan struct{} // closed at the very end
	stall       stall

	mu       sync.Mutex
	reason   error // why the host ended it; the first one counts
	stopping bool  // Stop was called
	err      error // set before done is closed

	batchMu sync.Mutex // held while OnBatch runs
	sealed  bool       // no OnBatch may begin; guarded by batchMu unless it is held up
}

// Start starts the process and shakes hands with it. ctx bounds the start only;
// the process lives on until Stop, or until it ends or is ended for breaking the
// rules. An error means that no process is left. It is a *CallError if the
// plugin refused the handshake (see Permanent and Problems), an *ExitError if
// the process ended.
func Start(ctx context.Context, o Options) (*Process, error) {
	return start(ctx, o, "sh")
}

func start(ctx context.Context, o Options, shell string) (*Process, error) {
	o = o.withDefaults()
	c, err := launch(o, shell)
	if err != nil {
		return nil, err
	}
	p := &Process{
		opts:        o,
		child:       c,
		sink:        newLogSink(o),
		outputEnded: make(chan struct{}),
		stderrEnded: make(chan struct{}),
		done:        make(chan struct{}),
	}
	p.conn = &conn{
		in:      newLineReader(c.stdout, MaxLine),
		sink:    p.sink,
		batch:   p.onBatch,
		changed: o.OnChanged,
		tap:     o.Tap,
		fail:    p.fail,
		garbage: newWindow(garbagePerMinute, time.Minute),
		brake:   brake{perSecond: uselessPerSecond},
		stop:    c.exited,
		ended:   sync.OnceFunc(func() { close(p.outputEnded) }),
		out:     c.stdin,
		timeout: o.WriteTimeout,
		pending: make(map[string]bool),
		heard:   make(chan struct{}),
		wake:    make(chan struct{}, 1),
	}
	go p.conn.write()
	go func() {
		defer close(p.stderrEnded)
		p.sink.readStderr(c.stderr)
	}()
	p.client = jrpc2.NewClient(p.conn, nil) // reads with p.conn.Recv on a goroutine of its own
	go p.watch()
	if o.Limits.watched() {
		go p.budget()
	}

	if err := p.handshake(ctx); err != nil {
		p.kill()
		<-p.done
		return nil, err
	}
	go p.grease()
	return p, nil
}

// request makes a call and waits for the response, in whatever state the process is.
func (p *Process) request(ctx context.Context, method string, params any) (*jrpc2.Response, error) {
	id := ""
	p.conn.calling()
	defer func() { p.conn.called(id) }()
	list, err := p.client.Batch(ctx, []jrpc2.Spec{{Method: method, Params: params}}) // Call does not tell the id
	if err != nil {
		return nil, err
	}
	id = list[0].ID()
	if e := list[0].Error(); e != nil {
		switch e.Code { // as Call does
		case jrpc2.Cancelled:
			return nil, context.Canceled
		case jrpc2.DeadlineExceeded:
			return nil, context.DeadlineExceeded
		}
		return nil, e
	}
	return list[0], nil
}

func (p *Process) handshake(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, p.opts.StartTimeout)
	defer cancel()
	err := p.Call(ctx, wire.MethodInitialize, wire.InitializeParams{
		Protocol: wire.VersionRange{Min: wire.MinVersion, Max: wire.Version},
		Host:     p.opts.Greeting,
		Check:    p.opts.Check,
	}, &p.info)
	if err != nil {
		return err
	}
	if v := p.info.Protocol; v < wire.MinVersion || v > wire.Version {
		return &CallError{
			Plugin: p.opts.Spec.Name, Method: wire.MethodInitialize, Code: wire.CodeBadVersion,
			Message: fmt.Sprintf("the plugin speaks protocol version %d, the host %d to %d", v, wire.MinVersion, wire.Version),
		}
	}
	return p.opts.admits(p.info)
}

// Info returns the plugin's answer to the handshake. It never changes.
func (p *Process) Info() wire.InitializeResult { return p.info }

// Name returns the name of the plugin.
func (p *Process) Name() string { return p.opts.Spec.Name }

// Pid returns the process id.
func (p *Process) Pid() int { return p.child.cmd.Process.Pid }

// Done is closed when the process has ended and everything that it wrote was
// handled, or a second later if something is still held up.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err returns why the process ended, always an *ExitError, or nil if it runs or
// was ended by Stop as it should.
func (p *Process) Err() error {
	select {
	case <-p.done:
		return p.err
	default:
		return nil
	}
}

// Call calls a method of the plugin and decodes the answer into result, unless
// that is nil. Every batch that the plugin sent before its answer was given to
// OnBatch when Call returns.
//
// The call's deadline is that of ctx if it has one, else that of Limits.Calls
// or Options.CallTimeout from now. A call still running at its deadline ends the
// process. If ctx is cancelled before, Call returns its error at once; the plugin
// goes on with the call, and its answer is dropped. If ctx is over when Call is
// called, nothing is sent.
//
// The error is a *CallError if the plugin answered with one, and otherwise wraps
// ErrEnded if the process is gone.
func (p *Process) Call(ctx context.Context, method string, params, result any) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if deadline, ok := ctx.Deadline(); ok {
		return p.call(ctx, readable(time.Until(deadline)), method, params, result)
	}
	return p.call(ctx, cmp.Or(p.opts.Limits.Calls[method], p.opts.CallTimeout), method, params, result)
}

func (p *Process) call(ctx context.Context, timeout time.Duration, method string, params, result any) error {
	if _, own := ctx.Deadline(); !own {
		stop := p.stall.after(timeout, func() { p.fail(&deadlineError{method, timeout}) })
		defer stop()
	}
	rsp, err := p.request(ctx, method, params)
	if err == nil {
		if result == nil {
			return nil
		}
		if err := rsp.UnmarshalResult(result); err != nil {
			return fmt.Errorf("plugin %s: %s: the answer cannot be read: %w", p.Name(), shortMethod(method), err)
		}
		return nil
	}
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		p.fail(&deadlineError{method, timeout})
		<-p.done
		return p.lost(method)
	case ctx.Err() != nil:
		return ctx.Err()
	}
	var answer *jrpc2.Error
	if errors.As(err, &answer) {
		return p.callError(method, answer)
	}
	if !p.client.IsStopped() {
		// jrpc2 turns two codes of its own into the errors of package context.
		if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
			return p.callError(method, &jrpc2.Error{Code: jrpc2.ErrorCode(err), Message: err.Error()})
		}
		if !errors.Is(err, ErrNotReading) {
			return fmt.Errorf("plugin %s: %s: %w", p.Name(), shortMethod(method), err)
		}
	}
	select {
	case <-p.done:
		return p.lost(method)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// readable rounds what is left of a time to what it was.
func readable(d time.Duration) time.Duration {
	switch {
	case d >= 10*time.Second:
		return d.Round(100 * time.Millisecond)
	case d >= time.Second:
		return d.Round(10 * time.Millisecond)
	}
	return max(0, d.Round(time.Millisecond))
}

func (p *Process) callError(method string, answer *jrpc2.Error) error {
	e := &CallError{Plugin: p.Name(), Method: method, Code: int(answer.Code), Message: answer.Message, cause: answer}
	if len(answer.Data) > 0 {
		_ = json.Unmarshal(answer.Data, &e.Data) // what cannot be read is not told
	}
	return e
}

// lost is the error of a call whose process is gone.
func (p *Process) lost(method string) error {
	var exit *ExitError
	if !errors.As(p.Err(), &exit) { // Stop came first
		return fmt.Errorf("plugin %s: %s: %w", p.Name(), shortMethod(method), ErrEnded)
	}
	var late *deadlineError
	if errors.As(exit.Reason, &late) && late.method == method {
		return exit // it names the method already
	}
	return &lostCall{method, exit}
}

// Notify sends a notification. It returns once the message is queued.
func (p *Process) Notify(method string, params any) error {
	if err := p.client.Notify(context.Background(), method, params); err != nil {
		if p.client.IsStopped() {
			err = ErrEnded
		}
		return fmt.Errorf("plugin %s: %s: %w", p.Name(), shortMethod(method), err)
	}
	return nil
}

// grease sends notifications that nobody defines, so that no plugin comes to rely
// on a fixed list.
func (p *Process) grease() {
	t := time.NewTicker(greasePause)
	defer t.Stop()
	for {
		name := "x-grease-" + strings.ToLower(rand.Text()[:8])
		if p.Notify(name, map[string]string{"x": rand.Text()}) != nil {
			return // the process is ending
		}
		select {
		case <-t.C:
		case <-p.done:
			return
		}
	}
}

// Stop ends the process: it asks it to shut down, closes its standard input, and
// then uses force, with Options.Grace between the steps. When ctx ends it kills
// at once. When Stop returns, the process has ended; the error is nil if no force
// was needed. Stop may be called more than once.
func (p *Process) Stop(ctx context.Context) error {
	p.mu.Lock()
	p.stopping = true
	p.mu.Unlock()
	if p.ask(ctx) {
		return nil
	}
	p.kill()
	<-p.done
	return fmt.Errorf("plugin %s did not end when asked to; it was killed", p.Name())
}

// ask goes through the gentler steps of Stop and reports whether they did it.
func (p *Process) ask(ctx context.Context) bool {
	asked, cancel := context.WithTimeout(ctx, p.opts.StopTimeout)
	_, _ = p.request(asked, wire.MethodShutdown, struct{}{}) // the next steps follow whatever it says
	cancel()
	_ = p.conn.Close()
	if p.wait(ctx, p.opts.Grace) {
		return true
	}
	if ctx.Err() != nil {
		return false
	}
	p.child.signal(syscall.SIGTERM)
	return p.wait(ctx, p.opts.Grace)
}

// wait waits for the end, at most for d, and reports whether it came.
func (p *Process) wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-p.done:
		return true
	case <-t.C:
	case <-ctx.Done():
	}
	return false
}

// fail ends the process for the given reason.
func (p *Process) fail(reason error) {
	p.mu.Lock()
	if p.reason == nil {
		p.reason = reason
	}
	p.mu.Unlock()
	p.kill()
}

func (p *Process) kill() { p.child.signal(syscall.SIGKILL) }

// noteBudget notes as the reason of the end that the kernel ended the process to
// keep a limit, if that was it.
func (p *Process) noteBudget() {
	err := p.child.group.broken(p.opts.Limits)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reason == nil && err != nil {
		p.reason = err
	}
}

// watch sees the process to its end.
func (p *Process) watch() {
	select {
	case <-p.child.exited:
	case <-p.outputEnded:
		// Usually the first sign of its exit. If not, it is of no use any more.
		select {
		case <-p.child.exited:
		case <-time.After(drainTime):
			p.mu.Lock()
			stopping := p.stopping
			p.mu.Unlock()
			if !stopping {
				p.fail(ErrOutputClosed)
			}
			<-p.child.exited
		}
	}
	p.noteBudget()
	p.child.cleanUp()
	drained := time.After(drainTime)
	for _, ended := range []chan struct{}{p.outputEnded, p.stderrEnded} {
		select {
		case <-ended:
		case <-drained:
			drained = time.After(0)
		}
	}
	p.seal()
	_ = p.conn.Close()
	p.child.closePipes() // what is still held up in reading or writing ends now
	p.sink.limit.flush()

	p.mu.Lock()
	if p.reason != nil || !p.stopping {
		p.err = &ExitError{Plugin: p.Name(), Reason: p.reason, State: p.child.state.String(), Stderr: p.sink.lastLines()}
	}
	p.mu.Unlock()
	close(p.done)
	_ = p.client.Close() // frees calls that came too late
}
