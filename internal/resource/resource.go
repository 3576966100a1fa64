package resource

import (
	"slices"
	"time"
)

// ID identifies a resource for its whole life. IDs are positive and never reused.
type ID int64

// Resource is one identified object of a class. It is immutable: a change
// makes a new one.
type Resource struct {
	ID    ID
	Class *Class
	// Label is the author's label, or the default one: the class label and the
	// identifier's values (design decision: guide, "Names").
	Label string
	// OwnLabel says that Label came from the author's get_label.
	OwnLabel bool
	// Alias is the name that a user gave it, or empty.
	Alias string
	// Values are the attributes' values, in the order of Class.Attributes.
	Values []Value
	// Identity is the canonical JSON array of the identifying values (references
	// by ID; a UUID v4 for an Auto identifier). With Class and, for a scoped
	// class, Scope, it is unique.
	Identity string
	// Scope is the root that a scoped resource belongs to; for a root itself and
	// for a global resource it is the first reporter. Never 0 but for roots,
	// where it is the root's own ID.
	Scope ID
	// Reporters are the roots whose sessions report the resource, ascending. A
	// root is its own reporter.
	Reporters []ID
	// WrittenBy are the reporters whose values of the attributes won, in the order
	// of Class.Attributes: the last one to report another value. It is nil unless
	// there are several reporters, and 0 for an attribute that none of them wrote.
	// Do not modify.
	WrittenBy []ID
	// Parents are the resources whose problems are this one's problems, reported
	// and by relation; ascending, without repeats. Do not modify.
	Parents []ID
	// Children are the inverse of Parents. Do not modify.
	Children []ID
	// Root is the state of the session for a root; nil for other resources.
	Root *RootState
	// FirstSeen and Updated are times of the server's clock. Updated moves when
	// an attribute, label, alias or parent changed.
	FirstSeen, Updated time.Time
}

// Name is what people call the resource: its alias or else its label.
func (r *Resource) Name() string {
	if r.Alias != "" {
		return r.Alias
	}
	return r.Label
}

// RootState is what is known of the session of a root.
type RootState struct {
	// Live says that a session is up: its initial scan was committed and no call
	// failed since. What only dead roots report is stale.
	Live bool
	// Offline says that the offline alert holds: from a failure until the first
	// successful update after it.
	Offline bool
	// Error is the last failure, kept until Live.
	Error string
	// LastContact is the time of the last successful turn; zero if there was none.
	LastContact time.Time
	// NextTry is when a failed session is tried again; zero if none is waited for.
	NextTry time.Time
	// Waiting says what the session waits for before its next scan, such as its
	// turn at an address; empty if it does not wait. It is not stored.
	Waiting string
	// Incomplete is what the last initial scan could not read.
	Incomplete []string
	// Held is what the last scan lacked and is not removed yet, because it is
	// most of what there was; nil if there is nothing of the kind. Do not modify.
	Held *HeldRemoval
}

// HeldRemoval is a removal that waits until a second scan agrees or a user
// approves it.
type HeldRemoval struct {
	Resources []ID `json:"resources"` // that wait, ascending
	// Lacking and Of are how many resources the scan lacked, and of how many.
	Lacking int       `json:"lacking"`
	Of      int       `json:"of"`
	Since   time.Time `json:"since"`
}

// Has reports whether the resource is one of those that wait. Nil has none.
func (h *HeldRemoval) Has(id ID) bool {
	if h == nil {
		return false
	}
	_, ok := slices.BinarySearch(h.Resources, id)
	return ok
}

// Covers reports whether all of the resources are among those that wait.
func (h *HeldRemoval) Covers(ids []ID) bool {
	return h != nil && !slices.ContainsFunc(ids, func(id ID) bool { return !h.Has(id) })
}

// Edge says that a problem with Parent is a problem with Child. It does not
// mean ownership. The edges of an inventory form a DAG.
type Edge struct {
	Parent, Child ID
}
