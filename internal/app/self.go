package app

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/faultline-storage/faultline/internal/inventory"
	"github.com/faultline-storage/faultline/internal/pluginhost"
	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/internal/session"
	"github.com/faultline-storage/faultline/sdk/wire"
)

// The server reports its plugins to itself: as a plugin does, by a session whose
// batches go through the same stages, so that alerts, history and the page come
// for nothing. Only the process is missing. See docs/decisions/0014-containment.md.

const (
	pluginClass = "Plugin"
	// hostClass stands for the hosts that run the agent, hostPluginClass for what one
	// agent plugin reports of one host; see docs/decisions/0018-hosts.md.
	hostClass       = "Host"
	hostPluginClass = "HostPlugin"
	// selfTick is how often the server looks at its plugins, selfSamples how often
	// it records what they use.
	selfTick    = 500 * time.Millisecond
	selfSamples = 10 * time.Second
	// selfGather is how long news of a host waits for that of others.
	selfGather = 20 * time.Millisecond
	// crashLoop is how many failures in a row, without a recovery in between, are
	// more than bad luck: half a minute of it, with the pauses of a supervisor.
	crashLoop = 6
	// stateUnknown is the state of a plugin whose runner does not answer.
	stateUnknown = "unknown"
)

// selfManifest is what the server declares of itself.
func selfManifest() wire.Manifest {
	options := func(list ...string) (raw []json.RawMessage) {
		for _, s := range list {
			raw = append(raw, quoted(s))
		}
		return raw
	}
	budgets := options(pluginhost.BudgetMemory, pluginhost.BudgetCPU, pluginhost.BudgetOpenFiles, pluginhost.BudgetProcesses)
	bases := []string{resource.BaseInternal, resource.BaseResource}
	return wire.Manifest{APIVersion: wire.APIVersion, Classes: []wire.Class{
		{
			Name: resource.ServerClass, Label: "Faultline server", Bases: bases,
			Identifier: wire.Identifier{Scope: wire.ScopeGlobal, Attributes: []string{"name"}},
			Attributes: []wire.Attribute{
				{Name: "name", Kind: wire.KindString},
				{Name: "host", Kind: wire.KindString, Optional: true, ReadOnly: true},
				{Name: "version", Kind: wire.KindString, Optional: true, ReadOnly: true},
			},
		},
		{
			Name: pluginClass, Label: "Plugin", Bases: bases,
			Identifier: wire.Identifier{Scope: wire.ScopeScoped, Attributes: []string{"name", "runner"}},
			Attributes: []wire.Attribute{
				{Name: "name", Kind: wire.KindString},
				{Name: "runner", Kind: wire.KindString, Optional: true},
				{Name: "state", Kind: wire.KindEnum, Options: options("starting", "running", "backoff", "failed", "stopped", stateUnknown)},
				{Name: "version", Kind: wire.KindString, Optional: true},
				{Name: "sdk", Kind: wire.KindString, Label: "SDK", Optional: true},
				{Name: "user", Kind: wire.KindString, Label: "Runs as", Optional: true},
				{Name: "restarts", Kind: wire.KindInteger},
				{Name: "over_budget", Kind: wire.KindEnum, Optional: true, Options: budgets},
				{Name: "failing", Kind: wire.KindBoolean, Label: "Fails again and again", Default: json.RawMessage("false")},
				{Name: "reason", Kind: wire.KindString, Optional: true},
			},
			Statistics: []wire.Statistic{
				{Name: "memory", Kind: wire.KindGauge, Unit: "B", SamplePeriod: int(selfSamples.Seconds())},
				{Name: "cpu", Kind: wire.KindGauge, Label: "CPU", Unit: "cores", SamplePeriod: int(selfSamples.Seconds())},
				{Name: "processes", Kind: wire.KindGauge, Label: "Processes and threads", SamplePeriod: int(selfSamples.Seconds())},
				{Name: "open_files", Kind: wire.KindGauge, Label: "Open files", SamplePeriod: int(selfSamples.Seconds())},
			},
			Conditions: []wire.Condition{
				{ID: "over_budget", Kind: wire.ConditionValue, Attribute: "over_budget", ErrorStates: budgets, Message: "Stopped", Detail: "reason"},
				{ID: "cannot_start", Kind: wire.ConditionValue, Attribute: "state", ErrorStates: options("failed"), Message: "Cannot start", Detail: "reason"},
				{ID: "failing", Kind: wire.ConditionValue, Attribute: "failing", ErrorStates: []json.RawMessage{json.RawMessage("true")}, Message: "Ends again and again", Detail: "reason"},
			},
		},
		{
			Name: hostClass, Label: "Host", Bases: []string{wire.BaseHost, resource.BaseResource},
			Identifier: wire.Identifier{Scope: wire.ScopeGlobal, Attributes: []string{"fqdn"}},
			Attributes: []wire.Attribute{
				{Name: "fqdn", Kind: wire.KindString, Label: "Name"},
				{Name: "address", Kind: wire.KindString, Optional: true},
				{Name: "host_id", Kind: wire.KindInteger, Label: "Host ID", Optional: true},
				{Name: "agent_version", Kind: wire.KindString, Optional: true},
				{Name: "boot_time", Kind: wire.KindString, Label: "Booted", Optional: true},
				{Name: "state", Kind: wire.KindEnum, Options: options(hostConnected, hostStopped, hostLost, hostAwaiting)},
				{Name: "last_contact", Kind: wire.KindString, Optional: true},
				{Name: "reason", Kind: wire.KindString, Optional: true},
				{Name: "install_failed", Kind: wire.KindBoolean, Label: "Agent could not be installed", Hidden: true, Default: json.RawMessage("false")},
			},
			Conditions: []wire.Condition{
				{ID: "contact_lost", Kind: wire.ConditionValue, Attribute: "state", ErrorStates: options(hostLost), Message: "Contact lost", Detail: "reason"},
				{ID: "agent_stopped", Kind: wire.ConditionValue, Attribute: "state", InfoStates: options(hostStopped), Message: "Agent stopped", Detail: "reason"},
				{ID: "agent_awaited", Kind: wire.ConditionValue, Attribute: "state", InfoStates: options(hostAwaiting), Message: "Awaiting agent", Detail: "reason"},
				{ID: "not_installed", Kind: wire.ConditionValue, Attribute: "install_failed", WarnStates: []json.RawMessage{json.RawMessage("true")}, Message: "Agent not installed", Detail: "reason"},
			},
			// A machine that is in trouble makes the host on it so.
			Relations: []wire.Relation{{Kind: wire.RelationSubscribe, Plugin: wire.BuiltinPlugin, Class: wire.BaseVirtualMachine, Attributes: []string{"host_id"}}},
		},
		{
			Name: hostPluginClass, Label: "Agent plugin of a host", Bases: []string{resource.BaseInternal, wire.BaseHostRoot, resource.BaseResource},
			Identifier: wire.Identifier{Scope: wire.ScopeGlobal, Attributes: []string{"host_id", "plugin"}},
			Attributes: []wire.Attribute{
				{Name: "host_id", Kind: wire.KindInteger, Label: "Host ID"},
				{Name: "plugin", Kind: wire.KindString},
				{Name: "fqdn", Kind: wire.KindString, Label: "Host", Optional: true},
			},
		},
	}}
}

