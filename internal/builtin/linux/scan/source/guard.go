package source

import (
	"fmt"
	"sync"
	"time"
)

// Guard keeps reads that hang in the kernel, as those of a device that does not
// answer may, from holding up the rest. The zero value is ready. Safe for
// concurrent use.
type Guard struct {
	mu   sync.Mutex
	hung map[string]time.Time // what is read still, by key, and since when
}

// Guarded runs read and returns what it returns, or an error when that takes longer
// than the limit. What hangs is left alone: it is not tried again under the same key
// before it has returned. read must not write to what others have.
func Guarded[T any](g *Guard, key string, limit time.Duration, read func() T) (T, error) {
	var none T
	g.mu.Lock()
	since, hangs := g.hung[key]
	g.mu.Unlock()
	if hangs {
		return none, fmt.Errorf("reading %s hangs since %s", key, since.UTC().Format(time.RFC3339))
	}
	done := make(chan T, 1)
	go func() {
		v := read()
		g.mu.Lock()
		defer g.mu.Unlock()
		delete(g.hung, key)
		done <- v
	}()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case v := <-done:
		return v, nil
	case <-timer.C:
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case v := <-done:
		return v, nil // it has just returned
	default:
	}
	if g.hung == nil {
		g.hung = map[string]time.Time{}
	}
	g.hung[key] = time.Now().Add(-limit)
	return none, fmt.Errorf("reading %s takes longer than %v", key, limit)
}
