package scan

import (
	"strings"
)

// news is what has changed since the last scan, as far as it was told. A scan reads
// anew what news name, and what hangs on it.
type news struct {
	// everything is to be read and asked anew; reread only what is in files.
	everything, reread bool
	// tables says that the mount table, the swap areas or mdstat have changed.
	tables bool
	arrays bool
	// dirs are folders below /sys, without that, of devices with events; what lies
	// below them counts, too.
	dirs map[string]bool
	// Tools to ask anew.
	multipath, lvm, volumes, zfs, enclosures bool
	// health says that a disk has told something of itself.
	health bool
}

func (n *news) empty() bool {
	return !n.everything && !n.reread && !n.tables && !n.arrays && len(n.dirs) == 0 && !n.multipath && !n.lvm && !n.volumes && !n.zfs && !n.enclosures && !n.health
}

// onlyHealth says that nothing has to be read for the news.
func (n *news) onlyHealth() bool {
	rest := *n
	rest.health = false
	return n.health && rest.empty()
}

// add takes over what else is news.
func (n *news) add(o *news) {
	n.everything = n.everything || o.everything
	n.reread = n.reread || o.reread
	n.tables = n.tables || o.tables
	n.arrays = n.arrays || o.arrays
	n.multipath = n.multipath || o.multipath
	n.lvm = n.lvm || o.lvm
	n.volumes = n.volumes || o.volumes
	n.zfs = n.zfs || o.zfs
	n.enclosures = n.enclosures || o.enclosures
	n.health = n.health || o.health
	for dir := range o.dirs {
		n.dir(dir)
	}
}

func (n *news) dir(dir string) {
	if n.dirs == nil {
		n.dirs = map[string]bool{}
	}
	n.dirs[dir] = true
}

// event takes a uevent into account, by its properties.
func (n *news) event(p map[string]string) {
	dir := p["DEVPATH"]
	if dir == "" {
		return
	}
	switch p["SUBSYSTEM"] {
	case "block":
		n.dir(dir)
		n.multipath = true
		n.lvm = n.lvm || p["ID_FS_TYPE"] == lvmMember || strings.HasPrefix(p["DM_UUID"], "LVM-") || strings.Contains(dir, "/block/dm-")
		n.zfs = n.zfs || p["ID_FS_TYPE"] == zfsMember || strings.Contains(dir, "/block/zd")
	case "scsi", "nvme", "nvme-subsystem", "fc_remote_ports", "iscsi_session", "ccw", "virtio", "bcache":
		n.dir(dir)
		n.multipath = true
	case "enclosure":
		n.enclosures = true
	}
}

// covers says that the news concern a device: its own folder, one above it, or, of a
// partition table that was read again, one below it.
func (n *news) covers(dir string) bool {
	if n.everything || n.reread {
		return true
	}
	dir = strings.TrimPrefix(dir, "/sys")
	for at := dir; at != ""; {
		if n.dirs[at] {
			return true
		}
		i := strings.LastIndexByte(at, '/')
		if i < 0 {
			break
		}
		at = at[:i]
	}
	return false
}
