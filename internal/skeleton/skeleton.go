package skeleton

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"text/template"
)

// The languages that a plugin can be written in.
const (
	Go     = "go"
	Python = "python"
)

// SDKModule is the Go module that a plugin in Go requires.
const SDKModule = "github.com/faultline-storage/faultline/sdk"

// goVersion is the Go that the SDK needs, as its go.mod says.
const goVersion = "1.26.0"

//go:embed go both python
var templates embed.FS

// Options say what to write.
type Options struct {
	Lang string // Go or Python
	Name string // of the plugin
	// Dir is the folder to write to; a folder of the plugin's name if empty.
	Dir string

	// Module is the path of the Go module; one of example.com if empty.
	Module string
	// Version is that of this program. A release requires the SDK of the same number.
	Version string
	// SDK is the folder of a local checkout of the Go SDK, or of the whole repository,
	// to use in place of a release.
	SDK string
	// Program is this program's own file. A build that is no release and stands in a
	// checkout uses the SDK of that, unless SDK says otherwise.
	Program string
}

// A Project is a plugin that is to be written.
type Project struct {
	// Dir is where it is written to.
	Dir string
	// Files are the names of its files, relative to Dir.
	Files []string
	// Next are the commands to type next, in a shell in the current folder.
	Next []string

	content [][]byte
}

// values are what the templates know.
type values struct {
	Lang, Name, Program string
	Module, GoVersion   string
	SDKVersion, SDKPath string
	Ref                 string // the branch or tag of the repository that CI builds
}

// file is one file of a project and its template. In the name, * is the
// plugin's.
type file struct{ name, template string }

var files = map[string][]file{
	Go: {
		{"main.go", "go/main.go.tmpl"},
		{"classes.go", "go/classes.go.tmpl"},
		{"array.go", "go/array.go.tmpl"},
		{"main_test.go", "go/main_test.go.tmpl"},
		{"go.mod", "go/go.mod.tmpl"},
		{"Makefile", "go/Makefile.tmpl"},
		{".gitignore", "go/gitignore.tmpl"},
	},
	Python: {
		{"*.py", "python/plugin.py.tmpl"},
		{"test_*.py", "python/test_plugin.py.tmpl"},
		{"Makefile", "python/Makefile.tmpl"},
		{".gitignore", "python/gitignore.tmpl"},
	},
}

var filesOfBoth = []file{
	{"fake_array.json", "both/fake_array.json"},
	{"README.md", "both/README.md.tmpl"},
	{".github/workflows/check.yml", "both/check.yml.tmpl"},
}

// New checks the options and makes the files. It writes nothing. An error says
// what is wrong with the options.
func New(o Options) (*Project, error) {
	list, ok := files[o.Lang]
	if !ok {
		return nil, fmt.Errorf("there is no language %q; there are go and python", o.Lang)
	}
	if err := checkName(o.Name, o.Lang); err != nil {
		return nil, err
	}
	if o.Dir == "" {
		o.Dir = o.Name
	}
	v := values{Lang: o.Lang, Name: o.Name, GoVersion: goVersion, Ref: "main", Program: o.Name + ".py"}
	release := isRelease(o.Version)
	if release {
		v.Ref = o.Version
	}
	if o.Lang == Go {
		v.Program = "./faultline-plugin-" + o.Name
		if err := v.module(o, release); err != nil {
			return nil, err
		}
	} else if o.Module != "" || o.SDK != "" {
		return nil, errors.New("a plugin in Python has no Go module, and the Python SDK is part of this program")
	}
	p := &Project{Dir: o.Dir, Next: next(o.Dir, v)}
	for _, f := range append(list[:len(list):len(list)], filesOfBoth...) {
		content, err := v.render(f.template)
		if err != nil {
			return nil, err
		}
		p.Files = append(p.Files, filepath.FromSlash(strings.ReplaceAll(f.name, "*", o.Name)))
		p.content = append(p.content, content)
	}
	return p, nil
}

func (v *values) render(name string) ([]byte, error) {
	text, err := fs.ReadFile(templates, name)
	if err != nil || !strings.HasSuffix(name, ".tmpl") {
		return text, err
	}
	t, err := template.New(name).Delims("[[", "]]").Option("missingkey=error").Parse(string(text))
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = t.Execute(&b, v)
	return b.Bytes(), err
}

// next are the commands after this one.
func next(dir string, v values) []string {
	return []string{
		"cd " + quote(dir),
		"make check",
		"faultline plugin run " + v.Program + ` --set url="file://$PWD/fake_array.json"`,
	}
}

// quote writes a word for a shell.
func quote(s string) string {
	if regexp.MustCompile(`^[A-Za-z0-9_./@%+=:,-]+$`).MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// release is the form of the version of a release. What git describes between
// two releases (v1.2.3-4-gabcdef0) is none.
var release = regexp.MustCompile(`^v\d+\.\d+\.\d+(-(rc|beta|alpha)\.?\d+)?$`)

func isRelease(version string) bool { return release.MatchString(version) }

var modulePath = regexp.MustCompile(`^[A-Za-z0-9_~-][A-Za-z0-9._~-]*(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*$`)

// module finds out what the go.mod says.
func (v *values) module(o Options, release bool) error {
	v.Module = o.Module
	if v.Module == "" {
		v.Module = "example.com/faultline-plugin-" + o.Name
	}
	if !modulePath.MatchString(v.Module) {
		return fmt.Errorf("%q is no path of a Go module, such as github.com/acme/faultline-plugin-%s", v.Module, o.Name)
	}
	path := o.SDK
	if path == "" && !release {
		path = checkoutOf(o.Program)
		if path == "" {
			return fmt.Errorf("this build of faultline (%s) is no release, so there is no SDK of its version to require; "+
				"give --sdk the folder of a checkout of %s", o.Version, strings.TrimSuffix(SDKModule, "/sdk"))
		}
	}
	v.SDKVersion = o.Version
	if path == "" {
		return nil
	}
	found, err := sdkIn(path)
	if err != nil {
		return err
	}
	v.SDKVersion, v.SDKPath = "v0.0.0", found
	if strings.ContainsAny(found, " \t\"'`()[]{},") {
		v.SDKPath = strconv.Quote(found)
	}
	return nil
}

// sdkIn returns the absolute folder of the SDK, which is path or its folder sdk.
func sdkIn(path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	for _, dir := range []string{abs, filepath.Join(abs, "sdk")} {
		if text, err := os.ReadFile(filepath.Join(dir, "go.mod")); err == nil && declares(text, SDKModule) {
			return dir, nil
		}
	}
	return "", fmt.Errorf("%s is no checkout of the SDK: neither its go.mod nor that of its folder sdk is of the module %s", path, SDKModule)
}

func declares(goMod []byte, module string) bool {
	for line := range strings.Lines(string(goMod)) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "module" {
			return fields[1] == module
		}
	}
	return false
}

// checkoutOf returns the checkout that a program was built into, as `make build`
// does, or an empty text.
func checkoutOf(program string) string {
	if program == "" {
		return ""
	}
	if file, err := filepath.EvalSymlinks(program); err == nil {
		program = file
	}
	for dir := filepath.Dir(program); ; dir = filepath.Dir(dir) {
		if _, err := sdkIn(dir); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			return ""
		}
	}
}
