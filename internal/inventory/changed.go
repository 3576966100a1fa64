package inventory

import (
	"context"
	"iter"
	"math"
	"slices"
	"time"

	"github.com/faultline-storage/faultline/internal/resource"
)

// What is kept of how each resource changed, for people to read. The change log
// leads back from the present by way of every resource's changes; this tells of
// one of them at any time.

// change returns how a node changed, as its history tells it, or nil if that is
// nothing that concerns people.
func (t *txn) change(old, now *node, d *difference) *resource.Change {
	c := &resource.Change{Root: t.root, Attributes: changedAttributes(&old.Resource, &now.Resource, d.attrs)}
	told := len(c.Attributes) > 0
	if old.Label != now.Label {
		c.Label, told = &resource.ChangedText{From: old.Label, To: now.Label}, true
	}
	if old.Alias != now.Alias {
		c.Alias, told = &resource.ChangedText{From: old.Alias, To: now.Alias}, true
	}
	if d.parents {
		c.Parents = t.links(missing(old.Parents, now.Parents), missing(now.Parents, old.Parents))
	}
	if d.edges {
		c.Children = t.links(t.kids[now.ID].changed(old.Children, now.Children))
	}
	if was, is := old.Root, now.Root; was != nil && is != nil && was.Offline != is.Offline {
		c.Session, told = &resource.ChangedSession{Offline: is.Offline}, true
		if is.Offline {
			c.Session.Error = is.Error
		}
	}
	if !told && c.Parents == nil && c.Children == nil {
		return nil
	}
	return c
}

// changedAttributes are the attributes with the given indices in the class as it
// is now. What was or is a secret is named without its values.
func changedAttributes(old, now *resource.Resource, attrs []int) (out []resource.ChangedAttribute) {
	for _, i := range attrs {
		a := &now.Class.Attributes[i]
		j := old.Class.Attr(a.Name)
		ch := resource.ChangedAttribute{Name: a.Name, Secret: a.Kind == resource.Password || j >= 0 && old.Class.Attributes[j].Kind == resource.Password}
		if !ch.Secret {
			was := resource.Null
			if j >= 0 {
				was = old.Values[j]
			}
			ch.From, ch.To = was.AppendJSON(nil), now.Values[i].AppendJSON(nil)
		}
		out = append(out, ch)
	}
	return out
}

// missing are the IDs of a list that another, ascending one lacks.
func missing(list, from []resource.ID) (out []resource.ID) {
	for _, id := range list {
		if !has(from, id) {
			out = append(out, id)
		}
	}
	return out
}

func has(list []resource.ID, id resource.ID) bool {
	_, ok := slices.BinarySearch(list, id)
	return ok
}

// changed tells which children went and which came, each ascending, at a cost
// that does not depend on how many there are. Nil tells of none.
func (k *kids) changed(old, now []resource.ID) (gone, came []resource.ID) {
	if k == nil {
		return nil, nil
	}
	for id := range k.drop {
		if has(old, id) && !has(now, id) {
			gone = append(gone, id)
		}
	}
	for _, id := range k.add {
		if has(now, id) && !has(old, id) {
			came = append(came, id)
		}
	}
	slices.Sort(gone)
	slices.Sort(came)
	return gone, slices.Compact(came)
}

// links names what is at the other ends of links. What the store had all along,
// and only nobody saw, did not come.
func (t *txn) links(gone, came []resource.ID) *resource.ChangedLinks {
	came = slices.DeleteFunc(came, func(id resource.ID) bool {
		_, seen := t.seen[id]
		return seen
	})
	if len(gone)+len(came) == 0 {
		return nil
	}
	c := &resource.ChangedLinks{AddedCount: len(came), RemovedCount: len(gone)}
	for _, id := range came[:min(len(came), resource.MaxChangedLinks)] {
		c.Added = append(c.Added, linked(t.get(id)))
	}
	for _, id := range gone[:min(len(gone), resource.MaxChangedLinks)] {
		c.Removed = append(c.Removed, linked(t.inv.nodes.get(id)))
	}
	return c
}

