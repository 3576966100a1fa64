package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/faultline-storage/faultline/internal/api"
	"github.com/faultline-storage/faultline/internal/inventory"
	"github.com/faultline-storage/faultline/internal/link"
	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/internal/secret"
	"github.com/faultline-storage/faultline/internal/session"
	"github.com/faultline-storage/faultline/sdk/wire"
)

// The kinds of the messages between a server and a runner, beside those of the
// link's sinks.
const (
	// From the runner.
	kindDeclare  = "plugin/declare" // declareNote; the answer says whether the declarations are taken
	kindPlugins  = "plugin/states"  // []api.Plugin
	kindLog      = "log"            // logNote
	kindRoot     = "root/get"       // rootNote → session.Root
	kindReleased = "root/released"  // rootNote: its session has ended
	// From the server.
	kindAssign   = "root/assign"   // rootNote: run it, or begin it anew
	kindUnassign = "root/unassign" // rootNote
	kindCall     = "plugin/call"   // callNote → the result of the plugin's method
)

// callPatience is how long a user waits for a plugin of a runner.
const callPatience = time.Minute

// runnerKind is the kind of peer that a runner is.
const runnerKind = "runner"

type (
	// runnerHello is what a runner says of itself.
	runnerHello struct {
		Plugins []string `json:"plugins"` // their names
	}
	declareNote struct {
		Plugin   string        `json:"plugin"`
		Manifest wire.Manifest `json:"manifest"`
	}
	rootNote struct {
		Root   resource.ID `json:"root"`
		Plugin string      `json:"plugin,omitempty"`
	}
	callNote struct {
		Plugin string          `json:"plugin"`
		Method string          `json:"method"`
		Params json.RawMessage `json:"params"`
	}
	logNote struct {
		Time   time.Time  `json:"time"`
		Level  slog.Level `json:"level"`
		Text   string     `json:"text"`
		Plugin string     `json:"plugin,omitempty"`
		// Session says that a session says it, not the plugin.
		Session bool           `json:"session,omitempty"`
		Fields  map[string]any `json:"fields,omitempty"`
	}
)

// remotes are the runners of a server; it accepts them for the hub.
type remotes struct {
	place   *placement
	inv     *inventory.Inventory
	secrets *secret.Box
	declare declare
	grace   time.Duration
	log     *slog.Logger // of the server about runners
	// pluginLog and sessionLog take what plugins and sessions elsewhere log.
	pluginLog, sessionLog *slog.Logger
	debug                 debugging

	declaring sync.Mutex // held while declarations are put into the inventory
}

// remote is a runner: a host at the other end of a link. Its methods are safe for
// concurrent use.
type remote struct {
	r      *remotes
	name   string
	conn   *link.Conn
	intake *link.Intake
	secret bool // nobody else can read along
	log    *slog.Logger

	mu        sync.Mutex
	has       map[string]bool // plugins, by name
	manifests map[string]wire.Manifest
	known     map[string]bool // plugins whose declarations the inventory has
	refused   map[string]error
	states    []api.Plugin
	roots     map[resource.ID]*remoteRoot
	lost      bool
	gone      bool
}

// remoteRoot is a root that a runner has to run.
type remoteRoot struct {
	plugin string
	ended  chan struct{} // set when its session is to end; closed when it has
}

// accept implements link.HubOptions.Accept.
func (r *remotes) accept(h link.Hello, from link.Origin, c *link.Conn) (link.Peer, []byte, error) {
	if h.Kind != runnerKind {
		return nil, nil, resource.FieldErrorf("kind", "this server takes no peers of the kind %.80q", h.Kind)
	}
	if !from.Secret {
		return nil, nil, resource.Errorf(resource.Invalid, "a runner is handed passwords; it needs TLS, or a server on its own machine")
	}
	var hello runnerHello
	if err := json.Unmarshal(h.Body, &hello); err != nil {
		return nil, nil, &resource.Fault{Kind: resource.Invalid, Text: "what the runner says of itself cannot be read", Cause: err}
	}
	m := &remote{
		r: r, name: h.Name, conn: c, secret: from.Secret, log: r.log.With("runner", h.Name),
		has: map[string]bool{}, manifests: map[string]wire.Manifest{}, known: map[string]bool{}, refused: map[string]error{},
		roots: map[resource.ID]*remoteRoot{},
	}
	for _, name := range hello.Plugins {
		m.has[name] = name != resource.ServerPlugin
	}
	m.intake = link.NewIntake(link.IntakeOptions{
		Conn: c, Inventory: r.inv, Owns: m.owns, Class: r.inv.Class,
		Seal: func(plain string) string { return r.secrets.Seal(passwords, plain) },
	})
	m.log.Info("a runner is connected", "address", from.Addr, "version", h.Version, "plugins", hello.Plugins)
	r.place.join(m)
	return m, nil, nil
}

// offers reports whether the runner has a plugin that can be run.
func (m *remote) offers(plugin string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.has[plugin] && !m.gone
}

