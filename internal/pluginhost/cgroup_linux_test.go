package pluginhost

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func writeFile(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestCgroupPlace reads what the kernel says about where groups are, in systems
// of both kinds.
func TestCgroupPlace(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, tt := range map[string]struct{ mounts, own, mount, group string }{
		"unified": {"24 30 0:22 / /sys rw - sysfs sysfs rw\n35 24 0:30 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n", "0::/system.slice/faultline.service\n",
			"/sys/fs/cgroup", "/system.slice/faultline.service"},
		"hybrid": {"36 24 0:31 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n40 24 0:35 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n", "4:memory:/x\n0::/\n",
			"/sys/fs/cgroup/unified", "/"},
		"none": {"36 24 0:31 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n", "4:memory:/x\n", "", ""},
	} {
		mount, err := cgroupMount(writeFile(t, filepath.Join(dir, name+".mounts"), tt.mounts))
		if mount != tt.mount || err != nil {
			t.Errorf("%s: mounted at %q, %v", name, mount, err)
		}
		group, err := ownCgroup(writeFile(t, filepath.Join(dir, name+".own"), tt.own))
		if group != tt.group || (err == nil) != (tt.group != "") {
			t.Errorf("%s: group %q, %v", name, group, err)
		}
	}
}

// TestCgroupLimits looks at what is written to the files of a group, and at what
// is read from them; plain files stand in for those of a kernel that has all
// controllers.
func TestCgroupLimits(t *testing.T) {
	t.Parallel()
	g := &Cgroups{dir: t.TempDir(), controllers: []string{"memory", "cpu", "pids"}}
	limits := Limits{Memory: 64 << 20, CPU: 1.5, Processes: 50}
	c, err := g.group("acme", limits)
	if err != nil {
		t.Fatal(err)
	}
	defer c.dir.Close()
	for file, want := range map[string]string{
		"memory.max": "67108864", "memory.swap.max": "0", "memory.oom.group": "1", "cpu.max": "150000 100000", "pids.max": "50",
	} {
		if got, err := os.ReadFile(filepath.Join(c.path, file)); string(got) != want {
			t.Errorf("%s is %q, %v; want %q", file, got, err, want)
		}
	}
	if err := c.broken(limits); err != nil {
		t.Errorf("nothing happened, and it says %v", err)
	}
	for file, want := range map[string]struct{ text, budget string }{
		"memory.events": {"low 0\nmax 12\noom 1\noom_kill 2\n", BudgetMemory}, "pids.events": {"max 3\n", BudgetProcesses},
	} {
		path := writeFile(t, filepath.Join(c.path, file), want.text)
		var over *BudgetError
		if err := c.broken(limits); !errors.As(err, &over) || over.Budget != want.budget || over.Limit == 0 {
			t.Errorf("%s: got %v", file, err)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	writeFile(t, filepath.Join(c.path, "cpu.stat"), "usage_usec 1500000\nuser_usec 1\n")
	if d, ok := c.cpu(); !ok || d.Seconds() != 1.5 {
		t.Errorf("CPU time %v, %v", d, ok)
	}

	// Without a controller the host looks.
	g.controllers = []string{"pids"}
	if c, err = g.group("acme", limits); err != nil {
		t.Fatal(err)
	}
	defer c.dir.Close()
	if _, err := os.Stat(filepath.Join(c.path, "memory.max")); err == nil || c.limits(BudgetMemory) || c.limits(BudgetCPU) || !c.limits(BudgetProcesses) {
		t.Error("it takes a limit for kept that the kernel does not keep")
	}
}
