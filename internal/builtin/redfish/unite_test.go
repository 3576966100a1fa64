package redfish

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func fanNode(path, name string, health Health) *node {
	n := &node{res: &Fan{Path: path, Name: name, Health: health, State: "Enabled"}, member: lastOf(path)}
	n.addAlias(path)
	return n
}

func psuNode(path, name, serial, location string) *node {
	n := &node{res: &PowerSupply{Path: path, Name: name, SerialNumber: serial, Location: location, State: "Enabled"}, member: lastOf(path)}
	n.addAlias(path)
	return n
}

func pathsOf(nodes []*node) []string {
	out := paths(nodes)
	slices.Sort(out)
	return out
}

func TestUnite(t *testing.T) {
	for _, tc := range []struct {
		name         string
		newer, older []*node
		want         []string
	}{
		{"only new", []*node{fanNode("/n/1", "A", OK)}, nil, []string{"/n/1"}},
		{"only old", nil, []*node{fanNode("/o/1", "A", OK)}, []string{"/o/1"}},
		{
			"by name, however spelled", []*node{fanNode("/n/a", "Fan 1A Tach", OK), fanNode("/n/b", "Fan 1B Tach", OK)},
			[]*node{fanNode("/o/0", "FAN-1A tach", OK), fanNode("/o/1", "Fan 1B Tach", OK)},
			[]string{"/n/a", "/n/b"},
		},
		{
			"by serial", []*node{psuNode("/n/1", "X", "S1", ""), psuNode("/n/2", "X", "S2", "")},
			[]*node{psuNode("/o/0", "HpeServerPowerSupply", "S2", ""), psuNode("/o/1", "HpeServerPowerSupply", "S1", "")},
			[]string{"/n/1", "/n/2"},
		},
		{
			"a shared serial proves nothing", []*node{psuNode("/n/1", "PSU1", "0000", ""), psuNode("/n/2", "PSU2", "0000", "")},
			[]*node{psuNode("/o/0", "Power Supply 2", "0000", ""), psuNode("/o/1", "Power Supply 1", "0000", ""), psuNode("/o/2", "Power Supply 3", "0000", "")},
			[]string{"/n/1", "/n/2", "/o/2"},
		},
		{
			"other names: the longer list", []*node{fanNode("/n/1", "Bay 1", OK), fanNode("/n/2", "Bay 2", OK), fanNode("/n/3", "CPU", OK)},
			[]*node{fanNode("/o/0", "System Fan", OK), fanNode("/o/1", "Backup", OK)},
			[]string{"/n/1", "/n/2", "/n/3"},
		},
		{
			"other names, old longer", []*node{fanNode("/n/1", "Bay 1", OK), fanNode("/n/2", "Bay 2", OK)},
			[]*node{fanNode("/o/0", "X", OK), fanNode("/o/1", "Y", OK), fanNode("/o/2", "Z", OK)},
			[]string{"/o/0", "/o/1", "/o/2"},
		},
		{
			"a fault is never dropped", []*node{fanNode("/n/1", "Bay 1", OK), fanNode("/n/2", "Bay 2", OK)},
			[]*node{fanNode("/o/0", "X", Critical), fanNode("/o/1", "Y", OK)},
			[]string{"/n/1", "/n/2", "/o/0"},
		},
		{
			"but counted once", []*node{fanNode("/n/1", "Bay 1", Critical), fanNode("/n/2", "Bay 2", OK)},
			[]*node{fanNode("/o/0", "X", Critical), fanNode("/o/1", "Y", OK)},
			[]string{"/n/1", "/n/2"},
		},
		{
			"the last of each side", []*node{fanNode("/n/1", "Fan A", OK), fanNode("/n/2", "Fan B", OK)},
			[]*node{fanNode("/o/0", "Fan A", OK), fanNode("/o/1", "Rear", OK)},
			[]string{"/n/1", "/n/2"},
		},
		{
			"member ids pair whole lists only", []*node{fanNode("/n/0", "", OK), fanNode("/n/1", "", OK)},
			[]*node{fanNode("/o/1", "", OK), fanNode("/o/0", "", OK)},
			[]string{"/n/0", "/n/1"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			list, dropped := unite(tc.newer, tc.older)
			if d := cmp.Diff(tc.want, pathsOf(list)); d != "" {
				t.Error(d)
			}
			for _, n := range dropped {
				if slices.Contains(list, n) {
					t.Errorf("%s is dropped and listed", n.path())
				}
			}
		})
	}
}

