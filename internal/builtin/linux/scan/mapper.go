package scan

import (
	"slices"
	"strconv"
	"strings"

	"github.com/faultline-storage/faultline/internal/builtin/lazyregexp"
	"github.com/faultline-storage/faultline/internal/builtin/linux/fact"
	"github.com/faultline-storage/faultline/internal/builtin/linux/scan/kernel"
	"github.com/faultline-storage/faultline/internal/builtin/linux/scan/source"
	"github.com/faultline-storage/faultline/internal/builtin/linux/scan/tool"
)

// readMapper tells what device-mapper devices are, and what they are made of.
func (h *host) readMapper() {
	var maps []*block
	bare := false // a device whose parts /sys does not show
	for _, b := range h.blocks {
		if !b.mapper() {
			continue
		}
		bare = bare || len(b.fact.On) == 0
	}
	if bare {
		h.readTables()
	}
	for _, b := range h.blocks {
		switch b.fact.Kind {
		case fact.Multipath:
			maps = append(maps, b)
		case fact.LV:
			b.fact.Volume = volumeOf(b.dmUUID, b.dmName)
		case fact.Partition:
			if b.mapper() {
				h.readMapperPartition(b)
			}
		}
	}
	if len(maps) > 0 {
		h.readMaps(maps)
	}
}

func (b *block) mapper() bool { return b.dmName != "" || b.dmUUID != "" }

// readTables takes what devices are made of from their tables.
func (h *host) readTables() {
	out, ok := h.run("devices", ofMultipath, source.Command{Name: "dmsetup", Args: []string{"table"}, Topic: []string{"table"}})
	if !ok {
		return
	}
	tables := kernel.DMLines(string(out), "")
	for _, b := range h.blocks {
		if !b.mapper() || len(b.fact.On) > 0 {
			continue
		}
		for _, target := range tables[b.dmName] {
			for _, dep := range target.Deps() {
				if h.byKey[fact.Key(dep)] != nil {
					b.on(fact.Key(dep))
				}
			}
		}
	}
	for _, b := range h.blocks {
		if b.fact.Kind == fact.Mapper && b.dmUUID == "" && len(tables[b.dmName]) > 0 {
			h.kindByTable(b, tables[b.dmName][0].Type)
		}
		if b.fact.Kind == fact.Mapper && len(b.fact.On) == 0 && strings.HasPrefix(b.dmUUID, "DMRAID-") {
			h.readDMRAID(b)
		}
	}
}

var partitionName = lazyregexp.New(`^(.+?)(?:-part|_part|p)?(\d+)$`)

// kindByTable goes by table and name, which are all that tells of a device without
// a UUID what it is.
func (h *host) kindByTable(b *block, target string) {
	switch target {
	case "multipath":
		b.fact.Kind = fact.Multipath
		return
	case "crypt":
		b.fact.Kind = fact.Crypt
		return
	case "linear", "striped":
	default:
		return
	}
	if m := partitionName.FindStringSubmatch(b.dmName); m != nil && len(b.fact.On) == 1 {
		if of := h.byKey[b.fact.On[0]]; of.dmName == m[1] {
			b.fact.Kind = fact.Partition
			b.fact.Number, _ = strconv.Atoi(m[2])
			return
		}
	}
	if group, _ := splitVolume(b.dmName); group != "" {
		b.fact.Kind = fact.LV
	}
}

// readDMRAID finds the members of a firmware RAID, where /sys does not show them.
func (h *host) readDMRAID(b *block) {
	out, err := h.output(ofMultipath, source.Command{Name: "dmraid", Args: []string{"--sets=active", "-ccc"}})
	if err != nil {
		return
	}
	// Members are lines of path:format:set:...
	for line := range strings.Lines(string(out)) {
		if f := strings.Split(line, ":"); len(f) > 3 && strings.HasPrefix(f[0], "/") && f[2] == b.dmName {
			if key := h.key(f[0]); key != "" {
				b.on(key)
			}
		}
	}
}

// on notes that the device is made of another one.
func (b *block) on(key fact.Key) {
	if !slices.Contains(b.fact.On, key) {
		b.fact.On = append(b.fact.On, key)
	}
}

// readMapperPartition is of a partition that kpartx has made a device of.
func (h *host) readMapperPartition(b *block) {
	rest := strings.TrimPrefix(b.dmUUID, "part")
	n, of, _ := strings.Cut(rest, "-")
	if number, err := strconv.Atoi(n); err == nil {
		b.fact.Number = number
	}
	if len(b.fact.On) > 0 {
		b.fact.Whole = b.fact.On[0]
	}
	for _, w := range h.blocks {
		if b.fact.Whole == "" && of != "" && w.dmUUID == of {
			b.fact.Whole = w.key
		}
	}
	b.fact.On = nil
}

