package linux

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/faultline-storage/faultline/internal/builtin/linux/fact"
	"github.com/faultline-storage/faultline/sdk/plugintest"
	"github.com/faultline-storage/faultline/sdk/wire"
)

type attrs = plugintest.Attrs

// TestManifest: the declarations are sound.
func TestManifest(t *testing.T) {
	m, problems := Program().Manifest()
	for _, p := range problems {
		t.Errorf("%s:%d: %s: %s %s", p.File, p.Line, p.Where, p.Text, p.Fix)
	}
	if len(problems) == 0 && len(m.Classes) < 20 {
		t.Errorf("%d classes", len(m.Classes))
	}
}

func node(h *plugintest.Harness, path string) plugintest.Resource {
	return h.Get("LinuxDeviceNode", attrs{"path": path})
}

// mapped is a host with a LUN of two paths, a map and a partition that is mounted.
func mapped() *fact.Report {
	r := full(devices{
		"8:0": disk("sda", 1), "8:16": disk("sdb", 1), "253:0": multipath(0, "mpatha", "8:0", "8:16"),
		"8:1": partition("sda1", "8:0", 1), "253:1": partition("mapper/mpatha1", "253:0", 1),
	}, fact.Mount{Device: "253:1", Source: "/dev/mapper/mpatha1", Target: "/srv", Type: "ext4"})
	r.Devices["253:1"].FS = &fact.FS{Type: "ext4"}
	return r
}

func TestMultipath(t *testing.T) {
	h := started(t, mapped())
	h.Want("ScsiDevice", 1)
	h.Want("LinuxDeviceNode", 5)
	drive := h.Get("ScsiDevice", attrs{"serial": "3600ace0000000000000000000000a001", "wwn": "600ace0000000000000000000000a001", "usable_for_lustre": true})
	part := h.Get("Partition", attrs{"filesystem_type": "ext4", "number": 1, "container": drive})
	if part.Label != drive.Label+"-1" {
		t.Errorf("the partition is called %q", part.Label)
	}
	h.WantParents(part, drive)
	h.WantParents(node(h, "/dev/sda"), drive)
	h.WantParents(node(h, "/dev/mapper/mpatha"), node(h, "/dev/sda"), node(h, "/dev/sdb"))
	h.WantParents(node(h, "/dev/sda1"), part, node(h, "/dev/sda"))
	h.WantParents(node(h, "/dev/mapper/mpatha1"), part, node(h, "/dev/mapper/mpatha"), node(h, "/dev/sda1"))
	h.WantParents(h.Get("LocalMount", attrs{"mount_point": "/srv", "host_id": 7, "device": "/dev/mapper/mpatha1"}), node(h, "/dev/mapper/mpatha1"))
	h.WantAlerts()

	turn := h.Turn()
	next(t, h, mapped())
	if h.Turn() != turn {
		t.Error("an identical report changes something")
	}

	// A path fails: a warning on it and on the map. All fail: an error on the map.
	one := multipath(0, "mpatha", "8:0", "8:16")
	one.Map.Paths[1].DM, one.Map.Paths[1].Checker = "failed", "faulty"
	next(t, h, changed(devices{"253:0": one}))
	h.WantAlerts("The path has failed", "Some paths or members of the device have failed")
	h.Get("LinuxDeviceNode", attrs{"path": "/dev/mapper/mpatha", "status_text": "8:16: faulty"})
	sda := disk("sda", 1)
	sda.State = "transport-offline"
	next(t, h, changed(devices{"8:0": sda}))
	h.WantAlerts("All paths have failed", "The path has failed", "The path has failed")
	if a := h.Alerts()[0]; a.Severity != "error" || a.Resource.Label != "/dev/mapper/mpatha" {
		t.Errorf("%+v", a)
	}

	// The paths vanish one after the other, as after dev_loss_tmo: the map keeps its
	// drive, and the drive what lies on it.
	gone := multipath(0, "mpatha")
	next(t, h, changed(devices{"253:0": gone, "8:0": nil, "8:1": nil, "8:16": nil}))
	h.Want("ScsiDevice", 1)
	h.WantParents(node(h, "/dev/mapper/mpatha"), h.Get("ScsiDevice", attrs{"serial": "3600ace0000000000000000000000a001"}))
	h.Want("Partition", 1)
	h.WantAlerts("All paths have failed")
}

