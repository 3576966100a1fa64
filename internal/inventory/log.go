package inventory

import (
	"encoding/json"

	"github.com/faultline-storage/faultline/internal/resource"
)

// LogEntry is one entry of the change log as the store keeps it. It tells how
// to go back: what was made, and how what changed or went was before. So the
// graph of any kept moment follows from today's by going backwards.
type LogEntry struct {
	Root    resource.ID      `json:"root,omitempty"`
	Created [][2]resource.ID `json:"created,omitempty"` // ranges of IDs, both ends included
	Updated []LogUpdate      `json:"updated,omitempty"`
	Deleted []LogResource    `json:"deleted,omitempty"`
}

// LogUpdate is a changed resource as it was.
type LogUpdate struct {
	ID      resource.ID               `json:"id"`
	Was     map[string]resource.Value `json:"was,omitempty"`
	Label   *string                   `json:"label,omitempty"`
	Alias   *string                   `json:"alias,omitempty"`
	Parents []resource.ID             `json:"parents,omitempty"` // all of them, if they changed
	// Orphan says that Parents changed and were none.
	Orphan bool `json:"orphan,omitempty"`
}

// LogResource is a deleted resource.
type LogResource struct {
	ID         resource.ID     `json:"id"`
	Class      string          `json:"class"`
	Label      string          `json:"label"`
	Alias      string          `json:"alias,omitempty"`
	Attributes json.RawMessage `json:"attributes"` // as in resource.StoredResource
	Reporters  []resource.ID   `json:"reporters,omitempty"`
	Parents    []resource.ID   `json:"parents,omitempty"`
}

// update notes a changed resource, unless only what the log does not keep
// changed.
func (e *LogEntry) update(old, now *resource.Resource, d *difference) {
	l := LogUpdate{ID: old.ID}
	was := func(name string, v resource.Value) {
		if l.Was == nil {
			l.Was = map[string]resource.Value{}
		}
		l.Was[name] = v
	}
	for _, i := range d.attrs {
		name, v := now.Class.Attributes[i].Name, resource.Null
		if j := old.Class.Attr(name); j >= 0 {
			v = old.Values[j]
		}
		was(name, v)
	}
	if old.Class != now.Class { // also what its class no longer declares
		for i, v := range old.Values {
			if name := old.Class.Attributes[i].Name; now.Class.Attr(name) < 0 && !v.IsNull() {
				was(name, v)
			}
		}
	}
	if old.Label != now.Label || old.Alias != now.Alias {
		l.Label, l.Alias = &old.Label, &old.Alias
	}
	if d.parents {
		l.Parents, l.Orphan = old.Parents, len(old.Parents) == 0
	}
	if l.Was != nil || l.Label != nil || d.parents {
		e.Updated = append(e.Updated, l)
	}
}

// text returns the entry as JSON.
func (e *LogEntry) text(t *txn, deleted []*resource.Resource) []byte {
	e.Root = t.root
	for _, id := range t.created {
		if k := len(e.Created) - 1; k >= 0 && e.Created[k][1] == id-1 {
			e.Created[k][1] = id
		} else {
			e.Created = append(e.Created, [2]resource.ID{id, id})
		}
	}
	for _, r := range deleted {
		e.Deleted = append(e.Deleted, LogResource{
			ID: r.ID, Class: r.Class.FullName(), Label: r.Label, Alias: r.Alias,
			Attributes: r.AppendAttributes(nil), Reporters: r.Reporters, Parents: r.Parents,
		})
	}
	b, err := json.Marshal(e)
	if err != nil { // every part of it marshals
		panic(err)
	}
	return b
}
