package linux

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/faultline-storage/faultline/internal/builtin/linux/fact"
	"github.com/faultline-storage/faultline/sdk/plugin"
	"github.com/faultline-storage/faultline/sdk/plugintest"
	"github.com/faultline-storage/faultline/sdk/wire"
)

// hostPlugin is the root of one host's session in these tests.
type hostPlugin struct {
	plugin.HostRoot
	HostID int64 `attr:",globalid"`
}

func start(t testing.TB, host int64) *plugintest.Harness {
	t.Helper()
	return plugintest.StartProgram(t, func(more ...plugin.Option) *plugin.Program {
		return plugin.New("linux", 1, append(append(options(), plugin.Reports[hostPlugin]()), more...)...)
	}, &hostPlugin{HostID: host})
}

// started runs a session of host 7 that begins with the report.
func started(t testing.TB, r *fact.Report) *plugintest.Harness {
	t.Helper()
	h := start(t, 7)
	if err := h.AgentStart(7, r); err != nil {
		t.Fatal(err)
	}
	return h
}

func next(t testing.TB, h *plugintest.Harness, r *fact.Report) {
	t.Helper()
	if err := h.AgentContinue(7, r); err != nil {
		t.Fatal(err)
	}
}

// devices are block devices by number.
type devices = map[fact.Key]*fact.Device

// full is a full report.
func full(d devices, mounts ...fact.Mount) *fact.Report {
	return &fact.Report{Version: fact.Version, Full: true, Devices: d, Mounts: append([]fact.Mount{}, mounts...), Gaps: []fact.Gap{}}
}

// changed is a report of changes.
func changed(d devices) *fact.Report { return &fact.Report{Version: fact.Version, Devices: d} }

// disk is a path of the LUN of that number.
func disk(name string, lun int) *fact.Device {
	return &fact.Device{
		Kind: fact.Disk, Name: name, Path: "/dev/" + name, Size: 1 << 40, Vendor: "ACME", Model: "LUN", Transport: "fc", State: "running",
		IDs: fact.IDs{WWID: fmt.Sprintf("3600ace0000000000000000000000%04x", 0xa000+lun), Page80: fmt.Sprintf("SN-%d", 1000+lun)},
	}
}

func partition(name string, of fact.Key, number int) *fact.Device {
	return &fact.Device{Kind: fact.Partition, Name: name, Path: "/dev/" + name, Size: 1 << 30, Whole: of, Number: number}
}

// multipath is a map of paths that are all well.
func multipath(minor int, name string, paths ...fact.Key) *fact.Device {
	d := &fact.Device{
		Kind: fact.Multipath, Name: fmt.Sprintf("dm-%d", minor), Path: "/dev/mapper/" + name, Size: 1 << 40, On: paths,
		Map: &fact.Map{Name: name, WWID: name},
	}
	for _, p := range paths {
		d.Map.Paths = append(d.Map.Paths, fact.Path{Device: p, Name: string(p), DM: "active", Checker: "ready"})
	}
	return d
}

func on(kind fact.Kind, name string, members ...fact.Key) *fact.Device {
	return &fact.Device{Kind: kind, Name: name, Path: "/dev/" + name, Size: 1 << 30, On: members}
}

func lv(name, group string, on ...fact.Key) *fact.Device {
	return &fact.Device{
		Kind: fact.LV, Name: name, Path: "/dev/mapper/" + group + "-" + name, Size: 1 << 30, On: on,
		Volume: &fact.Volume{Group: group, UUID: "uuid-" + name, Name: name, Type: "linear"},
	}
}

func md(name string, level string, members ...fact.Key) *fact.Device {
	d := on(fact.RAID, name, members...)
	d.Array = &fact.Array{UUID: "0000000" + name + ":1:2:3", Name: name, Level: level, State: "clean", Disks: len(members)}
	for i, m := range members {
		d.Array.Members = append(d.Array.Members, fact.Member{Device: m, Name: string(m), Slot: i, State: "in_sync"})
	}
	return d
}

// names tells resources of one session apart in words that do not depend on its
// history.
type names struct {
	classes map[string]wire.Class
	known   map[int64]plugintest.Resource
}

func namesOf(h *plugintest.Harness) *names {
	manifest, _ := Program().Manifest()
	n := &names{classes: map[string]wire.Class{}, known: map[int64]plugintest.Resource{}}
	for _, c := range manifest.Classes {
		n.classes[c.Name] = c
		for _, r := range h.Resources(c.Name) {
			n.known[r.Handle] = r
		}
	}
	return n
}

func (n *names) value(raw json.RawMessage) string {
	var ref struct {
		Handle *int64 `json:"$ref"`
	}
	if json.Unmarshal(raw, &ref) == nil && ref.Handle != nil {
		return n.name(*ref.Handle)
	}
	return string(raw)
}

func (n *names) name(handle int64) string {
	r := n.known[handle]
	parts := []string{r.Class}
	for _, a := range n.classes[r.Class].Identifier.Attributes {
		parts = append(parts, n.value(r.Attributes[a]))
	}
	return "(" + strings.Join(parts, " ") + ")"
}

// shape is what a session reported: a line for each resource, with its attributes
// and parents.
func shape(t testing.TB, h *plugintest.Harness) []string {
	t.Helper()
	n := namesOf(h)
	var out []string
	for handle, r := range n.known {
		line, parents := []string{}, []string{}
		for a, raw := range r.Attributes {
			line = append(line, a+"="+n.value(raw))
		}
		for _, p := range r.Parents {
			parents = append(parents, n.name(p))
		}
		slices.Sort(line)
		slices.Sort(parents)
		out = append(out, fmt.Sprintf("%s %q %v under %v", n.name(handle), r.Label, line, parents))
	}
	slices.Sort(out)
	return out
}
