// Package fact is the vocabulary between the two sides of the linux plugin: what
// the device plugin says about its host, and what the server's side concludes
// from. A fact is what the kernel or a tool says; which disk is behind a device
// of two hosts is a conclusion, and none of this package's business.
//
// A message is a Report in JSON. The first one of a session is full. A later one
// has what changed only: in the maps a member that is null is gone, a member that
// is there replaces the one before as a whole; a list that is not null replaces
// the list before. See docs/decisions/0018-hosts.md.
package fact

import "strings"

// Version is the version of the form of a Report. A reader refuses a higher one.
const Version = 1

// Report is what there is on one host, or what changed of that.
type Report struct {
	Version int  `json:"version"`
	Full    bool `json:"full"`
	// Devices are the block devices, by Key.
	Devices map[Key]*Device `json:"devices,omitempty"`
	// Groups are the LVM volume groups that this host can see, by UUID.
	Groups map[string]*Group `json:"groups,omitempty"`
	// Pools are the ZFS pools, by GUID: those that are imported here, and, with the
	// state Exported, those that only the labels on this host's devices tell of.
	Pools map[string]*Pool `json:"pools,omitempty"`
	// Enclosures are SES enclosures, by logical identifier.
	Enclosures map[string]*Enclosure `json:"enclosures,omitempty"`
	// Mounts are the mounted file systems that lie on block devices or ZFS
	// datasets, those of Lustre included, and swap areas in use.
	Mounts []Mount `json:"mounts"`
	// Cluster is the high-availability cluster that the host is in, if it is. In a
	// later message one without a name and nodes says that it is in none any more.
	Cluster *Cluster `json:"cluster,omitempty"`
	// Gaps name what could not be read, for people: a tool that is missing or timed
	// out, a file that may not be read. What a gap hides is not gone.
	Gaps []Gap `json:"gaps"`
}

// Key names a block device of a host as "major:minor". It is stable while the
// device is there, and no longer.
type Key string

// Gap is something that could not be read.
type Gap struct {
	// Part is the part of the report that lacks something: "devices", "groups",
	// "pools", "enclosures", "mounts", "cluster" or "health".
	Part string `json:"part"`
	// Of is what it is a gap of, within the part: a key of the part's map, or empty
	// for the whole part. The report then holds what was known before, if anything,
	// and a reader must not take what is absent for gone.
	Of   string `json:"of,omitempty"`
	Text string `json:"text"`
}

// Kind says what kind of block device a Device is.
type Kind string

// Kinds of block devices.
const (
	Disk      Kind = "disk"      // SCSI, ATA, NVMe, virtio, DASD and whatever else is no stack
	Partition Kind = "partition" // of a disk, a multipath map, an array or a loop device
	Multipath Kind = "multipath" // a device-mapper map of multipathd
	LV        Kind = "lv"        // an LVM logical volume
	Crypt     Kind = "crypt"     // dm-crypt, opened
	Mapper    Kind = "mapper"    // another device-mapper target
	RAID      Kind = "raid"      // Linux MD
	Bcache    Kind = "bcache"
	Loop      Kind = "loop"
	Zvol      Kind = "zvol"
	PowerPath Kind = "powerpath" // EMC PowerPath pseudo device
)

