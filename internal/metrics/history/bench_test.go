package history_test

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"

	"github.com/faultline-storage/faultline/internal/metrics"
	"github.com/faultline-storage/faultline/internal/metrics/history"
	"github.com/faultline-storage/faultline/internal/resource"
)

const (
	benchDisks  = 5000
	benchRounds = 60
)

// BenchmarkAppend records a gauge and a counter of 5,000 disks 60 times, ten
// seconds apart, beside the database's own append of the same samples to the same
// labels, and says how many bytes a sample takes once it is in a block.
func BenchmarkAppend(b *testing.B) {
	c := &resource.Class{Plugin: "acme", Name: "Disk", Statistics: []resource.Statistic{
		{Name: "temperature", Kind: resource.Gauge, Unit: "C", SamplePeriod: 10},
		{Name: "read_bytes", Kind: resource.Counter, Unit: "bytes", SamplePeriod: 10},
	}}
	c.Index()
	all := map[resource.ID]*resource.Resource{1: {ID: 1, Label: "Array 10.0.0.7", Class: &resource.Class{Plugin: "acme", Name: "Array"}}}
	for id := resource.ID(2); id < 2+benchDisks; id++ {
		all[id] = &resource.Resource{ID: id, Label: fmt.Sprintf("Disk %d/%d", id/60, id%60), Class: c, Scope: 1}
	}
	rounds := make([]*resource.Changes, benchRounds)
	for i := range rounds {
		rounds[i] = &resource.Changes{Time: at(10 * i)}
		for id := resource.ID(2); id < 2+benchDisks; id++ {
			rounds[i].Samples = append(rounds[i].Samples,
				value(id, 0, 10*i, float64(30+(int(id)*7+i)%5)), value(id, 1, 10*i, float64(i*(int(id)%97)*4096)))
		}
	}
	const n = 2 * benchDisks * benchRounds
	var ours, raw time.Duration
	for b.Loop() {
		db, err := history.Open(history.Options{
			Dir: b.TempDir(), Late: time.Hour, Get: func(id resource.ID) *resource.Resource { return all[id] },
			Log: slog.New(slog.DiscardHandler), Now: time.Now,
		})
		if err != nil {
			b.Fatal(err)
		}
		begin := time.Now()
		for _, r := range rounds {
			db.Observe(r)
		}
		ours += time.Since(begin)
		if err := db.Close(); err != nil {
			b.Fatal(err)
		}
		raw += appendRaw(b, all, rounds)
	}
	b.ReportMetric(raw.Seconds()/ours.Seconds(), "raw/ours")
	b.ReportMetric(float64(n*b.N)/ours.Seconds(), "samples/s")
}

// appendRaw is the same with the database alone.
func appendRaw(b *testing.B, all map[resource.ID]*resource.Resource, rounds []*resource.Changes) time.Duration {
	b.Helper()
	o := tsdb.DefaultOptions()
	o.OutOfOrderTimeWindow = time.Hour.Milliseconds()
	db, err := tsdb.Open(b.TempDir(), slog.New(slog.DiscardHandler), nil, o, nil)
	if err != nil {
		b.Fatal(err)
	}
	begin := time.Now()
	refs := map[[2]int]storage.SeriesRef{}
	for _, r := range rounds {
		a := db.AppenderV2(b.Context())
		for _, s := range r.Samples {
			key := [2]int{int(s.Resource), s.Stat}
			l := labels.EmptyLabels()
			if refs[key] == 0 {
				res := all[s.Resource]
				st := &res.Class.Statistics[s.Stat]
				l = labels.FromStrings("__name__", metrics.SeriesName(res.Class, st), "resource", fmt.Sprint(res.ID), "name", res.Label,
					"plugin", "acme", "class", "Disk", "statistic", st.Name, "unit", st.Unit, "scope", "Array 10.0.0.7", "scope_id", "1")
			}
			if refs[key], err = a.Append(refs[key], l, 0, s.Time.UnixMilli(), s.Value, nil, nil, storage.AppendV2Options{}); err != nil {
				b.Fatal(err)
			}
		}
		if err := a.Commit(); err != nil {
			b.Fatal(err)
		}
	}
	took := time.Since(begin)
	if err := db.Close(); err != nil {
		b.Fatal(err)
	}
	return took
}

// BenchmarkLine draws a day of a gauge that is sampled every ten seconds, in 300
// steps.
func BenchmarkLine(b *testing.B) {
	w := newWorld(b)
	for i := range 8640 {
		w.observe(10*i, value(2, temperature, 10*i, float64(30+i%7)), value(2, reads, 10*i, float64(i*4096)))
	}
	for stat, name := range map[int]string{temperature: "gauge", reads: "counter"} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				l, err := w.Line(b.Context(), w.all[2], stat, at(0), 5*time.Minute, 288)
				if err != nil || len(l.Values) != 288 {
					b.Fatal(err)
				}
			}
		})
	}
}
