package redfish

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func byPath(nodes []*node) map[string]*node {
	out := map[string]*node{}
	for _, n := range nodes {
		out[n.path()] = n
	}
	return out
}

func parentsOf(nodes []*node) map[string][]string {
	out := map[string][]string{}
	for _, e := range edges(nodes, nil).edges {
		out[e.child] = append(out[e.child], e.parent)
	}
	for _, p := range out {
		slices.Sort(p)
	}
	return out
}

func scanFake(t *testing.T, f *fake) *found {
	t.Helper()
	got, _, err := walkOnce(t, clientOptions{url: f.URL})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestMachine(t *testing.T) {
	f := newMachine(t)
	got := scanFake(t, f)
	if len(got.gaps) > 0 {
		t.Fatal(got.gaps)
	}
	const s, c = "/redfish/v1/Systems/1/Storage/A", "/redfish/v1/Chassis/1"
	want := map[string][]string{
		c:                     {c + "/Power#/PowerSupplies/0", c + "/Thermal#/Fans/0", c + "/Thermal#/Fans/1", c + "/Thermal#/Temperatures/0"},
		s + "/Controllers/0":  {c},
		drivePath("0"):        {c},
		drivePath("1"):        {c},
		drivePath("2"):        {c},
		s + "/StoragePools/P": {s + "/Controllers/0", drivePath("0"), drivePath("1")},
		s + "/Volumes/V":      {s + "/Controllers/0", s + "/StoragePools/P"},
		s + "/Volumes/W":      {s + "/Controllers/0", drivePath("2")},
	}
	if d := cmp.Diff(want, parentsOf(got.nodes)); d != "" {
		t.Errorf("parents (-want +got):\n%s", d)
	}
	at := byPath(got.nodes)
	d := at[drivePath("1")].res.(*Drive)
	if d.Capacity != 4_000_000_000_001 || d.Location != "Bay 1" || d.Label() != "Disk 1 (Bay 1)" || d.lifeLeft == nil || *d.lifeLeft != 99 ||
		d.FailurePredicted == nil || *d.FailurePredicted || d.Health != OK {
		t.Errorf("%+v", d)
	}
	if v := at[s+"/Volumes/V"].res.(*Volume); v.Size != 1_000_000_000_000 || v.RaidType != "RAID1" {
		t.Errorf("%+v", v)
	}
	if p := at[s+"/StoragePools/P"].res.(*Pool); p.Capacity != 8_000_000_000_000 || p.used == nil || *p.used != 4e12 || *p.remaining != 50 {
		t.Errorf("%+v", p)
	}
	if x := at[c+"/Thermal#/Fans/0"].res.(*Fan); x.rpm == nil || *x.rpm != 5000 || x.percent != nil {
		t.Errorf("%+v", x)
	}
	if x := at[c+"/Thermal#/Fans/1"].res.(*Fan); x.rpm != nil || *x.percent != 40 {
		t.Errorf("%+v", x)
	}
	seen := map[string]bool{}
	for _, r := range f.requests() {
		if seen[r] {
			t.Errorf("asked twice: %s", r)
		}
		seen[r] = true
	}
}

// TestPaging: pages are followed, and their repetition is noticed.
func TestPaging(t *testing.T) {
	page := func(f *fake, path string, next string, count int, members ...string) {
		d := doc{"Name": "List", "Members": links(members...), "Members@odata.count": count}
		if next != "" {
			d["Members@odata.nextLink"] = next
		}
		f.mu.Lock()
		f.docs[path] = d
		f.mu.Unlock()
	}
	const list = "/redfish/v1/Chassis"
	chassis := func(i int) string { return list + "/" + strconv.Itoa(i) }
	for _, tc := range []struct {
		name  string
		pages func(f *fake)
		count int
		gaps  int
	}{
		{"three pages", func(f *fake) {
			page(f, list, list+"?$skip=2", 5, chassis(1), chassis(2))
			page(f, list+"?$skip=2", "?$skip=4", 5, chassis(3), chassis(4))
			page(f, list+"?$skip=4", "", 5, chassis(5))
		}, 5, 0},
		{"$skip ignored", func(f *fake) {
			for _, p := range []string{list, list + "?$skip=2"} {
				page(f, p, list+"?$skip=2", 5, chassis(1), chassis(2))
			}
		}, 2, 1},
		{"$skip ignored with ever new links", func(f *fake) {
			for i := range 10 {
				p := list
				if i > 0 {
					p = fmt.Sprintf("%s?$skip=%d", list, 2*i)
				}
				page(f, p, fmt.Sprintf("%s?$skip=%d", list, 2*i+2), 5, chassis(1), chassis(2))
			}
		}, 2, 1},
		{"repeats after the end", func(f *fake) {
			for _, p := range []string{list, list + "?$skip=2"} {
				page(f, p, list+"?$skip=2", 2, chassis(1), chassis(2))
			}
		}, 2, 0},
		{"links to itself", func(f *fake) { page(f, list, list, 2, chassis(1), chassis(2)) }, 2, 0},
		{"second page missing", func(f *fake) { page(f, list, list+"?$skip=2", 4, chassis(1), chassis(2)) }, 2, 1},
		{"a wrong count", func(f *fake) { page(f, list, "", 9, chassis(1), chassis(2)) }, 2, 0},
		{"duplicates", func(f *fake) { page(f, list, "", 4, chassis(1), chassis(2), chassis(1)+"/", "//x", chassis(2)) }, 2, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newMachine(t)
			for i := 1; i <= 5; i++ {
				f.set(chassis(i), doc{"Name": "C"})
			}
			tc.pages(f)
			got := scanFake(t, f)
			if n := countClasses(got.nodes)["Chassis"]; n != tc.count || len(got.gaps) != tc.gaps {
				t.Errorf("%d chassis, gaps %v; want %d and %d", n, got.gaps, tc.count, tc.gaps)
			}
		})
	}
}

