package lustre

import (
	"time"

	"github.com/faultline-storage/faultline/sdk/plugin"
)

// State is what the hosts together say about where a target runs. Its zero value
// is that nobody has said anything yet.
type State string

// The states of a target.
const (
	// Mounted: one host has it.
	Mounted State = "mounted"
	// Elsewhere: a metadata target or a client reaches it, so it runs on a host that
	// has no agent or that there is no contact with.
	Elsewhere State = "elsewhere"
	// Contested: several hosts say that they have it.
	Contested State = "mounted several times"
	// Offline: no host has it, and that is known and not only unheard of.
	Offline State = "offline"
	// Deactivated: an administrator has taken it out of use.
	Deactivated State = "deactivated"
	// Unknown: the host that had it last is out of contact.
	Unknown State = "unknown"
)

// Recovery is how far a target is with letting its clients back in.
type Recovery string

// The stages of a recovery.
const (
	NoRecovery  Recovery = "inactive"
	Waiting     Recovery = "waiting"
	Recovering  Recovery = "recovering"
	Recovered   Recovery = "complete"
	Aborted     Recovery = "aborted"
	OddRecovery Recovery = "other" // a word that this version does not know
)

// held is how long a target must be offline or contested before that is an
// alert. A failover takes both for a moment, in whichever order the two hosts are
// heard.
const held = 60 * time.Second

// FileSystem is a Lustre file system: the end of the way that a fault takes.
// Several hosts report one.
type FileSystem struct {
	plugin.Resource
	Name string `attr:",globalid"`
	// Size is what the object store targets that were ever heard of hold together.
	Size plugin.Bytes `attr:",optional"`
	// MetadataTargets and ObjectTargets count the targets that are known, Missing
	// those of them that are known not to run.
	MetadataTargets *int64 `attr:",optional"`
	ObjectTargets   *int64 `attr:",optional"`
	Missing         *int64 `attr:",optional" label:"Targets that do not run"`

	Capacity       plugin.Gauge `unit:"bytes" every:"30s"`
	Used           plugin.Gauge `unit:"bytes" every:"30s"`
	Available      plugin.Gauge `unit:"bytes" every:"30s"`
	UsedPercent    plugin.Gauge `label:"Space used" unit:"%" every:"30s"`
	Inodes         plugin.Gauge `unit:"inodes" every:"30s"`
	InodesFree     plugin.Gauge `label:"Free inodes" unit:"inodes" every:"30s"`
	InodesPercent  plugin.Gauge `label:"Inodes used" unit:"%" every:"30s"`
	Clients        plugin.Gauge `every:"30s"`
	ReadBandwidth  plugin.Gauge `label:"Reads" unit:"bytes/s" every:"30s"`
	WriteBandwidth plugin.Gauge `label:"Writes" unit:"bytes/s" every:"30s"`
}

// Label is the name.
func (f *FileSystem) Label() string { return f.Name }

// Describe declares the class's label, alert conditions and charts.
func (f *FileSystem) Describe(c *plugin.Class) {
	c.Label("Lustre file system")
	c.Alert(plugin.Above(&f.UsedPercent).Warn(90).WarnClear(88).Error(95).ErrorClear(93), "The file system is nearly full")
	c.Alert(plugin.Above(&f.InodesPercent).Warn(90).WarnClear(88).Error(95).ErrorClear(93), "The file system is nearly out of inodes")
	c.Chart("Space", &f.Capacity, &f.Used, &f.Available)
	c.Chart("Used", &f.UsedPercent, &f.InodesPercent)
	c.Chart("Throughput", &f.ReadBandwidth, &f.WriteBandwidth)
	c.Chart("Clients", &f.Clients)
	c.Chart("Inodes", &f.Inodes, &f.InodesFree)
}

