package inventory

import (
	"context"
	"slices"

	"github.com/faultline-storage/faultline/internal/resource"
)

// Apply commits a batch as one transaction, or returns an error and changes
// nothing. An error of kind Conflict or Invalid is the plugin's fault and names
// class, identity and attribute; one of kind Internal is the store's.
func (inv *Inventory) Apply(ctx context.Context, b *resource.Batch) error {
	inv.write.Lock()
	defer inv.write.Unlock()
	s := inv.sessions[b.Root]
	if s == nil || s.id != b.Session || inv.nodes[b.Root] == nil {
		return resource.Errorf(resource.Conflict, "session %s of root %d is not open", b.Session, b.Root)
	}
	a := &applier{txn: inv.beginSized(b.Root, puts(b)), b: b, s: s, reporters: []resource.ID{b.Root}}
	if err := a.run(); err != nil {
		return err
	}
	if err := a.commit(ctx); err != nil {
		return err
	}
	a.keepHandles()
	return nil
}

// puts is how many resources the batch may create.
func puts(b *resource.Batch) (n int) {
	for i := range b.Ops {
		if b.Ops[i].Kind == resource.Put {
			n++
		}
	}
	return n
}

// applier works one batch out.
type applier struct {
	*txn
	b *resource.Batch
	s *session
	// fresh are the handles that the batch puts, counted from len(s.handles).
	fresh []freshHandle
	// ended are handles that the batch removes.
	ended map[resource.Handle]struct{}
	// leaving are resources that this root no longer reports, unless a later op
	// puts them again.
	leaving map[resource.ID]struct{}
	// put are the resources that the batch put; made only if it is complete.
	put       map[resource.ID]struct{}
	reporters []resource.ID // the root alone; shared by what the batch creates
	// replaced are edges that a put takes back unless it reports them again.
	replaced map[resource.Edge]struct{}
}

type freshHandle struct {
	op    int32 // index of the put, plus one; 0 for a gap
	state uint8
	id    resource.ID
}

const (
	waiting uint8 = iota
	resolving
	resolved
)

func (a *applier) run() error {
	if err := a.indexPuts(); err != nil {
		return err
	}
	if a.b.Complete {
		a.put = make(map[resource.ID]struct{}, len(a.b.Ops))
	}
	for i := range a.b.Ops {
		if err := a.apply(i); err != nil {
			return err
		}
	}
	// Edges come after all puts: a parent may be put later than its child.
	for i := range a.b.Ops {
		if err := a.link(&a.b.Ops[i]); err != nil {
			return err
		}
	}
	for e := range a.replaced {
		a.unreport(e.Parent, e.Child, a.root)
	}
	a.leave()
	return a.resolveSamples()
}

// indexPuts finds where each fresh handle is put.
func (a *applier) indexPuts() error {
	base := resource.Handle(len(a.s.handles))
	for i := range a.b.Ops {
		op := &a.b.Ops[i]
		if op.Kind != resource.Put {
			continue
		}
		k := op.Handle - base
		// Handles count up from the last one, with gaps where the plugin dropped a
		// resource before it sent it. A far jump is no gap but a defect.
		if k < 0 || int(k) > 16*len(a.b.Ops)+1<<20 {
			return resource.Errorf(resource.Invalid, "handle %d: a put needs a handle that was never used, and the next free one is %d", op.Handle, base)
		}
		for int(k) >= len(a.fresh) {
			a.fresh = append(a.fresh, freshHandle{})
		}
		if a.fresh[k].op != 0 {
			return resource.Errorf(resource.Invalid, "handle %d is put twice", op.Handle)
		}
		a.fresh[k].op = int32(i) + 1
	}
	return nil
}

