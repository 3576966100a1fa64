package history

import (
	"math"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/value"

	"github.com/faultline-storage/faultline/internal/metrics"
)

// buckets are those of a native histogram.
type buckets struct{ metrics.Buckets }

func bucketsOf(bins [][]int64) buckets { return buckets{metrics.BucketsOf(bins)} }

// histogram has the counts of the bins as a native histogram. What the observed
// values amount to is not known, so that its sum is no number.
func (b *buckets) histogram(bins []int64) *histogram.Histogram {
	h := &histogram.Histogram{
		Schema: histogram.CustomBucketsSchema, CustomValues: b.Bounds, Sum: math.NaN(),
		PositiveSpans: []histogram.Span{{Length: uint32(len(b.Bounds) + 1)}}, //nolint:gosec // A class has few bins.
	}
	h.PositiveBuckets = make([]int64, 0, len(b.Bounds)+1)
	last := int64(0)
	for _, n := range b.Counts(bins) {
		h.Count += n
		h.PositiveBuckets = append(h.PositiveBuckets, int64(n)-last) //nolint:gosec // It was an int64.
		last = int64(n)                                              //nolint:gosec // It was an int64.
	}
	return h
}

// counts are the counts of the bins in a histogram that was read. They are nil if
// it has other buckets than these.
func (b *buckets) counts(h *histogram.FloatHistogram) []int64 {
	if !h.UsesCustomBuckets() || len(h.CustomValues) != len(b.Bounds) {
		return nil
	}
	for i, v := range h.CustomValues {
		if v != b.Bounds[i] {
			return nil
		}
	}
	all := make([]int64, len(b.Bounds)+1)
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
	out := make([]int64, len(b.At))
	for i, at := range b.At {
		out[i] = all[at]
	}
	return out
}

// ended is the last sample of a histogram: the series is over.
func ended() *histogram.Histogram {
	return &histogram.Histogram{Sum: math.Float64frombits(value.StaleNaN)}
}
