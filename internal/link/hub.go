package link

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/faultline-storage/faultline/internal/resource"
)

const (
	// handleFor is how long the server handles what one packet brings. It leaves
	// the rest for the next packet, so that no request lasts for long.
	handleFor = 10 * time.Second
	// serverWindow is how much the server keeps for a peer.
	serverWindow = 16 << 20
	// reconnect is how long a peer counts as alive after its last request, for the
	// question whether another one may take its name.
	reconnect = 3 * time.Second
	// gather is how long the answer to a held request waits for one that is being
	// handled, which may carry the same.
	gather = 20 * time.Millisecond
)

// Origin is what the server knows about who calls, by means of the connection.
type Origin struct {
	// User is the name of the token or certificate; empty if none was asked for.
	User string
	Addr string
	// Secret says that nobody else can read along: TLS, or the same machine.
	Secret bool
}

// Peer is what the server has for one link. The hub calls its methods one at a
// time.
type Peer interface {
	// Receive is a Receiver.
	Receive(ctx context.Context, m Message, answer func(body []byte, err error))
	// Lost says that the peer has been silent for the grace, and since when; Back that
	// it is heard of again after that.
	Lost(since time.Time)
	Back()
	// Gone says that the link has ended: with ErrClosed if the peer said goodbye.
	Gone(why error)
}

// HubOptions configure a Hub. Accept, Now and After are required.
type HubOptions struct {
	// Accept decides on a peer. The link can be used at once; if Accept fails, it
	// ends. An error of kind Invalid tells the peer not to try again.
	Accept func(h Hello, from Origin, c *Conn) (p Peer, body []byte, err error)
	// Check refuses a peer before it can take a name, or another one's place. Optional.
	Check func(h Hello, from Origin) error
	// Replaces reports whether a peer is the same as one that was heard of just
	// now, although it started anew, and so takes its name. Nil never does: while
	// one is alive, another one is refused.
	Replaces func(old, now Hello) bool
	// Grace is after how much silence a peer is lost; 30 s by default. A peer whose
	// message is being handled, or waits for those before it, is not silent.
	Grace time.Duration
	// Listening measures the silence, and is looked at every tenth of the grace. By
	// default the hub has one of its own.
	Listening *Listening
	// Keep is after how much silence a link ends; an hour by default.
	Keep    time.Duration
	Version string // of the server
	Log     *slog.Logger
	Now     func() time.Time
	After   func(time.Duration) <-chan time.Time
}

// Hub has the links of a server. Its methods are safe for concurrent use.
type Hub struct {
	o HubOptions

	mu    sync.Mutex
	links map[string]*served // by name of the link
	over  chan struct{}      // closed by Close
	ended bool
}

// served is a link of the hub.
type served struct {
	*Conn
	name  string
	hello Hello
	from  Origin

	// acts is held while a method of peer runs that is not Receive.
	acts sync.Mutex
	peer Peer
	lost bool
	gone bool

	// The rest is guarded by Hub.mu.
	seen     Heard     // when a request or message came last, or was handled
	held     int       // requests that are open
	answered time.Time // when the last one ended
	bringing int       // those of them that bring messages
	working  int       // those of them whose message is handled, or waits for that
	offered  uint64    // the last frame that went into an answer
}

// NewHub returns a hub. Silence has no consequences before Run.
func NewHub(o HubOptions) *Hub {
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	o.Grace = cmp.Or(o.Grace, 30*time.Second)
	o.Keep = max(cmp.Or(o.Keep, time.Hour), 2*o.Grace)
	if o.Listening == nil {
		o.Listening = NewListening(ListeningOptions{Now: o.Now, Period: o.Grace / 10, Log: o.Log})
	}
	return &Hub{o: o, links: map[string]*served{}, over: make(chan struct{})}
}

// wait is how long a request is held that nothing is to be answered to. A peer
// makes no longer pauses when it tries again, so that a cut of two thirds of the
// grace is no loss.
func (h *Hub) wait() time.Duration { return min(h.o.Grace/6, 10*time.Second) }

// Close has requests that are held answered, and new ones refused. Links do not
// end by that, but their peers will not find them again.
func (h *Hub) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.ended {
		h.ended = true
		close(h.over)
	}
}

// Run watches for silence until ctx ends, and closes the hub then.
func (h *Hub) Run(ctx context.Context) error {
	defer h.Close()
	for {
		select {
		case <-h.o.After(h.o.Grace / 10):
		case <-ctx.Done():
			return ctx.Err()
		}
		h.o.Listening.Look()
		for _, l := range h.all() {
			h.watch(l)
		}
	}
}

func (h *Hub) all() (list []*served) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, l := range h.links {
		list = append(list, l)
	}
	return list
}

// silence is for how long nothing was heard of a peer, and since when.
func (h *Hub) silence(l *served) (time.Duration, time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if l.working > 0 {
		return 0, l.seen.At
	}
	return h.o.Listening.Silence(l.seen), l.seen.At
}

