// Package linktest is what every transport of package link must do: the suite
// Test, and transports that misbehave.
package linktest

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/faultline-storage/faultline/internal/link"
	"github.com/faultline-storage/faultline/internal/resource"
)

// patience is for what should happen at once, on a busy machine and under the race
// detector.
const patience = 3 * time.Minute

// hasty makes the pauses of a client short.
func hasty(d time.Duration) <-chan time.Time { return time.After(d / 50) }

// Server is a hub with one kind of peer, for tests.
type Server struct {
	Hub *link.Hub

	mu     sync.Mutex
	events []string
	got    []string
	conns  []*link.Conn
	other  func(ctx context.Context, m link.Message, answer func([]byte, error)) bool
	signal chan struct{}
}

// NewServer starts a hub that runs until the test ends.
func NewServer(t *testing.T, grace time.Duration) *Server {
	t.Helper()
	s := &Server{signal: make(chan struct{}, 1)}
	s.Hub = link.NewHub(link.HubOptions{Accept: s.accept, Grace: grace, Keep: 4 * grace, Now: time.Now, After: time.After})
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = s.Hub.Run(ctx) })
	t.Cleanup(func() { cancel(); wg.Wait() })
	return s
}

// Handle has f see every message first; it reports whether it took it.
func (s *Server) Handle(f func(ctx context.Context, m link.Message, answer func([]byte, error)) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.other = f
}

func (s *Server) accept(h link.Hello, _ link.Origin, c *link.Conn) (link.Peer, []byte, error) {
	if h.Name == "unwelcome" {
		return nil, nil, resource.FieldErrorf("name", "nobody wants %s", h.Name)
	}
	s.mu.Lock()
	s.conns = append(s.conns, c)
	s.mu.Unlock()
	s.note("hello " + h.Name)
	return peer{s, h.Name}, []byte(`{"hello":true}`), nil
}

func (s *Server) note(event string) {
	s.mu.Lock()
	s.events = append(s.events, event)
	s.mu.Unlock()
}

// Conn returns the newest link.
func (s *Server) Conn() *link.Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conns[len(s.conns)-1]
}

// Want waits until the events so far are these.
func (s *Server) Want(t *testing.T, events ...string) {
	t.Helper()
	var have []string
	eventually(t, func() error {
		s.mu.Lock()
		defer s.mu.Unlock()
		if have = slices.Clone(s.events); !slices.Equal(have, events) {
			return fmt.Errorf("events %q, want %q", have, events)
		}
		return nil
	})
}

func eventually(t *testing.T, f func() error) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		err := f()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

type peer struct {
	s    *Server
	name string
}

// Receive implements link.Peer.
func (p peer) Receive(ctx context.Context, m link.Message, answer func([]byte, error)) {
	p.s.mu.Lock()
	other := p.s.other
	p.s.mu.Unlock()
	if other != nil && other(ctx, m, answer) {
		return
	}
	switch m.Kind {
	case "echo":
		answer(m.Body, nil)
	case "later":
		go answer(m.Body, nil)
	case "fail":
		answer(nil, resource.FieldErrorf("colour", "no such colour"))
	default:
		p.s.mu.Lock()
		p.s.got = append(p.s.got, string(m.Body))
		p.s.mu.Unlock()
		answer(nil, nil)
	}
}

// Lost implements link.Peer.
func (p peer) Lost(time.Time) { p.s.note("lost " + p.name) }

// Back implements link.Peer.
func (p peer) Back() { p.s.note("back " + p.name) }

// Gone implements link.Peer.
func (p peer) Gone(why error) { p.s.note("gone " + p.name + ": " + why.Error()) }

// Client is a client that runs until the test ends.
type Client struct {
	*link.Client
	Done chan error // gets what Run returned

	mu    sync.Mutex
	conns []*link.Conn
	got   []string
	sinks func(*link.Conn) func(link.Message) bool
}

