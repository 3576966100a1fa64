package tool

import (
	"strconv"
	"strings"

	"github.com/faultline-storage/faultline/internal/builtin/lazyregexp"
)

// MPMap is a multipath map as multipathd or multipath tells it.
type MPMap struct {
	Name, WWID string
	Device     string // "dm-0"
	Queueing   bool
	Active     int // the group in use, from 1
	Paths      []MPPath
}

// MPPath is a path of a map.
type MPPath struct {
	Name   string // "sda"; a dash, or "#" and such, for one that has vanished
	Device string // "major:minor"
	Group  int
	Prio   int
	DM     string // "active", "failed", "undef"
	Dev    string // "running", "offline", ...
	Check  string // "ready", "ghost", "faulty", "shaky", ...
}

// MultipathJSON reads `multipathd show maps json`.
func MultipathJSON(text []byte) ([]MPMap, error) {
	o, err := decode(text)
	if err != nil {
		return nil, err
	}
	if o["maps"] == nil && o["map"] == nil {
		return nil, ErrNothing
	}
	maps := o.objects("maps")
	if one := o.object("map"); one != nil {
		maps = append(maps, one)
	}
	var all []MPMap
	for _, m := range maps {
		mp := MPMap{Name: m.text("name"), WWID: m.text("uuid"), Device: m.text("sysfs")}
		// "-" is no queueing, "off" that it is over; else it is on, or for so long.
		switch q := m.text("queueing"); {
		case q == "on", strings.Contains(q, "sec"), strings.Contains(q, "chk"):
			mp.Queueing = true
		case q == "":
			mp.Queueing = strings.Contains(m.text("features"), "queue_if_no_path")
		}
		for i, g := range m.objects("path_groups") {
			n := i + 1
			if v := g.int("group"); v > 0 && v < 1<<16 {
				n = int(v)
			}
			if g.text("dm_st") == "active" && mp.Active == 0 {
				mp.Active = n
			}
			for _, p := range g.objects("paths") {
				mp.Paths = append(mp.Paths, MPPath{
					Name: p.text("dev"), Device: p.text("dev_t"), Group: n, Prio: int(p.int("pri")),
					DM: p.text("dm_st"), Dev: p.text("dev_st"), Check: p.text("chk_st"),
				})
			}
		}
		if mp.Name != "" || mp.WWID != "" {
			all = append(all, mp)
		}
	}
	return all, nil
}

var (
	mpHead  = lazyregexp.New(`^(?:(?:create|reload|undef|reject|resize|nothing|switchpg|rename|forcereload): )?(.+?) dm-(\d+)\s+\S`)
	mpAlias = lazyregexp.New(`^(\S+) \((.+)\)$`)
	mpGroup = lazyregexp.New(`policy='[^']*' prio=(-?\d+) status=(\w+)`)
	// The forms of versions before 0.4.9, which had the states in brackets.
	mpOldGroup = lazyregexp.New(`^\\_ \S+ \d+ *(?:\[prio=(-?\d+)\])?\[(\w+)\]`)
	mpPath     = lazyregexp.New("^[ |]*(?:[|`]-|\\\\_) +(\\S+) +(\\S+) +(\\d+:\\d+|#:#|-:-|-) *(.*)$")
	mpBracket  = lazyregexp.New(`\[(\w+)\]`)
)

// MultipathText reads `multipath -ll`, `multipath -l` or `multipathd show topology`.
func MultipathText(text string) []MPMap {
	var all []MPMap
	var m *MPMap
	group, prio := 0, 0
	for line := range lines(text) {
		head := mpHead.FindStringSubmatch(line)
		switch {
		case head != nil && line[0] != ' ' && line[0] != '|':
			all = append(all, mpNew(head))
			m, group, prio = &all[len(all)-1], 0, 0
			continue
		case m == nil || line == "":
			continue
		case strings.Contains(line, "queue_if_no_path"):
			m.Queueing = true
			continue
		}
		g := mpGroup.FindStringSubmatch(line)
		if g == nil {
			g = mpOldGroup.FindStringSubmatch(line)
		}
		if g != nil {
			group++
			prio, _ = strconv.Atoi(g[1])
			if g[2] == "active" && m.Active == 0 {
				m.Active = group
			}
			continue
		}
		if p := mpPath.FindStringSubmatch(line); p != nil {
			m.Paths = append(m.Paths, mpTextPath(p, max(group, 1), prio))
		}
	}
	return all
}

func mpNew(head []string) MPMap {
	m := MPMap{Device: "dm-" + head[2]}
	if a := mpAlias.FindStringSubmatch(head[1]); a != nil {
		m.Name, m.WWID = a[1], a[2]
	} else {
		// Without an alias the map is called by its WWID, which may have blanks.
		m.Name, m.WWID = head[1], head[1]
	}
	return m
}

func mpTextPath(p []string, group, prio int) MPPath {
	path := MPPath{Name: p[2], Device: p[3], Group: group, Prio: prio}
	words := strings.Fields(p[4])
	if old := mpBracket.FindAllStringSubmatch(p[4], -1); old != nil {
		words = nil
		for _, o := range old {
			words = append(words, o[1])
		}
	}
	for i, word := range words {
		switch i {
		case 0:
			path.DM = word
		case 1:
			path.Check = word
		case 2:
			path.Dev = word
		}
	}
	return path
}
