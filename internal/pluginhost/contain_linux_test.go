package pluginhost

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/faultline-storage/faultline/sdk/wire"
)

// Plugins that use too much. Each is bounded in what it takes and for how long.
func init() {
	hook := func(do func(f *fakePlugin)) func(*fakePlugin) {
		return func(f *fakePlugin) {
			f.handshake()
			f.serve(on(wire.MethodInitialScan, func(m fakeMessage) {
				do(f)
				f.answer(m, wire.TurnResult{})
			}))
		}
	}
	fakes["hog"] = hook(func(*fakePlugin) { hog(200<<20, 20*time.Second) })
	fakes["hog in a child"] = hook(func(f *fakePlugin) {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), fakeVar+"=just hog")
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		_ = cmd.Run()
	})
	fakes["just hog"] = func(*fakePlugin) { hog(200<<20, 20*time.Second) }
	fakes["forks"] = hook(func(*fakePlugin) {
		for range 60 {
			_ = exec.Command("sleep", "20").Start() // the limit may refuse it
		}
		time.Sleep(20 * time.Second)
	})
	fakes["leaks descriptors"] = hook(func(f *fakePlugin) {
		var open []*os.File
		for range 300 {
			if file, err := os.Open(os.DevNull); err == nil {
				open = append(open, file)
			}
		}
		time.Sleep(20 * time.Second)
		runtime.KeepAlive(open)
	})
	fakes["spins"] = hook(func(*fakePlugin) {
		for end := time.Now().Add(30 * time.Second); time.Now().Before(end); {
		}
	})
	fakes["escapes"] = func(f *fakePlugin) {
		f.handshake()
		f.serve(on("escape", func(m fakeMessage) {
			// A daemon as the book has it: no group, no session, no parent. With
			// an argument it has not even the environment.
			clean := ""
			if f.arg != "" {
				clean = "env -i "
			}
			out, err := exec.Command("sh", "-c", clean+`setsid sh -c 'sleep 60 >/dev/null 2>&1 & echo $!'`).Output()
			if err != nil {
				f.die("%v", err)
			}
			pid, err := strconv.Atoi(strings.TrimSpace(string(out)))
			if err != nil {
				f.die("%v", err)
			}
			f.answer(m, pid)
		}))
	}
	fakes["tells"] = func(f *fakePlugin) {
		f.handshake()
		f.serve(func(m fakeMessage) bool {
			switch m.Method {
			case "tell":
				f.answer(m, tell())
			case "list":
				var folder []string
				_ = json.Unmarshal(m.Params, &folder)
				list, _ := os.ReadDir(folder[0]) // what cannot be listed has nothing to see
				names := []string{}
				for _, e := range list {
					names = append(names, e.Name())
				}
				f.answer(m, names)
			default:
				return false
			}
			return true
		})
	}
}

// raceEnabled says that the race detector is on.
var raceEnabled bool

// hog takes memory in steps, uses it, and holds it for a while.
func hog(most int, hold time.Duration) {
	var held [][]byte
	for n := 0; n < most; n += 8 << 20 {
		b := make([]byte, 8<<20)
		for i := 0; i < len(b); i += 4096 {
			b[i] = 1
		}
		held = append(held, b)
		time.Sleep(20 * time.Millisecond)
	}
	time.Sleep(hold)
	runtime.KeepAlive(held)
}

// told is what a plugin finds out about how it runs.
type told struct {
	UID, GID   int
	Groups     []int
	Dir, Home  string
	Status     map[string]string // of /proc/self/status
	Limits     map[string]string // of /proc/self/limits: the hard ones
	Wrote      os.FileMode       // of a file that it made
	WriteError string
}

func tell() told {
	t := told{UID: os.Getuid(), GID: os.Getgid(), Home: os.Getenv("HOME"), Status: map[string]string{}, Limits: map[string]string{}}
	t.Groups, _ = os.Getgroups()
	t.Dir, _ = os.Getwd()
	text, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(line, ":")
		t.Status[name] = strings.TrimSpace(value)
	}
	text, _ = os.ReadFile("/proc/self/limits")
	for line := range strings.Lines(string(text)) {
		if len(line) > 47 {
			t.Limits[strings.TrimSpace(line[:26])] = strings.TrimSpace(line[47:68])
		}
	}
	name := filepath.Join(t.Home, "kept")
	if err := os.WriteFile(name, []byte("x"), 0o666); err != nil {
		t.WriteError = err.Error()
	} else if info, err := os.Stat(name); err == nil {
		t.Wrote = info.Mode().Perm()
	}
	return t
}

