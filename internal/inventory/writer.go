package inventory

import (
	"slices"

	"github.com/faultline-storage/faultline/internal/resource"
)

// Several roots may report one global resource, each with values of its own:
// the last one to write an attribute wins it. Who wrote which is only known, and
// only costs anything, while there are several; with one reporter it goes
// without saying. The rules:
//
//   - A report of the value that is there already is no write.
//   - A put that leaves an attribute out says nothing about it: the value of
//     another reporter stays. An assignment of null by a set is a write.
//   - What a root wrote stays when it no longer reports the resource, though
//     nobody is named for it then: the next value anybody reports takes its place.

// reportAlso makes a root one of several reporters of a resource.
func (t *txn) reportAlso(id, root resource.ID) {
	i, ok := slices.BinarySearch(t.get(id).Reporters, root)
	if ok {
		return
	}
	n := t.edit(id)
	before := n.Reporters
	n.Reporters = slices.Insert(slices.Clone(before), i, root)
	if len(before) != 1 || n.WrittenBy != nil {
		return
	}
	n.WrittenBy = make([]resource.ID, len(n.Values))
	for i, v := range n.Values {
		if !v.IsNull() {
			n.WrittenBy[i] = before[0]
		}
	}
}

// write assigns an attribute for a root.
func (t *txn) write(id resource.ID, i int, v resource.Value, root resource.ID) {
	n := t.get(id)
	if n.WrittenBy != nil && (n.Values[i] != v || n.WrittenBy[i] == 0 && !v.IsNull()) {
		t.setWriter(id, i, root)
	}
	t.setValue(id, i, v)
}

func (t *txn) setWriter(id resource.ID, i int, root resource.ID) {
	n := t.get(id)
	if n.WrittenBy == nil || n.WrittenBy[i] == root {
		return
	}
	n = t.edit(id)
	if old := t.inv.nodes.get(id); old != nil && shared(old.WrittenBy, n.WrittenBy) {
		n.WrittenBy = slices.Clone(n.WrittenBy)
	}
	n.WrittenBy[i] = root
}

// othersValue reports whether another reporter than the root wrote the
// attribute.
func othersValue(n *node, i int, root resource.ID) bool {
	return n.WrittenBy != nil && n.WrittenBy[i] != 0 && n.WrittenBy[i] != root
}

// dropWriters brings WrittenBy in step with reporters that became fewer. The
// node must be a copy that the transaction may change.
func dropWriters(n *node) {
	if n.WrittenBy == nil {
		return
	}
	if len(n.Reporters) < 2 {
		n.WrittenBy = nil
		return
	}
	n.WrittenBy = slices.Clone(n.WrittenBy)
	for i, root := range n.WrittenBy {
		if !slices.Contains(n.Reporters, root) {
			n.WrittenBy[i] = 0
		}
	}
}

// writersUnder returns who wrote the attributes of another declaration of the
// resource's class.
func writersUnder(r *resource.Resource, c *resource.Class, values []resource.Value) []resource.ID {
	if r.WrittenBy == nil {
		return nil
	}
	by := make([]resource.ID, len(c.Attributes))
	for i := range by {
		if j := c.Former(i, r.Class); j >= 0 && r.Values[j] == values[i] {
			by[i] = r.WrittenBy[j]
		}
	}
	return by
}
