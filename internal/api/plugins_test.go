package api_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/faultline-storage/faultline/internal/api"
	"github.com/faultline-storage/faultline/internal/api/apitest"
	"github.com/faultline-storage/faultline/internal/api/gen"
	"github.com/faultline-storage/faultline/internal/resource"
)

// fakeActs notes what it is asked to do, and fails on demand.
type fakeActs struct {
	did  []string
	fail error
}

func (f *fakeActs) note(act string, p api.PluginRef) error {
	f.did = append(f.did, strings.TrimSpace(act+" "+p.Name+" "+p.Runner))
	return f.fail
}

func (f *fakeActs) Load(_ context.Context, p api.PluginRef) error { return f.note("load", p) }

func (f *fakeActs) Changes(_ context.Context, p api.PluginRef) (*api.PluginChanges, error) {
	return &api.PluginChanges{Plugin: p.Name, Same: true, Changes: []gen.PluginChange{}}, f.note("changes", p)
}

func (f *fakeActs) Reload(_ context.Context, p api.PluginRef) (*api.PluginChanges, error) {
	return &api.PluginChanges{Plugin: p.Name, Now: "2", Changes: []gen.PluginChange{}}, f.note("reload", p)
}

func (f *fakeActs) Unload(_ context.Context, p api.PluginRef) error { return f.note("unload", p) }

func (f *fakeActs) SetLogLevel(_ context.Context, p api.PluginRef, l gen.LogLevel) error {
	return f.note("log-level "+string(l), p)
}

