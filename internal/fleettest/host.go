package fleettest

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/faultline-storage/faultline/internal/auth"
	"github.com/faultline-storage/faultline/internal/link"
	"github.com/faultline-storage/faultline/internal/link/httplink"
)

// Host is a simulated host with its agent. Its methods are for one goroutine,
// but for Cut.
type Host struct {
	*auth.Identity

	Agent *link.Agent
	hello link.AgentHello
	// booted is before the host's agent was started first, in the time of this process.
	booted time.Time

	cut   *cut
	stop  context.CancelFunc
	ended chan error
}

// Register registers a host at a server. The folder keeps what it gets.
func Register(tb testing.TB, dir, server, token, name string) *Host {
	tb.Helper()
	id, err := auth.Join(tb.Context(), auth.JoinOptions{Dir: dir, Server: server, Token: token, Host: name})
	if err != nil {
		tb.Fatal(err)
	}
	return NewHost(id)
}

// NewHost returns a host that was registered. It has booted just now.
func NewHost(id *auth.Identity) *Host {
	return &Host{Identity: id, hello: link.AgentHello{Boot: rand.Text(), Machine: id.Host(), Booted: time.Now().Add(-time.Hour)}, booted: time.Now().Add(-time.Hour), cut: &cut{}}
}

// Start starts the host's agent.
func (h *Host) Start(log *slog.Logger) {
	h.hello.Started = time.Since(h.booted)
	hello := h.hello
	h.cut.next = h.Identity
	h.Agent = link.NewAgent(link.AgentOptions{
		Transport: &httplink.Transport{Server: h.Server(), Client: &http.Client{Transport: h.cut}, Agent: "fleettest"},
		Name:      h.Host(), Version: "test", Instance: rand.Text(), Log: log, Now: time.Now, After: time.After,
		Hello: func() link.AgentHello { return hello },
	})
	ctx, cancel := context.WithCancel(context.Background())
	agent, ended := h.Agent, make(chan error, 1)
	h.stop, h.ended = cancel, ended
	go func() { ended <- agent.Run(ctx) }()
}

// Again returns the same host, for another start of its agent while this one still
// runs.
func (h *Host) Again() *Host {
	return &Host{Identity: h.Identity, hello: h.hello, booted: h.booted, cut: &cut{}}
}

// Boot makes the next Start one after another boot of the host.
func (h *Host) Boot() { h.hello.Boot, h.hello.Booted = rand.Text(), time.Now() }

// Stop ends the agent in order.
func (h *Host) Stop(ctx context.Context) error {
	err := h.Agent.Close(ctx)
	h.stop()
	return errors.Join(err, <-h.ended)
}

// Kill ends the agent as its death would: nobody is told.
func (h *Host) Kill() {
	h.stop()
	_ = h.Wait() // the end of its context is no error
}

// Wait waits until the agent gives up and returns why.
func (h *Host) Wait() error { return <-h.ended }

// Cut cuts the host off, or mends that. Requests that are under way are lost.
func (h *Host) Cut(on bool) { h.cut.set(on) }

// Say opens a session and sends messages in it, each in JSON. It returns when the
// server has handled them.
func (h *Host) Say(ctx context.Context, plugin string, messages ...any) (*link.AgentSession, error) {
	s, err := h.Agent.Open(ctx, plugin)
	if err != nil {
		return nil, err
	}
	return s, More(ctx, s, messages...)
}

// More sends messages in a session. It returns when the server has handled them.
func More(ctx context.Context, s *link.AgentSession, messages ...any) error {
	for _, m := range messages {
		b, err := json.Marshal(m)
		if err != nil {
			return err
		}
		if err := s.Send(ctx, b, link.Normal); err != nil {
			return err
		}
	}
	return s.Flush(ctx)
}

// cut is a way to the server that can be cut.
type cut struct {
	next http.RoundTripper

	mu     sync.Mutex
	on     bool
	cancel map[*http.Request]context.CancelFunc
}

var errCut = errors.New("the host is cut off")

func (c *cut) set(on bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.on = on
	if on {
		for _, cancel := range c.cancel {
			cancel()
		}
	}
}

// RoundTrip implements http.RoundTripper.
func (c *cut) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancel(r.Context())
	c.mu.Lock()
	if c.on {
		c.mu.Unlock()
		cancel()
		return nil, errCut
	}
	if c.cancel == nil {
		c.cancel = map[*http.Request]context.CancelFunc{}
	}
	c.cancel[r] = cancel
	c.mu.Unlock()
	rsp, err := c.next.RoundTrip(r.WithContext(ctx))
	c.mu.Lock()
	delete(c.cancel, r)
	lost := c.on
	c.mu.Unlock()
	if lost && err == nil { // the answer does not arrive
		_ = rsp.Body.Close()
		err = errCut
	}
	if err != nil {
		cancel()
		return nil, err
	}
	rsp.Body = &ending{rsp.Body, cancel}
	return rsp, nil
}

// ending is a body that ends its request.
type ending struct {
	io.ReadCloser
	cancel context.CancelFunc
}

// Close implements io.Closer.
func (e *ending) Close() error {
	defer e.cancel()
	return e.ReadCloser.Close()
}