func TestOverBudget(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		fake, budget string
		limits       Limits
	}{
		{"hog", BudgetMemory, Limits{Memory: 64 << 20}},
		{"hog in a child", BudgetMemory, Limits{Memory: 64 << 20}},
		{"forks", BudgetProcesses, Limits{Processes: 50}},
		{"leaks descriptors", BudgetOpenFiles, Limits{OpenFiles: 100}},
		{"spins", BudgetCPU, Limits{CPU: 0.05, CPUWindow: 2 * time.Second}},
	} {
		if raceEnabled && tt.budget == BudgetMemory {
			tt.limits.Memory = 128 << 20 // the detector needs some
		}
		for _, with := range []string{"control group", "no control group"} {
			t.Run(tt.fake+", "+with, func(t *testing.T) {
				t.Parallel()
				groups := cgroupsFor(t, with)
				p := startFake(t, tt.fake, func(o *Options) {
					o.Limits, o.Cgroups, o.SampleEvery = tt.limits, groups, 50*time.Millisecond
				})
				if with == "control group" && tt.budget == BudgetCPU && slices.Contains(groups.Controllers(), "cpu") {
					t.Skip("the kernel holds the plugin at its share here, so it is never over it")
				}
				err := p.Call(t.Context(), wire.MethodInitialScan, wire.SessionParams{Session: "s1"}, nil)
				if !errors.Is(err, ErrOverBudget) || !errors.Is(err, ErrEnded) {
					t.Fatalf("the call failed with %v", err)
				}
				var over *BudgetError
				if !errors.As(waitDone(t, p), &over) || over.Budget != tt.budget || over.Limit <= 0 {
					t.Fatalf("the process ended with %v", p.Err())
				}
				if !strings.Contains(err.Error(), "over its "+strings.ReplaceAll(tt.budget, "_", " ")+" budget") {
					t.Errorf("the error is %q", err)
				}
				waitGone(t, 10*time.Second, p.Pid())
				if left := childrenMarked(p); len(left) > 0 {
					t.Errorf("processes %v are left", left)
				}
			})
		}
	}
}

// cgroupsFor returns groups to test with, or skips the test.
func cgroupsFor(t *testing.T, with string) *Cgroups {
	t.Helper()
	if with != "control group" {
		return nil
	}
	g, err := FindCgroups(CgroupAuto)
	if err != nil {
		t.Fatal(err)
	}
	if g == nil {
		skipGroups(t, "this user may make no control groups (version 2) here; run as root, or in a unit with Delegate=yes")
	}
	return g
}

// childrenMarked returns the processes that descend from a plugin's.
func childrenMarked(p *Process) (left []int) {
	all, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, file := range all {
		env, err := os.ReadFile(file)
		if err == nil && strings.Contains(string(env), markVar+"="+p.child.family.mark) {
			if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file))); err == nil && !gone(pid) {
				left = append(left, pid)
			}
		}
	}
	return left
}

// TestEscape shows that a process that left the plugin's group, session and
// parents ends with it.
func TestEscape(t *testing.T) {
	t.Parallel()
	for _, with := range []string{"control group", "no control group"} {
		for _, end := range []string{"stop", "kill", "fail"} {
			for _, arg := range []string{"", "clean"} {
				if arg != "" && with != "control group" {
					continue // nothing is left to tell it by; docs/operating.md says so
				}
				t.Run(with+" "+end+" "+arg, func(t *testing.T) {
					t.Parallel()
					groups := cgroupsFor(t, with)
					p := startFake(t, "escapes", func(o *Options) {
						o.Cgroups = groups
						o.Spec.Env = append(o.Spec.Env, fakeVar+"_ARG="+arg)
					})
					var pid int
					if err := p.Call(t.Context(), "escape", nil, &pid); err != nil {
						t.Fatal(err)
					}
					t.Cleanup(func() {
						if !gone(pid) {
							_ = syscall.Kill(pid, syscall.SIGKILL)
						}
					})
					if gone(pid) {
						t.Fatal("it ended before the plugin")
					}
					switch end {
					case "stop":
						if err := p.Stop(t.Context()); err != nil {
							t.Error(err)
						}
					case "kill":
						if err := syscall.Kill(p.Pid(), syscall.SIGKILL); err != nil {
							t.Error(err)
						}
					case "fail":
						p.fail(ErrDeadline)
					}
					_ = waitDone(t, p)
					waitGone(t, 10*time.Second, pid)
				})
			}
		}
	}
}

