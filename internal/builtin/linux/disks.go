package linux

import (
	"fmt"
	"slices"
	"strings"

	"github.com/faultline-storage/faultline/internal/builtin/linux/fact"
)

// identities tells the identity of each disk and of each multipath map, by what
// all of the host's disks are together: paths of one map are one drive, whatever
// they say, and disks that cannot be one are not, whatever they say.
//
// before has what was behind maps, by WWID: a map whose last path has vanished is
// still a map of that drive. It is brought up to date.
func identities(devices map[fact.Key]*fact.Device, keys []fact.Key, before map[string]identity) map[fact.Key]identity {
	ids := map[fact.Key]identity{}
	mapOf := map[fact.Key]fact.Key{} // of a path
	for _, k := range keys {
		switch d := devices[k]; d.Kind {
		case fact.Disk:
			ids[k] = identify(d)
		case fact.Multipath:
			for _, p := range pathsOf(d) {
				if path := devices[p]; path != nil && path.Kind == fact.Disk && mapOf[p] == "" {
					mapOf[p] = k
				}
			}
		}
	}
	same := map[identity][]fact.Key{}
	for _, k := range keys {
		if id, ok := ids[k]; ok && id != none {
			same[id] = append(same[id], k)
		}
	}
	for _, k := range keys { // in the order of the keys, since identities change
		id := ids[k]
		if group := same[id]; id != none && len(group) > 1 && group[0] == k {
			tellApart(ids, devices, mapOf, group)
		}
	}
	for _, k := range keys {
		if d := devices[k]; d.Kind == fact.Multipath {
			id := none
			for _, p := range pathsOf(d) {
				if id = ids[p]; id != none {
					break
				}
			}
			if d.Map != nil && d.Map.WWID != "" {
				if id == none {
					id = before[d.Map.WWID]
				}
				before[d.Map.WWID] = id
			}
			ids[k] = id
			for _, p := range pathsOf(d) {
				if mapOf[p] == k {
					ids[p] = id
				}
			}
		}
	}
	return ids
}

// tellApart looks at disks of one host that seem to be one, and gives those that
// cannot be other identities: the size, if that is what differs, or none.
func tellApart(ids map[fact.Key]identity, devices map[fact.Key]*fact.Device, mapOf map[fact.Key]fact.Key, group []fact.Key) {
	oneMap := true
	for _, k := range group {
		oneMap = oneMap && mapOf[k] != "" && mapOf[k] == mapOf[group[0]]
	}
	if oneMap {
		return
	}
	sizes, serials := map[int64]bool{}, map[string]bool{}
	for _, k := range group {
		if d := devices[k]; d.Size != 0 {
			sizes[d.Size] = true
		}
		if s := unitSerial(devices[k]); s != "" {
			serials[fold(s)] = true
		}
	}
	bySize := map[identity][]fact.Key{}
	for _, k := range group {
		id := ids[k]
		if len(serials) > 1 {
			id.discriminator += ", serial " + fold(unitSerial(devices[k]))
		}
		if len(sizes) > 1 {
			id.discriminator += fmt.Sprintf(", size %d", devices[k].Size)
		}
		ids[k] = id
		bySize[id] = append(bySize[id], k)
	}
	for _, like := range bySize {
		if distinct(devices, mapOf, like) {
			for _, k := range like {
				ids[k] = none
			}
		}
	}
}

// distinct reports whether disks that say the same of themselves are several:
// they are in different maps, their transport has no second way to a disk, or two of
// them are different units behind one port.
func distinct(devices map[fact.Key]*fact.Device, mapOf map[fact.Key]fact.Key, like []fact.Key) bool {
	if len(like) < 2 {
		return false
	}
	ports, maps := map[string]bool{}, map[fact.Key]bool{}
	for _, k := range like {
		d := devices[k]
		if m := mapOf[k]; m != "" { // multipathd has looked
			if maps[m] = true; len(maps) > 1 {
				return true
			}
			continue
		}
		if singlePath(d) {
			return true
		}
		if i := strings.LastIndexByte(d.Address, ':'); i > 0 && strings.Count(d.Address, ":") == 3 {
			if ports[d.Address[:i]] {
				return true
			}
			ports[d.Address[:i]] = true
		}
	}
	return false
}

// pathsOf lists the devices that are paths of a map, each once.
func pathsOf(d *fact.Device) (paths []fact.Key) {
	add := func(k fact.Key) {
		if k != "" && !slices.Contains(paths, k) {
			paths = append(paths, k)
		}
	}
	if d.Map != nil {
		for _, p := range d.Map.Paths {
			add(p.Device)
		}
	}
	for _, k := range d.On {
		add(k)
	}
	slices.Sort(paths)
	return paths
}
