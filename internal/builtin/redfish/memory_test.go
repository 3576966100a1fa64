package redfish

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// memorySession plays the part of a session for the memory: it walks, and keeps
// account of what would be reported and removed.
type memorySession struct {
	t    *testing.T
	f    *fake
	mem  *memory
	last *found
}

// turn is one scan, which must succeed.
func (s *memorySession) turn() (removed []string) {
	s.t.Helper()
	removed, ok := s.try()
	if !ok {
		s.t.Fatal("the scan failed")
	}
	return removed
}

// try is one scan; a failed one changes nothing.
func (s *memorySession) try() (removed []string, ok bool) {
	s.t.Helper()
	c, err := newClient(clientOptions{url: s.f.URL})
	if err != nil {
		s.t.Fatal(err)
	}
	defer c.close(context.Background())
	ctx, stop := context.WithCancelCause(s.t.Context())
	defer stop(nil)
	w := &walk{reader: newReader(c, stop), log: slog.New(slog.DiscardHandler), mem: s.mem}
	found, err := w.run(ctx)
	if err != nil {
		return nil, false
	}
	s.last = found
	s.mem.recognise(s.last.nodes, w.reader)
	for _, n := range s.last.nodes {
		if s.mem.known[n.path()] == nil {
			s.mem.known[n.path()] = &known{}
		}
		s.mem.known[n.path()].last = snapshot(n.res)
	}
	removed = s.mem.vanished(s.last.nodes, w.reader)
	for _, p := range removed {
		delete(s.mem.known, p)
	}
	s.mem.learn(s.last.nodes, w)
	return removed, true
}

func newMemorySession(t *testing.T, f *fake) *memorySession {
	s := &memorySession{t: t, f: f, mem: newMemory()}
	if gone := s.turn(); len(gone) > 0 {
		t.Fatal(gone)
	}
	return s
}

// TestRemoval: only what its lists no longer name is removed.
func TestRemoval(t *testing.T) {
	const s = "/redfish/v1/Systems/1/Storage/A"
	change := map[string]struct {
		change func(f *fake)
		want   []string
	}{
		"nothing":             {func(*fake) {}, nil},
		"document unreadable": {func(f *fake) { f.remove(drivePath("1")) }, nil},
		"list unreadable":     {func(f *fake) { f.fail(s+"/Volumes", 500) }, nil},
		"storage unreadable":  {func(f *fake) { f.raw(s, "{") }, nil},
		"system unreadable":   {func(f *fake) { f.fail("/redfish/v1/Systems/1", 502) }, nil},
		"systems unreadable":  {func(f *fake) { f.remove("/redfish/v1/Systems") }, nil},
		"thermal unreadable":  {func(f *fake) { f.remove("/redfish/v1/Chassis/1/Thermal") }, nil},
		"chassis unreadable":  {func(f *fake) { f.fail("/redfish/v1/Chassis/1", 500) }, nil},
		"volume gone":         {func(f *fake) { f.list(s+"/Volumes", s+"/Volumes/V") }, []string{s + "/Volumes/W"}},
		"drive still in chassis": {func(f *fake) {
			f.mu.Lock()
			f.docs[s].(doc)["Drives"] = links(drivePath("0"))
			f.mu.Unlock()
		}, nil},
		"drive gone": {func(f *fake) {
			f.mu.Lock()
			f.docs[s].(doc)["Drives"] = links(drivePath("0"), drivePath("1"))
			f.docs["/redfish/v1/Chassis/1"].(doc)["Links"] = doc{}
			f.mu.Unlock()
		}, []string{drivePath("2")}},
		"drive gone, chassis unreadable": {func(f *fake) {
			f.mu.Lock()
			f.docs[s].(doc)["Drives"] = links(drivePath("0"), drivePath("1"))
			f.mu.Unlock()
			f.fail("/redfish/v1/Chassis/1", 500)
		}, nil},
		"storage gone": {func(f *fake) {
			f.list("/redfish/v1/Systems/1/Storage")
		}, []string{s + "/Controllers/0", s + "/StoragePools/P", s + "/Volumes/V", s + "/Volumes/W"}},
		"system gone": {func(f *fake) {
			f.list("/redfish/v1/Systems")
		}, []string{s + "/Controllers/0", s + "/StoragePools/P", s + "/Volumes/V", s + "/Volumes/W"}},
		"fan gone": {func(f *fake) {
			f.set("/redfish/v1/Chassis/1/Thermal", doc{"Fans": []any{doc{"MemberId": "1", "Name": "Fan 2"}}, "Temperatures": []any{doc{"MemberId": "0"}}})
		}, []string{"/redfish/v1/Chassis/1/Thermal#/Fans/0"}},
	}
	for name, tc := range change {
		t.Run(name, func(t *testing.T) {
			f := newMachine(t)
			m := newMemorySession(t, f)
			tc.change(f)
			for range 2 { // also not in the next turn
				got := m.turn()
				if d := cmp.Diff(tc.want, got); d != "" {
					t.Errorf("removed (-want +got):\n%s", d)
				}
				tc.want = nil
			}
		})
	}
}