// TestMapWithoutPaths: a first report with a map that has no path does not know
// the drive, and so does not say that the drive is gone.
func TestMapWithoutPaths(t *testing.T) {
	h := started(t, full(devices{"253:0": multipath(0, "mpatha"), "253:1": partition("mapper/mpatha1", "253:0", 1)}))
	if h.Complete() || len(h.Incomplete()) != 1 || !strings.Contains(h.Incomplete()[0], "mpatha has no path") {
		t.Errorf("complete %v: %q", h.Complete(), h.Incomplete())
	}
	h.Want("LinuxDeviceNode", 2)
	h.WantAlerts("All paths have failed")
}

// TestBarePaths: two hosts' worth of paths without multipathd: a drive for each
// serial, a node for each path.
func TestBarePaths(t *testing.T) {
	h := started(t, full(devices{"8:0": disk("sda", 1), "8:16": disk("sdb", 2), "8:32": disk("sdc", 1), "8:48": disk("sdd", 2)}))
	h.Want("ScsiDevice", 2)
	h.Want("LinuxDeviceNode", 4)
	h.WantParents(node(h, "/dev/sdc"), h.Get("ScsiDevice", attrs{"serial": "3600ace0000000000000000000000a001"}))
}

// TestComingAndGoing: multipath starts and stops: what is known goes and comes, and
// no more than that.
func TestComingAndGoing(t *testing.T) {
	h := started(t, mapped())
	before := shape(t, h)
	next(t, h, &fact.Report{Version: 1, Devices: devices{"253:0": nil, "253:1": nil}, Mounts: []fact.Mount{}})
	h.Want("LinuxDeviceNode", 3)
	h.Want("LocalMount", 0)
	h.Want("Partition", 1)
	next(t, h, mapped())
	if d := cmp.Diff(before, shape(t, h)); d != "" {
		t.Error(d)
	}
}

