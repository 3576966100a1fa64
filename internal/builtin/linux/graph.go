package linux

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/faultline-storage/faultline/internal/builtin/linux/fact"
	"github.com/faultline-storage/faultline/sdk/plugin"
)

// item is one resource on its way from the facts to the session.
type item struct {
	key     string // class and identity
	res     plugin.Any
	report  func(*plugin.Session) plugin.Any
	self    plugin.Any // the session's own pointer, once it is reported
	parents map[string]*item
	// weak is a resource of which this host knows only that it is there; see weakly.
	weak bool
	// sample records the readings that the facts have, and fresh tells whether they
	// are other facts than before.
	sample func(plugin.Any)
	fresh  func(before, now *fact.Report) bool
}

func (it *item) has(parent string) bool { _, ok := it.parents[parent]; return ok }

// under makes items parents of the item; nil is nobody.
func (it *item) under(parents ...*item) {
	for _, p := range parents {
		if it != nil && p != nil && p != it {
			it.parents[p.key] = p
		}
	}
}

// graph is what follows from the facts of one host.
type graph struct {
	hostID int64
	facts  *fact.Report
	keys   []fact.Key // of the devices, in order
	items  []*item    // what is referred to before what refers to it
	byKey  map[string]*item
	old    map[string]*item // what the session has reported before
	ids    map[fact.Key]identity

	drives map[fact.Key]*item
	nodes  map[fact.Key]*item
	groups map[string]*item // LVM groups by UUID
	pools  map[string]*item // ZFS pools by GUID
	// named are the nodes of what is no block device, by name: pools and datasets.
	named  map[string]*item
	busy   map[fact.Key]bool   // devices whose drive is being made
	path   map[fact.Key]string // of the nodes, each once
	member map[fact.Key]bool   // devices whose drives have a StackMember
	// spared are devices whose loss a stack with redundancy makes up for.
	spared map[fact.Key]bool
	// volumes are the devices of LVM volumes, by group and UUID, and parts the
	// partitions of a device.
	volumes map[string]fact.Key
	parts   map[fact.Key][]fact.Key
	// way is of which multipath map a device is a path.
	way map[fact.Key]fact.Key

	notes []string // what is odd, for the log
	blind []string // maps without paths
}

// draw makes the graph of a host. old is what its session has reported before, for
// what only another host knows now, and before has what was behind multipath maps;
// see weakly and identities.
//
// There are two layers. Drives and what is built of them are the same for all
// hosts: disk, partition, array, group, volume. Nodes, members of stacks and mounts
// are one host's: a problem of a path is a problem of what this host does with
// the drive, and not of the drive. An edge leads from each drive to its nodes.
func draw(hostID int64, facts *fact.Report, old map[string]*item, before map[string]identity) *graph {
	g := &graph{
		hostID: hostID, facts: facts, old: old, byKey: map[string]*item{},
		drives: map[fact.Key]*item{}, nodes: map[fact.Key]*item{}, groups: map[string]*item{}, pools: map[string]*item{}, named: map[string]*item{},
		busy: map[fact.Key]bool{}, path: map[fact.Key]string{}, member: map[fact.Key]bool{}, spared: map[fact.Key]bool{}, volumes: map[string]fact.Key{}, parts: map[fact.Key][]fact.Key{}, way: map[fact.Key]fact.Key{},
	}
	for k, d := range facts.Devices {
		if !empty(d) {
			g.keys = append(g.keys, k)
		}
	}
	sortKeys(g.keys)
	g.ids = identities(facts.Devices, g.keys, before)
	g.look()
	for _, k := range g.keys {
		g.drive(k)
	}
	g.enclosures()
	g.stacks()
	g.signatures()
	for _, k := range g.keys {
		g.node(k)
	}
	g.zfsNodes()
	for _, k := range g.keys {
		g.link(k)
	}
	g.linkPools()
	g.mounts()
	g.cluster()
	g.cut()
	return g
}

