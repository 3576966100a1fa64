package scan

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/faultline-storage/faultline/internal/builtin/linux/fact"
	"github.com/faultline-storage/faultline/internal/builtin/linux/scan/kernel"
	"github.com/faultline-storage/faultline/internal/builtin/linux/scan/source"
	"github.com/faultline-storage/faultline/internal/builtin/linux/scan/tool"
)

const (
	lvmMember = "LVM2_member"
	failed    = "failed"   // the state of a volume that the kernel has given up
	partial   = "partial"  // LVM's word for a volume on a group that lacks a device
	degraded  = "degraded" // the state of a volume with a part that bears a failure
)

// readLVM reads volume groups. What the kernel has of them is known without the
// tools; those know sizes, inactive volumes, and what is missing.
func (h *host) readLVM() {
	here := false
	for _, b := range h.blocks {
		here = here || b.fact.Kind == fact.LV || b.fact.FS != nil && b.fact.FS.Type == lvmMember
	}
	if !here {
		return
	}
	l, ok := &tool.LVM{}, false
	if asleep := h.sleepingPV(); asleep != "" {
		h.gap("groups", "", "disk "+asleep+" sleeps, and LVM's tools would wake it: groups are as they were known before")
	} else {
		l, ok = h.askLVM()
	}
	h.groupsFromTools(l)
	h.groupsFromKernel()
	h.volumesFromKernel()
	h.volumesFromParts()
	if !ok {
		h.keepGroups()
	}
}

// sleepingPV returns a disk that the kernel has put to sleep and that a physical
// volume lies on.
func (h *host) sleepingPV() string {
	var under func(b *block, depth int) string
	under = func(b *block, depth int) string {
		if b == nil || depth > 8 {
			return ""
		}
		if b.device != "" && h.text(path.Join(b.device, "power/runtime_status")) == "suspended" {
			return b.name
		}
		for _, key := range append(slices.Clone(b.fact.On), b.fact.Whole) {
			if name := under(h.byKey[key], depth+1); name != "" {
				return name
			}
		}
		return ""
	}
	for _, b := range h.blocks {
		if fs := b.fact.FS; fs != nil && fs.Type == lvmMember {
			if name := under(b, 0); name != "" {
				return name
			}
		}
	}
	return ""
}

// askLVM runs the reporting tools. They only read the devices that hold a label, and
// take no locks. Versions before 2.02.158 have no JSON, and fewer columns.
func (h *host) askLVM() (*tool.LVM, bool) {
	l := &tool.LVM{}
	options := []string{"--readonly", "--units", "b", "--nosuffix"}
	list := func(name, columns, more string, options ...string) error {
		run := func(columns string, form ...string) error {
			out, err := h.output(ofLVM, source.Command{Name: name, Args: slices.Concat(options, form, []string{"-o", columns})})
			if err != nil {
				return err
			}
			if err := l.Read(out); err != nil && len(bytes.TrimSpace(out)) > 0 {
				return fmt.Errorf("%s: %w", name, err)
			}
			return nil
		}
		err := run(columns+","+more, "--reportformat", "json")
		if err != nil && !errors.Is(err, source.ErrMissing) && !errors.Is(err, source.ErrStuck) {
			err = run(columns, "--noheadings", "--nameprefixes")
		}
		return err
	}
	vgErr := list("vgs", "vg_name,vg_uuid,vg_size,vg_free,vg_attr", "vg_missing_pv_count,vg_systemid", options...)
	pvErr := list("pvs", "pv_name,pv_uuid,vg_name,vg_uuid,pv_attr", "pv_missing", options...)
	lvErr := list("lvs", "lv_name,lv_uuid,vg_name,vg_uuid,lv_attr,lv_size,segtype,origin,pool_lv", "lv_health_status,lv_role,origin_uuid,pool_lv_uuid", append(options, "-a")...)
	if vgErr != nil && pvErr != nil && lvErr != nil {
		if out, err := h.output(ofLVM, source.Command{Name: "lvm", Args: []string{"fullreport", "--readonly", "--reportformat", "json", "--units", "b"}, Topic: []string{"fullreport"}}); err == nil && l.Read(out) == nil {
			return l, true
		}
	}
	ok := true
	for i, err := range []error{vgErr, pvErr, lvErr} {
		if err != nil {
			ok = false
			h.gap("groups", "", []string{"vgs", "pvs", "lvs"}[i]+": "+strings.TrimPrefix(err.Error(), []string{"vgs", "pvs", "lvs"}[i]+": "))
		}
	}
	return l, ok
}

