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
// or null. A class that is no longer declared keeps its resources.
//
// It returns the classes to use: an unchanged class stays the value it was.
func (inv *Inventory) SetClasses(ctx context.Context, plugin string, classes []*resource.Class) ([]*resource.Class, error) {
	inv.write.Lock()
	defer inv.write.Unlock()
	inUse := make([]*resource.Class, len(classes))
	changed := map[*resource.Class]*resource.Class{}
	added := false
	for i, c := range classes {
		old := inv.classes[c.FullName()]
		switch {
		case old == nil:
			inUse[i], added = c, true
		case reflect.DeepEqual(old, c):
			inUse[i] = old
		default:
			inUse[i], changed[old] = c, c
		}
	}
	if !added && len(changed) == 0 {
		return inUse, nil
	}
	t := inv.begin(0)
	for old, c := range changed {
		for _, id := range inv.members[old] {
			n, e := t.edit(id)
			n.Class, n.Values = c, convert(inv.nodes[id].Resource, c)
			e.row, e.name = true, true
			if !n.OwnLabel {
				n.Label = t.defaultLabel(n)
			}
		}
	}
	if err := t.finish(ctx); err != nil {
		return nil, err
	}
	inv.mu.Lock()
	for _, c := range inUse {
		inv.classes[c.FullName()] = c
	}
	for old, c := range changed {
		inv.members[c] = inv.members[old]
		delete(inv.members, old)
		for _, id := range inv.members[c] {
			n := inv.nodes[id]
			delete(inv.identity, keyOf(old, n.Scope, n.Identity))
			inv.identity[n.key()] = id
		}
	}
	inv.setRules()
	inv.mu.Unlock()
	return inUse, inv.relateAll(ctx)
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
