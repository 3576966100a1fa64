package pluginhost

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/faultline-storage/faultline/sdk/wire"
)

// requireVar makes the tests that need control groups with all controllers fail
// where there are none. `make test-vm` sets it: its guest has them.
const requireVar = "FAULTLINE_REQUIRE_CGROUPS"

// skipGroups skips a test that needs more of control groups than there is here.
func skipGroups(t *testing.T, format string, args ...any) {
	t.Helper()
	if os.Getenv(requireVar) != "" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format+"; `make test-vm` runs this test on a kernel that has them", args...)
}

// kernelGroup makes a control group below the topmost one whose kernel keeps all
// limits, or skips the test.
func kernelGroup(t *testing.T) string {
	t.Helper()
	mount, err := cgroupMount("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() != 0 || mount == "" {
		skipGroups(t, "this takes root and control groups of version 2")
	}
	enable(mount)
	if have := wanted(mount, "cgroup.subtree_control"); len(have) < 3 {
		skipGroups(t, "the control groups of version 2 have only the controllers %q here", have)
	}
	dir := filepath.Join(mount, "faultline-test-"+strings.ToLower(rand.Text()[:8]))
	if err := os.Mkdir(dir, 0o755); err != nil {
		skipGroups(t, "no control group can be made: %v", err)
	}
	t.Cleanup(func() { removeGroup(t, dir) })
	return dir
}

// removeGroup ends all that is in a group and removes it with those below.
func removeGroup(t *testing.T, dir string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, "cgroup.kill"), []byte("1"), 0); err != nil {
		t.Error(err)
	}
	var all []string
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.IsDir() {
			all = append(all, path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	slices.Reverse(all)
	for _, path := range all {
		for end := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
			err := os.Remove(path)
			if err == nil || errors.Is(err, fs.ErrNotExist) {
				break
			}
			if time.Now().After(end) {
				t.Error(err)
				break
			}
		}
	}
}

// kernelOnly starts a fake in a group of a kernel that keeps all limits, with a
// host that never looks.
func kernelOnly(t *testing.T, fake string, limits Limits) *Process {
	t.Helper()
	groups, err := newCgroups(kernelGroup(t), false)
	if err != nil {
		t.Fatal(err)
	}
	if got := groups.Controllers(); !slices.Equal(got, []string{"memory", "cpu", "pids"}) {
		t.Fatalf("the plugins' groups have the controllers %q", got)
	}
	return startFake(t, fake, func(o *Options) {
		o.Limits, o.Cgroups, o.SampleEvery = limits, groups, time.Hour
	})
}

// scan asks for the turn in which the fakes misbehave.
func scan(ctx context.Context, p *Process) error {
	return p.Call(ctx, wire.MethodInitialScan, wire.SessionParams{Session: "s1"}, nil)
}

// TestKernelKeepsMemory shows that a plugin, or one that it started, ends at its
// limit without anybody looking, that this is told from other deaths, and that the
// group goes with it.
func TestKernelKeepsMemory(t *testing.T) {
	t.Parallel()
	for _, fake := range []string{"hog", "hog in a child"} {
		t.Run(fake, func(t *testing.T) {
			t.Parallel()
			p := kernelOnly(t, fake, Limits{Memory: 96 << 20})
			group := p.child.group.path
			err := scan(t.Context(), p)
			if !errors.Is(err, ErrOverBudget) || !errors.Is(err, ErrEnded) {
				t.Fatalf("the call failed with %v", err)
			}
			var over *BudgetError
			if !errors.As(waitDone(t, p), &over) || over.Budget != BudgetMemory || over.Limit != 96<<20 {
				t.Fatalf("the process ended with %v", p.Err())
			}
			if _, err := os.Stat(group); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("its group: %v", err)
			}
			if left := childrenMarked(p); len(left) > 0 {
				t.Errorf("processes %v are left", left)
			}
		})
	}
}