func TestContainment(t *testing.T) {
	t.Parallel()
	work := filepath.Join(t.TempDir(), "work", "fake")
	p := startFake(t, "tells", func(o *Options) {
		o.Work, o.Limits = work, Limits{OpenFiles: 123, Processes: 500, Memory: 4 << 30}
	})
	var got told
	if err := p.Call(t.Context(), "tell", nil, &got); err != nil {
		t.Fatal(err)
	}
	for what, is := range map[string]bool{
		"home":             got.Home == work,
		"folder":           got.Dir == work,
		"no new privs":     got.Status["NoNewPrivs"] == "1",
		"no core":          got.Limits["Max core file size"] == "0",
		"descriptors":      got.Limits["Max open files"] == "123",
		"private files":    got.Wrote == 0o600 && got.WriteError == "",
		"user":             got.UID == os.Getuid() && p.User() == "",
		"umask":            got.Status["Umask"] == "0077",
		"name of the host": got.Status["Name"] == filepath.Base(os.Args[0])[:min(15, len(filepath.Base(os.Args[0])))],
	} {
		if !is {
			t.Errorf("%s: %+v", what, got)
		}
	}
	info, err := os.Stat(work)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the working folder: %v, %v", info, err)
	}
	// It is kept between runs.
	if err := p.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(work, "kept")); err != nil {
		t.Error(err)
	}
}

func TestPassEnv(t *testing.T) {
	t.Setenv("VENDOR_LICENCE", "abc")
	t.Setenv("OTHER", "abc")
	p := startFake(t, "good", func(o *Options) { o.PassEnv = []string{"VENDOR_LICENCE", "NOT_SET"} })
	var env []string
	if err := p.Call(t.Context(), "environment", nil, &env); err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(env, "VENDOR_LICENCE=abc") || slices.Contains(env, "OTHER=abc") || slices.Contains(env, "NOT_SET=") {
		t.Errorf("%q", env)
	}
}

func TestTimeLimitOfOneMethod(t *testing.T) {
	t.Parallel()
	p := startFake(t, "hang in call", func(o *Options) {
		o.Limits.Calls = map[string]time.Duration{wire.MethodInitialScan: 50 * time.Millisecond}
	})
	if err := p.Call(t.Context(), wire.MethodInitialScan, wire.SessionParams{Session: "s1"}, nil); !errors.Is(err, ErrDeadline) || !strings.Contains(err.Error(), "50ms") {
		t.Errorf("got %v", err)
	}
}

// open makes a folder that every user can enter.
func openFolder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "faultline-test-") //nolint:usetesting // t.TempDir is closed to other users
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// nobody is the user that plugins of a root server run as in tests.
func nobody(t *testing.T) *User {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can run plugins as another user")
	}
	u, err := LookupUser("nobody")
	if err != nil {
		t.Skip(err)
	}
	return u
}

