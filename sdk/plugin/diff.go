package plugin

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"

	"github.com/faultline-storage/faultline/sdk/internal/stdio"
	"github.com/faultline-storage/faultline/sdk/wire"
)

// turnKind says what the end of a turn has to look at and to send.
type turnKind struct {
	first bool    // the turn is the initial scan or agent start
	all   bool    // any resource may have changed by assignment
	only  []*node // these may have, if not all
}

// change is one op on its way out.
type change struct {
	n        *node
	op       string // wire.OpPut, OpRemove; "set" stands for set and link
	label    *string
	set      bool
	skip     []*field // attributes that must not be sent
	add, del []*node  // parents
}

// endTurn finds out what the turn changed, checks it, and sends it. It returns
// the number of the turn, 0 if nothing was sent, and what made the turn fail.
func (s *Session) endTurn(failed error, kind turnKind) (turn int64, err error) {
	defer func() {
		if r := recover(); r != nil { // a Label or Default method of the author
			turn, err = 0, &stdio.PanicError{Value: r, Stack: string(debug.Stack())}
		}
		s.forgetTurn()
	}()
	s.endStream()
	errs := s.takeErrs()
	if failed == nil && len(errs) > 0 {
		failed = errs[0]
	}
	samples := s.takeSamples()
	if kind.first && failed != nil {
		return 0, failed
	}
	if s.removed && failed == nil {
		s.cascade()
	} else if s.removed {
		s.unremove()
	}
	if !kind.first {
		s.reportAgain()
	}
	if bad := s.collect(kind); bad != nil {
		failed = cmp.Or(failed, bad)
		if kind.first {
			return 0, failed
		}
		s.withhold()
	}
	good := 0
	for smp := range samples.all() {
		if smp.n.dead || smp.n.bad {
			smp.n = nil
			continue
		}
		if err := checkSample(smp); err != nil {
			failed = cmp.Or(failed, err)
			smp.n = nil
			continue
		}
		good++
	}
	if kind.first && failed != nil {
		return 0, failed
	}
	if len(s.changes)+good > 0 || kind.first {
		if err := s.send(&samples, kind.first && len(s.gaps) == 0); err != nil {
			return 0, cmp.Or(failed, err)
		}
		turn = s.turns
	}
	return turn, failed
}

func (s *Session) takeSamples() pages[sample] {
	s.mu.Lock()
	defer s.mu.Unlock()
	samples := s.samples
	s.samples = pages[sample]{}
	return samples
}

// forgetTurn clears what is noted for the length of a turn.
func (s *Session) forgetTurn() {
	for _, e := range s.events {
		e.n.touched, e.n.linked, e.n.bad, e.n.streamed = false, false, false, false
	}
	clear(s.linked)
	s.stream = stream{}
	if s.w.buf != nil { // of a turn that failed after parts of it were sent
		s.w.drop()
	}
	s.events = reuse(s.events)
	s.changes = reuse(s.changes)
	if s.removed {
		s.removed = false
		for _, t := range s.tables {
			t.compact()
		}
	}
}

// reuse empties a slice, letting go of it if it has grown large.
func reuse[T any](list []T) []T {
	if cap(list) > 4096 {
		return nil
	}
	clear(list)
	return list[:0]
}

// cascade does for removed resources what the guide says of references to them:
// optional ones are cleared, the holders of others removed as well. Removals
// found here come before those that the author asked for, the last found first,
// so that no op leaves a reference to something gone.
func (s *Session) cascade() {
	var found []event
	for again := true; again; {
		again = false
		for _, t := range s.tables {
			for _, n := range t.nodes {
				if n.dead {
					continue
				}
				for _, f := range t.c.refs {
					target, _ := f.ref(f.value(n.ptr))
					if target == nil || !target.dead {
						continue
					}
					if f.Optional {
						f.clear(n.ptr)
					} else if n != s.root {
						n.remove()
						found = append(found, event{n: n, remove: true})
						again = true
						break
					}
				}
			}
		}
	}
	if len(found) == 0 {
		return
	}
	slices.Reverse(found)
	first := slices.IndexFunc(s.events, func(e event) bool { return e.remove })
	s.events = slices.Insert(s.events, first, found...)
}

// unremove takes removals back, since a turn that failed removes nothing. Only
// what was reported again in the turn stays removed.
func (s *Session) unremove() {
	for _, e := range s.events {
		t := s.tables[e.n.c.index]
		if e.remove && e.n.sent && e.n.dead && t.byKey[e.n.key] == nil {
			e.n.dead = false
			t.byKey[e.n.key] = e.n
		}
	}
}

