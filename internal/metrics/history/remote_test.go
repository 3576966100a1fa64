package history_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	promconfig "github.com/prometheus/common/config"
	"github.com/prometheus/prometheus/storage/remote"

	"github.com/faultline-storage/faultline/internal/metrics/history"
	"github.com/faultline-storage/faultline/internal/resource"
)

// TestRemoteWrite has a database that takes remote write, after it was away for a
// while, and asks for a password.
func TestRemoteWrite(t *testing.T) {
	t.Parallel()
	got := make(chan string, 100)
	refuse := 1
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "faultline" || password != "secret" || r.Header.Get("X-Scope-Orgid") != "storage" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if refuse > 0 {
			refuse--
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		req, err := remote.DecodeWriteRequest(r.Body)
		if err != nil {
			t.Error(err)
			return
		}
		for _, ts := range req.Timeseries {
			var name string
			for _, l := range ts.Labels {
				if l.Name == "__name__" {
					name = l.Value
				}
			}
			if len(ts.Samples) > 0 {
				select {
				case got <- name:
				default: // the test has seen enough
				}
			}
		}
	}))
	defer other.Close()
	password := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(password, []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	db, err := history.Open(history.Options{
		Dir: w.dir, Get: func(id resource.ID) *resource.Resource { return w.all[id] }, Log: slog.New(slog.DiscardHandler), Now: time.Now,
		Registry: prometheus.NewRegistry(),
		Remotes: []history.Remote{{
			URL: other.URL, Headers: map[string]string{"X-Scope-OrgID": "storage"},
			Client: promconfig.HTTPClientConfig{BasicAuth: &promconfig.BasicAuth{Username: "faultline", PasswordFile: password}},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	want := map[string]bool{"acme_hard_disk_temperature": true, "acme_hard_disk_sizes_bucket": true, "acme_hard_disk_sizes_count": true}
	deadline := time.After(20 * time.Second)
	// It sends what comes after it has begun to read the log.
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for len(want) > 0 {
		select {
		case name := <-got:
			delete(want, name)
		case <-tick.C:
			now = now.Add(10 * time.Second)
			db.Observe(&resource.Changes{Time: now, Samples: []resource.Sample{
				{Resource: 2, Stat: temperature, Time: now, Value: 30}, {Resource: 2, Stat: sizes, Time: now, Bins: []int64{1, 2, 3, 4}},
			}})
		case <-deadline:
			t.Fatalf("not sent: %v", want)
		}
	}
}

func TestRemoteWriteRefusesAnAddress(t *testing.T) {
	t.Parallel()
	_, err := history.Open(history.Options{
		Dir: t.TempDir(), Log: slog.New(slog.DiscardHandler), Now: time.Now, Remotes: []history.Remote{{URL: "mimir:8080"}},
	})
	if err == nil || !strings.Contains(err.Error(), "remote_write[0].url") {
		t.Errorf("got %v", err)
	}
}
