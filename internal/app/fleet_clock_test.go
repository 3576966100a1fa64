package app

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"github.com/faultline-storage/faultline/internal/auth"
	"github.com/faultline-storage/faultline/sdk/agent"
)

// wallClock is a system's clock that somebody sets: the time of day jumps, and what
// spans are measured by (the monotonic reading of a time.Time) goes on.
type wallClock struct{ ahead atomic.Int64 }

// set has the clock show a time, from now on.
func (c *wallClock) set(at time.Time) {
	c.ahead.Store(int64(time.Until(at.Round(0)).Round(time.Second)))
}

func (c *wallClock) now() time.Time {
	t, d := time.Now(), time.Duration(c.ahead.Load())
	was := t
	// Package time has no way to move one of the two readings alone. Its Time begins with
	// a word whose bits from 30 to 62 are the seconds of the time of day.
	*(*uint64)(unsafe.Pointer(&t)) += uint64(d/time.Second) << 30 //nolint:gosec // see above, and below
	if !t.Round(0).Equal(was.Round(0).Add(d)) || t.Sub(was) != 0 {
		panic("time.Time is another one than this test was written for")
	}
	return t
}

// ledgerTurns and ledgerPage are how often a host has news, and how many each time.
const ledgerTurns, ledgerPage = 10, 100

// ledger is a device plugin of a host on which things happen: each is told once, so the
// sum at the server is wrong if one is lost or comes twice.
type ledger struct{ turns int }

func (*ledger) StartSession(context.Context) ([]agent.Message, error) {
	return []agent.Message{{Data: map[string]any{"crates": map[string]int{"a": 0}}}}, nil
}

func (l *ledger) UpdateSession(context.Context) ([]agent.Message, error) {
	if l.turns++; l.turns > ledgerTurns {
		return nil, nil
	}
	var list []agent.Message
	for range ledgerPage {
		list = append(list, agent.Message{Data: map[string]any{"more": map[string]int{"a": 1}}})
	}
	return list, nil
}

func init() {
	builtinDevices["crates"] = func() {
		agent.Main("crates", func(*agent.Env) agent.Plugin { return &ledger{} }, agent.Every(time.Second))
	}
}

// TestClocksJump sets the clocks of a host and of its server back and forth during 1,000
// changes. The session goes on, and the server has each change once. Only a server whose
// clock says that a certificate has ended does not listen, says so, and does again when
// the clock is right.
func TestClocksJump(t *testing.T) {
	t.Parallel()
	host, server := &wallClock{}, &wallClock{}
	m := newManagerAt(t, server.now, nil)
	id, err := auth.Join(t.Context(), auth.JoinOptions{Dir: t.TempDir(), Server: "https://" + m.cfg.Listen, Token: m.token, Host: "oss1", Now: host.now})
	if err != nil {
		t.Fatal(err)
	}
	expires := id.Expires()
	host.set(time.Unix(86400, 0)) // a machine that has just booted and has no battery
	log := &logLines{}
	cfg := agentConfig("builtin:crates")
	cfg.Data = t.TempDir()
	a, err := NewAgent(AgentOptions{Identity: id, Config: cfg, Log: slog.New(slog.NewTextHandler(log, nil)), Version: "test", Now: host.now})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the agent: %v", err)
		}
		if t.Failed() {
			t.Log(log.String())
		}
	})

	has := func(n int) {
		t.Helper()
		until(t, fmt.Sprintf("the server has %d changes", n), func() bool {
			var got int
			id, _ := m.state("oss1")
			_, err := fmt.Sscanf(m.crates(id), "a=%d", &got)
			return err == nil && got >= n
		})
	}
	const day, year = 24 * time.Hour, 365 * 24 * time.Hour
	has(1)
	for i, step := range []struct {
		clock *wallClock
		ahead time.Duration
	}{
		{host, 0}, {host, day}, {host, 10 * year}, {host, -day}, {server, day}, {server, -day}, {server, time.Until(time.Unix(86400, 0))}, {server, 0},
	} {
		step.clock.set(time.Now().Add(step.ahead))
		has(i*ledgerPage + ledgerPage/2)
		if err := id.Refresh(t.Context()); err != nil {
			t.Errorf("step %d: %v", i, err)
		}
		if !id.Expires().Equal(expires) {
			t.Errorf("step %d: the certificate was renewed, and ends at %v", i, id.Expires())
		}
	}

	server.set(time.Now().Add(10 * year))
	want := fmt.Sprintf("the certificate of host oss1 was good until %s, and the server's clock says %d-", expires.UTC().Format(time.RFC3339), time.Now().Year()+10)
	until(t, "the agent's log says what is wrong", func() bool { return strings.Contains(log.String(), want) })
	if !strings.Contains(m.log.String(), want) {
		t.Error("the server's log does not say what is wrong")
	}
	server.set(time.Now())
	has(ledgerTurns * ledgerPage)
	// Another update and its answer: what was to come twice would have.
	heard := func() int { return strings.Count(log.String(), "the server answers again") }
	until(t, "the agent's log says that all is well", func() bool { return heard() > 0 })
	hostID, state := m.state("oss1")
	if got := m.crates(hostID); got != fmt.Sprintf("a=%d", ledgerTurns*ledgerPage) || state != hostConnected {
		t.Errorf("the server has %s of a host that is %s", got, state)
	}
	if n := strings.Count(log.String(), "a session of the device plugin began"); n != 1 {
		t.Errorf("there were %d sessions", n)
	}
}
