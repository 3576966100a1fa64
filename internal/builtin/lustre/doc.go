// Package lustre is the server's side of builtin:lustre, written with the public
// SDK: it makes resources of what hosts say about Lustre, with file systems as the
// end of the graph. What a host says is in package fact; the side that finds it out
// on the host is package scan.
//
//	the kernel → scan → fact.Report → agent, server → Lustre (a session per host)
//	                                                    │ world: what all hosts say together
//	                                                    ▼
//	disk → device node → Target → FileSystem → ClientMount
//	       Host → Server → TargetMount ↗
//	       LNetInterface ↗
//
// What a target's state is follows from all hosts, so the sessions share a world
// (world.go); one host's messages merge in a view (view.go); where targets ran
// last outlives the process (seats.go); a session reports by report.go and
// usage.go. The reasons are in docs/decisions/0023-lustre.md.
package lustre
