package linux

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/faultline-storage/faultline/internal/builtin/linux/fact"
	"github.com/faultline-storage/faultline/internal/builtin/linux/scan"
	"github.com/faultline-storage/faultline/internal/builtin/linux/scan/capture"
	"github.com/faultline-storage/faultline/sdk/plugintest"
	"github.com/faultline-storage/faultline/sdk/wire"
)

// captures is where captures of real hosts are, outside the repository.
const captures = "../../../../shared/realdata"

func captured(t *testing.T, name string) *fact.Report {
	t.Helper()
	if _, err := os.Stat(captures); err != nil {
		t.Skipf("no captures of real hosts at %s: what becomes of %s is not tested", captures, name)
	}
	h, err := capture.Open(filepath.Join(captures, name))
	if err != nil {
		t.Fatal(err)
	}
	return scan.New(scan.Options{Files: h.Files, Commands: h.Commands}).Scan(t.Context())
}

// world is what a session reported of a host, to walk in.
type world struct {
	*names
	t *testing.T
}

func worldOf(t *testing.T, capture string) *world {
	t.Helper()
	r := captured(t, capture)
	h := started(t, r)
	w := &world{namesOf(h), t}
	// What holds for every host: a node for each device, each with its drive, and
	// nothing that the plugin finds odd.
	nodes := 0
	for _, x := range w.known {
		if x.Class == "LinuxDeviceNode" && x.Attributes["device_number"] != nil {
			nodes++
			if x.Attributes["logical_drive"] == nil {
				t.Errorf("%s has no drive", x.Label)
			}
		}
	}
	if nodes > len(r.Devices) || nodes == 0 && len(r.Devices) > 0 {
		t.Errorf("%d nodes of %d devices", nodes, len(r.Devices))
	}
	for _, l := range h.Logs() {
		if !strings.Contains(l.Message, "incomplete") {
			t.Errorf("%s: %s", l.Level, l.Message)
		}
	}
	turn := h.Turn()
	next(t, h, r)
	if h.Turn() != turn {
		t.Error("the same report again changes something")
	}
	return w
}

// find returns the resource of a class with the label, or else the one whose label
// has the text in it.
func (w *world) find(class, label string) plugintest.Resource {
	w.t.Helper()
	var found []plugintest.Resource
	for _, r := range w.known {
		switch {
		case r.Class != class:
		case r.Label == label:
			return r
		case strings.Contains(r.Label, label):
			found = append(found, r)
		}
	}
	if len(found) != 1 {
		w.t.Fatalf("%d resources %s %q", len(found), class, label)
	}
	return found[0]
}

// causes returns what a resource depends on, as "Class label".
func (w *world) causes(r plugintest.Resource) map[string]bool {
	seen := map[string]bool{}
	var up func(plugintest.Resource)
	up = func(r plugintest.Resource) {
		for _, p := range r.Parents {
			x := w.known[p]
			if name := x.Class + " " + x.Label; !seen[name] {
				seen[name] = true
				up(x)
			}
		}
	}
	up(r)
	return seen
}

// wantCauses checks what a resource depends on and, after a minus, what it does
// not.
func (w *world) wantCauses(class, label string, want ...string) {
	w.t.Helper()
	causes := w.causes(w.find(class, label))
	for _, name := range want {
		name, not := strings.CutPrefix(name, "-")
		if causes[name] == not {
			w.t.Errorf("%s %s: depends on %s: %v; all of it: %v", class, label, name, !not, slices.Sorted(maps.Keys(causes)))
		}
	}
}

