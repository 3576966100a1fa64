package resource

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// LogEntry is an entry of a store's change log.
type LogEntry struct {
	Seq          uint64
	Time         time.Time
	Log, Samples []byte // of the Mutation; Samples is empty where they were trimmed
}

// The names of positions that a store keeps.
const (
	// AlertPosition is up to where changes are evaluated for alerts.
	AlertPosition = "alert"
	// LogFloor is the last entry of the change log that was trimmed.
	LogFloor = "log floor"
	// SamplesFloor is the last entry whose samples were trimmed.
	SamplesFloor = "samples floor"
	// HistoryFloor is the last entry of before the history of resources was kept.
	HistoryFloor = "history floor"
)

// AppendAttributes appends the resource's values as the JSON object that
// StoredResource.Attributes holds: by attribute name, in the order of the
// class, without nulls.
func (r *Resource) AppendAttributes(b []byte) []byte {
	b = append(b, '{')
	first := true
	for i, v := range r.Values {
		if v.IsNull() {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		if i < len(r.Class.quoted) {
			b = append(b, r.Class.quoted[i]...)
		} else { // a class that was not indexed
			b = append(AppendJSONString(b, r.Class.Attributes[i].Name), ':')
		}
		b = v.AppendJSON(b)
	}
	return append(b, '}')
}

// AppendWriters appends who wrote the resource's attributes as the JSON object
// that StoredResource.WrittenBy holds, or nothing if it has one reporter.
func (r *Resource) AppendWriters(b []byte) []byte {
	if r.WrittenBy == nil {
		return b
	}
	b = append(b, '{')
	first := true
	for i, root := range r.WrittenBy {
		if root == 0 {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(AppendJSONString(b, r.Class.Attributes[i].Name), ':')
		b = strconv.AppendInt(b, int64(root), 10)
	}
	return append(b, '}')
}

// ParseWriters reads what AppendWriters wrote. What the class no longer declares
// is left out.
func ParseWriters(b []byte, c *Class) ([]ID, error) {
	if len(b) == 0 {
		return nil, nil
	}
	by := map[string]ID{}
	if err := json.Unmarshal(b, &by); err != nil {
		return nil, fmt.Errorf("who wrote its attributes: %w", err)
	}
	ids := make([]ID, len(c.Attributes))
	for name, root := range by {
		if i := c.Attr(name); i >= 0 {
			ids[i] = root
		}
	}
	return ids, nil
}

// AppendJSON appends the removal as JSON, as StoredResource.Held holds it, or
// nothing if it is nil.
func (h *HeldRemoval) AppendJSON(b []byte) []byte {
	if h == nil {
		return b
	}
	j, err := json.Marshal(h)
	if err != nil { // its fields always marshal
		panic(err)
	}
	return append(b, j...)
}

// IdentitySpace is where the resource's Identity is unique within its class:
// its scope for a scoped class, and 0 for others, which are unique everywhere.
func (r *Resource) IdentitySpace() ID {
	if r.Class.IDScope == Scoped {
		return r.Scope
	}
	return 0
}

// Stored returns the row of the resource as a store keeps it. It shares nothing
// with the resource that could change.
func (r *Resource) Stored() StoredResource {
	s := StoredResource{
		ID: r.ID, Plugin: r.Class.Plugin, Class: r.Class.Name,
		Label: r.Label, OwnLabel: r.OwnLabel, Alias: r.Alias,
		Attributes: r.AppendAttributes(nil), WrittenBy: r.AppendWriters(nil), Identity: r.Identity,
		Scope: r.Scope, Reporters: slices.Clone(r.Reporters),
		FirstSeen: r.FirstSeen, Updated: r.Updated,
	}
	if r.Root != nil {
		s.Root, s.Offline, s.Error, s.LastContact = true, r.Root.Offline, r.Root.Error, r.Root.LastContact
		s.Held = r.Root.Held.AppendJSON(nil)
	}
	return s
}
