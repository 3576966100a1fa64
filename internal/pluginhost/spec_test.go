package pluginhost

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// tree makes files under a fresh folder; a name ending in * is executable.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		mode := os.FileMode(0o644)
		if program, ok := strings.CutSuffix(name, "*"); ok {
			name, mode = program, 0o755
		}
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// fakePython answers the question for the version.
const fakePython = "#!/bin/sh\necho '3 9 /usr/bin/true-python'\n"

func TestResolve(t *testing.T) {
	t.Parallel()
	dir := tree(t, map[string]string{
		"python3*": fakePython, "acme.py": "", "acme_pkg/__init__.py": "", "faultline-plugin-vendor*": "#!/bin/sh\n", "tool.sh*": "#!/bin/sh\n",
	})
	o := ResolveOptions{Builtins: []string{"redfish"}, Python: filepath.Join(dir, "python3"), Program: "/usr/bin/faultline"}
	tests := []struct {
		path string
		want Spec
	}{
		{dir + "/acme.py", Spec{Name: "acme", Kind: Python, Path: dir + "/acme.py", Interpreter: "/usr/bin/true-python"}},
		{dir + "/acme_pkg/", Spec{Name: "acme_pkg", Kind: Python, Path: dir + "/acme_pkg", Interpreter: "/usr/bin/true-python"}},
		{dir + "/faultline-plugin-vendor", Spec{Name: "vendor", Kind: Executable, Path: dir + "/faultline-plugin-vendor"}},
		{dir + "/tool.sh", Spec{Name: "tool", Kind: Executable, Path: dir + "/tool.sh"}},
		{"builtin:redfish", Spec{Name: "redfish", Kind: Builtin, Path: "/usr/bin/faultline", Args: []string{"__plugin", "redfish"}}},
	}
	for _, tt := range tests {
		got, err := Resolve(tt.path, o)
		if err != nil {
			t.Errorf("%s: %v", tt.path, err)
		} else if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.path, diff)
		}
	}

	path, args := tests[0].want.command()
	if path != "/usr/bin/true-python" || !cmp.Equal(args, []string{"-m", "faultline_sdk", dir + "/acme.py"}) {
		t.Errorf("command %s %q", path, args)
	}
}

func TestResolveRelative(t *testing.T) {
	dir := tree(t, map[string]string{"faultline-plugin-vendor*": "#!/bin/sh\n", "gomod/go.mod": "module x"})
	t.Chdir(dir)
	got, err := Resolve("faultline-plugin-vendor", ResolveOptions{})
	if err != nil || !filepath.IsAbs(got.Path) {
		t.Errorf("%+v, %v", got, err)
	}
	_, err = Resolve("gomod", ResolveOptions{})
	if want := "go build -o faultline-plugin-gomod ./gomod"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %q", err, want)
	}
}

func TestResolveErrors(t *testing.T) {
	t.Parallel()
	dir := tree(t, map[string]string{
		"python3*": fakePython, "python2*": "#!/bin/sh\necho '2 7 /usr/bin/python2'\n", "python38*": "#!/bin/sh\necho '3 8 /x'\n",
		"notpython*": "#!/bin/sh\necho hello\n", "broken*": "#!/bin/sh\necho 'no such library' >&2\nexit 1\n",
		"acme.py": "", "my-plugin.py": "", "3par.py": "", "text": "", "pkg/__init__.py": "", "empty/readme": "",
		"gomod/go.mod": "", "gofiles/main.go": "", "single.go": "", "faultline-plugin-acme-fc*": "", "weird/__init__.py/x": "",
	})
	tests := []struct{ path, python, want string }{
		{"", "", "a plugin's path is empty"},
		{"missing.py", "", "no such file or folder"},
		{"redfish", "", "no such file or folder"},
		{"builtin:nothing", "", "there is no such built-in plugin; there are: redfish, linux"},
		{"text", "", "is not executable; make it so with `chmod +x"},
		{"my-plugin.py", "", `its name would be "my-plugin", which is no identifier (letters, digits and _, not beginning with a digit); rename it, such as to "my_plugin"`},
		{"3par.py", "", `such as to "_3par"`},
		{"faultline-plugin-acme-fc", "", `its name would be "acme-fc"`},
		{"pkg/__init__.py", "", "give the folder"},
		{"empty", "", "the folder has no __init__.py, so it is no Python package"},
		{"weird", "", "the folder has no __init__.py"},
		{"gomod", "", "is Go source; build it with `go build -o faultline-plugin-gomod"},
		{"gofiles", "", "is Go source; build it with"},
		{"single.go", "", "is Go source; build it with"},
		{"acme.py", "python2", "needs Python 3.9 or newer, but"},
		{"acme.py", "python38", "is Python 3.8"},
		{"acme.py", "notpython", `it answers "hello"; is it a Python interpreter?`},
		{"acme.py", "broken", "exit status 1: no such library"},
		{"acme.py", "no-such-python", "no-such-python is not on the PATH; install it"},
	}
	for _, tt := range tests {
		o := ResolveOptions{Builtins: []string{"redfish", "linux"}, Python: filepath.Join(dir, "python3")}
		switch tt.python {
		case "":
		case "no-such-python":
			o.Python = tt.python
		default:
			o.Python = filepath.Join(dir, tt.python)
		}
		path := tt.path
		if path != "" && !strings.HasPrefix(path, builtinPrefix) {
			path = filepath.Join(dir, path)
		}
		if _, err := Resolve(path, o); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v\nwant %q", tt.path, err, tt.want)
		}
	}
	device := ResolveOptions{Builtins: []string{"linux"}, Devices: true, Program: "/usr/bin/faultline"}
	if s, err := Resolve("builtin:linux", device); err != nil || !slices.Equal(s.Args, []string{"__plugin", "device:linux"}) {
		t.Errorf("a built-in device plugin: %v, %v", s, err)
	}
	if _, err := Resolve("linux", ResolveOptions{Builtins: []string{"linux"}}); err == nil || !strings.Contains(err.Error(), "did you mean builtin:linux?") {
		t.Errorf("no hint: %v", err)
	}
}

// TestRealPython asks the interpreter of this machine.
func TestRealPython(t *testing.T) {
	t.Parallel()
	dir := tree(t, map[string]string{"acme.py": ""})
	spec, err := Resolve(dir+"/acme.py", ResolveOptions{})
	if err != nil {
		t.Skip("no Python here, so its version was not asked: ", err)
	}
	if _, err := os.Stat(spec.Interpreter); err != nil {
		t.Error(err)
	}
}