// readMaps reads multipath maps: from multipathd, which has seen what the checkers
// found, else from the kernel's tables, else from what /sys shows of the paths.
func (h *host) readMaps(maps []*block) {
	told := h.multipathd()
	if told == nil {
		told = h.multipathTables()
	}
	for _, b := range maps {
		m := &fact.Map{Name: b.dmName, WWID: strings.TrimPrefix(b.dmUUID, "mpath-"), Paths: []fact.Path{}}
		b.fact.Map, b.fact.IDs.WWID = m, m.WWID
		if t := findMap(told, b); t != nil {
			h.fillMap(b, t)
		}
		// What the kernel has besides is a path, too.
		for _, key := range b.fact.On {
			if !hasPath(m, key) {
				m.Paths = append(m.Paths, fact.Path{Device: key, Name: h.byKey[key].name})
			}
		}
		for i := range m.Paths {
			if p := h.byKey[m.Paths[i].Device]; p != nil {
				m.Paths[i].Access = p.access
			}
		}
	}
}

func hasPath(m *fact.Map, key fact.Key) bool {
	for _, p := range m.Paths {
		if p.Device == key {
			return true
		}
	}
	return false
}

// multipathd asks the daemon, or the tool where a capture has only that.
func (h *host) multipathd() []tool.MPMap {
	out, err := h.output(ofMultipath, source.Command{Name: "multipathd", Args: []string{"show", "maps", "json"}, Topic: []string{"show", "maps", "json"}})
	if err == nil {
		maps, err := tool.MultipathJSON(out)
		if err == nil {
			return maps
		}
		h.log.Debug("multipathd show maps json is not understood", "err", err)
	}
	// Not -ll, which checks the paths itself and so asks the disks.
	out, err = h.output(ofMultipath, source.Command{Name: "multipath", Args: []string{"-l"}})
	if err != nil {
		return nil
	}
	return tool.MultipathText(string(out))
}

// multipathTables makes maps of the kernel's tables and states.
func (h *host) multipathTables() []tool.MPMap {
	status, err := h.output(ofMultipath, source.Command{Name: "dmsetup", Args: []string{"status", "--target", "multipath"}, Topic: []string{"status"}})
	if err != nil {
		h.gap("devices", "", "the states of multipath paths are unknown: neither multipathd nor dmsetup tells ("+err.Error()+")")
		return nil
	}
	table, _ := h.output(ofMultipath, source.Command{Name: "dmsetup", Args: []string{"table", "--target", "multipath"}, Topic: []string{"table"}})
	tables := kernel.DMLines(string(table), "")
	var all []tool.MPMap
	for name, targets := range kernel.DMLines(string(status), "") {
		for _, t := range targets {
			if t.Type != "multipath" {
				continue
			}
			m, _ := kernel.MultipathStatus(t.Args)
			mp := tool.MPMap{Name: name, Active: m.Active}
			for _, p := range m.Paths {
				mp.Paths = append(mp.Paths, tool.MPPath{Device: p.Device, Group: p.Group, DM: p.State})
			}
			for _, t := range tables[name] {
				if have, ok := kernel.MultipathTable(t.Args); ok && t.Type == "multipath" {
					mp.Queueing = have.Queueing
				}
			}
			all = append(all, mp)
		}
	}
	return all
}

func findMap(told []tool.MPMap, b *block) *tool.MPMap {
	for i := range told {
		t := &told[i]
		switch {
		case t.Device == b.name && (t.Name == b.dmName || b.dmName == ""),
			t.Name != "" && t.Name == b.dmName,
			t.WWID != "" && "mpath-"+t.WWID == b.dmUUID:
			return t
		}
	}
	return nil
}

func (h *host) fillMap(b *block, t *tool.MPMap) {
	m := b.fact.Map
	m.Queueing, m.Active = t.Queueing, t.Active
	if m.WWID == "" {
		m.WWID = t.WWID
		b.fact.IDs.WWID = t.WWID
	}
	for _, p := range t.Paths {
		path := fact.Path{Name: p.Name, Group: p.Group, Priority: p.Prio, DM: p.DM, Checker: p.Check}
		if path.DM == "undef" {
			path.DM = ""
		}
		if path.Checker == "undef" {
			path.Checker = ""
		}
		// The number may be that of a device that has vanished, and the name, too.
		d := h.byKey[fact.Key(p.Device)]
		if n := h.byName[p.Name]; n != nil && n.key != "" && p.Device == "" {
			d = n
		}
		if d != nil && (d.name == p.Name || p.Name == "" || strings.Trim(p.Name, "-#") == "") {
			path.Device, path.Name = d.key, d.name
			b.on(d.key)
		} else if strings.Trim(path.Name, "-#") == "" {
			path.Name = or(strings.Trim(p.Device, "-#:"), "?")
		}
		m.Paths = append(m.Paths, path)
	}
}
