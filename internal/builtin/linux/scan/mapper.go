package scan

import (
	"strconv"
	"strings"

	"github.com/faultline-storage/faultline/internal/builtin/linux/fact"
)

// readMapper tells what device-mapper devices are.
func (h *host) readMapper() {
	for _, b := range h.blocks {
		switch b.fact.Kind {
		case fact.Multipath:
			h.readMap(b)
		case fact.LV:
			b.fact.Volume = volumeOf(b.dmUUID, b.dmName)
		case fact.Partition:
			if b.dmUUID != "" {
				h.readMapperPartition(b)
			}
		}
	}
}

// readMapperPartition is of a partition that kpartx has made a device of.
func (h *host) readMapperPartition(b *block) {
	n, _, _ := strings.Cut(strings.TrimPrefix(b.dmUUID, "part"), "-")
	b.fact.Number, _ = strconv.Atoi(n)
	if len(b.fact.On) > 0 {
		b.fact.Whole = b.fact.On[0]
	}
	b.fact.On = nil
}

// readMap makes a multipath map of what /sys knows: its paths, and their states as
// the kernel's SCSI layer sees them.
func (h *host) readMap(b *block) {
	m := &fact.Map{Name: b.dmName, WWID: strings.TrimPrefix(b.dmUUID, "mpath-"), Paths: []fact.Path{}}
	for _, key := range b.fact.On {
		m.Paths = append(m.Paths, fact.Path{Device: key, Name: h.byKey[key].name, Access: h.access(h.byKey[key])})
	}
	b.fact.Map = m
	b.fact.IDs.WWID = m.WWID
}

// access is the ALUA state of a path.
func (h *host) access(b *block) string {
	if b.device == "" {
		return ""
	}
	return h.text(b.device + "/access_state")
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

// layerOf is the role of a volume that LVM keeps for itself, by the words that it
// allows in no other name.
func layerOf(name string) string {
	for _, word := range []string{"_tdata", "_tmeta", "_cdata", "_cmeta", "_cvol", "_vdata", "_vpool", "_corig", "_wcorig", "_pmspare", "_rimage", "_rmeta", "_mimage", "_mlog", "_vorigin", "_iorig", "_imeta"} {
		if i := strings.LastIndex(name, word); i >= 0 {
			if rest := strings.TrimPrefix(name[i+len(word):], "_"); strings.Trim(rest, "0123456789") == "" {
				return word[1:]
			}
		}
	}
	return ""
}
