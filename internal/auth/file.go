package auth

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
)

// table is a file with a line for each of some things, which several processes
// share. It need not exist; it is read when it is needed, and again when it has
// changed. Others than its owner must not be able to use it.
type table[T any] struct {
	path  string
	what  string // the file, for errors: "token file"
	parse func(line int, text string) (T, error)
	form  func(T) string // one line, without its end

	mu     sync.Mutex
	loaded os.FileInfo // of the file that list was read from; nil if there was none
	list   []T
}

// all returns what the file has. The caller must not change it, and holds mu.
func (t *table[T]) all() ([]T, error) {
	st, err := os.Stat(t.path)
	if errors.Is(err, fs.ErrNotExist) {
		t.loaded, t.list = nil, nil
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", t.what, err)
	}
	if t.loaded != nil && os.SameFile(st, t.loaded) && st.ModTime().Equal(t.loaded.ModTime()) && st.Size() == t.loaded.Size() {
		return t.list, nil
	}
	t.loaded = nil // until the new list stands
	if st.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%s may be read or written by others; run chmod 600 on it", t.path)
	}
	b, err := os.ReadFile(t.path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", t.what, err)
	}
	var list []T
	n := 0
	for line := range bytes.Lines(b) {
		n++
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		v, err := t.parse(n, string(line))
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", t.path, n, err)
		}
		list = append(list, v)
	}
	t.loaded, t.list = st, list
	return list, nil
}

// change writes what f makes of the list. Other processes wait meanwhile.
func (t *table[T]) change(f func([]T) ([]T, error)) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	unlock, err := lock(t.path)
	if err != nil {
		return fmt.Errorf("lock the %s: %w", t.what, err)
	}
	defer unlock()
	list, err := t.all()
	if err != nil {
		return err
	}
	list, err = f(slices.Clone(list))
	if err != nil {
		return err
	}
	var b bytes.Buffer
	for _, v := range list {
		b.WriteString(t.form(v))
		b.WriteByte('\n')
	}
	t.loaded = nil // until the new list stands
	if err := writeFile(t.path, b.Bytes()); err != nil {
		return fmt.Errorf("write the %s: %w", t.what, err)
	}
	if st, err := os.Stat(t.path); err == nil { // nobody else has written it: it is locked
		t.loaded, t.list = st, list
	}
	return nil
}

// lock keeps other processes from changing a file until unlock is called.
func lock(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() { f.Close() }, nil //nolint:errcheck // nothing was written to it; closing gives the lock back
}

// writeFile replaces a file in one step, mode 0600, so that a reader sees the old
// one or the new one.
func writeFile(path string, b []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name()) //nolint:errcheck // the first error tells more
		}
	}()
	_, err = f.Write(b)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	return err
}
