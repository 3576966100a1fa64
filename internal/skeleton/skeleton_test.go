package skeleton

import (
	"errors"
	"go/format"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// sdk is the SDK of this repository.
const sdk = "../../sdk"

func TestNames(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ lang, name, wrong string }{
		{Python, "acme", ""},
		{Go, "acme_9000", ""},
		{Go, "json", ""}, // no Go file is named so
		{Python, "json", "a module that others import"},
		{Python, "faultline_sdk", "a module that others import"},
		{Python, "class", "a word of Go or Python"},
		{Go, "lambda", "a word of Go or Python"},
		{Python, "func", "a word of Go or Python"},
		{Go, "linux", "relations name"},
		{Python, "builtin", "relations name"},
		{Python, "My-Array", "such as my_array"},
		{Go, "9000", "beginning with a letter"},
		{Go, "9acme", "such as acme"},
		{Python, "größe", "such as gr_e"},
		{Python, "", "beginning with a letter"},
		{Python, "../acme", "such as acme"},
		{Python, "a.b", "such as a_b"},
		{Python, strings.Repeat("a", 51), "at most 50"},
		{"perl", "acme", `no language "perl"`},
		{"", "acme", "go and python"},
	} {
		o := Options{Lang: tc.lang, Name: tc.name}
		if tc.lang == Go {
			o.SDK = sdk
		}
		_, err := New(o)
		if tc.wrong == "" && err != nil || tc.wrong != "" && (err == nil || !strings.Contains(err.Error(), tc.wrong)) {
			t.Errorf("%s in %s: got %v, want %q", tc.name, tc.lang, err, tc.wrong)
		}
	}
}

func TestGoModule(t *testing.T) {
	t.Parallel()
	abs, err := filepath.Abs(sdk)
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name  string
		o     Options
		want  []string // lines of go.mod
		wrong string
	}{
		{"release", Options{Version: "v1.4.0"}, []string{"module example.com/faultline-plugin-acme", "require " + SDKModule + " v1.4.0"}, ""},
		{"candidate", Options{Version: "v1.4.0-rc.1"}, []string{"require " + SDKModule + " v1.4.0-rc.1"}, ""},
		{"own module", Options{Version: "v1.4.0", Module: "github.com/Acme/plugin.v2"}, []string{"module github.com/Acme/plugin.v2"}, ""},
		{"bad module", Options{Version: "v1.4.0", Module: "a b"}, nil, "is no path of a Go module"},
		{"checkout", Options{Version: "v1.4.0", SDK: sdk}, []string{"require " + SDKModule + " v0.0.0", "replace " + SDKModule + " => " + abs}, ""},
		{"root of the checkout", Options{SDK: "../.."}, []string{"replace " + SDKModule + " => " + abs}, ""},
		{"no checkout", Options{SDK: "."}, nil, "is no checkout of the SDK"},
		{"build in a checkout", Options{Version: "v1.4.0-3-gabcdef0", Program: filepath.Join(abs, "..", "bin", "faultline")}, []string{"replace " + SDKModule + " => " + abs}, ""},
		{"build elsewhere", Options{Version: "v1.4.0-3-gabcdef0", Program: filepath.Join(t.TempDir(), "faultline")}, nil, "(v1.4.0-3-gabcdef0) is no release"},
	} {
		tc.o.Lang, tc.o.Name = Go, "acme"
		p, err := New(tc.o)
		if tc.wrong != "" {
			if err == nil || !strings.Contains(err.Error(), tc.wrong) {
				t.Errorf("%s: got %v, want %q", tc.name, err, tc.wrong)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		text := string(p.content[slices.Index(p.Files, "go.mod")])
		for _, line := range tc.want {
			if !strings.Contains(text, line+"\n") {
				t.Errorf("%s: go.mod lacks %q:\n%s", tc.name, line, text)
			}
		}
	}
	if _, err := New(Options{Lang: Python, Name: "acme", SDK: sdk}); err == nil {
		t.Error("a plugin in Python took a Go SDK")
	}
}

// TestGoVersion: a new plugin asks for the Go that its SDK needs.
func TestGoVersion(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(sdk, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "\ngo "+goVersion+"\n") {
		t.Errorf("sdk/go.mod has another version of Go than %s:\n%s", goVersion, text)
	}
}

// TestFormat: what is written is formatted, and no mark of a template is left.
func TestFormat(t *testing.T) {
	t.Parallel()
	for _, lang := range []string{Go, Python} {
		o := Options{Lang: lang, Name: "a"}
		if lang == Go {
			o.SDK = sdk
		}
		p, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		for i, name := range p.Files {
			text := p.content[i]
			if strings.HasSuffix(name, ".go") {
				formatted, err := format.Source(text)
				if err != nil {
					t.Errorf("%s: %v", name, err)
				} else if d := cmp.Diff(string(text), string(formatted)); d != "" {
					t.Errorf("%s is not formatted (-is +should be):\n%s", name, d)
				}
			}
			if s := string(text); strings.Contains(s, "[[") || strings.Contains(s, "no value") || strings.HasSuffix(s, "\n\n") || !strings.HasSuffix(s, "\n") {
				t.Errorf("%s:\n%s", name, text)
			}
		}
	}
}

func TestWrite(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new", "acme")
	p, err := New(Options{Lang: Python, Name: "acme", Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Write(); err != nil {
		t.Fatal(err)
	}
	for i, name := range p.Files {
		if text, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(text) != string(p.content[i]) {
			t.Errorf("%s: %v\n%s", name, err, text)
		}
	}

	// What is there stays as it is, also if only one file of the project is there.
	mine := filepath.Join(dir, "README.md")
	if err := os.WriteFile(mine, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range p.Files {
		if name != "README.md" {
			if err := os.Remove(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	err = p.Write()
	if !errors.Is(err, ErrExists) || !strings.HasPrefix(err.Error(), "README.md is in "+dir+" already") {
		t.Errorf("got %v", err)
	}
	if text, err := os.ReadFile(mine); err != nil || string(text) != "mine" {
		t.Errorf("the file was changed: %v %q", err, text)
	}
	if _, err := os.Lstat(filepath.Join(dir, "acme.py")); err == nil {
		t.Error("acme.py was written beside it")
	}

	// A link that leads nowhere is a file too.
	dir = t.TempDir()
	if err := os.Symlink(filepath.Join(dir, "elsewhere"), filepath.Join(dir, "acme.py")); err != nil {
		t.Fatal(err)
	}
	p.Dir = dir
	if err := p.Write(); !errors.Is(err, ErrExists) {
		t.Errorf("got %v", err)
	}
}

func TestNext(t *testing.T) {
	t.Parallel()
	p, err := New(Options{Lang: Python, Name: "acme", Dir: "/tmp/it's here"})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{`cd '/tmp/it'\''s here'`, "make check", `faultline plugin run acme.py --set url="file://$PWD/fake_array.json"`}
	if d := cmp.Diff(want, p.Next); d != "" {
		t.Error(d)
	}
}
