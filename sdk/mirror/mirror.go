// Package mirror keeps what a plugin reports in one session as a host keeps it,
// and says which rules of the protocol its batches break. Tests of plugins look
// into it; see sdk/plugintest.
package mirror

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/faultline-storage/faultline/sdk/wire"
)

// Resource is a resource as the plugin reported it.
type Resource struct {
	Handle     int64 // the session's number for it; the root is 0
	Class      string
	Attributes map[string]json.RawMessage // those that have a value
	Label      string                     // the author's own, if the class has one
	Parents    []int64                    // handles, ascending
	Samples    []wire.Sample              // of all its statistics, in order
}

// MarshalJSON gives the resource the form of a reference to it, so that it can
// stand where a value is wanted.
func (r Resource) MarshalJSON() ([]byte, error) { return json.Marshal(wire.Ref{Handle: r.Handle}) }

// Clone returns a copy that later batches do not change.
func (r *Resource) Clone() Resource {
	c := *r
	c.Attributes, c.Parents, c.Samples = maps.Clone(r.Attributes), slices.Clone(r.Parents), slices.Clone(r.Samples)
	return c
}

func (r Resource) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (handle %d)", r.Class, r.Handle)
	for _, k := range slices.Sorted(maps.Keys(r.Attributes)) {
		fmt.Fprintf(&b, " %s=%s", k, r.Attributes[k])
	}
	if len(r.Parents) > 0 {
		fmt.Fprintf(&b, " parents=%v", r.Parents)
	}
	return b.String()
}

// Kinds of Problem.
const (
	Broken = "broken" // a rule of turns, batches or ops (protocol/SPEC.md, section 5)
	Cycle  = "cycle"  // parents, or references, lead back to where they began
)

// Problem is a rule that a batch breaks.
type Problem struct {
	Kind string
	Text string
}

// Change is what one op of a turn did to something that the host knew before.
type Change struct {
	Handle int64
	// Name is the attribute that was set, "label", or "parents". It is empty for a
	// resource that was put or removed.
	Name string
	Op   string // as in package wire
	// Was and Is are the values of an attribute, null if it had none. They are
	// the same JSON if the op told the host what it knew.
	Was, Is json.RawMessage
}

// Session is what a host knows of one session. It is for one goroutine at a time.
type Session struct {
	Name      string
	Turn      int64 // the last one that began
	Open      bool  // its last part is still to come
	Complete  bool  // the first turn was the full truth
	Resources map[int64]*Resource
	// Changes are those of the last turn.
	Changes []Change
	// Removed are the identities of what the plugin removed and has not reported
	// again since.
	Removed map[string]bool

	classes    map[string]wire.Class
	part       int
	lastHandle int64
	gone       map[int64]bool   // handles that have ended
	deleted    map[int64]bool   // those of them that the host ended
	ids        map[int64]string // identities at the end of the last turn
}

// New returns the mirror of a session that was just opened. classes are the
// declared ones; nil leaves out what needs them.
func New(session string, classes []wire.Class) *Session {
	s := &Session{
		Name: session, Resources: map[int64]*Resource{0: {}}, Removed: map[string]bool{},
		gone: map[int64]bool{}, deleted: map[int64]bool{},
	}
	if classes != nil {
		s.classes = map[string]wire.Class{}
		for _, c := range classes {
			s.classes[c.Name] = c
		}
	}
	return s
}

// Apply takes a batch in and returns the rules that it breaks.
func (s *Session) Apply(b wire.Batch) (problems []Problem) {
	fail := func(format string, args ...any) {
		problems = append(problems, Problem{Broken, fmt.Sprintf(format, args...)})
	}
	switch {
	case s.Open && (b.Turn != s.Turn || b.Part != s.part+1):
		fail("part %d of turn %d follows part %d of turn %d", b.Part, b.Turn, s.part, s.Turn)
	case !s.Open && (b.Turn != s.Turn+1 || b.Part != 0):
		fail("part %d of turn %d follows the end of turn %d", b.Part, b.Turn, s.Turn)
	case b.Complete && b.Turn != 1:
		fail("only the first turn may be complete")
	}
	if !s.Open {
		s.Changes = nil
	}
	s.Complete = s.Complete || b.Complete && b.Last
	s.Turn, s.part, s.Open = b.Turn, b.Part, !b.Last
	for _, op := range b.Ops {
		if p := s.op(op); p != "" {
			fail("%s %d: %s", op.Op, op.Handle, p)
		}
	}
	for _, smp := range b.Samples {
		if r := s.Resources[smp.Handle]; r != nil {
			r.Samples = append(r.Samples, smp)
		} else if !s.deleted[smp.Handle] {
			fail("sample of %s: no resource has handle %d", smp.Name, smp.Handle)
		}
	}
	if b.Last {
		problems = append(problems, s.check()...)
	}
	return problems
}

