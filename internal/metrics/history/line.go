package history

import (
	"context"
	"math"
	"slices"
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

// silence is how many times as long as usual a counter may be silent before its
// growth in that time belongs to no step.
const silence = 4

func (d *DB) rates(ctx context.Context, r *resource.Resource, stat int, start, width int64, n int) (resource.Line, error) {
	period := 1000 * int64(r.Class.Statistics[stat].SamplePeriod)
	var times []int64
	var values []float64
	// The first step needs the sample before it.
	err := d.each(ctx, r, stat, start-silence*max(width, period), start+int64(n)*width, func(t int64, v float64, _ *histogram.FloatHistogram) {
		times, values = append(times, t), append(values, v)
	})
	longest := max(width, silence*max(period, usual(times)))
	grown, seconds := make([]float64, n), make([]float64, n)
	for j := 1; j < len(times); j++ {
		took := times[j] - times[j-1]
		if took > longest || times[j] <= start {
			continue
		}
		by := values[j] - values[j-1]
		if by < 0 { // it began anew
			by = values[j]
		}
		i := (times[j] - start - 1) / width
		grown[i] += by
		seconds[i] += float64(took) / 1000
	}
	l := resource.Line{Values: gaps(n)}
	for i := range n {
		if seconds[i] > 0 {
			l.Values[i] = grown[i] / seconds[i]
		}
	}
	return l, err
}

// usual is the median of the times between samples; 0 if there are none.
func usual(times []int64) int64 {
	if len(times) < 2 {
		return 0
	}
	between := make([]int64, len(times)-1)
	for i := range between {
		between[i] = times[i+1] - times[i]
	}
	slices.Sort(between)
	return between[len(between)/2]
}

func gaps(n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = math.NaN()
	}
	return out
}
