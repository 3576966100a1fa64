package source

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"

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
	return readAll(fd, name)
}

// buffers are what attributes are read into: most are a few bytes of a page.
var buffers = sync.Pool{New: func() any { return new([4096]byte) }}

// readAll reads a file and closes it.
func readAll(fd int, name string) ([]byte, error) {
	defer unix.Close(fd)
	first := buffers.Get().(*[4096]byte)
	defer buffers.Put(first)
	buf := first[:0]
	for len(buf) < MaxFile {
		if len(buf) == cap(buf) {
			buf = slices.Grow(buf, len(buf))
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
	return slices.Clone(buf[:min(len(buf), MaxFile)]), nil
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
	return list(fd, name)
}

// list lists a folder and closes it.
func list(fd int, name string) ([]string, error) {
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

// beneath opens files below a folder as os.Root does, with one call of the kernel in
// place of one for each part of the path: those of /sys have a dozen. It returns nil
// where the kernel has no such call, or forbids it.
func beneath(root *os.Root) Files {
	dir, err := root.Open(".")
	if err != nil {
		return nil
	}
	b := &below{root: root, dir: dir}
	fd, err := b.open(".", unix.O_DIRECTORY)
	if err != nil {
		_ = dir.Close()
		return nil
	}
	unix.Close(fd)
	return b
}

type below struct {
	root *os.Root
	dir  *os.File
}

func (b *below) open(name string, flags uint64) (int, error) {
	how := unix.OpenHow{Flags: readOnly | flags, Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_MAGICLINKS}
	var err error
	for range 10 {
		var fd int
		if fd, err = unix.Openat2(int(b.dir.Fd()), inside(name), &how); err == nil {
			return fd, nil
		}
		if !errors.Is(err, unix.EINTR) && !errors.Is(err, unix.EAGAIN) { // EAGAIN: something was moved meanwhile
			break
		}
	}
	return -1, &fs.PathError{Op: "open", Path: name, Err: err}
}

func (b *below) Read(name string) ([]byte, error) {
	fd, err := b.open(name, 0)
	if err != nil {
		return nil, err
	}
	return readAll(fd, name)
}

func (b *below) List(name string) ([]string, error) {
	fd, err := b.open(name, unix.O_DIRECTORY)
	if err != nil {
		return nil, err
	}
	return list(fd, name)
}

func (b *below) Link(name string) (string, error) { return b.root.Readlink(inside(name)) }
