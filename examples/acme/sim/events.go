package sim

// maxChanges bounds how many changes the log remembers. A client that was away
// for more asks the tables instead.
const maxChanges = 1 << 16

// Operations of an event.
const (
	opAdd    = "add"
	opChange = "change"
	opRemove = "remove"
)

// A change says that something happened to the object of a kind at a position.
// Statistics samples are not logged: they reach every object every time.
type change struct {
	revision uint64
	kind     string
	pos      int
	op       string
}

// A changeLog is the last changes in order.
type changeLog struct {
	entries []change
	horizon uint64 // changes up to this revision are forgotten
}

func (l *changeLog) add(c change) {
	if len(l.entries) == maxChanges {
		half := maxChanges / 2
		l.horizon = l.entries[half-1].revision
		l.entries = append(l.entries[:0], l.entries[half:]...)
	}
	l.entries = append(l.entries, c)
}

// after returns the last change of each object after revision, in order, and
// false if the log does not reach back that far.
func (l *changeLog) after(revision uint64) ([]change, bool) {
	if revision < l.horizon {
		return nil, false
	}
	first := len(l.entries)
	for first > 0 && l.entries[first-1].revision > revision {
		first--
	}
	type object struct {
		kind string
		pos  int
	}
	news := l.entries[first:]
	added := map[object]bool{}
	last := map[object]int{}
	for i, c := range news {
		o := object{c.kind, c.pos}
		last[o] = i
		added[o] = added[o] || c.op == opAdd
	}
	var out []change
	for i, c := range news {
		o := object{c.kind, c.pos}
		switch {
		case last[o] != i:
			continue
		case added[o] && c.op == opRemove:
			continue // came and went unseen
		case added[o]:
			c.op = opAdd
		}
		out = append(out, c)
	}
	return out, true
}
