package lustre

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/faultline-storage/faultline/internal/builtin/lustre/fact"
	"github.com/faultline-storage/faultline/sdk/plugin"
)

// news is how long, in seconds, clients that a recovery gave up are worth an
// alert.
const news = 24 * 60 * 60

// unknownSystem stands for the file system of a management target's storage, which
// nothing but its contents tells.
const unknownSystem = "unknown"

// target is a reported target.
type target struct {
	any     plugin.Any
	base    *Target
	mdt     *MetadataTarget
	ost     *ObjectStoreTarget
	systems []string // whose parent it is
}

// round is one look at everything that the session reports.
type round struct {
	p    *Lustre
	s    *plugin.Session
	h    *host
	kept map[plugin.Any]bool
	fs   map[string]*FileSystem
}

// sync brings what the session reports in step with what its host and the others
// say.
func (p *Lustre) sync() {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	r := &round{p: p, s: p.s, h: p.h, kept: map[plugin.Any]bool{}, fs: map[string]*FileSystem{}}
	server := r.server()
	r.mounts(server)
	before := p.targets
	p.targets = map[key]*target{}
	for _, k := range p.w.reported(p.h) {
		c := p.w.conclude(k)
		t := r.target(&c)
		p.targets[k] = t
		for _, name := range t.systems {
			r.system(name).AddParent(t.any)
		}
	}
	r.clients()
	for k, t := range p.targets {
		for name, f := range r.fs {
			if old := before[k]; old != nil && slices.Contains(old.systems, name) && !slices.Contains(t.systems, name) {
				f.RemoveParent(t.any) // of a management target
			}
		}
	}
	for name, f := range r.fs {
		if p.writes[name] = p.writes[name] || p.w.writer(p.h, name); p.writes[name] {
			p.w.describe(f)
		}
	}
	prune[FileSystem](r)
	prune[ManagementTarget](r)
	prune[MetadataTarget](r)
	prune[ObjectStoreTarget](r)
	prune[TargetMount](r)
	prune[Server](r)
	prune[LNetInterface](r)
	prune[ClientMount](r)
}

// prune removes what the round did not report.
func prune[T any, P interface {
	*T
	plugin.Any
}](r *round) {
	for x := range plugin.All[T](r.s) {
		if !r.kept[P(x)] {
			plugin.Remove(P(x))
		}
	}
}

func report[R plugin.Any](r *round, x R, parents ...plugin.Any) R {
	x = plugin.Report(r.s, x, parents...)
	r.kept[x] = true
	return x
}

// system reports a file system, once.
func (r *round) system(name string) *FileSystem {
	f := r.fs[name]
	if f == nil {
		if old, ok := plugin.Find(r.s, &FileSystem{Name: name}); ok {
			f = old // with what it has: only some sessions write its attributes
		} else {
			f = &FileSystem{Name: name}
		}
		f = report(r, f)
		r.fs[name] = f
	}
	return f
}

// server reports Lustre on the host and its interfaces; nil if there is no Lustre.
func (r *round) server() *Server {
	v := &r.h.view
	node := cmp.Or(v.Node, &fact.Node{})
	if node.Version == "" && node.Health == "" && node.LNet == "" && len(v.Targets)+len(v.Clients)+len(v.Interfaces) == 0 {
		return nil
	}
	s := &Server{HostID: r.h.id, Host: r.h.name(), Version: node.Version}
	switch {
	case strings.EqualFold(node.Health, "healthy"):
		s.Health = Healthy
	case strings.Contains(node.Health, "LBUG"):
		s.Health = LBUG
	case node.Health != "":
		s.Health = NotHealthy
	}
	switch {
	case node.LNet == "up":
		s.LNet = NetworkUp
	case node.LNet == "down" && len(v.Targets)+len(v.Clients) > 0:
		s.LNet = NetworkDown
	case node.LNet == "down":
		s.LNet = NetworkUnused
	}
	n := int64(len(v.Gaps))
	s.Unread = &n
	var lines []string
	for _, g := range v.Gaps {
		lines = append(lines, g.Part+": "+g.Text)
	}
	s.Gaps = strings.Join(lines, "\n")
	s = report(r, s)
	up := map[string]bool{}
	for _, i := range v.Interfaces {
		up[i.Net] = up[i.Net] || i.Status == "up"
	}
	for _, nid := range slices.Sorted(maps.Keys(v.Interfaces)) {
		i := v.Interfaces[nid]
		if i.Net == "lo" {
			continue
		}
		x := &LNetInterface{NID: nid, HostID: r.h.id, Host: r.h.name(), Net: i.Net, Devices: strings.Join(i.Devices, ", ")}
		switch {
		case i.Status == "up":
			x.State = LinkUp
		case i.Status == "":
		case up[i.Net]:
			x.State = LinkDown
		default:
			x.State = LinkLost
		}
		s.AddParent(report(r, x))
	}
	return s
}

