package lint

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/faultline-storage/faultline/sdk/wire"
)

// GoSource is the source of a plugin in Go, as far as it lies where it was when
// the plugin was built. A program knows the names of its types, and the lines of
// its calls of the SDK; the lines of types and fields are in the source.
type GoSource struct {
	set      *token.FileSet
	packages map[string]*goPackage // by import path; "main" for a program
}

// goPackage is one folder of source.
type goPackage struct {
	path, dir string
	files     []*ast.File
}

// ReadGo reads the packages in which the places lie. What cannot be read is left
// out, as it is no fault of the plugin.
func ReadGo(places map[string]wire.Place) *GoSource {
	s := &GoSource{set: token.NewFileSet(), packages: map[string]*goPackage{}}
	wanted := map[string]bool{}
	dirs := map[string]bool{}
	for _, p := range places {
		pkg, _, ok := splitSymbol(p.Symbol)
		if ok && pkg != sdkPackage {
			wanted[pkg] = true
		}
		if filepath.IsAbs(p.File) && filepath.Ext(p.File) == ".go" {
			dirs[filepath.Dir(p.File)] = true
		}
	}
	if len(wanted) == 0 {
		return s
	}
	sorted := slices.Sorted(maps.Keys(dirs))
	for _, dir := range sorted {
		s.read(dir)
	}
	for pkg := range wanted {
		for _, dir := range sorted {
			root, module := moduleOf(dir)
			if rest, ok := strings.CutPrefix(pkg, module); ok && module != "" && s.packages[pkg] == nil && (rest == "" || rest[0] == '/') {
				s.read(filepath.Join(root, filepath.FromSlash(rest)))
			}
		}
	}
	return s
}

// sdkPackage has the base classes: what is wrong with their members is not there.
const sdkPackage = "github.com/faultline-storage/faultline/sdk/plugin"

// splitSymbol parts "import/path.Type.Field" into the path and the names.
func splitSymbol(symbol string) (pkg string, names []string, ok bool) {
	slash := strings.LastIndexByte(symbol, '/') + 1
	first, rest, ok := strings.Cut(symbol[slash:], ".")
	return symbol[:slash] + first, strings.Split(rest, "."), ok
}

var moduleLine = regexp.MustCompile(`(?m)^module\s+"?([^\s"]+)`)

// moduleOf returns the folder and the path of the module that a folder belongs
// to, or empty texts.
func moduleOf(dir string) (root, module string) {
	for root = dir; ; root = filepath.Dir(root) {
		if text, err := os.ReadFile(filepath.Join(root, "go.mod")); err == nil {
			if m := moduleLine.FindSubmatch(text); m != nil {
				return root, string(m[1])
			}
			return "", ""
		}
		if root == filepath.Dir(root) {
			return "", ""
		}
	}
}

func (s *GoSource) read(dir string) {
	paths, _ := filepath.Glob(filepath.Join(dir, "*.go")) // the pattern is a good one
	p := &goPackage{dir: dir}
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		if f, err := parser.ParseFile(s.set, path, nil, parser.SkipObjectResolution); err == nil {
			p.files = append(p.files, f)
		}
	}
	if len(p.files) == 0 {
		return
	}
	p.path = "main"
	if p.files[0].Name.Name != "main" {
		root, module := moduleOf(dir)
		rel, err := filepath.Rel(root, dir)
		if module == "" || err != nil {
			return
		}
		p.path = strings.TrimSuffix(module+"/"+filepath.ToSlash(rel), "/.")
	}
	s.packages[p.path] = p
}

// Resolve returns the places with file and line where only a symbol was known.
func (s *GoSource) Resolve(places map[string]wire.Place) map[string]wire.Place {
	out := maps.Clone(places)
	for name, place := range places {
		pkg, names, ok := splitSymbol(place.Symbol)
		if !ok || s.packages[pkg] == nil {
			continue
		}
		if at := s.find(s.packages[pkg], names); at.IsValid() {
			pos := s.set.Position(at)
			place.File, place.Line = pos.Filename, pos.Line
			out[name] = place
		}
	}
	return out
}

// find returns the position of a type, or of a field of a struct.
func (s *GoSource) find(p *goPackage, names []string) token.Pos {
	spec := p.typeSpec(names[0])
	if spec == nil {
		return token.NoPos
	}
	st, ok := spec.Type.(*ast.StructType)
	if len(names) == 1 || !ok {
		return spec.Pos()
	}
	for _, f := range st.Fields.List {
		for _, n := range f.Names {
			if n.Name == names[1] {
				return n.Pos()
			}
		}
	}
	return spec.Pos()
}

func (p *goPackage) typeSpec(name string) *ast.TypeSpec {
	for _, f := range p.files {
		for _, d := range f.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok {
				continue
			}
			for _, spec := range g.Specs {
				if t, ok := spec.(*ast.TypeSpec); ok && t.Name.Name == name {
					return t
				}
			}
		}
	}
	return nil
}

// Refine gives problems that stand at the place where their class is registered
// the place of the class or field itself. raw are the places as the plugin gave
// them, found the same after Resolve.
func (s *GoSource) Refine(problems []wire.Problem, raw, found map[string]wire.Place) {
	for i := range problems {
		p := &problems[i]
		class := className(*p)
		if at := raw[class]; class == "" || at.File != p.File || at.Line != p.Line {
			continue
		}
		if at, ok := found[p.Where]; ok && at.Line > 0 {
			p.File, p.Line = at.File, at.Line
		} else if at := s.fieldLine(p.Where, raw[class].Symbol); at.IsValid() { // a field that makes no attribute
			pos := s.set.Position(at)
			p.File, p.Line = pos.Filename, pos.Line
		} else if at := found[class]; at.Line > 0 {
			p.File, p.Line = at.File, at.Line
		}
	}
}

// fieldLine finds the field of a class's own struct that has the attribute name
// of where.
func (s *GoSource) fieldLine(where, symbol string) token.Pos {
	_, member, ok := strings.Cut(where, ".")
	pkg, names, known := splitSymbol(symbol)
	if !ok || !known || s.packages[pkg] == nil {
		return token.NoPos
	}
	spec := s.packages[pkg].typeSpec(names[0])
	if spec == nil {
		return token.NoPos
	}
	st, ok := spec.Type.(*ast.StructType)
	if !ok {
		return token.NoPos
	}
	plain := strings.ReplaceAll(member, "_", "")
	for _, f := range st.Fields.List {
		if f.Tag != nil {
			tag, _ := strconv.Unquote(f.Tag.Value)
			if name, _, _ := strings.Cut(reflect.StructTag(tag).Get("attr"), ","); name != "" && name == member {
				return f.Pos()
			}
		}
		for _, n := range f.Names {
			if strings.EqualFold(n.Name, plain) {
				return n.Pos()
			}
		}
	}
	return token.NoPos
}
