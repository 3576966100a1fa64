// Package dashboard writes Grafana dashboards from the charts that classes
// declare, for a data source that speaks Prometheus' query language.
package dashboard

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/faultline-storage/faultline/internal/metrics"
	"github.com/faultline-storage/faultline/internal/resource"
)

// The types below are the parts of Grafana's dashboard model (schema version 39)
// that are used here.
type (
	// Dashboard is a file that Grafana imports.
	Dashboard struct {
		UID           string     `json:"uid"`
		Title         string     `json:"title"`
		Tags          []string   `json:"tags"`
		SchemaVersion int        `json:"schemaVersion"`
		Editable      bool       `json:"editable"`
		Refresh       string     `json:"refresh"`
		Time          TimeRange  `json:"time"`
		Templating    Templating `json:"templating"`
		Panels        []Panel    `json:"panels"`
	}
	// TimeRange is what the dashboard shows at first.
	TimeRange struct {
		From string `json:"from"`
		To   string `json:"to"`
	}
	// Templating has the variables.
	Templating struct {
		List []Variable `json:"list"`
	}
	// Variable is a drop-down of the dashboard.
	Variable struct {
		Name       string      `json:"name"`
		Label      string      `json:"label"`
		Type       string      `json:"type"`
		Query      any         `json:"query"`
		Datasource *Datasource `json:"datasource,omitempty"`
		Refresh    int         `json:"refresh,omitempty"`
		Multi      bool        `json:"multi,omitempty"`
		IncludeAll bool        `json:"includeAll,omitempty"`
		AllValue   string      `json:"allValue,omitempty"`
		Sort       int         `json:"sort,omitempty"`
	}
	// Datasource is where a panel or variable reads.
	Datasource struct {
		Type string `json:"type"`
		UID  string `json:"uid"`
	}
	// Panel is a chart, or the heading of a row of them.
	Panel struct {
		ID          int          `json:"id"`
		Type        string       `json:"type"`
		Title       string       `json:"title"`
		GridPos     GridPos      `json:"gridPos"`
		Datasource  *Datasource  `json:"datasource,omitempty"`
		Targets     []Target     `json:"targets,omitempty"`
		FieldConfig *FieldConfig `json:"fieldConfig,omitempty"`
		Options     any          `json:"options,omitempty"`
		Collapsed   *bool        `json:"collapsed,omitempty"`
	}
	// GridPos is where a panel stands in the 24 columns.
	GridPos struct {
		H int `json:"h"`
		W int `json:"w"`
		X int `json:"x"`
		Y int `json:"y"`
	}
	// Target is a query of a panel.
	Target struct {
		RefID        string      `json:"refId"`
		Datasource   *Datasource `json:"datasource"`
		Expr         string      `json:"expr"`
		LegendFormat string      `json:"legendFormat"`
		Format       string      `json:"format,omitempty"`
	}
	// FieldConfig says how values look.
	FieldConfig struct {
		Defaults  FieldDefaults `json:"defaults"`
		Overrides []Override    `json:"overrides"`
	}
	// FieldDefaults is the look of all values.
	FieldDefaults struct {
		Unit string `json:"unit"`
	}
	// Override is another look for the values of one query.
	Override struct {
		Matcher    Matcher    `json:"matcher"`
		Properties []Property `json:"properties"`
	}
	// Matcher says which values.
	Matcher struct {
		ID      string `json:"id"`
		Options string `json:"options"`
	}
	// Property is one trait of the look.
	Property struct {
		ID    string `json:"id"`
		Value any    `json:"value"`
	}
)

const (
	columns = 24
	width   = 12
	height  = 8
)

var source = &Datasource{Type: "prometheus", UID: "${datasource}"}

