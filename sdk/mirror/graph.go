package mirror

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// check looks at the state at the end of a turn.
func (s *Session) check() (problems []Problem) {
	s.dropParents()
	fail := func(kind, format string, args ...any) {
		problems = append(problems, Problem{kind, fmt.Sprintf(format, args...)})
	}
	known, ids := map[string]int64{}, map[int64]string{}
	for _, r := range s.Sorted() {
		for _, p := range r.Parents {
			if s.Resources[p] == nil {
				fail(Broken, "%v has the parent %d, which does not exist", r, p)
			}
		}
		for _, name := range slices.Sorted(maps.Keys(r.Attributes)) {
			if target, ok := Reference(r.Attributes[name]); ok && s.Resources[target] == nil {
				if s.deleted[target] {
					delete(r.Attributes, name)
					continue
				}
				fail(Broken, "%v: %s refers to %d, which does not exist", r, name, target)
			}
		}
		if r.Handle == 0 || len(s.classes[r.Class].Identifier.Attributes) == 0 {
			continue
		}
		id := s.identity(r.Handle, ids)
		delete(s.Removed, id)
		if other, twice := known[id]; twice {
			fail(Broken, "handles %d and %d are one resource, %s; its second report is a set, not a put", other, r.Handle, id)
		}
		known[id] = r.Handle
	}
	s.ids = ids
	if c := s.cycle(func(r *Resource) []int64 { return r.Parents }); c != nil {
		fail(Cycle, "the parents form a cycle: %s", s.names(c))
	}
	if c := s.cycle(references); c != nil {
		fail(Cycle, "references form a cycle: %s", s.names(c))
	}
	return problems
}

func (s *Session) names(handles []int64) string {
	var names []string
	for _, h := range append(handles, handles[0]) {
		if s.classes == nil {
			names = append(names, fmt.Sprint(h))
		} else {
			names = append(names, s.Identity(h))
		}
	}
	return strings.Join(names, " → ")
}

// references returns the handles that the attributes of a resource name.
func references(r *Resource) (handles []int64) {
	for _, name := range slices.Sorted(maps.Keys(r.Attributes)) {
		if h, ok := Reference(r.Attributes[name]); ok {
			handles = append(handles, h)
		}
	}
	return handles
}

// Reference returns the handle that a value names, if it is a reference.
func Reference(raw json.RawMessage) (handle int64, ok bool) {
	if !strings.HasPrefix(string(bytes.TrimSpace(raw)), "{") {
		return 0, false
	}
	var ref struct {
		Handle *int64 `json:"$ref"`
	}
	if json.Unmarshal(raw, &ref) != nil || ref.Handle == nil {
		return 0, false
	}
	return *ref.Handle, true
}

// Sorted returns the resources in the order of their handles, the root first.
func (s *Session) Sorted() []*Resource {
	return slices.SortedFunc(maps.Values(s.Resources), func(a, b *Resource) int { return cmp.Compare(a.Handle, b.Handle) })
}

// Identity names a resource by its class and the values that identify it, the
// same in every session. The root is "root".
func (s *Session) Identity(handle int64) string { return s.identity(handle, map[int64]string{}) }

// identity is Identity with those that are worked out already.
func (s *Session) identity(handle int64, known map[int64]string) string {
	if id, ok := known[handle]; ok {
		return id
	}
	r := s.Resources[handle]
	switch {
	case handle == 0:
		return "root"
	case r == nil:
		return fmt.Sprintf("handle %d", handle)
	}
	known[handle] = fmt.Sprintf("handle %d", handle) // for references that lead back here
	parts := []string{r.Class}
	for _, name := range s.classes[r.Class].Identifier.Attributes {
		raw := r.Attributes[name]
		if target, ok := Reference(raw); ok {
			parts = append(parts, name+"=("+s.identity(target, known)+")")
		} else if raw == nil {
			parts = append(parts, name+"=null")
		} else {
			parts = append(parts, name+"="+string(raw))
		}
	}
	known[handle] = strings.Join(parts, " ")
	return known[handle]
}

// cycle returns the handles of a cycle, or nil.
func (s *Session) cycle(next func(*Resource) []int64) []int64 {
	const onPath, done = 1, 2
	state := map[int64]int{}
	var path, cycle []int64
	var visit func(h int64) bool
	visit = func(h int64) bool {
		switch state[h] {
		case done:
			return false
		case onPath:
			cycle = slices.Clone(path[slices.Index(path, h):])
			return true
		}
		state[h] = onPath
		path = append(path, h)
		if r := s.Resources[h]; r != nil && slices.ContainsFunc(next(r), visit) {
			return true
		}
		path = path[:len(path)-1]
		state[h] = done
		return false
	}
	for _, r := range s.Sorted() {
		if visit(r.Handle) {
			return cycle
		}
	}
	return nil
}
