package metrics

import (
	"strings"

	"github.com/faultline-storage/faultline/internal/resource"
)

// SeriesName is what the series of a class's statistic are called:
// plugin_class_statistic in small letters, digits and single underscores, with
// _total for a counter. Two statistics may fold to one name; their labels tell
// them apart.
func SeriesName(c *resource.Class, s *resource.Statistic) string {
	name := fold(c.Plugin) + "_" + fold(c.Name) + "_" + fold(s.Name)
	if name[0] >= '0' && name[0] <= '9' {
		name = "_" + name
	}
	if s.Kind == resource.Counter && !strings.HasSuffix(name, "_total") {
		name += "_total"
	}
	return name
}

// fold turns a name of an author, such as ObjectStoreTarget, into one of
// PromQL's, object_store_target.
func fold(name string) string {
	b := make([]byte, 0, len(name)+8)
	lower := false // the last one was a small letter or a digit
	for i := range len(name) {
		c := name[i]
		switch {
		case c >= 'A' && c <= 'Z':
			next := i+1 < len(name) && name[i+1] >= 'a' && name[i+1] <= 'z'
			if len(b) > 0 && b[len(b)-1] != '_' && (lower || next) {
				b = append(b, '_')
			}
			b, lower = append(b, c+'a'-'A'), false
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
			b, lower = append(b, c), true
		default:
			if len(b) > 0 && b[len(b)-1] != '_' {
				b = append(b, '_')
			}
			lower = false
		}
	}
	if b := strings.TrimSuffix(string(b), "_"); b != "" {
		return b
	}
	return "_"
}
