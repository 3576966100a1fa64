package inventory

import (
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/faultline-storage/faultline/internal/resource"
)

// LogEntry is one entry of the change log as the store keeps it. It tells how
// to go back: what was made, and how what changed or went was before. So the
// graph of any kept moment follows from today's by going backwards; see past.
//
// Children are not in it: they follow from the parents. Of the state of a root
// it has what is durable: Offline, Error and Held.
type LogEntry struct {
	Root    resource.ID      `json:"root,omitempty"`
	Created [][2]resource.ID `json:"created,omitempty"` // ranges of IDs, both ends included
	Updated []LogUpdate      `json:"updated,omitempty"`
	Deleted []LogResource    `json:"deleted,omitempty"`
	// Classes are the declarations as they were of the classes that were declared
	// anew, by full name; see resource.DecodeClass. Those without resources are
	// among them, for there may have been some before.
	Classes map[string]json.RawMessage `json:"classes,omitempty"`
}

// LogUpdate is a changed resource as it was. What is left out did not change.
type LogUpdate struct {
	ID resource.ID `json:"id"`
	// Was are attributes by name, null included.
	Was  json.RawMessage `json:"was,omitempty"`
	Name *LogName        `json:"name,omitempty"`
	// Scope and Reporters are never empty if they changed.
	Scope     resource.ID   `json:"scope,omitempty"`
	Reporters []resource.ID `json:"reporters,omitempty"`
	// Writers is as resource.Resource.AppendWriters has it; null for none.
	Writers json.RawMessage `json:"writers,omitempty"`
	State   *LogRoot        `json:"state,omitempty"`
	// Came are the parents that it did not have. Edges are those from parents that
	// went, or that other roots stood for.
	Came    []resource.ID `json:"came,omitempty"`
	Edges   []LogEdge     `json:"edges,omitempty"`
	Updated int64         `json:"updated,omitempty"` // Unix nanoseconds
}

// LogName is what a resource was called.
type LogName struct {
	Label    string `json:"label"`
	OwnLabel bool   `json:"own_label,omitempty"`
	Alias    string `json:"alias,omitempty"`
}

// LogRoot is the durable state of a root; None says that the resource was none.
type LogRoot struct {
	None    bool                  `json:"none,omitempty"`
	Offline bool                  `json:"offline,omitempty"`
	Error   string                `json:"error,omitempty"`
	Held    *resource.HeldRemoval `json:"held,omitempty"`
}

// LogEdge is an edge to a resource: the parent, then the roots that reported it.
// Without any, only relations made it.
type LogEdge []resource.ID

// LogResource is a deleted resource.
type LogResource struct {
	ID    resource.ID `json:"id"`
	Class string      `json:"class"` // full name
	LogName
	Attributes json.RawMessage `json:"attributes"` // as in resource.StoredResource
	Identity   string          `json:"identity"`
	Scope      resource.ID     `json:"scope"`
	Reporters  []resource.ID   `json:"reporters"`
	Writers    json.RawMessage `json:"writers,omitempty"`
	State      *LogRoot        `json:"state,omitempty"` // of a root
	Edges      []LogEdge       `json:"edges,omitempty"`
	FirstSeen  int64           `json:"first_seen"` // Unix nanoseconds
	Updated    int64           `json:"updated"`    // Unix nanoseconds
}

// update notes a changed resource, unless only what the log does not keep
// changed.
func (e *LogEntry) update(old, now *node, d *difference) {
	l := LogUpdate{ID: old.ID}
	noted := d.name || d.other
	if l.Was = was(&old.Resource, &now.Resource, d.attrs); l.Was != nil {
		noted = true
	}
	if old.Label != now.Label || old.Alias != now.Alias || old.OwnLabel != now.OwnLabel {
		l.Name = nameOf(&old.Resource)
	}
	if old.Scope != now.Scope {
		l.Scope = old.Scope
	}
	if !same(old.Reporters, now.Reporters) {
		l.Reporters = old.Reporters
	}
	if old.Class != now.Class || !same(old.WrittenBy, now.WrittenBy) {
		if l.Writers = old.AppendWriters(nil); l.Writers == nil {
			l.Writers = json.RawMessage("null")
		}
	}
	if d.state {
		if was, is := rootOf(&old.Resource), rootOf(&now.Resource); *was != *is {
			l.State, noted = was, true
		}
	}
	if l.edges(old.in, now.in); l.Came != nil || l.Edges != nil {
		noted = true
	}
	if !noted {
		return
	}
	if !old.Updated.Equal(now.Updated) {
		l.Updated = old.Updated.UnixNano()
	}
	e.Updated = append(e.Updated, l)
}

