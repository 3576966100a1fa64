package httplink_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/faultline-storage/faultline/internal/link"
	"github.com/faultline-storage/faultline/internal/link/httplink"
	"github.com/faultline-storage/faultline/internal/link/linktest"
	"github.com/faultline-storage/faultline/internal/resource"
)

func handler(h *link.Hub) *httplink.Handler {
	return &httplink.Handler{
		Hub: h, Log: slog.New(slog.DiscardHandler), Now: time.Now,
		Authorize: func(*http.Request) (string, error) { return "", nil },
	}
}

func connect(t *testing.T, h *link.Hub) link.Transport {
	t.Helper()
	srv := httptest.NewServer(handler(h))
	t.Cleanup(srv.Close)
	return &httplink.Transport{Server: srv.URL, Client: srv.Client()}
}

func TestHTTP(t *testing.T) {
	t.Parallel()
	linktest.Test(t, connect)
}

func TestSessions(t *testing.T) {
	t.Parallel()
	linktest.TestSessions(t, func(t *testing.T, v *linktest.Inventory, c *resource.Class) linktest.Sink {
		sink, _ := linktest.Over(t, v, func(_, name string) *resource.Class { return map[string]*resource.Class{c.Name: c}[name] }, connect)
		return sink
	})
}
