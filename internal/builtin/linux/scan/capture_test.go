package scan_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/faultline-storage/faultline/internal/builtin/linux/fact"
	"github.com/faultline-storage/faultline/internal/builtin/linux/scan"
	"github.com/faultline-storage/faultline/internal/builtin/linux/scan/capture"
)

// captures is where captures of real hosts are, outside the repository.
const captures = "../../../../../shared/realdata"

// captured scans a capture, named by its place below captures. The test is skipped
// where the captures are not.
func captured(t *testing.T, name string) *fact.Report {
	t.Helper()
	if _, err := os.Stat(captures); err != nil {
		t.Skipf("no captures of real hosts at %s: what a scan finds on %s is not tested", captures, name)
	}
	h, err := capture.Open(filepath.Join(captures, name))
	if err != nil {
		t.Fatal(err)
	}
	s := scan.New(scan.Options{Files: h.Files, Commands: h.Commands})
	s.Scan(t.Context())
	r := s.Examine(t.Context())
	checkSound(t, r)
	return r
}

// checkSound holds a report to what every report must be.
func checkSound(t *testing.T, r *fact.Report) {
	t.Helper()
	if _, err := json.Marshal(r); err != nil {
		t.Fatal(err)
	}
	known := func(of string, keys ...fact.Key) {
		for _, key := range keys {
			if key != "" && r.Devices[key] == nil {
				t.Errorf("%s names device %s, which is not in the report", of, key)
			}
		}
	}
	for key, d := range r.Devices {
		if d.Path == "" || !slices.Contains(d.Paths, d.Path) {
			t.Errorf("device %s %s: path %q is not among its paths %q", key, d.Name, d.Path, d.Paths)
		}
		known(d.Name, d.On...)
		known(d.Name, d.Whole)
		if d.Kind == fact.Partition && (d.Whole == "" || d.Number == 0) && !slices.ContainsFunc(r.Gaps, func(g fact.Gap) bool { return g.Part == "devices" }) {
			t.Errorf("partition %s: whole %q, number %d", d.Name, d.Whole, d.Number)
		}
		if d.Map != nil {
			for _, p := range d.Map.Paths {
				known(d.Name, p.Device)
			}
		}
	}
	for _, m := range r.Mounts {
		known("mount "+m.Target, m.Device)
	}
}

// byName finds a device by the kernel's name.
func byName(t *testing.T, r *fact.Report, name string) *fact.Device {
	t.Helper()
	for _, d := range r.Devices {
		if d.Name == name {
			return d
		}
	}
	t.Fatalf("the report has no device %s", name)
	return nil
}

// names are the kernel's names of the devices, sorted.
func names(r *fact.Report, keys []fact.Key) []string {
	var all []string
	for _, key := range keys {
		if d := r.Devices[key]; d != nil {
			all = append(all, d.Name)
		}
	}
	slices.Sort(all)
	return all
}

// TestShow prints the report of the capture that SHOW names, for people.
func TestShow(t *testing.T) {
	name := os.Getenv("SHOW")
	if name == "" {
		t.Skip("SHOW names no capture to print")
	}
	h, err := capture.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	s := scan.New(scan.Options{Files: h.Files, Commands: h.Commands})
	s.Scan(t.Context())
	out, err := json.MarshalIndent(s.Examine(t.Context()), "", " ")
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s", out)
}

func TestQEMUDevices(t *testing.T) {
	r := captured(t, "vmstack/qemu")
	kinds := map[fact.Kind]int{}
	for _, d := range r.Devices {
		kinds[d.Kind]++
	}
	want := map[fact.Kind]int{fact.Disk: 24, fact.Partition: 11, fact.Multipath: 4, fact.LV: 12, fact.Crypt: 1, fact.RAID: 3, fact.Loop: 1, fact.Zvol: 1}
	if diff := cmp.Diff(want, kinds); diff != "" {
		t.Errorf("kinds of devices (-want +got):\n%s", diff)
	}
	for _, of := range []struct{ name, serial, wwid, transport string }{
		{"sda", "MPSER0001", "35000c500a0000001", "virtio"},
		{"sdj", "MPSER0001", "35000c500a0000001", "virtio"},
		{"sdd", "MDSER0001", "35000c500a0000101", "virtio"},
		{"sdn", "SASSER0001", "35000c500c0000001", "sas"},
		{"sdr", "MRSER0001", "35000c500d0000001", ""},
		{"sdm", "ATASER0001", "35000c500b0000001", "sata"},
		{"sds", "USBSER0001", "", "usb"},
		{"sdt", "5d0e1f2a0001a1ca", "360014055d0e1f2a0001a1ca000000000", ""},
		{"vda", "VBLK0001", "", "virtio"},
		{"nvme1n1", "NVMESHARED01", "nvme.1b36-4e564d455348415245443031-51454d55204e564d65204374726c-00000001", "pcie"},
		{"nvme2n1", "NVMESOLO01", "nvme.1b36-4e564d45534f4c4f3031-51454d55204e564d65204374726c-00000001", "pcie"},
	} {
		d := byName(t, r, of.name)
		serial := d.IDs.Page80
		if serial == "" {
			serial = d.IDs.Serial
		}
		if serial != of.serial || d.IDs.WWID != of.wwid || d.Transport != of.transport {
			t.Errorf("%s: serial %q, WWID %q, transport %q, want %+v", of.name, serial, d.IDs.WWID, d.Transport, of)
		}
	}
	for name, path := range map[string]string{
		"dm-1": "/dev/mapper/vraid0", "md127": "/dev/md/r1", "zd0": "/dev/zvol/tank/vol",
		"sdd": "/dev/disk/by-id/scsi-35000c500a0000101",
		"sda": "/dev/disk/by-path/pci-0000:00:02.0-scsi-0:0:0:0", // the map has the name of the disk
	} {
		if got := byName(t, r, name).Path; got != path {
			t.Errorf("%s has the path %s, want %s", name, got, path)
		}
	}
	for name, on := range map[string][]string{
		"dm-1": {"sda", "sdj"}, "dm-0": {"sdb", "sdk"}, "dm-18": {"sdt", "sdu"}, "dm-3": {"dm-11"}, "dm-11": {"dm-1"},
		"dm-16": {"md126"}, "dm-17": {"sdm"}, "md126": {"sdn", "sdo", "sdp", "sdq"}, "md125": {"sdf"},
	} {
		if diff := cmp.Diff(on, names(r, byName(t, r, name).On)); diff != "" {
			t.Errorf("%s is made of (-want +got):\n%s", name, diff)
		}
	}
	if d := byName(t, r, "dm-14"); d.Kind != fact.Partition || r.Devices[d.Whole].Name != "dm-2" || d.Number != 1 {
		t.Errorf("oradata-part1 is %s of %s, number %d", d.Kind, d.Whole, d.Number)
	}
	var mounts []string
	for _, m := range r.Mounts {
		mounts = append(mounts, m.Target)
	}
	if diff := cmp.Diff([]string{"/srv/btr", "/srv/crypt", "/srv/data", "/srv/logs", "/srv/loop", "/srv/md", "/srv/nvme", "/srv/ora", "/srv/part", "/srv/tank", "/srv/tank/home", "swap"}, mounts); diff != "" {
		t.Errorf("mounts (-want +got):\n%s", diff)
	}
	if n := len(byName(t, r, "nvme1n1").NVMe.Controllers); n != 2 {
		t.Errorf("the shared namespace has %d controllers, want 2", n)
	}
}
