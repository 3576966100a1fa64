package linux

import (
	"fmt"
	"strings"

	"github.com/faultline-storage/faultline/internal/builtin/linux/fact"
	"github.com/faultline-storage/faultline/sdk/plugin"
)

// look notes what the making of drives and nodes asks for again and again.
func (g *graph) look() {
	taken := map[string]bool{}
	for _, k := range g.keys {
		d := g.facts.Devices[k]
		path := first(d.Path, "/dev/"+first(d.Name, string(k)))
		if taken[path] {
			g.note("two devices have the path %s; %s goes by its kernel name", path, k)
			if path = "/dev/" + first(d.Name, string(k)); taken[path] {
				path = "/dev/block/" + string(k)
			}
		}
		taken[path] = true
		g.path[k] = path
		if d.Kind == fact.Multipath {
			for _, p := range pathsOf(d) {
				if g.device(p) != nil && g.way[p] == "" {
					g.way[p] = k
				}
			}
		}
		if v := d.Volume; d.Kind == fact.LV && v != nil && v.UUID != "" {
			if _, ok := g.volumes[v.Group+" "+v.UUID]; !ok || v.Layer == "" {
				g.volumes[v.Group+" "+v.UUID] = k
			}
		}
		if d.Kind == fact.Partition {
			g.parts[d.Whole] = append(g.parts[d.Whole], k)
		}
		if d.Kind == fact.RAID && d.Array != nil && redundant(d.Array.Level) {
			for _, m := range d.Array.Members {
				g.spared[m.Device] = true
			}
		}
	}
	for _, p := range g.facts.Pools {
		for _, v := range p.Vdevs {
			if strings.HasPrefix(v.Group, "mirror") || strings.HasPrefix(v.Group, "raidz") || strings.HasPrefix(v.Group, "draid") || v.Role == "spare" || v.Role == "cache" {
				g.spared[v.Device] = true
			}
		}
	}
	delete(g.spared, "")
}

// drive makes the drive behind a device, and those that it is built of. It
// returns nil if there is none.
func (g *graph) drive(k fact.Key) *item {
	if it, ok := g.drives[k]; ok {
		return it
	}
	d := g.device(k)
	if d == nil || g.busy[k] {
		return nil
	}
	g.busy[k] = true
	it := g.makeDrive(k, d)
	delete(g.busy, k)
	g.drives[k] = it
	return it
}

func (g *graph) makeDrive(k fact.Key, d *fact.Device) *item {
	switch d.Kind {
	case fact.Multipath:
		if g.ids[k] != none {
			return g.disk(k, d)
		}
		for _, p := range pathsOf(d) {
			if g.device(p) != nil {
				return g.unshared(k, d) // the paths are a drive that goes by the map
			}
		}
		g.blind = append(g.blind, g.path[k])
		return nil
	case fact.Partition:
		return g.partition(k, d)
	case fact.RAID:
		return g.array(k, d)
	case fact.LV:
		return g.volume(k, d)
	case fact.PowerPath:
		uuid := first(d.IDs.UUID, g.mine(d.Name))
		it, r := put(g, uuid, &EMCPower{UUID: uuid, Name: d.Name}, g.below(d.On)...)
		fill(&r.LogicalDrive, &r.usable, d)
		return it
	case fact.Zvol:
		if pool := g.pool(d.Pool); pool != nil {
			name := first(d.Dataset, d.Name)
			it, r := put(g, d.Pool+" "+name, &ZfsVol{Pool: pool.res, Name: name, PoolGUID: d.Pool}, pool)
			fill(&r.LogicalDrive, &r.usable, d)
			return it
		}
	case fact.Disk:
		if g.ids[k] != none {
			return g.disk(k, d)
		}
		if m := g.way[k]; m != "" {
			return g.drive(m)
		}
		return g.unshared(k, d)
	}
	return g.stackedDrive(k, d)
}

// mine is the identity of what gives none of itself: it is one for this host only.
func (g *graph) mine(name string) string { return fmt.Sprintf("host %d %s", g.hostID, name) }

// below are the drives behind several devices.
func (g *graph) below(on []fact.Key) (drives []*item) {
	for _, k := range on {
		drives = append(drives, g.drive(k))
	}
	return drives
}

// disk makes the drive behind a disk or a multipath map with an identity.
func (g *graph) disk(k fact.Key, d *fact.Device) *item {
	id := g.ids[k]
	identity := id.serial + "\x00" + id.discriminator
	if id.nvme {
		it, r := put(g, identity, &NvmeNamespace{Serial: id.serial, Discriminator: id.discriminator})
		if n := d.NVMe; n != nil && r.Subsystem == "" {
			r.Subsystem, r.Namespace = n.NQN, int64(n.Namespace)
		}
		fill(&r.LogicalDrive, &r.usable, d)
		r.product.fill(d)
		if r.health.fill(d.Health) {
			measure(it, ofDevice(k), func(r *NvmeNamespace) { r.health.sample(d.Health) })
		}
		return it
	}
	it, r := put(g, identity, &ScsiDevice{Serial: id.serial, Discriminator: id.discriminator})
	if w := id.serial; len(w) > 16 && len(w)%8 == 1 && isHex(w) && (w[0] == '2' || w[0] == '3') {
		r.WWN = w[1:]
	}
	fill(&r.LogicalDrive, &r.usable, d)
	r.product.fill(d)
	if r.health.fill(d.Health) {
		measure(it, ofDevice(k), func(r *ScsiDevice) { r.health.sample(d.Health) })
	}
	return it
}

