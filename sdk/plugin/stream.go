package plugin

import (
	"slices"

	"github.com/faultline-storage/faultline/sdk/internal/stdio"
)

// stream sends parts of a session's first turn while its hook still runs, so
// that the host reads them meanwhile. The parts count only once the turn's last
// part is there, which comes when the hook has succeeded; if it fails, its error
// takes them back (SPEC.md, section 5).
//
// A resource is encoded within the call that reports it, and not later in the
// hook: by then another goroutine of the author's may be assigning its fields.
// What is assigned after the report is found and sent at the end of the turn, as
// in any other. The streamed resources are the first of the turn without a gap,
// so their order is that of the reports. The first that has no complete, valid
// values yet, or a parent that is not reported, ends the streaming of the turn.
type stream struct {
	on      bool
	sent    bool    // a part is on its way
	pending []*node // in the part that is not yet
}

// streamed encodes a resource that was just reported for the first time.
func (s *Session) streamed(n *node) {
	st, w := &s.stream, &s.w
	ch := change{n: n}
	if !s.ready(&ch) {
		st.on = false
		return
	}
	if len(st.pending) == 0 && !st.sent {
		w.begin(s.turns+1, false)
	}
	s.writePut(w, &ch)
	n.streamed = true
	st.pending = append(st.pending, n)
	if len(w.buf) < w.limit {
		return
	}
	s.streamSamples()
	w.cut()
	st.sent = true
	clear(st.pending)
	st.pending = st.pending[:0]
}

// ready reports whether a resource can be put as it is now, and completes the
// change that does.
func (s *Session) ready(ch *change) bool {
	n, size := ch.n, 0
	for i := range n.c.fields {
		f := &n.c.fields[i]
		// To fill a default in now would show the author a value that he may
		// be about to assign.
		if !f.Optional && f.hasDefault() && f.isZero(n.ptr) || f.check(n.ptr, &size) != "" {
			return false
		}
	}
	if slices.ContainsFunc(n.parents, func(p *node) bool { return !p.canonical().sent }) {
		return false
	}
	if n.c.labeled {
		// A label may need what is assigned after the report, and panic without.
		err := stdio.Protect(func() error { return ch.setLabel(n.self.(labeler).Label()) })
		if err != nil {
			return false
		}
	}
	return ch.diffParents(nil) == nil
}

// streamSamples sends the samples that were set so far. All that has some is
// sent.
func (s *Session) streamSamples() {
	samples := s.takeSamples()
	for smp := range samples.all() {
		switch err := checkSample(smp); {
		case err != nil:
			s.fail(err)
		case !smp.n.dead:
			s.w.sample(smp)
		}
	}
}

// endStream takes back what is in no part that was sent. If that is all, the
// turn is sent as any other.
func (s *Session) endStream() {
	st := &s.stream
	for _, n := range st.pending {
		n.sent, n.streamed = false, false
	}
	switch {
	case st.sent:
		s.w.header()
	case len(st.pending) > 0:
		s.w.drop()
	}
	*st = stream{sent: st.sent}
}
