package config

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// PluginLimits are the budgets of plugins, by name. What the entry of a plugin
// leaves out is as in the entry "default". In the environment it is the default: "memory=1GiB,cpu=2".
type PluginLimits map[string]PluginLimit

// DefaultEntry is the name of the entry that counts for all plugins.
const DefaultEntry = "default"

// PluginLimit is the budgets of one plugin: of its process and all that it
// starts. Nil says nothing; 0 is no limit.
type PluginLimit struct {
	Memory *Size `yaml:"memory"`
	// CPU is how many cores it may use on average over CPUWindow.
	CPU       *float64  `yaml:"cpu"`
	CPUWindow *Duration `yaml:"cpu_window"`
	// OpenFiles is of each process, Processes counts threads as well.
	OpenFiles *int `yaml:"open_files"`
	Processes *int `yaml:"processes"`
	// Hooks are time limits of some hooks, in place of call_timeout.
	Hooks map[string]Duration `yaml:"hooks"`
}

// Hooks are the hooks that can have time limits of their own.
var Hooks = []string{
	"initial_scan", "update_scan", "agent_session_start", "agent_session_continue", "teardown",
	"start_session", "update_session", // of device plugins
}

// Of returns the budgets of a plugin, completed from the default entry and then
// from base.
func (l PluginLimits) Of(plugin string, base PluginLimit) PluginLimit {
	return l[plugin].over(l[DefaultEntry].over(base))
}

// over completes a limit from the one below it.
func (p PluginLimit) over(below PluginLimit) PluginLimit {
	hooks := maps.Clone(below.Hooks)
	if hooks == nil {
		hooks = map[string]Duration{}
	}
	maps.Copy(hooks, p.Hooks)
	return PluginLimit{
		Memory: either(p.Memory, below.Memory), CPU: either(p.CPU, below.CPU), CPUWindow: either(p.CPUWindow, below.CPUWindow),
		OpenFiles: either(p.OpenFiles, below.OpenFiles), Processes: either(p.Processes, below.Processes), Hooks: hooks,
	}
}

func either[T any](a, b *T) *T {
	if a != nil {
		return a
	}
	return b
}

// fromText reads the default entry as the environment has it.
func (l *PluginLimits) fromText(text string) error {
	var p PluginLimit
	if before, ok := (*l)[DefaultEntry]; ok {
		p = before
	}
	var errs []error
	for part := range strings.SplitSeq(text, ",") {
		key, value, ok := strings.Cut(strings.TrimSpace(part), "=")
		if !ok {
			errs = append(errs, fmt.Errorf("%q is not of the form memory=1GiB,cpu=2", part))
			continue
		}
		if err := p.set(key, value); err != nil {
			errs = append(errs, err)
		}
	}
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	if *l == nil {
		*l = PluginLimits{}
	}
	(*l)[DefaultEntry] = p
	return nil
}

func (p *PluginLimit) set(key, value string) (err error) {
	switch key {
	case "memory":
		p.Memory = new(Size)
		return p.Memory.UnmarshalText([]byte(value))
	case "cpu":
		p.CPU = new(float64)
		if *p.CPU, err = strconv.ParseFloat(value, 64); err != nil {
			return fmt.Errorf("cpu: %q is no number of cores", value)
		}
	case "cpu_window":
		p.CPUWindow = new(Duration)
		return p.CPUWindow.UnmarshalText([]byte(value))
	case "open_files", "processes":
		n, err := strconv.Atoi(value)
		if err != nil {
			return fmt.Errorf("%s: %q is no whole number", key, value)
		}
		if key == "processes" {
			p.Processes = &n
		} else {
			p.OpenFiles = &n
		}
	default:
		hook, ok := strings.CutPrefix(key, "hooks.")
		if !ok {
			return fmt.Errorf("there is no limit %q; there are memory, cpu, cpu_window, open_files, processes and hooks.HOOK", key)
		}
		var d Duration
		if err := d.UnmarshalText([]byte(value)); err != nil {
			return err
		}
		p.Hooks = maps.Clone(p.Hooks)
		if p.Hooks == nil {
			p.Hooks = map[string]Duration{}
		}
		p.Hooks[hook] = d
	}
	return nil
}

// The least limits with which a plugin can start at all.
const (
	leastMemory    = 32 << 20
	leastOpenFiles = 32
	leastProcesses = 16
)

// check returns all that is wrong with the limits.
func (l PluginLimits) check() error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(l)) {
		p := l[name]
		problem := func(key, format string, args ...any) {
			errs = append(errs, fmt.Errorf("plugin_limits: %s: %s: %s", name, key, fmt.Sprintf(format, args...)))
		}
		if m := p.Memory; m != nil && *m != 0 && *m < leastMemory {
			problem("memory", "no plugin can start with less than 32MiB; 0 is no limit")
		}
		if c := p.CPU; c != nil && (!(*c >= 0) || *c > 0 && *c < 0.01 || *c > 100_000) {
			problem("cpu", "%v is no number of cores, such as 0.5 or 2; 0 is no limit", *c)
		}
		if w := p.CPUWindow; w != nil && *w < Duration(time.Second) {
			problem("cpu_window", "must be at least 1s")
		}
		if n := p.OpenFiles; n != nil && (*n < 0 || *n > 0 && *n < leastOpenFiles) {
			problem("open_files", "no plugin can start with fewer than %d; 0 is no limit", leastOpenFiles)
		}
		if n := p.Processes; n != nil && (*n < 0 || *n > 0 && *n < leastProcesses) {
			problem("processes", "no plugin can start with fewer than %d, which counts threads; 0 is no limit", leastProcesses)
		}
		for _, hook := range slices.Sorted(maps.Keys(p.Hooks)) {
			switch {
			case !slices.Contains(Hooks, hook):
				problem("hooks", "there is no hook %q; there are %s", hook, strings.Join(Hooks, ", "))
			case p.Hooks[hook] <= 0:
				problem("hooks: "+hook, "must be more than 0")
			}
		}
	}
	return errors.Join(errs...)
}

var variable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// checkEnv returns what is wrong with the names in plugin_env.
func checkEnv(names []string) error {
	var errs []error
	for _, n := range names {
		switch {
		case !variable.MatchString(n):
			errs = append(errs, fmt.Errorf("plugin_env: %q is no name of a variable; give names only, the values are those of the server's environment", n))
		case strings.HasPrefix(n, "FAULTLINE_"):
			errs = append(errs, fmt.Errorf("plugin_env: %s is the server's own and goes to no plugin", n))
		}
	}
	return errors.Join(errs...)
}
