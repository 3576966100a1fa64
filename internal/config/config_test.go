package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/faultline-storage/faultline/internal/config"
)

func load(t *testing.T, text string, env map[string]string) (config.Config, error) {
	t.Helper()
	file := ""
	if text != "" {
		file = filepath.Join(t.TempDir(), "faultline.yaml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return config.Load(file, func(k string) string { return env[k] })
}

func TestFileThenEnvironment(t *testing.T) {
	c, err := load(t, "listen: 127.0.0.1:9000\nplugins: [a.py, builtin:redfish]\ncall_timeout: 30s\n", map[string]string{
		"FAULTLINE_LISTEN": "127.0.0.1:9001", "FAULTLINE_DEBUG_PLUGINS": "a,b", "FAULTLINE_RUNNER": "false",
	})
	if err != nil {
		t.Fatal(err)
	}
	if c.Listen != "127.0.0.1:9001" || len(c.Plugins) != 2 || time.Duration(c.CallTimeout) != 30*time.Second || len(c.DebugPlugins) != 2 || c.Runner {
		t.Errorf("%+v", c)
	}
}

func TestAStoreIsPostgreSQL(t *testing.T) {
	const password = "hidden-word"
	for text, ok := range map[string]bool{
		"": true, "postgres://a:" + password + "@db/faultline": true, "postgresql://db/faultline": true,
		"mysql://a:" + password + "@db/faultline": false, "host=db password=" + password: false,
	} {
		c, err := load(t, "store: "+text+"\n", nil)
		if (err == nil) != ok || err != nil && strings.Contains(err.Error(), password) {
			t.Errorf("%s: got %v", text, err)
		}
		if c.Store != text {
			t.Errorf("store is %q, want %q", c.Store, text)
		}
	}
	if c, err := load(t, "", map[string]string{"FAULTLINE_STORE": "postgres://db/x"}); err != nil || c.Store != "postgres://db/x" {
		t.Errorf("by environment: %q, %v", c.Store, err)
	}
}

func TestProblemsAreNamed(t *testing.T) {
	for _, tc := range []struct {
		name, text string
		env        map[string]string
		want       []string
	}{
		{"unknown key", "listen: 127.0.0.1:1\nlissen: x\n", nil, []string{"faultline.yaml", "lissen", "2"}},
		{"wrong type", "listen: 127.0.0.1:1\nplugins: 5\n", nil, []string{"faultline.yaml", "2"}},
		{"duration", "listen: 127.0.0.1:1\ncall_timeout: soon\n", nil, []string{"faultline.yaml: [2:15]", "soon", "duration"}},
		{"list for a duration", "call_timeout: [5s]\n", nil, []string{"faultline.yaml: [1:15]", "duration"}},
		{"size", "change_log_size: much\n", nil, []string{"faultline.yaml: [1:18]", "much", "size"}},
		{"unknown limit", "plugin_limits:\n  default: {memory: 1GiB}\n  acme: {ram: 1GiB}\n", nil, []string{"faultline.yaml: [3:10]", "ram"}},
		{"limit with no unit that there is", "plugin_limits:\n  acme: {memory: 1 elephant}\n", nil, []string{"faultline.yaml: [2:18]", "elephant"}},
		{"limit of the wrong type", "plugin_limits: {acme: {processes: many}}\n", nil, []string{"faultline.yaml: [1:35]", "int"}},
		{"too little of everything", "plugin_limits: {acme: {memory: 1MiB, cpu: -1, cpu_window: 1ms, open_files: 3, processes: -1}}\n", nil, []string{
			"plugin_limits: acme: memory: ", "32MiB", "acme: cpu: -1", "acme: cpu_window: ", "acme: open_files: ", "acme: processes: ",
		}},
		{"hook", "plugin_limits: {acme: {hooks: {scan: 1m, teardown: 0s}}}\n", nil, []string{"acme: hooks: there is no hook \"scan\"", "update_scan", "hooks: teardown: must be more than 0"}},
		{"limits in a variable", "", map[string]string{"FAULTLINE_PLUGIN_LIMITS": "memory=much,ram=1,cpu"}, []string{"FAULTLINE_PLUGIN_LIMITS", "much", "\"ram\"", "\"cpu\""}},
		{"targets", "plugin_targets: {a: {concurrency: -1}, b.: {min_interval: 1s}, c: {min_interval: 48h}, d: {}}\n", nil, []string{
			"plugin_targets: a: concurrency", "plugin_targets: b.: this is the name of neither", "plugin_targets: c: min_interval", "plugin_targets: d: gives no bound",
		}},
		{"member of a target", "plugin_targets: {a: {interval: 1s}}\n", nil, []string{"faultline.yaml: [1:22]", "interval"}},
		{"targets in a variable", "", map[string]string{"FAULTLINE_PLUGIN_TARGETS": "a"}, []string{"FAULTLINE_PLUGIN_TARGETS", "file"}},
		{"secret for plugins", "plugin_env: [LICENCE, FAULTLINE_TOKEN, A=b]\n", nil, []string{"plugin_env: FAULTLINE_TOKEN", "\"A=b\""}},
		{"control group", "plugin_cgroup: here\n", nil, []string{"plugin_cgroup", "here", "auto"}},
		{"no changes kept", "change_log_keep: 0s\n", nil, []string{"change_log_keep", "more than 0"}},
		{"size in a variable", "", map[string]string{"FAULTLINE_CHANGE_LOG_SIZE": "-1"}, []string{"FAULTLINE_CHANGE_LOG_SIZE", "-1"}},
		{"half of TLS", "tls_cert: a.pem\n", nil, []string{"tls_cert and tls_key"}},
		{"port of SSH", "ssh_port: 70000\n", nil, []string{"ssh_port", "70000", "65535"}},
		{"port of SSH in a variable", "", map[string]string{"FAULTLINE_SSH_PORT": "ssh"}, []string{"FAULTLINE_SSH_PORT", "\"ssh\""}},
		{"addresses of OTLP", "otlp:\n  - url: collector:4318\n  - url: https://a:b@collector:4318/v1/metrics\n  - url: http://collector:4318\n  - url: http://collector/v1/metrics?key=1\n", nil, []string{
			"otlp[0].url: write the address as http://HOST:4318/v1/metrics", "otlp[1].url: a password", "otlp[2].url: write the whole path", "otlp[3].url: write the whole path, and no query",
		}},
		{"who sends OTLP", "otlp: [{url: 'http://a/v1/metrics', username: b}, {url: 'http://a/v1/metrics', username: b, password_file: c, token_file: d}]\n", nil, []string{
			"otlp[0]: username and password_file", "otlp[1]: username and token_file",
		}},
		{"member of OTLP", "otlp: [{site: x}]\n", nil, []string{"faultline.yaml: [1:9]", "site"}},
		{"OTLP in a variable", "", map[string]string{"FAULTLINE_OTLP": "http://a/v1/metrics"}, []string{"FAULTLINE_OTLP", "file"}},
		{"address of remote write", "remote_write: [{url: mimir}]\n", nil, []string{"remote_write[0].url: write the address as https://HOST/api/v1/write"}},
		{"level", "log_level: loud\n", nil, []string{"log_level", "loud"}},
		{"variable", "", map[string]string{"FAULTLINE_RUNNER": "perhaps"}, []string{"FAULTLINE_RUNNER", "perhaps"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := load(t, tc.text, tc.env)
			if err == nil {
				t.Fatal("no error")
			}
			for _, w := range tc.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("error %q lacks %q", err, w)
				}
			}
		})
	}
}

