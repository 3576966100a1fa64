package inventory_test

import (
	"maps"
	"slices"

	"github.com/faultline-storage/faultline/internal/resource"
)

// turn is a batch on its way into a copy of the model.
type turn struct {
	*model
	b       *resource.Batch
	s       *conversation
	puts    map[resource.Handle]*resource.Op
	known   map[resource.Handle]resource.ID // puts whose resource is known
	open    map[resource.Handle]bool        // being identified
	done    map[resource.Handle]bool        // put, in order
	removed map[resource.Handle]bool
	creator map[resource.Handle]bool // puts that made their resource
	vain    map[resource.Handle]bool // puts that could not, as what identifies it is gone
	doomed  map[resource.ID]bool     // what must go with what it refers to
	leaving map[resource.ID]bool
	put     map[resource.ID]bool
	taken   map[resource.ID]bool // whose edges this root takes back
	back    map[resource.ID]bool // taken because they were removed and put again
}

// apply returns the model after the batch.
func (m *model) apply(b *resource.Batch) (*model, error) {
	s := m.sessions[b.Root]
	if s == nil || s.id != b.Session {
		return nil, errRefused
	}
	t := &turn{
		model: m.clone(), b: b, s: s, puts: map[resource.Handle]*resource.Op{}, known: map[resource.Handle]resource.ID{},
		open: map[resource.Handle]bool{}, done: map[resource.Handle]bool{}, removed: map[resource.Handle]bool{}, creator: map[resource.Handle]bool{},
		vain: map[resource.Handle]bool{}, doomed: map[resource.ID]bool{},
		leaving: map[resource.ID]bool{}, put: map[resource.ID]bool{}, taken: map[resource.ID]bool{}, back: map[resource.ID]bool{},
	}
	for i := range b.Ops {
		if op := &b.Ops[i]; op.Kind == resource.Put {
			if t.puts[op.Handle] != nil || op.Handle <= s.last {
				return nil, errRefused
			}
			t.puts[op.Handle] = op
		}
	}
	for i := range b.Ops {
		if err := t.op(&b.Ops[i]); err != nil {
			return nil, err
		}
	}
	if b.Complete {
		t.taken[b.Root] = true
		for _, r := range t.res {
			if r.reporters[b.Root] && !t.put[r.id] && r.id != b.Root {
				t.leaving[r.id] = true
			}
		}
	}
	before := maps.Clone(t.edges)
	t.bury(t.doomed)
	t.leave(b.Root, t.leaving)
	if err := t.link(before); err != nil {
		return nil, err
	}
	// The handles hold from now on.
	next := &conversation{id: s.id, handles: maps.Clone(s.handles), last: s.last, removed: maps.Clone(s.removed)}
	for h, id := range t.known {
		next.handles[h], next.last = id, max(next.last, h)
	}
	for h := range t.vain {
		next.handles[h], next.last = -1, max(next.last, h)
	}
	for h := range t.removed {
		next.handles[h] = 0
	}
	for id := range t.leaving {
		if next.removed == nil {
			next.removed = map[resource.ID]bool{}
		}
		next.removed[id] = true
	}
	if t.res[b.Root] != nil {
		t.sessions[b.Root] = next
	}
	return t.model, nil
}

// resolve returns 0 for what was deleted behind the session's back.
func (t *turn) resolve(h resource.Handle) (resource.ID, error) {
	if t.removed[h] {
		return 0, errRefused
	}
	id, old := t.s.handles[h]
	if old && id == 0 {
		return 0, errRefused
	}
	if !old {
		op := t.puts[h]
		if op == nil {
			return 0, errRefused
		}
		if err := t.identify(op); err != nil {
			return 0, err
		}
		return t.known[h], nil
	}
	if r := t.res[id]; r == nil || !r.reporters[t.b.Root] {
		return 0, nil
	}
	return id, nil
}

// reference says with must that there is no value, and must be one.
func (t *turn) reference(c *resource.Class, i int, v resource.Value) (_ resource.Value, must bool, err error) {
	h, ok := v.Ref()
	if !ok {
		return v, false, nil
	}
	id, err := t.resolve(resource.Handle(h))
	if err == nil && id == 0 {
		a := c.Attributes[i]
		return resource.Null, !a.Optional || slices.Contains(c.IDNames, a.Name), nil
	}
	return resource.RefValue(int64(id)), false, err
}

