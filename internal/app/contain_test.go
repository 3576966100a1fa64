package app

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/faultline-storage/faultline/internal/config"
	"github.com/faultline-storage/faultline/internal/pluginhost"
	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/sdk/wire"
)

// TestTargetsOf: an operator can tighten what an author declared, and not loosen
// it.
func TestTargetsOf(t *testing.T) {
	t.Parallel()
	minute := config.Duration(time.Minute)
	set := targetsOf(config.PluginTargets{
		"acme": {Concurrency: 5, MinInterval: minute}, "acme.Old": {Concurrency: 1}, "bare": {Attribute: "address", Concurrency: 2}, "wrong": {Attribute: "port", Concurrency: 2},
	})
	class := func(plugin, name string, own *resource.Target) *resource.Class {
		c := &resource.Class{Plugin: plugin, Name: name, Bases: []string{resource.BaseScannable, resource.BaseResource}, Target: own,
			Attributes: []resource.Attribute{{Name: "address", Kind: resource.Hostname}}}
		c.Index()
		return c
	}
	own := &resource.Target{Attribute: "address", Concurrency: 2, MinInterval: 10 * time.Second}
	for _, tt := range []struct {
		class *resource.Class
		want  *resource.Target
	}{
		{class("acme", "Array", own), &resource.Target{Attribute: "address", Concurrency: 2, MinInterval: time.Minute}},
		{class("acme", "Old", own), &resource.Target{Attribute: "address", Concurrency: 1, MinInterval: 10 * time.Second}},
		{class("acme", "Old", &resource.Target{Attribute: "address", MinInterval: time.Hour}), &resource.Target{Attribute: "address", Concurrency: 1, MinInterval: time.Hour}},
		{class("acme", "Array", nil), nil},
		{class("bare", "Array", nil), &resource.Target{Attribute: "address", Concurrency: 2}},
		{class("wrong", "Array", nil), nil},
		{class("other", "Array", own), own},
	} {
		if d := cmp.Diff(tt.want, set(tt.class)); d != "" {
			t.Errorf("%s (-want +got):\n%s", tt.class.FullName(), d)
		}
	}
}

// TestContain: settings reach the options of a process, and wrong ones are named.
func TestContain(t *testing.T) {
	t.Parallel()
	c := config.Default()
	c.Data = t.TempDir()
	memory, none := config.Size(64<<20), 0
	c.PluginLimits = config.PluginLimits{
		config.DefaultEntry: {Memory: &memory}, "acme": {Processes: &none, Hooks: map[string]config.Duration{"update_scan": config.Duration(time.Second)}},
	}
	c.PluginEnv = []string{"LICENCE"}
	k, err := newContainment(c, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	o := pluginhost.Options{Spec: pluginhost.Spec{Name: "acme"}}
	k.contain(&o)
	want := pluginhost.Limits{Memory: 64 << 20, CPU: 2, CPUWindow: time.Minute, OpenFiles: 1024, Calls: map[string]time.Duration{wire.MethodUpdateScan: time.Second}}
	if d := cmp.Diff(want, o.Limits); d != "" {
		t.Errorf("limits (-want +got):\n%s", d)
	}
	if o.Work != filepath.Join(c.Data, workFolder, "acme") || o.Hide != c.Data || len(o.PassEnv) != 1 || (o.User != nil) != (os.Geteuid() == 0) {
		t.Errorf("options %+v", o)
	}
	for _, hook := range config.Hooks {
		if hookMethods[hook] == "" {
			t.Errorf("hook %s has no call", hook)
		}
	}

	for key, change := range map[string]func(*config.Config){
		"plugin_user":   func(c *config.Config) { c.PluginUser = "no-such-user" },
		"plugin_cgroup": func(c *config.Config) { c.PluginCgroup = "/no/such/\x00group" },
	} {
		wrong := c
		change(&wrong)
		if _, err := newContainment(wrong, slog.New(slog.DiscardHandler)); err == nil || !strings.HasPrefix(err.Error(), key+": ") {
			t.Errorf("%s: got %v", key, err)
		}
	}
}
