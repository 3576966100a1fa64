package inventory

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/faultline-storage/faultline/internal/feed"
	"github.com/faultline-storage/faultline/internal/resource"
)

// Graph is the graph as it was at one moment. It is immutable, and may be used
// by many goroutines. Of the state of roots only Offline, Error and Held are
// those of then. The resources must not be modified.
type Graph struct{ p *past }

// Seq is the position that the graph stands for: no change after it, and every
// one up to it.
func (g *Graph) Seq() uint64 { return g.p.seq }

// Get returns a resource as it was, or nil if it was not there.
func (g *Graph) Get(id resource.ID) *resource.Resource {
	if n := g.p.get(id); n != nil {
		return &n.Resource
	}
	return nil
}

// All yields every resource, by ID.
func (g *Graph) All() iter.Seq[*resource.Resource] {
	return func(yield func(*resource.Resource) bool) {
		g.p.all(func(n *node) bool { return yield(&n.Resource) })
	}
}

// Edges yields every edge, by child and parent. One without roots was made by
// relations alone.
func (g *Graph) Edges() iter.Seq[resource.StoredEdge] {
	return func(yield func(resource.StoredEdge) bool) {
		g.p.all(func(n *node) bool {
			for i := range n.in {
				if !yield(storedEdge(n, i)) {
					return false
				}
			}
			return true
		})
	}
}

// At returns the graph as it was after the change with the given position, or
// after the last one before it. It takes memory for what is different now, and
// time for the changes since. The error is feed.ErrBehind if the change log no
// longer reaches back so far.
func (inv *Inventory) At(ctx context.Context, seq uint64) (*Graph, error) {
	p := inv.past()
	if err := p.back(ctx, inv.store, seq, nil); err != nil {
		return nil, err
	}
	if err := inv.reaches(ctx, seq); err != nil {
		return nil, err
	}
	p.seq = min(p.from, seq)
	return &Graph{p}, nil
}

// AtTime is At for the last change that was not made after a time of the
// server's clock.
func (inv *Inventory) AtTime(ctx context.Context, t time.Time) (*Graph, error) {
	return inv.At(ctx, uint64(max(0, t.UnixMicro()))) // a position is never behind the clock
}

// reaches returns feed.ErrBehind unless the change log has every change after
// seq. To be asked after the log was read, since it is trimmed meanwhile.
func (inv *Inventory) reaches(ctx context.Context, seq uint64) error {
	floor, err := inv.store.Position(ctx, resource.LogFloor)
	if err != nil {
		return err
	}
	if floor > seq {
		return fmt.Errorf("the change log begins at %d, after %d: %w", floor, seq, feed.ErrBehind)
	}
	return nil
}

// logPage bounds how many entries of the change log are read at once.
const logPage = 256

// back undoes the entries after seq. visit, if not nil, is told of each entry:
// the samples' classes must be looked up before it is undone.
func (p *past) back(ctx context.Context, store Store, seq uint64, visit func(*resource.LogEntry, func() (map[resource.ID]*node, error)) error) error {
	for p.seq > seq {
		page, err := store.LogBack(ctx, p.seq, logPage)
		if err != nil {
			return err
		}
		for i := range page {
			e := &page[i]
			if e.Seq <= seq {
				return nil
			}
			undo := func() (map[resource.ID]*node, error) { return p.undo(e) }
			if visit != nil {
				err = visit(e, undo)
			} else {
				_, err = undo()
			}
			if err != nil {
				return err
			}
		}
		if len(page) == 0 {
			return nil
		}
	}
	return nil
}

// Missed yields the changes after a position up to another, rebuilt from the
// change log: what happened before this start, or too long ago for Since to
// have it in memory. They are those that were told of then, but for what is not
// durable of the state of roots, for samples that are no longer kept, and for
// the Root of a change that brought nothing but samples. It yields
// feed.ErrBehind, once and last, if the change log no longer has some.
//
// The log leads back, and readers want to go forward. So it is read in parts,
// the oldest first, each by going back to it from the present.
func (inv *Inventory) Missed(ctx context.Context, after, upTo uint64) iter.Seq2[*resource.Changes, error] {
	return func(yield func(*resource.Changes, error) bool) { inv.missed(ctx, nil, after, upTo, yield) }
}

func (inv *Inventory) missed(ctx context.Context, present *past, after, upTo uint64, yield func(*resource.Changes, error) bool) {
	for after < upTo {
		page, err := inv.store.Log(ctx, after, logPage)
		if err == nil {
			err = inv.reaches(ctx, after)
		}
		if err != nil {
			yield(nil, err)
			return
		}
		for len(page) > 0 && page[len(page)-1].Seq > upTo {
			page = page[:len(page)-1]
		}
		if len(page) == 0 {
			return
		}
		end := page[len(page)-1].Seq
		page = nil //nolint:ineffassign // lets its memory go
		if present == nil {
			present = inv.past()
		}
		part, err := present.part(ctx, inv.store, after, end)
		if err == nil {
			err = inv.reaches(ctx, after)
		}
		if err != nil {
			yield(nil, err)
			return
		}
		for _, ch := range part {
			if !yield(ch, nil) {
				return
			}
		}
		after = end
	}
}