func TestStacks(t *testing.T) {
	r := full(devices{
		"8:0": disk("sda", 1), "8:16": disk("sdb", 2), "8:32": disk("sdc", 3), "8:48": disk("sdd", 4),
		"9:0":   md("md0", "raid1", "8:0", "8:16"),
		"9:1":   partition("md0p1", "9:0", 1),
		"253:5": on(fact.Crypt, "dm-5", "9:1"),
		"253:6": lv("data", "vg", "253:5"),
		"7:0":   {Kind: fact.Loop, Name: "loop0", Path: "/dev/loop0", Size: 1 << 20, File: "/srv/images/x.img"},
		"253:7": lv("swap", "vg", "253:5"),
	}, fact.Mount{Device: "253:6", Source: "/dev/mapper/vg-data", Target: "/srv", Type: "xfs"},
		fact.Mount{Device: "253:7", Source: "/dev/mapper/vg-swap", Target: "swap", Type: "swap"})
	r.Groups = map[string]*fact.Group{"vg": {Name: "vg", Size: 1 << 40, Free: 1 << 30, On: []fact.Key{"253:5"}}}
	h := started(t, r)
	get := func(class string) plugintest.Resource { return h.Get(class, attrs{}) }
	array, part, crypt, group := get("MdRaid"), get("Partition"), get("CryptDevice"), get("LvmGroup")
	data := h.Get("LvmVolume", attrs{"name": "data"})
	member := func(of string, drive plugintest.Resource) plugintest.Resource {
		return h.Get("StackMember", attrs{"of": of, "logical_drive": drive})
	}
	a, b := h.Get("ScsiDevice", attrs{"unit_serial": "SN-1001"}), h.Get("ScsiDevice", attrs{"unit_serial": "SN-1002"})
	h.WantParents(array, member("md", a), member("md", b))
	h.WantParents(member("md", a), a)
	h.WantParents(part, array)
	h.WantParents(member("crypt", part), part)
	h.WantParents(crypt, member("crypt", part))
	h.WantParents(group, member("lvm", crypt))
	h.WantParents(data, group)
	if data.Label != "vg-data" {
		t.Errorf("the volume is called %q", data.Label)
	}
	// The host's own chain, from node to node.
	h.WantParents(node(h, "/dev/md0"), array, node(h, "/dev/sda"), node(h, "/dev/sdb"))
	h.WantParents(node(h, "/dev/dm-5"), crypt, node(h, "/dev/md0p1"))
	h.WantParents(node(h, "/dev/mapper/vg-data"), data, node(h, "/dev/dm-5"))
	mount := h.Get("LocalMount", attrs{"mount_point": "/srv"})
	h.WantParents(mount, node(h, "/dev/mapper/vg-data"))
	h.WantParents(get("SwapArea"), node(h, "/dev/mapper/vg-swap"))
	h.WantParents(node(h, "/dev/loop0"), get("LoopDevice"), mount)
	h.WantAlerts()

	// A member fails, the array is degraded; the other follows, it has failed.
	broken := md("md0", "raid1", "8:0", "8:16")
	broken.Array.Degraded, broken.Array.Members[1] = 1, fact.Member{Device: "8:16", Name: "sdb", Slot: -1, State: "faulty"}
	sdb := disk("sdb", 2)
	sdb.State = "offline"
	next(t, h, changed(devices{"9:0": broken, "8:16": sdb}))
	h.WantAlerts("The array has lost members", "The member is faulty", "The device does not work; what it is a member of has others")
	for _, a := range h.Alerts() {
		if a.Severity != "warning" {
			t.Errorf("%s: %s", a.Severity, a.Message)
		}
	}
	broken = md("md0", "raid1", "8:0")
	broken.Array.Disks, broken.Array.Degraded = 2, 2
	broken.Array.Members = append(broken.Array.Members, fact.Member{Name: "sdb", Slot: -1, State: "faulty"})
	next(t, h, changed(devices{"9:0": broken, "8:16": nil}))
	h.WantAlerts("The array has failed", "A member is missing or does not work")
}

// TestSignatures: a drive is occupied on a host that sees no more of a stack than
// what is written on the disk.
func TestSignatures(t *testing.T) {
	pv, raid := disk("sda", 1), disk("sdb", 2)
	pv.FS = &fact.FS{Type: "LVM2_member", UUID: "abc"}
	raid.FS = &fact.FS{Type: "linux_raid_member", UUID: "00000001-0002-0003-0004-000500060007", Label: "srv:0"}
	h := started(t, full(devices{"8:0": pv, "8:16": raid}))
	h.Want("StackMember", 2)
	array := h.Get("MdRaid", attrs{"uuid": "00000001:00020003:00040005:00060007"})
	h.WantParents(array, h.Get("StackMember", attrs{"of": "md"}))
	h.WantAlerts()
	if _, says := array.Attributes["status"]; says {
		t.Error("a host that has not assembled an array passes a verdict on it")
	}

	// An array that this host gives up stays as it was.
	on := md("md0", "raid1", "8:16")
	on.Array.UUID = "00000001:00020003:00040005:00060007"
	next(t, h, changed(devices{"9:0": on}))
	before := h.Get("MdRaid", attrs{"status": "ok", "level": "raid1"})
	next(t, h, changed(devices{"9:0": nil}))
	if d := cmp.Diff(before.Attributes, h.Get("MdRaid", attrs{}).Attributes); d != "" {
		t.Error(d)
	}
}

