// Package volume tells which logical drives hosts can reach, by which device
// nodes, and which host should use each: volumes and their homing.
//
// The stage follows the inventory: from a snapshot, then change by change. It
// keeps the part of the graph that matters here (graph.go), and works a volume
// out again only when something that it follows from has changed (mark.go). A
// volume is never stored. What a user decided about one and what was chosen for
// it is, under the identity of its drive.
//
// It knows base classes, not those of a plugin: see resource.BaseDeviceNode and
// its neighbours, resource.ClassTarget, and resource.AttrClusterNodes for HA
// clusters.
//
// # Which volumes there are
//
//   - The drive of a device node is the one that its attribute logical_drive
//     names, or else the nearest LogicalDrive above it; of several that are equally
//     near, the one that was known first. A node without a drive waits for one.
//
//   - A node counts if no other DeviceNode is built on it: a multipath map counts,
//     its paths do not.
//
//   - Of a host's nodes of one drive, the one below /dev/mapper counts alone, if it
//     is the only one there; else all do.
//
//   - A drive with such a node is a volume, unless it is taken: a
//     LogicalDriveOccupier, a StoragePool or a LogicalDriveSlice lies below it, or
//     any LogicalDrive lies below one of its nodes, on whatever host. What is below
//     another LogicalDrive does not count. A file system that is written on it, and
//     not mounted, takes nothing.
//
//   - A drive on which a Target lies is always a volume, and used.
//
// # What counts where volumes are counted
//
// Volumes count, and so does a drive that no host is known to reach, if nothing
// lies on it that keeps it from being a volume: no node, no other drive, no pool, no
// occupier. A controller's LUN, the disk that a host sees of it and what is built
// on that are one then, whether there are hosts or not.
//
// # Names
//
//   - Its label is that of the drive. If the drive is another view of exactly one
//     LogicalDrive, such as the LUN of a controller by a relation, it is the name of
//     that. Slices keep their own label; one without a label of its own is called
//     "pool-name" or "drive-number". A drive that is built on device nodes, such as
//     a pool of ZFS or an array of MD, is never called after what it is built on.
//
//   - A user's alias for the volume goes before it.
//
//   - A volume whose drive is gone is detached. It keeps its label, and is listed as
//     long as a target that lay on it is known, or a user's decision is kept.
//
// # Homing
//
//   - A user's decision comes first, as far as the hosts reach the volume.
//
//   - If every node has a PathWeight above it, the host of the heaviest node is the
//     primary. What is above another host's node does not count.
//
//   - Else the primary is the host that is the primary of the fewest volumes, of
//     equal ones the first by name. Only volumes of several hosts count.
//
//   - The secondary is another host of the primary's HA cluster that reaches the
//     volume: the heaviest, or the one that has the fewest nodes in use. Without a
//     cluster there is none.
//
//   - A choice stays while it can: while both hosts reach the volume, weights and
//     clusters allow it. Only when one more host reaches a volume, it may move there,
//     and only if that makes the load more even.
//
//   - A volume that becomes used has the host as its primary on which what lies on it
//     runs, unless a user chose. From then on it keeps its hosts, whatever happens; only
//     a secondary that it lacks is chosen when there is one.
//
// # HA clusters
//
// Users declare clusters, in the configuration or at run time, and hosts say in
// which one they are. What is declared comes first. Hosts are in one found
// cluster if they name it alike and their lists of members overlap. A host in two
// clusters is an error of that host alone: it counts as in none.
package volume
