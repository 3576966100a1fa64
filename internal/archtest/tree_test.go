package archtest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// modulePath begins the import path of every package of this repository.
const modulePath = "github.com/faultline-storage/faultline/"

// root is the repository's folder, seen from this one.
const root = "../.."

// A goPackage is one folder of Go files.
type goPackage struct {
	dir   string // relative to root, with slashes
	files []*goFile
}

// A goFile is one parsed file.
type goFile struct {
	path    string // relative to root
	test    bool
	ast     *ast.File
	imports []string // ours are relative to root, others as they are
}

// imports returns the imports of the package without its tests.
func (p *goPackage) imports() map[string]string {
	list := map[string]string{}
	for _, f := range p.files {
		if !f.test {
			for _, i := range f.imports {
				list[i] = f.path
			}
		}
	}
	return list
}

// code reports whether the package has more than tests.
func (p *goPackage) code() bool {
	for _, f := range p.files {
		if !f.test {
			return true
		}
	}
	return false
}

var fset = token.NewFileSet()

// packages returns every package of the repository, of both modules.
var packages = sync.OnceValues(func() ([]*goPackage, error) {
	var list []*goPackage
	byDir := map[string]*goPackage{}
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() {
			if file != root && (name == "testdata" || name == "node_modules" || name == "dist" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_")) {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		src, err := parser.ParseFile(fset, file, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		f := &goFile{path: filepath.ToSlash(rel), test: strings.HasSuffix(name, "_test.go"), ast: src}
		for _, i := range src.Imports {
			p, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return err
			}
			f.imports = append(f.imports, strings.TrimPrefix(p, modulePath))
		}
		dir := path.Dir(f.path)
		if byDir[dir] == nil {
			byDir[dir] = &goPackage{dir: dir}
			list = append(list, byDir[dir])
		}
		byDir[dir].files = append(byDir[dir].files, f)
		return nil
	})
	return list, err
})

func load(t *testing.T) []*goPackage {
	t.Helper()
	list, err := packages()
	if err != nil {
		t.Fatal(err)
	}
	if len(list) < 20 {
		t.Fatalf("only %d packages found under %s", len(list), root)
	}
	return list
}

// isOurs reports whether an import, relative to root, is of this repository.
func isOurs(imported string) bool {
	info, err := os.Stat(filepath.Join(root, filepath.FromSlash(imported)))
	return err == nil && info.IsDir() && !isStandard(imported)
}

// isStandard reports whether an import is of the standard library: its first
// element has no dot. Folders of ours that would pass for one are told apart by
// the prefix that load cut off, so only exact names of ours could clash.
func isStandard(imported string) bool {
	first, _, _ := strings.Cut(imported, "/")
	switch first {
	case "cmd", "internal", "sdk", "examples", "protocol", "python", "web":
		return false
	}
	return !strings.Contains(first, ".")
}

// within reports whether dir is pattern, or below it if pattern ends in "/...".
func within(dir, pattern string) bool {
	if below, ok := strings.CutSuffix(pattern, "/..."); ok {
		return dir == below || strings.HasPrefix(dir, below+"/")
	}
	return dir == pattern
}

func withinAny(dir string, patterns []string) bool {
	for _, p := range patterns {
		if within(dir, p) {
			return true
		}
	}
	return false
}

// at formats the place of a node.
func at(n ast.Node) string {
	p := fset.Position(n.Pos())
	rel, err := filepath.Rel(root, p.Filename)
	if err != nil {
		rel = p.Filename
	}
	return fmt.Sprintf("%s:%d", filepath.ToSlash(rel), p.Line)
}
