package linux

import "github.com/faultline-storage/faultline/sdk/plugin"

// Status is how well a device node works, on its own host.
type Status string

// The states of a node.
const (
	Working Status = "ok"
	// PathFailed is a path of a map of which other paths may work. It is a warning
	// whether they do or not: the map says what it means.
	PathFailed Status = "path failed"
	// MemberFailed is a device that does not work and is a member of a stack with
	// redundancy, which says itself what that means.
	MemberFailed Status = "member failed"
	// Degraded is a node that works with fewer paths or members than it has.
	Degraded Status = "degraded"
	// PathsFailed is a node none of whose paths works.
	PathsFailed Status = "all paths failed"
	// Offline is a device that the kernel has given up.
	Offline Status = "offline"
	// Failed is a node whose stack does not work.
	Failed Status = "failed"
)

// LinuxDeviceNode is one host's presentation of a logical drive: a path of a disk,
// a multipath map, a partition, the device of a stack, or a ZFS pool or dataset,
// whose path is its name. LogicalDrive is the drive behind it, which is the thing
// to look at: of the node's parents several may be drives' nodes.
//
// Other plugins find a node by (host_id, path), by (host_id, device_number) while
// the device is there, and a ZFS dataset's or pool's by (host_id, path) with its
// name as the path.
type LinuxDeviceNode struct { //nolint:revive // the name of the class is the guide's
	plugin.DeviceNode
	// Name is the kernel's name, such as "dm-3"; empty for what is no block device.
	Name string `attr:",optional"`
	// DeviceNumber is "major:minor", empty for what is no block device.
	DeviceNumber string `attr:",optional,hidden"`
	// Kind is what the node is: "disk", "multipath", "partition" and so on.
	Kind      string       `attr:",optional"`
	Size      plugin.Bytes `attr:",optional"`
	Transport string       `attr:",optional"`
	// Address is the place on the bus, such as "1:0:3:12".
	Address  string `attr:",optional"`
	ReadOnly bool
	Status   Status `attr:",optional" enum:"ok,path failed,member failed,degraded,all paths failed,offline,failed"`
	// StatusText says what the kernel or a tool says, for people.
	StatusText string `attr:",optional"`
}

// Describe declares identity, label and alert conditions.
func (x *LinuxDeviceNode) Describe(c *plugin.Class) {
	c.Label("Device node")
	c.ScopedID(&x.Path)
	c.Alert(plugin.When(&x.Status).Warn(PathFailed), "The path has failed", "path_failed")
	c.Alert(plugin.When(&x.Status).Warn(MemberFailed), "The device does not work; what it is a member of has others", "member_failed")
	c.Alert(plugin.When(&x.Status).Warn(Degraded), "Some paths or members of the device have failed", "degraded")
	c.Alert(plugin.When(&x.Status).Error(PathsFailed), "All paths have failed", "paths_failed")
	c.Alert(plugin.When(&x.Status).Error(Offline), "The device is offline", "offline")
	c.Alert(plugin.When(&x.Status).Error(Failed), "The device has failed", "failed")
}

// Label is the path.
func (x *LinuxDeviceNode) Label() string { return string(x.Path) }

// NvmeController is a way to the namespaces of an NVMe subsystem.
type NvmeController struct {
	plugin.Resource
	Subsystem string `attr:",scopedid" label:"Subsystem (NQN)"`
	// Address is where it is: a PCI address, or the addresses of a fabric.
	Address   string `attr:",scopedid"`
	Name      string `attr:",optional"`
	Transport string `attr:",optional"`
	State     string `attr:",optional"`
	Status    Status `attr:",optional" enum:"ok,path failed,offline"`
}

// Describe declares the class's label and alert conditions.
func (x *NvmeController) Describe(c *plugin.Class) {
	c.Label("NVMe controller")
	c.Alert(plugin.When(&x.Status).Warn(PathFailed), "The path has failed", "path_failed")
	c.Alert(plugin.When(&x.Status).Error(Offline), "The only path has failed", "offline")
}

// Label is the kernel's name and the address.
func (x *NvmeController) Label() string { return x.Name + " (" + x.Address + ")" }

// LocalMount is a mounted file system of one host. It occupies the drive that
// it lies on. The host is its parent by host_id.
type LocalMount struct {
	plugin.LogicalDriveOccupier
	HostID     int64       `attr:",hidden"`
	MountPoint plugin.Path `attr:",scopedid"`
	// Device is the path of the node that is mounted, or the name of a dataset.
	Device         string `attr:",scopedid"`
	FilesystemType string `attr:",optional"`
	Options        string `attr:",optional"`
}

// Describe declares the class's label.
func (x *LocalMount) Describe(c *plugin.Class) {
	c.Label("Mount")
	plugin.SubscribeTo[plugin.Host](c, &x.HostID)
}

// Label is the mount point.
func (x *LocalMount) Label() string { return string(x.MountPoint) }

