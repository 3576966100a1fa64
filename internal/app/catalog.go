package app

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/faultline-storage/faultline/internal/api"
	"github.com/faultline-storage/faultline/internal/api/gen"
	"github.com/faultline-storage/faultline/internal/config"
	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/sdk/wire"
)

const (
	// lookEvery is how often the plugin folder is looked at. A file is taken in
	// when two looks found it the same, so that nobody loads half of one.
	lookEvery = time.Second
	// actPatience bounds how long the folder waits for one plugin.
	actPatience = 10 * time.Minute
)

// catalog is where plugins come from: the configuration and the plugin folder. It
// loads what appears there and unloads what goes, and does what users ask for. Its methods are safe for concurrent use.
type catalog struct {
	set *pluginSet
	at  string // for people: who has the plugins
	// changes compares what a plugin declares with what is stored.
	changes func(ctx context.Context, plugin string, running *wire.Manifest, next wire.Manifest) (*api.PluginChanges, error)
	dir     string // the plugin folder
	auto    bool   // take changed plugins of the folder in
	// hosts are the built-in plugins that agents feed: loaded without being listed,
	// unless another plugin has the name.
	hosts []string
	// configured reads the configuration's list of plugins again; nil if there is
	// nothing to read.
	configured func() ([]string, error)
	log        *slog.Logger

	mu     sync.Mutex // held while the set is brought in line
	config []string
	seen   map[string]string // fingerprints of the last look, by path
	asked  map[string]bool   // paths that were added to the set, or refused by it
	told   map[string]bool   // what was logged and is not to be logged again
}

// newCatalog adds the plugins of the configuration and of the folder to the set.
func newCatalog(c *catalog, config []string) *catalog {
	c.config, c.seen, c.asked, c.told = config, map[string]string{}, map[string]bool{}, map[string]bool{}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.align(false)
	return c
}

// run follows the folder until ctx ends.
func (c *catalog) run(ctx context.Context) error {
	t := time.NewTicker(lookEvery)
	defer t.Stop()
	for {
		select {
		case <-t.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		c.look()
	}
}

// look brings the set in line with the folder, and finds changed files.
func (c *catalog) look() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.align(true)
	for _, p := range c.set.all() {
		now := fingerprint(p.path)
		stable := c.seen[p.path] == now
		c.seen[p.path] = now
		if stable && p.outdatedBy(now) {
			c.changed(p, now)
		}
	}
}

// changed takes changed files in, or says that they changed.
func (c *catalog) changed(p *plugin, now string) {
	if p.from != fromFolder || !c.auto {
		if key := p.path + " " + now; !c.told[key] {
			c.told[key] = true
			p.logger().Info("the plugin's files changed; `faultline plugin reload` takes them in")
		}
		return
	}
	p.setTried(now)
	c.set.spawnAct(func(running context.Context) {
		ctx, cancel := context.WithTimeout(running, actPatience)
		defer cancel()
		p.logger().Info("the plugin's files changed; they are taken in")
		if _, err := c.renew(ctx, p); err != nil && running.Err() == nil {
			p.logger().Error("the plugin's new version was not loaded", "error", err)
		}
	})
}

// renew reloads a plugin that runs, and loads one that does not.
func (c *catalog) renew(ctx context.Context, p *plugin) (*api.PluginChanges, error) {
	if p.serves() {
		return c.reload(ctx, p)
	}
	return nil, p.load(ctx)
}

// reload takes a plugin in as its files are now.
func (c *catalog) reload(ctx context.Context, p *plugin) (ch *api.PluginChanges, err error) {
	err = p.reload(ctx, func(v *version) error {
		if ch, err = c.compare(ctx, p, v); err != nil {
			return err
		}
		if ch.Refused != "" {
			return resource.Errorf(resource.Conflict, "the new version of plugin %s cannot be taken in: %s", p.name, ch.Refused)
		}
		return nil
	})
	return ch, err
}

func (c *catalog) compare(ctx context.Context, p *plugin, v *version) (*api.PluginChanges, error) {
	ch, err := c.changes(ctx, p.name, p.declares(), v.manifest)
	if err != nil {
		return nil, err
	}
	ch.Version, ch.Now = p.ownVersion(), v.ownVersion()
	return ch, nil
}

// align loads what is new and removes what is gone. With stable, a file of the
// folder is new when it was the same at the look before. The caller holds mu.
func (c *catalog) align(stable bool) {
	want := map[string]origin{}
	var order []string
	put := func(path string, from origin) {
		if _, ok := want[path]; !ok {
			want[path] = from
			order = append(order, path)
		}
	}
	for _, path := range c.config {
		put(path, fromConfig)
	}
	files, err := pluginFiles(c.dir)
	if err != nil {
		c.once("the plugin folder cannot be read", err)
		return // and nothing of it goes
	}
	for _, path := range files {
		put(path, fromFolder)
	}
	for _, name := range c.hosts {
		put("builtin:"+name, fromServer)
	}
	for _, p := range c.set.all() {
		if _, ok := want[p.path]; !ok {
			c.drop(p)
		}
	}
	for path := range c.asked {
		if _, ok := want[path]; !ok {
			delete(c.asked, path)
		}
	}
	for _, path := range order {
		if c.asked[path] {
			continue
		}
		if now := fingerprint(path); stable && want[path] == fromFolder && c.seen[path] != now {
			c.seen[path] = now
			continue
		}
		c.asked[path] = true
		if name := strings.TrimPrefix(path, "builtin:"); want[path] == fromServer && c.set.get(name) != nil {
			c.log.Info("the server's own plugin is left out: another one has its name", "plugin", name, "loaded", c.set.get(name).where())
			continue
		}
		if _, err := c.set.add(path, want[path]); err == nil && stable {
			c.log.Info("a plugin was found", "path", path, "from", string(want[path]))
		}
	}
}

