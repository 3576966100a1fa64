package pluginhost

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
)

// A child is a started process with the host's ends of its pipes. What limits a
// process (its group, its user, its budgets) is set where it is launched, in
// this file and its neighbours for one system each.
type child struct {
	cmd    *exec.Cmd
	guard  *guard // nil where there is no shell
	stdin  *os.File
	stdout *os.File
	stderr *os.File
	// exited is closed when the process was waited for; state is set then.
	exited chan struct{}
	state  *os.ProcessState
}

// launch starts the process of o.Spec.
func launch(o Options, shell string) (_ *child, err error) {
	env, err := pluginEnvironment(o)
	if err != nil {
		return nil, err
	}
	path, args := o.Spec.command()
	cmd := exec.Command(path, args...) //nolint:noctx // Stop ends it, in order
	cmd.Dir = o.Dir
	cmd.Env = env
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}

	c := &child{cmd: cmd, exited: make(chan struct{})}
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

	switch c.guard, err = startGuard(shell, o.Spec.Name); {
	case err == nil:
		cmd.SysProcAttr.Pgid = c.guard.group()
	case errors.Is(err, errNoShell):
		dieWithHost(cmd.SysProcAttr)
	default:
		return nil, err
	}
	if err := c.start(); err != nil {
		if c.guard != nil {
			c.guard.end()
		}
		return nil, startError(o.Spec, path, err)
	}
	return c, nil
}

// start starts the process and a goroutine that waits for it. The goroutine
// keeps to one thread for as long as the process lives, since Linux takes the
// end of the thread that started a process for the death of its parent.
func (c *child) start() error {
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

// signal sends sig to the process and to the group it was started in.
func (c *child) signal(sig syscall.Signal) {
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

// cleanUp ends what the process left behind in its group. It is called once,
// after the process exited.
func (c *child) cleanUp() {
	if c.guard != nil {
		c.guard.end()
		return
	}
	// A group keeps its number as long as it has members.
	_ = syscall.Kill(-c.cmd.Process.Pid, syscall.SIGKILL)
}

func (c *child) closePipes() {
	for _, f := range []*os.File{c.stdin, c.stdout, c.stderr} {
		f.Close()
	}
}

// startError explains why a program could not be started.
func startError(s Spec, path string, err error) error {
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
