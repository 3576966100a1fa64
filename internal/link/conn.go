package link

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/faultline-storage/faultline/internal/resource"
)

// Window is how many bytes a link holds for the other side, by default.
const Window = 32 << 20

// What ends a link.
var (
	// ErrClosed is the end of a link that was closed in order.
	ErrClosed = errors.New("the link was closed")
	// ErrUnknown is the end of a link that the other side does not know: it
	// restarted, or gave the link up.
	ErrUnknown = errors.New("the other side does not know the link")
	// ErrReplaced is the end of a link whose peer began another one.
	ErrReplaced = errors.New("the peer began another link")
	// ErrExpired is the end of a link whose peer was silent for too long.
	ErrExpired = errors.New("the peer was silent for too long")
	// ErrOverflow is the end of a link whose peer did not take what was kept for it.
	ErrOverflow = errors.New("too much piled up for the peer")
)

// Receiver handles a message. For a call, answer must be called once, at any time
// and on any goroutine; for other messages it does nothing. The next message is
// handled when Receiver returns, which acknowledges this one. ctx ends with the
// link.
type Receiver func(ctx context.Context, m Message, answer func(body []byte, err error))

// Conn is one end of a link. Its methods are safe for concurrent use.
type Conn struct {
	window int
	ctx    context.Context //nolint:containedctx // it ends with the link, which no call outlives
	cancel context.CancelFunc

	// handling has room for one: who handles what was received.
	handling chan struct{}
	receive  Receiver
	received uint64 // the last frame that was handled; held by handling, and read under mu

	mu      sync.Mutex
	waiting [priorities][]*Frame // without a number yet
	sent    []*Frame             // numbered and not acknowledged, ascending
	number  uint64               // the last that was given
	call    uint64               // the last call
	queued  int                  // bytes in waiting and sent
	calls   map[uint64]chan Frame
	changed chan struct{} // closed and replaced when one of the above changed
	closing bool          // a bye is queued
	err     error         // why the link ended
}

func newConn(window int) *Conn {
	if window <= 0 {
		window = Window
	}
	c := &Conn{window: window, handling: make(chan struct{}, 1), calls: map[uint64]chan Frame{}, changed: make(chan struct{})}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	return c
}

// Done is closed when the link has ended.
func (c *Conn) Done() <-chan struct{} { return c.ctx.Done() }

// Err returns why the link ended, or nil.
func (c *Conn) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Send queues a message. It waits while the other side owes the acknowledgement
// of more than the window, until ctx or the link ends.
func (c *Conn) Send(ctx context.Context, m Message) error {
	return c.queue(ctx, m, &Frame{Kind: m.Kind, Body: m.Body})
}

// Post queues a message without waiting. If there is no room for it, the link
// ends.
func (c *Conn) Post(m Message) error {
	if err := check(m); err != nil {
		return err
	}
	c.mu.Lock()
	if err := c.open(); err != nil {
		c.mu.Unlock()
		return err
	}
	if full := c.queued > 0 && c.queued+len(m.Body) > c.window; full {
		c.mu.Unlock()
		c.end(ErrOverflow)
		return ErrOverflow
	}
	c.push(&Frame{Kind: m.Kind, Body: m.Body}, m.Priority)
	c.mu.Unlock()
	return nil
}

// Call queues a message as Send does and waits for the answer. An error of the
// other side is a *resource.Fault. If ctx ends first, the answer is dropped.
func (c *Conn) Call(ctx context.Context, m Message) ([]byte, error) {
	answer, err := c.ask(ctx, m)
	if err != nil {
		return nil, err
	}
	return answer(ctx)
}

// ask queues the message of a call as Send does. The answer is waited for with the
// function, which is called once.
func (c *Conn) ask(ctx context.Context, m Message) (answer func(context.Context) ([]byte, error), err error) {
	got := make(chan Frame, 1)
	f := &Frame{Kind: m.Kind, Body: m.Body}
	c.mu.Lock()
	c.call++
	f.Call = c.call
	c.calls[f.Call] = got
	c.mu.Unlock()
	forget := func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.calls, f.Call)
	}
	if err := c.queue(ctx, m, f); err != nil {
		forget()
		return nil, err
	}
	return func(ctx context.Context) ([]byte, error) {
		defer forget()
		select {
		case a := <-got:
			return answered(m.Kind, a)
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-c.Done():
			return nil, c.Err()
		}
	}, nil
}

// answered returns what an answer says.
func answered(kind string, a Frame) ([]byte, error) {
	if !a.Fault {
		return a.Body, nil
	}
	var why fault
	if err := json.Unmarshal(a.Body, &why); err != nil {
		return nil, fmt.Errorf("%s: the other side failed, and its error cannot be read: %w", kind, err)
	}
	return nil, why.err()
}

func check(m Message) error {
	if len(m.Body) > MaxBody {
		return resource.Errorf(resource.Invalid, "a message of kind %s has %d bytes, and %d are allowed", m.Kind, len(m.Body), MaxBody)
	}
	if len(m.Kind) > maxKind || m.Priority >= priorities {
		return resource.Errorf(resource.Invalid, "a message has the kind %q and priority %d", m.Kind, m.Priority)
	}
	return nil
}

// open returns why nothing can be queued. The caller holds mu.
func (c *Conn) open() error {
	if c.err == nil && c.closing {
		return ErrClosed
	}
	return c.err
}

