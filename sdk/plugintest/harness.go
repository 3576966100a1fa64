package plugintest

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/faultline-storage/faultline/sdk/plugin"
	"github.com/faultline-storage/faultline/sdk/wire"
)

// Timeout is how long the harness waits for an answer and for Await.
const Timeout = 30 * time.Second

// A Harness runs one plugin process's worth of plugin, in one session at a
// time. Its methods are for the goroutine of the test.
type Harness struct {
	// Clock is the source of the times of samples.
	Clock *Clock

	t       testing.TB
	program *plugin.Program
	class   string
	attrs   map[string]json.RawMessage
	hostID  int64
	conn    *host
	session string
	opened  int
	period  time.Duration
	gaps    []string
}

// Start runs a plugin for one root. The options are those of plugin.Main beside
// Scans. The session is open; no hook has run. The test ends with a teardown.
func Start[P plugin.Scanner[R], R plugin.Any](t testing.TB, newPlugin func() P, root R, options ...plugin.Option) *Harness {
	t.Helper()
	return StartProgram(t, func(more ...plugin.Option) *plugin.Program {
		return plugin.New("test", wire.APIVersion, append(append([]plugin.Option{plugin.Scans(newPlugin)}, options...), more...)...)
	}, root)
}

// StartProgram is Start for a plugin that is declared with plugin.New: declare
// must hand the options it gets on to New, after its own.
func StartProgram(t testing.TB, declare func(...plugin.Option) *plugin.Program, root plugin.Any) *Harness {
	t.Helper()
	h := &Harness{t: t, Clock: &Clock{now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}}
	h.program = declare(plugin.Clock(h.Clock.Now), plugin.LogLevel(-8))
	if _, problems := h.program.Manifest(); len(problems) > 0 {
		var b strings.Builder
		for _, p := range problems {
			fmt.Fprintf(&b, "\n%s:%d: %s: %s", p.File, p.Line, p.Where, p.Text)
		}
		t.Fatalf("the plugin's declarations are wrong:%s", b.String())
	}
	var err error
	if h.class, h.attrs, err = h.program.Values(root); err != nil {
		t.Fatal(err)
	}
	var hostRoot struct {
		HostID int64 `json:"host_id"`
	}
	if raw, ok := h.attrs["host_id"]; ok && json.Unmarshal(raw, &hostRoot.HostID) == nil {
		h.hostID = hostRoot.HostID
	}
	h.connect()
	h.Reopen()
	return h
}

// connect starts the plugin and shakes hands.
func (h *Harness) connect() {
	h.t.Helper()
	hostIn, pluginOut := io.Pipe()
	pluginIn, hostOut := io.Pipe()
	manifest, _ := h.program.Manifest() // Start has looked at the problems
	h.conn = newHost(h.t, manifest.Classes, hostIn, hostOut)
	var served sync.WaitGroup
	served.Go(func() {
		if err := h.program.Serve(h.t.Context(), pluginIn, pluginOut); err != nil {
			h.t.Errorf("the plugin ended with an error: %v", err)
		}
		pluginOut.Close()
	})
	h.t.Cleanup(func() {
		hostOut.Close()
		served.Wait()
		h.conn.done.Wait()
	})
	var res wire.InitializeResult
	h.must(h.conn.call(wire.MethodInitialize, wire.InitializeParams{
		Protocol: wire.VersionRange{Min: wire.MinVersion, Max: wire.Version},
		Host:     wire.Peer{Name: "plugintest"},
	}, &res))
	h.conn.grease()
}

func (h *Harness) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// Reopen tears the session down, if one is open, and opens a new one for the
// same root, as a host does after a failure: with a new plugin value and
// nothing known.
func (h *Harness) Reopen() {
	h.t.Helper()
	if h.session != "" {
		h.Teardown()
	}
	h.opened++
	h.session = fmt.Sprintf("session-%d", h.opened)
	h.conn.open(h.session, newWatcher(h.class, h.attrs, h.conn.classes, h.Clock.Now))
	h.must(h.conn.call(wire.MethodSessionOpen, wire.OpenParams{Session: h.session, Class: h.class, Attributes: h.attrs, HostID: h.hostID}, nil))
	h.conn.grease()
}

// InitialScan runs the plugin's InitialScan, which must succeed.
func (h *Harness) InitialScan() {
	h.t.Helper()
	if err := h.TryInitialScan(); err != nil {
		h.t.Fatalf("InitialScan failed: %v", err)
	}
}

// TryInitialScan runs the plugin's InitialScan and returns its error.
func (h *Harness) TryInitialScan() error {
	h.t.Helper()
	return h.turn(wire.MethodInitialScan, wire.SessionParams{Session: h.session}, true)
}