// TestHealthStates: absent means no alert, and a missing health is no verdict.
func TestHealthStates(t *testing.T) {
	f := newMachine(t)
	set := func(id string, d doc) {
		d["Name"] = "Disk " + id
		f.set(drivePath(id), d)
	}
	set("0", doc{"Status": statusDoc(absent, "Critical"), "FailurePredicted": true})
	set("1", doc{"Status": doc{"State": "Enabled"}})
	set("2", doc{"Status": doc{"State": "Enabled", "Health": "critical", "HealthRollup": "Unheard-of"}, "StatusIndicator": "PredictiveFailureAnalysis"})
	at := byPath(scanFake(t, f).nodes)
	if d := at[drivePath("0")].res.(*Drive); d.State != absent || d.Health != "" || d.FailurePredicted != nil {
		t.Errorf("absent: %+v", d)
	}
	if d := at[drivePath("1")].res.(*Drive); d.Health != "" || d.FailurePredicted != nil {
		t.Errorf("no verdict: %+v", d)
	}
	if d := at[drivePath("2")].res.(*Drive); d.Health != Critical || d.HealthRollup != "" || d.FailurePredicted == nil || !*d.FailurePredicted {
		t.Errorf("critical: %+v", d)
	}
}

func TestThermometers(t *testing.T) {
	old := doc{"Temperatures": []any{
		doc{"MemberId": "0", "Name": "CPU1 Temp", "ReadingCelsius": 41, "UpperThresholdNonCritical": 42, "Status": healthy()},
		doc{"MemberId": "1", "Name": "Slot", "ReadingCelsius": 0, "LowerThresholdCritical": 5, "Status": doc{"State": absent}},
		doc{"MemberId": "2", "Name": "Hot", "ReadingCelsius": "91", "UpperThresholdCritical": 90, "UpperThresholdNonCritical": 80},
		doc{"MemberId": "3", "Name": "Warm", "ReadingCelsius": 85, "UpperThresholdCritical": 90, "UpperThresholdNonCritical": 80},
		doc{"MemberId": "4", "Name": "Fine", "ReadingCelsius": 20, "UpperThresholdCritical": 90},
	}}
	const c = "/redfish/v1/Chassis/1"
	sensors := func(f *fake) {
		f.list(c+"/Sensors", c+"/Sensors/A", c+"/Sensors/B", c+"/Sensors/F", c+"/Sensors/P", c+"/Sensors/X")
		f.set(c+"/Sensors/A", doc{
			"Name": "CPU #1 Temperature", "ReadingUnits": "Cel", "Reading": 44, "Status": statusDoc("Enabled", "Warning"),
			"Thresholds": doc{"UpperCaution": doc{"Reading": 42}, "UpperCritical": doc{"Reading": 45}},
		})
		f.set(c+"/Sensors/B", doc{"Name": "Battery", "ReadingType": "Temperature", "ReadingUnits": "Cel", "Reading": 30, "Status": healthy()})
		f.set(c+"/Sensors/F", doc{"Name": "Abroad", "ReadingType": "Temperature", "ReadingUnits": "[degF]", "Reading": 212})
		f.set(c+"/Sensors/P", doc{"Name": "Watts", "ReadingType": "Power", "Reading": 30})
		f.set(c+"/Sensors/X", doc{"Name": "CPU OverTemp", "ReadingType": "Temperature", "ReadingUnits": "", "Reading": 0})
	}
	base := doc{"Name": "Box", "Thermal": link(c + "/Thermal"), "Sensors": link(c + "/Sensors")}

	t.Run("both forms", func(t *testing.T) {
		f := newMachine(t)
		f.set(c, base)
		f.set(c+"/Thermal", old)
		sensors(f)
		at := byPath(scanFake(t, f).nodes)
		want := map[string]Limit{"0": "", "1": "", "2": Beyond, "3": Caution, "4": Within}
		n := 0
		for id, limit := range want {
			x := at[c+"/Thermal#/Temperatures/"+id].res.(*TemperatureSensor)
			n++
			if x.LimitState != limit {
				t.Errorf("%s: %q, want %q", x.Name, x.LimitState, limit)
			}
		}
		cpu := at[c+"/Thermal#/Temperatures/0"].res.(*TemperatureSensor)
		if cpu.Health != Warning || *cpu.celsius != 41 || cpu.HighCritical == nil || *cpu.HighCritical != 45 {
			t.Errorf("%+v", cpu)
		}
		if slot := at[c+"/Thermal#/Temperatures/1"].res.(*TemperatureSensor); slot.celsius != nil {
			t.Errorf("an absent sensor reads %v", *slot.celsius)
		}
		for p := range at {
			if strings.Contains(p, "/Sensors/") {
				t.Errorf("counted twice: %s", p)
			}
		}
	})
	t.Run("new form", func(t *testing.T) {
		f := newMachine(t)
		f.set(c, base)
		f.set(c+"/Thermal", doc{"Fans": nil, "Temperatures": []any{}})
		sensors(f)
		at := byPath(scanFake(t, f).nodes)
		for _, id := range []string{"A", "B", "F"} {
			if at[c+"/Sensors/"+id] == nil {
				t.Errorf("no %s", id)
			}
		}
		if at[c+"/Sensors/P"] != nil || at[c+"/Sensors/X"] != nil {
			t.Error("a power meter or a contact is a thermometer")
		}
		if x := at[c+"/Sensors/F"]; x != nil && *x.res.(*TemperatureSensor).celsius != 100 {
			t.Errorf("212 F is %v C", *x.res.(*TemperatureSensor).celsius)
		}
	})
	t.Run("expanded", func(t *testing.T) {
		f := newMachine(t)
		f.set(c, base)
		f.set(c+"/Thermal", doc{})
		sensors(f)
		f.mu.Lock()
		f.docs["/redfish/v1"].(doc)["ProtocolFeaturesSupported"] = doc{"ExpandQuery": doc{"NoLinks": true, "Levels": true}}
		f.docs[c+"/Sensors?$expand=.($levels=1)"] = doc{"Members": []any{f.docs[c+"/Sensors/A"], f.docs[c+"/Sensors/P"], link(c + "/Sensors/B")}}
		f.mu.Unlock()
		got := scanFake(t, f)
		if n := countClasses(got.nodes)["TemperatureSensor"]; n != 2 || len(got.gaps) > 0 {
			t.Errorf("%d sensors, gaps %v", n, got.gaps)
		}
		for _, r := range f.requests() {
			if strings.HasSuffix(r, "/Sensors/A") || strings.HasSuffix(r, "/Sensors/P") {
				t.Errorf("asked again: %s", r)
			}
		}
	})
}