// resolve returns the resource under a handle, putting it first if a later op
// of the batch does. It is 0 if the resource was deleted from outside the
// session, which is not the plugin's fault.
func (a *applier) resolve(h resource.Handle) (resource.ID, error) {
	if _, gone := a.ended[h]; gone || h < 0 {
		return 0, resource.Errorf(resource.Invalid, "handle %d was removed", h)
	}
	if int(h) < len(a.s.handles) {
		id := a.s.handles[h]
		if id == 0 {
			return 0, resource.Errorf(resource.Invalid, "handle %d was removed or never put", h)
		}
		if a.get(id) == nil {
			return 0, nil
		}
		return id, nil
	}
	k := int(h) - len(a.s.handles)
	if k >= len(a.fresh) || a.fresh[k].op == 0 {
		return 0, resource.Errorf(resource.Invalid, "handle %d was never put", h)
	}
	f := &a.fresh[k]
	switch f.state {
	case resolving:
		op := &a.b.Ops[f.op-1]
		return 0, resource.Errorf(resource.Invalid, "class %s: the identifiers of resources refer to each other in a circle", op.Class.FullName())
	case waiting:
		f.state = resolving
		id, err := a.putOp(&a.b.Ops[f.op-1])
		if err != nil {
			return 0, err
		}
		f.id, f.state = id, resolved
	}
	return f.id, nil
}

func (a *applier) apply(i int) error {
	op := &a.b.Ops[i]
	switch op.Kind {
	case resource.Put:
		_, err := a.resolve(op.Handle)
		return err
	case resource.Set:
		return a.setOp(op)
	case resource.Remove:
		id, err := a.resolve(op.Handle)
		if err != nil || id == 0 {
			return err
		}
		if id == a.root {
			return resource.Errorf(resource.Invalid, "a plugin cannot remove its own root resource")
		}
		if a.ended == nil {
			a.ended, a.leaving = map[resource.Handle]struct{}{}, map[resource.ID]struct{}{}
		}
		a.ended[op.Handle] = struct{}{}
		a.leaving[id] = struct{}{}
	}
	return nil
}

// values turns handles in references into IDs, in place: a batch is applied once.
func (a *applier) value(v resource.Value) (resource.Value, error) {
	h, ok := v.Ref()
	if !ok {
		return v, nil
	}
	id, err := a.resolve(resource.Handle(h))
	if err != nil {
		return v, err
	}
	if id == 0 {
		return resource.Null, nil
	}
	return resource.RefValue(int64(id)), nil
}

func (a *applier) putOp(op *resource.Op) (resource.ID, error) {
	c := op.Class
	values := op.Values
	for i := range values {
		v, err := a.value(values[i])
		if err != nil {
			return 0, err
		}
		values[i] = v
	}
	identity := identityOf(c, values)
	id := a.find(keyOf(c, a.root, identity))
	if id == 0 {
		n := a.create(c, values, identity, a.root, a.reporters)
		n.OwnLabel = op.Label != nil
		if op.Label != nil {
			n.Label = *op.Label
		} else {
			n.Label = a.defaultLabel(n)
		}
		id = n.ID
	} else {
		a.again(id, op, values)
	}
	if a.put != nil {
		a.put[id] = struct{}{}
	}
	return id, nil
}

// again reports a resource that is known from another session, another root
// or before a removal.
func (a *applier) again(id resource.ID, op *resource.Op, values []resource.Value) {
	n := a.get(id)
	for i, v := range values {
		// A plugin that finds a root that a user added does not know what the user
		// typed, so what it leaves out stays.
		if n.Root != nil && v.IsNull() {
			continue
		}
		a.setValue(id, i, v)
	}
	a.setLabel(id, op.Label)
	if _, ok := slices.BinarySearch(n.Reporters, a.root); !ok {
		n, e := a.edit(id)
		i, _ := slices.BinarySearch(n.Reporters, a.root)
		n.Reporters = slices.Insert(slices.Clone(n.Reporters), i, a.root)
		e.row = true
	}
	_, left := a.leaving[id]
	delete(a.leaving, id)
	if !left && !a.b.Complete {
		return
	}
	for _, e := range a.get(id).in {
		if slices.Contains(e.roots, a.root) {
			if a.replaced == nil {
				a.replaced = map[resource.Edge]struct{}{}
			}
			a.replaced[resource.Edge{Parent: e.parent, Child: id}] = struct{}{}
		}
	}
}

