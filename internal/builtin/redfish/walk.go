package redfish

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// sensorBudget is how many Sensors are read one by one only to add to what
// Thermal already says. A large machine has hundreds, one request each.
const sensorBudget = 50

// walk reads one service from its root and makes nodes of what it finds.
type walk struct {
	*reader
	log *slog.Logger
	mem *memory

	mu      sync.Mutex
	dropped []string // ids of objects that were other names of known ones
	others  []string // Sensors that measure something else
	thermal []string // chassis whose temperatures stand in Thermal
}

// hardwareLinks are the links of a service's root that lead to storage hardware.
var hardwareLinks = []string{"Chassis", "Systems", "Storage", "StorageServices", "StorageSystems"}

// found is the outcome of a walk.
type found struct {
	root  object
	nodes []*node // each object once, in the order of the service
	gaps  []gap
}

// run walks the service. Its error means that nothing was learned; what could
// not be read of a service that does answer is in the gaps.
func (w *walk) run(ctx context.Context) (*found, error) {
	root := w.get(ctx, "", rootPath+"/")
	if root == nil || root.err != nil {
		if err := context.Cause(ctx); err != nil {
			return nil, err
		}
		return nil, root.err
	}
	w.expand = expands(root.body)
	if !slices.ContainsFunc(hardwareLinks, func(k string) bool { return len(root.body.refs(k)) > 0 }) {
		// A controller that is starting up may say so little; that is no empty machine.
		return nil, errors.New("the root of the service links to no hardware: no " + strings.Join(hardwareLinks, ", "))
	}

	var chassis, systems []*document
	var chassisFrom []string
	stores := make([]stored, 2) // storage that hangs from the root
	together(
		func() { chassisFrom, chassis = w.members(ctx, root, "Chassis") },
		func() {
			_, systems = w.members(ctx, root, "Systems")
			_, more := w.members(ctx, root, "StorageSystems") // early Swordfish
			systems = unique(append(systems, more...))
		},
		func() { stores[0].from, stores[0].docs = w.members(ctx, root, "Storage") },
		func() { stores[1].from, stores[1].docs = w.members(ctx, root, "StorageServices") },
	)

	inChassis := make([][]*node, len(chassis))
	drives := make([][]*node, len(chassis))
	simple := make([][]*document, len(systems))
	var subsystems []*subsystem
	together(
		func() { each(chassis, func(i int, d *document) { inChassis[i] = w.chassis(ctx, d, chassisFrom) }) },
		func() { each(chassis, func(i int, d *document) { drives[i] = w.chassisDrives(ctx, d) }) },
		func() { each(systems, func(i int, d *document) { _, simple[i] = w.members(ctx, d, "SimpleStorage") }) },
		func() { subsystems = w.subsystems(ctx, chassis, systems, stores) },
	)
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	if err := w.nothing(root); err != nil {
		return nil, err
	}

	m := newMerger()
	for i := range chassis {
		m.add(inChassis[i]...)
	}
	for i := range chassis {
		m.add(drives[i]...)
	}
	for _, s := range subsystems {
		m.add(s.nodes...)
	}
	for i, d := range systems {
		m.add(w.devices(ctx, d, simple[i], subsystems, m)...)
	}
	return &found{root: root.body, nodes: m.list, gaps: w.gaps()}, nil
}

// stored is documents of storage and what lists them.
type stored struct {
	system  string   // the computer system they belong to, if any
	chassis []string // and the chassis that is in
	from    []string
	docs    []*document
}

// together calls all functions at once and waits for them.
func together(f ...func()) { each(f, func(_ int, f func()) { f() }) }

// expands reports whether the service says that it can answer a collection
// together with its members.
func expands(root object) bool {
	e := root.at("ProtocolFeaturesSupported", "ExpandQuery")
	yes := func(k string) bool { b := e.flag(k); return b != nil && *b }
	return yes("NoLinks") && yes("Levels")
}

// nothing returns an error if the root was all that could be read: services
// show their root to everybody, also to those that may not see the hardware,
// and a service of which nothing is readable is not an empty one.
func (w *walk) nothing(root *document) error {
	w.reader.mu.Lock()
	defer w.reader.mu.Unlock()
	var why error
	for _, d := range w.docs {
		if d == root || d.soft {
			continue
		}
		if d.err == nil {
			return nil
		}
		why = errors.Join(why, fmt.Errorf("%s: %w", d.path, d.err))
	}
	return why
}

