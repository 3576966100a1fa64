package api

import (
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
)

// Front answers at the server's address before there is a Server: with the
// reason, as a problem document with status 503. Its methods are safe for
// concurrent use.
type Front struct {
	authorize func(*http.Request) (user string, ok bool)
	log       *slog.Logger
	reason    atomic.Pointer[string]
	server    atomic.Pointer[Server]
}

// NewFront returns a Front that says the server is starting. authorize is as
// in Options.
func NewFront(authorize func(*http.Request) (user string, ok bool), log *slog.Logger) *Front {
	f := &Front{authorize: authorize, log: log}
	f.Say("the server is starting")
	return f
}

// Say sets the reason why there is no Server yet.
func (f *Front) Say(reason string) { f.reason.Store(&reason) }

// Open hands all requests to the server from now on.
func (f *Front) Open(s *Server) { f.server.Store(s) }

// ServeHTTP implements http.Handler.
func (f *Front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s := f.server.Load(); s != nil {
		s.ServeHTTP(w, r)
		return
	}
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	h.Set("Retry-After", "1")
	reason := *f.reason.Load()
	refused := false
	if f.authorize != nil {
		_, ok := f.authorize(r)
		refused = !ok
	}
	switch {
	case !strings.HasPrefix(r.URL.Path, "/api/"):
		http.Error(w, "Faultline cannot answer yet: it may be starting, or standing by for another server.", http.StatusServiceUnavailable)
	case refused:
		unauthorized(w)
	default:
		writeProblem(w, problemOf(http.StatusServiceUnavailable, reason))
	}
}

// HTTPServer returns a server for the front and what it opens to. Its Shutdown
// also ends the event streams.
func (f *Front) HTTPServer() *http.Server {
	srv := newHTTPServer(f, f.log)
	srv.RegisterOnShutdown(func() {
		if s := f.server.Load(); s != nil {
			s.stop()
		}
	})
	return srv
}
