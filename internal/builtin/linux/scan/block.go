package scan

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/faultline-storage/faultline/internal/builtin/linux/fact"
	"github.com/faultline-storage/faultline/internal/builtin/linux/scan/kernel"
	"github.com/faultline-storage/faultline/internal/builtin/linux/scan/source"
)

const (
	sysBlock  = "/sys/class/block"
	udevData  = "/run/udev/data"
	sectorLen = 512 // the unit of sizes in /sys, whatever the disk's sectors are
)

// block is a block device as /sys and udev have it, before anything is concluded.
type block struct {
	name string
	dir  string // its folder: "/sys/devices/.../block/sda"
	key  fact.Key
	// device is the folder of what the block device belongs to: a SCSI device, an NVMe
	// controller or subsystem. Empty for virtual ones.
	device string
	whole  string // of a partition: the name of its device
	udev   kernel.Udev
	slaves []string
	fact   *fact.Device

	controllers    []string // of an NVMe namespace: their folders
	dmName, dmUUID string
	container      string // of an array: the name or path of the array it lies in
	hidden         bool   // a path of an NVMe head: no device of its own
	skip           bool   // no storage of the host
	// alive is what changes without an event: the state of a disk and of the ways to
	// it.
	alive   string
	aliveAt []string // the files that have it
	access  string   // ALUA state
}

// readWhole reads a device and, of a disk, what it says of itself. It returns nil
// for one that is gone meanwhile.
func readWhole(files source.Files, name, dir string) *block {
	b := readBlock(files, name, dir)
	if b == nil {
		return nil
	}
	if b.skip = b.uninteresting(files); b.skip {
		return b
	}
	b.fact.Kind = b.kind()
	switch b.fact.Kind {
	case fact.Disk, fact.PowerPath:
		if !b.hidden {
			b.readDisk(files)
			b.aliveAt = b.aliveFiles(files)
			b.alive = b.readAlive(files)
		}
	case fact.Loop:
		b.fact.File = source.Text(files, b.dir+"/loop/backing_file")
	}
	return b
}

// aliveFiles are the files with what may change without an event: states of the disk
// or of the controllers that lead to it, and of the ways through them.
func (b *block) aliveFiles(files source.Files) []string {
	if b.fact.NVMe != nil {
		var all []string
		for _, c := range b.controllers {
			all = append(all, path.Join(c, "state"))
			if at := b.anaFile(files, c); at != "" {
				all = append(all, at)
			}
		}
		return all
	}
	if b.device == "" || b.fact.State == "" {
		return nil
	}
	all := []string{path.Join(b.device, "state")}
	if b.access != "" {
		all = append(all, path.Join(b.device, "access_state"))
	}
	return all
}

// readAlive reads those files.
func (b *block) readAlive(files source.Files) string {
	texts := make([]string, len(b.aliveAt))
	for i, name := range b.aliveAt {
		texts[i] = source.Text(files, name)
	}
	return strings.Join(texts, ",")
}

// fresh is a copy for a scan to work on: what was read is kept for the next one.
func (b *block) fresh() *block {
	c, f := *b, *b.fact
	f.IDs.Page83, f.IDs.Junk = slices.Clone(f.IDs.Page83), slices.Clone(f.IDs.Junk)
	c.fact = &f
	return &c
}

// names of the block devices that are there, each with its folder.
func blockDirs(files source.Files) (map[string]string, error) {
	dirs := map[string]string{}
	names, err := files.List(sysBlock)
	if err == nil {
		for _, name := range names {
			if dir, err := source.Resolve(files, path.Join(sysBlock, name)); err == nil {
				dirs[name] = dir
			}
		}
		return dirs, nil
	}
	// Older kernels, and captures that have a part of /sys only.
	top, err := files.List("/sys/block")
	if err != nil {
		if nvmeDirs(files, dirs); len(dirs) > 0 {
			return dirs, nil
		}
		return nil, err
	}
	for _, name := range top {
		dir, err := source.Resolve(files, path.Join("/sys/block", name))
		if err != nil {
			dir = path.Join("/sys/block", name)
		}
		dirs[name] = dir
		partitionDirs(files, name, dir, dirs)
	}
	return dirs, nil
}

func partitionDirs(files source.Files, name, dir string, dirs map[string]string) {
	inside, _ := files.List(dir)
	for _, part := range inside {
		if strings.HasPrefix(part, name) && source.Exists(files, path.Join(dir, part, "partition")) {
			dirs[part] = path.Join(dir, part)
		}
	}
}

