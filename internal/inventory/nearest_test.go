package inventory_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/faultline-storage/faultline/internal/resource"
)

func TestNearest(t *testing.T) {
	pool := class("Pool", "StoragePool", resource.Scoped, "id", "id")
	w := newWorld(t, disk(), pool)
	w.root("a")
	w.scan("a", "put Disk d0", "put Disk d1 < d0", "put Pool p1 < d1", "put Pool p2 < p1", "put Disk d2 < d0", "put Pool p3 < d2 d1", "put Pool p4 < d0 p2")
	id := map[string]resource.ID{}
	page, err := w.inv.List(resource.Query{})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range page.Items {
		id[r.Values[0].String()] = r.ID
	}
	for _, tt := range []struct {
		start string
		dir   resource.Direction
		class string
		limit int
		want  string
	}{
		{"d0", resource.Down, "Pool", 0, "d0 p4 d1 p1 p3"}, // p2 is behind p1
		{"d0", resource.Down, "Pool", 2, "d0 p4 d1 p1, cut"},
		{"p1", resource.Down, "Pool", 0, "p1 p2"}, // the start does not count
		{"p2", resource.Up, "Disk", 0, "p2 p1 d1"},
		{"p4", resource.Up, "Disk", 0, "p4 d0 p2 p1 d1"},
		{"d0", resource.Up, "Disk", 0, ""},
	} {
		steps, cut := w.inv.Nearest(id[tt.start], tt.dir, 0, tt.limit, func(c *resource.Class) bool { return c.Name == tt.class })
		var got []string
		for _, s := range steps {
			got = append(got, s.Resource.Values[0].String())
		}
		text := strings.Join(got, " ")
		if cut {
			text += ", cut"
		}
		if text != tt.want {
			t.Errorf("%s of %s: %s, want %s", tt.class, tt.start, text, tt.want)
		}
	}
}

// TestNearestAgainstAllPaths compares with what every path says.
func TestNearestAgainstAllPaths(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		pool := class("Pool", "StoragePool", resource.Scoped, "id", "id")
		w := newWorld(t, disk(), pool)
		w.root("a")
		n := rapid.IntRange(2, 9).Draw(rt, "n")
		names, edges := make([]string, n), make([][]int, n)
		var lines []string
		for i := range n {
			c := rapid.SampledFrom([]string{"Disk", "Pool"}).Draw(rt, "class")
			names[i] = fmt.Sprint(c, i)
			line := "put " + c + " " + names[i] + " <"
			for k := range i {
				if rapid.Bool().Draw(rt, "edge") {
					edges[i] = append(edges[i], k)
					line += " " + names[k]
				}
			}
			lines = append(lines, strings.TrimSuffix(line, " <"))
		}
		w.scan("a", lines...)
		want := map[string]bool{}
		var walk func(i int, first bool)
		walk = func(i int, first bool) {
			if !first && strings.HasPrefix(names[i], "Pool") {
				want[names[i]] = true
				return
			}
			for _, p := range edges[i] {
				walk(p, false)
			}
		}
		walk(n-1, true)
		page, err := w.inv.List(resource.Query{Identifier: map[string]string{"id": names[n-1]}})
		if err != nil {
			rt.Fatal(err)
		}
		steps, cut := w.inv.Nearest(page.Items[0].ID, resource.Up, 0, 0, func(c *resource.Class) bool { return c.Name == "Pool" })
		if cut {
			rt.Fatal("cut")
		}
		before := map[resource.ID]bool{}
		for i, s := range steps {
			name := s.Resource.Values[0].String()
			if i > 0 && (!before[s.Via] || !slices.Contains(s.Resource.Children, s.Via)) {
				rt.Fatalf("%s comes from %d, which was not named before", name, s.Via)
			}
			before[s.Resource.ID] = true
			if i > 0 && s.Resource.Class.Name == "Pool" {
				if !want[name] {
					rt.Fatalf("%s is behind another", name)
				}
				delete(want, name)
			}
		}
		if len(want) > 0 {
			rt.Fatalf("%v were not found", want)
		}
	})
}
