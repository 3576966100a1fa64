package volume

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/faultline-storage/faultline/internal/resource"
)

// TestGrouped compares the groups of statements with those that come of merging any
// two with a name and a node in common until there are none.
func TestGrouped(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		said := make([]statement, rapid.IntRange(0, 12).Draw(t, "statements"))
		for i := range said {
			nodes := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c", "d", "e", "f", "g", "h"}), 1, 3)
			said[i] = statement{fmt.Sprintf("host%02d", i), rapid.SampledFrom([]string{"", "x"}).Draw(t, "name"), nodes.Draw(t, "nodes")}
		}
		var want []string
		for merged := said; ; {
			var next []statement
			for _, st := range merged {
				i := slices.IndexFunc(next, func(o statement) bool {
					return o.name == st.name && slices.ContainsFunc(o.nodes, func(n string) bool { return slices.Contains(st.nodes, n) })
				})
				if i < 0 {
					next = append(next, st)
					continue
				}
				next[i] = statement{next[i].host + " " + st.host, st.name, slices.Concat(next[i].nodes, st.nodes)}
			}
			if len(next) == len(merged) {
				for _, st := range next {
					nodes := slices.Compact(slices.Sorted(slices.Values(st.nodes)))
					want = append(want, fmt.Sprint(st.name, nodes, len(st.host)))
				}
				break
			}
			merged = next
		}
		var got []string
		for _, g := range grouped(said) {
			if !slices.IsSorted(g.hosts) {
				t.Errorf("hosts %q are not sorted", g.hosts)
			}
			got = append(got, fmt.Sprint(g.name, slices.Sorted(maps.Keys(g.nodes)), 7*len(g.hosts)-1))
		}
		slices.Sort(want)
		slices.Sort(got)
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
	})
}

// TestAHostThatChangesInWhatDoesNotMatter has nothing worked out again: each mount
// that is reported makes it a parent.
func TestAHostThatChangesInWhatDoesNotMatter(t *testing.T) {
	t.Parallel()
	class := &resource.Class{Plugin: "site", Name: "Host", Bases: []string{resource.BaseHost}, Attributes: []resource.Attribute{{Name: "fqdn", Kind: resource.String}, {Name: "state", Kind: resource.String}}}
	g := newGraph()
	host := &resource.Resource{ID: 1, Class: class, Values: []resource.Value{resource.StringValue("oss1"), resource.StringValue("lost")}}
	if m := g.apply(&resource.Changes{Created: []*resource.Resource{host}}); !m.hosts[1] {
		t.Error("a new host does not matter")
	}
	for _, c := range []struct {
		u       resource.Update
		matters bool
	}{
		{resource.Update{Edges: true}, false},
		{resource.Update{Attributes: []int{1}}, false},
		{resource.Update{Name: true}, true},
	} {
		now := *host
		now.Children = append(now.Children, 2)
		c.u.Resource = &now
		if m := g.apply(&resource.Changes{Updated: []resource.Update{c.u}}); m.empty() == c.matters {
			t.Errorf("%+v: matters %v, want %v", c.u, !m.empty(), c.matters)
		}
	}
}
