package linux

import (
	"cmp"
	"fmt"
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
	uuid := first(a.UUID, d.IDs.UUID, g.mine(d.Name))
	it, r := put(g, uuid, &MdRaid{UUID: uuid})
	fill(&r.drive, d)
	r.Name, r.Level, r.Disks, r.Sync = first(a.Name, d.Name), a.Level, int64(a.Disks), a.Sync
	r.Status, r.StatusText = arrayStatus(a)
	it.under(g.below(d.On)...)
	for _, m := range a.Members {
		it.under(g.drive(m.Device))
	}
	if a.Sync != "" {
		measure(it, ofDevice(k), func(r *MdRaid) { r.Done.Set(a.Done * 100) })
	}
	return it
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
	f := g.facts.Groups[uuid]
	if uuid == "" || f == nil {
		return nil
	}
	it, r := put(g, uuid, &LvmGroup{UUID: uuid, Name: f.Name, Size: plugin.Bytes(f.Size), Missing: int64(f.Missing)})
	g.groups[uuid] = it
	it.under(g.below(f.On)...)
	free := float64(f.Free)
	measure(it, func(r *fact.Report) bool { return r.Groups[uuid] != nil }, func(r *LvmGroup) { r.Free.Set(free) })
	for i := range f.Inactive {
		v := &f.Inactive[i]
		if v.UUID != "" {
			_, lv := put(g, uuid+" "+v.UUID, &LvmVolume{Group: r, UUID: v.UUID, group: f.Name}, it)
			describeVolume(lv, v)
			lv.Status = cmp.Or(lv.Status, StackInactive)
		}
	}
	return it
}

// volume makes an LVM volume. Without its group it is one of this host's.
func (g *graph) volume(k fact.Key, d *fact.Device) *item {
	v := d.Volume
	if v == nil {
		return g.stackedDrive(k, d)
	}
	group := g.group(v.Group)
	if group == nil {
		g.note("%s is a volume of the LVM group %q, which the host does not report; it is taken for a device of its own", g.path[k], v.Group)
		return g.stackedDrive(k, d)
	}
	uuid := first(v.UUID, d.IDs.UUID, g.mine(d.Name))
	it, r := put(g, v.Group+" "+uuid, &LvmVolume{Group: group.res, UUID: uuid, group: g.facts.Groups[v.Group].Name}, group)
	fillSlice(&r.slice, d)
	describeVolume(r, v)
	if r.Status == "" {
		r.Status = StackOK
	}
	return it
}

func describeVolume(r *LvmVolume, v *fact.Volume) {
	r.Name, r.Type, r.StatusText = v.Name, v.Type, v.Health
	mirrored := strings.HasPrefix(v.Type, "raid") && v.Type != "raid0" || v.Type == "mirror"
	switch h := v.Health; {
	case h == "":
	case h == "partial" && !mirrored, strings.Contains(h, "fail"), h == "out_of_data", h == "metadata_read_only":
		r.Status = StackFailed
	default:
		r.Status = StackDegraded
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
	status, text := poolStatus(f)
	it, r := put(g, guid, &ZfsPool{GUID: guid, Name: f.Name, State: f.State, Status: status, StatusText: text})
	g.pools[guid] = it
	r.Size, r.FilesystemType, r.UsableForLustre = plugin.Bytes(f.Size), "zfs", status != StackFailed
	for _, v := range f.Vdevs {
		it.under(g.drive(v.Device))
	}
	free := float64(f.Free)
	measure(it, func(r *fact.Report) bool { return r.Pools[guid] != nil }, func(r *ZfsPool) { r.Free.Set(free) })
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
