// Package app is the wiring: it makes the stages and draws the arrows between
// them. It is the only package that knows two stages at once.
package app

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/faultline-storage/faultline/internal/alert"
	"github.com/faultline-storage/faultline/internal/api"
	"github.com/faultline-storage/faultline/internal/auth"
	"github.com/faultline-storage/faultline/internal/config"
	"github.com/faultline-storage/faultline/internal/inventory"
	"github.com/faultline-storage/faultline/internal/link"
	"github.com/faultline-storage/faultline/internal/link/httplink"
	"github.com/faultline-storage/faultline/internal/metrics/dashboard"
	"github.com/faultline-storage/faultline/internal/pluginhost"
	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/internal/secret"
	"github.com/faultline-storage/faultline/internal/session"
	"github.com/faultline-storage/faultline/internal/volume"
	"github.com/faultline-storage/faultline/python"
	"github.com/faultline-storage/faultline/sdk/wire"
	"github.com/faultline-storage/faultline/web"
)

// stopTimeout bounds a clean stop: plugins have their own, shorter bounds.
const stopTimeout = 30 * time.Second

// Options configure a Server.
type Options struct {
	Config config.Config
	Log    *slog.Logger
	// DebugLog takes the whole log of the plugins that the configuration lists
	// for it, whatever the level of Log is; Log if nil.
	DebugLog *slog.Logger
	Version  string
	// Resume says that this server has led before: it waits for a database that
	// is away instead of giving up.
	Resume bool
	// OnStandby is called once if Start has to wait until another server no longer
	// writes to the database; addr answers with the reason meanwhile.
	OnStandby func(addr net.Addr, reason string)
	// Plugins reads the list of the configured plugins again, for ReadPlugins. Nil
	// keeps the list of Config.
	Plugins func() ([]string, error)
	// Program is this program's file, which runs the built-in plugins;
	// os.Executable if empty.
	Program string
	// Now is the server's clock; time.Now if nil. Like that it goes on when somebody sets
	// the system's clock: spans are measured, and only what people read is the time of day.
	Now func() time.Time
}

// Server is a running manager server.
type Server struct {
	lifecycle
	o      Options
	log    *slog.Logger
	addr   net.Addr
	failed chan error // the first part that ended on its own
	// leads tells whether this server may still write to its database; nil if
	// nobody can take that from it.
	leads func() bool
	// catalog is where its plugins come from.
	catalog *catalog
	inv     *inventory.Inventory
	volumes *volume.Stage
	// turns are those of agents that connect.
	turns *agentTurns
	// hosts is what can be done to the hosts that run the agent.
	hosts *fleetActs
	// admin is what users do with them.
	admin *hostAdmin
	// vms makes hosts of virtual machines.
	vms *machines
}

// Start starts a server. On an error nothing of it is left. The caller stops
// the server with Stop. Where another server writes to the database, Start
// returns when that is over, or when ctx ends.
func Start(ctx context.Context, o Options) (*Server, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Server{o: o, log: o.Log, failed: make(chan error, 1)}
	if err := s.setup(ctx); err != nil {
		return nil, errors.Join(err, s.stop(stopTimeout))
	}
	return s, nil
}

// Addr is the address that the server listens on.
func (s *Server) Addr() net.Addr { return s.addr }

// Failed delivers the error of a part that ended although nobody stopped it.
func (s *Server) Failed() <-chan error { return s.failed }

// LostLead reports whether the server failed because it no longer leads on its
// database. Then it may be stopped and another one started with Options.Resume.
func (s *Server) LostLead() bool { return s.leads != nil && !s.leads() }

// ReadPlugins reads the list of the configured plugins again: those that are new
// are loaded, and those that are gone are unloaded. On an error nothing changes.
func (s *Server) ReadPlugins() error { return s.catalog.Reread() }

// Stop ends the server: first the requests, then the sessions with their
// teardown, then the plugins, the stages and the store.
func (s *Server) Stop() error { return s.stop(stopTimeout) }

