package capture

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/faultline-storage/faultline/internal/builtin/linux/scan/source"
)

// prober is a dump of a machine by an installer: properties and attributes from
// libudev, and what tools told, each taken apart.
type prober struct {
	Blockdev  map[string]map[string]any `json:"blockdev"`
	NVMe      map[string]map[string]any `json:"nvme"`
	Multipath struct {
		Maps  []map[string]string `json:"maps"`
		Paths []map[string]string `json:"paths"`
	} `json:"multipath"`
	LVM struct {
		PhysicalVolumes map[string][]string `json:"physical_volumes"`
		VolumeGroups    map[string]struct {
			Name string `json:"name"`
			Size string `json:"size"`
		} `json:"volume_groups"`
		LogicalVolumes map[string]struct {
			Name  string `json:"name"`
			Group string `json:"volgroup"`
			Size  string `json:"size"`
		} `json:"logical_volumes"`
	} `json:"lvm"`
	DMCrypt map[string]struct {
		Device string `json:"blkdevname"`
		Used   string `json:"blkdevs_used"`
	} `json:"dmcrypt"`
	Bcache struct {
		Backing map[string]bcacheDevice `json:"backing"`
		Caching map[string]bcacheDevice `json:"caching"`
	} `json:"bcache"`
	ZFS struct {
		Pools map[string]struct {
			Datasets map[string]struct {
				Properties map[string]struct {
					Value string `json:"value"`
				} `json:"properties"`
			} `json:"datasets"`
		} `json:"zpools"`
	} `json:"zfs"`
	Mount []mount `json:"mount"`
}

type bcacheDevice struct {
	Path       string            `json:"blockdev"`
	Superblock map[string]string `json:"superblock"`
}

type mount struct {
	Target   string  `json:"target"`
	Source   string  `json:"source"`
	Type     string  `json:"fstype"`
	Options  string  `json:"options"`
	Children []mount `json:"children"`
}

// fromProber makes the files of which such a dump was made.
func (h *Host) fromProber(p *prober) {
	for _, name := range slices.Sorted(maps.Keys(p.NVMe)) {
		d := fromLibudev(p.NVMe[name], false)
		if d.dir == "" || path.Base(d.dir) != name {
			continue // some dumps have the namespace's folder here
		}
		for attr, value := range d.attrs {
			h.Files.Put(path.Join("/sys"+d.dir, attr), []byte(value+"\n"))
		}
		h.Files.PutLink("/sys/class/nvme/"+name, "../.."+d.dir)
	}
	for _, name := range slices.Sorted(maps.Keys(p.Blockdev)) {
		d := fromLibudev(p.Blockdev[name], true)
		if d.dir == "" || d.key == ":" {
			continue
		}
		h.put(d)
		h.subsystem(p, d)
	}
	h.probedMaps(p)
	h.probedLVM(p)
	for _, c := range p.DMCrypt {
		h.slave(c.Device, c.Used)
	}
	h.probedBcache(p)
	h.probedZFS(p)
	if len(p.Mount) > 0 {
		var b strings.Builder
		for _, m := range p.Mount {
			m.write(&b)
		}
		h.Files.Put("/proc/mounts", []byte(b.String()))
	}
}

// fromLibudev splits properties from attributes. Sizes are in bytes there.
func fromLibudev(from map[string]any, block bool) device {
	d := device{props: map[string]string{}, attrs: map[string]string{}}
	for key, value := range from {
		if text, ok := value.(string); ok {
			d.props[key] = text
		}
	}
	if attrs, ok := from["attrs"].(map[string]any); ok {
		for key, value := range attrs {
			if text, ok := value.(string); ok && key != "subsystem" && key != "dev" && key != "device" {
				d.attrs[key] = text
			}
		}
	}
	if n, err := strconv.ParseInt(d.attrs["size"], 10, 64); err == nil && block {
		d.attrs["size"] = strconv.FormatInt(n/512, 10)
	}
	d.dir = d.props["DEVPATH"]
	d.key = d.props["MAJOR"] + ":" + d.props["MINOR"]
	d.links = strings.Fields(d.props["DEVLINKS"])
	return d
}

// subsystem gives an NVMe head the controllers of its subsystem: those with its
// serial number.
func (h *Host) subsystem(p *prober, d device) {
	parent := path.Dir(d.dir)
	if !strings.HasPrefix(path.Base(parent), "nvme-subsys") {
		return
	}
	for name, from := range p.NVMe {
		c := fromLibudev(from, false)
		if c.attrs["serial"] != "" && c.attrs["serial"] == d.props["ID_SERIAL_SHORT"] && path.Base(c.dir) == name {
			h.Files.PutLink(path.Join("/sys"+parent, name), "/sys"+c.dir)
		}
	}
}

