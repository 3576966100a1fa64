package dashboard_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/faultline-storage/faultline/internal/metrics/dashboard"
	"github.com/faultline-storage/faultline/internal/resource"
)

func lun() *resource.Class {
	c := &resource.Class{Plugin: "acme", Name: "Lun", OwnLabel: "LUN", Statistics: []resource.Statistic{
		{Name: "read_bytes_per_sec", Kind: resource.Gauge, Unit: "bytes/s"},
		{Name: "write_bytes_per_sec", Kind: resource.Gauge, Unit: "bytes/s"},
		{Name: "temperature", Kind: resource.Gauge, Unit: "C"},
		{Name: "reads", Kind: resource.Counter},
		{Name: "sizes", Kind: resource.Histogram, Unit: "bytes", Bins: [][]int64{{0, 512}, {513}}},
	}}
	c.Index()
	return c
}

type query struct{ Type, Expr, Unit string }

// queries are the first query of each panel, with its unit.
func queries(d dashboard.Dashboard) (out []query) {
	for _, p := range d.Panels {
		q := query{Type: p.Type}
		if len(p.Targets) > 0 {
			q.Expr, q.Unit = p.Targets[0].Expr, p.FieldConfig.Defaults.Unit
		}
		out = append(out, q)
	}
	return out
}

// TestOf: the guide's own example of a chart, beside statistics without one.
func TestOf(t *testing.T) {
	t.Parallel()
	c := lun()
	which := `{plugin="acme",class="Lun",statistic="NAME",scope=~"$scope",name=~"$name"}`
	of := func(name string) string { return strings.ReplaceAll(which, "NAME", name) }
	d := dashboard.Of("Faultline", []*resource.Class{c, {Plugin: "acme", Name: "Rack"}})
	if diff := cmp.Diff([]query{
		{"row", "", ""},
		{"timeseries", "acme_lun_read_bytes_per_sec" + of("read_bytes_per_sec"), "binBps"},
		{"timeseries", "acme_lun_write_bytes_per_sec" + of("write_bytes_per_sec"), "binBps"},
		{"timeseries", "acme_lun_temperature" + of("temperature"), "celsius"},
		{"timeseries", "rate(acme_lun_reads_total" + of("reads") + "[$__rate_interval])", "ops"},
		{"heatmap", "sum(increase(acme_lun_sizes" + of("sizes") + "[$__rate_interval]))", "bytes"},
	}, queries(d)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	c.Charts = []resource.Chart{{Title: "Bandwidth", Series: []string{"read_bytes_per_sec", "write_bytes_per_sec"}}, {Title: "Both", Series: []string{"temperature", "reads"}}}
	d = dashboard.Of("Faultline", []*resource.Class{c})
	if len(d.Panels) != 3 || len(d.Panels[1].Targets) != 2 || len(d.Panels[1].FieldConfig.Overrides) != 0 || d.Panels[1].Title != "Bandwidth" {
		t.Errorf("one unit: %+v", d.Panels)
	}
	if o := d.Panels[2].FieldConfig.Overrides; len(o) != 1 || o[0].Matcher.Options != "B" || o[0].Properties[0].Value != "ops" {
		t.Errorf("two units: %+v", o)
	}
	ids, cells := map[int]bool{}, map[[2]int]bool{}
	for _, p := range d.Panels {
		at := [2]int{p.GridPos.X, p.GridPos.Y}
		if ids[p.ID] || cells[at] {
			t.Errorf("panel %q has the place or the number of another one", p.Title)
		}
		ids[p.ID], cells[at] = true, true
	}
	if _, err := json.Marshal(d); err != nil {
		t.Error(err)
	}
}

func TestUnitsThatGrafanaDoesNotKnow(t *testing.T) {
	t.Parallel()
	c := &resource.Class{Plugin: "p", Name: "C", Statistics: []resource.Statistic{
		{Name: "a", Kind: resource.Gauge, Unit: "furlongs"}, {Name: "b", Kind: resource.Counter, Unit: "furlongs"},
	}}
	c.Index()
	d := dashboard.Of("x", []*resource.Class{c})
	if a, b := d.Panels[1].FieldConfig.Defaults.Unit, d.Panels[2].FieldConfig.Defaults.Unit; a != "suffix: furlongs" || b != "suffix: furlongs/s" {
		t.Errorf("got %q and %q", a, b)
	}
}
