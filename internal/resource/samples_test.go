package resource_test

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/faultline-storage/faultline/internal/resource"
)

func sampled(names ...string) *resource.Class {
	c := &resource.Class{Plugin: "acme", Name: "Drive"}
	for _, n := range names {
		c.Statistics = append(c.Statistics, resource.Statistic{Name: n})
	}
	c.Index()
	return c
}

func TestSamplesSurviveTheStore(t *testing.T) {
	classes := []*resource.Class{sampled("temperature"), sampled("reads", "writes", "temperature")}
	class := func(id resource.ID) *resource.Class { return classes[id%2] }
	rapid.Check(t, func(rt *rapid.T) {
		samples := rapid.SliceOf(rapid.Custom(func(rt *rapid.T) resource.Sample {
			id := resource.ID(rapid.Int64Range(1, 1<<40).Draw(rt, "id"))
			s := resource.Sample{
				Resource: id, Stat: rapid.IntRange(0, len(class(id).Statistics)-1).Draw(rt, "stat"),
				Time: time.Unix(0, rapid.Int64().Draw(rt, "time")).UTC(),
			}
			switch rapid.IntRange(0, 2).Draw(rt, "form") {
			case 0:
				s.Bins = rapid.SliceOf(rapid.Int64()).Draw(rt, "bins")
			case 1:
				s.Value = float64(rapid.Int64().Draw(rt, "whole"))
			default:
				s.Value = rapid.Float64().Draw(rt, "value")
			}
			return s
		})).Draw(rt, "samples")
		got, err := resource.ReadSamples(resource.AppendSamples(nil, samples, class), class)
		if err != nil {
			rt.Fatal(err)
		}
		if len(samples) == 0 {
			samples = nil
		}
		exact := cmp.Comparer(func(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) })
		if d := cmp.Diff(samples, got, exact); d != "" {
			rt.Fatalf("(-want +got):\n%s", d)
		}
	})
}

// TestSamplesOfAClassThatChanged reads samples by another declaration.
func TestSamplesOfAClassThatChanged(t *testing.T) {
	old, now := sampled("reads", "temperature"), sampled("temperature", "writes")
	at := time.Unix(1e9, 5).UTC()
	b := resource.AppendSamples(nil, []resource.Sample{
		{Resource: 7, Stat: 0, Time: at, Value: 1}, {Resource: 7, Stat: 1, Time: at, Value: 40.5}, {Resource: 9, Stat: 1, Time: at, Value: 41},
	}, func(resource.ID) *resource.Class { return old })
	got, err := resource.ReadSamples(b, func(id resource.ID) *resource.Class {
		if id == 9 { // gone
			return nil
		}
		return now
	})
	want := []resource.Sample{{Resource: 7, Stat: 0, Time: at, Value: 40.5}}
	if d := cmp.Diff(want, got); d != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, d)
	}
}

// TestSamplesAreCompact bounds the bytes of a turn of a large array.
func TestSamplesAreCompact(t *testing.T) {
	c := sampled("reads", "writes", "temperature")
	var samples []resource.Sample
	at := time.Unix(1e9, 0)
	for i := range 30_000 {
		samples = append(samples, resource.Sample{Resource: resource.ID(1000 + i/3), Stat: i % 3, Time: at, Value: float64(i * 1000)})
	}
	b := resource.AppendSamples(nil, samples, func(resource.ID) *resource.Class { return c })
	if n := float64(len(b)) / float64(len(samples)); n > 8 {
		t.Errorf("%.1f bytes a sample", n)
	}
}

// FuzzReadSamples reads anything as stored samples: an error, or samples that
// survive being stored again.
func FuzzReadSamples(f *testing.F) {
	c := sampled("reads", "writes")
	class := func(resource.ID) *resource.Class { return c }
	f.Add(resource.AppendSamples(nil, []resource.Sample{
		{Resource: 1, Stat: 0, Value: 1}, {Resource: 1, Stat: 1, Value: 0.5}, {Resource: 2, Stat: 1, Bins: []int64{1, 2}},
	}, class))
	f.Fuzz(func(t *testing.T, b []byte) {
		samples, err := resource.ReadSamples(b, class)
		if err != nil {
			return
		}
		again, err := resource.ReadSamples(resource.AppendSamples(nil, samples, class), class)
		exact := cmp.Comparer(func(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) })
		if d := cmp.Diff(samples, again, exact); err != nil || d != "" {
			t.Fatalf("%v (-first +second):\n%s", err, d)
		}
	})
}