// TestInlineIdentity: what stands in an array keeps its identity when others go.
func TestInlineIdentity(t *testing.T) {
	f := newMachine(t)
	const th = "/redfish/v1/Chassis/1/Thermal"
	f.set(th, doc{"Fans": []any{
		doc{"@odata.id": th + "#/Fans/0", "MemberId": "1", "Name": "One"}, // the position of one is the MemberId of the other
		doc{"MemberId": "0", "Name": "Zero"},
		nil, "text", doc{}, doc{"@odata.id": th + "#/Fans/5"},
		doc{"MemberId": "dup", "Name": "Dup"}, doc{"MemberId": "dup", "Name": "Dup2"},
		doc{"Name": "nil"},
	}, "Temperatures": doc{"MemberId": "0", "Name": "Lone", "ReadingCelsius": 1}})
	at := byPath(scanFake(t, f).nodes)
	want := map[string]string{"1": "One", "0": "Zero", "6": "Dup", "7": "Dup2", "8": "Fan 8"}
	for id, name := range want {
		n := at[th+"#/Fans/"+id]
		if n == nil || n.res.(*Fan).Name != name {
			t.Errorf("fan %s: %+v", id, n)
		}
	}
	fans := 0
	for _, n := range at {
		if _, ok := n.res.(*Fan); ok {
			fans++
		}
	}
	if fans != len(want) || at[th+"#/Temperatures/0"] == nil {
		t.Errorf("%d fans", fans)
	}
}

