package capture

import (
	"fmt"
	"path"
	"sort"
	"strings"
)

// device is a block device that a document describes in its own way.
type device struct {
	dir      string // below /sys: "/devices/.../block/sda"
	key      string // "8:0"
	links    []string
	priority string
	props    map[string]string
	attrs    map[string]string
}

func (d *device) name() string { return path.Base(d.dir) }

// put makes the files that the kernel and udev have for the device. Attributes that
// are files already stay.
func (h *Host) put(d device) {
	at := "/sys" + d.dir
	h.Files.PutFolder(at)
	if d.key != "" {
		h.putMissing(path.Join(at, "dev"), d.key+"\n")
		h.Files.PutLink("/sys/dev/block/"+d.key, "../.."+d.dir)
	}
	for name, value := range d.attrs {
		h.putMissing(path.Join(at, name), value+"\n")
	}
	if d.props["DEVTYPE"] == "partition" {
		n := d.props["PARTN"]
		if n == "" {
			n = d.props["ID_PART_ENTRY_NUMBER"]
		}
		if n == "" {
			n = strings.TrimLeft(strings.TrimPrefix(d.name(), path.Base(path.Dir(d.dir))), "p")
		}
		h.putMissing(path.Join(at, "partition"), n+"\n")
	}
	h.Files.PutLink("/sys/class/block/"+d.name(), "../.."+d.dir)
	// A disk links to what it belongs to: the folder above "block", or an NVMe
	// controller.
	parent := path.Dir(d.dir)
	switch {
	case d.props["DEVTYPE"] == "partition":
	case path.Base(parent) == "block" && !strings.Contains(d.dir, "/virtual/"):
		h.Files.PutLink(path.Join(at, "device"), "../../../"+path.Base(path.Dir(parent)))
	case strings.Contains(parent, "/nvme"):
		h.Files.PutLink(path.Join(at, "device"), "../../"+path.Base(parent))
	}
	if d.key == "" {
		return
	}
	var db strings.Builder
	for _, link := range d.links {
		fmt.Fprintf(&db, "S:%s\n", strings.TrimPrefix(link, "/dev/"))
	}
	if d.priority != "" {
		fmt.Fprintf(&db, "L:%s\n", d.priority)
	}
	var keys []string
	for key := range d.props {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	for _, key := range keys {
		fmt.Fprintf(&db, "E:%s=%s\n", key, d.props[key])
	}
	h.Files.Put("/run/udev/data/b"+d.key, []byte(db.String()))
}

func (h *Host) putMissing(name, text string) {
	if _, err := h.Files.Read(name); err != nil {
		h.Files.Put(name, []byte(text))
	}
}
