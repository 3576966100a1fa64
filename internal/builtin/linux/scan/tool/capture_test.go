package tool_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/faultline-storage/faultline/internal/builtin/linux/scan/kernel"
	"github.com/faultline-storage/faultline/internal/builtin/linux/scan/tool"
)

// captures is where output of tools on real hosts is, outside the repository.
const captures = "../../../../../../shared/realdata/dev"

// read reads a capture; the test is skipped where the captures are not.
func read(t *testing.T, name string) string {
	t.Helper()
	if _, err := os.Stat(captures); err != nil {
		t.Skipf("no output of tools on real hosts at %s: that %s is understood is not tested", captures, name)
	}
	text, err := os.ReadFile(filepath.Join(captures, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func expected[T any](t *testing.T, dir string) T {
	t.Helper()
	var all T
	if err := json.Unmarshal([]byte(read(t, dir+"/EXPECTED.json")), &all); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestTextCaptures(t *testing.T) {
	type want struct {
		Maps   int      `json:"maps"`
		Paths  int      `json:"paths"`
		Failed int      `json:"failed_paths"`
		Listed []string `json:"maps_listed"`
		States []string `json:"states"`
		Arrays int      `json:"arrays"`
	}
	for name, want := range expected[map[string]want](t, "linux/text_captures") {
		text := read(t, "linux/text_captures/"+name)
		switch {
		case strings.HasPrefix(name, "multipath"):
			var got []string
			paths, failed := 0, 0
			for _, m := range tool.MultipathText(text) {
				word, _, _ := strings.Cut(m.Name, " ")
				got = append(got, word)
				paths += len(m.Paths)
				for _, p := range m.Paths {
					if p.DM == "failed" {
						failed++
					}
				}
			}
			if diff := cmp.Diff(want.Listed, got); diff != "" || paths != want.Paths || failed != want.Failed {
				t.Errorf("%s: %d paths, %d failed, want %d and %d; maps (-want +got):\n%s", name, paths, failed, want.Paths, want.Failed, diff)
			}
		case strings.HasPrefix(name, "mdadm"):
			var states []string
			all := tool.MDDetail(text)
			for _, m := range all {
				states = append(states, m.State)
				if len(m.Members) < m.Disks {
					t.Errorf("%s: %s has %d members of %d", name, m.Path, len(m.Members), m.Disks)
				}
			}
			if diff := cmp.Diff(want.States, states); diff != "" || len(all) != want.Arrays {
				t.Errorf("%s: %d arrays, want %d; states (-want +got):\n%s", name, len(all), want.Arrays, diff)
			}
		case strings.HasPrefix(name, "dmsetup-dmsetup_status"):
			// A line for each device.
			if got, n := len(kernel.DMLines(text, "")), len(strings.Split(strings.TrimSpace(text), "\n")); got != n {
				t.Errorf("%s: %d devices, want %d", name, got, n)
			}
		}
	}
}

func TestReshaping(t *testing.T) {
	m := tool.MDDetail(read(t, "linux/text_captures/mdadm-mdadm_d_content_md0.txt"))[0]
	if m.Level != "raid5" || m.Disks != 21 || m.Sync != "reshape" || m.Done != 0.28 || m.Name != "hostname:0" {
		t.Errorf("read as %+v", m)
	}
	spares := 0
	for _, member := range m.Members {
		if member.State == "spare" && member.Slot == -1 {
			spares++
		}
	}
	if spares != 1 || len(m.Members) != 22 {
		t.Errorf("%d members, %d spares: %+v", len(m.Members), spares, m.Members)
	}
}

func TestLVMText(t *testing.T) {
	gib := func(n float64) int64 { return int64(n * (1 << 30)) }
	var l tool.LVM
	for _, name := range []string{"lvm-vgsheading_content.txt", "lvm-pvs_headings_output.txt"} {
		if err := l.Read([]byte(read(t, "linux/text_captures/"+name))); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	want := tool.LVM{
		VGs: []tool.VG{
			{Name: "vg00", UUID: "MiuKdK-ruw4-UG1i-0uLE-4dfB-bk2v-uxte2W", Size: gib(279), Free: gib(5)},
			{Name: "vg00alt", UUID: "LNzjbn-HU4C-WFCM-cRZ6-81ns-4rke-X8N0DA", Size: gib(279.11), Free: gib(265.11)},
			{Name: "vg01", UUID: "7O9ePI-M1Kp-H9VH-Lxt3-pS1Z-nLQB-P1IIO3", Size: gib(199.99), Free: gib(100.99)},
			{Name: "vgshared", UUID: "fFYYw3-Ns8Q-akPI-rrFU-YYn5-nKkk-UW67qO", Size: gib(1.76 * 1024), Free: gib(899.98), Shared: true},
		},
		PVs: []tool.PV{{Name: "/dev/mapper/luks-7430952e-7101-4716-9b46-786ce4684f8d", UUID: "FPLCRf-d918-LVL7-6e3d-n3ED-aiZv-EesuzY", VG: "fedora"}},
	}
	if diff := cmp.Diff(want, l); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestMDStatCapture(t *testing.T) {
	want := expected[struct {
		Stat struct {
			Arrays   int               `json:"arrays"`
			Active   int               `json:"active"`
			Inactive []string          `json:"inactive"`
			Failed   []string          `json:"with_failed_member"`
			Degraded []string          `json:"degraded"`
			Busy     map[string]string `json:"busy"`
		} `json:"mdstat.txt"`
	}](t, "linux/procfs").Stat
	all := kernel.MDStat(read(t, "linux/procfs/mdstat.txt"))
	var inactive, failed, degraded []string
	busy := map[string]string{}
	for _, a := range all {
		if !a.Active {
			inactive = append(inactive, a.Name)
		}
		if slices.ContainsFunc(a.Members, func(m kernel.MDMember) bool { return strings.Contains(m.Flags, "F") }) {
			failed = append(failed, a.Name)
		}
		if a.Working < a.Disks {
			degraded = append(degraded, a.Name)
		}
		if a.Sync != "" {
			busy[a.Name] = a.Sync
		}
	}
	sorted := cmpopts.SortSlices(strings.Compare)
	for what, diff := range map[string]string{
		"arrays": cmp.Diff(want.Arrays, len(all)), "inactive": cmp.Diff(want.Inactive, inactive, sorted), "failed": cmp.Diff(want.Failed, failed, sorted),
		"degraded": cmp.Diff(want.Degraded, degraded, sorted), "busy": cmp.Diff(want.Busy, busy),
	} {
		if diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
}

func TestZPoolCaptures(t *testing.T) {
	for name, want := range expected[map[string]struct {
		Pool      string         `json:"pool"`
		State     string         `json:"state"`
		Rows      int            `json:"rows"`
		States    map[string]int `json:"states"`
		NotOnline []string       `json:"not_online"`
		Health    map[string]int `json:"health"`
	}](t, "zfs") {
		text := read(t, "zfs/"+name)
		if want.Pool == "" {
			got := map[string]int{}
			for _, p := range tool.ZPoolList(text, nil) {
				got[p.State]++
			}
			// The list with vdevs counts those in what is expected, too.
			if name == "zpool-list.txt" && !cmp.Equal(want.Health, got) || len(got) == 0 {
				t.Errorf("%s: %v, want %v", name, got, want.Health)
			}
			continue
		}
		all := tool.ZPoolStatusText(text)
		if len(all) != 1 || all[0].Name != want.Pool || all[0].State != want.State {
			t.Errorf("%s: %+v, want pool %s, %s", name, all, want.Pool, want.State)
			continue
		}
		for _, v := range all[0].Vdevs {
			if bad := slices.Contains(want.NotOnline, v.Path); bad != (v.State != "ONLINE") {
				t.Errorf("%s: %s is %s", name, v.Path, v.State)
			}
		}
		if len(all[0].Vdevs) == 0 || len(all[0].Vdevs) >= want.Rows {
			t.Errorf("%s: %d leaves of %d rows", name, len(all[0].Vdevs), want.Rows)
		}
	}
}

func TestZPoolTree(t *testing.T) {
	// A pool that is degraded although each row is online, and a disk being replaced.
	p := tool.ZPoolStatusText(read(t, "zfs/zpool-status-ZFS-8000-9P-2.txt"))[0]
	want := []tool.ZVdev{
		{Path: "sda", Group: "mirror", Role: "data", State: "ONLINE", Errors: [3]int64{0, 0, 3}},
		{Path: "sdc", Group: "mirror", Role: "data", State: "ONLINE"},
		{Path: "sdb", Group: "mirror", Role: "data", State: "ONLINE"},
	}
	if diff := cmp.Diff(want, p.Vdevs); diff != "" || p.State != "DEGRADED" {
		t.Errorf("%s, leaves (-want +got):\n%s", p.State, diff)
	}
	p = tool.ZPoolStatusText(read(t, "zfs/zpool-status-ZFS-8000-K4-3.txt"))[0]
	want = []tool.ZVdev{{Path: "c3t2d0", Role: "data", State: "ONLINE"}, {Path: "c5t3d0", Role: "log", State: "UNAVAIL"}}
	if diff := cmp.Diff(want, p.Vdevs); diff != "" {
		t.Errorf("leaves (-want +got):\n%s", diff)
	}
}

func TestSmartCaptures(t *testing.T) {
	type disk struct {
		Protocol    string   `json:"protocol"`
		Passed      *bool    `json:"passed"`
		Temp        *float64 `json:"temp_c"`
		Reallocated *int64   `json:"reallocated"`
		Pending     *int64   `json:"pending"`
		Critical    *int64   `json:"nvme_critical_warning"`
		Grown       *int64   `json:"scsi_grown_defects"`
	}
	all := expected[struct {
		Files int             `json:"files"`
		Per   map[string]disk `json:"per_file"`
	}](t, "smart")
	if len(all.Per) != all.Files {
		t.Fatalf("%d files, want %d", len(all.Per), all.Files)
	}
	for name, want := range all.Per {
		s, err := tool.SmartJSON([]byte(read(t, "smart/"+name)))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got := disk{Protocol: want.Protocol, Passed: s.Passed, Temp: s.Temperature, Pending: s.Pending, Critical: want.Critical}
		if want.Protocol == "SCSI" {
			got.Grown = s.Reallocated
		} else {
			got.Reallocated = s.Reallocated
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if want.Critical != nil && (*want.Critical != 0) != (len(s.Warnings) > 0) {
			t.Errorf("%s: critical warning %d, warnings %q", name, *want.Critical, s.Warnings)
		}
		if want.Protocol == "NVMe" && s.Used == nil {
			t.Errorf("%s: nothing about its life", name)
		}
	}
}

func TestSmartText(t *testing.T) {
	s := tool.SmartText(read(t, "linux/text_captures/smartctl-standard_drive.txt"))
	if s.Passed == nil || !*s.Passed || s.Reallocated == nil || s.PowerOn == nil || s.Temperature == nil {
		t.Errorf("read as %+v", s)
	}
	if s := tool.SmartText(read(t, "linux/text_captures/smartctl-cisco_drive.txt")); s.Passed != nil {
		t.Errorf("a drive without a verdict is read as %+v", s)
	}
}

func TestSESCaptures(t *testing.T) {
	kinds := map[string]byte{
		"Array Device Slot": 0x17, "Device Slot": 0x01, "Power Supply": 0x02, "Cooling": 0x03, "Temperature Sensors": 0x04, "Voltage Sensor": 0x12, "Current Sensor": 0x13,
		"SAS Expander": 0x18, "SAS Connector": 0x19, "Enclosure": 0x0e, "Enclosure Services Controller Electronics": 0x07, "Audible alarm": 0x06, "Door": 0x05,
	}
	elements := 0
	for name := range expected[map[string]any](t, "ses") {
		var mocked struct {
			SES []struct {
				Elements map[string]map[string]struct {
					Status string `json:"status"`
					Raw    uint32 `json:"value_raw"`
					Value  string `json:"value"`
				} `json:"elements"`
			} `json:"ses"`
		}
		if err := json.Unmarshal([]byte(read(t, "ses/"+name+"/mocked.json")), &mocked); err != nil {
			t.Fatal(err)
		}
		for _, s := range mocked.SES {
			for kind, list := range s.Elements {
				for index, e := range list {
					got := tool.SESElementOf(kinds[kind], [4]byte{byte(e.Raw >> 24), byte(e.Raw >> 16), byte(e.Raw >> 8), byte(e.Raw)})
					word, _, _ := strings.Cut(e.Status, ",")
					if !strings.EqualFold(strings.ReplaceAll(word, "Noncritical", "Non-critical"), got.Status) {
						t.Errorf("%s, %s %s: %#08x is %q, want %q", name, kind, index, e.Raw, got.Status, e.Status)
					}
					if kind == "Temperature Sensors" && got.Value != nil && e.Value != "" {
						if want := fmt.Sprintf("%gC", *got.Value); want != e.Value {
							t.Errorf("%s, sensor %s: %s, want %s", name, index, want, e.Value)
						}
					}
					elements++
				}
			}
		}
	}
	t.Logf("%d elements", elements)
}

func TestSESPages(t *testing.T) {
	s, err := tool.ReadSES(tool.SESPages([]byte(read(t, "ses/ses_areca_all.hex"))))
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for _, e := range s.Elements {
		counts[e.Type]++
		t.Logf("%+v", e)
	}
	t.Logf("%+v %v", s, counts)
	if s.ID != "d5b401503fc0ec16" || s.Vendor != "Areca" || !strings.HasPrefix(s.Product, "ARC-8028") || counts["slot"] != 24 {
		t.Errorf("read as %+v, %v", s, counts)
	}
}
