package scan

import (
	"context"

	"github.com/faultline-storage/faultline/internal/builtin/linux/fact"
	"github.com/faultline-storage/faultline/internal/builtin/linux/scan/source"
	"github.com/faultline-storage/faultline/sdk/agent"
)

// Main is the device plugin: it reports the host that it runs on, and never
// returns.
func Main() {
	agent.Main("linux", func(env *agent.Env) agent.Plugin {
		return &plugin{scanner: New(Options{Log: env.Log, Commands: &source.Tools{}})}
	})
}

// plugin is one session: what the server knows, and the scanner.
type plugin struct {
	scanner *Scanner
	told    *fact.Report
}

// StartSession is as agent.Plugin says.
func (p *plugin) StartSession(ctx context.Context) ([]agent.Message, error) {
	p.told = p.scanner.Scan(ctx)
	return []agent.Message{{Data: p.told}}, nil
}

// UpdateSession is as agent.Plugin says.
func (p *plugin) UpdateSession(ctx context.Context) ([]agent.Message, error) {
	next := p.scanner.Scan(ctx)
	d := fact.Delta(p.told, next)
	if d == nil {
		return nil, nil
	}
	p.told = next
	return []agent.Message{{Data: d}}, nil
}