// slave notes that a device is made of another one.
func (h *Host) slave(name, of string) {
	name, of = path.Base(name), path.Base(of)
	if dir, err := h.Files.Link("/sys/class/block/" + name); err == nil {
		h.Files.PutLink(path.Join("/sys/class/block", dir, "slaves", of), path.Join("/sys/class/block", of))
	}
}

func (h *Host) record(line string, output any) {
	text, err := json.Marshal(output)
	if err == nil {
		h.Commands = append(h.Commands, source.Recorded{Line: line, Output: source.Output{Stdout: text}})
	}
}

func (h *Host) probedMaps(p *prober) {
	type object = map[string]any
	var all []object
	for _, m := range p.Multipath.Maps {
		name := ""
		for _, b := range p.Blockdev {
			if path.Base(fmt.Sprint(b["DEVNAME"])) == m["sysfs"] {
				name, _ = b["DM_NAME"].(string)
			}
		}
		var paths []object
		for _, q := range p.Multipath.Paths {
			if q["multipath"] == name && name != "" {
				paths = append(paths, object{"dev": q["device"]})
			}
		}
		all = append(all, object{"name": name, "uuid": m["multipath"], "sysfs": m["sysfs"], "path_groups": []object{{"paths": paths}}})
	}
	if len(all) > 0 {
		h.record("multipathd show maps json", object{"maps": all})
	}
}

func (h *Host) probedLVM(p *prober) {
	type object = map[string]string
	if len(p.LVM.VolumeGroups) == 0 {
		return
	}
	var pvs, vgs, lvs []object
	for _, name := range slices.Sorted(maps.Keys(p.LVM.PhysicalVolumes)) {
		for _, pv := range p.LVM.PhysicalVolumes[name] {
			pvs = append(pvs, object{"pv_name": pv, "vg_name": name})
		}
	}
	for _, vg := range p.LVM.VolumeGroups {
		vgs = append(vgs, object{"vg_name": vg.Name, "vg_size": vg.Size})
	}
	for _, key := range slices.Sorted(maps.Keys(p.LVM.LogicalVolumes)) {
		lv := p.LVM.LogicalVolumes[key]
		lvs = append(lvs, object{"lv_name": lv.Name, "vg_name": lv.Group, "lv_size": lv.Size, "lv_active": "active"})
	}
	for _, r := range []struct {
		line, key string
		rows      []object
	}{{"pvs", "pv", pvs}, {"vgs", "vg", vgs}, {"lvs", "lv", lvs}} {
		h.record(r.line, map[string]any{"report": []any{map[string]any{r.key: r.rows}}})
	}
}

// probedBcache: a bcache device is known by the UUID of its backing device, and its
// caches by the set they have in common.
func (h *Host) probedBcache(p *prober) {
	for uuid, backing := range p.Bcache.Backing {
		for node, from := range p.Blockdev {
			links := strings.Fields(fmt.Sprint(from["DEVLINKS"]))
			if !slices.Contains(links, "/dev/bcache/by-uuid/"+uuid) {
				continue
			}
			name := path.Base(node)
			h.slave(name, backing.Path)
			dir, err := h.Files.Link("/sys/class/block/" + path.Base(backing.Path))
			if err != nil {
				continue
			}
			at := path.Join("/sys/class/block", dir, "bcache")
			word := func(key string) string {
				_, value, _ := strings.Cut(backing.Superblock[key], "[")
				return strings.TrimSuffix(value, "]")
			}
			h.Files.Put(path.Join(at, "state"), []byte(word("dev.data.cache_state")+"\n"))
			h.Files.Put(path.Join(at, "cache_mode"), []byte("["+word("dev.data.cache_mode")+"]\n"))
			own, err := h.Files.Link("/sys/class/block/" + name)
			if err != nil {
				continue
			}
			h.Files.PutLink(path.Join("/sys/class/block", own, "bcache"), at)
			for _, cache := range p.Bcache.Caching {
				if cache.Superblock["cset.uuid"] == backing.Superblock["cset.uuid"] {
					h.slave(name, cache.Path)
				}
			}
		}
	}
}

