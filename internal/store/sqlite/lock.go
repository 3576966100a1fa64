package sqlite

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
)

// ErrLocked says that another process has the database open.
var ErrLocked = errors.New("the database is in use by another process")

// acquire takes the lock file at path, or fails with ErrLocked. The kernel
// drops the lock when the process ends, however it ends; the file stays, as
// removing it would let two processes lock two files of one name.
func acquire(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the lock file: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		holder, _ := io.ReadAll(io.LimitReader(f, 32)) // only for the message
		f.Close()
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		who := ""
		if s := strings.TrimSpace(string(holder)); s != "" {
			who = " (process " + s + ")"
		}
		return nil, fmt.Errorf("%w%s: %s is locked; stop the other server or use another data directory", ErrLocked, who, path)
	}
	err = f.Truncate(0)
	if err == nil {
		_, err = f.WriteAt(fmt.Appendf(nil, "%d\n", os.Getpid()), 0)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("write the lock file: %w", err)
	}
	return f, nil
}
