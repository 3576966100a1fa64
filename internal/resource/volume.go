package resource

import (
	"slices"
	"time"
)

// Names of base classes that volumes are made from (guide, "Resource Classes").
const (
	BaseHost = "Host"
	// BaseVirtualMachine is a machine that a plugin reports as a host to be.
	BaseVirtualMachine = "VirtualMachine"
	BaseStoragePool    = "StoragePool"
	BaseLogicalDrive   = "LogicalDrive"
	BaseSlice          = "LogicalDriveSlice"
	BaseOccupier       = "LogicalDriveOccupier"
	BaseDeviceNode     = "DeviceNode"
	BasePathWeight     = "PathWeight"
)

// ClassTarget is the class name, own or inherited, of resources that keep their
// data on a volume, such as the targets of Lustre. A volume with one below it is
// used: it is not offered, and its homing stays as it is.
const ClassTarget = "Target"

// ClassFileSystem is the class name, own or inherited, of file systems.
const ClassFileSystem = "FileSystem"

// What a resource says about the high-availability cluster of a host. Any class
// that declares AttrHostID (integer) and AttrClusterNodes (string) states, with
// one resource for each host, that the host is a member of a cluster: its name,
// which may be empty, and the names of its members as the cluster has them,
// separated by spaces. A resource whose AttrClusterNodes is empty states
// nothing. See the package volume for how hosts become a cluster by it.
const (
	AttrHostID       = "host_id"
	AttrCluster      = "ha_cluster"
	AttrClusterNodes = "ha_nodes"
)

// AttrUsable is the attribute of a LogicalDrive, a boolean, that says whether
// file system targets may be placed on it. A drive without it may have them.
const AttrUsable = "usable_for_lustre"

// AttrFQDN is the attribute of a Host that is its name. A host without it is
// called by its label.
const AttrFQDN = "fqdn"

// Role is what a node of a volume is used for.
type Role string

// The roles of a node.
const (
	RolePrimary   Role = "primary"
	RoleSecondary Role = "secondary"
	RoleUnused    Role = "unused"
)

// NoHost stands for a host in a VolumeWish: none shall have the role.
const NoHost = "none"

// HAStatus says whether a volume survives the loss of a host.
type HAStatus string

// The high-availability statuses of a volume.
const (
	HA           HAStatus = "ha"           // it has a primary and a secondary
	NoHA         HAStatus = "no-ha"        // one host only, or a primary without a secondary
	Unconfigured HAStatus = "unconfigured" // several hosts and no primary
)

// Volume is a logical drive that hosts can reach, derived from the graph, with
// what was decided for it. It is immutable: a change makes a new one.
type Volume struct {
	// ID is that of its drive; a detached volume keeps that of its last one.
	ID ID
	// Key is the identity of the drive, which is the same when it is found again
	// under another ID.
	Key string
	// Label is the name by the rules; see package volume. Wish.Alias goes before it.
	Label         string
	Plugin, Class string // of the drive
	// Kind is the label of the drive's class, or "Unknown" if it is detached.
	Kind           string
	Size           int64  // bytes; 0 if it is unknown
	FilesystemType string // what is written on it; empty means unknown or nothing
	// Detached says that its drive is no longer seen.
	Detached bool
	// Unsuitable says that its class is not for file system targets.
	Unsuitable bool
	// Backing are the resources whose failure is the volume's, ascending: its drive,
	// what that is another view or a part of, and the pools that these come from.
	// What a stack is made of is not among them, for it may do without a member.
	Backing []ID
	// Users are the targets that lie on it, ascending.
	Users []ID
	// Nodes are the ways of hosts to it: by host, then the best first.
	Nodes  []VolumeNode
	Wish   VolumeWish
	Choice VolumeChoice
	// Seq is the position of the volume's last change in the order of all changes
	// of volumes.
	Seq uint64
}

