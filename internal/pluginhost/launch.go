package pluginhost

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
)

// A child is a started process with the host's ends of its pipes. What limits a
// process (its group, its user, its budgets) is set where it is launched, in
// this file and its neighbours for one system each.
type child struct {
	cmd    *exec.Cmd
	guard  *guard // nil where there is no shell
	group  *cgroup
	family *family
	user   string // whom it runs as, if that is not the host's own user
	stdin  *os.File
	stdout *os.File
	stderr *os.File
	// exited is closed when the process was waited for; state is set then.
	exited chan struct{}
	state  *os.ProcessState
}

// launch starts the process of o.Spec.
func launch(o Options, shell string) (*child, error) {
	u := o.User
	if u != nil && u.UID == os.Geteuid() {
		u = nil
	}
	if u == nil {
		return launchAs(o, shell, nil)
	}
	if os.Geteuid() != 0 {
		return nil, fmt.Errorf("plugin %s: only root can run plugins as another user; this server is not root, so leave out the setting plugin_user", o.Spec.Name)
	}
	c, err := launchAs(o, shell, u)
	var blocked *blockedError
	if u.Try && errors.As(err, &blocked) {
		o.Log.Info("the plugin runs as root, since "+blocked.Error()+" (or plugin_user: root, if that is what you want)", "plugin", o.Spec.Name)
		return launchAs(o, shell, nil)
	}
	return c, err
}

// launchAs starts the process as the user; nil is the host's own.
func launchAs(o Options, shell string, u *User) (_ *child, err error) {
	mark := rand.Text()
	env, err := pluginEnvironment(o, u, mark)
	if err != nil {
		return nil, err
	}
	path, args := o.Spec.command()
	cmd := exec.Command(path, args...) //nolint:noctx // Stop ends it, in order
	cmd.Dir = o.Dir
	cmd.Env = env
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if o.Work != "" {
		if err := makeWork(o.Work); err != nil {
			return nil, fmt.Errorf("plugin %s: %w", o.Spec.Name, err)
		}
		cmd.Dir = o.Work
	}

	c := &child{cmd: cmd, exited: make(chan struct{})}
	if u != nil {
		c.user = u.Name
	}
	var theirs [3]*os.File
	defer func() {
		for _, f := range theirs {
			f.Close() // a nil *os.File answers with an error, no more
		}
		if err != nil {
			c.closePipes()
		}
	}()
	if theirs[0], c.stdin, err = os.Pipe(); err != nil {
		return nil, fmt.Errorf("make a pipe: %w", err)
	}
	if c.stdout, theirs[1], err = os.Pipe(); err != nil {
		return nil, fmt.Errorf("make a pipe: %w", err)
	}
	if c.stderr, theirs[2], err = os.Pipe(); err != nil {
		return nil, fmt.Errorf("make a pipe: %w", err)
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = theirs[0], theirs[1], theirs[2]
	if err := sealDescriptors(); err != nil {
		return nil, fmt.Errorf("close descriptors to children: %w", err)
	}

	if c.group, err = o.Cgroups.group(o.Spec.Name, o.Limits); err != nil {
		return nil, fmt.Errorf("plugin %s: %w", o.Spec.Name, err)
	}
	defer func() {
		if err != nil {
			c.group.end()
		}
	}()
	c.group.join(cmd.SysProcAttr)
	switch c.guard, err = startGuard(shell, o.Spec.Name, c.group.killFile()); {
	case err == nil:
		cmd.SysProcAttr.Pgid = c.guard.group()
	case errors.Is(err, errNoShell):
		dieWithHost(cmd.SysProcAttr)
	default:
		return nil, err
	}
	if err := c.start(o, path, u); err != nil {
		if c.guard != nil {
			c.guard.end()
		}
		return nil, startError(o.Spec, path, u, err)
	}
	c.family = newFamily(c.cmd.Process.Pid, mark, c.group)
	return c, nil
}

// run starts the process and a goroutine that waits for it. The goroutine
// keeps to one thread for as long as the process lives, since Linux takes the
// end of the thread that started a process for the death of its parent.
func (c *child) run() error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := c.cmd.Start()
		started <- err
		if err != nil {
			return
		}
		_ = c.cmd.Wait() // the state says it all
		c.state = c.cmd.ProcessState
		close(c.exited)
	}()
	return <-started
}

// signal sends sig to the process and to the group it was started in; SIGKILL
// also to all else that it started.
func (c *child) signal(sig syscall.Signal) {
	if sig == syscall.SIGKILL && c.family != nil {
		c.family.look() // while its parents can still be told
		defer c.family.kill()
	}
	// The process itself is named as well, in case it left the group. Both
	// may be gone; there is nothing to do about it.
	_ = c.cmd.Process.Signal(sig)
	if c.guard != nil {
		_ = syscall.Kill(-c.guard.group(), sig)
		return
	}
	select {
	case <-c.exited: // the group's number may be somebody else's by now
	default:
		_ = syscall.Kill(-c.cmd.Process.Pid, sig)
	}
}

// cleanUp ends what the process left behind. It is called once, after the
// process exited.
func (c *child) cleanUp() {
	if c.guard != nil {
		c.guard.end()
	} else {
		// A group keeps its number as long as it has members.
		_ = syscall.Kill(-c.cmd.Process.Pid, syscall.SIGKILL)
	}
	c.family.end()
	c.group.end()
}

func (c *child) closePipes() {
	for _, f := range []*os.File{c.stdin, c.stdout, c.stderr} {
		f.Close()
	}
}

// A blockedError says that the plugin's user cannot read what it has to.
type blockedError struct {
	plugin, user string
	path, block  string
	err          error
}

// Error implements error.
func (e *blockedError) Error() string {
	text := fmt.Sprintf("plugin %s: user %s cannot read %s", e.plugin, e.user, e.path)
	if info, err := os.Lstat(e.block); err == nil && info.IsDir() {
		text += fmt.Sprintf(", because the folder %s is closed to it (%v)", e.block, info.Mode())
	} else if err == nil {
		text += fmt.Sprintf(" (%v)", info.Mode())
	}
	return text + "; open it to that user, move it to where that user can read it, or choose another user with the setting plugin_user"
}

// Unwrap returns the system's error.
func (e *blockedError) Unwrap() error { return e.err }

// startError explains why a program could not be started.
func startError(s Spec, path string, u *User, err error) error {
	if u != nil && errors.Is(err, syscall.EACCES) {
		return blocked(s, path, u, err)
	}
	switch {
	case errors.Is(err, syscall.ENOEXEC):
		return fmt.Errorf("plugin %s: start %s: it is no program for this system; a script needs a first line such as #!/bin/sh: %w", s.Name, path, err)
	case errors.Is(err, os.ErrNotExist) && fileExists(path):
		return fmt.Errorf("plugin %s: start %s: the interpreter that its first line names is missing: %w", s.Name, path, err)
	}
	return fmt.Errorf("plugin %s: start %s: %w", s.Name, path, err)
}

func fileExists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// reach is a folder that must be reached, not read; see probe.
func reach(folder string) string { return filepath.Clean(folder) + "/" }
