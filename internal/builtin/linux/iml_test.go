package linux

import (
	"encoding/json"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/faultline-storage/faultline/internal/builtin/linux/fact"
)

// iml reads a list of devices as the plugin had it that the guide's authors wrote,
// and says it in facts. maps are the members of what the list does not give.
func iml(t *testing.T, name string, maps map[fact.Key][]fact.Key) *fact.Report {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(captures, "dev/linux/iml4/devices_"+name+".json"))
	if err != nil {
		t.Skipf("no captures of real hosts at %s: what becomes of the lists of devices is not tested", captures)
	}
	var list struct {
		Nodes map[fact.Key]struct {
			Parent fact.Key `json:"parent"`
			Page83 string   `json:"serial_83"`
			Page80 string   `json:"serial_80"`
			Path   string   `json:"path"`
			FS     string   `json:"filesystem_type"`
			Size   int64    `json:"size"`
		} `json:"block_device_nodes"`
		LVs map[string]map[string]struct {
			UUID string `json:"uuid"`
		} `json:"lvs"`
		VGs map[string]struct {
			UUID string     `json:"uuid"`
			Size int64      `json:"size"`
			PVs  []fact.Key `json:"pvs_major_minor"`
		} `json:"vgs"`
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		t.Fatal(err)
	}
	r := full(devices{})
	r.Groups = map[string]*fact.Group{}
	for name, g := range list.VGs {
		r.Groups[g.UUID] = &fact.Group{Name: name, Size: g.Size, On: g.PVs}
	}
	for k, n := range list.Nodes {
		d := &fact.Device{Kind: fact.Disk, Name: path.Base(n.Path), Path: n.Path, Size: n.Size, IDs: fact.IDs{WWID: n.Page83, Page80: n.Page80}}
		if n.FS != "" {
			d.FS = &fact.FS{Type: n.FS}
		}
		r.Devices[k] = d
		group, volume, _ := strings.Cut(d.Name, "-")
		lv, isLV := list.LVs[group][volume]
		number := d.Name[len(strings.TrimRight(d.Name, "0123456789")):]
		switch {
		case maps[k] != nil:
			d.Kind, d.On, d.Map = fact.Multipath, maps[k], &fact.Map{Name: d.Name, WWID: d.Name}
			for _, p := range maps[k] {
				d.Map.Paths = append(d.Map.Paths, fact.Path{Device: p, Name: string(p), DM: "active"})
			}
		case isLV:
			d.Kind, d.Volume = fact.LV, &fact.Volume{Group: list.VGs[group].UUID, UUID: lv.UUID, Name: volume}
		case strings.Contains(n.Path, "/md"):
			d.Kind, d.Array = fact.RAID, &fact.Array{UUID: "made-up-for-" + d.Name}
		case strings.Contains(n.Path, "emcpower"):
			d.Kind, d.IDs.UUID = fact.PowerPath, "made-up-for-"+d.Name
		case n.Parent != "":
			d.Kind, d.Whole = fact.Partition, n.Parent
			d.Number, _ = strconv.Atoi(number)
		case strings.HasPrefix(n.Path, "/dev/mapper/"): // a partition of a map, with its name
			for m := range maps {
				if p, ok := strings.CutPrefix(n.Path, list.Nodes[m].Path+"p"); ok {
					d.Kind, d.Whole = fact.Partition, m
					d.Number, _ = strconv.Atoi(p)
				}
			}
		}
	}
	return r
}

// TestLists: lists of devices of the guide's own plugin become the drives that it
// made of them: QEMU's identifiers say nothing, those that somebody chose do.
func TestLists(t *testing.T) {
	for name, tt := range map[string]struct {
		maps map[fact.Key][]fact.Key
		want map[string]int
	}{
		"1": {
			map[fact.Key][]fact.Key{"253:6": {"8:64", "8:80"}, "253:7": {"8:96", "8:112"}},
			map[string]int{"ScsiDevice": 6, "UnsharedDevice": 1, "Partition": 2, "LvmVolume": 13, "LvmGroup": 2, "LinuxDeviceNode": 26},
		},
		"HYD-1385": {
			map[fact.Key][]fact.Key{"253:0": {"8:0"}},
			map[string]int{"ScsiDevice": 1, "Partition": 2, "LinuxDeviceNode": 4},
		},
		"HYD-2431": {nil, map[string]int{"ScsiDevice": 10, "UnsharedDevice": 1, "Partition": 2, "LvmVolume": 2, "LvmGroup": 2, "StackMember": 5, "LinuxDeviceNode": 15}},
		// Three disks that call themselves the same and have three sizes are three.
		"MdRaid_EMCPower": {
			map[fact.Key][]fact.Key{"666:0": {"8:96", "8:176"}, "666:1": {"8:0"}},
			map[string]int{"ScsiDevice": 4, "MdRaid": 2, "EMCPower": 2, "LinuxDeviceNode": 11},
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := started(t, iml(t, name, tt.maps))
			for class, n := range tt.want {
				h.Want(class, n)
			}
		})
	}
}