// TestCycles: a service that contradicts itself still gives a graph without circles.
func TestCycles(t *testing.T) {
	f := newMachine(t)
	f.list("/redfish/v1/Chassis", "/redfish/v1/Chassis/1", "/redfish/v1/Chassis/2", "/redfish/v1/Chassis/3")
	for i, next := range []string{"2", "3", "1"} {
		f.set(fmt.Sprintf("/redfish/v1/Chassis/%d", i+1), doc{"Links": doc{
			"ContainedBy": link("/redfish/v1/Chassis/" + next), "Contains": links("/redfish/v1/Chassis/"+next, fmt.Sprintf("/redfish/v1/Chassis/%d", i+1)),
		}})
	}
	const pools = "/redfish/v1/Systems/1/Storage/A/StoragePools"
	f.set(pools+"/P", doc{"Name": "P", "AllocatedPools": link(pools), "CapacitySources": []any{doc{"ProvidingPools": link(pools)}}})
	g := edges(scanFake(t, f).nodes, nil)
	if len(g.refused) == 0 {
		t.Error("no edge was refused")
	}
	state := map[string]int{}
	var visit func(string)
	visit = func(at string) {
		state[at] = 1
		for _, c := range g.children[at] {
			if state[c] == 1 {
				t.Fatalf("a circle through %s", c)
			}
			if state[c] == 0 {
				visit(c)
			}
		}
		state[at] = 2
	}
	for at := range g.children {
		if state[at] == 0 {
			visit(at)
		}
	}
}

// TestOtherRoads: storage is found wherever a service links it, once.
func TestOtherRoads(t *testing.T) {
	f := newFake(t)
	f.set("/redfish/v1", doc{
		"Systems": link("/redfish/v1/ComputerSystem/"), "Chassis": link("/redfish/v1/Chassis"),
		"StorageServices": link("/redfish/v1/StorageServices"), "Storage": link("/redfish/v1/Storage"),
	})
	f.list("/redfish/v1/ComputerSystem", "/redfish/v1/ComputerSystem/x/")
	f.set("/redfish/v1/ComputerSystem/x", doc{"Storage": link("/redfish/v1/ComputerSystem/x/Storage")})
	f.list("/redfish/v1/ComputerSystem/x/Storage", "/redfish/v1/Storage/1")
	f.list("/redfish/v1/Storage", "/redfish/v1/Storage/1/")
	f.set("/redfish/v1/Storage/1", doc{
		"Status":             statusDoc("Enabled", "Warning"),
		"StorageControllers": []any{doc{"@odata.id": "/redfish/v1/Storage/1#/StorageControllers/0", "MemberId": "0", "Status": healthy()}},
		"Drives":             link("/redfish/v1/Storage/1/Drives"),
	})
	f.list("/redfish/v1/Storage/1/Drives", "/redfish/v1/d/1")
	f.set("/redfish/v1/d/1", doc{"Links": doc{"Volumes": links("/redfish/v1/v/1")}})
	f.set("/redfish/v1/v/1", doc{"Name": "V"})
	f.list("/redfish/v1/StorageServices", "/redfish/v1/StorageServices/S")
	f.set("/redfish/v1/StorageServices/S", doc{"StoragePools": link("/redfish/v1/StorageServices/S/Pools"), "Drives": link("/redfish/v1/StorageServices/S/Drives")})
	f.list("/redfish/v1/StorageServices/S/Pools", "/redfish/v1/p/1")
	f.list("/redfish/v1/StorageServices/S/Drives", "/redfish/v1/d/1", "/redfish/v1/d/2")
	f.set("/redfish/v1/d/2", doc{"Links": doc{"StoragePools": links("/redfish/v1/p/1")}})
	f.set("/redfish/v1/p/1", doc{"Name": "P", "AllocatedVolumes": link("/redfish/v1/p/1/Volumes")})
	f.list("/redfish/v1/p/1/Volumes", "/redfish/v1/v/1", "/redfish/v1/v/2")
	f.set("/redfish/v1/v/2", doc{"Name": "W"})
	f.list("/redfish/v1/Chassis", "/redfish/v1/Chassis/1")
	f.set("/redfish/v1/Chassis/1", doc{"Links": doc{"Storage": links("/redfish/v1/Storage/1")}})
	got := scanFake(t, f)
	if d := cmp.Diff(map[string]int{"Chassis": 1, "Controller": 1, "Drive": 2, "Pool": 1, "Volume": 2}, countClasses(got.nodes)); d != "" {
		t.Errorf("%s%v", d, got.gaps)
	}
	p := parentsOf(got.nodes)
	if d := cmp.Diff([]string{"/redfish/v1/d/2"}, p["/redfish/v1/p/1"]); d != "" {
		t.Error(d)
	}
	if !slices.Contains(p["/redfish/v1/v/1"], "/redfish/v1/p/1") || !slices.Contains(p["/redfish/v1/v/1"], "/redfish/v1/d/1") {
		t.Error(p["/redfish/v1/v/1"])
	}
	if c := byPath(got.nodes)["/redfish/v1/Storage/1#/StorageControllers/0"].res.(*Controller); c.SubsystemHealth != Warning {
		t.Errorf("%+v", c)
	}
}

