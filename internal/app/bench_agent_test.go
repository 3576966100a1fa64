package app

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/faultline-storage/faultline/internal/auth"
	"github.com/faultline-storage/faultline/internal/builtin/linux/scan/scantest"
	"github.com/faultline-storage/faultline/internal/config"
)

var agentProgram = flag.String("agent-program", "", "`file` of the program that BenchmarkAgent measures, in place of this one")

// Of BenchmarkAgent: how long after its first report an agent is left alone, and how long
// it is looked at then.
const (
	agentSettles = time.Minute
	agentWatched = 4 * time.Minute
)

// BenchmarkAgent measures the idle agent of a host with 2,000 block devices: the program
// as it is shipped, with its device plugins and all processes that they need, added up.
// The server runs another file, so that nothing is shared with that. Memory is looked at
// each second: RSS counts pages of the program in each process that has mapped them, PSS
// once, and "private" is what is nobody else's and in no file.
func BenchmarkAgent(b *testing.B) {
	program := *agentProgram
	if program == "" {
		program = filepath.Join(b.TempDir(), "faultline")
		build := exec.Command("go", "build", "-trimpath", "-tags", "agent", "-ldflags", "-s -w", "-o", program, "../../cmd/faultline")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			b.Fatalf("%v\n%s", err, out)
		}
	}
	host := scantest.BigHost(b)
	for b.Loop() {
		cfg := config.Default()
		cfg.Data, cfg.Listen = b.TempDir(), "127.0.0.1:0"
		s, err := Start(b.Context(), Options{Config: cfg, Log: slog.New(slog.DiscardHandler), Version: "test"})
		if err != nil {
			b.Fatal(err)
		}
		token := joinToken(b, s, 1)
		data := b.TempDir()
		if _, err := auth.Join(b.Context(), auth.JoinOptions{Dir: data, Server: "https://" + s.Addr().String(), Token: token, Host: "oss1"}); err != nil {
			b.Fatal(err)
		}
		ctx, cancel := context.WithCancel(b.Context())
		cmd := exec.CommandContext(ctx, program, "agent", "run", "--data", data, "--no-builtin", "--plugin", "builtin:linux", "--plugin", "builtin:lustre")
		cmd.Env = append(os.Environ(), hostRootVar+"="+host)
		cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
		if err := cmd.Start(); err != nil {
			b.Fatal(err)
		}
		nodes := func() int {
			c := s.inv.Class("linux", "LinuxDeviceNode")
			if c == nil {
				return 0
			}
			return len(s.inv.Members(c))
		}
		for start := time.Now(); nodes() < scantest.ManyPaths+scantest.ManyMaps; time.Sleep(time.Second) {
			if time.Since(start) > 5*time.Minute {
				b.Fatalf("the server has %d of the host's devices", nodes())
			}
		}
		time.Sleep(agentSettles)
		watchIdle(b, cmd.Process.Pid)
		cancel()
		_ = cmd.Wait()
		if err := s.Stop(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(startAllocates(b, program), "start-KiB")
	b.ReportMetric(0, "ns/op")
}

// startAllocates is what the initialisation of the program's packages allocates, which
// each of its processes pays, in KiB.
func startAllocates(b *testing.B, program string) float64 {
	b.Helper()
	cmd := exec.Command(program, "agent", "unit")
	cmd.Env = append(os.Environ(), "GODEBUG=inittrace=1")
	var trace bytes.Buffer
	cmd.Stderr = &trace
	if err := cmd.Run(); err != nil {
		b.Fatal(err)
	}
	var sum float64
	for line := range strings.Lines(trace.String()) {
		var pkg string
		var at, took float64
		var n int
		if _, err := fmt.Sscanf(line, "init %s @%f ms, %f ms clock, %d bytes", &pkg, &at, &took, &n); err == nil {
			sum += float64(n)
		}
	}
	return sum / 1024
}

// watchIdle looks at a process and its descendants, and reports what they take.
func watchIdle(b *testing.B, pid int) {
	b.Helper()
	const mib = 1 << 10 // the kernel counts KiB
	began, start := cpuOfTree(pid), time.Now()
	var rss, pss, private, most, looks float64
	for time.Since(start) < agentWatched {
		time.Sleep(time.Second)
		now := 0.0
		for _, p := range tree(pid) {
			rss += memoryOf(p, "Rss")
			now += memoryOf(p, "Rss")
			pss += memoryOf(p, "Pss")
			private += memoryOf(p, "Pss_Anon")
		}
		most = max(most, now)
		looks++
	}
	b.ReportMetric((cpuOfTree(pid)-began).Seconds()/time.Since(start).Seconds()*100, "cpu-%")
	b.ReportMetric(rss/looks/mib, "rss-MiB")
	b.ReportMetric(most/mib, "most-rss-MiB")
	b.ReportMetric(pss/looks/mib, "pss-MiB")
	b.ReportMetric(private/looks/mib, "private-MiB")
}

// tree is a process with all that it started.
func tree(pid int) []int {
	all := []int{pid}
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, list := range lists {
		b, _ := os.ReadFile(list) // of a thread that has just ended there is none
		for child := range strings.FieldsSeq(string(b)) {
			if n, err := strconv.Atoi(child); err == nil {
				all = append(all, tree(n)...)
			}
		}
	}
	return all
}

// memoryOf reads a line of a process's smaps_rollup, in KiB.
func memoryOf(pid int, name string) float64 {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, name+":"); ok {
			kib, _ := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kib
		}
	}
	return 0
}

// cpuOfTree is what the threads of a process and its descendants have used.
func cpuOfTree(pid int) (sum time.Duration) {
	for _, p := range tree(pid) {
		threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", p))
		for _, thread := range threads {
			b, _ := os.ReadFile(thread)
			if f := strings.Fields(string(b)); len(f) > 0 {
				ns, _ := strconv.ParseInt(f[0], 10, 64)
				sum += time.Duration(ns)
			}
		}
	}
	return sum
}
