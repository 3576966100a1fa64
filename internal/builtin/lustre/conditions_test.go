package lustre

import (
	"encoding/json"
	"path/filepath"
	"testing"
	"time"

	"github.com/faultline-storage/faultline/internal/builtin/lustre/fact"
	"github.com/faultline-storage/faultline/sdk/plugintest"
)

const (
	notMounted  = "The target is not mounted on any host"
	severalHave = "The target is mounted on several hosts"
)

// TestAFailoverRaisesNoAlert, however the two hosts are heard; an outage and a double
// mount do.
func TestAFailoverRaisesNoAlert(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	on := func(device string) fact.Report {
		r := with(map[fact.Name]*fact.Target{ost0: ost(device)})
		r.Host = device
		return r
	}
	a := s.full(1, on("a"))
	b := s.full(2, with(nil))
	s.change(2, fact.Report{Targets: on("b").Targets}) // before the first one has let go
	await(t, a, attrs(Contested, 1))
	await(t, b, attrs(Contested, 1))
	a.Clock.Advance(held - time.Second)
	b.Clock.Advance(held - time.Second)
	a.WantAlerts()
	b.WantAlerts()
	// News of one that holds it as well move nothing to and fro.
	again := ost("b")
	again.Errors = 1
	s.change(2, fact.Report{Targets: map[fact.Name]*fact.Target{ost0: again}})
	await(t, b, attrs(Contested, 1))
	b.Want("ObjectStoreTarget", plugintest.Attrs{"errors": 0, "active_on": "a, oss"})
	a.Clock.Advance(2 * time.Second)
	a.WantAlerts(severalHave)
	s.change(1, fact.Report{Targets: map[fact.Name]*fact.Target{ost0: nil}})
	await(t, b, attrs(Mounted, 2))
	b.WantAlerts("The target's file system has recorded errors")
	s.change(2, fact.Report{Targets: map[fact.Name]*fact.Target{ost0: nil}})
	await(t, b, attrs(Offline, 2))
	b.WantAlerts()
	b.Clock.Advance(held + time.Second)
	b.WantAlerts(notMounted)
	b.Want("FileSystem", plugintest.Attrs{"missing": 1})
}

// TestAHostThatComesBackWithoutItsTarget is known to lack it, also if the plugin was
// started anew in between.
func TestAHostThatComesBackWithoutItsTarget(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), seatsFile)
	s := newSite(t)
	s.restart(file)
	s.full(1, with(map[fact.Name]*fact.Target{ost0: ost("/dev/mapper/ost0")})).Teardown()
	s.restart(file)
	mds := with(nil)
	mds.Peers = map[fact.Name]*fact.Peer{ost0: {FS: "scratch", Link: fact.Registered, By: managementName}}
	m := s.full(3, mds)
	m.Want("ObjectStoreTarget", plugintest.Attrs{"name": ost0, "state": nil}) // what is stored stands
	a := s.full(1, with(nil))
	a.Want("ObjectStoreTarget", plugintest.Attrs{"name": ost0, "state": "offline", "host_id": 1, "path": "/dev/mapper/ost0"})
	await(t, m, attrs(Offline, 1))
	// Removed for good.
	s.change(3, fact.Report{Peers: map[fact.Name]*fact.Peer{
		ost0: nil, "scratch-OST0001": {FS: "scratch", Link: fact.Registered, By: managementName},
	}})
	m.Want("ObjectStoreTarget", plugintest.Attrs{"name": "scratch-OST0001"})
	a2 := s.full(1, with(nil))
	a2.Want("ObjectStoreTarget", 0)
}

// TestWhatOthersKnow: metadata targets and clients tell of targets whose host does
// not.
func TestWhatOthersKnow(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		link  fact.Link
		lost  bool // the host that has it was heard, and is out of contact
		state any
	}{
		{"registered", fact.Registered, false, nil},
		{"reached", fact.Connected, false, "elsewhere"},
		{"in recovery", fact.Recovering, false, "elsewhere"},
		{"not reached", fact.Disconnected, false, "offline"},
		{"taken out", fact.Deactivated, false, "deactivated"},
		{"registered, host lost", fact.Registered, true, "unknown"},
		{"reached, host lost", fact.Connected, true, "elsewhere"},
		{"not reached, host lost", fact.Disconnected, true, "offline"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			r := with(nil)
			r.Peers = map[fact.Name]*fact.Peer{ost0: {FS: "scratch", Link: c.link, By: "scratch-MDT0000"}}
			h := s.full(3, r)
			if c.lost {
				s.full(1, with(map[fact.Name]*fact.Target{ost0: ost("/dev/sdb")}))
				await(t, h, attrs(Mounted, 1))
				s.lose(1)
			}
			h.Await("ObjectStoreTarget", plugintest.Attrs{"name": ost0, "state": c.state})
		})
	}
}

