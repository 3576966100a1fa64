package app

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/faultline-storage/faultline/internal/pluginhost"
	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/sdk/wire"
)

// plugin is one plugin of a pluginSet.
type plugin struct {
	set  *pluginSet
	name string
	from origin
	path string // as it was given
	kind pluginhost.Kind

	level slog.LevelVar // what of its log is kept
	scans scanTimes

	// acting is held by who loads, reloads or unloads the plugin, through all of it.
	acting sync.Mutex
	// declaring is held while the classes of a version are put into the inventory,
	// so that those of the version in charge are the last.
	declaring sync.Mutex

	mu      sync.Mutex
	version *version // the one in charge; nil if there is none
	broken  error    // why there is no version
	moving  bool     // another version is taking over: sessions wait for it
	// shadows are the paths of plugins that were not loaded because this one has
	// their name.
	shadows  []string
	rejected error         // why the present files were not taken in
	tried    string        // the fingerprint of the files that were last taken in, or not
	changed  chan struct{} // closed when any of this changes
}

// version is the plugin as it was when it was loaded, and its processes, of which
// there is one at a time.
type version struct {
	plugin *plugin
	spec   pluginhost.Spec
	sup    *pluginhost.Supervisor
	stop   context.CancelFunc // set by pluginSet.start, under its mu
	ended  chan struct{}      // closed when the supervisor's Run is over

	// The rest is guarded by plugin.mu.

	// adopted says that its processes serve sessions. Before that it is a
	// candidate, which only shows what it declares.
	adopted  bool
	waiting  bool                // no process is wanted before the first use
	own      string              // the plugin's own version
	loaded   time.Time           // when it first served
	manifest wire.Manifest       // what the last process declared
	proc     *pluginhost.Process // up
	serving  *instance           // the same, when its classes are known
	broken   error               // why it cannot run; a server's view, beside the supervisor's
}

// instance is a process that serves sessions.
type instance struct {
	proc    *pluginhost.Process
	retired chan struct{} // closed when sessions are to leave it
	users   int           // guarded by plugin.mu
}

// lease is a process in the hands of one user, such as a session.
type lease struct {
	*pluginhost.Process
	retired <-chan struct{}
	release func()
}

// Retired implements session.Plugin.
func (l *lease) Retired() <-chan struct{} { return l.retired }

// Release implements session.Plugin.
func (l *lease) Release() { l.release() }

// borrowed is a lease of a process that nobody replaces.
func borrowed(p *pluginhost.Process) *lease { return &lease{Process: p, release: func() {}} }

// newVersion returns a version that does not run yet.
func (p *plugin) newVersion(spec pluginhost.Spec) *version {
	o := p.set.o
	v := &version{plugin: p, spec: spec, ended: make(chan struct{})}
	po := o.host
	po.Spec, po.OnBatch, po.LogLevel = spec, p.set.deliver, &p.level
	if o.debug.log != nil {
		po.Log = slog.New(pluginLog{po.Log.Handler(), o.debug.log.Handler(), &p.level})
	}
	v.sup = pluginhost.NewSupervisor(pluginhost.SupervisorOptions{Options: po, OnUp: v.up, OnFail: v.fail, OnDown: v.down})
	return v
}

func (v *version) log() *slog.Logger { return v.plugin.logger() }

// logger is the server's own log about the plugin.
func (p *plugin) logger() *slog.Logger { return p.set.o.host.Log.With("plugin", p.name) }

// serves reports whether a version of the plugin serves sessions.
func (p *plugin) serves() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.version != nil && p.version.serving != nil
}

// outdatedBy reports whether files with the fingerprint have yet to be taken in.
func (p *plugin) outdatedBy(now string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.tried != now && !errors.Is(p.broken, errUnloaded)
}

func (p *plugin) setTried(fingerprint string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tried = fingerprint
}

func (p *plugin) ownVersion() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.version == nil {
		return ""
	}
	return p.version.own
}

// declares is what the version in charge declares; nil if none did yet.
func (p *plugin) declares() *wire.Manifest {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.version == nil || p.version.loaded.IsZero() {
		return nil
	}
	m := p.version.manifest
	return &m
}

func (v *version) ownVersion() string {
	v.plugin.mu.Lock()
	defer v.plugin.mu.Unlock()
	return v.own
}

