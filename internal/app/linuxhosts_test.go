package app

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/faultline-storage/faultline/internal/builtin/linux/fact"
	"github.com/faultline-storage/faultline/internal/config"
	"github.com/faultline-storage/faultline/internal/fleettest"
	"github.com/faultline-storage/faultline/internal/resource"
	sdk "github.com/faultline-storage/faultline/sdk/plugin"
)

// The plugin "luns" is that of a vendor: an array with a fan and a LUN.

type lunArray struct {
	sdk.ScannableResource
	Name string `attr:",globalid"`
}

type lunFan struct {
	sdk.Fan
	Name string `attr:",scopedid"`
}

type lun struct {
	sdk.LogicalDrive
	Serial string `attr:",scopedid"`
}

func (l *lun) Label() string { return "LUN of " + l.Serial[:4] }

func (l *lun) Describe(c *sdk.Class) { c.Provide("linux", "ScsiDevice", &l.Serial).IgnoreCase() }

type luns struct{}

func (luns) InitialScan(_ context.Context, s *sdk.Session, _ *lunArray) error {
	fan := sdk.Report(s, &lunFan{Name: "F1"})
	sdk.Report(s, &lun{Serial: "3600ACE00000000000000000000000001"}, fan)
	return nil
}

func init() {
	builtins["luns"] = func() {
		sdk.Main("luns", 1, sdk.Scans(func() *luns { return new(luns) }), sdk.Reports[lunFan](), sdk.Reports[lun]())
	}
}

// hostSees is what a host with two paths to the LUN reports; mounts says whether it
// has it mounted.
func hostSees(mounted bool) *fact.Report {
	path := func(name string) *fact.Device {
		return &fact.Device{
			Kind: fact.Disk, Name: name, Path: "/dev/" + name, Size: 1 << 40, Model: "LUN", State: "running",
			IDs: fact.IDs{WWID: "3600ace00000000000000000000000001", Page80: "SN-0001"},
		}
	}
	r := &fact.Report{Version: fact.Version, Full: true, Mounts: []fact.Mount{}, Gaps: []fact.Gap{}, Devices: map[fact.Key]*fact.Device{
		"8:0": path("sda"), "8:16": path("sdb"),
		"253:0": {
			Kind: fact.Multipath, Name: "dm-0", Path: "/dev/mapper/lun1", Size: 1 << 40, On: []fact.Key{"8:0", "8:16"},
			Map: &fact.Map{Name: "lun1", WWID: "3600ace00000000000000000000000001", Paths: []fact.Path{{Device: "8:0", Name: "sda", DM: "active"}, {Device: "8:16", Name: "sdb", DM: "active"}}},
		},
		"253:1": {Kind: fact.Partition, Name: "dm-1", Path: "/dev/mapper/lun1p1", Size: 1 << 39, Whole: "253:0", Number: 1, FS: &fact.FS{Type: "xfs"}},
	}}
	if mounted {
		r.Mounts = append(r.Mounts, fact.Mount{Device: "253:1", Source: "/dev/mapper/lun1p1", Target: "/srv", Type: "xfs"})
	}
	return r
}

// linuxGraph has a line for each resource of the plugin linux: its class and label,
// and those of its parents.
func (m *manager) linuxGraph() []string {
	name := func(r *resource.Resource) string {
		if r.Class.Is(resource.BaseDeviceNode) { // of several hosts there are equal ones
			id, _ := r.Values[r.Class.Attr("host_id")].Int()
			if h := m.srv.inv.Get(resource.ID(id)); h != nil {
				return r.Class.Name + " " + strings.TrimPrefix(h.Label, "Host ") + ":" + r.Label
			}
		}
		return r.Class.Name + " " + strings.TrimPrefix(r.Label, "Host ")
	}
	var out []string
	for _, c := range m.srv.inv.Classes() {
		if c.Plugin != "linux" {
			continue
		}
		for _, r := range m.srv.inv.Members(c) {
			var parents []string
			for _, p := range r.Parents {
				parents = append(parents, name(m.srv.inv.Get(p)))
			}
			slices.Sort(parents)
			out = append(out, fmt.Sprintf("%s < %s", name(r), strings.Join(parents, ", ")))
		}
	}
	slices.Sort(out)
	return out
}

