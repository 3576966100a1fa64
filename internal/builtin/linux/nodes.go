package linux

import (
	"slices"
	"strings"

	"github.com/faultline-storage/faultline/internal/builtin/linux/fact"
	"github.com/faultline-storage/faultline/sdk/plugin"
)

// node makes the node of a device, without what it is built on.
func (g *graph) node(k fact.Key) {
	d := g.facts.Devices[k]
	n := &LinuxDeviceNode{
		Name: d.Name, DeviceNumber: string(k), Kind: string(d.Kind), Size: plugin.Bytes(d.Size), Transport: d.Transport,
		Address: d.Address, ReadOnly: d.ReadOnly,
	}
	n.Status, n.StatusText = g.status(k, d)
	g.nodes[k] = g.putNode(g.path[k], n, g.drive(k))
}

func (g *graph) putNode(path string, n *LinuxDeviceNode, drive *item) *item {
	n.HostID, n.Path = g.hostID, plugin.Path(path)
	if drive != nil {
		n.LogicalDrive = drive.res
	}
	it, _ := put(g, path, n)
	return it
}

// broken reports whether the kernel's word for the state of a disk says that it
// does not work.
func broken(state string) bool {
	return slices.Contains([]string{"offline", "transport-offline", "dead", "blocked", "deleting", "cancel"}, state)
}

// failed says what is wrong with a path of a map, or nothing.
func (g *graph) failed(p fact.Path) string {
	d := g.device(p.Device)
	switch {
	case d == nil:
		return "not there"
	case p.DM == "failed":
		return first(p.Checker, "failed")
	case p.Checker == "faulty" || p.Checker == "shaky" || p.Checker == "down" || p.Checker == "i/o timeout":
		return p.Checker
	case broken(d.State):
		return d.State
	}
	return ""
}

// status tells how well a node works. A path or member that fails is a warning,
// since what it is a part of says itself what that means.
func (g *graph) status(k fact.Key, d *fact.Device) (Status, string) {
	switch {
	case d.Kind == fact.Multipath:
		return g.mapStatus(d)
	case d.NVMe != nil && len(d.NVMe.Controllers) > 0:
		return controllersStatus(d.NVMe.Controllers)
	case d.Kind != fact.Disk:
		return "", ""
	}
	if m := g.device(g.way[k]); m != nil && m.Map != nil {
		for _, p := range m.Map.Paths {
			if p.Device != k {
				continue
			}
			if why := g.failed(p); why != "" {
				return PathFailed, why
			}
		}
	}
	switch {
	case !broken(d.State):
		return Working, ""
	case g.way[k] != "":
		return PathFailed, d.State
	case g.spared[k]:
		return MemberFailed, d.State
	}
	return Offline, d.State
}

func (g *graph) mapStatus(d *fact.Device) (Status, string) {
	var text []string
	paths := 0
	if d.Map != nil {
		paths = len(d.Map.Paths)
		for _, p := range d.Map.Paths {
			if why := g.failed(p); why != "" {
				text = append(text, first(p.Name, string(p.Device))+": "+why)
			}
		}
	} else {
		paths = len(d.On)
	}
	switch {
	case paths == 0:
		return PathsFailed, "no path is there"
	case len(text) == paths:
		return PathsFailed, strings.Join(text, "; ")
	case len(text) > 0:
		return Degraded, strings.Join(text, "; ")
	}
	return Working, ""
}

// live reports whether an NVMe controller works.
func live(c fact.Controller) bool { return c.State == "" || c.State == "live" || c.State == "new" }

func controllersStatus(list []fact.Controller) (Status, string) {
	var text []string
	for _, c := range list {
		if !live(c) {
			text = append(text, c.Name+": "+c.State)
		}
	}
	switch {
	case len(text) == len(list):
		return PathsFailed, strings.Join(text, "; ")
	case len(text) > 0:
		return Degraded, strings.Join(text, "; ")
	}
	return Working, ""
}

// link gives the node of a device its parents: the drive, and what the host has
// built it on.
func (g *graph) link(k fact.Key) {
	d, n := g.facts.Devices[k], g.nodes[k]
	if d.Kind != fact.Multipath || len(pathsOf(d)) == 0 {
		n.under(g.drives[k])
	}
	switch d.Kind {
	case fact.Multipath:
		paths := 0
		for _, p := range pathsOf(d) {
			if g.nodes[p] != nil {
				n.under(g.nodes[p])
				paths++
			}
		}
		if paths == 0 {
			n.under(g.drives[k])
		}
	case fact.Partition:
		n.under(g.nodes[d.Whole])
		if w := g.device(d.Whole); w != nil && w.Kind == fact.Multipath {
			g.cover(d, pathsOf(w), n)
		}
	case fact.LV:
		g.physical(d, n)
	case fact.Zvol:
		if p := g.facts.Pools[d.Pool]; p != nil {
			n.under(g.named[p.Name])
		}
	case fact.Loop:
		if d.File != "" {
			n.under(g.mountOf(d.File))
		}
	case fact.Disk:
		g.controllers(d, n)
	default:
		for _, on := range d.On {
			n.under(g.nodes[on])
		}
		if d.Array != nil {
			for _, m := range d.Array.Members {
				n.under(g.nodes[m.Device])
			}
		}
	}
}

// cover makes the partition of a map a child of the same partition of its paths:
// of the nodes of one partition that a host has, the map's is the one to use.
func (g *graph) cover(d *fact.Device, paths []fact.Key, n *item) {
	for _, whole := range paths {
		for _, k := range g.parts[whole] {
			if g.facts.Devices[k].Number == d.Number {
				n.under(g.nodes[k])
			}
		}
	}
}

func (g *graph) controllers(d *fact.Device, n *item) {
	if d.NVMe == nil {
		return
	}
	for _, c := range d.NVMe.Controllers {
		address := first(c.Address, c.Name)
		r := &NvmeController{Subsystem: first(d.NVMe.NQN, d.Name), Address: address, Name: c.Name, Transport: first(c.Transport, d.Transport), State: c.State, Status: Working}
		if !live(c) {
			r.Status = PathFailed
		}
		it, _ := put(g, r.Subsystem+"\x00"+address, r)
		n.under(it)
	}
}

// physical makes nodes the parents of an LVM volume's node: of the physical volumes
// that it lies on, or of parts of the volume that are devices themselves.
func (g *graph) physical(d *fact.Device, n *item) {
	on := d.On
	if len(on) == 0 && d.Volume != nil && g.facts.Groups[d.Volume.Group] != nil {
		on = g.facts.Groups[d.Volume.Group].On
	}
	for _, k := range on {
		n.under(g.nodes[k])
	}
}
