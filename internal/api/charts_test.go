package api_test

import (
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/faultline-storage/faultline/internal/api/apitest"
	"github.com/faultline-storage/faultline/internal/api/gen"
)

func chartsPath(from, to time.Time, points int) string {
	return "/resources/3/charts?" + url.Values{
		"from": {from.Format(time.RFC3339)}, "to": {to.Format(time.RFC3339)}, "points": {fmt.Sprint(points)},
	}.Encode()
}

// TestCharts: the world has a sample each minute of statistics that are declared
// to have one each ten seconds.
func TestCharts(t *testing.T) {
	t.Parallel()
	s, _ := newServer(t)
	for _, tc := range []struct {
		from, to     int // seconds after the start
		points       int
		first, steps int
		step         int64
		values       map[int]float64
	}{
		{0, 600, 300, 0, 10, 60, map[int]float64{0: 1, 9: 10}},
		{7, 607, 300, 0, 10, 60, map[int]float64{0: 1, 9: 10}}, // the same steps a moment later
		{0, 3600, 12, 0, 12, 300, map[int]float64{0: 5, 10: 55}},
		{0, 3600, 7, 0, 6, 600, map[int]float64{0: 10}},
		{61, 62, 300, 50, 1, 10, nil}, // less than a step
		{0, 10 * 86400, 3, -12 * 3600, 2, 4 * 86400, nil},
	} {
		at := func(second int) time.Time { return apitest.Start.Add(time.Duration(second) * time.Second) }
		got := get[gen.ChartList](t, s, chartsPath(at(tc.from), at(tc.to), tc.points))
		if len(got.Charts) != 2 {
			t.Fatalf("%+v: %d charts", tc, len(got.Charts))
		}
		temperature, latency := got.Charts[0], got.Charts[1]
		if temperature.Step != tc.step || temperature.Steps != tc.steps && tc.step < 86400 || !temperature.From.Equal(at(tc.first)) && tc.step < 86400 {
			t.Errorf("%+v: from %v, %d steps of %d s", tc, temperature.From, temperature.Steps, temperature.Step)
		}
		if temperature.Kind != gen.ChartKindTimeSeries || latency.Kind != gen.ChartKindHistogram {
			t.Errorf("kinds %s and %s", temperature.Kind, latency.Kind)
		}
		values, counts := temperature.Lines[0].Values, latency.Lines[0].Counts
		if len(values) != temperature.Steps || len(counts) != latency.Steps {
			t.Errorf("%+v: %d values, %d counts, %d steps", tc, len(values), len(counts), temperature.Steps)
		}
		for i, want := range tc.values {
			if values[i] == nil || *values[i] != want || counts[i] == nil || (*counts[i])[0] != int64(want) {
				t.Errorf("%+v: step %d is %v, want %v", tc, i, values[i], want)
			}
		}
	}
}

func TestChartsWithoutSamples(t *testing.T) {
	t.Parallel()
	s, _ := newServer(t)
	long := apitest.Start.Add(-time.Hour)
	got := get[gen.ChartList](t, s, chartsPath(long, long.Add(time.Minute), 10))
	if c := got.Charts[0]; c.Steps != 6 || c.Lines[0].Values[0] != nil || got.Charts[1].Lines[0].Counts[0] != nil {
		t.Errorf("%+v", c)
	}
	if got := get[gen.ChartList](t, s, "/resources/1/charts"); len(got.Charts) != 0 || got.To.Sub(got.From) != time.Hour {
		t.Errorf("a class without statistics: %+v", got)
	}
}

func TestChartsRefuse(t *testing.T) {
	t.Parallel()
	s, _ := newServer(t)
	now := apitest.Start
	for path, field := range map[string]string{
		chartsPath(now, now, 10):                  "from",
		chartsPath(now, now.Add(time.Hour), 0):    "points",
		chartsPath(now, now.Add(time.Hour), 5001): "points",
		"/resources/3/charts?step=10":             "step",
		"/resources/3/charts?from=yesterday":      "from",
	} {
		w := do(t, s, "GET", "/api/v1"+path, "")
		p := decode[gen.Problem](t, w)
		if w.Code != 400 && w.Code != 422 || p.Field != field {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	if w := do(t, s, "GET", "/api/v1/resources/999/charts", ""); w.Code != 404 {
		t.Errorf("no such resource: %d", w.Code)
	}
}
