package inventory

import (
	"context"
	"slices"

	"github.com/faultline-storage/faultline/internal/resource"
)

// Apply commits a batch as one transaction, or returns an error and changes
// nothing. An error of kind Conflict or Invalid is the plugin's fault and names
// class, identity and attribute; one of kind Internal is the store's. The batch
// belongs to the inventory from then on, and is of no further use.
func (inv *Inventory) Apply(ctx context.Context, b *resource.Batch) error {
	inv.write.Lock()
	defer inv.write.Unlock()
	s := inv.sessions[b.Root]
	if s == nil || s.id != b.Session || inv.nodes.get(b.Root) == nil {
		return resource.Errorf(resource.Conflict, "session %s of root %d is not open", b.Session, b.Root)
	}
	n := puts(b)
	a := &applier{txn: inv.beginSized(b.Root, n), b: b, s: s, reporters: []resource.ID{b.Root}, fresh: make([]freshHandle, 0, n)}
	if err := a.resources(); err != nil {
		return err
	}
	if err := a.commit(ctx, a.edges); err != nil {
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
//
// The order of the ops counts, but an op may name what a later op puts. So a
// put has two parts: its identity is found when it is first named, and its
// values take effect at its place. Edges come after all that, from those that go
// to those that come, since only the graph at the end must have no cycle.
type applier struct {
	*txn
	b     *resource.Batch
	s     *session
	inUse []*resource.Class // that were found to be declared
	// fresh are the handles that the batch puts, ascending.
	fresh []freshHandle
	// ended are handles that the batch removes.
	ended map[resource.Handle]struct{}
	// doomed are created resources that refer by a mandatory attribute to what is
	// gone.
	doomed []resource.ID
	// put are the resources that the batch put; made only if it is complete.
	put       map[resource.ID]struct{}
	reporters []resource.ID // the root alone; shared by what the batch creates
	// replaced are edges that a put takes back unless it reports them again.
	replaced map[resource.Edge]struct{}
	// dropped are edges that a link drops, with the last op that does.
	dropped map[resource.Edge]int
}

// resources works out what becomes of the resources, but for their edges.
func (a *applier) resources() error {
	if err := a.indexPuts(); err != nil {
		return err
	}
	if a.b.Complete {
		a.put = make(map[resource.ID]struct{}, len(a.fresh))
		a.takeBack(a.root, false)
	}
	for i := range a.b.Ops {
		if err := a.apply(i); err != nil {
			return err
		}
	}
	a.labels()
	a.leave()
	return nil
}

// edges works out what becomes of the edges, and whose the samples are.
func (a *applier) edges() error {
	if err := a.dropEdges(); err != nil {
		return err
	}
	for i := range a.b.Ops {
		if err := a.addEdges(i); err != nil {
			return err
		}
	}
	return a.resolveSamples()
}

func (a *applier) apply(i int) error {
	op := &a.b.Ops[i]
	switch op.Kind {
	case resource.Put:
		return a.putOp(op)
	case resource.Set:
		return a.setOp(op)
	case resource.Remove:
		id, err := a.subject(op.Handle)
		if err != nil {
			return err
		}
		if id == a.root {
			return resource.Errorf(resource.Invalid, "a plugin cannot remove its own root resource")
		}
		if a.ended == nil {
			a.ended, a.leaving = map[resource.Handle]struct{}{}, map[resource.ID]struct{}{}
		}
		a.ended[op.Handle] = struct{}{}
		if id != 0 {
			a.leaving[id] = struct{}{}
		}
	}
	return nil
}

// reference turns a handle in a reference into an ID, or null if the resource is
// gone; must says that it must not be.
func (a *applier) reference(c *resource.Class, i int, v resource.Value) (_ resource.Value, must bool, err error) {
	h, ok := v.Ref()
	if !ok {
		return v, false, nil
	}
	id, err := a.resolve(resource.Handle(h))
	if err != nil {
		return v, false, err
	}
	if id != 0 {
		return resource.RefValue(int64(id)), false, nil
	}
	return resource.Null, !c.Attributes[i].Optional || slices.Contains(c.IDAttrs(), i), nil
}

// check refuses a class that is no longer in use: the plugin was started anew
// and declares another.
func (a *applier) check(op *resource.Op) error {
	c := op.Class
	switch {
	case slices.Contains(a.inUse, c):
	case c == nil || a.inv.classes[c.FullName()] != c:
		return resource.Errorf(resource.Conflict, "handle %d: its class is not the one that is declared now; the session must begin again", op.Handle)
	case c.IDScope == resource.Auto:
		return resource.Errorf(resource.Invalid, "class %s has an AutoId: its resources are added by users and cannot be reported", c.FullName())
	default:
		a.inUse = append(a.inUse, c)
	}
	if len(op.Values) != len(c.Attributes) {
		return resource.Errorf(resource.Invalid, "handle %d: %d values for the %d attributes of %s", op.Handle, len(op.Values), len(c.Attributes), c.FullName())
	}
	return nil
}

// identify finds the resource that a put is about, or makes it.
func (a *applier) identify(f *freshHandle) error {
	op := &a.b.Ops[f.op]
	if err := a.check(op); err != nil {
		return err
	}
	c := op.Class
	for i := range op.Values {
		if c.ServerSets(i) {
			op.Values[i] = resource.Null
		}
	}
	if f.state == resolving {
		return resource.Errorf(resource.Invalid, "class %s: the identifiers of resources refer to each other in a circle", c.FullName())
	}
	f.state = resolving
	for _, i := range c.IDAttrs() {
		h, isRef := op.Values[i].Ref()
		if target := a.freshOf(resource.Handle(h)); isRef && target != nil && target.state != done {
			a.lateLabels = true
		}
		v, must, err := a.reference(c, i, op.Values[i])
		if err != nil {
			return err
		}
		if must { // so it is gone too, before it came
			f.state, f.id, a.forgot = done, 0, true
			return nil
		}
		op.Values[i] = v
	}
	identity := identityOf(c, op.Values)
	f.state, f.id = resolved, a.find(keyOf(c, a.root, identity))
	if f.id != 0 {
		return nil
	}
	values := op.Values
	if f.early { // the other values come when it is their turn
		values = make([]resource.Value, len(op.Values))
		for _, i := range c.IDAttrs() {
			values[i] = op.Values[i]
		}
	}
	f.created = true
	f.id = a.create(c, values, identity, a.root, a.reporters).ID
	return nil
}

func (a *applier) putOp(op *resource.Op) error {
	f := a.freshOf(op.Handle)
	if _, gone := a.ended[op.Handle]; gone {
		return resource.Errorf(resource.Invalid, "handle %d was removed", op.Handle)
	}
	if f.state == waiting {
		if err := a.identify(f); err != nil {
			return err
		}
	}
	if f.id == 0 {
		return nil
	}
	c := op.Class
	for i, v := range op.Values {
		if _, ok := v.Ref(); !ok || slices.Contains(c.IDAttrs(), i) {
			continue
		}
		v, must, err := a.reference(c, i, v)
		switch {
		case err != nil:
			return err
		case must && f.created:
			a.doomed = append(a.doomed, f.id)
		case must: // somebody else's value stays
			v = a.get(f.id).Values[i]
		}
		op.Values[i] = v
	}
	f.state = done
	if f.created && !f.early {
		n := a.nodes.at(f.id)
		n.OwnLabel = op.Label != nil
		if op.Label != nil {
			n.Label = *op.Label
		} else {
			n.Label = a.defaultLabel(n)
		}
	} else {
		a.again(f.id, op)
	}
	if !f.created || f.early { // else it is too new to have left or to have parents
		_, left := a.leaving[f.id]
		delete(a.leaving, f.id)
		if left || a.b.Complete {
			a.takeBack(f.id, left)
		}
	}
	if a.put != nil {
		a.put[f.id] = struct{}{}
	}
	return nil
}

// again reports a resource that is known from another session, another root,
// before a removal, or from being named.
func (a *applier) again(id resource.ID, op *resource.Op) {
	a.reportAlso(id, a.root)
	n := a.get(id)
	for i, v := range op.Values {
		// A plugin that finds a root that a user added does not know what the user
		// typed, nor what another plugin knows, so what it leaves out stays.
		if v.IsNull() && (n.Root != nil || n.Class.ServerSets(i) || othersValue(n, i, a.root)) {
			continue
		}
		a.write(id, i, v, a.root)
	}
	a.setLabel(id, op.Label)
}

// takeBack notes the edges to a resource that this root reported, and if it was
// removed and put again those from it, to go unless they are reported again.
func (a *applier) takeBack(id resource.ID, children bool) {
	note := func(parent, child resource.ID) {
		in := a.get(child).in
		if i, ok := edgeIndex(in, parent); ok && slices.Contains(in[i].roots, a.root) {
			if a.replaced == nil {
				a.replaced = map[resource.Edge]struct{}{}
			}
			a.replaced[resource.Edge{Parent: parent, Child: child}] = struct{}{}
		}
	}
	for _, e := range a.get(id).in {
		note(e.parent, id)
	}
	if !children {
		return
	}
	for _, c := range a.children(id) {
		note(id, c)
	}
}

func (a *applier) setOp(op *resource.Op) error {
	id, err := a.subject(op.Handle)
	if err != nil || id == 0 {
		return err
	}
	n := a.get(id)
	c := n.Class
	if op.Class != nil && op.Class != c {
		return resource.Errorf(resource.Conflict, "%s: its class was declared anew; the session must begin again", a.describe(id))
	}
	for _, s := range op.Set {
		if s.Index < 0 || s.Index >= len(c.Attributes) {
			return resource.Errorf(resource.Invalid, "%s has no attribute %d", a.describe(id), s.Index)
		}
		if c.ServerSets(s.Index) {
			continue
		}
		v, must, err := a.reference(c, s.Index, s.Value)
		if err != nil {
			return err
		}
		if must {
			continue
		}
		if a.get(id).Values[s.Index] != v && slices.Contains(c.IDAttrs(), s.Index) {
			name := c.Attributes[s.Index].Name
			return resource.FieldErrorf(name, "%s: attribute %s identifies the resource and cannot change; remove the resource and report a new one", a.describe(id), name)
		}
		a.write(id, s.Index, v, a.root)
	}
	if op.Label != nil {
		a.setLabel(id, op.Label)
	}
	return nil
}
