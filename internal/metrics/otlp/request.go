package otlp

import (
	"math"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	otelresource "go.opentelemetry.io/otel/sdk/resource"

	"github.com/faultline-storage/faultline/internal/metrics"
	"github.com/faultline-storage/faultline/internal/resource"
)

// point is a sample, with the resource as it was when the sample was recorded and
// the root that is its scope, or nil.
type point struct {
	resource.Sample
	of, root *resource.Resource
}

// ucum are units as OpenTelemetry writes them. What stands not here has only its
// label.
var ucum = map[string]string{
	"bytes": "By", "B": "By", "bytes/s": "By/s", "B/s": "By/s",
	"h": "h", "s": "s", "ms": "ms", "us": "us", "usecs": "us",
	"C": "Cel", "K": "K", "%": "%", "V": "V", "W": "W",
}

// request has a metric for each statistic of a class.
func request(points []point) *metricdata.ResourceMetrics {
	type statistic struct {
		class *resource.Class
		index int
	}
	var order []statistic
	of := make(map[statistic][]point)
	for _, p := range points {
		s := statistic{p.of.Class, p.Stat}
		if of[s] == nil {
			order = append(order, s)
		}
		of[s] = append(of[s], p)
	}
	all := make([]metricdata.Metrics, len(order))
	for i, s := range order {
		st := &s.class.Statistics[s.index]
		all[i] = metricdata.Metrics{Name: metrics.SeriesName(s.class, st), Unit: ucum[st.Unit], Data: aggregation(st, of[s])}
	}
	return &metricdata.ResourceMetrics{
		Resource:     otelresource.NewSchemaless(attribute.String("service.name", "faultline")),
		ScopeMetrics: []metricdata.ScopeMetrics{{Scope: instrumentation.Scope{Name: "faultline"}, Metrics: all}},
	}
}

// aggregation has the samples of a statistic. Since when a device counts is not
// known; the zero start time says so.
func aggregation(st *resource.Statistic, points []point) metricdata.Aggregation {
	if st.Kind == resource.Histogram {
		b := metrics.BucketsOf(st.Bins)
		h := metricdata.Histogram[float64]{Temporality: metricdata.CumulativeTemporality}
		for i := range points {
			// What the observed values amount to is not known.
			d := metricdata.HistogramDataPoint[float64]{
				Attributes: attributes(&points[i]), Time: points[i].Time, Sum: math.NaN(), Bounds: b.Bounds, BucketCounts: b.Counts(points[i].Bins),
			}
			for _, n := range d.BucketCounts {
				d.Count += n
			}
			h.DataPoints = append(h.DataPoints, d)
		}
		return h
	}
	values := make([]metricdata.DataPoint[float64], len(points))
	for i := range points {
		values[i] = metricdata.DataPoint[float64]{Attributes: attributes(&points[i]), Time: points[i].Time, Value: points[i].Value}
	}
	if st.Kind == resource.Counter {
		return metricdata.Sum[float64]{Temporality: metricdata.CumulativeTemporality, IsMonotonic: true, DataPoints: values}
	}
	return metricdata.Gauge[float64]{DataPoints: values}
}

func attributes(p *point) attribute.Set {
	var all []attribute.KeyValue
	metrics.Labels(p.of, p.Stat, p.root, func(name, value string) { all = append(all, attribute.String(name, value)) })
	return attribute.NewSet(all...)
}