// collect fills changes with what the turn changed: plain assignments by
// handle, then what calls touched in the order of the calls. It returns the
// first bad value.
func (s *Session) collect(kind turnKind) (bad error) {
	if kind.all {
		for _, t := range s.tables {
			bad = cmp.Or(bad, s.collectTable(t))
		}
		slices.SortFunc(s.changes, func(a, b change) int { return cmp.Compare(a.n.handle, b.n.handle) })
	} else {
		slices.SortFunc(kind.only, func(a, b *node) int { return cmp.Compare(a.handle, b.handle) })
		for _, n := range slices.Compact(kind.only) {
			if !n.dead && !n.touched {
				bad = cmp.Or(bad, s.collectSet(n))
			}
		}
	}
	s.changes = slices.Grow(s.changes, len(s.events))
	for _, e := range s.events {
		n := e.n
		switch {
		case e.remove:
			if n.sent && n.dead {
				s.changes = append(s.changes, change{n: n, op: wire.OpRemove})
			}
		case n.dead:
		case n.sent:
			bad = cmp.Or(bad, s.collectSet(n))
		default:
			bad = cmp.Or(bad, s.collectPut(n))
		}
	}
	return bad
}

// collectTable looks for plain assignments to the resources of a class. With
// nothing changed it allocates nothing, unless there are very many.
func (s *Session) collectTable(t *table) (bad error) {
	for _, n := range t.assigned() {
		bad = cmp.Or(bad, s.collectSet(n))
	}
	return bad
}

// manyNodes is how many resources are worth a goroutine to look at them.
const manyNodes = 10_000

// assigned returns the resources of which an attribute differs from what was
// last sent, in their order, but for those that have a place among the turn's
// events.
func (t *table) assigned() []*node {
	parts := min(runtime.GOMAXPROCS(0), len(t.nodes)/manyNodes)
	if parts < 2 {
		return t.assignedOf(t.nodes)
	}
	found := make([][]*node, parts)
	var looking sync.WaitGroup
	for i := range parts {
		part := t.nodes[i*len(t.nodes)/parts : (i+1)*len(t.nodes)/parts]
		looking.Go(func() { found[i] = t.assignedOf(part) })
	}
	looking.Wait()
	return slices.Concat(found...)
}

func (t *table) assignedOf(nodes []*node) (found []*node) {
	for _, n := range nodes {
		if n.dead || n.touched || !n.sent {
			continue
		}
		sh := t.shadow(n)
		if t.c.differs(n.ptr, &sh) {
			found = append(found, n)
		}
	}
	return found
}

// collectSet notes what changed of a resource that the host knows.
func (s *Session) collectSet(n *node) (bad error) {
	t := s.tables[n.c.index]
	sh := t.shadow(n)
	ch := change{n: n, op: wire.OpSet}
	size, any := 0, false
	for i := range n.c.fields {
		f := &n.c.fields[i]
		if !f.changed(n.ptr, &sh) {
			continue
		}
		f.fill(n.ptr)
		if !f.changed(n.ptr, &sh) {
			continue
		}
		any = true
		problem := f.check(n.ptr, &size)
		if f.ident && !s.sameIdentity(n) {
			problem = "identifies the resource and must not change; remove the resource and report the new one"
		}
		if problem != "" {
			bad = cmp.Or(bad, error(&ValueError{Class: n.c.Name, Identity: n.c.identityOf(n), Attribute: f.Name, Problem: problem}))
			ch.skip = append(ch.skip, f)
			continue
		}
		ch.set = true
	}
	if (any || n.streamed) && n.c.labeled {
		if label := n.self.(labeler).Label(); label != n.label {
			bad = cmp.Or(bad, ch.setLabel(label))
		}
	}
	if n.linked {
		bad = cmp.Or(bad, ch.diffParents(s.linked[n]))
	}
	if ch.set || len(ch.add)+len(ch.del) > 0 {
		s.changes = append(s.changes, ch)
	}
	return bad
}

// sameIdentity reports whether the resource has the identity it was reported
// with.
func (s *Session) sameIdentity(n *node) bool {
	var err error
	s.keyBuf, err = n.c.key(s.keyBuf[:0], n.ptr)
	return err == nil && string(s.keyBuf) == n.key
}

