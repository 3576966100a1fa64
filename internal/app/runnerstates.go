package app

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/faultline-storage/faultline/internal/api/gen"
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
		use := r.plugins.uses.of(p.name, v.use)
		v.plugin.Usage = use.usage()
		v.plugin.Outdated = p.outdatedBy(fingerprint(p.path))
		for _, name := range slices.Sorted(maps.Keys(classes[p.name])) {
			v.plugin.Classes = append(v.plugin.Classes, p.name+"."+name)
		}
		list = append(list, pluginReport{
			Plugin: v.plugin, pluginTrouble: v.pluginTrouble, Unloaded: !r.plugins.has(p.name), Use: use.now,
		})
	}
	return list
}

// useSamples are what plugins used when somebody looked last. The zero value is
// ready; it is safe for concurrent use.
type useSamples struct {
	mu   sync.Mutex
	last map[string]useSample
}

// useSample is what a plugin uses, and what it did at the measurement before that;
// nil if there was none.
type useSample struct{ before, now *pluginUse }

// of returns what a plugin uses, measured selfSamples ago at most.
func (u *useSamples) of(plugin string, measure func() *pluginUse) useSample {
	u.mu.Lock()
	defer u.mu.Unlock()
	if measure == nil {
		delete(u.last, plugin)
		return useSample{}
	}
	s := u.last[plugin]
	if s.now == nil || time.Since(s.now.At) >= selfSamples {
		if s = (useSample{before: s.now, now: measure()}); u.last == nil {
			u.last = map[string]useSample{}
		}
		u.last[plugin] = s
	}
	return s
}

// usage is the sample in the shape of the API; nil if nothing is known.
func (s useSample) usage() *gen.PluginUsage {
	if s.now == nil {
		return nil
	}
	out := &gen.PluginUsage{Memory: s.now.Memory, Processes: s.now.Threads, OpenFiles: s.now.OpenFiles, Time: s.now.At}
	if b := s.before; b != nil && b.PID == s.now.PID && s.now.At.After(b.At) {
		cores := max(0, s.now.CPU-b.CPU).Seconds() / s.now.At.Sub(b.At).Seconds()
		out.CPU = &cores
	}
	return out
}
