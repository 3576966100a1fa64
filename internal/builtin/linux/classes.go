package linux

import "github.com/faultline-storage/faultline/sdk/plugin"

// usable is what the logical drives of this plugin have beside their size.
type usable struct {
	// UsableForLustre is false for what cannot carry a Lustre target for reasons of
	// its own: it is read-only, removable, or a dataset of a pool. Whether a drive
	// is in use is another question, which its occupiers answer.
	UsableForLustre bool `label:"Usable for Lustre"`
}

// product is what a disk says of its make. It is the same for all hosts.
type product struct {
	Vendor     string `attr:",optional"`
	Model      string `attr:",optional"`
	Firmware   string `attr:",optional"`
	UnitSerial string `attr:",optional" label:"Serial number"`
	Rotational *bool  `attr:",optional"`
}

// Verdict is what a disk says of its own health. Its zero value is "no
// verdict", which neither alerts nor says that all is well.
type Verdict string

// The verdicts.
const (
	Healthy Verdict = "OK"
	// Failing is a prediction: the disk still works. What it means for the data
	// depends on what is built on the disk, and that says so itself.
	Failing Verdict = "failing"
	// ReadOnly is a disk that takes no more data.
	ReadOnly Verdict = "read-only"
)

// health is what disks say of themselves (SMART, NVMe).
type health struct {
	Health Verdict `attr:",optional" enum:"OK,failing,read-only"`
	// HealthText has what the disk warns of, for people.
	HealthText string `attr:",optional"`
	// Reallocated, Pending, Uncorrected and MediaErrors count sectors that the disk
	// could not read or had to move. They are history, not a verdict.
	Reallocated *int64       `attr:",optional" label:"Reallocated sectors"`
	Pending     *int64       `attr:",optional" label:"Pending sectors"`
	Uncorrected *int64       `attr:",optional" label:"Uncorrected errors"`
	MediaErrors *int64       `attr:",optional"`
	Temperature plugin.Gauge `unit:"C" every:"600s"`
	LifeUsed    plugin.Gauge `unit:"%" every:"600s"`
	SpareLeft   plugin.Gauge `unit:"%" every:"600s"`
	PowerOn     plugin.Gauge `unit:"h" every:"600s" label:"Power-on time"`
}

// hot is where a disk's temperature is worth a warning, and cool where it is
// good again. Makers allow 60 °C for most disks; NVMe disks, which run hotter,
// have a bound of their own and say so in their warnings.
const (
	hot     = 60
	hotNVMe = 80
	cooled  = 5
)

// Describe declares the alert conditions of disks.
func (x *health) Describe(c *plugin.Class) {
	c.Alert(plugin.When(&x.Health).Warn(Failing).Error(ReadOnly), "The disk reports that it is failing")
	c.Alert(plugin.Above(&x.Pending).Info(0), "The disk has sectors that it cannot read")
	c.Alert(plugin.Above(&x.LifeUsed).Info(90).Warn(100), "The disk is worn out, or will soon be")
}

// ScsiDevice is a disk or LUN whose identity is known wherever it is seen: one
// resource for all hosts and all paths. A vendor's plugin that provides its LUNs
// to ('linux', 'ScsiDevice') by the attribute serial becomes their parent.
type ScsiDevice struct {
	plugin.LogicalDrive
	usable
	// Serial is the WWID as the kernel's tools show it, from VPD page 0x83 with the
	// type of the designator before it, in lower case
	// ("3600508b400105e210000900000490000"); without that page, the serial number.
	Serial string `attr:",globalid"`
	// Discriminator is what else the identity rests on, since serials and WWNs are
	// shared and made up: the model, and for WWNs of kinds that are known to be
	// repeated the serial number or the size. See docs/decisions/0022-drives.md.
	Discriminator string `attr:",globalid,hidden"`
	// WWN is the name without the type before it, for plugins whose arrays know their
	// LUNs by that: 16 or 32 hexadecimal digits. Empty if page 0x83 has no such name.
	WWN string `attr:"wwn,optional" label:"WWN"`
	product
	health
}

// Describe declares the class's label and alert conditions.
func (x *ScsiDevice) Describe(c *plugin.Class) {
	c.Label("SCSI device")
	c.Alert(plugin.Above(&x.Temperature).Warn(hot).WarnClear(hot-cooled), "The disk is hot")
}

// Label is the serial: what the host's own tools call the disk.
func (x *ScsiDevice) Label() string { return x.Serial }

// UnsharedDevice is a disk of one host that gives no identity that could be
// trusted: it is known by its path, and never one with a disk of another host.
type UnsharedDevice struct {
	plugin.LogicalDrive
	usable
	Path plugin.Path `attr:",scopedid"`
	product
	health
}

// Describe declares the class's label and alert conditions.
func (x *UnsharedDevice) Describe(c *plugin.Class) {
	c.Label("Unshared device")
	c.Alert(plugin.Above(&x.Temperature).Warn(hot).WarnClear(hot-cooled), "The disk is hot")
}

// Label is the path without the folder.
func (x *UnsharedDevice) Label() string { return shortPath(string(x.Path)) }

// NvmeNamespace is a namespace of an NVMe subsystem: a local SSD's, or one that
// several hosts reach over a fabric.
type NvmeNamespace struct {
	plugin.LogicalDrive
	usable
	// Serial is the namespace's identifier as the kernel shows it: "uuid.…",
	// "eui.…" or "nvme.…".
	Serial        string `attr:",globalid"`
	Discriminator string `attr:",globalid,hidden"`
	Subsystem     string `attr:",optional" label:"Subsystem (NQN)"`
	Namespace     int64  `attr:",optional"`
	product
	health
}

// Describe declares the class's label and alert conditions.
func (x *NvmeNamespace) Describe(c *plugin.Class) {
	c.Label("NVMe namespace")
	c.Alert(plugin.Above(&x.Temperature).Warn(hotNVMe).WarnClear(hotNVMe-cooled), "The disk is hot")
}

// Label is the identifier.
func (x *NvmeNamespace) Label() string { return x.Serial }

// Partition is a partition of a drive, whichever of the drive's nodes it is seen
// through.
type Partition struct {
	plugin.LogicalDriveSlice
	usable
	Container plugin.Any `attr:",globalid"`
	Number    int64      `attr:",globalid"`

	name string
}

// Describe declares the class's label.
func (*Partition) Describe(c *plugin.Class) { c.Label("Partition") }

// Label is the label of the drive and the number of the partition.
func (x *Partition) Label() string { return x.name }

// shortPath leaves out the folders of stable names, which say nothing to people.
func shortPath(path string) string {
	for _, folder := range []string{"/dev/disk/by-id/", "/dev/disk/by-path/", "/dev/mapper/", "/dev/"} {
		if len(path) > len(folder) && path[:len(folder)] == folder {
			return path[len(folder):]
		}
	}
	return path
}