// nvmeDirs finds namespaces below their controllers, in captures that have only those.
func nvmeDirs(files source.Files, dirs map[string]string) {
	for _, class := range []string{"/sys/class/nvme", "/sys/class/nvme-subsystem"} {
		names, _ := files.List(class)
		for _, name := range names {
			at, err := source.Resolve(files, path.Join(class, name))
			if err != nil {
				continue
			}
			inside, _ := files.List(at)
			for _, n := range inside {
				if nvmeNamespace.MatchString(n) {
					dirs[n] = path.Join(at, n)
					partitionDirs(files, n, path.Join(at, n), dirs)
				}
			}
		}
	}
}

// readBlock reads one device. It returns nil for one that is gone meanwhile.
func readBlock(files source.Files, name, dir string) *block {
	b := &block{name: name, dir: dir}
	attr := func(name string) string { return source.Text(files, path.Join(dir, name)) }
	uevent := kernel.Properties(attr("uevent"))
	b.key = fact.Key(attr("dev"))
	if b.key == "" && uevent["MAJOR"] != "" {
		b.key = fact.Key(uevent["MAJOR"] + ":" + uevent["MINOR"])
	}
	b.hidden = attr("hidden") == "1"
	if b.key == "" && !b.hidden {
		return nil
	}
	d := &fact.Device{
		Name: name, Sys: strings.TrimPrefix(dir, "/sys"),
		Size:      kernel.Int(attr("size")) * sectorLen,
		ReadOnly:  attr("ro") == "1",
		Removable: attr("removable") == "1",
	}
	b.fact = d
	if n := attr("partition"); n != "" {
		d.Number, _ = strconv.Atoi(n)
		b.whole = path.Base(path.Dir(dir))
	} else if r := attr("queue/rotational"); r != "" {
		rotational := r == "1"
		d.Rotational = &rotational
	}
	if b.whole == "" {
		if device, err := source.Resolve(files, path.Join(dir, "device")); err == nil {
			b.device = device
		}
	}
	b.slaves, _ = files.List(path.Join(dir, "slaves"))
	if strings.HasPrefix(name, "dm-") {
		b.dmName, b.dmUUID = attr("dm/name"), attr("dm/uuid")
	}
	if b.key != "" {
		if text, err := files.Read(path.Join(udevData, "b"+string(b.key))); err == nil {
			b.udev = kernel.ReadUdev(string(text))
		}
	}
	b.fromUdev()
	return b
}

// fromUdev takes over what only udev knows, and what /sys does not have here.
func (b *block) fromUdev() {
	p := b.udev.Props
	if b.dmName == "" {
		b.dmName = p["DM_NAME"]
	}
	if b.dmUUID == "" {
		b.dmUUID = p["DM_UUID"]
	}
	b.fact.IDs.UUID = b.dmUUID
	if b.fact.Size == 0 && b.whole != "" {
		b.fact.Size = kernel.Int(p["ID_PART_ENTRY_SIZE"]) * sectorLen
	}
	if t := p["ID_FS_TYPE"]; t != "" {
		b.fact.FS = &fact.FS{
			Type: t, Usage: p["ID_FS_USAGE"],
			UUID:   kernel.UdevDecode(or(p["ID_FS_UUID_ENC"], p["ID_FS_UUID"])),
			Label:  kernel.UdevDecode(or(p["ID_FS_LABEL_ENC"], p["ID_FS_LABEL"])),
			Member: kernel.UdevDecode(or(p["ID_FS_UUID_SUB_ENC"], p["ID_FS_UUID_SUB"])),
		}
	}
}

