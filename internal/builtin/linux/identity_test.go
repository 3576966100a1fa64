package linux

import (
	"fmt"
	"testing"

	"github.com/faultline-storage/faultline/internal/builtin/linux/fact"
)

func TestIdentify(t *testing.T) {
	const size = 1 << 40
	lun := fact.Device{Name: "sda", Model: "LUN", Size: size}
	with := func(ids fact.IDs) fact.Device {
		d := lun
		d.IDs = ids
		return d
	}
	for _, tt := range []struct {
		name                  string
		device                fact.Device
		serial, discriminator string
	}{
		{"page 83 before page 80", with(fact.IDs{WWID: "3600508B400105E210000900000490000", Page80: "P80-1"}), "3600508b400105e210000900000490000", "model lun"},
		{"page 83 by its designators", with(fact.IDs{Page83: []string{"naa.600508b400105e210000900000490000"}}), "3600508b400105e210000900000490000", "model lun"},
		{"the kernel's form of a WWID", with(fact.IDs{WWID: "naa.600508b400105e210000900000490000"}), "3600508b400105e210000900000490000", "model lun"},
		{"a name of 64 bits with the serial", with(fact.IDs{WWID: "35000c500a0b1c2d3", Page80: " z4d1 0001 "}), "35000c500a0b1c2d3", "model lun, serial z4d10001"},
		{"a name of 64 bits alone", with(fact.IDs{WWID: "35000c500a0b1c2d3"}), "35000c500a0b1c2d3", fmt.Sprintf("model lun, size %d", size)},
		{"a serial that is the name again is none", with(fact.IDs{WWID: "35000c500a0b1c2d3", Serial: "0x5000c500a0b1c2d3"}), "35000c500a0b1c2d3", fmt.Sprintf("model lun, size %d", size)},
		{"page 80 alone", with(fact.IDs{Page80: "Z4D10001"}), "Z4D10001", "model lun, serial z4d10001"},
		{"text of a maker", with(fact.IDs{WWID: "1ATA     ACME-DISK            Z4D10001", Serial: "Z4D10001"}), "1ATA_ACME-DISK_Z4D10001", "model lun"},
		{"the same, as the kernel writes it", with(fact.IDs{Page83: []string{"t10.ATA     ACME-DISK            Z4D10001"}}), "1ATA_ACME-DISK_Z4D10001", "model lun"},
		{"text of a maker who does not count", with(fact.IDs{WWID: "1ATA     ACME-DISK            00000001"}), "", ""},
		{"nothing", with(fact.IDs{}), "", ""},
		{"a maker of zeros", with(fact.IDs{WWID: "35000000000000001"}), "", ""},
		{"a number of zeros", with(fact.IDs{WWID: "35000c50000000000"}), "", ""},
		{"zeros", with(fact.IDs{WWID: "30000000000000000", Serial: "0000000000"}), "", ""},
		{"counting up", with(fact.IDs{Serial: "0123456789ABCDEF"}), "", ""},
		{"a word for none", with(fact.IDs{Serial: "To be filled by O.E.M."}), "", ""},
		{"too short", with(fact.IDs{Page80: "A1"}), "", ""},
		{"junk by the host's word", with(fact.IDs{WWID: "35000c500a0b1c2d3", Junk: []string{"35000c500a0b1c2d3: a bridge gives it to every disk"}}), "", ""},
		{"QEMU's own page 83, a chosen page 80", with(fact.IDs{WWID: "0QEMU    QEMU HARDDISK   drive-scsi0-0-3", Page80: "SQEMU    QEMU HARDDISK  WD-6f237d215a"}), "WD-6f237d215a", "model lun, serial wd6f237d215a"},
		{"QEMU's own page 83 and page 80", with(fact.IDs{WWID: "0QEMU    QEMU HARDDISK   drive-scsi0-0-3", Page80: "0QEMU    QEMU HARDDISK   drive-scsi0-0-3"}), "", ""},
		{"QEMU's mark and three characters", with(fact.IDs{Page80: "SQEMU    QEMU HARDDISK  abc"}), "", ""},
		{"QEMU's own ATA serial", with(fact.IDs{WWID: "1ATA     QEMU HARDDISK  QM00001", Serial: "QM00001"}), "", ""},
		{"behind USB", fact.Device{Name: "sdb", Transport: "usb", IDs: fact.IDs{WWID: "35000c500a0b1c2d3", Serial: "DD56419883891"}}, "", ""},
		{"virtio-blk", fact.Device{Name: "vda", Transport: "virtio", IDs: fact.IDs{Serial: "data-disk"}}, "", ""},
		{"virtio-scsi", fact.Device{Name: "sda", Model: "LUN", Transport: "virtio", IDs: fact.IDs{WWID: "3600508b400105e210000900000490000"}}, "3600508b400105e210000900000490000", "model lun"},
		{"NVMe by UUID", fact.Device{Name: "nvme0n1", Model: "S", IDs: fact.IDs{WWID: "uuid.6b9d9d0e-2a4c-4f1e-9a55-0d7e3c1f0001"}, NVMe: &fact.NVMe{}}, "uuid.6b9d9d0e-2a4c-4f1e-9a55-0d7e3c1f0001", "model s"},
		{"NVMe by EUI-64", fact.Device{Name: "nvme0n1", Model: "S", Size: 9, IDs: fact.IDs{WWID: "eui.0025385b71b00d11", Serial: "S4EWNX0R1"}, NVMe: &fact.NVMe{}}, "eui.0025385b71b00d11", "model s, serial s4ewnx0r1"},
		{"NVMe with an empty EUI", fact.Device{Name: "nvme0n1", Model: "S", Size: 9, IDs: fact.IDs{WWID: "eui.0000000000000000", Serial: "S4EWNX0R1"}, NVMe: &fact.NVMe{}}, "S4EWNX0R1", "model s, serial s4ewnx0r1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := identify(&tt.device); got.serial != tt.serial || got.discriminator != tt.discriminator {
				t.Errorf("got %q, %q, want %q, %q", got.serial, got.discriminator, tt.serial, tt.discriminator)
			}
		})
	}
}