// VolumeNode is one way of a host to a volume.
type VolumeNode struct {
	ID   ID // of the DeviceNode
	Path string
	// HostID is what the node says, the ID of the host's resource; Host is the
	// host's name.
	HostID int64
	Host   string
	Role   Role
	// Weight is the sum of its PathWeights, and Weights how many there are.
	Weight  int64
	Weights int
}

// VolumeWish is what a user decided about a volume. Hosts are named by their
// names, so that a host that is added again is the same.
type VolumeWish struct {
	Alias string `json:"alias,omitempty"`
	// Primary and Secondary are empty if the choice is the server's.
	Primary   string `json:"primary,omitempty"`
	Secondary string `json:"secondary,omitempty"`
	// Unused are hosts that the server must not choose, ascending.
	Unused []string `json:"unused,omitempty"`
	// By and Time say who decided last, and when.
	By   string    `json:"by,omitempty"`
	Time time.Time `json:"time,omitzero"`
}

// Empty reports whether nothing is decided.
func (w *VolumeWish) Empty() bool {
	return w.Alias == "" && w.Primary == "" && w.Secondary == "" && len(w.Unused) == 0
}

// Ground is why a host was chosen, or why none was.
type Ground string

// The grounds of a choice.
const (
	GroundNone    Ground = ""        // there is no choice; the sentence says why
	GroundUser    Ground = "user"    // a user decided
	GroundWeight  Ground = "weight"  // its path has the greatest weight
	GroundBalance Ground = "balance" // it has the least to do
	GroundOnly    Ground = "only"    // there is no other one
	GroundTarget  Ground = "target"  // what lies on the volume is there
)

// VolumeChoice is the hosts of a volume and why they are.
type VolumeChoice struct {
	Primary   string `json:"primary,omitempty"` // names of hosts
	Secondary string `json:"secondary,omitempty"`
	// PrimaryBy and SecondaryBy are the grounds.
	PrimaryBy   Ground `json:"primary_by,omitempty"`
	SecondaryBy Ground `json:"secondary_by,omitempty"`
	// WhyPrimary and WhySecondary are sentences for people: why this host, or why
	// none.
	WhyPrimary   string `json:"why_primary,omitempty"`
	WhySecondary string `json:"why_secondary,omitempty"`
	// Hosts are those between which the choice was made, ascending. Only when one
	// more comes is a choice that still can stand looked at again.
	Hosts []string `json:"hosts,omitempty"`
}

// Same reports whether two choices are equal.
func (c *VolumeChoice) Same(o *VolumeChoice) bool {
	return c.Primary == o.Primary && c.Secondary == o.Secondary && c.PrimaryBy == o.PrimaryBy &&
		c.SecondaryBy == o.SecondaryBy && c.WhyPrimary == o.WhyPrimary &&
		c.WhySecondary == o.WhySecondary && slices.Equal(c.Hosts, o.Hosts)
}

// Name is what people call the volume: its alias or else its label.
func (v *Volume) Name() string {
	if v.Wish.Alias != "" {
		return v.Wish.Alias
	}
	return v.Label
}

// Hosts returns the names of the hosts that reach the volume, ascending.
func (v *Volume) Hosts() []string {
	var out []string
	for i := range v.Nodes {
		if h := v.Nodes[i].Host; len(out) == 0 || out[len(out)-1] != h {
			out = append(out, h)
		}
	}
	return out
}

// Node returns the node with the role, or nil.
func (v *Volume) Node(role Role) *VolumeNode {
	for i := range v.Nodes {
		if v.Nodes[i].Role == role {
			return &v.Nodes[i]
		}
	}
	return nil
}

// HA is the volume's high-availability status.
func (v *Volume) HA() HAStatus {
	primary := v.Choice.Primary != ""
	switch {
	case primary && v.Choice.Secondary != "":
		return HA
	case primary, len(v.Hosts()) == 1:
		return NoHA
	}
	return Unconfigured
}

// Used reports whether something lies on the volume.
func (v *Volume) Used() bool { return len(v.Users) > 0 }