func (a *applier) setOp(op *resource.Op) error {
	id, err := a.resolve(op.Handle)
	if err != nil || id == 0 {
		return err
	}
	n := a.get(id)
	for _, s := range op.Set {
		v, err := a.value(s.Value)
		if err != nil {
			return err
		}
		if n.Values[s.Index] != v && slices.Contains(n.Class.IDAttrs(), s.Index) {
			return resource.FieldErrorf(n.Class.Attributes[s.Index].Name,
				"%s: attribute %s identifies the resource and cannot change; remove the resource and report a new one", a.describe(id), n.Class.Attributes[s.Index].Name)
		}
		a.setValue(id, s.Index, v)
	}
	if op.Label != nil {
		a.setLabel(id, op.Label)
	}
	return nil
}

// link applies the parents that an op names.
func (a *applier) link(op *resource.Op) error {
	if len(op.Parents) == 0 && len(op.Drop) == 0 {
		return nil
	}
	if _, gone := a.ended[op.Handle]; gone {
		return nil
	}
	child, err := a.resolve(op.Handle)
	if err != nil || child == 0 {
		return err
	}
	for _, h := range op.Parents {
		if _, gone := a.ended[h]; gone {
			continue
		}
		parent, err := a.resolve(h)
		if err != nil {
			return err
		}
		if parent == 0 {
			continue
		}
		delete(a.replaced, resource.Edge{Parent: parent, Child: child})
		if err := a.report(parent, child, a.root); err != nil {
			return err
		}
	}
	for _, h := range op.Drop {
		if _, gone := a.ended[h]; gone {
			continue
		}
		parent, err := a.resolve(h)
		if err != nil {
			return err
		}
		if parent != 0 {
			a.unreport(parent, child, a.root)
		}
	}
	return nil
}

// leave ends this root's reports of what the batch removed and, if it is
// complete, of what it lacks. A resource goes when no root reports it.
func (a *applier) leave() {
	if a.b.Complete {
		for id := range a.inv.reported[a.root] {
			if _, ok := a.put[id]; !ok && id != a.root {
				if a.leaving == nil {
					a.leaving = map[resource.ID]struct{}{}
				}
				a.leaving[id] = struct{}{}
			}
		}
	}
	a.withdraw(a.root, a.leaving)
}

// withdraw ends the root's reports of resources and removes those that nobody
// reports any more.
func (t *txn) withdraw(root resource.ID, ids map[resource.ID]struct{}) {
	var gone []resource.ID
	for id := range ids {
		n := t.get(id)
		if n == nil {
			continue
		}
		i, ok := slices.BinarySearch(n.Reporters, root)
		if ok && len(n.Reporters) == 1 || n.Class.IDScope == resource.Scoped && n.Scope == root {
			gone = append(gone, id)
			continue
		}
		if !ok {
			continue
		}
		n, e := t.edit(id)
		n.Reporters = slices.Delete(slices.Clone(n.Reporters), i, i+1)
		if n.Scope == root {
			n.Scope = n.Reporters[0]
		}
		e.row = true
		for _, in := range slices.Clone(n.in) {
			t.unreport(in.parent, id, root)
		}
	}
	slices.Sort(gone)
	t.remove(gone...)
}

func (a *applier) resolveSamples() error {
	a.samples = make([]resource.Sample, 0, len(a.b.Samples))
	for i := range a.b.Samples {
		s := &a.b.Samples[i]
		if _, gone := a.ended[s.Handle]; gone {
			continue
		}
		id, err := a.resolve(s.Handle)
		if err != nil {
			return err
		}
		n := a.get(id)
		if n == nil {
			continue
		}
		stat := n.Class.Stat(s.Name)
		if stat < 0 {
			return resource.FieldErrorf(s.Name, "class %s has no statistic %s", n.Class.FullName(), s.Name)
		}
		a.samples = append(a.samples, resource.Sample{Resource: id, Stat: stat, Time: s.Time, Value: s.Value, Bins: s.Bins})
	}
	return nil
}

// keepHandles notes the committed handles in the session.
func (a *applier) keepHandles() {
	for _, f := range a.fresh {
		a.s.handles = append(a.s.handles, f.id)
	}
	for h := range a.ended {
		a.s.handles[h] = 0
	}
}
