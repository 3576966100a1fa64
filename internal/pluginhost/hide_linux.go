package pluginhost

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// hide has this process, and what it becomes and starts, see an empty folder in
// the place of one, but for what it shows. Nobody else sees that, and what the
// system mounts later is seen here as well. It is only for root; a root that may
// not mount, as in a container, gets its error.
func hide(folder string, show []string) error {
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return err
	}
	if err := unix.Mount("", "/", "", unix.MS_SLAVE|unix.MS_REC, ""); err != nil {
		return err
	}
	open := map[string]int{}
	for _, path := range show {
		fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
		if errors.Is(err, syscall.ENOENT) {
			continue
		}
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		open[path] = fd
	}
	// It can be passed by everybody, and has nothing to see.
	if err := unix.Mount("tmpfs", folder, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=0711,size=64k"); err != nil {
		return err
	}
	for path, fd := range open {
		if err := os.MkdirAll(path, 0o711); err != nil { //nolint:gosec // as above
			return err
		}
		if err := unix.Mount("/proc/self/fd/"+strconv.Itoa(fd), path, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
			return err
		}
	}
	return unix.Mount("", folder, "", unix.MS_REMOUNT|unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV, "")
}

// MountsShared reports whether every mount of this process is shared, as systemd
// makes them. A plugin from which a folder is hidden (Options.Hide) has a view of
// the mounts of its own, which follows only those: where it is false, such a plugin
// does not notice what is mounted later, and what it saw at its start stays in use
// after it was unmounted. Safe for concurrent use.
func MountsShared() bool {
	text, err := os.ReadFile("/proc/self/mountinfo")
	return err == nil && allShared(string(text))
}

// allShared is MountsShared for the text of a mountinfo.
func allShared(mountinfo string) bool {
	for line := range strings.Lines(mountinfo) {
		optional, _, _ := strings.Cut(line, " - ")
		if !strings.Contains(optional, " shared:") {
			return false
		}
	}
	return true
}

// shown returns the folders inside a hidden one that a plugin needs; false if
// that is the hidden one itself, so that it cannot be hidden.
func shown(hidden string, needed []string) (show []string, ok bool) {
	for _, path := range needed {
		rel, err := filepath.Rel(hidden, path)
		if err != nil || rel == ".." || strings.HasPrefix(rel, "../") {
			continue
		}
		if rel == "." {
			return nil, false
		}
		show = append(show, path)
	}
	return show, true
}