// setup is the whole wiring, top to bottom. It stays one function so that its
// order, which is the order of the data flow, can be read.
func (s *Server) setup(ctx context.Context) error {
	c := s.o.Config
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return fmt.Errorf("make the data directory (see data in the configuration, or --data): %w", err)
	}
	tokens := auth.Open(auth.Options{Dir: c.Data, Log: s.part("auth")})
	authority := auth.NewAuthority(auth.AuthorityOptions{Log: s.part("agents"), Now: s.o.Now})
	tlsConfig, err := s.guard(tokens)
	if err != nil {
		return err
	}

	// The address comes before all that takes time or starts processes, for if it
	// is taken nothing of that should happen.
	ln, err := s.bind()
	if err != nil {
		return err
	}
	authorize := tokens.Allow
	if tlsConfig == nil && isLoopback(c.Listen) {
		authorize = nil
	}
	front := api.NewFront(authorize, s.part("api"))
	srv := front.HTTPServer()
	answer := &linkFront{other: srv.Handler}
	door := &agentDoor{authority: authority, log: s.part("agents"), program: programs(s.o.Program, c.AgentPrograms), now: s.o.Now, refusals: &onceIn{span: 10 * time.Minute, now: s.o.Now}}
	srv.Handler = forAgents(door, answer)
	s.turns = newAgentTurns(agentTurnsPerCore*runtime.GOMAXPROCS(0), time.Now)
	s.serve(srv, ln, tlsConfig, s.turns.inTurn(authority.TLS))

	secrets, err := secret.OpenFile(s.keyFile())
	if err != nil {
		return err
	}
	store, err := s.openStore(ctx, front, secrets, authority)
	if err != nil {
		return err
	}
	if err := authority.Load(ctx, store, secrets); err != nil {
		return err
	}
	if err := authority.TakeOver(ctx, c.Data); err != nil {
		return err
	}

	classes, err := knownClasses(ctx, store, s.log)
	if err != nil {
		return err
	}
	inv, err := inventory.New(ctx, inventory.Options{Store: store, Classes: classes, Log: s.part("inventory"), Now: s.o.Now, Unguarded: !c.MassDeleteGuard})
	if err != nil {
		return err
	}

	s.inv = inv
	s.run("lists", s.fail, func(ctx context.Context) error { return inv.KeepLists(ctx, time.After) })

	registry := prometheus.NewRegistry()
	stats, err := openStatistics(c, inv.Get, registry, s.part("metrics"))
	if err != nil {
		return err
	}
	s.onStop("statistics", func(context.Context) error { return stats.Close() })
	s.run("metrics", s.fail, func(ctx context.Context) error {
		return keepUp(ctx, s.part("metrics"), inv, recording(s.part("metrics"), inv, stats, time.Duration(c.SamplesKeep)))
	})

	alerts, err := alert.New(alert.Options{
		Store: store, Get: inv.Get, Walk: inv.Walk, Class: inv.Class, Count: inv.Count, Seq: inv.Seq, Missed: inv.Missed,
		Now: s.o.Now, After: time.After, Log: s.part("alert"),
	})
	if err != nil {
		return err
	}
	s.run("alert", s.fail, func(ctx context.Context) error {
		return keepUp(ctx, s.part("alert"), inv, alerts.Run)
	})

	volumes, err := volume.New(volume.Options{Store: store, Get: inv.Get, Clusters: clustersOf(c), Now: s.o.Now, Log: s.part("volume")})
	if err != nil {
		return err
	}
	s.volumes = volumes
	s.run("volume", s.fail, func(ctx context.Context) error {
		return keepUp(ctx, s.part("volume"), inv, volumes.Run)
	})

	contained, err := newContainment(c, s.part("plugin"))
	if err != nil {
		return err
	}
	place := newPlacement(inv, s.part("session"))
	tails := &logTails{}
	// The plugins' own lines have passed their level; what sessions say in detail is not for the tail.
	pluginLog, sessionLog := tails.keep(s.part("plugin"), slog.LevelDebug), tails.keep(s.part("session"), slog.LevelInfo)
	declared := &declarations{store: store, inv: inv, log: pluginLog}
	declaring := declared.set
	debug := debugging{plugins: c.DebugPlugins, log: tails.keep(cmp.Or(s.o.DebugLog, s.log).With("component", "plugin"), slog.LevelDebug)}
	plugins := newPluginSet(setOptions{
		host: pluginhost.Options{
			Log:         pluginLog,
			PythonPath:  func() (string, error) { return python.Extract(filepath.Join(c.Data, "python")) },
			CallTimeout: time.Duration(c.CallTimeout),
			Contain:     contained.contain,
			Greeting:    wire.Peer{Name: "faultline", Version: s.o.Version},
		},
		resolve: pluginhost.ResolveOptions{Builtins: builtinNames(), Program: s.o.Program},
		debug:   debug,
		declare: declaring,
		budgets: contained.budgets,
		changed: place.again, hostsOnly: !c.Runner,
	})
	s.catalog = newCatalog(&catalog{
		set: plugins, at: "this server", changes: declared.changes, dir: PluginFolder(c), auto: c.PluginAutoReload,
		hosts: c.HostPlugins, configured: s.o.Plugins, log: pluginLog,
	}, c.Plugins)
	own := &localSessions{
		inv: inv, plugins: plugins, secrets: secrets, log: sessionLog, now: s.o.Now,
		gate: session.NewGate(s.o.Now, time.After), targets: c.PluginTargets,
		updatePeriod: time.Duration(c.UpdatePeriod),
	}
	sessions := newRunner(own.options)
	itself, err := newSelf(context.WithoutCancel(ctx), s.o.Version, inv, declaring, selfPlugins{
		list: allPlugins(plugins, place), deliver: plugins.deliver, awaited: place.awaits,
	}, s.part("plugin"))
	if err != nil {
		return err
	}
	own.self = itself
	listening := link.NewListening(link.ListeningOptions{Now: time.Now, Period: time.Duration(c.AgentGrace) / 10, Behind: s.turns.behind, Log: s.part("agents")})
	hosts := newFleet(fleetOptions{
		inv: inv, plugins: plugins, options: own.agentOptions, grace: time.Duration(c.AgentGrace), listening: listening,
		log: s.part("agents"), now: s.o.Now, after: time.After,
	})
	itself.fleet = hosts
	place.local, place.has, place.onlyOwn = sessions, hasItself(plugins), !c.Runner
	s.run("self", s.fail, itself.run)
	s.run("plugins", s.fail, func(ctx context.Context) error { plugins.run(ctx); return nil })
	if c.Runner {
		s.run("plugin folder", s.fail, s.catalog.run)
	}
	place.patient = !c.Runner || tokens.AnyRunner()
	s.run("sessions", s.fail, func(ctx context.Context) error {
		defer sessions.stopAll()
		return keepUp(ctx, s.part("session"), inv, place.run)
	})
	hub := link.NewHub(link.HubOptions{
		Accept: (&remotes{
			place: place, inv: inv, secrets: secrets, declare: declaring, changes: declared.changes, grace: time.Duration(c.RunnerGrace),
			log: s.part("runner"), pluginLog: pluginLog, sessionLog: sessionLog, debug: debug,
		}).accept,
		Grace: time.Duration(c.RunnerGrace), Version: s.o.Version, Log: s.part("runner"), Now: s.o.Now, After: time.After,
	})
	s.run("runners", s.fail, func(ctx context.Context) error { return hub.Run(ctx) })
	s.run("missing runners", s.fail, func(ctx context.Context) error {
		select {
		case <-time.After(time.Duration(c.RunnerGrace)):
			place.settled()
		case <-ctx.Done():
		}
		return nil
	})
	s.run("change log", s.fail, func(ctx context.Context) error { return trim(ctx, s.part("change log"), store, retentionOf(c)) })

	agents := link.NewHub(link.HubOptions{
		Accept: hosts.accept, Check: hosts.check, Replaces: sameMachine, Grace: time.Duration(c.AgentGrace), Listening: listening,
		Version: s.o.Version, Log: s.part("agents"), Now: s.o.Now, After: time.After,
	})
	s.hosts = &fleetActs{fleet: hosts, hub: agents, authority: authority}
	s.run("hosts", s.fail, hosts.run)
	s.run("host numbers", s.fail, func(ctx context.Context) error { return keepUp(ctx, s.part("agents"), inv, hosts.follow) })
	s.run("agents", s.fail, func(ctx context.Context) error { return agents.Run(ctx) })

	address, err := agentServer(c, s.addr)
	if err != nil {
		return err
	}
	admin := &hostAdmin{fleetActs: s.hosts, inv: inv, volumes: volumes, log: s.part("agents")}
	s.admin = admin
	admin.installer = newInstaller(&installer{
		config: c, server: address, program: s.o.Program, authority: authority, fleet: hosts, forget: admin.Remove, log: s.part("agents"),
	})
	s.vms = newMachines(&machines{fleet: hosts, inv: inv, installer: admin.installer, remove: admin.Remove, log: s.part("agents")})
	admin.installer.ended = s.vms.wake
	s.run("installations", s.fail, admin.installer.run)
	s.run("virtual machines", s.fail, func(ctx context.Context) error { return keepUp(ctx, s.part("agents"), inv, s.vms.follow) })
	s.run("hosts of virtual machines", s.fail, s.vms.run)

	listed := func() []api.Plugin { return pluginStates(plugins, place, hosts, inv) }
	ui, _ := web.FS()
	front.Open(api.New(api.Options{
		Inventory: inv, Alerts: alerts, Volumes: volumes, Stats: stats, UI: ui,
		Dashboard:  func(title string, classes []*resource.Class) any { return dashboard.Of(title, classes) },
		Prometheus: stats.Handler(s.o.Version, inv.Classes), Metrics: figures(registry, &selfFigures{
			classes: inv.Classes, count: inv.Count, members: inv.Members, seq: inv.Seq, alerts: alerts.ActiveCounts, plugins: listed, version: s.o.Version,
		}),
		Fleet:      admin,
		Agents:     &agentAccess{fleetActs: s.hosts, server: address, root: c.AgentRoot, program: programs(s.o.Program, c.AgentPrograms), log: s.part("agents")},
		Roots:      &roots{inv: inv, secrets: secrets, process: processes(place, plugins), try: (&trials{own: own, place: place}).try},
		Plugins:    listed,
		PluginActs: &pluginActs{own: s.catalog, place: place},
		PluginLog:  tails.of,
		Version:    s.o.Version, Started: s.o.Now(), Log: s.part("api"), Authorize: authorize,
	}))
	answer.open(&httplink.Handler{Hub: hub, Authorize: runnersOnly(tokens, authorize != nil), Log: s.part("runner"), Now: s.o.Now})
	door.open(agents)
	srv.RegisterOnShutdown(hub.Close)
	srv.RegisterOnShutdown(agents.Close)
	s.onStop("api", func(ctx context.Context) error {
		if err := srv.Shutdown(ctx); err != nil {
			return errors.Join(err, srv.Close())
		}
		return nil
	})
	return nil
}

