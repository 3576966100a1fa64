package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/faultline-storage/faultline/internal/config"
	"github.com/faultline-storage/faultline/internal/fleettest"
	"github.com/faultline-storage/faultline/internal/resource"
	sdk "github.com/faultline-storage/faultline/sdk/plugin"
)

// crateNode is what the plugin "crates" makes of a crate that a host sees.
type crateNode struct {
	sdk.DeviceNode
	Crate string `attr:",scopedid"`
	Size  int
}

// crates is the server's side of an agent plugin. What a host says is
// {"full": true, "crates": {"a": 1}}, and later {"crates": {"a": 2, "b": null}}.
type crates struct{ nodes map[string]*crateNode }

type crateNews struct {
	Crates map[string]*int `json:"crates"`
	Fail   bool            `json:"fail"`
	Die    bool            `json:"die"`
	Pause  int             `json:"pause"` // milliseconds
	Blob   string          `json:"blob"`
	More   map[string]int  `json:"more"` // to the size of crates that were told before
}

func (c *crates) AgentSessionStart(ctx context.Context, s *sdk.Session, host int64, data json.RawMessage) error {
	c.nodes = map[string]*crateNode{}
	return c.AgentSessionContinue(ctx, s, host, data)
}

func (c *crates) AgentSessionContinue(_ context.Context, s *sdk.Session, host int64, data json.RawMessage) error {
	var n crateNews
	if err := json.Unmarshal(data, &n); err != nil {
		return err
	}
	time.Sleep(time.Duration(n.Pause) * time.Millisecond)
	switch {
	case n.Die:
		os.Exit(3)
	case n.Fail:
		return errors.New("it does not like crates")
	}
	for name, size := range n.Crates {
		switch node := c.nodes[name]; {
		case size == nil:
			sdk.Remove(node)
			delete(c.nodes, name)
		case node == nil:
			c.nodes[name] = sdk.Report(s, &crateNode{DeviceNode: sdk.DeviceNode{HostID: host, Path: sdk.Path("/dev/" + name)}, Crate: name, Size: *size})
		default:
			node.Size = *size
		}
	}
	for name, n := range n.More {
		c.nodes[name].Size += n
	}
	return nil
}

func cratesMain() {
	sdk.Main("crates", 1, sdk.Handles(func() *crates { return &crates{} }), sdk.Reports[crateNode]())
}

// manager is a server with the plugin "crates" and a token for agents.
type manager struct {
	cfg   config.Config
	srv   *Server
	token string
	log   *logLines
	now   func() time.Time // see Options.Now
}

// logLines is a log that can be read while it is written.
type logLines struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *logLines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logLines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newManager(t *testing.T, change func(*config.Config)) *manager {
	t.Helper()
	return newManagerAt(t, nil, change)
}

// newManagerAt is newManager with a clock.
func newManagerAt(t *testing.T, now func() time.Time, change func(*config.Config)) *manager {
	t.Helper()
	m := &manager{cfg: config.Default(), log: &logLines{}, now: now}
	m.cfg.Data, m.cfg.Listen, m.cfg.Plugins = t.TempDir(), "127.0.0.1:0", []string{"builtin:crates"}
	if change != nil {
		change(&m.cfg)
	}
	m.start(t)
	m.token = joinToken(t, m.srv, 100)
	t.Cleanup(func() {
		if m.srv != nil {
			m.stop(t)
		}
		if t.Failed() {
			t.Log(m.log.String())
		}
	})
	return m
}

// joinToken makes a token with which so many hosts may register.
func joinToken(tb testing.TB, srv *Server, uses int) string {
	tb.Helper()
	_, token, err := srv.hosts.authority.CreateJoin(tb.Context(), resource.AgentToken{Name: "all", Uses: uses}, time.Hour)
	if err != nil {
		tb.Fatal(err)
	}
	return token
}

func (m *manager) start(t *testing.T) {
	t.Helper()
	log := slog.New(slog.NewTextHandler(m.log, &slog.HandlerOptions{Level: slog.LevelInfo}))
	var err error
	if m.srv, err = Start(t.Context(), Options{Config: m.cfg, Log: log, Version: "test", Now: m.now}); err != nil {
		t.Fatal(err)
	}
	m.cfg.Listen = m.srv.Addr().String() // also after a restart
}

func (m *manager) stop(t *testing.T) {
	t.Helper()
	if err := m.srv.Stop(); err != nil {
		t.Error(err)
	}
	m.srv = nil
}

// host registers a host. Its agent does not run yet.
func (m *manager) host(t *testing.T, name string) *fleettest.Host {
	t.Helper()
	return fleettest.Register(t, filepath.Join(t.TempDir(), name), "https://"+m.srv.Addr().String(), m.token, name)
}

