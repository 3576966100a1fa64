package lustre

import (
	"time"

	"github.com/faultline-storage/faultline/sdk/plugin"
)

// Health is the verdict of Lustre's health_check. Its zero value is that there is
// none.
type Health string

// The verdicts.
const (
	Healthy    Health = "healthy"
	NotHealthy Health = "NOT HEALTHY"
	LBUG       Health = "LBUG" // an assertion of Lustre failed; the host must be restarted
)

// Network is the state of LNet as a whole. Its zero value is that it is unknown.
type Network string

// The states of LNet.
const (
	NetworkUp     Network = "up"
	NetworkDown   Network = "down"
	NetworkUnused Network = "unused" // down, and there is nothing here that needs it
)

// Server is Lustre on one host: what targets and clients there have in common.
type Server struct {
	plugin.Resource
	HostID int64  `attr:",scopedid,hidden"`
	Host   string `attr:",optional"`
	// Version is Lustre's; empty if it is not loaded.
	Version string  `attr:",optional"`
	Health  Health  `attr:",optional" enum:"healthy,NOT HEALTHY,LBUG"`
	LNet    Network `attr:"lnet,optional" label:"LNet" enum:"up,down,unused"`
	// Unread counts what could not be read on the host; Gaps tells it, one a line.
	Unread *int64 `attr:",optional" label:"Gaps in the report"`
	Gaps   string `attr:",optional,hidden"`
}

// Label is the host's name.
func (s *Server) Label() string { return "Lustre on " + s.Host }

// Describe declares the class's label, alert conditions and relations.
func (s *Server) Describe(c *plugin.Class) {
	c.Label("Lustre server")
	c.Alert(plugin.When(&s.Health).Error(NotHealthy, LBUG), "Lustre is not healthy on the host")
	c.Alert(plugin.When(&s.LNet).Error(NetworkDown), "LNet is down")
	c.Alert(plugin.Above(&s.Unread).Info(0), "A part of what Lustre says could not be read")
	plugin.SubscribeTo[plugin.Host](c, &s.HostID)
}

// Part is what a host has to do with a target.
type Part string

// The parts.
const (
	Active   Part = "active"
	Stopping Part = "stopping"
	Standby  Part = "standby" // it sees the storage, and could mount it
)

// TargetMount is one host's side of a target: where the target is mounted, or
// could be. It is a parent of the target only while that runs here, by its
// HostID.
type TargetMount struct {
	plugin.Resource
	Filesystem string `attr:",scopedid" label:"File system"`
	Name       string `attr:",scopedid" label:"Target"`
	HostID     int64  `attr:",hidden"`
	Host       string `attr:",optional"`
	Part       Part   `enum:"active,stopping,standby"`
	// Path is the block device or the ZFS dataset, DeviceNumber its "major:minor".
	Path         plugin.Path `attr:",optional" label:"Device"`
	DeviceNumber string      `attr:",optional,hidden"`
	MountPoint   plugin.Path `attr:",optional"`
	Backend      string      `attr:",optional"`
}

// Label is the target and the host.
func (m *TargetMount) Label() string { return m.Name + " on " + m.Host }

// Describe declares the class's label and relations.
func (m *TargetMount) Describe(c *plugin.Class) {
	c.Label("Target on a host")
	plugin.SubscribeTo[plugin.DeviceNode](c, &m.HostID, &m.Path)
	plugin.SubscribeTo[plugin.DeviceNode](c, &m.HostID, &m.DeviceNumber)
}

// Link is the state of an LNet interface. Its zero value is that LNet gives none.
type Link string

// The states of an interface.
const (
	LinkUp Link = "up"
	// LinkDown: the interface is down, and another one of its network is up.
	LinkDown Link = "down"
	// LinkLost: the interface is down, and so is all of its network on this host.
	LinkLost Link = "network down"
)

// LNetInterface is one of Lustre's network interfaces on a host.
type LNetInterface struct {
	plugin.Resource
	NID     string `attr:"nid,scopedid" label:"NID"`
	HostID  int64  `attr:",hidden"`
	Host    string `attr:",optional"`
	Net     string `attr:",optional" label:"Network"`
	Devices string `attr:",optional"`
	State   Link   `attr:",optional" enum:"up,down,network down"`

	HealthValue plugin.Gauge `label:"LNet health" every:"30s"`
}

// Label is the NID.
func (i *LNetInterface) Label() string { return i.NID }

// Describe declares the class's label and alert conditions.
func (i *LNetInterface) Describe(c *plugin.Class) {
	c.Label("LNet interface")
	c.Alert(plugin.When(&i.State).Warn(LinkDown).Error(LinkLost), "The LNet interface is down")
}

// Reach says how many of its targets a client reaches.
type Reach string

// The reaches.
const (
	ReachAll  Reach = "all targets"
	ReachSome Reach = "some targets"
	ReachNone Reach = "no target"
)

// ClientMount is a file system that a host has mounted as a client.
type ClientMount struct {
	plugin.Resource
	// Instance is Lustre's name of the mount, such as scratch-ffff88105db50000.
	Instance   string      `attr:",scopedid,hidden"`
	Filesystem string      `label:"File system"`
	HostID     int64       `attr:",hidden"`
	Host       string      `attr:",optional"`
	MountPoint plugin.Path `attr:",optional"`
	Reaches    Reach       `attr:",optional" enum:"all targets,some targets,no target"`
	// Disconnected and Inactive name targets, separated by commas.
	Disconnected string `attr:",optional"`
	Inactive     string `attr:",optional"`
}

// Label is the file system and the host.
func (m *ClientMount) Label() string { return m.Filesystem + " on " + m.Host }

// Describe declares the class's label and alert conditions.
func (m *ClientMount) Describe(c *plugin.Class) {
	c.Label("Client mount")
	c.Alert(plugin.When(&m.Reaches).Warn(ReachSome).Error(ReachNone).For(time.Minute), "The client does not reach all targets")
	plugin.SubscribeTo[plugin.Host](c, &m.HostID)
}
