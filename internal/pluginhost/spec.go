package pluginhost

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Kind is how a plugin is run.
type Kind string

// The kinds of plugin.
const (
	Python     Kind = "python"     // a module or package, run by an interpreter with the Python SDK
	Executable Kind = "executable" // a program that speaks the protocol, run as it is
	Builtin    Kind = "builtin"    // part of this program, run as its subcommand BuiltinCommand
)

// BuiltinCommand is the hidden subcommand that runs a built-in plugin.
const BuiltinCommand = "__plugin"

// BuiltinDevice stands before the name of a built-in device plugin in the argument of
// BuiltinCommand.
const BuiltinDevice = "device:"

// builtinPrefix marks a PATH as the name of a built-in plugin.
const builtinPrefix = "builtin:"

// executablePrefix is what the name of a plugin program may begin with; it is
// no part of the plugin's name.
const executablePrefix = "faultline-plugin-"

// Spec says what to run.
type Spec struct {
	// Name of the plugin: an identifier, unique on a host.
	Name string
	Kind Kind
	// Path is absolute: the module or package of a Python plugin, else the
	// program to run.
	Path string
	// Interpreter is the Python to run a Python plugin with.
	Interpreter string
	// Args follow the program, or for a Python plugin the Path.
	Args []string
	// Env is added to the environment, as NAME=value; it wins over what the host
	// passes on.
	Env []string
}

// command returns the program to run and its arguments.
func (s Spec) command() (path string, args []string) {
	if s.Kind == Python {
		return s.Interpreter, append([]string{"-m", "faultline_sdk", s.Path}, s.Args...)
	}
	return s.Path, s.Args
}

// ResolveOptions says what Resolve may find.
type ResolveOptions struct {
	// Builtins are the names that "builtin:NAME" may have.
	Builtins []string
	// Devices says that they are device plugins, which may have the names of built-in
	// plugins of the other kind.
	Devices bool
	// Python is the interpreter, a path or a name to find on the PATH. The
	// default is "python3".
	Python string
	// Program is this program's own file, for built-in plugins. The default is
	// os.Executable.
	Program string
}

var identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// Resolve finds out which plugin path names: a .py file, a folder with an
// __init__.py, an executable file, or "builtin:NAME". The plugin's name is the
// file's name without its extension (and without a leading
// "faultline-plugin-"), or the folder's name. For a Python plugin the
// interpreter is looked up and its version checked. Nothing of the plugin runs.
func Resolve(path string, o ResolveOptions) (Spec, error) {
	if name, ok := strings.CutPrefix(path, builtinPrefix); ok {
		return resolveBuiltin(name, o)
	}
	if path == "" {
		return Spec{}, errors.New("a plugin's path is empty; give a Python file, a Python package, a program or builtin:NAME")
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return Spec{}, fmt.Errorf("plugin %s: %w", path, err)
	}
	info, err := os.Stat(abs)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Spec{}, fmt.Errorf("plugin %s: no such file or folder%s", path, builtinHint(path, o.Builtins))
	case err != nil:
		return Spec{}, fmt.Errorf("plugin %s: %w", path, err)
	case info.IsDir():
		return resolveFolder(path, abs, o)
	case !info.Mode().IsRegular():
		return Spec{}, fmt.Errorf("plugin %s: is neither a file nor a folder", path)
	}
	base := filepath.Base(abs)
	stem := strings.TrimSuffix(base, filepath.Ext(base))
	switch filepath.Ext(base) {
	case ".py":
		if stem == "__init__" {
			return Spec{}, fmt.Errorf("plugin %s: give the folder %s, which is the Python package", path, filepath.Dir(path))
		}
		return resolvePython(path, abs, stem, o)
	case ".go":
		return Spec{}, goSourceError(path, filepath.Dir(path), stem)
	}
	if info.Mode()&0o111 == 0 {
		return Spec{}, fmt.Errorf("plugin %s: is not executable; make it so with `chmod +x %s`, or give a Python plugin the extension .py", path, path)
	}
	name := strings.TrimPrefix(stem, executablePrefix)
	if err := checkName(path, name); err != nil {
		return Spec{}, err
	}
	return Spec{Name: name, Kind: Executable, Path: abs}, nil
}

func resolveFolder(path, abs string, o ResolveOptions) (Spec, error) {
	init := filepath.Join(abs, "__init__.py")
	if info, err := os.Stat(init); err == nil && info.Mode().IsRegular() {
		return resolvePython(path, abs, filepath.Base(abs), o)
	}
	if _, err := os.Stat(filepath.Join(abs, "go.mod")); err == nil {
		return Spec{}, goSourceError(path, path, filepath.Base(abs))
	}
	if files, _ := filepath.Glob(filepath.Join(abs, "*.go")); len(files) > 0 {
		return Spec{}, goSourceError(path, path, filepath.Base(abs))
	}
	return Spec{}, fmt.Errorf("plugin %s: the folder has no __init__.py, so it is no Python package", path)
}

func resolvePython(path, abs, name string, o ResolveOptions) (Spec, error) {
	if err := checkName(path, name); err != nil {
		return Spec{}, err
	}
	f, err := os.Open(abs)
	if err != nil {
		return Spec{}, fmt.Errorf("plugin %s: %w", path, err)
	}
	f.Close()
	interpreter, err := findPython(cmp.Or(o.Python, "python3"))
	if err != nil {
		return Spec{}, fmt.Errorf("plugin %s: %w", path, err)
	}
	return Spec{Name: name, Kind: Python, Path: abs, Interpreter: interpreter}, nil
}

func resolveBuiltin(name string, o ResolveOptions) (Spec, error) {
	if !slices.Contains(o.Builtins, name) {
		return Spec{}, fmt.Errorf("plugin %s%s: there is no such built-in plugin; there are: %s",
			builtinPrefix, name, cmp.Or(strings.Join(o.Builtins, ", "), "none"))
	}
	program := o.Program
	if program == "" {
		var err error
		if program, err = os.Executable(); err != nil {
			return Spec{}, fmt.Errorf("plugin %s%s: find this program's own file: %w", builtinPrefix, name, err)
		}
	}
	arg := name
	if o.Devices {
		arg = BuiltinDevice + name
	}
	return Spec{Name: name, Kind: Builtin, Path: program, Args: []string{BuiltinCommand, arg}}, nil
}

func goSourceError(path, folder, name string) error {
	if !filepath.IsAbs(folder) && folder != "." {
		folder = "./" + filepath.Clean(folder)
	}
	out := executablePrefix + name
	return fmt.Errorf("plugin %s: is Go source; build it with `go build -o %s %s` and give the program %s", path, out, folder, out)
}

func checkName(path, name string) error {
	if identifier.MatchString(name) {
		return nil
	}
	fixed := regexp.MustCompile(`[^A-Za-z0-9_]+`).ReplaceAllString(name, "_")
	if fixed == "" || fixed[0] >= '0' && fixed[0] <= '9' {
		fixed = "_" + fixed
	}
	return fmt.Errorf("plugin %s: its name would be %q, which is no identifier (letters, digits and _, not beginning with a digit); rename it, such as to %q", path, name, fixed)
}

func builtinHint(path string, builtins []string) string {
	if slices.Contains(builtins, path) {
		return fmt.Sprintf("; did you mean %s%s?", builtinPrefix, path)
	}
	return ""
}
