package app

import (
	"context"

	"github.com/faultline-storage/faultline/internal/api"
	"github.com/faultline-storage/faultline/internal/api/gen"
	"github.com/faultline-storage/faultline/internal/resource"
)

// pluginActs implements api.PluginActs for the plugins of a server and of its
// runners.
type pluginActs struct {
	own   *catalog
	place *placement
}

// at returns the runner that a plugin is at; nil if that is the server.
func (a *pluginActs) at(p api.PluginRef) (*remote, error) {
	if p.Runner == "" {
		return nil, nil
	}
	for _, m := range a.place.all() {
		if m.name == p.Runner {
			return m, nil
		}
	}
	return nil, resource.Errorf(resource.NotFound, "there is no runner %s that is connected", p.Runner)
}

// act does something at the runner of a plugin, or here.
func (a *pluginActs) act(ctx context.Context, p api.PluginRef, n actNote, here func() (*api.PluginChanges, error)) (*api.PluginChanges, error) {
	m, err := a.at(p)
	switch {
	case err != nil:
		return nil, err
	case m == nil:
		return here()
	}
	n.Plugin = p.Name
	return m.act(ctx, n)
}

// Load implements api.PluginActs.
func (a *pluginActs) Load(ctx context.Context, p api.PluginRef) error {
	_, err := a.act(ctx, p, actNote{Act: actLoad}, func() (*api.PluginChanges, error) { return nil, a.own.Load(ctx, p.Name) })
	return err
}

// Changes implements api.PluginActs.
func (a *pluginActs) Changes(ctx context.Context, p api.PluginRef) (*api.PluginChanges, error) {
	return a.act(ctx, p, actNote{Act: actChanges}, func() (*api.PluginChanges, error) { return a.own.Changes(ctx, p.Name) })
}

// Reload implements api.PluginActs.
func (a *pluginActs) Reload(ctx context.Context, p api.PluginRef) (*api.PluginChanges, error) {
	return a.act(ctx, p, actNote{Act: actReload}, func() (*api.PluginChanges, error) { return a.own.Reload(ctx, p.Name) })
}

// Unload implements api.PluginActs.
func (a *pluginActs) Unload(ctx context.Context, p api.PluginRef) error {
	_, err := a.act(ctx, p, actNote{Act: actUnload}, func() (*api.PluginChanges, error) { return nil, a.own.Unload(ctx, p.Name) })
	return err
}

// SetLogLevel implements api.PluginActs.
func (a *pluginActs) SetLogLevel(ctx context.Context, p api.PluginRef, level gen.LogLevel) error {
	_, err := a.act(ctx, p, actNote{Act: actLogLevel, Level: level}, func() (*api.PluginChanges, error) { return nil, a.own.SetLogLevel(ctx, p.Name, level) })
	return err
}
