package archtest

import (
	"go/ast"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// stages take a clock, so that their tests own the time.
var stages = []string{
	"internal/resource", "internal/feed", "internal/session", "internal/link", "internal/agent",
	"internal/inventory/...", "internal/alert", "internal/volume", "internal/metrics", "internal/store/...",
}

// forbidden are uses of a package's names that have a place of their own.
var forbidden = []struct {
	name    string // package.Name
	in      []string
	outside []string // or everywhere but here
	why     string
}{
	{"time.Now", stages, nil, "stages take a clock"},
	{"time.Since", stages, nil, "stages take a clock"},
	{"time.Until", stages, nil, "stages take a clock"},
	{"time.Sleep", stages, nil, "stages take a clock"},
	{"time.After", stages, nil, "stages take a clock"},
	{"time.AfterFunc", stages, nil, "stages take a clock"},
	{"time.NewTimer", stages, nil, "stages take a clock"},
	{"time.NewTicker", stages, nil, "stages take a clock"},
	{"http.Server", nil, []string{"internal/api", "internal/app", "examples/acme/sim"}, "there is one server, and a simulator"},
	{"http.ListenAndServe", nil, nil, "a server without timeouts; use http.Server"},
	{"http.ListenAndServeTLS", nil, nil, "a server without timeouts; use http.Server"},
	{"http.Serve", nil, nil, "a server without timeouts; use http.Server"},
	{"http.Handle", nil, nil, "it changes a global"},
	{"http.HandleFunc", nil, nil, "it changes a global"},
	{"http.DefaultServeMux", nil, nil, "it is a global"},
	{"http.DefaultClient", nil, nil, "it has no timeout"},
	{"http.Get", nil, nil, "it has no timeout and no context"},
	{"http.Post", nil, nil, "it has no timeout and no context"},
	{"os.Exit", nil, []string{"cmd/faultline", "sdk/plugin", "sdk/agent", "examples/...", "protocol/schemagen", "protocol/rulegen", "docs/...", "internal/pluginhost"}, "only main ends the program, and the launcher of plugins, which is one; others return errors"},
	{"slog.Default", nil, nil, "loggers are given, with their attributes"},
	{"slog.SetDefault", nil, nil, "it changes a global"},
	{"fmt.Print", nil, []string{"examples/...", "protocol/schemagen", "docs/..."}, "output goes to a writer that was given; in a plugin, standard output belongs to the protocol"},
	{"fmt.Printf", nil, []string{"examples/...", "protocol/schemagen", "docs/..."}, "output goes to a writer that was given; in a plugin, standard output belongs to the protocol"},
	{"fmt.Println", nil, []string{"examples/...", "protocol/schemagen", "docs/..."}, "output goes to a writer that was given; in a plugin, standard output belongs to the protocol"},
}

func TestForbidden(t *testing.T) {
	t.Parallel()
	for _, p := range load(t) {
		for _, f := range p.files {
			if f.test || ast.IsGenerated(f.ast) || slices.Contains(testPackages, p.dir) {
				continue
			}
			names := importNames(f)
			ast.Inspect(f.ast, func(n ast.Node) bool {
				sel, ok := n.(*ast.SelectorExpr)
				if !ok {
					return true
				}
				x, ok := sel.X.(*ast.Ident)
				if !ok || names[x.Name] == "" {
					return true
				}
				name := path.Base(names[x.Name]) + "." + sel.Sel.Name
				for _, r := range forbidden {
					if r.name != name || r.in != nil && !withinAny(p.dir, r.in) || r.in == nil && withinAny(p.dir, r.outside) {
						continue
					}
					t.Errorf("%s: %s has no place in %s: %s", at(n), name, p.dir, r.why)
				}
				return true
			})
		}
	}
}

// importNames maps the name of each import of the standard library in a file to
// its path.
func importNames(f *goFile) map[string]string {
	names := map[string]string{}
	for i, spec := range f.ast.Imports {
		p := f.imports[i]
		if !isStandard(p) {
			continue
		}
		name := path.Base(p)
		if spec.Name != nil {
			name = spec.Name.Name
		}
		names[name] = p
	}
	return names
}

// TestPackageDocs: every package says in one place what it is.
func TestPackageDocs(t *testing.T) {
	t.Parallel()
	for _, p := range load(t) {
		if !p.code() {
			continue
		}
		var docs []string
		for _, f := range p.files {
			if f.test || f.ast.Doc == nil {
				continue
			}
			text := f.ast.Doc.Text()
			if ast.IsGenerated(f.ast) && strings.HasPrefix(text, "Package") {
				docs = append(docs, f.path)
				continue
			}
			want := "Package " + f.ast.Name.Name + " "
			if f.ast.Name.Name == "main" {
				want = "Command "
			}
			if !strings.HasPrefix(text, want) {
				t.Errorf("%s: the package comment does not begin with %q", f.path, want)
			}
			docs = append(docs, f.path)
		}
		if len(docs) != 1 {
			t.Errorf("package %s has %d package comments, want one: %q", p.dir, len(docs), docs)
		}
	}
}

// banned are names that say nothing about what is in a package.
var banned = regexp.MustCompile(`^(util|utils|common|types|models?|helpers?|misc|shared|base|lib|libs|core|manager|service|services|impl|interfaces?|pkg)$`)

func TestPackageNames(t *testing.T) {
	t.Parallel()
	for _, p := range load(t) {
		if !p.code() {
			continue
		}
		for element := range strings.SplitSeq(p.dir, "/") {
			if banned.MatchString(element) {
				t.Errorf("folder %s: %q says nothing about what is in it", p.dir, element)
			}
		}
		name := p.files[0].ast.Name.Name
		if strings.ContainsAny(name, "_ABCDEFGHIJKLMNOPQRSTUVWXYZ") && !strings.HasSuffix(name, "_test") {
			t.Errorf("package %s: one lower-case word, please", name)
		}
	}
}

// maxLines is where a file has become two. About 400 are the aim.
const maxLines = 600

func TestFileLength(t *testing.T) {
	t.Parallel()
	for _, p := range load(t) {
		for _, f := range p.files {
			if f.test || ast.IsGenerated(f.ast) {
				continue
			}
			lines := 0
			fset.Iterate(func(file *token.File) bool {
				if file.Pos(0) <= f.ast.FileStart && f.ast.FileStart <= file.Pos(file.Size()) {
					lines = file.LineCount()
					return false
				}
				return true
			})
			if lines > maxLines {
				t.Errorf("%s has %d lines; at most %d, please", f.path, lines, maxLines)
			}
		}
	}
}

// TestArchitectureNamesExist keeps ARCHITECTURE.md and CONTRIBUTING.md true: the
// folders and files that they name are there.
func TestArchitectureNamesExist(t *testing.T) {
	t.Parallel()
	name := regexp.MustCompile("`((?:cmd|internal|sdk|examples|protocol|python|web|docs|scripts|tools)/[A-Za-z0-9_./-]*)`")
	for _, doc := range []string{"ARCHITECTURE.md", "CONTRIBUTING.md", "README.md"} {
		text, err := os.ReadFile(filepath.Join(root, doc))
		if err != nil {
			t.Error(err)
			continue
		}
		for _, m := range name.FindAllStringSubmatch(string(text), -1) {
			if m[1] == "web/dist" || strings.Contains(m[1], "...") {
				continue // made by the build
			}
			if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(m[1]))); err != nil {
				t.Errorf("%s names %s, which does not exist", doc, m[1])
			}
		}
	}
}