// Device is a block device.
type Device struct {
	Kind Kind   `json:"kind"`
	Name string `json:"name"` // of the kernel: "sda", "dm-3"
	// Path is the best name of the node: /dev/mapper before by-id before by-path
	// before what the kernel calls it. Paths are all names, Path included.
	Path  string   `json:"path"`
	Paths []string `json:"paths,omitempty"`
	// Sys is the device's folder below /sys, without the leading "/sys".
	Sys        string `json:"sys,omitempty"`
	Size       int64  `json:"size"` // bytes
	ReadOnly   bool   `json:"read_only,omitempty"`
	Removable  bool   `json:"removable,omitempty"`
	Rotational *bool  `json:"rotational,omitempty"`
	Vendor     string `json:"vendor,omitempty"`
	Model      string `json:"model,omitempty"`
	Firmware   string `json:"firmware,omitempty"`
	// Transport is how it is attached: "sas", "fc", "iscsi", "sata", "usb", "pcie",
	// "tcp", "rdma", "virtio", "spi" or empty.
	Transport string `json:"transport,omitempty"`
	// Address is its place on the bus, such as "1:0:3:12" (host, channel, target,
	// LUN) for SCSI.
	Address string `json:"address,omitempty"`
	// State is the kernel's word for the state of a disk or path: "running",
	// "offline", "live", "blocked" and so on; empty if it has none.
	State string `json:"state,omitempty"`
	IDs   IDs    `json:"ids,omitzero"`
	// FS is what is written on the device, as the udev database knows it.
	FS *FS `json:"fs,omitempty"`

	// Whole and Number are of a partition: the device it is a part of.
	Whole  Key `json:"whole,omitempty"`
	Number int `json:"number,omitempty"`
	// On are the devices that it is made of, of whatever kind of stack.
	On []Key `json:"on,omitempty"`

	Map    *Map    `json:"map,omitempty"`    // of Multipath
	Volume *Volume `json:"volume,omitempty"` // of LV
	Array  *Array  `json:"array,omitempty"`  // of RAID
	Cache  *Cache  `json:"cache,omitempty"`  // of Bcache
	NVMe   *NVMe   `json:"nvme,omitempty"`   // of an NVMe namespace
	File   string  `json:"file,omitempty"`   // of Loop: what is behind it
	Pool   string  `json:"pool,omitempty"`   // of Zvol: the GUID of its pool
	// Dataset is the ZFS name of a Zvol.
	Dataset string  `json:"dataset,omitempty"`
	Health  *Health `json:"health,omitempty"`
}

// IDs are the identifiers that a device gives of itself, as it gives them: junk
// is left out only where it is known as junk, and Junk then names it.
type IDs struct {
	// WWID is the identifier that the kernel and multipathd use: page 0x83 with its
	// type, as "3600508b400105e210000900000490000"; for NVMe "eui." or "nvme." or
	// "uuid." and so on.
	WWID string `json:"wwid,omitempty"`
	// Page83 are the designators of a logical unit in VPD page 0x83, the best
	// first, each as type and value: "naa.5000c500a0000001", "eui.…", "t10.…".
	Page83 []string `json:"page83,omitempty"`
	// Page80 is the unit serial number of VPD page 0x80.
	Page80 string `json:"page80,omitempty"`
	// Serial is a serial number from elsewhere: ATA, NVMe, virtio, USB.
	Serial string `json:"serial,omitempty"`
	// SAS is the address of the port that the disk answers at, as 16 hexadecimal
	// digits: what an enclosure knows of it.
	SAS string `json:"sas,omitempty"`
	// UUID is the unique identifier of a device-mapper device, an MD array or a ZFS
	// volume, as the kernel has it.
	UUID string `json:"uuid,omitempty"`
	// Junk are identifiers that were recognised as worthless, with the reason.
	Junk []string `json:"junk,omitempty"`
}

// FS is what a device holds.
type FS struct {
	Type  string `json:"type"`            // "ext4", "xfs", "LVM2_member", "linux_raid_member", "zfs_member", "swap"
	Usage string `json:"usage,omitempty"` // "filesystem", "raid", "crypto", "other"
	UUID  string `json:"uuid,omitempty"`
	Label string `json:"label,omitempty"`
	// Member is the identifier of this device within what UUID names: of a member of
	// a btrfs file system, an MD array or a ZFS pool. Devices whose file system is
	// btrfs and has the same UUID hold it together.
	Member string `json:"member,omitempty"`
}

// Map is a multipath map.
type Map struct {
	Name  string `json:"name"`
	WWID  string `json:"wwid"`
	Paths []Path `json:"paths"`
	// Active is the number of the group of paths that is in use, 0 if none is.
	Active int `json:"active,omitempty"`
	// Queueing says that requests wait while no path is there.
	Queueing bool `json:"queueing,omitempty"`
}

// Path is one path of a multipath map.
type Path struct {
	Device Key    `json:"device,omitempty"` // empty if the device has vanished
	Name   string `json:"name"`
	// DM is what the kernel's map says: "active" or "failed". Checker is what
	// multipathd says: "ready", "ghost", "faulty", "shaky", empty without it.
	DM       string `json:"dm,omitempty"`
	Checker  string `json:"checker,omitempty"`
	Group    int    `json:"group,omitempty"` // from 1; the groups in the order of the map
	Priority int    `json:"priority,omitempty"`
	// Access is the ALUA state, such as "active/optimized", if the path has one.
	Access string `json:"access,omitempty"`
}

