package resource

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"
)

// StoredChange is what a store keeps of how one resource changed in one commit.
type StoredChange struct {
	Resource ID
	Seq      uint64 // of the Mutation
	Time     time.Time
	What     []byte // JSON of a Change
	// Gone is the Key of a resource that was deleted, else empty: who has it later
	// is the same thing that came back.
	Gone string
}

// HistoryPosition is a place in the history of a resource: that of its change
// with a position of the change log, or of the last one before it.
type HistoryPosition struct {
	Resource ID
	Seq      uint64 // 0 is where the resource was first seen
}

// Change is how one resource changed in one commit, as its history tells it.
// What did not change is nil or zero.
type Change struct {
	HistoryPosition `json:"-"`
	Time            time.Time `json:"-"`
	// Class is what the resource is an instance of, by its full name.
	Class string `json:"-"`
	// Created says that the resource was seen for the first time. That follows from
	// the resource, so it is told however far back the change log reaches.
	Created bool `json:"-"`
	// Root is the root whose session's batch made the change; 0 for an act of a
	// user.
	Root       ID                 `json:"root,omitempty"`
	Attributes []ChangedAttribute `json:"attributes,omitempty"`
	Label      *ChangedText       `json:"label,omitempty"`
	Alias      *ChangedText       `json:"alias,omitempty"`
	Parents    *ChangedLinks      `json:"parents,omitempty"`
	Children   *ChangedLinks      `json:"children,omitempty"`
	// Session is how the session of a root turned out.
	Session *ChangedSession `json:"session,omitempty"`
	// Deleted says that the resource went.
	Deleted *DeletedResource `json:"deleted,omitempty"`
}

// ChangedAttribute is an attribute with another value, as JSON. Of a secret
// neither value is kept.
type ChangedAttribute struct {
	Name   string          `json:"name"`
	From   json.RawMessage `json:"from,omitempty"`
	To     json.RawMessage `json:"to,omitempty"`
	Secret bool            `json:"secret,omitempty"`
}

// ChangedText is a text that became another one.
type ChangedText struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// MaxChangedLinks bounds how many links each list of ChangedLinks names.
const MaxChangedLinks = 50

// ChangedLinks are links in one direction that came and went. The counts are of
// all, the lists have at most MaxChangedLinks.
type ChangedLinks struct {
	Added        []Linked `json:"added,omitempty"`
	Removed      []Linked `json:"removed,omitempty"`
	AddedCount   int      `json:"added_count,omitempty"`
	RemovedCount int      `json:"removed_count,omitempty"`
}

// Linked is the other end of a link, as it was called then.
type Linked struct {
	ID    ID     `json:"id"`
	Class string `json:"class"` // full name
	Name  string `json:"name"`
}

// ChangedSession says that a root went offline, with the error that made it so,
// or that it is back.
type ChangedSession struct {
	Offline bool   `json:"offline,omitempty"`
	Error   string `json:"error,omitempty"`
}

// DeletedResource is what is still known of a resource that is gone.
type DeletedResource struct {
	Class     string    `json:"class"` // full name
	Name      string    `json:"name"`
	FirstSeen time.Time `json:"first_seen"`
}

// Key is equal for resources that are the same thing: of one class, in one
// scope, with one identity. No two resources have it at a time. It is a hash,
// short however long the identity is.
func (r *Resource) Key() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d %s", r.Class.FullName(), r.IdentitySpace(), r.Identity))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// JSON is the change as StoredChange.What holds it.
func (c *Change) JSON() []byte {
	b, err := json.Marshal(c)
	if err != nil { // every part of it marshals
		panic(err)
	}
	return b
}

// Change returns the change of the row, without its Class.
func (s *StoredChange) Change() (*Change, error) {
	c := &Change{HistoryPosition: HistoryPosition{s.Resource, s.Seq}, Time: s.Time}
	if err := json.Unmarshal(s.What, c); err != nil {
		return nil, fmt.Errorf("change %d of resource %d: %w", s.Seq, s.Resource, err)
	}
	return c, nil
}