// collectPut notes a resource that is new to the host.
func (s *Session) collectPut(n *node) (bad error) {
	size := 0
	fail := func(attribute, problem string) {
		bad = cmp.Or(bad, error(&ValueError{Class: n.c.Name, Identity: n.identity(), Attribute: attribute, Problem: problem}))
		n.bad = true
	}
	if !s.sameIdentity(n) {
		fail(n.c.ident[0].Name, "the identity was changed after the report")
	}
	for i := range n.c.fields {
		f := &n.c.fields[i]
		f.fill(n.ptr)
		if problem := f.check(n.ptr, &size); problem != "" {
			fail(f.Name, problem)
		}
	}
	ch := change{n: n, op: wire.OpPut}
	if n.c.labeled {
		if err := ch.setLabel(n.self.(labeler).Label()); err != nil {
			bad, n.bad = cmp.Or(bad, err), true
		}
	}
	bad = cmp.Or(bad, ch.diffParents(nil))
	s.changes = append(s.changes, ch)
	return bad
}

// setLabel notes the author's label of the resource.
func (ch *change) setLabel(label string) error {
	const most = 64 << 10
	if len(label) > most {
		return &ValueError{Class: ch.n.c.Name, Identity: ch.n.identity(), Attribute: "label", Problem: fmt.Sprintf("has %d bytes, more than %d", len(label), most)}
	}
	ch.label, ch.set = &label, true
	return nil
}

// nodeSet tells quickly whether a node is in a list.
type nodeSet struct {
	list []*node
	m    map[*node]bool
}

func (s *nodeSet) add(n *node) {
	s.list = append(s.list, n)
	if s.m != nil {
		s.m[n] = true
	} else if len(s.list) > fewParents {
		s.m = make(map[*node]bool, 2*len(s.list))
		for _, n := range s.list {
			s.m[n] = true
		}
	}
}

func (s *nodeSet) has(n *node) bool {
	if s.m != nil {
		return s.m[n]
	}
	return slices.Contains(s.list, n)
}

// diffParents settles the parents of the resource and compares them with those
// before the turn.
func (ch *change) diffParents(before []*node) (bad error) {
	n := ch.n
	if len(n.parents)+len(before) == 0 {
		return nil
	}
	now := nodeSet{list: make([]*node, 0, len(n.parents))}
	for _, p := range n.parents {
		switch p = p.canonical(); {
		case p.s == nil:
			bad = &ValueError{Class: n.c.Name, Identity: n.identity(), Attribute: "parents", Problem: "a parent given to it is not reported"}
		case !p.dead && p != n && !now.has(p):
			now.add(p)
		}
	}
	n.parents = now.list
	var old nodeSet
	for _, p := range before {
		old.add(p)
		if !p.dead && !now.has(p) {
			ch.del = append(ch.del, p)
		}
	}
	for _, p := range now.list {
		if !old.has(p) {
			ch.add = append(ch.add, p)
		}
	}
	return bad
}

// withhold drops from the changes what cannot be sent because it refers to a
// resource that cannot, and removals. It is needed only in a turn that fails.
func (s *Session) withhold() {
	s.changes = slices.DeleteFunc(s.changes, func(ch change) bool {
		return ch.op == wire.OpRemove && s.tables[ch.n.c.index].byKey[ch.n.key] == nil
	})
	for again := true; again; {
		again = false
		for i := range s.changes {
			ch := &s.changes[i]
			if ch.op == wire.OpRemove || ch.n.bad {
				continue
			}
			for _, f := range ch.n.c.refs {
				target, ok := f.ref(f.value(ch.n.ptr))
				if target == nil && ok || ok && !target.bad || slices.Contains(ch.skip, f) {
					continue
				}
				ch.skip = append(ch.skip, f)
				if ch.op == wire.OpPut && !f.Optional {
					ch.n.bad = true
					again = true
				}
			}
		}
	}
	isBad := func(n *node) bool { return n.bad }
	for i := range s.changes {
		s.changes[i].add = slices.DeleteFunc(s.changes[i].add, isBad)
	}
	s.changes = slices.DeleteFunc(s.changes, func(ch change) bool { return ch.op != wire.OpRemove && ch.n.bad })
}

// identityOf shows the identity that a resource was reported with.
func (c *class) identityOf(n *node) string {
	sh := n.s.tables[c.index].shadow(n)
	for _, f := range c.ident {
		if f.changed(n.ptr, &sh) {
			return fmt.Sprintf("with handle %d", n.handle)
		}
	}
	return n.identity()
}