// ready reports whether roots of a plugin can be started: what it declares is
// known, or has not been heard yet, and then its sessions wait for that. Otherwise
// it sees to it, or says why that is impossible.
func (m *remote) ready(plugin string) (ok bool, why error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.refused[plugin]; err != nil {
		return false, err
	}
	if _, declared := m.manifests[plugin]; !declared || m.known[plugin] {
		return true, nil
	}
	go func() {
		_ = m.adopt(plugin) // an error is found when the roots are settled
		m.r.place.again(plugin)
	}()
	return false, nil
}

// chosen says that the runner is the one to run a plugin from now on. Another one
// may have declared it differently.
func (m *remote) chosen(plugin string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.known, plugin)
}

func (m *remote) isLost() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.lost
}

// names are the names of its plugins.
func (m *remote) names() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.has))
}

// owns implements link.IntakeOptions.Owns.
func (m *remote) owns(id resource.ID) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	root := m.roots[id]
	if root == nil {
		return "", resource.Errorf(resource.NotFound, "root %d does not run at runner %s", id, m.name)
	}
	return root.plugin, nil
}

// start implements host.
func (m *remote) start(_ context.Context, root *resource.Resource) {
	m.mu.Lock()
	m.roots[root.ID] = &remoteRoot{plugin: root.Class.Plugin}
	m.mu.Unlock()
	m.post(kindAssign, rootNote{Root: root.ID, Plugin: root.Class.Plugin})
}

// stop implements host.
func (m *remote) stop(id resource.ID) <-chan struct{} {
	m.mu.Lock()
	defer m.mu.Unlock()
	root := m.roots[id]
	if root == nil {
		done := make(chan struct{})
		close(done)
		return done
	}
	if root.ended == nil {
		root.ended = make(chan struct{})
		m.post(kindUnassign, rootNote{Root: id})
		if m.lost { // nobody waits for it
			m.releaseLocked(id)
		}
	}
	return root.ended
}

// release says that the runner has ended the session of a root.
func (m *remote) release(id resource.ID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if root := m.roots[id]; root != nil && root.ended != nil {
		m.releaseLocked(id)
	}
}

func (m *remote) releaseLocked(id resource.ID) {
	root := m.roots[id]
	delete(m.roots, id)
	m.intake.CloseRoot(id)
	close(root.ended)
}

// post sends a note. It fails only with the link, and all is over then.
func (m *remote) post(kind string, note any) {
	b, err := json.Marshal(note)
	if err == nil {
		err = m.conn.Post(link.Message{Kind: kind, Body: b})
	}
	if err != nil && m.conn.Err() == nil {
		m.log.Error("a runner was not told something", "message", kind, "error", err)
	}
}

// Receive implements link.Peer.
func (m *remote) Receive(ctx context.Context, msg link.Message, answer func([]byte, error)) {
	if m.intake.Receive(ctx, msg, answer) {
		return
	}
	var result any
	var err error
	switch msg.Kind {
	case kindDeclare:
		var n declareNote
		if err = json.Unmarshal(msg.Body, &n); err == nil {
			err = m.declared(n)
		}
	case kindPlugins:
		var states []api.Plugin
		if err = json.Unmarshal(msg.Body, &states); err == nil {
			m.mu.Lock()
			m.states = states
			m.mu.Unlock()
		}
	case kindLog:
		var n logNote
		if err = json.Unmarshal(msg.Body, &n); err == nil {
			m.logged(ctx, n)
		}
	case kindRoot:
		var n rootNote
		if err = json.Unmarshal(msg.Body, &n); err == nil {
			result, err = m.root(n.Root)
		}
	case kindReleased:
		var n rootNote
		if err = json.Unmarshal(msg.Body, &n); err == nil {
			m.release(n.Root)
		}
	default:
		err = resource.Errorf(resource.Invalid, "nobody knows messages of kind %.80q", msg.Kind)
	}
	var body []byte
	if err == nil && result != nil {
		body, err = json.Marshal(result)
	}
	answer(body, err)
}

// declared notes what a plugin of the runner declares. If the runner is the one to
// run the plugin, the inventory learns it, which may fail.
func (m *remote) declared(n declareNote) error {
	if n.Plugin == resource.ServerPlugin {
		return resource.FieldErrorf("plugin", "%s is the server's own plugin", n.Plugin)
	}
	m.mu.Lock()
	m.has[n.Plugin] = true
	m.manifests[n.Plugin] = n.Manifest
	delete(m.refused, n.Plugin)
	delete(m.known, n.Plugin)
	m.mu.Unlock()
	if m.r.place.at(n.Plugin) != m {
		return nil
	}
	err := m.adopt(n.Plugin)
	m.r.place.again(n.Plugin)
	return err
}

