package history_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/faultline-storage/faultline/internal/metrics/history/promapi"
	"github.com/faultline-storage/faultline/internal/resource"
)

// TestPromQL asks as Grafana does.
func TestPromQL(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 31 {
		w.observe(10*i, value(2, temperature, 10*i, 30), value(2, reads, 10*i, float64(20*i)), counts(2, 10*i, int64(i), int64(i), 0, 0))
	}
	for query, want := range map[string]string{
		`rate(acme_hard_disk_reads_total[1m])`: "2",
		`acme_hard_disk_temperature{unit="C",plugin="acme",class="HardDisk",statistic="temperature",scope="array",scope_id="1",resource="2"}`: "30",
		`histogram_count(acme_hard_disk_sizes)`:               "60",
		`histogram_quantile(0.5, acme_hard_disk_sizes)`:       "512",
		`histogram_fraction(512, 1024, acme_hard_disk_sizes)`: "0.5",
	} {
		got := w.names(t, query, 300)
		if len(got) != 1 || got["disk 2"] != want {
			t.Errorf("%s: got %v, want %s", query, got, want)
		}
	}
	var names []string
	w.ask(t, "/api/v1/label/__name__/values", &names)
	same(t, names, []string{"acme_hard_disk_reads_total", "acme_hard_disk_sizes", "acme_hard_disk_temperature"})
	var all []string
	w.ask(t, "/api/v1/labels", &all)
	same(t, all, []string{"__name__", "class", "name", "plugin", "resource", "scope", "scope_id", "statistic", "unit"})
	var series []map[string]string
	w.ask(t, "/api/v1/series?match[]="+url.QueryEscape(`{resource="2",unit="C"}`), &series)
	if len(series) != 1 || series[0]["name"] != "disk 2" {
		t.Errorf("series: %v", series)
	}
	var matrix struct {
		ResultType string
		Result     []struct{ Values [][]any }
	}
	w.ask(t, "/api/v1/query_range?"+url.Values{
		"query": {"acme_hard_disk_temperature"}, "start": {fmt.Sprint(at(0).Unix())}, "end": {fmt.Sprint(at(300).Unix())}, "step": {"15"},
	}.Encode(), &matrix)
	if matrix.ResultType != "matrix" || len(matrix.Result) != 1 || len(matrix.Result[0].Values) != 21 {
		t.Errorf("query_range: %+v", matrix)
	}
	var meta map[string][]map[string]string
	w.ask(t, "/api/v1/metadata", &meta)
	if m := meta["acme_hard_disk_reads_total"]; len(m) != 1 || m[0]["type"] != "counter" {
		t.Errorf("metadata: %v", meta)
	}
	var build map[string]string
	w.ask(t, "/api/v1/status/buildinfo", &build)
	if build["version"] == "" {
		t.Errorf("buildinfo: %v", build)
	}
}

// TestAsGrafanaAsks has the forms of its data source: of its health check, its
// panels, its editor, its variables and its list of rules; by GET, and by POST with
// a form; also from the page of another site, which gets no leave to read.
func TestAsGrafanaAsks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 31 {
		w.observe(10*i, value(2, temperature, 10*i, 30))
	}
	h := promapi.Handler(w.DB, "test", func() []*resource.Class { return []*resource.Class{diskClass()} })
	span := fmt.Sprintf("start=%d&end=%d.5", at(0).Unix(), at(300).Unix())
	for _, tc := range []struct{ path, form, want string }{
		{"/query", "query=1%2B1&time=" + fmt.Sprint(at(300).Unix()), `"2"]`},
		{"/query", "query=acme_hard_disk_temperature&time=" + at(300).Format(time.RFC3339) + "&timeout=30s", `"30"]`},
		{"/query_range", "query=acme_hard_disk_temperature{name=~\"disk.*\"}&step=15&" + span, `"30"]`},
		{"/query_range", "query=max_over_time(acme_hard_disk_temperature[1m])&step=1m30s&" + span, `"30"]`},
		{"/labels", "match[]={plugin=\"acme\"}&" + span, `"scope"`},
		{"/label/__name__/values", "match[]={class=\"HardDisk\"}&limit=40000&" + span, `["acme_hard_disk_temperature"]`},
		{"/label/name/values", span, `["disk 2"]`},
		{"/series", "match[]=acme_hard_disk_temperature&match[]=none&" + span, `"disk 2"`},
		{"/metadata", "limit=10", `"gauge"`},
		{"/metadata", "metric=acme_hard_disk_temperature", `"gauge"`},
		{"/status/buildinfo", "", `"version":"3`},
		{"/format_query", "query=sum(a)by(b)", `sum by (b) (a)`},
		{"/query_exemplars", "query=acme_hard_disk_temperature&" + span, `"data":[]`},
		{"/rules", "", `"groups":[]`},
		{"/alerts", "", `"alerts":[]`},
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			if method == http.MethodPost && (strings.HasPrefix(tc.path, "/label/") || strings.HasPrefix(tc.path, "/status/")) {
				continue // Prometheus has no such form either
			}
			r := httptest.NewRequest(method, "/api/v1"+tc.path+"?"+strings.NewReplacer("{", "%7B", "}", "%7D", `"`, "%22").Replace(tc.form), nil)
			if method == http.MethodPost {
				r = httptest.NewRequest(method, "/api/v1"+tc.path, strings.NewReader(tc.form))
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			}
			r.Header.Set("Origin", "https://grafana.example")
			rec := httptest.NewRecorder()
			h.ServeHTTP(rec, r)
			if rec.Code != http.StatusOK || !strings.Contains(rec.Body.String(), tc.want) || rec.Header().Get("Content-Type") != "application/json" {
				t.Errorf("%s %s %s: %d %.300s", method, tc.path, tc.form, rec.Code, rec.Body)
			}
			if leave := rec.Header().Get("Access-Control-Allow-Origin"); leave != "" {
				t.Errorf("%s: pages of %s may read it", tc.path, leave)
			}
		}
	}
}

// TestWhatIsNotAnswered: nothing is written or administered by this way.
func TestWhatIsNotAnswered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := promapi.Handler(w.DB, "test", func() []*resource.Class { return nil })
	for _, path := range []string{"/api/v1/write", "/api/v1/otlp/v1/metrics", "/api/v1/admin/tsdb/snapshot", "/api/v1/targets", "/api/v1/read", "/"} {
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, httptest.NewRequest(http.MethodPost, path, nil))
		if rec.Code != http.StatusNotFound {
			t.Errorf("%s: %d %s", path, rec.Code, rec.Body)
		}
	}
}

// TestFiguresPassTheLinter asks before it looks: figures with labels come with what
// they count.
func TestFiguresPassTheLinter(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.observe(0, value(2, temperature, 0, 30))
	if got := w.names(t, "acme_hard_disk_temperature", 0); len(got) != 1 {
		t.Fatalf("got %v", got)
	}
	problems, err := testutil.GatherAndLint(w.registry)
	if err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
	if n, err := testutil.GatherAndCount(w.registry, "prometheus_engine_query_duration_seconds"); err != nil || n == 0 {
		t.Errorf("%d figures of queries, %v", n, err)
	}
}