func TestAbsorb(t *testing.T) {
	a := fanNode("/n/1", "Fan", OK)
	a.res.(*Fan).Model = "M"
	b := fanNode("/o/1", "Other", Warning)
	b.res.(*Fan).Model, b.res.(*Fan).SerialNumber = "N", "S"
	speed := 5000.0
	b.res.(*Fan).rpm = &speed
	a.absorb(b)
	got := a.res.(*Fan)
	if got.Name != "Fan" || got.Model != "M" || got.SerialNumber != "S" || got.Health != Warning || got.rpm == nil {
		t.Errorf("%+v", got)
	}
	absentFan := fanNode("/n/2", "Fan", "")
	absentFan.res.(*Fan).State = absent
	absentFan.absorb(fanNode("/o/2", "Fan", Critical))
	if h := absentFan.res.(*Fan).Health; h != "" {
		t.Errorf("an absent fan is %s", h)
	}
}

func driveNode(path, name, model string, capacity int64, state string) *node {
	n := &node{res: &Drive{Path: path, Name: name, Model: model, State: state}}
	n.res.(*Drive).Capacity = bytesOf(&capacity)
	n.addAlias(path)
	return n
}

func TestUniteDevices(t *testing.T) {
	drives := func() []*node {
		return []*node{
			driveNode("/d/0", "Disk.Bay.0", "M1", 8, "Enabled"),
			driveNode("/d/1", "Disk.Bay.1", "M1", 8, "Enabled"),
		}
	}
	for _, tc := range []struct {
		name    string
		drives  []*node
		devices []*node
		linked  bool
		want    []string
	}{
		{"no drives", nil, []*node{driveNode("/s/0", "Bay 1", "M1", 0, "Enabled"), driveNode("/s/1", "Bay 2", "", 0, absent)}, false, []string{"/s/0", "/s/1"}},
		{"one by one", drives(), []*node{driveNode("/s/0", "Slot 0", "M1", 0, "Enabled"), driveNode("/s/1", "Slot 1", "M1", 8, "Enabled")}, false, nil},
		{"one more than drives", drives(), []*node{
			driveNode("/s/0", "a", "M1", 0, ""), driveNode("/s/1", "b", "M1", 0, ""), driveNode("/s/2", "c", "M1", 0, ""),
		}, false, []string{"/s/2"}},
		{"another capacity", drives(), []*node{driveNode("/s/0", "Slot 0", "M1", 9, "Enabled")}, false, []string{"/s/0"}},
		{"another model", drives(), []*node{driveNode("/s/0", "SATA", "M2", 0, "Enabled")}, false, []string{"/s/0"}},
		{"maker before the model", []*node{driveNode("/d/0", "Disk", "ACME M12345", 0, "")}, []*node{driveNode("/s/0", "Slot", "M12345", 0, "")}, false, nil},
		{"linked under other names", drives(), []*node{driveNode("/s/0", "Slot 0", "", 0, ""), driveNode("/s/1", "Slot 1", "", 0, "")}, true, nil},
		{"linked, but more", drives(), []*node{
			driveNode("/s/0", "Slot 0", "", 0, ""), driveNode("/s/1", "Slot 1", "", 0, ""), driveNode("/s/2", "Slot 2", "", 0, ""),
		}, true, []string{"/s/2"}},
		{"an empty bay beside drives", drives(), []*node{driveNode("/s/0", "Bay 7", "", 0, absent)}, false, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			extra, _ := uniteDevices(tc.drives, tc.devices, tc.linked)
			if d := cmp.Diff(tc.want, pathsOf(extra)); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestFolded(t *testing.T) {
	for a, b := range map[string]string{
		"CPU #1 Temperature": "cpu1 Temp", "Power Supply 1": "PSU1", "Power Supply Unit 2": "psu 2", "Fan_1A_Tach": "Fan 1A Tach",
	} {
		if folded(a) != folded(b) {
			t.Errorf("%q → %q, %q → %q", a, folded(a), b, folded(b))
		}
	}
	if folded("Fan 1") == folded("Fan 11") {
		t.Error("Fan 1 is Fan 11")
	}
}

func TestDAGRefusesCycles(t *testing.T) {
	g := newDAG()
	for _, e := range []edge{{"a", "b"}, {"b", "c"}, {"a", "b"}, {"c", "a"}, {"a", "a"}, {"c", "d"}, {"d", "b"}} {
		g.add(e, false)
	}
	if d := cmp.Diff([]edge{{"a", "b"}, {"b", "c"}, {"c", "d"}}, g.edges, cmp.AllowUnexported(edge{})); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]edge{{"c", "a"}, {"d", "b"}}, g.refused, cmp.AllowUnexported(edge{})); d != "" {
		t.Error(d)
	}
}
