package api_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/faultline-storage/faultline/internal/api"
	"github.com/faultline-storage/faultline/internal/api/apitest"
	"github.com/faultline-storage/faultline/internal/api/gen"
	"github.com/faultline-storage/faultline/internal/resource"
)

func TestGraph(t *testing.T) {
	s, _ := newServer(t)
	for query, want := range map[string]struct {
		nodes     string // id:depth
		edges     string
		truncated bool
	}{
		"4/graph":                      {"4:0 2:-1 5:1 6:2", "2>4 4>5 5>6", false},
		"4/graph?direction=up":         {"4:0 2:-1", "2>4", false},
		"4/graph?direction=down":       {"4:0 5:1 6:2", "4>5 5>6", false},
		"2/graph?direction=down":       {"2:0 3:1 4:1 5:2 6:3", "2>3 2>4 3>5 4>5 5>6", false},
		"2/graph?depth=1":              {"2:0 3:1 4:1", "2>3 2>4", false},
		"2/graph?limit=2":              {"2:0 3:1 4:1", "2>3 2>4", true},
		"1/graph":                      {"1:0", "", false},
		"6/graph?nearest=PhysicalDisk": {"6:0 5:-1 3:-2 4:-2", "5>6 3>5 4>5", false},
		"2/graph?nearest=acme.Lun":     {"2:0 3:1 5:2 6:3", "2>3 3>5 5>6", false},
		"6/graph?direction=up&depth=0": {"6:0 5:-1 3:-2 4:-2 2:-3", "5>6 3>5 4>5 2>3 2>4", false},
	} {
		g := get[gen.Graph](t, s, "/resources/"+query)
		var nodes, edges string
		for _, n := range g.Nodes {
			nodes += fmt.Sprintf(" %d:%d", n.ID, n.Depth)
		}
		for _, e := range g.Edges {
			edges += fmt.Sprintf(" %d>%d", e.Parent, e.Child)
		}
		if nodes != " "+want.nodes || edges != "" && edges != " "+want.edges || edges == "" && want.edges != "" || g.Truncated != want.truncated {
			t.Errorf("%s: nodes%s edges%s truncated %v, want %v", query, nodes, edges, g.Truncated, want)
		}
	}
}

func TestImpact(t *testing.T) {
	s, w := newServer(t)
	im := get[gen.Impact](t, s, "/resources/2/impact")
	var got []string
	for _, it := range im.Items {
		got = append(got, fmt.Sprintf("%s %d %v %d", it.Resource.Name, it.Resource.Depth, it.Path, it.Depth))
	}
	want := []string{"Drive 1 1 [2 3] 1", "Drive 2 1 [2 4] 1", "Pool 0 2 [2 3 5] 2", "scratch 3 [2 3 5 6] 3"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("items: -want +got:\n%s", d)
	}
	if d := cmp.Diff(gen.Counts{"acme.HardDrive": 2, "acme.RaidPool": 1, "acme.Lun": 1}, im.Counts); d != "" {
		t.Errorf("counts: -want +got:\n%s", d)
	}
	if im.Total != 4 || im.Truncated || len(im.Filesystems) != 0 || im.Resource.ID != 2 {
		t.Errorf("%+v", im)
	}
	if im = get[gen.Impact](t, s, "/resources/2/impact?limit=1"); len(im.Items) != 1 || im.Total != 4 || !im.Truncated || im.Counts["acme.Lun"] != 1 {
		t.Errorf("limit=1: %+v", im)
	}
	if im = get[gen.Impact](t, s, "/resources/6/impact"); len(im.Items) != 0 || im.Total != 0 {
		t.Errorf("of a leaf: %+v", im)
	}
	// A file system is named as such.
	fs := &resource.Class{Plugin: "fs", Name: "Scratch", Bases: []string{"FileSystem", "Resource"}}
	fs.Index()
	w.AddClass(fs)
	w.CreateOf(fs, apitest.Couplet, "/scratch", []resource.ID{apitest.Lun})
	if im = get[gen.Impact](t, s, "/resources/4/impact"); len(im.Filesystems) != 1 || im.Filesystems[0].Name != "/scratch" {
		t.Errorf("file systems: %+v", im.Filesystems)
	}
}

