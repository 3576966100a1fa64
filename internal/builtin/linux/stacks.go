package linux

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/faultline-storage/faultline/internal/builtin/linux/fact"
	"github.com/faultline-storage/faultline/sdk/plugin"
)

// redundant reports whether arrays of a level work without all their members.
func redundant(level string) bool {
	return slices.Contains([]string{"raid1", "raid4", "raid5", "raid6", "raid10"}, level)
}

// bearable is how many members an array can lose. Of RAID 10 that depends on
// which; half of them is the most.
func bearable(level string, disks int) int {
	switch level {
	case "raid1":
		return disks - 1
	case "raid4", "raid5":
		return 1
	case "raid6":
		return 2
	case "raid10":
		return disks / 2
	}
	return 0
}

// array makes an MD array.
func (g *graph) array(k fact.Key, d *fact.Device) *item {
	a := d.Array
	if a == nil {
		a = &fact.Array{}
	}
	uuid := first(arrayUUID(a.UUID), arrayUUID(d.IDs.UUID), g.mine(d.Name))
	it, r := put(g, uuid, &MdRaid{UUID: uuid})
	fill(&r.LogicalDrive, &r.usable, d)
	r.Name, r.Level, r.Disks, r.Sync = first(a.Name, d.Name), a.Level, int64(a.Disks), a.Sync
	r.Status, r.StatusText = arrayStatus(a)
	g.members(d, it)
	if a.Sync != "" {
		measure(it, ofDevice(k), func(r *MdRaid) { r.Done.Set(a.Done * 100) })
	}
	return it
}

// arrayUUID writes the UUID of an array as mdadm does, for the udev database writes
// it as other UUIDs.
func arrayUUID(uuid string) string {
	f := fold(uuid)
	if len(f) != 32 || !isHex(f) {
		return uuid
	}
	return f[:8] + ":" + f[8:16] + ":" + f[16:24] + ":" + f[24:]
}

// members makes the members of an MD array.
func (g *graph) members(d *fact.Device, array *item) {
	name, uuid := d.Name, array.res.(*MdRaid).UUID
	listed := map[fact.Key]bool{}
	if a := d.Array; a != nil {
		name = first(a.Name, d.Name)
		for _, m := range a.Members {
			listed[m.Device] = true
			r := &StackMember{Stack: name, StatusText: m.State, Status: InUse}
			if m.Slot >= 0 {
				r.Role = fmt.Sprintf("slot %d", m.Slot)
			}
			switch m.State {
			case "faulty":
				r.Status = Faulty
			case "spare":
				r.Status = Spare
			case "rebuilding":
				r.Status = Rebuilding
			}
			if it := g.occupy(m.Device, "md", r); it != nil {
				array.under(it)
				continue
			}
			array.under(g.missing("md", uuid, name, first(m.Name, string(m.Device)), m.State))
		}
	}
	for _, k := range d.On {
		if !listed[k] {
			array.under(g.occupy(k, "md", &StackMember{Stack: name, Status: InUse}))
		}
	}
}

// occupy makes the drive behind a device a member of a stack. It returns nil if
// there is no such device.
func (g *graph) occupy(k fact.Key, of string, r *StackMember) *item {
	drive := g.drive(k)
	if drive == nil {
		return nil
	}
	g.member[k] = true
	r.LogicalDrive, r.Of, r.device = drive.res, of, labelOf(drive.res)
	if r.Status == "" {
		return weakly(g, drive.key+"\x00"+of, r, drive)
	}
	it, _ := put(g, drive.key+"\x00"+of, r, drive)
	return it
}

func (g *graph) missing(of, stack, label, name, why string) *item {
	it, _ := put(g, of+" "+stack+" "+name, &MissingMember{Of: of, Stack: stack, Name: name, Status: Faulty, StatusText: why, stack: label})
	return it
}

// stacks makes the stacks that are no block devices.
func (g *graph) stacks() {
	for _, uuid := range slices.Sorted(maps.Keys(g.facts.Groups)) {
		g.group(uuid)
	}
	for _, guid := range slices.Sorted(maps.Keys(g.facts.Pools)) {
		g.pool(guid)
	}
	// What LVM made for itself is occupied by what it made it for, also where that
	// has no device.
	for _, k := range g.keys {
		if v := g.facts.Devices[k].Volume; v != nil && v.Layer != "" {
			if plain, ok := g.volumes[v.Group+" "+v.UUID]; !ok || g.facts.Devices[plain].Volume.Layer != "" {
				g.occupy(k, "lvm", &StackMember{Stack: first(v.Name, v.UUID), Role: v.Layer, Status: InUse})
			}
		}
	}
}

