package app

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/faultline-storage/faultline/internal/api/gen"
	"github.com/faultline-storage/faultline/internal/config"
	"github.com/faultline-storage/faultline/internal/pluginhost"
	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/sdk/wire"
)

const (
	// workFolder holds a working folder for each plugin, in the data folder.
	workFolder = "plugin-work"
	// pluginUser is the user that plugins of a root server run as where it exists.
	pluginUser = "faultline-plugin"
	// mostMemory bounds the default budget of memory.
	mostMemory = 4 << 30
	// mostDeviceMemory bounds that of device plugins, which are guests on a storage
	// server.
	mostDeviceMemory = 512 << 20
)

// containment is how plugins are kept within bounds; see
// docs/decisions/0014-containment.md.
type containment struct {
	data    string
	limits  config.PluginLimits
	base    config.PluginLimit
	env     []string
	user    *pluginhost.User
	cgroups *pluginhost.Cgroups
	// follows has plugins see the host's mounts come and go, and never keep one. That
	// counts more than to hide the data from them.
	follows bool
}

// newContainment reads the settings.
func newContainment(c config.Config, log *slog.Logger) (*containment, error) {
	data, err := filepath.Abs(c.Data)
	if err != nil {
		return nil, err
	}
	k := &containment{data: data, limits: c.PluginLimits, base: defaultLimit(), env: c.PluginEnv}
	if k.user, err = choosePluginUser(c.PluginUser, log); err != nil {
		return nil, fmt.Errorf("plugin_user: %w", err)
	}
	return k, k.group(c.PluginCgroup, log)
}

// newAgentContainment is newContainment for the device plugins of an agent. They run
// as the agent does unless another user is set: what they look at is closed to others.
func newAgentContainment(c config.Agent, log *slog.Logger) (*containment, error) {
	data, err := filepath.Abs(c.Data)
	if err != nil {
		return nil, err
	}
	base := defaultLimit()
	*base.Memory = min(*base.Memory, mostDeviceMemory)
	*base.CPU = 1
	k := &containment{data: data, limits: c.PluginLimits, base: base, env: c.PluginEnv, follows: true}
	if !pluginhost.MountsShared() {
		log.Info("the agent's folder is not hidden from device plugins: this host's mounts are private, and a plugin with a view of its own would miss changes", "folder", data)
	}
	if c.PluginUser != "" {
		if k.user, err = choosePluginUser(c.PluginUser, log); err != nil {
			return nil, fmt.Errorf("plugin_user: %w", err)
		}
	}
	return k, k.group(c.PluginCgroup, log)
}

// group finds where control groups are made, and logs what keeps plugins in bounds.
func (k *containment) group(setting string, log *slog.Logger) (err error) {
	if k.cgroups, err = pluginhost.FindCgroups(setting); err != nil {
		return fmt.Errorf("plugin_cgroup: %w", err)
	}
	who := "that of this process"
	if k.user != nil {
		who = k.user.Name
	}
	kept := strings.Join(k.cgroups.Controllers(), ", ")
	if kept == "" {
		kept = "none; this process looks"
	}
	log.Info("plugins are contained", "user", who, "control groups", k.cgroups != nil, "limits kept by the kernel", kept)
	return nil
}

// choosePluginUser returns whom plugins run as; nil is the server's own user.
func choosePluginUser(setting string, log *slog.Logger) (*pluginhost.User, error) {
	if os.Geteuid() != 0 {
		if setting == "" {
			return nil, nil
		}
		u, err := pluginhost.LookupUser(setting)
		if err == nil && u.UID != os.Geteuid() {
			err = errors.New("only a server that runs as root can run plugins as another user; leave it out")
		}
		return nil, err
	}
	if setting != "" {
		u, err := pluginhost.LookupUser(setting)
		if err != nil || u.UID == 0 {
			return nil, err
		}
		return u, nil
	}
	for _, name := range []string{pluginUser, "nobody"} {
		if u, err := pluginhost.LookupUser(name); err == nil && u.UID != 0 {
			// Nobody chose this user, so a plugin that worked without it goes
			// on working, as root, and says so.
			u.Try = true
			return u, nil
		}
	}
	log.Warn("plugins run as root: there is no user " + pluginUser + " and no nobody; make one, or name one with plugin_user")
	return nil, nil
}

// defaultLimit is the budget of a plugin about which nothing is said.
func defaultLimit() config.PluginLimit {
	memory := config.Size(mostMemory)
	if m := config.Size(pluginhost.MachineMemory() / 2); m > 0 {
		memory = min(memory, m)
	}
	cpu, window, files, processes := 2.0, config.Duration(time.Minute), 1024, 512
	return config.PluginLimit{Memory: &memory, CPU: &cpu, CPUWindow: &window, OpenFiles: &files, Processes: &processes}
}

// hookMethods are the calls of the hooks.
var hookMethods = map[string]string{
	"initial_scan": wire.MethodInitialScan, "update_scan": wire.MethodUpdateScan, "teardown": wire.MethodTeardown,
	"agent_session_start": wire.MethodAgentStart, "agent_session_continue": wire.MethodAgentContinue,
	"start_session": wire.MethodDeviceStart, "update_session": wire.MethodDeviceUpdate,
}

// contain implements pluginhost.Options.Contain.
func (k *containment) contain(o *pluginhost.Options) {
	o.Work, o.User, o.PassEnv, o.Cgroups = filepath.Join(k.data, workFolder, o.Spec.Name), k.user, k.env, k.cgroups
	if !k.follows || pluginhost.MountsShared() {
		o.Hide = k.data
	}
	l := k.limitsOf(o.Spec.Name)
	o.Limits = pluginhost.Limits{
		Memory: int64(*l.Memory), CPU: *l.CPU, CPUWindow: time.Duration(*l.CPUWindow),
		OpenFiles: *l.OpenFiles, Processes: *l.Processes, Calls: map[string]time.Duration{},
	}
	for hook, d := range l.Hooks {
		o.Limits.Calls[hookMethods[hook]] = time.Duration(d)
	}
}

// limitsOf returns the budgets of a plugin; only its Hooks may lack something.
func (k *containment) limitsOf(plugin string) config.PluginLimit { return k.limits.Of(plugin, k.base) }

// budgets are those of a plugin, as the API tells them.
func (k *containment) budgets(plugin string) *gen.PluginBudgets {
	l := k.limitsOf(plugin)
	b := &gen.PluginBudgets{Memory: int64(*l.Memory), CPU: *l.CPU, OpenFiles: *l.OpenFiles, Processes: *l.Processes}
	if b.CPU > 0 {
		b.CPUWindow = time.Duration(*l.CPUWindow).Seconds()
	}
	for hook, d := range l.Hooks {
		if b.Hooks == nil {
			b.Hooks = map[string]float64{}
		}
		b.Hooks[hook] = time.Duration(d).Seconds()
	}
	return b
}

// targetsOf returns what the scans of a class talk to: as its plugin declares it,
// tightened by the settings.
func targetsOf(set config.PluginTargets) func(*resource.Class) *resource.Target {
	return func(c *resource.Class) *resource.Target {
		s, ok := set.Of(c.Plugin, c.Name)
		if !ok || !c.Scannable() {
			return c.Target
		}
		own := &resource.Target{Attribute: s.Attribute, Concurrency: s.Concurrency, MinInterval: time.Duration(s.MinInterval)}
		if c.Target == nil && c.Attr(own.Attribute) < 0 {
			return nil // there is nothing to tell addresses by
		}
		return c.Target.Tighter(own)
	}
}
