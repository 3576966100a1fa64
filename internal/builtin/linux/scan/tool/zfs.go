package tool

import (
	"slices"
	"strings"

	"github.com/faultline-storage/faultline/internal/builtin/lazyregexp"
)

// ZPool is a pool as zpool tells it.
type ZPool struct {
	Name, GUID string
	State      string
	Size, Free int64
	// Status is ZFS's text about what is wrong.
	Status string
	Vdevs  []ZVdev // the leaves
}

// ZVdev is a leaf of a pool.
type ZVdev struct {
	Path   string // as ZFS names it: a path, or a name below /dev
	Gone   bool   // it was there, and is not any more: the path may be another device's
	GUID   string
	Group  string // "mirror-0"; empty at the top
	Role   string // "data", "log", "cache", "spare", "special", "dedup"
	State  string
	Errors [3]int64
}

var zfsRoles = map[string]string{"logs": "log", "log": "log", "cache": "cache", "l2cache": "cache", "spares": "spare", "special": "special", "dedup": "dedup"}

// ZPoolStatusJSON reads `zpool status -j`.
func ZPoolStatusJSON(text []byte) ([]ZPool, error) {
	o, err := decode(text)
	if err != nil {
		return nil, err
	}
	if o.object("pools") == nil {
		return nil, ErrNothing
	}
	var all []ZPool
	for _, p := range o.objects("pools") {
		pool := ZPool{Name: p.text("name"), GUID: p.text("pool_guid"), State: p.text("state"), Status: words(p.text("status"))}
		for _, root := range p.objects("vdevs") {
			pool.tree(root, "", "data")
		}
		for _, key := range []string{"logs", "l2cache", "spares", "special", "dedup"} {
			for _, v := range p.objects(key) {
				pool.tree(v, "", zfsRoles[key])
			}
		}
		all = append(all, pool)
	}
	return all, nil
}

func words(text string) string { return strings.Join(strings.Fields(text), " ") }

// standIn says that a vdev is there for a while only, between a disk and its mirror:
// while it is replaced, or while a spare stands in.
func standIn(name string) bool {
	return strings.HasPrefix(name, "replacing") || strings.HasPrefix(name, "spare")
}

// tree adds the leaves below a vdev.
func (p *ZPool) tree(v object, group, role string) {
	kind, name := v.text("vdev_type"), v.text("name")
	if r := zfsRoles[v.text("class")]; r != "" {
		role = r
	}
	if below := v.objects("vdevs"); len(below) > 0 {
		if kind != "root" && (group == "" || standIn(group)) {
			group = name
		}
		for _, b := range below {
			p.tree(b, group, role)
		}
		return
	}
	if kind == "root" || kind == "hole" || kind == "indirect" || kind == "missing" && name == "" {
		return
	}
	p.Vdevs = append(p.Vdevs, ZVdev{
		Path: or(v.text("was"), v.text("path"), name), Gone: v.text("was") != "", GUID: v.text("guid"), Group: group, Role: role, State: v.text("state"),
		Errors: [3]int64{v.int("read_errors"), v.int("write_errors"), v.int("checksum_errors")},
	})
}

var zfsKey = lazyregexp.New(`^ {0,7}(pool|id|state|status|action|see|scan|scrub|remove|checkpoint|config|errors|dedup|comment): ?(.*)$`)

// ZPoolStatusText reads `zpool status`.
func ZPoolStatusText(text string) []ZPool {
	var all []ZPool
	key := ""
	var config []string
	flush := func() {
		if len(all) > 0 {
			all[len(all)-1].config(config)
		}
		config = nil
	}
	for line := range lines(text) {
		m := zfsKey.FindStringSubmatch(line)
		if m == nil {
			switch {
			case len(all) == 0:
			case key == "config":
				config = append(config, line)
			case key == "status":
				p := &all[len(all)-1]
				p.Status = words(p.Status + " " + line)
			}
			continue
		}
		key = m[1]
		value := strings.TrimSpace(m[2])
		if key == "pool" {
			flush()
			all = append(all, ZPool{Name: value})
			continue
		}
		if len(all) == 0 {
			continue
		}
		p := &all[len(all)-1]
		switch key {
		case "id":
			p.GUID = value
		case "state":
			p.State = value
		case "status":
			p.Status = words(value)
		}
	}
	flush()
	return all
}

// zrow is a row of a pool's tree.
type zrow struct {
	indent int
	words  []string
}

// config reads the indented tree of a pool: name, state and three counters a line.
func (p *ZPool) config(rows []string) {
	var tree []zrow
	for _, line := range rows {
		f := strings.Fields(line)
		if len(f) == 0 || f[0] == "NAME" {
			continue
		}
		line = strings.ReplaceAll(line, "\t", "        ")
		tree = append(tree, zrow{len(line) - len(strings.TrimLeft(line, " ")), f})
	}
	role := "data"
	var above []zrow // the vdevs above, innermost last
	for i, r := range tree {
		name := r.words[0]
		for len(above) > 0 && above[len(above)-1].indent >= r.indent {
			above = above[:len(above)-1]
		}
		if r.indent <= tree[0].indent {
			// The pool's own row, or a heading of devices with a role.
			if role = "data"; i > 0 {
				role = or(zfsRoles[name], role)
			}
			continue
		}
		if i+1 < len(tree) && tree[i+1].indent > r.indent {
			above = append(above, r)
			continue
		}
		v := ZVdev{Path: name, Role: role}
		for _, a := range above {
			if v.Group == "" || standIn(v.Group) {
				v.Group = a.words[0]
			}
		}
		if len(r.words) > 1 {
			v.State = r.words[1]
		}
		for e := range v.Errors {
			if len(r.words) > e+2 {
				v.Errors[e] = Size(r.words[e+2])
			}
		}
		// One that is missing goes by its GUID.
		if n := len(r.words); n > 6 && r.words[5] == "was" {
			v.Path, v.GUID, v.Gone = r.words[6], name, true
		}
		p.Vdevs = append(p.Vdevs, v)
	}
}