// TestTwoForms: fans and power supplies that stand in both forms count once, with
// the readings of either.
func TestTwoForms(t *testing.T) {
	f := newMachine(t)
	const c = "/redfish/v1/Chassis/1"
	f.mu.Lock()
	chassis := f.docs[c].(doc)
	f.mu.Unlock()
	chassis["ThermalSubsystem"], chassis["PowerSubsystem"] = link(c+"/ThermalSubsystem"), link(c+"/PowerSubsystem")
	chassis["Links"] = doc{"CooledBy": links(c+"/Thermal#/Fans/0", c+"/Thermal#/Fans/1")}
	f.set(c+"/ThermalSubsystem", doc{"Fans": link(c + "/ThermalSubsystem/Fans")})
	f.list(c+"/ThermalSubsystem/Fans", c+"/ThermalSubsystem/Fans/1", c+"/ThermalSubsystem/Fans/2")
	f.set(c+"/ThermalSubsystem/Fans/1", doc{"Name": "Fan 1", "SpeedPercent": doc{"Reading": 5000, "SpeedRPM": 5000}, "Status": healthy()})
	f.set(c+"/ThermalSubsystem/Fans/2", doc{"Name": "Fan 2", "Status": statusDoc("Enabled", "Critical")})
	f.set(c+"/PowerSubsystem", doc{"PowerSupplies": link(c + "/PowerSubsystem/PowerSupplies")})
	f.list(c+"/PowerSubsystem/PowerSupplies", c+"/PowerSubsystem/PowerSupplies/1", c+"/PowerSubsystem/PowerSupplies/2")
	f.set(c+"/PowerSubsystem/PowerSupplies/1", doc{"Name": "PSU1", "Status": healthy()})
	f.set(c+"/PowerSubsystem/PowerSupplies/2", doc{"Name": "PSU2", "Metrics": link(c + "/PowerSubsystem/PowerSupplies/2/Metrics"), "Status": healthy()})
	f.set(c+"/PowerSubsystem/PowerSupplies/2/Metrics", doc{"OutputPowerWatts": doc{"Reading": 111}, "InputVoltage": doc{"Reading": 230}})
	got := scanFake(t, f)
	n := countClasses(got.nodes)
	if n["Fan"] != 2 || n["PowerSupply"] != 2 || len(got.gaps) != 0 {
		t.Fatal(n, got.gaps)
	}
	at := byPath(got.nodes)
	if x := at[c+"/ThermalSubsystem/Fans/1"].res.(*Fan); x.percent != nil || *x.rpm != 5000 {
		t.Errorf("%+v", x)
	}
	if x := at[c+"/ThermalSubsystem/Fans/2"].res.(*Fan); x.Health != Critical || x.percent == nil || *x.percent != 40 {
		t.Errorf("%+v", x)
	}
	if x := at[c+"/PowerSubsystem/PowerSupplies/1"].res.(*PowerSupply); *x.watts != 250 || *x.CapacityWatts != 800 {
		t.Errorf("%+v", x)
	}
	if x := at[c+"/PowerSubsystem/PowerSupplies/2"].res.(*PowerSupply); *x.watts != 111 || *x.volts != 230 {
		t.Errorf("%+v", x)
	}
	if p := parentsOf(got.nodes)[c]; !slices.Contains(p, c+"/ThermalSubsystem/Fans/1") {
		t.Errorf("links to the old form do not reach the fan: %v", p)
	}
}
