package history

import (
	"strconv"
	"strings"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/faultline-storage/faultline/internal/resource"
)

// The labels of a series, beside its name.
const (
	labelResource  = "resource"
	labelName      = "name"
	labelPlugin    = "plugin"
	labelClass     = "class"
	labelStatistic = "statistic"
	labelScope     = "scope"
	labelScopeID   = "scope_id"
	labelUnit      = "unit"
)

// MetricName is what the series of a class's statistic are called:
// plugin_class_statistic in small letters, digits and single underscores, with
// _total for a counter. Two statistics may fold to one name; their labels tell
// them apart.
func MetricName(c *resource.Class, s *resource.Statistic) string {
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

// selector are the labels that all series of a statistic of a resource have,
// under whichever names the resource went.
func selector(r *resource.Resource, stat int) []*labels.Matcher {
	s := &r.Class.Statistics[stat]
	equal := func(name, value string) *labels.Matcher { return labels.MustNewMatcher(labels.MatchEqual, name, value) }
	return []*labels.Matcher{
		equal(labels.MetricName, MetricName(r.Class, s)), equal(labelResource, idText(r.ID)),
		equal(labelStatistic, s.Name), equal(labelUnit, s.Unit),
	}
}

// labelsOf are the labels of the series of a statistic.
func (d *DB) labelsOf(r *resource.Resource, stat int) labels.Labels {
	s := &r.Class.Statistics[stat]
	d.builder.Reset()
	add := func(name, value string) {
		if value != "" {
			d.builder.Add(name, value)
		}
	}
	add(labels.MetricName, MetricName(r.Class, s))
	add(labelResource, idText(r.ID))
	add(labelName, r.Name())
	add(labelPlugin, r.Class.Plugin)
	add(labelClass, r.Class.Name)
	add(labelStatistic, s.Name)
	add(labelUnit, s.Unit)
	if r.Scope != 0 {
		add(labelScopeID, idText(r.Scope))
		if root := d.get(r.Scope); root != nil {
			add(labelScope, root.Name())
		}
	}
	d.builder.Sort()
	return d.builder.Labels()
}

func idText(id resource.ID) string { return strconv.FormatInt(int64(id), 10) }
