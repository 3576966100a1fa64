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
	if !c.Root() {
		return nil, false, resource.FieldErrorf("class", "class %s is not scannable: its resources are found by scans and cannot be added", c.FullName())
	}
	inv.write.Lock()
	defer inv.write.Unlock()
	t := inv.begin(0)
	for i, v := range values {
		target, ok := v.Ref()
		if ok && inv.nodes[resource.ID(target)] == nil {
			return nil, false, resource.FieldErrorf(c.Attributes[i].Name, "there is no resource %d", target)
		}
	}
	identity := identityOf(c, values)
	if c.IDScope == resource.Auto {
		identity = fmt.Sprintf("[%q]", uuid4())
	}
	if id := t.find(keyOf(c, 0, identity)); id != 0 {
		if n := inv.nodes[id]; n.Root != nil {
			return n.Resource, false, nil
		}
		return inv.adopt(ctx, t, id, values)
	}
	n := t.create(c, values, identity, 0, nil)
	n.Reporters = []resource.ID{n.ID}
	n.Root = &resource.RootState{}
	n.Label = t.defaultLabel(n)
	if err := t.commit(ctx); err != nil {
		return nil, false, err
	}
	return n.Resource, true, nil
}

// adopt turns a scannable resource that a scan found into one that a user
// added.
func (inv *Inventory) adopt(ctx context.Context, t *txn, id resource.ID, values []resource.Value) (*resource.Resource, bool, error) {
	for i, v := range values {
		if !v.IsNull() {
			t.setValue(id, i, v)
		}
	}
	n, e := t.edit(id)
	n.Root = &resource.RootState{}
	if i, ok := slices.BinarySearch(n.Reporters, id); !ok {
		n.Reporters = slices.Insert(slices.Clone(n.Reporters), i, id)
	}
	e.row, e.state = true, true
	if err := t.commit(ctx); err != nil {
		return nil, false, err
	}
	return n.Resource, true, nil
}

func uuid4() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// SetAlias gives a resource a name of the user's, or with "" takes it back.
func (inv *Inventory) SetAlias(ctx context.Context, id resource.ID, alias string) error {
	if alias != strings.TrimSpace(alias) {
		return resource.FieldErrorf("alias", "an alias has no space at either end")
	}
	inv.write.Lock()
	defer inv.write.Unlock()
	if inv.nodes[id] == nil {
		return noSuch(id)
	}
	t := inv.begin(0)
	if t.get(id).Alias != alias {
		n, e := t.edit(id)
		n.Alias = alias
		e.name, e.row = true, true
	}
	return t.commit(ctx)
}

// EditRoot changes attributes of a root that a user added. An identifying
// attribute cannot change.
func (inv *Inventory) EditRoot(ctx context.Context, id resource.ID, set []resource.AttrValue) error {
	inv.write.Lock()
	defer inv.write.Unlock()
	n := inv.nodes[id]
	if n == nil {
		return noSuch(id)
	}
	if n.Root == nil {
		return resource.Errorf(resource.Conflict, "resource %d is what a scan found: its attributes are read from the hardware and cannot be edited", id)
	}
	t := inv.begin(0)
	for _, s := range set {
		a := n.Class.Attributes[s.Index]
		if n.Values[s.Index] != s.Value && slices.Contains(n.Class.IDAttrs(), s.Index) {
			return resource.FieldErrorf(a.Name, "attribute %s identifies the resource and cannot change; remove the resource and add a new one", a.Name)
		}
		t.setValue(id, s.Index, s.Value)
	}
	return t.commit(ctx)
}

// RemoveRoot removes a root that a user added, all that only it reported, and
// what refers to those.
func (inv *Inventory) RemoveRoot(ctx context.Context, id resource.ID) error {
	inv.write.Lock()
	defer inv.write.Unlock()
	n := inv.nodes[id]
	if n == nil {
		return noSuch(id)
	}
	if n.Root == nil {
		return resource.Errorf(resource.Conflict, "resource %d is what a scan found: it goes when its controller no longer reports it, or with its controller", id)
	}
	delete(inv.sessions, id)
	t := inv.begin(0)
	t.withdraw(id, inv.reported[id])
	if t.get(id) != nil && len(t.get(id).Reporters) > 0 && !slices.Contains(t.get(id).Reporters, id) {
		// Another root's scan still reports it: it stays as a found resource.
		n, e := t.edit(id)
		n.Root = nil
		e.row, e.state = true, true
	} else {
		t.remove(id)
	}
	return t.commit(ctx)
}

// SetRootState changes what is known of a root's session. It reaches the store
// only if Offline or Error changed.
func (inv *Inventory) SetRootState(ctx context.Context, id resource.ID, change func(*resource.RootState)) error {
	inv.write.Lock()
	defer inv.write.Unlock()
	n := inv.nodes[id]
	if n == nil || n.Root == nil {
		return noSuch(id)
	}
	state := *n.Root
	change(&state)
	if equalState(&state, n.Root) {
		return nil
	}
	t := inv.begin(0)
	n, e := t.edit(id)
	e.state = true
	e.row = state.Offline != n.Root.Offline || state.Error != n.Root.Error
	n.Root = &state
	return t.commit(ctx)
}

func equalState(a, b *resource.RootState) bool {
	return a.Live == b.Live && a.Offline == b.Offline && a.Error == b.Error &&
		a.NextTry.Equal(b.NextTry) && a.LastContact.Equal(b.LastContact) && slices.Equal(a.Incomplete, b.Incomplete)
}

// Contact notes the time of a successful turn. Subscribers are not told: it
// would be all they hear.
func (inv *Inventory) Contact(id resource.ID, at time.Time) {
	inv.write.Lock()
	defer inv.write.Unlock()
	old := inv.nodes[id]
	if old == nil || old.Root == nil {
		return
	}
	r, state := *old.Resource, *old.Root
	state.LastContact = at
	r.Root = &state
	inv.mu.Lock()
	defer inv.mu.Unlock()
	inv.nodes[id] = &node{Resource: &r, in: old.in}
}

func noSuch(id resource.ID) error {
	return resource.Errorf(resource.NotFound, "there is no resource %d", id)
}
