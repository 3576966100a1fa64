package linux

import (
	"fmt"
	"slices"
	"strings"

	"github.com/faultline-storage/faultline/internal/builtin/linux/fact"
)

// identity is by what a disk is one disk wherever it is seen. It follows from
// what one host knows of it, so that it does not matter which host reports
// first; docs/decisions/0022-drives.md has the reasons.
type identity struct {
	serial, discriminator string
	nvme                  bool
}

// none is the identity of what has no identity that could be trusted.
var none identity

// identify tells a disk's identity by itself, without looking at other disks.
func identify(d *fact.Device) identity {
	if local(d) {
		return none
	}
	unit := unitSerial(d)
	id := identity{nvme: d.NVMe != nil || strings.HasPrefix(d.Name, "nvme")}
	id.serial = wwid(d)
	strong := strongWWID(id.serial)
	if id.serial == "" {
		if id.serial = unit; id.serial == "" {
			return none
		}
	}
	parts := []string{"model " + modelOf(d)}
	switch {
	case strong:
	case unit != "":
		parts = append(parts, "serial "+fold(unit))
	default: // one identifier alone: size and model have to bear it out
		parts = append(parts, fmt.Sprintf("size %d", d.Size))
	}
	id.discriminator = strings.Join(parts, ", ")
	return id
}

// local reports whether a disk cannot be seen by two hosts, or is of a kind whose
// identifiers say nothing outside of its host: bridges of USB give every disk
// behind them the same serial, and those of virtual disks are made up by whoever
// made the virtual machine.
func local(d *fact.Device) bool {
	switch d.Transport {
	case "usb", "mmc":
		return true
	}
	return d.Removable || strings.HasPrefix(d.Name, "vd") || strings.HasPrefix(d.Name, "mmcblk") || strings.HasPrefix(d.Name, "fd")
}

// singlePath reports whether a transport has one way to a disk, so that two disks
// of one host that call themselves the same are two all the same.
func singlePath(d *fact.Device) bool { return d.Transport == "sata" || d.Transport == "ata" }

// modelOf is the model as far as all tools show it: SCSI gives 16 characters, and
// udev writes spaces in another way.
func modelOf(d *fact.Device) string {
	m := strings.TrimSpace(d.Model)
	if len(m) > 16 {
		m = m[:16]
	}
	return fold(m)
}

// qemu marks identifiers that QEMU made up of the name of a drive. They are the
// same in every virtual machine.
const qemu = "qemu"

// wwid returns the identifier of VPD page 0x83 or of an NVMe namespace in the form
// that the kernel's tools show, or nothing if there is none or it is junk.
func wwid(d *fact.Device) string {
	candidates := []string{d.IDs.WWID}
	for _, p := range d.IDs.Page83 {
		candidates = append(candidates, fromDesignator(p))
	}
	for _, c := range candidates {
		c = strings.Join(strings.Fields(c), "_") // as multipathd and udev write it
		if c == "" || strings.Contains(strings.ToLower(c), qemu) || junkWWID(c) || slices.ContainsFunc(d.IDs.Junk, func(j string) bool { return named(j, c) }) {
			continue
		}
		if isHex(c) || strings.Contains(c, ".") {
			c = strings.ToLower(c)
		}
		if d.NVMe == nil {
			c = fromDesignator(c)
		}
		return c
	}
	return ""
}

// named reports whether a text about junk, such as "page 80 X: why", names the
// identifier.
func named(junk, id string) bool {
	return junk == id || strings.Contains(" "+junk, " "+id+":")
}

// fromDesignator turns "naa.…" into the form with the number of the type before
// it. Other texts stay.
func fromDesignator(p string) string {
	kind, value, ok := strings.Cut(p, ".")
	if !ok {
		return p
	}
	switch strings.ToLower(kind) {
	case "naa":
		return "3" + strings.ToLower(value)
	case "eui":
		return "2" + strings.ToLower(value)
	case "t10":
		return "1" + value
	}
	return p
}