func linked(n *node) resource.Linked {
	return resource.Linked{ID: n.ID, Class: n.Class.FullName(), Name: n.Name()}
}

// deletedRow is what is kept of a resource that goes.
func (t *txn) deletedRow(r *resource.Resource) resource.StoredChange {
	c := resource.Change{Root: t.root, Deleted: &resource.DeletedResource{Class: r.Class.FullName(), Name: r.Name(), FirstSeen: r.FirstSeen}}
	return resource.StoredChange{Resource: r.ID, What: c.JSON(), Gone: r.Key()}
}

// historyPage bounds how many changes of a resource are read at once.
const historyPage = 100

// newest is the position in a history of its last change, whatever that is.
const newest = math.MaxInt64

// History yields how a resource changed, the newest first, from a position on:
// each change as far as it is kept, then that it was seen for the first time, then
// the same of the resource that was deleted and had its identity before it. It
// yields nothing of a resource that is not there and of whose end nothing is kept.
func (inv *Inventory) History(ctx context.Context, from resource.HistoryPosition) iter.Seq2[*resource.Change, error] {
	return func(yield func(*resource.Change, error) bool) {
		id, seq := from.Resource, min(from.Seq, newest)
		for id != 0 {
			l, err := inv.life(ctx, id)
			if err != nil {
				yield(nil, err)
				return
			}
			if l == nil {
				return
			}
			if !inv.lived(ctx, l, seq, yield) {
				return
			}
			if id, err = inv.store.Former(ctx, l.key, id); err != nil {
				yield(nil, err)
				return
			}
			seq = newest
		}
	}
}

// life is what is known of a resource that is there or is gone.
type life struct {
	id         resource.ID
	class, key string
	firstSeen  time.Time
}

// life returns nil if nothing is known of the resource.
func (inv *Inventory) life(ctx context.Context, id resource.ID) (*life, error) {
	if r := inv.Get(id); r != nil {
		return &life{id, r.Class.FullName(), r.Key(), r.FirstSeen}, nil
	}
	rows, err := inv.store.History(ctx, id, newest, 1)
	if err != nil || len(rows) == 0 || rows[0].Gone == "" {
		return nil, err
	}
	c, err := rows[0].Change()
	if err != nil {
		return nil, err
	}
	return &life{id, c.Deleted.Class, rows[0].Gone, c.Deleted.FirstSeen}, nil
}

// lived yields the changes of one resource, and reports whether to go on.
func (inv *Inventory) lived(ctx context.Context, l *life, seq uint64, yield func(*resource.Change, error) bool) bool {
	for seq > 0 {
		rows, err := inv.store.History(ctx, l.id, seq, historyPage)
		if err != nil {
			yield(nil, err)
			return false
		}
		for i := range rows {
			c, err := rows[i].Change()
			if err != nil {
				yield(nil, err)
				return false
			}
			if c.Class = l.class; !yield(c, nil) {
				return false
			}
			seq = c.Seq - 1
		}
		if len(rows) < historyPage {
			break
		}
	}
	return yield(&resource.Change{HistoryPosition: resource.HistoryPosition{Resource: l.id}, Time: l.firstSeen, Class: l.class, Created: true}, nil)
}

// HistorySince returns the time since when all changes of resources are kept;
// zero if they are since the first one.
func (inv *Inventory) HistorySince(ctx context.Context) (time.Time, error) {
	var floor uint64
	for _, name := range []string{resource.LogFloor, resource.HistoryFloor} {
		p, err := inv.store.Position(ctx, name)
		if err != nil {
			return time.Time{}, err
		}
		floor = max(floor, p)
	}
	if floor == 0 {
		return time.Time{}, nil
	}
	return time.UnixMicro(int64(floor)).UTC(), nil
}
