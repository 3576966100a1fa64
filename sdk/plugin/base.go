package plugin

import "github.com/faultline-storage/faultline/sdk/wire"

// Any is any resource: a pointer to a struct that embeds a base class. As the
// type of a field it is a reference to a resource of whatever class.
type Any interface {
	resource() *Resource
}

// Resource is the base of all classes. Embed it, or a more telling base class
// such as PhysicalDisk, in a struct to make a resource class. A value of a
// class must not be copied after it was reported.
type Resource struct {
	n *node // nil until the resource is reported or gets a parent
}

func (r *Resource) resource() *Resource { return r }

// Created reports whether the last Report of the resource was the first in
// this session: not the first ever (guide, Plugin.update_or_create).
func (r *Resource) Created() bool { return r.n != nil && r.n.created }

// AddParent says that a problem with parent is a problem with this resource
// (guide, "Relationships"). Adding a parent again changes nothing. The parent
// must be reported by the end of the turn. Call it within a turn.
func (r *Resource) AddParent(parent Any) { r.ensureNode().addParent(parent) }

// RemoveParent takes back what AddParent or the parents given to Report said.
// Removing what is no parent changes nothing. Call it within a turn.
func (r *Resource) RemoveParent(parent Any) { r.ensureNode().removeParent(parent) }

// ScannableResource is the base of classes that a user adds and that the
// plugin contacts, such as a couplet of controllers (guide, "Declaring a
// ScannableResource"). Tagged attr:",autoid" it is told apart by a number that
// Faultline gives out, so that two equal ones may exist.
type ScannableResource struct{ Resource }

// HostRoot is the base of the class that stands for one host's side of an
// agent plugin: the root of what is made from that host's data.
type HostRoot struct{ Resource }

// Host is a server.
type Host struct{ Resource }

// Controller is a RAID controller.
type Controller struct{ Resource }

// Enclosure is a physical enclosure, drawer or shelf.
type Enclosure struct{ Resource }

// Fan is a physical cooling fan.
type Fan struct{ Resource }

// PhysicalDisk is a physical storage device, such as a hard drive or an SSD.
type PhysicalDisk struct{ Resource }

// StoragePool is an aggregation of physical disks.
type StoragePool struct{ Resource }

// LogicalDrive is a storage device of a fixed size that could carry a file
// system.
type LogicalDrive struct {
	Resource
	// Size of the drive; 0 means unknown.
	Size Bytes `attr:",optional"`
	// FilesystemType is what the drive is formatted with; empty means unknown or none.
	FilesystemType string `attr:",optional"`
}

// LogicalDriveSlice is a part of a logical drive, such as a partition.
type LogicalDriveSlice struct{ LogicalDrive }

// LogicalDriveOccupier marks the logical drive that it descends from as in
// use: a mounted file system, for example.
type LogicalDriveOccupier struct{ Resource }

// VirtualMachine is a host that the hardware itself runs (guide, "Reporting
// Hosts").
type VirtualMachine struct {
	Resource
	// Address at which the host can be reached.
	Address Hostname
	// HostID belongs to Faultline; plugins must not assign it.
	HostID int64 `attr:",optional,readonly,hidden"`
}

// DeviceNode is one host's presentation of a logical drive.
type DeviceNode struct {
	Resource
	// HostID is the number that AgentSessionStart was given.
	HostID int64
	// Path of the node on the host, such as /dev/sda.
	Path Path
	// LogicalDrive is the drive behind the node, if it is known.
	LogicalDrive Any `attr:",optional"`
}

// PathWeight says how good a way to a logical drive a device node is. It is a
// parent of the device node and has the logical drive as its parent (guide,
// "Specifying Homing Information").
type PathWeight struct {
	Resource
	// Weight is higher for a better path.
	Weight int64
}

// baseNames are the names of the base classes.
var baseNames = []string{
	wire.BaseResource, wire.BaseScannable, wire.BaseHostRoot, wire.BaseHost, wire.BaseController, wire.BaseEnclosure,
	wire.BaseFan, wire.BasePhysicalDisk, wire.BaseStoragePool, wire.BaseLogicalDrive, wire.BaseLogicalDriveSlice,
	wire.BaseLogicalDriveOccupier, wire.BaseDeviceNode, wire.BasePathWeight, wire.BaseVirtualMachine,
}
