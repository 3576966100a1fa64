package app

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/faultline-storage/faultline/internal/api"
	"github.com/faultline-storage/faultline/internal/api/gen"
	"github.com/faultline-storage/faultline/internal/resource"
)

// TestFigures reads the figures of a server by Prometheus' own rules.
func TestFigures(t *testing.T) {
	t.Parallel()
	array := &resource.Class{Plugin: "acme", Name: "Array", Bases: []string{resource.BaseScannable}}
	disk, none := &resource.Class{Plugin: "acme", Name: "Disk"}, &resource.Class{Plugin: "acme", Name: "Fan"}
	f := &selfFigures{
		classes: func() []*resource.Class { return []*resource.Class{array, disk, none} },
		count:   func(c *resource.Class) int { return map[*resource.Class]int{array: 2, disk: 7}[c] },
		members: func(*resource.Class) []*resource.Resource {
			return []*resource.Resource{{Root: &resource.RootState{Live: true}}, {Root: &resource.RootState{Offline: true}}}
		},
		seq: func() uint64 { return 1_796_000_000_500_000 }, alerts: func() [4]int { return [4]int{0, 1, 2, 3} },
		plugins: func() []api.Plugin {
			return []api.Plugin{{State: gen.Running}, {State: gen.Running}, {State: gen.Failed}}
		},
		version: "1.2.3",
	}
	registry := prometheus.NewRegistry()
	handler := figures(registry, f)
	if problems, err := testutil.GatherAndLint(registry); err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
	const want = `
# HELP faultline_alerts_active Active alerts by severity.
# TYPE faultline_alerts_active gauge
faultline_alerts_active{severity="error"} 3
faultline_alerts_active{severity="info"} 1
faultline_alerts_active{severity="warning"} 2
# HELP faultline_plugins Plugins by state.
# TYPE faultline_plugins gauge
faultline_plugins{state="failed"} 1
faultline_plugins{state="running"} 2
# HELP faultline_resources Resources of each class.
# TYPE faultline_resources gauge
faultline_resources{class="Array",plugin="acme"} 2
faultline_resources{class="Disk",plugin="acme"} 7
# HELP faultline_sessions Roots, such as controllers and what an agent reports of its host, by the state of their session.
# TYPE faultline_sessions gauge
faultline_sessions{plugin="acme",state="live"} 1
faultline_sessions{plugin="acme",state="offline"} 1
`
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want),
		"faultline_alerts_active", "faultline_plugins", "faultline_resources", "faultline_sessions"); err != nil {
		t.Error(err)
	}
	if handler == nil {
		t.Error("no handler")
	}
}
