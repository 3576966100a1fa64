package scan_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/faultline-storage/faultline/internal/builtin/linux/fact"
)

// expected reads what a folder of captures says that a correct program finds.
func expected[T any](t *testing.T, dir string) T {
	t.Helper()
	if _, err := os.Stat(captures); err != nil {
		t.Skipf("no captures of real hosts at %s: that a scan of %s finds what is expected is not tested", captures, dir)
	}
	var all T
	text, err := os.ReadFile(filepath.Join(captures, dir, "EXPECTED.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// byPath finds a device by any of its paths.
func byPath(r *fact.Report, path string) *fact.Device {
	for _, d := range r.Devices {
		if slices.Contains(d.Paths, path) {
			return d
		}
	}
	return nil
}

// The classes of the program whose captures these are, as kinds.
var classes = map[string]fact.Kind{
	"Disk": fact.Disk, "Dasd": fact.Disk, "Partition": fact.Partition, "Md": fact.RAID, "MdContainer": fact.RAID, "MdMember": fact.RAID,
	"LvmLv": fact.LV, "Multipath": fact.Multipath, "Luks": fact.Crypt, "Bcache": fact.Bcache, "DmRaid": fact.Mapper,
}

func TestCommandCaptures(t *testing.T) {
	const dir = "dev/linux/command_captures"
	for name, want := range expected[map[string]struct {
		Objects []string       `json:"objects"`
		Classes map[string]int `json:"objects_by_class"`
		Edges   []string       `json:"holder_edges"`
	}](t, dir) {
		t.Run(name, func(t *testing.T) {
			r := captured(t, dir+"/"+name+".json")
			kinds, got := map[fact.Kind]int{}, map[fact.Kind]int{}
			for class, n := range want.Classes {
				if kind := classes[class]; kind != "" {
					kinds[kind] += n
				}
			}
			for _, d := range r.Devices {
				if d.Volume == nil || d.Volume.Layer == "" {
					got[d.Kind]++
				}
			}
			for _, g := range r.Groups {
				got[fact.LV] += len(g.Inactive)
			}
			if diff := cmp.Diff(kinds, got, cmpopts.IgnoreMapEntries(func(_ fact.Kind, n int) bool { return n == 0 })); diff != "" {
				t.Errorf("kinds of devices (-want +got):\n%s", diff)
			}
			for _, object := range want.Objects {
				class, path, ok := strings.Cut(object, " ")
				if kind := classes[class]; ok && kind != "" {
					if d := byPath(r, path); d == nil && !inactive(r, path) || d != nil && d.Kind != kind {
						t.Errorf("%s is %+v, want %s", path, d, kind)
					}
				}
			}
			if n := want.Classes["MountPoint"]; len(r.Mounts) != n && want.Classes["Btrfs"] == 0 {
				t.Errorf("%d mounts, want %d: %+v", len(r.Mounts), n, r.Mounts)
			}
			for _, edge := range want.Edges {
				if why := missing(r, edge); why != "" {
					t.Errorf("%s: %s", edge, why)
				}
			}
		})
	}
}

// inactive says whether the path is that of a logical volume without a device.
func inactive(r *fact.Report, path string) bool {
	for _, g := range r.Groups {
		for _, v := range g.Inactive {
			if path == "/dev/"+g.Name+"/"+v.Name {
				return true
			}
		}
	}
	return false
}

// missing says what is not in the report of an edge such as
// "/dev/sda -> /dev/md0 (MdUser)".
func missing(r *fact.Report, edge string) string {
	edge, _, _ = strings.Cut(edge, " (")
	from, to, _ := strings.Cut(edge, " -> ")
	a, b := byPath(r, from), byPath(r, to)
	key := func(d *fact.Device) fact.Key {
		for k, have := range r.Devices {
			if have == d {
				return k
			}
		}
		return ""
	}
	switch {
	case strings.HasPrefix(from, "/") && strings.HasPrefix(to, "/"):
		if b == nil || a == nil {
			return "one of the two is not there"
		}
		if !slices.Contains(b.On, key(a)) && b.Array == nil || b.Array != nil && !slices.Contains(b.On, key(a)) && b.Array.Container != key(a) {
			return fmt.Sprintf("the second is on %v", names(r, b.On))
		}
	case to == "LvmPv":
		if a == nil || a.FS == nil || a.FS.Type != "LVM2_member" {
			return "no physical volume"
		}
	case to == "BcacheCset":
		for _, d := range r.Devices {
			if d.Cache != nil && slices.Contains(d.Cache.Caches, key(a)) {
				return ""
			}
		}
		return "no cache"
	case strings.HasPrefix(to, "/") && from == "BcacheCset":
		if b == nil || b.Cache == nil || len(b.Cache.Caches) == 0 {
			return "no cache set"
		}
	case strings.HasPrefix(to, "/") && (from == "Gpt" || from == "Msdos" || from == "DasdPt"):
		if b == nil || b.Whole == "" {
			return "no partition of a device"
		}
	case strings.HasPrefix(to, "/"):
		// A group and its volume.
		if inactive(r, to) {
			return ""
		}
		if b == nil || b.Volume == nil || r.Groups[b.Volume.Group] == nil || r.Groups[b.Volume.Group].Name != from {
			return "no volume of the group"
		}
	case strings.HasPrefix(from, "/") && to != "Gpt" && to != "Msdos" && to != "DasdPt":
		if a == nil || a.FS == nil || a.FS.Type != strings.ToLower(to) {
			return "another file system"
		}
	}
	return ""
}

func TestProbertCaptures(t *testing.T) {
	const dir = "dev/linux/probert"
	type md struct {
		Level   string  `json:"level"`
		Devices string  `json:"devices"`
		Name    *string `json:"name"`
		UUID    string  `json:"uuid"`
	}
	for name, want := range expected[map[string]struct {
		Partitions int                 `json:"partitions"`
		Physical   int                 `json:"physical_disk_nodes"`
		Shared     map[string][]string `json:"id_serials_seen_on_more_than_one_node"`
		DM         []string            `json:"dm_nodes"`
		NVMe       []string            `json:"nvme_nodes"`
		MD         map[string]md       `json:"md"`
		Maps       []map[string]string `json:"multipath_maps"`
		PerMap     map[string]int      `json:"paths_per_map"`
		Pools      []string            `json:"zpools"`
		Crypt      []string            `json:"dmcrypt"`
		LVM        struct {
			PVs map[string]int `json:"pvs"`
			VGs []string       `json:"vgs"`
			LVs []string       `json:"lvs"`
		} `json:"lvm"`
		RAID map[string]struct {
			Level   string   `json:"level"`
			Devices []string `json:"devices"`
			Spares  []string `json:"spares"`
		} `json:"raid_probe"`
		Bcache struct {
			Backing []string `json:"backing"`
			Caching []string `json:"caching"`
		} `json:"bcache"`
	}](t, dir) {
		t.Run(name, func(t *testing.T) {
			r := captured(t, dir+"/"+name)
			parts := 0
			for _, d := range r.Devices {
				if d.Kind == fact.Partition && !strings.HasPrefix(d.Name, "dm-") {
					parts++
				}
			}
			if parts != want.Partitions {
				t.Errorf("%d partitions, want %d", parts, want.Partitions)
			}
			for _, node := range slices.Concat(want.DM, want.NVMe) {
				if byPath(r, node) == nil {
					t.Errorf("no device %s", node)
				}
			}
			for wwid, nodes := range want.Shared {
				for _, node := range nodes {
					if d := byPath(r, node); d == nil || d.IDs.WWID != wwid {
						t.Errorf("%s has not the WWID %s: %+v", node, wwid, d)
					}
				}
			}
			for node, m := range want.MD {
				d := byPath(r, node)
				if d == nil || d.Array == nil {
					t.Errorf("no array %s", node)
					continue
				}
				uuid := m.UUID
				if strings.Trim(uuid, "0:") == "" {
					uuid = "" // a container without one
				}
				got := md{d.Array.Level, fmt.Sprint(d.Array.Disks), m.Name, d.Array.UUID}
				if m.Name != nil {
					got.Name = &d.Array.Name
				}
				if diff := cmp.Diff(md{m.Level, m.Devices, m.Name, uuid}, got); diff != "" {
					t.Errorf("array %s (-want +got):\n%s", node, diff)
				}
			}
			for node, raid := range want.RAID {
				d := byPath(r, node)
				if d == nil || d.Array == nil || raid.Devices == nil {
					continue
				}
				var in, spare []string
				for _, m := range d.Array.Members {
					if m.State == "spare" && d.Array.Level != "container" {
						spare = append(spare, "/dev/"+m.Name)
					} else {
						in = append(in, "/dev/"+m.Name)
					}
				}
				sorted := cmpopts.SortSlices(strings.Compare)
				if diff := cmp.Diff(raid.Devices, in, sorted) + cmp.Diff(raid.Spares, spare, sorted, cmpopts.EquateEmpty()); diff != "" {
					t.Errorf("members of %s (-want +got):\n%s", node, diff)
				}
			}
			for _, m := range want.Maps {
				d := byPath(r, "/dev/"+m["sysfs"])
				if d == nil || d.Map == nil || d.Map.WWID != m["multipath"] || fmt.Sprint(len(d.Map.Paths)) != m["paths"] {
					t.Errorf("map %v is %+v", m, d)
				}
			}
			for vg, n := range want.LVM.PVs {
				if g := groupNamed(r, vg); g == nil || len(g.On) != n {
					t.Errorf("group %s is %+v, want %d physical volumes", vg, g, n)
				}
			}
			for _, lv := range want.LVM.LVs {
				if d := byPath(r, "/dev/"+lv); d == nil || d.Kind != fact.LV {
					t.Errorf("volume %s is %+v", lv, d)
				}
			}
			for _, crypt := range want.Crypt {
				if d := byPath(r, "/dev/mapper/"+crypt); d == nil || d.Kind != fact.Crypt || len(d.On) != 1 {
					t.Errorf("%s is %+v", crypt, d)
				}
			}
			for _, pool := range want.Pools {
				if !slices.ContainsFunc(slices.Collect(maps.Values(r.Pools)), func(p *fact.Pool) bool { return p.Name == pool }) {
					t.Errorf("no pool %s: %+v", pool, r.Pools)
				}
			}
			backing, caching := map[string]bool{}, map[string]bool{}
			for _, d := range r.Devices {
				if d.Cache != nil {
					backing["/dev/"+r.Devices[d.Cache.Backing].Name] = true
					for _, key := range d.Cache.Caches {
						caching["/dev/"+r.Devices[key].Name] = true
					}
				}
			}
			sorted := cmpopts.SortSlices(strings.Compare)
			if diff := cmp.Diff(want.Bcache.Backing, slices.Collect(maps.Keys(backing)), sorted, cmpopts.EquateEmpty()) +
				cmp.Diff(want.Bcache.Caching, slices.Collect(maps.Keys(caching)), sorted, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("bcache (-want +got):\n%s", diff)
			}
		})
	}
}

func groupNamed(r *fact.Report, name string) *fact.Group {
	for _, g := range r.Groups {
		if g.Name == name {
			return g
		}
	}
	return nil
}

func TestSysfsTrees(t *testing.T) {
	const dir = "dev/linux/sysfs_trees"
	for name, want := range expected[map[string]struct {
		Block []string `json:"sys_block"`
	}](t, dir) {
		t.Run(name, func(t *testing.T) {
			r := captured(t, dir+"/"+name+".json")
			if name == "nvme-apple" {
				checkNVMeList(t, r, filepath.Join(captures, dir, name+".expected.txt"))
				return
			}
			var whole []string
			for _, d := range r.Devices {
				if d.Kind != fact.Partition {
					whole = append(whole, d.Name)
				}
			}
			if diff := cmp.Diff(want.Block, whole, cmpopts.SortSlices(strings.Compare)); diff != "" {
				t.Errorf("devices (-want +got):\n%s", diff)
			}
			// The listing that the capture's own tool makes of it: names, sizes and mounts.
			listing, err := os.ReadFile(filepath.Join(captures, dir, name+".expected.txt"))
			if err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(string(listing)) {
				f := strings.Fields(strings.NewReplacer("`-", "", "|-", "", "│", "", "├─", "", "└─", "").Replace(line))
				if len(f) < 6 || f[0] == "NAME" {
					continue
				}
				d := byPath(r, "/dev/"+f[0])
				if d == nil {
					d = byPath(r, "/dev/mapper/"+f[0])
				}
				if d == nil {
					t.Errorf("no device %s", f[0])
				}
			}
		})
	}
}

// checkNVMeList compares namespaces and controllers with the list of the capture's own
// tool.
func checkNVMeList(t *testing.T, r *fact.Report, name string) {
	t.Helper()
	var list struct {
		Hosts []struct {
			Subsystems []struct {
				NQN        string `json:"nqn"`
				Namespaces []struct {
					ID          int    `json:"nsid"`
					Name        string `json:"name"`
					Controllers []struct {
						Name      string `json:"name"`
						Transport string `json:"transport"`
					} `json:"controller"`
				} `json:"namespaces"`
			} `json:"subsystems"`
		} `json:"hosts"`
	}
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &list); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, host := range list.Hosts {
		for _, sub := range host.Subsystems {
			for _, ns := range sub.Namespaces {
				n++
				d := byName(t, r, ns.Name)
				if d.NVMe == nil || d.NVMe.Namespace != ns.ID || d.NVMe.NQN != strings.TrimSpace(sub.NQN) || len(d.NVMe.Controllers) != len(ns.Controllers) ||
					d.NVMe.Controllers[0].Name != ns.Controllers[0].Name || d.NVMe.Controllers[0].Transport != ns.Controllers[0].Transport {
					t.Errorf("%s is %+v", ns.Name, d.NVMe)
				}
			}
		}
	}
	if n == 0 {
		t.Error("the list has no namespaces")
	}
}
