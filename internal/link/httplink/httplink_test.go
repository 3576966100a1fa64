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
)

func handler(h *link.Hub) *httplink.Handler {
	return &httplink.Handler{
		Hub: h, Log: slog.New(slog.DiscardHandler), Now: time.Now,
		Authorize: func(*http.Request) (string, error) { return "", nil },
	}
}

func TestHTTP(t *testing.T) {
	t.Parallel()
	linktest.Test(t, func(t *testing.T, h *link.Hub) link.Transport {
		srv := httptest.NewServer(handler(h))
		t.Cleanup(srv.Close)
		return &httplink.Transport{Server: srv.URL, Client: srv.Client()}
	})
}
