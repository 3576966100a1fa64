package history

import (
	"strconv"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/faultline-storage/faultline/internal/metrics"
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

// selector are the labels that all series of a statistic of a resource have,
// under whichever names the resource went.
func selector(r *resource.Resource, stat int) []*labels.Matcher {
	s := &r.Class.Statistics[stat]
	equal := func(name, value string) *labels.Matcher { return labels.MustNewMatcher(labels.MatchEqual, name, value) }
	return []*labels.Matcher{
		equal(model.MetricNameLabel, metrics.SeriesName(r.Class, s)), equal(labelResource, idText(r.ID)),
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
	add(model.MetricNameLabel, metrics.SeriesName(r.Class, s))
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
