package python

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func TestExtractWritesEveryModule(t *testing.T) {
	path, err := Extract(filepath.Join(t.TempDir(), "sdk"))
	if err != nil {
		t.Fatal(err)
	}
	for _, root := range []string{"faultline_sdk", "chroma_core", "chroma_agent"} {
		err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || filepath.Ext(name) != ".py" {
				return err
			}
			want, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			got, err := os.ReadFile(filepath.Join(path, name))
			if err != nil {
				return err
			}
			if string(got) != string(want) {
				t.Errorf("%s differs from the source", name)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(filepath.Join(path, "tests")); err == nil {
		t.Error("the tests were extracted too")
	}
}

func TestExtractTwiceIsOnce(t *testing.T) {
	dir := t.TempDir()
	first, err := Extract(dir)
	if err != nil {
		t.Fatal(err)
	}
	before, err := os.Stat(first)
	if err != nil {
		t.Fatal(err)
	}
	second, err := Extract(dir)
	if err != nil {
		t.Fatal(err)
	}
	after, err := os.Stat(second)
	if err != nil {
		t.Fatal(err)
	}
	if first != second || !os.SameFile(before, after) {
		t.Errorf("second Extract made %s, not %s again", second, first)
	}
	assertOnly(t, dir, first)
}

func TestExtractAtTheSameTime(t *testing.T) {
	dir := t.TempDir()
	var wg sync.WaitGroup
	paths := make([]string, 8)
	for i := range paths {
		wg.Go(func() {
			path, err := Extract(dir)
			if err != nil {
				t.Error(err)
			}
			paths[i] = path
		})
	}
	wg.Wait()
	for _, p := range paths {
		if p != paths[0] {
			t.Errorf("got %s and %s", paths[0], p)
		}
	}
	assertOnly(t, dir, paths[0])
}

func TestExtractRepairs(t *testing.T) {
	dir := t.TempDir()
	path, err := Extract(dir)
	if err != nil {
		t.Fatal(err)
	}
	lost := filepath.Join(path, "faultline_sdk", "model.py")
	if err := os.Remove(lost); err != nil {
		t.Fatal(err)
	}
	if _, err := Extract(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(lost); err != nil {
		t.Error(err)
	}
	assertOnly(t, dir, path)
}

func TestExtractFails(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Extract(file); err == nil || !strings.Contains(err.Error(), "extract the Python SDK") {
		t.Errorf("got %v", err)
	}
}

func TestExtractedRuns(t *testing.T) {
	interpreter, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not installed: not running the extracted SDK")
	}
	path, err := Extract(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	plugin, err := filepath.Abs("../examples/example_plugin.py")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(interpreter, "-m", Module, plugin)
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "PYTHONPATH="+path, "FAULTLINE_PLUGIN=example")
	cmd.Stdin = strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocol":{"min":1,"max":1}}}` + "\n")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if !strings.Contains(string(out), `"name":"Couplet"`) {
		t.Errorf("got %s", out)
	}
}

// assertOnly fails if dir holds anything but the extracted folder.
func assertOnly(t *testing.T, dir, path string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if filepath.Join(dir, e.Name()) != path {
			t.Errorf("%s was left behind", e.Name())
		}
	}
}
