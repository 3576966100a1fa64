package scan

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/faultline-storage/faultline/internal/builtin/linux/scan/source"
	"github.com/faultline-storage/faultline/internal/builtin/lustre/fact"
	"github.com/faultline-storage/faultline/sdk/agent"
)

const (
	// period is the pause between two looks at the state, usagePeriod at least that
	// between two samples, watchPeriod that between two looks at whether a target came
	// or went.
	period      = 10 * time.Second
	usagePeriod = 30 * time.Second
	// signPeriod is after how long a host with targets or clients says that it is
	// there, if it has nothing else to say. The server takes a silent host's word for
	// less, see the package lustre.
	signPeriod  = 20 * time.Second
	watchPeriod = 2 * time.Second
)

// RootVar names an environment variable with the folder below which the system's
// /proc, /sys and /dev are: where an agent in a container sees its host. Tools
// are not run then, since those of the container know nothing of the host.
const RootVar = "HOST_ROOT"

// Main is the device plugin: it reports Lustre on the host that it runs on, and
// never returns.
func Main() { Program(os.Getenv(RootVar)).Main() }

// Program is the device plugin, declared. root is as RootVar says, or empty.
func Program(root string) *agent.Program {
	tools := &source.Tools{} // of all sessions: it knows which tool still hangs
	return agent.New("lustre", func(env *agent.Env) agent.Plugin {
		o := Options{Log: env.Log, Commands: tools}
		if root != "" {
			o.Commands = nil
			files, err := source.Folder(root)
			if err != nil {
				return unable{fmt.Errorf("%s: %w", RootVar, err)}
			}
			o.Files = files
		}
		return NewPlugin(New(o), env.Changed)
	}, agent.Every(period))
}

// unable is the session of a plugin that cannot begin.
type unable struct{ err error }

// StartSession is as agent.Plugin says.
func (u unable) StartSession(context.Context) ([]agent.Message, error) { return nil, u.err }

// UpdateSession is as agent.Plugin says.
func (u unable) UpdateSession(context.Context) ([]agent.Message, error) { return nil, u.err }

// NewPlugin is one session of the device plugin, over a scanner of its own.
// changed is called, from another goroutine, when a target came or went; it may be
// nil, and then nothing watches.
func NewPlugin(s *Scanner, changed func()) agent.Plugin {
	return &session{scanner: s, changed: changed}
}

// session is what the server knows, and the scanner.
type session struct {
	scanner *Scanner
	changed func()
	told    *fact.Report
	sampled time.Time
	spoke   time.Time
}

// StartSession is as agent.Plugin says.
func (p *session) StartSession(ctx context.Context) ([]agent.Message, error) {
	full := p.scanner.State(ctx)
	p.told = full
	first := *full
	p.sample(ctx, full, &first)
	p.spoke = p.scanner.now()
	if p.changed != nil {
		go p.watch(ctx)
	}
	return []agent.Message{{Data: &first, Priority: agent.High}}, nil
}

// UpdateSession is as agent.Plugin says. What changed goes before the samples of
// this host and of others.
func (p *session) UpdateSession(ctx context.Context) ([]agent.Message, error) {
	next := p.scanner.State(ctx)
	var messages []agent.Message
	if d := fact.Delta(p.told, next); d != nil {
		messages = append(messages, agent.Message{Data: d, Priority: agent.High})
	}
	p.told = next
	if now := p.scanner.now(); now.Sub(p.sampled) >= usagePeriod {
		r := &fact.Report{Version: fact.Version, Time: now.Unix()}
		if p.sample(ctx, next, r); len(r.Usage) > 0 {
			messages = append(messages, agent.Message{Data: r, Priority: agent.Low})
		}
	}
	now := p.scanner.now()
	if len(messages) == 0 && len(next.Targets)+len(next.Clients)+len(next.Storage) > 0 && now.Sub(p.spoke) >= signPeriod {
		messages = append(messages, agent.Message{Data: &fact.Report{Version: fact.Version, Time: now.Unix()}})
	}
	if len(messages) > 0 {
		p.spoke = now
	}
	return messages, nil
}

// sample puts samples of the targets into a report. What could not be read of them
// joins the gaps with the next change.
func (p *session) sample(ctx context.Context, of, into *fact.Report) {
	p.sampled = p.scanner.now()
	var gaps []fact.Gap
	into.Usage, gaps = p.scanner.Usage(ctx, of)
	for _, g := range gaps {
		p.scanner.log.Warn("a sample is incomplete", "part", g.Part, "reason", g.Text)
	}
}

// watch asks for an update when a target came or went, or the host's health is
// another, until the session ends.
func (p *session) watch(ctx context.Context) {
	ticks := time.NewTicker(watchPeriod)
	defer ticks.Stop()
	for before := p.scanner.digest(); ; {
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
		if now := p.scanner.digest(); now != before {
			before = now
			p.changed()
		}
	}
}

// digest is another text when a target came or went, or the health is another. It
// reads a few files, and may be called while a scan runs.
func (s *Scanner) digest() string {
	p := &params{files: s.files}
	var b strings.Builder
	for _, kind := range append([]string{"mgs", "mdt", "obdfilter", "llite"}, p.kinds("osd-")...) {
		b.WriteString(kind + ": " + strings.Join(p.devices(kind), " ") + "\n")
	}
	health, _ := p.global("health_check") // none is a health, too
	b.WriteString(health)
	return b.String()
}
