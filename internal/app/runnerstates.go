package app

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/faultline-storage/faultline/internal/link"
)

// sendStates tells the server how the plugins are, until ctx ends.
func (r *Runner) sendStates(ctx context.Context) error {
	var told *shift
	var last []byte
	for {
		if w := r.current(); w != nil {
			b, err := json.Marshal(r.states())
			if err != nil {
				return err
			}
			if w != told || !bytes.Equal(b, last) {
				if w.conn.Send(ctx, link.Message{Kind: kindPlugins, Body: b}) == nil {
					told, last = w, b
				}
			}
		}
		select {
		case <-time.After(statesEvery):
		case <-r.acted:
		case <-r.changes():
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (r *Runner) states() []pluginReport {
	r.mu.Lock()
	classes := maps.Clone(r.classes)
	r.mu.Unlock()
	list := []pluginReport{}
	for _, p := range r.plugins.all() {
		v := p.view()
		v.plugin.Outdated = p.outdatedBy(fingerprint(p.path))
		for _, name := range slices.Sorted(maps.Keys(classes[p.name])) {
			v.plugin.Classes = append(v.plugin.Classes, p.name+"."+name)
		}
		list = append(list, pluginReport{
			Plugin: v.plugin, pluginTrouble: v.pluginTrouble, Unloaded: !r.plugins.has(p.name), Use: r.uses.of(p.name, v.use),
		})
	}
	return list
}

// useSamples are what plugins used when somebody looked last. The zero value is
// ready; it is safe for concurrent use.
type useSamples struct {
	mu   sync.Mutex
	last map[string]*pluginUse
}

// of returns what a plugin uses, measured selfSamples ago at most.
func (u *useSamples) of(plugin string, measure func() *pluginUse) *pluginUse {
	u.mu.Lock()
	defer u.mu.Unlock()
	if measure == nil {
		delete(u.last, plugin)
		return nil
	}
	now := u.last[plugin]
	if now == nil || time.Since(now.At) >= selfSamples {
		if now = measure(); u.last == nil {
			u.last = map[string]*pluginUse{}
		}
		u.last[plugin] = now
	}
	return now
}
