package metrics_test

import (
	"regexp"
	"testing"

	"pgregory.net/rapid"

	"github.com/faultline-storage/faultline/internal/metrics"
	"github.com/faultline-storage/faultline/internal/resource"
)

// form is what every version of Prometheus takes for a name.
var form = regexp.MustCompile(`^[a-zA-Z_:][a-zA-Z0-9_:]*$`)

func TestSeriesName(t *testing.T) {
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
		got := metrics.SeriesName(&resource.Class{Plugin: tc.plugin, Name: tc.class}, &resource.Statistic{Name: tc.statistic, Kind: tc.kind})
		if got != tc.want {
			t.Errorf("%s.%s.%s: %s, want %s", tc.plugin, tc.class, tc.statistic, got, tc.want)
		}
	}
}

func TestSeriesNamesAreOfTheOldForm(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		text := rapid.StringN(1, 20, 60)
		name := metrics.SeriesName(&resource.Class{Plugin: text.Draw(rt, "plugin"), Name: text.Draw(rt, "class")},
			&resource.Statistic{Name: text.Draw(rt, "statistic"), Kind: resource.Counter})
		if !form.MatchString(name) {
			rt.Fatalf("%q", name)
		}
	})
}