// drop unloads a plugin that is no longer listed or there. Those that its name
// kept out may come in.
func (c *catalog) drop(p *plugin) {
	p.logger().Info("the plugin is unloaded: its file, or its line in the configuration, is gone")
	for _, path := range p.kept() {
		delete(c.asked, path)
	}
	c.set.forget(p)
	c.set.spawnAct(func(running context.Context) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(running), actPatience)
		defer cancel()
		_ = p.unload(ctx) // it fails with ctx, and all ends then
	})
}

// once logs an error that comes again with every look.
func (c *catalog) once(text string, err error) {
	if key := text + err.Error(); !c.told[key] {
		c.told[key] = true
		c.log.Error(text, "error", err)
	}
}

// Reread brings the plugins in line with the configuration as it is now.
func (c *catalog) Reread() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.configured != nil {
		list, err := c.configured()
		if err != nil {
			return err
		}
		c.config = list
	}
	c.align(false)
	return nil
}

// find returns a plugin of the set.
func (c *catalog) find(name string) (*plugin, error) {
	if p := c.set.get(name); p != nil {
		return p, nil
	}
	return nil, resource.Errorf(resource.NotFound, "%s has no plugin %s", c.at, name)
}

// Load is that of api.PluginActs.
func (c *catalog) Load(ctx context.Context, name string) error {
	known := c.set.get(name)
	if err := c.Reread(); err != nil {
		return &resource.Fault{Kind: resource.Conflict, Text: "the configuration cannot be read again", Cause: err}
	}
	p := c.set.get(name)
	switch {
	case p == nil:
		return resource.Errorf(resource.NotFound, "there is no plugin %s in the configuration of %s (plugins) nor in %s; put it there first", name, c.at, c.dir)
	case p != known:
		return p.ready(ctx)
	}
	return p.load(ctx)
}

// Changes is that of api.PluginActs.
func (c *catalog) Changes(ctx context.Context, name string) (*api.PluginChanges, error) {
	p, err := c.find(name)
	if err != nil {
		return nil, err
	}
	var ch *api.PluginChanges
	err = p.reload(ctx, func(v *version) error {
		if ch, err = c.compare(ctx, p, v); err != nil {
			return err
		}
		return errOnlyLooked
	})
	if errors.Is(err, errOnlyLooked) {
		return ch, nil
	}
	return nil, err
}

// errOnlyLooked ends a reload that was only to show the new version.
var errOnlyLooked = errors.New("only looked")

// Reload is that of api.PluginActs.
func (c *catalog) Reload(ctx context.Context, name string) (*api.PluginChanges, error) {
	p, err := c.find(name)
	if err != nil {
		return nil, err
	}
	return c.reload(ctx, p)
}

// Unload is that of api.PluginActs.
func (c *catalog) Unload(ctx context.Context, name string) error {
	p, err := c.find(name)
	if err != nil {
		return err
	}
	p.logger().Info("the plugin is unloaded")
	return p.unload(ctx)
}

// SetLogLevel is that of api.PluginActs.
func (c *catalog) SetLogLevel(_ context.Context, name string, level gen.LogLevel) error {
	p, err := c.find(name)
	if err != nil {
		return err
	}
	p.level.Set(levels[level])
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.version != nil && p.version.proc != nil {
		if err := p.version.proc.Notify(wire.NoteLogLevel, wire.LogLevel{Level: string(level)}); err != nil {
			p.logger().Warn("the plugin was not told of its log level", "error", err) // it has ended, or will
		}
	}
	return nil
}

var levels = map[gen.LogLevel]slog.Level{
	gen.LogLevelDebug: slog.LevelDebug, gen.LogLevelInfo: slog.LevelInfo, gen.LogLevelWarning: slog.LevelWarn, gen.LogLevelError: slog.LevelError,
}

// levelOf is the inverse of levels.
func levelOf(l slog.Level) gen.LogLevel {
	switch {
	case l < slog.LevelInfo:
		return gen.LogLevelDebug
	case l < slog.LevelWarn:
		return gen.LogLevelInfo
	case l < slog.LevelError:
		return gen.LogLevelWarning
	}
	return gen.LogLevelError
}

// PluginFolder is the folder whose plugins a server or runner with the settings
// loads.
func PluginFolder(c config.Config) string {
	return absolute(cmp.Or(c.PluginDir, filepath.Join(c.Data, "plugins")))
}

// absolute makes the plugin folder's path one that does not depend on where the
// server was started.
func absolute(dir string) string {
	if abs, err := filepath.Abs(dir); err == nil {
		return abs
	}
	return dir
}

// kept are the paths of plugins that its name keeps out.
func (p *plugin) kept() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.shadows)
}
