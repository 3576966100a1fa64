package sim

import "encoding/json"

// maxTombstones bounds how many removals a table remembers. A client that was
// away for more must read everything again.
const maxTombstones = 10_000

// A tombstone remembers that an object was removed.
type tombstone struct {
	id       string
	revision uint64
}

// A row is one object with its encoded form, which is made again only after
// the object changed.
type row[T any] struct {
	obj     T
	id      string
	changed uint64 // revision of the last change by a fault or a rebuild
	sampled uint64 // revision of the last statistics sample
	gone    bool   // removed; the position stays empty so that pages do not shift
	json    []byte // nil when it must be made
}

// A table holds all objects of one kind in a fixed order.
type table[T any] struct {
	kind    string
	rows    []row[T]
	index   map[string]int
	live    int
	latest  uint64 // the newest revision at which anything in the table changed
	removed []tombstone
	horizon uint64 // removals up to this revision are forgotten
}

func newTable[T any](kind string, size int) table[T] {
	return table[T]{kind: kind, rows: make([]row[T], 0, size), index: make(map[string]int, size)}
}

// add appends an object and returns its position.
func (t *table[T]) add(id string, obj T, revision uint64) int {
	t.rows = append(t.rows, row[T]{obj: obj, id: id, changed: revision, sampled: revision})
	t.index[id] = len(t.rows) - 1
	t.live++
	t.latest = revision
	return len(t.rows) - 1
}

// at returns the object at a position.
func (t *table[T]) at(pos int) *T { return &t.rows[pos].obj }

// touch says that the object at pos changed.
func (t *table[T]) touch(pos int, revision uint64) {
	r := &t.rows[pos]
	r.changed, r.json = revision, nil
	t.latest = revision
}

// sample says that the statistics of the object at pos were sampled.
func (t *table[T]) sample(pos int, revision uint64) {
	r := &t.rows[pos]
	r.sampled, r.json = revision, nil
	t.latest = revision
}

// remove takes the object at pos away for good.
func (t *table[T]) remove(pos int, revision uint64) {
	r := &t.rows[pos]
	r.gone, r.json = true, nil
	delete(t.index, r.id)
	t.live--
	t.latest = revision
	t.removed = append(t.removed, tombstone{r.id, revision})
	if drop := len(t.removed) - maxTombstones; drop > 0 {
		t.horizon = t.removed[drop-1].revision
		t.removed = append(t.removed[:0], t.removed[drop:]...)
	}
}

// encoded returns the object at pos as JSON. The bytes belong to the table.
func (t *table[T]) encoded(pos int) []byte {
	r := &t.rows[pos]
	if r.json == nil {
		b, err := json.Marshal(&r.obj)
		if err != nil { // the types of model.go always encode
			panic("sim: encode " + r.id + ": " + err.Error())
		}
		r.json = b
	}
	return r.json
}

// encodeAll fills the cache, so that the first reader does not pay for it.
func (t *table[T]) encodeAll() {
	for pos := range t.rows {
		if !t.rows[pos].gone {
			t.encoded(pos)
		}
	}
}

// A page is one answer to a list request.
type page struct {
	items   []byte // JSON objects separated by commas
	removed []string
	total   int  // objects in the table
	size    int  // positions in the table
	next    int  // position to continue at, if more
	more    bool // there may be items at next or after
}

// list returns what stands at the limit positions from offset on.
func (t *table[T]) list(offset, limit int) page {
	p := page{total: t.live, size: len(t.rows)}
	end := min(offset+limit, len(t.rows))
	if offset < end {
		p.items = make([]byte, 0, (end-offset)*(len(t.encoded(offset))+16))
	}
	for pos := offset; pos < end; pos++ {
		if !t.rows[pos].gone {
			p.append(t.encoded(pos))
		}
	}
	p.next, p.more = end, end < len(t.rows)
	return p
}

// since returns up to limit objects that changed or were sampled after
// revision, from position offset on. The first page also has what was removed.
func (t *table[T]) since(revision uint64, offset, limit int) page {
	p := page{total: t.live, size: len(t.rows)}
	if t.latest <= revision {
		return p
	}
	if offset == 0 {
		for _, gone := range t.removed {
			if gone.revision > revision {
				p.removed = append(p.removed, gone.id)
			}
		}
	}
	n := 0
	for pos := offset; pos < len(t.rows); pos++ {
		r := &t.rows[pos]
		if r.gone || max(r.changed, r.sampled) <= revision {
			continue
		}
		if n == limit {
			p.next, p.more = pos, true
			break
		}
		p.append(t.encoded(pos))
		n++
	}
	return p
}

func (p *page) append(object []byte) {
	if len(p.items) > 0 {
		p.items = append(p.items, ',')
	}
	p.items = append(p.items, object...)
}

// A lister is a table without its type.
type lister interface {
	list(offset, limit int) page
	since(revision uint64, offset, limit int) page
	encoded(pos int) []byte
	idAt(pos int) string
	goneAt(pos int) bool
	forgotten() uint64
	count() int
}

func (t *table[T]) idAt(pos int) string { return t.rows[pos].id }
func (t *table[T]) goneAt(pos int) bool { return t.rows[pos].gone }
func (t *table[T]) forgotten() uint64   { return t.horizon }
func (t *table[T]) count() int          { return t.live }
