package history

import (
	"testing"

	"pgregory.net/rapid"
)

// TestBinsComeBack: whatever the bins are, the counts come back, and each bin has
// a bucket with its bounds.
func TestBinsComeBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		var bins [][]int64
		var want []int64
		for next := int64(0); ; {
			low := next + int64(rapid.IntRange(0, 3).Draw(rt, "gap"))
			want = append(want, rapid.Int64Range(0, 1<<40).Draw(rt, "count"))
			if len(bins) == 6 || rapid.IntRange(0, 4).Draw(rt, "open") == 0 {
				bins = append(bins, []int64{low})
				break
			}
			high := low + rapid.Int64Range(0, 1<<30).Draw(rt, "width")
			bins, next = append(bins, []int64{low, high}), high+1
			if rapid.IntRange(0, 4).Draw(rt, "last") == 0 {
				break
			}
		}
		b := bucketsOf(bins)
		h := b.histogram(want)
		if err := h.Validate(); err != nil {
			rt.Fatal(err)
		}
		got := b.counts(h.ToFloat(nil))
		for i, bin := range bins {
			if got == nil || got[i] != want[i] {
				rt.Fatalf("%v: counts %v, want %v", bins, got, want)
			}
			if b.At[i] > 0 && int64(b.Bounds[b.At[i]-1]) != bin[0]-1 {
				rt.Fatalf("bin %v has its bucket above %v", bin, b.Bounds[b.At[i]-1])
			}
			if len(bin) == 2 && int64(b.Bounds[b.At[i]]) != bin[1] || len(bin) == 1 && b.At[i] != len(b.Bounds) {
				rt.Fatalf("bin %v ends elsewhere: %v", bin, b)
			}
		}
		if n := len(bins); b.counts(h.ToFloat(nil)) != nil && n > 1 {
			other := bucketsOf(bins[:n-1])
			if len(other.Bounds) != len(b.Bounds) && other.counts(h.ToFloat(nil)) != nil {
				rt.Fatal("the counts of other bins were taken")
			}
		}
	})
}