// TestAClientIsNoReporter: thousands of them would report every target.
func TestAClientIsNoReporter(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	r := with(nil)
	r.Clients = map[string]*fact.Client{"scratch-ff01": {FS: "scratch", Mount: "/scratch", Targets: 3, Disconnected: []fact.Name{"scratch-OST0001"}, Inactive: []fact.Name{"scratch-OST0002"}}}
	r.Peers = map[fact.Name]*fact.Peer{ost0: {FS: "scratch", Link: fact.Connected, By: "client"}}
	h := s.full(1, r)
	h.Want("ObjectStoreTarget", 0)
	m := h.Get("ClientMount", plugintest.Attrs{"mount_point": "/scratch", "reaches": "some targets", "disconnected": "scratch-OST0001", "inactive": "scratch-OST0002"})
	h.WantParents(m, h.Get("FileSystem", plugintest.Attrs{"name": "scratch", "missing": nil}))
	all := *r.Clients["scratch-ff01"]
	all.Disconnected = []fact.Name{"scratch-MDT0000", ost0}
	s.change(1, fact.Report{Clients: map[string]*fact.Client{"scratch-ff01": &all}})
	h.Want("ClientMount", plugintest.Attrs{"reaches": "no target"})
	h.WantAlerts()
	h.Clock.Advance(2 * time.Minute)
	h.WantAlerts("The client does not reach all targets")
}

// TestConditions: what is wrong with a target or its host is an alert.
func TestConditions(t *testing.T) {
	t.Parallel()
	now := int64(1_800_000_000)
	for _, c := range []struct {
		name   string
		change func(*fact.Report, *fact.Target)
		want   []string
	}{
		{"well", func(*fact.Report, *fact.Target) {}, nil},
		{"in recovery", func(_ *fact.Report, x *fact.Target) {
			x.Recovery = &fact.Recovery{Status: "RECOVERING", Clients: 9, Connected: 3, Remaining: 120}
		}, []string{"The target is in recovery, or that was aborted"}},
		{"waiting", func(_ *fact.Report, x *fact.Target) { x.Recovery = &fact.Recovery{Status: "WAITING_FOR_CLIENTS"} }, []string{"The target is in recovery, or that was aborted"}},
		{"a word of the future", func(_ *fact.Report, x *fact.Target) { x.Recovery = &fact.Recovery{Status: "PONDERING"} }, nil},
		{"evicted today", func(_ *fact.Report, x *fact.Target) {
			x.Recovery = &fact.Recovery{Status: "COMPLETE", Clients: 9, Completed: 7, Evicted: 2, Start: now - 3600, Duration: 60}
		}, []string{"Recovery gave up clients"}},
		{"evicted long ago", func(_ *fact.Report, x *fact.Target) {
			x.Recovery = &fact.Recovery{Status: "COMPLETE", Evicted: 2, Start: now - 3*news, Duration: 60}
		}, nil},
		{"read-only", func(_ *fact.Report, x *fact.Target) { x.ReadOnly = true }, []string{"The target's storage takes no writes any more"}},
		{"degraded", func(_ *fact.Report, x *fact.Target) { x.Degraded = true }, []string{"The target is marked as degraded"}},
		{"unhealthy", func(r *fact.Report, _ *fact.Target) {
			r.Node.Health, r.Node.Unhealthy = "NOT HEALTHY", []string{ost0}
		}, []string{"Lustre is not healthy on the host", "Lustre reports the target as unhealthy"}},
		{"LBUG", func(r *fact.Report, _ *fact.Target) { r.Node.Health = "LBUG" }, []string{"Lustre is not healthy on the host"}},
		{"no network", func(r *fact.Report, _ *fact.Target) { r.Node.LNet = "down" }, []string{"LNet is down"}},
		{"network not in use", func(r *fact.Report, _ *fact.Target) { r.Node.LNet, r.Targets = "down", nil }, nil},
		{"one of two interfaces", func(r *fact.Report, _ *fact.Target) {
			r.Interfaces = map[string]*fact.Interface{"10.0.0.1@tcp": {Net: "tcp", Status: "up"}, "10.0.0.2@tcp": {Net: "tcp", Status: "down"}, "0@lo": {Net: "lo", Status: "up"}}
		}, []string{"The LNet interface is down"}},
		{"a gap", func(r *fact.Report, _ *fact.Target) {
			r.Gaps = []fact.Gap{{Part: "targets", Text: "read x: timed out"}}
		}, []string{"A part of what Lustre says could not be read"}},
		{"nearly full", func(r *fact.Report, _ *fact.Target) {
			r.Usage = map[fact.Name]*fact.Usage{ost0: {Total: n(1000), Free: n(100), Available: n(40), Files: n(100), FilesFree: n(9)}}
		}, []string{"The target is nearly full", "The target is nearly full", "The target is nearly out of inodes", "The file system is nearly full", "The file system is nearly full"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			x := ost("/dev/sdb")
			r := with(map[fact.Name]*fact.Target{ost0: x})
			c.change(&r, x)
			s := newSite(t)
			h := s.full(1, r)
			h.Clock.Advance(time.Second)
			h.WantAlerts(c.want...)
		})
	}
}