func TestZFS(t *testing.T) {
	pool := func(state string) *fact.Pool {
		return &fact.Pool{
			Name: "tank", State: state, Size: 1 << 40, Free: 1 << 39,
			Vdevs: []fact.Vdev{
				{Device: "8:0", Path: "/dev/sda", GUID: "1", Group: "mirror-0", Role: "data", State: "ONLINE"},
				{Path: "/dev/disk/by-id/gone", GUID: "2", Group: "mirror-0", Role: "data", State: "UNAVAIL"},
			},
			Datasets: []fact.Dataset{{Name: "tank"}, {Name: "tank/home", Used: 5, Avail: 10, Mount: "/home"}, {Name: "tank/ost0", Lustre: true}},
		}
	}
	r := full(devices{
		"8:0":   disk("sda", 1),
		"230:0": {Kind: fact.Zvol, Name: "zd0", Path: "/dev/zd0", Size: 1 << 30, Pool: "99", Dataset: "tank/vol"},
	}, fact.Mount{Dataset: "tank/home", Source: "tank/home", Target: "/home", Type: "zfs"})
	r.Pools = map[string]*fact.Pool{"99": pool("DEGRADED")}
	h := started(t, r)
	p := h.Get("ZfsPool", attrs{"guid": "99", "name": "tank", "status": "degraded"})
	missing := h.Get("MissingMember", attrs{"name": "/dev/disk/by-id/gone"})
	member := h.Get("StackMember", attrs{"of": "zfs"})
	h.WantParents(p, member, missing)
	h.Want("ZfsDataset", 2)
	home := h.Get("ZfsDataset", attrs{"name": "tank/home", "pool_guid": "99", "usable_for_lustre": false, "size": 15})
	h.WantParents(home, p)
	h.WantParents(node(h, "tank"), p, node(h, "/dev/sda"))
	h.WantParents(node(h, "tank/home"), home, node(h, "tank"))
	h.WantParents(h.Get("LocalMount", attrs{"mount_point": "/home"}), node(h, "tank/home"))
	h.WantParents(node(h, "/dev/zd0"), h.Get("ZfsVol", attrs{"name": "tank/vol"}), node(h, "tank"))
	h.Want("ZfsDataset", attrs{"name": "tank/ost0", "lustre": true})
	h.WantAlerts("The pool is degraded", "A member is missing or does not work")

	// Another host takes the pool over: this one says no more of it, and takes
	// nothing back.
	gone := changed(devices{"230:0": nil})
	gone.Mounts = []fact.Mount{}
	gone.Pools = map[string]*fact.Pool{"99": {Name: "tank", State: fact.Exported, Vdevs: []fact.Vdev{{Device: "8:0", Path: "/dev/sda"}}}}
	next(t, h, gone)
	h.Want("ZfsPool", attrs{"guid": "99", "state": "DEGRADED", "size": 1 << 40})
	h.Want("ZfsDataset", 2)
	h.Want("LinuxDeviceNode", attrs{"path": "tank", "status_text": "not imported here"})
	h.Want("StackMember", attrs{"of": "zfs", "status": "ok"})
}

func TestNVMe(t *testing.T) {
	ns := func(states ...string) *fact.Device {
		d := &fact.Device{
			Kind: fact.Disk, Name: "nvme0n1", Path: "/dev/nvme0n1", Size: 1 << 40, Model: "ACME SSD", Transport: "tcp",
			IDs:  fact.IDs{WWID: "uuid.6b9d9d0e-2a4c-4f1e-9a55-0d7e3c1f0001", Serial: "S-77001"},
			NVMe: &fact.NVMe{NQN: "nqn.2026-01.example:sub", Namespace: 1},
		}
		for i, s := range states {
			d.NVMe.Controllers = append(d.NVMe.Controllers, fact.Controller{Name: "nvme" + string(rune('0'+i)), State: s, Transport: "tcp", Address: "traddr=10.0.0." + string(rune('1'+i))})
		}
		return d
	}
	h := started(t, full(devices{"259:0": ns("live", "live")}))
	drive := h.Get("NvmeNamespace", attrs{"serial": "uuid.6b9d9d0e-2a4c-4f1e-9a55-0d7e3c1f0001", "subsystem": "nqn.2026-01.example:sub"})
	h.Want("NvmeController", 2)
	c := h.Resources("NvmeController")
	h.WantParents(node(h, "/dev/nvme0n1"), drive, c[0], c[1])
	h.WantAlerts()
	next(t, h, changed(devices{"259:0": ns("live", "connecting")}))
	h.WantAlerts("The path has failed", "Some paths or members of the device have failed")
	next(t, h, changed(devices{"259:0": ns("dead", "connecting")}))
	h.WantAlerts("All paths have failed", "The path has failed", "The path has failed")
	sick := ns("live", "live")
	sick.Health = &fact.Health{Warnings: []string{"the media are read-only"}}
	next(t, h, changed(devices{"259:0": sick}))
	h.WantAlerts("The disk reports that it is failing")
	if h.Alerts()[0].Severity != "error" {
		t.Errorf("%+v", h.Alerts()[0])
	}
}

