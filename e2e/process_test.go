package e2e

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/rogpeppe/go-internal/testscript"
)

// process is a process, told from a later one with the same id by its start.
type process struct {
	pid   int
	group int
	start string
	name  string
}

// look returns a process; ok is false if there is none, or only its remains.
func look(pid int) (p process, ok bool) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return p, false
	}
	// The name is in brackets and may hold anything.
	begin, end := bytes.IndexByte(b, '('), bytes.LastIndexByte(b, ')')
	if begin < 0 || end < begin {
		return p, false
	}
	f := strings.Fields(string(b[end+1:])) // from field 3, the state, on
	if len(f) < 20 || f[0] == "Z" || f[0] == "X" {
		return p, false
	}
	p = process{pid: pid, name: string(b[begin+1 : end]), start: f[19]}
	p.group, err = strconv.Atoi(f[2])
	return p, err == nil
}

func (p process) alive() bool {
	now, ok := look(p.pid)
	return ok && now.start == p.start
}

// groupOf returns all processes of a process's group.
func groupOf(pid int) []process {
	leader, ok := look(pid)
	if !ok {
		return nil
	}
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	var out []process
	for _, d := range dirs {
		if pid, err := strconv.Atoi(filepath.Base(d)); err == nil {
			if p, ok := look(pid); ok && p.group == leader.group {
				out = append(out, p)
			}
		}
	}
	return out
}

// pidOf asks the server for the process of a plugin.
func pidOf(ts *testscript.TestScript, plugin string) int {
	text, err := at([]byte(client(ts, []string{"get", "plugins", plugin, "-o", "json"})), "pid")
	ts.Check(err)
	pid, err := strconv.Atoi(text)
	ts.Check(err)
	if pid <= 0 {
		ts.Fatalf("plugin %s has no process", plugin)
	}
	return pid
}

func pids(ts *testscript.TestScript, args []string) {
	group := groupOf(pidOf(ts, args[0]))
	if len(group) == 0 {
		ts.Fatalf("plugin %s has no process", args[0])
	}
	w := worldOf(ts)
	w.remembered = append(w.remembered, group...)
	for _, p := range group {
		ts.Logf("%s (%d)", p.name, p.pid)
	}
}

func kill9(ts *testscript.TestScript, args []string) {
	ts.Check(syscall.Kill(pidOf(ts, args[0]), syscall.SIGKILL))
}

func gone(ts *testscript.TestScript, args []string) {
	d, _ := within(ts, args)
	w := worldOf(ts)
	if len(w.remembered) == 0 {
		ts.Fatalf("no processes are remembered; see pids")
	}
	poll(ts, d, func() error {
		for _, p := range w.remembered {
			if p.alive() {
				return fmt.Errorf("process %d (%s) is still there", p.pid, p.name)
			}
		}
		return nil
	})
	w.remembered = nil
}
