// Package fact is the vocabulary between the two sides of the lustre plugin: what
// the device plugin says about Lustre on its host, and what the server's side
// concludes from. A fact is what Lustre or the kernel of one host says; where a
// target runs, and whether it runs at all, is a conclusion from several hosts.
//
// A message is a Report in JSON. The first one of a session is full. A later one
// has what changed only: in the maps a member that is null is gone, a member that
// is there replaces the one before as a whole; a list that is not null replaces
// the list before; a pointer to a struct that is not null replaces the one before.
// Usage is no state: it is sampled, and says nothing about what it leaves out. See
// docs/decisions/0023-lustre.md.
package fact

// Version is the version of the form of a Report. A reader refuses a higher one.
const Version = 1

// Report is what Lustre is on one host, or what changed of that.
type Report struct {
	Version int  `json:"version"`
	Full    bool `json:"full"`
	// Time is the host's clock, in seconds since 1970. Times of Recovery are by it.
	Time int64 `json:"time"`
	// Host is what the host calls itself.
	Host string `json:"host,omitempty"`
	Node *Node  `json:"node,omitempty"`
	// Targets are the targets that are set up on this host, by Name.
	Targets map[Name]*Target `json:"targets,omitempty"`
	// Storage is where this host sees a target that is not set up on it: the device
	// of a target that another host has, or that nobody has.
	Storage map[Name]*Storage `json:"storage,omitempty"`
	// Peers are what the management target, the metadata targets and the clients of
	// this host know of targets, those of other hosts included.
	Peers map[Name]*Peer `json:"peers,omitempty"`
	// Clients are the file systems that are mounted here as a client, by Lustre's
	// name of the instance, such as "scratch-ffff88105db50000".
	Clients map[string]*Client `json:"clients,omitempty"`
	// Interfaces are the LNet interfaces, by NID.
	Interfaces map[string]*Interface `json:"interfaces,omitempty"`
	// Usage are samples of targets, by Name.
	Usage map[Name]*Usage `json:"usage,omitempty"`
	// Gaps name what could not be read, for people. What a gap hides is not gone.
	Gaps []Gap `json:"gaps"`
}

// Name is Lustre's name of a target: "scratch-OST000a", "MGS".
type Name string

// Gap is something that could not be read.
type Gap struct {
	// Part is the part of the report that lacks something: "node", "targets",
	// "storage", "peers", "clients", "interfaces" or "usage".
	Part string `json:"part"`
	Text string `json:"text"`
}

// Node is Lustre on the host as a whole.
type Node struct {
	// Version is Lustre's, such as "2.15.4"; empty if no module is loaded.
	Version string `json:"version,omitempty"`
	// Health is the first line of health_check: "healthy", "NOT HEALTHY", "LBUG";
	// empty if there is none.
	Health string `json:"health,omitempty"`
	// Unhealthy are the devices that health_check names.
	Unhealthy []string `json:"unhealthy,omitempty"`
	// LNet is "up" if LNet is configured, "down" if not, empty if that is unknown.
	LNet string `json:"lnet,omitempty"`
}

// Kind says what a target is for.
type Kind string

// The kinds of targets.
const (
	MGT Kind = "mgt"
	MDT Kind = "mdt"
	OST Kind = "ost"
)

// Target is a target that is set up on this host.
type Target struct {
	Kind Kind `json:"kind"`
	// FS is the file system; empty for a management target.
	FS string `json:"fs,omitempty"`
	// Serves are the file systems that a management target knows.
	Serves []string `json:"serves,omitempty"`
	// State is Lustre's word for the state of the device: "UP", "AT" (attached),
	// "ST" (set up, stopping), "IN" (inactive); empty if unknown.
	State string `json:"state,omitempty"`
	Disk
	// Mount is where the target is mounted.
	Mount string `json:"mount,omitempty"`
	// ReadOnly says that the target's own file system takes no writes: it was
	// remounted so after an error.
	ReadOnly bool `json:"read_only,omitempty"`
	// Errors counts errors that the target's own file system has recorded.
	Errors int64 `json:"errors,omitempty"`
	// Degraded says that an administrator or a tool has marked the target so.
	Degraded bool      `json:"degraded,omitempty"`
	Recovery *Recovery `json:"recovery,omitempty"`
}

// Disk says on what a target lies.
type Disk struct {
	// Backend is "ldiskfs", "zfs" or "wbcfs"; empty if unknown.
	Backend string `json:"backend,omitempty"`
	// Device is the block device or the ZFS dataset, as Lustre or the link to it
	// names it.
	Device string `json:"device,omitempty"`
	// Number is the "major:minor" of the block device, if it can be told.
	Number string `json:"number,omitempty"`
	// UUID is that of the file system on the block device, if it can be told.
	UUID string `json:"uuid,omitempty"`
}