func TestEnclosure(t *testing.T) {
	celsius := 41.0
	box := func(fan string) *fact.Enclosure {
		return &fact.Enclosure{Vendor: "ACME", Model: "JBOD", Serial: "J1", Status: "CRITICAL", Elements: []fact.Element{
			{Type: "slot", Index: 0, Name: "Slot 00", Status: "OK", Device: "8:0"},
			{Type: "slot", Index: 1, Name: "Slot 01", Status: "OK", SAS: "0x5000c500a0000002", Fault: true},
			{Type: "fan", Index: 0, Status: fan}, {Type: "fan", Index: 1, Status: "Critical"},
			{Type: "psu", Index: 0, Status: "OK"}, {Type: "psu", Index: 1, Status: "Not installed"},
			{Type: "temperature", Index: 0, Status: "OK", Value: &celsius},
			{Type: "voltage", Index: 0, Status: "OK"}, {Type: "current", Index: 0, Status: "OK"},
		}}
	}
	sdb := disk("sdb", 2)
	sdb.IDs.SAS = "5000c500a0000002"
	r := full(devices{"8:0": disk("sda", 1), "8:16": sdb})
	r.Enclosures = map[string]*fact.Enclosure{"5000ace000000001": box("OK")}
	h := started(t, r)
	e := h.Get("Enclosure", attrs{"identifier": "5000ace000000001"})
	slot := func(i int) plugintest.Resource { return h.Get("EnclosureSlot", attrs{"index": i}) }
	h.WantParents(h.Get("ScsiDevice", attrs{"unit_serial": "SN-1001"}), slot(0))
	h.WantParents(h.Get("ScsiDevice", attrs{"unit_serial": "SN-1002"}), slot(1))
	h.WantParents(slot(0), e)
	h.Want("EnclosureElement", 2)
	parents := []plugintest.Resource{}
	for _, class := range []string{"EnclosureFan", "PowerSupply", "TemperatureSensor", "EnclosureElement"} {
		parents = append(parents, h.Resources(class)...)
	}
	h.WantParents(e, parents...)
	if s := h.Samples(h.Get("TemperatureSensor", attrs{}), "temperature"); len(s) != 1 {
		t.Errorf("%d samples", len(s))
	}
	h.WantAlerts("The fan reports a problem", "The slot's fault light is on", "The enclosure reports a problem")
	for _, a := range h.Alerts() {
		if a.Severity != "warning" {
			t.Errorf("%s: %s", a.Severity, a.Message)
		}
	}
	next(t, h, &fact.Report{Version: 1, Enclosures: map[string]*fact.Enclosure{"5000ace000000001": box("Unrecoverable")}})
	if a := h.Alerts()[0]; a.Severity != "error" || a.Message != "The fan reports a problem" {
		t.Errorf("%+v", a)
	}
}

func TestHealth(t *testing.T) {
	no, hot, pending := false, 66.0, int64(8)
	sick := disk("sda", 1)
	sick.Health = &fact.Health{Passed: &no, Temperature: &hot, Pending: &pending}
	h := started(t, full(devices{"8:0": sick}))
	h.WantAlerts("The disk reports that it is failing", "The disk is hot", "The disk has sectors that it cannot read")

	// A disk that sleeps has not become well, nor one that nobody could ask.
	asleep := disk("sda", 1)
	asleep.Health = &fact.Health{Asleep: true}
	next(t, h, changed(devices{"8:0": asleep}))
	h.Want("ScsiDevice", attrs{"health": "failing", "pending": 8})
	hidden := full(devices{"8:0": disk("sda", 1)})
	hidden.Gaps = []fact.Gap{{Part: "health", Text: "smartctl is not installed"}}
	next(t, h, hidden)
	h.Want("ScsiDevice", attrs{"health": "failing"})
	// Another disk with the same number is another disk.
	next(t, h, changed(devices{"8:0": disk("sda", 9)}))
	h.WantAlerts()
}

