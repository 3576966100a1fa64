//go:build !agent

package app

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/faultline-storage/faultline/internal/config"
	"github.com/faultline-storage/faultline/internal/resource"
)

// TestStatisticsAreSentByOTLP: what is recorded is sent as the configuration says;
// what is recovered after a crash may have been sent before, and is not sent again.
func TestStatisticsAreSentByOTLP(t *testing.T) {
	t.Parallel()
	got := make(chan string, 10)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		got <- strings.Join([]string{r.URL.Path, user, password, r.Header.Get("X-Scope-Orgid")}, " ")
	}))
	t.Cleanup(receiver.Close)
	dir := t.TempDir()
	password := filepath.Join(dir, "password")
	if err := os.WriteFile(password, []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	disk := &resource.Resource{ID: 1, Label: "disk", Class: &resource.Class{
		Plugin: "acme", Name: "HardDisk", Statistics: []resource.Statistic{{Name: "temperature", Kind: resource.Gauge, SamplePeriod: 10}},
	}}
	registry := prometheus.NewRegistry()
	s, err := openStatistics(config.Config{Data: dir, StatisticsKeep: config.Duration(time.Hour), OTLP: config.Remotes{{
		URL: receiver.URL + "/v1/metrics", Username: "faultline", PasswordFile: password, Headers: map[string]string{"X-Scope-OrgID": "storage"},
	}}}, func(id resource.ID) *resource.Resource { return map[resource.ID]*resource.Resource{1: disk}[id] }, registry, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	s.recover([]resource.Sample{{Resource: 1, Time: now, Value: 29}})
	s.observe(&resource.Changes{Time: now, Samples: []resource.Sample{{Resource: 1, Time: now.Add(10 * time.Second), Value: 30}}})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	close(got)
	var requests []string
	for r := range got {
		requests = append(requests, r)
	}
	if d := cmp.Diff([]string{"/v1/metrics faultline secret storage"}, requests); d != "" {
		t.Errorf("requests (-want +got):\n%s", d)
	}
	want := strings.ReplaceAll(`# HELP faultline_otlp_samples_sent_total Samples of statistics that a receiver of OTLP has taken.
# TYPE faultline_otlp_samples_sent_total counter
faultline_otlp_samples_sent_total{url="URL/v1/metrics"} 1
`, "URL", receiver.URL)
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want), "faultline_otlp_samples_sent_total"); err != nil {
		t.Error(err)
	}
	if problems, err := testutil.GatherAndLint(registry, "faultline_otlp_samples_sent_total", "faultline_otlp_samples_dropped_total", "faultline_otlp_samples_failed_total"); err != nil || len(problems) > 0 {
		t.Errorf("figures that are not as Prometheus wants them: %v %v", problems, err)
	}
}
