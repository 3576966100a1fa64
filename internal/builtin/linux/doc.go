// Package linux is the server's side of Faultline's built-in plugin for Linux
// hosts: it makes resources and edges of the facts that the device plugin of
// the same name reports (package fact). It is written with the public SDK, as any
// plugin is, and has one session for each host.
//
// # Way of the data
//
//	state      a message into what is known of the host   → fact.Report
//	disks      which disks are one drive, which are none  → identities
//	graph      drives, nodes, members, mounts, enclosures → items with parents
//	plugin     Report, parents, removals, readings        → the session
//
// The graph follows from what is known, and from nothing else: it is drawn anew
// with each message, and the SDK sends what is different. So it does not matter in
// which pieces the facts came.
//
// # Two layers
//
// Drives, and what is built of them, are the same for all hosts: disk → partition
// → array, group, pool → volume. What a host does with them is its own: node of the
// disk → node of the map → member of the array → node of the array → mount. From
// each drive an edge leads to its nodes, so that a fault of a disk reaches a mount of
// every host, and a fault of one host's path only those of that host. See
// docs/decisions/0022-drives.md, also for what identifies a drive.
//
// # Severities
//
// What has a double is a warning when it fails, and the thing that has lost it a
// warning too; it is an error when nothing is left:
//
//	path of a map, NVMe controller      warning
//	map, namespace with fewer paths     warning; without any, error
//	member of an array, group, pool     warning
//	array, pool, volume degraded        warning; failed, error
//	disk that predicts its failure      warning; one that takes no data, error
//	disk offline                        error; as path or member with doubles, warning
//	fan, power supply beside others     warning; the only one, error
//	slot                                warning
package linux
