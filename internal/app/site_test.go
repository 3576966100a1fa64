package app_test

import (
	"context"
	"encoding/json"
	"fmt"
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
	url     string // of the server
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

	cfg := config.Default()
	cfg.Data, cfg.Listen, cfg.Plugins = tb.TempDir(), "127.0.0.1:0", []string{"builtin:acme"}
	server, err := app.Start(tb.Context(), app.Options{Config: cfg, Log: slog.New(slog.DiscardHandler), Version: "test"})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := server.Stop(); err != nil {
			tb.Error(err)
		}
	})
	s.url = "http://" + server.Addr().String() + "/api/v1"
	s.until(tb, func() bool { return len(get[gen.ClassList](tb, s, "/classes?plugin=acme").Items) > 0 })
	return s
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

// scan adds the array and returns how long it took to have all of it committed.
func (s *site) scan(tb testing.TB, attributes string) (root int64, took time.Duration) {
	tb.Helper()
	start := time.Now()
	resp, err := http.Post(s.url+"/resources", "application/json", strings.NewReader(
		fmt.Sprintf(`{"plugin":"acme","class":"Array","attributes":{"url":%q%s}}`, s.address, attributes)))
	if err != nil {
		tb.Fatal(err)
	}
	defer resp.Body.Close()
	var r gen.Resource
	if err := json.NewDecoder(resp.Body).Decode(&r); err != nil || resp.StatusCode != http.StatusCreated {
		tb.Fatalf("add: %s %v", resp.Status, err)
	}
	s.until(tb, func() bool {
		st := get[gen.Resource](tb, s, fmt.Sprintf("/resources/%d", r.ID)).Session
		if st.Error != "" {
			tb.Fatal(st.Error)
		}
		return st.State == gen.Live
	})
	return r.ID, time.Since(start)
}