// zfsHead are the columns of `zpool list -H`, which has no headings.
var zfsHead = []string{"NAME", "SIZE", "ALLOC", "FREE", "CKPOINT", "EXPANDSZ", "FRAG", "CAP", "DEDUP", "HEALTH", "ALTROOT"}

// ZPoolList reads `zpool list`, with or without -H and -v, and adds sizes and states
// to the pools that are known by name; others are appended.
func ZPoolList(text string, pools []ZPool) []ZPool {
	head := zfsHead
	for line := range lines(text) {
		f := strings.Fields(line)
		if len(f) > 0 && f[0] == "NAME" {
			head = f
			continue
		}
		cell := func(name string) string {
			if i := slices.Index(head, name); i >= 0 && i < len(f) && f[i] != "-" {
				return f[i]
			}
			return ""
		}
		// Rows of vdevs are indented, and their headings have no size.
		if len(f) < 4 || strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t") || zfsRoles[f[0]] != "" && cell("SIZE") == "" {
			continue
		}
		var p *ZPool
		p, pools = poolOf(pools, f[0])
		p.GUID = or(p.GUID, cell("GUID"))
		p.Size, p.Free = Size(cell("SIZE")), Size(cell("FREE"))
		p.State = or(p.State, cell("HEALTH"))
	}
	return pools
}

func poolOf(pools []ZPool, name string) (*ZPool, []ZPool) {
	i := slices.IndexFunc(pools, func(p ZPool) bool { return p.Name == name })
	if i < 0 {
		i = len(pools)
		pools = append(pools, ZPool{Name: name})
	}
	return &pools[i], pools
}

// ZPoolListJSON reads `zpool list -j`, as ZPoolList does.
func ZPoolListJSON(text []byte, pools []ZPool) []ZPool {
	o, err := decode(text)
	if err != nil {
		return pools
	}
	for _, l := range o.objects("pools") {
		if l.text("name") == "" {
			continue
		}
		var p *ZPool
		p, pools = poolOf(pools, l.text("name"))
		p.GUID = or(p.GUID, l.text("pool_guid"))
		p.Size, p.Free = Size(l.text("properties", "size", "value")), Size(l.text("properties", "free", "value"))
		p.State = or(p.State, l.text("state"), l.text("properties", "health", "value"))
	}
	return pools
}

// ZDataset is a row of `zfs list`.
type ZDataset struct {
	Name, GUID  string
	Type        string // "filesystem", "volume", "snapshot", "bookmark"
	Used, Avail int64
	Lustre      bool
}

// ZFSColumns are the columns that ZFSList reads, in its order.
const ZFSColumns = "name,guid,type,used,available,lustre:svname"

// ZFSList reads `zfs list -Hp -o` with ZFSColumns, or with the default columns: name,
// used, avail, refer, mountpoint.
func ZFSList(text string) []ZDataset {
	var all []ZDataset
	for line := range lines(text) {
		f := strings.Split(line, "\t")
		for i := range f {
			if f[i] = strings.TrimSpace(f[i]); f[i] == "-" {
				f[i] = ""
			}
		}
		if f[0] == "" {
			continue
		}
		switch len(f) {
		case 6:
			all = append(all, ZDataset{Name: f[0], GUID: f[1], Type: f[2], Used: Size(f[3]), Avail: Size(f[4]), Lustre: f[5] != ""})
		case 5:
			d := ZDataset{Name: f[0], Used: Size(f[1]), Avail: Size(f[2]), Type: "filesystem"}
			if strings.Contains(d.Name, "@") {
				d.Type = "snapshot"
			} else if f[4] == "" {
				d.Type = "volume"
			}
			all = append(all, d)
		}
	}
	return all
}

const maxNumber = "9223372036854775807"

// ZFSListJSON reads `zfs list -j`.
func ZFSListJSON(text []byte) []ZDataset {
	o, err := decode(text)
	if err != nil {
		return nil
	}
	var all []ZDataset
	for _, d := range o.objects("datasets") {
		value := func(name string) string {
			// ZFS 2.3 writes numbers that are too large for its JSON as the largest one.
			if v := d.text("properties", name, "value"); v != "-" && v != maxNumber {
				return v
			}
			return ""
		}
		all = append(all, ZDataset{
			Name: d.text("name"), GUID: value("guid"), Type: strings.ToLower(d.text("type")),
			Used: Size(value("used")), Avail: Size(value("available")), Lustre: value("lustre:svname") != "",
		})
	}
	return all
}
