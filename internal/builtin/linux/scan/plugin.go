package scan

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/faultline-storage/faultline/internal/builtin/linux/fact"
	"github.com/faultline-storage/faultline/internal/builtin/linux/scan/capture"
	"github.com/faultline-storage/faultline/internal/builtin/linux/scan/source"
	"github.com/faultline-storage/faultline/sdk/agent"
)

// period is how often a look is taken at what changes without an event. What has
// one is reported at once.
const period = 15 * time.Second

// firstHealth is how long the first report may wait for what disks say of
// themselves.
const firstHealth = 3 * time.Second

// RootVar names the environment variable with the folder that has the files of the
// host to report, in place of this system's: of the host of a container, or of a
// capture that package capture can read, which may be a file.
const RootVar = "HOST_ROOT"

// Main is the device plugin: it reports the host that it runs on, and never
// returns.
func Main() {
	p := &process{root: os.Getenv(RootVar)}
	agent.Main("linux", p.session, agent.Every(period))
}

// options opens the host below root. Tools are run on this system's behalf only: in
// a container they would tell of the container, and of a capture there are recordings.
func options(root string, log *slog.Logger) (o Options, live bool, err error) {
	switch {
	case root == "" || root == "/":
		return Options{Commands: &source.Tools{}}, true, nil
	case capture.Is(root):
		h, err := capture.Open(root)
		if err != nil {
			return Options{}, false, err
		}
		for _, problem := range h.Problems {
			log.Warn("A part of the capture cannot be read", "error", problem)
		}
		return Options{Files: h.Files, Commands: h.Commands}, false, nil
	}
	files, err := source.Folder(root)
	return Options{Files: files}, true, err
}

// process is what the sessions of one process have in common: the scanner, which
// knows what it has read, and the news that the next scan is to follow.
type process struct {
	root    string
	once    sync.Once
	first   sync.Once
	scanner *Scanner
	err     error // why there is no scanner

	mu      sync.Mutex
	pending news
	changed func() // of the session that there is
}

// session begins a session. Only one at a time has a plugin.
func (p *process) session(env *agent.Env) agent.Plugin {
	p.mu.Lock()
	p.changed = env.Changed
	p.mu.Unlock()
	p.once.Do(func() {
		o, live, err := options(p.root, env.Log)
		if err != nil {
			p.err = fmt.Errorf("%s: %w", RootVar, err)
			return
		}
		o.Log = env.Log
		p.scanner = New(o)
		if !live {
			return
		}
		// For as long as the process lives: what happens between two sessions is news,
		// too.
		go watch(context.Background(), env.Log, p.tell)
		go p.scanner.health.run(context.Background(), func() { p.tell(&news{health: true}) })
	})
	return &plugin{process: p}
}

func (p *process) tell(n *news) {
	p.mu.Lock()
	p.pending.add(n)
	changed := p.changed
	p.mu.Unlock()
	changed()
}

func (p *process) take() *news {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.pending
	p.pending = news{}
	return &n
}

// plugin is one session: what the server knows.
type plugin struct {
	*process
	told *fact.Report
}

// StartSession is as agent.Plugin says.
func (p *plugin) StartSession(ctx context.Context) ([]agent.Message, error) {
	if p.err != nil {
		return nil, p.err
	}
	p.told = p.scanner.update(ctx, p.take())
	p.first.Do(func() {
		// A few disks have told of their health by now; the others will later.
		ctx, cancel := context.WithTimeout(ctx, firstHealth)
		defer cancel()
		p.told = p.scanner.Examine(ctx)
	})
	return []agent.Message{{Data: p.told}}, nil
}

// UpdateSession is as agent.Plugin says.
func (p *plugin) UpdateSession(ctx context.Context) ([]agent.Message, error) {
	next := p.scanner.update(ctx, p.take())
	d := fact.Delta(p.told, next)
	if d == nil {
		return nil, nil
	}
	p.told = next
	return []agent.Message{{Data: d}}, nil
}
