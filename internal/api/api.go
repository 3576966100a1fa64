package api

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/faultline-storage/faultline/internal/api/gen"
	"github.com/faultline-storage/faultline/internal/resource"
)

// Prefix is where the interface lives.
const Prefix = "/api/v1"

// Options are what New needs. Inventory, Alerts and Roots are required.
type Options struct {
	Inventory Inventory
	Alerts    Alerts
	Roots     Roots
	// Volumes are derived from the inventory. Nil means that there are none.
	Volumes Volumes
	// Fleet is the hosts that run the agent. Nil means that the server takes none.
	Fleet Fleet
	// Agents is who may speak for them. Nil means that nobody may.
	Agents Agents
	// Plugins returns the configured plugins, by name. Nil means none.
	Plugins func() []Plugin
	// PluginActs loads and unloads them. Nil means that nothing does.
	PluginActs PluginActs
	// PluginLog returns the last lines of a plugin's log, oldest first. Nil means that
	// none are kept.
	PluginLog func(PluginRef) []PluginLogLine
	// Stats are the recorded statistics. Nil means none.
	Stats Stats
	// Dashboard writes a Grafana dashboard of the charts of classes. Nil writes an
	// empty object.
	Dashboard func(title string, classes []*resource.Class) any
	// Prometheus answers Prometheus' HTTP API, at /prometheus/api/v1. Nil means that
	// there is none.
	Prometheus http.Handler
	// Metrics answers /metrics with the server's own figures. Nil means that there
	// are none.
	Metrics http.Handler

	// Authorize decides on a request to the interface, by its token, and names
	// who makes it. Nil lets everybody in, without a name, which is only safe on loopback: requests whose Host header
	// does not name this machine are then refused.
	Authorize func(*http.Request) (user string, ok bool)
	// Hosts are further names that the Host header may have where Authorize is nil.
	Hosts []string
	// UI holds the files of the web page, with index.html. Nil means that there
	// is no page.
	UI fs.FS

	Version string
	Started time.Time
	// Heartbeat is the longest silence of an event stream; 15 s by default.
	Heartbeat time.Duration
	// SlowClient is how long a write to an event stream may take before the
	// client is cut off; 10 s by default.
	SlowClient time.Duration
	// MaxStreams bounds the open event streams; 256 by default.
	MaxStreams int
	Log        *slog.Logger
}

// Server is the HTTP interface. It is an http.Handler, safe for concurrent use.
type Server struct {
	inventory Inventory
	alerts    Alerts
	roots     Roots
	volumes   Volumes
	fleet     Fleet
	agents    Agents
	plugins   func() []Plugin
	// pluginActs is Options.PluginActs, pluginLog Options.PluginLog.
	pluginActs PluginActs
	pluginLog  func(PluginRef) []PluginLogLine
	stats      Stats
	view       *View
	dashboard  func(title string, classes []*resource.Class) any
	// prometheus and metrics are as in Options.
	prometheus, metrics http.Handler

	authorize func(*http.Request) (user string, ok bool)
	hosts     []string
	version   string
	started   time.Time
	log       *slog.Logger

	heartbeat, slowClient time.Duration
	maxStreams            int64
	streams               atomic.Int64
	// stopping ends the event streams, which http.Server.Shutdown would wait for.
	stopping context.Context
	stop     context.CancelFunc

	operations map[string]operation
	mux        *http.ServeMux
	ui         http.Handler
	csrf       *http.CrossOriginProtection
}

var _ gen.StrictServerInterface = (*handlers)(nil) // a path of openapi.yaml without a handler does not compile

// handlers are the operations of the interface, one file for each noun.
type handlers struct{ *Server }