// TestModels: how a tool writes a model makes no other drive.
func TestModels(t *testing.T) {
	a, b := disk("sda", 1), disk("sda", 1)
	a.Model, b.Model = "WDC WD20EFRX-68E", "WDC_WD20EFRX-68EUZN0"
	if identify(a) != identify(b) {
		t.Errorf("%+v and %+v", identify(a), identify(b))
	}
	b.Model = "ST4000"
	if identify(a) == identify(b) {
		t.Error("two models are one drive")
	}
}

// TestIdentities: which disks of one host are one.
func TestIdentities(t *testing.T) {
	sized := func(d *fact.Device, size int64) *fact.Device { d.Size = size; return d }
	at := func(d *fact.Device, address string) *fact.Device { d.Address = address; return d }
	sata := func(d *fact.Device) *fact.Device { d.Transport = "sata"; return d }
	serial := func(d *fact.Device, s string) *fact.Device { d.IDs.Page80 = s; return d }
	for _, tt := range []struct {
		name    string
		devices devices
		want    map[string]int // resources by class
	}{
		{"two paths", devices{"8:0": at(disk("sda", 1), "1:0:0:5"), "8:16": at(disk("sdb", 1), "2:0:0:5")}, map[string]int{"ScsiDevice": 1}},
		{"two sizes", devices{"8:0": disk("sda", 1), "8:16": sized(disk("sdb", 1), 5)}, map[string]int{"ScsiDevice": 2}},
		{"two sizes in one map: a LUN that grows", devices{"8:0": disk("sda", 1), "8:16": sized(disk("sdb", 1), 5), "253:0": multipath(0, "a", "8:0", "8:16")}, map[string]int{"ScsiDevice": 1}},
		{"two serials", devices{"8:0": disk("sda", 1), "8:16": serial(disk("sdb", 1), "OTHER-7")}, map[string]int{"ScsiDevice": 2}},
		{"two SATA disks", devices{"8:0": sata(disk("sda", 1)), "8:16": sata(disk("sdb", 1))}, map[string]int{"UnsharedDevice": 2}},
		{"two LUNs of one port", devices{"8:0": at(disk("sda", 1), "1:0:0:0"), "8:16": at(disk("sdb", 1), "1:0:0:1")}, map[string]int{"UnsharedDevice": 2}},
		{"two maps", devices{
			"8:0": disk("sda", 1), "8:16": disk("sdb", 1), "253:0": multipath(0, "a", "8:0"), "253:1": multipath(1, "b", "8:16"),
		}, map[string]int{"UnsharedDevice": 2}},
		{"one map of unknown paths", devices{
			"8:0": {Kind: fact.Disk, Name: "sda", Path: "/dev/sda", Size: 5}, "8:16": {Kind: fact.Disk, Name: "sdb", Path: "/dev/sdb", Size: 5}, "253:0": multipath(0, "a", "8:0", "8:16"),
		}, map[string]int{"UnsharedDevice": 1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := started(t, full(tt.devices))
			h.Want("ScsiDevice", tt.want["ScsiDevice"])
			h.Want("UnsharedDevice", tt.want["UnsharedDevice"])
			h.Want("LinuxDeviceNode", len(tt.devices))
		})
	}
}
