package app_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/faultline-storage/faultline/examples/acme/sim"
	"github.com/faultline-storage/faultline/internal/api/gen"
	"github.com/faultline-storage/faultline/internal/app"
	"github.com/faultline-storage/faultline/internal/store/postgres/pgtest"
)

// move puts the site's data into a PostgreSQL database of its own.
func (s *site) move(t *testing.T) {
	t.Helper()
	s.stop(t)
	s.cfg.Store = pgtest.URL(t)
	s.start(t)
}

func TestAServerOnPostgreSQLKeepsAll(t *testing.T) {
	s := newSite(t, sim.Options{Disks: disks, Password: "right"})
	s.move(t)
	root := s.add(t, `,"password":"right"`)
	s.live(t, root)
	s.until(t, func() bool { return s.session(t, root).LastContact != nil })
	before := s.names(t)
	s.stop(t)
	s.start(t)
	if now := s.names(t); !slices.Equal(before, now) {
		t.Errorf("after the restart there is\n%q\nbefore there was\n%q", now, before)
	}
	s.live(t, root)
	s.stop(t)
	if strings.Contains(s.log.String(), "pgtest-secret") {
		t.Errorf("the log has the password of the database: %s", s.log.String())
	}
}

// standby starts a server that has to wait, and returns when it does.
func (s *site) standby(t *testing.T) (url string, started <-chan *app.Server) {
	t.Helper()
	cfg := s.cfg
	cfg.Data = t.TempDir()
	key, err := os.ReadFile(filepath.Join(s.cfg.Data, "secret.key"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(cfg.Data, "secret.key"), key, 0o600); err != nil {
		t.Fatal(err)
	}
	waits, done := make(chan string, 1), make(chan *app.Server, 1)
	go func() {
		defer close(done)
		srv, err := app.Start(t.Context(), app.Options{Config: cfg, Log: slog.New(slog.DiscardHandler), Version: "test",
			OnStandby: func(addr net.Addr, _ string) { waits <- "http://" + addr.String() + "/api/v1" }})
		if err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if err != nil {
			close(waits)
			return
		}
		done <- srv
	}()
	url, ok := <-waits
	if !ok {
		t.FailNow()
	}
	return url, done
}

func TestASecondServerStandsByAndTakesOver(t *testing.T) {
	s := newSite(t, sim.Options{Disks: disks, Password: "right"})
	s.move(t)
	root := s.add(t, `,"password":"right"`)
	s.live(t, root)
	before := s.names(t)

	url, started := s.standby(t)
	first := s.url
	s.url = url
	for _, path := range []string{"/resources", "/status"} {
		if b := s.ask(t, http.MethodGet, path, "", http.StatusServiceUnavailable); !strings.Contains(string(b), "standby: another server (") ||
			!strings.Contains(string(b), "writes to this database since ") {
			t.Errorf("%s says %s", path, b)
		}
	}
	s.ask(t, http.MethodDelete, "/resources/1", "", http.StatusServiceUnavailable)
	s.url = first
	s.stop(t)
	if s.server = <-started; s.server == nil {
		t.Fatal("the second server did not take over")
	}
	s.url = url
	if now := s.names(t); !slices.Equal(before, now) {
		t.Errorf("the second server has\n%q\nthe first had\n%q", now, before)
	}
	s.live(t, root) // so it could open the password
}

func TestAServerThatLosesItsDatabaseSaysSo(t *testing.T) {
	s := newSite(t, sim.Options{Disks: disks})
	s.move(t)
	root := s.add(t, "")
	s.live(t, root)
	if s.server.LostLead() {
		t.Error("it says so too early")
	}
	pgtest.Terminate(t, s.cfg.Store)
	err := <-s.server.Failed()
	if err == nil || !strings.Contains(err.Error(), "no longer leads") || !s.server.LostLead() {
		t.Errorf("got %v", err)
	}
	s.ask(t, http.MethodPost, "/resources", `{"plugin":"acme","class":"Array","attributes":{"url":"http://127.0.0.1:1"}}`, http.StatusServiceUnavailable)
}

func TestServersOfOneDatabaseShareTheKey(t *testing.T) {
	s := newSite(t, sim.Options{Disks: disks})
	s.move(t)
	cfg := s.cfg
	cfg.Data = t.TempDir()
	start := func() error {
		_, err := app.Start(t.Context(), app.Options{Config: cfg, Log: slog.New(slog.DiscardHandler), Version: "test"})
		return err
	}
	if err := start(); err == nil || !strings.Contains(err.Error(), "need the same key file") {
		t.Errorf("beside the first: got %v", err)
	}
	s.stop(t)
	if err := start(); err == nil || !strings.Contains(err.Error(), "need the same key file") {
		t.Errorf("after the first: got %v", err)
	}
}

func TestANewKeyIsToldOf(t *testing.T) {
	s := newSite(t, sim.Options{Disks: disks})
	s.stop(t)
	if err := os.Remove(filepath.Join(s.cfg.Data, "secret.key")); err != nil {
		t.Fatal(err)
	}
	s.start(t)
	if !strings.Contains(s.log.String(), "give the passwords of all controllers again") {
		t.Errorf("the log is %s", s.log.String())
	}
	s.stop(t)
	s.log.Reset()
	s.start(t)
	if s.log.Len() > 0 {
		t.Errorf("the second start says %s", s.log.String())
	}
	_ = get[gen.Status](t, s, "/status")
}