// TestPluginActs: which plugin each request acts on, at the server and at runners.
func TestPluginActs(t *testing.T) {
	t.Parallel()
	acts := &fakeActs{}
	o := apitest.New().Options()
	o.PluginActs = acts
	o.Plugins = func() []api.Plugin {
		var list []api.Plugin
		for _, p := range []struct{ name, runner string }{{"acme", ""}, {"acme", "one"}, {"box", "one"}, {"rack", "one"}, {"rack", "two"}} {
			list = append(list, api.Plugin{Name: p.name, Runner: p.runner, State: gen.Running, Kind: "python"})
		}
		return list
	}
	s := api.New(o)
	for _, c := range []struct {
		method, path, body string
		fail               error
		status             int
		did, want          string // what was done; what is in the answer
	}{
		{"GET", "/plugins/acme", "", nil, 200, "", `"name":"acme"`},
		{"GET", "/plugins/acme?runner=one", "", nil, 200, "", `"runner":"one"`},
		{"GET", "/plugins/box", "", nil, 200, "", `"runner":"one"`},
		{"GET", "/plugins/rack", "", nil, 409, "", "at the runners one, two"},
		{"GET", "/plugins/none", "", nil, 404, "", "no plugin none"},
		{"GET", "/plugins/box?runner=two", "", nil, 404, "", "no plugin box at runner two"},
		{"GET", "/plugins/box?runer=two", "", nil, 400, "", "runer"},

		{"POST", "/plugins", `{"name":"acme"}`, nil, 200, "load acme", `"name":"acme"`},
		{"POST", "/plugins", `{"name":"acme","runner":"one"}`, nil, 200, "load acme one", `"runner":"one"`},
		{"POST", "/plugins", `{"name":"box"}`, nil, 200, "load box one", `"runner":"one"`},
		{"POST", "/plugins", `{"name":"rack"}`, nil, 409, "", "say which one"},
		{"POST", "/plugins", `{"name":"new"}`, resource.Errorf(resource.NotFound, "put it there first"), 404, "load new", "put it there first"},
		{"POST", "/plugins", `{"name":""}`, nil, 400, "", "name is missing"},
		{"POST", "/plugins", `{"path":"/etc/x"}`, nil, 400, "", "path"},
		{"POST", "/plugins", `{`, nil, 400, "", "JSON"},

		{"PATCH", "/plugins/acme", `{"log_level":"debug"}`, nil, 200, "log-level debug acme", `"name":"acme"`},
		{"PATCH", "/plugins/rack?runner=two", `{"log_level":"error"}`, nil, 200, "log-level error rack two", `"runner":"two"`},
		{"PATCH", "/plugins/acme", `{"log_level":"loud"}`, nil, 400, "", "log_level"},
		{"PATCH", "/plugins/none", `{"log_level":"info"}`, nil, 404, "", "no plugin none"},

		{"GET", "/plugins/acme/changes", "", nil, 200, "changes acme", `"same":true`},
		{"GET", "/plugins/box/changes", "", nil, 200, "changes box one", `"same":true`},
		{"POST", "/plugins/acme/reload", "", nil, 200, "reload acme", `"now":"2"`},
		{"POST", "/plugins/rack/reload?runner=one", "", nil, 200, "reload rack one", `"plugin":"rack"`},
		{"POST", "/plugins/rack/reload", "", nil, 409, "", "say which one"},
		{"POST", "/plugins/acme/reload?dry_run=true", "", nil, 200, "changes acme", `"same":true`},
		{"POST", "/plugins/acme/reload", "", resource.Errorf(resource.Conflict, "not this one"), 409, "reload acme", "not this one"},
		{"POST", "/plugins/acme/reload", "", fmt.Errorf("ask: %w", context.DeadlineExceeded), 500, "reload acme", ""},

		{"DELETE", "/plugins/acme", "", nil, 204, "unload acme", ""},
		{"DELETE", "/plugins/rack?runner=two", "", nil, 204, "unload rack two", ""},
		{"DELETE", "/plugins/rack", "", nil, 409, "", "say which one"},
		{"DELETE", "/plugins/box", "", resource.Errorf(resource.Unavailable, "the runner does not answer"), 503, "unload box one", "does not answer"},
	} {
		acts.did, acts.fail = nil, c.fail
		w := do(t, s, c.method, "/api/v1"+c.path, c.body)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.want) {
			t.Errorf("%s %s %s: %d %s; want %d with %q", c.method, c.path, c.body, w.Code, w.Body, c.status, c.want)
		}
		if did := strings.Join(acts.did, ", "); did != c.did {
			t.Errorf("%s %s: did %q, want %q", c.method, c.path, did, c.did)
		}
	}

	list := get[gen.PluginList](t, s, "/plugins")
	if !slices.EqualFunc(list.Items, o.Plugins(), func(a gen.Plugin, b api.Plugin) bool { return a.Name == b.Name && a.Runner == b.Runner }) {
		t.Errorf("the list is %+v", list.Items)
	}

	// The end of a log.
	if log := get[gen.PluginLog](t, s, "/plugins/acme/log"); len(log.Items) != 0 {
		t.Errorf("a server that keeps no log tells %+v", log.Items)
	}
	o.PluginLog = func(p api.PluginRef) (lines []api.PluginLogLine) {
		for i := range 300 {
			lines = append(lines, api.PluginLogLine{Text: fmt.Sprint(p.Name, " at ", p.Runner, " ", i), Level: gen.LogLevelInfo})
		}
		return lines
	}
	s = api.New(o)
	for path, want := range map[string]string{
		"/plugins/acme/log": "200: acme at  100 … acme at  299", "/plugins/acme/log?runner=one&limit=1": "1: acme at one 299 … acme at one 299",
		"/plugins/box/log?limit=500": "300: box at one 0 … box at one 299",
	} {
		log := get[gen.PluginLog](t, s, path)
		if n := len(log.Items); n == 0 || fmt.Sprintf("%d: %s … %s", n, log.Items[0].Text, log.Items[n-1].Text) != want {
			t.Errorf("%s: %d lines %+v, want %s", path, n, log.Items, want)
		}
	}
	for path, status := range map[string]int{"/plugins/acme/log?limit=501": 400, "/plugins/acme/log?limit=0": 400, "/plugins/rack/log": 409, "/plugins/none/log": 404} {
		if w := do(t, s, "GET", "/api/v1"+path, ""); w.Code != status {
			t.Errorf("%s: %d %s, want %d", path, w.Code, w.Body, status)
		}
	}

	// A server without plugins says so.
	o.PluginActs = nil
	if w := do(t, api.New(o), "DELETE", "/api/v1/plugins/acme", ""); w.Code != 503 || !strings.Contains(w.Body.String(), "runs no plugins") {
		t.Errorf("without plugins: %d %s", w.Code, w.Body)
	}
}
