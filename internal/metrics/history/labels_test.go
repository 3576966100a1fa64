package history

import (
	"testing"

	"github.com/prometheus/common/model"
	"pgregory.net/rapid"

	"github.com/faultline-storage/faultline/internal/resource"
)

func TestMetricName(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		plugin, class, statistic string
		kind                     resource.StatKind
		want                     string
	}{
		{"acme", "HardDisk", "temperature", resource.Gauge, "acme_hard_disk_temperature"},
		{"lustre", "ObjectStoreTarget", "read_bytes", resource.Counter, "lustre_object_store_target_read_bytes_total"},
		{"linux", "LVMVolume", "IOTime", resource.Counter, "linux_lvm_volume_io_time_total"},
		{"x", "Disk2", "bytes_total", resource.Counter, "x_disk2_bytes_total"},
		{"site-one.a", "D", "_x", resource.Gauge, "site_one_a_d_x"},
		{"3par", "Cage", "w", resource.Gauge, "_3par_cage_w"},
		{"é", "Ä", "ü", resource.Gauge, "_____"},
	} {
		got := MetricName(&resource.Class{Plugin: tc.plugin, Name: tc.class}, &resource.Statistic{Name: tc.statistic, Kind: tc.kind})
		if got != tc.want {
			t.Errorf("%s.%s.%s: %s, want %s", tc.plugin, tc.class, tc.statistic, got, tc.want)
		}
	}
}

func TestMetricNamesAreOfTheOldForm(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		text := rapid.StringN(1, 20, 60)
		name := MetricName(&resource.Class{Plugin: text.Draw(rt, "plugin"), Name: text.Draw(rt, "class")},
			&resource.Statistic{Name: text.Draw(rt, "statistic"), Kind: resource.Counter})
		if !model.LegacyValidation.IsValidMetricName(name) {
			rt.Fatalf("%q", name)
		}
	})
}

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
			if low := int64(-1); b.at[i] > 0 {
				if low = int64(b.bounds[b.at[i]-1]); low != bin[0]-1 {
					rt.Fatalf("bin %v has its bucket above %d", bin, low)
				}
			}
			if len(bin) == 2 && int64(b.bounds[b.at[i]]) != bin[1] || len(bin) == 1 && b.at[i] != len(b.bounds) {
				rt.Fatalf("bin %v ends elsewhere: %v", bin, b)
			}
		}
		if n := len(bins); b.counts(h.ToFloat(nil)) != nil && n > 1 {
			other := bucketsOf(bins[:n-1])
			if len(other.bounds) != len(b.bounds) && other.counts(h.ToFloat(nil)) != nil {
				rt.Fatal("the counts of other bins were taken")
			}
		}
	})
}