// was returns the attributes as they were, as a JSON object, or nil if none
// changed.
func was(old, now *resource.Resource, attrs []int) []byte {
	var b []byte
	add := func(name string, v resource.Value) {
		sep := byte(',')
		if b == nil {
			sep = '{'
		}
		b = append(resource.AppendJSONString(append(b, sep), name), ':')
		b = v.AppendJSON(b)
	}
	for _, i := range attrs {
		name, v := now.Class.Attributes[i].Name, resource.Null
		if j := old.Class.Attr(name); j >= 0 {
			v = old.Values[j]
		}
		add(name, v)
	}
	if old.Class != now.Class { // also what its class no longer declares
		for i, v := range old.Values {
			if name := old.Class.Attributes[i].Name; now.Class.Attr(name) < 0 && !v.IsNull() {
				add(name, v)
			}
		}
	}
	if b == nil {
		return nil
	}
	return append(b, '}')
}

func nameOf(r *resource.Resource) *LogName {
	return &LogName{Label: r.Label, OwnLabel: r.OwnLabel, Alias: r.Alias}
}

// rootOf returns the durable state of a root.
func rootOf(r *resource.Resource) *LogRoot {
	if r.Root == nil {
		return &LogRoot{None: true}
	}
	return &LogRoot{Offline: r.Root.Offline, Error: r.Root.Error, Held: r.Root.Held}
}

// edges notes how the edges to the resource were. Which relations make an edge
// is not noted: it follows from the classes.
func (l *LogUpdate) edges(old, now []inEdge) {
	if shared(old, now) {
		return
	}
	for i, j := 0, 0; i < len(old) || j < len(now); {
		switch {
		case i == len(old) || j < len(now) && now[j].parent < old[i].parent:
			l.Came = append(l.Came, now[j].parent)
			j++
		case j == len(now) || old[i].parent < now[j].parent:
			l.Edges = append(l.Edges, logEdge(&old[i]))
			i++
		default:
			if !same(old[i].roots, now[j].roots) {
				l.Edges = append(l.Edges, logEdge(&old[i]))
			}
			i++
			j++
		}
	}
}

func logEdge(e *inEdge) LogEdge { return append(LogEdge{e.parent}, e.roots...) }

// class notes the declaration of a class as it was.
func (e *LogEntry) class(c *resource.Class) {
	if e.Classes == nil {
		e.Classes = map[string]json.RawMessage{}
	}
	b, err := json.Marshal(c)
	if err != nil { // every part of it marshals
		panic(err)
	}
	e.Classes[c.FullName()] = b
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
		l := LogResource{
			ID: r.ID, Class: r.Class.FullName(), LogName: *nameOf(r), Attributes: r.AppendAttributes(nil), Identity: r.Identity,
			Scope: r.Scope, Reporters: r.Reporters, Writers: r.AppendWriters(nil),
			FirstSeen: nanos(r.FirstSeen), Updated: nanos(r.Updated),
		}
		if r.Root != nil {
			l.State = rootOf(r)
		}
		in := t.inv.nodes.get(r.ID).in
		for i := range in {
			l.Edges = append(l.Edges, logEdge(&in[i]))
		}
		e.Deleted = append(e.Deleted, l)
	}
	for c := range t.changed {
		e.class(c)
	}
	b, err := json.Marshal(e)
	if err != nil { // every part of it marshals
		panic(err)
	}
	return b
}

func nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

func fromNanos(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}

// createdIDs returns the resources that the entry made, ascending.
func (e *LogEntry) createdIDs() (ids []resource.ID) {
	for _, r := range e.Created {
		for id := r[0]; id <= r[1]; id++ {
			ids = append(ids, id)
		}
	}
	return ids
}

// classNames returns the classes that the entry declared anew.
func (e *LogEntry) classNames() []string { return slices.Sorted(maps.Keys(e.Classes)) }
