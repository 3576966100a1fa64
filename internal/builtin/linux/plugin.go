package linux

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/faultline-storage/faultline/internal/builtin/linux/fact"
	"github.com/faultline-storage/faultline/sdk/plugin"
)

// Options are the declarations of the plugin, for tests that add to them.
func options() []plugin.Option {
	return []plugin.Option{
		plugin.Handles(New),
		plugin.Reports[ScsiDevice](),
		plugin.Reports[UnsharedDevice](),
		plugin.Reports[NvmeNamespace](),
		plugin.Reports[Partition](),
		plugin.Reports[LinuxDeviceNode](),
		plugin.Reports[NvmeController](),
		plugin.Reports[MdRaid](),
		plugin.Reports[EMCPower](),
		plugin.Reports[LvmGroup](),
		plugin.Reports[LvmVolume](),
		plugin.Reports[ZfsPool](),
		plugin.Reports[ZfsDataset](),
		plugin.Reports[ZfsVol](),
		plugin.Reports[CryptDevice](),
		plugin.Reports[BcacheDevice](),
		plugin.Reports[LoopDevice](),
		plugin.Reports[MappedDevice](),
		plugin.Reports[StackMember](),
		plugin.Reports[MissingMember](),
		plugin.Reports[LocalMount](),
		plugin.Reports[LustreMount](),
		plugin.Reports[SwapArea](),
		plugin.Reports[ClusterMembership](),
		plugin.Reports[Enclosure](),
		plugin.Reports[EnclosureSlot](),
		plugin.Reports[EnclosureFan](),
		plugin.Reports[PowerSupply](),
		plugin.Reports[TemperatureSensor](),
		plugin.Reports[EnclosureElement](),
	}
}

// Program returns the declared plugin.
func Program() *plugin.Program { return plugin.New("linux", 1, options()...) }

// Main runs the plugin on standard input and output. It never returns.
func Main() { Program().Main() }

// Linux draws the graph of one host from what its device plugin reports. The SDK
// makes one value for each session.
type Linux struct {
	known *fact.Report     // all that the host said, put together
	items map[string]*item // what the session has reported of it
	// drives are the identities of what was behind multipath maps, by WWID.
	drives map[string]identity
}

// New returns a plugin value for one host.
func New() *Linux { return &Linux{items: map[string]*item{}, drives: map[string]identity{}} }

// AgentSessionStart takes the first report of a host.
func (p *Linux) AgentSessionStart(_ context.Context, s *plugin.Session, hostID int64, data json.RawMessage) error {
	r, err := decode(data)
	if err != nil {
		return err
	}
	for _, g := range r.Gaps {
		s.Incomplete("%s: %s", g.Part, g.Text)
	}
	return p.take(s, hostID, r)
}

// AgentSessionContinue takes a later report: what changed, or all again.
func (p *Linux) AgentSessionContinue(_ context.Context, s *plugin.Session, hostID int64, data json.RawMessage) error {
	r, err := decode(data)
	if err != nil {
		return err
	}
	return p.take(s, hostID, r)
}

func (p *Linux) take(s *plugin.Session, hostID int64, r *fact.Report) error {
	if p.known != nil {
		for _, g := range r.Gaps {
			if !hasGap(p.known.Gaps, g) {
				s.Log.Warn("the host cannot read a part: "+g.Text, "part", g.Part)
			}
		}
	}
	before := p.known
	p.known = merge(before, r)
	g := draw(hostID, p.known, p.items, p.drives)
	if before == nil {
		before = &fact.Report{}
		for _, name := range g.blind {
			s.Incomplete("devices: %s has no path, so the drive behind it is not known", name)
		}
	}
	for _, text := range g.notes {
		s.Log.Warn(text)
	}
	p.report(s, g, before)
	return nil
}

// report brings the session in step with the graph. The SDK finds out what is
// different; only edges that are gone, and resources that are, need a word. before
// is what was known of the host before.
func (p *Linux) report(s *plugin.Session, g *graph, before *fact.Report) {
	now := make(map[string]*item, len(g.items))
	for _, it := range g.items {
		it.self = it.report(s)
		now[it.key] = it
	}
	for _, it := range g.items {
		old := p.items[it.key]
		if old != nil {
			for key := range old.parents {
				if parent := now[key]; parent != nil && !it.has(key) {
					related(it.self).RemoveParent(parent.self)
				}
			}
		}
		for key, parent := range it.parents {
			if old == nil || !old.has(key) {
				related(it.self).AddParent(parent.self)
			}
		}
		if it.sample != nil && (old == nil || it.fresh(before, p.known)) {
			it.sample(it.self)
		}
	}
	for key, old := range p.items {
		if now[key] == nil {
			plugin.Remove(old.self)
		}
	}
	p.items = now
}

func related(r plugin.Any) interface {
	AddParent(parent plugin.Any)
	RemoveParent(parent plugin.Any)
} {
	return r.(interface {
		AddParent(parent plugin.Any)
		RemoveParent(parent plugin.Any)
	})
}

func hasGap(list []fact.Gap, g fact.Gap) bool {
	return slices.Contains(list, g)
}

// fold makes texts comparable that tools write in different ways: letters and
// digits alone, in lower case.
func fold(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		}
		return -1
	}, text)
}