func (v *version) up(proc *pluginhost.Process) {
	p := v.plugin
	p.declaring.Lock()
	defer p.declaring.Unlock()
	p.mu.Lock()
	adopted := v.adopted && p.version == v
	v.proc, v.manifest, v.own = proc, proc.Info().Manifest, proc.Info().Plugin.Version
	p.signal()
	p.mu.Unlock()
	if !adopted {
		return
	}
	err := p.set.o.declare(context.Background(), p.name, proc.Info().Manifest, proc)
	if err != nil {
		v.log().Error("the plugin's declarations were refused", "error", err)
	} else {
		v.log().Info("the plugin is running", "pid", proc.Pid())
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	v.serve(err)
}

// serve opens the version's process to sessions, or says why it cannot. The
// caller holds plugin.mu.
func (v *version) serve(broken error) {
	v.broken, v.serving = broken, nil
	if broken == nil && v.proc != nil {
		v.serving = &instance{proc: v.proc, retired: make(chan struct{})}
		if v.loaded.IsZero() {
			v.loaded = time.Now()
		}
	}
	v.plugin.signal()
}

func (v *version) fail(err error) {
	log, p := v.log(), v.plugin
	p.mu.Lock()
	what := "the plugin cannot be started"
	if !v.adopted {
		what = "the plugin's new version cannot be started"
	}
	p.mu.Unlock()
	log.Error(what, "error", err)
	if problems := pluginhost.Problems(err); len(problems) > 1 { // the error names the first
		for _, pr := range problems[1:] {
			log.Error(what + ": " + problemLine(p.path, pr))
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if pluginhost.Permanent(err) || !v.adopted {
		v.broken = err
	}
	p.signal()
}

func (v *version) down(err error) {
	if err != nil {
		v.log().Error("the plugin's process ended", "error", err)
	}
	p := v.plugin
	p.mu.Lock()
	defer p.mu.Unlock()
	v.proc = nil
	if !v.adopted {
		v.broken = err
	} else {
		v.serve(nil)
	}
	p.signal()
}

// signal wakes who waits for a change of the plugin. The caller holds mu.
func (p *plugin) signal() {
	close(p.changed)
	p.changed = make(chan struct{})
}

// wait waits until a condition holds, which is asked under mu.
func (p *plugin) wait(ctx context.Context, holds func() bool) error {
	for {
		p.mu.Lock()
		ok, changed := holds(), p.changed
		p.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// where is the path of the plugin.
func (p *plugin) where() string { return p.path }

// shadow notes a plugin that was not loaded because this one has its name.
func (p *plugin) shadow(path string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !slices.Contains(p.shadows, path) {
		p.shadows = append(p.shadows, path)
	}
}

// lease returns the process in charge; with neither that nor an error, there is
// hope for one after the next change.
func (p *plugin) lease() (*lease, <-chan struct{}, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	v := p.version
	switch {
	case p.moving:
	case v == nil:
		return nil, nil, p.cannotRun(p.broken)
	case v.serving != nil:
		in := v.serving
		in.users++
		return &lease{Process: in.proc, retired: in.retired, release: sync.OnceFunc(func() {
			p.mu.Lock()
			defer p.mu.Unlock()
			in.users--
			p.signal()
		})}, nil, nil
	case v.broken != nil:
		return nil, nil, p.cannotRun(v.broken)
	case v.sup.Status().State == pluginhost.Failed: // it will not be started again
		return nil, nil, p.downLocked()
	}
	return nil, p.changed, nil
}

func (p *plugin) cannotRun(why error) error {
	return &resource.Fault{Kind: resource.Unavailable, Text: "plugin " + p.name + " cannot run", Cause: why}
}

// waits reports whether no process of the version is wanted yet.
func (v *version) waits() bool {
	v.plugin.mu.Lock()
	defer v.plugin.mu.Unlock()
	return v.waiting
}

// wake starts the process of a plugin that waits for its first use.
func (p *plugin) wake() {
	p.mu.Lock()
	v := p.version
	waits := v != nil && v.waiting
	if waits {
		v.waiting = false
	}
	p.mu.Unlock()
	if waits {
		p.logger().Info("a host reports; the plugin is started")
		p.begin(v)
	}
}

// soon reports whether a process is on its way.
func (p *plugin) soon() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.moving || p.version != nil && p.version.sup.Status().State == pluginhost.Starting
}

// down says why the plugin's process is not there.
func (p *plugin) down() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.downLocked()
}

func (p *plugin) downLocked() error {
	f := &resource.Fault{Kind: resource.Unavailable, Text: "plugin " + p.name + " is not running"}
	if p.version != nil {
		f.Cause = p.version.sup.Status().LastError
	}
	return f
}