func (m *manager) logs(t *testing.T, text string) {
	t.Helper()
	until(t, "the log has "+text, func() bool { return strings.Contains(m.log.String(), text) })
}

func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	deadline := time.Now().Add(2 * time.Minute)
	for !done() {
		if time.Now().After(deadline) {
			t.Fatalf("gave up waiting: %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// crates returns "crate=size" of a host, sorted, with a ! if they are stale.
func (m *manager) crates(host resource.ID) string {
	inv := m.srv.inv
	var out []string
	c := inv.Class("crates", "crateNode")
	if c == nil {
		return ""
	}
	for _, r := range inv.Members(c) {
		if id, _ := r.Values[c.Attr("host_id")].Int(); resource.ID(id) != host {
			continue
		}
		size, _ := r.Values[c.Attr("size")].Int()
		name, _ := r.Values[c.Attr("crate")].Text()
		text := fmt.Sprintf("%s=%d", name, size)
		if inv.Stale(r) {
			text += "!"
		}
		out = append(out, text)
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

// state returns the host's resource and the value of its state.
func (m *manager) state(name string) (resource.ID, string) {
	c := m.srv.inv.Class(resource.ServerPlugin, hostClass)
	for _, r := range m.srv.inv.Members(c) {
		if n, _ := r.Values[c.Attr("fqdn")].Text(); n == name {
			return r.ID, r.Values[c.Attr("state")].String()
		}
	}
	return 0, ""
}

func news(crates map[string]int) map[string]any { return map[string]any{"crates": crates} }

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func TestAHostReports(t *testing.T) {
	t.Parallel()
	m := newManager(t, nil)
	h := m.host(t, "oss1.example.com")
	h.Start(quiet())
	s, err := h.Say(t.Context(), "crates", news(map[string]int{"a": 1, "b": 2}))
	if err != nil {
		t.Fatal(err)
	}
	id, state := m.state("oss1.example.com")
	if state != hostConnected || id == 0 {
		t.Fatalf("host %d is %q", id, state)
	}
	if got := m.crates(id); got != "a=1 b=2" {
		t.Errorf("after the start there is %q", got)
	}
	if err := fleettest.More(t.Context(), s, news(map[string]int{"a": 5}), map[string]any{"crates": map[string]any{"b": nil, "c": 3}}); err != nil {
		t.Fatal(err)
	}
	if got := m.crates(id); got != "a=5 c=3" {
		t.Errorf("after an update there is %q", got)
	}
	until(t, "host_id is set", func() bool {
		r := m.srv.inv.Get(id)
		n, _ := r.Values[r.Class.Attr("host_id")].Int()
		return resource.ID(n) == id
	})
	if err := h.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	until(t, "the host is stopped", func() bool { _, s := m.state("oss1.example.com"); return s == hostStopped })
	until(t, "its resources are stale", func() bool { return m.crates(id) == "a=5! c=3!" })
	h.Start(quiet())
	if _, err := h.Say(t.Context(), "crates", news(map[string]int{"c": 4})); err != nil {
		t.Fatal(err)
	}
	if got := m.crates(id); got != "c=4" {
		t.Errorf("after another start there is %q", got)
	}
	until(t, "it is the same host, and connected", func() bool {
		again, state := m.state("oss1.example.com")
		return again == id && state == hostConnected
	})
	if l := m.srv.hosts.list(); len(l) != 1 || l[0].ID != id || l[0].Name != "oss1.example.com" || len(l[0].Plugins) != 1 || l[0].Plugins[0].Name != "crates" ||
		l[0].Address != "127.0.0.1" || time.Since(l[0].LastContact) > time.Minute || l[0].Version != "test" {
		t.Errorf("hosts %+v", l)
	}

	// Removed with all that it reported, it can come back as another host only.
	if err := m.srv.hosts.remove(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	until(t, "the host is gone", func() bool { return m.srv.inv.Get(id) == nil && m.crates(id) == "" })
	if err := h.Wait(); err == nil || !strings.Contains(err.Error(), "was revoked") {
		t.Errorf("the agent of a removed host ends with %v", err)
	}
	h = m.host(t, "oss1.example.com")
	h.Start(quiet())
	if _, err := h.Say(t.Context(), "crates", news(map[string]int{"d": 1})); err != nil {
		t.Fatal(err)
	}
	if other, _ := m.state("oss1.example.com"); other == id || m.crates(other) != "d=1" {
		t.Errorf("host %d came back as %d, with %q", id, other, m.crates(other))
	}
	h.Kill()
	m.logs(t, "was revoked at")
}