// part returns the changes after a position, up to and including another.
func (p *past) part(ctx context.Context, store Store, after, end uint64) (part []*resource.Changes, err error) {
	at := p.again()
	if err := at.back(ctx, store, end, nil); err != nil {
		return nil, err
	}
	at.seq = end
	err = at.back(ctx, store, after, func(e *resource.LogEntry, undo func() (map[resource.ID]*node, error)) error {
		samples, err := resource.ReadSamples(e.Samples, at.class)
		if err != nil {
			return fmt.Errorf("entry %d of the change log: %w", e.Seq, err)
		}
		touched, err := undo()
		if err != nil {
			return err
		}
		part = append(part, at.changes(e, touched, samples))
		return nil
	})
	slices.Reverse(part)
	return part, err
}

// changes returns what an entry changed, after it was undone.
func (p *past) changes(e *resource.LogEntry, after map[resource.ID]*node, samples []resource.Sample) *resource.Changes {
	ch := &resource.Changes{Seq: e.Seq, Time: e.Time, Root: p.root, Samples: samples}
	for _, id := range slices.Sorted(maps.Keys(after)) {
		old, now := p.get(id), after[id]
		switch {
		case old == nil && now == nil:
		case old == nil:
			ch.Created = append(ch.Created, &now.Resource)
		case now == nil:
			ch.Deleted = append(ch.Deleted, &old.Resource)
		default:
			if d := diff(old, now); d.any() {
				ch.Updated = append(ch.Updated, resource.Update{Resource: &now.Resource, Attributes: d.attrs, Edges: d.edges, State: d.state, Name: d.name, Was: wasClass(old, now)})
			}
		}
	}
	return ch
}

// Since yields the changes after the position and waits for more until ctx
// ends. Those that are no longer in memory are rebuilt as Missed does it; the
// last of them then also tells the present state of every root, which is not
// part of the log. It yields feed.ErrBehind, once and last, if the change log
// does not reach back to the position either, or if it is one of another server.
func (inv *Inventory) Since(ctx context.Context, seq uint64) iter.Seq2[*resource.Changes, error] {
	return func(yield func(*resource.Changes, error) bool) {
		for {
			for ch, err := range inv.feed.Since(ctx, seq) {
				if errors.Is(err, feed.ErrBehind) && seq < inv.Seq() {
					break
				}
				if !yield(ch, err) || err != nil {
					return
				}
				seq = ch.Seq
			}
			if ctx.Err() != nil {
				return
			}
			if err := inv.began(ctx, seq); err != nil {
				yield(nil, err)
				return
			}
			present := inv.past()
			var last *resource.Changes // held back, to have the states of roots added
			for ch, err := range func(yield func(*resource.Changes, error) bool) { inv.missed(ctx, present, seq, present.from, yield) } {
				if err != nil {
					yield(nil, err)
					return
				}
				if last != nil && !yield(last, nil) {
					return
				}
				last = ch
			}
			if last != nil && last.Seq < present.from {
				if !yield(last, nil) {
					return
				}
				last = nil
			}
			if last == nil {
				last = &resource.Changes{Seq: present.from, Time: inv.now()}
			}
			present.tellRoots(last)
			if !yield(last, nil) {
				return
			}
			seq = present.from
		}
	}
}

// began returns feed.ErrBehind if the position is from before the first change
// that the store ever had: it is one of another store.
func (inv *Inventory) began(ctx context.Context, seq uint64) error {
	first, err := inv.store.Log(ctx, 0, 1)
	if err != nil {
		return err
	}
	floor, err := inv.store.Position(ctx, resource.LogFloor)
	if err == nil && floor == 0 && len(first) > 0 && seq < first[0].Seq {
		err = fmt.Errorf("the first change has the position %d: %w", first[0].Seq, feed.ErrBehind)
	}
	return err
}

// tellRoots adds the state of every root to a change.
func (p *past) tellRoots(ch *resource.Changes) {
	for _, n := range p.base {
		if n.Root == nil || slices.ContainsFunc(ch.Created, func(r *resource.Resource) bool { return r.ID == n.ID }) {
			continue
		}
		if i := slices.IndexFunc(ch.Updated, func(u resource.Update) bool { return u.Resource.ID == n.ID }); i >= 0 {
			ch.Updated[i].State = true
		} else {
			ch.Updated = append(ch.Updated, resource.Update{Resource: &n.Resource, State: true})
		}
	}
}

// Samples yields the samples of the changes after a position up to another, as
// far as they are kept, of the resources that there are now, in the order of the
// changes.
func (inv *Inventory) Samples(ctx context.Context, after, upTo uint64) iter.Seq2[[]resource.Sample, error] {
	class := func(id resource.ID) *resource.Class {
		if r := inv.Get(id); r != nil {
			return r.Class
		}
		return nil
	}
	return func(yield func([]resource.Sample, error) bool) {
		for after < upTo {
			page, err := inv.store.Log(ctx, after, logPage)
			if err != nil {
				yield(nil, err)
				return
			}
			for i := range page {
				if after = page[i].Seq; after > upTo {
					return
				}
				samples, err := resource.ReadSamples(page[i].Samples, class)
				if err != nil {
					err = fmt.Errorf("entry %d of the change log: %w", after, err)
				}
				if len(samples) == 0 && err == nil {
					continue
				}
				if !yield(samples, err) || err != nil {
					return
				}
			}
			if len(page) == 0 {
				return
			}
		}
	}
}
