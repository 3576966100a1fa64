package app_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/faultline-storage/faultline/examples/acme/sim"
	"github.com/faultline-storage/faultline/internal/api/gen"
)

// TestHostPluginsWait: a server knows the plugins for hosts without being told and
// without a process, and can be told not to.
func TestHostPluginsWait(t *testing.T) {
	s := newSite(t, sim.Options{Disks: 4})
	for _, name := range []string{"linux", "lustre"} {
		p := get[gen.Plugin](t, s, "/plugins/"+name)
		if p.State != gen.PluginState("stopped") || p.PID != 0 || p.From == nil || *p.From != gen.Server || p.Error == "" {
			t.Errorf("%+v", p)
		}
		if n := len(get[gen.ClassList](t, s, "/classes?plugin="+name).Items); n < 3 {
			t.Errorf("%s has %d classes", name, n)
		}
	}
	classes := get[gen.ClassList](t, s, "/classes?plugin=linux").Items
	i := slices.IndexFunc(classes, func(c gen.Class) bool { return c.Name == "ScsiDevice" })
	if i < 0 || !slices.ContainsFunc(classes[i].Attributes, func(a gen.ClassAttribute) bool { return a.Name == "serial" }) {
		t.Errorf("no linux.ScsiDevice with a serial in %d classes", len(classes))
	}
	// What an operator does to one is done.
	s.ask(t, http.MethodDelete, "/plugins/linux", "", http.StatusNoContent)
	s.ask(t, http.MethodPost, "/plugins", `{"name":"linux"}`, http.StatusOK)
	if p := get[gen.Plugin](t, s, "/plugins/linux"); p.State != gen.PluginState("running") {
		t.Errorf("%+v", p)
	}
	s.stop(t)
	s.cfg.HostPlugins = nil
	s.start(t)
	for _, p := range get[gen.PluginList](t, s, "/plugins").Items {
		if p.Name != "acme" {
			t.Error(fmt.Sprint(p.Name), "is there, though it was turned off")
		}
	}
}