// self is the server as a plugin of its own. It implements session.Plugin; its
// one session is that of the resource of class Server.
type self struct {
	inv     *inventory.Inventory
	version string
	plugins selfPlugins
	fleet   *fleet // nil if the server takes no agents
	now     func() time.Time
	after   func(time.Duration) <-chan time.Time
	log     *slog.Logger

	mu      sync.Mutex
	session string // empty if none is open
	stop    context.CancelFunc
	turn    int64
	next    int64 // handle
	known   map[pluginPlace]*selfNode
	hosts   map[string]*selfNode
	// kept are the plugins that have a node from before the session, as it was.
	kept map[pluginPlace]map[string]json.RawMessage
}

// selfPlugins is what the server reports of.
type selfPlugins struct {
	list    func() []pluginView
	deliver func(wire.Batch)
	// awaited reports whether runners may still be on their way: their plugins keep
	// their nodes.
	awaited func() bool
}

// selfNode is a plugin as it was last reported.
type selfNode struct {
	handle int64
	attrs  map[string]json.RawMessage
	last   pluginUse // at the last sample
}

var _ session.Plugin = (*self)(nil)

// newSelf declares the server's own classes.
func newSelf(ctx context.Context, version string, inv *inventory.Inventory, d declare, plugins selfPlugins, log *slog.Logger) (*self, error) {
	if err := d(ctx, resource.ServerPlugin, selfManifest(), nil); err != nil {
		return nil, err
	}
	s := &self{inv: inv, version: version, plugins: plugins, now: time.Now, after: time.After, log: log}
	there, err := s.list(resource.ServerClass)
	if err == nil && len(there) > 0 {
		err = s.appear(ctx) // another version, or on another host
	}
	return s, err
}

// hasItself tells which plugins a server has, its own included. One that leaves all
// others to runners has them not.
func hasItself(plugins *pluginSet) func(string) bool {
	return func(plugin string) bool { return plugin == resource.ServerPlugin || plugins.hasRunning(plugin) }
}