// groupsFromTools makes groups of what the tools tell.
func (h *host) groupsFromTools(l *tool.LVM) {
	uuids := map[string]string{} // of groups by name, for output without UUIDs
	for _, b := range h.blocks {
		if v := b.fact.Volume; v != nil && v.Group != "" {
			name, _ := splitVolume(b.dmName)
			uuids[name] = v.Group
		}
	}
	id := func(name, uuid string) string { return or(uuid, uuids[name], name) }
	for _, vg := range l.VGs {
		h.report.Groups[id(vg.Name, vg.UUID)] = &fact.Group{
			Name: vg.Name, Size: vg.Size, Free: vg.Free, On: []fact.Key{}, Missing: vg.Missing,
			Exported: vg.Exported, Owner: vg.SystemID, Shared: vg.Shared,
		}
	}
	for _, pv := range l.PVs {
		key := h.pvDevice(pv)
		if key != "" && pv.UUID != "" && h.byKey[key].fact.FS == nil {
			h.byKey[key].fact.FS = &fact.FS{Type: lvmMember, Usage: "raid", UUID: pv.UUID}
		}
		if pv.VG == "" {
			continue
		}
		g := h.group(id(pv.VG, pv.VGUUID), pv.VG)
		switch {
		case key != "" && !pv.Missing:
			if !slices.Contains(g.On, key) {
				g.On = append(g.On, key)
			}
		case pv.Missing && countMissing(l, pv.VG) > g.Missing:
			g.Missing = countMissing(l, pv.VG)
		}
	}
	for _, lv := range l.LVs {
		h.volumeFromTools(id(lv.VG, lv.VGUUID), lv)
	}
}

func countMissing(l *tool.LVM, vg string) int {
	n := 0
	for _, pv := range l.PVs {
		if pv.VG == vg && pv.Missing {
			n++
		}
	}
	return n
}

func (h *host) group(id, name string) *fact.Group {
	g := h.report.Groups[id]
	if g == nil {
		g = &fact.Group{Name: name, On: []fact.Key{}}
		h.report.Groups[id] = g
	}
	return g
}

// pvDevice is the device of a physical volume: the one that the tool names, else the
// one that has its label, and of several with the same label the topmost.
func (h *host) pvDevice(pv tool.PV) fact.Key {
	if key := h.key(pv.Name); key != "" {
		return key
	}
	return h.labelled(lvmMember, pv.UUID)
}

// labelled returns the device whose content has the UUID. The members of a map or a
// mirror show the label of what they make up, so that comes first.
func (h *host) labelled(kind, uuid string) fact.Key {
	var found fact.Key
	for _, b := range h.blocks {
		if fs := b.fact.FS; fs == nil || fs.Type != kind || fs.UUID != uuid || uuid == "" {
			continue
		}
		if found == "" || slices.Contains(b.fact.On, found) {
			found = b.key
		}
	}
	return found
}

