package kernel_test

import (
	"testing"

	"github.com/faultline-storage/faultline/internal/builtin/linux/scan/kernel"
)

func TestTargetHealth(t *testing.T) {
	for status, want := range map[string]string{
		"linear":                                    "",
		"snapshot 616408/5120000 2408":              "",
		"snapshot Invalid":                          "invalid",
		"snapshot Overflow":                         "invalid",
		"snapshot-merge Invalid":                    "",
		"raid raid1 2 AA 65536/65536 idle 0 0 -":    "",
		"raid raid1 2 aA 6553/65536 recover 0 0 -":  "",
		"raid raid1 2 AD 65536/65536 idle 0 0 -":    "refresh needed",
		"raid raid1 2 DD 65536/65536 idle 0 0 -":    "failed",
		"raid raid6_zr 5 ADDAA 65536/65536 idle 0":  "refresh needed",
		"raid raid5_ls 3 DDA 65536/65536 idle 0 0":  "failed",
		"raid raid10 4 ADAD 65536/65536 idle 0 0 -": "refresh needed",
		"raid raid0 2 AD 65536/65536 idle 0 0 -":    "failed",
		"raid raid1 2 AA 65536/65536 idle 128 0 -":  "mismatches exist",
		"raid raid1":                                   "",
		"raid":                                         "",
		"thin-pool 1 20/49152 38/126512 - rw no":       "",
		"thin-pool 1 20/49152 38/126512 - ro no":       "metadata_read_only",
		"thin-pool 1 20/492 38/38 - out_of_data_space": "out_of_data",
		"thin-pool Fail":                               "failed",
		"cache Fail":                                   "failed",
		"multipath 2 0 0 0 1 1 A 0 1 2 8:0 F 1 0 1":    "",
	} {
		if got := kernel.DMLines("vg-lv: 0 2048 "+status, "")["vg-lv"][0].Health(); got != want {
			t.Errorf("%s: %q, want %q", status, got, want)
		}
	}
}
