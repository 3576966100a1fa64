package linux

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/faultline-storage/faultline/internal/builtin/linux/fact"
	"github.com/faultline-storage/faultline/sdk/plugin"
)

// zfsNodes makes the nodes of pools and datasets. The root dataset is the pool.
func (g *graph) zfsNodes() {
	for _, guid := range slices.Sorted(maps.Keys(g.facts.Pools)) {
		f := g.facts.Pools[guid]
		pool := g.pool(guid)
		n := &LinuxDeviceNode{Kind: "zfs pool", Size: plugin.Bytes(f.Size)}
		if f.State == fact.Exported {
			n.StatusText = "not imported here"
		}
		top := g.putNode(f.Name, n, pool)
		top.under(pool)
		g.named[f.Name] = top
		for i := range f.Datasets {
			ds := &f.Datasets[i]
			if ds.Name == f.Name {
				continue
			}
			r := &ZfsDataset{Pool: pool.res, Name: ds.Name, PoolGUID: guid, GUID: ds.GUID, Lustre: ds.Lustre}
			r.Size, r.FilesystemType = plugin.Bytes(ds.Used+ds.Avail), "zfs"
			var it *item
			if pool.weak {
				it = weakly(g, guid+" "+ds.Name, r, pool)
			} else {
				it, _ = put(g, guid+" "+ds.Name, r, pool)
			}
			measure(it, func(before, now *fact.Report) bool { return before.Pools[guid] != now.Pools[guid] }, func(r *ZfsDataset) {
				r.Used.Set(float64(ds.Used))
				r.Free.Set(float64(ds.Avail))
			})
			n := g.putNode(ds.Name, &LinuxDeviceNode{Kind: "zfs dataset", Size: r.Size}, it)
			n.under(it, top)
			g.named[ds.Name] = n
		}
	}
}

// linkPools makes the nodes of a pool's devices, and the mounts that its files lie
// in, parents of the pool's node.
func (g *graph) linkPools() {
	for _, guid := range slices.Sorted(maps.Keys(g.facts.Pools)) {
		f := g.facts.Pools[guid]
		for i := range f.Vdevs {
			v := &f.Vdevs[i]
			g.named[f.Name].under(g.nodes[v.Device])
			if g.device(v.Device) == nil && strings.HasPrefix(v.Path, "/") && !strings.HasPrefix(v.Path, "/dev/") {
				g.named[f.Name].under(g.mountOf(v.Path))
			}
		}
	}
}

// mountKey and the like are the identities of what is mounted.
func mountKey(m *fact.Mount, device string) string { return m.Target + "\x00" + device }

// mounts makes the mounts and the swap areas.
func (g *graph) mounts() {
	for i := range g.facts.Mounts {
		g.mount(&g.facts.Mounts[i])
	}
}

func (g *graph) mount(m *fact.Mount) *item {
	device, node := m.Source, (*item)(nil)
	switch {
	case m.Dataset != "":
		device, node = m.Dataset, g.named[m.Dataset]
	case g.nodes[m.Device] != nil:
		device, node = g.path[m.Device], g.nodes[m.Device]
	}
	var it *item
	switch {
	case m.Type == "swap" || m.Target == "swap":
		it, _ = put(g, device, &SwapArea{HostID: g.hostID, Path: plugin.Path(device)})
	case m.Type == "lustre":
		it, _ = put(g, mountKey(m, device), &LustreMount{HostID: g.hostID, MountPoint: plugin.Path(m.Target), Device: device, Options: m.Options})
	default:
		it, _ = put(g, mountKey(m, device), &LocalMount{
			HostID: g.hostID, MountPoint: plugin.Path(m.Target), Device: device, FilesystemType: m.Type, Options: m.Options,
		})
	}
	it.under(node)
	if d := g.device(m.Device); d != nil && d.FS != nil && d.FS.Type == "btrfs" && d.FS.UUID != "" {
		for _, k := range g.keys { // a file system on several devices is mounted by one of them
			if o := g.facts.Devices[k]; o.FS != nil && o.FS.Type == "btrfs" && o.FS.UUID == d.FS.UUID && !g.covered(k) {
				it.under(g.nodes[k])
			}
		}
	}
	return it
}

