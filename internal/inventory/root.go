package inventory

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/faultline-storage/faultline/internal/resource"
)

// AddRoot makes a resource that a user adds (guide, "Declaring a
// ScannableResource"). If one with the same identity is there already, it is
// returned as it is and created is false. The values must satisfy the class.
func (inv *Inventory) AddRoot(ctx context.Context, c *resource.Class, values []resource.Value) (r *resource.Resource, created bool, err error) {
	return inv.addRoot(ctx, c, values, nil)
}

// AddLabelledRoot is AddRoot for one that has a label of its own, also if it is
// there already.
func (inv *Inventory) AddLabelledRoot(ctx context.Context, c *resource.Class, values []resource.Value, label string) (r *resource.Resource, created bool, err error) {
	return inv.addRoot(ctx, c, values, &label)
}

func (inv *Inventory) addRoot(ctx context.Context, c *resource.Class, values []resource.Value, label *string) (r *resource.Resource, created bool, err error) {
	if !c.Root() {
		return nil, false, resource.FieldErrorf("class", "class %s is not scannable: its resources are found by scans and cannot be added", c.FullName())
	}
	inv.write.Lock()
	defer inv.write.Unlock()
	if inv.classes[c.FullName()] != c {
		return nil, false, declaredAnew(c)
	}
	t := inv.begin(0)
	for i, v := range values {
		if err := inv.checkTarget(&c.Attributes[i], v); err != nil {
			return nil, false, err
		}
	}
	identity := identityOf(c, values)
	if c.IDScope == resource.Auto {
		identity = fmt.Sprintf("[%q]", uuid4())
	}
	if id := t.find(keyOf(c, 0, identity)); id != 0 {
		n := inv.nodes.get(id)
		switch {
		case n.Root == nil:
			return inv.adopt(ctx, t, id, values)
		case label != nil && n.Label != *label:
			t.setLabel(id, label)
			n = t.get(id)
			err = t.commit(ctx, nothing)
		}
		return &n.Resource, false, err
	}
	n := t.create(c, values, identity, 0, nil)
	n.Reporters = []resource.ID{n.ID}
	n.Root = &resource.RootState{}
	if n.OwnLabel = label != nil; n.OwnLabel {
		n.Label = *label
	} else {
		n.Label = t.defaultLabel(n)
	}
	if err := t.commit(ctx, nothing); err != nil {
		return nil, false, err
	}
	return &n.Resource, true, nil
}

// adopt turns a scannable resource that a scan found into one that a user
// added.
func (inv *Inventory) adopt(ctx context.Context, t *txn, id resource.ID, values []resource.Value) (*resource.Resource, bool, error) {
	t.reportAlso(id, id)
	for i, v := range values {
		if !v.IsNull() {
			t.write(id, i, v, id)
		}
	}
	n := t.edit(id)
	n.Root, n.Scope = &resource.RootState{}, id
	if err := t.commit(ctx, nothing); err != nil {
		return nil, false, err
	}
	return &n.Resource, true, nil
}

func uuid4() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// checkTarget refuses a reference to what does not exist.
func (inv *Inventory) checkTarget(a *resource.Attribute, v resource.Value) error {
	if target, ok := v.Ref(); ok && inv.nodes.get(resource.ID(target)) == nil {
		return resource.FieldErrorf(a.Name, "there is no resource %d", target)
	}
	return nil
}

func declaredAnew(c *resource.Class) error {
	return resource.Errorf(resource.Conflict, "class %s was declared anew just now; try again", c.FullName())
}

// Edit is what a user changes of a resource.
type Edit struct {
	// Alias is the name to give it, "" to take its alias back, or nil.
	Alias *string
	// Set are values of attributes of Class, which is the resource's; they must
	// satisfy it. Only a root that a user added can be given any, and not for an
	// attribute that identifies it.
	Class *resource.Class
	Set   []resource.AttrValue
}