// Target is what the three kinds of targets have in common. Every host that
// knows a target reports it, and all say the same of it, see world. HostID and
// Path are where it runs, or ran last: they make the host, the device and the
// mount its parents, and when it runs elsewhere they do so no longer. It is no
// LogicalDriveOccupier: a volume that carries a target stays a volume.
type Target struct {
	plugin.Resource
	// Filesystem is the file system; of a management target the first, by name, of
	// those that it serves.
	Filesystem string `label:"File system"`
	// Name is Lustre's, such as scratch-OST000a.
	Name  string
	State State `attr:",optional" enum:"mounted,elsewhere,mounted several times,offline,deactivated,unknown"`
	// ActiveOn names the hosts that have the target.
	ActiveOn string `attr:",optional" label:"Mounted on"`
	HostID   *int64 `attr:",optional,hidden"`
	// Path is the block device or the ZFS dataset.
	Path plugin.Path `attr:",optional" label:"Device"`
	// DeviceNumber is "major:minor" on that host.
	DeviceNumber string `attr:",optional,hidden"`
	Backend      string `attr:",optional"`
	// UUID is that of the file system below the target.
	UUID string       `attr:"uuid,optional,hidden" label:"UUID"`
	Size plugin.Bytes `attr:",optional"`

	Recovery Recovery `attr:",optional" enum:"inactive,waiting,recovering,complete,aborted,other"`
	// Evicted counts the clients that the last recovery gave up, while that is news:
	// for a day.
	Evicted        *int64 `attr:",optional" label:"Evicted in the last recovery"`
	ReadOnly       *bool  `attr:",optional"`
	Unhealthy      *bool  `attr:",optional" label:"Reported unhealthy"`
	MarkedDegraded *bool  `attr:",optional"`
	Errors         *int64 `attr:",optional" label:"Recorded file system errors"`

	Total            plugin.Gauge `unit:"bytes" every:"30s"`
	Used             plugin.Gauge `unit:"bytes" every:"30s"`
	Available        plugin.Gauge `unit:"bytes" every:"30s"`
	UsedPercent      plugin.Gauge `label:"Space used" unit:"%" every:"30s"`
	Inodes           plugin.Gauge `unit:"inodes" every:"30s"`
	InodesFree       plugin.Gauge `label:"Free inodes" unit:"inodes" every:"30s"`
	InodesPercent    plugin.Gauge `label:"Inodes used" unit:"%" every:"30s"`
	Exports          plugin.Gauge `label:"Connections" every:"30s"`
	Clients          plugin.Gauge `every:"30s"`
	RecoveryLeft     plugin.Gauge `label:"Recovery goes on at most" unit:"s" every:"10s"`
	RecoveredClients plugin.Gauge `label:"Clients through with recovery" every:"10s"`
}

// Label is Lustre's name, of a management target with the file system.
func (t *Target) Label() string {
	if t.Name == managementName {
		return t.Name + " of " + t.Filesystem
	}
	return t.Name
}

// Describe declares identity, alert conditions, relations and charts.
func (t *Target) Describe(c *plugin.Class) {
	yes := true
	c.GlobalID(&t.Filesystem, &t.Name)
	c.Alert(plugin.When(&t.State).Error(Offline).Info(Deactivated).For(held), "The target is not mounted on any host", "offline")
	c.Alert(plugin.When(&t.State).Error(Contested).For(held), "The target is mounted on several hosts", "double_mount")
	c.Alert(plugin.When(&t.Recovery).Info(Recovering).Warn(Waiting, Aborted), "The target is in recovery, or that was aborted")
	c.Alert(plugin.Above(&t.Evicted).Warn(0), "Recovery gave up clients")
	c.Alert(plugin.When(&t.ReadOnly).Error(&yes), "The target's storage takes no writes any more")
	c.Alert(plugin.When(&t.Unhealthy).Error(&yes), "Lustre reports the target as unhealthy")
	c.Alert(plugin.When(&t.MarkedDegraded).Warn(&yes), "The target is marked as degraded")
	c.Alert(plugin.Above(&t.Errors).Warn(0), "The target's file system has recorded errors")
	c.Alert(plugin.Above(&t.UsedPercent).Warn(90).WarnClear(88).Error(95).ErrorClear(93), "The target is nearly full")
	c.Alert(plugin.Above(&t.InodesPercent).Warn(90).WarnClear(88).Error(95).ErrorClear(93), "The target is nearly out of inodes")
	plugin.SubscribeTo[plugin.Host](c, &t.HostID)
	plugin.SubscribeTo[plugin.DeviceNode](c, &t.HostID, &t.Path)
	plugin.SubscribeTo[plugin.DeviceNode](c, &t.HostID, &t.DeviceNumber)
	plugin.SubscribeTo[TargetMount](c, &t.HostID, &t.Filesystem, &t.Name)
	c.Chart("Space", &t.Total, &t.Used, &t.Available)
	c.Chart("Used", &t.UsedPercent, &t.InodesPercent)
	c.Chart("Inodes", &t.Inodes, &t.InodesFree)
	c.Chart("Connections", &t.Exports, &t.Clients)
	c.Chart("Recovery", &t.RecoveryLeft, &t.RecoveredClients)
}

