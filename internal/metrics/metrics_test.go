package metrics_test

import (
	"runtime"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/faultline-storage/faultline/internal/metrics"
	"github.com/faultline-storage/faultline/internal/resource"
)

var epoch = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

func sample(id resource.ID, stat, second int, v float64) resource.Sample {
	return resource.Sample{Resource: id, Stat: stat, Time: epoch.Add(time.Duration(second) * time.Second), Value: v}
}

func observe(m *metrics.Recorder, samples ...resource.Sample) {
	m.Observe(&resource.Changes{Samples: samples})
}

func TestLatestIsTheNewestOfEachStatistic(t *testing.T) {
	m := metrics.New(metrics.Options{})
	h := sample(1, 3, 2, 0)
	h.Bins = []int64{1, 2, 3}
	observe(m, sample(1, 2, 1, 10), sample(1, 0, 1, 20), sample(2, 0, 1, 30), sample(1, 2, 2, 11), h)
	if d := cmp.Diff([]resource.Sample{sample(1, 0, 1, 20), sample(1, 2, 2, 11), h}, m.Latest(1)); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if got := m.Latest(9); got != nil {
		t.Errorf("no such resource: got %v", got)
	}
}

func TestSeriesIsBoundedByTimeInclusive(t *testing.T) {
	m := metrics.New(metrics.Options{})
	var all []resource.Sample
	for i := range 10 {
		all = append(all, sample(1, 0, i, float64(i)))
	}
	observe(m, all...)
	for _, tc := range []struct {
		from, to time.Time
		want     []resource.Sample
	}{
		{time.Time{}, time.Time{}, all}, {all[3].Time, all[5].Time, all[3:6]}, {all[9].Time, time.Time{}, all[9:]},
		{time.Time{}, all[0].Time, all[:1]}, {all[9].Time.Add(1), time.Time{}, nil},
	} {
		if d := cmp.Diff(tc.want, m.Series(1, 0, tc.from, tc.to)); d != "" {
			t.Errorf("%v to %v (-want +got):\n%s", tc.from, tc.to, d)
		}
	}
	for _, stat := range []int{-1, 1, 99} {
		if got := m.Series(1, stat, time.Time{}, time.Time{}); got != nil {
			t.Errorf("statistic %d: got %v", stat, got)
		}
	}
}

