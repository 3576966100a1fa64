package resource

import "time"

// Handle is a session's number for a resource. The root is 0.
type Handle int64

// Batch is what one turn of one session changed, validated against the
// classes. It is applied as one transaction.
type Batch struct {
	Root    ID     // the root of the session
	Session string // changes with every new session of the root
	Plugin  string
	Turn    int64
	// Complete says that the ops put all there is: what the root had and they
	// lack goes.
	Complete bool
	Ops      []Op
	Samples  []HandleSample
}

// OpKind is the type of an Op.
type OpKind uint8

// The kinds of Op.
const (
	Put    OpKind = iota + 1 // a resource under a new handle
	Set                      // changed attributes or label
	Link                     // parents added and removed
	Remove                   // the session no longer reports the resource
)

// Op is one change, as protocol/SPEC.md section 5 has it. References in Values
// and Set are handles.
type Op struct {
	Kind   OpKind
	Handle Handle
	Class  *Class  // of a Put
	Values []Value // of a Put, in the order of Class.Attributes
	Set    []AttrValue
	Label  *string // the author's label, if given
	// Parents is the initial parents of a Put and the added ones of a Link.
	Parents []Handle
	Drop    []Handle // the removed parents of a Link
}

// AttrValue is a new value of the attribute with the given index in its class.
type AttrValue struct {
	Index int
	Value Value
}

// HandleSample is a sample whose resource is named by handle.
type HandleSample struct {
	Handle Handle
	Name   string
	Time   time.Time
	Value  float64
	Bins   []int64 // of a histogram
}

// Sample is one value of one statistic of one resource.
type Sample struct {
	Resource ID
	Stat     int // index in Class.Statistics
	Time     time.Time
	Value    float64
	Bins     []int64 // of a histogram; Value is then 0
}

// Mutation is what a store must do for one batch or one act of a user, in one
// transaction. The parts are disjoint in effect: no edge of a deleted resource
// is named, no deleted resource is put.
type Mutation struct {
	Seq  uint64 // of the change log; strictly increasing, with gaps
	Time time.Time
	// Put are new and changed resources, as they are afterwards. Created tells
	// which of them are new (the first Created ones).
	Put     []*Resource
	Created int
	// Delete also drops the resource's edges.
	Delete      []ID
	AddEdges    []StoredEdge
	RemoveEdges []Edge
	// Log is the entry of the change log, JSON; empty if only samples came.
	Log []byte
	// Samples are those of the turn, as AppendSamples has it; empty if there are
	// none.
	Samples []byte
	// History has how the resources changed that were there before, each at most
	// once; of Seq and Time those of the mutation count.
	History []StoredChange
	// Manifest is kept with the rest, so that the rows and the declarations that
	// they are read by go together; nil if no declarations change.
	Manifest *Manifest
}

// Manifest is what a plugin declares, as a store keeps it.
type Manifest struct {
	Plugin string
	JSON   []byte
}

// StoredEdge is an edge and where it comes from.
type StoredEdge struct {
	Edge
	// Roots are the roots whose sessions reported the edge, ascending; empty for
	// an edge that only relations make. Relations are not stored: they follow
	// from the classes.
	Roots []ID
}

// StoredResource is a row of the store, before its class is known.
type StoredResource struct {
	ID                 ID
	Plugin, Class      string
	Label              string
	OwnLabel           bool
	Alias              string
	Attributes         []byte // a JSON object by attribute name; references {"$ref": id}
	Identity           string
	Scope              ID
	Reporters          []ID
	WrittenBy          []byte // a JSON object, root IDs by attribute name; empty unless several roots report
	Root               bool
	Offline            bool   // of a root
	Error              string // of a root
	LastContact        time.Time
	Held               []byte // JSON of a HeldRemoval, of a root that has one
	FirstSeen, Updated time.Time
}

// Changes is one entry of the ordered change log, as told to subscribers.
type Changes struct {
	Seq  uint64
	Time time.Time
	// Root is the session's root whose batch made the changes; 0 for an act of a
	// user.
	Root ID
	// Created and Updated are the resources as they are now. Updated has a
	// resource of which anything changed, if only who reports it.
	Created []*Resource
	Updated []Update
	Deleted []*Resource // as they were
	Samples []Sample
}

// Update is a changed resource.
type Update struct {
	Resource *Resource
	// Attributes are the indexes of those that changed.
	Attributes []int
	// Edges says that its parents or children changed; State, that its Root
	// state did; Name, that its label, alias or class did. Where none of them
	// holds, who reports it changed.
	Edges, State, Name bool
	// Was is the class as it was declared before, if it was declared anew.
	Was *Class
}

// Line is a statistic in even steps, one element each. NaN, or nil in Counts,
// stands for a step without samples.
type Line struct {
	// Values are the means of a gauge, or the growth of a counter a second.
	Values []float64
	// Low and High are the least and the greatest value of a gauge in each step;
	// nil for other kinds.
	Low, High []float64
	// Counts are the bins of a histogram at the end of each step; nil for other
	// kinds.
	Counts [][]int64
}