// TestLinuxHosts: two hosts see a LUN of a vendor's array. It is one disk, below
// the array's LUN, whichever of the three is there first; its host is above the
// mount; and it lives as long as one of them sees it.
func TestLinuxHosts(t *testing.T) {
	t.Parallel()
	want := []string{
		"LinuxDeviceNode oss1:/dev/mapper/lun1 < LinuxDeviceNode oss1:/dev/sda, LinuxDeviceNode oss1:/dev/sdb",
		"LinuxDeviceNode oss1:/dev/mapper/lun1p1 < LinuxDeviceNode oss1:/dev/mapper/lun1, Partition 3600ace00000000000000000000000001-1",
		"LinuxDeviceNode oss1:/dev/sda < ScsiDevice 3600ace00000000000000000000000001",
		"LinuxDeviceNode oss1:/dev/sdb < ScsiDevice 3600ace00000000000000000000000001",
		"LinuxDeviceNode oss2:/dev/mapper/lun1 < LinuxDeviceNode oss2:/dev/sda, LinuxDeviceNode oss2:/dev/sdb",
		"LinuxDeviceNode oss2:/dev/mapper/lun1p1 < LinuxDeviceNode oss2:/dev/mapper/lun1, Partition 3600ace00000000000000000000000001-1",
		"LinuxDeviceNode oss2:/dev/sda < ScsiDevice 3600ace00000000000000000000000001",
		"LinuxDeviceNode oss2:/dev/sdb < ScsiDevice 3600ace00000000000000000000000001",
		"LocalMount /srv < Host oss1, LinuxDeviceNode oss1:/dev/mapper/lun1p1",
		"Partition 3600ace00000000000000000000000001-1 < ScsiDevice 3600ace00000000000000000000000001",
		"ScsiDevice 3600ace00000000000000000000000001 < lun LUN of 3600",
	}
	for _, order := range [][]string{{"oss1", "oss2", "array"}, {"array", "oss2", "oss1"}} {
		t.Run(strings.Join(order, " "), func(t *testing.T) {
			t.Parallel()
			m := newManager(t, func(c *config.Config) { c.Plugins = []string{"builtin:luns"} })
			if p := m.srv.catalog.set.get("linux"); p == nil || p.state().State != "stopped" {
				t.Error("the plugin linux does not wait for a host")
			}
			hosts := map[string]*fleettest.Host{}
			for _, who := range order {
				if who == "array" {
					m.add(t, `{"plugin":"luns","class":"lunArray","attributes":{"name":"a"}}`)
					continue
				}
				h := m.host(t, who)
				h.Start(quiet())
				if _, err := h.Say(t.Context(), "linux", hostSees(who == "oss1")); err != nil {
					t.Fatal(err)
				}
				hosts[who] = h
			}
			deadline := time.Now().Add(time.Minute)
			for d := cmp.Diff(want, m.linuxGraph()); d != ""; d = cmp.Diff(want, m.linuxGraph()) {
				if time.Now().After(deadline) {
					t.Fatal(d)
				}
				time.Sleep(5 * time.Millisecond)
			}
			for _, who := range []string{"oss1", "oss2"} {
				if len(m.linuxGraph()) == 0 {
					t.Error("what a host still sees is gone")
				}
				none := &fact.Report{Version: fact.Version, Full: true, Mounts: []fact.Mount{}}
				if _, err := hosts[who].Say(t.Context(), "linux", none); err != nil {
					t.Fatal(err)
				}
			}
			until(t, "what nobody sees is gone", func() bool { return len(m.linuxGraph()) == 0 })
			for _, h := range hosts {
				h.Kill()
			}
		})
	}
}

// add adds a root by the API.
func (m *manager) add(t *testing.T, body string) {
	t.Helper()
	until(t, "a root is added", func() bool {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+m.srv.Addr().String()+"/api/v1/resources", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		return resp.StatusCode == http.StatusCreated
	})
}

// TestHostsOfAServerWithoutPlugins: a server that leaves its plugins to runners still
// takes in what hosts report, since that is whom agents talk to.
func TestHostsOfAServerWithoutPlugins(t *testing.T) {
	t.Parallel()
	m := newManager(t, func(c *config.Config) { c.Runner, c.Plugins = false, []string{"builtin:luns"} })
	h := m.host(t, "oss1")
	h.Start(quiet())
	if _, err := h.Say(t.Context(), "linux", hostSees(true)); err != nil {
		t.Fatal(err)
	}
	if len(m.linuxGraph()) == 0 {
		t.Error("what the host reports is not there")
	}
	if p := m.srv.catalog.set.get("luns"); p.serves() {
		t.Error("a plugin that is left to runners runs")
	}
	h.Kill()
}
