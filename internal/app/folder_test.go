package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/faultline-storage/faultline/sdk/wire"
)

// lay makes files, named with a mode or with a slash at the end for a folder.
func lay(t *testing.T, dir string, files map[string]os.FileMode) {
	t.Helper()
	for name, mode := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil { // whatever the umask is
			t.Fatal(err)
		}
	}
}

func TestThePluginFolderHoldsPluginsAndOtherFiles(t *testing.T) {
	dir := t.TempDir()
	if got, err := pluginFiles(filepath.Join(dir, "missing")); err != nil || got != nil {
		t.Errorf("no folder: %q, %v", got, err)
	}
	lay(t, dir, map[string]os.FileMode{
		"acme.py": 0o644, "rack/__init__.py": 0o644, "rack/part.py": 0o644, "faultline-plugin-go": 0o755, "run.sh": 0o755, "forgot": 0o644,
		".acme.py.swp": 0o644, ".hidden.py": 0o644, "acme.py~": 0o644, "acme.py.bak": 0o644, "acme.py.tmp": 0o755, "#acme.py#": 0o644,
		"README.md": 0o644, "data.json": 0o644, "notes/list.txt": 0o644, "__pycache__/acme.pyc": 0o644,
	})
	got, err := pluginFiles(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, path := range got {
		names = append(names, filepath.Base(path))
	}
	// One that is not executable is listed, so that somebody hears of it.
	if want := "acme.py faultline-plugin-go forgot rack run.sh"; strings.Join(names, " ") != want {
		t.Errorf("plugins are %q, want %s", names, want)
	}
}

func TestAPluginThatOthersMayWriteIsRefused(t *testing.T) {
	dir := t.TempDir()
	lay(t, dir, map[string]os.FileMode{"good.py": 0o644, "open.py": 0o646, "pack/__init__.py": 0o644, "pack/open.py": 0o666, "fine/__init__.py": 0o644, "fine/.git/x": 0o666})
	for name, want := range map[string]string{"good.py": "", "fine": "", "open.py": "chmod o-w", "pack": "open.py can be written by everybody"} {
		err := vet(filepath.Join(dir, name))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := vet(filepath.Join(dir, "good.py")); err == nil {
		t.Error("a plugin in a folder that everybody may write is taken")
	}
	if os.Geteuid() != 0 {
		return
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(filepath.Join(dir, "good.py"), 12345, 12345); err != nil {
		t.Fatal(err)
	}
	if err := vet(filepath.Join(dir, "good.py")); err == nil || !strings.Contains(err.Error(), "user 12345") {
		t.Errorf("somebody else's plugin: %v", err)
	}
}

func TestAFingerprintChangesWithTheFiles(t *testing.T) {
	dir := t.TempDir()
	lay(t, dir, map[string]os.FileMode{"pack/__init__.py": 0o644, "pack/part.py": 0o644})
	pack := filepath.Join(dir, "pack")
	before := fingerprint(pack)
	if before != fingerprint(pack) || before == "" {
		t.Error("two looks at the same files differ")
	}
	lay(t, pack, map[string]os.FileMode{".part.py.swp": 0o644, "__pycache__/part.pyc": 0o644})
	if err := os.Chtimes(pack, time.Time{}, time.Now().Add(time.Hour)); err != nil { // what made the files moved it
		t.Fatal(err)
	}
	with := fingerprint(pack)
	lay(t, pack, map[string]os.FileMode{".part.py.swp": 0o600})
	if with != fingerprint(pack) {
		t.Error("a file that is set aside counts")
	}
	if err := os.Chtimes(filepath.Join(pack, "part.py"), time.Time{}, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if with == fingerprint(pack) {
		t.Error("a changed module does not count")
	}
	if fingerprint("builtin:acme") != "" || fingerprint(filepath.Join(dir, "missing")) == "" {
		t.Error("the fingerprint of a plugin without files")
	}
}

func TestScanTimes(t *testing.T) {
	var s scanTimes
	if s.state() != nil {
		t.Error("there are times of no scan")
	}
	for i := range 300 { // the oldest 44 are forgotten
		s.note(wire.MethodUpdateScan, time.Duration(i)*time.Second, i%100 == 0)
	}
	got := s.state()
	if got.Initial != nil || got.Update.Count != 300 || got.Update.Failed != 3 || got.Update.Last != 299 || got.Update.P50 != 171 || got.Update.P95 != 287 {
		t.Errorf("%+v", got.Update)
	}
	s.note(wire.MethodInitialScan, time.Second, false)
	if got := s.state().Initial; got.P50 != 1 || got.P95 != 1 || got.Count != 1 {
		t.Errorf("%+v", got)
	}
}