// signatures makes members of drives that carry what only a member carries, though
// nothing is assembled of them here: another host may have done that.
func (g *graph) signatures() {
	stacks := map[string]string{
		"LVM2_member": "lvm", "LVM1_member": "lvm", "linux_raid_member": "md", "isw_raid_member": "md", "ddf_raid_member": "md",
		"zfs_member": "zfs", "crypto_LUKS": string(fact.Crypt), "bcache": string(fact.Bcache), "ceph_bluestore": "ceph", "drbd": "drbd",
		"VMFS_volume_member": "vmfs", "oracleasm": "asm",
	}
	for _, k := range g.keys {
		d := g.facts.Devices[k]
		if g.reserved(k, d) {
			g.occupy(k, "zfs", &StackMember{Role: "reserved", Status: InUse})
		}
		if d.FS == nil || g.member[k] || g.covered(k) {
			continue
		}
		of := stacks[d.FS.Type]
		if of == "" {
			continue
		}
		it := g.occupy(k, of, &StackMember{Stack: first(d.FS.Label, d.FS.UUID)})
		if uuid := arrayUUID(d.FS.UUID); d.FS.Type == "linux_raid_member" && uuid != "" {
			if array := weakly(g, uuid, &MdRaid{UUID: uuid, Name: d.FS.Label}); array.weak {
				array.under(it)
			}
		}
	}
}

// reserved reports whether a device is the small partition that ZFS puts behind
// its own where it is given a whole disk.
func (g *graph) reserved(k fact.Key, d *fact.Device) bool {
	if d.Kind != fact.Partition || d.Number != 9 || d.Size > 64<<20 || g.covered(k) {
		return false
	}
	for _, o := range g.parts[d.Whole] {
		if p := g.facts.Devices[o]; p.Number == 1 && (g.member[o] || p.FS != nil && p.FS.Type == "zfs_member") {
			return true
		}
	}
	return false
}

// covered reports whether another node of the host stands for this one: a path, of
// its map.
func (g *graph) covered(k fact.Key) bool {
	d := g.facts.Devices[k]
	return g.way[k] != "" || d.Kind == fact.Partition && g.way[d.Whole] != ""
}

func arrayStatus(a *fact.Array) (StackStatus, string) {
	var text []string
	faulty := 0
	for _, m := range a.Members {
		if m.State == "faulty" {
			faulty++
			text = append(text, m.Name+" is faulty")
		}
	}
	if a.Degraded > 0 {
		text = append(text, fmt.Sprintf("%d of %d members are missing", a.Degraded, a.Disks))
	}
	lost := a.Degraded
	if !redundant(a.Level) {
		lost = max(lost, faulty)
	}
	words := strings.Join(text, "; ")
	switch {
	case a.State == "broken", a.State == "failed", lost > bearable(a.Level, a.Disks) && a.Level != "container" && a.Level != "":
		return StackFailed, first(words, a.State)
	case a.State == "inactive", a.State == "clear":
		if a.Level == "container" {
			return StackOK, words
		}
		return StackInactive, words
	case lost > 0, faulty > 0 && redundant(a.Level) && a.Sync == "":
		return StackDegraded, words
	}
	return StackOK, words
}

// group makes an LVM group.
func (g *graph) group(uuid string) *item {
	if it, ok := g.groups[uuid]; ok {
		return it
	}
	if uuid == "" {
		return nil
	}
	f := g.facts.Groups[uuid]
	if f == nil { // the tools of LVM did not answer; that there is a group, its volumes tell
		it := weakly(g, uuid, &LvmGroup{UUID: uuid})
		g.groups[uuid] = it
		return it
	}
	it, r := put(g, uuid, &LvmGroup{UUID: uuid, Name: f.Name, Size: plugin.Bytes(f.Size), Missing: int64(f.Missing)})
	g.groups[uuid] = it
	for _, k := range f.On {
		it.under(g.occupy(k, "lvm", &StackMember{Stack: f.Name, Status: InUse}))
	}
	free := float64(f.Free)
	measure(it, func(before, now *fact.Report) bool { return before.Groups[uuid] != now.Groups[uuid] }, func(r *LvmGroup) { r.Free.Set(free) })
	for i := range f.Inactive {
		v := &f.Inactive[i]
		if v.UUID != "" {
			_, lv := put(g, uuid+" "+v.UUID, &LvmVolume{Group: r, UUID: v.UUID, group: f.Name}, it)
			lv.Size = plugin.Bytes(v.Size)
			describeVolume(lv, v)
		}
	}
	return it
}

