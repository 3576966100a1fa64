package pluginhost

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

// guardScript is what a guard runs. It holds out against the signals that Stop
// sends to the group, waits for the end of its standard input, which is the end
// of the host, gives the plugin time to close its sessions, and then kills all
// that is in the plugin's control group, if it has one, and its own process
// group.
const guardScript = `trap '' HUP INT QUIT TERM PIPE ALRM USR1 USR2 TSTP TTIN TTOU
read -r _
sleep ` + guardGrace + `
[ -z "$2" ] || echo 1 >"$2"
kill -KILL 0`

// guardGrace is how many seconds a plugin has after the death of its host. The
// protocol gives it 5 to exit by itself (SPEC, section 1), and 10 s is when all
// must be gone.
const guardGrace = "6"

// A guard leads the process group of one plugin and ends it when the host dies.
// As long as it was not waited for, its process id, and so the group's, is not
// given to others.
type guard struct {
	cmd *exec.Cmd
	// pipe is never written to. The kernel closes it when the host dies.
	pipe *os.File
}

// errNoShell says that there is nothing to run a guard with.
var errNoShell = errors.New("no shell")

// startGuard starts a guard with the given shell. killFile is empty, or what to
// write to so that a control group is killed.
func startGuard(shell, plugin, killFile string) (*guard, error) {
	sh, err := exec.LookPath(shell)
	if err != nil {
		return nil, errNoShell
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make a pipe: %w", err)
	}
	defer r.Close()
	cmd := exec.Command(sh, "-c", guardScript, "faultline-guard", plugin, killFile) //nolint:noctx // it lives as long as its plugin
	cmd.Args[0] = "sh"
	cmd.Stdin = r
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=/usr/local/bin:/usr/bin:/bin"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		w.Close()
		return nil, fmt.Errorf("start guard: %w", err)
	}
	return &guard{cmd: cmd, pipe: w}, nil
}

// group is the number of the guard's process group.
func (g *guard) group() int { return g.cmd.Process.Pid }

// end kills what is left of the group and frees its number.
func (g *guard) end() {
	_ = syscall.Kill(-g.group(), syscall.SIGKILL)
	_ = g.cmd.Wait() // its status says nothing
	g.pipe.Close()
}
