package scan

import (
	"path"
	"slices"
	"strings"

	"github.com/faultline-storage/faultline/internal/builtin/linux/fact"
	"github.com/faultline-storage/faultline/internal/builtin/linux/scan/source"
	"github.com/faultline-storage/faultline/internal/builtin/linux/scan/tool"
)

const (
	zfsMember = "zfs_member"
	zfsStats  = "/proc/spl/kstat/zfs"
)

// readZFS reads pools: those that are imported, from zpool, and those that labels on
// this host's devices tell of.
func (h *host) readZFS() {
	imported := h.importedPools()
	labels := false
	for _, b := range h.blocks {
		labels = labels || b.fact.FS != nil && b.fact.FS.Type == zfsMember
	}
	if len(imported) > 0 || h.hasZFS() {
		h.readPools(imported)
	}
	if labels {
		h.exportedPools()
	}
}

// hasZFS says whether there is anything to ask zpool about, without starting it:
// the module, or a mount.
func (h *host) hasZFS() bool {
	if source.Exists(h.files, "/sys/module/zfs") || source.Exists(h.files, zfsStats) {
		return true
	}
	for _, m := range h.report.Mounts {
		if m.Dataset != "" {
			return true
		}
	}
	return slices.ContainsFunc(h.blocks, func(b *block) bool { return b.fact.Kind == fact.Zvol })
}

// importedPools are the names of the pools that the kernel has, with their states.
func (h *host) importedPools() map[string]string {
	names, err := h.files.List(zfsStats)
	if err != nil {
		return nil
	}
	pools := map[string]string{}
	for _, name := range names {
		if state := h.text(path.Join(zfsStats, name, "state")); state != "" {
			pools[name] = state
		}
	}
	return pools
}

// readPools asks zpool and zfs.
func (h *host) readPools(imported map[string]string) {
	pools, err := h.askZPool()
	if err != nil {
		h.gap("pools", "", err.Error())
		h.keepPools(imported)
		return
	}
	var datasets []tool.ZDataset
	list := source.Command{Name: "zfs", Args: []string{"list", "-Hp", "-t", "filesystem,volume", "-o", tool.ZFSColumns}, Topic: []string{"list"}}
	out, err := h.output(ofZFS, list)
	if err == nil {
		if datasets = tool.ZFSListJSON(out); datasets == nil {
			datasets = tool.ZFSList(string(out))
		}
	} else {
		h.gap("pools", "", err.Error())
	}
	for _, p := range pools {
		h.addPool(p, datasets, imported[p.Name])
	}
}

// askZPool prefers JSON, which versions before 2.3 do not have.
func (h *host) askZPool() ([]tool.ZPool, error) {
	var pools []tool.ZPool
	out, err := h.output(ofZFS, source.Command{Name: "zpool", Args: []string{"status", "-j", "--json-int", "-P"}, Topic: []string{"status", "-j"}})
	if err == nil {
		pools, err = tool.ZPoolStatusJSON(out)
	}
	if err != nil {
		out, err = h.output(ofZFS, source.Command{Name: "zpool", Args: []string{"status", "-P"}, Topic: []string{"status"}})
		if err != nil {
			return nil, err
		}
		pools = tool.ZPoolStatusText(string(out))
	}
	out, err = h.output(ofZFS, source.Command{Name: "zpool", Args: []string{"list", "-p", "-o", "name,guid,size,free,health"}, Topic: []string{"list"}})
	if err != nil {
		return pools, nil //nolint:nilerr // sizes are a small loss
	}
	if len(out) > 0 && out[0] == '{' {
		return tool.ZPoolListJSON(out, pools), nil
	}
	return tool.ZPoolList(string(out), pools), nil
}

// addPool makes a pool a fact.
func (h *host) addPool(t tool.ZPool, datasets []tool.ZDataset, state string) {
	if t.Name == "" {
		return
	}
	p := &fact.Pool{Name: t.Name, State: or(t.State, state), Size: t.Size, Free: t.Free, Status: t.Status, Vdevs: []fact.Vdev{}}
	guid := t.GUID
	for _, v := range t.Vdevs {
		d := h.vdev(v, t)
		p.Vdevs = append(p.Vdevs, d)
		if guid == "" && d.Device != "" {
			if fs := h.byKey[d.Device].fact.FS; fs != nil && fs.Type == zfsMember {
				guid = fs.UUID
			}
		}
	}
	for _, d := range datasets {
		if pool, _, _ := strings.Cut(d.Name, "/"); pool != t.Name || d.Type != "filesystem" {
			continue
		}
		set := fact.Dataset{Name: d.Name, GUID: d.GUID, Used: d.Used, Avail: d.Avail, Lustre: d.Lustre}
		for _, m := range h.report.Mounts {
			if m.Dataset == d.Name || m.Source == d.Name && strings.HasPrefix(m.Type, "lustre") {
				set.Mount = m.Target
				set.Lustre = set.Lustre || m.Dataset == ""
			}
		}
		p.Datasets = append(p.Datasets, set)
	}
	guid = or(guid, h.guidByName(t.Name), t.Name)
	h.report.Pools[guid] = p
	for _, b := range h.blocks {
		if b.fact.Kind == fact.Zvol {
			if name := zvolName(b); strings.HasPrefix(name, t.Name+"/") {
				b.fact.Pool, b.fact.Dataset = guid, name
			}
		}
	}
}

