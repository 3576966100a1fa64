package app

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/faultline-storage/faultline/internal/api"
	"github.com/faultline-storage/faultline/internal/api/gen"
	"github.com/faultline-storage/faultline/internal/link"
	"github.com/faultline-storage/faultline/internal/pluginhost"
	"github.com/faultline-storage/faultline/internal/resource"
)

// offers reports whether the runner has a plugin that can be run.
func (m *remote) offers(plugin string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.has[plugin] && !m.gone
}

// ready reports whether roots of a plugin can be started: what it declares is
// known, or has not been heard yet, and then its sessions wait for that. Otherwise
// it sees to it, or says why that is impossible.
func (m *remote) ready(plugin string) (ok bool, why error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.refused[plugin]; err != nil {
		return false, err
	}
	if _, declared := m.manifests[plugin]; !declared || m.known[plugin] {
		return true, nil
	}
	go func() {
		_ = m.adopt(plugin) // an error is found when the roots are settled
		m.r.place.again(plugin)
	}()
	return false, nil
}

// chosen says that the runner is the one to run a plugin from now on. Another one
// may have declared it differently.
func (m *remote) chosen(plugin string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.known, plugin)
}

// names are the names of its plugins.
func (m *remote) names() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.has))
}

// declared notes what a plugin of the runner declares.
func (m *remote) declared(n declareNote) error {
	if n.Plugin == resource.ServerPlugin {
		return resource.FieldErrorf("plugin", "%s is the server's own plugin", n.Plugin)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.has[n.Plugin] = true
	if m.known[n.Plugin] {
		m.before[n.Plugin] = m.manifests[n.Plugin]
	}
	m.manifests[n.Plugin] = n.Manifest
	delete(m.refused, n.Plugin)
	delete(m.known, n.Plugin)
	return nil
}

// take has the inventory learn what a plugin declares, if the runner is the one to
// run it. If it is refused, what was declared before still holds.
func (m *remote) take(plugin string) error {
	if m.r.place.at(plugin) != m {
		return nil
	}
	err := m.adopt(plugin)
	m.r.place.again(plugin)
	return err
}

// adopt puts what the runner's plugin declares into the inventory.
func (m *remote) adopt(plugin string) error {
	unlock := m.r.lock(plugin)
	defer unlock()
	m.mu.Lock()
	manifest, known := m.manifests[plugin], m.known[plugin]
	m.mu.Unlock()
	if known {
		return nil
	}
	err := m.r.declare(context.Background(), plugin, manifest, remoteCaller{m, plugin})
	m.mu.Lock()
	defer m.mu.Unlock()
	before, ran := m.before[plugin]
	delete(m.before, plugin)
	if err != nil {
		m.log.Error("the plugin's declarations were refused", "plugin", plugin, "error", err)
		if ran { // the version before goes on
			m.manifests[plugin], m.known[plugin] = before, true
		} else {
			m.refused[plugin] = err
		}
		return err
	}
	m.known[plugin] = true
	return nil
}

// lock locks the declarations of a plugin.
func (r *remotes) lock(plugin string) (unlock func()) {
	r.mu.Lock()
	l := r.declaring[plugin]
	if l == nil {
		l = &sync.Mutex{}
		if r.declaring == nil {
			r.declaring = map[string]*sync.Mutex{}
		}
		r.declaring[plugin] = l
	}
	r.mu.Unlock()
	l.Lock()
	return l.Unlock
}

// call has a plugin of the runner run a method.
func (m *remote) call(ctx context.Context, plugin, method string, params, result any) error {
	raw, err := json.Marshal(params)
	if err != nil {
		return err
	}
	waiting, cancel := context.WithTimeout(ctx, callPatience)
	defer cancel()
	err = m.ask(waiting, kindCall, plugin, callNote{Plugin: plugin, Method: method, Params: raw}, result)
	if err != nil && waiting.Err() != nil && ctx.Err() == nil {
		return m.silent(plugin, err)
	}
	return err
}

// ask has the runner do something with a plugin.
func (m *remote) ask(ctx context.Context, kind, plugin string, note, result any) error {
	if m.isLost() {
		return resource.Errorf(resource.Unavailable, "plugin %s runs at runner %s, which does not answer", plugin, m.name)
	}
	b, err := json.Marshal(note)
	if err != nil {
		return err
	}
	answer, err := m.conn.Call(ctx, link.Message{Kind: kind, Body: b, Priority: link.High})
	switch {
	case err == nil:
		return json.Unmarshal(answer, result)
	case m.conn.Err() != nil:
		return m.silent(plugin, err)
	}
	return err
}

func (m *remote) silent(plugin string, why error) error {
	return &resource.Fault{Kind: resource.Unavailable, Text: "runner " + m.name + ", where plugin " + plugin + " runs, did not answer", Cause: why}
}

// act has the runner act on one of its plugins.
func (m *remote) act(ctx context.Context, n actNote) (*api.PluginChanges, error) {
	n.Within = callPatience
	if end, ok := ctx.Deadline(); ok {
		n.Within = time.Until(end)
	}
	var a actAnswer
	if err := m.ask(ctx, kindAct, n.Plugin, n, &a); err != nil {
		return nil, err
	}
	m.report(a.Plugins)
	return a.Changes, nil
}

// report notes how the runner's plugins are, and which there are.
func (m *remote) report(states []pluginReport) {
	m.mu.Lock()
	m.states = states
	has := map[string]bool{}
	for i := range states {
		has[states[i].Name] = !states[i].Unloaded && states[i].Name != resource.ServerPlugin
	}
	var moved []string
	for name := range m.has {
		if m.has[name] != has[name] {
			moved = append(moved, name)
		}
	}
	for name := range has {
		if _, ok := m.has[name]; !ok && has[name] {
			moved = append(moved, name)
		}
	}
	m.has = has
	m.mu.Unlock()
	for _, name := range moved {
		m.r.place.again(name)
	}
}

// unloaded reports whether somebody unloaded a plugin of the runner.
func (m *remote) unloaded(plugin string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.ContainsFunc(m.states, func(p pluginReport) bool { return p.Name == plugin && p.Unloaded })
}

// plugins are the states of the runner's plugins.
func (m *remote) plugins() []api.Plugin {
	var out []api.Plugin
	for _, v := range m.views() {
		if v.lost {
			v.plugin.State, v.plugin.Error = "failed", "the runner is lost"
		}
		out = append(out, v.plugin)
	}
	return out
}

// views are the runner's plugins as their nodes show them.
func (m *remote) views() []pluginView {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make([]pluginView, 0, len(m.states))
	for i := range m.states {
		r := &m.states[i]
		v := pluginView{place: pluginPlace{r.Name, m.name}, plugin: r.Plugin, pluginTrouble: r.pluginTrouble, lost: m.lost}
		v.plugin.Runner = m.name
		if use := r.Use; use != nil {
			v.use = func() *pluginUse { return use }
		}
		if err := m.refused[r.Name]; err != nil {
			v.plugin.State, v.plugin.Error, v.Reason = gen.PluginState(pluginhost.Failed), err.Error(), reasonText(err.Error())
			for _, pr := range misdeclared(err) {
				v.plugin.Problems = append(slices.Clip(v.plugin.Problems), problemOf(pr))
			}
		}
		out = append(out, v)
	}
	return out
}