// ids resolves the links of a property.
func (w *walk) ids(from string, o object, key string) []string {
	var out []string
	for _, link := range o.refs(key) {
		if a, ok := w.resolve(from, link); ok {
			out = append(out, a.id())
		}
	}
	return out
}

// maker makes a resource of a document or of an element of one.
type maker func(o object, path, id string) hardware

// documents makes a node of every document.
func documents(docs []*document, from []string, make maker) []*node {
	var out []*node
	for _, d := range docs {
		res := make(d.body, d.path, lastOf(d.path))
		if res == nil {
			continue
		}
		n := &node{res: res, member: d.body.first("Id", "MemberId")}
		n.addAlias(d.path)
		n.addSources(from...)
		out = append(out, n)
	}
	return out
}

// inline makes a node of every element of an array in a document. Links may
// name an element by its position, by the address it states itself, or by its
// MemberId; it is identified by the latter, which stays when others go.
func (w *walk) inline(ctx context.Context, d *document, key string, make maker) []*node {
	list := d.body.list(key)
	count := map[string]int{}
	for _, o := range list {
		count[o.text("MemberId")]++
	}
	var out []*node
	for i, o := range list {
		position := d.path + "#/" + key + "/" + strconv.Itoa(i)
		if o.bare() {
			// A link in place of an element: old in place, new in what it leads to.
			if a, ok := w.resolve(d.path, o.ref0()); o != nil && ok && a.doc != d.path && a.fragment == "" {
				if t := w.get(ctx, d.path, o.ref0()); t != nil && t.err == nil {
					out = append(out, documents([]*document{t}, []string{d.path}, make)...)
				}
			}
			continue
		}
		id := strconv.Itoa(i)
		if m := o.text("MemberId"); m != "" && count[m] == 1 {
			id = m
		}
		path := d.path + "#/" + key + "/" + id
		res := make(o, path, id)
		if res == nil {
			continue
		}
		n := &node{res: res, member: o.text("MemberId")}
		n.addAlias(path, position)
		if a, ok := w.ownAddress(d.path, o.text(linkKey)); ok {
			n.addAlias(a.id())
		}
		n.addSources(d.path)
		out = append(out, n)
	}
	return uniqueAliases(out)
}

// ownAddress resolves the address that an element states of itself. Some
// services leave that out, or state that of the whole document.
func (w *walk) ownAddress(from, link string) (address, bool) {
	if link == "" {
		return address{}, false
	}
	a, err := w.site.resolve(from, link)
	return a, err == nil && a.id() != from
}

// ref0 is the object's own address.
func (o object) ref0() string {
	s, _ := o[linkKey].(string)
	return s
}

// uniqueAliases takes an id away from all elements but the first that claim
// it: a position and another element's MemberId may look the same. The path,
// the first alias, stays.
func uniqueAliases(nodes []*node) []*node {
	owner := map[string]*node{}
	for _, n := range nodes {
		owner[n.path()] = n
	}
	for _, n := range nodes {
		n.alias = slices.DeleteFunc(n.alias, func(id string) bool {
			if o, ok := owner[id]; ok && o != n {
				return true
			}
			owner[id] = n
			return false
		})
	}
	return nodes
}

func lastOf(path string) string {
	for i := len(path) - 1; i >= 0; i-- {
		if path[i] == '/' {
			return path[i+1:]
		}
	}
	return path
}

// drop remembers objects that are other names of what is reported.
func (w *walk) drop(nodes []*node) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, n := range nodes {
		w.dropped = append(w.dropped, n.path())
	}
}

// undropped leaves out what an earlier, better walk found to be another name of
// something else; it is for lists whose other form cannot be read now.
func (w *walk) undropped(nodes []*node) []*node {
	return slices.DeleteFunc(nodes, func(n *node) bool { return w.mem.dropped[n.path()] })
}

// merger joins nodes of one path: an object may be listed in several places.
type merger struct {
	list []*node
	at   map[string]*node // by any id
}

func newMerger() *merger { return &merger{at: map[string]*node{}} }

func (m *merger) add(nodes ...*node) {
	for _, n := range nodes {
		if o, ok := m.at[n.path()]; ok && sameClass(o.res, n.res) {
			o.absorb(n)
			n = o
		} else {
			m.list = append(m.list, n)
		}
		for _, id := range n.alias {
			if _, taken := m.at[id]; !taken {
				m.at[id] = n
			}
		}
	}
}

func sameClass(a, b hardware) bool { return reflect.TypeOf(a) == reflect.TypeOf(b) }
