package app

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/faultline-storage/faultline/internal/config"
	"github.com/faultline-storage/faultline/internal/link"
	"github.com/faultline-storage/faultline/internal/link/httplink"
	"github.com/faultline-storage/faultline/internal/pluginhost"
	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/internal/session"
	"github.com/faultline-storage/faultline/python"
	"github.com/faultline-storage/faultline/sdk/wire"
)

const (
	// statesEvery is how often a runner tells the server how its plugins are, if
	// that changed.
	statesEvery = 2 * time.Second
	// logRoom is how many lines of the log wait for the server; more are dropped
	// and counted.
	logRoom = 1000
)

// RunnerOptions configure a Runner. Token, DebugLog, Plugins and
// Program are optional.
type RunnerOptions struct {
	Server  string // its address
	Token   string // to show to the server, unless it is empty
	HTTP    *http.Client
	Name    string // of the runner; the server knows each by its own
	Version string
	// Config has the plugins and what is set for them, and Data, the folder for what
	// they need.
	Config config.Config
	// Log takes the runner's own log and that of its plugins; warnings of these go
	// to the server's log too. With Verbose, so does the rest.
	Log     *slog.Logger
	Verbose bool
	// DebugLog takes the whole log of plugins for which it is asked; Log if nil.
	DebugLog *slog.Logger
	// Plugins reads the list of the configured plugins again, for ReadPlugins. Nil
	// keeps the list of Config.
	Plugins func() ([]string, error)
	Program string // see Options.Program
}

// Runner hosts plugins in a process of its own, for a server that it connects to.
type Runner struct {
	o       RunnerOptions
	log     *slog.Logger
	plugins *pluginSet
	catalog *catalog
	gate    *session.Gate
	logs    chan logNote
	acted   chan struct{} // has room for one: the server is to hear how the plugins are
	// sessionLog is that of the sessions.
	sessionLog *slog.Logger

	mu      sync.Mutex
	classes map[string]map[string]*resource.Class // by plugin and name
	// manifests are what the plugins that run declare.
	manifests map[string]wire.Manifest
	// asking are the processes whose declarations the server is being asked to take,
	// and which it may ask for defaults.
	asking  map[string]asked
	work    *shift        // nil while there is no link
	changed chan struct{} // closed and replaced when work changed
	dropped int           // lines of the log
}

// NewRunner makes a runner. Nothing runs before Run.
func NewRunner(o RunnerOptions) (*Runner, error) {
	c := o.Config
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return nil, fmt.Errorf("make the data directory (see --data): %w", err)
	}
	contained, err := newContainment(c, o.Log)
	if err != nil {
		return nil, err
	}
	r := &Runner{
		o: o, log: o.Log, gate: session.NewGate(time.Now, time.After), logs: make(chan logNote, logRoom),
		classes: map[string]map[string]*resource.Class{}, manifests: map[string]wire.Manifest{}, asking: map[string]asked{},
		changed: make(chan struct{}), acted: make(chan struct{}, 1),
	}
	log := r.forwarding(o.Log, slog.LevelWarn, false)
	all := r.forwarding(cmp.Or(o.DebugLog, o.Log), slog.LevelDebug, false)
	r.sessionLog = r.forwarding(o.Log, slog.LevelWarn, true)
	r.plugins = newPluginSet(setOptions{
		host: pluginhost.Options{
			Log:         log,
			PythonPath:  func() (string, error) { return python.Extract(filepath.Join(c.Data, "python")) },
			CallTimeout: time.Duration(c.CallTimeout),
			Contain:     contained.contain,
			Greeting:    wire.Peer{Name: "faultline", Version: o.Version},
		},
		resolve: pluginhost.ResolveOptions{Builtins: builtinNames(), Program: o.Program},
		debug:   debugging{plugins: c.DebugPlugins, log: all, all: o.Verbose},
		declare: r.declare, budgets: contained.budgets,
	})
	r.catalog = newCatalog(&catalog{
		set: r.plugins, at: "runner " + o.Name, changes: r.compare, dir: PluginFolder(c), auto: c.PluginAutoReload,
		configured: o.Plugins, log: o.Log,
	}, c.Plugins)
	return r, nil
}

// ReadPlugins reads the list of the configured plugins again: those that are new
// are loaded, and those that are gone are unloaded. On an error nothing changes.
func (r *Runner) ReadPlugins() error { return r.catalog.Reread() }

// Run runs the plugins and works for the server until ctx ends. Then it tears the
// sessions down and says goodbye. It returns an error if the server refuses it.
func (r *Runner) Run(ctx context.Context) error {
	var parts lifecycle
	ended := make(chan error, 1)
	parts.run("plugins", func(error) {}, func(ctx context.Context) error { r.plugins.run(ctx); return nil })
	parts.run("plugin folder", func(error) {}, r.catalog.run)
	instance := rand.Text()
	client := link.NewClient(link.ClientOptions{
		Transport: &httplink.Transport{Server: r.o.Server, Token: r.o.Token, Client: r.o.HTTP, Agent: "faultline-runner/" + r.o.Version},
		Log:       r.log, Now: time.Now, After: time.After, Open: r.open,
		Hello: func() link.Hello {
			b, err := json.Marshal(runnerHello{Plugins: r.names()})
			if err != nil { // names always marshal
				panic(err)
			}
			return link.Hello{Kind: runnerKind, Name: r.o.Name, Version: r.o.Version, Instance: instance, Body: b}
		},
	})
	parts.run("link", func(error) {}, func(ctx context.Context) error { ended <- client.Run(ctx); return nil })
	parts.run("log", func(error) {}, r.sendLogs)
	parts.run("states", func(error) {}, r.sendStates)
	var err error
	select {
	case <-ctx.Done():
		sayGoodbye("runner", client.Silent(), func(ctx context.Context) error {
			r.stopSessions(ctx)
			return client.Close(ctx)
		}, r.log)
	case err = <-ended:
	}
	return errors.Join(err, parts.stop(stopTimeout))
}

func (r *Runner) names() []string {
	var names []string
	for _, p := range r.plugins.all() {
		if r.plugins.has(p.name) {
			names = append(names, p.name)
		}
	}
	return names
}

// stopSessions ends the sessions in order, until ctx ends.
func (r *Runner) stopSessions(ctx context.Context) {
	w := r.current()
	if w == nil {
		return
	}
	w.end()
	done := make(chan struct{})
	go func() {
		w.sessions.stopAll()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
		r.log.Warn("some sessions did not end in time")
	}
}
