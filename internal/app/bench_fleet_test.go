package app

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/procfs"
	"golang.org/x/sync/errgroup"

	"github.com/faultline-storage/faultline/internal/auth"
	"github.com/faultline-storage/faultline/internal/builtin/linux/fact"
	"github.com/faultline-storage/faultline/internal/config"
	"github.com/faultline-storage/faultline/internal/fleettest"
	"github.com/faultline-storage/faultline/internal/link"
)

var (
	// fleetHosts is how many hosts the benchmark of a fleet has.
	fleetHosts = flag.Int("fleet-hosts", 2000, "hosts of BenchmarkFleet")
	// fleetProfiles is where it leaves CPU profiles of the server, of each part.
	fleetProfiles = flag.String("fleet-profiles", "", "folder for CPU profiles of the parts of BenchmarkFleet")
)

// Each host is one of a pair that sees the same drives over two paths each.
const (
	fleetLUNs    = 8
	fleetSettle  = 30 * time.Second // until a fleet that has told everything is quiet
	fleetSteady  = time.Minute      // how long a quiet fleet is measured
	fleetChanges = 100              // one host in so many has something change each second
)

// A fleetOrder tells the process of simulated agents what to do.
type fleetOrder struct {
	Server, Token, Dir string
	Hosts              int
}

// fleetMain is the process of simulated agents: the real client's end of the link,
// fed with made-up reports. It writes a line when each host has told everything
// once more, and how much that was.
func fleetMain() error {
	var o fleetOrder
	if err := json.NewDecoder(os.Stdin).Decode(&o); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	c := &fleetCount{told: make([]int, o.Hosts)}
	var all sync.WaitGroup
	hosts := make([]*fleettest.Host, o.Hosts)
	var join errgroup.Group
	join.SetLimit(8)
	for i := range hosts {
		join.Go(func() error {
			id, err := auth.Join(ctx, auth.JoinOptions{
				Dir: filepath.Join(o.Dir, strconv.Itoa(i)), Server: o.Server, Token: o.Token, Host: fmt.Sprintf("oss%04d.example.com", i),
			})
			if err == nil {
				hosts[i] = fleettest.NewHost(id)
			}
			return err
		})
	}
	if err := join.Wait(); err != nil {
		return err
	}
	fmt.Println("registered")
	for i, h := range hosts {
		h.Start(slog.New(slog.DiscardHandler))
		all.Go(func() { c.host(ctx, i, h.Agent) })
	}
	_, _ = bufio.NewReader(os.Stdin).ReadByte() // until the benchmark ends
	cancel()
	all.Wait()
	return nil
}

// fleetCount counts the full reports that were handled.
type fleetCount struct {
	mu   sync.Mutex
	told []int // by host
	all  int   // hosts that told more than rounds times
	now  int   // rounds
}

func (c *fleetCount) add(host int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.told[host]++; c.told[host] == c.now+1 {
		c.all++
	}
	for c.all == len(c.told) {
		c.now++
		c.all = 0
		for _, n := range c.told {
			if n > c.now {
				c.all++
			}
		}
		fmt.Println("told", c.now)
	}
}

// host is what an agent does about its linux plugin.
func (c *fleetCount) host(ctx context.Context, i int, a *link.Agent) {
	full := fleetReport(i)
	data, err := json.Marshal(full)
	if err != nil {
		panic(err)
	}
	for ctx.Err() == nil {
		s, err := a.Open(ctx, "linux")
		if err != nil {
			return
		}
		if s.Send(ctx, data, link.Normal) != nil || s.Flush(ctx) != nil {
			continue
		}
		c.add(i)
		c.live(ctx, s, full, i)
	}
}

