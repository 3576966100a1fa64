package history

import (
	"math"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/value"
)

// buckets is how the bins of a histogram lie in the buckets of a native one,
// which have an upper bound, inclusive, and leave no gap. A gap between bins is a
// bucket of its own, as is what lies below a first bin that does not begin at 0.
type buckets struct {
	bounds []float64
	// at is the bucket of each bin.
	at []int
}

func bucketsOf(bins [][]int64) buckets {
	var b buckets
	end := int64(-1) // of what is covered so far; a count of bytes is never below 0
	for _, bin := range bins {
		if bin[0] > end+1 {
			b.bounds = append(b.bounds, float64(bin[0]-1))
		}
		b.at = append(b.at, len(b.bounds))
		if len(bin) == 1 { // open: up to infinity, which needs no bound
			break
		}
		b.bounds = append(b.bounds, float64(bin[1]))
		end = bin[1]
	}
	return b
}

// histogram has the counts of the bins as a native histogram. What the observed
// values amount to is not known, so that its sum is no number. A count below 0,
// which no histogram can have, is 0.
func (b *buckets) histogram(counts []int64) *histogram.Histogram {
	h := &histogram.Histogram{
		Schema: histogram.CustomBucketsSchema, CustomValues: b.bounds, Sum: math.NaN(),
		PositiveSpans: []histogram.Span{{Length: uint32(len(b.bounds) + 1)}}, //nolint:gosec // A class has few bins.
	}
	absolute := make([]int64, len(b.bounds)+1)
	for i, at := range b.at {
		if i < len(counts) {
			absolute[at] = max(0, counts[i])
		}
	}
	last := int64(0)
	for i, n := range absolute {
		h.Count += uint64(n) //nolint:gosec // It is not below 0.
		absolute[i], last = n-last, n
	}
	h.PositiveBuckets = absolute
	return h
}

// counts are the counts of the bins in a histogram that was read. They are nil if
// it has other buckets than these.
func (b *buckets) counts(h *histogram.FloatHistogram) []int64 {
	if !h.UsesCustomBuckets() || len(h.CustomValues) != len(b.bounds) {
		return nil
	}
	for i, v := range h.CustomValues {
		if v != b.bounds[i] {
			return nil
		}
	}
	all := make([]int64, len(b.bounds)+1)
	i, next := 0, int32(0)
	for _, span := range h.PositiveSpans {
		next += span.Offset
		for range span.Length {
			if int(next) < len(all) {
				all[next] = int64(h.PositiveBuckets[i])
			}
			i, next = i+1, next+1
		}
	}
	out := make([]int64, len(b.at))
	for i, at := range b.at {
		out[i] = all[at]
	}
	return out
}

// ended is the last sample of a histogram: the series is over.
func ended() *histogram.Histogram {
	return &histogram.Histogram{Sum: math.Float64frombits(value.StaleNaN)}
}
