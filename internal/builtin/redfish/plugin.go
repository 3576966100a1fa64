package redfish

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/faultline-storage/faultline/sdk/plugin"
)

// period is the pause between two update scans. Management controllers refresh
// their own sensors no faster than every few seconds and take long to answer.
const period = 60 * time.Second

// maxNamed is how many unread documents are named; of more, the number is told.
const maxNamed = 200

// Program returns the declared plugin.
func Program() *plugin.Program {
	return plugin.New("redfish", 1,
		plugin.Scans(New),
		plugin.Reports[Chassis](),
		plugin.Reports[Controller](),
		plugin.Reports[Drive](),
		plugin.Reports[Pool](),
		plugin.Reports[Volume](),
		plugin.Reports[Fan](),
		plugin.Reports[TemperatureSensor](),
		plugin.Reports[PowerSupply](),
	)
}

// Main runs the plugin on standard input and output. It never returns.
func Main() { Program().Main() }

// Redfish talks to one Service; the SDK makes one value for each.
type Redfish struct {
	client  *client
	mem     *memory
	timeout time.Duration // of one request; 0 means the client's default
}

// New returns a plugin value for one service.
func New() *Redfish { return &Redfish{mem: newMemory()} }

// InitialScan reports all hardware of the service. It fails if the service
// cannot be reached or refuses the user. If only parts cannot be read, it
// reports the others and says that it is incomplete, so that nothing that was
// known before is deleted.
func (p *Redfish) InitialScan(ctx context.Context, s *plugin.Session, root *Service) error {
	c, err := newClient(clientOptions{
		url: root.URL, user: root.User, password: string(root.Password),
		insecure: root.VerifyTLS != nil && !*root.VerifyTLS,
		timeout:  p.timeout,
		log:      s.Log,
	})
	if err != nil {
		return err
	}
	p.client = c
	s.Every(period)
	gaps, err := p.scan(ctx, s, root, true)
	if err != nil {
		return err
	}
	for i, g := range gaps {
		if i == maxNamed {
			s.Incomplete("and %d further documents", len(gaps)-i)
			break
		}
		s.Incomplete("%s", g)
	}
	return nil
}

// UpdateScan reads the service again. What a list no longer names is removed;
// what is named but cannot be read stays as it was last seen.
func (p *Redfish) UpdateScan(ctx context.Context, s *plugin.Session, root *Service) error {
	_, err := p.scan(ctx, s, root, false)
	return err
}

// Teardown signs off from the service.
func (p *Redfish) Teardown() error {
	if p.client != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		p.client.close(ctx)
	}
	return nil
}

func (p *Redfish) scan(ctx context.Context, s *plugin.Session, root *Service, first bool) ([]gap, error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	p.client.forgive()
	w := &walk{reader: newReader(p.client, stop), log: s.Log, mem: p.mem}
	f, err := w.run(ctx)
	if err != nil {
		return nil, explain(p.client.site, err)
	}
	p.mem.recognise(f.nodes, w.reader)
	p.report(s, f, w)
	if !first {
		for _, path := range p.mem.vanished(f.nodes, w.reader) {
			plugin.Remove(p.mem.known[path].handle)
			delete(p.mem.known, path)
		}
	}
	p.mem.learn(f.nodes, w)
	p.tell(s, root, f, first)
	return f.gaps, nil
}

// report reports the nodes and the edges between them.
func (p *Redfish) report(s *plugin.Session, f *found, w *walk) {
	for _, n := range f.nodes {
		k := p.mem.known[n.path()]
		if k == nil {
			k = &known{}
			p.mem.known[n.path()] = k
		}
		k.last = snapshot(n.res)
		k.handle = n.res.report(s)
	}
	var kept []edge
	if w.failed() {
		kept = p.mem.edges // a link that was not seen may stand in what was not read
	}
	kept = slices.DeleteFunc(slices.Clone(kept), func(e edge) bool {
		return p.mem.known[e.parent] == nil || p.mem.known[e.child] == nil
	})
	g := edges(f.nodes, kept)
	for _, e := range g.refused {
		s.Log.Debug("the service describes a circle; this part of it is left out", "parent", e.parent, "child", e.child)
	}
	for _, e := range p.mem.edges {
		if !g.has[e] && p.mem.known[e.parent] != nil && p.mem.known[e.child] != nil {
			base(p.mem.known[e.child].handle).RemoveParent(p.mem.known[e.parent].handle)
		}
	}
	had := map[edge]bool{}
	for _, e := range p.mem.edges {
		had[e] = true
	}
	for _, e := range g.edges {
		if !had[e] {
			base(p.mem.known[e.child].handle).AddParent(p.mem.known[e.parent].handle)
		}
	}
	p.mem.edges = g.edges
}

// related is what every resource can do about its parents.
type related interface {
	AddParent(plugin.Any)
	RemoveParent(plugin.Any)
}

func base(r plugin.Any) related { return r.(related) }

// tell writes what was learned about the service itself, and logs what could
// not be read when that changed. What the first scan could not read is told by
// Session.Incomplete.
func (p *Redfish) tell(s *plugin.Session, root *Service, f *found, first bool) {
	root.Product = f.root.first("Product", "Name")
	root.Vendor = f.root.text("Vendor")
	root.RedfishVersion = f.root.text("RedfishVersion")
	unread := int64(len(f.gaps))
	root.Unread = &unread
	var lines []string
	now := map[string]bool{}
	for i, g := range f.gaps {
		line := g.String()
		now[line] = true
		if i < maxNamed {
			lines = append(lines, line)
			if !first && !p.mem.gaps[line] {
				s.Log.Warn("could not be read: "+line, "path", g.path)
			}
		}
	}
	if rest := len(f.gaps) - maxNamed; rest > 0 {
		lines = append(lines, fmt.Sprintf("and %d further documents", rest))
	}
	for _, line := range slices.Sorted(maps.Keys(p.mem.gaps)) {
		if !now[line] {
			s.Log.Info("no longer unreadable: " + line)
		}
	}
	p.mem.gaps = now
	root.UnreadMembers = strings.Join(lines, "\n")
}