// Volume is what makes a device an LVM logical volume.
type Volume struct {
	Group string `json:"group"` // UUID of the group
	UUID  string `json:"uuid"`
	Name  string `json:"name"`
	// Health is LVM's word for what is wrong: "partial", "refresh needed"; "degraded" of
	// a volume on a RAID that has lost a device; empty if nothing is.
	Health string `json:"health,omitempty"`
	Type   string `json:"type,omitempty"` // "linear", "striped", "raid1", "thin", ...
	// Layer is what the device is within the volume, for one that LVM made for
	// itself: "real", "cow", "tpool", "tdata", "rimage" and so on. It is no volume of
	// its own. Empty for the volume.
	Layer string `json:"layer,omitempty"`
	Size  int64  `json:"size,omitempty"` // bytes, of an inactive volume
	// Origin is the UUID of the volume that this is a snapshot of, and Pool that of
	// the thin pool that it lies in.
	Origin string `json:"origin,omitempty"`
	Pool   string `json:"pool,omitempty"`
}

// Redundant says whether the volume is there with a device less.
func (v *Volume) Redundant() bool {
	return strings.HasPrefix(v.Type, "raid") && !strings.HasPrefix(v.Type, "raid0") || v.Type == "mirror"
}

// Group is an LVM volume group.
type Group struct {
	Name string `json:"name"`
	Size int64  `json:"size"`
	Free int64  `json:"free"`
	// On are the devices of its physical volumes. Missing counts those that are not
	// there.
	On      []Key `json:"on"`
	Missing int   `json:"missing,omitempty"`
	// Exported says that no host may use the group; Owner is the system ID of the
	// host that may, if only one may; Shared that several hosts lock it together.
	Exported bool   `json:"exported,omitempty"`
	Owner    string `json:"owner,omitempty"`
	Shared   bool   `json:"shared,omitempty"`
	// Inactive are logical volumes without a device here.
	Inactive []Volume `json:"inactive,omitempty"`
}

// Array is an MD array.
type Array struct {
	UUID string `json:"uuid,omitempty"`
	Name string `json:"name,omitempty"`
	// Level is "raid1" and so on, or "container" for what holds other arrays.
	Level string `json:"level"`
	// Metadata is the format: "1.2", "0.90", "imsm", "ddf".
	Metadata string `json:"metadata,omitempty"`
	// Container is the array that this one lies in, of external metadata.
	Container Key `json:"container,omitempty"`
	// State is the kernel's array_state: "clean", "active", "readonly", "inactive".
	State string `json:"state"`
	// Disks is how many members it has if none is missing; Degraded how many are.
	Disks    int      `json:"disks"`
	Degraded int      `json:"degraded,omitempty"`
	Members  []Member `json:"members"`
	// Sync is what runs: "resync", "recover", "check", "reshape"; Done is how far it
	// is, 0 to 1.
	Sync string  `json:"sync,omitempty"`
	Done float64 `json:"done,omitempty"`
}

// Member is a member of an array.
type Member struct {
	Device Key    `json:"device,omitempty"`
	Name   string `json:"name"`
	Slot   int    `json:"slot"` // -1 for a spare or a faulty member
	// State is "in_sync", "spare", "faulty", "rebuilding", "write_mostly" or
	// "journal".
	State string `json:"state"`
}

// Cache is what makes a device a bcache device.
type Cache struct {
	Backing Key    `json:"backing,omitempty"`
	Caches  []Key  `json:"caches,omitempty"` // the devices of its cache set
	State   string `json:"state,omitempty"`  // "clean", "dirty", "no cache", "inconsistent"
	Mode    string `json:"mode,omitempty"`   // "writethrough", "writeback", ...
	Set     string `json:"set,omitempty"`    // UUID of the cache set
}

// NVMe is what makes a device an NVMe namespace.
type NVMe struct {
	NQN         string       `json:"nqn,omitempty"` // of the subsystem
	Namespace   int          `json:"namespace"`
	Controllers []Controller `json:"controllers,omitempty"`
}

// Controller is a path to an NVMe subsystem.
type Controller struct {
	Name      string `json:"name"`
	State     string `json:"state,omitempty"` // "live", "connecting", ...
	Transport string `json:"transport,omitempty"`
	Address   string `json:"address,omitempty"`
	Access    string `json:"access,omitempty"` // ANA state of the namespace through it
}

// Exported is the State of a pool that is not imported here. Its other fields are
// what the labels tell: the name, and the members that this host sees.
const Exported = "EXPORTED"