// Usable reports whether a new target may be placed on the volume: nothing lies
// on it, it is meant for that, and it is clear on which host.
func (v *Volume) Usable() bool {
	return !v.Used() && !v.Detached && !v.Unsuitable && (len(v.Hosts()) == 1 || v.Choice.Primary != "")
}

// VolumeQuery selects, sorts and pages volumes. The zero VolumeQuery selects all,
// by name.
type VolumeQuery struct {
	Category string // "unused" or "usable"; empty selects all
	// Host selects volumes that the host reaches, Primary those of which it is the
	// primary: the ID or the name of a host. One that is not known has none.
	Host, Primary string
	// FileSystem selects volumes on which a target of this file system lies.
	FileSystem ID
	// Text selects volumes in which the text occurs, ignoring case: in the name, the
	// label, the kind, the identity, a node's path or host.
	Text   string
	Sort   string // one of VolumeSorts, with a leading "-" for descending; by name if empty
	Limit  int    // 0 means 100; at most 10,000
	Cursor string
}

// VolumeSorts are the fields that VolumeQuery.Sort may name.
var VolumeSorts = []string{"name", "id", "kind", "size", "filesystem_type", "primary"}

// VolumeCategories are the values of VolumeQuery.Category.
var VolumeCategories = []string{"unused", "usable"}

// VolumePage is one page of a query's answer.
type VolumePage struct {
	Items []*Volume
	Next  string // empty on the last page
}

// VolumeEdit is what a user changes about a volume. What is nil stays; an empty
// text goes back to the server's choice or to the label.
type VolumeEdit struct {
	Alias *string
	// Primary and Secondary are the name or the ID of a host, the ID of one of the
	// volume's nodes, or NoHost.
	Primary, Secondary *string
	Unused             *[]string // names or IDs of hosts
	By                 string    // who decides
}

// VolumeChanges are volumes that changed together.
type VolumeChanges struct {
	Seq     uint64
	Changed []*Volume
	Gone    []ID
}

// Candidate is a host that reaches a volume, as the choice sees it.
type Candidate struct {
	Host   string
	HostID int64
	Role   Role
	// Weight is that of its best path; Weighted says that all paths of the volume
	// have one, so that it counts.
	Weight   int64
	Weighted bool
	// Primaries and Used are how many other volumes of several hosts it is the
	// primary of, and has a node in use of.
	Primaries, Used int
	// Cluster is the HA cluster of the host; Problem says why there is none although
	// there might be one.
	Cluster, Problem string
}

// StoredVolume is what is kept of a volume beside the graph.
type StoredVolume struct {
	Key    string
	ID     ID     // of its drive, when it was last written
	Label  string // the same
	Wish   VolumeWish
	Choice VolumeChoice
	// Gone is since when its drive is not seen; zero if it is. Users are what lay on
	// it then, and Places where its nodes were, as "host:path", ascending.
	Gone   time.Time
	Users  []ID
	Places []string
}

// Cluster is a high-availability cluster of hosts, by name.
type Cluster struct {
	Name  string
	Hosts []string // as they were named, ascending
}

// VolumeMutation is what a store must do about volumes in one transaction. A key
// or name is in one part only.
type VolumeMutation struct {
	Put    []*StoredVolume // by Key
	Delete []string        // keys
	// PutClusters and DeleteClusters are clusters that users declared, by name.
	PutClusters    []*Cluster
	DeleteClusters []string
}

// Empty reports whether there is nothing to do.
func (m *VolumeMutation) Empty() bool {
	return len(m.Put)+len(m.Delete)+len(m.PutClusters)+len(m.DeleteClusters) == 0
}

// KnownCluster is a cluster with what the server makes of it.
type KnownCluster struct {
	Cluster
	// Source is "configuration", "user" or "found".
	Source string
	// Members are the hosts of it that are known, ascending. Missing are names in
	// Hosts that no known host has.
	Members, Missing []string
	// Problems say of its members why they are in no cluster, by the host's name.
	Problems map[string]string
}
