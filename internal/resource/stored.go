package resource

import (
	"slices"
	"time"
)

// LogEntry is an entry of a store's change log.
type LogEntry struct {
	Seq  uint64
	Time time.Time
	Log  []byte // Mutation.Log
}

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
		Attributes: r.AppendAttributes(nil), Identity: r.Identity,
		Scope: r.Scope, Reporters: slices.Clone(r.Reporters),
		FirstSeen: r.FirstSeen, Updated: r.Updated,
	}
	if r.Root != nil {
		s.Root, s.Offline, s.Error, s.LastContact = true, r.Root.Offline, r.Root.Error, r.Root.LastContact
	}
	return s
}