// volume makes an LVM volume. Without its group it is one of this host's. What LVM
// makes for itself is another view of the volume.
func (g *graph) volume(k fact.Key, d *fact.Device) *item {
	v := d.Volume
	if v == nil {
		return g.stackedDrive(k, d)
	}
	group := g.group(v.Group)
	if group == nil {
		g.note("%s is a volume of an LVM group of which the host reports no UUID; it is taken for a device of its own", g.path[k])
		return g.stackedDrive(k, d)
	}
	uuid := first(v.UUID, d.IDs.UUID, g.mine(d.Name))
	it, r := put(g, v.Group+" "+uuid, &LvmVolume{Group: group.res, UUID: uuid}, group)
	if f := g.facts.Groups[v.Group]; f != nil {
		r.group = f.Name
	} else {
		for _, on := range d.On {
			if b := g.device(on); b != nil && b.Kind != fact.LV {
				group.under(g.occupy(on, "lvm", &StackMember{Stack: v.Group, Status: InUse}))
			}
		}
	}
	if v.Layer == "" {
		fill(&r.LogicalDrive, &r.usable, d)
		describeVolume(r, v)
		g.within(it, v)
	} else {
		r.Name = first(r.Name, v.Name)
	}
	return it
}

// within makes the thin pool that a volume lies in, or the volume that it is a
// snapshot of, something that it depends on. A pool is occupied by its volumes.
func (g *graph) within(it *item, v *fact.Volume) {
	if k, ok := g.volumes[v.Group+" "+v.Pool]; ok && v.Pool != "" {
		it.under(g.occupy(k, "thin", &StackMember{Stack: first(g.facts.Devices[k].Volume.Name, v.Pool), Status: InUse}))
	}
	if k, ok := g.volumes[v.Group+" "+v.Origin]; ok && v.Origin != "" {
		it.under(g.drive(k))
	}
}

func describeVolume(r *LvmVolume, v *fact.Volume) {
	r.Name, r.Type, r.StatusText, r.Status = v.Name, v.Type, v.Health, StackOK
	switch h := v.Health; {
	case h == "":
	case h == "partial" && !v.Redundant(), strings.Contains(h, "fail"), h == "out_of_data", h == "metadata_read_only", h == "invalid":
		r.Status = StackFailed
	default:
		r.Status = StackDegraded
	}
	if v.Type == "thin-pool" || v.Type == "cache-pool" || v.Type == "vdo-pool" {
		r.UsableForLustre = false
	}
}

// pool makes a ZFS pool.
func (g *graph) pool(guid string) *item {
	if it, ok := g.pools[guid]; ok {
		return it
	}
	f := g.facts.Pools[guid]
	if guid == "" || f == nil {
		return nil
	}
	var it *item
	if f.State == fact.Exported {
		it = weakly(g, guid, &ZfsPool{GUID: guid, Name: f.Name, usable: usable{true}})
	} else {
		var r *ZfsPool
		it, r = put(g, guid, &ZfsPool{GUID: guid, Name: f.Name, State: f.State, usable: usable{true}})
		r.Status, r.StatusText = poolStatus(f)
		r.Size = plugin.Bytes(f.Size)
	}
	g.pools[guid] = it
	for i := range f.Vdevs {
		v := &f.Vdevs[i]
		m := &StackMember{Stack: f.Name, Role: first(v.Group, v.Role)}
		if !it.weak {
			m.Status, m.StatusText = vdevStatus(v), v.State
			if v.Errors != [3]int64{} {
				m.ReadErrors, m.WriteErrors, m.ChecksumErrors = &v.Errors[0], &v.Errors[1], &v.Errors[2]
			}
		}
		member := g.occupy(v.Device, "zfs", m)
		if member == nil && vdevStatus(v) == Faulty {
			member = g.missing("zfs", guid, f.Name, first(v.Path, v.GUID), v.State)
		}
		it.under(member)
	}
	free := float64(f.Free)
	if it.weak {
		return it
	}
	measure(it, func(before, now *fact.Report) bool { return before.Pools[guid] != now.Pools[guid] }, func(r *ZfsPool) { r.Free.Set(free) })
	return it
}

// poolStatus is what ZFS says of the pool, and no better than what it says of a
// member: either may be late.
func poolStatus(f *fact.Pool) (StackStatus, string) {
	status := StackOK
	text := []string{}
	if f.Status != "" {
		text = append(text, f.Status)
	}
	for _, v := range f.Vdevs {
		if vdevStatus(&v) == Faulty && v.Role != "spare" && v.Role != "cache" {
			status = StackDegraded
			text = append(text, shortPath(v.Path)+" is "+v.State)
		}
	}
	switch strings.ToUpper(f.State) {
	case "DEGRADED":
		status = StackDegraded
	case "FAULTED", "UNAVAIL", "SUSPENDED", "REMOVED", "OFFLINE":
		status = StackFailed
	}
	return status, strings.Join(text, "; ")
}

func vdevStatus(v *fact.Vdev) MemberStatus {
	switch strings.ToUpper(v.State) {
	case "FAULTED", "UNAVAIL", "REMOVED", "OFFLINE", "CANT_OPEN":
		return Faulty
	case "AVAIL":
		return Spare
	}
	if v.Errors != [3]int64{} || strings.EqualFold(v.State, "DEGRADED") {
		return Errors
	}
	return InUse
}
