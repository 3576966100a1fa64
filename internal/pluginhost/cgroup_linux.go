package pluginhost

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// pluginsGroup has a group for each plugin process, serverGroup the host's own
	// processes: a group that hands out memory or CPU has no processes itself.
	pluginsGroup = "faultline-plugins"
	serverGroup  = "faultline-server"
	// cpuPeriod is what the kernel divides CPU time by.
	cpuPeriod = 100 * time.Millisecond
)

// Cgroups makes control groups (version 2) for plugin processes. Nil makes none.
type Cgroups struct {
	dir         string
	controllers []string // that the groups in dir have
}

// Values of FindCgroups beside a path.
const (
	CgroupAuto = "auto" // the host's own group, if it was delegated to it
	CgroupOff  = "off"
)

// FindCgroups finds where the host may make control groups. The setting is
// CgroupAuto, CgroupOff, or the path of a group as /proc/PID/cgroup has it, which
// the host must be able to make or write to. It returns nil if there is none with
// CgroupAuto. Which limits the kernel keeps depends on what was delegated; the
// groups serve to find and kill all that a plugin started in any case.
func FindCgroups(setting string) (*Cgroups, error) {
	if setting == CgroupOff {
		return nil, nil
	}
	mount, err := cgroupMount("/proc/self/mountinfo")
	if err == nil && mount == "" {
		err = errors.New("there is no cgroup2 file system here")
	}
	own := ""
	if err == nil {
		own, err = ownCgroup("/proc/self/cgroup")
	}
	if err != nil {
		if setting == CgroupAuto {
			return nil, nil //nolint:nilerr // an old or small system; there are other means
		}
		return nil, fmt.Errorf("control group %s: %w", setting, err)
	}
	if setting != CgroupAuto {
		g, err := newCgroups(filepath.Join(mount, setting), false)
		if err != nil {
			return nil, fmt.Errorf("control group %s: %w", setting, err)
		}
		return g, nil
	}
	dir := filepath.Join(mount, own)
	if own != "/" && !delegated(dir) {
		return nil, nil // it is the service manager's
	}
	g, err := newCgroups(dir, true)
	if err != nil {
		return nil, nil //nolint:nilerr // such as a read-only mount in a container
	}
	return g, nil
}

// cgroupMount returns where control groups of version 2 are mounted.
func cgroupMount(mountinfo string) (string, error) {
	text, err := os.ReadFile(mountinfo)
	if err != nil {
		return "", err
	}
	for _, m := range parseMounts(string(text)) {
		if m.kind == "cgroup2" {
			return m.point, nil
		}
	}
	return "", nil
}

// ownCgroup returns the host's group.
func ownCgroup(file string) (string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(text)) {
		if path, ok := strings.CutPrefix(strings.TrimSpace(line), "0::"); ok {
			return path, nil
		}
	}
	return "", errors.New("this process has no group of version 2")
}

// delegated reports whether the service manager handed the group over to us: by
// its owner, or by the mark that systemd sets for Delegate=yes.
func delegated(dir string) bool {
	if os.Geteuid() != 0 {
		return unix.Access(filepath.Join(dir, "cgroup.procs"), unix.W_OK) == nil && unix.Access(dir, unix.W_OK) == nil
	}
	for _, attr := range []string{"trusted.delegate", "user.delegate"} {
		value := make([]byte, 8)
		if n, err := unix.Getxattr(dir, attr, value); err == nil && string(value[:n]) == "1" {
			return true
		}
	}
	return false
}

// youngGroup is the age up to which an empty group may be one that is about to be
// used.
const youngGroup = time.Minute

