package inventory

import (
	"slices"

	"github.com/faultline-storage/faultline/internal/resource"
)

// leave ends this root's reports of what the batch removed and, if it is
// complete, of what it lacks. A resource goes when no root reports it.
func (a *applier) leave() {
	if !a.b.Complete {
		a.unhold()
	} else if missing, going, had := a.lacks(); !a.hold(missing, going, had) && len(missing) > 0 {
		if a.leaving == nil {
			a.leaving = make(map[resource.ID]struct{}, len(missing))
		}
		for _, id := range missing {
			a.leaving[id] = struct{}{}
		}
	}
	a.remove(a.doomed...)
	if len(a.leaving) > 0 {
		a.remove(a.withdraw(a.root, a.leaving)...)
	}
}

// child returns the resource whose parents the op names, or 0 if it is none or
// gone.
func (a *applier) child(op *resource.Op) (resource.ID, error) {
	if len(op.Parents) == 0 && len(op.Drop) == 0 {
		return 0, nil
	}
	return a.end(op.Handle)
}

// end returns the resource at an end of an edge, or 0 if it is gone or this
// root no longer reports it.
func (a *applier) end(h resource.Handle) (resource.ID, error) {
	if _, gone := a.ended[h]; gone {
		return 0, nil
	}
	id, err := a.resolve(h)
	if n := a.get(id); err != nil || n == nil || !slices.Contains(n.Reporters, a.root) {
		return 0, err
	}
	return id, nil
}

// ends calls f with each edge from one of the parents to the child that has
// both of its ends.
func (a *applier) ends(parents []resource.Handle, child resource.ID, f func(resource.Edge) error) error {
	for _, h := range parents {
		parent, err := a.end(h)
		if err == nil && parent != 0 {
			err = f(resource.Edge{Parent: parent, Child: child})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// dropEdges ends this root's part in the edges that the batch drops.
func (a *applier) dropEdges() error {
	for i := range a.b.Ops {
		op := &a.b.Ops[i]
		if len(op.Drop) == 0 && len(a.replaced) == 0 {
			continue
		}
		child, err := a.child(op)
		if err != nil {
			return err
		}
		if child == 0 {
			continue
		}
		if len(a.replaced) > 0 {
			err := a.ends(op.Parents, child, func(e resource.Edge) error { delete(a.replaced, e); return nil })
			if err != nil {
				return err
			}
		}
		err = a.ends(op.Drop, child, func(e resource.Edge) error {
			if a.dropped == nil {
				a.dropped = map[resource.Edge]int{}
			}
			a.dropped[e] = i
			return nil
		})
		if err != nil {
			return err
		}
	}
	for e := range a.replaced {
		if a.get(e.Child) != nil {
			a.unreport(e.Parent, e.Child, a.root)
		}
	}
	for e := range a.dropped {
		a.unreport(e.Parent, e.Child, a.root)
	}
	return nil
}

// addEdges reports the parents that an op names, but for those that a later op
// drops.
func (a *applier) addEdges(i int) error {
	op := &a.b.Ops[i]
	if len(op.Parents) == 0 {
		return nil
	}
	child, err := a.child(op)
	if err != nil || child == 0 {
		return err
	}
	return a.ends(op.Parents, child, func(e resource.Edge) error {
		if last, ok := a.dropped[e]; ok && last >= i {
			return nil
		}
		return a.report(e.Parent, e.Child, a.root)
	})
}

func (a *applier) resolveSamples() error {
	a.samples = make([]resource.Sample, 0, len(a.b.Samples))
	var id resource.ID
	for i := range a.b.Samples {
		s := &a.b.Samples[i]
		if i == 0 || s.Handle != a.b.Samples[i-1].Handle { // those of a resource stand together
			var err error
			if id, err = a.end(s.Handle); err != nil {
				return err
			}
		}
		if id == 0 {
			continue
		}
		c := a.get(id).Class
		stat := c.Stat(s.Name)
		if stat < 0 {
			return resource.FieldErrorf(s.Name, "class %s has no statistic %s", c.FullName(), s.Name)
		}
		if st := &c.Statistics[stat]; len(s.Bins) != len(st.Bins) { // who made the batch may be elsewhere
			return resource.FieldErrorf(s.Name, "class %s: a sample of statistic %s has %d bins, not %d", c.FullName(), s.Name, len(s.Bins), len(st.Bins))
		}
		a.samples = append(a.samples, resource.Sample{Resource: id, Stat: stat, Time: s.Time, Value: s.Value, Bins: s.Bins})
	}
	return nil
}
