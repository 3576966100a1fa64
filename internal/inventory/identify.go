package inventory

import (
	"maps"
	"slices"
	"strconv"

	"github.com/faultline-storage/faultline/internal/resource"
)

// identified reports whether the named identifying attributes of a resource
// have the given values, as text.
func identified(r *resource.Resource, want map[string]string, names func(resource.ID) string) bool {
	for name, text := range want {
		i := r.Class.Attr(name)
		if i < 0 || !slices.Contains(r.Class.IDAttrs(), i) || r.Class.Attributes[i].Kind == resource.Password {
			return false
		}
		v := r.Values[i]
		if target, ok := v.Ref(); ok {
			if text != strconv.FormatInt(target, 10) && text != names(resource.ID(target)) {
				return false
			}
		} else if text != v.String() {
			return false
		}
	}
	return true
}

// checkIdentifier refuses a name that identifies no resource of any class.
func checkIdentifier(want map[string]string, classes map[string]*resource.Class) error {
	for _, name := range slices.Sorted(maps.Keys(want)) {
		known := false
		for _, c := range classes {
			known = known || slices.Contains(c.IDNames, name)
		}
		if !known {
			return resource.FieldErrorf("identifier", "no class is identified by an attribute %s", name)
		}
	}
	return nil
}