func (h *Hub) watch(l *served) {
	silence, _ := h.silence(l)
	switch {
	case l.Err() != nil:
		go h.drop(l, l.Err()) // something of it may be being handled
	case silence > h.o.Keep:
		go h.drop(l, ErrExpired)
	case silence > h.o.Grace:
		l.acts.Lock()
		defer l.acts.Unlock()
		silence, since := h.silence(l)
		if l.peer != nil && !l.lost && !l.gone && silence > h.o.Grace {
			l.lost = true
			l.peer.Lost(since)
		}
	}
}

// drop ends a link.
func (h *Hub) drop(l *served, why error) {
	h.mu.Lock()
	if h.links[l.name] == l {
		delete(h.links, l.name)
	}
	h.mu.Unlock()
	l.end(why)
	// What is being handled still counts.
	l.handling <- struct{}{}
	defer l.finish()
	l.acts.Lock()
	defer l.acts.Unlock()
	if l.peer != nil && !l.gone {
		l.gone = true
		l.peer.Gone(l.Err())
	}
}

// End ends the links of the peers of a kind and name. They may begin another one.
func (h *Hub) End(kind, name string, why error) {
	for _, l := range h.all() {
		if l.hello.Kind == kind && l.hello.Name == name {
			h.drop(l, why)
		}
	}
}

// Seen returns when the peers of a kind were last heard of, by name.
func (h *Hub) Seen(kind string) map[string]time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := make(map[string]time.Time, len(h.links))
	for _, l := range h.links {
		if l.hello.Kind == kind && l.seen.At.After(out[l.hello.Name]) {
			out[l.hello.Name] = l.seen.At
		}
	}
	return out
}

// Hello begins a link.
func (h *Hub) Hello(hello Hello, from Origin) (Welcome, error) {
	if hello.Protocol != Protocol {
		return Welcome{}, resource.Errorf(resource.Invalid, "the peer speaks version %d of the protocol, the server version %d; run the same release of Faultline on both", hello.Protocol, Protocol)
	}
	if hello.Name == "" || len(hello.Name) > 100 || hello.Instance == "" {
		return Welcome{}, resource.FieldErrorf("name", "a peer has a name of 1 to 100 characters, and an instance")
	}
	if h.o.Check != nil {
		if err := h.o.Check(hello, from); err != nil {
			return Welcome{}, err
		}
	}
	l := &served{Conn: newConn(serverWindow), name: rand.Text(), hello: hello, from: from}
	l.receive = func(ctx context.Context, m Message, answer func([]byte, error)) { l.peer.Receive(ctx, m, answer) }
	before, err := h.enter(l)
	if err != nil {
		return Welcome{}, err
	}
	for _, other := range before {
		h.drop(other, ErrReplaced)
	}
	l.acts.Lock()
	peer, body, err := h.o.Accept(hello, from, l.Conn)
	if err == nil {
		l.peer = peer
	}
	l.acts.Unlock()
	if err != nil {
		h.drop(l, err)
		return Welcome{}, err
	}
	return Welcome{Link: l.name, Wait: h.wait(), Version: h.o.Version, Body: body}, nil
}

