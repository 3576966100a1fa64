package pluginhost

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Limits are the budgets of a plugin: of its process and all that it starts.
// Zero is no limit. A plugin that breaks one is ended, with all that it
// started; Process.Err is then a *BudgetError.
//
// Where there are control groups (see Cgroups) the kernel keeps the limits of
// memory, CPU and processes; else the host looks every SampleEvery, and
// resource limits of the process bound what can happen in between.
type Limits struct {
	// Memory in bytes: what the processes have for themselves and share with
	// each other, in RAM or swapped out; files that they map do not count.
	Memory int64
	// CPU is how many cores they may use on average over CPUWindow, which is 1
	// min by default. With control groups they are held at this instead.
	CPU       float64
	CPUWindow time.Duration
	// OpenFiles is how many descriptors each of the processes may have open.
	OpenFiles int
	// Processes is how many processes and threads there may be.
	Processes int
	// Calls has the time limits of some methods (named as in package wire) in
	// place of Options.CallTimeout.
	Calls map[string]time.Duration
}

// watched reports whether there is anything to look at while a process runs.
func (l Limits) watched() bool {
	return l.Memory > 0 || l.CPU > 0 || l.OpenFiles > 0 || l.Processes > 0
}

// A User is whom a plugin runs as.
type User struct {
	Name     string
	UID, GID int
	Groups   []int // supplementary
	// Try says that the plugin runs as the host's own user if this one cannot
	// read its files. Else it does not run then.
	Try bool
}

// LookupUser returns a user of this system by name or number; "UID:GID" needs
// no entry in the system's list.
func LookupUser(name string) (*User, error) {
	if uid, gid, ok := strings.Cut(name, ":"); ok {
		u, uerr := strconv.ParseUint(uid, 10, 31)
		g, gerr := strconv.ParseUint(gid, 10, 31)
		if uerr == nil && gerr == nil {
			return &User{Name: name, UID: int(u), GID: int(g)}, nil
		}
	}
	found, err := user.Lookup(name)
	if err != nil {
		if found, err = user.LookupId(name); err != nil {
			return nil, fmt.Errorf("there is no user %q on this system", name)
		}
	}
	u := &User{Name: found.Username}
	if u.UID, err = strconv.Atoi(found.Uid); err != nil {
		return nil, fmt.Errorf("user %s: its number is %q", name, found.Uid)
	}
	if u.GID, err = strconv.Atoi(found.Gid); err != nil {
		return nil, fmt.Errorf("user %s: the number of its group is %q", name, found.Gid)
	}
	groups, err := found.GroupIds()
	if err != nil {
		return nil, fmt.Errorf("user %s: %w", name, err)
	}
	for _, g := range groups {
		if n, err := strconv.Atoi(g); err == nil && n != u.GID {
			u.Groups = append(u.Groups, n)
		}
	}
	return u, nil
}

// files returns what the plugin's user must be able to read, its program apart.
func (s Spec) files(env []string) []string {
	if s.Kind != Python {
		return nil
	}
	list := []string{s.Interpreter, s.Path}
	for _, kv := range env { // the SDK comes first
		if path, ok := strings.CutPrefix(kv, "PYTHONPATH="); ok {
			if first := filepath.SplitList(path); len(first) > 0 && filepath.IsAbs(first[0]) {
				list = append(list, first[0])
			}
		}
	}
	return list
}

// folders returns where the plugin's program and files are.
func (s Spec) folders(env []string) (list []string) {
	for _, path := range append(s.files(env), s.Path) {
		if !isFolder(path) {
			path = filepath.Dir(path)
		}
		if !slices.Contains(list, path) {
			list = append(list, path)
		}
	}
	return list
}

// makeWork makes the plugin's working folder. The host owns a new one; the
// launcher gives it to the plugin's user.
func makeWork(folder string) error {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return fmt.Errorf("make the plugin's working folder: %w", err)
	}
	info, err := os.Lstat(folder)
	if err == nil && !info.IsDir() {
		err = &fs.PathError{Op: "use", Path: folder, Err: fs.ErrInvalid}
	}
	if err == nil && info.Mode().Perm() != 0o700 {
		err = os.Chmod(folder, 0o700)
	}
	if err != nil {
		return fmt.Errorf("make the plugin's working folder: %w", err)
	}
	return nil
}

// contained is the part of a plugin's environment that follows from whom it
// runs as and where. It comes before what the operator passes on by name.
func (o Options) contained(env []string, u *User) []string {
	if u != nil {
		// The host's own folder of temporary files need not be open to others.
		env = slices.DeleteFunc(env, func(kv string) bool { return strings.HasPrefix(kv, "TMPDIR=") })
		env = append(env, "USER="+u.Name, "LOGNAME="+u.Name)
	}
	if o.Work == "" {
		return env
	}
	home := os.Getenv("HOME")
	env = append(env, "HOME="+o.Work)
	if base := filepath.Join(home, ".local"); u == nil && o.Spec.Kind == Python && home != "" && isFolder(base) {
		// What the server's user installed with pip is still there for its plugins.
		env = append(env, "PYTHONUSERBASE="+base)
	}
	return env
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// window is the span that CPU is averaged over.
func (l Limits) window() time.Duration { return cmp.Or(l.CPUWindow, time.Minute) }