// NewClient starts a client.
func NewClient(t *testing.T, name string, tr link.Transport, sinks func(*link.Conn) func(link.Message) bool) *Client {
	t.Helper()
	c := &Client{Done: make(chan error, 1), sinks: sinks}
	c.Client = link.NewClient(link.ClientOptions{
		Transport: tr, Now: time.Now, After: hasty, Window: 4 << 20,
		Hello: func() link.Hello {
			return link.Hello{Kind: "runner", Name: name, Version: "1", Instance: name + "-1"}
		},
		Open: func(conn *link.Conn, _ link.Welcome) (link.Receiver, func()) {
			take := func(link.Message) bool { return false }
			if c.sinks != nil {
				take = c.sinks(conn)
			}
			c.mu.Lock()
			c.conns = append(c.conns, conn)
			c.mu.Unlock()
			return func(_ context.Context, m link.Message, answer func([]byte, error)) {
				if take(m) {
					return
				}
				c.mu.Lock()
				c.got = append(c.got, string(m.Body))
				c.mu.Unlock()
				answer(append([]byte("re: "), m.Body...), nil)
			}, func() {}
		},
	})
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { c.Done <- c.Run(ctx) })
	t.Cleanup(func() { cancel(); wg.Wait() })
	return c
}

// Conn waits for the nth link, from 1.
func (c *Client) Conn(t *testing.T, n int) *link.Conn {
	t.Helper()
	var conn *link.Conn
	eventually(t, func() error {
		c.mu.Lock()
		defer c.mu.Unlock()
		if len(c.conns) < n {
			return errors.New("there is no link yet")
		}
		conn = c.conns[n-1]
		return nil
	})
	return conn
}