// live has something change now and then: the state of a path.
func (c *fleetCount) live(ctx context.Context, s *link.AgentSession, full *fact.Report, host int) {
	state := []string{"transport-offline", "running"}
	pause := time.Duration(host%fleetChanges) * time.Second
	for n := 0; ; n, pause = n+1, fleetChanges*time.Second {
		select {
		case <-s.Done():
			return
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		d := *full.Devices["8:16"]
		d.State = state[n%2]
		data, err := json.Marshal(&fact.Report{Version: fact.Version, Devices: map[fact.Key]*fact.Device{"8:16": &d}})
		if err != nil {
			panic(err)
		}
		if s.Send(ctx, data, link.Normal) != nil {
			return
		}
	}
}

// fleetReport is what a host has: a system disk with partitions, and drives that its
// neighbour sees, too, over two paths each, with file systems on them.
func fleetReport(host int) *fact.Report {
	r := &fact.Report{Version: fact.Version, Full: true, Devices: map[fact.Key]*fact.Device{}, Mounts: []fact.Mount{}, Gaps: []fact.Gap{}}
	add := func(major, minor int, d fact.Device) fact.Key {
		key := fact.Key(fmt.Sprintf("%d:%d", major, minor))
		d.Path = "/dev/" + d.Name
		d.Paths = []string{d.Path, "/dev/disk/by-path/pci-0000:3b:00.0-" + d.Name}
		r.Devices[key] = &d
		return key
	}
	serial := fmt.Sprintf("S%04dSYS", host)
	system := add(8, 0, fact.Device{Kind: fact.Disk, Name: "sda", Size: 480 << 30, Vendor: "ATA", Model: "SSD480", Transport: "sata", State: "running",
		IDs: fact.IDs{WWID: "35000c5" + fmt.Sprintf("%09x", host), Page80: serial, Serial: serial}})
	for n, m := range []struct{ fs, mount string }{{"vfat", "/boot/efi"}, {"ext4", "/"}, {"swap", ""}} {
		key := add(8, n+1, fact.Device{Kind: fact.Partition, Name: fmt.Sprint("sda", n+1), Size: 100 << 30, Whole: system, Number: n + 1,
			FS: &fact.FS{Type: m.fs, Usage: "filesystem", UUID: fmt.Sprintf("%08x-0000-4000-8000-%012x", host, n)}})
		if m.mount != "" {
			r.Mounts = append(r.Mounts, fact.Mount{Device: key, Source: fmt.Sprint("/dev/sda", n+1), Target: m.mount, Type: m.fs, Options: "rw,relatime"})
		}
	}
	for lun := range fleetLUNs {
		wwid := fmt.Sprintf("3600a0b80%08x%08x%08x", host/2, lun, 7)
		var on []fact.Key
		var paths []fact.Path
		for p := range 2 {
			minor := 16 * (1 + 2*lun + p)
			name := fmt.Sprintf("sd%c%c", 'b'+lun, 'a'+p)
			key := add(8, minor, fact.Device{Kind: fact.Disk, Name: name, Size: 80 << 40, Vendor: "ACME", Model: "VRAID9000", Firmware: "0872", Transport: "fc",
				Address: fmt.Sprintf("%d:0:0:%d", p, lun), State: "running", IDs: fact.IDs{WWID: wwid, Page83: []string{"naa." + wwid[1:]}, Page80: wwid[10:]}})
			on = append(on, key)
			paths = append(paths, fact.Path{Device: key, Name: name, DM: "active", Checker: "ready", Group: 1, Priority: 50, Access: "active/optimized"})
		}
		target := fmt.Sprintf("/srv/ost%02d", lun)
		key := add(253, lun, fact.Device{Kind: fact.Multipath, Name: fmt.Sprint("dm-", lun), Size: 80 << 40, On: on, IDs: fact.IDs{WWID: wwid},
			FS: &fact.FS{Type: "ext4", Usage: "filesystem", UUID: fmt.Sprintf("%08x-0000-4000-8001-%012x", host/2, lun)}, Map: &fact.Map{Name: fmt.Sprint("mpath", lun), WWID: wwid, Active: 1, Paths: paths}})
		if lun%2 == host%2 { // each drive is mounted by one of the pair
			r.Mounts = append(r.Mounts, fact.Mount{Device: key, Source: fmt.Sprint("/dev/mapper/mpath", lun), Target: target, Type: "ext4", Options: "rw,noatime"})
		}
	}
	return r
}

// A fleetProcess is a running process of simulated agents.
type fleetProcess struct {
	cmd  *exec.Cmd
	told chan string
}

// want waits for a line.
func (p *fleetProcess) want(b *testing.B, line string) {
	b.Helper()
	for {
		select {
		case got, ok := <-p.told:
			if !ok {
				b.Fatalf("the agents ended before they said %q", line)
			}
			if got == line {
				return
			}
		case <-time.After(15 * time.Minute):
			b.Fatalf("the agents do not say %q", line)
		}
	}
}

func startFleet(b *testing.B, o fleetOrder) *fleetProcess {
	b.Helper()
	p := &fleetProcess{cmd: exec.CommandContext(b.Context(), os.Args[0], "__fleet", "agents"), told: make(chan string, 100)}
	p.cmd.Stderr = os.Stderr
	in, err := p.cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		b.Fatal(err)
	}
	go func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			p.told <- lines.Text()
		}
		close(p.told)
	}()
	if err := json.NewEncoder(in).Encode(o); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait() // it was killed
	})
	return p
}

// fleetUse is what the processes of a benchmark have used up to now: the server, which
// is this one; its plugins; and the simulated agents. Memory is in bytes.
type fleetUse struct {
	server, plugins, agents    time.Duration
	serverMemory, pluginMemory int64
}

// useOf returns what was used. agents is the process of simulated agents.
func useOf(b *testing.B, agents int) (u fleetUse) {
	b.Helper()
	var self syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &self); err != nil {
		b.Fatal(err)
	}
	u.server = time.Duration(self.Utime.Nano() + self.Stime.Nano())
	all, err := procfs.AllProcs()
	if err != nil {
		b.Fatal(err)
	}
	for _, p := range all {
		s, err := p.Stat()
		if err != nil { // it has ended
			continue
		}
		cpu := time.Duration(s.CPUTime() * float64(time.Second))
		switch {
		case p.PID == os.Getpid():
			u.serverMemory = int64(s.ResidentMemory())
		case p.PID == agents:
			u.agents = cpu
		case s.PPID == os.Getpid():
			u.plugins += cpu
			u.pluginMemory += int64(s.ResidentMemory())
		}
	}
	return u
}

