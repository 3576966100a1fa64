package redfish

import (
	"context"
	"slices"
)

// subsystem is what one Storage, or one StorageService of early Swordfish, holds.
type subsystem struct {
	path   string
	system string // the computer system it belongs to, if any
	simple []string
	nodes  []*node
	drives []*node
}

// subsystems reads all storage there is, each once, wherever it is linked from:
// computer systems, the root, or a chassis.
func (w *walk) subsystems(ctx context.Context, chassis, systems []*document, rooted []stored) []*subsystem {
	ofSystem := make([]stored, len(systems))
	ofChassis := make([]stored, len(chassis))
	together(
		func() {
			each(systems, func(i int, d *document) {
				from, docs := w.members(ctx, d, "Storage")
				ofSystem[i] = stored{d.path, w.ids(d.path, d.body.at("Links"), "Chassis"), from, docs}
			})
		},
		func() {
			each(chassis, func(i int, d *document) {
				s := stored{chassis: []string{d.path}, from: []string{d.path}}
				for _, link := range d.body.at("Links").refs("Storage") {
					if t := w.get(ctx, d.path, link); t != nil && t.err == nil && !isCollection(t.body) {
						s.docs = append(s.docs, t)
					}
				}
				ofChassis[i] = s
			})
		},
	)
	type job struct {
		doc *document
		of  stored
	}
	var jobs []job
	at := map[string]int{}
	for _, of := range slices.Concat(ofSystem, rooted, ofChassis) {
		for _, d := range of.docs {
			if i, seen := at[d.path]; seen {
				jobs[i].of.from = append(slices.Clone(jobs[i].of.from), of.from...)
				continue
			}
			at[d.path] = len(jobs)
			jobs = append(jobs, job{d, of})
		}
	}
	out := make([]*subsystem, len(jobs))
	each(jobs, func(i int, j job) { out[i] = w.subsystem(ctx, j.doc, j.of) })
	return out
}

func (w *walk) subsystem(ctx context.Context, d *document, of stored) *subsystem {
	enclosures := w.ids(d.path, d.body.at("Links"), "Enclosures")
	s := &subsystem{path: d.path, system: of.system, simple: w.ids(d.path, d.body.at("Links"), "SimpleStorage")}
	var older, newer, pools, volumes form
	var driveDocs []*document
	var driveFrom []string
	controller := func(o object, path, id string) hardware { return controllerOf(o, path, id) }
	together(
		func() { older = form{nodes: w.inline(ctx, d, "StorageControllers", controller)} },
		func() { newer = w.collection(ctx, d, "Controllers", controller) },
		func() { driveDocs, driveFrom = w.driveDocs(ctx, d.path, d.body.refs("Drives")) },
		func() {
			pools = w.collection(ctx, d, "StoragePools", func(o object, path, id string) hardware { return poolOf(o, path, id) })
		},
		func() { volumes = w.collection(ctx, d, "Volumes", newVolume) },
	)
	if len(d.body.refs("Volumes")) == 0 {
		volumes.merge(w.pooledVolumes(ctx, pools.nodes))
	}
	controllers := w.both(newer, older)
	s.drives = w.drives(ctx, driveDocs, driveFrom)
	volumes.nodes = append(volumes.nodes, w.drivesVolumes(ctx, driveDocs)...)
	w.linkPools(ctx, pools.nodes)
	w.linkVolumes(ctx, volumes.nodes)
	w.judgeSubsystem(d, controllers)

	ids := paths(controllers)
	lonely := len(pools.nodes) == 0 && len(volumes.nodes) == 0 && !pools.failed && !volumes.failed
	for _, n := range controllers {
		n.home = [][]string{of.chassis, enclosures}
	}
	for _, n := range s.drives {
		n.home = [][]string{enclosures, of.chassis}
		if lonely { // the drives are what the host sees
			n.under = append(n.under, ids...)
		}
	}
	for _, n := range slices.Concat(pools.nodes, volumes.nodes) {
		n.under = append(n.under, ids...)
	}
	s.nodes = slices.Concat(controllers, s.drives, pools.nodes, volumes.nodes)
	return s
}

func newVolume(o object, path, id string) hardware { return volumeOf(o, path, id) }

func paths(nodes []*node) []string {
	var out []string
	for _, n := range nodes {
		out = append(out, n.path())
	}
	return out
}

// drives makes nodes of drive documents.
func (w *walk) drives(ctx context.Context, docs []*document, from []string) []*node {
	nodes := documents(docs, from, func(o object, path, id string) hardware { return driveOf(o, path, id) })
	each(docs, func(i int, d *document) {
		n := nodes[i]
		links := d.body.at("Links")
		n.under = w.ids(d.path, links, "Chassis")
		n.over = slices.Concat(w.ids(d.path, links, "Volumes"), w.ids(d.path, links, "StoragePools"))
		x := n.res.(*Drive)
		if x.celsius != nil || !running(x.State) {
			return
		}
		for _, link := range d.body.refs("EnvironmentMetrics") {
			if m := w.getSoft(ctx, d.path, link); m != nil && m.err == nil {
				x.celsius = m.body.at("TemperatureCelsius").number("Reading")
			}
		}
	})
	return nodes
}

