package httplink_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
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

// halting is a request of which the rest does not come in time.
type halting struct{ io.Reader }

func (h halting) Read(p []byte) (int, error) {
	n, err := h.Reader.Read(p)
	if errors.Is(err, io.EOF) {
		err = os.ErrDeadlineExceeded
	}
	return n, err
}

// TestWhatTheServerMissedIsNoFault: a link ends, and an agent gives up, if the server
// says that the peer is at fault. A server that is starved must not say so.
func TestWhatTheServerMissedIsNoFault(t *testing.T) {
	t.Parallel()
	hub := link.NewHub(link.HubOptions{Now: time.Now, After: time.After, Accept: func(link.Hello, link.Origin, *link.Conn) (link.Peer, []byte, error) {
		return &intakePeer{}, nil, nil
	}})
	w, err := hub.Hello(link.Hello{Protocol: link.Protocol, Kind: "runner", Name: "r", Instance: "a"}, link.Origin{})
	if err != nil {
		t.Fatal(err)
	}
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = z.Write([]byte(`{"protocol":`))
	_ = z.Flush()
	for _, c := range []struct {
		name, path, body string
		zip              bool
		cut, whole       int // the status if the rest does not come, and if there is none
		refused          error
	}{
		{name: "hello", path: "hello", body: `{"protocol":1,`, cut: 503, whole: 400},
		{name: "empty", path: "exchange", cut: 503, whole: 400},
		{name: "frame", path: "exchange", body: "\x01\x00\x14abc", cut: 503, whole: 400},
		{name: "gzip head", path: "exchange", body: "\x1f\x8b", zip: true, cut: 503, whole: 400},
		{name: "gzip", path: "hello", body: zipped.String(), zip: true, cut: 503, whole: 400},
		{name: "refused", path: "hello", body: "{}", refused: resource.Errorf(resource.Invalid, "no"), cut: 401, whole: 401},
		{name: "not known", path: "hello", body: "{}", refused: resource.Errorf(resource.Unavailable, "later"), cut: 503, whole: 503},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := handler(hub)
			h.Authorize = func(*http.Request) (string, error) { return "", c.refused }
			for whole, want := range map[bool]int{false: c.cut, true: c.whole} {
				body := io.Reader(strings.NewReader(c.body))
				if !whole {
					body = halting{body}
				}
				req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, httplink.Prefix+c.path, body)
				req.Header.Set("Content-Type", "application/vnd.faultline.link")
				req.Header.Set("Faultline-Link", w.Link)
				if c.zip {
					req.Header.Set("Content-Encoding", "gzip")
				}
				rsp := httptest.NewRecorder()
				h.ServeHTTP(rsp, req)
				if rsp.Code != want {
					t.Errorf("whole %v: the answer is %d, want %d: %s", whole, rsp.Code, want, rsp.Body)
				}
			}
		})
	}
}
