package history_test

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/prometheus/prometheus/tsdb"

	"github.com/faultline-storage/faultline/internal/metrics/history"
	"github.com/faultline-storage/faultline/internal/metrics/history/promapi"
	"github.com/faultline-storage/faultline/internal/resource"
)

// BenchmarkDay records a gauge (a temperature that wanders by a degree) and a
// counter (of bytes, at an uneven rate) of 500 disks for a day, a sample each ten
// seconds; writes them to a block; says how many bytes a sample takes there; and
// asks for all 1,000 series over the whole day, as a panel of Grafana does.
func BenchmarkDay(b *testing.B) {
	const disks, samples = 500, 8640
	begin := time.Date(2026, 3, 4, 0, 0, 0, 0, time.UTC)
	c := &resource.Class{Plugin: "acme", Name: "Disk", Statistics: []resource.Statistic{
		{Name: "temperature", Kind: resource.Gauge, Unit: "C", SamplePeriod: 10},
		{Name: "read_bytes", Kind: resource.Counter, Unit: "bytes", SamplePeriod: 10},
	}}
	c.Index()
	all := map[resource.ID]*resource.Resource{}
	for id := resource.ID(1); id <= disks; id++ {
		all[id] = &resource.Resource{ID: id, Label: fmt.Sprintf("Disk %d/%d", id/60, id%60), Class: c, Scope: 1}
	}
	d, err := history.Open(history.Options{Dir: b.TempDir(), Get: func(id resource.ID) *resource.Resource { return all[id] }, Log: slog.New(slog.DiscardHandler), Now: time.Now})
	if err != nil {
		b.Fatal(err)
	}
	defer d.Close()
	history.TSDB(d).DisableCompactions()
	random := rand.New(rand.NewPCG(1, 2))
	var temperature, read [disks + 1]float64
	for i := range samples {
		// A plugin's turn ends a few milliseconds earlier or later.
		t := begin.Add(time.Duration(i)*10*time.Second + time.Duration(random.IntN(20))*time.Millisecond)
		changes := &resource.Changes{Time: t}
		for id := resource.ID(1); id <= disks; id++ {
			if i == 0 {
				temperature[id] = float64(30 + random.IntN(10))
			} else if random.IntN(20) == 0 {
				temperature[id] += float64(random.IntN(3) - 1)
			}
			read[id] += float64(random.IntN(5000) * 4096)
			changes.Samples = append(changes.Samples,
				resource.Sample{Resource: id, Stat: 0, Time: t, Value: temperature[id]}, resource.Sample{Resource: id, Stat: 1, Time: t, Value: read[id]})
		}
		d.Observe(changes)
	}
	if err := history.TSDB(d).CompactHead(tsdb.NewRangeHead(history.TSDB(d).Head(), history.TSDB(d).Head().MinTime(), history.TSDB(d).Head().MaxTime())); err != nil {
		b.Fatal(err)
	}
	var bytes, n float64
	for _, block := range history.TSDB(d).Blocks() {
		bytes += float64(block.Size())
		n += float64(block.Meta().Stats.NumSamples)
	}
	if n != 2*disks*samples {
		b.Fatalf("%v samples are in blocks, not %d", n, 2*disks*samples)
	}
	h := promapi.Handler(d, "bench", func() []*resource.Class { return nil })
	for name, query := range map[string]string{
		"values": `{__name__=~"acme_disk_.+"}`, "rates": `rate(acme_disk_read_bytes_total[5m])`,
		"sum": `sum by (class) (rate(acme_disk_read_bytes_total[5m]))`,
	} {
		path := "/api/v1/query_range?" + url.Values{
			"query": {query}, "start": {fmt.Sprint(begin.Unix())}, "end": {fmt.Sprint(begin.Add(24 * time.Hour).Unix())}, "step": {"300"},
		}.Encode()
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				rec := httptest.NewRecorder()
				h.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, path, nil))
				if rec.Code != http.StatusOK {
					b.Fatal(rec.Code, rec.Body)
				}
			}
			b.ReportMetric(bytes/n, "B/sample")
		})
	}
}