// mounts reports the host's side of its targets.
func (r *round) mounts(server *Server) {
	v := &r.h.view
	for _, name := range slices.Sorted(maps.Keys(v.Targets)) {
		t, k := v.Targets[name], v.key(r.h.id, name)
		m := &TargetMount{
			Filesystem: k.fs, Name: k.name, HostID: r.h.id, Host: r.h.name(), Part: Active,
			Path: plugin.Path(t.Device), DeviceNumber: t.Number, MountPoint: plugin.Path(t.Mount), Backend: t.Backend,
		}
		if stopping(t) {
			m.Part = Stopping
		}
		report(r, m).AddParent(server)
	}
	for _, name := range slices.Sorted(maps.Keys(v.Storage)) {
		t := v.Storage[name]
		if v.Targets[name] != nil {
			continue
		}
		m := report(r, &TargetMount{
			Filesystem: cmp.Or(t.FS, unknownSystem), Name: string(name), HostID: r.h.id, Host: r.h.name(), Part: Standby,
			Path: plugin.Path(t.Device), DeviceNumber: t.Number, Backend: t.Backend,
		})
		if server != nil {
			m.RemoveParent(server) // it may have been mounted here before
		}
	}
}

// clients reports what the host has mounted as a client. A problem with a file
// system is a problem with its mounts.
func (r *round) clients() {
	v := &r.h.view
	for _, id := range slices.Sorted(maps.Keys(v.Clients)) {
		c := v.Clients[id]
		m := &ClientMount{
			Instance: id, Filesystem: c.FS, HostID: r.h.id, Host: r.h.name(), MountPoint: plugin.Path(c.Mount), Reaches: ReachAll,
			Disconnected: names(c.Disconnected), Inactive: names(c.Inactive),
		}
		switch n := len(c.Disconnected); {
		case n > 0 && n >= c.Targets-len(c.Inactive):
			m.Reaches = ReachNone
		case n > 0:
			m.Reaches = ReachSome
		}
		report(r, m, r.system(c.FS))
	}
}

func names(list []fact.Name) string {
	texts := make([]string, len(list))
	for i, n := range list {
		texts[i] = string(n)
	}
	slices.Sort(texts)
	return strings.Join(texts, ", ")
}

// systems are the file systems that a problem with the target is a problem of.
func (c *conclusion) systems() []string {
	if c.kind != fact.MGT {
		return []string{c.fs}
	}
	if c.here != nil {
		return c.here.Serves
	}
	return nil
}

// target reports a target, with what is so of it by all hosts.
func (r *round) target(c *conclusion) *target {
	base := Target{
		Filesystem: c.fs, Name: c.name, State: c.state, ActiveOn: strings.Join(c.active, ", "),
		Path: plugin.Path(c.disk.Device), DeviceNumber: c.disk.Number, Backend: c.disk.Backend, UUID: c.disk.UUID, Size: plugin.Bytes(c.size),
	}
	if c.host != 0 {
		base.HostID = &c.host
	}
	if t := c.here; t != nil {
		errors := max(0, t.Errors)
		base.ReadOnly, base.MarkedDegraded, base.Errors = &t.ReadOnly, &t.Degraded, &errors
		sick := c.at.view.Node != nil && slices.Contains(c.at.view.Node.Unhealthy, c.name)
		base.Unhealthy = &sick
		base.recovery(t.Recovery, c.at.view.Time)
	}
	t := &target{systems: c.systems()}
	switch c.kind {
	case fact.MDT:
		t.mdt = report(r, &MetadataTarget{Target: base})
		t.any, t.base = t.mdt, &t.mdt.Target
	case fact.OST:
		t.ost = report(r, &ObjectStoreTarget{Target: base})
		t.any, t.base = t.ost, &t.ost.Target
	default:
		m := report(r, &ManagementTarget{Target: base, Serves: strings.Join(c.systems(), ", ")})
		t.any, t.base = m, &m.Target
	}
	return t
}

// recovery fills in what a recovery comes to. now is by the host's clock.
func (t *Target) recovery(r *fact.Recovery, now int64) {
	if r == nil {
		return
	}
	switch status := strings.ToUpper(r.Status); {
	case status == "INACTIVE":
		t.Recovery = NoRecovery
	case strings.HasPrefix(status, "WAITING"):
		t.Recovery = Waiting
	case status == "RECOVERING":
		t.Recovery = Recovering
	case status == "COMPLETE":
		t.Recovery = Recovered
	case strings.HasPrefix(status, "ABORT"):
		t.Recovery = Aborted
	default:
		t.Recovery = OddRecovery
	}
	evicted := max(0, r.Evicted)
	if t.Recovery == Recovered && now > r.Start+r.Duration+news {
		evicted = 0
	}
	t.Evicted = &evicted
}