// Test runs the suite. connect returns a transport to a hub.
func Test(t *testing.T, connect func(t *testing.T, h *link.Hub) link.Transport) {
	const grace = time.Minute
	ctx := func(t *testing.T) context.Context {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		t.Cleanup(cancel)
		return ctx
	}
	start := func(t *testing.T) (*Server, *Client) {
		s := NewServer(t, grace)
		return s, NewClient(t, "r1", connect(t, s.Hub), nil)
	}

	t.Run("messages arrive once and in order, both ways", func(t *testing.T) {
		t.Parallel()
		s, c := start(t)
		conn := c.Conn(t, 1)
		var want []string
		for i := range 300 {
			want = append(want, strconv.Itoa(i))
			if err := conn.Send(ctx(t), link.Message{Kind: "note", Body: []byte(want[i])}); err != nil {
				t.Fatal(err)
			}
			if err := s.Conn().Post(link.Message{Kind: "note", Body: []byte(want[i])}); err != nil {
				t.Fatal(err)
			}
		}
		eventually(t, func() error {
			s.mu.Lock()
			c.mu.Lock()
			defer s.mu.Unlock()
			defer c.mu.Unlock()
			if !slices.Equal(s.got, want) || !slices.Equal(c.got, want) {
				return fmt.Errorf("%d and %d messages arrived, the last %v and %v", len(s.got), len(c.got), tail(s.got), tail(c.got))
			}
			return nil
		})
	})

	t.Run("calls are answered, both ways and at once", func(t *testing.T) {
		t.Parallel()
		s, c := start(t)
		conn := c.Conn(t, 1)
		var wg sync.WaitGroup
		for i := range 40 {
			body := []byte(strconv.Itoa(i))
			wg.Go(func() {
				got, err := conn.Call(ctx(t), link.Message{Kind: []string{"echo", "later"}[i%2], Body: body})
				if err != nil || !bytes.Equal(got, body) {
					t.Errorf("call %d: %q, %v", i, got, err)
				}
			})
			wg.Go(func() {
				got, err := s.Conn().Call(ctx(t), link.Message{Kind: "any", Body: body})
				if err != nil || string(got) != "re: "+string(body) {
					t.Errorf("call %d of the server: %q, %v", i, got, err)
				}
			})
		}
		wg.Wait()
	})

	t.Run("an error keeps its kind, field and words", func(t *testing.T) {
		t.Parallel()
		_, c := start(t)
		_, err := c.Conn(t, 1).Call(ctx(t), link.Message{Kind: "fail"})
		var f *resource.Fault
		if !errors.As(err, &f) || f.Kind != resource.Invalid || f.Field != "colour" || f.Text != "no such colour" {
			t.Errorf("%#v", err)
		}
	})

	t.Run("large messages", func(t *testing.T) {
		t.Parallel()
		_, c := start(t)
		conn := c.Conn(t, 1)
		for _, size := range []int{0, 1, 1 << 16, link.MaxPacket + 1, link.MaxBody} {
			body := noise(size)
			got, err := conn.Call(ctx(t), link.Message{Kind: "echo", Body: body})
			if err != nil || !bytes.Equal(got, body) {
				t.Errorf("%d bytes: %d came back, %v", size, len(got), err)
			}
		}
		if _, err := conn.Call(ctx(t), link.Message{Kind: "echo", Body: make([]byte, link.MaxBody+1)}); resource.KindOf(err) != resource.Invalid {
			t.Errorf("too large: %v", err)
		}
	})

	t.Run("a full window makes the sender wait", func(t *testing.T) {
		t.Parallel()
		s, c := start(t)
		conn := c.Conn(t, 1)
		hold := make(chan struct{})
		release := sync.OnceFunc(func() { close(hold) })
		t.Cleanup(release)
		s.Handle(func(_ context.Context, m link.Message, _ func([]byte, error)) bool {
			<-hold
			return m.Kind == "held"
		})
		var err error
		sent := 0
		for ; err == nil && sent < 100; sent++ {
			short, cancel := context.WithTimeout(ctx(t), 200*time.Millisecond)
			err = conn.Send(short, link.Message{Kind: "held", Body: noise(1 << 20)})
			cancel()
		}
		if !errors.Is(err, context.DeadlineExceeded) || sent > 5 { // the window has 4 MiB
			t.Fatalf("after %d messages of 1 MiB: %v", sent, err)
		}
		release()
		if _, err := conn.Call(ctx(t), link.Message{Kind: "echo"}); err != nil {
			t.Errorf("after that: %v", err)
		}
	})

	t.Run("a peer that is not wanted is told", func(t *testing.T) {
		t.Parallel()
		s := NewServer(t, grace)
		c := NewClient(t, "unwelcome", connect(t, s.Hub), nil)
		select {
		case err := <-c.Done:
			if resource.KindOf(err) != resource.Invalid {
				t.Error(err)
			}
		case <-time.After(patience):
			t.Error("it does not end")
		}
	})

	t.Run("goodbye comes after all messages", func(t *testing.T) {
		t.Parallel()
		s, c := start(t)
		conn := c.Conn(t, 1)
		for i := range 50 {
			if err := conn.Send(ctx(t), link.Message{Kind: "note", Body: []byte{byte(i)}, Priority: link.Low}); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.Close(ctx(t)); err != nil {
			t.Error(err)
		}
		s.mu.Lock()
		if len(s.got) != 50 {
			t.Errorf("%d messages arrived", len(s.got))
		}
		s.mu.Unlock()
		eventually(t, func() error {
			s.mu.Lock()
			defer s.mu.Unlock()
			if last := s.events[len(s.events)-1]; last != "gone r1: "+link.ErrClosed.Error() {
				return errors.New(last)
			}
			return nil
		})
		if err := <-c.Done; err != nil {
			t.Error(err)
		}
	})
}

func tail(list []string) []string { return list[max(0, len(list)-3):] }

// noise returns bytes that do not compress to nothing.
func noise(n int) []byte {
	b := make([]byte, n)
	x := uint64(n) + 1
	for i := 0; i+8 <= n; i += 8 {
		x = x*6364136223846793005 + 1442695040888963407
		binary.LittleEndian.PutUint64(b[i:], x)
	}
	return b
}