func (h *Host) probedZFS(p *prober) {
	type object = map[string]any
	if len(p.ZFS.Pools) == 0 {
		return
	}
	pools, datasets := object{}, object{}
	for name, pool := range p.ZFS.Pools {
		pools[name] = object{"name": name, "vdevs": object{}}
		for set, d := range pool.Datasets {
			props := object{}
			for key, v := range d.Properties {
				props[key] = object{"value": v.Value}
			}
			datasets[set] = object{"name": set, "type": d.Properties["type"].Value, "properties": props}
		}
	}
	h.Files.PutFolder("/sys/module/zfs")
	h.record("zpool status -j", object{"pools": pools})
	h.record("zfs list -j", object{"datasets": datasets})
}

func (m mount) write(b *strings.Builder) {
	escape := strings.NewReplacer(" ", `\040`, "\t", `\011`, "\n", `\012`, `\`, `\134`)
	// A bind mount is written as the device and what of it is mounted in brackets.
	source, _, _ := strings.Cut(m.Source, "[")
	fmt.Fprintf(b, "%s %s %s %s 0 0\n", escape.Replace(source), escape.Replace(m.Target), m.Type, m.Options)
	for _, c := range m.Children {
		c.write(b)
	}
}

// agentNode is a block device as an agent of another program reported it: with the
// output of scsi_id for the pages 0x83 and 0x80.
type agentNode struct {
	Path     string `json:"path"`
	Parent   string `json:"parent"`
	Serial83 string `json:"serial_83"`
	Serial80 string `json:"serial_80"`
	Type     string `json:"filesystem_type"`
	Size     int64  `json:"size"`
}

// fromAgent makes devices with the pages that give such output.
func (h *Host) fromAgent(nodes map[string]agentNode) {
	for i, key := range slices.Sorted(maps.Keys(nodes)) {
		n := nodes[key]
		major, minor, _ := strings.Cut(key, ":")
		d := device{key: key, props: map[string]string{"DEVTYPE": "disk"}, attrs: map[string]string{"size": strconv.FormatInt(n.Size/512, 10)}}
		if n.Type != "" {
			d.props["ID_FS_TYPE"] = n.Type
		}
		d.links = []string{n.Path}
		name := path.Base(n.Path)
		switch {
		case strings.HasPrefix(n.Path, "/dev/mapper/"):
			d.props["DM_NAME"] = name
			d.dir = "/devices/virtual/block/dm-" + minor
		case major == "9":
			d.dir = "/devices/virtual/block/md" + minor
		case strings.HasPrefix(n.Path, "/dev/disk/"):
			d.dir = fmt.Sprintf("/devices/host0/target0:0:%d/0:0:%d:0/block/sd%sx%s", i, i, major, minor)
		default:
			d.links = nil
			d.dir = fmt.Sprintf("/devices/host0/target0:0:%d/0:0:%d:0/block/%s", i, i, name)
		}
		h.agentPages("/sys"+path.Dir(path.Dir(d.dir)), n)
		// A partition says which device it is of by number.
		if parent, ok := nodes[n.Parent]; ok && d.props["DM_NAME"] == "" {
			if of, err := h.Files.Link("/sys/dev/block/" + n.Parent); err == nil {
				d.dir = strings.TrimPrefix(path.Join("/sys/dev/block", of, name), "/sys")
				d.props["DEVTYPE"] = "partition"
				d.props["PARTN"] = strings.TrimLeft(strings.TrimPrefix(strings.TrimPrefix(n.Path, parent.Path), "-part"), "p")
			}
		}
		h.put(d)
	}
}

// agentPages makes VPD pages of what scsi_id printed of them: of page 0x83 a digit for
// the type before the identifier, of page 0x80 an S, vendor, model and the serial number.
func (h *Host) agentPages(dir string, n agentNode) {
	page := func(code byte, body []byte) []byte {
		return append(binary.BigEndian.AppendUint16([]byte{0, code}, uint16(min(len(body), 1<<15))), body...) //nolint:gosec // no longer than that
	}
	if len(n.Serial80) > 1 {
		h.Files.Put(path.Join(dir, "vpd_pg80"), page(0x80, []byte(n.Serial80[1:])))
	}
	if len(n.Serial83) < 2 || len(n.Serial83) > 200 {
		return
	}
	kind, value := n.Serial83[0]-'0', []byte(n.Serial83[1:])
	h.Files.Put(path.Join(dir, "vpd_pg83"), page(0x83, append([]byte{2, kind & 0xf, 0, byte(len(value))}, value...)))
}