// ManagementTarget is an MGT: it hands the configuration of file systems to
// servers and clients.
type ManagementTarget struct {
	Target
	// Serves are the file systems, separated by commas.
	Serves string `attr:",optional"`
}

// Describe declares the class's label.
func (t *ManagementTarget) Describe(c *plugin.Class) { c.Label("Management target") }

// MetadataTarget is an MDT: it has names, directories and attributes of files.
type MetadataTarget struct {
	Target
	BlockIO
	Opens     plugin.Counter `unit:"operations" every:"30s"`
	Closes    plugin.Counter `unit:"operations" every:"30s"`
	Creates   plugin.Counter `unit:"operations" every:"30s"`
	Links     plugin.Counter `unit:"operations" every:"30s"`
	Unlinks   plugin.Counter `unit:"operations" every:"30s"`
	Mkdirs    plugin.Counter `label:"Directories made" unit:"operations" every:"30s"`
	Rmdirs    plugin.Counter `label:"Directories removed" unit:"operations" every:"30s"`
	Renames   plugin.Counter `unit:"operations" every:"30s"`
	Getattrs  plugin.Counter `label:"Attributes read" unit:"operations" every:"30s"`
	Setattrs  plugin.Counter `label:"Attributes set" unit:"operations" every:"30s"`
	Getxattrs plugin.Counter `label:"Extended attributes read" unit:"operations" every:"30s"`
	Setxattrs plugin.Counter `label:"Extended attributes set" unit:"operations" every:"30s"`
	Statfs    plugin.Counter `unit:"operations" every:"30s"`
	Syncs     plugin.Counter `unit:"operations" every:"30s"`
}

// Describe declares the class's label and charts.
func (t *MetadataTarget) Describe(c *plugin.Class) {
	c.Label("Metadata target")
	c.Chart("Files", &t.Opens, &t.Closes, &t.Creates, &t.Links, &t.Unlinks, &t.Renames)
	c.Chart("Directories", &t.Mkdirs, &t.Rmdirs)
	c.Chart("Attributes", &t.Getattrs, &t.Setattrs, &t.Getxattrs, &t.Setxattrs)
	c.Chart("Other operations", &t.Statfs, &t.Syncs)
}

// ObjectStoreTarget is an OST: it has the contents of files.
type ObjectStoreTarget struct {
	Target
	BlockIO
	ReadBytes  plugin.Counter `label:"Read" unit:"bytes" every:"30s"`
	WriteBytes plugin.Counter `label:"Written" unit:"bytes" every:"30s"`
	Reads      plugin.Counter `unit:"operations" every:"30s"`
	Writes     plugin.Counter `unit:"operations" every:"30s"`
	Creates    plugin.Counter `label:"Objects made" unit:"operations" every:"30s"`
	Destroys   plugin.Counter `label:"Objects removed" unit:"operations" every:"30s"`
	Punches    plugin.Counter `label:"Truncations" unit:"operations" every:"30s"`
	Syncs      plugin.Counter `unit:"operations" every:"30s"`
	Granted    plugin.Gauge   `label:"Space granted to clients" unit:"bytes" every:"30s"`
	Dirty      plugin.Gauge   `label:"Dirty in clients" unit:"bytes" every:"30s"`
}

// Describe declares the class's label and charts.
func (t *ObjectStoreTarget) Describe(c *plugin.Class) {
	c.Label("Object store target")
	c.Chart("Throughput", &t.ReadBytes, &t.WriteBytes)
	c.Chart("Requests", &t.Reads, &t.Writes)
	c.Chart("Other operations", &t.Creates, &t.Destroys, &t.Punches, &t.Syncs)
	c.Chart("Grants", &t.Granted, &t.Dirty)
}