// UpdateScan runs the plugin's UpdateScan, which must succeed.
func (h *Harness) UpdateScan() {
	h.t.Helper()
	if err := h.TryUpdateScan(); err != nil {
		h.t.Fatalf("UpdateScan failed: %v", err)
	}
}

// TryUpdateScan runs the plugin's UpdateScan and returns its error.
func (h *Harness) TryUpdateScan() error {
	h.t.Helper()
	return h.turn(wire.MethodUpdateScan, wire.SessionParams{Session: h.session}, false)
}

// AgentStart hands the plugin what an agent plugin's start_session returned:
// any value that JSON can hold. It returns the hook's error.
func (h *Harness) AgentStart(hostID int64, data any) error {
	h.t.Helper()
	return h.agent(wire.MethodAgentStart, hostID, data, true)
}

// AgentContinue hands the plugin what an agent plugin's update_session
// returned. It returns the hook's error.
func (h *Harness) AgentContinue(hostID int64, data any) error {
	h.t.Helper()
	return h.agent(wire.MethodAgentContinue, hostID, data, false)
}

func (h *Harness) agent(method string, hostID int64, data any, first bool) error {
	h.t.Helper()
	raw, err := json.Marshal(data)
	h.must(err)
	return h.turn(method, wire.AgentParams{Session: h.session, HostID: hostID, Data: raw}, first)
}

// turn makes a call that ends a turn.
func (h *Harness) turn(method string, params any, first bool) error {
	h.t.Helper()
	before := h.conn.turns()
	var res wire.TurnResult
	if err := h.conn.call(method, params, &res); err != nil {
		if first && h.conn.turns() != before {
			h.t.Error("a failed first scan sent a batch")
		}
		return err
	}
	if first {
		h.period, h.gaps = time.Duration(res.UpdatePeriod*float64(time.Second)), res.Incomplete
		if res.Turn == 0 {
			h.t.Error("the first scan sent no batch")
		}
	}
	h.conn.grease()
	return nil
}

// Teardown ends the session, running the plugin's Teardown if a scan was
// entered. It must succeed.
func (h *Harness) Teardown() {
	h.t.Helper()
	h.must(h.conn.call(wire.MethodTeardown, wire.SessionParams{Session: h.session}, nil))
	h.conn.close(h.session)
	h.session = ""
}

// Encrypt returns what the plugin makes of a password that a user typed for an
// attribute of the root.
func (h *Harness) Encrypt(attribute, value string) (string, error) {
	h.t.Helper()
	var res wire.EncryptResult
	err := h.conn.call(wire.MethodEncrypt, wire.EncryptParams{Class: h.class, Attribute: attribute, Value: value}, &res)
	return res.Value, err
}

// Delete tells the plugin that the server deleted resources for what another root
// reports (protocol/SPEC.md, section 5). What the plugin did not remove it
// reports again, as new resources of the same identity; see Await.
func (h *Harness) Delete(resources ...Resource) {
	h.t.Helper()
	note := wire.Deleted{Session: h.session}
	for _, r := range resources {
		note.Handles = append(note.Handles, r.Handle)
	}
	h.conn.mu.Lock()
	h.conn.model.Delete(note.Handles...)
	h.conn.mu.Unlock()
	h.must(h.conn.notify(wire.NoteDeleted, note))
}

// Removed lists the identities of what the plugin removed in this session and has
// not reported again, such as `Drive tray=(Tray number=1) slot=3`.
func (h *Harness) Removed() []string {
	h.conn.mu.Lock()
	defer h.conn.mu.Unlock()
	return slices.Sorted(maps.Keys(h.conn.model.Removed))
}

// UpdatePeriod is what the first scan asked for with Session.Every; 0 if nothing.
func (h *Harness) UpdatePeriod() time.Duration { return h.period }

// Incomplete is what the first scan could not read, by Session.Incomplete.
func (h *Harness) Incomplete() []string { return h.gaps }

// Complete reports whether the first scan was the full truth about the root.
func (h *Harness) Complete() bool {
	h.conn.mu.Lock()
	defer h.conn.mu.Unlock()
	return h.conn.model.Complete
}

// Turn is the number of the last turn that sent something.
func (h *Harness) Turn() int64 { return h.conn.turns() }

// Logs returns the log records so far.
func (h *Harness) Logs() []wire.LogRecord { return h.conn.logRecords() }

// Clock is a clock that stands still until it is told to move. It may be used
// from any goroutine.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// Now returns the clock's time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock on.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}
