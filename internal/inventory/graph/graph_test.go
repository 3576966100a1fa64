package graph_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/faultline-storage/faultline/internal/inventory/graph"
)

func TestWalkAgainstNaiveReachability(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 12).Draw(t, "n")
		adj := make([][]int, n)
		for range rapid.IntRange(0, 30).Draw(t, "edges") {
			a, b := rapid.IntRange(0, n-1).Draw(t, "a"), rapid.IntRange(0, n-1).Draw(t, "b")
			adj[a] = append(adj[a], b)
		}
		next := func(k int) []int { return adj[k] }
		// dist is found by relaxing every edge n times.
		dist := make([]int, n)
		for i := range dist {
			dist[i] = 1 << 20
		}
		dist[0] = 0
		for range n {
			for a := range adj {
				for _, b := range adj[a] {
					dist[b] = min(dist[b], dist[a]+1)
				}
			}
		}
		var w graph.Walker[int]
		walk := func(depth int) (steps []graph.Step[int], cut bool) {
			return w.Walk(0, next, depth, 0)
		}
		steps, cut := walk(0)
		if cut {
			t.Fatal("cut without a bound")
		}
		seen := map[int]int{}
		for _, s := range steps {
			if _, ok := seen[s.Node]; ok {
				t.Fatalf("node %d twice", s.Node)
			}
			seen[s.Node] = s.Depth
			if s.Depth > 0 && !slices.Contains(adj[s.Via], s.Node) {
				t.Fatalf("no edge %d → %d", s.Via, s.Node)
			}
		}
		for k, d := range dist {
			got, ok := seen[k]
			if ok != (d < 1<<20) || ok && got != d {
				t.Fatalf("node %d: walked to depth %d (%v), want %d", k, got, ok, d)
			}
			p := graph.Path(0, k, next)
			if (p != nil) != ok || ok && len(p) != d+1 {
				t.Fatalf("path to %d is %v, want %d steps", k, p, d)
			}
		}
		bound := rapid.IntRange(1, 4).Draw(t, "depth")
		near, cut := walk(bound)
		want := 0
		for _, d := range dist {
			if d <= bound {
				want++
			}
		}
		if len(near) != want || cut != (want < len(steps)) {
			t.Fatalf("to depth %d: %d nodes (cut %v), want %d of %d", bound, len(near), cut, want, len(steps))
		}
	})
}

func TestAcyclicAgainstNaiveReachability(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 8).Draw(t, "n")
		adj := make([][]int, n)
		var reach [8][8]bool
		for range rapid.IntRange(0, 12).Draw(t, "edges") {
			a, b := rapid.IntRange(0, n-1).Draw(t, "a"), rapid.IntRange(0, n-1).Draw(t, "b")
			adj[a] = append(adj[a], b)
			reach[a][b] = true
		}
		for k := range n {
			for a := range n {
				for b := range n {
					reach[a][b] = reach[a][b] || reach[a][k] && reach[k][b]
				}
			}
		}
		starts := []int{0, rapid.IntRange(0, n-1).Draw(t, "start")}
		want := true
		for _, s := range starts {
			for k := range n {
				if (s == k || reach[s][k]) && reach[k][k] {
					want = false
				}
			}
		}
		if got := graph.Acyclic(slices.Values(starts), func(k int) []int { return adj[k] }); got != want {
			t.Fatalf("acyclic %t, want %t: %v from %v", got, want, adj, starts)
		}
	})
}
