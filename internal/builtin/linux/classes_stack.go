package linux

import "github.com/faultline-storage/faultline/sdk/plugin"

// StackStatus is how well a stack does its work.
type StackStatus string

// The states of a stack.
const (
	StackOK       StackStatus = "ok"
	StackDegraded StackStatus = "degraded"
	StackFailed   StackStatus = "failed"
	StackInactive StackStatus = "inactive"
)

// MdRaid is an array of Linux MD.
type MdRaid struct {
	plugin.LogicalDrive
	usable
	UUID   string      `attr:",globalid" label:"UUID"`
	Name   string      `attr:",optional"`
	Level  string      `attr:",optional"`
	Disks  int64       `attr:",optional"`
	Status StackStatus `attr:",optional" enum:"ok,degraded,failed,inactive"`
	// StatusText names what is missing or faulty.
	StatusText string       `attr:",optional"`
	Sync       string       `attr:",optional"`
	Done       plugin.Gauge `unit:"%" label:"Synchronised"`
}

// Describe declares the class's label and alert conditions.
func (x *MdRaid) Describe(c *plugin.Class) {
	c.Label("MD RAID array")
	c.Alert(plugin.When(&x.Status).Warn(StackDegraded), "The array has lost members", "degraded")
	c.Alert(plugin.When(&x.Status).Error(StackFailed), "The array has failed", "failed")
}

// Label is the name that the array has, or its UUID.
func (x *MdRaid) Label() string { return first(x.Name, x.UUID) }

// EMCPower is a pseudo device of EMC PowerPath.
type EMCPower struct {
	plugin.LogicalDrive
	usable
	UUID string `attr:",globalid" label:"UUID"`
	Name string `attr:",optional"`
}

// Describe declares the class's label.
func (*EMCPower) Describe(c *plugin.Class) { c.Label("PowerPath device") }

// Label is the name.
func (x *EMCPower) Label() string { return first(x.Name, x.UUID) }

// LvmGroup is a volume group of LVM.
type LvmGroup struct {
	plugin.StoragePool
	UUID string       `attr:",globalid" label:"UUID"`
	Name string       `attr:",optional"`
	Size plugin.Bytes `attr:",optional"`
	// Missing counts physical volumes that are not there.
	Missing int64        `attr:",optional" label:"Missing physical volumes"`
	Free    plugin.Gauge `unit:"B"`
}

// Describe declares the class's label and alert conditions.
func (x *LvmGroup) Describe(c *plugin.Class) {
	c.Label("LVM volume group")
	c.Alert(plugin.Above(&x.Missing).Warn(0), "Physical volumes are missing")
}

// Label is the name.
func (x *LvmGroup) Label() string { return first(x.Name, x.UUID) }

// LvmVolume is a logical volume of LVM. Whether it is active on a host is told by
// its having a node there.
type LvmVolume struct {
	plugin.LogicalDriveSlice
	usable
	Group  plugin.Any  `attr:",globalid"`
	UUID   string      `attr:",globalid" label:"UUID"`
	Name   string      `attr:",optional"`
	Type   string      `attr:",optional"`
	Status StackStatus `attr:",optional" enum:"ok,degraded,failed,inactive"`
	// StatusText is LVM's own word for what is wrong.
	StatusText string `attr:",optional"`

	group string
}

// Describe declares the class's label and alert conditions.
func (x *LvmVolume) Describe(c *plugin.Class) {
	c.Label("LVM volume")
	c.Alert(plugin.When(&x.Status).Warn(StackDegraded), "The volume has lost some of its redundancy", "degraded")
	c.Alert(plugin.When(&x.Status).Error(StackFailed), "The volume lacks parts of its data", "failed")
}

// Label is group and volume, as "group-volume".
func (x *LvmVolume) Label() string {
	if x.group == "" {
		return first(x.Name, x.UUID)
	}
	return x.group + "-" + first(x.Name, x.UUID)
}

