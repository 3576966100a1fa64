package app

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/faultline-storage/faultline/internal/api"
	"github.com/faultline-storage/faultline/internal/resource"
)

// selfFigures are what the server says of itself at /metrics. They are read from
// the stages when somebody asks.
type selfFigures struct {
	classes func() []*resource.Class
	count   func(*resource.Class) int
	members func(*resource.Class) []*resource.Resource
	seq     func() uint64
	alerts  func() [4]int
	plugins func() []api.Plugin
	version string
}

var (
	buildInfo      = prometheus.NewDesc("faultline_build_info", "The version of the server; always 1.", []string{"version"}, nil)
	resourceFigure = prometheus.NewDesc("faultline_resources", "Resources of each class.", []string{"plugin", "class"}, nil)
	alertFigure    = prometheus.NewDesc("faultline_alerts_active", "Active alerts by severity.", []string{"severity"}, nil)
	sessionFigure  = prometheus.NewDesc("faultline_sessions", "Roots, such as controllers and what an agent reports of its host, by the state of their session.", []string{"plugin", "state"}, nil)
	pluginFigure   = prometheus.NewDesc("faultline_plugins", "Plugins by state.", []string{"state"}, nil)
	positionFigure = prometheus.NewDesc("faultline_changes_position_seconds", "Position of the last change in the change log, which is about the Unix time of that change.", nil, nil)
)

// Describe implements prometheus.Collector.
func (f *selfFigures) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{buildInfo, resourceFigure, alertFigure, sessionFigure, pluginFigure, positionFigure} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (f *selfFigures) Collect(to chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	gauge(buildInfo, 1, f.version)
	gauge(positionFigure, float64(f.seq())/1e6)
	for _, c := range f.classes() {
		if n := f.count(c); n > 0 {
			gauge(resourceFigure, float64(n), c.Plugin, c.Name)
		}
	}
	active := f.alerts()
	for _, s := range []resource.Severity{resource.Info, resource.Warning, resource.Error} {
		gauge(alertFigure, float64(active[s]), s.String())
	}
	type key struct{ plugin, state string }
	sessions := map[key]int{}
	for _, c := range f.classes() {
		if !c.Root() {
			continue
		}
		for _, r := range f.members(c) {
			sessions[key{c.Plugin, sessionState(r.Root)}]++
		}
	}
	for k, n := range sessions {
		gauge(sessionFigure, float64(n), k.plugin, k.state)
	}
	plugins := map[string]int{}
	for _, p := range f.plugins() {
		plugins[string(p.State)]++
	}
	for state, n := range plugins {
		gauge(pluginFigure, float64(n), state)
	}
}

func sessionState(r *resource.RootState) string {
	switch {
	case r == nil:
		return "unknown"
	case r.Live && !r.Offline:
		return "live"
	case r.Offline:
		return "offline"
	default:
		return "starting"
	}
}

// figures answers /metrics.
func figures(registry *prometheus.Registry, f *selfFigures) http.Handler {
	registry.MustRegister(f, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{EnableOpenMetrics: true})
}