func or(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

// kind says what the device is, by its name, its folder and its device-mapper UUID.
func (b *block) kind() fact.Kind {
	switch {
	case b.whole != "":
		return fact.Partition
	case b.dmName != "" || b.dmUUID != "" || strings.HasPrefix(b.name, "dm-"):
		return mapperKind(b.dmUUID)
	case isNumbered(b.name, "md") || strings.HasPrefix(b.name, "md_"):
		return fact.RAID
	case isNumbered(b.name, "loop"):
		return fact.Loop
	case isNumbered(b.name, "bcache"):
		return fact.Bcache
	case isNumbered(b.name, "zd"):
		return fact.Zvol
	case strings.HasPrefix(b.name, "emcpower"):
		return fact.PowerPath
	}
	return fact.Disk
}

// mapperKind goes by the UUID, whose beginning says who made the device.
func mapperKind(uuid string) fact.Kind {
	prefix, _, _ := strings.Cut(uuid, "-")
	switch {
	case prefix == "mpath":
		return fact.Multipath
	case prefix == "LVM":
		return fact.LV
	case prefix == "CRYPT":
		return fact.Crypt
	case isNumbered(prefix, "part"):
		return fact.Partition
	}
	return fact.Mapper
}

func isNumbered(name, prefix string) bool {
	rest, ok := strings.CutPrefix(name, prefix)
	_, err := strconv.Atoi(rest)
	return ok && err == nil
}

// uninteresting says that the device is no storage of the host: an optical drive,
// a floppy, a RAM disk, or a device that is a place for one only.
func (b *block) uninteresting(files source.Files) bool {
	switch {
	case isNumbered(b.name, "sr"), isNumbered(b.name, "fd"), isNumbered(b.name, "ram"):
		return true
	case b.udev.Props["ID_TYPE"] == "cd", b.udev.Props["ID_CDROM"] == "1":
		return true
	case isNumbered(b.name, "loop"):
		return b.fact.Size == 0 && !source.Exists(files, path.Join(b.dir, "loop/backing_file"))
	case b.fact.Size != 0:
		return false
	}
	return isNumbered(b.name, "nbd") || isNumbered(b.name, "zram") || isNumbered(b.name, "rbd") || isNumbered(b.name, "drbd")
}

// linkRank orders the names of a node, the best first: what people and tools call
// it before what tells where it is plugged in.
func linkRank(link string) int {
	switch {
	case strings.HasPrefix(link, "mapper/"), strings.HasPrefix(link, "md/"), strings.HasPrefix(link, "zvol/"):
		return 0
	case strings.HasPrefix(link, "disk/by-id/lvm-pv-uuid-"):
		return 70 // it names what is on the device
	case strings.HasPrefix(link, "disk/by-id/"):
		id := strings.TrimPrefix(link, "disk/by-id/")
		for i, prefix := range []string{"scsi-3", "nvme-eui.", "nvme-uuid.", "nvme-nvme.", "wwn-", "ata-", "nvme-", "virtio-", "usb-", "scsi-2", "scsi-S", "scsi-", "ccw-IBM.", "ccw-", "dm-name-", "md-name-"} {
			if strings.HasPrefix(id, prefix) {
				return 10 + i
			}
		}
		return 40
	case strings.HasPrefix(link, "disk/by-path/"):
		return 50
	case strings.HasPrefix(link, "disk/by-"):
		return 70 // as do labels and UUIDs
	}
	return 60
}

// nameNodes gives the devices their paths. A link that several devices ask for, as
// the paths of one disk do, belongs to the one with the highest priority. Equals
// fight for it: it leads now to the one and now to the other, so it names neither.
func nameNodes(blocks []*block) {
	owner := map[string]*block{}
	contested := map[string]bool{}
	for _, b := range blocks {
		for _, link := range b.udev.Links {
			o := owner[link]
			if o == nil || b.udev.Priority > o.udev.Priority {
				owner[link] = b
				contested[link] = false
			} else if b.udev.Priority == o.udev.Priority {
				contested[link] = true
			}
		}
	}
	for _, b := range blocks {
		var links []string
		for _, link := range b.udev.Links {
			if owner[link] == b && !contested[link] {
				links = append(links, link)
			}
		}
		if b.dmName != "" && !slices.Contains(links, "mapper/"+b.dmName) {
			links = append(links, "mapper/"+b.dmName)
		}
		slices.SortFunc(links, func(a, b string) int {
			if r := linkRank(a) - linkRank(b); r != 0 {
				return r
			}
			return strings.Compare(a, b)
		})
		kernelName := "/dev/" + strings.ReplaceAll(b.name, "!", "/")
		b.fact.Path = kernelName
		b.fact.Paths = nil
		for _, link := range links {
			if linkRank(link) < 60 && b.fact.Path == kernelName {
				b.fact.Path = "/dev/" + link
			}
			b.fact.Paths = append(b.fact.Paths, "/dev/"+link)
		}
		b.fact.Paths = append(b.fact.Paths, kernelName)
	}
}
