package plugin

import (
	"cmp"
	"slices"
)

// deleted takes the host's word that resources of this session were deleted
// from outside it (SPEC.md, section 5). Any goroutine may call it.
func (s *Session) deleted(handles []int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ended {
		s.lost = append(s.lost, handles...)
		s.kick()
	}
}

// reportAgain makes the resources that the host deleted new to it, since what
// the plugin did not remove is still there: each is put under a new handle, and
// what refers to it or has it as a parent says so once more.
func (s *Session) reportAgain() {
	s.mu.Lock()
	lost := s.lost
	s.lost = nil
	s.mu.Unlock()
	if len(lost) == 0 {
		return
	}
	slices.Sort(lost)
	var again []*node
	gone := map[*node]bool{}
	for _, t := range s.tables {
		for _, n := range t.nodes {
			if _, ok := slices.BinarySearch(lost, n.handle); ok && n.sent && !n.dead && n != s.root {
				again = append(again, n)
				gone[n] = true
			}
		}
	}
	if len(again) == 0 {
		return
	}
	slices.SortFunc(again, byHandle)
	for _, n := range again {
		s.lastHandle++
		n.handle, n.sent = s.lastHandle, false
		s.touch(n)
	}
	var others []*node
	for _, t := range s.tables {
		for _, n := range t.nodes {
			if n.sent && !n.dead && t.forget(n, gone) {
				others = append(others, n)
			}
		}
	}
	slices.SortFunc(others, byHandle)
	for _, n := range others {
		s.touch(n)
	}
	s.Log.Info("resources were deleted from outside the session and are reported again", "resources", len(again))
}

func byHandle(a, b *node) int { return cmp.Compare(a.handle, b.handle) }

// forget takes the lost resources out of what was last sent of a resource, and
// reports whether it had any.
func (t *table) forget(n *node, lost map[*node]bool) (had bool) {
	for _, f := range t.c.refs {
		if sh := t.shadow(n); !f.ident && lost[sh.refs[f.slot]] {
			sh.refs[f.slot] = nil
			had = true
		}
	}
	isLost := func(p *node) bool { return lost[p.canonical()] }
	sent := n.parents
	if n.linked {
		sent = n.s.linked[n]
	}
	if slices.ContainsFunc(sent, isLost) {
		n.linked = true
		n.s.linked[n] = slices.DeleteFunc(slices.Clone(sent), isLost)
		had = true
	}
	return had
}