// volumeFromTools gives a device what the tools know of its volume, or notes that
// the volume has none.
func (h *host) volumeFromTools(group string, lv tool.LV) {
	found := false
	for _, b := range h.blocks {
		v := b.fact.Volume
		if v == nil {
			continue
		}
		vg, name := splitVolume(b.dmName)
		// The layers of a volume have its UUID, too.
		if v.UUID != "" && v.UUID == lv.UUID || (v.UUID == "" || lv.UUID == "") && vg == lv.VG && name == lv.Name {
			v.Health, v.Type, v.Origin, v.Pool = lv.Health, lv.Type, lv.OriginUUID, lv.PoolUUID
			v.UUID, v.Group = or(v.UUID, lv.UUID), or(v.Group, group)
			if lv.Private && v.Layer == "" {
				v.Layer = "private"
			}
			if b.fact.Size == 0 {
				b.fact.Size = lv.Size
			}
			found = true
		}
	}
	if found {
		return
	}
	if lv.Private || lv.Active {
		return // an active one without a device that is known is a gap of devices
	}
	g := h.group(group, lv.VG)
	g.Inactive = append(g.Inactive, fact.Volume{
		Group: group, UUID: lv.UUID, Name: lv.Name, Health: lv.Health, Type: lv.Type, Size: lv.Size, Origin: lv.OriginUUID, Pool: lv.PoolUUID,
	})
}

// groupsFromKernel adds the groups that only their volumes tell of, and to all
// groups the devices that their volumes lie on.
func (h *host) groupsFromKernel() {
	for _, b := range h.blocks {
		v := b.fact.Volume
		if v == nil || v.Group == "" {
			continue
		}
		name, _ := splitVolume(b.dmName)
		g := h.report.Groups[v.Group]
		known := g != nil && len(g.On) > 0
		if g == nil {
			g = h.group(v.Group, name)
		}
		for _, key := range b.fact.On {
			if under := h.byKey[key]; under.fact.Kind != fact.LV && !known && !slices.Contains(g.On, key) {
				g.On = append(g.On, key)
			}
		}
	}
	for _, g := range h.report.Groups {
		slices.Sort(g.On)
	}
}

// volumesFromKernel tells what only the kernel knows: whether RAIDs, thin pools and
// snapshots are well. LVM's tools do not ask it where they only read.
func (h *host) volumesFromKernel() {
	if !slices.ContainsFunc(h.blocks, layered) {
		return
	}
	// Without --noflush a thin pool would write what it has not written yet.
	out, err := h.output(ofVolumes, source.Command{Name: "dmsetup", Args: []string{"status", "--noflush"}, Topic: []string{"status"}})
	if err != nil {
		h.keepStates("the states of volumes are as they were known before: " + err.Error())
		return
	}
	status := kernel.DMLines(string(out), "")
	for _, b := range h.blocks {
		v := b.fact.Volume
		if v == nil || len(status[b.dmName]) == 0 {
			continue
		}
		health := status[b.dmName][0].Health()
		if health == "" || v.Health != "" && health != failed {
			continue
		}
		h.setHealth(v, health)
	}
}

// setHealth notes the state of a volume. A pool shows its state by the layer below it.
func (h *host) setHealth(v *fact.Volume, health string) {
	v.Health = health
	for _, of := range h.blocks {
		if w := of.fact.Volume; w != nil && v.Layer == "tpool" && w.UUID == v.UUID {
			w.Health = health
		}
	}
}

// volumesFromParts has pools and caches be as well as what LVM made them of. LVM
// itself says "partial" of all that lies on a RAID with a disk less, as it does of
// what lost its data with the disk.
func (h *host) volumesFromParts() {
	for _, b := range h.blocks {
		v := b.fact.Volume
		if v == nil || v.Redundant() || v.Health != "" && v.Health != partial {
			continue
		}
		health := h.partsHealth(b, 0)
		// A thin volume is no part of its pool, and has that between it and the parts.
		if health == "" || v.Health == "" && v.Layer != "tpool" && h.liesOnPool(b) {
			continue
		}
		h.setHealth(v, health)
	}
}

// partsHealth is the worst of the states of a volume's parts, as far as the volume
// has to bear it.
func (h *host) partsHealth(b *block, depth int) string {
	worst := ""
	for _, key := range b.fact.On {
		part := h.byKey[key]
		if part == nil || !layered(part) || depth > 8 {
			continue
		}
		v := part.fact.Volume
		health := v.Health
		switch {
		case v.Redundant() && health != "" && health != failed:
			health = degraded
		case !v.Redundant() && (health == "" || health == partial):
			health = or(h.partsHealth(part, depth+1), health)
		}
		if worst == "" || health != "" && health != degraded {
			worst = health
		}
	}
	return worst
}

