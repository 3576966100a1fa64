package inventory

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/faultline-storage/faultline/internal/resource"
)

// What is kept for lists. An order, all resources of some classes sorted by
// something, is brought up to date from the changes when somebody asks for it:
// who writes does not know of it. A selection, what of an order fits a filter, is
// good until something changes that may touch it.
const (
	keepOrders     = 16
	keepSelections = 8
)

// kept has what is kept under a key, the most recently used of it.
type kept[K comparable, V any] struct {
	mu   sync.Mutex
	most int
	list []*entry[K, V] // the last used one last
}

type entry[K comparable, V any] struct {
	key  K
	used time.Time // guarded by kept.mu

	mu sync.Mutex // held by who makes the value, or brings it up to date
	v  V
}

// get returns the entry of a key, a new one if there is none.
func (k *kept[K, V]) get(key K, now time.Time) *entry[K, V] {
	k.mu.Lock()
	defer k.mu.Unlock()
	i := slices.IndexFunc(k.list, func(e *entry[K, V]) bool { return e.key == key })
	var e *entry[K, V]
	if i >= 0 {
		e = k.list[i]
		k.list = slices.Delete(k.list, i, i+1)
	} else {
		e = &entry[K, V]{key: key}
		if len(k.list) >= k.most {
			k.list = slices.Delete(k.list, 0, 1)
		}
	}
	e.used = now
	k.list = append(k.list, e)
	return e
}

// since forgets what was not used since then, and returns the rest.
func (k *kept[K, V]) since(then time.Time) []*entry[K, V] {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.list = slices.DeleteFunc(k.list, func(e *entry[K, V]) bool { return e.used.Before(then) })
	return slices.Clone(k.list)
}

// among says which classes a list is about.
type among struct {
	plugin, class, base string
	hardware            bool
}

func (a *among) has(c *resource.Class) bool {
	return (a.plugin == "" || c.Plugin == a.plugin) && (a.class == "" || c.Name == a.class) &&
		(a.base == "" || c.Is(a.base)) && !(a.hardware && c.Internal())
}

// dated is what was true at a position of the change log.
type dated struct {
	seq uint64 // 0: never
	sorted
}

type orderKey struct {
	among
	by string
}

type selectionKey struct {
	orderKey
	filter string
}

// order returns the resources of some classes by a sort key other than health.
func (inv *Inventory) order(key orderKey) sorted {
	return inv.refresh(inv.orders.get(key, inv.now()))
}

// refresh brings an order up to date.
func (inv *Inventory) refresh(e *entry[orderKey, dated]) sorted {
	e.mu.Lock()
	defer e.mu.Unlock()
	key := e.key
	touched := func(u *resource.Update) bool { return sortsAnew(key.by, u) }
	ofAttribute := !slices.Contains([]string{"id", "name", "class", "updated", "first_seen"}, key.by)
	inv.mu.RLock()
	ids, ok := inv.changedSince(e.v.seq, &key.among, touched, ofAttribute)
	seq := inv.seq
	if ok && len(ids) <= max(1000, len(e.v.ids)/64) { // else to sort all is quicker
		if len(ids) > 0 {
			e.v.sorted = inv.merge(e.v.sorted, ids, &key)
		}
		inv.mu.RUnlock()
		e.v.seq = seq
		return e.v.sorted
	}
	list := inv.membersOf(&key.among)
	inv.mu.RUnlock()
	// Resources are immutable: the work on them needs no lock.
	e.v = dated{seq, sortResources(list, func() *sorter { return newSorter(key.by, nil, inv.nameOf) })}
	return e.v.sorted
}

// keepEvery is how long changes may pile up before KeepLists takes them in, and
// keepUnused how long it does so for what nobody asks for.
const (
	keepEvery  = 5 * time.Second
	keepUnused = 10 * time.Minute
)

