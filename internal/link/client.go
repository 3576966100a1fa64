package link

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/faultline-storage/faultline/internal/resource"
)

// Protocol is the version of the protocol that this package speaks.
const Protocol = 1

// Hello begins a link.
type Hello struct {
	Protocol int    `json:"protocol"`
	Kind     string `json:"kind"` // what the peer is: "runner"
	Name     string `json:"name"`
	Version  string `json:"version"` // of the peer's program
	// Instance is random, and new with every start of the peer.
	Instance string          `json:"instance"`
	Body     json.RawMessage `json:"body,omitempty"` // what the kind of peer has to say
}

// Welcome is the server's answer.
type Welcome struct {
	Link string `json:"link"` // the secret name of the link
	// Wait is how long the server holds a request that it has nothing to answer.
	Wait    time.Duration   `json:"wait"`
	Version string          `json:"version"` // of the server
	Body    json.RawMessage `json:"body,omitempty"`
}

// Transport carries packets to the server. It may lose and repeat them; an error
// means that the answer is not known, except an error that wraps ErrUnknown.
type Transport interface {
	Hello(ctx context.Context, h Hello) (Welcome, error)
	// Exchange delivers a packet and returns the server's. With a wait, the server
	// may take that long to find something to answer.
	Exchange(ctx context.Context, link string, p Packet, wait time.Duration) (Packet, error)
}

const (
	firstPause = time.Second
	maxPause   = 15 * time.Second
	// exchangeTimeout is for a packet that the server need not hold; it answers
	// after handleFor and the message that it is at.
	exchangeTimeout = time.Minute
	// maxPatience is the longest wait for an answer. The wait doubles with each that
	// did not come: a server that is so slow that nobody waits long enough for it
	// would work for nobody.
	maxPatience = 5 * time.Minute
)

// ClientOptions configure a Client. All but Window, Log and Jitter are required.
type ClientOptions struct {
	Transport Transport
	// Hello says who the peer is. It is asked for every link.
	Hello func() Hello
	// Open is called with every new link, before its first message. It returns
	// what handles the messages, and what to do when the link has ended; the next
	// link begins after that.
	Open   func(c *Conn, w Welcome) (r Receiver, over func())
	Window int // see Window
	// Strict ends the link if the server refuses a request on it, such as for a
	// certificate that was revoked; the next hello tells whether that is for good.
	// Otherwise it is tried again and again.
	Strict bool
	Log    *slog.Logger
	Now    func() time.Time
	After  func(time.Duration) <-chan time.Time
	// Jitter returns a random number in [0, 1); it spreads the peers of a server
	// that restarted. math/rand if nil.
	Jitter func() float64
}

// Client keeps a link to the server.
type Client struct {
	o ClientOptions

	mu      sync.Mutex
	conn    *Conn // nil if there is none
	closing bool
	// silent is since when the server has not answered, and why what it said
	// about it; zero if it answers.
	silent time.Time
	why    string
}

// NewClient returns a client that does nothing before Run.
func NewClient(o ClientOptions) *Client {
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	if o.Jitter == nil {
		o.Jitter = rand.Float64
	}
	return &Client{o: o}
}

// Run keeps a link until ctx ends. It returns an error only if the server refuses
// the peer for good.
func (c *Client) Run(ctx context.Context) error {
	for {
		w, err := c.hello(ctx)
		if err != nil {
			if ctx.Err() != nil {
				return nil //nolint:nilerr // it was to end
			}
			return err
		}
		conn := newConn(c.o.Window)
		r, over := c.o.Open(conn, w)
		conn.receive = r
		c.set(conn)
		c.keep(ctx, conn, w)
		c.set(nil)
		why := conn.Err()
		over()
		if ctx.Err() != nil || c.isClosing() {
			return nil //nolint:nilerr // it was to end
		}
		c.o.Log.Warn("the link to the server ended and begins anew", "error", why)
	}
}

func (c *Client) set(conn *Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.conn = conn
}

// Silent reports whether the server did not answer the last time.
func (c *Client) Silent() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.silent.IsZero()
}

func (c *Client) isClosing() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closing
}

// Close says goodbye and ends the link, and with it Run; without a link it does
// nothing. It waits until the server has taken all messages, or ctx ends.
func (c *Client) Close(ctx context.Context) error {
	c.mu.Lock()
	conn := c.conn
	c.closing = conn != nil
	c.mu.Unlock()
	if conn == nil {
		return nil
	}
	conn.bye()
	err := conn.empty(ctx)
	conn.end(ErrClosed)
	if errors.Is(err, ErrClosed) || errors.Is(err, ErrUnknown) { // it heard the bye, and we did not hear that
		return nil
	}
	return err
}

// hello begins a link, as often as it takes.
func (c *Client) hello(ctx context.Context) (Welcome, error) {
	p := c.pause(maxPause, exchangeTimeout)
	for {
		h := c.o.Hello()
		h.Protocol = Protocol
		var w Welcome
		err := p.try(ctx, func(ctx context.Context) (err error) {
			w, err = c.o.Transport.Hello(ctx, h)
			return err
		})
		switch kind := resource.KindOf(err); {
		case err == nil:
			c.heard()
			if w.Wait <= 0 {
				return w, errors.New("the server's answer to the hello has no time to wait")
			}
			return w, nil
		case kind == resource.Invalid:
			return w, fmt.Errorf("the server refuses: %w", err)
		}
		c.unheard(err)
		if !p.wait(ctx, nil) {
			return w, ctx.Err()
		}
	}
}

