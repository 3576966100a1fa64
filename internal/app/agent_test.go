package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/faultline-storage/faultline/internal/config"
	"github.com/faultline-storage/faultline/internal/link"
	"github.com/faultline-storage/faultline/internal/link/linktest"
	"github.com/faultline-storage/faultline/internal/pluginhost"
	"github.com/faultline-storage/faultline/sdk/agent"
)

// counterDevice counts: the start says 0, each update one more.
type counterDevice struct{ n int }

func (c *counterDevice) StartSession(context.Context) ([]agent.Message, error) {
	return []agent.Message{{Data: c.n}}, nil
}

func (c *counterDevice) UpdateSession(context.Context) ([]agent.Message, error) {
	c.n++
	return []agent.Message{{Data: c.n}}, nil
}

// badDevice does what its name says.
type badDevice struct {
	name string
	env  *agent.Env
}

func (b *badDevice) StartSession(ctx context.Context) ([]agent.Message, error) {
	switch b.name {
	case "hang":
		<-ctx.Done() // and the context ends with the session, which does not
	case "fail":
		return nil, errors.New("no disk answers")
	case "panics":
		var none []int
		_ = none[len(b.name)]
	case "large":
		return []agent.Message{{Data: strings.Repeat("x", 20<<20)}}, nil
	case "flood":
		go func() {
			for ctx.Err() == nil {
				b.env.Log.Warn("again")
				b.env.Changed()
				fmt.Println("and again")
			}
		}()
	}
	return []agent.Message{{Data: b.name}}, nil
}

func (b *badDevice) UpdateSession(context.Context) ([]agent.Message, error) {
	if b.name == "crash" {
		os.Exit(3)
	}
	return nil, nil
}

func init() {
	builtinDevices["counter"] = func() {
		agent.Main("counter", func(*agent.Env) agent.Plugin { return &counterDevice{} }, agent.Every(time.Second))
	}
	for _, name := range []string{"hang", "fail", "panics", "large", "flood", "crash"} {
		builtinDevices[name] = func() {
			agent.Main(name, func(e *agent.Env) agent.Plugin { return &badDevice{name, e} }, agent.Every(time.Second))
		}
	}
}

// agentDesk is a server that notes what agents say. It may be stopped and started,
// and forgets its links then.
type agentDesk struct {
	mu    sync.Mutex
	hub   *link.Hub
	opens int
	heard map[string][]said // by plugin
	ended []string          // plugins whose sessions were closed
	hello link.AgentHello
}

type said struct {
	session  string
	sequence uint64
	data     string
}

func newAgentDesk(t *testing.T) *agentDesk {
	t.Helper()
	d := &agentDesk{heard: map[string][]said{}}
	d.restart()
	t.Cleanup(func() { d.transport().hub.Close() })
	return d
}

func (d *agentDesk) restart() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.hub != nil {
		d.hub.Close()
	}
	d.hub = link.NewHub(link.HubOptions{Accept: d.accept, Grace: time.Minute, Now: time.Now, After: time.After})
}

func (d *agentDesk) accept(h link.Hello, _ link.Origin, _ *link.Conn) (link.Peer, []byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := json.Unmarshal(h.Body, &d.hello); err != nil {
		return nil, nil, err
	}
	b, err := json.Marshal(link.AgentWelcome{Host: 7})
	return d, b, err
}

// Receive implements link.Peer.
func (d *agentDesk) Receive(_ context.Context, m link.Message, answer func([]byte, error)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch m.Kind {
	case link.AgentOpen:
		d.opens++
		answer(json.Marshal(link.AgentSessionID{Session: fmt.Sprint(d.opens)}))
	case link.AgentData:
		head, data, err := link.ReadAgentData(m.Body)
		if err == nil {
			d.heard[head.Plugin] = append(d.heard[head.Plugin], said{head.Session, head.Sequence, string(data)})
		}
		answer(nil, err)
	case link.AgentClose:
		var n link.AgentNote
		err := json.Unmarshal(m.Body, &n)
		d.ended = append(d.ended, strings.TrimSpace(n.Plugin+" "+n.Text))
		answer(nil, err)
	}
}

// Lost, Back and Gone implement link.Peer.
func (*agentDesk) Lost(time.Time) {}
func (*agentDesk) Back()          {}
func (*agentDesk) Gone(error)     {}

func (d *agentDesk) of(plugin string) []said {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.heard[plugin])
}

// deskTransport leads to the desk as it is now.
type deskTransport struct {
	d   *agentDesk
	hub *link.Hub
}

func (d *agentDesk) transport() deskTransport {
	d.mu.Lock()
	defer d.mu.Unlock()
	return deskTransport{d, d.hub}
}

func (t deskTransport) Hello(ctx context.Context, h link.Hello) (link.Welcome, error) {
	return t.d.transport().hub.Local(link.Origin{User: "oss1"}).Hello(ctx, h)
}

