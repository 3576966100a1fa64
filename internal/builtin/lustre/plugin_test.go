package lustre

import (
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/faultline-storage/faultline/internal/builtin/lustre/fact"
	"github.com/faultline-storage/faultline/sdk/plugin"
	"github.com/faultline-storage/faultline/sdk/plugintest"
)

// Root stands for the server's HostPlugin, the root of a session of agent data.
type Root struct {
	plugin.HostRoot
	HostID int64 `attr:",globalid"`
}

// site is several hosts with agents, and a clock.
type site struct {
	t     *testing.T
	w     *world
	hosts map[int64]*plugintest.Harness
	open  map[int64]bool

	mu    sync.Mutex // guards what follows
	clock time.Time
	later []func() // what the world does next time
}

func newSite(t *testing.T) *site {
	s := &site{t: t, clock: time.Unix(1_800_000_000, 0), hosts: map[int64]*plugintest.Harness{}, open: map[int64]bool{}}
	s.restart("")
	return s
}

// restart is the plugin's process ending and starting again.
func (s *site) restart(file string) {
	clear(s.hosts)
	clear(s.open)
	s.due()
	s.w = newWorld(file)
	s.w.now = s.now
	s.w.after = func(_ time.Duration, f func()) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.later = append(s.later, f)
	}
	s.w.started = s.now()
}

func (s *site) now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.clock
}

// due takes what the world does next time.
func (s *site) due() []func() {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := s.later
	s.later = nil
	return list
}

func (s *site) host(id int64) *plugintest.Harness {
	s.t.Helper()
	if s.hosts[id] == nil {
		s.hosts[id] = plugintest.StartProgram(s.t, func(more ...plugin.Option) *plugin.Program {
			return declare(s.w, append([]plugin.Option{plugin.Reports[Root]()}, more...)...)
		}, &Root{HostID: id})
	}
	return s.hosts[id]
}

// full is a host's first report, or the first of a new session.
func (s *site) full(id int64, r fact.Report) *plugintest.Harness {
	s.t.Helper()
	h := s.host(id)
	if s.open[id] {
		h.Reopen()
	}
	s.open[id] = true
	r.Version, r.Full, r.Time = fact.Version, true, s.now().Unix()
	if err := h.AgentStart(id, r); err != nil {
		s.t.Fatal(err)
	}
	return h
}

func (s *site) change(id int64, r fact.Report) {
	s.t.Helper()
	r.Version, r.Time = fact.Version, s.now().Unix()
	if err := s.host(id).AgentContinue(id, r); err != nil {
		s.t.Fatal(err)
	}
}

// lose is the end of a host's session, for longer than the grace.
func (s *site) lose(id int64) {
	s.host(id).Teardown()
	s.open[id] = false
	delete(s.hosts, id)
	s.pass(grace + time.Second)
}

// pass lets time go by, in which nobody says anything.
func (s *site) pass(d time.Duration) {
	s.mu.Lock()
	s.clock = s.clock.Add(d)
	s.mu.Unlock()
	for _, f := range s.due() {
		f()
	}
}

// alive is a host that has nothing new to say, and says that.
func (s *site) alive(id int64) {
	s.t.Helper()
	s.change(id, fact.Report{})
}

func ost(device string) *fact.Target {
	return &fact.Target{Kind: fact.OST, FS: "scratch", State: "UP", Disk: fact.Disk{Backend: "ldiskfs", Device: device}}
}

func with(targets map[fact.Name]*fact.Target) fact.Report {
	return fact.Report{Host: "oss", Node: &fact.Node{Version: "2.15.4", Health: "healthy", LNet: "up"}, Targets: maps.Clone(targets)}
}

// storage is what the standby of the target sees of it.
func storage(names ...fact.Name) map[fact.Name]*fact.Storage {
	m := map[fact.Name]*fact.Storage{}
	for _, n := range names {
		m[n] = &fact.Storage{Kind: fact.OST, FS: "scratch", Disk: fact.Disk{Backend: "ldiskfs", Device: "/dev/mapper/" + string(n)}}
	}
	return m
}

const ost0 = "scratch-OST0000"

func attrs(state State, host any) plugintest.Attrs {
	return plugintest.Attrs{"name": ost0, "state": string(state), "host_id": host}
}