// Of returns a dashboard with the charts of the classes, a row for each class that
// has statistics. Title is what Grafana calls it.
func Of(title string, classes []*resource.Class) Dashboard {
	d := Dashboard{
		UID: "faultline-" + slug(title), Title: title, Tags: []string{"faultline"}, SchemaVersion: 39, Editable: true, Refresh: "30s",
		Time: TimeRange{From: "now-6h", To: "now"}, Panels: []Panel{},
		Templating: Templating{List: []Variable{
			{Name: "datasource", Label: "Data source", Type: "datasource", Query: "prometheus"},
			{
				Name: "scope", Label: "Controller or host", Type: "query", Datasource: source, Refresh: 2, Multi: true, IncludeAll: true, AllValue: ".*", Sort: 1,
				Query: map[string]string{"query": `label_values({plugin=~"` + strings.Join(plugins(classes), "|") + `"}, scope)`, "refId": "scope"},
			},
			{
				Name: "name", Label: "Name", Type: "query", Datasource: source, Refresh: 2, Multi: true, IncludeAll: true, AllValue: ".*", Sort: 7,
				Query: map[string]string{"query": `label_values({plugin=~"` + strings.Join(plugins(classes), "|") + `",scope=~"$scope"}, name)`, "refId": "name"},
			},
		}},
	}
	y := 0
	for _, c := range classes {
		charts := c.DrawnCharts()
		if len(charts) == 0 {
			continue
		}
		open := false
		d.add(Panel{Type: "row", Title: c.Label() + " (" + c.FullName() + ")", GridPos: GridPos{H: 1, W: columns, Y: y}, Collapsed: &open})
		y++
		for i, chart := range charts {
			p := panel(c, chart)
			p.GridPos = GridPos{H: height, W: width, X: i % 2 * width, Y: y}
			if d.add(p); i%2 == 1 || i == len(charts)-1 {
				y += height
			}
		}
	}
	return d
}

func (d *Dashboard) add(p Panel) {
	p.ID = len(d.Panels) + 1
	d.Panels = append(d.Panels, p)
}

func panel(c *resource.Class, chart resource.Chart) Panel {
	p := Panel{Type: "timeseries", Title: chart.Title, Datasource: source, FieldConfig: &FieldConfig{Overrides: []Override{}}}
	for _, name := range chart.Series {
		i := c.Stat(name)
		if i < 0 {
			continue
		}
		s := &c.Statistics[i]
		series := fmt.Sprintf(`%s{plugin=%q,class=%q,statistic=%q,scope=~"$scope",name=~"$name"}`, metrics.SeriesName(c, s), c.Plugin, c.Name, s.Name)
		t := Target{RefID: string(rune('A' + len(p.Targets)%26)), Datasource: source, Expr: series, LegendFormat: "{{name}}"}
		if len(chart.Series) > 1 {
			t.LegendFormat += " " + s.Label()
		}
		unit := grafanaUnit(s.Unit, false)
		switch s.Kind {
		case resource.Counter:
			t.Expr = "rate(" + series + "[$__rate_interval])"
			unit = grafanaUnit(s.Unit, true)
		case resource.Histogram:
			p.Type = "heatmap"
			t.Expr, t.Format, t.LegendFormat = "sum(increase("+series+"[$__rate_interval]))", "heatmap", ""
			p.Options = map[string]any{"calculate": false, "yAxis": map[string]any{"unit": unit}, "color": map[string]any{"scheme": "Oranges", "mode": "scheme"}}
		default:
		}
		switch {
		case len(p.Targets) == 0:
			p.FieldConfig.Defaults.Unit = unit
		case unit != p.FieldConfig.Defaults.Unit:
			p.FieldConfig.Overrides = append(p.FieldConfig.Overrides, Override{
				Matcher:    Matcher{ID: "byFrameRefID", Options: t.RefID},
				Properties: []Property{{ID: "unit", Value: unit}, {ID: "custom.axisPlacement", Value: "right"}},
			})
		}
		p.Targets = append(p.Targets, t)
	}
	return p
}

// units are Grafana's names of what authors write; a rate has one of its own.
var units = map[string][2]string{
	"":        {"short", "ops"},
	"bytes":   {"bytes", "binBps"},
	"B":       {"bytes", "binBps"},
	"bytes/s": {"binBps", ""},
	"B/s":     {"binBps", ""},
	"C":       {"celsius", ""},
	"°C":      {"celsius", ""},
	"%":       {"percent", ""},
	"percent": {"percent", ""},
	"s":       {"s", "percentunit"},
	"ms":      {"ms", ""},
	"us":      {"µs", ""},
	"µs":      {"µs", ""},
	"W":       {"watt", ""},
	"V":       {"volt", ""},
	"A":       {"amp", ""},
	"rpm":     {"rotrpm", ""},
	"RPM":     {"rotrpm", ""},
}

func grafanaUnit(unit string, rate bool) string {
	u, ok := units[unit]
	if rate {
		return cmp.Or(u[1], "suffix: "+unit+"/s")
	}
	if !ok {
		return "suffix: " + unit
	}
	return u[0]
}

func plugins(classes []*resource.Class) (names []string) {
	seen := map[string]bool{}
	for _, c := range classes {
		if !seen[c.Plugin] {
			seen[c.Plugin] = true
			names = append(names, c.Plugin)
		}
	}
	return names
}

func slug(title string) string {
	return strings.Trim(strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '-'
	}, title), "-")
}