func TestAMissingFileIsAnError(t *testing.T) {
	if _, err := config.Load(filepath.Join(t.TempDir(), "none.yaml"), func(string) string { return "" }); err == nil {
		t.Error("no error")
	}
}

func TestEveryKeyIsDocumented(t *testing.T) {
	doc, err := os.ReadFile("../../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []reflect.Type{reflect.TypeFor[config.Config](), reflect.TypeFor[config.Agent]()} {
		for i := range c.NumField() {
			if key := "`" + c.Field(i).Tag.Get("yaml") + "`"; !strings.Contains(string(doc), key) {
				t.Errorf("docs/operating.md lacks %s", key)
			}
		}
	}
}

func TestAgent(t *testing.T) {
	load := func(text string, env map[string]string) (config.Agent, error) {
		t.Helper()
		file := filepath.Join(t.TempDir(), "agent.yaml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return config.LoadAgent(file, func(key string) string { return env[key] })
	}
	c, err := load("device_plugins: [a.py]\nplugin_limits:\n  default:\n    hooks:\n      update_session: 3s\n",
		map[string]string{"FAULTLINE_DEVICE_PERIOD": "30s", "FAULTLINE_DEVICE_PLUGIN_DIR": "/x"})
	if err != nil || !slices.Equal(c.DevicePlugins, []string{"a.py"}) || c.DevicePluginDir != "/x" ||
		c.DevicePeriod != config.Duration(30*time.Second) || c.CallTimeout != config.DefaultAgent().CallTimeout {
		t.Errorf("%+v, %v", c, err)
	}
	for text, want := range map[string]string{
		"plugins: []\n":                   "[1:1] unknown field \"plugins\"",
		"device_period: 10\n":             "[1:16]",
		"device_period: 1ms\n":            "device_period must be 1s at least",
		"data: \"\"\n":                    "data:",
		"log_level: loud\n":               "log_level: \"loud\"",
		"plugin_cgroup: x\n":              "plugin_cgroup",
		"call_timeout: 0s\n":              "call_timeout must be more than 0",
		"plugin_limits: {a: {cpu: -1}}\n": "plugin_limits: a: cpu",
		"plugin_env: [FAULTLINE_TOKEN]\n": "FAULTLINE_TOKEN",
	} {
		if _, err := load(text, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", text, err, want)
		}
	}
}

func TestSizesHaveUnits(t *testing.T) {
	for text, want := range map[string]config.Size{"0": 0, "100": 100, "5B": 5, "512MiB": 512 << 20, "1.5 GiB": 3 << 29, "2TiB": 2 << 40} {
		c, err := load(t, "change_log_size: "+text+"\n", nil)
		if err != nil || c.ChangeLogSize != want {
			t.Errorf("%s: got %d, %v; want %d", text, c.ChangeLogSize, err, want)
		}
		var again config.Size
		b, err := c.ChangeLogSize.MarshalText()
		if err != nil || again.UnmarshalText(b) != nil || again != want {
			t.Errorf("%s: written as %s, %v", text, b, err)
		}
	}
}

// FuzzConfig reads anything as a configuration: settings that pass their own
// check, or an error.
func FuzzConfig(f *testing.F) {
	f.Add("listen: 127.0.0.1:1\nplugins: [a.py]\ncall_timeout: 5s\nchange_log_size: 2GiB\n", "5s")
	f.Add("runner: false\nsamples_keep: [1]\n", "")
	f.Add("{a: &a [*a]}", "x")
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text, env string) {
		file := filepath.Join(dir, "faultline.yaml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := config.Load(file, func(string) string { return env })
		if err != nil {
			return
		}
		if err := c.Check(); err != nil {
			t.Errorf("Load took what Check refuses: %v", err)
		}
	})
}