// LustreMount is the mount of a Lustre target on its server. It is no
// LogicalDriveOccupier, since a volume that carries a target stays a volume. The
// host is its parent by host_id; the lustre plugin's targets find it by
// (host_id, mount_point) or by (host_id, device).
type LustreMount struct {
	plugin.Resource
	HostID     int64       `attr:",hidden"`
	MountPoint plugin.Path `attr:",scopedid"`
	Device     string      `attr:",scopedid"`
	Options    string      `attr:",optional"`
}

// Describe declares the class's label.
func (x *LustreMount) Describe(c *plugin.Class) {
	c.Label("Lustre mount")
	plugin.SubscribeTo[plugin.Host](c, &x.HostID)
}

// Label is the mount point.
func (x *LustreMount) Label() string { return string(x.MountPoint) }

// SwapArea is a swap area in use. It occupies its drive.
type SwapArea struct {
	plugin.LogicalDriveOccupier
	HostID int64       `attr:",hidden"`
	Path   plugin.Path `attr:",scopedid"`
}

// Describe declares the class's label.
func (x *SwapArea) Describe(c *plugin.Class) {
	c.Label("Swap area")
	plugin.SubscribeTo[plugin.Host](c, &x.HostID)
}

// Label is the path.
func (x *SwapArea) Label() string { return string(x.Path) }

// MemberStatus is how a member does its part in a stack.
type MemberStatus string

// The states of a member.
const (
	InUse      MemberStatus = "ok"
	Spare      MemberStatus = "spare"
	Rebuilding MemberStatus = "rebuilding"
	Errors     MemberStatus = "errors"
	Faulty     MemberStatus = "faulty"
)

// StackMember is a drive's part in a stack: a member of an MD array, a physical
// volume of LVM, a device of a ZFS pool, what lies below dm-crypt or bcache. It
// lies between the drive and the stack, and occupies the drive, also where the
// stack is not assembled and only what is written on the drive tells of it. Paths
// of multipath maps are no members: they are the same drive.
type StackMember struct {
	plugin.LogicalDriveOccupier
	LogicalDrive plugin.Any `attr:",globalid"`
	// Of is the kind of the stack: "md", "lvm", "zfs", "crypt", "bcache" and so on.
	Of    string `attr:",globalid"`
	Stack string `attr:",optional"`
	// Role is what it does in the stack: "slot 2", "log", "mirror-0".
	Role   string       `attr:",optional"`
	Status MemberStatus `attr:",optional" enum:"ok,spare,rebuilding,errors,faulty"`
	// StatusText is the stack's own word for it.
	StatusText     string `attr:",optional"`
	ReadErrors     *int64 `attr:",optional"`
	WriteErrors    *int64 `attr:",optional"`
	ChecksumErrors *int64 `attr:",optional"`

	device string
}

// Describe declares the class's label and alert conditions. A faulty member is a
// warning, since the stack says itself what it means.
func (x *StackMember) Describe(c *plugin.Class) {
	c.Label("Member of a stack")
	c.Alert(plugin.When(&x.Status).Warn(Faulty), "The member is faulty", "faulty")
	c.Alert(plugin.When(&x.Status).Info(Rebuilding), "The member is being rebuilt", "rebuilding")
	c.Alert(plugin.When(&x.Status).Info(Errors), "The stack counted errors of the member", "errors")
}

// Label says what is a member of what.
func (x *StackMember) Label() string {
	if x.Stack == "" {
		return x.device + " (" + x.Of + ")"
	}
	return x.device + " in " + x.Stack
}

// MissingMember is a member of a stack that is no device here: one that should be
// there and is not, or a file that does not do.
type MissingMember struct {
	plugin.Resource
	Of    string `attr:",globalid"`
	Stack string `attr:",globalid"`
	// Name is what the stack calls it: a device's old name, or an identifier.
	Name       string       `attr:",globalid"`
	Status     MemberStatus `enum:"faulty"`
	StatusText string       `attr:",optional"`

	stack string
}

// Describe declares the class's label and alert condition.
func (x *MissingMember) Describe(c *plugin.Class) {
	c.Label("Missing member of a stack")
	c.Alert(plugin.When(&x.Status).Warn(Faulty), "A member is missing or does not work")
}

// Label says what is missing where.
func (x *MissingMember) Label() string { return shortPath(x.Name) + " of " + first(x.stack, x.Stack) }

// ClusterMembership says that the host is in a high-availability cluster. Clusters
// of other hosts with the same nodes are the same one; the name is often the same
// for all clusters of a site.
type ClusterMembership struct {
	plugin.Resource
	HostID int64  `attr:",hidden"`
	Name   string `attr:"ha_cluster,scopedid" label:"Cluster"`
	// Nodes are the names of the cluster's nodes, sorted, with spaces between.
	Nodes string `attr:"ha_nodes" label:"Nodes"`
}

// Describe declares the class's label.
func (*ClusterMembership) Describe(c *plugin.Class) { c.Label("Membership of a cluster") }

// Label is the name.
func (x *ClusterMembership) Label() string { return x.Name }
