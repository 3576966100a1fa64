package linux

import (
	"testing"

	"github.com/faultline-storage/faultline/internal/builtin/linux/fact"
	"github.com/faultline-storage/faultline/sdk/plugin"
	"github.com/faultline-storage/faultline/sdk/plugintest"
)

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

// hostPlugin is the root of one host's session in these tests.
type hostPlugin struct {
	plugin.HostRoot
	HostID int64 `attr:",globalid"`
}

func start(t testing.TB, host int64) *plugintest.Harness {
	t.Helper()
	return plugintest.StartProgram(t, func(more ...plugin.Option) *plugin.Program {
		return plugin.New("linux", 1, append(append(options(), plugin.Reports[hostPlugin]()), more...)...)
	}, &hostPlugin{HostID: host})
}

func report(devices map[fact.Key]*fact.Device) *fact.Report {
	return &fact.Report{Version: fact.Version, Full: true, Devices: devices, Mounts: []fact.Mount{}, Gaps: []fact.Gap{}}
}

func TestMultipath(t *testing.T) {
	h := start(t, 7)
	disk := func(name, address string) *fact.Device {
		return &fact.Device{
			Kind: fact.Disk, Name: name, Path: "/dev/" + name, Size: 1 << 40, Vendor: "ACME", Model: "LUN", Transport: "fc", Address: address, State: "running",
			IDs: fact.IDs{WWID: "3600ace00000000000000000000000001", Page80: "SN-1"},
		}
	}
	r := report(map[fact.Key]*fact.Device{
		"8:0":  disk("sda", "1:0:0:1"),
		"8:16": disk("sdb", "2:0:0:1"),
		"253:0": {
			Kind: fact.Multipath, Name: "dm-0", Path: "/dev/mapper/mpatha", Size: 1 << 40, On: []fact.Key{"8:0", "8:16"},
			Map: &fact.Map{Name: "mpatha", WWID: "3600ace00000000000000000000000001", Paths: []fact.Path{
				{Device: "8:0", Name: "sda", DM: "active", Checker: "ready"}, {Device: "8:16", Name: "sdb", DM: "failed", Checker: "faulty"},
			}},
		},
		"253:1": {Kind: fact.Partition, Name: "dm-1", Path: "/dev/mapper/mpatha1", Size: 1 << 39, Whole: "253:0", Number: 1, FS: &fact.FS{Type: "ext4"}},
		"8:1":   {Kind: fact.Partition, Name: "sda1", Path: "/dev/sda1", Size: 1 << 39, Whole: "8:0", Number: 1},
	})
	r.Mounts = []fact.Mount{{Device: "253:1", Source: "/dev/mapper/mpatha1", Target: "/srv", Type: "ext4"}}
	if err := h.AgentStart(7, r); err != nil {
		t.Fatal(err)
	}
	h.Want("ScsiDevice", 1)
	h.Want("Partition", 1)
	h.Want("LinuxDeviceNode", 5)
	drive := h.Get("ScsiDevice", plugintest.Attrs{"serial": "3600ace00000000000000000000000001"})
	node := func(path string) plugintest.Resource { return h.Get("LinuxDeviceNode", plugintest.Attrs{"path": path}) }
	part := h.Get("Partition", plugintest.Attrs{"filesystem_type": "ext4", "number": 1})
	h.WantParents(node("/dev/sda"), drive)
	h.WantParents(node("/dev/mapper/mpatha"), node("/dev/sda"), node("/dev/sdb"))
	h.WantParents(part, drive)
	h.WantParents(node("/dev/mapper/mpatha1"), part, node("/dev/mapper/mpatha"), node("/dev/sda1"))
	h.WantParents(h.Get("LocalMount", plugintest.Attrs{"mount_point": "/srv", "host_id": 7}), node("/dev/mapper/mpatha1"))
	h.WantAlerts("The path has failed", "Some paths or members of the device have failed")

	turn := h.Turn()
	if err := h.AgentContinue(7, r); err != nil {
		t.Fatal(err)
	}
	if h.Turn() != turn {
		t.Error("an identical report changes something")
	}
	// The other path fails too: the map has failed.
	r2 := &fact.Report{Version: 1, Devices: map[fact.Key]*fact.Device{"8:0": disk("sda", "1:0:0:1")}}
	r2.Devices["8:0"].State = "transport-offline"
	if err := h.AgentContinue(7, r2); err != nil {
		t.Fatal(err)
	}
	h.WantAlerts("All paths have failed", "The path has failed", "The path has failed")
}
