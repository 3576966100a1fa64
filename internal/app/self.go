package app

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/faultline-storage/faultline/internal/api/gen"
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
	// selfTick is how often the server looks at its plugins, selfSamples how often
	// it records what they use.
	selfTick    = 500 * time.Millisecond
	selfSamples = 10 * time.Second
	// crashLoop is how many failures in a row, without a recovery in between, are
	// more than bad luck: half a minute of it, with the pauses of a supervisor.
	crashLoop = 6
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
			Identifier: wire.Identifier{Scope: wire.ScopeScoped, Attributes: []string{"name"}},
			Attributes: []wire.Attribute{
				{Name: "name", Kind: wire.KindString},
				{Name: "state", Kind: wire.KindEnum, Options: options("starting", "running", "backoff", "failed", "stopped")},
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
	}}
}

// self is the server as a plugin of its own. It implements session.Plugin; its
// one session is that of the resource of class Server.
type self struct {
	inv     *inventory.Inventory
	version string
	plugins *pluginSet
	now     func() time.Time
	after   func(time.Duration) <-chan time.Time
	log     *slog.Logger

	mu      sync.Mutex
	session string // empty if none is open
	stop    context.CancelFunc
	turn    int64
	next    int64 // handle
	known   map[string]*selfNode
	kept    map[string]bool // plugins that have a node from before the session
}

// selfNode is a plugin as it was last reported.
type selfNode struct {
	handle int64
	attrs  map[string]json.RawMessage
	pid    int
	cpu    time.Duration // at the last sample
	at     time.Time     // of the last sample
}

var _ session.Plugin = (*self)(nil)

// newSelf declares the server's own classes.
func newSelf(ctx context.Context, version string, inv *inventory.Inventory, d declare, plugins *pluginSet, log *slog.Logger) (*self, error) {
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

// hasItself tells which plugins a server has, its own included.
func hasItself(plugins *pluginSet) func(string) bool {
	return func(plugin string) bool { return plugin == resource.ServerPlugin || plugins.has(plugin) }
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
		if slices.ContainsFunc(s.plugins.all(), func(p *plugin) bool { return p.view().trouble() }) {
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
		s.session, s.turn, s.next, s.known = p.Session, 0, 1, map[string]*selfNode{}
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
			s.kept = map[string]bool{}
			for _, n := range nodes {
				name, _ := n.Values[n.Class.Attr("name")].Text()
				s.kept[name] = true
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
	for {
		select {
		case <-s.after(selfTick):
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
	there := map[string]bool{}
	for _, p := range s.plugins.all() {
		there[p.name] = true
		v := p.view()
		n := s.known[p.name]
		if n == nil {
			if !v.trouble() && !s.kept[p.name] {
				continue
			}
			n = &selfNode{handle: s.next, attrs: v.attrs}
			s.known[p.name] = n
			s.next++
			b.Ops = append(b.Ops, wire.Op{Op: wire.OpPut, Handle: n.handle, Class: pluginClass, Attributes: object(v.attrs)})
		} else if changed := differing(n.attrs, v.attrs); len(changed) > 0 {
			n.attrs = v.attrs
			b.Ops = append(b.Ops, wire.Op{Op: wire.OpSet, Handle: n.handle, Attributes: object(changed)})
		}
		if sample {
			b.Samples = append(b.Samples, n.sample(v.proc, s.now())...)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.known)) {
		if !there[name] {
			b.Ops = append(b.Ops, wire.Op{Op: wire.OpRemove, Handle: s.known[name].handle})
			delete(s.known, name)
		}
	}
	if complete || len(b.Ops)+len(b.Samples) > 0 {
		s.turn++
		s.plugins.deliver(b)
	}
}

// sample measures what a plugin uses. CPU is the average since the last sample of
// the same process.
func (n *selfNode) sample(proc *pluginhost.Process, now time.Time) []wire.Sample {
	if proc == nil {
		n.pid = 0
		return nil
	}
	use := proc.Use()
	if use.Processes == 0 { // it has ended, or the system does not tell
		return nil
	}
	one := func(name string, v any) wire.Sample {
		raw, _ := json.Marshal(v) // a number
		return wire.Sample{Handle: n.handle, Name: name, Time: now.UnixMilli(), Value: raw}
	}
	list := []wire.Sample{one("memory", use.Memory), one("processes", use.Threads), one("open_files", use.OpenFiles)}
	if span := now.Sub(n.at); n.pid == proc.Pid() && span > 0 {
		list = append(list, one("cpu", max(0, use.CPU-n.cpu).Seconds()/span.Seconds()))
	}
	n.pid, n.cpu, n.at = proc.Pid(), use.CPU, now
	return list
}

// pluginView is a plugin as its node shows it.
type pluginView struct {
	attrs map[string]json.RawMessage
	proc  *pluginhost.Process // nil if there is none
}

// trouble reports whether the node would have an alert.
func (v pluginView) trouble() bool {
	return string(v.attrs["reason"]) != "null"
}

// view returns the plugin as its node shows it.
func (p *plugin) view() pluginView {
	g := p.state()
	v := pluginView{attrs: map[string]json.RawMessage{
		"name": quoted(p.name), "state": quoted(string(g.State)), "restarts": json.RawMessage(fmt.Sprint(g.Restarts)),
		"version": text(g.Version), "sdk": text(strings.TrimSpace(g.SDK.Name + " " + g.SDK.Version)),
		"user": null, "over_budget": null, "failing": json.RawMessage("false"), "reason": null,
	}}
	p.mu.Lock()
	version := p.version
	if version != nil {
		v.proc = version.proc
	}
	p.mu.Unlock()
	var st pluginhost.Status
	if version != nil {
		st = version.sup.Status()
	}
	if v.proc != nil {
		v.attrs["user"] = text(v.proc.User())
	}
	switch {
	case g.State == gen.PluginState(pluginhost.Stopped): // as somebody wanted
	case st.Over != nil:
		v.attrs["over_budget"], v.attrs["reason"] = quoted(st.Over.Budget), quoted(st.Over.Error())
	case g.State == gen.PluginState(pluginhost.Failed):
		v.attrs["reason"] = quoted(reasonText(g.Error))
	case st.Failures >= crashLoop:
		v.attrs["failing"], v.attrs["reason"] = json.RawMessage("true"), quoted(reasonText(g.Error))
	}
	return v
}

// longestReason bounds a reason, in characters: it becomes part of an alert.
const longestReason = 300

// reasonText makes an error, which may have the last lines of a process, readable in
// a table.
func reasonText(s string) string {
	r := []rune(strings.Join(strings.Fields(s), " "))
	if len(r) > longestReason {
		return string(r[:longestReason-1]) + "…"
	}
	return string(r)
}

var null = json.RawMessage("null")

func quoted(s string) json.RawMessage { return resource.AppendJSONString(nil, s) }

// text is a string as an optional attribute: null if there is none.
func text(s string) json.RawMessage {
	if s == "" {
		return null
	}
	return quoted(s)
}

func object(attrs map[string]json.RawMessage) json.RawMessage {
	b, _ := json.Marshal(attrs) // it is made of JSON
	return b
}

// differing returns the attributes that have changed.
func differing(before, after map[string]json.RawMessage) map[string]json.RawMessage {
	out := map[string]json.RawMessage{}
	for name, v := range after {
		if string(before[name]) != string(v) {
			out[name] = v
		}
	}
	return out
}
