package redfish

import (
	"maps"
	"slices"
	"strings"

	"github.com/faultline-storage/faultline/sdk/plugin"
)

// memory is what a session remembers from one walk to the next. It is read
// during a walk and written only between walks.
type memory struct {
	known map[string]*known // what is reported, by path
	edges []edge            // what is reported of parents
	same  map[string]string // path of another sight of an object → the path it is reported under
	refs  map[string]map[string]bool
	gaps  map[string]bool

	dropped map[string]bool // see walk.dropped
	others  map[string]bool // see walk.others
	thermal map[string]bool // see walk.thermal
}

// known is one reported resource.
type known struct {
	handle  plugin.Any
	last    hardware // its attributes
	sources []string // documents that list it
}

func newMemory() *memory {
	return &memory{
		known: map[string]*known{}, same: map[string]string{}, refs: map[string]map[string]bool{},
		dropped: map[string]bool{}, others: map[string]bool{}, thermal: map[string]bool{},
	}
}

// recognise gives objects the path that they are known under, and fills in
// what cannot be seen now. An object that is shown in two forms would otherwise
// turn into another one each time that one form cannot be read.
func (m *memory) recognise(nodes []*node, r *reader) {
	present := map[string]bool{}
	for _, n := range nodes {
		present[n.path()] = true
	}
	for _, n := range nodes {
		if m.known[n.path()] == nil {
			for _, id := range append([]string{n.path()}, n.same...) {
				as := id
				if m.known[as] == nil {
					as = m.same[id]
				}
				if k := m.known[as]; k != nil && !present[as] && sameClass(k.last, n.res) {
					present[as] = true
					n.addAlias(n.path(), as)
					n.same = append(n.same, n.path())
					*n.res.facts().path = as
					break
				}
			}
		}
		k := m.known[n.path()]
		if k == nil {
			continue
		}
		for _, doc := range k.sources {
			if !m.silent(doc, r, map[string]bool{}) { // it may still speak of n, but is out of sight
				fill(n.res, k.last)
				n.addSources(k.sources...)
				break
			}
		}
	}
}

// vanished lists the known paths that are gone: not among the nodes although
// everything that used to list them was read, or is gone itself.
func (m *memory) vanished(nodes []*node, r *reader) []string {
	present := map[string]bool{}
	for _, n := range nodes {
		present[n.path()] = true
	}
	var out []string
	for _, path := range slices.Sorted(maps.Keys(m.known)) {
		if present[path] {
			continue
		}
		doc, _, _ := strings.Cut(path, "#")
		if r.unread(doc) {
			continue // still listed, but not readable
		}
		gone := true
		for _, source := range m.known[path].sources {
			gone = gone && m.silent(source, r, map[string]bool{})
		}
		if gone {
			out = append(out, path)
		}
	}
	return out
}

// silent reports whether a document that used to list something surely does not
// list it any more: it was read, or all that used to link to it are silent
// about it in turn.
func (m *memory) silent(doc string, r *reader, asked map[string]bool) bool {
	switch {
	case r.unread(doc):
		return false
	case r.visited(doc) || asked[doc]:
		return true
	}
	asked[doc] = true
	for from := range m.refs[doc] {
		if !m.silent(from, r, asked) {
			return false
		}
	}
	return true
}

// learn remembers a walk.
func (m *memory) learn(nodes []*node, w *walk) {
	for _, n := range nodes {
		m.known[n.path()].sources = n.sources
		for _, id := range n.same {
			if id != n.path() {
				m.same[id] = n.path()
			}
		}
	}
	w.reader.mu.Lock()
	for path, d := range w.docs {
		m.refs[path] = d.from
	}
	w.reader.mu.Unlock()
	for _, id := range w.dropped {
		m.dropped[id] = true
	}
	for _, id := range w.others {
		m.others[id] = true
	}
	for _, id := range w.thermal {
		m.thermal[id] = true
	}
}

// unread reports whether a document was asked for and not read whole.
func (r *reader) unread(path string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	d, asked := r.docs[path]
	return asked && !d.ok()
}

// visited reports whether a document was asked for.
func (r *reader) visited(path string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, asked := r.docs[path]
	return asked
}

// failed reports whether anything at all could not be read.
func (r *reader) failed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, d := range r.docs {
		if !d.ok() {
			return true
		}
	}
	return false
}
