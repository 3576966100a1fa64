package history_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/prometheus/client_golang/prometheus"
	"pgregory.net/rapid"

	"github.com/faultline-storage/faultline/internal/metrics/history"
	"github.com/faultline-storage/faultline/internal/metrics/history/promapi"
	"github.com/faultline-storage/faultline/internal/resource"
)

var epoch = time.Date(2026, 3, 4, 5, 0, 0, 0, time.UTC)

func at(second int) time.Time { return epoch.Add(time.Duration(second) * time.Second) }

const (
	temperature = iota
	reads
	sizes
)

func diskClass() *resource.Class {
	c := &resource.Class{Plugin: "acme", Name: "HardDisk", Statistics: []resource.Statistic{
		{Name: "temperature", Kind: resource.Gauge, Unit: "C", SamplePeriod: 10},
		{Name: "reads", Kind: resource.Counter, SamplePeriod: 10},
		{Name: "sizes", Kind: resource.Histogram, SamplePeriod: 10, Bins: [][]int64{{0, 512}, {513, 1024}, {2048, 4096}, {4097}}},
	}}
	c.Index()
	return c
}

// world is a database over resources that a test owns.
type world struct {
	*history.DB
	dir      string
	all      map[resource.ID]*resource.Resource
	time     time.Time
	registry *prometheus.Registry // of the database that is open
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{dir: t.TempDir(), all: map[resource.ID]*resource.Resource{}, time: epoch}
	c := diskClass()
	root := &resource.Resource{ID: 1, Label: "array", Class: &resource.Class{Plugin: "acme", Name: "Array"}, Scope: 1, Root: &resource.RootState{}}
	w.all[1] = root
	for id := resource.ID(2); id < 6; id++ {
		w.all[id] = &resource.Resource{ID: id, Label: fmt.Sprint("disk ", id), Class: c, Scope: 1}
	}
	w.open(t)
	return w
}

func (w *world) open(t testing.TB) {
	t.Helper()
	w.registry = prometheus.NewRegistry()
	db, err := history.Open(history.Options{
		Registry: w.registry, Dir: w.dir, Late: time.Hour, Get: func(id resource.ID) *resource.Resource { return w.all[id] },
		Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return w.time },
	})
	if err != nil {
		t.Fatal(err)
	}
	w.DB = db
	t.Cleanup(func() { _ = db.Close() })
}

func value(id resource.ID, stat, second int, v float64) resource.Sample {
	return resource.Sample{Resource: id, Stat: stat, Time: at(second), Value: v}
}

func counts(id resource.ID, second int, bins ...int64) resource.Sample {
	return resource.Sample{Resource: id, Stat: sizes, Time: at(second), Bins: bins}
}

func (w *world) observe(second int, samples ...resource.Sample) {
	w.Observe(&resource.Changes{Time: at(second), Samples: samples})
}