// keep runs the link until it ends or ctx does.
func (c *Client) keep(ctx context.Context, conn *Conn, w Welcome) {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(conn.ctx, cancel) // requests that run end with the link
	defer stop()
	defer cancel()
	var wg sync.WaitGroup
	wg.Go(func() { c.deliver(ctx, conn, w) })
	wg.Go(func() { c.poll(ctx, conn, w) })
	wg.Wait()
	conn.end(ErrClosed) // unless there was a reason before
}

// deliver sends what is queued, one packet at a time.
func (c *Client) deliver(ctx context.Context, conn *Conn, w Welcome) {
	p := c.pause(w.Wait, exchangeTimeout)
	var after uint64 // the last that the server has handled
	for ctx.Err() == nil {
		more, changed := conn.unsent(after)
		if !more {
			select {
			case <-changed:
			case <-ctx.Done():
			}
			continue
		}
		var rsp Packet
		err := p.try(ctx, func(ctx context.Context) (err error) {
			rsp, err = c.o.Transport.Exchange(ctx, w.Link, conn.take(after), 0)
			return err
		})
		if after, err = rsp.Ack, c.took(conn, rsp, err); err != nil {
			after = 0 // nobody knows what arrived
			p.wait(ctx, conn.Done())
			continue
		}
		p.reset()
	}
}

// poll fetches what the server has to say.
func (c *Client) poll(ctx context.Context, conn *Conn, w Welcome) {
	p := c.pause(w.Wait, w.Wait+maxPause)
	for ctx.Err() == nil {
		var rsp Packet
		err := p.try(ctx, func(ctx context.Context) (err error) {
			rsp, err = c.o.Transport.Exchange(ctx, w.Link, Packet{Ack: conn.handled()}, w.Wait)
			return err
		})
		if c.took(conn, rsp, err) != nil {
			p.wait(ctx, conn.Done())
			continue
		}
		p.reset()
	}
}

// handled is the number of the last frame that was handled.
func (c *Conn) handled() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.received
}

// took handles the server's packet.
func (c *Client) took(conn *Conn, rsp Packet, err error) error {
	if errors.Is(err, ErrUnknown) || c.o.Strict && resource.KindOf(err) == resource.Invalid {
		conn.end(err)
		return err
	}
	if conn.Err() != nil {
		return conn.Err()
	}
	if err != nil {
		c.unheard(err)
		return err
	}
	c.heard()
	conn.acknowledged(rsp.Ack)
	if err := conn.begin(nil); err != nil {
		return err
	}
	defer conn.finish()
	for _, f := range rsp.Frames {
		if err := conn.handle(f); err != nil {
			conn.end(ErrClosed)
			return err
		}
	}
	return nil
}

// unheard notes that the server did not answer, or not as it should. It logs once
// for each silence, and whatever else the server says meanwhile.
func (c *Client) unheard(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	first, why := c.silent.IsZero(), ""
	if first {
		c.silent = c.o.Now()
	}
	if resource.KindOf(err) != resource.Internal {
		why = err.Error()
	}
	if first || why != "" && why != c.why {
		c.o.Log.Warn("the server does not answer as it should; it is tried again and again", "error", err)
	}
	c.why = why
}

func (c *Client) heard() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.silent.IsZero() {
		c.o.Log.Info("the server answers again", "after", c.o.Now().Sub(c.silent).Round(time.Second))
		c.silent, c.why = time.Time{}, ""
	}
}

// pause is the time between two tries: 1 s, 2 s, 4 s and so on, up to the most,
// each a random bit shorter. It also has how long a try may last.
type pause struct {
	c               *Client
	next, most      time.Duration
	usual, patience time.Duration
}

// pause returns what is between tries that usually take no longer than that.
func (c *Client) pause(most, usual time.Duration) *pause {
	return &pause{c, min(firstPause, most), most, usual, usual}
}

// try tries something for as long as the patience lasts.
func (p *pause) try(ctx context.Context, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, p.patience)
	defer cancel()
	err := f(ctx)
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		p.patience = max(p.usual, min(2*p.patience, maxPatience))
	}
	return err
}

// reset begins with short pauses again. The patience comes back by and by: a server
// that was slow just now may still be.
func (p *pause) reset() {
	p.next = min(firstPause, p.most)
	p.patience = max(p.usual, p.patience/2)
}

// wait waits and reports whether it came to its end.
func (p *pause) wait(ctx context.Context, done <-chan struct{}) bool {
	d := p.next - time.Duration(p.c.o.Jitter()*float64(p.next)/4)
	p.next = min(2*p.next, p.most)
	select {
	case <-p.c.o.After(d):
		return true
	case <-done:
	case <-ctx.Done():
	}
	return false
}
