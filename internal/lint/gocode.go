package lint

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/faultline-storage/faultline/sdk/wire"
)

// maxGoFiles bounds the search for uses of a class in the module of a plugin; in
// a larger one nothing is said.
const maxGoFiles = 2000

// Check returns what is worth a warning in the source of a plugin with these
// declarations: prints, loggers, and classes that are not used.
func (s *GoSource) Check(m wire.Manifest, places map[string]wire.Place) []wire.Problem {
	var problems []wire.Problem
	for _, p := range s.packages {
		for _, f := range p.files {
			problems = append(problems, s.prints(f)...)
		}
	}
	if !s.reports() {
		return problems // a skeleton
	}
	for _, c := range m.Classes {
		pkg, names, ok := splitSymbol(places[c.Name].Symbol)
		p := s.packages[pkg]
		if !ok || p == nil || slices.Contains(c.Bases, wire.BaseScannable) || slices.Contains(c.Bases, wire.BaseHostRoot) {
			continue
		}
		if used, certain := p.uses(names[0]); certain && !used {
			pos := s.set.Position(s.find(p, names[:1]))
			problems = append(problems, warning(wire.RuleClassUnused, pos, c.Name,
				"report it with plugin.Report, or remove it", "nothing in the plugin makes a resource of this class, so it is never reported"))
		}
	}
	return problems
}

// reports tells whether something in the source calls Report at all.
func (s *GoSource) reports() bool {
	for _, p := range s.packages {
		for _, f := range p.files {
			found := false
			ast.Inspect(f, func(n ast.Node) bool {
				sel, ok := n.(*ast.SelectorExpr)
				found = found || ok && sel.Sel.Name == "Report"
				return !found
			})
			if found {
				return true
			}
		}
	}
	return false
}

func warning(rule wire.Rule, at token.Position, where, fix, text string) wire.Problem {
	return wire.Problem{File: at.Filename, Line: at.Line, Where: where, Text: text, Fix: fix, Code: rule, Severity: rule.Severity()}
}

// prints finds what goes to standard output or to a log of the plugin's own. In
// main, where a plugin may answer to a person, it is left alone.
func (s *GoSource) prints(f *ast.File) []wire.Problem {
	imported := map[string]string{} // import path by name
	for _, spec := range f.Imports {
		path := strings.Trim(spec.Path.Value, `"`)
		name := path[strings.LastIndexByte(path, '/')+1:]
		if spec.Name != nil {
			name = spec.Name.Name
		}
		imported[name] = path
	}
	var problems []wire.Problem
	for _, d := range f.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "main" {
			continue
		}
		ast.Inspect(d, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			sel, ok := call.Fun.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			x, ok := sel.X.(*ast.Ident)
			if !ok {
				return true
			}
			at := s.set.Position(call.Pos())
			switch path := imported[x.Name]; {
			case path == "fmt" && strings.HasPrefix(sel.Sel.Name, "Print"):
				problems = append(problems, warning(wire.RulePrint, at, "", "write s.Log.Info(...)",
					"what a plugin prints is a warning in the log of the server"))
			case path == "log" && ast.IsExported(sel.Sel.Name), path == "log/slog" && strings.HasPrefix(sel.Sel.Name, "New"):
				problems = append(problems, warning(wire.RuleLogger, at, "", "use Log of the Session, or hand it on",
					"a logger of the plugin's own does not know the session that it logs for"))
			}
			return true
		})
	}
	return problems
}

// uses reports whether something of the module makes use of the type; certain is
// false if that cannot be told.
func (p *goPackage) uses(name string) (used, certain bool) {
	for _, f := range p.files {
		if mentions(f, "", name) {
			return true, true
		}
	}
	if p.path == "main" || !ast.IsExported(name) {
		return false, true // nobody else can
	}
	root, module := moduleOf(p.dir)
	if module == "" {
		return false, false
	}
	count := 0
	tree := os.DirFS(root)
	err := fs.WalkDir(tree, ".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != "." && (strings.HasPrefix(d.Name(), ".") || slices.Contains([]string{"testdata", "vendor", "node_modules"}, d.Name())):
			return fs.SkipDir
		case d.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") || filepath.Join(root, filepath.Dir(path)) == p.dir:
			return nil
		}
		if count++; count > maxGoFiles {
			return fs.ErrInvalid
		}
		text, err := fs.ReadFile(tree, path)
		if err != nil || !bytes.Contains(text, []byte("."+name)) {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, text, parser.SkipObjectResolution)
		if err != nil {
			return nil //nolint:nilerr // a file that does not parse uses nothing
		}
		if pkg := importName(f, p.path); pkg == "." || pkg != "" && mentions(f, pkg, name) {
			used = true
			return fs.SkipAll
		}
		return nil
	})
	return used, err == nil
}

// mentions reports whether a file names a type elsewhere than where it is
// declared, given methods, or registered. pkg is how the file calls the package
// of the type, empty for its own.
func mentions(f *ast.File, pkg, name string) bool {
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if containsName(d.Type, pkg, name) || d.Body != nil && containsName(d.Body, pkg, name) {
				return true
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				t, isType := spec.(*ast.TypeSpec)
				if !isType && containsName(spec, pkg, name) || isType && t.Name.Name != name && containsName(t.Type, pkg, name) {
					return true
				}
			}
		}
	}
	return false
}

// containsName reports whether a node names the type, registrations aside.
func containsName(node ast.Node, pkg, name string) bool {
	found := false
	ast.Inspect(node, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.IndexExpr:
			if isReports(n.X) {
				return false
			}
		case *ast.SelectorExpr:
			x, ok := n.X.(*ast.Ident)
			found = found || ok && pkg != "" && x.Name == pkg && n.Sel.Name == name || containsName(n.X, pkg, name)
			return false
		case *ast.Ident:
			found = found || pkg == "" && n.Name == name
		}
		return !found
	})
	return found
}

// importName returns how a file calls a package, or nothing if it does not
// import it.
func importName(f *ast.File, path string) string {
	for _, spec := range f.Imports {
		switch {
		case strings.Trim(spec.Path.Value, `"`) != path:
		case spec.Name != nil:
			return spec.Name.Name
		default:
			return path[strings.LastIndexByte(path, '/')+1:]
		}
	}
	return ""
}

func isReports(x ast.Expr) bool {
	switch x := x.(type) {
	case *ast.SelectorExpr:
		return x.Sel.Name == "Reports"
	case *ast.Ident:
		return x.Name == "Reports"
	}
	return false
}