// device returns a device that the graph has, or nil.
func (g *graph) device(k fact.Key) *fact.Device {
	if d := g.facts.Devices[k]; d != nil && !empty(d) {
		return d
	}
	return nil
}

// empty reports whether a device is a drive without a medium.
func empty(d *fact.Device) bool {
	return d.Size == 0 && (d.Kind == fact.Disk && d.Removable || d.Kind == fact.Loop)
}

// put enters a resource, or finds it: what two devices lead to is one. It
// returns the resource that counts.
func put[R plugin.Any](g *graph, identity string, r R, parents ...*item) (*item, R) {
	key := keyOf(r, identity)
	it := g.byKey[key]
	if it == nil {
		it = &item{key: key, res: r, parents: map[string]*item{}}
		it.report = func(s *plugin.Session) plugin.Any { return plugin.Report(s, r) }
		g.byKey[key] = it
		g.items = append(g.items, it)
	}
	it.under(parents...)
	return it, it.res.(R)
}

func keyOf(r plugin.Any, identity string) string {
	return strings.TrimPrefix(fmt.Sprintf("%T ", r), "*linux.") + identity
}

// weakly enters a resource of which this host knows only that it is there, since
// another may have it in use. What the session said of it before stays: to take it
// back would take it from the host that says it now.
func weakly[R plugin.Any](g *graph, identity string, r R, parents ...*item) *item {
	key := keyOf(r, identity)
	if old := g.old[key]; old != nil && g.byKey[key] == nil {
		it := &item{key: key, res: old.self, parents: map[string]*item{}, weak: true}
		it.report = func(*plugin.Session) plugin.Any { return old.self }
		g.byKey[key] = it
		g.items = append(g.items, it)
	}
	known := g.byKey[key]
	it, _ := put(g, identity, r, parents...)
	it.weak = it.weak || known == nil
	return it
}

// measure says how the readings of a resource are recorded.
func measure[R plugin.Any](it *item, fresh func(before, now *fact.Report) bool, sample func(R)) {
	if it.sample == nil {
		it.fresh = fresh
		it.sample = func(r plugin.Any) { sample(r.(R)) }
	}
}

func ofDevice(k fact.Key) func(before, now *fact.Report) bool {
	return func(before, now *fact.Report) bool { return before.Devices[k] != now.Devices[k] }
}

func gauge(g *plugin.Gauge, v *float64) {
	if v != nil {
		g.Set(*v)
	}
}

func (g *graph) note(format string, args ...any) {
	g.notes = append(g.notes, fmt.Sprintf(format, args...))
}

// cut takes out edges that would close a cycle: facts that contradict themselves
// must not keep a host's other facts out.
func (g *graph) cut() {
	const entered, left = 1, 2
	state := make(map[*item]int, len(g.items))
	var visit func(it *item)
	visit = func(it *item) {
		state[it] = entered
		keys := slices.Collect(maps.Keys(it.parents))
		if len(keys) > 1 {
			slices.Sort(keys) // so that the same edge of a circle goes each time
		}
		for _, key := range keys {
			p := it.parents[key]
			switch state[p] {
			case entered:
				delete(it.parents, key)
				g.note("the host's devices are built on each other in a circle; the edge from %s to %s is left out", p.key, it.key)
			case left:
			default:
				visit(p)
			}
		}
		state[it] = left
	}
	for _, it := range g.items {
		if state[it] == 0 {
			visit(it)
		}
	}
}

// sortKeys orders device numbers as numbers.
func sortKeys(keys []fact.Key) {
	type number struct {
		major, minor int
		key          fact.Key
	}
	list := make([]number, len(keys))
	for i, k := range keys {
		major, minor, _ := strings.Cut(string(k), ":")
		list[i].key = k
		list[i].major, _ = strconv.Atoi(major)
		list[i].minor, _ = strconv.Atoi(minor)
	}
	slices.SortFunc(list, func(a, b number) int {
		return cmp.Or(cmp.Compare(a.major, b.major), cmp.Compare(a.minor, b.minor), cmp.Compare(a.key, b.key))
	})
	for i := range list {
		keys[i] = list[i].key
	}
}
