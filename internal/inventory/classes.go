package inventory

import (
	"context"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/faultline-storage/faultline/internal/resource"
)

// SetClasses replaces the classes of a plugin by those that it declares now.
// Resources of a class that changed get its attributes: values keep their
// names, a value that the new declaration does not allow becomes the default
// or null. Where that makes another identity, the resource goes, and the next
// scan reports it anew; if it is a root that a user added, the declarations are
// refused. A class that is no longer declared keeps its resources.
//
// It returns the classes to use: an unchanged class stays the value it was. If
// any changed, the plugin's sessions are closed: their batches were made for
// the classes of before.
func (inv *Inventory) SetClasses(ctx context.Context, plugin string, classes []*resource.Class) ([]*resource.Class, error) {
	inv.write.Lock()
	defer inv.write.Unlock()
	inUse := slices.Clone(classes)
	t := inv.begin(0)
	t.classes, t.changed = maps.Clone(inv.classes), map[*resource.Class]*resource.Class{}
	unseen := map[string]*resource.Class{}
	for i, c := range classes {
		name := c.FullName()
		old := inv.classes[name]
		if old != nil && reflect.DeepEqual(old, c) {
			inUse[i] = old
			continue
		}
		t.classes[name] = c
		if old != nil {
			t.changed[old] = c
		} else if inv.unseen[name] > 0 {
			unseen[name] = c
		}
	}
	if maps.Equal(t.classes, inv.classes) {
		return inUse, nil
	}
	for old, c := range t.changed {
		for _, id := range inv.members[old] {
			n := t.edit(id)
			was := &inv.nodes.get(id).Resource
			n.Class, n.Values = c, convert(was, c)
			n.WrittenBy = writersUnder(was, c, n.Values)
		}
	}
	if err := t.show(ctx, unseen); err != nil {
		return nil, err
	}
	if err := t.dropRenamed(); err != nil {
		return nil, err
	}
	for id, n := range t.nodes.all() {
		if n != nil && !n.OwnLabel {
			t.setLabel(id, nil)
		}
	}
	t.labels()
	t.relateAfresh()
	if err := t.finish(ctx, nothing); err != nil {
		return nil, err
	}
	for name := range unseen {
		delete(inv.unseen, name)
	}
	for root := range inv.sessions {
		if inv.nodes.get(root).Class.Plugin == plugin {
			delete(inv.sessions, root)
		}
	}
	return inUse, nil
}

// dropRenamed removes the resources whose values make another identity than
// the one that they are known under.
func (t *txn) dropRenamed() error {
	var gone []resource.ID
	for id, n := range t.nodes.all() {
		if n == nil {
			continue
		}
		old := t.inv.nodes.get(id)
		sameSpace := old == nil || (old.Class.IDScope == resource.Scoped) == (n.Class.IDScope == resource.Scoped)
		if sameSpace && (n.Class.IDScope == resource.Auto || identityOf(n.Class, n.Values) == n.Identity) {
			continue
		}
		if n.Root != nil {
			return resource.Errorf(resource.Conflict, "class %s has another identifier now (%s), and resource %d (%s), which a user added, has no such identity; remove that resource and load the plugin again",
				n.Class.FullName(), strings.Join(n.Class.IDNames, ", "), id, n.Name())
		}
		gone = append(gone, id)
	}
	if len(gone) > 0 {
		t.inv.log.Warn("resources go because their class has another identifier now; the next scan reports them anew", "resources", len(gone))
		slices.Sort(gone)
		t.remove(gone...)
	}
	return nil
}

// convert returns the resource's values under another declaration of its class.
func convert(r *resource.Resource, c *resource.Class) []resource.Value {
	values := make([]resource.Value, len(c.Attributes))
	for i := range c.Attributes {
		a := &c.Attributes[i]
		v := resource.Null
		if j := r.Class.Attr(a.Name); j >= 0 && r.Class.Attributes[j].Kind == a.Kind {
			v = r.Values[j]
		}
		// A sealed password says nothing about the rules of the attribute.
		if !v.IsNull() && a.Kind != resource.Password && a.Check(v) != nil {
			v = resource.Null
		}
		if v.IsNull() && !a.Optional {
			v = a.Default
		}
		values[i] = v
	}
	return values
}

// Classes returns the known classes, by plugin and name.
func (inv *Inventory) Classes() []*resource.Class {
	inv.mu.RLock()
	defer inv.mu.RUnlock()
	return slices.SortedFunc(maps.Values(inv.classes), func(a, b *resource.Class) int {
		if c := strings.Compare(a.Plugin, b.Plugin); c != 0 {
			return c
		}
		return strings.Compare(a.Name, b.Name)
	})
}

// Class returns the class, or nil.
func (inv *Inventory) Class(plugin, name string) *resource.Class {
	inv.mu.RLock()
	defer inv.mu.RUnlock()
	return inv.classes[plugin+"."+name]
}

// Count is the number of resources of exactly this class.
func (inv *Inventory) Count(c *resource.Class) int {
	inv.mu.RLock()
	defer inv.mu.RUnlock()
	return len(inv.members[c])
}
