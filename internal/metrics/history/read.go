package history

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"time"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"github.com/faultline-storage/faultline/internal/resource"
)

// Series returns the samples of one statistic of a resource, from and to both
// inclusive, by time. A zero time bounds nothing. Samples of a histogram that had
// other bins than it is declared with now are left out.
func (d *DB) Series(ctx context.Context, r *resource.Resource, stat int, from, to time.Time) ([]resource.Sample, error) {
	lo, hi := int64(math.MinInt64), int64(math.MaxInt64)
	if !from.IsZero() {
		lo = from.UnixMilli()
	}
	if !to.IsZero() {
		hi = to.UnixMilli()
	}
	var out []resource.Sample
	b := bucketsOf(r.Class.Statistics[stat].Bins)
	err := d.each(ctx, r, stat, lo, hi, func(t int64, v float64, h *histogram.FloatHistogram) {
		s := resource.Sample{Resource: r.ID, Stat: stat, Time: time.UnixMilli(t).UTC(), Value: v}
		if h != nil {
			if s.Bins = b.counts(h); s.Bins == nil {
				return
			}
		}
		out = append(out, s)
	})
	return out, err
}

// each calls do with each sample of a statistic, by time, in milliseconds of
// Unix time, both bounds inclusive. The histogram is nil for other kinds; it must
// not be kept. Of what has another kind than declared nothing is told.
func (d *DB) each(ctx context.Context, r *resource.Resource, stat int, from, to int64, do func(t int64, v float64, h *histogram.FloatHistogram)) error {
	fail := func(err error) error {
		return fmt.Errorf("read the statistic %s of %s: %w", r.Class.Statistics[stat].Name, r.Name(), err)
	}
	q, err := d.db.Querier(from, to)
	if err != nil {
		return fail(err)
	}
	defer q.Close()
	set := q.Select(ctx, false, &storage.SelectHints{Start: from, End: to}, selector(r, stat)...)
	var all []storage.Series // of each name that the resource had
	for set.Next() {
		all = append(all, set.At())
	}
	if err := set.Err(); err != nil {
		return fail(err)
	}
	if len(all) == 0 {
		return nil
	}
	histograms := r.Class.Statistics[stat].Kind == resource.Histogram
	it := storage.ChainSampleIteratorFromSeries(nil, all)
	for {
		switch it.Next() {
		case chunkenc.ValNone:
			if err := it.Err(); err != nil {
				return fail(err)
			}
			return nil
		case chunkenc.ValFloat:
			if t, v := it.At(); !histograms && !value.IsStaleNaN(v) {
				do(t, v, nil)
			}
		case chunkenc.ValHistogram, chunkenc.ValFloatHistogram:
			if t, h := it.AtFloatHistogram(nil); histograms && !value.IsStaleNaN(h.Sum) {
				do(t, 0, h)
			}
		}
	}
}

// Queries is what PromQL is answered with.
type Queries struct {
	Engine  *promql.Engine
	Storage storage.SampleAndChunkQueryable
	Parser  parser.Parser
	// Lookback is how old a sample may be and still be the value of now, where the
	// query says nothing else.
	Lookback time.Duration
	Log      *slog.Logger
}

// Queries returns what answers PromQL, good until the database is closed. Its
// fields are safe for concurrent use.
func (d *DB) Queries() Queries {
	return Queries{Engine: d.engine, Storage: d.db, Parser: d.parse, Lookback: lookback, Log: d.log}
}
