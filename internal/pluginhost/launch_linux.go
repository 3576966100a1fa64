package pluginhost

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// dieWithHost has the kernel kill the process when the host dies.
func dieWithHost(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGKILL }

// sealDescriptors keeps descriptors that the host itself inherited from whoever
// started it from its children. Those that Go opened are closed on exec anyway.
func sealDescriptors() error {
	err := unix.CloseRange(3, math.MaxInt32, unix.CLOSE_RANGE_CLOEXEC)
	if !errors.Is(err, unix.ENOSYS) && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.EPERM) {
		return err
	}
	// Before Linux 5.11, or forbidden by a sandbox.
	dir, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return err
	}
	for _, e := range dir {
		if fd, err := strconv.Atoi(e.Name()); err == nil && fd > 2 {
			unix.CloseOnExec(fd)
		}
	}
	return nil
}

// start starts the plugin by way of the launcher. Without an error the plugin's
// own program is running.
func (c *child) start(o Options, path string, u *User) error {
	ord := order{
		Path: path, Args: c.cmd.Args, Dir: c.cmd.Dir, Private: o.Work != "", Rlimits: o.rlimits(u, c.group),
	}
	if c.cmd.SysProcAttr.Pdeathsig != 0 {
		ord.Parent = os.Getpid()
	}
	if o.Hide != "" && os.Geteuid() == 0 {
		if show, ok := shown(o.Hide, append(o.Spec.folders(c.cmd.Env), o.Work)); ok {
			ord.Hide, ord.Show = o.Hide, show
		}
	}
	if u != nil {
		ord.Own, ord.Change, ord.UID, ord.GID, ord.Groups = o.Work, true, u.UID, u.GID, u.Groups
		ord.Files = o.Spec.files(c.cmd.Env)
		if o.Work != "" {
			ord.Files = append(ord.Files, reach(filepath.Dir(o.Work)))
		}
	}
	report, theirs, err := viaLauncher(c.cmd, ord)
	if err != nil {
		return err
	}
	defer report.Close()
	err = c.run()
	theirs.Close()
	if err != nil {
		return err
	}
	if err := readReport(report, o.StartTimeout); err != nil {
		_ = c.cmd.Process.Kill() // it has ended, or hangs
		<-c.exited
		return err
	}
	return nil
}

// blocked names what keeps the user out.
func blocked(s Spec, path string, u *User, err error) error {
	b := &blockedError{plugin: s.Name, user: u.Name, path: path, block: path, err: err}
	var f *launchFault
	if errors.As(err, &f) {
		b.path = f.Path
		b.block = f.Path
		if f.Block != "" {
			b.block = f.Block
		}
	}
	return b
}

// taskSlack is by how much the processes of the user may grow: the limit counts
// those of all plugins.
const taskSlack = 1024

// rlimits are the resource limits of the process. That of processes only bounds
// what can happen until the host looks. There is none of memory: RLIMIT_AS and
// RLIMIT_DATA count what a run-time system reserves and never uses, such as the
// arenas of Go, the stacks of threads and the shadow of a race detector.
func (o Options) rlimits(u *User, group *cgroup) map[int]uint64 {
	limits := map[int]uint64{}
	if o.Work != "" {
		limits[unix.RLIMIT_CORE] = 0 // a core has the passwords of controllers
	}
	if n := o.Limits.OpenFiles; n > 0 {
		limits[unix.RLIMIT_NOFILE] = uint64(n)
	}
	uid := os.Geteuid()
	if u != nil {
		uid = u.UID
	}
	if n := o.Limits.Processes; n > 0 && uid != 0 && !group.limits(BudgetProcesses) { // root has no such limit
		limits[unix.RLIMIT_NPROC] = uint64(tasksOf(uid) + n + taskSlack)
	}
	return limits
}
