package simhost_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/faultline-storage/faultline/internal/simhost"
)

// TestSite: the servers see the same LUNs, share the targets out, and a report is the
// same again while nothing happens.
func TestSite(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	luns := make([]simhost.LUN, 5)
	for i := range luns {
		luns[i] = simhost.LUN{WWID: "3600ace000000000000000000000000" + string(rune('a'+i)) + "0", Size: 1 << 40}
	}
	s := simhost.New("scratch", []string{"oss1", "oss2"}, luns, func() time.Time { return now })
	targets := map[string]string{}
	for _, host := range s.Hosts() {
		linux, lustre := s.Linux(host), s.Lustre(host)
		if len(linux.Devices) != 3*len(luns) {
			t.Errorf("%s has %d devices, want a map and two paths for each of %d LUNs", host, len(linux.Devices), len(luns))
		}
		if len(linux.Mounts) != len(lustre.Targets) || len(lustre.Targets)+len(lustre.Storage) != len(luns) {
			t.Errorf("%s has %d mounts, %d targets and sees %d others", host, len(linux.Mounts), len(lustre.Targets), len(lustre.Storage))
		}
		for name := range lustre.Targets {
			if other := targets[string(name)]; other != "" {
				t.Errorf("%s runs on %s and %s", name, other, host)
			}
			targets[string(name)] = host
		}
		a, err := json.Marshal(linux)
		if err != nil {
			t.Fatal(err)
		}
		if b, _ := json.Marshal(s.Linux(host)); string(a) != string(b) {
			t.Errorf("%s: the report changes by itself", host)
		}
	}
	if len(targets) != len(luns) || targets["MGS"] != "oss1" || targets["scratch-MDT0000"] != "oss2" || targets["scratch-OST0002"] != "oss1" {
		t.Errorf("the targets are %v", targets)
	}

	s.FailPath("oss2", 3, 1, true)
	failed := 0
	for _, d := range s.Linux("oss2").Devices {
		if d.State == "offline" {
			failed++
		}
	}
	if failed != 1 {
		t.Errorf("%d paths are offline, want 1", failed)
	}
	s.FailOver(2, "oss2")
	if s.Lustre("oss2").Targets["scratch-OST0000"] == nil || s.Lustre("oss1").Storage["scratch-OST0000"] == nil {
		t.Error("the target of LUN 2 did not move")
	}
}