func (t *turn) identify(op *resource.Op) error {
	if t.known[op.Handle] != 0 || t.vain[op.Handle] {
		return nil
	}
	c := op.Class
	if t.open[op.Handle] || t.classes[c.FullName()] != c {
		return errRefused
	}
	t.open[op.Handle] = true
	values := make([]resource.Value, len(c.Attributes))
	for _, n := range c.IDNames {
		v, must, err := t.reference(c, c.Attr(n), op.Values[c.Attr(n)])
		if err != nil {
			return err
		}
		if must {
			t.vain[op.Handle] = true
			return nil
		}
		values[c.Attr(n)] = v
	}
	if r := t.find(c, t.b.Root, identity(c, values)); r != nil {
		t.known[op.Handle] = r.id
		return nil
	}
	id := t.next
	t.next++
	t.res[id] = &thing{id: id, class: c, values: values, identity: identity(c, values), reporters: map[resource.ID]bool{t.b.Root: true}, scope: t.b.Root}
	t.known[op.Handle], t.creator[op.Handle] = id, true
	return nil
}

func (t *turn) op(op *resource.Op) error {
	if op.Kind == resource.Put {
		if err := t.identify(op); err != nil {
			return err
		}
		t.done[op.Handle] = true
		if t.vain[op.Handle] {
			return nil
		}
		r := t.res[t.known[op.Handle]]
		values := slices.Clone(op.Values)
		for i, v := range values {
			values[i] = r.values[i]
			if !slices.Contains(op.Class.IDNames, op.Class.Attributes[i].Name) {
				v, must, err := t.reference(op.Class, i, v)
				switch {
				case err != nil:
					return err
				case must && t.creator[op.Handle]:
					t.doomed[r.id] = true
				case must:
					continue
				}
				values[i] = v
			}
		}
		r.join(t.b.Root) // from here on it is known to this root
		for i, v := range values {
			other := r.writers[op.Class.Attributes[i].Name]
			if !v.IsNull() || !r.root && (other == 0 || other == t.b.Root) {
				r.write(i, v, t.b.Root)
			}
		}
		r.label = op.Label
		if t.leaving[r.id] {
			delete(t.leaving, r.id)
			t.taken[r.id], t.back[r.id] = true, true
		}
		if t.b.Complete {
			t.taken[r.id] = true
		}
		t.put[r.id] = true
		return nil
	}
	if op.Kind == resource.Link {
		return nil
	}
	if t.puts[op.Handle] != nil && !t.done[op.Handle] {
		return errRefused
	}
	id, err := t.resolve(op.Handle)
	if err != nil {
		return err
	}
	if op.Kind == resource.Remove {
		if id == t.b.Root {
			return errRefused
		}
		t.removed[op.Handle] = true
		if id != 0 {
			t.leaving[id] = true
		}
		return nil
	}
	r := t.res[id]
	if r == nil {
		return nil
	}
	for _, s := range op.Set {
		v, must, err := t.reference(r.class, s.Index, s.Value)
		if err != nil {
			return err
		}
		if must {
			continue
		}
		if slices.Contains(r.class.IDNames, r.class.Attributes[s.Index].Name) && r.values[s.Index] != v {
			return errRefused
		}
		r.write(s.Index, v, t.b.Root)
	}
	if op.Label != nil {
		r.label = op.Label
	}
	return nil
}

// link makes this root's edges from those before and what the ops say.
func (t *turn) link(before map[resource.Edge]map[resource.ID]bool) error {
	for e, roots := range before {
		if roots[t.b.Root] && (t.taken[e.Child] || t.back[e.Parent]) && t.edges[e] != nil {
			t.unstand(e, t.edges[e], t.b.Root)
		}
	}
	for i := range t.b.Ops {
		op := &t.b.Ops[i]
		if len(op.Parents)+len(op.Drop) == 0 || t.removed[op.Handle] {
			continue
		}
		child, err := t.resolve(op.Handle)
		if err != nil {
			return err
		}
		if r := t.res[child]; r == nil || !r.reporters[t.b.Root] {
			continue
		}
		for k, h := range slices.Concat(op.Parents, op.Drop) {
			if t.removed[h] {
				continue
			}
			parent, err := t.resolve(h)
			if err != nil {
				return err
			}
			e := resource.Edge{Parent: parent, Child: child}
			switch r := t.res[parent]; {
			case r == nil || !r.reporters[t.b.Root]:
			case k >= len(op.Parents):
				if roots := t.edges[e]; roots != nil {
					t.unstand(e, roots, t.b.Root)
				}
			default:
				if t.edges[e] == nil {
					t.edges[e] = map[resource.ID]bool{}
				}
				t.edges[e][t.b.Root] = true
			}
		}
	}
	if !acyclic(maps.Keys(t.edges)) {
		return errRefused
	}
	return nil
}
