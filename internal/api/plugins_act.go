package api

import (
	"context"
	"errors"
	"time"

	"github.com/faultline-storage/faultline/internal/api/gen"
	"github.com/faultline-storage/faultline/internal/resource"
)

// PluginActs loads, reloads and unloads plugins while the server runs. Names are
// those of plugins; errors are of type *resource.Fault. All methods are safe for
// concurrent use.
type PluginActs interface {
	// Load loads a plugin of the configuration or the plugin folder, or one that
	// was unloaded or failed, and returns when it runs.
	Load(ctx context.Context, name string) error
	// Changes compares what the plugin's files declare with what is loaded.
	Changes(ctx context.Context, name string) (*PluginChanges, error)
	// Reload is Changes, and takes the files in. On an error the version that was
	// loaded goes on.
	Reload(ctx context.Context, name string) (*PluginChanges, error)
	// Unload ends a plugin. What it reported stays.
	Unload(ctx context.Context, name string) error
	// SetLogLevel sets what of the plugin's log is kept.
	SetLogLevel(ctx context.Context, name string, level gen.LogLevel) error
}

// PluginChanges is the differences between two versions of a plugin, in the shape
// of the interface.
type PluginChanges = gen.PluginChanges

// actTime bounds an act on a plugin: it may have to wait for hooks that run. It is
// less than the server waits for an answer.
const actTime = 100 * time.Second

// acting returns who acts on plugins, and a context for it.
func (h *handlers) acting(ctx context.Context) (PluginActs, context.Context, context.CancelFunc, error) {
	if h.pluginActs == nil {
		return nil, nil, nil, resource.Errorf(resource.Unavailable, "this server runs no plugins")
	}
	ctx, cancel := context.WithTimeout(ctx, actTime)
	return h.pluginActs, ctx, cancel, nil
}

// late says that an act took too long, where that is why it failed.
func late(ctx context.Context, err error, what string) error {
	if errors.Is(err, context.DeadlineExceeded) && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return resource.Errorf(resource.Unavailable, "%s: a hook of the plugin still ran after %v", what, actTime)
	}
	return err
}

// plugin returns the state of a plugin of this server.
func (h *handlers) plugin(name string) (gen.Plugin, error) {
	for _, p := range h.plugins() {
		if p.Name == name && p.Runner == "" {
			return shown(p), nil
		}
	}
	for _, p := range h.plugins() {
		if p.Name == name {
			return shown(p), nil
		}
	}
	return gen.Plugin{}, notFound("there is no plugin %s", name)
}

// GetPlugin returns a plugin.
func (h *handlers) GetPlugin(_ context.Context, req gen.GetPluginRequestObject) (gen.GetPluginResponseObject, error) {
	p, err := h.plugin(req.Name)
	if err != nil {
		return nil, err
	}
	return gen.GetPlugin200JSONResponse(p), nil
}

// LoadPlugin loads a plugin that the server knows where to find.
func (h *handlers) LoadPlugin(ctx context.Context, req gen.LoadPluginRequestObject) (gen.LoadPluginResponseObject, error) {
	acts, ctx, cancel, err := h.acting(ctx)
	if err != nil {
		return nil, err
	}
	defer cancel()
	if req.Body.Name == "" {
		return nil, resource.FieldErrorf("name", "name is missing")
	}
	if err := acts.Load(ctx, req.Body.Name); err != nil {
		return nil, late(ctx, err, "the plugin is still being loaded")
	}
	p, err := h.plugin(req.Body.Name)
	if err != nil {
		return nil, err
	}
	return gen.LoadPlugin200JSONResponse(p), nil
}

// EditPlugin changes the level of a plugin's log.
func (h *handlers) EditPlugin(ctx context.Context, req gen.EditPluginRequestObject) (gen.EditPluginResponseObject, error) {
	acts, ctx, cancel, err := h.acting(ctx)
	if err != nil {
		return nil, err
	}
	defer cancel()
	if !req.Body.LogLevel.Valid() {
		return nil, resource.FieldErrorf("log_level", "log_level %q is not one of debug, info, warning, error", req.Body.LogLevel)
	}
	if err := acts.SetLogLevel(ctx, req.Name, req.Body.LogLevel); err != nil {
		return nil, err
	}
	p, err := h.plugin(req.Name)
	if err != nil {
		return nil, err
	}
	return gen.EditPlugin200JSONResponse(p), nil
}

// UnloadPlugin ends a plugin.
func (h *handlers) UnloadPlugin(ctx context.Context, req gen.UnloadPluginRequestObject) (gen.UnloadPluginResponseObject, error) {
	acts, ctx, cancel, err := h.acting(ctx)
	if err != nil {
		return nil, err
	}
	defer cancel()
	if err := acts.Unload(ctx, req.Name); err != nil {
		return nil, late(ctx, err, "the plugin ends when its hooks have")
	}
	return gen.UnloadPlugin204Response{}, nil
}

// GetPluginChanges compares a plugin's files with what is loaded.
func (h *handlers) GetPluginChanges(ctx context.Context, req gen.GetPluginChangesRequestObject) (gen.GetPluginChangesResponseObject, error) {
	acts, ctx, cancel, err := h.acting(ctx)
	if err != nil {
		return nil, err
	}
	defer cancel()
	c, err := acts.Changes(ctx, req.Name)
	if err != nil {
		return nil, err
	}
	return gen.GetPluginChanges200JSONResponse(*c), nil
}

// ReloadPlugin takes a plugin in as its files are now.
func (h *handlers) ReloadPlugin(ctx context.Context, req gen.ReloadPluginRequestObject) (gen.ReloadPluginResponseObject, error) {
	acts, ctx, cancel, err := h.acting(ctx)
	if err != nil {
		return nil, err
	}
	defer cancel()
	act := acts.Reload
	if deref(req.Params.DryRun) {
		act = acts.Changes
	}
	c, err := act(ctx, req.Name)
	if err != nil {
		return nil, late(ctx, err, "the new version was not loaded")
	}
	return gen.ReloadPlugin200JSONResponse(*c), nil
}
