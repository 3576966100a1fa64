package lustre

import (
	"context"
	"encoding/json"
	"fmt"
	"sync/atomic"

	"github.com/faultline-storage/faultline/internal/builtin/lustre/fact"
	"github.com/faultline-storage/faultline/sdk/plugin"
)

// seatsFile is where the plugin keeps what it must not forget, in its working
// folder.
const seatsFile = "targets.json"

// Program returns the declared plugin, with nothing known yet of any host.
func Program() *plugin.Program { return declare(newWorld(seatsFile)) }

// Main runs the plugin on standard input and output. It never returns.
func Main() { Program().Main() }

func declare(w *world, more ...plugin.Option) *plugin.Program {
	return plugin.New("lustre", 1, append([]plugin.Option{
		plugin.Handles(func() *Lustre { return &Lustre{w: w} }),
		plugin.Reports[FileSystem](),
		plugin.Reports[ManagementTarget](),
		plugin.Reports[MetadataTarget](),
		plugin.Reports[ObjectStoreTarget](),
		plugin.Reports[TargetMount](),
		plugin.Reports[Server](),
		plugin.Reports[LNetInterface](),
		plugin.Reports[ClientMount](),
	}, more...)...)
}

// Lustre makes resources of what one host says; the SDK makes one value for each
// session.
type Lustre struct {
	w       *world
	s       *plugin.Session
	h       *host // guarded by w.mu
	pending atomic.Bool
	targets map[key]*target // of the session's goroutine

	// writes are the file systems whose attributes this session has ever told; guarded
	// by w.mu.
	writes map[string]bool
}

// AgentSessionStart takes the full report of a host.
func (p *Lustre) AgentSessionStart(_ context.Context, s *plugin.Session, hostID int64, data json.RawMessage) error {
	p.s, p.targets, p.writes = s, map[key]*target{}, map[string]bool{}
	r, err := decode(data)
	if err != nil {
		return err
	}
	if !r.Full {
		return fmt.Errorf("the first message of a session is no full report: the agent must begin anew")
	}
	p.h = p.w.enter(hostID, p)
	p.w.take(p.h, r)
	for _, g := range r.Gaps {
		s.Incomplete("%s: %s", g.Part, g.Text)
	}
	p.sync()
	p.sample(r)
	return nil
}

// AgentSessionContinue takes what changed on the host, and its samples.
func (p *Lustre) AgentSessionContinue(_ context.Context, _ *plugin.Session, _ int64, data json.RawMessage) error {
	r, err := decode(data)
	if err != nil {
		return err
	}
	if p.w.take(p.h, r) {
		p.sync()
	}
	p.sample(r)
	return nil
}

// Teardown ends the session: what the host said is not to be relied on for long.
func (p *Lustre) Teardown() error {
	if p.h != nil {
		p.w.leave(p.h.id, p)
	}
	return nil
}

// again has the session look at its targets once more, for what another host said.
// Any goroutine may call it.
func (p *Lustre) again() {
	if p.pending.CompareAndSwap(false, true) {
		p.s.Post(func() {
			p.pending.Store(false)
			p.sync()
		})
	}
}

// decode reads and checks a message.
func decode(data json.RawMessage) (*fact.Report, error) {
	var r fact.Report
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, fmt.Errorf("the report cannot be read: %w", err)
	}
	if err := check(&r); err != nil {
		return nil, err
	}
	return &r, nil
}