// BlockIO is what brw_stats tells of a target's reads and writes. Lustre counts by
// powers of two, and a count is of what is above the value before and up to its
// own. Where it counts every value, as some versions do, these fall into the bins.
type BlockIO struct {
	IOSizeRead       plugin.Histogram `attr:"io_size_read" label:"Disk I/O size, reads" unit:"bytes" every:"60s" bins:"0-4096,4097-8192,8193-16384,16385-32768,32769-65536,65537-131072,131073-262144,262145-524288,524289-1048576,1048577-2097152,2097153-4194304,4194305-8388608,8388609-16777216,16777217-"`
	IOSizeWrite      plugin.Histogram `attr:"io_size_write" label:"Disk I/O size, writes" unit:"bytes" every:"60s" bins:"0-4096,4097-8192,8193-16384,16385-32768,32769-65536,65537-131072,131073-262144,262145-524288,524289-1048576,1048577-2097152,2097153-4194304,4194305-8388608,8388609-16777216,16777217-"`
	IOTimeRead       plugin.Histogram `attr:"io_time_read" label:"Disk I/O time, reads" unit:"ms" every:"60s" bins:"0-1,2-2,3-4,5-8,9-16,17-32,33-64,65-128,129-256,257-512,513-1024,1025-2048,2049-4096,4097-8192,8193-"`
	IOTimeWrite      plugin.Histogram `attr:"io_time_write" label:"Disk I/O time, writes" unit:"ms" every:"60s" bins:"0-1,2-2,3-4,5-8,9-16,17-32,33-64,65-128,129-256,257-512,513-1024,1025-2048,2049-4096,4097-8192,8193-"`
	InFlightRead     plugin.Histogram `attr:"in_flight_read" label:"Disk I/Os in flight, reads" unit:"I/Os" every:"60s" bins:"0-1,2-2,3-4,5-8,9-16,17-32,33-64,65-128,129-256,257-"`
	InFlightWrite    plugin.Histogram `attr:"in_flight_write" label:"Disk I/Os in flight, writes" unit:"I/Os" every:"60s" bins:"0-1,2-2,3-4,5-8,9-16,17-32,33-64,65-128,129-256,257-"`
	BulkPagesRead    plugin.Histogram `label:"Pages in a bulk request, reads" unit:"pages" every:"60s" bins:"0-1,2-2,3-4,5-8,9-16,17-32,33-64,65-128,129-256,257-512,513-1024,1025-2048,2049-4096,4097-"`
	BulkPagesWrite   plugin.Histogram `label:"Pages in a bulk request, writes" unit:"pages" every:"60s" bins:"0-1,2-2,3-4,5-8,9-16,17-32,33-64,65-128,129-256,257-512,513-1024,1025-2048,2049-4096,4097-"`
	PageBreaksRead   plugin.Histogram `label:"Discontiguous pages, reads" unit:"pages" every:"60s" bins:"0-0,1-1,2-2,3-4,5-8,9-16,17-30,31-"`
	PageBreaksWrite  plugin.Histogram `label:"Discontiguous pages, writes" unit:"pages" every:"60s" bins:"0-0,1-1,2-2,3-4,5-8,9-16,17-30,31-"`
	BlockBreaksRead  plugin.Histogram `label:"Discontiguous blocks, reads" unit:"blocks" every:"60s" bins:"0-0,1-1,2-2,3-4,5-8,9-16,17-30,31-"`
	BlockBreaksWrite plugin.Histogram `label:"Discontiguous blocks, writes" unit:"blocks" every:"60s" bins:"0-0,1-1,2-2,3-4,5-8,9-16,17-30,31-"`
	FragmentsRead    plugin.Histogram `label:"Fragments of a disk I/O, reads" unit:"I/Os" every:"60s" bins:"0-1,2-2,3-4,5-8,9-16,17-30,31-"`
	FragmentsWrite   plugin.Histogram `label:"Fragments of a disk I/O, writes" unit:"I/Os" every:"60s" bins:"0-1,2-2,3-4,5-8,9-16,17-30,31-"`
}

// Describe declares the charts.
func (b *BlockIO) Describe(c *plugin.Class) {
	c.Chart("Disk I/O size", &b.IOSizeRead, &b.IOSizeWrite)
	c.Chart("Disk I/O time", &b.IOTimeRead, &b.IOTimeWrite)
	c.Chart("Disk I/Os in flight", &b.InFlightRead, &b.InFlightWrite)
	c.Chart("Pages in a bulk request", &b.BulkPagesRead, &b.BulkPagesWrite)
	c.Chart("Discontiguous pages", &b.PageBreaksRead, &b.PageBreaksWrite)
	c.Chart("Discontiguous blocks", &b.BlockBreaksRead, &b.BlockBreaksWrite)
	c.Chart("Fragments of a disk I/O", &b.FragmentsRead, &b.FragmentsWrite)
}
