package inventory

import (
	"slices"

	"github.com/faultline-storage/faultline/internal/resource"
)

// anyOf are conditions on one attribute, of which one must hold.
type anyOf struct {
	attribute int  // its index in the class; -1 for the name
	equal     bool // they ask what the value is equal to
	fit       []func(resource.Value) bool
}

// theName is what conditions on the name are about.
var theName = resource.Attribute{Name: "name", Kind: resource.String}

// newWhere returns what tells whether a resource of some classes fits conditions.
func newWhere(where []resource.Predicate, of among, known map[string]*resource.Class, names func(resource.ID) string) (func(*resource.Resource) bool, error) {
	byClass := map[*resource.Class][]anyOf{}
	missing := map[string]bool{} // attributes that no class has
	for i := range where {
		missing[where[i].Attribute] = where[i].Attribute != theName.Name
	}
	asked := false
	for _, c := range known {
		if !of.has(c) {
			continue
		}
		asked = true
		for i := range where {
			if c.Attr(resource.AttributeName(where[i].Attribute)) >= 0 {
				missing[where[i].Attribute] = false
			}
		}
		all, err := whereOf(where, c, names)
		if err != nil {
			return nil, err
		}
		if all != nil {
			byClass[c] = all
		}
	}
	for i := range where {
		if asked && missing[where[i].Attribute] {
			return nil, resource.FieldErrorf("where", "%q is no attribute of these resources", resource.AttributeName(where[i].Attribute))
		}
	}
	return func(r *resource.Resource) bool {
		all, ok := byClass[r.Class]
		if !ok {
			return false
		}
		for i := range all {
			var v resource.Value
			if all[i].attribute < 0 {
				v = resource.StringValue(r.Name())
			} else {
				v = r.Values[all[i].attribute]
			}
			if !slices.ContainsFunc(all[i].fit, func(fits func(resource.Value) bool) bool { return fits(v) }) {
				return false
			}
		}
		return true
	}, nil
}

// whereOf returns the conditions for one class, nil if it lacks an attribute.
func whereOf(where []resource.Predicate, c *resource.Class, names func(resource.ID) string) (all []anyOf, err error) {
	for i := range where {
		w := &where[i]
		at, a := -1, &theName
		if w.Attribute != theName.Name {
			if at = c.Attr(resource.AttributeName(w.Attribute)); at < 0 {
				return nil, nil
			}
			a = &c.Attributes[at]
		}
		fits, err := w.Matcher(a, names)
		if err != nil {
			return nil, err
		}
		equal := w.Op == resource.Equal
		same := slices.IndexFunc(all, func(o anyOf) bool { return equal && o.equal && o.attribute == at })
		if same < 0 {
			all = append(all, anyOf{attribute: at, equal: equal})
			same = len(all) - 1
		}
		all[same].fit = append(all[same].fit, fits)
	}
	return all, nil
}