// ZfsPool is a pool of ZFS.
type ZfsPool struct {
	plugin.LogicalDrive
	usable
	GUID   string      `attr:",globalid" label:"GUID"`
	Name   string      `attr:",optional"`
	Status StackStatus `attr:",optional" enum:"ok,degraded,failed,inactive"`
	// State is ZFS's own word, such as "ONLINE"; StatusText is its explanation.
	State      string       `attr:",optional"`
	StatusText string       `attr:",optional"`
	Free       plugin.Gauge `unit:"B"`
}

// Describe declares the class's label and alert conditions.
func (x *ZfsPool) Describe(c *plugin.Class) {
	c.Label("ZFS pool")
	c.Alert(plugin.When(&x.Status).Warn(StackDegraded), "The pool is degraded", "degraded")
	c.Alert(plugin.When(&x.Status).Error(StackFailed), "The pool does not work", "failed")
}

// Label is the name.
func (x *ZfsPool) Label() string { return first(x.Name, x.GUID) }

// ZfsDataset is a file system of a ZFS pool: a slice, so that a pool with datasets
// is no volume of its own. Its size is what it uses and what
// is available to it. Other plugins find it by (pool_guid, name).
type ZfsDataset struct {
	plugin.LogicalDriveSlice
	usable
	Pool     plugin.Any `attr:",globalid"`
	Name     string     `attr:",globalid"`
	PoolGUID string     `attr:"pool_guid,optional,hidden" label:"GUID of the pool"`
	GUID     string     `attr:",optional" label:"GUID"`
	// Lustre says that a Lustre target is in it.
	Lustre bool         `label:"Holds a Lustre target"`
	Used   plugin.Gauge `unit:"B"`
	Free   plugin.Gauge `unit:"B"`
}

// Describe declares the class's label.
func (*ZfsDataset) Describe(c *plugin.Class) { c.Label("ZFS dataset") }

// Label is the name.
func (x *ZfsDataset) Label() string { return x.Name }

// ZfsVol is a block device of a ZFS pool.
type ZfsVol struct {
	plugin.LogicalDriveSlice
	usable
	Pool     plugin.Any `attr:",globalid"`
	Name     string     `attr:",globalid"`
	PoolGUID string     `attr:"pool_guid,optional,hidden" label:"GUID of the pool"`
}

// Describe declares the class's label.
func (*ZfsVol) Describe(c *plugin.Class) { c.Label("ZFS volume") }

// Label is the name.
func (x *ZfsVol) Label() string { return x.Name }

// stacked is what drives have beside their size that a host makes of a device of its
// own: they are known by their node.
type stacked struct {
	usable
	Path plugin.Path `attr:",scopedid"`
}

// Label is the path without the folder.
func (x *stacked) Label() string { return shortPath(string(x.Path)) }

// CryptDevice is an opened device of dm-crypt.
type CryptDevice struct {
	plugin.LogicalDrive
	stacked
}

// Describe declares the class's label.
func (*CryptDevice) Describe(c *plugin.Class) { c.Label("Encrypted device") }

// BcacheDevice is a device of bcache.
type BcacheDevice struct {
	plugin.LogicalDrive
	stacked
}

// Describe declares the class's label.
func (*BcacheDevice) Describe(c *plugin.Class) { c.Label("bcache device") }

// LoopDevice is a file as a block device.
type LoopDevice struct {
	plugin.LogicalDrive
	stacked
	File plugin.Path `attr:",optional"`
}

// Describe declares the class's label.
func (*LoopDevice) Describe(c *plugin.Class) { c.Label("Loop device") }

// MappedDevice is a device of device-mapper that is of no other class.
type MappedDevice struct {
	plugin.LogicalDrive
	stacked
}

// Describe declares the class's label.
func (*MappedDevice) Describe(c *plugin.Class) { c.Label("Mapped device") }

// first returns the first text that is not empty.
func first(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}
