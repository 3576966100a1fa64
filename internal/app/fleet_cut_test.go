package app

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/faultline-storage/faultline/internal/config"
	"github.com/faultline-storage/faultline/internal/fleettest"
	"github.com/faultline-storage/faultline/internal/link"
	"github.com/faultline-storage/faultline/internal/resource"
)

func shortGrace(c *config.Config) { c.AgentGrace = config.Duration(2 * time.Second) }

func (m *manager) is(t *testing.T, host, state string) {
	t.Helper()
	until(t, "host "+host+" is "+state, func() bool { _, s := m.state(host); return s == state })
}

// ended waits for the end of a session and returns why the server ended it.
func ended(t *testing.T, s *link.AgentSession) *link.ResetError {
	t.Helper()
	select {
	case <-s.Done():
	case <-time.After(time.Minute):
		t.Fatal("the session does not end")
	}
	var r *link.ResetError
	if !errors.As(s.Err(), &r) {
		t.Fatalf("the session ended with %v", s.Err())
	}
	return r
}

// TestContactLost: what changes during a cut is there after it, once, and the
// session goes on.
func TestContactLost(t *testing.T) {
	t.Parallel()
	m := newManager(t, shortGrace)
	h := m.host(t, "oss1")
	h.Start(quiet())
	s, err := h.Say(t.Context(), "crates", news(map[string]int{"a": 1}))
	if err != nil {
		t.Fatal(err)
	}
	id, _ := m.state("oss1")
	h.Cut(true)
	m.is(t, "oss1", hostLost)
	until(t, "what it reported is stale", func() bool { return m.crates(id) == "a=1!" })
	done := make(chan error, 1)
	go func() {
		var list []any
		for i := 2; i <= 500; i++ {
			list = append(list, news(map[string]int{"a": i}))
		}
		done <- fleettest.More(t.Context(), s, list...)
	}()
	r := m.srv.inv.Get(id)
	if reason := r.Values[r.Class.Attr("reason")].String(); !strings.Contains(reason, "nothing was heard of it since") {
		t.Errorf("reason %q", reason)
	}
	h.Cut(false)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	m.is(t, "oss1", hostConnected)
	until(t, "it is live again", func() bool { return m.crates(id) == "a=500" })
	if s.Err() != nil {
		t.Errorf("the session ended: %v", s.Err())
	}
	h.Kill()
	m.is(t, "oss1", hostLost) // nobody said goodbye
}

// TestAServerThatRestarts begins with its hosts as they were. Those that come back
// within the grace are not missed; the others are lost after it, and not removed.
func TestAServerThatRestarts(t *testing.T) {
	t.Parallel()
	m := newManager(t, func(c *config.Config) { c.AgentGrace = config.Duration(20 * time.Second) })
	here, gone, stopped := m.host(t, "here"), m.host(t, "gone"), m.host(t, "stopped")
	ids := map[string]resource.ID{}
	sessions := map[string]*link.AgentSession{}
	for _, h := range []*fleettest.Host{here, gone, stopped} {
		h.Start(quiet())
		s, err := h.Say(t.Context(), "crates", news(map[string]int{"a": 1}))
		if err != nil {
			t.Fatal(err)
		}
		sessions[h.Host()] = s
		ids[h.Host()], _ = m.state(h.Host())
	}
	if err := stopped.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	m.is(t, "stopped", hostStopped)
	m.stop(t)
	gone.Kill()
	m.cfg.AgentGrace = config.Duration(15 * time.Second)
	m.start(t)
	<-sessions["here"].Done()
	if _, err := here.Say(t.Context(), "crates", news(map[string]int{"b": 2})); err != nil {
		t.Fatal(err)
	}
	if got := m.crates(ids["here"]); got != "b=2" {
		t.Errorf("after the restart there is %q", got)
	}
	for _, name := range []string{"here", "gone"} {
		if id, _ := m.state(name); id != ids[name] {
			t.Errorf("host %s has the number %d, before %d", name, id, ids[name])
		}
	}
	m.is(t, "gone", hostLost)
	if got := m.crates(ids["gone"]); got != "a=1!" {
		t.Errorf("what a lost host reported is %q", got)
	}
	if _, state := m.state("stopped"); state != hostStopped {
		t.Errorf("the stopped host is %s", state)
	}
	if strings.Contains(m.log.String(), "nothing was heard of a host\" component=agents host=here") {
		t.Error("a host that came back was missed")
	}
	here.Kill()
}

