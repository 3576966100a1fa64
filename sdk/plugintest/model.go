package plugintest

import (
	"cmp"
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
// stand in Attrs.
func (r Resource) MarshalJSON() ([]byte, error) { return json.Marshal(wire.Ref{Handle: r.Handle}) }

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

// model is what a host knows of a session.
type model struct {
	session    string
	turn       int64
	part       int
	open       bool // a turn is under way
	complete   bool // the first turn was
	lastHandle int64
	resources  map[int64]*Resource
	removed    map[int64]bool
	ops        int // in the last turn
}

func newModel(session string) *model {
	return &model{session: session, resources: map[int64]*Resource{0: {}}, removed: map[int64]bool{}}
}

// apply takes a batch in and returns the rules of the protocol that it breaks.
func (m *model) apply(b wire.Batch) (problems []string) {
	fail := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	switch {
	case m.open && (b.Turn != m.turn || b.Part != m.part+1):
		fail("part %d of turn %d follows part %d of turn %d", b.Part, b.Turn, m.part, m.turn)
	case !m.open && (b.Turn != m.turn+1 || b.Part != 0):
		fail("part %d of turn %d follows the end of turn %d", b.Part, b.Turn, m.turn)
	case b.Complete && b.Turn != 1:
		fail("only the first turn may be complete")
	}
	if !m.open {
		m.ops = 0
		m.complete = m.complete || b.Complete
	}
	m.turn, m.part, m.open = b.Turn, b.Part, !b.Last
	for _, op := range b.Ops {
		m.ops++
		if p := m.applyOp(op); p != "" {
			fail("%s %d: %s", op.Op, op.Handle, p)
		}
	}
	for _, smp := range b.Samples {
		if r := m.resources[smp.Handle]; r != nil {
			r.Samples = append(r.Samples, smp)
		} else {
			fail("sample of %s: no resource has handle %d", smp.Name, smp.Handle)
		}
	}
	if b.Last {
		problems = append(problems, m.check()...)
	}
	return problems
}

func (m *model) applyOp(op wire.Op) string {
	r := m.resources[op.Handle]
	if op.Op == wire.OpPut {
		if op.Handle <= m.lastHandle {
			return fmt.Sprintf("the handle is not above %d, the last one", m.lastHandle)
		}
		m.lastHandle = op.Handle
		r = &Resource{Handle: op.Handle, Class: op.Class, Attributes: map[string]json.RawMessage{}}
		m.resources[op.Handle] = r
	} else if r == nil {
		return "no resource has this handle"
	}
	if op.Op == wire.OpRemove {
		if op.Handle == 0 {
			return "the root cannot be removed"
		}
		delete(m.resources, op.Handle)
		m.removed[op.Handle] = true
		return ""
	}
	if len(op.Attributes) > 0 {
		var attrs map[string]json.RawMessage
		if err := json.Unmarshal(op.Attributes, &attrs); err != nil {
			return err.Error()
		}
		if r.Attributes == nil {
			r.Attributes = map[string]json.RawMessage{}
		}
		for k, v := range attrs {
			if string(v) == "null" {
				delete(r.Attributes, k)
			} else {
				r.Attributes[k] = v
			}
		}
	}
	if op.Label != nil {
		r.Label = *op.Label
	}
	r.Parents = slices.DeleteFunc(append(r.Parents, append(op.Parents, op.Add...)...), func(p int64) bool { return slices.Contains(op.Remove, p) })
	slices.Sort(r.Parents)
	r.Parents = slices.Compact(r.Parents)
	return ""
}

// check looks at the state at the end of a turn.
func (m *model) check() (problems []string) {
	for _, r := range m.sorted() {
		r.Parents = slices.DeleteFunc(r.Parents, func(p int64) bool { return m.removed[p] })
		for _, p := range r.Parents {
			if m.resources[p] == nil {
				problems = append(problems, fmt.Sprintf("%v has the parent %d, which does not exist", r, p))
			}
		}
		for name, raw := range r.Attributes {
			var ref wire.Ref
			if json.Unmarshal(raw, &ref) == nil && strings.HasPrefix(string(raw), `{"$ref"`) && m.resources[ref.Handle] == nil {
				problems = append(problems, fmt.Sprintf("%v: %s refers to %d, which does not exist", r, name, ref.Handle))
			}
		}
	}
	if cycle := m.cycle(); cycle != nil {
		problems = append(problems, fmt.Sprintf("the parents form a cycle: %v", cycle))
	}
	return problems
}

func (m *model) sorted() []*Resource {
	return slices.SortedFunc(maps.Values(m.resources), func(a, b *Resource) int { return cmp.Compare(a.Handle, b.Handle) })
}

// cycle returns the handles of a cycle among the parents, or nil.
func (m *model) cycle() []int64 {
	const onPath, done = 1, 2
	state := map[int64]int{}
	var path, cycle []int64
	var visit func(h int64) bool
	visit = func(h int64) bool {
		switch state[h] {
		case done:
			return false
		case onPath:
			cycle = append(path[slices.Index(path, h):], h)
			return true
		}
		state[h] = onPath
		path = append(path, h)
		if r := m.resources[h]; r != nil && slices.ContainsFunc(r.Parents, visit) {
			return true
		}
		path = path[:len(path)-1]
		state[h] = done
		return false
	}
	for _, r := range m.sorted() {
		if visit(r.Handle) {
			return cycle
		}
	}
	return nil
}
