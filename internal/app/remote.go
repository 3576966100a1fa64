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
	"github.com/faultline-storage/faultline/sdk/wire"
)

// remotes are the runners of a server; it accepts them for the hub.
type remotes struct {
	place   *placement
	inv     *inventory.Inventory
	secrets *secret.Box
	declare declare
	// changes compares what a plugin declares with what is stored.
	changes func(ctx context.Context, plugin string, running *wire.Manifest, next wire.Manifest) (*api.PluginChanges, error)
	grace   time.Duration
	log     *slog.Logger // of the server about runners
	// pluginLog and sessionLog take what plugins and sessions elsewhere log.
	pluginLog, sessionLog *slog.Logger
	debug                 debugging

	mu sync.Mutex
	// declaring has a lock for each plugin, which is held while its declarations are
	// put into the inventory.
	declaring map[string]*sync.Mutex
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
	known     map[string]bool          // plugins whose declarations the inventory has
	before    map[string]wire.Manifest // what it has, while others are declared
	refused   map[string]error
	states    []pluginReport
	roots     map[resource.ID]*remoteRoot
	lost      bool
	gone      bool
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
		has: map[string]bool{}, manifests: map[string]wire.Manifest{}, known: map[string]bool{}, before: map[string]wire.Manifest{}, refused: map[string]error{},
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

func (m *remote) isLost() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.lost
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
			if err = m.declared(n); err == nil {
				// The plugin may be asked for defaults meanwhile, which needs the link.
				go func() { answer(nil, m.take(n.Plugin)) }()
				return
			}
		}
	case kindChanges:
		var n changesNote
		if err = json.Unmarshal(msg.Body, &n); err == nil {
			go func() {
				c, err := m.r.changes(ctx, n.Plugin, n.Running, n.Next)
				answerJSON(answer, c, err)
			}()
			return
		}
	case kindPlugins:
		var states []pluginReport
		if err = json.Unmarshal(msg.Body, &states); err == nil {
			m.report(states)
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
	if err != nil || result == nil {
		answer(nil, err)
		return
	}
	answerJSON(answer, result, nil)
}

// answerJSON answers a call with a value, or with the error.
func answerJSON(answer func([]byte, error), v any, err error) {
	var body []byte
	if err == nil {
		body, err = json.Marshal(v)
	}
	answer(body, err)
}

// logged writes a line of a runner's log to the server's.
func (m *remote) logged(ctx context.Context, n logNote) {
	log := m.r.pluginLog
	switch {
	case n.Session:
		log = m.r.sessionLog
	case slices.Contains(m.r.debug.plugins, n.Plugin), m.wanted(n.Plugin):
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

// Lost implements link.Peer. Other runners take over what they can; what nobody
// takes is offline.
func (m *remote) Lost(time.Time) {
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

// wanted reports whether somebody asked for more of a plugin's log than warnings.
func (m *remote) wanted(plugin string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := slices.IndexFunc(m.states, func(p pluginReport) bool { return p.Name == plugin })
	return i >= 0 && m.states[i].LogLevel != nil && levels[*m.states[i].LogLevel] < slog.LevelWarn
}
