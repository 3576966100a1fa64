package fleettest_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/faultline-storage/faultline/internal/builtin/linux/fact"
	"github.com/faultline-storage/faultline/internal/fleettest"
)

var (
	server   = flag.String("server", "", "address of a server to load with simulated hosts")
	token    = flag.String("token", "", "token with enough uses: faultline token create swarm --agent --uses 2000")
	dir      = flag.String("dir", "", "folder of the hosts' certificates, which are used again; a temporary one if empty")
	count    = flag.Int("hosts", 100, "number of hosts")
	plugin   = flag.String("plugin", "linux", "name of the plugin")
	disks    = flag.Int("disks", 20, "disks of a host, which it reports to the linux plugin")
	file     = flag.String("report", "", "file with what each host reports instead, in JSON; @HOST@ in it becomes the number of the host")
	changing = flag.Int("changing", 10, "how many of 100 hosts have something new in a period")
	period   = flag.Duration("period", 10*time.Second, "period of the hosts")
	length   = flag.Duration("for", 2*time.Minute, "how long to run")
	pid      = flag.Int("pid", 0, "process of the server, to tell its CPU and memory")
)

// TestSwarm loads a server with simulated hosts and tells what they and the server
// do: go test ./internal/fleettest -run Swarm -v -timeout 1h -server URL -token T
func TestSwarm(t *testing.T) {
	if *server == "" {
		t.Skip("no server to load; see -server")
	}
	o := fleettest.SwarmOptions{
		Dir: *dir, Server: *server, Token: *token, Hosts: *count, Plugin: *plugin, Period: *period,
		Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})),
	}
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	o.Report = func(host int) json.RawMessage { return report(host, *disks, true, 0) }
	o.Update = func(host, n int) json.RawMessage {
		if (host+n)%100 >= *changing {
			return nil
		}
		return report(host, 1, false, n)
	}
	if *file != "" {
		text, err := os.ReadFile(*file)
		if err != nil {
			t.Fatal(err)
		}
		o.Report = func(host int) json.RawMessage {
			return json.RawMessage(strings.ReplaceAll(string(text), "@HOST@", strconv.Itoa(host)))
		}
		o.Update = nil
	}
	ctx, cancel := context.WithTimeout(t.Context(), *length)
	defer cancel()
	began := time.Now()
	s, err := fleettest.NewSwarm(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d hosts are registered after %v", o.Hosts, time.Since(began).Round(time.Millisecond))
	var wg sync.WaitGroup
	wg.Go(func() { watch(ctx, t, s, o.Hosts, *pid) })
	s.Run(ctx)
	wg.Wait()
	if st := s.Stats(); st.Full < int64(o.Hosts) {
		t.Errorf("the server took full reports of %d hosts, not of %d", st.Full, o.Hosts)
	}
}

// watch prints what happens.
func watch(ctx context.Context, t *testing.T, s *fleettest.Swarm, hosts, pid int) {
	began, last := time.Now(), usage{}
	gathering := true
	for {
		select {
		case <-time.After(5 * time.Second):
		case <-ctx.Done():
			return
		}
		st := s.Stats()
		line := fmt.Sprintf("%6.0fs  hosts %d  full reports %d  updates %d  sessions ended %d  %.1f MB", time.Since(began).Seconds(), st.Hosts, st.Full, st.Updates, st.Resets, float64(st.Bytes)/1e6)
		if st.Hosts < hosts && !gathering {
			gathering, began = true, time.Now()
		}
		if st.Hosts == hosts && gathering {
			gathering = false
			line += fmt.Sprintf("  all absorbed after %.1fs", st.Last.Sub(began).Seconds())
		}
		if now, err := usageOf(pid); err == nil && pid != 0 {
			line += fmt.Sprintf("  server: CPU %.1f%%  RSS %d MiB", 100*(now.cpu-last.cpu).Seconds()/now.at.Sub(last.at).Seconds(), now.rss>>20)
			last = now
		}
		t.Log(line)
	}
}

// usage is what a process has used.
type usage struct {
	at  time.Time
	cpu time.Duration
	rss int64
}

func usageOf(pid int) (u usage, err error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return u, err
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	f := strings.Fields(rest)
	if len(f) < 22 {
		return u, fmt.Errorf("/proc/%d/stat is cut short", pid)
	}
	user, err := strconv.ParseInt(f[11], 10, 64)
	if err != nil {
		return u, err
	}
	system, err := strconv.ParseInt(f[12], 10, 64)
	if err != nil {
		return u, err
	}
	pages, err := strconv.ParseInt(f[21], 10, 64)
	const tick = 10 * time.Millisecond // on all systems of Linux
	return usage{time.Now(), time.Duration(user+system) * tick, pages * int64(os.Getpagesize())}, err
}

// report is what a host says of its disks; later only of the first, whose read-only
// mark comes and goes.
func report(host, disks int, full bool, n int) json.RawMessage {
	r := fact.Report{Version: fact.Version, Full: full, Devices: map[fact.Key]*fact.Device{}}
	if full {
		r.Mounts, r.Gaps = []fact.Mount{}, []fact.Gap{}
	}
	for i := range disks {
		name := fmt.Sprintf("sd%c%c", 'a'+i/26, 'a'+i%26)
		r.Devices[fact.Key(fmt.Sprintf("8:%d", 16*i))] = &fact.Device{
			Kind: fact.Disk, Name: name, Path: "/dev/" + name, Paths: []string{"/dev/" + name}, Size: 4 << 40, ReadOnly: n%2 == 1 && i == 0,
			Vendor: "ACME", Model: "SWARM 4T", Transport: "sas", State: "running",
			IDs: fact.IDs{WWID: fmt.Sprintf("35000c5%05x%04x", host, i), Page83: []string{fmt.Sprintf("naa.5000c5%05x%05x", host, i)}, Page80: fmt.Sprintf("S%05d%04d", host, i)},
		}
	}
	b, err := json.Marshal(r)
	if err != nil { // it is made of what marshals
		panic(err)
	}
	return b
}