// KeepLists makes what the usual lists need, and keeps what was asked for lately up
// to date until ctx ends, so that nobody waits for it: the texts to search in, and
// the order by name of each large class. After is time.After.
func (inv *Inventory) KeepLists(ctx context.Context, after func(time.Duration) <-chan time.Time) error {
	for {
		inv.freshTexts()
		for _, c := range inv.Classes() {
			if inv.Count(c) > inv.few {
				inv.order(orderKey{among{plugin: c.Plugin, class: c.Name}, "name"})
			}
		}
		for _, e := range inv.orders.since(inv.now().Add(-keepUnused)) {
			inv.refresh(e)
		}
		inv.selections.since(inv.now().Add(-keepUnused))
		select {
		case <-after(keepEvery):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// membersOf returns the resources of some classes. The caller holds mu.
func (inv *Inventory) membersOf(a *among) []*resource.Resource {
	n := 0
	for c, ids := range inv.members {
		if a.has(c) {
			n += len(ids)
		}
	}
	list := make([]*resource.Resource, 0, n)
	for c, ids := range inv.members {
		if !a.has(c) {
			continue
		}
		for _, id := range ids {
			list = append(list, &inv.nodes.get(id).Resource)
		}
	}
	return list
}

// sortsAnew reports whether an update may move a resource in an order.
func sortsAnew(by string, u *resource.Update) bool {
	switch by {
	case "id", "class", "first_seen":
		return false
	case "name":
		return u.Name
	case "updated":
		return true
	}
	i := u.Resource.Class.Attr(resource.AttributeName(by))
	return i >= 0 && slices.Contains(u.Attributes, i)
}

// changedSince returns the resources of some classes that came, went or were
// touched after a position, each once, ascending. With names, those are among them
// that refer to a resource which has another name now. It is not ok if that is not
// known any more, or classes changed. The caller holds mu.
func (inv *Inventory) changedSince(seq uint64, a *among, touched func(*resource.Update) bool, names bool) (ids []resource.ID, ok bool) {
	if seq == inv.seq {
		return nil, true
	}
	changes, err := inv.feed.After(seq)
	if seq == 0 || err != nil {
		return nil, false
	}
	holders := func(id resource.ID) {
		if names {
			for h := range inv.holders[id] {
				ids = append(ids, h)
			}
		}
	}
	for _, ch := range changes {
		for _, list := range [][]*resource.Resource{ch.Created, ch.Deleted} {
			for _, r := range list {
				if a.has(r.Class) {
					ids = append(ids, r.ID)
				}
				holders(r.ID)
			}
		}
		for i := range ch.Updated {
			u := &ch.Updated[i]
			if u.Was != nil {
				return nil, false
			}
			if a.has(u.Resource.Class) && touched(u) {
				ids = append(ids, u.Resource.ID)
			}
			if u.Name {
				holders(u.Resource.ID)
			}
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids), true
}

// merge takes the changed resources out of an order, and puts in what of them is
// there now. The caller holds mu.
func (inv *Inventory) merge(old sorted, changed []resource.ID, key *orderKey) sorted {
	get := func(id resource.ID) *resource.Resource {
		if n := inv.nodes.get(id); n != nil {
			return &n.Resource
		}
		return nil
	}
	s := newSorter(key.by, nil, func(id resource.ID) string {
		if r := get(id); r != nil {
			return r.Name()
		}
		return ""
	})
	var rows []keyed
	for _, id := range changed {
		if r := get(id); r != nil && key.has(r.Class) {
			rows = append(rows, keyed{key: s.key(r), id: id})
		}
	}
	slices.SortFunc(rows, compareKeyed)
	out := sorted{ids: make([]resource.ID, 0, len(old.ids)+len(rows))}
	gone := newIDSet(changed)
	for i, id := range old.ids {
		if !gone.has(id) {
			if out.ids = append(out.ids, id); i >= len(old.ids)-old.nulls {
				out.nulls++
			}
		}
	}
	// From the back, so that each moves once.
	end := len(out.ids)
	out.ids = out.ids[:end+len(rows)]
	for i := len(rows) - 1; i >= 0; i-- {
		at := searchRow(out.ids[:end], &rows[i], s, get)
		copy(out.ids[at+i+1:end+i+1], out.ids[at:end])
		out.ids[at+i] = rows[i].id
		end = at
		if rows[i].key.kind == nullKey {
			out.nulls++
		}
	}
	return out
}

// searchRow returns how many of the IDs, which are sorted, come before a row.
func searchRow(ids []resource.ID, row *keyed, s *sorter, get func(resource.ID) *resource.Resource) int {
	lo, hi := 0, len(ids)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		// One that went meanwhile has no key: its neighbour's does as well.
		at := mid
		r := get(ids[at])
		for r == nil && at+1 < hi {
			at++
			r = get(ids[at])
		}
		if r == nil {
			hi = mid
			continue
		}
		if k := (keyed{key: s.key(r), id: r.ID}); k.compare(row) < 0 {
			lo = at + 1
		} else {
			hi = mid
		}
	}
	return lo
}

// idSet is a set of IDs that is quick to ask.
type idSet struct {
	first resource.ID
	bits  []uint64
	other map[resource.ID]struct{} // in place of bits if those were too sparse
}

// newIDSet makes a set of ascending IDs.
func newIDSet(ids []resource.ID) *idSet {
	if len(ids) == 0 {
		return &idSet{}
	}
	first, last := ids[0], ids[len(ids)-1]
	if span := int(last-first)/64 + 1; span < 1<<17 || span < 8*len(ids) {
		s := &idSet{first: first, bits: make([]uint64, span)}
		for _, id := range ids {
			s.bits[(id-first)/64] |= 1 << uint((id-first)%64)
		}
		return s
	}
	s := &idSet{other: make(map[resource.ID]struct{}, len(ids))}
	for _, id := range ids {
		s.other[id] = struct{}{}
	}
	return s
}

func (s *idSet) has(id resource.ID) bool {
	if s.bits != nil {
		d := id - s.first
		return d >= 0 && d < resource.ID(len(s.bits)*64) && s.bits[d/64]&(1<<uint(d%64)) != 0
	}
	_, ok := s.other[id]
	return ok
}