func (g *graph) unshared(k fact.Key, d *fact.Device) *item {
	it, r := put(g, g.path[k], &UnsharedDevice{Path: plugin.Path(g.path[k])})
	fill(&r.LogicalDrive, &r.usable, d)
	r.product.fill(d)
	if r.health.fill(d.Health) {
		measure(it, ofDevice(k), func(r *UnsharedDevice) { r.health.sample(d.Health) })
	}
	return it
}

// partition makes a partition: one for all nodes that it is seen through, since
// those are nodes of one drive.
func (g *graph) partition(k fact.Key, d *fact.Device) *item {
	whole := g.drive(d.Whole)
	if whole == nil {
		if w := g.device(d.Whole); w == nil || w.Kind != fact.Multipath {
			g.note("%s is a partition of %q, which the host does not report; it is taken for a device of its own", g.path[k], d.Whole)
		}
		return g.unshared(k, d)
	}
	it, r := put(g, fmt.Sprintf("%s %d", whole.key, d.Number), &Partition{Container: whole.res, Number: int64(d.Number)}, whole)
	fill(&r.LogicalDrive, &r.usable, d)
	r.name = fmt.Sprintf("%s-%d", labelOf(whole.res), d.Number)
	return it
}

func (g *graph) stackedDrive(k fact.Key, d *fact.Device) *item {
	base, own := plugin.LogicalDrive{}, stacked{Path: plugin.Path(g.path[k])}
	fill(&base, &own.usable, d)
	var it *item
	switch d.Kind {
	case fact.Crypt:
		it, _ = put(g, g.path[k], &CryptDevice{base, own})
	case fact.Bcache:
		it, _ = put(g, g.path[k], &BcacheDevice{base, own})
	case fact.Loop:
		it, _ = put(g, g.path[k], &LoopDevice{base, own, plugin.Path(d.File)})
	default:
		it, _ = put(g, g.path[k], &MappedDevice{base, own})
	}
	for _, on := range d.On {
		it.under(g.occupy(on, string(d.Kind), &StackMember{Stack: shortPath(g.path[k]), Status: InUse}))
	}
	return it
}

// fill says of a drive what a device of it shows. Several devices of one drive
// show the same, or less: the first word counts.
func fill(r *plugin.LogicalDrive, u *usable, d *fact.Device) {
	if r.Size == 0 {
		r.Size = plugin.Bytes(d.Size)
		u.UsableForLustre = r.Size > 0
	}
	u.UsableForLustre = u.UsableForLustre && !d.ReadOnly && !d.Removable
	if r.FilesystemType == "" {
		r.FilesystemType = filesystem(d)
	}
}

// filesystem is what a device is formatted with. That it is a path of a map is
// nothing that is written on it.
func filesystem(d *fact.Device) string {
	if d.FS == nil || d.FS.Type == "mpath_member" {
		return ""
	}
	return d.FS.Type
}

func labelOf(r plugin.Any) string {
	if l, ok := r.(interface{ Label() string }); ok {
		return l.Label()
	}
	return ""
}

// fill adds what a device says of its make.
func (x *product) fill(d *fact.Device) {
	x.Vendor = first(x.Vendor, strings.TrimSpace(d.Vendor))
	x.Model = first(x.Model, strings.TrimSpace(d.Model))
	x.Firmware = first(x.Firmware, strings.TrimSpace(d.Firmware))
	x.UnitSerial = first(x.UnitSerial, unitSerial(d))
	if x.Rotational == nil {
		x.Rotational = d.Rotational
	}
}

// fill adds what the disk says of its health, and reports whether it says
// anything.
func (x *health) fill(h *fact.Health) bool {
	if h == nil {
		return false
	}
	if x.Health == "" {
		if h.Passed != nil && *h.Passed {
			x.Health = Healthy
		}
		if h.Passed != nil && !*h.Passed || len(h.Warnings) > 0 {
			x.Health = Failing
		}
		for _, w := range h.Warnings {
			if strings.Contains(fold(w), "readonly") {
				x.Health = ReadOnly
			}
		}
	}
	x.HealthText = first(x.HealthText, strings.Join(h.Warnings, "; "))
	for _, f := range []struct{ to, from **int64 }{
		{&x.Reallocated, &h.Reallocated}, {&x.Pending, &h.Pending}, {&x.Uncorrected, &h.Uncorrected}, {&x.MediaErrors, &h.Media},
	} {
		if *f.to == nil {
			*f.to = *f.from
		}
	}
	return true
}

// sample records the disk's readings. One that sleeps was not read now.
func (x *health) sample(h *fact.Health) {
	if h.Asleep {
		return
	}
	gauge(&x.Temperature, h.Temperature)
	gauge(&x.LifeUsed, h.Used)
	gauge(&x.SpareLeft, h.Spare)
	if h.PowerOn != nil {
		x.PowerOn.Set(float64(*h.PowerOn))
	}
}
