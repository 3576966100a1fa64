package redfish

import (
	"context"
	"slices"
	"strings"
)

// chassis reads one chassis and what cools, powers and measures it.
func (w *walk) chassis(ctx context.Context, d *document, from []string) []*node {
	links := d.body.at("Links")
	self := documents([]*document{d}, from, func(o object, path, id string) hardware { return chassisOf(o, path, id) })[0]
	self.under = slices.Concat(w.ids(d.path, links, "ContainedBy"), w.ids(d.path, links, "CooledBy"), w.ids(d.path, links, "PoweredBy"))
	self.over = w.ids(d.path, links, "Contains")

	var fans, supplies, sensors []*node
	together(
		func() { fans = w.fans(ctx, d) },
		func() { supplies = w.powerSupplies(ctx, d) },
		func() { sensors = w.thermometers(ctx, d) },
	)
	parts := slices.Concat(fans, supplies, sensors)
	for _, n := range parts {
		n.over = append(n.over, d.path) // a problem with the fan is one of the chassis
	}
	return append([]*node{self}, parts...)
}

// form is one of the two forms in which a service may show things.
type form struct {
	nodes  []*node
	failed bool // it is offered, but could not be read whole
}

// oldForm reads an array of a document that a property of d links to.
func (w *walk) oldForm(ctx context.Context, d *document, property, array string, make maker) (f form) {
	for _, link := range d.body.refs(property) {
		t := w.get(ctx, d.path, link)
		if t == nil || t.err != nil {
			f.failed = true
			continue
		}
		f.nodes = append(f.nodes, w.inline(ctx, t, array, make)...)
	}
	return f
}

// newForm reads a collection that a document links to which d links to.
func (w *walk) newForm(ctx context.Context, d *document, property, collection string, make maker) (f form) {
	for _, link := range d.body.refs(property) {
		t := w.get(ctx, d.path, link)
		if t == nil || t.err != nil {
			f.failed = true
			continue
		}
		f.merge(w.collection(ctx, t, collection, make))
	}
	return f
}

// collection makes nodes of the members of a collection.
func (w *walk) collection(ctx context.Context, d *document, property string, make maker) (f form) {
	for _, link := range d.body.refs(property) {
		l, ok := w.list(ctx, d.path, link)
		if !ok {
			f.failed = true
			continue
		}
		docs := w.all(ctx, l.path, l.members)
		f.failed = f.failed || len(docs) < len(l.members) || !w.whole(l.path)
		f.nodes = append(f.nodes, documents(unique(docs), []string{l.path}, make)...)
	}
	return f
}

func (f *form) merge(o form) {
	f.nodes = append(f.nodes, o.nodes...)
	f.failed = f.failed || o.failed
}

// whole reports whether a document was read without a gap.
func (w *walk) whole(path string) bool {
	w.reader.mu.Lock()
	defer w.reader.mu.Unlock()
	return w.docs[path].ok()
}

// both unites the two forms of one list.
func (w *walk) both(newer, older form) []*node {
	if newer.failed || older.failed {
		// Half a picture is no base for judging which names mean the same.
		newer.nodes, older.nodes = w.undropped(newer.nodes), w.undropped(older.nodes)
	}
	list, dropped := unite(newer.nodes, older.nodes)
	w.drop(dropped)
	return list
}

func (w *walk) fans(ctx context.Context, d *document) []*node {
	make := func(o object, path, id string) hardware { return fanOf(o, path, id) }
	var older, newer form
	together(
		func() { older = w.oldForm(ctx, d, "Thermal", "Fans", make) },
		func() { newer = w.newForm(ctx, d, "ThermalSubsystem", "Fans", make) },
	)
	return w.both(newer, older)
}

func (w *walk) powerSupplies(ctx context.Context, d *document) []*node {
	make := func(o object, path, id string) hardware { return powerSupplyOf(o, path, id) }
	var older, newer form
	together(
		func() { older = w.oldForm(ctx, d, "Power", "PowerSupplies", make) },
		func() { newer = w.newForm(ctx, d, "PowerSubsystem", "PowerSupplies", make) },
	)
	list := w.both(newer, older)
	each(list, func(_ int, n *node) {
		p := n.res.(*PowerSupply)
		if p.watts != nil || !running(p.State) {
			return
		}
		doc, ok := w.known(p.Path)
		if !ok {
			return
		}
		for _, link := range doc.body.refs("Metrics") {
			if m := w.getSoft(ctx, doc.path, link); m != nil && m.err == nil {
				p.addMetrics(m.body)
			}
		}
	})
	return list
}