// strongWWID reports whether a WWID is of a kind that a machine, and no factory's
// table, makes for each logical unit: 128 bits of NAA or EUI, or a UUID. One that is
// made of maker and serial number holds two identifiers. Those of 64 bits stand in
// the firmware of disks, and the same one is in many.
func strongWWID(w string) bool {
	switch {
	case strings.HasPrefix(w, "uuid."):
		return true
	case strings.HasPrefix(w, "nvme."), strings.HasPrefix(w, "1") && strings.Contains(w, "_"):
		return true
	case strings.HasPrefix(w, "eui."):
		return len(w) == len("eui.")+32
	}
	return len(w) == 33 && isHex(w) && (strings.HasPrefix(w, "36") || w[0] == '2')
}

// junkWWID reports whether a WWID cannot be one: without digits that differ, or
// of a maker that there is not.
func junkWWID(w string) bool {
	if kind, value, ok := strings.Cut(w, "."); ok && kind != "t10" {
		return junk(strings.ReplaceAll(value, "-", ""))
	}
	if fields := strings.Split(w, "_"); len(fields) > 1 && junk(fields[len(fields)-1]) {
		return true // a maker's name, and what should be a serial number
	}
	if !isHex(w) || len(w) < 17 {
		return junk(w)
	}
	value := w[1:]
	if junk(value) {
		return true
	}
	if w[0] != '3' || len(value) < 16 {
		return false
	}
	switch value[0] {
	case '5', '6':
		return value[1:7] == "000000" || strings.Trim(value[7:16], "0") == "" && len(value) == 16
	}
	return false
}

// unitSerial returns the serial number of VPD page 0x80 or from elsewhere, or
// nothing if there is none or it is junk. Of a serial that QEMU put its name
// before, the end counts if it is long enough for somebody to have chosen it.
func unitSerial(d *fact.Device) string {
	for _, s := range []string{d.IDs.Page80, d.IDs.Serial} {
		s = strings.TrimSpace(s)
		if strings.Contains(strings.ToLower(s), qemu) {
			fields := strings.Fields(s)
			s = fields[len(fields)-1]
			if len(s) < 4 || strings.Contains(strings.ToLower(s), qemu) || strings.EqualFold(s, "harddisk") {
				continue
			}
		}
		if s == "" || junk(s) || isWWID(s, d) || slices.ContainsFunc(d.IDs.Junk, func(j string) bool { return named(j, s) }) {
			continue
		}
		return s
	}
	return ""
}

// isWWID reports whether what is given for a serial number is the WWID again, as
// udev has it for disks without page 0x80.
func isWWID(s string, d *fact.Device) bool {
	w := fold(d.IDs.WWID)
	f := strings.TrimPrefix(fold(s), "0x")
	return w != "" && len(f) >= 16 && (f == w || len(w) > 1 && f == w[1:] || strings.HasSuffix(w, f))
}

// junk reports whether an identifier says nothing: it has too few characters, one
// character over and over, counts up, or is what makers write where they have
// nothing to say.
func junk(s string) bool {
	f := fold(s)
	if len(f) < 4 || strings.Trim(f, f[:1]) == "" {
		return true
	}
	zeros := strings.TrimLeft(f, "0")
	if len(zeros) <= 2 {
		return true
	}
	up := true
	for i := 1; i < len(f); i++ {
		step := f[i] - f[i-1]
		up = up && (step == 1 || f[i-1] == '9' && (f[i] == '0' || f[i] == 'a'))
	}
	if up {
		return true
	}
	for _, word := range []string{"none", "unknown", "null", "default", "serial", "tobefilled", "notavailable", "notspecified", "harddisk", "drivescsi", "drivevirtio", "qm0000"} {
		if strings.HasPrefix(f, word) {
			return true
		}
	}
	return false
}

func isHex(s string) bool {
	return s != "" && strings.Trim(strings.ToLower(s), "0123456789abcdef") == ""
}