// TestGaps: what a gap hides stays, what a full report leaves out goes.
func TestGaps(t *testing.T) {
	h := started(t, mapped())
	gap := full(devices{"8:0": disk("sda", 1)})
	gap.Mounts, gap.Gaps = nil, []fact.Gap{{Part: "devices", Text: "udev timed out"}, {Part: "mounts", Text: "no /proc"}}
	before := shape(t, h)
	next(t, h, gap)
	if d := cmp.Diff(before, shape(t, h)); d != "" {
		t.Error(d)
	}
	if !slices.ContainsFunc(h.Logs(), func(l wire.LogRecord) bool { return strings.Contains(l.Message, "udev timed out") }) {
		t.Error("the gap is not in the log")
	}
	of := full(devices{"8:0": disk("sda", 1)})
	of.Gaps = []fact.Gap{{Part: "devices", Of: "8:16", Text: "it does not answer"}}
	next(t, h, of)
	h.Want("LinuxDeviceNode", 2)

	// A session that begins with a gap takes nothing back.
	h = started(t, gap)
	if h.Complete() || len(h.Incomplete()) != 2 {
		t.Errorf("complete %v: %q", h.Complete(), h.Incomplete())
	}
}

// TestCircle: facts that contradict themselves keep nothing out.
func TestCircle(t *testing.T) {
	h := started(t, full(devices{
		"253:0": on(fact.Crypt, "dm-0", "253:1"), "253:1": on(fact.Crypt, "dm-1", "253:0"), "253:2": on(fact.Mapper, "dm-2", "253:2", "1:99"),
		"253:3": multipath(3, "a", "253:3"), "253:4": partition("x1", "253:4", 1),
	}))
	h.Want("LinuxDeviceNode", 5)
	h.Want("CryptDevice", 2)
}

