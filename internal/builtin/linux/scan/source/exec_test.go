package source_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/faultline-storage/faultline/internal/builtin/linux/scan/source"
)

// script makes a tool of a shell script.
func script(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+text+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
}

func TestToolsRun(t *testing.T) {
	dir := t.TempDir()
	tools := &source.Tools{Folders: []string{dir}}
	script(t, dir, "says", `echo "$LC_ALL $1"; cat; echo trouble >&2; exit 5`)
	out, err := tools.Run(t.Context(), source.Command{Name: "says", Args: []string{"it"}})
	if err != nil || string(out.Stdout) != "C it\n" || string(out.Stderr) != "trouble\n" || out.Code != 5 {
		t.Errorf("%q, %q, code %d, %v", out.Stdout, out.Stderr, out.Code, err)
	}
	if _, err := tools.Run(t.Context(), source.Command{Name: "nobody-has-this"}); !errors.Is(err, source.ErrMissing) {
		t.Errorf("a tool that is not there gives %v", err)
	}
}

// A tool that hangs is ended in time, with what it started, and can be started
// again.
func TestToolsLimit(t *testing.T) {
	dir := t.TempDir()
	tools := &source.Tools{Folders: []string{dir}}
	pid := filepath.Join(dir, "pid")
	script(t, dir, "hangs", `sleep 1000 & echo $! > `+pid+`; wait`)
	start := time.Now()
	_, err := tools.Run(t.Context(), source.Command{Name: "hangs", Limit: 300 * time.Millisecond})
	if err == nil || !strings.Contains(err.Error(), "longer than") {
		t.Errorf("a tool that hangs gives %v", err)
	}
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("it took %v", d)
	}
	child, err := os.ReadFile(pid)
	if err != nil {
		t.Fatal(err)
	}
	for gone := false; !gone; gone = !running(strings.TrimSpace(string(child))) {
		if time.Since(start) > 10*time.Second {
			t.Fatal("what the tool started lives on")
		}
		time.Sleep(5 * time.Millisecond)
	}
	script(t, dir, "hangs", `echo well`)
	if out, err := tools.Run(t.Context(), source.Command{Name: "hangs"}); err != nil || string(out.Stdout) != "well\n" {
		t.Errorf("after that: %q, %v", out.Stdout, err)
	}
}

// running says whether a process is there, dead ones that nobody has buried left
// out.
func running(pid string) bool {
	stat, err := os.ReadFile("/proc/" + pid + "/stat")
	return err == nil && !strings.Contains(string(stat), ") Z ")
}

func TestToolsOutput(t *testing.T) {
	dir := t.TempDir()
	tools := &source.Tools{Folders: []string{dir}}
	script(t, dir, "floods", `while :; do echo 0123456789012345678901234567890123456789012345678901234567890123456789; done`)
	if _, err := tools.Run(t.Context(), source.Command{Name: "floods", Limit: time.Minute}); err == nil || !strings.Contains(err.Error(), "MiB") {
		t.Errorf("a flood gives %v", err)
	}
}

// One tool runs once at a time.
func TestToolsAlone(t *testing.T) {
	dir := t.TempDir()
	tools := &source.Tools{Folders: []string{dir}}
	script(t, dir, "locks", `mkdir `+dir+`/lock || exit 1; sleep 0.02; rmdir `+dir+`/lock`)
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() {
			if out, err := tools.Run(context.Background(), source.Command{Name: "locks"}); err != nil || out.Code != 0 {
				t.Errorf("code %d, %v: %s", out.Code, err, out.Stderr)
			}
		})
	}
	wg.Wait()
}

func TestReplay(t *testing.T) {
	r := source.Replay{
		{Line: "/sbin/dmsetup status", Output: source.Output{Stdout: []byte("status")}},
		{Line: "/sbin/dmsetup table", Output: source.Output{Stdout: []byte("table")}},
		{Line: "/sbin/multipath -d -v 2 -ll", Output: source.Output{Stdout: []byte("maps")}},
		{Line: "/sbin/multipathd show maps json", Output: source.Output{Code: 127}},
	}
	for _, c := range []struct {
		command source.Command
		want    string
	}{
		{source.Command{Name: "dmsetup", Args: []string{"table", "--target", "multipath"}, Topic: []string{"table"}}, "table"},
		{source.Command{Name: "multipath", Args: []string{"-l"}}, "maps"},
	} {
		if out, err := r.Run(t.Context(), c.command); err != nil || string(out.Stdout) != c.want {
			t.Errorf("%v is answered with %q, %v", c.command, out.Stdout, err)
		}
	}
	for _, name := range []string{"multipathd", "lvs"} {
		if _, err := r.Run(t.Context(), source.Command{Name: name}); !errors.Is(err, source.ErrMissing) {
			t.Errorf("%s, which was not there, gives %v", name, err)
		}
	}
}