// liesOnPool says whether the device is a thin volume, or is that of a pool above the
// layer that works.
func (h *host) liesOnPool(b *block) bool {
	return slices.ContainsFunc(b.fact.On, func(key fact.Key) bool {
		part := h.byKey[key]
		return part != nil && part.fact.Volume != nil && part.fact.Volume.Layer == "tpool"
	})
}

// keepStates reports what was known of volumes before, and says of each group with
// layered ones that it does.
func (h *host) keepStates(why string) {
	told := map[string]bool{}
	for _, b := range h.blocks {
		v := b.fact.Volume
		if v == nil {
			continue
		}
		if h.last != nil && h.last.Devices[b.key] != nil {
			if was := h.last.Devices[b.key].Volume; was != nil && was.UUID == v.UUID && (v.Health == "" || was.Health == failed) {
				v.Health = was.Health
			}
		}
		if layered(b) && !told[v.Group] {
			told[v.Group] = true
			h.gap("groups", v.Group, why)
		}
	}
}

// layered says that a volume is made of others: linear ones have no state.
func layered(b *block) bool { return b.fact.Volume != nil && b.fact.Volume.Layer != "" }

// keepGroups reports what was known of groups before, where the tools now say
// nothing.
func (h *host) keepGroups() {
	if h.last == nil {
		return
	}
	for id, g := range h.last.Groups {
		now := h.report.Groups[id]
		if now == nil || now.Size == 0 {
			h.report.Groups[id] = g
		}
	}
}

// volumeOf takes the UUID of an LVM device apart: "LVM-", the group's UUID and the
// volume's, of 32 characters each, and a suffix for what LVM made for itself.
func volumeOf(dmUUID, dmName string) *fact.Volume {
	v := &fact.Volume{}
	ids, layer, _ := strings.Cut(strings.TrimPrefix(dmUUID, "LVM-"), "-")
	if len(ids) == 64 {
		v.Group, v.UUID = lvmUUID(ids[:32]), lvmUUID(ids[32:])
	}
	v.Layer = layer
	_, v.Name = splitVolume(dmName)
	if layer != "" {
		v.Name = strings.TrimSuffix(v.Name, "-"+layer)
	} else {
		v.Layer = layerOf(v.Name)
	}
	return v
}

// lvmUUID writes a UUID as LVM does, in groups.
func lvmUUID(u string) string {
	if len(u) != 32 {
		return u
	}
	return u[:6] + "-" + u[6:10] + "-" + u[10:14] + "-" + u[14:18] + "-" + u[18:22] + "-" + u[22:26] + "-" + u[26:]
}

// splitVolume takes the name of an LVM device apart: group and volume with a
// hyphen between them, their own hyphens doubled.
func splitVolume(dmName string) (group, volume string) {
	undo := func(s string) string { return strings.ReplaceAll(s, "--", "-") }
	for i := 0; i < len(dmName); i++ {
		if dmName[i] != '-' {
			continue
		}
		if i+1 < len(dmName) && dmName[i+1] == '-' {
			i++
			continue
		}
		return undo(dmName[:i]), undo(dmName[i+1:])
	}
	return "", undo(dmName)
}

// lvmWords are what LVM allows in no name but those of the volumes that it keeps for
// itself.
var lvmWords = []string{"_tdata", "_tmeta", "_cdata", "_cmeta", "_cvol", "_vdata", "_vpool", "_corig", "_wcorig", "_vorigin", "_iorig", "_imeta", "_pmspare", "_rimage", "_rmeta", "_mimage", "_mlog"}

// layerOf is the role of a volume that LVM keeps for itself, by its name.
func layerOf(name string) string {
	for _, word := range lvmWords {
		if i := strings.LastIndex(name, word); i >= 0 {
			if rest := strings.TrimPrefix(name[i+len(word):], "_"); strings.Trim(rest, "0123456789") == "" {
				return word[1:]
			}
		}
	}
	return ""
}
