package scan

import (
	"path"
	"slices"
	"strings"

	"github.com/faultline-storage/faultline/internal/builtin/lazyregexp"
	"github.com/faultline-storage/faultline/internal/builtin/linux/fact"
	"github.com/faultline-storage/faultline/internal/builtin/linux/scan/kernel"
	"github.com/faultline-storage/faultline/internal/builtin/linux/scan/source"
)

// readDisk fills in what is of disks: who made it, where it is plugged in, what it
// calls itself.
func (b *block) readDisk(files source.Files) {
	d, p := b.fact, b.udev.Props
	dev := func(name string) string {
		if b.device == "" {
			return ""
		}
		return source.Text(files, path.Join(b.device, name))
	}
	d.Transport = transport(b.dir)
	switch {
	case strings.HasPrefix(b.name, "nvme"):
		b.readNVMe(files)
	case strings.HasPrefix(b.name, "vd") && strings.Contains(b.dir, "/virtio"):
		d.IDs.Serial = source.Text(files, path.Join(b.dir, "serial"))
		d.Address = pciAddress(b.dir)
	case strings.HasPrefix(b.name, "dasd"):
		d.IDs.Serial = or(dev("uid"), p["ID_UID"], p["ID_SERIAL"])
		d.Address = path.Base(b.device)
		d.State = dev("status")
	case strings.HasPrefix(b.name, "mmcblk"):
		d.IDs.Serial, d.Model, d.Transport = dev("serial"), dev("name"), "mmc"
	default:
		d.Vendor, d.Model, d.Firmware = dev("vendor"), dev("model"), dev("rev")
		if state := dev("state"); !strings.HasPrefix(state, "0x") {
			d.State = state
		}
		if isSCSIAddress(path.Base(b.device)) {
			d.Address = path.Base(b.device)
		} else if isSCSIAddress(path.Base(path.Dir(path.Dir(b.dir)))) {
			d.Address = path.Base(path.Dir(path.Dir(b.dir)))
		}
		if sas := strings.TrimPrefix(dev("sas_address"), "0x"); strings.Trim(sas, "0") != "" {
			d.IDs.SAS = sas
		}
		b.access = dev("access_state")
		b.readSCSI(files)
	}
	b.diskFromUdev()
	b.dropJunk()
}

// readSCSI reads the identifiers of a SCSI disk, or one that the kernel makes look
// like one, which the kernel keeps: the disk is not asked.
func (b *block) readSCSI(files source.Files) {
	d := b.fact
	if b.device == "" {
		return
	}
	if page, err := files.Read(path.Join(b.device, "vpd_pg80")); err == nil {
		d.IDs.Page80 = kernel.Page80(page)
	}
	if page, err := files.Read(path.Join(b.device, "vpd_pg83")); err == nil {
		for _, id := range kernel.Page83(page) {
			d.IDs.Page83 = append(d.IDs.Page83, id.String())
			if d.IDs.WWID == "" {
				d.IDs.WWID = id.WWID(d.Vendor, d.Model)
			}
		}
	}
	// The kernel's own choice, for the disks whose pages it does not show.
	if wwid := source.Text(files, path.Join(b.device, "wwid")); wwid != "" && len(d.IDs.Page83) == 0 {
		d.IDs.Page83 = []string{wwid}
		d.IDs.WWID = wwidOf(wwid)
	}
}

// wwidOf turns an identifier with its type before it into the form of multipathd.
func wwidOf(id string) string {
	kind, value, _ := strings.Cut(id, ".")
	digit, ok := map[string]string{"naa": "3", "eui": "2", "t10": "1"}[kind]
	if !ok || value == "" {
		return ""
	}
	return digit + strings.Join(strings.Fields(value), "_")
}

var udevSerial = lazyregexp.New(`^[0-38S][^ ]{4,}$`)