func (w *world) read(t testing.TB, id resource.ID, stat int) []resource.Sample {
	t.Helper()
	out, err := w.Series(t.Context(), w.all[id], stat, time.Time{}, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func same(t testing.TB, got any, want any) {
	t.Helper()
	if d := cmp.Diff(want, got, cmpopts.EquateNaNs(), cmpopts.EquateEmpty()); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

// TestWhatIsObservedIsReadBack also after the database was opened again, and by
// time.
func TestWhatIsObservedIsReadBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	temps := []resource.Sample{value(2, temperature, 0, 30), value(2, temperature, 10, 31.5), value(2, temperature, 20, -4)}
	hist := []resource.Sample{counts(2, 0, 1, 2, 3, 4), counts(2, 10, 1, 2, 5, 4), counts(2, 20, 0, 0, 0, 1)}
	for i := range temps {
		w.observe(10*i, temps[i], hist[i], value(2, reads, 10*i, float64(i)), value(3, temperature, 10*i, 99))
	}
	for range 2 {
		same(t, w.read(t, 2, temperature), temps)
		same(t, w.read(t, 2, sizes), hist)
		if got := w.read(t, 4, temperature); len(got) != 0 {
			t.Errorf("one without samples: %v", got)
		}
		some, err := w.Series(t.Context(), w.all[2], temperature, at(10), at(10))
		if err != nil {
			t.Fatal(err)
		}
		same(t, some, temps[1:2])
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		w.open(t)
	}
}

// TestNothingIsLostOrTwiceAfterACrash opens a copy of the files of a database
// that was not closed, and gives it the last samples again.
func TestNothingIsLostOrTwiceAfterACrash(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var all []resource.Sample
	for i := range 20 {
		s := []resource.Sample{value(2, temperature, 10*i, float64(i)), counts(2, 10*i, int64(i), 0, 0, 1)}
		all = append(all, s...)
		if i < 15 { // the crash came before the others were written
			w.observe(10*i, s...)
		}
	}
	crashed := t.TempDir()
	if err := os.CopyFS(crashed, os.DirFS(w.dir)); err != nil {
		t.Fatal(err)
	}
	_ = os.Remove(filepath.Join(crashed, "lock"))
	w.dir = crashed
	w.open(t)
	w.Recover(all[10:]) // what the change log still has begins earlier
	var temps, hist []resource.Sample
	for i := range 20 {
		temps, hist = append(temps, all[2*i]), append(hist, all[2*i+1])
	}
	same(t, w.read(t, 2, temperature), temps)
	same(t, w.read(t, 2, sizes), hist)
}

// TestTimesAreEven: a scan that ends a few milliseconds later than the last one
// makes no series with uneven steps, and one that follows at once is not lost; not
// after a crash either.
func TestTimesAreEven(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	after := func(ms int, v float64) resource.Sample {
		return resource.Sample{Resource: 2, Stat: temperature, Time: epoch.Add(time.Duration(ms) * time.Millisecond), Value: v}
	}
	given := []resource.Sample{after(7, 1), after(10_021, 2), after(10_022, 3), after(10_023, 4), after(20_004, 5)}
	want := []resource.Sample{after(0, 1), after(10_000, 2), after(10_022, 3), after(10_023, 4), after(20_000, 5)}
	w.observe(0, given[0])
	w.observe(10, given[1:4]...)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	w.open(t)
	w.Recover(given)
	same(t, w.read(t, 2, temperature), want)
}

// TestLateSamplesFindTheirPlace: a runner that was cut off tells later.
func TestLateSamplesFindTheirPlace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.observe(0, value(2, temperature, 0, 1))
	w.observe(3000, value(2, temperature, 3000, 3))
	w.observe(3001, value(2, temperature, 1500, 2))
	w.observe(9000, value(2, temperature, 9000, 4))
	w.observe(9001, value(2, temperature, 3100, 99)) // more than an hour late
	same(t, w.read(t, 2, temperature), []resource.Sample{
		value(2, temperature, 0, 1), value(2, temperature, 1500, 2), value(2, temperature, 3000, 3), value(2, temperature, 9000, 4),
	})
}

// names asks PromQL which names a statistic's series have at a moment.
func (w *world) names(t *testing.T, query string, second int) map[string]string {
	t.Helper()
	out := map[string]string{}
	var data struct {
		Result []struct {
			Metric map[string]string
			Value  []any
		}
	}
	w.ask(t, "/api/v1/query?"+url.Values{"query": {query}, "time": {at(second).Format(time.RFC3339)}}.Encode(), &data)
	for _, r := range data.Result {
		out[r.Metric["name"]] = r.Value[1].(string)
	}
	return out
}

// ask is a request to Prometheus' interface.
func (w *world) ask(t *testing.T, path string, data any) {
	t.Helper()
	rec := httptest.NewRecorder()
	promapi.Handler(w.DB, "test", func() []*resource.Class { return []*resource.Class{diskClass()} }).ServeHTTP(rec, httptest.NewRequest(http.MethodGet, path, nil))
	answer := struct {
		Status string
		Data   any
	}{Data: data}
	if err := json.Unmarshal(rec.Body.Bytes(), &answer); err != nil || answer.Status != "success" {
		t.Fatalf("%s: %d %s: %v", path, rec.Code, rec.Body, err)
	}
}

// TestASeriesFollowsItsResource: with another name it is another series, without
// a gap for charts; with the resource it ends.
func TestASeriesFollowsItsResource(t *testing.T) {
	t.Parallel()
	for _, restart := range []bool{false, true} {
		w := newWorld(t)
		again := func() {
			if restart {
				if err := w.Close(); err != nil {
					t.Fatal(err)
				}
				w.open(t)
			}
		}
		w.observe(0, value(2, temperature, 0, 30), counts(2, 0, 1, 1, 1, 1), value(3, temperature, 0, 40))
		renamed := *w.all[2]
		renamed.Alias = "bay 7"
		w.all[2] = &renamed
		w.Observe(&resource.Changes{Time: at(10), Updated: []resource.Update{{Resource: &renamed, Name: true}}, Samples: []resource.Sample{value(2, temperature, 10, 31)}})
		same(t, w.names(t, "acme_hard_disk_temperature", 11), map[string]string{"bay 7": "31", "disk 3": "40"})
		same(t, w.read(t, 2, temperature), []resource.Sample{value(2, temperature, 0, 30), value(2, temperature, 10, 31)})
		again()
		w.Observe(&resource.Changes{Time: at(20), Deleted: []*resource.Resource{&renamed}, Samples: []resource.Sample{value(3, temperature, 20, 41)}})
		same(t, w.names(t, "acme_hard_disk_temperature", 21), map[string]string{"disk 3": "41"})
		same(t, w.names(t, "histogram_count(acme_hard_disk_sizes)", 21), map[string]string{})
	}
}

// TestAScopeWithAnotherName renames the root.
func TestAScopeWithAnotherName(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.observe(0, value(2, temperature, 0, 30))
	root := *w.all[1]
	root.Alias = "array 7"
	w.all[1] = &root
	w.Observe(&resource.Changes{Time: at(10), Updated: []resource.Update{{Resource: &root, Name: true}}})
	// The root has no statistics, so that nothing is known of it: its resources must
	// follow all the same.
	w.observe(11, value(2, temperature, 11, 31))
	same(t, w.names(t, `acme_hard_disk_temperature{scope="array 7"}`, 12), map[string]string{"disk 2": "31"})
	same(t, w.names(t, `acme_hard_disk_temperature{scope="array"}`, 12), map[string]string{})
}

// TestANewDeclaration keeps what is the same, wherever it stands, and begins the
// rest anew.
func TestANewDeclaration(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.observe(0, value(2, temperature, 0, 30), value(2, reads, 0, 5), counts(2, 0, 1, 1, 1, 1))
	was := w.all[2].Class
	now := &resource.Class{Plugin: "acme", Name: "HardDisk", Statistics: []resource.Statistic{
		{Name: "sizes", Kind: resource.Histogram, SamplePeriod: 10, Bins: [][]int64{{0, 1024}, {1025}}},
		{Name: "reads", Kind: resource.Gauge, SamplePeriod: 10},
		{Name: "temperature", Kind: resource.Gauge, Unit: "C", SamplePeriod: 60},
	}}
	now.Index()
	r := *w.all[2]
	r.Class = now
	w.all[2] = &r
	w.Observe(&resource.Changes{Time: at(10), Updated: []resource.Update{{Resource: &r, Name: true, Was: was}}, Samples: []resource.Sample{
		{Resource: 2, Stat: 0, Time: at(10), Bins: []int64{7, 8}}, value(2, 1, 10, 6), value(2, 2, 10, 31),
	}})
	same(t, w.read(t, 2, 0), []resource.Sample{{Resource: 2, Stat: 0, Time: at(10), Bins: []int64{7, 8}}})
	same(t, w.read(t, 2, 1), []resource.Sample{value(2, 1, 10, 6)})
	same(t, w.read(t, 2, 2), []resource.Sample{value(2, 2, 0, 30), value(2, 2, 10, 31)})
}

// TestLine compares the steps with a naive computation.
func TestLine(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t)
		defer w.Close()
		type point struct {
			t int
			v float64
		}
		var gauge, counter []point
		total := 0.0
		for now := 1; now < 600; now += rapid.IntRange(1, 40).Draw(rt, "pause") {
			v := float64(rapid.IntRange(-50, 50).Draw(rt, "value"))
			if total += float64(rapid.IntRange(0, 100).Draw(rt, "growth")); rapid.IntRange(0, 9).Draw(rt, "reset") == 0 {
				total = float64(rapid.IntRange(0, 5).Draw(rt, "start"))
			}
			gauge, counter = append(gauge, point{now, v}), append(counter, point{now, total})
			w.observe(now, value(2, temperature, now, v), value(2, reads, now, total))
		}
		from, step, n := rapid.IntRange(0, 300).Draw(rt, "from"), rapid.IntRange(1, 90).Draw(rt, "step"), rapid.IntRange(1, 30).Draw(rt, "n")
		want := resource.Line{}
		var rates []float64
		for i := range n {
			lo, hi := from+i*step, from+(i+1)*step
			sum, count, least, most := 0.0, 0, math.Inf(1), math.Inf(-1)
			for _, p := range gauge {
				if p.t > lo && p.t <= hi {
					sum, count, least, most = sum+p.v, count+1, min(least, p.v), max(most, p.v)
				}
			}
			if count == 0 {
				sum, least, most = math.NaN(), math.NaN(), math.NaN()
			}
			want.Values, want.Low, want.High = append(want.Values, sum/float64(count)), append(want.Low, least), append(want.High, most)
			grown, took := 0.0, 0
			for j, p := range counter {
				if j == 0 || p.t <= lo || p.t > hi || counter[j-1].t < from-4*max(step, 10) {
					continue
				}
				if took += p.t - counter[j-1].t; p.v >= counter[j-1].v {
					grown += p.v - counter[j-1].v
				} else {
					grown += p.v
				}
			}
			rate := math.NaN()
			if took > 0 {
				rate = grown / float64(took)
			}
			rates = append(rates, rate)
		}
		near := cmp.Options{cmpopts.EquateNaNs(), cmpopts.EquateApprox(0, 1e-9)}
		got, err := w.Line(t.Context(), w.all[2], temperature, at(from), time.Duration(step)*time.Second, n)
		if d := cmp.Diff(want, got, near); err != nil || d != "" {
			rt.Fatalf("%v, -want +got:\n%s", err, d)
		}
		got, err = w.Line(t.Context(), w.all[2], reads, at(from), time.Duration(step)*time.Second, n)
		if d := cmp.Diff(resource.Line{Values: rates}, got, near); err != nil || d != "" {
			rt.Fatalf("%v, -want +got:\n%s", err, d)
		}
	})
}

func TestLineOfAHistogram(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.observe(5, counts(2, 5, 1, 0, 0, 0))
	w.observe(10, counts(2, 10, 2, 0, 0, 0))
	w.observe(31, counts(2, 31, 3, 0, 1, 9))
	got, err := w.Line(t.Context(), w.all[2], sizes, at(0), 10*time.Second, 4)
	if err != nil {
		t.Fatal(err)
	}
	same(t, got.Counts, [][]int64{{2, 0, 0, 0}, nil, nil, {3, 0, 1, 9}})
}

func TestAFolderThatIsNoDatabase(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "history")
	if err := os.WriteFile(dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := history.Open(history.Options{Dir: dir, Log: slog.New(slog.DiscardHandler), Now: time.Now})
	if err == nil {
		t.Fatal("it opened")
	}
}
