package api

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/faultline-storage/faultline/internal/api/gen"
	"github.com/faultline-storage/faultline/internal/resource"
)

// PluginActs loads, reloads and unloads plugins while the server runs, its own and
// those of runners. Errors are of type *resource.Fault. All methods are safe for
// concurrent use.
type PluginActs interface {
	// Load loads a plugin of the configuration or the plugin folder, or one that
	// was unloaded or failed, and returns when it runs.
	Load(ctx context.Context, p PluginRef) error
	// Changes compares what the plugin's files declare with what is loaded.
	Changes(ctx context.Context, p PluginRef) (*PluginChanges, error)
	// Reload is Changes, and takes the files in. On an error the version that was
	// loaded goes on.
	Reload(ctx context.Context, p PluginRef) (*PluginChanges, error)
	// Unload ends a plugin. What it reported stays.
	Unload(ctx context.Context, p PluginRef) error
	// SetLogLevel sets what of the plugin's log is kept.
	SetLogLevel(ctx context.Context, p PluginRef, level gen.LogLevel) error
}

// PluginRef is a plugin where it runs. The zero Runner is the server itself.
type PluginRef struct {
	Name   string
	Runner string
}

// PluginChanges is the differences between two versions of a plugin, in the shape
// of the interface.
type PluginChanges = gen.PluginChanges

// PluginLogLine is a line of a plugin's log, in the shape of the interface.
type PluginLogLine = gen.PluginLogLine

// How many lines of a log are returned, and at most.
const defaultLines, maxLines = 200, 500

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
		return resource.Errorf(resource.Unavailable, "%s: it took more than %v; a hook of the plugin may still run", what, actTime)
	}
	return err
}

// find returns the state of the plugin that a request means: without a runner, that
// of the server, or of the only runner that has it.
func (h *handlers) find(name, runner string) (gen.Plugin, PluginRef, error) {
	var found []Plugin
	var runners []string
	for _, p := range h.plugins() {
		if p.Name != name || runner != "" && p.Runner != runner {
			continue
		}
		if p.Runner == runner { // the server's own, where nobody asks for a runner's
			found, runners = []Plugin{p}, nil
			break
		}
		found, runners = append(found, p), append(runners, p.Runner)
	}
	ref := PluginRef{Name: name, Runner: runner}
	switch {
	case len(found) == 0 && runner != "":
		return gen.Plugin{}, ref, notFound("there is no plugin %s at runner %s", name, runner)
	case len(found) == 0:
		return gen.Plugin{}, ref, notFound("there is no plugin %s", name)
	case len(found) > 1:
		return gen.Plugin{}, ref, resource.Errorf(resource.Conflict, "plugin %s is at the runners %s; say which one you mean", name, strings.Join(runners, ", "))
	}
	ref.Runner = found[0].Runner
	return shown(found[0]), ref, nil
}

// GetPlugin returns a plugin.
func (h *handlers) GetPlugin(_ context.Context, req gen.GetPluginRequestObject) (gen.GetPluginResponseObject, error) {
	p, _, err := h.find(req.Name, deref(req.Params.Runner))
	if err != nil {
		return nil, err
	}
	return gen.GetPlugin200JSONResponse(p), nil
}

// GetPluginLog returns the end of a plugin's log.
func (h *handlers) GetPluginLog(_ context.Context, req gen.GetPluginLogRequestObject) (gen.GetPluginLogResponseObject, error) {
	n, err := limit(req.Params.Limit, defaultLines, maxLines)
	if err != nil {
		return nil, err
	}
	_, ref, err := h.find(req.Name, deref(req.Params.Runner))
	if err != nil {
		return nil, err
	}
	list := gen.PluginLog{Items: []gen.PluginLogLine{}}
	if h.pluginLog != nil {
		lines := h.pluginLog(ref)
		list.Items = append(list.Items, lines[max(0, len(lines)-n):]...)
	}
	return gen.GetPluginLog200JSONResponse(list), nil
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
	_, ref, err := h.find(req.Body.Name, req.Body.Runner)
	if err != nil && resource.KindOf(err) != resource.NotFound { // it may be about to come
		return nil, err
	}
	if err := acts.Load(ctx, ref); err != nil {
		return nil, late(ctx, err, "the plugin is still being loaded")
	}
	p, _, err := h.find(ref.Name, ref.Runner)
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
	_, ref, err := h.find(req.Name, deref(req.Params.Runner))
	if err != nil {
		return nil, err
	}
	if err := acts.SetLogLevel(ctx, ref, req.Body.LogLevel); err != nil {
		return nil, late(ctx, err, "the plugin was not told of its log level")
	}
	p, _, err := h.find(ref.Name, ref.Runner)
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
	_, ref, err := h.find(req.Name, deref(req.Params.Runner))
	if err != nil {
		return nil, err
	}
	if err := acts.Unload(ctx, ref); err != nil {
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
	_, ref, err := h.find(req.Name, deref(req.Params.Runner))
	if err != nil {
		return nil, err
	}
	c, err := acts.Changes(ctx, ref)
	if err != nil {
		return nil, late(ctx, err, "the new version was not compared")
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
	_, ref, err := h.find(req.Name, deref(req.Params.Runner))
	if err != nil {
		return nil, err
	}
	act := acts.Reload
	if deref(req.Params.DryRun) {
		act = acts.Changes
	}
	c, err := act(ctx, ref)
	if err != nil {
		return nil, late(ctx, err, "the new version was not loaded")
	}
	return gen.ReloadPlugin200JSONResponse(*c), nil
}