// known returns a document that was read already.
func (w *walk) known(path string) (*document, bool) {
	w.reader.mu.Lock()
	defer w.reader.mu.Unlock()
	d, ok := w.docs[path]
	return d, ok && d.err == nil
}

// thermometers returns the temperature sensors of a chassis: those of Thermal
// where that lists any, else those among the Sensors.
func (w *walk) thermometers(ctx context.Context, d *document) []*node {
	older := w.oldForm(ctx, d, "Thermal", "Temperatures",
		func(o object, path, id string) hardware { return thermometerOf(o, path, id) })
	list := older.nodes
	switch {
	case len(list) > 0:
		if newer := w.sensors(ctx, d, true); len(newer.nodes) > 0 {
			var dropped []*node
			list, dropped = enrich(list, newer.nodes)
			w.drop(dropped)
		}
	case older.failed && w.mem.thermal[d.path]:
		// Thermal had them and will have them again; until then what is known stands.
	default:
		list = w.undropped(w.sensors(ctx, d, false).nodes)
	}
	for _, n := range list {
		n.res.(*TemperatureSensor).judge()
	}
	if len(older.nodes) > 0 {
		w.mu.Lock()
		w.thermal = append(w.thermal, d.path)
		w.mu.Unlock()
	}
	return list
}

// sensors reads the thermometers among the Sensors of a chassis. If they only
// add details, they are read only if that is cheap, and failing is no gap.
func (w *walk) sensors(ctx context.Context, d *document, details bool) (f form) {
	get := w.get
	if details {
		get = w.getSoft
	}
	for _, link := range d.body.refs("Sensors") {
		var l listing
		ok := false
		if w.expand && !strings.Contains(link, "?") {
			l, ok = w.listWith(ctx, d.path, link+"?$expand=.($levels=1)", w.getSoft)
			if a, is := w.resolve(d.path, link); ok && is {
				w.alias(d.path, a.doc, &l)
			}
		}
		if !ok {
			l, ok = w.listWith(ctx, d.path, link, get)
		}
		if !ok {
			f.failed = true
			continue
		}
		wanted := slices.DeleteFunc(slices.Clone(l.members), func(a address) bool { return w.mem.others[a.doc] })
		if details && !l.expanded && len(wanted) > sensorBudget {
			continue
		}
		docs := make([]*document, len(wanted))
		each(wanted, func(i int, a address) { docs[i] = get(ctx, l.path, a.raw) })
		docs = slices.DeleteFunc(docs, func(d *document) bool { return d == nil || d.err != nil })
		f.failed = f.failed || len(docs) < len(wanted) || !w.whole(l.path)
		thermometers := slices.DeleteFunc(docs, func(d *document) bool {
			_, is := temperatureUnit(d.body)
			if !is {
				w.mu.Lock()
				w.others = append(w.others, d.path)
				w.mu.Unlock()
			}
			return !is
		})
		f.nodes = append(f.nodes, documents(unique(thermometers), []string{l.path}, func(o object, path, id string) hardware {
			return sensorOf(o, path, id)
		})...)
	}
	return f
}

// chassisDrives returns the drives that a chassis lists, as parts of it.
func (w *walk) chassisDrives(ctx context.Context, d *document) []*node {
	docs, from := w.driveDocs(ctx, d.path, slices.Concat(d.body.refs("Drives"), d.body.at("Links").refs("Drives")))
	nodes := w.drives(ctx, docs, from)
	for _, n := range nodes {
		n.under = append(n.under, d.path)
	}
	return nodes
}

// driveDocs reads drives by links that lead to them, or to collections of them.
func (w *walk) driveDocs(ctx context.Context, from string, links []string) (docs []*document, sources []string) {
	lists := make([][]*document, len(links))
	source := make([]string, len(links))
	each(links, func(i int, link string) {
		t := w.get(ctx, from, link)
		switch {
		case t == nil || t.err != nil:
		case isCollection(t.body):
			if l, ok := w.list(ctx, from, link); ok {
				lists[i], source[i] = w.all(ctx, l.path, l.members), l.path
			}
		default:
			lists[i] = []*document{t}
		}
	})
	sources = []string{from}
	for _, s := range source {
		if s != "" {
			sources = append(sources, s)
		}
	}
	return unique(slices.Concat(lists...)), sources
}