// await waits until the host says so of the target: what one host's message
// changes for another one is a turn of its own.
func await(t *testing.T, h *plugintest.Harness, want plugintest.Attrs) {
	t.Helper()
	h.Await("ObjectStoreTarget", want)
}

// TestAFailoverMovesTheTarget, in whichever order the hosts are heard.
func TestAFailoverMovesTheTarget(t *testing.T) {
	t.Parallel()
	for _, oldFirst := range []bool{true, false} {
		s := newSite(t)
		a := s.full(1, with(map[fact.Name]*fact.Target{ost0: ost("/dev/mapper/ost0")}))
		standby := with(nil)
		standby.Storage = storage(ost0)
		b := s.full(2, standby)
		await(t, a, attrs(Mounted, 1))
		await(t, b, attrs(Mounted, 1))
		b.Want("TargetMount", plugintest.Attrs{"name": ost0, "part": "standby", "host_id": 2})
		b.Want("FileSystem", plugintest.Attrs{"name": "scratch", "object_targets": 1, "missing": 0})
		gone := func() {
			s.change(1, fact.Report{Targets: map[fact.Name]*fact.Target{ost0: nil}})
		}
		came := func() {
			s.change(2, fact.Report{
				Targets: map[fact.Name]*fact.Target{ost0: ost("/dev/mapper/mpath7")}, Storage: map[fact.Name]*fact.Storage{ost0: nil},
			})
		}
		if oldFirst {
			gone()
			await(t, a, attrs(Offline, 1))
			await(t, b, attrs(Offline, 1))
			came()
		} else {
			came()
			await(t, b, attrs(Contested, 1))
			await(t, a, attrs(Contested, 1))
			gone()
		}
		await(t, b, attrs(Mounted, 2))
		b.Want("ObjectStoreTarget", plugintest.Attrs{"path": "/dev/mapper/mpath7", "active_on": "oss"})
		b.Want("TargetMount", plugintest.Attrs{"part": "active", "host_id": 2})
		if oldFirst {
			// Nothing is left of it at the first host.
			s.change(1, fact.Report{Host: "oss1"})
		}
		a.Want("TargetMount", 0)
	}
}

// TestALostHost: what is known of its targets is no longer known, until another
// host has them.
func TestALostHost(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.full(1, with(map[fact.Name]*fact.Target{ost0: ost("/dev/mapper/ost0")}))
	standby := with(nil)
	standby.Storage = storage(ost0)
	b := s.full(2, standby)
	await(t, b, attrs(Mounted, 1))
	s.lose(1)
	await(t, b, attrs(Unknown, 1))
	s.change(2, fact.Report{Targets: map[fact.Name]*fact.Target{ost0: ost("/dev/mapper/ost0")}, Storage: map[fact.Name]*fact.Storage{ost0: nil}})
	await(t, b, attrs(Mounted, 2))
}

// TestASilentHost: a host that is cut off keeps its session. Another one that has
// its target is believed before it is an alert; without one, the target is unknown
// after a while, until the host speaks again.
func TestASilentHost(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	a := s.full(1, with(map[fact.Name]*fact.Target{ost0: ost("/dev/mapper/ost0")}))
	standby := with(nil)
	standby.Storage = storage(ost0)
	b := s.full(2, standby)
	await(t, b, attrs(Mounted, 1))
	s.change(2, fact.Report{Targets: map[fact.Name]*fact.Target{ost0: ost("/dev/mapper/ost0")}, Storage: map[fact.Name]*fact.Storage{ost0: nil}})
	await(t, b, attrs(Contested, 1))
	s.pass(doubt - 10*time.Second)
	s.alive(2)
	await(t, b, attrs(Contested, 1))
	s.pass(10 * time.Second)
	await(t, b, attrs(Mounted, 2))
	b.WantAlerts()
	// It comes back, and has the target still.
	s.alive(1)
	await(t, b, attrs(Contested, 2))
	await(t, a, attrs(Contested, 2))
	s.change(1, fact.Report{Targets: map[fact.Name]*fact.Target{ost0: nil}, Storage: storage(ost0)})
	await(t, a, attrs(Mounted, 2))
	s.pass(silence)
	s.alive(1)
	s.pass(0)
	await(t, a, attrs(Unknown, 2))
	s.alive(2)
	await(t, a, attrs(Mounted, 2))
}
