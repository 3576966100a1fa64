package plugin

import (
	"slices"
	"strconv"
	"sync"

	"github.com/faultline-storage/faultline/sdk/internal/stdio"
	"github.com/faultline-storage/faultline/sdk/wire"
)

// partSize is the size at which a batch is cut, in bytes.
const partSize = 1 << 20

// batchWriter writes the batches of one turn as lines of JSON. It appends the
// JSON by hand: package json would cost more than all the rest of a turn.
type batchWriter struct {
	conn     *stdio.Conn
	limit    int // the size at which a part is cut: partSize, but for tests
	buf      []byte
	session  []byte // as JSON
	turn     int64
	part     int
	complete bool
	list     byte // what the open list holds: 0, 'o' for ops, 's' for samples
	err      error
}

// begin starts a turn.
func (w *batchWriter) begin(turn int64, complete bool) {
	w.turn, w.complete, w.part, w.err = turn, complete, 0, nil
	w.buf = *buffers.Get().(*[]byte)
	w.header()
}

func (w *batchWriter) header() {
	b := append(w.buf[:0], `{"jsonrpc":"2.0","method":"`+wire.NoteBatch+`","params":{"session":`...)
	b = append(b, w.session...)
	b = append(b, `,"turn":`...)
	b = strconv.AppendInt(b, w.turn, 10)
	b = append(b, `,"part":`...)
	w.buf, w.list = strconv.AppendInt(b, int64(w.part), 10), 0
}

// next makes room for another op ('o') or sample ('s').
func (w *batchWriter) next(list byte) {
	if len(w.buf) >= w.limit {
		w.cut()
	}
	if w.list == list {
		w.buf = append(w.buf, ',')
		return
	}
	if w.list != 0 {
		w.buf = append(w.buf, ']')
	}
	if w.list = list; list == 'o' {
		w.buf = append(w.buf, `,"ops":[`...)
	} else {
		w.buf = append(w.buf, `,"samples":[`...)
	}
}

// cut sends the part and begins the next.
func (w *batchWriter) cut() {
	w.flush(false)
	w.part++
	w.header()
}

func (w *batchWriter) flush(last bool) {
	if w.list != 0 {
		w.buf = append(w.buf, ']')
	}
	if last && w.complete {
		w.buf = append(w.buf, `,"complete":true`...)
	}
	if last {
		w.buf = append(w.buf, `,"last":true`...)
	}
	w.buf = append(w.buf, "}}\n"...)
	if w.err == nil {
		w.err = w.conn.WriteLine(w.buf)
	}
}

// end sends what is left and says that it is the last.
func (w *batchWriter) end() error {
	w.flush(true)
	w.drop()
	return w.err
}

// drop forgets the part that is not sent.
func (w *batchWriter) drop() {
	buf := w.buf
	w.buf = nil
	buffers.Put(&buf)
}

// buffers are shared by all sessions, since most are idle mostly.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// send writes the turn's changes and samples, but those without a resource, and
// notes the changes as known to the host.
func (s *Session) send(samples *pages[sample], complete bool) error {
	w := &s.w
	s.turns++
	if s.stream.sent { // the turn has begun
		w.complete = complete
	} else {
		w.begin(s.turns, complete)
	}
	for i := range s.changes {
		ch := &s.changes[i]
		switch ch.op {
		case wire.OpPut:
			s.writePut(w, ch)
		case wire.OpRemove:
			w.op(wire.OpRemove, ch.n.handle)
			w.buf = append(w.buf, '}')
		default:
			s.writeSet(w, ch)
			w.writeLink(ch)
		}
	}
	for smp := range samples.all() {
		if smp.n != nil {
			w.sample(smp)
		}
	}
	return w.end()
}

func (w *batchWriter) op(op string, handle int64) {
	w.next('o')
	w.buf = append(w.buf, `{"op":"`...)
	w.buf = append(w.buf, op...)
	w.buf = append(w.buf, `","h":`...)
	w.buf = strconv.AppendInt(w.buf, handle, 10)
}

func (w *batchWriter) label(ch *change) {
	if ch.label != nil {
		w.buf = appendString(append(w.buf, `,"label":`...), *ch.label)
		ch.n.label = *ch.label
	}
}

func (w *batchWriter) handles(name string, nodes []*node) {
	if len(nodes) == 0 {
		return
	}
	b := append(w.buf, name...)
	for i, n := range nodes {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, n.handle, 10)
	}
	w.buf = append(b, ']')
}

func (s *Session) writePut(w *batchWriter, ch *change) {
	n := ch.n
	sh := s.tables[n.c.index].shadow(n)
	w.op(wire.OpPut, n.handle)
	b := append(w.buf, `,"class":"`...)
	b = append(b, n.c.Name...)
	b = append(b, `","attributes":{`...)
	first := true
	for i := range n.c.fields {
		f := &n.c.fields[i]
		f.keep(n.ptr, &sh)
		if f.isNull(n.ptr) || ch.skips(f) {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(b, f.prefix...)
		b = f.append(b, n.ptr)
	}
	w.buf = append(b, '}')
	w.label(ch)
	w.handles(`,"parents":[`, ch.add)
	w.buf = append(w.buf, '}')
	n.sent = true
}

func (s *Session) writeSet(w *batchWriter, ch *change) {
	if !ch.set {
		return
	}
	n := ch.n
	sh := s.tables[n.c.index].shadow(n)
	w.op(wire.OpSet, n.handle)
	first := true
	for i := range n.c.fields {
		f := &n.c.fields[i]
		if !f.changed(n.ptr, &sh) || ch.skips(f) {
			continue
		}
		if first {
			w.buf = append(w.buf, `,"attributes":{`...)
		} else {
			w.buf = append(w.buf, ',')
		}
		first = false
		w.buf = append(w.buf, f.prefix...)
		w.buf = f.append(w.buf, n.ptr)
		f.keep(n.ptr, &sh)
	}
	if !first {
		w.buf = append(w.buf, '}')
	}
	w.label(ch)
	w.buf = append(w.buf, '}')
}

func (ch *change) skips(f *field) bool {
	return slices.Contains(ch.skip, f)
}

func (w *batchWriter) writeLink(ch *change) {
	if len(ch.add)+len(ch.del) == 0 {
		return
	}
	w.op(wire.OpLink, ch.n.handle)
	w.handles(`,"add":[`, ch.add)
	w.handles(`,"remove":[`, ch.del)
	w.buf = append(w.buf, '}')
}

func (w *batchWriter) sample(smp *sample) {
	st := &smp.n.c.stats[smp.idx]
	w.next('s')
	b := append(w.buf, `{"h":`...)
	b = strconv.AppendInt(b, smp.n.handle, 10)
	b = append(b, st.prefix...)
	b = strconv.AppendInt(b, smp.time, 10)
	b = append(b, `,"v":`...)
	if st.Bins == nil {
		b = appendFloat(b, smp.v)
	} else {
		for i, count := range smp.hist {
			b = append(b, "[,"[min(i, 1)])
			b = strconv.AppendInt(b, count, 10)
		}
		b = append(b, ']')
	}
	w.buf = append(b, '}')
}