// adopt puts what the runner's plugin declares into the inventory.
func (m *remote) adopt(plugin string) error {
	m.r.declaring.Lock()
	defer m.r.declaring.Unlock()
	m.mu.Lock()
	manifest, known := m.manifests[plugin], m.known[plugin]
	m.mu.Unlock()
	if known {
		return nil
	}
	err := m.r.declare(context.Background(), plugin, manifest, nil)
	m.mu.Lock()
	defer m.mu.Unlock()
	if err != nil {
		m.refused[plugin] = err
		m.log.Error("the plugin's declarations were refused", "plugin", plugin, "error", err)
		return err
	}
	m.known[plugin] = true
	return nil
}

// root returns a root as its plugin may see it, passwords in clear.
func (m *remote) root(id resource.ID) (session.Root, error) {
	if _, err := m.owns(id); err != nil {
		return session.Root{}, err
	}
	return rootFor(m.r.inv, m.r.secrets, id)
}

// logged writes a line of a runner's log to the server's.
func (m *remote) logged(ctx context.Context, n logNote) {
	log := m.r.pluginLog
	switch {
	case n.Session:
		log = m.r.sessionLog
	case slices.Contains(m.r.debug.plugins, n.Plugin):
		log = m.r.debug.log
	}
	if !log.Enabled(ctx, n.Level) {
		return
	}
	rec := slog.NewRecord(n.Time, n.Level, n.Text, 0)
	if n.Plugin != "" {
		rec.AddAttrs(slog.String("plugin", n.Plugin))
	}
	rec.AddAttrs(slog.String("runner", m.name))
	for _, k := range slices.Sorted(maps.Keys(n.Fields)) {
		rec.AddAttrs(slog.Any(k, n.Fields[k]))
	}
	_ = log.Handler().Handle(ctx, rec) // as slog does
}

// mine are the roots that the runner has to run.
func (m *remote) mine() []resource.ID {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.roots))
}

// Lost implements link.Peer. Other runners take over what they can; what nobody
// takes is offline.
func (m *remote) Lost() {
	m.mu.Lock()
	m.lost = true
	for id, root := range m.roots {
		if root.ended != nil {
			m.releaseLocked(id)
		}
	}
	m.mu.Unlock()
	m.log.Error("a runner is lost: nothing was heard of it", "for", m.r.grace)
	m.down("") // whoever takes over begins with a scan
	m.r.place.again("")
	m.down(fmt.Sprintf("runner %s is lost: nothing was heard of it for %v", m.name, m.r.grace))
}

// down marks the roots that are still the runner's.
func (m *remote) down(why string) {
	if err := m.intake.Down(context.Background(), m.mine(), why); err != nil {
		m.log.Error("the state of a root was not noted", "error", err)
	}
}

// Back implements link.Peer. Sessions that nobody took over go on.
func (m *remote) Back() {
	m.mu.Lock()
	m.lost = false
	m.mu.Unlock()
	m.log.Info("a lost runner is back")
	if err := m.intake.Up(context.Background()); err != nil {
		m.log.Error("the state of a root was not noted", "error", err)
	}
	m.r.place.again("")
}

// Gone implements link.Peer. A runner that was stopped, or started anew, raises no
// alert.
func (m *remote) Gone(why error) {
	inOrder := errors.Is(why, link.ErrClosed) || errors.Is(why, link.ErrReplaced)
	m.mu.Lock()
	m.gone = true
	for id, root := range m.roots {
		if root.ended != nil {
			m.releaseLocked(id)
		}
	}
	m.mu.Unlock()
	m.log.Info("a runner is gone", "reason", why)
	m.down("") // where nobody takes over, the placement says what that means
	m.intake.Close()
	m.r.place.leave(m, inOrder)
}

// Call has a plugin of the runner run a method.
func (m *remote) call(ctx context.Context, plugin, method string, params, result any) error {
	if m.isLost() {
		return resource.Errorf(resource.Unavailable, "plugin %s runs at runner %s, which does not answer", plugin, m.name)
	}
	raw, err := json.Marshal(params)
	if err != nil {
		return err
	}
	b, err := json.Marshal(callNote{Plugin: plugin, Method: method, Params: raw})
	if err != nil {
		return err
	}
	waiting, cancel := context.WithTimeout(ctx, callPatience)
	defer cancel()
	answer, err := m.conn.Call(waiting, link.Message{Kind: kindCall, Body: b, Priority: link.High})
	switch {
	case err == nil:
		return json.Unmarshal(answer, result)
	case m.conn.Err() != nil, waiting.Err() != nil && ctx.Err() == nil:
		return &resource.Fault{Kind: resource.Unavailable, Text: "runner " + m.name + ", where plugin " + plugin + " runs, did not answer", Cause: err}
	}
	return err
}

// plugins are the states of the runner's plugins.
func (m *remote) plugins() []api.Plugin {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := slices.Clone(m.states)
	for i := range out {
		p := &out[i]
		p.Runner = m.name
		switch err := m.refused[p.Name]; {
		case m.lost:
			p.State, p.Error = "failed", "the runner is lost"
		case err != nil:
			p.State, p.Error = "failed", err.Error()
		}
	}
	return out
}
