package source

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// System is the running system. It asks the kernel directly: a scan reads tens of
// thousands of small files, and the runtime's poller has no business with them.
func System() Files { return system{} }

type system struct{}

// Opening a FIFO or a device by mistake must not wait; nothing of the agent opens
// a block device, whose opening could wake a disk.
const readOnly = unix.O_RDONLY | unix.O_CLOEXEC | unix.O_NONBLOCK | unix.O_NOCTTY

func (system) Read(name string) ([]byte, error) {
	fd, err := open(name, readOnly)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	buf := make([]byte, 0, 128)
	for len(buf) < MaxFile {
		if len(buf) == cap(buf) {
			buf = slices.Grow(buf, max(512, len(buf)))
		}
		n, err := unix.Read(fd, buf[len(buf):cap(buf)])
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return nil, &fs.PathError{Op: "read", Path: name, Err: err}
		}
		buf = buf[:len(buf)+n]
		// An attribute of /sys comes as a whole, so a short answer is all of it.
		if n == 0 || len(buf) < cap(buf) && strings.Contains(name, "/sys/") {
			break
		}
	}
	return buf, nil
}

func open(name string, flags int) (int, error) {
	for {
		fd, err := unix.Open(name, flags, 0)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return -1, &fs.PathError{Op: "open", Path: name, Err: err}
		}
		return fd, nil
	}
}

func (system) List(name string) ([]string, error) {
	fd, err := open(name, readOnly|unix.O_DIRECTORY)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	var names []string
	buf := make([]byte, 8192)
	for {
		n, err := unix.ReadDirent(fd, buf)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return nil, &fs.PathError{Op: "list", Path: name, Err: err}
		}
		if n == 0 {
			slices.Sort(names)
			return names, nil
		}
		_, _, names = unix.ParseDirent(buf[:n], -1, names)
	}
}

func (system) Link(name string) (string, error) { return os.Readlink(name) }
