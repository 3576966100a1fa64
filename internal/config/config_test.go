package config_test

import (
	"os"
	"path/filepath"
	"reflect"
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
		{"no changes kept", "change_log_keep: 0s\n", nil, []string{"change_log_keep", "more than 0"}},
		{"size in a variable", "", map[string]string{"FAULTLINE_CHANGE_LOG_SIZE": "-1"}, []string{"FAULTLINE_CHANGE_LOG_SIZE", "-1"}},
		{"half of TLS", "tls_cert: a.pem\n", nil, []string{"tls_cert and tls_key"}},
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
	c := reflect.TypeFor[config.Config]()
	for i := range c.NumField() {
		if key := "`" + c.Field(i).Tag.Get("yaml") + "`"; !strings.Contains(string(doc), key) {
			t.Errorf("docs/operating.md lacks %s", key)
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
