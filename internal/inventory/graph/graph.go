// Package graph has the algorithms over a directed graph that is given by a
// function. It knows nothing of resources.
package graph

import (
	"iter"
	"slices"
)

// Key identifies a node. Keys are not negative, and the smaller the better: the
// memory of an algorithm grows with the greatest.
type Key interface{ ~int | ~int64 }

// Step is a node that Walk reached.
type Step[K Key] struct {
	Node  K
	Via   K // the node from which it was first reached; the zero K at the start
	Depth int
}

// Walker walks, one walk at a time. It keeps its memory for the next walk: to
// get so much anew takes longer than to walk. The zero value is ready for use.
type Walker[K Key] struct {
	seen  set[K]
	steps []Step[K]
}

// Walk returns the nodes that can be reached from start along next, nearest
// first, each once, start included. It stops after limit nodes and at depth
// steps from start (0 and less mean no bound), and tells whether a bound kept it
// from a node. Its time is linear in the edges of the nodes reached. The steps
// are the walker's, until its next walk.
func (w *Walker[K]) Walk(start K, next func(K) []K, depth, limit int) (steps []Step[K], cut bool) {
	w.seen.clear()
	w.seen.add(start)
	steps = append(w.steps[:0], Step[K]{Node: start}) // they are the queue, too
	defer func() { w.steps = steps }()
	for i := 0; i < len(steps); i++ {
		from := steps[i]
		for _, n := range next(from.Node) {
			if w.seen.has(n) {
				continue
			}
			// In this order every later node is at least as deep, so the first
			// node beyond a bound ends the walk.
			if depth > 0 && from.Depth >= depth || limit > 0 && len(steps) >= limit {
				return steps, true
			}
			w.seen.add(n)
			steps = append(steps, Step[K]{Node: n, Via: from.Node, Depth: from.Depth + 1})
		}
	}
	return steps, false
}

// Path returns a shortest path from one node to another along next, both ends
// included, or nil if there is none.
func Path[K Key](from, to K, next func(K) []K) []K {
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
func Acyclic[K Key](starts iter.Seq[K], next func(K) []K) bool {
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

// set is a set of keys: a bit for each, in pages that are made when needed.
type set[K Key] struct {
	pages []*[pageWords]uint64
}

const (
	pageWords = 64
	pageBits  = 64 * pageWords
)

func (s *set[K]) has(k K) bool {
	p := int(k / pageBits)
	return p < len(s.pages) && s.pages[p] != nil && s.pages[p][k%pageBits/64]&(1<<(k%64)) != 0
}

func (s *set[K]) clear() {
	for _, p := range s.pages {
		if p != nil {
			clear(p[:])
		}
	}
}

func (s *set[K]) add(k K) {
	p := int(k / pageBits)
	if p >= len(s.pages) {
		s.pages = append(s.pages, make([]*[pageWords]uint64, p+1-len(s.pages))...)
	}
	if s.pages[p] == nil {
		s.pages[p] = new([pageWords]uint64)
	}
	s.pages[p][k%pageBits/64] |= 1 << (k % 64)
}
