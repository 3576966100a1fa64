package inventory

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"math"
	"runtime"
	"strings"
	"sync"

	"github.com/faultline-storage/faultline/internal/resource"
)

// sortKey is what resources are compared by: a number, a text or nothing, in
// this order, which only meet if classes declare an attribute differently.
type sortKey struct {
	kind keyKind
	num  uint64 // as bits that compare as numbers do
	text []byte // collated
}

// numberOf returns the key of a number. Of NaN, which comes first, there is one.
func numberOf(n float64) sortKey {
	switch {
	case n != n:
		return sortKey{}
	case n == 0:
		n = 0 // not -0
	}
	const sign = 1 << 63
	bits := math.Float64bits(n)
	if bits&sign != 0 {
		return sortKey{num: ^bits}
	}
	return sortKey{num: bits | sign}
}

type keyKind uint8

const (
	numberKey keyKind = iota
	textKey
	nullKey
)

func (k *sortKey) compare(other *sortKey) int {
	if k.kind != other.kind {
		return cmp.Compare(k.kind, other.kind)
	}
	if k.num != other.num {
		return cmp.Compare(k.num, other.num)
	}
	return bytes.Compare(k.text, other.text)
}

// sorter makes keys for one sort order. It belongs to one goroutine.
type sorter struct {
	by   string
	desc bool
	key  func(*resource.Resource) sortKey
	room []byte // for texts
	low  []byte // a text in lower case
	// seen has the keys of the first texts that differ: many columns have few values.
	seen map[string][]byte
}

// mostSeen bounds sorter.seen. Of a column with more texts the rest is not looked up.
const mostSeen = 256

// newSorter returns what sorts by the name in Query.Sort.
func newSorter(by string, sick map[resource.ID]resource.Severity, names func(resource.ID) string) *sorter {
	name, desc := strings.CutPrefix(by, "-")
	s := &sorter{by: cmp.Or(name, "id"), desc: desc, seen: map[string][]byte{}}
	switch s.by {
	case "id":
		s.key = func(r *resource.Resource) sortKey { return numberOf(float64(r.ID)) }
	case "name":
		s.key = func(r *resource.Resource) sortKey { return s.textKey(r.Name()) }
	case "class":
		s.key = func(r *resource.Resource) sortKey { return s.textKey(r.Class.FullName()) }
	case "updated":
		s.key = func(r *resource.Resource) sortKey { return numberOf(float64(r.Updated.UnixMicro())) }
	case "first_seen":
		s.key = func(r *resource.Resource) sortKey { return numberOf(float64(r.FirstSeen.UnixMicro())) }
	case "health":
		s.key = func(r *resource.Resource) sortKey { return numberOf(float64(sick[r.ID])) }
	default:
		attr := resource.AttributeName(s.by)
		s.key = func(r *resource.Resource) sortKey { return s.attrKey(r, attr, names) }
	}
	return s
}

func (s *sorter) attrKey(r *resource.Resource, attr string, names func(resource.ID) string) sortKey {
	i := r.Class.Attr(attr)
	if i < 0 || r.Values[i].IsNull() || r.Class.Attributes[i].Kind == resource.Password {
		return sortKey{kind: nullKey}
	}
	v := r.Values[i]
	if n, ok := v.Number(); ok {
		return numberOf(n)
	}
	if target, ok := v.Ref(); ok {
		return s.textKey(names(resource.ID(target)))
	}
	return s.textKey(v.String())
}

// textKey ignores case, and what comes after a few hundred bytes: cursors must
// fit in an address.
func (s *sorter) textKey(text string) sortKey {
	few := len(s.seen) < mostSeen
	if few {
		if key, ok := s.seen[text]; ok {
			return sortKey{kind: textKey, text: key}
		}
	}
	const most = 200
	s.low = appendLower(s.low[:0], text)
	if len(s.low) > most {
		s.low = bytes.ToValidUTF8(s.low[:most], nil)
	}
	if cap(s.room)-len(s.room) < 3*most { // keys share pieces of memory
		s.room = make([]byte, 0, 64<<10)
	}
	start := len(s.room)
	s.room = resource.AppendCollated(s.room, s.low)
	key := s.room[start:len(s.room):len(s.room)]
	if few {
		s.seen[text] = key
	}
	return sortKey{kind: textKey, text: key}
}

// keyed is a resource with its key.
type keyed struct {
	key sortKey
	id  resource.ID
}

// compare orders two resources by key, then by ID, so that no two are equal.
func (k *keyed) compare(other *keyed) int {
	if c := k.key.compare(&other.key); c != 0 {
		return c
	}
	return cmp.Compare(k.id, other.id)
}

func compareKeyed(a, b keyed) int { return a.compare(&b) }

// sorted are resources in ascending order, those without a key last. It is
// immutable.
type sorted struct {
	ids   []resource.ID
	nulls int
}

// at returns the ID at a place of the order, or of the descending one, which is
// the other way round but for those without a key.
func (s *sorted) at(i int, desc bool) resource.ID {
	if !desc {
		return s.ids[i]
	}
	k := len(s.ids) - s.nulls
	if i < k {
		return s.ids[k-1-i]
	}
	return s.ids[len(s.ids)-1-(i-k)]
}

// chunk is how many rows are worked on between two looks for more.
const chunk = 4096

// inChunks has workers do chunks of n things, each on a goroutine of its own if
// there are many. It returns when all is done.
func inChunks(n int, worker func() func(from, to int)) {
	chunks := (n + chunk - 1) / chunk
	workers := min(runtime.GOMAXPROCS(0), chunks)
	var mu sync.Mutex
	next := 0
	take := func() int {
		mu.Lock()
		defer mu.Unlock()
		next++
		return next - 1
	}
	run := func() {
		work := worker()
		for i := take(); i < chunks; i = take() {
			work(i*chunk, min(n, (i+1)*chunk))
		}
	}
	var all sync.WaitGroup
	for range workers - 1 {
		all.Go(run)
	}
	run()
	all.Wait()
}

// cursor is the place after which a page goes on.
type cursor struct {
	Sort string      `json:"o,omitempty"`
	Kind keyKind     `json:"t,omitempty"`
	Num  uint64      `json:"n,omitempty"`
	Text []byte      `json:"s,omitempty"`
	ID   resource.ID `json:"i"`
}

func (c *cursor) row() keyed { return keyed{key: sortKey{c.Kind, c.Num, c.Text}, id: c.ID} }

// String returns the cursor as text that clients pass back unread.
func (c cursor) String() string {
	b, err := json.Marshal(c)
	if err != nil { // its fields always marshal
		panic(err)
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

func parseCursor(s, sort string) (*cursor, error) {
	if s == "" {
		return nil, nil
	}
	var c cursor
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err == nil {
		err = json.Unmarshal(b, &c)
	}
	if err != nil {
		return nil, resource.FieldErrorf("cursor", "this is no cursor that a page gave")
	}
	if c.Sort != sort {
		return nil, resource.FieldErrorf("cursor", "this cursor belongs to a list with another order, sort=%s", c.Sort)
	}
	return &c, nil
}