// TestKernelThrottles shows that a plugin is held at its share of the CPU and
// lives.
func TestKernelThrottles(t *testing.T) {
	t.Parallel()
	const share = 0.1
	p := kernelOnly(t, "spins", Limits{CPU: share, CPUWindow: time.Second})
	start, before := time.Now(), p.Use().CPU
	go func() { _ = scan(context.Background(), p) }() // until the test ends the plugin
	time.Sleep(3 * time.Second)                       // what is measured
	took, span := p.Use().CPU-before, time.Since(start)
	if n, ok := p.child.group.figure("cpu.stat", "nr_throttled"); !ok || n == 0 {
		t.Errorf("it was held %d times, %v", n, ok)
	}
	// A period is paid in full before it counts.
	if most := time.Duration(share*float64(span)) + 2*cpuPeriod; took > most || took == 0 {
		t.Errorf("it took %v of %v, want at most %v", took, span, most)
	}
	select {
	case <-p.Done():
		t.Errorf("it ended: %v", p.Err())
	default:
	}
}

// TestKernelRefusesProcesses shows that there are never more than the limit, and
// that the host finds out.
func TestKernelRefusesProcesses(t *testing.T) {
	t.Parallel()
	limits := Limits{Processes: 40}
	p := kernelOnly(t, "forks", limits)
	ended := make(chan error, 1)
	go func() { ended <- scan(t.Context(), p) }()
	group := p.child.group
	for end := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		text, err := os.ReadFile(filepath.Join(group.path, "pids.current"))
		var n int
		if err == nil {
			_, err = fmt.Sscan(string(text), &n)
		}
		if err != nil || n > limits.Processes {
			t.Fatalf("%d processes and threads, %v", n, err)
		}
		if refused, _ := group.figure("pids.events", "max"); refused > 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("nothing was refused; there are %d", n)
		}
	}
	var over *BudgetError
	if err := group.broken(limits); !errors.As(err, &over) || over.Budget != BudgetProcesses {
		t.Errorf("it says %v", err)
	}
	p.fail(over) // as the host does when it looks
	if err := <-ended; !errors.Is(err, ErrOverBudget) {
		t.Errorf("the scan ended with %v", err)
	}
	_ = waitDone(t, p)
	if left := childrenMarked(p); len(left) > 0 {
		t.Errorf("processes %v are left", left)
	}
}

// A found is what a host finds out about its control groups.
type found struct {
	Groups      bool
	Controllers []string
	Own         string // its group afterwards
	Budget      string // that a plugin broke, which took memory
	Error       string
}

func init() {
	fakes["finds groups"] = func(f *fakePlugin) {
		var got found
		groups, err := FindCgroups(f.arg)
		if err != nil {
			got.Error = err.Error()
		}
		got.Groups, got.Controllers = groups != nil, groups.Controllers()
		if got.Own, err = ownCgroup("/proc/self/cgroup"); err != nil {
			f.die("%v", err)
		}
		o := fakeOptions("good")
		o.Cgroups = groups
		p, err := Start(context.Background(), o)
		if err != nil {
			f.die("%v", err)
		}
		if err := p.Stop(context.Background()); err != nil {
			f.die("%v", err)
		}
		if len(got.Controllers) > 0 {
			o := fakeOptions("hog")
			o.Cgroups, o.Limits, o.SampleEvery = groups, Limits{Memory: 96 << 20, CPU: 4, Processes: 100}, time.Hour
			p, err := Start(context.Background(), o)
			if err != nil {
				f.die("%v", err)
			}
			err = scan(context.Background(), p)
			var over *BudgetError
			if !errors.As(err, &over) {
				f.die("the plugin ended with %v", err)
			}
			got.Budget = over.Budget
			<-p.Done()
		}
		f.send(got)
	}
}