// mountOf returns the mount that a file lies in, or nil.
func (g *graph) mountOf(file string) *item {
	var best *fact.Mount
	for i := range g.facts.Mounts {
		m := &g.facts.Mounts[i]
		inside := m.Target == "/" || file == m.Target || strings.HasPrefix(file, m.Target+"/")
		if inside && m.Type != "lustre" && (best == nil || len(m.Target) >= len(best.Target)) {
			best = m
		}
	}
	if best == nil {
		return nil
	}
	return g.mount(best)
}

// enclosures makes the enclosures and their elements. The disk in a slot is its
// child.
func (g *graph) enclosures() {
	for _, id := range slices.Sorted(maps.Keys(g.facts.Enclosures)) {
		f := g.facts.Enclosures[id]
		r := &Enclosure{Identifier: id, Vendor: f.Vendor, Model: f.Model, Firmware: f.Firmware, Serial: f.Serial, Status: f.Status}
		switch fold(f.Status) {
		case "ok":
			r.Verdict = ElementOK
		case "noncritical", "critical":
			r.Verdict = NonCritical
		case "unrecoverable":
			r.Verdict = ElementCritical
		}
		it, _ := put(g, id, r)
		for i := range f.Elements {
			g.element(it, r, f, &f.Elements[i])
		}
	}
}

func (g *graph) element(enclosure *item, in *Enclosure, f *fact.Enclosure, e *fact.Element) {
	key := fmt.Sprintf("%s %s %d", enclosure.key, e.Type, e.Index)
	base := element{In: in, Index: int64(e.Index), Name: e.Name, Status: e.Status, Verdict: verdict(f, e)}
	fresh := func(before, now *fact.Report) bool {
		return before.Enclosures[in.Identifier] != now.Enclosures[in.Identifier]
	}
	switch e.Type {
	case "slot":
		it, _ := put(g, key, &EnclosureSlot{element: base, Fault: e.Fault, Predicted: e.Predict, Ident: e.Ident, SAS: e.SAS}, enclosure)
		g.inSlot(e).under(it)
	case "fan":
		it, _ := put(g, key, &EnclosureFan{element: base})
		enclosure.under(it)
		measure(it, fresh, func(r *EnclosureFan) { gauge(&r.Speed, e.Value) })
	case "psu":
		it, _ := put(g, key, &PowerSupply{element: base})
		enclosure.under(it)
	case "temperature":
		it, _ := put(g, key, &TemperatureSensor{element: base})
		enclosure.under(it)
		measure(it, fresh, func(r *TemperatureSensor) { gauge(&r.Temperature, e.Value) })
	default:
		it, _ := put(g, key, &EnclosureElement{element: base, Type: e.Type})
		enclosure.under(it)
		measure(it, fresh, func(r *EnclosureElement) { gauge(&r.Reading, e.Value) })
	}
}

// inSlot returns the drive in a slot, by its device or by the SAS address that the
// enclosure and the disk agree on.
func (g *graph) inSlot(e *fact.Element) *item {
	if drive := g.drive(e.Device); drive != nil || e.SAS == "" {
		return drive
	}
	for _, k := range g.keys {
		if d := g.facts.Devices[k]; d.Kind == fact.Disk && d.IDs.SAS != "" && fold(d.IDs.SAS) == fold(strings.TrimPrefix(e.SAS, "0x")) {
			return g.drive(k)
		}
	}
	return nil
}

// verdict is what the status of an element means. One that has failed beside
// others that work is a warning.
func verdict(f *fact.Enclosure, e *fact.Element) ElementStatus {
	switch fold(e.Status) {
	case "ok":
		return ElementOK
	case "noncritical":
		return NonCritical
	case "critical", "unrecoverable":
		for _, o := range f.Elements {
			if o.Type == e.Type && o.Index != e.Index && fold(o.Status) == "ok" && e.Type != "temperature" {
				return Covered
			}
		}
		return ElementCritical
	}
	return ""
}

// cluster tells of the high-availability cluster that the host is in.
func (g *graph) cluster() {
	if c := g.facts.Cluster; c != nil && len(c.Nodes) > 0 {
		nodes := slices.Clone(c.Nodes)
		slices.Sort(nodes)
		put(g, first(c.Name, "cluster"), &ClusterMembership{HostID: g.hostID, Name: first(c.Name, "cluster"), Nodes: strings.Join(slices.Compact(nodes), " ")})
	}
}