// allPlugins lists the plugins of a server and of its runners.
func allPlugins(plugins *pluginSet, place *placement) func() []pluginView {
	return func() []pluginView {
		var out []pluginView
		for _, v := range plugins.views() {
			if !place.onlyOwn || place.has(v.place.name) {
				out = append(out, v)
			}
		}
		for _, m := range place.all() {
			out = append(out, m.views()...)
		}
		return out
	}
}

// list returns the resources of one of the server's own classes.
func (s *self) list(class string) ([]*resource.Resource, error) {
	page, err := s.inv.List(resource.Query{Plugin: resource.ServerPlugin, Class: class, Limit: 10000})
	return page.Items, err
}

// appear makes the resource that stands for the server, the root of its own
// session, or brings it up to date.
func (s *self) appear(ctx context.Context) error {
	class := s.inv.Class(resource.ServerPlugin, resource.ServerClass)
	host, err := os.Hostname()
	if err != nil {
		host = "" // a detail for people
	}
	values := make([]resource.Value, len(class.Attributes))
	var details []resource.AttrValue
	for name, v := range map[string]string{"name": resource.ServerPlugin, "host": host, "version": s.version} {
		if i := class.Attr(name); v != "" {
			values[i] = resource.StringValue(v)
			if name != "name" {
				details = append(details, resource.AttrValue{Index: i, Value: values[i]})
			}
		}
	}
	root, created, err := s.inv.AddRoot(ctx, class, values)
	if err == nil && !created {
		err = s.inv.Edit(ctx, root.ID, inventory.Edit{Class: class, Set: details})
	}
	if err != nil {
		return fmt.Errorf("make the server's own resource: %w", err)
	}
	return nil
}

// run waits for the first trouble that a plugin has. A server without any has no
// resource of its own: what there is to say of plugins that are well stands in
// the list of plugins.
func (s *self) run(ctx context.Context) error {
	for {
		there, err := s.list(resource.ServerClass)
		if err != nil || len(there) > 0 {
			return err
		}
		if s.fleet != nil && s.fleet.any() || slices.ContainsFunc(s.plugins.list(), pluginView.trouble) {
			return s.appear(ctx)
		}
		select {
		case <-s.after(selfTick):
		case <-ctx.Done():
			return nil
		}
	}
}

// Call implements session.Plugin.
func (s *self) Call(_ context.Context, method string, params, result any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch p := params.(type) {
	case wire.OpenParams:
		s.session, s.turn, s.next, s.known = p.Session, 0, 1, map[pluginPlace]*selfNode{}
		s.hosts = map[string]*selfNode{}
	case wire.SessionParams:
		switch {
		case p.Session != s.session:
			if method != wire.MethodTeardown {
				return fmt.Errorf("session %s is not open", p.Session)
			}
		case method == wire.MethodTeardown:
			if s.stop != nil {
				s.stop()
			}
			s.session, s.stop = "", nil
		case method == wire.MethodInitialScan:
			nodes, err := s.list(pluginClass)
			if err != nil {
				return err
			}
			s.kept = map[pluginPlace]map[string]json.RawMessage{}
			for _, n := range nodes {
				attrs := map[string]json.RawMessage{}
				for i, v := range n.Values {
					attrs[n.Class.Attributes[i].Name] = v.AppendJSON(nil)
				}
				name, _ := n.Values[n.Class.Attr("name")].Text()
				runner, _ := n.Values[n.Class.Attr("runner")].Text()
				s.kept[pluginPlace{name, runner}] = attrs
			}
			s.report(true, false)
			ctx, cancel := context.WithCancel(context.Background())
			s.stop = cancel
			go s.watch(ctx, p.Session)
			if r, ok := result.(*wire.TurnResult); ok {
				r.Turn = s.turn
			}
		}
	}
	return nil
}

// Notify implements session.Plugin.
func (s *self) Notify(method string, params any) error {
	if r, ok := params.(wire.Rejected); ok {
		s.log.Error("the server's own report was refused", "error", r.Error)
	}
	return nil
}

// Done implements session.Plugin.
func (s *self) Done() <-chan struct{} { return nil }

// Err implements session.Plugin.
func (s *self) Err() error { return nil }

// Retired implements session.Plugin.
func (s *self) Retired() <-chan struct{} { return nil }

// Release implements session.Plugin.
func (s *self) Release() {}

