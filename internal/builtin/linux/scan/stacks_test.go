package scan_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/faultline-storage/faultline/internal/builtin/linux/fact"
	"github.com/faultline-storage/faultline/internal/builtin/linux/scan"
	"github.com/faultline-storage/faultline/internal/builtin/linux/scan/capture"
	"github.com/faultline-storage/faultline/internal/builtin/linux/scan/source"
)

// paths writes the paths of a map: name, group, state of the kernel and of the
// checker.
func paths(m *fact.Map) string {
	var all []string
	for _, p := range m.Paths {
		all = append(all, fmt.Sprintf("%s:%d:%s:%s", p.Name, p.Group, p.DM, p.Checker))
	}
	return strings.Join(all, " ")
}

func TestQEMUStacks(t *testing.T) {
	r := captured(t, "vmstack/qemu")
	for name, want := range map[string]string{
		"dm-0":  "sdb:1:failed:faulty sdk:1:active:ready",
		"dm-1":  "sda:1:active:ready sdj:1:active:ready",
		"dm-18": "sdu:1:active:ready sdt:2:active:ready",
	} {
		if got := paths(byName(t, r, name).Map); got != want {
			t.Errorf("%s has the paths %s, want %s", name, got, want)
		}
	}
	if m := byName(t, r, "dm-18").Map; m.Active != 1 || m.Paths[0].Priority != 50 || m.Paths[0].Access != "active/optimized" {
		t.Errorf("mpathb is %+v", m)
	}
	wantGroups := map[string]*fact.Group{
		"rqrw0b-ZN8I-Yrwk-KKAS-Hcyt-81hm-PaMQSA": {Name: "vg_data", Size: 1069547520, Free: 276824064, On: []fact.Key{"254:1"}},
		"8IQfow-butZ-bgaj-1LP3-FymJ-UebP-eBGvoP": {Name: "vg_md", Size: 260046848, Free: 130023424, On: []fact.Key{"9:126"}},
	}
	if diff := cmp.Diff(wantGroups, r.Groups); diff != "" {
		t.Errorf("groups (-want +got):\n%s", diff)
	}
	origin := byName(t, r, "dm-3").Volume
	if snap := byName(t, r, "dm-13").Volume; snap.Type != "snapshot" || snap.Origin != origin.UUID || snap.Layer != "" {
		t.Errorf("the snapshot is %+v of %+v", snap, origin)
	}
	if thin := byName(t, r, "dm-10").Volume; thin.Type != "thin" || thin.Pool != byName(t, r, "dm-9").Volume.UUID {
		t.Errorf("the thin volume is %+v", thin)
	}
	for name, want := range map[string]string{"dm-11": "real", "dm-12": "cow", "dm-8": "tpool", "dm-9": "pool", "dm-7": "tdata", "dm-6": "tmeta"} {
		if got := byName(t, r, name).Volume.Layer; got != want {
			t.Errorf("%s is the layer %q, want %q", name, got, want)
		}
	}
	for name, want := range map[string]fact.Array{
		"md127": {UUID: "d153101f:9fbc2a1c:d508540e:e80b2051", Name: "stackhost:r1", Level: "raid1", Metadata: "1.2", State: "clean", Disks: 2},
		"md125": {UUID: "1c8324f9:83994ed9:4360cd7b:1d2dbbdb", Name: "stackhost:deg", Level: "raid1", Metadata: "1.2", State: "clean", Disks: 2, Degraded: 1},
		"md126": {UUID: "010a8eaf:405b8566:adb81ed9:e1e830ee", Name: "stackhost:r5", Level: "raid5", Metadata: "1.2", State: "clean", Disks: 3},
	} {
		if diff := cmp.Diff(want, *byName(t, r, name).Array, cmpopts.IgnoreFields(fact.Array{}, "Members")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if m := byName(t, r, "md126").Array.Members; m[3].State != "spare" || m[3].Name != "sdq" || m[3].Slot != -1 || m[0].State != "in_sync" {
		t.Errorf("the members of r5 are %+v", m)
	}
	tank, dpool := r.Pools["10613682907706247054"], r.Pools["17119237290458035262"]
	if tank == nil || tank.State != "ONLINE" || len(tank.Vdevs) != 2 || r.Devices[tank.Vdevs[0].Device].Name != "sdh1" || tank.Vdevs[0].Group != "mirror-0" || len(tank.Datasets) != 2 {
		t.Errorf("tank is %+v", tank)
	}
	if dpool == nil || dpool.State != "DEGRADED" || dpool.Vdevs[2].State != "OFFLINE" || !strings.Contains(dpool.Status, "taken offline") {
		t.Errorf("dpool is %+v", dpool)
	}
	if zd := byName(t, r, "zd0"); zd.Pool != "10613682907706247054" || zd.Dataset != "tank/vol" {
		t.Errorf("zd0 is %+v", zd)
	}
	if a, b := byName(t, r, "vda").FS, byName(t, r, "nvme2n1").FS; a.UUID != b.UUID || a.Member == b.Member || b.Label != "pool" {
		t.Errorf("the members of the btrfs are %+v and %+v", a, b)
	}
}

// The same host without the tools, as for an agent that may not use them: what the
// kernel and udev know is there, and gaps say what is not.
func TestQEMUWithoutTools(t *testing.T) {
	if _, err := os.Stat(captures); err != nil {
		t.Skipf("no captures of real hosts at %s: that a real host is reported without its tools is not tested", captures)
	}
	h, err := capture.Open(filepath.Join(captures, "vmstack/qemu"))
	if err != nil {
		t.Fatal(err)
	}
	with := captured(t, "vmstack/qemu")
	r := scan.New(scan.Options{Files: h.Files}).Scan(t.Context())
	checkSound(t, r)
	for key, d := range with.Devices {
		got := r.Devices[key]
		if got == nil || got.Kind != d.Kind || !slices.Equal(slices.Sorted(slices.Values(got.On)), slices.Sorted(slices.Values(d.On))) {
			t.Errorf("%s is %+v without tools, %+v with them", d.Name, got, d)
		}
	}
	for id, g := range with.Groups {
		if got := r.Groups[id]; got == nil || got.Name != g.Name || !slices.Equal(got.On, g.On) {
			t.Errorf("group %s is %+v without tools", g.Name, got)
		}
	}
	// The kernel's mount table has ZFS, and the labels have the pool and its members.
	if p := r.Pools["10613682907706247054"]; p == nil || len(p.Vdevs) != 2 {
		t.Errorf("pool tank is %+v", p)
	}
	parts := map[string]bool{}
	for _, g := range r.Gaps {
		parts[g.Part] = true
	}
	if !parts["devices"] || !parts["groups"] || !parts["pools"] {
		t.Errorf("gaps %v", r.Gaps)
	}
}

// The kernel's tables, where multipathd does not answer, tell the same of paths but
// for what its checkers say.
func TestQEMUTables(t *testing.T) {
	if _, err := os.Stat(captures); err != nil {
		t.Skipf("no captures of real hosts at %s: that the tables of a real host are read is not tested", captures)
	}
	h, err := capture.Open(filepath.Join(captures, "vmstack/qemu"))
	if err != nil {
		t.Fatal(err)
	}
	h.Commands = slices.DeleteFunc(h.Commands, func(c source.Recorded) bool { return strings.HasPrefix(c.Line, "multipath") })
	r := scan.New(scan.Options{Files: h.Files, Commands: h.Commands}).Scan(t.Context())
	for name, want := range map[string]string{
		"dm-0": "sdb:1:failed: sdk:1:active:", "dm-18": "sdu:1:active: sdt:2:active:",
	} {
		if got := paths(byName(t, r, name).Map); got != want {
			t.Errorf("%s has the paths %s, want %s", name, got, want)
		}
	}
}

func TestUML(t *testing.T) {
	r := captured(t, "vmstack/uml-lean")
	kinds := map[fact.Kind]int{}
	failed := 0
	for _, d := range r.Devices {
		kinds[d.Kind]++
		if d.Map != nil {
			for _, p := range d.Map.Paths {
				if p.DM == "failed" {
					failed++
				}
			}
		}
	}
	want := map[fact.Kind]int{fact.Disk: 7, fact.Partition: 2, fact.Multipath: 2, fact.LV: 2, fact.RAID: 1}
	if diff := cmp.Diff(want, kinds); diff != "" || failed != 1 {
		t.Errorf("%d failed paths; kinds of devices (-want +got):\n%s", failed, diff)
	}
	if g := groupNamed(r, "vg_data"); g == nil || len(g.On) != 1 || r.Devices[g.On[0]].Map.Name != "vraid0" {
		t.Errorf("vg_data is %+v", g)
	}
}

// Dumps of an older agent: device lists with the output of scsi_id, and tables of
// device-mapper without UUIDs.
func TestAgentDumps(t *testing.T) {
	const dir = captures + "/dev/linux/iml4"
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("no captures of real hosts at %s: that the devices of real Lustre servers are found is not tested", captures)
	}
	load := func(name string) *fact.Report {
		h, err := capture.Open(filepath.Join(dir, "devices_"+name+".json"))
		if err != nil {
			t.Fatal(err)
		}
		table, err := os.ReadFile(filepath.Join(dir, "dmsetup_"+name+".json"))
		if err != nil {
			t.Fatal(err)
		}
		h.Commands = append(h.Commands, source.Recorded{Line: "dmsetup table", Output: source.Output{Stdout: table}})
		r := scan.New(scan.Options{Files: h.Files, Commands: h.Commands}).Scan(t.Context())
		checkSound(t, r)
		return r
	}
	r := load("1")
	for name, want := range map[string][]fact.Key{"mpath10": {"8:64", "8:80"}, "mpath11": {"8:112", "8:96"}} {
		d := byPath(r, "/dev/mapper/"+name)
		if d == nil || d.Kind != fact.Multipath || !slices.Equal(slices.Sorted(slices.Values(d.On)), want) {
			t.Errorf("%s is %+v, want a map of %v", name, d, want)
			continue
		}
		for _, key := range d.On {
			// The serial number that somebody chose, out of QEMU's.
			if ids := r.Devices[key].IDs; !strings.HasPrefix(ids.Page80, "MPATH-testdev0") || len(ids.Page83) > 0 {
				t.Errorf("%s has the identifiers %+v", key, ids)
			}
		}
	}
	if d := byPath(r, "/dev/mapper/whamvg-OST4"); d == nil || d.Kind != fact.LV || d.Volume.Name != "OST4" || len(d.On) != 2 {
		t.Errorf("a volume of two segments is %+v", d)
	}
	r = load("HYD-1385")
	if d := byPath(r, "/dev/mapper/350014ee2b0a45fecp2"); d == nil || d.Kind != fact.Partition || d.Number != 2 || d.Whole != "253:0" {
		t.Errorf("a partition of a map is %+v", d)
	}
	r = load("HYD-2431")
	if d := byPath(r, "/dev/mapper/vg_mneme-lv_root"); d == nil || d.Kind != fact.LV || !slices.Equal(d.On, []fact.Key{"252:2"}) {
		t.Errorf("the root volume is %+v", d)
	}
	if d := byPath(r, "/dev/disk/by-id/scsi-1ost0004"); d == nil || d.IDs.WWID != "1ost0004" {
		t.Errorf("a disk with a T10 name is %+v", d)
	}
}

// Such a list has arrays by the links that udev makes for them.
func TestAgentArray(t *testing.T) {
	h, err := capture.Document([]byte(`{"block_device_nodes":{"9:127":{"path":"/dev/disk/by-id/md-name-oss:1","size":4096},"8:0":{"path":"/dev/sda","size":4096,"serial_80":"SACME Z1X2Y3"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	r := scan.New(scan.Options{Files: h.Files, Commands: h.Commands}).Scan(t.Context())
	checkSound(t, r)
	if d := byName(t, r, "md127"); d.Kind != fact.RAID || d.Size != 4096 || d.Path != "/dev/disk/by-id/md-name-oss:1" {
		t.Errorf("the array is %+v", d)
	}
}

func TestPowerPath(t *testing.T) {
	const says = `Pseudo name=emcpowera
CLARiiON ID=APM00000000001 [oss1]
Logical device ID=600601603710200011223344AABBCCDD [LUN 17]
state=alive; policy=CLAROpt; queued-IOs=0
Owner: default=SP B, current=SP B       Array failover mode: 4
==============================================================================
--------------- Host ---------------   - Stor -   -- I/O Path --  -- Stats ---
###  HW Path               I/O Paths    Interf.   Mode    State   Q-IOs Errors
==============================================================================
  13 qla2xxx               sda         SP B3     active  alive       0      0
  12 qla2xxx               sdb         SP A3     active  dead        0      3
`
	files := map[string]string{}
	for i, name := range []string{"sda", "sdb", "emcpowera"} {
		dir := "/devices/virtual/block/" + name
		files["/sys"+dir+"/dev"] = []string{"8:0", "8:16", "120:0"}[i]
		files["/sys"+dir+"/size"] = "2048"
		files["/sys/class/block/"+name] = "-> ../.." + dir
	}
	r := scanned(t, files, source.Replay{{Line: "powermt display dev=all", Output: source.Output{Stdout: []byte(says)}}})
	d := byName(t, r, "emcpowera")
	if d.Kind != fact.PowerPath || d.IDs.UUID != "60060160:37102000:11223344:aabbccdd" || d.IDs.WWID != "3600601603710200011223344aabbccdd" ||
		paths(d.Map) != "sda:1:active: sdb:1:failed:" || !slices.Equal(d.On, []fact.Key{"8:0", "8:16"}) {
		t.Errorf("the pseudo device is %+v, map %+v", d, d.Map)
	}
}

// Fixtures of many machines at once, whose devices contradict each other: a scan
// takes what there is.
func TestProcfsFixtures(t *testing.T) {
	r := captured(t, "dev/linux/procfs/fixtures.ttar")
	if len(r.Devices)+len(r.Gaps) == 0 {
		t.Error("nothing was found, and no gap says why")
	}
}

// disksOf makes the files of disks without anything behind them, sda and so on, or of
// devices of other names.
func disksOf(names ...string) map[string]string {
	files := map[string]string{}
	for i, name := range names {
		dir := "/devices/virtual/block/" + name
		files["/sys"+dir+"/dev"] = fmt.Sprintf("8:%d", i*16)
		files["/sys"+dir+"/size"] = "2048"
		files["/sys/class/block/"+name] = "-> ../.." + dir
	}
	return files
}

// Where a member of a pool was that is missing, another disk may be by now.
func TestMissingVdev(t *testing.T) {
	const says = `  pool: tank
 state: DEGRADED
config:

	NAME                     STATE     READ WRITE CKSUM
	tank                     DEGRADED     0     0     0
	  mirror-0               DEGRADED     0     0     0
	    /dev/sda             ONLINE       0     0     0
	    3165029626868217390  UNAVAIL      0     0     0  was /dev/sdb
`
	files := disksOf("sda", "sdb")
	files["/sys/module/zfs/version"] = "2.1.0"
	status := source.Replay{{Line: "zpool status -P", Output: source.Output{Stdout: []byte(says)}}}
	want := []fact.Vdev{
		{Device: "8:0", Path: "/dev/sda", Group: "mirror-0", Role: "data", State: "ONLINE"},
		{Path: "/dev/sdb", GUID: "3165029626868217390", Group: "mirror-0", Role: "data", State: "UNAVAIL"},
	}
	if diff := cmp.Diff(want, scanned(t, files, status).Pools["tank"].Vdevs); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	// It is there again if its label is.
	files["/run/udev/data/b8:16"] = "E:ID_FS_TYPE=zfs_member\nE:ID_FS_LABEL=tank\nE:ID_FS_UUID_SUB=3165029626868217390\n"
	want[1].Device = "8:16"
	if diff := cmp.Diff(want, scanned(t, files, status).Pools["tank"].Vdevs); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// What /proc/mdstat says, where /sys has no folder of the array.
func TestArrayByMDStat(t *testing.T) {
	files := disksOf("sda", "sdb", "sdc", "sdd", "md0")
	files["/proc/mdstat"] = `Personalities : [raid1]
md0 : active raid1 sdd[3] sdc[2] sdb[4](S) sda[0](F)
      1024 blocks super 1.2 [2/1] [U_]
      [=>...................]  recovery =  5.0% (51/1024) finish=80.1min

unused devices: <none>
`
	want := &fact.Array{Level: "raid1", Metadata: "1.2", State: "active", Disks: 2, Degraded: 1, Sync: "recover", Done: 0.05, Members: []fact.Member{
		{Device: "8:0", Name: "sda", Slot: -1, State: "faulty"}, {Device: "8:16", Name: "sdb", Slot: -1, State: "spare"},
		{Device: "8:32", Name: "sdc", Slot: -1, State: "in_sync"}, {Device: "8:48", Name: "sdd", Slot: -1, State: "rebuilding"},
	}}
	if diff := cmp.Diff(want, byName(t, scanned(t, files, nil), "md0").Array); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// What mdadm says for people, where /sys has no folder of the array.
func TestArrayByDetail(t *testing.T) {
	const detail = `/dev/md0:
     Raid Level : raid5
   Raid Devices : 3
          State : clean, FAILED
           UUID : 00112233:44556677:8899aabb:ccddeeff

    Number   Major   Minor   RaidDevice State
       0       8        0        0      active sync   /dev/sda
       -       0        0        1      removed
       -       0        0        2      removed
       1       8       16        -      faulty   /dev/sdb
`
	r := scanned(t, disksOf("sda", "sdb", "md0"), source.Replay{{Line: "mdadm --detail /dev/md0", Output: source.Output{Stdout: []byte(detail)}}})
	want := &fact.Array{UUID: "00112233:44556677:8899aabb:ccddeeff", Level: "raid5", State: "clean", Disks: 3, Degraded: 2, Members: []fact.Member{
		{Device: "8:0", Name: "sda", Slot: 0, State: "in_sync"}, {Device: "8:16", Name: "sdb", Slot: -1, State: "faulty"},
	}}
	if diff := cmp.Diff(want, byName(t, r, "md0").Array); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// tools are recordings that may change between scans.
type tools struct{ source.Replay }

// What LVM's tools say of states where they only read is that they do not know; the
// kernel does.
func TestVolumeStates(t *testing.T) {
	const group = "LVM-aaaaaabbbbccccddddeeeeffffgggggg"
	files := map[string]string{}
	for i, v := range []struct{ name, uuid string }{
		{"vg-mirror", "1"}, {"vg-mirror_rimage_0", "2"}, {"vg-pool", "3-pool"}, {"vg-pool-tpool", "3-tpool"}, {"vg-snap", "4"}, {"vg-root", "5"}, {"vg-wide", "6"}, {"vg-lost", "7"}, {"vg-part", "8"},
	} {
		id, layer, ok := strings.Cut(v.uuid, "-")
		uuid := group + strings.Repeat(id, 32)
		if ok {
			uuid += "-" + layer
		}
		dir := fmt.Sprintf("/devices/virtual/block/dm-%d", i)
		files["/sys"+dir+"/dev"] = fmt.Sprintf("253:%d", i)
		files["/sys"+dir+"/size"] = "2048"
		files["/sys"+dir+"/dm/name"], files["/sys"+dir+"/dm/uuid"] = v.name, uuid
		files[fmt.Sprintf("/sys/class/block/dm-%d", i)] = "-> ../.." + dir
	}
	const lvs = `{"report":[{"lv":[
		{"lv_name":"mirror","lv_uuid":"111111-1111-1111-1111-1111-1111-111111","vg_name":"vg","lv_attr":"rwi-XX-rX-","segtype":"raid1","lv_health_status":"unknown"},
		{"lv_name":"lost","lv_uuid":"777777-7777-7777-7777-7777-7777-777777","vg_name":"vg","lv_attr":"rwi-XX-rp-","segtype":"raid5","lv_health_status":"partial"},
		{"lv_name":"part","lv_uuid":"888888-8888-8888-8888-8888-8888-888888","vg_name":"vg","lv_attr":"rwi-XX-rp-","segtype":"raid5","lv_health_status":"partial"},
		{"lv_name":"wide","lv_uuid":"666666-6666-6666-6666-6666-6666-666666","vg_name":"vg","lv_attr":"rwi-XX-rX-","segtype":"raid5","lv_health_status":"unknown"}]}]}`
	const status = `vg-mirror: 0 2048 raid raid1 2 AD 2048/2048 idle 0 0 -
vg-mirror_rimage_0: 0 2048 linear
vg-pool: 0 2048 linear
vg-pool-tpool: 0 2048 thin-pool 441 697/2048 100/100 - out_of_data_space discard_passdown queue_if_no_space - 1024
vg-snap: 0 2048 snapshot Invalid
vg-root: 0 2048 linear
vg-wide: 0 2048 raid raid5_ls 3 AAa 1024/2048 recover 0 0 -
vg-lost: 0 2048 raid raid5_ls 3 ADD 2048/2048 idle 0 0 -
vg-part: 0 2048 raid raid5_ls 3 ADA 2048/2048 idle 0 0 -
`
	tools := &tools{Replay: source.Replay{
		{Line: "lvs", Output: source.Output{Stdout: []byte(lvs)}}, {Line: "dmsetup status", Output: source.Output{Stdout: []byte(status)}},
	}}
	scanner := scan.New(scan.Options{Files: system(t, files), Commands: tools})
	health := func(r *fact.Report) map[string]string {
		got := map[string]string{}
		for _, d := range r.Devices {
			got[d.Name] = d.Volume.Health
		}
		return got
	}
	got := health(scanner.Scan(t.Context()))
	want := map[string]string{"dm-0": "refresh needed", "dm-1": "", "dm-2": "out_of_data", "dm-3": "out_of_data", "dm-4": "invalid", "dm-5": "", "dm-6": "", "dm-7": "failed", "dm-8": "partial"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("health (-want +got):\n%s", diff)
	}
	// When dmsetup does not answer, they are as they were, and a gap of the group says so:
	// a group that goes then has gone all the same.
	tools.Replay = tools.Replay[:1]
	r := scanner.Scan(t.Context())
	if diff := cmp.Diff(want, health(r)); diff != "" {
		t.Errorf("health without dmsetup (-want +got):\n%s", diff)
	}
	if !slices.ContainsFunc(r.Gaps, func(g fact.Gap) bool { return g.Part == "groups" && g.Of == "aaaaaa-bbbb-cccc-dddd-eeee-ffff-gggggg" }) {
		t.Errorf("gaps %v", r.Gaps)
	}
}

// LVM says "partial" of all that lies on a RAID with a disk less; a pool or a cache bears
// that as the RAID does, and what lost data with the disk does not.
func TestVolumesOfParts(t *testing.T) {
	const group = "LVM-aaaaaabbbbccccddddeeeeffffgggggg"
	const (
		raid   = "0 2048 raid raid1 2 AD 2048/2048 idle 0 0 -"
		pool   = "0 2048 thin-pool 1 1/2048 1/100 - rw discard_passdown queue_if_no_space - 1024"
		linear = "0 2048 linear"
		thin   = "0 2048 thin 1024 2047"
		cached = "0 2048 cache 8 1/2048 128 1/100 0 0 0 0 0 0 0 1 writethrough 2 migration_threshold 2048 smq 0 rw -"
	)
	volumes := []struct {
		name, layer, segtype, health, status string
		on                                   []string
		want                                 string
	}{
		{name: "data", segtype: "thin-pool", health: "partial", layer: "pool", status: linear, on: []string{"data-tpool"}, want: "degraded"},
		{name: "data-tpool", layer: "tpool", health: "partial", segtype: "thin-pool", status: pool, on: []string{"data_tdata", "data_tmeta"}, want: "degraded"},
		{name: "data_tdata", layer: "tdata", segtype: "raid1", health: "partial", status: raid, want: "partial"},
		{name: "data_tmeta", layer: "tmeta", segtype: "linear", status: linear},
		{name: "thin", segtype: "thin", health: "partial", status: thin, on: []string{"data-tpool"}, want: "degraded"},
		{name: "other-tpool", layer: "tpool", segtype: "thin-pool", status: pool, on: []string{"other_tdata"}, want: "degraded"},
		{name: "other_tdata", layer: "tdata", segtype: "raid1", health: "unknown", status: raid, want: "refresh needed"},
		{name: "quiet", segtype: "thin", status: thin, on: []string{"other-tpool"}},
		{name: "gone-tpool", layer: "tpool", segtype: "thin-pool", health: "partial", status: pool, on: []string{"gone_tdata", "gone_tmeta"}, want: "partial"},
		{name: "gone_tdata", layer: "tdata", segtype: "linear", health: "partial", status: linear, want: "partial"},
		{name: "gone_tmeta", layer: "tmeta", segtype: "raid1", health: "partial", status: raid, want: "partial"},
		{name: "fast", segtype: "cache", health: "partial", status: cached, on: []string{"fast_cvol-cdata", "fast_corig"}, want: "degraded"},
		{name: "fast_cvol-cdata", layer: "cdata", segtype: "linear", status: linear},
		{name: "fast_corig", layer: "corig", segtype: "raid6", health: "partial", status: "0 2048 raid raid6_zr 4 AADA 2048/2048 idle 0 0 -", want: "partial"},
		{name: "plain", segtype: "linear", health: "partial", status: linear, want: "partial"},
		{name: "striped", segtype: "raid0", health: "partial", status: "0 2048 raid raid0 2 AA 2048/2048 idle 0 0 -", want: "partial"},
	}
	number := func(name string) int {
		for i, v := range volumes {
			if v.name == name {
				return i
			}
		}
		t.Fatalf("no volume %s", name)
		return 0
	}
	files := map[string]string{}
	var lvs, status []string
	for i, v := range volumes {
		letter := string(rune('A' + i))
		if v.name == "data-tpool" {
			letter = "A" // the pool's layer has its UUID
		}
		id := strings.Repeat(letter, 32)
		uuid := group + id
		if v.layer != "" {
			uuid += "-" + v.layer
		}
		dir := fmt.Sprintf("/devices/virtual/block/dm-%d", i)
		files["/sys"+dir+"/dev"] = fmt.Sprintf("253:%d", i)
		files["/sys"+dir+"/size"] = "2048"
		// A hyphen of a layer stands alone, one of a name would be double.
		files["/sys"+dir+"/dm/name"], files["/sys"+dir+"/dm/uuid"] = "vg-"+v.name, uuid
		files[fmt.Sprintf("/sys/class/block/dm-%d", i)] = "-> ../.." + dir
		for _, on := range v.on {
			files[fmt.Sprintf("/sys%s/slaves/dm-%d", dir, number(on))] = fmt.Sprintf("-> ../../dm-%d", number(on))
		}
		status = append(status, "vg-"+v.name+": "+v.status)
		id = id[:6] + "-" + strings.Repeat(id[:4]+"-", 5) + id[:6]
		lvs = append(lvs, fmt.Sprintf(`{"lv_name":"%s","lv_uuid":"%s","vg_name":"vg","lv_attr":"rwi-XX--X-","segtype":"%s","lv_health_status":"%s"}`, v.name, id, v.segtype, v.health))
	}
	r := scanned(t, files, source.Replay{
		{Line: "lvs", Output: source.Output{Stdout: []byte(`{"report":[{"lv":[` + strings.Join(lvs, ",") + `]}]}`)}},
		{Line: "dmsetup status", Output: source.Output{Stdout: []byte(strings.Join(status, "\n") + "\n")}},
	})
	for i, v := range volumes {
		if got := byName(t, r, fmt.Sprintf("dm-%d", i)).Volume.Health; got != v.want {
			t.Errorf("%s is %q, want %q", v.name, got, v.want)
		}
	}
}
