// Package feed is an ordered log, kept in memory, that many readers follow at
// their own pace. It imports nothing of ours.
//
// The writer never waits for a reader: a reader that falls out of the kept
// window is told so and must start over from a snapshot.
package feed

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sort"
	"sync"
)

// ErrBehind says that entries after the asked position are no longer kept.
var ErrBehind = errors.New("the reader is too far behind: entries it has not read are no longer kept")

// Log is an ordered log of entries of type T. All methods are safe for
// concurrent use.
type Log[T any] struct {
	mu sync.Mutex
	// entries is the window, ascending by seq; the entries before head are gone.
	entries []entry[T]
	head    int
	keep    int
	floor   uint64 // seq of the newest entry that is no longer kept
	last    uint64
	more    chan struct{} // closed at the next Append
}

type entry[T any] struct {
	seq uint64
	v   T
}

// New returns an empty log that keeps at least the last keep entries and whose
// entries come after position start.
func New[T any](keep int, start uint64) *Log[T] {
	return &Log[T]{keep: max(keep, 1), floor: start, last: start, more: make(chan struct{})}
}

// Append adds an entry. Its seq must be greater than any before; Append panics
// otherwise, because an order that lies cannot be repaired later.
func (l *Log[T]) Append(seq uint64, v T) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if seq <= l.last {
		panic(fmt.Sprintf("feed: seq %d after %d", seq, l.last))
	}
	l.last = seq
	l.entries = append(l.entries, entry[T]{seq, v})
	if n := len(l.entries) - l.head; n > l.keep {
		l.floor = l.entries[l.head].seq
		l.entries[l.head] = entry[T]{} // let its memory go
		l.head++
		if l.head > l.keep {
			l.entries = append([]entry[T](nil), l.entries[l.head:]...)
			l.head = 0
		}
	}
	close(l.more)
	l.more = make(chan struct{})
}

// Last returns the seq of the newest entry, or the start position.
func (l *Log[T]) Last() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last
}

// Since yields every entry with a seq greater than after, in order, and waits
// for more until ctx ends. It yields ErrBehind, once and last, if entries that
// it should yield are gone.
func (l *Log[T]) Since(ctx context.Context, after uint64) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for {
			chunk, more, err := l.read(after)
			if err != nil {
				var zero T
				yield(zero, err)
				return
			}
			for _, e := range chunk {
				if ctx.Err() != nil || !yield(e.v, nil) {
					return
				}
				after = e.seq
			}
			if len(chunk) > 0 {
				continue
			}
			select {
			case <-more:
			case <-ctx.Done():
				return
			}
		}
	}
}

// After returns every entry with a seq greater than after, in order, without
// waiting for more; or ErrBehind, as Since does.
func (l *Log[T]) After(after uint64) (all []T, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if after < l.floor || after > l.last {
		return nil, ErrBehind
	}
	live := l.entries[l.head:]
	for i := sort.Search(len(live), func(i int) bool { return live[i].seq > after }); i < len(live); i++ {
		all = append(all, live[i].v)
	}
	return all, nil
}

// chunkSize bounds what one read copies under the lock.
const chunkSize = 64

func (l *Log[T]) read(after uint64) ([]entry[T], <-chan struct{}, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if after < l.floor || after > l.last { // after > last: a position of an earlier life of the log
		return nil, nil, ErrBehind
	}
	live := l.entries[l.head:]
	i := sort.Search(len(live), func(i int) bool { return live[i].seq > after })
	chunk := live[i:min(len(live), i+chunkSize)]
	return append([]entry[T](nil), chunk...), l.more, nil
}