// BenchmarkFleet measures a server with 2,000 hosts, whose agents run in a process of
// their own that shares the machine: how long it takes until all have told
// everything, at first and after a restart of the server, what that costs the
// server beside reading the same JSON, and what a quiet fleet costs, in which
// one host in a hundred has something change each second.
func BenchmarkFleet(b *testing.B) {
	for b.Loop() {
		benchmarkFleet(b, *fleetHosts)
		b.ReportMetric(0, "ns/op")
	}
}

func benchmarkFleet(b *testing.B, hosts int) {
	b.Helper()
	cfg := config.Default()
	cfg.Data, cfg.Listen = b.TempDir(), "127.0.0.1:0"
	start := func() *Server {
		srv, err := Start(b.Context(), Options{Config: cfg, Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})), Version: "bench"})
		if err != nil {
			b.Fatal(err)
		}
		cfg.Listen = srv.Addr().String()
		return srv
	}
	srv := start()
	token := joinToken(b, srv, hosts)
	stop := func() {
		if err := srv.Stop(); err != nil {
			b.Fatal(err)
		}
	}
	began := time.Now()
	fleet := startFleet(b, fleetOrder{Server: "https://" + cfg.Listen, Token: token, Dir: b.TempDir(), Hosts: hosts})
	fleet.want(b, "registered")
	b.ReportMetric(time.Since(began).Seconds(), "register-s")

	round := func(name string, n int) {
		defer profiled(b, name)()
		began, before := time.Now(), useOf(b, fleet.cmd.Process.Pid)
		fleet.want(b, "told "+strconv.Itoa(n))
		took, after := time.Since(began), useOf(b, fleet.cmd.Process.Pid)
		server, plugins := after.server-before.server, after.plugins-before.plugins
		b.ReportMetric(took.Seconds(), name+"-s")
		b.ReportMetric(server.Seconds(), name+"-server-cpu-s")
		b.ReportMetric(plugins.Seconds(), name+"-plugin-cpu-s")
		b.ReportMetric((after.agents - before.agents).Seconds(), name+"-agents-cpu-s")
		b.ReportMetric((server+plugins).Seconds()/readReports(b, hosts).Seconds(), name+"-cpu-to-json")
	}
	round("first", 1)
	count := func() (n int) {
		for _, c := range srv.inv.Classes() {
			if strings.HasPrefix(c.Plugin, "linux") {
				n += len(srv.inv.Members(c))
			}
		}
		return n
	}
	b.ReportMetric(float64(count()), "resources")

	measureQuiet(b, srv, fleet)

	stop()
	srv = start()
	round("again", 2)
	stop()
}

// measureQuiet measures what a fleet costs that has told everything: not before what
// was told has gone through all stages, the agents' requests have gone round, and
// the garbage of it is collected.
func measureQuiet(b *testing.B, srv *Server, fleet *fleetProcess) {
	b.Helper()
	if err := srv.volumes.WaitSeq(b.Context(), srv.inv.Seq()); err != nil {
		b.Fatal(err)
	}
	time.Sleep(fleetSettle)
	runtime.GC()
	defer profiled(b, "quiet")()
	began, before := time.Now(), useOf(b, fleet.cmd.Process.Pid)
	time.Sleep(fleetSteady) // what is measured
	span, after := time.Since(began), useOf(b, fleet.cmd.Process.Pid)
	percent := func(used time.Duration) float64 { return 100 * used.Seconds() / span.Seconds() }
	b.ReportMetric(percent(after.server-before.server), "steady-server-%-of-a-core")
	b.ReportMetric(percent(after.plugins-before.plugins), "steady-plugin-%-of-a-core")
	b.ReportMetric(percent(after.agents-before.agents), "steady-agents-%-of-a-core")
	b.ReportMetric(float64(after.serverMemory)/(1<<20), "server-MiB")
	b.ReportMetric(float64(after.pluginMemory)/(1<<20), "plugin-MiB")
}

// profiled begins a profile if one is wanted, which ends with what it returns.
func profiled(b *testing.B, name string) (end func()) {
	b.Helper()
	if *fleetProfiles == "" {
		return func() {}
	}
	f, err := os.Create(filepath.Join(*fleetProfiles, name+".prof"))
	if err != nil {
		b.Fatal(err)
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		b.Fatal(err)
	}
	return func() {
		pprof.StopCPUProfile()
		if err := f.Close(); err != nil {
			b.Error(err)
		}
	}
}

// readReports is how long it takes to decode what all hosts say, in this process.
func readReports(b *testing.B, hosts int) (took time.Duration) {
	b.Helper()
	for i := range hosts {
		data, err := json.Marshal(fleetReport(i))
		if err != nil {
			b.Fatal(err)
		}
		start := time.Now()
		var r fact.Report
		if err := json.Unmarshal(data, &r); err != nil {
			b.Fatal(err)
		}
		took += time.Since(start)
	}
	return took
}
