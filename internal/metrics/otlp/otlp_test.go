package otlp_test

import (
	"bytes"
	"compress/gzip"
	"encoding/pem"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	promconfig "github.com/prometheus/common/config"
	collectorpb "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
	"google.golang.org/protobuf/proto"

	"github.com/faultline-storage/faultline/internal/metrics/otlp"
	"github.com/faultline-storage/faultline/internal/resource"
)

var epoch = time.Date(2026, 3, 4, 5, 6, 7, 123456789, time.UTC)

const (
	temperature = iota
	reads
	sizes
)

// resources are an array, 1, and a disk of it, 2.
func resources(id resource.ID) *resource.Resource {
	return map[resource.ID]*resource.Resource{1: array, 2: disk}[id]
}

var (
	array = &resource.Resource{ID: 1, Label: "array one", Class: &resource.Class{Plugin: "acme", Name: "Array"}, Scope: 1, Root: &resource.RootState{}}
	disk  = &resource.Resource{ID: 2, Label: "disk two", Scope: 1, Class: &resource.Class{Plugin: "acme", Name: "HardDisk", Statistics: []resource.Statistic{
		{Name: "temperature", Kind: resource.Gauge, Unit: "C"},
		{Name: "reads", Kind: resource.Counter, Unit: "operations"},
		{Name: "sizes", Kind: resource.Histogram, Unit: "bytes", Bins: [][]int64{{0, 511}, {1024, 4095}, {8192}}},
	}}}
)

// receiver takes OTLP.
type receiver struct {
	*httptest.Server
	got chan *collectorpb.ExportMetricsServiceRequest
}

// receive starts a receiver. First sees each request before it is read; unless it
// returns true, that is all.
func receive(t *testing.T, start func(http.Handler) *httptest.Server, first func(http.ResponseWriter, *http.Request) bool) *receiver {
	t.Helper()
	r := &receiver{got: make(chan *collectorpb.ExportMetricsServiceRequest, 100)}
	r.Server = start(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if !first(w, q) {
			return
		}
		zipped, err := gzip.NewReader(q.Body)
		if err != nil {
			t.Error(err)
			return
		}
		body, err := io.ReadAll(zipped)
		if err != nil {
			t.Error(err)
			return
		}
		m := new(collectorpb.ExportMetricsServiceRequest)
		if err := proto.Unmarshal(body, m); err != nil {
			t.Error(err)
		}
		r.got <- m
	}))
	t.Cleanup(r.Close)
	return r
}

// values reads n samples of a gauge.
func (r *receiver) values(t *testing.T, n int) []float64 {
	t.Helper()
	var out []float64
	for len(out) < n {
		select {
		case m := <-r.got:
			for _, p := range metricsOf(m)[0].GetGauge().GetDataPoints() {
				out = append(out, p.GetAsDouble())
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("only %v were sent, want %d", out, n)
		}
	}
	return out
}

func metricsOf(m *collectorpb.ExportMetricsServiceRequest) []*metricspb.Metric {
	return m.GetResourceMetrics()[0].GetScopeMetrics()[0].GetMetrics()
}

// world is an exporter to one receiver.
type world struct {
	*otlp.Exporter
	registry *prometheus.Registry
	log      *lines
	minutes  atomic.Int64 // of its clock
}

func export(t *testing.T, r otlp.Receiver, o otlp.Options) *world {
	t.Helper()
	w := &world{registry: prometheus.NewRegistry(), log: new(lines)}
	o.Receivers, o.Get, o.Registry, o.Log = []otlp.Receiver{r}, resources, w.registry, slog.New(slog.NewTextHandler(w.log, nil))
	o.Now = func() time.Time { return epoch.Add(time.Duration(w.minutes.Load()) * time.Minute) }
	e, err := otlp.New(o)
	if err != nil {
		t.Fatal(err)
	}
	w.Exporter = e
	return w
}

// observe records values of the temperature.
func (w *world) observe(values ...float64) {
	c := &resource.Changes{}
	for _, v := range values {
		c.Samples = append(c.Samples, resource.Sample{Resource: 2, Stat: temperature, Time: epoch, Value: v})
	}
	w.Observe(c)
}

// want compares the figures; they are final after Close.
func (w *world) want(t *testing.T, sent, dropped, failed float64) {
	t.Helper()
	got := map[string]float64{}
	families, err := w.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		got[f.GetName()] = f.GetMetric()[0].GetCounter().GetValue()
	}
	if d := cmp.Diff(map[string]float64{
		"faultline_otlp_samples_sent_total": sent, "faultline_otlp_samples_dropped_total": dropped, "faultline_otlp_samples_failed_total": failed,
	}, got); d != "" {
		t.Errorf("figures (-want +got):\n%s", d)
	}
}

// lines is a log that may be read while it is written.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// with returns the lines that have a text.
func (l *lines) with(text string) (out []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(l.text.String()) {
		if strings.Contains(line, text) {
			out = append(out, line)
		}
	}
	return out
}

