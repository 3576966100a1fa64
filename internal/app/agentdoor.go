package app

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/faultline-storage/faultline/internal/auth"
	"github.com/faultline-storage/faultline/internal/link"
	"github.com/faultline-storage/faultline/internal/link/httplink"
	"github.com/faultline-storage/faultline/internal/resource"
)

// Agents come to the address of the API, and are told from others by the
// name that they ask for when they begin a TLS connection (auth.ServerName). Then the server shows
// the certificate of its own authority, and nothing of the API can be reached over
// that connection; over any other one, nothing that is for agents. So an operator
// opens one port, and whatever certificate the API has, or has not, agents and
// server know each other by certificates of their own. See
// docs/decisions/0020-fleet.md.

const (
	// firstByte bounds the wait for the first byte of a connection.
	firstByte = 10 * time.Second
	// tlsHandshake is the first byte of a TLS connection, which no HTTP request has.
	tlsHandshake = 0x16
	// maxRegistration bounds a request to register or to renew, in bytes.
	maxRegistration = 64 << 10
	// maxAgentHello bounds what an agent says when it begins a link, in bytes.
	maxAgentHello = 64 << 10
)

// isAgent reports whether a connection is one of an agent.
func isAgent(cs *tls.ConnectionState) bool {
	return cs != nil && cs.ServerName == auth.ServerName
}

// mixedListener accepts plain connections, and the TLS connections of agents.
type mixedListener struct {
	net.Listener
	config *tls.Config // one for all connections: it has the keys by which TLS sessions are resumed
	ready  chan net.Conn
	failed chan error
	closed chan struct{}
	once   sync.Once
}

func newMixedListener(ln net.Listener, agents agentTLS) *mixedListener {
	m := &mixedListener{
		Listener: ln, config: agents.alone(),
		ready: make(chan net.Conn), failed: make(chan error), closed: make(chan struct{}),
	}
	go m.run()
	return m
}

// run accepts connections until the listener is closed. Nobody waits for a
// connection that says nothing.
func (m *mixedListener) run() {
	for {
		c, err := m.Listener.Accept()
		if err != nil {
			select {
			case m.failed <- err:
			case <-m.closed:
				return
			}
			continue
		}
		go m.sort(c)
	}
}

func (m *mixedListener) sort(c net.Conn) {
	first := make([]byte, 1)
	_ = c.SetReadDeadline(time.Now().Add(firstByte)) // a connection that is gone fails the read
	if _, err := io.ReadFull(c, first); err != nil {
		_ = c.Close()
		return
	}
	_ = c.SetReadDeadline(time.Time{})
	var out net.Conn = &acceptedConn{Conn: c, first: first}
	if first[0] == tlsHandshake {
		out = tls.Server(out, m.config)
	}
	select {
	case m.ready <- out:
	case <-m.closed:
		_ = c.Close()
	}
}