func (s *Session) op(op wire.Op) string {
	r := s.Resources[op.Handle]
	if op.Op == wire.OpPut {
		if op.Handle <= s.lastHandle {
			return fmt.Sprintf("the handle is not above %d, the last one", s.lastHandle)
		}
		if _, ok := s.classes[op.Class]; !ok && s.classes != nil {
			return fmt.Sprintf("the plugin declares no class %q", op.Class)
		}
		s.lastHandle = op.Handle
		r = &Resource{Handle: op.Handle, Class: op.Class, Attributes: map[string]json.RawMessage{}}
		s.Resources[op.Handle] = r
		s.Changes = append(s.Changes, Change{Handle: op.Handle, Op: op.Op})
	} else if r == nil {
		if s.deleted[op.Handle] {
			return "" // the plugin may not have known
		}
		return "no resource has this handle"
	}
	switch op.Op {
	case wire.OpRemove:
		if op.Handle == 0 {
			return "the root cannot be removed"
		}
		if id := s.ids[op.Handle]; id != "" {
			s.Removed[id] = true
		}
		delete(s.Resources, op.Handle)
		s.gone[op.Handle] = true
		s.Changes = append(s.Changes, Change{Handle: op.Handle, Op: op.Op})
		return ""
	case wire.OpPut, wire.OpSet, wire.OpLink:
	default:
		return "there is no op of this name"
	}
	return s.change(r, op)
}

// change takes the attributes, the label and the parents of an op in.
func (s *Session) change(r *Resource, op wire.Op) string {
	var attrs map[string]json.RawMessage
	if len(op.Attributes) > 0 {
		if err := json.Unmarshal(op.Attributes, &attrs); err != nil {
			return err.Error()
		}
	}
	if r.Attributes == nil {
		r.Attributes = map[string]json.RawMessage{}
	}
	note := func(c Change) {
		if c.Handle, c.Op = op.Handle, op.Op; c.Op != wire.OpPut {
			s.Changes = append(s.Changes, c)
		}
	}
	for _, k := range slices.Sorted(maps.Keys(attrs)) {
		was, is := r.Attributes[k], attrs[k]
		if was == nil {
			was = json.RawMessage("null")
		}
		note(Change{Name: k, Was: was, Is: is})
		if string(is) == "null" {
			delete(r.Attributes, k)
		} else {
			r.Attributes[k] = is
		}
	}
	if op.Label != nil {
		note(Change{Name: "label", Was: text(r.Label), Is: text(*op.Label)})
		r.Label = *op.Label
	}
	if len(op.Parents)+len(op.Add)+len(op.Remove) > 0 {
		was := numbers(r.Parents)
		r.Parents = slices.DeleteFunc(append(r.Parents, append(op.Parents, op.Add...)...), func(p int64) bool { return slices.Contains(op.Remove, p) })
		slices.Sort(r.Parents)
		r.Parents = slices.Compact(r.Parents)
		note(Change{Name: "parents", Was: was, Is: numbers(r.Parents)})
	}
	return ""
}

func text(s string) json.RawMessage {
	b, err := json.Marshal(s)
	if err != nil {
		return json.RawMessage("null")
	}
	return b
}

func numbers(handles []int64) json.RawMessage {
	b, err := json.Marshal(handles)
	if err != nil || handles == nil {
		return json.RawMessage("[]")
	}
	return b
}

// Delete ends resources as a host does that deletes them from outside the
// session (protocol/SPEC.md, section 5), with what is said of them.
func (s *Session) Delete(handles ...int64) {
	for _, h := range handles {
		delete(s.Resources, h)
		s.gone[h], s.deleted[h] = true, true
	}
	for _, r := range s.Resources {
		maps.DeleteFunc(r.Attributes, func(_ string, raw json.RawMessage) bool {
			target, ok := Reference(raw)
			return ok && s.deleted[target]
		})
	}
	s.dropParents()
}

func (s *Session) dropParents() {
	for _, r := range s.Resources {
		r.Parents = slices.DeleteFunc(r.Parents, func(p int64) bool { return s.gone[p] })
	}
}
