// Package graph has the algorithms over a directed graph that is given by a
// function. It knows nothing of resources.
package graph

import (
	"iter"
	"slices"
)

// Step is a node that Walk reached.
type Step[K comparable] struct {
	Node  K
	Via   K // the node from which it was first reached; the zero K at the start
	Depth int
}

// Walk visits the nodes that can be reached from start along next, nearest
// first, each once, start included. It stops after limit nodes and at depth
// steps from start (0 and less mean no bound), and reports whether a bound kept
// it from a node. Its time is linear in the edges of the nodes reached.
func Walk[K comparable](start K, next func(K) []K, depth, limit int) (steps []Step[K], cut bool) {
	seen := map[K]struct{}{start: {}}
	steps = append(steps, Step[K]{Node: start})
	for i := 0; i < len(steps); i++ {
		s := steps[i]
		for _, n := range next(s.Node) {
			if _, ok := seen[n]; ok {
				continue
			}
			// In this order every later node is at least as deep, so the first
			// node beyond a bound ends the walk.
			if depth > 0 && s.Depth >= depth || limit > 0 && len(steps) >= limit {
				return steps, true
			}
			seen[n] = struct{}{}
			steps = append(steps, Step[K]{Node: n, Via: s.Node, Depth: s.Depth + 1})
		}
	}
	return steps, false
}

// Path returns a shortest path from one node to another along next, both ends
// included, or nil if there is none.
func Path[K comparable](from, to K, next func(K) []K) []K {
	via := map[K]K{from: from}
	for queue := []K{from}; len(queue) > 0; {
		n := queue[0]
		queue = queue[1:]
		if n == to {
			path := []K{n}
			for n != from {
				n = via[n]
				path = append(path, n)
			}
			slices.Reverse(path)
			return path
		}
		for _, m := range next(n) {
			if _, ok := via[m]; !ok {
				via[m] = n
				queue = append(queue, m)
			}
		}
	}
	return nil
}

// Acyclic reports whether no cycle along next can be reached from the starts.
func Acyclic[K comparable](starts iter.Seq[K], next func(K) []K) bool {
	type frame struct {
		node K
		rest []K
	}
	done := map[K]bool{} // false while the walk is below the node
	for start := range starts {
		if _, seen := done[start]; seen {
			continue
		}
		done[start] = false
		for stack := []frame{{start, next(start)}}; len(stack) > 0; {
			top := &stack[len(stack)-1]
			if len(top.rest) == 0 {
				done[top.node] = true
				stack = stack[:len(stack)-1]
				continue
			}
			n := top.rest[0]
			top.rest = top.rest[1:]
			over, seen := done[n]
			if seen && !over {
				return false
			}
			if !seen {
				done[n] = false
				stack = append(stack, frame{n, next(n)})
			}
		}
	}
	return true
}
