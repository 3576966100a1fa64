package history

import (
	"context"
	"math"
	"time"

	"github.com/prometheus/prometheus/model/histogram"

	"github.com/faultline-storage/faultline/internal/resource"
)

// Line returns a statistic of a resource in n even steps. The step i, counted
// from 0, has what was sampled after from+i·step, up to and including
// from+(i+1)·step:
//
//   - of a gauge the mean, and the lowest and the highest value;
//   - of a counter its growth a second, never below 0, since a counter that falls
//     began anew;
//   - of a histogram the last counts.
//
// A step without samples has no value (NaN, or nil).
func (d *DB) Line(ctx context.Context, r *resource.Resource, stat int, from time.Time, step time.Duration, n int) (resource.Line, error) {
	s := &r.Class.Statistics[stat]
	start, width := from.UnixMilli(), step.Milliseconds()
	at := func(t int64) int { return int((t - start - 1) / width) }
	end := start + int64(n)*width
	switch s.Kind {
	case resource.Histogram:
		l := resource.Line{Counts: make([][]int64, n)}
		b := bucketsOf(s.Bins)
		return l, d.each(ctx, r, stat, start+1, end, func(t int64, _ float64, h *histogram.FloatHistogram) {
			if counts := b.counts(h); counts != nil {
				l.Counts[at(t)] = counts
			}
		})
	case resource.Counter:
		return d.rates(ctx, r, stat, start, width, n)
	default:
		l := resource.Line{Values: gaps(n), Low: gaps(n), High: gaps(n)}
		count := make([]int, n)
		err := d.each(ctx, r, stat, start+1, end, func(t int64, v float64, _ *histogram.FloatHistogram) {
			i := at(t)
			if count[i]++; count[i] == 1 {
				l.Values[i], l.Low[i], l.High[i] = v, v, v
				return
			}
			l.Values[i] += (v - l.Values[i]) / float64(count[i])
			l.Low[i], l.High[i] = min(l.Low[i], v), max(l.High[i], v)
		})
		return l, err
	}
}

// silence is how many sample periods a counter may be silent before its growth
// in that time belongs to no step.
const silence = 4

func (d *DB) rates(ctx context.Context, r *resource.Resource, stat int, start, width int64, n int) (resource.Line, error) {
	longest := max(width, silence*1000*int64(r.Class.Statistics[stat].SamplePeriod))
	grown, seconds := make([]float64, n), make([]float64, n)
	var last float64
	var lastAt int64
	err := d.each(ctx, r, stat, start-longest, start+int64(n)*width, func(t int64, v float64, _ *histogram.FloatHistogram) {
		by, took := v-last, t-lastAt
		if by < 0 {
			by = v
		}
		if lastAt != 0 && took <= longest && t > start {
			i := (t - start - 1) / width
			grown[i] += by
			seconds[i] += float64(took) / 1000
		}
		last, lastAt = v, t
	})
	l := resource.Line{Values: gaps(n)}
	for i := range n {
		if seconds[i] > 0 {
			l.Values[i] = grown[i] / seconds[i]
		}
	}
	return l, err
}

func gaps(n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = math.NaN()
	}
	return out
}