// TestKinds sends one sample of each kind over TLS, with a token and a header.
func TestKinds(t *testing.T) {
	t.Parallel()
	r := receive(t, httptest.NewTLSServer, func(w http.ResponseWriter, q *http.Request) bool {
		if q.URL.Path != "/v1/metrics" || q.Header.Get("Authorization") != "Bearer secret" || q.Header.Get("X-Scope-Orgid") != "storage" {
			t.Errorf("request to %s with %v", q.URL, q.Header)
		}
		return true
	})
	dir := t.TempDir()
	token, ca := filepath.Join(dir, "token"), filepath.Join(dir, "ca.pem")
	for file, content := range map[string][]byte{token: []byte("secret\n"), ca: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: r.Certificate().Raw})} {
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w := export(t, otlp.Receiver{
		URL: r.URL + "/v1/metrics", Headers: map[string]string{"X-Scope-OrgID": "storage"},
		Client: promconfig.HTTPClientConfig{
			Authorization: &promconfig.Authorization{Type: "Bearer", CredentialsFile: token}, TLSConfig: promconfig.TLSConfig{CAFile: ca},
		},
	}, otlp.Options{Every: time.Hour})
	w.Observe(&resource.Changes{Samples: []resource.Sample{
		{Resource: 2, Stat: temperature, Time: epoch, Value: 30.5},
		{Resource: 2, Stat: reads, Time: epoch, Value: 1000},
		{Resource: 2, Stat: sizes, Time: epoch, Bins: []int64{5, 0, 7}},
		{Resource: 2, Stat: temperature, Time: epoch.Add(time.Second), Value: 31},
		// What is of no resource, of no statistic, or of another kind of statistic has no name.
		{Resource: 9, Stat: temperature, Time: epoch, Value: 1},
		{Resource: 2, Stat: 3, Time: epoch, Value: 1},
		{Resource: 2, Stat: sizes, Time: epoch, Value: 1},
		{Resource: 2, Stat: reads, Time: epoch, Bins: []int64{1}},
	}})
	w.Close() // sends what waits
	w.want(t, 4, 0, 0)

	got := <-r.got
	labels := func(statistic, unit string) []*commonpb.KeyValue {
		return pairs("class", "HardDisk", "name", "disk two", "plugin", "acme", "resource", "2", "scope", "array one", "scope_id", "1", "statistic", statistic, "unit", unit)
	}
	nanos := uint64(epoch.UnixNano()) //nolint:gosec // It is after 1970.
	gauge := func(v float64, at uint64) *metricspb.NumberDataPoint {
		return &metricspb.NumberDataPoint{Attributes: labels("temperature", "C"), TimeUnixNano: at, Value: &metricspb.NumberDataPoint_AsDouble{AsDouble: v}}
	}
	cumulative := metricspb.AggregationTemporality_AGGREGATION_TEMPORALITY_CUMULATIVE
	sum := math.NaN()
	want := []*metricspb.Metric{
		{Name: "acme_hard_disk_temperature", Unit: "Cel", Data: &metricspb.Metric_Gauge{Gauge: &metricspb.Gauge{
			DataPoints: []*metricspb.NumberDataPoint{gauge(30.5, nanos), gauge(31, nanos+1e9)},
		}}},
		{Name: "acme_hard_disk_reads_total", Data: &metricspb.Metric_Sum{Sum: &metricspb.Sum{
			AggregationTemporality: cumulative, IsMonotonic: true, DataPoints: []*metricspb.NumberDataPoint{
				{Attributes: labels("reads", "operations"), TimeUnixNano: nanos, Value: &metricspb.NumberDataPoint_AsDouble{AsDouble: 1000}},
			},
		}}},
		{Name: "acme_hard_disk_sizes", Unit: "By", Data: &metricspb.Metric_Histogram{Histogram: &metricspb.Histogram{
			AggregationTemporality: cumulative, DataPoints: []*metricspb.HistogramDataPoint{{
				Attributes: labels("sizes", "bytes"), TimeUnixNano: nanos, Count: 12, Sum: &sum,
				ExplicitBounds: []float64{511, 1023, 4095, 8191}, BucketCounts: []uint64{5, 0, 0, 0, 7},
			}},
		}}},
	}
	same := cmp.Comparer(proto.Equal)
	if d := cmp.Diff(want, metricsOf(got), same); d != "" {
		t.Errorf("metrics (-want +got):\n%s", d)
	}
	if d := cmp.Diff(pairs("service.name", "faultline"), got.GetResourceMetrics()[0].GetResource().GetAttributes(), same); d != "" {
		t.Errorf("resource (-want +got):\n%s", d)
	}
}

func pairs(text ...string) []*commonpb.KeyValue {
	var out []*commonpb.KeyValue
	for i := 0; i < len(text); i += 2 {
		out = append(out, &commonpb.KeyValue{Key: text[i], Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: text[i+1]}}})
	}
	return out
}