// diskFromUdev completes a disk with what udev found out when it appeared.
func (b *block) diskFromUdev() {
	d, p := b.fact, b.udev.Props
	bus := p["ID_BUS"]
	// The inquiry data of an ATA disk have "ATA" for the vendor and no room for the model.
	if bus == "ata" || bus == "usb" {
		d.Model = or(decoded(p, "ID_MODEL"), d.Model)
	}
	d.Model = or(d.Model, decoded(p, "ID_MODEL"))
	d.Vendor = or(d.Vendor, decoded(p, "ID_VENDOR"))
	if d.Vendor == "ATA" {
		d.Vendor = ""
	}
	d.Firmware = or(d.Firmware, p["ID_REVISION"])
	if d.Transport == "" {
		switch bus {
		case "ata":
			d.Transport = "sata"
		case "usb":
			d.Transport = "usb"
		}
	}
	if d.Kind != fact.Disk {
		return
	}
	if bus == "ata" || bus == "usb" || bus == "ieee1394" || d.NVMe != nil {
		d.IDs.Serial = or(d.IDs.Serial, p["ID_USB_SERIAL_SHORT"], p["ID_SERIAL_SHORT"])
	}
	d.IDs.Page80 = or(d.IDs.Page80, p["ID_SCSI_SERIAL"], p["SCSI_IDENT_SERIAL"])
	if len(d.IDs.Page83) == 0 {
		d.IDs.Page83 = udevPage83(p)
	}
	if d.IDs.WWID == "" && bus == "scsi" && udevSerial.MatchString(p["ID_SERIAL"]) && p["ID_SERIAL"][0] != 'S' {
		d.IDs.WWID = p["ID_SERIAL"]
	}
	if d.IDs.WWID == "" && len(d.IDs.Page83) > 0 {
		d.IDs.WWID = wwidOf(d.IDs.Page83[0])
	}
	if d.IDs.Serial == "" && d.IDs.WWID == "" && d.IDs.Page80 == "" {
		d.IDs.Serial = or(p["ID_SERIAL_SHORT"], p["ID_SERIAL"])
	}
}

// udevPage83 is page 0x83 as sg3_utils' or systemd's rules have taken it apart.
func udevPage83(p map[string]string) []string {
	var ids []string
	add := func(id string) {
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	for _, name := range []string{"NAA_REGEXT", "NAA_REG", "NAA", "NAA_EXT", "EUI64", "NAA_LOCAL", "NAME", "T10", "VENDOR"} {
		value := p["SCSI_IDENT_LUN_"+name]
		switch {
		case value == "":
		case strings.HasPrefix(name, "NAA"):
			add("naa." + value)
		case name == "EUI64":
			add("eui." + value)
		case name == "NAME":
			add(value)
		default:
			add(strings.ToLower(name) + "." + kernel.UdevDecode(value))
		}
	}
	if len(ids) == 0 {
		if wwn, ok := strings.CutPrefix(or(p["ID_WWN_WITH_EXTENSION"], p["ID_WWN"], p["DM_WWN"]), "0x"); ok {
			add("naa." + wwn)
		} else if serial := p["ID_SERIAL"]; p["ID_BUS"] == "scsi" && len(serial) > 8 && serial[0] == '3' {
			add("naa." + serial[1:])
		}
	}
	return ids
}

func decoded(p map[string]string, key string) string {
	if enc := p[key+"_ENC"]; enc != "" {
		return strings.Join(strings.Fields(kernel.UdevDecode(enc)), " ")
	}
	return strings.TrimSpace(strings.ReplaceAll(p[key], "_", " "))
}

func isSCSIAddress(name string) bool {
	parts := strings.Split(name, ":")
	if len(parts) != 4 {
		return false
	}
	for _, part := range parts {
		if part == "" || strings.Trim(part, "0123456789") != "" {
			return false
		}
	}
	return true
}

var pciFolder = lazyregexp.New(`^[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$`)

// pciAddress is the last PCI function on the way to a folder.
func pciAddress(dir string) string {
	found := ""
	for part := range strings.SplitSeq(dir, "/") {
		if pciFolder.MatchString(part) {
			found = part
		}
	}
	return found
}

// transport says how a disk is attached, by the folders that the kernel makes on
// the way to it.
func transport(dir string) string {
	found := ""
	for part := range strings.SplitSeq(dir, "/") {
		switch {
		case isNumbered(part, "usb"):
			return "usb"
		case isNumbered(part, "session"):
			return "iscsi"
		case strings.HasPrefix(part, "rport-"):
			return "fc"
		case strings.HasPrefix(part, "end_device-"), strings.HasPrefix(part, "port-"):
			return "sas"
		case isNumbered(part, "ata"):
			return "sata"
		case isNumbered(part, "virtio"):
			found = "virtio"
		case strings.HasPrefix(part, "vbd-"), part == "xen":
			found = "xen"
		}
	}
	return found
}