func TestAPluginThatFailsOnWhatAgentsSay(t *testing.T) {
	t.Parallel()
	m := newManager(t, nil)
	h, other := m.host(t, "oss1"), m.host(t, "oss2")
	h.Start(quiet())
	other.Start(quiet())
	s, err := h.Say(t.Context(), "crates", news(map[string]int{"a": 1}))
	if err != nil {
		t.Fatal(err)
	}
	o, err := other.Say(t.Context(), "crates", news(map[string]int{"z": 1}))
	if err != nil {
		t.Fatal(err)
	}
	id, _ := m.state("oss1")

	// An exception ends the session of that host, and is logged with the data.
	if err := fleettest.More(t.Context(), s, map[string]any{"fail": true, "blob": "what-it-was"}); err == nil {
		t.Error("data that the plugin failed on counts as handled")
	}
	if r := ended(t, s); r.Cause != link.CausePlugin || !strings.Contains(r.Text, "it does not like crates") {
		t.Errorf("the session ended with %+v", r)
	}
	m.logs(t, "what-it-was")
	if o.Err() != nil {
		t.Errorf("the session of another host ended: %v", o.Err())
	}
	until(t, "what it reported is stale", func() bool { return m.crates(id) == "a=1!" })
	if s, err = h.Say(t.Context(), "crates", news(map[string]int{"a": 2})); err != nil {
		t.Fatal(err)
	}
	if got := m.crates(id); got != "a=2" {
		t.Errorf("after a new session there is %q", got)
	}

	// A plugin that dies takes all its sessions with it, and the hosts begin anew.
	if err := fleettest.More(t.Context(), s, map[string]any{"die": true}); err == nil {
		t.Error("data that killed the plugin counts as handled")
	}
	ended(t, s)
	ended(t, o)
	for _, h := range []*fleettest.Host{h, other} {
		if s, err = h.Say(t.Context(), "crates", news(map[string]int{"b": 3})); err != nil {
			t.Fatal(err)
		}
		id, _ := m.state(h.Host())
		if got := m.crates(id); got != "b=3" {
			t.Errorf("host %s has %q after its plugin died", h.Host(), got)
		}
	}

	// So does one that somebody loads anew, but that is no failure.
	if _, err := m.srv.catalog.Reload(t.Context(), "crates"); err != nil {
		t.Fatal(err)
	}
	if r := ended(t, s); r.Cause != link.CauseReload {
		t.Errorf("the session ended with %+v", r)
	}
	h.Kill()
	other.Kill()
}

// TestADevicePluginThatTheServerLacks waits until the server has it.
func TestADevicePluginThatTheServerLacks(t *testing.T) {
	t.Parallel()
	m := newManager(t, nil)
	h, other := m.host(t, "oss1"), m.host(t, "oss2")
	opened := make(chan error, 2)
	for _, h := range []*fleettest.Host{h, other} {
		h.Start(quiet())
		go func() {
			_, err := h.Say(t.Context(), "late", news(map[string]int{"a": 1}))
			opened <- err
		}()
	}
	m.logs(t, "the server has no plugin late")
	dir := filepath.Join(m.cfg.Data, "plugins")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	const late = `
from chroma_core.lib.storage_plugin.api import attributes, identifiers, plugin, resources
version = 1
class Late(resources.HostRoot):
    class Meta:
        identifier = identifiers.GlobalId('host_id')
    host_id = attributes.Integer()
class Crate(resources.StoragePool):
    class Meta:
        identifier = identifiers.ScopedId('name')
    name = attributes.String()
class Plugin(plugin.Plugin):
    def agent_session_start(self, host_id, data):
        for name in data['crates']:
            self.update_or_create(Crate, name=name)
`
	if err := os.WriteFile(filepath.Join(dir, "late.py"), []byte(late), 0o644); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		select {
		case err := <-opened:
			if err != nil {
				t.Fatal(err)
			}
		case <-time.After(2 * time.Minute):
			t.Fatal("no session is opened once the plugin is there")
		}
	}
	if n := strings.Count(m.log.String(), "the server has no plugin late"); n != 1 {
		t.Errorf("the log says %d times that a plugin is missing", n)
	}
	for _, name := range []string{"oss1", "oss2"} {
		id, _ := m.state(name)
		roots := m.srv.hosts.fleet.rootsOf(id, name)
		if len(roots) != 1 || m.srv.inv.Get(roots[0]).Class.FullName() != "late.Late" {
			t.Errorf("host %s has the roots %v", name, roots)
		}
	}
	h.Kill()
	other.Kill()
}

// TestASlowPluginHoldsBackItsHosts, and no others.
func TestASlowPluginHoldsBackItsHosts(t *testing.T) {
	t.Parallel()
	m := newManager(t, func(c *config.Config) { c.Plugins = append(c.Plugins, "builtin:shelf") })
	h := m.host(t, "oss1")
	h.Start(quiet())
	s, err := h.Say(t.Context(), "crates", news(map[string]int{"a": 1}))
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		if err := s.Send(t.Context(), []byte(`{"pause":20}`), link.Normal); err != nil {
			t.Fatal(err)
		}
	}
	// Another plugin of the host need not wait for that.
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if _, err := h.Agent.Open(ctx, "shelf"); err != nil {
		t.Errorf("another plugin of the host: %v", err)
	}
	if err := s.Flush(t.Context()); err != nil {
		t.Error(err)
	}
	h.Kill()
}
