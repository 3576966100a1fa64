package conform_test

import (
	"context"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/faultline-storage/faultline/internal/conform"
	"github.com/faultline-storage/faultline/internal/pluginhost"
	"github.com/faultline-storage/faultline/sdk/wire"
)

const plugins = "testdata/plugins"

func TestMain(m *testing.M) {
	// A launcher that chooses an interpreter costs its time at every start.
	if python, err := exec.Command("python3", "-c", "import sys; print(sys.executable)").Output(); err == nil {
		os.Setenv("PATH", filepath.Dir(strings.TrimSpace(string(python)))+string(os.PathListSeparator)+os.Getenv("PATH"))
	}
	os.Exit(m.Run())
}

// place copies a plugin to a folder of its own, where its hardware is too.
func place(t *testing.T, name string) (spec pluginhost.Spec, dir string) {
	t.Helper()
	dir = t.TempDir()
	for from, to := range map[string]string{"base.py": "base.py", name: "plugin"} {
		b, err := os.ReadFile(filepath.Join(plugins, from))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, to), b, 0o700); err != nil { //nolint:gosec // it is a program
			t.Fatal(err)
		}
	}
	return pluginhost.Spec{Name: "plugin", Kind: pluginhost.Executable, Path: filepath.Join(dir, "plugin")}, dir
}

// options are those for the plugins of testdata.
func options(t *testing.T, name string) conform.Options {
	t.Helper()
	spec, dir := place(t, name)
	return conform.Options{
		Host: pluginhost.Options{Spec: spec, CallTimeout: 30 * time.Second},
		Root: func(wire.Manifest) (string, map[string]json.RawMessage, error) {
			return "Array", map[string]json.RawMessage{
				"address":  json.RawMessage(`"good.example.com"`),
				"password": json.RawMessage(`"secret very"`),
			}, nil
		},
		Remove: func(context.Context) error { return os.WriteFile(filepath.Join(dir, "gone"), nil, 0o600) },
		Accept: func(context.Context) error { return nil },
		// The bounds of what the misbehaving plugins do.
		MaxScan: 80 * time.Millisecond, MaxMemory: 1 << 30,
		Sessions: 6, Parallel: 4,
	}
}

// TestEachCheckCatchesItsPlugin runs the kit on plugins of which each breaks one
// rule: that check must fail, and no other one.
func TestEachCheckCatchesItsPlugin(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped: many processes, with -short")
	}
	entries, err := fs.ReadDir(os.DirFS(plugins), ".")
	if err != nil {
		t.Fatal(err)
	}
	caught := map[string]bool{"accepted": true} // of a server; see e2e/testdata/script/conform.txtar
	checkOf := map[string]string{"good": "", "descriptors": "leaks", "threads": "leaks", "references": "no-cycles"}
	for _, e := range entries {
		name := e.Name()
		if strings.Contains(name, ".") || name == "accepted" || e.IsDir() {
			continue
		}
		want, ok := checkOf[name]
		if !ok {
			want = name
		}
		caught[want] = true
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := options(t, name)
			if name != "cost" {
				o.MaxScan = 0
			}
			report, err := conform.Run(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range report.Results {
				switch {
				case (r.Name == want) != (r.Status == conform.Fail):
					t.Errorf("%s: %s %s %q", r.Name, r.Status, r.Note, r.Seen)
				case r.Name == "accepted" && (want == "batches" || want == "no-cycles"):
				case r.Status == conform.Skip && want != "handshake" && want != "scan" && !(want == "unreachable" && r.Name == "failed-scan"):
					t.Errorf("%s was skipped: %s", r.Name, r.Note)
				case r.Status == conform.Fail && (len(r.Seen) == 0 || r.Rule == "" || r.Advice == ""):
					t.Errorf("%s does not say enough: %+v", r.Name, r)
				case r.Status == conform.Fail:
					t.Logf("%s: %q", r.Name, r.Seen)
				}
			}
		})
	}
	for _, c := range conform.Checks() {
		if !caught[c.Name] {
			t.Errorf("no plugin in %s breaks the rule of the check %s", plugins, c.Name)
		}
	}
}

// TestSecretsAreNotShown: a finding must not say the password again.
func TestSecretsAreNotShown(t *testing.T) {
	t.Parallel()
	o := options(t, "secrets")
	o.Only = []string{"secrets"}
	report, err := conform.Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(report)
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Results) != 1 || report.Failed != 1 || !strings.Contains(string(b), "•••") {
		t.Errorf("report %s", b)
	}
	for _, secret := range []string{"secret very", "yrev terces", "canary-"} {
		if strings.Contains(string(b), secret) {
			t.Errorf("the report has %q: %s", secret, b)
		}
	}
}

// TestSelection looks at Only, Leave and Live.
func TestSelection(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		set    func(*conform.Options)
		want   []string
		failed int
	}{
		{"only", func(o *conform.Options) { o.Only = []string{"quiet-update"} }, []string{"quiet-update"}, 1},
		{"leave", func(o *conform.Options) {
			o.Only, o.Leave = []string{"quiet-update", "stdout"}, []string{"quiet-update"}
		}, []string{"stdout"}, 0},
		{"live", func(o *conform.Options) { o.Only, o.Live = []string{"quiet-update"}, true }, []string{"quiet-update"}, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			o := options(t, "quiet-update")
			o.Remove = nil
			test.set(&o)
			report, err := conform.Run(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, r := range report.Results {
				got = append(got, r.Name)
			}
			if !slices.Equal(got, test.want) || report.Failed != test.failed {
				t.Errorf("checks %v with %d failures, want %v with %d", got, report.Failed, test.want, test.failed)
			}
		})
	}
	o := options(t, "good")
	o.Leave = []string{"patience"}
	if _, err := conform.Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), `no check "patience"`) {
		t.Errorf("error %v", err)
	}
}

// TestWrongRoot: what is wrong with the question is no failure of the plugin.
func TestWrongRoot(t *testing.T) {
	t.Parallel()
	o := options(t, "good")
	root := o.Root
	o.Root = func(m wire.Manifest) (string, map[string]json.RawMessage, error) {
		class, values, err := root(m)
		delete(values, "password")
		return class, values, err
	}
	if _, err := conform.Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), "--set password=") {
		t.Errorf("error %v", err)
	}
}