// newCgroups prepares dir for groups of plugins. If it is the host's own group,
// its processes may have to make room.
func newCgroups(dir string, own bool) (*Cgroups, error) {
	g := &Cgroups{dir: filepath.Join(dir, pluginsGroup)}
	if err := os.MkdirAll(g.dir, 0o755); err != nil {
		return nil, err
	}
	// To start a process in a group takes the right to write to both ends of its way.
	for _, file := range []string{g.dir, filepath.Join(dir, "cgroup.procs")} {
		if err := unix.Access(file, unix.W_OK); err != nil {
			return nil, &fs.PathError{Op: "write", Path: file, Err: err}
		}
	}
	enable(dir)
	if own && len(wanted(dir, "cgroup.controllers")) > len(wanted(dir, "cgroup.subtree_control")) && alone(dir) {
		if err := moveAll(dir, filepath.Join(dir, serverGroup)); err == nil {
			enable(dir)
		}
	}
	enable(g.dir)
	if kind := groupType(g.dir); kind != "" && kind != "domain" {
		return nil, fmt.Errorf("%s: its type is %q, so no process can be in it", g.dir, kind)
	}
	g.controllers = wanted(g.dir, "cgroup.subtree_control")
	// What an earlier host left behind is empty by now. So is, for a moment, what
	// another host has just made for a plugin that it is about to start.
	old, err := os.ReadDir(g.dir)
	if err != nil {
		return nil, err
	}
	for _, e := range old {
		if info, err := e.Info(); err == nil && e.IsDir() && time.Since(info.ModTime()) > youngGroup {
			_ = os.Remove(filepath.Join(g.dir, e.Name())) // refused if it has processes
		}
	}
	return g, nil
}

// Controllers are the limits that the kernel keeps: "memory", "cpu", "pids".
func (g *Cgroups) Controllers() []string {
	if g == nil {
		return nil
	}
	return slices.Clone(g.controllers)
}

// wanted returns which of the controllers that we use a file lists.
func wanted(dir, file string) (list []string) {
	text, err := os.ReadFile(filepath.Join(dir, file))
	if err != nil {
		return nil
	}
	all := strings.Fields(string(text))
	for _, c := range []string{"memory", "cpu", "pids"} {
		if slices.Contains(all, c) {
			list = append(list, c)
		}
	}
	return list
}

// enable has the groups in dir get the controllers that dir has, as far as that
// is allowed. A group with processes of its own must not even try, unless it is the
// topmost: the kernel refuses it memory, but not cpu and pids, which also work with
// threads. It then takes the group for one that divides threads, and lets no process
// into any below it.
func enable(dir string) {
	if groupType(dir) != "" && len(procsOf(dir)) > 0 {
		return
	}
	for _, c := range wanted(dir, "cgroup.controllers") {
		_ = os.WriteFile(filepath.Join(dir, "cgroup.subtree_control"), []byte("+"+c), 0)
	}
}

