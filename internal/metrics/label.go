package metrics

import (
	"strconv"

	"github.com/faultline-storage/faultline/internal/resource"
)

// The labels of a series, beside its name; see docs/decisions/0027-statistics.md.
const (
	LabelResource  = "resource"
	LabelName      = "name"
	LabelPlugin    = "plugin"
	LabelClass     = "class"
	LabelStatistic = "statistic"
	LabelScope     = "scope"
	LabelScopeID   = "scope_id"
	LabelUnit      = "unit"
)

// Labels calls add with each label that the series of a statistic has. The root is
// the resource that is the scope of r, or nil if there is none.
func Labels(r *resource.Resource, stat int, root *resource.Resource, add func(name, value string)) {
	s := &r.Class.Statistics[stat]
	some := func(name, value string) {
		if value != "" {
			add(name, value)
		}
	}
	add(LabelResource, IDText(r.ID))
	some(LabelName, r.Name())
	some(LabelPlugin, r.Class.Plugin)
	some(LabelClass, r.Class.Name)
	some(LabelStatistic, s.Name)
	some(LabelUnit, s.Unit)
	if r.Scope != 0 {
		add(LabelScopeID, IDText(r.Scope))
	}
	if root != nil {
		some(LabelScope, root.Name())
	}
}

// IDText is an ID as labels have it.
func IDText(id resource.ID) string { return strconv.FormatInt(int64(id), 10) }