// Edit changes a resource as a user wants it, all of it or nothing.
func (inv *Inventory) Edit(ctx context.Context, id resource.ID, e Edit) error {
	if e.Alias != nil && *e.Alias != strings.TrimSpace(*e.Alias) {
		return resource.FieldErrorf("alias", "an alias has no space at either end")
	}
	inv.write.Lock()
	defer inv.write.Unlock()
	n := inv.nodes.get(id)
	if n == nil {
		return noSuch(id)
	}
	t := inv.begin(0)
	if len(e.Set) > 0 {
		if n.Root == nil {
			return resource.Errorf(resource.Conflict, "resource %d is what a scan found: its attributes are read from the hardware and cannot be edited", id)
		}
		if n.Class != e.Class {
			return declaredAnew(n.Class)
		}
	}
	for _, s := range e.Set {
		a := &n.Class.Attributes[s.Index]
		if n.Values[s.Index] != s.Value && slices.Contains(n.Class.IDAttrs(), s.Index) {
			return resource.FieldErrorf(a.Name, "attribute %s identifies the resource and cannot change; remove the resource and add a new one", a.Name)
		}
		if err := inv.checkTarget(a, s.Value); err != nil {
			return err
		}
		t.write(id, s.Index, s.Value, id)
	}
	if e.Alias != nil {
		t.edit(id).Alias = *e.Alias
	}
	return t.commit(ctx, nothing)
}

// Assign gives a resource a value of an attribute that only the server sets.
func (inv *Inventory) Assign(ctx context.Context, id resource.ID, attribute string, v resource.Value) error {
	inv.write.Lock()
	defer inv.write.Unlock()
	n := inv.nodes.get(id)
	if n == nil {
		return noSuch(id)
	}
	i := n.Class.Attr(attribute)
	if i < 0 || !n.Class.ServerSets(i) {
		return resource.FieldErrorf(attribute, "attribute %s of %s is not the server's to set", attribute, n.Class.FullName())
	}
	t := inv.begin(0)
	t.write(id, i, v, 0)
	return t.commit(ctx, nothing)
}

// RemoveRoot removes a root that a user added, all that only it reported, and
// what refers to those.
func (inv *Inventory) RemoveRoot(ctx context.Context, id resource.ID) error {
	inv.write.Lock()
	defer inv.write.Unlock()
	n := inv.nodes.get(id)
	if n == nil {
		return noSuch(id)
	}
	if n.Root == nil {
		return resource.Errorf(resource.Conflict, "resource %d is what a scan found: it goes when its controller no longer reports it, or with its controller", id)
	}
	delete(inv.sessions, id)
	t := inv.begin(0)
	gone := t.withdraw(id, inv.reported[id])
	if !slices.Contains(gone, id) {
		// Another root's scan still reports it: it stays as a found resource.
		t.edit(id).Root = nil
	}
	t.remove(gone...)
	return t.commit(ctx, nothing)
}

// SetRootState changes what is known of a root's session. It reaches the store
// only if Offline or Error changed.
func (inv *Inventory) SetRootState(ctx context.Context, id resource.ID, change func(*resource.RootState)) error {
	inv.write.Lock()
	defer inv.write.Unlock()
	n := inv.nodes.get(id)
	if n == nil || n.Root == nil {
		return noSuch(id)
	}
	state := *n.Root
	change(&state)
	if equalState(&state, n.Root) {
		return nil
	}
	t := inv.begin(0)
	t.edit(id).Root = &state
	return t.commit(ctx, nothing)
}

func equalState(a, b *resource.RootState) bool {
	return a.Live == b.Live && a.Offline == b.Offline && a.Error == b.Error && a.Waiting == b.Waiting && a.Held == b.Held &&
		a.NextTry.Equal(b.NextTry) && a.LastContact.Equal(b.LastContact) && slices.Equal(a.Incomplete, b.Incomplete)
}

// Contact notes the time of a successful turn. Subscribers are not told: it
// would be all they hear.
func (inv *Inventory) Contact(id resource.ID, at time.Time) {
	inv.write.Lock()
	defer inv.write.Unlock()
	old := inv.nodes.get(id)
	if old == nil || old.Root == nil {
		return
	}
	n, state := &node{Resource: old.Resource, in: old.in}, *old.Root
	state.LastContact = at
	n.Root = &state
	inv.mu.Lock()
	defer inv.mu.Unlock()
	inv.nodes.set(n)
}

func noSuch(id resource.ID) error {
	return resource.Errorf(resource.NotFound, "there is no resource %d", id)
}
