package config

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// PluginTargets are bounds of scans, by plugin or by plugin.Class, which counts
// more. They make what a class declares tighter, and never wider. Nothing of it
// can stand in the environment.
type PluginTargets map[string]PluginTarget

// PluginTarget is how an address is spared that the plugin's scans talk to.
type PluginTarget struct {
	// Attribute holds the address, for a class that declares no target.
	Attribute string `yaml:"attribute"`
	// Concurrency is how many scans of one address may run at a time; 0 says
	// nothing.
	Concurrency int `yaml:"concurrency"`
	// MinInterval is the least time from the beginning of one scan of an address to
	// that of the next; 0 says nothing.
	MinInterval Duration `yaml:"min_interval"`
}

// Of returns what is set for a class.
func (t PluginTargets) Of(plugin, class string) (PluginTarget, bool) {
	if p, ok := t[plugin+"."+class]; ok {
		return p, true
	}
	p, ok := t[plugin]
	return p, ok
}

// check returns all that is wrong with the bounds.
func (t PluginTargets) check() error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(t)) {
		p := t[name]
		problem := func(format string, args ...any) {
			errs = append(errs, fmt.Errorf("plugin_targets: %s: %s", name, fmt.Sprintf(format, args...)))
		}
		if plugin, class, dotted := strings.Cut(name, "."); plugin == "" || dotted && !variable.MatchString(class) {
			problem("this is the name of neither a plugin nor of a class as plugin.Class")
		}
		if p.Concurrency < 0 {
			problem("concurrency: %d is not how many scans may run at a time", p.Concurrency)
		}
		if d := time.Duration(p.MinInterval); d < 0 || d > 24*time.Hour {
			problem("min_interval must be from 0s to 24h")
		}
		if p.Concurrency == 0 && p.MinInterval == 0 {
			problem("gives no bound; give concurrency, min_interval or both")
		}
	}
	return errors.Join(errs...)
}
