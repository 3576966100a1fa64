package app

import (
	"encoding/json"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/faultline-storage/faultline/internal/config"
	"github.com/faultline-storage/faultline/internal/fleettest"
	"github.com/faultline-storage/faultline/internal/link"
	"github.com/faultline-storage/faultline/internal/resource"

	linux "github.com/faultline-storage/faultline/internal/builtin/linux/fact"
	lustre "github.com/faultline-storage/faultline/internal/builtin/lustre/fact"
)

// sharedLUN is what a host says of a LUN that two hosts reach.
func sharedLUN(state string) *linux.Report {
	return &linux.Report{
		Version: linux.Version, Full: true, Mounts: []linux.Mount{}, Gaps: []linux.Gap{},
		Devices: map[linux.Key]*linux.Device{"8:16": {
			Kind: linux.Disk, Name: "sdb", Path: "/dev/sdb", Paths: []string{"/dev/sdb"}, Size: 1 << 40, Transport: "sas", State: state,
			IDs: linux.IDs{WWID: "3600ace0000000000000000000000a001", Page83: []string{"naa.600ace0000000000000000000000a001"}},
		}},
	}
}

const theTarget = "scratch-OST0000"

// server is what a host says of Lustre that has the target, or could have it.
func server(name string, here bool) *lustre.Report {
	r := &lustre.Report{
		Version: lustre.Version, Full: true, Time: time.Now().Unix(), Host: name, Gaps: []lustre.Gap{},
		Node: &lustre.Node{Version: "2.15.4", Health: "healthy", LNet: "up"},
	}
	disk := lustre.Disk{Backend: "ldiskfs", Device: "/dev/mapper/ost0", Number: "8:16"}
	if here {
		r.Targets = map[lustre.Name]*lustre.Target{theTarget: {Kind: lustre.OST, FS: "scratch", State: "UP", Disk: disk}}
	} else {
		r.Storage = map[lustre.Name]*lustre.Storage{theTarget: {Kind: lustre.OST, FS: "scratch", Disk: disk}}
	}
	return r
}

// one returns the one resource of a class that has the name, if it is there.
func (m *manager) one(plugin, class, attribute, name string) *resource.Resource {
	c := m.srv.inv.Class(plugin, class)
	if c == nil {
		return nil
	}
	for _, r := range m.srv.inv.Members(c) {
		if r.Values[c.Attr(attribute)].String() == name {
			return r
		}
	}
	return nil
}

// value is an attribute of the target, as text.
func (m *manager) ofTarget(attribute string) string {
	r := m.one("lustre", "ObjectStoreTarget", "name", theTarget)
	if r == nil {
		return "no target"
	}
	return r.Values[r.Class.Attr(attribute)].String()
}

// causes are the classes, and of hosts the names, of what the file system hangs on.
func (m *manager) causes() (list []string) {
	fs := m.one("lustre", "FileSystem", "name", "scratch")
	if fs == nil {
		return nil
	}
	steps, _ := m.srv.inv.Walk(fs.ID, resource.Up, 0, 0)
	for _, s := range steps[1:] { // the first is the file system
		name := s.Resource.Class.FullName()
		if s.Resource.Class.Name == hostClass {
			name = s.Resource.Values[s.Resource.Class.Attr("fqdn")].String()
		}
		list = append(list, name)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// TestLustre goes the whole way: two hosts report a LUN and a target; the target
// fails over, and what the file system hangs on with it; a fault of the path that it
// goes by reaches the file system.
func TestLustre(t *testing.T) {
	t.Parallel()
	m := newManager(t, func(c *config.Config) {
		c.Plugins = []string{"builtin:linux", "builtin:lustre"}
		c.AgentGrace = config.Duration(2 * time.Second)
	})
	say := func(h *fleettest.Host, plugin string, r any) *link.AgentSession {
		t.Helper()
		s, err := h.Say(t.Context(), plugin, r)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	a, b := m.host(t, "oss1"), m.host(t, "oss2")
	a.Start(quiet())
	defer a.Kill()
	b.Start(quiet())
	defer b.Kill()
	say(a, "linux", sharedLUN("running"))
	disks := say(b, "linux", sharedLUN("running"))
	lustreA := say(a, "lustre", server("oss1", true))
	lustreB := say(b, "lustre", server("oss2", false))

	wantA := []string{"linux.LinuxDeviceNode", "linux.ScsiDevice", "lustre.ObjectStoreTarget", "lustre.Server", "lustre.TargetMount", "oss1"}
	defer func() {
		if t.Failed() {
			t.Logf("the file system hangs on %v", m.causes())
		}
	}()
	until(t, "the file system hangs on the disk and on the first host", func() bool { return slices.Equal(m.causes(), wantA) })

	// A fault of the LUN names the file system.
	if err := fleettest.More(t.Context(), disks, sharedLUN("offline")); err != nil {
		t.Fatal(err)
	}
	// The second host's own path is no way of the file system yet.
	until(t, "the fault of another host's path is none of the file system's", func() bool {
		return !m.affected(t)
	})

	// The second host has the target before the first one says that it has it no more.
	if err := fleettest.More(t.Context(), lustreB, &lustre.Report{
		Version: lustre.Version, Time: time.Now().Unix(), Storage: map[lustre.Name]*lustre.Storage{theTarget: nil}, Targets: server("oss2", true).Targets,
	}); err != nil {
		t.Fatal(err)
	}
	until(t, "both hosts have the target", func() bool { return m.ofTarget("state") == "mounted several times" })
	if err := fleettest.More(t.Context(), lustreA, &lustre.Report{
		Version: lustre.Version, Time: time.Now().Unix(), Targets: map[lustre.Name]*lustre.Target{theTarget: nil},
	}); err != nil {
		t.Fatal(err)
	}
	wantB := slices.Clone(wantA)
	wantB[len(wantB)-1] = "oss2"
	until(t, "the file system hangs on the second host only", func() bool { return slices.Equal(m.causes(), wantB) })
	until(t, "the fault of the second host's path is the file system's", func() bool {
		return m.affected(t)
	})
	until(t, "the target is mounted on the second host", func() bool { return m.ofTarget("state") == "mounted" && m.ofTarget("active_on") == "oss2" })

	// The first host is lost. That is no matter of the file system any more.
	a.Cut(true)
	until(t, "the first host is lost", func() bool { _, s := m.state("oss1"); return s == hostLost })
	if got := m.causes(); !slices.Equal(got, wantB) {
		t.Errorf("without the first host the file system hangs on %v", got)
	}
}

// affected reports whether an alert affects a file system.
func (m *manager) affected(t *testing.T) bool {
	t.Helper()
	res, err := http.Get("http://" + m.srv.Addr().String() + "/api/v1/alerts?active=true")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var page struct {
		Items []struct {
			Affected struct{ Filesystems []struct{ Name string } }
		}
	}
	if err := json.NewDecoder(res.Body).Decode(&page); err != nil || res.StatusCode != http.StatusOK {
		t.Fatal(res.Status, err)
	}
	for _, a := range page.Items {
		for _, fs := range a.Affected.Filesystems {
			if fs.Name == "scratch" {
				return true
			}
		}
	}
	return false
}