// groupType is what the kernel takes a group for: "domain" if processes can be in
// it. It is empty for the topmost group, which is always one.
func groupType(dir string) string {
	text, err := os.ReadFile(filepath.Join(dir, "cgroup.type"))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

// alone reports whether all processes of a group are this one or its children.
func alone(dir string) bool {
	for _, pid := range procsOf(dir) {
		if pid != os.Getpid() && !slices.Contains(childrenOf(os.Getpid()), pid) {
			return false
		}
	}
	return true
}

func moveAll(from, to string) error {
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	for _, pid := range procsOf(from) {
		if err := os.WriteFile(filepath.Join(to, "cgroup.procs"), []byte(strconv.Itoa(pid)), 0); err != nil && !errors.Is(err, unix.ESRCH) {
			return err
		}
	}
	return nil
}

func procsOf(dir string) (list []int) {
	text, err := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
	if err != nil {
		return nil
	}
	for field := range strings.FieldsSeq(string(text)) {
		if pid, err := strconv.Atoi(field); err == nil {
			list = append(list, pid)
		}
	}
	return list
}

// A cgroup is the control group of one process. All methods do nothing on nil.
type cgroup struct {
	path string
	dir  *os.File // open until end
	keep []string // the controllers
}

// group makes the group of a process.
func (g *Cgroups) group(plugin string, l Limits) (*cgroup, error) {
	if g == nil {
		return nil, nil
	}
	c := &cgroup{path: filepath.Join(g.dir, plugin+"."+strings.ToLower(rand.Text()[:8])), keep: g.controllers}
	if err := os.Mkdir(c.path, 0o755); err != nil {
		return nil, fmt.Errorf("make a control group: %w", err)
	}
	err := c.set(l)
	if err == nil {
		c.dir, err = os.Open(c.path)
	}
	if err != nil {
		_ = os.Remove(c.path)
		return nil, fmt.Errorf("make a control group: %w", err)
	}
	return c, nil
}

func (c *cgroup) set(l Limits) error {
	write := func(file, value string) error {
		err := os.WriteFile(filepath.Join(c.path, file), []byte(value), 0)
		if errors.Is(err, fs.ErrNotExist) && (file == "memory.swap.max" || file == "memory.oom.group") {
			return nil // no swap accounting, or an old kernel
		}
		return err
	}
	var errs []error
	if l.Memory > 0 && c.limits(BudgetMemory) {
		errs = append(errs, write("memory.max", strconv.FormatInt(l.Memory, 10)), write("memory.swap.max", "0"), write("memory.oom.group", "1"))
	}
	if l.CPU > 0 && c.limits(BudgetCPU) {
		errs = append(errs, write("cpu.max", fmt.Sprintf("%d %d", max(1000, int64(l.CPU*float64(cpuPeriod.Microseconds()))), cpuPeriod.Microseconds())))
	}
	if l.Processes > 0 && c.limits(BudgetProcesses) {
		errs = append(errs, write("pids.max", strconv.Itoa(l.Processes)))
	}
	return errors.Join(errs...)
}

// limits reports whether the kernel keeps the budget.
func (c *cgroup) limits(budget string) bool {
	controller := budget
	if budget == BudgetProcesses {
		controller = "pids"
	}
	return c != nil && slices.Contains(c.keep, controller)
}

// join has a process be started in the group.
func (c *cgroup) join(attr *syscall.SysProcAttr) {
	if c != nil {
		attr.UseCgroupFD, attr.CgroupFD = true, int(c.dir.Fd())
	}
}

// killFile is what kills all processes of the group if a 1 is written to it;
// empty if there is no such file.
func (c *cgroup) killFile() string {
	if c == nil {
		return ""
	}
	file := filepath.Join(c.path, "cgroup.kill")
	if _, err := os.Stat(file); err != nil {
		return "" // before Linux 5.14
	}
	return file
}

func (c *cgroup) procs() []int {
	if c == nil {
		return nil
	}
	return procsOf(c.path)
}

// cpu is the CPU time that the group has taken.
func (c *cgroup) cpu() (time.Duration, bool) {
	if c == nil {
		return 0, false
	}
	n, ok := c.figure("cpu.stat", "usage_usec")
	return time.Duration(n) * time.Microsecond, ok
}

// figure reads one line of a file of names and numbers.
func (c *cgroup) figure(file, name string) (int64, bool) {
	text, err := os.ReadFile(filepath.Join(c.path, file))
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), name+" "); ok {
			n, err := strconv.ParseInt(value, 10, 64)
			return n, err == nil
		}
	}
	return 0, false
}

// broken returns a *BudgetError if the kernel had to refuse something to keep a
// limit.
func (c *cgroup) broken(l Limits) error {
	if c.limits(BudgetMemory) {
		if n, _ := c.figure("memory.events", "oom_kill"); n > 0 {
			return &BudgetError{Budget: BudgetMemory, Limit: float64(l.Memory)}
		}
	}
	if c.limits(BudgetProcesses) {
		if n, _ := c.figure("pids.events", "max"); n > 0 {
			return &BudgetError{Budget: BudgetProcesses, Limit: float64(l.Processes)}
		}
	}
	return nil
}

// kill kills all processes of the group.
func (c *cgroup) kill() {
	if c == nil {
		return
	}
	if file := c.killFile(); file != "" && os.WriteFile(file, []byte("1"), 0) == nil {
		return
	}
	for range endRounds {
		list := procsOf(c.path)
		for _, pid := range list {
			_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended
		}
		if len(list) == 0 {
			return
		}
	}
}

// end kills what is left in the group and removes it.
func (c *cgroup) end() {
	if c == nil {
		return
	}
	c.kill()
	c.dir.Close()
	for range endRounds * 10 { // it takes the kernel a moment to be done with the dead
		if err := os.Remove(c.path); err == nil || errors.Is(err, fs.ErrNotExist) {
			return
		}
		time.Sleep(2 * time.Millisecond)
	}
}