func TestRunsAsUser(t *testing.T) {
	u := nobody(t)
	t.Setenv("TMPDIR", t.TempDir())
	os.Unsetenv("TMPDIR") // put back at the end
	base := openFolder(t)
	work := filepath.Join(base, "fake")
	// What an earlier user left is handed over, what a plugin linked to is not.
	outside := filepath.Join(t.TempDir(), "shadow")
	if err := os.WriteFile(outside, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(work, "cache"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(work, "link")); err != nil {
		t.Fatal(err)
	}
	p := startFake(t, "tells", func(o *Options) { o.User, o.Work = u, work })
	var got told
	if err := p.Call(t.Context(), "tell", nil, &got); err != nil {
		t.Fatal(err)
	}
	if got.UID != u.UID || got.GID != u.GID || len(got.Groups) > 1+len(u.Groups) || slices.Contains(got.Groups, 0) || p.User() != "nobody" {
		t.Errorf("it runs as %+v", got)
	}
	if caps := strings.Trim(got.Status["CapEff"]+got.Status["CapPrm"], "0"); caps != "" {
		t.Errorf("it has capabilities %s", caps)
	}
	if got.WriteError != "" || got.Dir != work {
		t.Errorf("the working folder: %+v", got)
	}
	for path, want := range map[string]int{work: u.UID, filepath.Join(work, "cache"): u.UID, outside: 0} {
		info, err := os.Lstat(path)
		if err != nil {
			t.Fatal(err)
		}
		if uid := int(info.Sys().(*syscall.Stat_t).Uid); uid != want {
			t.Errorf("%s belongs to %d, want %d", path, uid, want)
		}
	}
	if u := p.Use(); u.Memory <= 0 || u.Processes != 1 || u.OpenFiles <= 0 {
		t.Errorf("uses %+v", u)
	}
}

// TestClosedToUser shows what happens to plugins that their user cannot read.
func TestClosedToUser(t *testing.T) {
	t.Parallel()
	u := nobody(t)
	base := openFolder(t)
	closed := filepath.Join(base, "closed")
	if err := os.Mkdir(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	script := filepath.Join(closed, "acme")
	if err := os.WriteFile(script, []byte("#!/bin/sh\nexec true\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	module := filepath.Join(closed, "acme.py")
	if err := os.WriteFile(module, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	private := filepath.Join(base, "private.py")
	if err := os.WriteFile(private, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		spec Spec
		work string
		want []string
	}{
		{"script", Spec{Name: "acme", Kind: Executable, Path: script}, "", []string{script}},
		{"module", Spec{Name: "acme", Kind: Python, Path: module, Interpreter: "/bin/sh"}, "", []string{module, "folder " + closed, "drwx------"}},
		{"file", Spec{Name: "acme", Kind: Python, Path: private, Interpreter: "/bin/sh"}, "", []string{private, "-rw-------"}},
		{"work", fakeOptions("tells").Spec, filepath.Join(closed, "work"), []string{"folder " + closed}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := fakeOptions("tells")
			o.Spec, o.User, o.Work = tt.spec, u, tt.work
			_, err := Start(t.Context(), o)
			if err == nil {
				t.Fatal("it started")
			}
			for _, w := range append(tt.want, "user nobody cannot read", "plugin_user") {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("error %q lacks %q", err, w)
				}
			}
		})
	}
	t.Run("try", func(t *testing.T) {
		t.Parallel()
		try := *u
		try.Try = true
		log := newRecorder()
		p := startFake(t, "tells", func(o *Options) {
			o.User, o.Work, o.Log = &try, filepath.Join(closed, "tried"), slog.New(log)
		})
		var got told
		if err := p.Call(t.Context(), "tell", nil, &got); err != nil {
			t.Fatal(err)
		}
		if got.UID != 0 || p.User() != "" || !strings.Contains(log.String(), "runs as root") || !strings.Contains(log.String(), closed) {
			t.Errorf("it runs as %d; the log: %s", got.UID, log)
		}
	})
}

func TestLookupUser(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"root": "0 0", "0": "0 0", "65533:1234": "65533 1234", "no-such-user": "", "": "", "-1:5": ""} {
		u, err := LookupUser(name)
		got := ""
		if err == nil {
			got = fmt.Sprint(u.UID, " ", u.GID)
		}
		if got != want {
			t.Errorf("%q: got %q, %v, want %q", name, got, err, want)
		}
	}
}

// TestHostDiesEscape kills a host whose plugin has let a process escape into a
// session of its own.
func TestHostDiesEscape(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes the 6 s that a guard waits")
	}
	cgroupsFor(t, "control group")
	o := fakeOptions("host of an escape")
	cmd := exec.Command(o.Spec.Path)
	cmd.Env = append(os.Environ(), o.Spec.Env...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var plugin, escaped int
	if _, err := fmt.Fscan(bufio.NewReader(out), &plugin, &escaped); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	waitGone(t, 10*time.Second, plugin, escaped)
}

func init() {
	fakes["host of an escape"] = func(f *fakePlugin) {
		groups, err := FindCgroups(CgroupAuto)
		if err != nil {
			f.die("%v", err)
		}
		o := fakeOptions("escapes")
		o.Cgroups = groups
		o.Spec.Env = append(o.Spec.Env, fakeVar+"_ARG=clean")
		p, err := start(context.Background(), o, "sh")
		if err != nil {
			f.die("%v", err)
		}
		var pid int
		if err := p.Call(context.Background(), "escape", nil, &pid); err != nil {
			f.die("%v", err)
		}
		fmt.Println(p.Pid(), pid)
		sleepForever()
	}
}