// enter takes a link up if its peer's name is free, and returns the links that
// the peer had before.
func (h *Hub) enter(l *served) (before []*served, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ended {
		return nil, errStopping
	}
	now := h.o.Now()
	for _, other := range h.links {
		if other.hello.Kind != l.hello.Kind || other.hello.Name != l.hello.Name {
			continue
		}
		if other.from.User != l.from.User {
			return nil, resource.Errorf(resource.Conflict, "%s %s is known by another token; choose another name", l.hello.Kind, l.hello.Name)
		}
		alive := other.held > 0 || now.Sub(latest(other.seen.At, other.answered)) < min(reconnect, h.o.Grace/4)
		same := other.hello.Instance == l.hello.Instance || h.o.Replaces != nil && h.o.Replaces(other.hello, l.hello)
		if alive && !same {
			h.o.Log.Warn("a peer was refused, for there is another one of its name", "kind", l.hello.Kind, "name", l.hello.Name, "address", l.from.Addr, "other", other.from.Addr)
			return nil, resource.Errorf(resource.Conflict, "there is a %s named %s already, at %s; choose another name", l.hello.Kind, l.hello.Name, other.from.Addr)
		}
		before = append(before, other)
	}
	l.seen = h.o.Listening.Heard()
	h.links[l.name] = l
	return before, nil
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

var errStopping = resource.Errorf(resource.Unavailable, "the server is stopping")

// find returns the link that a request is about.
func (h *Hub) find(name string, from Origin) (*served, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ended {
		return nil, errStopping
	}
	l := h.links[name]
	if l == nil || l.from.User != from.User {
		return nil, ErrUnknown
	}
	return l, nil
}

// note notes that a request of a peer begins (+1) or ends (-1).
func (h *Hub) note(l *served, step int, brings bool) {
	h.mu.Lock()
	if step > 0 {
		l.seen = h.o.Listening.Heard()
	}
	if step < 0 {
		l.answered = h.o.Now()
	}
	l.held += step
	if brings {
		l.bringing += step
	}
	h.mu.Unlock()
	if step < 0 {
		return
	}
	l.acts.Lock()
	defer l.acts.Unlock()
	if l.lost && !l.gone {
		l.lost = false
		l.peer.Back()
	}
}

// Exchange handles the packet of a peer, whose frames come from next until that
// returns io.EOF, and returns the one to answer. Without frames it waits up to the
// given time until there is something to answer. ErrUnknown means that there is
// no such link. If next fails, what came before it is handled.
func (h *Hub) Exchange(ctx context.Context, from Origin, link string, ack uint64, next func() (Frame, error), wait time.Duration) (Packet, error) {
	l, err := h.find(link, from)
	if err != nil {
		return Packet{}, err
	}
	l.acknowledged(ack)
	f, err := next()
	brings := err == nil
	h.note(l, +1, brings)
	defer func() { h.note(l, -1, brings) }()
	switch {
	case brings:
		if err := h.bring(l, f, next); err != nil {
			return Packet{}, err
		}
	case !errors.Is(err, io.EOF):
		return Packet{}, err
	case wait > 0:
		h.hold(ctx, l, ack, min(wait, h.wait()))
	}
	if err := l.Err(); err != nil && !errors.Is(err, ErrClosed) {
		return Packet{}, ErrUnknown
	}
	p := l.take(ack)
	if n := len(p.Frames); n > 0 {
		h.mu.Lock()
		l.offered = max(l.offered, p.Frames[n-1].Number)
		h.mu.Unlock()
	}
	return p, nil
}

// bring handles the frames of a packet, as many as the time allows.
func (h *Hub) bring(l *served, f Frame, next func() (Frame, error)) error {
	patience := make(chan struct{})
	enough := h.o.After(handleFor)
	begun := make(chan struct{})
	defer close(begun)
	go func() {
		select {
		case <-enough:
			close(patience)
		case <-begun:
		}
	}()
	if err := h.work(l, func() error { return l.begin(patience) }); err != nil {
		if errors.Is(err, errBusy) {
			return nil // the answer tells how far it got
		}
		return ErrUnknown
	}
	defer l.finish()
	for {
		err := h.work(l, func() error { return l.handle(f) })
		switch {
		case errors.Is(err, io.EOF):
			go h.drop(l, ErrClosed) // not while it is being handled
			return nil
		case err != nil:
			return ErrUnknown
		}
		select {
		case <-patience:
			return nil
		default:
		}
		if f, err = next(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("after frame %d: %w", l.received, err)
		}
	}
}

// work notes that a message of a peer is there and done with what f does, and that
// the peer is heard of as long as that takes.
func (h *Hub) work(l *served, f func() error) error {
	note := func(step int) {
		h.mu.Lock()
		defer h.mu.Unlock()
		l.working += step
		l.seen = h.o.Listening.Heard()
	}
	note(+1)
	defer note(-1)
	return f()
}

// hold waits until there is something to answer.
func (h *Hub) hold(ctx context.Context, l *served, ack uint64, wait time.Duration) {
	over := h.o.After(wait)
	var soon <-chan time.Time
	first := true
	for {
		h.mu.Lock()
		after, busy := max(ack, l.offered), l.bringing > 0
		h.mu.Unlock()
		if first { // what was lost on its way goes again
			after, first = ack, false
		}
		more, changed := l.unsent(after)
		if more && !busy {
			return
		}
		if more && soon == nil {
			soon = h.o.After(gather)
		}
		select {
		case <-changed:
		case <-soon:
			return
		case <-over:
			return
		case <-l.Done():
			return
		case <-ctx.Done():
			return
		case <-h.over:
			return
		}
	}
}

// Local returns the transport to the hub inside its own process.
func (h *Hub) Local(from Origin) Transport { return local{h, from} }

type local struct {
	hub  *Hub
	from Origin
}

// Hello implements Transport.
func (t local) Hello(_ context.Context, hello Hello) (Welcome, error) {
	return t.hub.Hello(hello, t.from)
}

// Exchange implements Transport.
func (t local) Exchange(ctx context.Context, link string, p Packet, wait time.Duration) (Packet, error) {
	return t.hub.Exchange(ctx, t.from, link, p.Ack, func() (Frame, error) {
		if len(p.Frames) == 0 {
			return Frame{}, io.EOF
		}
		f := p.Frames[0]
		p.Frames = p.Frames[1:]
		return f, nil
	}, wait)
}
