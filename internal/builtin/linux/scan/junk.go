package scan

import (
	"slices"
	"strings"

	"github.com/faultline-storage/faultline/internal/builtin/lazyregexp"
	"github.com/faultline-storage/faultline/internal/builtin/linux/fact"
)

// Serial numbers that say nothing: what firmware has before somebody gives it a
// number, and what emulators make up, the same in every machine.
var junkSerials = []struct {
	like lazyregexp.Regexp
	why  string
}{
	{lazyregexp.New(`^.$`), "it is a single character"},
	{lazyregexp.New(`(?i)^(none|n/?a|null|unknown|default( string)?|serial( ?(no|number))?|not (specified|available|applicable)|empty|invalid|to be filled.*|system serial.*|chassis serial.*|x+|\?+|\.+)$`), "it is a placeholder"},
	{lazyregexp.New(`(?i)^0*(0?123456789(0|abcdef|a|ab)?|12345678|1234567890+|0123456789abcdef\d*|abcdef0123456789|(0123456789){2}|0123456789012345(6789)?|deadbeef|cafebabe)$`), "it is a placeholder"},
	{lazyregexp.New(`^QM\d{5}$`), "QEMU gives it to every machine's disk of this place"},
	{lazyregexp.New(`^drive-(scsi|virtio|ide|sata|usb)[\w-]*$`), "it is the disk's name within QEMU"},
	{lazyregexp.New(`^VB[0-9a-f]{8}-0{8}$`), "VirtualBox has not given it a number"},
	{lazyregexp.New(`^beaf\d+$`), "tgt counts it for each target"},
	{lazyregexp.New(`(?i)^(root|boot|os|system|data|swap|cloudinit)?[_-]?(disk|drive|vol|volume)[_-]?\d{0,3}$`), "it is a name, as virtual machines give their disks"},
	{lazyregexp.New(`^DD5641988\w*$`), "USB bridges of this make all have it"},
}

// junkSerial says why a serial number is worthless, or nothing.
func junkSerial(serial string) string {
	if same(serial) {
		return "all its characters are the same"
	}
	for _, j := range junkSerials {
		if j.like.MatchString(serial) {
			return j.why
		}
	}
	return ""
}

func same(text string) bool { return text != "" && strings.Trim(text, text[:1]) == "" }

var (
	// An NAA identifier of type 5 or 2 has a maker in its first digits and a number
	// after that; of type 6 a longer one.
	naaNumberless = lazyregexp.New(`^naa\.(5[0-9a-f]{6}0{9}|[12]0{3}[0-9a-f]{6}0{6}|6[0-9a-f]{6}0{25})$`)
	idZero        = lazyregexp.New(`^(naa|eui|uuid)\.[0-]*$`)
	idFilled      = lazyregexp.New(`^(naa|eui|uuid)\.f+$`)
	euiNumberless = lazyregexp.New(`^eui\.([0-9a-f]{6}0{10}|0{8}01000000|0{6}[0-9a-f]{2}0{8})$`)
	naaMakerless  = lazyregexp.New(`^naa\.[56]0{6}`)
	// udev writes blanks in its own way.
	tgtName = lazyregexp.New(`^t10\.IET[\s_]+[0-9a-f]{8}$`)
)

// junkID says why an identifier with its type before it is worthless, or nothing.
func junkID(id, vendor, model string) string {
	kind, value, _ := strings.Cut(id, ".")
	switch {
	case idZero.MatchString(id), idFilled.MatchString(id):
		return "it is blank"
	case naaNumberless.MatchString(id), euiNumberless.MatchString(id):
		return "it has a maker but no number"
	case naaMakerless.MatchString(id):
		return "it has no maker"
	case tgtName.MatchString(id), vendor == "IET" && strings.HasPrefix(id, "naa.3"):
		return "tgt counts it for each target"
	case kind != "t10" && kind != "vendor":
		return ""
	// QEMU's is the name that the disk has within its machine, or a serial number that
	// page 0x80 has, too.
	case strings.Contains(id, "QEMU"), vendor == "QEMU", strings.HasPrefix(model, "QEMU"):
		return "QEMU's names of disks are the same in every machine"
	}
	if why := junkSerial(strings.TrimSpace(value)); why != "" {
		return why
	}
	return ""
}