func n(v int64) *int64 { return &v }

// TestEdges: where a problem goes from.
func TestEdges(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	r := with(map[fact.Name]*fact.Target{
		ost0:              ost("/dev/sdb"),
		"scratch-MDT0000": {Disk: fact.Disk{Backend: "zfs", Device: "mdt/mdt"}},
		"MGS":             {Serves: []string{"scratch", "home"}},
	})
	r.Storage = map[fact.Name]*fact.Storage{"home-OST0003": {Disk: fact.Disk{Device: "/dev/sdc", Number: "8:32"}}}
	r.Interfaces = map[string]*fact.Interface{"10.0.0.1@o2ib": {Net: "o2ib", Status: "up", Health: n(900), Devices: []string{"ib0"}}}
	h := s.full(1, r)
	target := h.Get("ObjectStoreTarget", plugintest.Attrs{"name": ost0})
	mdt := h.Get("MetadataTarget", plugintest.Attrs{"filesystem": "scratch"})
	mgt := h.Get("ManagementTarget", plugintest.Attrs{"filesystem": "home", "serves": "scratch, home"})
	other := h.Get("ObjectStoreTarget", plugintest.Attrs{"name": "home-OST0003", "state": nil})
	h.WantParents(h.Get("FileSystem", plugintest.Attrs{"name": "scratch"}), target, mdt, mgt)
	h.WantParents(h.Get("FileSystem", plugintest.Attrs{"name": "home"}), other, mgt)
	server := h.Get("Server", nil)
	h.WantParents(server, h.Get("LNetInterface", plugintest.Attrs{"nid": "10.0.0.1@o2ib", "devices": "ib0"}))
	h.WantParents(h.Get("TargetMount", plugintest.Attrs{"name": ost0, "part": "active"}), server)
	h.WantParents(h.Get("TargetMount", plugintest.Attrs{"name": "home-OST0003", "part": "standby", "device_number": "8:32"}))
	// The management target serves one file system less, the other has no other target.
	s.change(1, fact.Report{Targets: map[fact.Name]*fact.Target{"MGS": {Serves: []string{"home"}}}})
	h.WantParents(h.Get("FileSystem", plugintest.Attrs{"name": "scratch"}), target, mdt)
	// Unmounted here, mounted nowhere: still there, and of the file system.
	s.change(1, fact.Report{Targets: map[fact.Name]*fact.Target{ost0: nil}})
	h.Want("TargetMount", 3)
	h.Want("ObjectStoreTarget", attrs(Offline, 1))
}