// guard refuses to serve other machines without TLS and a token.
func (s *Server) guard(tokens *auth.Tokens) (*tls.Config, error) {
	c := s.o.Config
	var tlsConfig *tls.Config
	if c.TLSCert != "" {
		var err error
		if tlsConfig, err = auth.ServerTLS(c.TLSCert, c.TLSKey); err != nil {
			return nil, err
		}
	}
	if isLoopback(c.Listen) {
		return tlsConfig, nil
	}
	list, err := tokens.List()
	if err != nil {
		return nil, err
	}
	var missing []string
	if tlsConfig == nil {
		missing = append(missing, "a certificate (tls_cert and tls_key in the configuration, or --tls-cert and --tls-key)")
	}
	if len(list) == 0 {
		missing = append(missing, fmt.Sprintf("a token (faultline token create NAME --data %s)", c.Data))
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("to listen on %s, which other machines can reach, the server needs %s", c.Listen, strings.Join(missing, " and "))
	}
	return tlsConfig, nil
}

// isLoopback reports whether only this machine can reach the address.
func isLoopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

func (s *Server) bind() (net.Listener, error) {
	var lc net.ListenConfig
	ln, err := lc.Listen(context.Background(), "tcp", s.o.Config.Listen)
	if err != nil {
		return nil, fmt.Errorf("listen (see listen in the configuration, or --listen): %w", err)
	}
	s.addr = ln.Addr()
	return ln, nil
}

// serve answers at the address from now on.
func (s *Server) serve(srv *http.Server, ln net.Listener, tlsConfig *tls.Config, agents agentTLS) {
	if tlsConfig != nil {
		ln = tls.NewListener(acceptingListener{ln}, agents.beside(tlsConfig))
	} else {
		ln = newMixedListener(ln, agents)
	}
	go func() {
		if err := srv.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			s.fail(fmt.Errorf("api: %w", err))
		}
	}()
	s.onStop("listener", func(context.Context) error { return srv.Close() })
}

func (s *Server) fail(err error) {
	select {
	case s.failed <- err:
	default: // one is enough to end the server
	}
}

func (s *Server) part(name string) *slog.Logger { return s.log.With("component", name) }
