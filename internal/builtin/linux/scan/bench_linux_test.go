package scan

import (
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/faultline-storage/faultline/internal/builtin/linux/fact"
	"github.com/faultline-storage/faultline/internal/builtin/linux/scan/scantest"
	"github.com/faultline-storage/faultline/internal/builtin/linux/scan/source"
)

// prefixed is the running system's way to read, of files below a folder: what a scan
// costs is what the kernel's answers cost.
type prefixed struct {
	source.Files
	dir string
}

func (p prefixed) Read(name string) ([]byte, error)   { return p.Files.Read(p.dir + name) }
func (p prefixed) List(name string) ([]string, error) { return p.Files.List(p.dir + name) }
func (p prefixed) Link(name string) (string, error)   { return p.Files.Link(p.dir + name) }

// bigHost makes a host with 2,000 block devices.
func bigHost(tb testing.TB) source.Files {
	tb.Helper()
	return prefixed{source.System(), scantest.BigHost(tb)}
}

// cpuTime is what the process has used.
func cpuTime(tb testing.TB) time.Duration {
	tb.Helper()
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func BenchmarkScan(b *testing.B) {
	files := bigHost(b)
	start := cpuTime(b)
	for b.Loop() {
		r := New(Options{Files: files}).Scan(b.Context())
		if len(r.Devices) != scantest.ManyPaths+scantest.ManyMaps {
			b.Fatalf("%d devices", len(r.Devices))
		}
	}
	b.ReportMetric(float64(cpuTime(b)-start)/1e6/float64(b.N), "cpu-ms/op")
}

// BenchmarkIdle is one period in which nothing happens.
func BenchmarkIdle(b *testing.B) {
	s := New(Options{Files: bigHost(b)})
	s.Scan(b.Context())
	start := cpuTime(b)
	for b.Loop() {
		s.update(b.Context(), &news{})
	}
	cpu := float64(cpuTime(b)-start) / float64(b.N)
	b.ReportMetric(cpu/1e6, "cpu-ms/op")
	b.ReportMetric(cpu/float64(period)*100, "%core")
}

// BenchmarkEvent is a scan after an event of one device.
func BenchmarkEvent(b *testing.B) {
	s := New(Options{Files: bigHost(b)})
	last := s.Scan(b.Context())
	start := cpuTime(b)
	for b.Loop() {
		n := &news{}
		n.event(map[string]string{"SUBSYSTEM": "block", "DEVPATH": scantest.DiskDir(7)})
		next := s.update(b.Context(), n)
		if fact.Delta(last, next) != nil {
			b.Fatal("something changed")
		}
		last = next
	}
	b.ReportMetric(float64(cpuTime(b)-start)/1e6/float64(b.N), "cpu-ms/op")
}

// An idle host with 2,000 devices costs no more than the design allows: half a
// percent of a core, and of its 30 MiB no more than leaves room for the rest.
func TestIdleCost(t *testing.T) {
	if testing.Short() || raceEnabled {
		t.Skip("it measures, which takes thousands of files and means nothing with the race detector")
	}
	s := New(Options{Files: bigHost(t)})
	s.Scan(t.Context())
	// Of several periods the cheapest: the others were charged for what else runs here.
	share := 1.0
	for range 5 {
		start := cpuTime(t)
		s.update(t.Context(), &news{})
		share = min(share, float64(cpuTime(t)-start)/float64(period))
	}
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	t.Logf("%.3f %% of a core, %.1f MiB of heap", share*100, float64(m.HeapAlloc)/(1<<20))
	if share > 0.005 {
		t.Errorf("%.3f %% of a core, want at most 0.5 %%", share*100)
	}
	if m.HeapAlloc > 16<<20 {
		t.Errorf("%.1f MiB of heap, want at most 16", float64(m.HeapAlloc)/(1<<20))
	}
	runtime.KeepAlive(s)
}