// TestUsage: statistics of a target, and what they come to for the file system.
func TestUsage(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	a, b := with(map[fact.Name]*fact.Target{ost0: ost("/dev/sdb")}), with(map[fact.Name]*fact.Target{"scratch-OST0001": ost("/dev/sdb")})
	usage := func(name fact.Name, read int64) fact.Report {
		return fact.Report{Usage: map[fact.Name]*fact.Usage{name: {
			Total: n(1000), Free: n(600), Available: n(500), Exports: n(5), Clients: n(3),
			Counters:   map[string]fact.Counter{"read_bytes": {Samples: 7, Unit: "bytes", Sum: n(read)}, "create": {Samples: 2}},
			Histograms: map[string][]fact.Bin{"disk I/O size": {{Value: 8, Read: 4}, {Value: 4096, Read: 1}, {Value: 1 << 20, Write: 9}, {Value: 1 << 30, Write: 2}}},
		}}}
	}
	h := s.full(1, a)
	s.full(2, b)
	s.change(1, usage(ost0, 1000))
	fs := h.Get("FileSystem", plugintest.Attrs{"name": "scratch"})
	if list := h.Samples(fs, "capacity"); len(list) != 0 {
		t.Errorf("half of the file system is added up: %v", list)
	}
	s.change(2, usage("scratch-OST0001", 1000))
	s.pass(10 * time.Second)
	s.change(2, usage("scratch-OST0001", 3000))
	s.change(1, usage(ost0, 6000))
	for name, want := range map[string]float64{"capacity": 2000, "used": 800, "available": 1000, "used_percent": 800. / 18, "read_bandwidth": 700, "write_bandwidth": 0, "clients": 3} {
		list := h.Samples(fs, name)
		if len(list) != 1 || value(t, list[0].Value) != want {
			t.Errorf("%s: %v, want %v", name, list, want)
		}
	}
	x := h.Get("ObjectStoreTarget", plugintest.Attrs{"name": ost0})
	if list := h.Samples(x, "read_bytes"); len(list) != 2 || value(t, list[1].Value) != 6000 {
		t.Errorf("read_bytes: %v", list)
	}
	list := h.Samples(x, "io_size_write")
	if len(list) != 2 || string(list[0].Value) != "[0,0,0,0,0,0,0,0,9,0,0,0,0,2]" {
		t.Errorf("io_size_write: %v", list)
	}
	if list = h.Samples(x, "io_size_read"); string(list[0].Value) != "[5,0,0,0,0,0,0,0,0,0,0,0,0,0]" {
		t.Errorf("io_size_read: %s", list[0].Value)
	}
}

// TestUsageOfADeadHost: its targets have their size still, but move no data and have no
// clients.
func TestUsageOfADeadHost(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	h := s.full(1, with(map[fact.Name]*fact.Target{ost0: ost("/dev/sdb")}))
	s.full(2, with(map[fact.Name]*fact.Target{"scratch-OST0001": ost("/dev/sdb")}))
	sample := func(host int64, name fact.Name, read, clients int64) {
		s.change(host, fact.Report{Usage: map[fact.Name]*fact.Usage{name: {
			Total: n(1000), Free: n(600), Clients: n(clients), Counters: map[string]fact.Counter{"read_bytes": {Samples: 7, Unit: "bytes", Sum: n(read)}},
		}}})
	}
	fs := h.Get("FileSystem", plugintest.Attrs{"name": "scratch"})
	want := func(what string, want float64) {
		t.Helper()
		list := h.Samples(fs, what)
		if len(list) == 0 || value(t, list[len(list)-1].Value) != want {
			t.Errorf("%s: %v, want %v last", what, list, want)
		}
	}
	sample(1, ost0, 0, 3)
	sample(2, "scratch-OST0001", 0, 40)
	s.pass(10 * time.Second)
	sample(2, "scratch-OST0001", 9000, 40)
	sample(1, ost0, 100, 3)
	want("read_bandwidth", 910)
	want("clients", 40)
	for range 4 { // the second host is not heard of any more
		s.pass(silence / 3)
		sample(1, ost0, 100, 3)
	}
	want("read_bandwidth", 0)
	want("clients", 3)
	want("capacity", 2000)
}

func value(t *testing.T, raw json.RawMessage) (v float64) {
	t.Helper()
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// TestBadReports are refused with what is wrong with them; one bad entry does not
// hide the others.
func TestBadReports(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	h := s.host(1)
	for _, data := range []any{"what", map[string]any{"version": 99, "full": true}, map[string]any{"version": 0}, map[string]any{"version": 1}, nil, []int{1}} {
		if h.AgentStart(1, data) == nil {
			t.Errorf("%v was accepted", data)
		}
		h.Reopen()
	}
	r := with(map[fact.Name]*fact.Target{"": ost("x"), "nonsense": ost("x"), "-OST0000": {}, ost0: ost("/dev/sdb"), "null-OST0001": nil})
	r.Peers = map[fact.Name]*fact.Peer{"x": {Link: "y"}, "MGS": {FS: "scratch"}}
	r.Clients = map[string]*fact.Client{"": {FS: "x"}, "y": {}}
	h = s.full(1, r)
	h.Want("ObjectStoreTarget", 1)
	h.Want("ClientMount", 0)
	h.Want("FileSystem", 1)
}
