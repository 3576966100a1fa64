package inventory_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/faultline-storage/faultline/internal/inventory"
	"github.com/faultline-storage/faultline/internal/resource"
)

// explain shows an explanation as lines.
func (w *world) explain(a, b string) []string {
	w.t.Helper()
	ids := map[string]resource.ID{}
	page, err := w.inv.List(resource.Query{})
	if err != nil {
		w.t.Fatal(err)
	}
	names := map[resource.ID]string{}
	for _, r := range page.Items {
		ids[r.Values[0].String()], names[r.ID] = r.ID, r.Values[0].String()
	}
	e, err := w.inv.Explain(ids[a], ids[b])
	if err != nil {
		w.t.Fatal(err)
	}
	var out []string
	attrs := func(list []resource.Comparison) (s string) {
		for _, c := range list {
			s += fmt.Sprintf(" %s %q %q %v", c.Name, c.Provider, c.Subscriber, c.Difference)
		}
		return s
	}
	match := func(m resource.RelationMatch) string {
		return fmt.Sprintf("%s provides %s as %s says:%s", names[m.Provider.ID], names[m.Subscriber.ID], m.Class.Name, attrs(m.Attributes))
	}
	for _, s := range e.Steps {
		line := names[s.Parent.ID] + " affects " + names[s.Child.ID]
		for _, root := range s.Roots {
			line += " by " + names[root]
		}
		out = append(out, line)
		for _, m := range s.Matches {
			out = append(out, match(m))
		}
	}
	for _, m := range e.Misses {
		line := "not " + match(m)
		for i, id := range m.Cycle {
			line += []string{" → ", "; cycle "}[btoi(i == 0)] + names[id]
		}
		out = append(out, line)
		for _, n := range m.Near {
			side := "subscriber"
			if n.Provides {
				side = "provider"
			}
			out = append(out, "near "+side+" "+names[n.Resource.ID]+attrs(n.Attributes))
		}
	}
	return out
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func TestExplain(t *testing.T) {
	lun, dev := linked()
	node := class("Node", "DeviceNode", resource.Scoped, "id", "id")
	w := newWorld(t, lun, dev, node)
	w.root("a")
	w.root("b")
	w.scan("a", "put Lun l1 serial=600A", "put Lun l2 serial=600B wwn=w", "put Lun l3 serial=600A", "put Lun l4")
	w.scan("b", "put Dev d1 serial=600A", "put Dev d2 serial=600a", "put Dev d3 wwn=w", "put Dev d4 serial=:600B", "put Dev d5 serial=zzz",
		"put Node n < d1", "put Node far < n", "put Lun l1 serial=600A", "put Node m < l1")
	for _, tt := range []struct {
		a, b string
		want []string
	}{
		{"d1", "l1", []string{
			"l1 affects d1", `l1 provides d1 as Lun says: serial "600A" "600A" same`,
			`not d1 provides l1 as Dev says: wwn "" "" null`,
		}},
		{"m", "l1", []string{"l1 affects m by b"}},
		{"far", "l3", []string{
			"l3 affects d1", `l3 provides d1 as Lun says: serial "600A" "600A" same`,
			"d1 affects n by b", "n affects far by b",
		}},
		{"l1", "d2", []string{
			`not l1 provides d2 as Lun says: serial "600A" "600a" case`,
			`near subscriber d1 serial "600A" "600A" same`,
			`near provider l3 serial "600A" "600a" case`,
			`not d2 provides l1 as Dev says: wwn "" "" null`,
		}},
		{"l2", "d4", []string{
			`not l2 provides d4 as Lun says: serial "600B" ":600B" punctuation`,
			`not d4 provides l2 as Dev says: wwn "" "w" null`,
			`near provider d3 wwn "w" "w" same`,
		}},
		{"l4", "d5", []string{
			`not l4 provides d5 as Lun says: serial "" "zzz" null`,
			`not d5 provides l4 as Dev says: wwn "" "" null`,
		}},
		{"n", "l4", nil},
	} {
		t.Run(tt.a+" "+tt.b, func(t *testing.T) {
			if got := w.explain(tt.a, tt.b); !slices.Equal(got, tt.want) {
				t.Errorf("got\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(tt.want, "\n  "))
			}
		})
	}
	if _, err := w.inv.Explain(1, 1); resource.KindOf(err) != resource.Invalid {
		t.Errorf("itself: %v", err)
	}
	if _, err := w.inv.Explain(1, 999); resource.KindOf(err) != resource.NotFound {
		t.Errorf("nothing: %v", err)
	}
}

func TestExplainAMatchThatWouldCloseACycle(t *testing.T) {
	lun, dev := linked()
	w := newWorld(t, lun, dev)
	w.root("a")
	w.scan("a", "put Dev d serial=1", "put Lun mid < d", "put Lun l serial=1 < mid")
	want := []string{
		"d affects mid by a", "mid affects l by a",
		`not l provides d as Lun says: serial "1" "1" same; cycle d → mid → l`,
		`not d provides l as Dev says: wwn "" "" null`,
	}
	if got := w.explain("l", "d"); !slices.Equal(got, want) {
		t.Errorf("got\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

func TestExplainFindsAMatchBeyondTheBound(t *testing.T) {
	defer inventory.SearchAtMost(3)()
	lun, dev := linked()
	w := newWorld(t, lun, dev)
	w.root("a")
	w.scan("a", "put Lun l serial=S600A", "put Dev d1 serial=1", "put Dev d2 serial=2", "put Dev d3 serial=s600a", "put Dev d4 serial=s600a", "put Dev d5 serial=S600A")
	want := []string{
		`not l provides d1 as Lun says: serial "S600A" "1" other`,
		`near subscriber d5 serial "S600A" "S600A" same`,
		`near subscriber d3 serial "S600A" "s600a" case`,
		`not d1 provides l as Dev says: wwn "" "" null`,
	}
	if got := w.explain("l", "d1"); !slices.Equal(got, want) {
		t.Errorf("got\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}