// watch reports what changes until the session is torn down.
func (s *self) watch(ctx context.Context, id string) {
	sampled := s.now()
	var kick <-chan struct{}
	if s.fleet != nil {
		kick = s.fleet.kick
	}
	for {
		select {
		case <-s.after(selfTick):
		case <-kick: // an agent waits for the number of its host, and others may come with it
			select {
			case <-s.after(selfGather):
			case <-ctx.Done():
				return
			}
		case <-ctx.Done():
			return
		}
		due := s.now().Sub(sampled) >= selfSamples
		if due {
			sampled = s.now()
		}
		s.mu.Lock()
		if s.session == id {
			s.report(false, due)
		}
		s.mu.Unlock()
	}
}

// report sends a turn with what changed since the last one. The caller holds mu.
func (s *self) report(complete, sample bool) {
	b := wire.Batch{Session: s.session, Turn: s.turn + 1, Last: true, Complete: complete}
	there := map[pluginPlace]bool{}
	for _, v := range s.plugins.list() {
		there[v.place] = true
		n := s.known[v.place]
		if n == nil && !v.trouble() && s.kept[v.place] == nil {
			continue
		}
		attrs := v.attrs()
		if v.lost {
			attrs = unknown(attrs)
		}
		n = s.put(&b, v.place, attrs)
		if sample && v.use != nil {
			b.Samples = append(b.Samples, n.sample(v.use(), s.now())...)
		}
		if v.use == nil {
			n.last = pluginUse{}
		}
	}
	for place, attrs := range s.kept {
		if place.runner != "" && !there[place] && s.plugins.awaited() {
			there[place] = true
			s.put(&b, place, unknown(attrs))
		}
	}
	for _, place := range slices.SortedFunc(maps.Keys(s.known), pluginPlace.compare) {
		if !there[place] {
			b.Ops = append(b.Ops, wire.Op{Op: wire.OpRemove, Handle: s.known[place].handle})
			delete(s.known, place)
			delete(s.kept, place)
		}
	}
	s.reportHosts(&b, complete)
	if complete || len(b.Ops)+len(b.Samples) > 0 {
		s.turn++
		s.plugins.deliver(b)
	}
}

// reportHosts adds what changed of the hosts to a turn. The caller holds mu.
func (s *self) reportHosts(b *wire.Batch, all bool) {
	if s.fleet == nil {
		return
	}
	for _, h := range s.fleet.reports(all) {
		n := s.hosts[h.name]
		switch {
		case h.attrs == nil && n != nil:
			b.Ops = append(b.Ops, wire.Op{Op: wire.OpRemove, Handle: n.handle})
			delete(s.hosts, h.name)
		case h.attrs == nil:
		case n == nil:
			n = &selfNode{handle: s.next, attrs: h.attrs}
			s.hosts[h.name] = n
			s.next++
			b.Ops = append(b.Ops, wire.Op{Op: wire.OpPut, Handle: n.handle, Class: hostClass, Attributes: object(h.attrs)})
		default:
			if changed := differing(n.attrs, h.attrs); len(changed) > 0 {
				b.Ops = append(b.Ops, wire.Op{Op: wire.OpSet, Handle: n.handle, Attributes: object(changed)})
			}
			n.attrs = h.attrs
		}
	}
}

// put adds to a turn how a plugin is. The caller holds mu.
func (s *self) put(b *wire.Batch, place pluginPlace, attrs map[string]json.RawMessage) *selfNode {
	n := s.known[place]
	if n == nil {
		n = &selfNode{handle: s.next, attrs: attrs}
		s.known[place] = n
		s.next++
		label := place.label()
		b.Ops = append(b.Ops, wire.Op{Op: wire.OpPut, Handle: n.handle, Class: pluginClass, Label: &label, Attributes: object(attrs)})
	} else if changed := differing(n.attrs, attrs); len(changed) > 0 {
		n.attrs = attrs
		b.Ops = append(b.Ops, wire.Op{Op: wire.OpSet, Handle: n.handle, Attributes: object(changed)})
	}
	return n
}

// sample makes samples of what a plugin uses. CPU is the average since the last
// sample of the same process.
func (n *selfNode) sample(use *pluginUse, now time.Time) []wire.Sample {
	if use == nil { // it has ended, or the system does not tell
		n.last = pluginUse{}
		return nil
	}
	if use.At.Equal(n.last.At) {
		return nil // a runner's, and there is no news of it
	}
	one := func(name string, v any) wire.Sample {
		raw, _ := json.Marshal(v) // a number
		return wire.Sample{Handle: n.handle, Name: name, Time: now.UnixMilli(), Value: raw}
	}
	list := []wire.Sample{one("memory", use.Memory), one("processes", use.Threads), one("open_files", use.OpenFiles)}
	if span := use.At.Sub(n.last.At); n.last.PID == use.PID && span > 0 {
		list = append(list, one("cpu", max(0, use.CPU-n.last.CPU).Seconds()/span.Seconds()))
	}
	n.last = *use
	return list
}