func TestCauses(t *testing.T) {
	s, w := newServer(t)
	items := func(query string) (out []string) {
		t.Helper()
		c := get[gen.Causes](t, s, "/resources/"+query)
		for _, it := range c.Items {
			out = append(out, fmt.Sprintf("%s %v %d alerts", it.Resource.Name, it.Path, len(it.Alerts)))
		}
		if c.Total < len(c.Items) || c.Truncated != (c.Total > len(c.Items)) {
			t.Errorf("%s: total %d of %d, truncated %v", query, c.Total, len(c.Items), c.Truncated)
		}
		return out
	}
	check := func(query string, want ...string) {
		t.Helper()
		if d := cmp.Diff(want, items(query)); d != "" {
			t.Errorf("%s: -want +got:\n%s", query, d)
		}
	}
	check("6/causes", "Drive 2 [6 5 4] 1 alerts")
	check("3/causes")
	check("3/causes?all=true", "Enclosure 1 [3 2] 0 alerts")
	check("4/causes", "Drive 2 [4] 1 alerts")

	w.Raise(apitest.Enclosure, resource.Warning, "x", "number", "Door open")
	w.Raise(apitest.Pool, resource.Warning, "y", "local_id", "Degraded")
	w.Raise(apitest.Drive2, resource.Info, "z", "slot", "Note")
	check("6/causes", "Drive 2 [6 5 4] 2 alerts", "Pool 0 [6 5] 1 alerts", "Enclosure 1 [6 5 3 2] 1 alerts")
	check("6/causes?limit=1", "Drive 2 [6 5 4] 2 alerts")
	check("6/causes?all=true", "Drive 2 [6 5 4] 2 alerts", "Pool 0 [6 5] 1 alerts", "Enclosure 1 [6 5 3 2] 1 alerts", "Drive 1 [6 5 3] 0 alerts")

	r := get[gen.Resource](t, s, "/resources/6")
	if len(r.InheritedAlerts) != 4 || r.InheritedAlerts[0].Severity != gen.AlertSeverityError || r.Health != gen.SeverityError {
		t.Errorf("inherited: %+v", r.InheritedAlerts)
	}
}

func TestStaleRoot(t *testing.T) {
	s, w := newServer(t)
	for _, tt := range []struct {
		root  resource.RootState
		state gen.SessionStateState
		stale bool
	}{
		{resource.RootState{}, gen.Connecting, true},
		{resource.RootState{Live: true}, gen.Live, false},
		{resource.RootState{Live: true, Offline: true}, gen.Live, false},
		{resource.RootState{Offline: true, Error: "connection refused", NextTry: apitest.Start, Incomplete: []string{"bay 3"}}, gen.Offline, true},
		{resource.RootState{Error: "bad password"}, gen.Offline, true},
	} {
		w.SetRoot(apitest.Couplet, tt.root)
		r := get[gen.Resource](t, s, "/resources/1")
		if r.Session.State != tt.state || r.Session.Error != tt.root.Error || r.Stale != tt.stale || (r.Session.NextTry == nil) != tt.root.NextTry.IsZero() {
			t.Errorf("%+v: session %+v, stale %v", tt.root, r.Session, r.Stale)
		}
		if n := get[gen.Graph](t, s, "/resources/6/graph").Nodes[0]; n.Stale != tt.stale {
			t.Errorf("%+v: node stale %v", tt.root, n.Stale)
		}
	}
}

// TestWideGraph keeps the answers about a large graph within sight of the walk
// itself.
func TestWideGraph(t *testing.T) {
	w := apitest.New()
	c := w.Classes()[4]
	const n = 20_000
	for i := range n {
		w.CreateOf(c, apitest.Couplet, fmt.Sprint("lun ", i), []resource.ID{apitest.Pool}, resource.IntValue(int64(i)), resource.StringValue("x"), resource.Null)
	}
	s := api.New(w.Options())
	begin := time.Now()
	im := get[gen.Impact](t, s, "/resources/5/impact")
	t.Logf("impact over %d: %v", im.Total, time.Since(begin))
	if im.Total != n+1 || len(im.Items) != 1000 || !im.Truncated {
		t.Errorf("total %d, %d items", im.Total, len(im.Items))
	}
}