// TestDelegation starts hosts in groups as service managers make them, and sees
// what they may do there.
func TestDelegation(t *testing.T) {
	t.Parallel()
	// A user that is not root needs a copy of this program.
	program := filepath.Join(openFolder(t), "host")
	mine, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(program, mine, 0o755); err != nil {
		t.Fatal(err)
	}
	all := []string{"memory", "cpu", "pids"}
	for name, tt := range map[string]struct {
		mark    bool // Delegate=yes
		user    bool // is not root
		owns    bool // its group
		crowd   bool // somebody else is in the group
		setting string
		want    found
	}{
		"not delegated":                {setting: CgroupAuto, want: found{Own: "."}},
		"delegated":                    {setting: CgroupAuto, mark: true, want: found{Groups: true, Controllers: all, Own: serverGroup, Budget: BudgetMemory}},
		"delegated, off":               {setting: CgroupOff, mark: true, want: found{Own: "."}},
		"shared with others":           {setting: CgroupAuto, mark: true, crowd: true, want: found{Groups: true, Own: "."}},
		"a user's":                     {setting: CgroupAuto, mark: true, user: true, owns: true, want: found{Groups: true, Controllers: all, Own: serverGroup, Budget: BudgetMemory}},
		"not the user's":               {setting: CgroupAuto, user: true, want: found{Own: "."}},
		"named":                        {setting: "GROUP/named", want: found{Groups: true, Controllers: all, Own: ".", Budget: BudgetMemory}},
		"named, and not the user's":    {setting: "GROUP/named", user: true, want: found{Own: ".", Error: "permission denied"}},
		"named, and full of processes": {setting: "GROUP", want: found{Groups: true, Own: "."}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			parent := kernelGroup(t)
			enable(parent)
			dir := filepath.Join(parent, "service")
			if err := os.Mkdir(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			setting, inner := tt.setting, dir
			mount, err := cgroupMount("/proc/self/mountinfo")
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasPrefix(setting, "GROUP/") {
				setting = strings.Replace(setting, "GROUP", strings.TrimPrefix(parent, mount), 1)
			} else if setting == "GROUP" {
				setting = strings.TrimPrefix(dir, mount)
			}
			if tt.mark {
				if err := unix.Setxattr(dir, "trusted.delegate", []byte("1"), 0); err != nil {
					t.Fatal(err)
				}
			}
			attr := &syscall.SysProcAttr{}
			if tt.user {
				u := nobody(t)
				attr.Credential = &syscall.Credential{Uid: uint32(u.UID), Gid: uint32(u.GID)}
				if tt.owns {
					for _, file := range []string{"", "cgroup.procs", "cgroup.subtree_control", "cgroup.threads"} {
						if err := os.Chown(filepath.Join(dir, file), u.UID, u.GID); err != nil {
							t.Fatal(err)
						}
					}
				}
			}
			folder, err := os.Open(inner)
			if err != nil {
				t.Fatal(err)
			}
			defer folder.Close()
			attr.UseCgroupFD, attr.CgroupFD = true, int(folder.Fd())
			if tt.crowd {
				other := exec.CommandContext(t.Context(), "sleep", "60")
				other.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(folder.Fd())}
				if err := other.Start(); err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = other.Wait() }) // it was killed
			}
			cmd := exec.CommandContext(t.Context(), program)
			cmd.Dir, cmd.SysProcAttr, cmd.Stderr = "/", attr, os.Stderr
			cmd.Env = append(os.Environ(), fakeVar+"=finds groups", fakeVar+"_ARG="+setting, "GORACE=atexit_sleep_ms=0")
			out, err := cmd.Output()
			if err != nil {
				t.Fatal(err)
			}
			var got found
			if err := json.Unmarshal(out, &got); err != nil {
				t.Fatalf("%q: %v", out, err)
			}
			own, err := filepath.Rel(strings.TrimPrefix(dir, mount), got.Own)
			if err != nil || got.Groups != tt.want.Groups || !slices.Equal(got.Controllers, tt.want.Controllers) ||
				own != tt.want.Own || got.Budget != tt.want.Budget || !strings.Contains(got.Error, tt.want.Error) || (got.Error == "") != (tt.want.Error == "") {
				t.Errorf("got %+v (in %q), %v; want %+v", got, own, err, tt.want)
			}
		})
	}
}