// dropJunk moves identifiers that are known to be worthless out of the way, and
// names them.
func (b *block) dropJunk() {
	ids := &b.fact.IDs
	drop := func(what, id, why string) {
		if entry := what + " " + id + ": " + why; !slices.Contains(ids.Junk, entry) {
			ids.Junk = append(ids.Junk, entry)
		}
	}
	kept := ids.Page83[:0]
	for _, id := range ids.Page83 {
		if why := junkID(id, b.fact.Vendor, b.fact.Model); why != "" {
			drop("page 83", id, why)
			if wwid := wwidOf(id); ids.WWID == wwid || strings.HasPrefix(id, "vendor.") && strings.HasPrefix(ids.WWID, "0") {
				ids.WWID = ""
			}
			continue
		}
		kept = append(kept, id)
	}
	if ids.Page83 = kept; len(kept) == 0 {
		ids.Page83 = nil
	} else if ids.WWID == "" {
		ids.WWID = wwidOf(kept[0])
	}
	if strings.Contains(ids.WWID, "QEMU") || strings.Trim(ids.WWID, "0123") == "" && strings.Trim(ids.WWID[min(1, len(ids.WWID)):], "0") == "" {
		if ids.WWID != "" {
			drop("wwid", ids.WWID, "it is blank, or a name within QEMU")
		}
		ids.WWID = ""
	}
	ids.Page80 = b.serial("page 80", ids.Page80, drop)
	ids.Serial = b.serial("serial", ids.Serial, drop)
}

const qemuMarker = "QEMU HARDDISK"

// serial returns the serial number, or nothing if it is junk. Of one that holds
// QEMU's vendor and model, as old versions of scsi_id put them there, the part behind
// them counts, if it is long enough to be a number that somebody chose.
func (b *block) serial(what, serial string, drop func(what, id, why string)) string {
	if i := strings.Index(strings.ReplaceAll(serial, "_", " "), qemuMarker); i >= 0 {
		rest := strings.Trim(serial[i+len(qemuMarker):], " _")
		if len(rest) < 4 {
			drop(what, serial, "it is QEMU's name of the model")
			return ""
		}
		serial = rest
	}
	if why := junkSerial(serial); why != "" {
		drop(what, serial, why)
		return ""
	}
	return serial
}

// dropShared drops the identifiers that disks have which cannot be one disk: those
// whose serial numbers differ. Cheap bridges and some firmware give all theirs the
// same. Paths that multipathd has put together are one disk, whatever they say.
func (h *host) dropShared() {
	byID := map[string][]*block{}
	mapOf := map[fact.Key]fact.Key{}
	for _, b := range h.blocks {
		if b.fact.Map != nil {
			for _, key := range b.fact.On {
				mapOf[key] = b.key
			}
		}
		if b.fact.Kind != fact.Disk {
			continue
		}
		for _, id := range b.fact.IDs.Page83 {
			byID[id] = append(byID[id], b)
		}
	}
	for id, all := range byID {
		if len(all) < 2 || !differ(all, mapOf) {
			continue
		}
		for _, b := range all {
			ids := &b.fact.IDs
			ids.Page83 = slices.DeleteFunc(ids.Page83, func(have string) bool { return have == id })
			if len(ids.Page83) == 0 {
				ids.Page83 = nil
			}
			if ids.WWID == wwidOf(id) || ids.WWID == id {
				ids.WWID = ""
				if len(ids.Page83) > 0 {
					ids.WWID = wwidOf(ids.Page83[0])
				}
			}
			ids.Junk = append(ids.Junk, "page 83 "+id+": disks with other serial numbers have it, too")
		}
	}
}

// differ says that two of the disks have serial numbers that are not the same and
// no multipath map that makes them one.
func differ(all []*block, mapOf map[fact.Key]fact.Key) bool {
	for i, a := range all {
		for _, b := range all[i+1:] {
			sa, sb := or(a.fact.IDs.Page80, a.fact.IDs.Serial), or(b.fact.IDs.Page80, b.fact.IDs.Serial)
			if sa == "" || sb == "" || sa == sb {
				continue
			}
			if m := mapOf[a.key]; m == "" || m != mapOf[b.key] {
				return true
			}
		}
	}
	return false
}