// TestFormsComeAndGo: an object in two forms stays one object, under one
// identity, whichever form can be read.
func TestFormsComeAndGo(t *testing.T) {
	const c = "/redfish/v1/Chassis/1"
	f := newMachine(t)
	f.mu.Lock()
	f.docs[c].(doc)["ThermalSubsystem"] = link(c + "/ThermalSubsystem")
	f.mu.Unlock()
	f.set(c+"/ThermalSubsystem", doc{"Fans": link(c + "/ThermalSubsystem/Fans")})
	f.list(c+"/ThermalSubsystem/Fans", c+"/ThermalSubsystem/Fans/1", c+"/ThermalSubsystem/Fans/2", c+"/ThermalSubsystem/Fans/3")
	for _, id := range []string{"1", "2"} {
		f.set(c+"/ThermalSubsystem/Fans/"+id, doc{"Name": "Fan " + id, "Model": "F", "Status": healthy()})
	}
	f.set(c+"/ThermalSubsystem/Fans/3", doc{"Name": "Bay 3", "Status": healthy()})
	thermal := f.docs[c+"/Thermal"].(doc)
	thermal["Fans"] = append(thermal["Fans"].([]any), doc{"MemberId": "2", "Name": "Rear left", "Status": healthy()}, doc{"MemberId": "3", "Name": "Rear right"})
	m := newMemorySession(t, f)
	want := pathsOf(m.last.nodes)
	fans := countClasses(m.last.nodes)["Fan"]
	if fans != 4 { // two pairs, and the longer rest
		t.Fatalf("%d fans", fans)
	}
	check := func(when string) {
		t.Helper()
		if gone := m.turn(); len(gone) > 0 {
			t.Errorf("%s: removed %v", when, gone)
		}
		for _, p := range pathsOf(m.last.nodes) {
			if !slices.Contains(want, p) {
				t.Errorf("%s: a new object %s", when, p)
			}
		}
	}
	f.fail(c+"/ThermalSubsystem", 500)
	check("new form fails")
	if x := byPath(m.last.nodes)[c+"/ThermalSubsystem/Fans/1"]; x == nil || x.res.(*Fan).Model != "F" {
		t.Errorf("the fan lost what the other form had: %+v", x)
	}
	f.fail(c+"/ThermalSubsystem", 0)
	f.fail(c+"/Thermal", 500)
	check("old form fails")
	f.fail(c+"/Thermal", 0)
	check("all is well again")
	if d := cmp.Diff(want, pathsOf(m.last.nodes)); d != "" {
		t.Error(d)
	}
	f.fail(c+"/ThermalSubsystem/Fans/2", 500)
	check("one member fails")
}

// TestNewFormAppearsLater: a session that began with the old form keeps its identities.
func TestNewFormAppearsLater(t *testing.T) {
	const c = "/redfish/v1/Chassis/1"
	f := newMachine(t)
	m := newMemorySession(t, f)
	want := pathsOf(m.last.nodes)
	f.mu.Lock()
	f.docs[c].(doc)["ThermalSubsystem"] = link(c + "/ThermalSubsystem")
	f.mu.Unlock()
	f.set(c+"/ThermalSubsystem", doc{"Fans": link(c + "/ThermalSubsystem/Fans")})
	f.list(c+"/ThermalSubsystem/Fans", c+"/ThermalSubsystem/Fans/1", c+"/ThermalSubsystem/Fans/2")
	for _, id := range []string{"1", "2"} {
		f.set(c+"/ThermalSubsystem/Fans/"+id, doc{"Name": "Fan " + id, "Model": "F", "Status": healthy()})
	}
	for range 2 {
		if gone := m.turn(); len(gone) > 0 {
			t.Error(gone)
		}
		if d := cmp.Diff(want, pathsOf(m.last.nodes)); d != "" {
			t.Error(d)
		}
	}
	if x := byPath(m.last.nodes)[c+"/Thermal#/Fans/0"].res.(*Fan); x.Model != "F" {
		t.Errorf("%+v", x)
	}
}