func (t deskTransport) Exchange(ctx context.Context, name string, p link.Packet, wait time.Duration) (link.Packet, error) {
	return t.d.transport().hub.Local(link.Origin{User: "oss1"}).Exchange(ctx, name, p, wait)
}

// runAgent runs an agent until the test ends, and returns its log.
func runAgent(t *testing.T, tr link.Transport, c config.Agent) *logBuffer {
	t.Helper()
	log := &logBuffer{}
	c.Data = t.TempDir()
	a, err := NewAgent(AgentOptions{Transport: tr, Identity: someHost{}, Config: c, Log: slog.New(slog.NewTextHandler(log, nil)), Version: "1"})
	if err != nil {
		t.Fatal(err)
	}
	a.devices.every = 20 * time.Millisecond
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
		if t.Failed() {
			t.Log(log.String())
		}
	})
	return log
}

// someHost is an identity that is never shown.
type someHost struct{ http.RoundTripper }

func (someHost) Host() string                            { return "oss1" }
func (someHost) Server() string                          { return "" }
func (someHost) Run(ctx context.Context, _ *slog.Logger) { <-ctx.Done() }

type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.b.Len() > 1<<20 || bytes.Contains(p, []byte("msg={] plugin=garbage")) || bytes.Contains(p, []byte("plugin=flood")) {
		return len(p), nil // there is no end of them
	}
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func soon(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited for 2 min: %s", what)
		}
	}
}

func agentConfig(plugins ...string) config.Agent {
	c := config.DefaultAgent()
	c.DevicePlugins, c.DevicePluginDir, c.PluginCgroup = plugins, filepath.Join(os.TempDir(), "no-such-folder"), "off"
	return c
}

// checkCount checks what a counter said: in each session from 0, without a gap and
// nothing twice.
func checkCount(t *testing.T, list []said) {
	t.Helper()
	next := map[string]uint64{}
	for _, s := range list {
		if s.sequence != next[s.session] || s.data != fmt.Sprint(s.sequence) {
			t.Errorf("session %s: message %d says %s, want message %d", s.session, s.sequence, s.data, next[s.session])
		}
		next[s.session]++
	}
}

