package e2e

import (
	"context"
	"os"
	"path/filepath"
	"strconv"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/faultline-storage/faultline/internal/install/sshtest"
)

// machineSettings are the settings of a server by which it reaches the machine.
var machineSettings = []string{
	"FAULTLINE_SSH_KEY", "FAULTLINE_SSH_PORT", "FAULTLINE_SSH_USER", "FAULTLINE_SSH_KNOWN_HOSTS", "FAULTLINE_AGENT_ROOT",
}

// startMachine starts a machine that agents can be installed on, and has servers that
// are started from then on reach it.
func startMachine(ts *testscript.TestScript, args []string) {
	w := worldOf(ts)
	if w.machine != nil {
		ts.Fatalf("there is a machine already: %s", w.machine.Name)
	}
	o := sshtest.Options{Dir: filepath.Join(w.dir, args[0]), Name: args[0], Services: true}
	if len(args) > 1 {
		o.IP = args[1]
	}
	for _, name := range []string{"GORACE", "HOST_ROOT"} {
		if v := ts.Getenv(name); v != "" {
			o.Env = append(o.Env, name+"="+v)
		}
	}
	ts.Check(os.Mkdir(o.Dir, 0o755))
	m, err := sshtest.Start(context.Background(), o)
	ts.Check(err)
	w.machine = m
	for name, value := range map[string]string{
		"MACHINE": m.Root, "MACHINE_BIN": m.Bin, "MACHINE_ADDRESS": m.IP,
		"FAULTLINE_SSH_KEY": m.Client, "FAULTLINE_SSH_PORT": strconv.Itoa(m.Port), "FAULTLINE_SSH_USER": m.User,
		"FAULTLINE_SSH_KNOWN_HOSTS": filepath.Join(w.dir, "known_hosts"), "FAULTLINE_AGENT_ROOT": m.Root,
	} {
		ts.Setenv(name, value)
	}
}

func machineOf(ts *testscript.TestScript) *sshtest.Machine {
	m := worldOf(ts).machine
	if m == nil {
		ts.Fatalf("there is no machine; see machine")
	}
	return m
}

// service has systemctl on the machine do something with the agent's service. The verb
// "crash" is kill -9.
func service(ts *testscript.TestScript, args []string) {
	m := machineOf(ts)
	if args[0] == "crash" {
		ts.Check(m.Crash(context.Background()))
		return
	}
	ts.Check(m.Systemctl(context.Background(), args[0]))
}

// machineFails lets a verb of the machine's systemctl fail, or none.
func machineFails(ts *testscript.TestScript, args []string) {
	m := machineOf(ts)
	verb := ""
	if len(args) > 0 {
		verb = args[0]
	}
	ts.Check(os.WriteFile(filepath.Join(m.Dir, "fail"), []byte(verb+"\n"), 0o600))
}

// untouched wants nothing of an agent on the machine, and no service.
func untouched(ts *testscript.TestScript, _ []string) {
	m := machineOf(ts)
	ts.Check(filepath.WalkDir(m.Root, func(path string, _ os.DirEntry, err error) error {
		if err == nil && path != m.Root {
			ts.Fatalf("the machine has %s", path)
		}
		return err
	}))
	for _, state := range []string{"enabled", "active"} {
		if _, err := os.Stat(filepath.Join(m.Dir, state)); err == nil {
			ts.Fatalf("the service is %s; the machine says\n%s", state, m.Log())
		}
	}
	left, err := os.ReadDir(filepath.Join(m.Dir, "tmp"))
	ts.Check(err)
	if len(left) > 0 {
		ts.Fatalf("uploads stay: %v", left)
	}
}