// Storage is a device with a target that is not set up on this host.
type Storage struct {
	Kind Kind   `json:"kind"`
	FS   string `json:"fs,omitempty"`
	Disk
}

// Recovery is how far a target is with letting clients back in.
type Recovery struct {
	// Status is Lustre's word: "INACTIVE", "WAITING", "WAITING_FOR_CLIENTS",
	// "RECOVERING", "COMPLETE", "ABORTED".
	Status string `json:"status"`
	// Clients is how many there were before; Connected of them are back, Completed
	// are through with it, and Evicted were given up.
	Clients   int64 `json:"clients,omitempty"`
	Connected int64 `json:"connected,omitempty"`
	Completed int64 `json:"completed,omitempty"`
	Evicted   int64 `json:"evicted,omitempty"`
	// Start is when it began, in seconds since 1970; Duration how long it took;
	// Remaining how long it goes on at most. In seconds.
	Start     int64 `json:"start,omitempty"`
	Duration  int64 `json:"duration,omitempty"`
	Remaining int64 `json:"remaining,omitempty"`
	// Waiting are the metadata targets that it waits for.
	Waiting []string `json:"waiting,omitempty"`
}

// Link is how somebody on this host stands to a target.
type Link string

// The links.
const (
	// Registered: the management target knows the target, which says nothing about
	// where it is.
	Registered Link = "registered"
	// Connected: the target answers.
	Connected Link = "connected"
	// Recovering: the target answers and is in recovery.
	Recovering Link = "recovering"
	// Disconnected: the target does not answer.
	Disconnected Link = "disconnected"
	// Deactivated: an administrator has taken the target out of use.
	Deactivated Link = "deactivated"
)

// Peer is what somebody on this host knows of a target.
type Peer struct {
	Kind Kind   `json:"kind"`
	FS   string `json:"fs"`
	Link Link   `json:"link"`
	// By is who knows it: "MGS", the name of a metadata target, or "client".
	By string `json:"by"`
	// NID is the interface where the target was found last.
	NID string `json:"nid,omitempty"`
}

// Client is a file system that is mounted here.
type Client struct {
	FS    string `json:"fs"`
	UUID  string `json:"uuid,omitempty"`
	Mount string `json:"mount,omitempty"`
	// Disconnected and Inactive are the targets that the client cannot reach, and
	// those that are deactivated for it. Targets is how many it knows.
	Disconnected []Name `json:"disconnected,omitempty"`
	Inactive     []Name `json:"inactive,omitempty"`
	Targets      int    `json:"targets,omitempty"`
}

// Interface is an LNet interface.
type Interface struct {
	// Net is the network, such as "o2ib" or "tcp1".
	Net string `json:"net"`
	// Status is LNet's word: "up" or "down".
	Status string `json:"status,omitempty"`
	// Devices are the network devices below it.
	Devices []string `json:"devices,omitempty"`
	// Health is LNet's health value, 0 to 1000, if it has one.
	Health *int64 `json:"health,omitempty"`
}

// Usage is a sample of a target. What could not be read is nil.
type Usage struct {
	Total     *int64 `json:"total,omitempty"` // bytes
	Free      *int64 `json:"free,omitempty"`
	Available *int64 `json:"available,omitempty"` // free, without what is reserved
	Files     *int64 `json:"files,omitempty"`     // inodes
	FilesFree *int64 `json:"files_free,omitempty"`
	// Exports counts connections, those of other targets included; Clients those of
	// clients only.
	Exports *int64 `json:"exports,omitempty"`
	Clients *int64 `json:"clients,omitempty"`
	Granted *int64 `json:"granted,omitempty"` // bytes
	Dirty   *int64 `json:"dirty,omitempty"`   // bytes
	// Counters are those of stats or md_stats, by Lustre's name.
	Counters map[string]Counter `json:"counters,omitempty"`
	// Histograms are those of brw_stats, by Lustre's title.
	Histograms map[string][]Bin `json:"histograms,omitempty"`
}

// Counter is a line of stats: how often something happened and, of some, the sum
// of a value in Unit.
type Counter struct {
	Samples int64  `json:"n"`
	Unit    string `json:"unit,omitempty"` // "bytes", "usecs", "reqs"
	Sum     *int64 `json:"sum,omitempty"`
}

// Bin is a line of a histogram: how many reads and writes had this value, or had
// one up to it and above that of the bin before.
type Bin struct {
	Value int64 `json:"v"`
	Read  int64 `json:"r,omitempty"`
	Write int64 `json:"w,omitempty"`
}