// New makes a Server. It starts nothing.
func New(o Options) *Server {
	s := &Server{
		inventory: o.Inventory, alerts: o.Alerts, roots: o.Roots, volumes: o.Volumes, fleet: o.Fleet, agents: o.Agents, plugins: o.Plugins, pluginActs: o.PluginActs, pluginLog: o.PluginLog, stats: o.Stats,
		authorize: o.Authorize, version: o.Version, started: o.Started,
		log:        cmp.Or(o.Log, slog.New(slog.DiscardHandler)),
		heartbeat:  cmp.Or(o.Heartbeat, 15*time.Second),
		slowClient: cmp.Or(o.SlowClient, 10*time.Second),
		maxStreams: int64(cmp.Or(o.MaxStreams, 256)),
		operations: operations(),
		mux:        http.NewServeMux(),
		csrf:       http.NewCrossOriginProtection(),
	}
	for _, h := range o.Hosts {
		s.hosts = append(s.hosts, strings.ToLower(h))
	}
	if s.fleet == nil {
		s.fleet = noHosts{}
	}
	if s.agents == nil {
		s.agents = noAgents{}
	}
	if s.plugins == nil {
		s.plugins = func() []Plugin { return nil }
	}
	if s.volumes == nil {
		s.volumes = noVolumes{}
	}
	if s.stats == nil {
		s.stats = noStats{}
	}
	if o.UI != nil {
		s.ui = newUI(o.UI)
	}
	if s.dashboard = o.Dashboard; s.dashboard == nil {
		s.dashboard = func(string, []*resource.Class) any { return struct{}{} }
	}
	s.prometheus, s.metrics = o.Prometheus, o.Metrics
	s.view = &View{Resources: s.inventory, Alerts: s.alerts, Stats: s.stats, Volumes: s.volumes}
	s.stopping, s.stop = context.WithCancel(context.Background())
	gen.HandlerWithOptions(
		gen.NewStrictHandlerWithOptions(&handlers{s}, nil, gen.StrictHTTPServerOptions{
			RequestErrorHandlerFunc: s.fail, ResponseErrorHandlerFunc: s.fail,
		}),
		gen.StdHTTPServerOptions{BaseURL: Prefix, BaseRouter: s.mux, ErrorHandlerFunc: s.fail},
	)
	return s
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	if s.authorize == nil && !s.hostAllowed(r) {
		writeProblem(w, problemOf(http.StatusMisdirectedRequest,
			"the Host header names another machine; use a loopback address or localhost"))
		return
	}
	switch path := r.URL.Path; {
	case path == "/api", strings.HasPrefix(path, "/api/"):
		s.guarded(w, r, http.HandlerFunc(s.serveAPI))
	case path == "/metrics" && s.metrics != nil:
		s.guarded(w, r, s.metrics)
	case strings.HasPrefix(path, "/prometheus/") && s.prometheus != nil:
		s.guarded(w, r, http.StripPrefix("/prometheus", s.prometheus))
	default:
		s.servePage(w, r)
	}
}

// guarded answers by h who may ask.
func (s *Server) guarded(w http.ResponseWriter, r *http.Request, h http.Handler) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	if s.authorize != nil {
		user, ok := s.authorize(r)
		if !ok {
			unauthorized(w)
			return
		}
		r = r.WithContext(context.WithValue(r.Context(), userKey{}, user))
	}
	if err := s.csrf.Check(r); err != nil {
		writeProblem(w, problemOf(http.StatusForbidden, "the request comes from a page of another site"))
		return
	}
	h.ServeHTTP(w, r)
}

func (s *Server) serveAPI(w http.ResponseWriter, r *http.Request) {
	_, pattern := s.mux.Handler(r)
	op, ok := s.operations[pattern]
	if !ok {
		s.noSuchPath(w, r)
		return
	}
	switch err := checkRequest(w, r, op); {
	case err == nil:
		s.mux.ServeHTTP(w, r)
	case errors.Is(err, errMediaType):
		writeProblem(w, problemOf(http.StatusUnsupportedMediaType, err.Error()))
	case errors.Is(err, errTooLarge):
		writeProblem(w, problemOf(http.StatusRequestEntityTooLarge, err.Error()))
	default:
		s.fail(w, r, err)
	}
}

func unauthorized(w http.ResponseWriter) {
	w.Header().Set("WWW-Authenticate", `Bearer realm="faultline"`)
	writeProblem(w, problemOf(http.StatusUnauthorized,
		"send a token as \"Authorization: Bearer TOKEN\"; `faultline token create` makes one"))
}

// noSuchPath tells a wrong path from a wrong method.
func (s *Server) noSuchPath(w http.ResponseWriter, r *http.Request) {
	var allow []string
	for _, m := range []string{http.MethodGet, http.MethodPost, http.MethodPatch, http.MethodDelete} {
		try := &http.Request{Method: m, URL: r.URL, Host: r.Host}
		if _, pattern := s.mux.Handler(try); pattern != "" {
			allow = append(allow, m)
		}
	}
	if len(allow) == 0 {
		writeProblem(w, problemOf(http.StatusNotFound, "there is nothing at "+r.URL.Path+"; see "+Prefix+"/openapi.json"))
		return
	}
	w.Header().Set("Allow", strings.Join(allow, ", "))
	writeProblem(w, problemOf(http.StatusMethodNotAllowed, r.Method+" is not possible here; "+strings.Join(allow, ", ")+" is."))
}

// HTTPServer returns a server for the interface. Its Shutdown also ends the
// event streams.
func (s *Server) HTTPServer() *http.Server {
	srv := newHTTPServer(s, s.log)
	srv.RegisterOnShutdown(s.stop)
	return srv
}

// newHTTPServer returns a server with limits against clients that hold
// connections open.
func newHTTPServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       time.Minute,
		WriteTimeout:      2 * time.Minute, // event streams set their own
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}
