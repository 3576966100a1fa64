package scan

import (
	"errors"
	"io/fs"
	"sync"
	"time"

	"github.com/faultline-storage/faultline/internal/builtin/linux/scan/source"
)

const (
	// readLimit is how long one file may take: a parameter of a target whose disk
	// hangs can wait for ever in the kernel, where nothing ends it.
	readLimit = 2 * time.Second
	// maxStuck is how many reads may hang at a time, since each one keeps a thread.
	maxStuck = 32
)

// errStuck is returned for a file whose reading hangs, and for all when too many
// do.
var errStuck = errors.New("the kernel does not answer")

// limited are files whose reading ends in time. A file that hangs is not read
// again before the first reading has ended.
type limited struct {
	source.Files
	patience time.Duration

	mu    sync.Mutex
	stuck map[string]bool
}

func limit(files source.Files) *limited {
	return &limited{Files: files, patience: readLimit, stuck: map[string]bool{}}
}

// within runs a reading of the file, and gives it up when it takes too long.
func within[T any](l *limited, name string, read func(string) (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	var none T
	l.mu.Lock()
	stuck, many := l.stuck[name], len(l.stuck) >= maxStuck
	l.mu.Unlock()
	if stuck || many {
		return none, &fs.PathError{Op: "read", Path: name, Err: errStuck}
	}
	done := make(chan result, 1)
	go func() {
		v, err := read(name)
		done <- result{v, err}
		l.mu.Lock()
		delete(l.stuck, name)
		l.mu.Unlock()
	}()
	timer := time.NewTimer(l.patience)
	defer timer.Stop()
	select {
	case r := <-done:
		return r.value, r.err
	case <-timer.C:
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case r := <-done:
		return r.value, r.err
	default:
		l.stuck[name] = true
		return none, &fs.PathError{Op: "read", Path: name, Err: errStuck}
	}
}

// Read is as source.Files says.
func (l *limited) Read(name string) ([]byte, error) { return within(l, name, l.Files.Read) }

// List is as source.Files says.
func (l *limited) List(name string) ([]string, error) { return within(l, name, l.Files.List) }
