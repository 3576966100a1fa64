package app

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"github.com/faultline-storage/faultline/internal/api"
	"github.com/faultline-storage/faultline/internal/api/gen"
	"github.com/faultline-storage/faultline/internal/config"
	"github.com/faultline-storage/faultline/internal/feed"
	"github.com/faultline-storage/faultline/internal/inventory"
	"github.com/faultline-storage/faultline/internal/pluginhost"
	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/sdk/wire"
)

// subscriber is a stage that follows the inventory from a snapshot on.
type subscriber func(ctx context.Context, snapshot iter.Seq[*resource.Resource], seq uint64, changes iter.Seq2[*resource.Changes, error]) error

// keepUp runs a subscriber until ctx ends. One that fell too far behind starts
// over from a new snapshot.
func keepUp(ctx context.Context, log *slog.Logger, inv *inventory.Inventory, run subscriber) error {
	for {
		all, seq, changes := inv.Subscribe(ctx)
		err := run(ctx, all, seq, changes)
		if !errors.Is(err, feed.ErrBehind) {
			return err
		}
		log.Warn("fell behind the changes of the inventory; starting over from its present state")
	}
}

// clustersOf returns the HA clusters of the configuration.
func clustersOf(c config.Config) (out []resource.Cluster) {
	for _, name := range slices.Sorted(maps.Keys(c.HAClusters)) {
		out = append(out, resource.Cluster{Name: name, Hosts: slices.Compact(slices.Sorted(slices.Values(c.HAClusters[name])))})
	}
	return out
}

// follow is a subscriber that hands every change to f. What was there before
// is of no interest to it.
func follow(f func(*resource.Changes)) subscriber {
	return func(ctx context.Context, _ iter.Seq[*resource.Resource], _ uint64, changes iter.Seq2[*resource.Changes, error]) error {
		for ch, err := range changes {
			if err != nil {
				return err
			}
			f(ch)
		}
		return ctx.Err()
	}
}

// pluginStates tells the API how the plugins are: those that the server runs, with
// the sessions that hosts feed, then those of its runners.
func pluginStates(plugins *pluginSet, place *placement, hosts *fleet, inv *inventory.Inventory) []api.Plugin {
	var out []api.Plugin
	classes := inv.Classes()
	for _, p := range plugins.all() {
		if place.onlyOwn && !place.has(p.name) {
			continue // it is left to runners
		}
		v := p.view()
		g := v.plugin
		g.Usage = plugins.uses.of(p.name, v.use).usage()
		g.Outdated = p.outdatedBy(fingerprint(p.path))
		g.Sessions, g.Roots = place.sessions(p.name, place.local)
		live, all := hosts.sessions(p.name)
		g.Sessions, g.Roots = g.Sessions+live, g.Roots+all
		for _, c := range classes {
			if c.Plugin == p.name {
				g.Classes = append(g.Classes, c.FullName())
			}
		}
		out = append(out, g)
	}
	for _, m := range place.all() {
		for _, g := range m.plugins() {
			g.Sessions, g.Roots = place.sessions(g.Name, m)
			out = append(out, g)
		}
	}
	return out
}

// problemOf is a problem in the shape of the API.
func problemOf(p wire.Problem) gen.PluginProblem {
	return gen.PluginProblem{File: p.File, Line: p.Line, Where: p.Where, Text: p.Text, Fix: p.Fix, Code: string(p.Code)}
}

// state is how the plugin is, as the API tells it. It touches no file, since it is
// asked for often; whether the plugin's files changed is for the caller to add.
func (p *plugin) state() api.Plugin {
	p.mu.Lock()
	v, broken, shadows, rejected := p.version, p.broken, p.shadows, p.rejected
	waits := false
	g := api.Plugin{Name: p.name, Path: p.path, Kind: gen.PluginKind(p.kind), Classes: []string{}, Problems: []gen.PluginProblem{}}
	var proc *pluginhost.Process
	level := levelOf(p.level.Level())
	from := gen.PluginFrom(p.from)
	g.LogLevel, g.From, g.Scans = &level, &from, p.scans.state()
	if p.set.o.budgets != nil {
		g.Budgets = p.set.o.budgets(p.name)
	}
	if rejected != nil {
		g.Rejected = rejected.Error()
	}
	if v != nil {
		if !v.loaded.IsZero() {
			loaded := v.loaded
			g.Loaded = &loaded
		}
		broken, waits = v.broken, v.waiting
		if v.serving != nil {
			proc = v.serving.proc
		}
	}
	p.mu.Unlock()
	if v != nil {
		st := v.sup.Status()
		g.State, g.PID, g.Restarts = gen.PluginState(st.State), st.Pid, st.Restarts
		if st.LastError != nil {
			g.Error = st.LastError.Error()
		}
		if !st.NextTry.IsZero() {
			g.NextTry = &st.NextTry
		}
		if st.Info != nil {
			g.Version = st.Info.Plugin.Version
			g.SDK = gen.SDK{Name: st.Info.SDK.Name, Version: st.Info.SDK.Version}
		}
		for _, pr := range slices.Concat(st.Problems, misdeclared(broken)) {
			g.Problems = append(g.Problems, problemOf(pr))
		}
	}
	if proc == nil && g.State == gen.Running {
		g.State = gen.Starting // its classes are not known yet, so that nothing of them can be added
	}
	switch {
	case errors.Is(broken, errUnloaded):
		g.State, g.Error = gen.PluginState(pluginhost.Stopped), broken.Error()
	case broken != nil:
		g.State, g.Error = gen.PluginState(pluginhost.Failed), broken.Error()
	case waits:
		g.Error = "no host has reported yet; it is started when one does"
	}
	if len(shadows) > 0 && g.Error == "" {
		g.Error = "not loaded, since they have the same name: " + strings.Join(shadows, ", ")
	}
	if proc != nil {
		rss, cpu := proc.Usage()
		seconds := cpu.Seconds()
		g.Memory, g.CPU = &rss, &seconds
	}
	return g
}