func TestTimeGoesForward(t *testing.T) {
	m := metrics.New(metrics.Options{})
	observe(m, sample(1, 0, 5, 1), sample(1, 0, 4, 2), sample(1, 0, 5, 3), sample(1, 0, 6, 4))
	if d := cmp.Diff([]resource.Sample{sample(1, 0, 5, 3), sample(1, 0, 6, 4)}, m.Series(1, 0, time.Time{}, time.Time{})); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

func TestSeriesFollowANewDeclaration(t *testing.T) {
	class := func(stats ...resource.Statistic) *resource.Class {
		c := &resource.Class{Statistics: stats}
		c.Index()
		return c
	}
	gauge := func(name string, period int) resource.Statistic {
		return resource.Statistic{Name: name, Kind: resource.Gauge, SamplePeriod: period}
	}
	m := metrics.New(metrics.Options{})
	observe(m, sample(1, 0, 1, 10), sample(1, 0, 2, 11), sample(1, 1, 1, 20), sample(1, 2, 1, 30))
	r := &resource.Resource{ID: 1, Class: class(gauge("slow", 60), gauge("kept", 10), gauge("fresh", 10))}
	m.Observe(&resource.Changes{Updated: []resource.Update{{Resource: r, Name: true, Was: class(gauge("kept", 10), gauge("slow", 10), gauge("gone", 10))}}})
	want := []resource.Sample{sample(1, 1, 1, 10), sample(1, 1, 2, 11)}
	if d := cmp.Diff(want, m.Series(1, 1, time.Time{}, time.Time{})); d != "" {
		t.Errorf("the series that goes on (-want +got):\n%s", d)
	}
	if got := m.Latest(1); len(got) != 1 {
		t.Errorf("another sample period, or another statistic, has old samples: %v", got)
	}
}

func TestASeriesEndsWithItsResource(t *testing.T) {
	m := metrics.New(metrics.Options{})
	observe(m, sample(1, 0, 1, 1), sample(1, 0, 2, 1), sample(2, 0, 1, 1))
	// Also if the change that deletes it brings a last sample.
	m.Observe(&resource.Changes{Samples: []resource.Sample{sample(1, 0, 3, 1)}, Deleted: []*resource.Resource{{ID: 1}, {ID: 7}}})
	if got := m.Latest(1); got != nil {
		t.Errorf("got %v", got)
	}
	if got := m.Latest(2); len(got) != 1 {
		t.Errorf("the other one: got %v", got)
	}
}

// TestAgainstAModel compares with lists that are cut to the depth.
func TestAgainstAModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		depth := rapid.IntRange(1, 9).Draw(rt, "depth")
		m := metrics.New(metrics.Options{Depth: depth})
		model := map[resource.ID][]resource.Sample{}
		for second := range rapid.IntRange(1, 60).Draw(rt, "samples") {
			id := resource.ID(rapid.IntRange(1, 3).Draw(rt, "id"))
			if rapid.IntRange(0, 20).Draw(rt, "delete") == 0 {
				m.Observe(&resource.Changes{Deleted: []*resource.Resource{{ID: id}}})
				delete(model, id)
				continue
			}
			s := sample(id, 0, second, float64(second))
			if rapid.Bool().Draw(rt, "histogram") {
				s.Bins = make([]int64, rapid.IntRange(1, 4).Draw(rt, "bins"))
			}
			observe(m, s)
			model[id] = append(model[id], s)
			model[id] = model[id][max(0, len(model[id])-depth):]
			if d := cmp.Diff(model[id], m.Series(id, 0, time.Time{}, time.Time{})); d != "" {
				rt.Fatalf("-want +got:\n%s", d)
			}
		}
	})
}

// TestMemoryIsBounded fills 2,000 series of a small budget: all keep their
// latest sample, and the budget is given back when resources go.
func TestMemoryIsBounded(t *testing.T) {
	m := metrics.New(metrics.Options{MaxBytes: 10_000})
	kept := func() (n int) {
		for id := range resource.ID(2000) {
			n += len(m.Series(id, 0, time.Time{}, time.Time{}))
		}
		return n
	}
	for second := range 100 {
		for id := range resource.ID(2000) {
			s := sample(id, 0, second, float64(second))
			if id%2 == 0 {
				s.Bins = []int64{1, 2, 3, 4, 5, 6, 7, 8}
			}
			observe(m, s)
		}
	}
	for id := range resource.ID(2000) {
		if got := m.Latest(id); len(got) != 1 || got[0].Value != 99 {
			t.Fatalf("resource %d: got %v", id, got)
		}
	}
	if n := kept(); n < 2000 || n > 2000+10_000/24 {
		t.Errorf("%d samples are kept", n)
	}
	var all []*resource.Resource
	for id := range resource.ID(2000) {
		all = append(all, &resource.Resource{ID: id})
	}
	m.Observe(&resource.Changes{Deleted: all})
	for second := range 64 {
		observe(m, sample(5000, 0, second, 1))
	}
	if got := m.Series(5000, 0, time.Time{}, time.Time{}); len(got) != 64 {
		t.Errorf("after all are gone: %d samples, want 64", len(got))
	}
}

// BenchmarkObserve gives 100,000 resources with three statistics a sample each,
// and says how much memory a series takes at first.
func BenchmarkObserve(b *testing.B) {
	var c resource.Changes
	for id := range resource.ID(100_000) {
		for stat := range 3 {
			c.Samples = append(c.Samples, sample(id, stat, 0, 1))
		}
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	m := metrics.New(metrics.Options{})
	m.Observe(&c)
	runtime.GC()
	runtime.ReadMemStats(&after)
	for b.Loop() {
		for i := range c.Samples {
			c.Samples[i].Time = c.Samples[i].Time.Add(time.Second)
		}
		m.Observe(&c)
	}
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(len(c.Samples)), "B/series")
	runtime.KeepAlive(m)
}
