package pluginhost

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// hide has this process, and what it becomes and starts, see an empty folder in
// the place of one, but for what it shows. Nobody else sees that, and what the
// system mounts later is seen here as well. It is only for root; a root that may
// not mount, as in a container, gets its error. Of mounts that the system does not
// share, so that this process would not follow them and would keep them in use, only
// those at the system's own folders and those that lead to something needed are left.
func hide(folder string, show, needed []string) error {
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return err
	}
	if err := unix.Mount("", "/", "", unix.MS_SLAVE|unix.MS_REC, ""); err != nil {
		return err
	}
	table, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return err
	}
	for _, point := range slices.Backward(strays(string(table), append(needed, show...))) {
		// It may be gone with the one that it was mounted on.
		if err := unix.Unmount(point, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, syscall.ENOENT) {
			return err
		}
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

// systemFolders are where programs find themselves and each other. What is mounted
// there is not unmounted while the system runs.
var systemFolders = []string{
	"/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/lib32", "/lib64", "/opt", "/proc", "/root", "/run", "/sbin", "/sys", "/tmp", "/usr", "/var",
}

// strays returns the mount points of a mountinfo, in its order, that follow no other
// mount, are outside the system's folders, and lead to nothing that is needed.
func strays(mountinfo string, needed []string) []string {
	var points []string
	for _, m := range parseMounts(mountinfo) {
		if m.follows {
			continue
		}
		leads := func(path string) bool { return below(m.point, path) }
		if !slices.ContainsFunc(systemFolders, func(folder string) bool { return below(folder, m.point) }) &&
			!slices.ContainsFunc(systemFolders, leads) && !slices.ContainsFunc(needed, leads) {
			points = append(points, m.point)
		}
	}
	return points
}

// below reports whether the path is the folder or inside it.
func below(folder, path string) bool {
	rel, err := filepath.Rel(folder, path)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, "../")
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
	for _, m := range parseMounts(mountinfo) {
		if !m.shared {
			return false
		}
	}
	return true
}

// shown returns the folders inside a hidden one that a plugin needs; false if
// that is the hidden one itself, so that it cannot be hidden.
func shown(hidden string, needed []string) (show []string, ok bool) {
	for _, path := range needed {
		if !below(hidden, path) {
			continue
		}
		if below(path, hidden) {
			return nil, false
		}
		show = append(show, path)
	}
	return show, true
}