// Accept implements net.Listener.
func (m *mixedListener) Accept() (net.Conn, error) {
	select {
	case c := <-m.ready:
		return c, nil
	case err := <-m.failed:
		return nil, err
	case <-m.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (m *mixedListener) Close() error {
	m.once.Do(func() { close(m.closed) })
	return m.Listener.Close()
}

// acceptedConn is a connection of which the first bytes may have been read. It has
// the turn of its agent, if that is one.
type acceptedConn struct {
	net.Conn
	first []byte
	turn  atomic.Pointer[func()] // gives the turn back; nil without one
}

// Read implements net.Conn. Whoever reads waits for the network, and has no turn.
func (c *acceptedConn) Read(p []byte) (int, error) {
	c.leave()
	if len(c.first) > 0 && len(p) > 0 {
		n := copy(p, c.first)
		c.first = c.first[n:]
		return n, nil
	}
	return c.Conn.Read(p)
}

// Close implements net.Conn.
func (c *acceptedConn) Close() error {
	c.leave()
	return c.Conn.Close()
}

func (c *acceptedConn) leave() {
	if turn := c.turn.Swap(nil); turn != nil {
		(*turn)()
	}
}

// acceptingListener accepts connections that can have a turn.
type acceptingListener struct{ net.Listener }

// Accept implements net.Listener.
func (l acceptingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &acceptedConn{Conn: c}, nil
}

// agentDoor answers the requests of agents.
type agentDoor struct {
	authority *auth.Authority
	log       *slog.Logger
	refusals  *onceIn
	now       func() time.Time
	link      atomic.Pointer[httplink.Handler]
	// program returns the file of this program for a system and a machine.
	program func(system, machine string) (string, error)
	// revoked is called with a host whose certificate is no longer good.
	revoked atomic.Pointer[func(host string)]
}

// open lets agents in. The links of a host whose certificate is no longer good end.
func (d *agentDoor) open(hub *link.Hub) {
	end := func(host string) {
		if !d.authority.Good(host) { // else another machine has taken its place, or it was renewed
			hub.End(link.AgentKind, host, errRevoked)
		}
	}
	d.revoked.Store(&end)
	d.link.Store(&httplink.Handler{Hub: hub, Authorize: d.host, MaxHello: maxAgentHello, Log: d.log, Now: d.now})
}

// errRevoked is the end of a link whose host may not come any more.
var errRevoked = errors.New("the host's certificate is no longer good")

// ServeHTTP implements http.Handler. Before the link is open, agents are asked to
// come again.
func (d *agentDoor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Date", d.now().UTC().Format(http.TimeFormat)) // by which hosts renew their certificates
	switch {
	case strings.HasPrefix(r.URL.Path, httplink.Prefix):
		if h := d.link.Load(); h != nil {
			h.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Retry-After", "1")
		http.Error(w, "the server is starting, or standing by for another server", http.StatusServiceUnavailable)
	case strings.HasPrefix(r.URL.Path, ProgramPath):
		d.serveProgram(w, r)
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "agents send POST requests", http.StatusMethodNotAllowed)
	case r.URL.Path == auth.RegisterPath:
		d.answer(w, r, d.register)
	case r.URL.Path == auth.RenewPath:
		d.answer(w, r, d.renew)
	default:
		http.NotFound(w, r)
	}
}

// ProgramPath is where machines get this program from, behind it SYSTEM-MACHINE as
// in linux-amd64. It is no secret; who gets it checks its sum.
const ProgramPath = "/agent/v1/program/"

func (d *agentDoor) serveProgram(w http.ResponseWriter, r *http.Request) {
	system, machine, ok := strings.Cut(strings.TrimPrefix(r.URL.Path, ProgramPath), "-")
	if !ok || !kindOfMachine.MatchString(system) || !kindOfMachine.MatchString(machine) || d.program == nil {
		http.NotFound(w, r)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "the program can be had, nothing else", http.StatusMethodNotAllowed)
		return
	}
	path, err := d.program(system, machine)
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	// It takes its time on a slow line; other answers have to be quick.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(installTime))
	w.Header().Set("Content-Type", "application/octet-stream")
	http.ServeFile(w, r, path)
}

var kindOfMachine = regexp.MustCompile(`^[a-z0-9]{1,20}$`)

// answer has f answer a request with a certificate or an error.
func (d *agentDoor) answer(w http.ResponseWriter, r *http.Request, f func(r *http.Request) (auth.Certificate, error)) {
	r.Body = http.MaxBytesReader(w, r.Body, maxRegistration)
	c, err := f(r)
	status, body := http.StatusOK, any(c)
	if err != nil {
		var fault *resource.Fault
		field := ""
		if errors.As(err, &fault) {
			field = fault.Field
		}
		switch resource.KindOf(err) {
		case resource.Invalid:
			status = http.StatusBadRequest
		case resource.Conflict:
			status = http.StatusConflict
		case resource.Unavailable:
			status = http.StatusServiceUnavailable
		default:
			status = http.StatusInternalServerError
		}
		detail := err.Error()
		if status == http.StatusInternalServerError {
			detail = "the server failed; its log says why"
		}
		body = map[string]any{"title": http.StatusText(status), "status": status, "detail": detail, "field": field}
	}
	b, err := json.Marshal(body)
	if err != nil { // strings and numbers always marshal
		panic(err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(b) // who does not get the answer asks again
}

func (d *agentDoor) register(r *http.Request) (c auth.Certificate, err error) {
	var body auth.Registration
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		return c, &resource.Fault{Kind: resource.Invalid, Text: "the registration cannot be read", Cause: err}
	}
	c, token, err := d.authority.Register(r.Context(), body)
	if err != nil {
		d.log.Warn("a host was not registered", "host", shortened(body.Host), "address", r.RemoteAddr, "token", token, "error", err)
		return c, err
	}
	d.log.Info("a host was registered", "host", body.Host, "address", r.RemoteAddr, "token", token)
	return c, nil
}

func (d *agentDoor) renew(r *http.Request) (c auth.Certificate, err error) {
	host, err := d.host(r)
	if err != nil {
		return c, err
	}
	csr, err := auth.ReadRenewal(r.Body)
	if err == nil {
		c, err = d.authority.Renew(r.Context(), host, csr)
	}
	if err != nil {
		d.log.Warn("the certificate of a host was not renewed", "host", host, "address", r.RemoteAddr, "error", err)
		return c, err
	}
	d.log.Info("the certificate of a host was renewed", "host", host)
	return c, nil
}

// host returns the host that a request is from. It logs a refusal, once for a
// while.
func (d *agentDoor) host(r *http.Request) (string, error) {
	host, err := d.authority.Host(r.TLS)
	if err == nil {
		return host, nil
	}
	addr, _, _ := net.SplitHostPort(r.RemoteAddr)
	if d.refusals.first(addr + " " + err.Error()) {
		d.log.Warn("an agent was refused", "address", r.RemoteAddr, "error", err)
	}
	if f := d.revoked.Load(); f != nil && host != "" {
		(*f)(host)
	}
	return "", err
}

// shortened bounds what strangers get into the log.
func shortened(s string) string {
	const most = 120
	if len(s) <= most {
		return s
	}
	return s[:most] + "…"
}

// onceIn tells what was said before from what was not, for a while.
type onceIn struct {
	span time.Duration
	now  func() time.Time

	mu   sync.Mutex
	said map[string]time.Time
}

// first reports whether something is said for the first time in the span.
func (o *onceIn) first(what string) bool {
	now := o.now()
	o.mu.Lock()
	defer o.mu.Unlock()
	if at, ok := o.said[what]; ok && now.Sub(at).Abs() < o.span {
		return false
	}
	if len(o.said) >= 1000 || o.said == nil { // strangers cannot fill the memory
		o.said = map[string]time.Time{}
	}
	o.said[what] = now
	return true
}

// forAgents hands requests over connections of agents to the door, and all others
// on.
func forAgents(door, other http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isAgent(r.TLS) {
			door.ServeHTTP(w, r)
			return
		}
		other.ServeHTTP(w, r)
	})
}
