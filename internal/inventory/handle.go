package inventory

import (
	"cmp"
	"slices"

	"github.com/faultline-storage/faultline/internal/resource"
)

// freshHandle is a handle that a batch puts.
type freshHandle struct {
	handle resource.Handle
	id     resource.ID
	op     int32 // index of the put
	state  uint8
	// created says that the put made the resource; early, that it was named
	// before its place.
	created, early bool
}

// The states of a fresh handle.
const (
	waiting   uint8 = iota
	resolving       // its identity is being found
	resolved        // its resource is known
	done            // its values are set
)

// indexPuts finds where each fresh handle is put.
func (a *applier) indexPuts() error {
	sorted := true
	for i := range a.b.Ops {
		op := &a.b.Ops[i]
		if op.Kind != resource.Put {
			continue
		}
		if op.Handle <= a.s.last {
			return resource.Errorf(resource.Invalid, "handle %d: a put needs a handle that was never used, and the next free one is %d", op.Handle, a.s.last+1)
		}
		if k := len(a.fresh); k > 0 && a.fresh[k-1].handle >= op.Handle {
			sorted = false
		}
		a.fresh = append(a.fresh, freshHandle{handle: op.Handle, op: int32(i)})
	}
	if sorted {
		return nil
	}
	slices.SortFunc(a.fresh, func(x, y freshHandle) int { return cmp.Compare(x.handle, y.handle) })
	for k := 1; k < len(a.fresh); k++ {
		if h := a.fresh[k].handle; h == a.fresh[k-1].handle {
			return resource.Errorf(resource.Invalid, "handle %d is put twice", h)
		}
	}
	return nil
}

// freshOf returns what the batch puts under a handle, or nil.
func (a *applier) freshOf(h resource.Handle) *freshHandle {
	if len(a.fresh) == 0 {
		return nil
	}
	// Without gaps, which is the rule, the place follows from the handle.
	if k := int64(h - a.fresh[0].handle); k >= 0 && k < int64(len(a.fresh)) && a.fresh[k].handle == h {
		return &a.fresh[k]
	}
	k, ok := slices.BinarySearchFunc(a.fresh, h, func(f freshHandle, h resource.Handle) int { return cmp.Compare(f.handle, h) })
	if !ok {
		return nil
	}
	return &a.fresh[k]
}

// resolve returns the resource under a handle, finding or making it first if a
// later op of the batch puts it. It is 0 if the resource was deleted from
// outside the session, which is not the plugin's fault, or was withdrawn under
// another handle.
func (a *applier) resolve(h resource.Handle) (resource.ID, error) {
	if _, gone := a.ended[h]; gone {
		return 0, resource.Errorf(resource.Invalid, "handle %d was removed", h)
	}
	id, ok := a.s.handles[h]
	if !ok {
		f := a.freshOf(h)
		if f == nil {
			return 0, resource.Errorf(resource.Invalid, "handle %d was removed or never put", h)
		}
		if f.state < resolved {
			f.early = true
			if err := a.identify(f); err != nil {
				return 0, err
			}
		}
		return f.id, nil
	}
	if n := a.get(id); n == nil || !slices.Contains(n.Reporters, a.root) {
		return 0, nil
	}
	return id, nil
}

// subject is resolve for the resource that an op is about: its put must stand
// before the op.
func (a *applier) subject(h resource.Handle) (resource.ID, error) {
	if f := a.freshOf(h); f != nil && f.state != done {
		return 0, resource.Errorf(resource.Invalid, "handle %d is changed before it is put", h)
	}
	return a.resolve(h)
}

// keepHandles notes the committed handles in the session.
func (a *applier) keepHandles() {
	if len(a.s.handles) == 1 && len(a.fresh) > 0 { // the initial scan
		root := a.s.handles[0]
		a.s.handles = make(map[resource.Handle]resource.ID, len(a.fresh)+1)
		a.s.handles[0] = root
	}
	for i := range a.fresh {
		a.s.handles[a.fresh[i].handle] = a.fresh[i].id
		a.s.last = a.fresh[i].handle
	}
	a.tellOwn()
	for h := range a.ended {
		delete(a.s.handles, h)
	}
}

// tellOwn tells the session which resources that the batch put are gone, because
// they refer to what was gone already or went with what the batch removed.
func (a *applier) tellOwn() {
	if !a.forgot || a.s.deleted == nil || a.inv.sessions[a.root] != a.s {
		return
	}
	var handles []resource.Handle
	for i := range a.fresh {
		f := &a.fresh[i]
		_, ended := a.ended[f.handle]
		_, own := a.leaving[f.id]
		if !ended && !own && a.inv.nodes.get(f.id) == nil {
			handles = append(handles, f.handle)
		}
	}
	if len(handles) > 0 {
		a.s.deleted(handles)
	}
}

// tellSessions tells the open sessions which of their resources are gone,
// without having removed them themselves.
func (t *txn) tellSessions(deleted []*resource.Resource) {
	if len(deleted) == 0 || len(t.inv.sessions) == 0 {
		return
	}
	gone := map[resource.ID]map[resource.ID]bool{} // by root
	for _, r := range deleted {
		for _, root := range r.Reporters {
			if s := t.inv.sessions[root]; s == nil || s.deleted == nil {
				continue
			}
			if gone[root] == nil {
				gone[root] = map[resource.ID]bool{}
			}
			gone[root][r.ID] = true
		}
	}
	for root, ids := range gone {
		s := t.inv.sessions[root]
		if root == t.root {
			for id := range t.leaving {
				delete(ids, id)
			}
		}
		if len(ids) == 0 { // as in nearly every batch that removes anything
			continue
		}
		var handles []resource.Handle
		for h, id := range s.handles {
			if ids[id] {
				handles = append(handles, h)
			}
		}
		if len(handles) > 0 {
			slices.Sort(handles)
			s.deleted(handles)
		}
	}
}
