package inventory

import (
	"context"
	"slices"

	"github.com/faultline-storage/faultline/internal/resource"
)

// The mass-delete guard. An initial scan is the whole truth, so one that lacks
// most of what the root had means that most of it is gone, or that a controller
// is not itself. Such removals are held, and the rest of the scan is committed:
// see docs/decisions/0007-mass-delete-guard.md.

// guarded is the number of resources up to which a scope may lose any number of
// them at once.
const guarded = 20

// lacks returns what the root had and a complete batch lacks, ascending, how
// many of these nobody else reports, so that they would go, and how many
// resources the root had, itself left out.
func (a *applier) lacks() (missing []resource.ID, going, had int) {
	for id := range a.inv.reported[a.root] {
		if id == a.root {
			continue
		}
		had++
		if _, ok := a.put[id]; !ok {
			missing = append(missing, id)
			if n := a.get(id); len(n.Reporters) == 1 || n.Class.IDScope == resource.Scoped {
				going++
			}
		}
	}
	slices.Sort(missing)
	return missing, going, had
}

// hold reports whether the removal of the missing resources is held, and notes
// that.
func (a *applier) hold(missing []resource.ID, going, had int) bool {
	before := a.get(a.root).Root.Held
	if a.inv.unguarded || had <= guarded || 2*going <= had || before.Covers(missing) {
		a.setHeld(nil)
		return false
	}
	a.setHeld(&resource.HeldRemoval{Resources: missing, Lacking: len(missing), Of: had, Since: a.now})
	a.inv.log.Warn("a scan lacks most of what its root had; nothing is removed until a second scan agrees or somebody approves it",
		"root", a.root, "lacking", len(missing), "of", had)
	return true
}

// unhold takes what the batch reports again out of the held removals.
func (a *applier) unhold() {
	held := a.get(a.root).Root.Held
	if held == nil || len(a.fresh) == 0 {
		return
	}
	again := map[resource.ID]struct{}{}
	for i := range a.fresh {
		if _, gone := a.ended[a.fresh[i].handle]; !gone && held.Has(a.fresh[i].id) {
			again[a.fresh[i].id] = struct{}{}
		}
	}
	if len(again) == 0 {
		return
	}
	rest := *held
	rest.Resources = slices.DeleteFunc(slices.Clone(held.Resources), func(id resource.ID) bool {
		_, ok := again[id]
		return ok
	})
	if len(rest.Resources) == 0 {
		a.setHeld(nil)
		return
	}
	a.setHeld(&rest)
}

func (t *txn) setHeld(h *resource.HeldRemoval) {
	if n := t.get(t.root); n.Root.Held != h {
		state := *n.Root
		state.Held = h
		t.edit(t.root).Root = &state
	}
}

// ApproveRemoval removes what the last scan of the root lacked, and returns how
// many resources went with it. If lacking is not 0, it is what whoever approves
// was told; when another scan has changed it since, the approval is refused.
func (inv *Inventory) ApproveRemoval(ctx context.Context, root resource.ID, lacking int) (removed int, err error) {
	inv.write.Lock()
	defer inv.write.Unlock()
	n := inv.nodes.get(root)
	switch {
	case n == nil:
		return 0, noSuch(root)
	case n.Root == nil || n.Root.Held == nil:
		return 0, resource.Errorf(resource.Conflict, "no removal of resource %d waits for an approval", root)
	case lacking != 0 && lacking != len(n.Root.Held.Resources):
		return 0, resource.FieldErrorf("resources", "it is %d resources that wait for an approval now, not %d; look at resource %d again", len(n.Root.Held.Resources), lacking, root)
	}
	t := inv.begin(root)
	t.setHeld(nil)
	t.root = 0 // it is an act of a user
	ids := map[resource.ID]struct{}{}
	for _, id := range n.Root.Held.Resources {
		if r := inv.nodes.get(id); r != nil && slices.Contains(r.Reporters, root) {
			ids[id] = struct{}{}
		}
	}
	before := inv.nodes.len()
	t.remove(t.withdraw(root, ids)...)
	if err := t.commit(ctx, nothing); err != nil {
		return 0, err
	}
	return before - inv.nodes.len(), nil
}
