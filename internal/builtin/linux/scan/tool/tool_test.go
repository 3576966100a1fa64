package tool_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/faultline-storage/faultline/internal/builtin/linux/scan/tool"
)

func TestMultipathText(t *testing.T) {
	for name, of := range map[string]struct {
		text string
		want []tool.MPMap
	}{
		"a path that has vanished": {`mpathc (3600a0980000000000000000000000c01) dm-4 ACME,LUN
size=10G features='1 queue_if_no_path' hwhandler='1 alua' wp=rw
|-+- policy='service-time 0' prio=50 status=active
| |- 1:0:0:4 sdc 8:32 active ready running
` + "| `- #:#:#:# -   #:#  failed undef unknown\n`-+- policy='service-time 0' prio=10 status=enabled\n  `- 2:0:0:4 sdd 8:48 failed faulty offline\n",
			[]tool.MPMap{{Name: "mpathc", WWID: "3600a0980000000000000000000000c01", Device: "dm-4", Queueing: true, Active: 1, Paths: []tool.MPPath{
				{Name: "sdc", Device: "8:32", Group: 1, Prio: 50, DM: "active", Check: "ready", Dev: "running"},
				{Name: "-", Device: "#:#", Group: 1, Prio: 50, DM: "failed", Check: "undef", Dev: "unknown"},
				{Name: "sdd", Device: "8:48", Group: 2, Prio: 10, DM: "failed", Check: "faulty", Dev: "offline"},
			}}}},
		"a version with brackets": {`sdg: checker msg is "readsector0 checker reports path is down"
mpath2 (3600a0980000000000000000000000c02) dm-2 ACME,RAID 5
[size=30G][features=0][hwhandler=0][rw]
\_ round-robin 0 [prio=2][active]
 \_ 2:0:0:1 sdb 8:16 [active][ready]
\_ round-robin 0 [enabled]
 \_ 2:0:1:1 sdg 8:96 [failed][faulty]
`, []tool.MPMap{{Name: "mpath2", WWID: "3600a0980000000000000000000000c02", Device: "dm-2", Active: 1, Paths: []tool.MPPath{
			{Name: "sdb", Device: "8:16", Group: 1, Prio: 2, DM: "active", Check: "ready"},
			{Name: "sdg", Device: "8:96", Group: 2, DM: "failed", Check: "faulty"},
		}}}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(of.want, tool.MultipathText(of.text)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestPowerMT(t *testing.T) {
	const path = "   1 lpfc                   sdc       FA 11d:00      active  alive       0      0\n"
	for name, of := range map[string]struct{ text, wwid string }{
		"the identifier is the WWN": {"Pseudo name=emcpowera\nVNX ID=APM0000 [oss]\nLogical device ID=600601600000000000000000000000C1 [LUN 1]\n", "600601600000000000000000000000C1"},
		"a WWN beside a number":     {"Pseudo name=emcpowera\nSymmetrix ID=000190000000\nLogical device ID=00002C01\nDevice WWN=600009700000000000000000000000C1\n", "600009700000000000000000000000C1"},
		"a number only":             {"Pseudo name=emcpowera\nSymmetrix ID=000190000000\nLogical device ID=17C6\n", "17C6"},
	} {
		want := []tool.MPMap{{Name: "emcpowera", WWID: of.wwid, Active: 1, Paths: []tool.MPPath{{Name: "sdc", Group: 1, DM: "active"}}}}
		if diff := cmp.Diff(want, tool.PowerMT(of.text+path)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestMDDetail(t *testing.T) {
	for name, of := range map[string]struct {
		text string
		want tool.MD
	}{
		"a container": {`/dev/md127:
           Version : imsm
        Raid Level : container
     Total Devices : 2
              UUID : 00112233:44556677:8899aabb:ccddeeff
    Number   Major   Minor   RaidDevice

       -       8        0        -        /dev/sda
       -     259        1        -        /dev/nvme1n1
`, tool.MD{Path: "/dev/md127", UUID: "00112233:44556677:8899aabb:ccddeeff", Level: "container", Metadata: "imsm", Members: []tool.MDMember{
			{Path: "/dev/sda", Slot: -1}, {Path: "/dev/nvme1n1", Slot: -1},
		}}},
		"an array": {`/dev/md0:
     Raid Level : raid10
   Raid Devices : 4
          State : clean, degraded, recovering
 Rebuild Status : 12% complete

    Number   Major   Minor   RaidDevice State
       0       8        1        0      active sync set-A   /dev/sda1
       -       0        0        1      removed
       4       8       33        2      spare rebuilding   /dev/sdc1
       3       8       49        3      active sync writemostly   /dev/sdd1

       1       8       17        -      faulty   /dev/sdb1
`, tool.MD{Path: "/dev/md0", Level: "raid10", Disks: 4, State: "clean, degraded, recovering", Sync: "recovery", Done: 0.12, Members: []tool.MDMember{
			{Path: "/dev/sda1", Slot: 0, State: "active sync set-A"}, {Slot: 1, State: "removed"}, {Path: "/dev/sdc1", Slot: 2, State: "spare rebuilding"},
			{Path: "/dev/sdd1", Slot: 3, State: "active sync writemostly"}, {Path: "/dev/sdb1", Slot: -1, State: "faulty"},
		}}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff([]tool.MD{of.want}, tool.MDDetail(of.text)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestZPoolMissing(t *testing.T) {
	want := []tool.ZPool{{Name: "tank", State: "DEGRADED", Vdevs: []tool.ZVdev{
		{Path: "/dev/sda1", Group: "mirror-0", Role: "data", State: "ONLINE"},
		{Path: "/dev/sdb1", Gone: true, GUID: "3165029626868217390", Group: "mirror-0", Role: "data", State: "UNAVAIL", Errors: [3]int64{0, 2, 0}},
		{Path: "/dev/sdc1", Group: "mirror-0", Role: "data", State: "FAULTED", Errors: [3]int64{6, 98, 0}},
	}}}
	const text = `  pool: tank
 state: DEGRADED
config:

	NAME                     STATE     READ WRITE CKSUM
	tank                     DEGRADED     0     0     0
	  mirror-0               DEGRADED     0     0     0
	    /dev/sda1            ONLINE       0     0     0
	    3165029626868217390  UNAVAIL      0     2     0  was /dev/sdb1
	    /dev/sdc1            FAULTED      6    98     0  too many errors

errors: No known data errors
`
	if diff := cmp.Diff(want, tool.ZPoolStatusText(text)); diff != "" {
		t.Errorf("text (-want +got):\n%s", diff)
	}
	const object = `{"pools":{"tank":{"name":"tank","state":"DEGRADED","vdevs":{"tank":{"name":"tank","vdev_type":"root","vdevs":{"mirror-0":{"name":"mirror-0","vdev_type":"mirror","vdevs":{
		"/dev/sda1":{"name":"/dev/sda1","vdev_type":"disk","path":"/dev/sda1","state":"ONLINE"},
		"3165029626868217390":{"name":"3165029626868217390","vdev_type":"disk","guid":3165029626868217390,"path":"/dev/sdb1","state":"UNAVAIL","write_errors":2,"not_present":1,"was":"/dev/sdb1"},
		"/dev/sdc1":{"name":"/dev/sdc1","vdev_type":"disk","path":"/dev/sdc1","state":"FAULTED","read_errors":6,"write_errors":98}}}}}}}}}`
	got, err := tool.ZPoolStatusJSON([]byte(object))
	if err != nil {
		t.Fatal(err)
	}
	// Of an object the order is that of its keys.
	want[0].Vdevs[1], want[0].Vdevs[2] = want[0].Vdevs[2], want[0].Vdevs[1]
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("JSON (-want +got):\n%s", diff)
	}
}

func TestSmartTextSCSI(t *testing.T) {
	number := func(n float64) *float64 { return &n }
	count := func(n int64) *int64 { return &n }
	yes := true
	for name, of := range map[string]struct {
		text string
		want tool.Smart
	}{
		"old": {`SMART Health Status: OK
Current Drive Temperature:     30 C
Drive Trip Temperature:        68 C
Elements in grown defect list: 4
Vendor (Seagate/Hitachi) factory information
  number of hours powered up = 34120.02
  number of minutes until next internal SMART test = 1

Error counter log:
           Errors Corrected by           Total   Correction     Gigabytes    Total
               ECC          rereads/    errors   algorithm      processed    uncorrected
           fast | delayed   rewrites  corrected  invocations   [10^9 bytes]  errors
read:   248894024        0         0  248894024  248894024      85241.186           2
write:         0        0         0         0          0      30998.996           1
`, tool.Smart{Passed: &yes, Temperature: number(30), Reallocated: count(4), PowerOn: count(34120), Uncorrected: count(3)}},
		"without a sensor": {"Current Drive Temperature:     0 C\nDrive Trip Temperature:        0 C\nAccumulated power on time, hours:minutes 43523:30\n", tool.Smart{PowerOn: count(43523)}},
	} {
		if diff := cmp.Diff(of.want, tool.SmartText(of.text)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestLVMPartial(t *testing.T) {
	var l tool.LVM
	err := l.Read([]byte(`  WARNING: Device for PV hf17cb-h28t-yecH-GcwB-gW3j-KmaL-3ufdVF not found or rejected by a filter.
  VG   #PV #LV #SN Attr   VSize   VFree
  vg0    2   0   0 wz-pn-   1.99g   1.99g
  vg1    1   0   0 wz--n- <10.00g      0
`))
	if err != nil || len(l.VGs) != 2 || l.VGs[0].Missing != 1 || l.VGs[1].Missing != 0 || l.VGs[1].Size != 10<<30 {
		t.Errorf("%v, %+v", err, l.VGs)
	}
}

func TestLVMTruths(t *testing.T) {
	for name, of := range map[string]struct {
		text string
		want tool.LVM
	}{
		"numbers": {`{"report":[{"vg":[{"vg_name":"vg0","vg_uuid":"v0","vg_attr":"wz--n-","vg_exported":"0","vg_clustered":"0","vg_shared":"0"}],
			"pv":[{"pv_name":"/dev/sda","pv_uuid":"p0","pv_attr":"a--","pv_missing":"0"},{"pv_name":"[unknown]","pv_uuid":"p1","pv_attr":"a-m","pv_missing":"1"}]}]}`,
			tool.LVM{VGs: []tool.VG{{Name: "vg0", UUID: "v0"}}, PVs: []tool.PV{{Name: "/dev/sda", UUID: "p0", VG: "vg0", VGUUID: "v0"}, {Name: "[unknown]", UUID: "p1", VG: "vg0", VGUUID: "v0", Missing: true}}}},
		"numbers without quotes": {`{"report":[{"vg":[{"vg_name":"vg0","vg_exported":1,"vg_shared":0,"vg_clustered":-1}]}]}`, tool.LVM{VGs: []tool.VG{{Name: "vg0", Exported: true}}}},
		"words": {`{"report":[{"vg":[{"vg_name":"vg0","vg_exported":"exported","vg_shared":"shared"}],"pv":[{"pv_name":"/dev/sda","pv_missing":""},{"pv_name":"/dev/sdb","pv_missing":"missing"}]}]}`,
			tool.LVM{VGs: []tool.VG{{Name: "vg0", Exported: true, Shared: true}}, PVs: []tool.PV{{Name: "/dev/sda", VG: "vg0"}, {Name: "/dev/sdb", VG: "vg0", Missing: true}}}},
	} {
		var l tool.LVM
		err := l.Read([]byte(of.text))
		if diff := cmp.Diff(of.want, l); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
	}
}

// TestSmartTemperature reads it from where disks have it, if they have a sensor.
func TestSmartTemperature(t *testing.T) {
	for text, want := range map[string]float64{
		`{"temperature":{"current":31,"drive_trip":60},"scsi_environmental_reports":{"temperature_1":{"current":36}}}`: 31,
		`{"scsi_environmental_reports":{"temperature_1":{"parameter_code":0,"current":36}}}`:                           36,
		`{"temperature":{"current":0,"drive_trip":0},"scsi_environmental_reports":{"temperature_1":{"current":36}}}`:   36,
		`{"temperature":{"current":0,"drive_trip":0}}`:                                                                 -1,
		`{"scsi_environmental_reports":{"temperature_1":{"current":-128}}}`:                                            -1,
		`{"scsi_environmental_reports":{"temperature_1":36,"temperature_2":"unknown"}}`:                                -1,
	} {
		got := -1.0 // none
		if s, err := tool.SmartJSON([]byte(text)); err != nil {
			t.Errorf("%s: %v", text, err)
		} else if s.Temperature != nil {
			got = *s.Temperature
		}
		if got != want {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
	}
}

func TestSmartJSON(t *testing.T) {
	s, err := tool.SmartJSON([]byte(`{"smart_status":{"passed":true},"spare_available":{"current_percent":94,"threshold_percent":10},"endurance_used":{"current_percent":7}}`))
	if err != nil || s.Spare == nil || *s.Spare != 94 || s.Used == nil || *s.Used != 7 {
		t.Errorf("%v, %+v", err, s)
	}
}
