package history

import (
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/faultline-storage/faultline/internal/metrics"
	"github.com/faultline-storage/faultline/internal/resource"
)

// selector are the labels that all series of a statistic of a resource have,
// under whichever names the resource went.
func selector(r *resource.Resource, stat int) []*labels.Matcher {
	s := &r.Class.Statistics[stat]
	equal := func(name, value string) *labels.Matcher { return labels.MustNewMatcher(labels.MatchEqual, name, value) }
	return []*labels.Matcher{
		equal(model.MetricNameLabel, metrics.SeriesName(r.Class, s)), equal(metrics.LabelResource, metrics.IDText(r.ID)),
		equal(metrics.LabelStatistic, s.Name), equal(metrics.LabelUnit, s.Unit),
	}
}

// labelsOf are the labels of the series of a statistic.
func (d *DB) labelsOf(r *resource.Resource, stat int) labels.Labels {
	d.builder.Reset()
	d.builder.Add(model.MetricNameLabel, metrics.SeriesName(r.Class, &r.Class.Statistics[stat]))
	metrics.Labels(r, stat, d.get(r.Scope), d.builder.Add)
	d.builder.Sort()
	return d.builder.Labels()
}
