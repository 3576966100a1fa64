package app

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/faultline-storage/faultline/internal/auth"
	"github.com/faultline-storage/faultline/internal/link/httplink"
	"github.com/faultline-storage/faultline/internal/resource"
)

// linkFront hands the requests of runners to the link, and all others on. Before
// the link is open, runners are asked to come again.
type linkFront struct {
	other http.Handler
	link  atomic.Pointer[httplink.Handler]
}

func (f *linkFront) open(h *httplink.Handler) { f.link.Store(h) }

// ServeHTTP implements http.Handler.
func (f *linkFront) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !strings.HasPrefix(r.URL.Path, httplink.Prefix) {
		f.other.ServeHTTP(w, r)
		return
	}
	if h := f.link.Load(); h != nil {
		h.ServeHTTP(w, r)
		return
	}
	w.Header().Set("Retry-After", "1")
	http.Error(w, "the server is starting, or standing by for another server", http.StatusServiceUnavailable)
}

// runnersOnly lets runners in, by a runner's token. Where the API asks for no
// token, a runner needs none until there is a runner's token.
func runnersOnly(tokens *auth.Tokens, always bool) func(*http.Request) (string, error) {
	return func(r *http.Request) (string, error) {
		name, ok := tokens.AllowRunner(r)
		switch {
		case ok:
			return name, nil
		case always || tokens.AnyRunner():
			return "", errors.New("a runner shows a token that was made for runners: faultline token create NAME --runner")
		case !namesLoopback(r.Host):
			return "", errors.New("the Host header names another machine; use a loopback address or localhost")
		}
		return "", nil
	}
}

// namesLoopback reports whether a Host header names this machine. A page of another
// site can have its own name resolve to a loopback address.
func namesLoopback(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.Trim(host, "[]")
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// remoteCaller calls a plugin of a runner.
type remoteCaller struct {
	m      *remote
	plugin string
}

// Call implements caller.
func (c remoteCaller) Call(ctx context.Context, method string, params, result any) error {
	return c.m.call(ctx, c.plugin, method, params, result)
}

// Release implements caller.
func (c remoteCaller) Release() {}

// processes finds who can call a plugin, wherever it runs.
func processes(place *placement, plugins *pluginSet) func(context.Context, string) (caller, error) {
	return func(ctx context.Context, plugin string) (caller, error) {
		if m := place.at(plugin); m != nil {
			return remoteCaller{m, plugin}, nil
		}
		if place.onlyOwn && !place.has(plugin) {
			return nil, resource.Errorf(resource.Unavailable, "no runner is connected that has plugin %s", plugin)
		}
		l, err := plugins.process(ctx, plugin)
		if err != nil { // a nil *lease is no nil caller
			return nil, err
		}
		return l, nil
	}
}
