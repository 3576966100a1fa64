package volume

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/faultline-storage/faultline/internal/resource"
)

// unknownKind is the kind of a detached volume.
const unknownKind = "Unknown"

// mapper is where names of maps live, which stand for all paths of a disk.
const mapper = "/dev/mapper/"

// derive works out the volume of a drive, without what is decided about it.
// runs are the hosts on which its users are. It returns nil if the drive is no
// volume. A drive that only counts as one comes without nodes and users.
func (g *graph) derive(id resource.ID) (v *resource.Volume, runs []string) {
	d, ok := g.byID[id]
	if !ok || !d.c.kind.isDrive() {
		return nil, nil
	}
	r := g.region(d)
	if r.taken && len(r.users) == 0 {
		return nil, nil
	}
	nodes := g.volumeNodes(r.nodes)
	if len(nodes) == 0 && len(r.users) == 0 && !r.bare {
		return nil, nil
	}
	c := d.r.Class
	v = &resource.Volume{
		ID: id, Label: g.label(d), Plugin: c.Plugin, Class: c.Name, Kind: c.Label(),
		Size: d.number(d.c.size), FilesystemType: d.text(d.c.fs), Backing: g.backing(d), Users: r.users, Nodes: nodes,
	}
	v.Unsuitable = c.NotForTargets
	if d.c.usable >= 0 {
		usable, ok := d.r.Values[d.c.usable].Bool()
		v.Unsuitable = v.Unsuitable || ok && !usable
	}
	for _, h := range r.runs {
		runs = append(runs, g.hostName(h))
	}
	return v, runs
}

// volumeNodes returns the nodes of a volume: by host, the best first. Of a host
// that has one below /dev/mapper, that one only.
func (g *graph) volumeNodes(list []vertex) []resource.VolumeNode {
	maps := make(map[int64]int)
	for _, n := range list {
		if strings.HasPrefix(n.text(n.c.path), mapper) {
			maps[n.number(n.c.hostID)]++
		}
	}
	var out []resource.VolumeNode
	for _, n := range list {
		on := n.number(n.c.hostID)
		if maps[on] == 1 && !strings.HasPrefix(n.text(n.c.path), mapper) {
			continue
		}
		vn := resource.VolumeNode{ID: n.r.ID, Path: n.text(n.c.path), HostID: on, Host: g.hostName(on), Role: resource.RoleUnused}
		vn.Weight, vn.Weights = g.weight(n)
		out = append(out, vn)
	}
	slices.SortFunc(out, func(a, b resource.VolumeNode) int {
		return cmp.Or(cmp.Compare(a.Host, b.Host), cmp.Compare(a.HostID, b.HostID), cmp.Compare(b.Weight, a.Weight),
			cmp.Compare(a.Path, b.Path), cmp.Compare(a.ID, b.ID))
	})
	return out
}

// hostName is the name of the host with the ID: what it says of itself, so that
// a user's name for it changes no choice.
func (g *graph) hostName(id int64) string {
	h, ok := g.byID[resource.ID(id)]
	if !ok || h.c.kind != host {
		return "host " + strconv.FormatInt(id, 10)
	}
	return nameOfHost(h)
}

func nameOfHost(h vertex) string { return cmp.Or(h.text(h.c.fqdn), h.r.Label) }

// label is the name of a drive's volume by the rules of the package.
func (g *graph) label(d vertex) string {
	if d.c.kind == slice {
		return g.sliceLabel(d)
	}
	if d.r.Alias != "" {
		return d.r.Alias
	}
	views := slices.DeleteFunc(g.origins(d), func(v vertex) bool { return v.c.kind == pool })
	if len(views) == 0 {
		return d.r.Label
	}
	// Two controllers that show one LUN each call it their name for it. If it is
	// the same one, there is nothing to choose.
	name := views[0].r.Name()
	for _, v := range views[1:] {
		if v.r.Name() != name {
			return d.r.Label
		}
	}
	return name
}

// sliceLabel is the name of a part: its own label if the author gave one, else
// what it is a part of and which.
func (g *graph) sliceLabel(d vertex) string {
	if d.r.Alias != "" || d.r.OwnLabel {
		return d.r.Name()
	}
	part := d.text(d.c.name)
	if part == "" && d.c.number >= 0 {
		part = d.r.Values[d.c.number].String()
	}
	whole, found := g.whole(d)
	if part == "" || !found {
		return d.r.Label
	}
	return whole.r.Label + "-" + part
}

// whole returns what a slice is a part of: the nearest pool or drive above it.
func (g *graph) whole(d vertex) (found vertex, ok bool) {
	seen := map[resource.ID]bool{d.r.ID: true}
	level := []vertex{d}
	for len(level) > 0 && !ok {
		var next []vertex
		for _, at := range level {
			g.parents(at, func(p vertex) {
				switch {
				case p.c.kind == pool || p.c.kind.isDrive():
					if !ok || p.r.ID < found.r.ID {
						found, ok = p, true
					}
				case !seen[p.r.ID]:
					seen[p.r.ID] = true
					next = append(next, p)
				}
			})
		}
		level = next
	}
	return found, ok
}
