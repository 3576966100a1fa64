package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/faultline-storage/faultline/examples/acme/sim"
	"github.com/faultline-storage/faultline/internal/api/gen"
	"github.com/faultline-storage/faultline/internal/app"
	"github.com/faultline-storage/faultline/internal/config"
)

// site is a server and a simulated array.
type site struct {
	array   *sim.Array
	address string // of the array
	cfg     config.Config
	server  *app.Server
	url     string // of the server
	log     bytes.Buffer
}

func newSite(tb testing.TB, o sim.Options) *site {
	tb.Helper()
	s := &site{}
	var err error
	if s.array, err = sim.New(o); err != nil {
		tb.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.array.Serve(ctx, ln) }()
	tb.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			tb.Error(err)
		}
	})
	s.address = "http://" + ln.Addr().String()
	s.cfg = config.Default()
	s.cfg.Data, s.cfg.Listen, s.cfg.Plugins = tb.TempDir(), "127.0.0.1:0", []string{"builtin:acme"}
	s.start(tb)
	tb.Cleanup(func() { s.stop(tb) })
	return s
}

// start starts the server and waits until its plugin can be used.
func (s *site) start(tb testing.TB) {
	tb.Helper()
	var err error
	log := slog.New(slog.NewTextHandler(&s.log, &slog.HandlerOptions{Level: slog.LevelWarn})) // which writes one record at a time
	if s.server, err = app.Start(tb.Context(), app.Options{Config: s.cfg, Log: log, Version: "test"}); err != nil {
		tb.Fatal(err)
	}
	s.url = "http://" + s.server.Addr().String() + "/api/v1"
	s.until(tb, func() bool { return len(get[gen.ClassList](tb, s, "/classes?plugin=acme").Items) > 0 })
}

// stop stops the server, if it runs.
func (s *site) stop(tb testing.TB) {
	tb.Helper()
	if s.server == nil {
		return
	}
	if err := s.server.Stop(); err != nil {
		tb.Error(err)
	}
	s.server = nil
}

func get[T any](tb testing.TB, s *site, path string) (v T) {
	tb.Helper()
	resp, err := http.Get(s.url + path)
	if err != nil {
		tb.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&v); err != nil || resp.StatusCode != http.StatusOK {
		tb.Fatalf("GET %s: %s, %v", path, resp.Status, err)
	}
	return v
}

// until polls: the benchmarks measure what takes much longer than a poll.
func (s *site) until(tb testing.TB, done func() bool) {
	tb.Helper()
	deadline := time.Now().Add(2 * time.Minute)
	for !done() {
		if time.Now().After(deadline) {
			tb.Fatal("gave up waiting")
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// ask makes a request with a JSON body and returns the answer's.
func (s *site) ask(tb testing.TB, method, path, body string, status int) []byte {
	tb.Helper()
	req, err := http.NewRequestWithContext(tb.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		tb.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		tb.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != status {
		tb.Fatalf("%s %s: %s, want %d: %s %v", method, path, resp.Status, status, b, err)
	}
	return b
}

// add adds the array, with more attributes as JSON.
func (s *site) add(tb testing.TB, attributes string) (root int64) {
	tb.Helper()
	var r gen.Resource
	b := s.ask(tb, http.MethodPost, "/resources", fmt.Sprintf(`{"plugin":"acme","class":"Array","attributes":{"url":%q%s}}`, s.address, attributes), http.StatusCreated)
	if err := json.Unmarshal(b, &r); err != nil {
		tb.Fatal(err)
	}
	return r.ID
}

func (s *site) session(tb testing.TB, root int64) *gen.SessionState {
	tb.Helper()
	return get[gen.Resource](tb, s, fmt.Sprintf("/resources/%d", root)).Session
}

// live waits until the session of a root is up.
func (s *site) live(tb testing.TB, root int64) {
	tb.Helper()
	s.until(tb, func() bool { return s.session(tb, root).State == gen.Live })
}

func (s *site) total(tb testing.TB) int {
	tb.Helper()
	return get[gen.Status](tb, s, "/status").Resources.Total
}