// zvolName is the ZFS name of a volume, by the link that udev makes for it.
func zvolName(b *block) string {
	for _, link := range b.udev.Links {
		if name, ok := strings.CutPrefix(link, "zvol/"); ok {
			return name
		}
	}
	return ""
}

// guidByName finds a pool's GUID by its name on the labels.
func (h *host) guidByName(name string) string {
	for _, b := range h.blocks {
		if fs := b.fact.FS; fs != nil && fs.Type == zfsMember && fs.Label == name {
			return fs.UUID
		}
	}
	return ""
}

// vdev finds the device of a leaf: by the GUID on its label, which no other device
// has; else by its path, which zpool shortens to its last part, or, of a disk that
// ZFS has partitioned itself, to the disk's. Where one was that is missing, there may be
// another one.
func (h *host) vdev(v tool.ZVdev, pool tool.ZPool) fact.Vdev {
	d := fact.Vdev{Path: v.Path, GUID: v.GUID, Group: v.Group, Role: v.Role, State: v.State, Errors: v.Errors}
	for _, b := range h.blocks {
		if fs := b.fact.FS; fs != nil && fs.Type == zfsMember && v.GUID != "" && fs.Member == v.GUID {
			if d.Device == "" || slices.Contains(b.fact.On, d.Device) {
				d.Device = b.key
			}
		}
	}
	if d.Device != "" || v.Gone {
		return d
	}
	candidates := []string{v.Path}
	if !strings.HasPrefix(v.Path, "/") {
		candidates = nil
		for _, dir := range []string{"/dev", "/dev/mapper", "/dev/disk/by-id", "/dev/disk/by-vdev", "/dev/disk/by-path", "/dev/disk/by-partuuid", "/dev/disk/by-partlabel"} {
			candidates = append(candidates, path.Join(dir, v.Path))
		}
	}
	for _, c := range candidates {
		if key := h.key(c); key != "" && !h.took(key, v) {
			d.Device = key
			break
		}
	}
	for _, b := range h.blocks {
		if fs := b.fact.FS; d.Device != "" && b.fact.Whole == d.Device && b.fact.Number == 1 && fs != nil && fs.Type == zfsMember && fs.Label == pool.Name {
			d.Device = b.key
			break
		}
	}
	return d
}

// took says that a device has only taken the path of a leaf that is not there: its label,
// or that of a partition of it, is another one's.
func (h *host) took(key fact.Key, v tool.ZVdev) bool {
	if v.GUID == "" || v.State != "REMOVED" && v.State != "UNAVAIL" {
		return false
	}
	return slices.ContainsFunc(h.blocks, func(b *block) bool {
		fs := b.fact.FS
		return (b.key == key || b.fact.Whole == key) && fs != nil && fs.Type == zfsMember && fs.Member != "" && fs.Member != v.GUID
	})
}

// exportedPools reports the pools that are known by labels only: another host has
// them, or none.
func (h *host) exportedPools() {
	for _, b := range h.blocks {
		fs := b.fact.FS
		if fs == nil || fs.Type != zfsMember || fs.UUID == "" {
			continue
		}
		// The path of a map has the label of the map.
		if slices.ContainsFunc(h.blocks, func(o *block) bool { return slices.Contains(o.fact.On, b.key) }) {
			continue
		}
		p := h.report.Pools[fs.UUID]
		if p == nil {
			p = &fact.Pool{Name: fs.Label, State: fact.Exported, Vdevs: []fact.Vdev{}}
			h.report.Pools[fs.UUID] = p
		}
		if p.State == fact.Exported {
			p.Vdevs = append(p.Vdevs, fact.Vdev{Device: b.key, Path: b.fact.Path, GUID: fs.Member, Role: "data"})
		}
	}
}

// keepPools reports what is known of pools when zpool does not tell: what it told
// last, with the kernel's word for the state.
func (h *host) keepPools(imported map[string]string) {
	known := map[string]bool{}
	if h.last != nil {
		for guid, p := range h.last.Pools {
			if p.State == fact.Exported {
				continue
			}
			copied := *p
			copied.State = or(imported[p.Name], p.State)
			h.report.Pools[guid] = &copied
			known[p.Name] = true
		}
	}
	for name, state := range imported {
		if !known[name] {
			h.addPool(tool.ZPool{Name: name, State: state}, nil, state)
			if p := h.report.Pools[or(h.guidByName(name), name)]; p != nil {
				h.labelledVdevs(p)
			}
		}
	}
}

// labelledVdevs gives a pool the members that have its name on their label.
func (h *host) labelledVdevs(p *fact.Pool) {
	for _, b := range h.blocks {
		if fs := b.fact.FS; fs != nil && fs.Type == zfsMember && fs.Label == p.Name {
			p.Vdevs = append(p.Vdevs, fact.Vdev{Device: b.key, Path: b.fact.Path, GUID: fs.Member, Role: "data"})
		}
	}
}
