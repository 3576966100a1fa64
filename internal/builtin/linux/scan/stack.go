package scan

import (
	"path"
	"slices"
	"strings"

	"github.com/faultline-storage/faultline/internal/builtin/lazyregexp"
	"github.com/faultline-storage/faultline/internal/builtin/linux/fact"
	"github.com/faultline-storage/faultline/internal/builtin/linux/scan/source"
	"github.com/faultline-storage/faultline/internal/builtin/linux/scan/tool"
)

// readBcache tells the backing device of each bcache device from the caches.
func (h *host) readBcache() {
	for _, b := range h.blocks {
		if b.fact.Kind != fact.Bcache {
			continue
		}
		c := &fact.Cache{}
		b.fact.Cache = c
		// The folder "bcache" of the device is that of the backing device.
		dir, err := source.Resolve(h.files, path.Join(b.dir, "bcache"))
		if err != nil {
			dir = path.Join(b.dir, "bcache")
		} else if backing := h.byKey[fact.Key(h.text(path.Join(path.Dir(dir), "dev")))]; backing != nil {
			c.Backing = backing.key
			b.on(backing.key)
		}
		c.State = h.text(path.Join(dir, "state"))
		c.Mode = chosen(h.text(path.Join(dir, "cache_mode")))
		h.readCacheSet(b, dir)
		// What else it is made of are caches.
		for _, key := range b.fact.On {
			if key != c.Backing && !slices.Contains(c.Caches, key) {
				if c.Backing == "" && len(b.fact.On) == 1 {
					c.Backing = key
					continue
				}
				c.Caches = append(c.Caches, key)
			}
		}
	}
}

// readCacheSet finds the caches of a set: the link that the backing device has, or
// the set that lists the device.
func (h *host) readCacheSet(b *block, dir string) {
	c := b.fact.Cache
	set, err := source.Resolve(h.files, path.Join(dir, "cache"))
	if err != nil {
		sets, _ := h.files.List("/sys/fs/bcache")
		for _, uuid := range sets {
			at := path.Join("/sys/fs/bcache", uuid)
			names, _ := h.files.List(at)
			for _, name := range names {
				if isNumbered(name, "bdev") && h.text(path.Join(at, name, "dev/dev")) == string(b.key) {
					set, err = at, nil
				}
			}
		}
	}
	if err != nil {
		return
	}
	c.Set = path.Base(set)
	names, _ := h.files.List(set)
	for _, name := range names {
		if !isNumbered(name, "cache") {
			continue
		}
		to, err := source.Resolve(h.files, path.Join(set, name))
		if err != nil {
			continue
		}
		if cache := h.byKey[fact.Key(h.text(path.Join(path.Dir(to), "dev")))]; cache != nil && !slices.Contains(c.Caches, cache.key) {
			c.Caches = append(c.Caches, cache.key)
			b.on(cache.key)
		}
	}
}

// chosen is the word in brackets among those that an attribute offers.
func chosen(text string) string {
	if _, rest, ok := strings.Cut(text, "["); ok {
		word, _, _ := strings.Cut(rest, "]")
		return word
	}
	return text
}

var hexID = lazyregexp.New(`^[0-9A-Fa-f]{32}$`)

// readPowerPath tells the paths of PowerPath's pseudo devices.
func (h *host) readPowerPath() {
	if !slices.ContainsFunc(h.blocks, func(b *block) bool { return b.fact.Kind == fact.PowerPath }) {
		return
	}
	out, ok := h.run("devices", ofMultipath, source.Command{Name: "powermt", Args: []string{"display", "dev=all"}, Topic: []string{"display"}})
	if !ok {
		return
	}
	for _, m := range tool.PowerMT(string(out)) {
		b := h.byName[m.Name]
		if b == nil || b.fact.Kind != fact.PowerPath {
			continue
		}
		b.fact.Map = &fact.Map{Name: m.Name, Paths: []fact.Path{}}
		if hexID.MatchString(m.WWID) {
			id := strings.ToLower(m.WWID)
			b.fact.Map.WWID = "3" + id
			b.fact.IDs.WWID = "3" + id
			b.fact.IDs.UUID = id[:8] + ":" + id[8:16] + ":" + id[16:24] + ":" + id[24:]
		}
		h.fillMap(b, &m)
		b.fact.IDs.WWID = b.fact.Map.WWID
	}
}

// readBtrfs tells the file system of the devices that the kernel has in a mounted
// one, which udev may know of the first only.
func (h *host) readBtrfs() {
	const sysBtrfs = "/sys/fs/btrfs"
	sets, _ := h.files.List(sysBtrfs)
	for _, uuid := range sets {
		names, err := h.files.List(path.Join(sysBtrfs, uuid, "devices"))
		if err != nil {
			continue
		}
		for _, name := range names {
			b := h.byName[name]
			if b == nil || b.fact.FS != nil && b.fact.FS.UUID != "" {
				continue
			}
			b.fact.FS = &fact.FS{Type: "btrfs", Usage: "filesystem", UUID: uuid, Label: h.text(path.Join(sysBtrfs, uuid, "label"))}
		}
	}
}