// TestFlakyService: whatever documents fail in whatever turn, nothing is removed
// and nothing appears twice, and a good turn finds everything as it was.
func TestFlakyService(t *testing.T) {
	const c = "/redfish/v1/Chassis/1"
	for seed := range uint64(12) {
		f := newMachine(t)
		f.mu.Lock()
		f.docs[c].(doc)["ThermalSubsystem"] = link(c + "/ThermalSubsystem")
		f.docs[c].(doc)["Sensors"] = link(c + "/Sensors")
		f.mu.Unlock()
		f.set(c+"/ThermalSubsystem", doc{"Fans": link(c + "/ThermalSubsystem/Fans")})
		f.list(c+"/ThermalSubsystem/Fans", c+"/ThermalSubsystem/Fans/1", c+"/ThermalSubsystem/Fans/2", c+"/ThermalSubsystem/Fans/3")
		f.set(c+"/ThermalSubsystem/Fans/1", doc{"Name": "Fan 1", "Status": healthy()})
		f.set(c+"/ThermalSubsystem/Fans/2", doc{"Name": "Bay 2", "Status": healthy()})
		f.set(c+"/ThermalSubsystem/Fans/3", doc{"Name": "Bay 3", "Status": healthy()})
		f.list(c+"/Sensors", c+"/Sensors/1", c+"/Sensors/2")
		f.set(c+"/Sensors/1", doc{"Name": "Inlet Temperature", "ReadingType": "Temperature", "Reading": 20, "Status": healthy()})
		f.set(c+"/Sensors/2", doc{"Name": "Outlet Temperature", "ReadingType": "Temperature", "Reading": 20, "Status": healthy()})
		f.set("/redfish/v1/Systems/1/SimpleStorage/1", doc{"Devices": []any{doc{"Name": "a", "Model": "M1"}, doc{"Name": "b", "Model": "M2"}}})
		f.list("/redfish/v1/Systems/1/SimpleStorage", "/redfish/v1/Systems/1/SimpleStorage/1")
		f.mu.Lock()
		f.docs["/redfish/v1/Systems/1"].(doc)["SimpleStorage"] = link("/redfish/v1/Systems/1/SimpleStorage")
		all := slices.Sorted(maps.Keys(f.docs))
		f.mu.Unlock()
		m := newMemorySession(t, f)
		want := pathsOf(m.last.nodes)
		r := rand.New(rand.NewPCG(seed, 1))
		for turn := range 12 {
			var failing []string
			for _, p := range all {
				if p != "/redfish/v1" && r.IntN(5) == 0 && turn%4 != 3 {
					failing = append(failing, p)
				}
			}
			for _, p := range failing {
				f.fail(p, 500)
			}
			when := fmt.Sprintf("seed %d, turn %d, failing %v", seed, turn, failing)
			gone, ok := m.try()
			if len(gone) > 0 {
				t.Fatalf("%s: removed %v", when, gone)
			}
			for _, p := range pathsOf(m.last.nodes) {
				if ok && !slices.Contains(want, p) {
					t.Fatalf("%s: a new object %s", when, p)
				}
			}
			if len(failing) == 0 {
				if d := cmp.Diff(want, pathsOf(m.last.nodes)); d != "" {
					t.Fatalf("%s: %s", when, d)
				}
			}
			for _, p := range failing {
				f.fail(p, 0)
			}
		}
	}
}

// TestThermalFails: while Thermal cannot be read, its temperatures stand, and the
// many Sensors, never looked at beside it, do not take their place.
func TestThermalFails(t *testing.T) {
	const c = "/redfish/v1/Chassis/1"
	f := newMachine(t)
	f.mu.Lock()
	f.docs[c].(doc)["Sensors"] = link(c + "/Sensors")
	f.mu.Unlock()
	var sensors []string
	for i := range sensorBudget + 1 {
		p := fmt.Sprintf("%s/Sensors/%d", c, i)
		sensors = append(sensors, p)
		f.set(p, doc{"Name": fmt.Sprint("Place ", i), "ReadingType": "Temperature", "Reading": 20})
	}
	f.list(c+"/Sensors", sensors...)
	m := newMemorySession(t, f)
	if n := countClasses(m.last.nodes)["TemperatureSensor"]; n != 1 {
		t.Fatalf("%d sensors beside Thermal", n)
	}
	f.fail(c+"/Thermal", 500)
	if gone := m.turn(); len(gone) > 0 || countClasses(m.last.nodes)["TemperatureSensor"] != 0 {
		t.Errorf("removed %v, %v", gone, countClasses(m.last.nodes))
	}
	// A session that never saw Thermal has nothing but the Sensors.
	if n := countClasses(newMemorySession(t, f).last.nodes)["TemperatureSensor"]; n != len(sensors) {
		t.Errorf("%d sensors without Thermal", n)
	}
}