// drivesVolumes returns the volumes that drives link to. The storage's own list
// has them too, where it can be read.
func (w *walk) drivesVolumes(ctx context.Context, drives []*document) []*node {
	out := make([][]*node, len(drives))
	each(drives, func(i int, d *document) {
		for _, link := range d.body.at("Links").refs("Volumes") {
			if v := w.get(ctx, d.path, link); v != nil && v.err == nil && !isCollection(v.body) {
				out[i] = append(out[i], documents([]*document{v}, []string{d.path}, newVolume)...)
			}
		}
	})
	return slices.Concat(out...)
}

// pooledVolumes returns the volumes that pools give out, for a storage that has no
// list of its volumes.
func (w *walk) pooledVolumes(ctx context.Context, pools []*node) (f form) {
	for _, n := range pools {
		if d, ok := w.known(n.path()); ok {
			f.merge(w.collection(ctx, d, "AllocatedVolumes", newVolume))
		}
	}
	return f
}

// linkPools notes what each pool is made of and what is made of it.
func (w *walk) linkPools(ctx context.Context, pools []*node) {
	each(pools, func(_ int, n *node) {
		if d, ok := w.known(n.path()); ok {
			n.under = append(n.under, w.sources(ctx, d)...)
			n.over = slices.Concat(n.over, w.targets(ctx, d.path, d.body, "AllocatedVolumes"), w.targets(ctx, d.path, d.body, "AllocatedPools"))
		}
	})
}

// linkVolumes notes what each volume is made of.
func (w *walk) linkVolumes(ctx context.Context, volumes []*node) {
	each(volumes, func(_ int, n *node) {
		if d, ok := w.known(n.path()); ok {
			links := d.body.at("Links")
			n.under = slices.Concat(n.under, w.ids(d.path, links, "Drives"), w.ids(d.path, links, "Controllers"), w.sources(ctx, d))
		}
	})
}

// sources returns what a pool or a volume takes its capacity from.
func (w *walk) sources(ctx context.Context, d *document) []string {
	var out []string
	for _, c := range d.body.list("CapacitySources") {
		from := d.path
		if c.bare() && c != nil { // a link to the source instead of the source itself
			t := w.getSoft(ctx, d.path, c.ref0())
			if t == nil || t.err != nil || t.path == d.path {
				continue
			}
			c, from = t.body, t.path
		}
		for _, key := range []string{"ProvidingDrives", "ProvidingPools", "ProvidingVolumes"} {
			out = append(out, w.targets(ctx, from, c, key)...)
		}
	}
	return out
}

// targets resolves links that may be given one by one, or as a collection
// written in place, or as a link to a collection.
func (w *walk) targets(ctx context.Context, from string, o object, key string) []string {
	if c := o.at(key); c != nil && c["Members"] != nil {
		return w.ids(from, c, "Members")
	}
	if _, array := o[key].([]any); array {
		return w.ids(from, o, key)
	}
	var out []string
	for _, link := range o.refs(key) {
		if l, ok := w.listWith(ctx, from, link, w.getSoft); ok {
			for _, m := range l.members {
				out = append(out, m.id())
			}
		}
	}
	return out
}

// judgeSubsystem puts the verdict on a Storage, which has no class of its own,
// on its controllers, if it says more than they do.
func (w *walk) judgeSubsystem(d *document, controllers []*node) {
	verdict := statusOf(d.body).health
	if verdict.rank() <= OK.rank() {
		return
	}
	for _, n := range controllers {
		if c := n.res.(*Controller); c.Health.rank() >= verdict.rank() {
			return
		}
	}
	for _, n := range controllers {
		if c := n.res.(*Controller); c.State != absent {
			c.SubsystemHealth = verdict
		}
	}
	if len(controllers) == 0 {
		w.log.Warn("a storage subsystem without controllers reports a problem", "path", d.path, "health", string(verdict))
	}
}

// devices returns the drives of a system that stand only under SimpleStorage.
func (w *walk) devices(ctx context.Context, system *document, docs []*document, subsystems []*subsystem, known *merger) []*node {
	var out []*node
	chassis := w.ids(system.path, system.body.at("Links"), "Chassis")
	for _, d := range docs {
		devices := w.inline(ctx, d, "Devices", func(o object, path, id string) hardware { return driveOf(o, path, id) })
		for _, n := range devices {
			n.device = true
			n.home = [][]string{w.ids(d.path, d.body.at("Links"), "Chassis"), chassis}
		}
		storage := w.ids(d.path, d.body.at("Links"), "Storage")
		var drives []*node
		linked := false
		for _, s := range subsystems {
			if slices.Contains(storage, s.path) || slices.Contains(s.simple, d.path) {
				if !linked {
					drives = nil
				}
				linked = true
				drives = append(drives, s.drives...)
			} else if !linked && s.system == system.path {
				drives = append(drives, s.drives...)
			}
		}
		if !linked {
			drives = append(drives, known.drivesIn(chassis)...)
		}
		var whole []*node // the merged nodes, so that what a device adds is not lost
		for _, n := range drives {
			if m := known.at[n.path()]; m != nil && !slices.Contains(whole, m) {
				whole = append(whole, m)
			}
		}
		extra, dropped := uniteDevices(whole, devices, linked)
		w.drop(dropped)
		out = append(out, extra...)
	}
	return out
}

// drivesIn returns the drives that any of the given chassis lists as its own.
func (m *merger) drivesIn(chassis []string) []*node {
	var out []*node
	for _, n := range m.list {
		if _, drive := n.res.(*Drive); !drive || n.device {
			continue
		}
		if slices.ContainsFunc(n.under, func(id string) bool { return slices.Contains(chassis, id) }) {
			out = append(out, n)
		}
	}
	return out
}