// TestAReceiverThatIsAway breaks a connection and is busy before it takes anything:
// nothing is lost, and all comes in order.
func TestAReceiverThatIsAway(t *testing.T) {
	t.Parallel()
	var requests atomic.Int32
	r := receive(t, httptest.NewServer, func(w http.ResponseWriter, _ *http.Request) bool {
		switch requests.Add(1) {
		case 1:
			panic(http.ErrAbortHandler) // closes the connection
		case 2:
			w.WriteHeader(http.StatusServiceUnavailable)
			return false
		}
		return true
	})
	w := export(t, otlp.Receiver{URL: r.URL}, otlp.Options{Every: time.Millisecond, Again: time.Millisecond})
	w.observe(1)
	w.observe(2, 3)
	w.observe(4)
	if d := cmp.Diff([]float64{1, 2, 3, 4}, r.values(t, 4)); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	w.Close()
	w.want(t, 4, 0, 0)
	if told := w.log.with("they wait"); len(told) != 1 || !strings.Contains(told[0], "error=") {
		t.Errorf("logged %q, want one line with the reason", told)
	}
}

// TestAFullQueue has a receiver that is slow: the newest samples are kept.
func TestAFullQueue(t *testing.T) {
	t.Parallel()
	came, goOn := make(chan bool, 100), make(chan bool)
	r := receive(t, httptest.NewServer, func(http.ResponseWriter, *http.Request) bool {
		came <- true
		<-goOn
		return true
	})
	w := export(t, otlp.Receiver{URL: r.URL}, otlp.Options{Every: time.Hour, Batch: 4, Queue: 6})
	w.observe(1, 2, 3, 4) // a batch, which is sent at once
	<-came
	w.observe(5, 6, 7, 8, 9, 10, 11, 12)
	w.observe(13)
	if told := w.log.with("the oldest are dropped"); len(told) != 1 {
		t.Errorf("logged within a minute: %q", told)
	}
	w.minutes.Add(1)
	w.observe(14)
	if told := w.log.with("the oldest are dropped"); len(told) != 2 {
		t.Errorf("logged after a minute: %q", told)
	}
	close(goOn)
	if d := cmp.Diff([]float64{1, 2, 3, 4, 9, 10, 11, 12, 13, 14}, r.values(t, 10)); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	w.Close()
	w.want(t, 10, 4, 0)
}

// TestRefusal: what is refused, wholly or in part, is counted and not sent again;
// what comes after it is sent.
func TestRefusal(t *testing.T) {
	t.Parallel()
	var requests atomic.Int32
	refused := make(chan bool, 2)
	r := receive(t, httptest.NewServer, func(w http.ResponseWriter, _ *http.Request) bool {
		switch requests.Add(1) {
		case 1:
			http.Error(w, "no such tenant", http.StatusBadRequest)
		case 2:
			answer, err := proto.Marshal(&collectorpb.ExportMetricsServiceResponse{
				PartialSuccess: &collectorpb.ExportMetricsPartialSuccess{RejectedDataPoints: 1, ErrorMessage: "too old"},
			})
			if err != nil {
				t.Error(err)
			}
			w.Header().Set("Content-Type", "application/x-protobuf")
			if _, err := w.Write(answer); err != nil {
				t.Error(err)
			}
		default:
			return true
		}
		refused <- true
		return false
	})
	w := export(t, otlp.Receiver{URL: r.URL}, otlp.Options{Every: time.Hour, Batch: 2})
	w.observe(1, 2)
	<-refused
	w.observe(3, 4)
	<-refused
	w.observe(5, 6)
	if d := cmp.Diff([]float64{5, 6}, r.values(t, 2)); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	w.Close()
	w.want(t, 2, 0, 4)
	if told := w.log.with("refused"); len(told) != 1 || !strings.Contains(told[0], "no such tenant") || !strings.Contains(told[0], "400") {
		t.Errorf("logged %q, want one line with the answer", told)
	}
}

// TestCloseIsBounded: a receiver that does not answer does not hold up a stop.
func TestCloseIsBounded(t *testing.T) {
	t.Parallel()
	end := make(chan bool)
	r := receive(t, httptest.NewServer, func(http.ResponseWriter, *http.Request) bool {
		<-end
		return false
	})
	defer close(end)
	w := export(t, otlp.Receiver{URL: r.URL}, otlp.Options{Every: time.Hour, Batch: 2, Flush: 50 * time.Millisecond})
	w.observe(1, 2, 3)
	w.Close()
	w.want(t, 0, 3, 0)
	if told := w.log.with("not sent before the stop"); len(told) != 1 {
		t.Errorf("logged %q", told)
	}
}

func TestAMissingAuthorityIsNamed(t *testing.T) {
	t.Parallel()
	_, err := otlp.New(otlp.Options{Log: slog.New(slog.DiscardHandler), Now: time.Now, Receivers: []otlp.Receiver{
		{URL: "https://a/v1/metrics"},
		{URL: "https://b/v1/metrics", Client: promconfig.HTTPClientConfig{TLSConfig: promconfig.TLSConfig{CAFile: "/nowhere/ca.pem"}}},
	}})
	if err == nil || !strings.Contains(err.Error(), "otlp[1]") || !strings.Contains(err.Error(), "/nowhere/ca.pem") {
		t.Errorf("got %v", err)
	}
}
