package metrics

// Buckets is how the bins of a histogram lie in buckets as others have them, with
// an upper bound, inclusive, and without a gap. A gap between bins is a bucket of
// its own, as is what lies below a first bin that does not begin at 0.
type Buckets struct {
	// Bounds are the upper bounds of all buckets but the last, which has none.
	Bounds []float64
	// At is the bucket of each bin.
	At []int
}

// BucketsOf returns the buckets of the bins that a statistic is declared with.
func BucketsOf(bins [][]int64) Buckets {
	var b Buckets
	end := int64(-1) // of what is covered so far; a count of bytes is never below 0
	for _, bin := range bins {
		if bin[0] > end+1 {
			b.Bounds = append(b.Bounds, float64(bin[0]-1))
		}
		b.At = append(b.At, len(b.Bounds))
		if len(bin) == 1 { // open: up to infinity, which needs no bound
			break
		}
		b.Bounds = append(b.Bounds, float64(bin[1]))
		end = bin[1]
	}
	return b
}

// Counts are the counts of the buckets, of those of the bins. A count below 0,
// which no histogram can have, is 0.
func (b *Buckets) Counts(bins []int64) []uint64 {
	counts := make([]uint64, len(b.Bounds)+1)
	for i, at := range b.At {
		if i < len(bins) {
			counts[at] = uint64(max(0, bins[i])) //nolint:gosec // It is not below 0.
		}
	}
	return counts
}