// wantFree checks which drives nothing occupies, as volumes do: nothing that
// occupies, and no slice, group or other drive lies below the drive or below its
// nodes. Drives that no node but those of others presents are left out.
func (w *world) wantFree(want ...string) {
	w.t.Helper()
	children := map[int64][]plugintest.Resource{}
	for _, r := range w.known {
		for _, p := range r.Parents {
			children[p] = append(children[p], r)
		}
	}
	is := func(r plugintest.Resource, base string) bool { return slices.Contains(w.classes[r.Class].Bases, base) }
	var free []string
	for handle, r := range w.known {
		if !is(r, wire.BaseLogicalDrive) {
			continue
		}
		taken, leaf := false, false
		var down func(r plugintest.Resource, node bool)
		down = func(r plugintest.Resource, node bool) {
			built := false
			for _, c := range children[r.Handle] {
				switch {
				case is(c, wire.BaseLogicalDriveOccupier), is(c, wire.BaseLogicalDriveSlice), is(c, wire.BaseStoragePool), is(c, wire.BaseLogicalDrive) && node:
					taken = true
				case is(c, wire.BaseDeviceNode):
					built = built || node
					down(c, true)
				}
			}
			if node && !built && w.value(r.Attributes["logical_drive"]) == w.name(handle) {
				leaf = true
			}
		}
		down(r, false)
		if !taken && leaf {
			free = append(free, r.Class+" "+r.Label)
		}
	}
	slices.Sort(free)
	slices.Sort(want)
	if d := cmp.Diff(want, free); d != "" {
		w.t.Errorf("free drives: %s", d)
	}
}

// TestStackOfARealKernel: a host with everything on it, as it was built.
func TestStackOfARealKernel(t *testing.T) {
	w := worldOf(t, "vmstack/qemu")
	const mp0, mp1, lio = "ScsiDevice 35000c500a0000001", "ScsiDevice 35000c500a0000002", "ScsiDevice 360014055d0e1f2a0001a1ca000000000"
	node := func(path string) string { return "LinuxDeviceNode " + path }
	path := func(host, lun string) string {
		return node("/dev/disk/by-path/pci-0000:00:0" + host + ".0-scsi-0:0:0:" + lun)
	}
	w.wantCauses("LocalMount", "/srv/data", mp0, path("2", "0"), path("3", "0"), node("/dev/mapper/vraid0"), "LvmGroup vg_data", "LvmVolume vg_data-data", "StackMember 35000c500a0000001 in vg_data", "-"+mp1)
	w.wantCauses("LocalMount", "/srv/logs", mp0, "LvmVolume vg_data-logs", "-LvmVolume vg_data-data")
	w.wantCauses("LocalMount", "/srv/ora", mp1, "Partition 35000c500a0000002-1", node("/dev/mapper/oradata"), path("2", "1"), path("3", "1"), "-"+mp0)
	w.wantCauses("LocalMount", "/srv/md", "MdRaid stackhost:r1", "ScsiDevice 35000c500a0000101", "ScsiDevice 35000c500a0000102", "-ScsiDevice 35000c500a0000103")
	w.wantCauses("LocalMount", "/srv/crypt", "CryptDevice cr_data", "ScsiDevice 35000c500b0000001")
	w.wantCauses("LocalMount", "/srv/nvme", "NvmeController nvme0 (0000:00:06.0)", "NvmeController nvme1 (0000:00:07.0)", "-NvmeController nvme2 (0000:00:08.0)")
	w.wantCauses("LocalMount", "/srv/btr", "NvmeController nvme2 (0000:00:08.0)", "UnsharedDevice virtio-VBLK0001")
	w.wantCauses("LocalMount", "/srv/loop", "LocalMount /srv/data", mp0, "LoopDevice loop0")
	w.wantCauses("LocalMount", "/srv/tank/home", "ZfsDataset tank/home", "ZfsPool tank", "ScsiDevice 35000c500e0000001", "ScsiDevice 35000c500e0000002", node("tank"))
	w.wantCauses("LinuxDeviceNode", "/dev/mapper/vg_md-arch", "MdRaid stackhost:r5", "ScsiDevice 35000c500c0000001", "ScsiDevice 35000c500c0000004")
	w.wantCauses("LinuxDeviceNode", "dpool", "LocalMount /srv/md", "MissingMember /srv/md/z2 of dpool")
	w.wantCauses("SwapArea", "vg_data-swap", mp0)
	w.wantCauses("LinuxDeviceNode", "/dev/mapper/vg_data-thin0", node("/dev/mapper/vg_data-tp-tpool"), mp0)
	w.wantCauses("LinuxDeviceNode", "/dev/mapper/mpathb", lio)
	// What could be offered: what carries no stack, no mount and no partition. File
	// systems that are not mounted take nothing.
	w.wantFree("LvmVolume vg_data-data_snap", "LvmVolume vg_data-thin0", "LvmVolume vg_md-arch", "MdRaid stackhost:deg", "Partition 35000c500a0000002-2",
		"Partition 35000c500a0000104-1", "Partition loop0-2", lio, "ScsiDevice 35000c500a0000003", "ScsiDevice 35000c500d0000001",
		"UnsharedDevice usb-QEMU_QEMU_HARDDISK_USBSER0001-0:0", "ZfsPool dpool", "ZfsVol tank/vol")
}