func (c *Conn) queue(ctx context.Context, m Message, f *Frame) error {
	if err := check(m); err != nil {
		return err
	}
	for {
		c.mu.Lock()
		if err := c.open(); err != nil {
			c.mu.Unlock()
			return err
		}
		if c.queued == 0 || c.queued+f.size() <= c.window {
			c.push(f, m.Priority)
			c.mu.Unlock()
			return nil
		}
		changed := c.changed
		c.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		case <-c.Done():
		}
	}
}

// push queues a frame. The caller holds mu.
func (c *Conn) push(f *Frame, p Priority) {
	c.waiting[p] = append(c.waiting[p], f)
	c.queued += f.size()
	c.signal()
}

// signal wakes who waits for a change. The caller holds mu.
func (c *Conn) signal() {
	close(c.changed)
	c.changed = make(chan struct{})
}

// answer queues the answer to a call. It takes no account of the window: the
// other side waits for it.
func (c *Conn) answer(call uint64, body []byte, err error) {
	f := &Frame{Re: call, Body: body}
	if err == nil && len(body) > MaxBody {
		err = resource.Errorf(resource.Internal, "the answer has %d bytes, and %d are allowed", len(body), MaxBody)
	}
	if err != nil {
		f.Fault = true
		if f.Body, err = json.Marshal(faultOf(err)); err != nil {
			f.Body = []byte(`{"text":"the error has no form"}`)
		}
	}
	c.mu.Lock()
	overflow := c.queued > 2*c.window // it calls, and takes no answers
	if c.err == nil && !overflow {
		c.push(f, High)
	}
	c.mu.Unlock()
	if overflow {
		c.end(ErrOverflow)
	}
}

// take returns the unacknowledged frames with a number beyond after, and numbers
// waiting ones, as many as go into a packet. They must not be changed.
func (c *Conn) take(after uint64) Packet {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := Packet{Ack: c.received}
	size := 0
	add := func(f *Frame) bool {
		if size > 0 && size+f.size() > MaxPacket {
			return false
		}
		size += f.size()
		p.Frames = append(p.Frames, *f)
		return true
	}
	for _, f := range c.sent {
		if f.Number > after && !add(f) {
			return p
		}
	}
	for _, level := range []Priority{High, Normal, Low} {
		for len(c.waiting[level]) > 0 {
			f := c.waiting[level][0]
			if f.Bye && c.queuedFrames() > 1 {
				break // it is the last
			}
			f.Number = c.number + 1
			if !add(f) {
				f.Number = 0
				return p
			}
			c.number++
			c.waiting[level][0] = nil
			c.waiting[level] = c.waiting[level][1:]
			c.sent = append(c.sent, f)
		}
	}
	return p
}

func (c *Conn) queuedFrames() (n int) {
	for _, w := range c.waiting {
		n += len(w)
	}
	return n
}

// unsent reports whether there are frames with a number beyond after, or without
// one. The channel is closed at the next change.
func (c *Conn) unsent(after uint64) (bool, <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	more := c.queuedFrames() > 0 || len(c.sent) > 0 && c.sent[len(c.sent)-1].Number > after
	return more, c.changed
}

// acknowledged drops what the other side has handled.
func (c *Conn) acknowledged(upTo uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for n < len(c.sent) && c.sent[n].Number <= upTo {
		c.queued -= c.sent[n].size()
		c.sent[n] = nil
		n++
	}
	if n > 0 {
		c.sent = c.sent[n:]
		c.signal()
	}
}

// errBusy says that frames are being handled that came before.
var errBusy = errors.New("earlier messages are being handled")

// begin waits until nobody handles frames, or patience is closed.
func (c *Conn) begin(patience <-chan struct{}) error {
	select {
	case c.handling <- struct{}{}:
		return nil
	case <-patience:
		return errBusy
	case <-c.Done():
		return c.Err()
	}
}

func (c *Conn) finish() { <-c.handling }

// handle handles one frame, which is dropped unless it is the next one. The
// caller has begun. It returns io.EOF after the other side's bye.
func (c *Conn) handle(f Frame) error {
	if err := c.Err(); err != nil {
		return err
	}
	if f.Number != c.received+1 {
		return nil // it was handled before, or it comes too early and will come again
	}
	switch {
	case f.Bye:
	case f.Re != 0:
		c.mu.Lock()
		if got := c.calls[f.Re]; got != nil {
			delete(c.calls, f.Re) // so that a second answer blocks nobody
			got <- f
		}
		c.mu.Unlock()
	default:
		once := sync.Once{}
		c.receive(c.ctx, Message{Kind: f.Kind, Body: f.Body}, func(body []byte, err error) {
			if f.Call != 0 {
				once.Do(func() { c.answer(f.Call, body, err) })
			}
		})
	}
	c.mu.Lock()
	c.received = f.Number
	c.mu.Unlock()
	if f.Bye {
		return io.EOF
	}
	return nil
}

// bye queues the last frame.
func (c *Conn) bye() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil && !c.closing {
		c.closing = true
		c.push(&Frame{Bye: true}, Low)
	}
}

// empty waits until all that was queued is acknowledged.
func (c *Conn) empty(ctx context.Context) error {
	for {
		c.mu.Lock()
		queued, changed := c.queued, c.changed
		c.mu.Unlock()
		if queued == 0 {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		case <-c.Done():
			return c.Err()
		}
	}
}

// end ends the link; the first reason counts.
func (c *Conn) end(why error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return
	}
	c.err = why
	c.waiting, c.sent, c.queued = [priorities][]*Frame{}, nil, 0
	c.signal()
	c.cancel()
}
