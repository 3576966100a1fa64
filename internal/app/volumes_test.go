package app

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/faultline-storage/faultline/internal/builtin/linux/fact"
	"github.com/faultline-storage/faultline/internal/config"
	"github.com/faultline-storage/faultline/internal/resource"
)

// storageServer is what a server says that reaches the LUNs of the numbers by two
// paths each, with multipath. Its root file system is on a disk of its own, and two
// LUNs are members of an array on the first host.
func storageServer(array bool, luns ...int) *fact.Report {
	r := &fact.Report{Version: fact.Version, Full: true, Devices: map[fact.Key]*fact.Device{}, Gaps: []fact.Gap{},
		Mounts:  []fact.Mount{{Device: "8:2", Source: "/dev/sda2", Target: "/", Type: "xfs"}},
		Cluster: &fact.Cluster{Name: "hacluster", Nodes: []string{"oss1", "oss2"}},
	}
	r.Devices["8:0"] = &fact.Device{Kind: fact.Disk, Name: "sda", Path: "/dev/sda", Size: 1 << 38, Transport: "sata", Model: "LOCAL", State: "running"}
	for n := 1; n <= 2; n++ {
		r.Devices[fact.Key(fmt.Sprintf("8:%d", n))] = &fact.Device{Kind: fact.Partition, Name: fmt.Sprintf("sda%d", n), Path: fmt.Sprintf("/dev/sda%d", n),
			Size: 1 << 37, Whole: "8:0", Number: n}
	}
	var maps []fact.Key
	for i, lun := range luns {
		wwid := fmt.Sprintf("3600ace0000000000000000000000%04x", 0xa000+lun)
		m := &fact.Device{Kind: fact.Multipath, Name: fmt.Sprintf("dm-%d", i), Path: fmt.Sprintf("/dev/mapper/mpath%d", lun), Size: 1 << 40,
			IDs: fact.IDs{WWID: wwid}, Map: &fact.Map{Name: fmt.Sprintf("mpath%d", lun), WWID: wwid}}
		for p := range 2 {
			key, name := fact.Key(fmt.Sprintf("65:%d", 16*(2*i+p))), fmt.Sprintf("sd%c%c", 'b'+i, 'a'+p)
			r.Devices[key] = &fact.Device{Kind: fact.Disk, Name: name, Path: "/dev/" + name, Size: 1 << 40, Vendor: "ACME", Model: "LUN", Transport: "fc",
				State: "running", IDs: fact.IDs{WWID: wwid, Page80: fmt.Sprint("SN-", lun)}}
			m.On = append(m.On, key)
			m.Map.Paths = append(m.Map.Paths, fact.Path{Device: key, Name: name, DM: "active", Checker: "ready"})
		}
		key := fact.Key(fmt.Sprintf("253:%d", i))
		r.Devices[key] = m
		maps = append(maps, key)
	}
	if array {
		md := &fact.Device{Kind: fact.RAID, Name: "md0", Path: "/dev/md0", Size: 1 << 40, On: maps[:2],
			Array: &fact.Array{UUID: "1:2:3:4", Name: "md0", Level: "raid1", State: "clean", Disks: 2}}
		for i, m := range maps[:2] {
			md.Array.Members = append(md.Array.Members, fact.Member{Device: m, Name: r.Devices[m].Name, Slot: i, State: "in_sync"})
		}
		r.Devices["9:0"] = md
	}
	return r
}

// TestVolumesOfLinuxHosts follows two servers of an HA pair, from what their agents
// say to the volumes.
func TestVolumesOfLinuxHosts(t *testing.T) {
	t.Parallel()
	m := newManager(t, func(c *config.Config) { c.Plugins = []string{"builtin:linux"} })
	picture := func() string {
		page, err := m.srv.volumes.List(resource.VolumeQuery{})
		if err != nil {
			t.Fatal(err)
		}
		var lines []string
		for _, v := range page.Items {
			line := v.Label[max(0, len(v.Label)-4):] + ":"
			for _, n := range v.Nodes {
				line += fmt.Sprintf(" %s:%s %s", strings.TrimSuffix(n.Host, ".example"), filepath.Base(n.Path), n.Role)
			}
			lines = append(lines, line)
		}
		slices.Sort(lines)
		return strings.Join(lines, "\n")
	}
	for i, name := range []string{"oss1.example", "oss2.example"} {
		h := m.host(t, name)
		h.Start(quiet())
		if _, err := h.Say(t.Context(), "linux", storageServer(i == 0, 1, 2, 3, 4)); err != nil {
			t.Fatal(err)
		}
	}
	// LUNs 1 and 2 are members of the array, also for the host that does not run it.
	// Each host has the partition of its own disk that is not mounted.
	want := strings.Join([]string{
		"a003: oss1:mpath3 primary oss2:mpath3 secondary",
		"a004: oss1:mpath4 secondary oss2:mpath4 primary",
		"da-1: oss1:sda1 primary",
		"da-1: oss2:sda1 primary",
	}, "\n")
	last := ""
	until(t, "the volumes are there", func() bool {
		last = picture()
		return strings.Contains(last, want) && strings.Contains(last, "oss1:md0 primary") && strings.Count(last, "\n") == 4
	})
	t.Log(last)
}