// TestAgentWithBadPlugins: whatever plugins do, the others work on.
func TestAgentWithBadPlugins(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"garbage":     "#!/bin/sh\nyes '{]'\n",
		"deaf":        "#!/bin/sh\nexec sleep 1000\n",
		"no_hooks.py": "from chroma_agent.plugin_manager import DevicePlugin\nclass A(DevicePlugin):\n    pass\n",
		"py2.py":      "from chroma_agent.plugin_manager import DevicePlugin\nclass A(DevicePlugin):\n    print 'x'\n",
		"server.py":   "from chroma_core.lib.storage_plugin.api import plugin\nversion = 1\nclass P(plugin.Plugin):\n    def agent_session_start(self, host_id, data):\n        pass\n",
		"counter.py":  "import nothing\n", // the name is taken
		"README.md":   "none of them",
	} {
		mode := os.FileMode(0o755)
		if name == "README.md" {
			mode = 0o644
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	c := agentConfig("builtin:counter", "builtin:hang", "builtin:fail", "builtin:panics", "builtin:large", "builtin:flood", "builtin:crash", "builtin:nothing")
	c.DevicePluginDir, c.CallTimeout = dir, config.Duration(20*time.Second)
	d := newAgentDesk(t)
	log := runAgent(t, d.transport(), c)
	soon(t, "the counter counts", func() bool { return len(d.of("counter")) > 4 })
	soon(t, "a plugin that crashes is started again", func() bool {
		list := d.of("crash")
		return len(list) > 1 && list[0].session != list[1].session
	})
	soon(t, "a plugin floods", func() bool { return len(d.of("flood")) == 1 })
	checkCount(t, d.of("counter"))
	for _, want := range []string{
		"builtin:nothing", "it has the name counter", "no disk answers", "index out of range [6] with length 0", "more than 15 MiB",
		"FL104", "is no device plugin", "too many lines on standard output", "start_session did not answer within 20s",
	} {
		soon(t, "the log says "+want, func() bool { return strings.Contains(log.String(), want) })
	}
	for _, silent := range []string{"hang", "fail", "panics", "large", "no_hooks", "py2", "garbage"} {
		if got := d.of(silent); len(got) > 0 {
			t.Errorf("%s says %v", silent, got)
		}
	}
	want := []string{"counter", "crash", "deaf", "fail", "flood", "garbage", "hang", "large", "no_hooks", "panics", "py2", "server"}
	d.mu.Lock()
	defer d.mu.Unlock()
	if !slices.Equal(d.hello.Plugins, want) || d.hello.Started == 0 || d.hello.Boot == "" {
		t.Errorf("hello %+v, want plugins %q", d.hello, want)
	}
}

// TestAgentFollowsItsFolder: what comes into the folder of device plugins runs, what
// changes begins anew, what goes ends, and no other plugin notices.
func TestAgentFollowsItsFolder(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "later")
	c := agentConfig("builtin:counter")
	c.DevicePluginDir = dir
	d := newAgentDesk(t)
	log := runAgent(t, d.transport(), c)
	says := func(plugin, data string) {
		t.Helper()
		soon(t, plugin+" says "+data, func() bool {
			list := d.of(plugin)
			return len(list) > 0 && list[len(list)-1].data == data
		})
	}
	logs := func(text string) {
		t.Helper()
		soon(t, "the log says "+text, func() bool { return strings.Contains(log.String(), text) })
	}
	closed := func(want ...string) {
		t.Helper()
		soon(t, fmt.Sprintf("the sessions that end are %q", want), func() bool {
			d.mu.Lock()
			defer d.mu.Unlock()
			return slices.Equal(d.ended, want)
		})
	}
	write := func(name, text string, mode os.FileMode) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(filepath.Join(dir, name), mode); err != nil {
			t.Fatal(err)
		}
	}
	const rack = "from chroma_agent.plugin_manager import DevicePlugin\nclass Rack(DevicePlugin):\n    def start_session(self):\n        return %d\n    def update_session(self):\n        return None\n"
	soon(t, "the counter counts", func() bool { return len(d.of("counter")) > 0 })
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	write("rack.py", fmt.Sprintf(rack, 1), 0o644)
	write("shelf.py", fmt.Sprintf(rack, 7), 0o644)
	says("rack", "1")
	says("shelf", "7")
	write("rack.py", fmt.Sprintf(rack, 22), 0o644)
	says("rack", "22")
	closed("rack")
	write("rack.py", "import nothing\n", 0o644)
	logs("a device plugin cannot run")
	write("rack.py", fmt.Sprintf(rack, 333), 0o644)
	says("rack", "333")
	if err := os.Remove(filepath.Join(dir, "rack.py")); err != nil {
		t.Fatal(err)
	}
	closed("rack", "rack", "rack")
	write("shelf.py", fmt.Sprintf(rack, 7), 0o646)
	closed("rack", "rack", "rack", "shelf")
	logs("can be written by everybody")
	if n := strings.Count(log.String(), "can be written by everybody"); n != 1 {
		t.Errorf("the log says %d times who may write", n)
	}
	have := len(d.of("counter"))
	soon(t, "the counter counts", func() bool { return len(d.of("counter")) > have })
	checkCount(t, d.of("counter"))
	if list := d.of("counter"); list[0].session != list[len(list)-1].session {
		t.Error("another plugin's session did not go on")
	}
}

// TestAgentWaitsForSigns: a built-in plugin that has nothing to look at does not run,
// and runs when it has.
func TestAgentWaitsForSigns(t *testing.T) {
	t.Parallel()
	sign := filepath.Join(t.TempDir(), "sign")
	d := &device{signs: []string{sign}, log: slog.New(slog.DiscardHandler), changed: make(chan struct{})}
	spec, err := pluginhost.Resolve("builtin:counter", pluginhost.ResolveOptions{Builtins: builtinDeviceNames(), Devices: true})
	if err != nil {
		t.Fatal(err)
	}
	d.sup = pluginhost.NewSupervisor(pluginhost.SupervisorOptions{
		Options: pluginhost.Options{Spec: spec, Role: pluginhost.RoleDevice}, OnUp: d.set, OnDown: func(error) { d.set(nil) },
	})
	short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := d.run(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("without a sign: %v", err)
	}
	if err := os.Mkdir(sign, 0o700); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.run(ctx) }()
	if _, err := d.process(t.Context()); err != nil {
		t.Error(err)
	}
	cancel()
	<-ended
}

// TestAgentOverBadLink: a link that loses, doubles and delays, and a server that
// restarts, and nothing is lost or comes twice.
func TestAgentOverBadLink(t *testing.T) {
	t.Parallel()
	d := newAgentDesk(t)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	runAgent(t, linktest.NewBad(d.transport(), 30, seed), agentConfig("builtin:counter"))
	sessions := func() int {
		n := map[string]bool{}
		for _, s := range d.of("counter") {
			n[s.session] = true
		}
		return len(n)
	}
	for restarts := range 3 {
		have := len(d.of("counter"))
		soon(t, "the counter counts", func() bool { return len(d.of("counter")) > have+2 })
		if n := sessions(); n != restarts+1 {
			t.Errorf("%d sessions after %d restarts", n, restarts)
		}
		d.restart()
	}
	soon(t, "the counter starts again", func() bool { return sessions() == 4 })
	checkCount(t, d.of("counter"))
}