// Pool is a ZFS pool.
type Pool struct {
	Name string `json:"name"`
	// State is ZFS's own: "ONLINE", "DEGRADED", "FAULTED", "SUSPENDED"; or Exported. A
	// pool can be degraded while all its vdevs are online.
	State string `json:"state"`
	Size  int64  `json:"size,omitempty"`
	Free  int64  `json:"free,omitempty"`
	// Status is ZFS's own text about what is wrong, if something is.
	Status   string    `json:"status,omitempty"`
	Vdevs    []Vdev    `json:"vdevs"`
	Datasets []Dataset `json:"datasets,omitempty"`
}

// Vdev is a leaf of a pool's tree.
type Vdev struct {
	Device Key    `json:"device,omitempty"`
	Path   string `json:"path"`
	GUID   string `json:"guid,omitempty"`
	// Group is the vdev above it, such as "mirror-0", empty at the top.
	Group string `json:"group,omitempty"`
	// Role is "data", "log", "cache", "spare", "special" or "dedup".
	Role  string `json:"role"`
	State string `json:"state"`
	// Errors are ZFS's counters of read, write and checksum errors.
	Errors [3]int64 `json:"errors,omitzero"`
}

// Dataset is a file system of a pool. Volumes are devices.
type Dataset struct {
	Name  string `json:"name"`
	GUID  string `json:"guid,omitempty"`
	Used  int64  `json:"used,omitempty"`
	Avail int64  `json:"avail,omitempty"`
	Mount string `json:"mount,omitempty"` // where it is mounted, empty if it is not
	// Lustre says that the dataset holds a Lustre target.
	Lustre bool `json:"lustre,omitempty"`
}

// Mount is a mounted file system or a swap area in use.
type Mount struct {
	Device  Key    `json:"device,omitempty"`
	Dataset string `json:"dataset,omitempty"` // instead of Device, for ZFS
	Source  string `json:"source"`
	Target  string `json:"target"` // mount point; "swap" for a swap area
	Type    string `json:"type"`
	Options string `json:"options,omitempty"`
}

// Enclosure is a SES enclosure.
type Enclosure struct {
	Vendor   string    `json:"vendor,omitempty"`
	Model    string    `json:"model,omitempty"`
	Firmware string    `json:"firmware,omitempty"`
	Serial   string    `json:"serial,omitempty"`
	Status   string    `json:"status,omitempty"` // "OK", "CRITICAL", ... of the whole
	Elements []Element `json:"elements"`
}

// Element is a part of an enclosure.
type Element struct {
	Type  string `json:"type"` // "slot", "psu", "fan", "temperature", "voltage", "current", "expander", "controller", "connector", ...
	Index int    `json:"index"`
	Name  string `json:"name,omitempty"`
	// Status is the SES status: "OK", "Critical", "Non-critical", "Unrecoverable",
	// "Not installed", "Unknown", "Not available".
	Status  string   `json:"status"`
	Device  Key      `json:"device,omitempty"` // of a slot: the disk in it
	SAS     string   `json:"sas,omitempty"`    // of a slot: the address of what is in it
	Value   *float64 `json:"value,omitempty"`  // °C, V, A or rpm by type
	Fault   bool     `json:"fault,omitempty"`
	Predict bool     `json:"predict,omitempty"`
	Ident   bool     `json:"ident,omitempty"`
}

// Health is what a disk says of itself (SMART, NVMe). It is read seldom, and
// never from a disk that sleeps.
type Health struct {
	// Passed is the disk's own verdict; nil if it has none.
	Passed      *bool    `json:"passed,omitempty"`
	Temperature *float64 `json:"temperature,omitempty"` // °C
	PowerOn     *int64   `json:"power_on,omitempty"`    // hours
	// Used is how much of an SSD's life is used, percent; may exceed 100.
	Used  *float64 `json:"used,omitempty"`
	Spare *float64 `json:"spare,omitempty"` // percent of spare blocks left
	// Reallocated, Pending, Uncorrected and Media count what the disk could not read
	// or had to move.
	Reallocated *int64 `json:"reallocated,omitempty"`
	Pending     *int64 `json:"pending,omitempty"`
	Uncorrected *int64 `json:"uncorrected,omitempty"`
	Media       *int64 `json:"media,omitempty"`
	// Warnings are the critical warnings of an NVMe disk and what SCSI informational
	// exceptions say, for people.
	Warnings []string `json:"warnings,omitempty"`
	// Asleep says that the disk was in standby and was left alone.
	Asleep bool `json:"asleep,omitempty"`
}

// Cluster is a high-availability cluster.
type Cluster struct {
	Name  string   `json:"name,omitempty"`
	Nodes []string `json:"nodes"` // as the cluster names them
}