// TestOddities: what host reports hold that should not be.
func TestOddities(t *testing.T) {
	h := started(t, full(devices{
		"8:0": disk("sda", 1), "8:16": {Kind: fact.Disk, Name: "sdb", Path: "/dev/sda", Size: 7}, "1:1": {}, "11:0": {Kind: fact.Disk, Name: "sr0", Path: "/dev/sr0", Removable: true},
		"8:17": partition("sdz1", "8:99", 1), "253:1": lv("lost", "", "8:0"), "230:0": {Kind: fact.Zvol, Name: "zd0", Size: 5},
		"9:0": {Kind: fact.RAID, Name: "md0", Size: 5}, "253:9": {Kind: fact.Multipath, Name: "dm-9", Size: 5},
	}, fact.Mount{Source: "/dev/nowhere", Target: "/x", Type: "ext4"}))
	h.Want("LinuxDeviceNode", 8)
	h.Want("LinuxDeviceNode", attrs{"path": "/dev/sdb", "name": "sdb"})
	h.Want("LocalMount", attrs{"device": "/dev/nowhere"})
	next(t, h, full(nil))
	h.Want("LinuxDeviceNode", 0)

	for text, want := range map[string]string{
		`{"devices":{}}`: "no version",
		`{"version":9}`:  "version 9, and this server reads versions up to 1",
		`{"version":1,"devices":{"8:0":{"size":"big"}}}`: "devices.size is string",
		`[1]`: "cannot be read",
	} {
		if _, err := decode([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestVolumeStatus(t *testing.T) {
	for _, of := range []struct {
		kind, health string
		want         StackStatus
	}{
		{"raid1", "", StackOK}, {"raid1", "refresh needed", StackDegraded}, {"raid1", "partial", StackDegraded}, {"raid5", "failed", StackFailed},
		{"linear", "partial", StackFailed}, {"snapshot", "invalid", StackFailed}, {"thin-pool", "out_of_data", StackFailed},
	} {
		var r LvmVolume
		describeVolume(&r, &fact.Volume{Type: of.kind, Health: of.health})
		if r.Status != of.want || r.StatusText != of.health {
			t.Errorf("%s, %q: %s, %q, want %s", of.kind, of.health, r.Status, r.StatusText, of.want)
		}
	}
}

func TestLVM(t *testing.T) {
	r := full(devices{
		"8:0": disk("sda", 1), "8:16": disk("sdb", 2),
		"253:0": lv("pool_tdata", "vg", "8:0"), "253:1": lv("pool", "vg", "253:0"), "253:2": lv("thin", "vg", "253:1"),
	})
	r.Devices["253:0"].Volume = &fact.Volume{Group: "vg", UUID: "uuid-pool", Name: "pool", Layer: "tdata"}
	r.Devices["253:1"].Volume.Type = "thin-pool"
	r.Devices["253:2"].Volume.Pool = "uuid-pool"
	r.Groups = map[string]*fact.Group{"vg": {
		Name: "vg0", On: []fact.Key{"8:0"}, Missing: 1,
		Inactive: []fact.Volume{{Group: "vg", UUID: "uuid-old", Name: "old", Health: "partial", Type: "linear", Size: 99}, {Group: "vg", UUID: "uuid-m", Name: "m", Health: "partial", Type: "raid1"}},
	}}
	h := started(t, r)
	h.Want("LvmVolume", 4)
	pool, thin := h.Get("LvmVolume", attrs{"name": "pool", "usable_for_lustre": false}), h.Get("LvmVolume", attrs{"name": "thin", "usable_for_lustre": true})
	h.WantParents(thin, h.Get("LvmGroup", attrs{"name": "vg0", "missing": 1}), h.Get("StackMember", attrs{"of": "thin"}))
	h.WantParents(h.Get("StackMember", attrs{"of": "thin"}), pool)
	h.Want("LvmVolume", attrs{"name": "old", "size": 99, "status": "failed"})
	h.Want("LvmVolume", attrs{"name": "m", "status": "degraded"})
	h.WantParents(node(h, "/dev/mapper/vg-thin"), thin, node(h, "/dev/mapper/vg-pool"))
	h.WantAlerts("The volume lacks parts of its data", "The volume has lost some of its redundancy", "Physical volumes are missing")

	// Without LVM's tools the volumes are the same ones.
	r.Groups = nil
	again := started(t, r)
	again.Want("LvmVolume", 2)
	again.Want("LvmVolume", attrs{"uuid": "uuid-thin"})
	again.WantParents(again.Get("LvmGroup", attrs{"uuid": "vg"}), again.Get("StackMember", attrs{"of": "lvm"}))
}

func TestBtrfs(t *testing.T) {
	a, b := disk("sda", 1), disk("sdb", 2)
	a.FS = &fact.FS{Type: "btrfs", UUID: "u"}
	b.FS = &fact.FS{Type: "btrfs", UUID: "u"}
	h := started(t, full(devices{"8:0": a, "8:16": b}, fact.Mount{Device: "8:0", Source: "/dev/sda", Target: "/btr", Type: "btrfs"}))
	h.WantParents(h.Get("LocalMount", attrs{}), node(h, "/dev/sda"), node(h, "/dev/sdb"))
}

func TestLustreAndClusters(t *testing.T) {
	r := full(devices{"8:0": disk("sda", 1)}, fact.Mount{Device: "8:0", Source: "/dev/sda", Target: "/mnt/ost0", Type: "lustre"})
	r.Cluster = &fact.Cluster{Name: "hacluster", Nodes: []string{"b", "a"}}
	h := started(t, r)
	h.Want("LocalMount", 0)
	h.WantParents(h.Get("LustreMount", attrs{"mount_point": "/mnt/ost0", "host_id": 7}), node(h, "/dev/sda"))
	h.Want("ClusterMembership", attrs{"ha_cluster": "hacluster", "ha_nodes": "a b", "host_id": 7})
	next(t, h, &fact.Report{Version: 1, Cluster: &fact.Cluster{}})
	h.Want("ClusterMembership", 0)
}
