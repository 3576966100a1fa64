package scan

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// A burst of events is one change: it is told when there was none for quiet, or
// after atMost, whichever is first.
const (
	quiet  = 300 * time.Millisecond
	atMost = 3 * time.Second
)

// The multicast groups of the kernel's netlink socket for uevents: the kernel's own
// messages, and udev's, which follow when udev has done its work.
const ueventGroups = 1 | 2

// watch waits for what the kernel tells of itself: block devices that come, go or
// change, mounts, MD arrays and swap areas. It calls tell with what it was, until ctx
// ends. What cannot be watched here is logged, and left to the periodic check.
func watch(ctx context.Context, log *slog.Logger, tell func(*news)) {
	var fds []unix.PollFd
	add := func(fd int, events int16) { fds = append(fds, unix.PollFd{Fd: int32(fd), Events: events}) } //nolint:gosec // descriptors are small
	var stop [2]int
	if err := unix.Pipe2(stop[:], unix.O_CLOEXEC); err != nil {
		log.Warn("changes of the host are found by the periodic check only", "err", err)
		return
	}
	defer unix.Close(stop[0])
	add(stop[0], unix.POLLIN)
	unhook := context.AfterFunc(ctx, func() { unix.Close(stop[1]) })
	defer func() {
		if unhook() {
			unix.Close(stop[1])
		}
	}()
	socket, err := ueventSocket()
	if err != nil {
		log.Warn("changes of devices are found by the periodic check only", "err", err)
	} else {
		defer unix.Close(socket)
	}
	add(socket, unix.POLLIN) // poll passes over a negative one
	const files = 2          // how many descriptors stand before those of files
	tables := []string{"/proc/self/mountinfo", "/proc/mdstat", "/proc/swaps"}
	for _, name := range tables {
		fd, err := unix.Open(name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			log.Debug("a table of the kernel is not watched", "name", name, "err", err)
		} else {
			defer unix.Close(fd)
			drain(fd)
		}
		add(fd, unix.POLLPRI)
	}

	var pending *news
	var first, last time.Time
	for ctx.Err() == nil {
		wait := -1
		if pending != nil {
			wait = int(max(0, min(time.Until(last.Add(quiet)), time.Until(first.Add(atMost)))/time.Millisecond)) + 1
		}
		n, err := unix.Poll(fds, wait)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			log.Warn("changes of the host are found by the periodic check only", "err", err)
			return
		}
		now := time.Now()
		got := &news{}
		if n > 0 && fds[1].Revents != 0 {
			readEvents(socket, got)
		}
		for i, name := range tables {
			if f := &fds[files+i]; f.Revents&(unix.POLLPRI|unix.POLLERR) != 0 {
				drain(int(f.Fd))
				got.tables = true
				got.arrays = got.arrays || name == "/proc/mdstat"
			} else if f.Revents != 0 {
				f.Fd = -1
			}
		}
		if !got.empty() {
			if pending == nil {
				pending, first = &news{}, now
			}
			pending.add(got)
			last = now
		}
		if pending != nil && (now.Sub(last) >= quiet || now.Sub(first) >= atMost) {
			tell(pending)
			pending = nil
		}
	}
}

// drain reads a table of the kernel to its end: the next change is told only after
// that. A table of a few thousand lines takes a few reads.
func drain(fd int) {
	if _, err := unix.Seek(fd, 0, 0); err != nil {
		return
	}
	buf := make([]byte, 64<<10)
	for {
		n, err := unix.Read(fd, buf)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if n <= 0 || err != nil {
			return
		}
	}
}

func ueventSocket() (int, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_KOBJECT_UEVENT)
	if err != nil {
		return -1, err
	}
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: ueventGroups}); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// readEvents takes all messages from the socket.
func readEvents(fd int, got *news) {
	buf := make([]byte, 16<<10)
	for {
		n, from, err := unix.Recvfrom(fd, buf, 0)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.ENOBUFS):
			// More was told than the socket holds: what, nobody knows.
			got.everything = true
			continue
		case err != nil:
			return
		}
		// Other processes may send to the socket, but only root and udev to its groups.
		if a, ok := from.(*unix.SockaddrNetlink); ok && a.Groups == 0 {
			continue
		}
		got.event(uevent(buf[:n]))
	}
}

// uevent reads a message: properties that end with a NUL each, after a line
// "add@/devices/..." of the kernel's, or a header of udev's that says where they
// begin.
func uevent(message []byte) map[string]string {
	const magic, offset = "libudev\x00", 16
	if bytes.HasPrefix(message, []byte(magic)) && len(message) >= offset+4 {
		at := int(uint32(message[offset]) | uint32(message[offset+1])<<8 | uint32(message[offset+2])<<16 | uint32(message[offset+3])<<24)
		if at < 0 || at > len(message) {
			return nil
		}
		message = message[at:]
	}
	props := map[string]string{}
	for part := range strings.SplitSeq(string(message), "\x00") {
		if key, value, ok := strings.Cut(part, "="); ok {
			props[key] = value
		}
	}
	return props
}