// TestSmallStackOfARealKernel is the same for a small one.
func TestSmallStackOfARealKernel(t *testing.T) {
	w := worldOf(t, "vmstack/uml-lean")
	w.wantCauses("LinuxDeviceNode", "/dev/mapper/oradata", "LinuxDeviceNode /dev/sdb")
}

// TestCaptures: every other capture makes a sound graph.
func TestCaptures(t *testing.T) {
	for _, pattern := range []string{"dev/linux/probert/*.json", "dev/linux/command_captures/*.json", "dev/linux/sysfs_trees/*.json"} {
		files, _ := filepath.Glob(filepath.Join(captures, pattern))
		for _, file := range files {
			if filepath.Base(file) == "EXPECTED.json" {
				continue
			}
			name, _ := filepath.Rel(captures, file)
			t.Run(name, func(t *testing.T) { worldOf(t, name) })
		}
	}
}

// TestExpected compares with what scripts found in the captures of a project that
// dumps udev's database.
func TestExpected(t *testing.T) {
	const folder = "dev/linux/probert"
	raw, err := os.ReadFile(filepath.Join(captures, folder, "EXPECTED.json"))
	if err != nil {
		t.Skipf("no captures of real hosts at %s: that the graph has what they hold is not tested", captures)
	}
	var expected map[string]struct {
		MD map[string]struct {
			Level, Devices, UUID string
		}
		LVM    struct{ LVs []string }
		Bcache struct{ Backing []string }
		Zpools []string
		Maps   map[string]int `json:"paths_per_map"`
	}
	if err := json.Unmarshal(raw, &expected); err != nil {
		t.Fatal(err)
	}
	for file, want := range expected {
		t.Run(file, func(t *testing.T) {
			w := worldOf(t, filepath.Join(folder, file))
			count := map[string]int{}
			for _, r := range w.known {
				count[r.Class]++
				if r.Class == "MdRaid" {
					for _, m := range want.MD {
						if string(r.Attributes["uuid"]) == `"`+m.UUID+`"` && (string(r.Attributes["level"]) != `"`+m.Level+`"` || string(r.Attributes["disks"]) != m.Devices) {
							t.Errorf("array %s: %s", r.Label, r.Attributes)
						}
					}
				}
			}
			arrays := map[string]bool{}
			for _, m := range want.MD {
				arrays[m.UUID] = true
			}
			for class, n := range map[string]int{"MdRaid": len(arrays), "LvmVolume": len(want.LVM.LVs), "BcacheDevice": len(want.Bcache.Backing), "ZfsPool": len(want.Zpools)} {
				if count[class] != n {
					t.Errorf("%d of class %s, want %d", count[class], class, n)
				}
			}
			for _, v := range want.LVM.LVs {
				w.find("LvmVolume", strings.ReplaceAll(v, "/", "-"))
			}
			delete(want.Maps, "[orphan]") // paths of no map
			for name, paths := range want.Maps {
				m := w.find("LinuxDeviceNode", "/dev/mapper/"+name)
				if len(m.Parents) != paths {
					t.Errorf("%s lies on %d nodes, want %d", m.Label, len(m.Parents), paths)
				}
				drives := map[string]bool{w.value(m.Attributes["logical_drive"]): true}
				for _, p := range m.Parents {
					drives[w.value(w.known[p].Attributes["logical_drive"])] = true
				}
				if len(drives) != 1 {
					t.Errorf("%s and its paths are nodes of %v", m.Label, drives)
				}
			}
		})
	}
}