func TestLimitsOfAPlugin(t *testing.T) {
	c, err := load(t, `plugin_limits:
  default: {cpu: 0.5, open_files: 100, hooks: {update_scan: 10s}}
  acme: {memory: 0, open_files: 200, hooks: {initial_scan: 1h}}
`, map[string]string{"FAULTLINE_PLUGIN_LIMITS": "processes=77, cpu=0.75,hooks.teardown=3s"})
	if err != nil {
		t.Fatal(err)
	}
	memory, cpu, files := config.Size(1<<30), 4.0, 50
	base := config.PluginLimit{Memory: &memory, CPU: &cpu, OpenFiles: &files}
	show := func(l config.PluginLimit) string {
		return fmt.Sprint(int64(*l.Memory), " ", *l.CPU, " ", *l.OpenFiles, " ", *l.Processes, " ", len(l.Hooks), " ", time.Duration(l.Hooks["update_scan"]))
	}
	for plugin, want := range map[string]string{
		"acme":  "0 0.75 200 77 3 10s",
		"other": "1073741824 0.75 100 77 2 10s",
	} {
		if got := show(c.PluginLimits.Of(plugin, base)); got != want {
			t.Errorf("%s: got %s, want %s", plugin, got, want)
		}
	}
	if l := config.Default().PluginLimits.Of("acme", base); *l.Memory != memory || *l.CPU != cpu || l.Processes != nil || len(base.Hooks) != 0 {
		t.Errorf("without settings: %+v", l)
	}
}
