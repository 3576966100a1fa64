package app

import (
	"fmt"
	"go/format"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/faultline-storage/faultline/protocol/rule"
)

func packageName(r rule.Rule, which string) string { return strings.ToLower(r.Code) + which }

// buildExamples writes each Go example into a package of its own and builds one
// program of all. Those of the compiler's own rule are programs by themselves.
func buildExamples(t *testing.T, dir string) (program string) {
	t.Helper()
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	var imports, cases strings.Builder
	for _, r := range allRules(t) {
		for _, which := range []string{"wrong", "right"} {
			text, ok := r.Examples[which+".go"]
			if !ok {
				continue
			}
			name := packageName(r, which)
			if r.Name == "GoBuild" {
				write(t, filepath.Join(dir, "built", which, "main.go"), wholeGo(t, "main", text))
				continue
			}
			write(t, filepath.Join(dir, name, name+".go"), wholeGo(t, name, text))
			fmt.Fprintf(&imports, "\t\"examples.test/%s\"\n", name)
			fmt.Fprintf(&cases, "\tcase %q:\n\t\t%s.Program().Main()\n", name, name)
		}
	}
	write(t, filepath.Join(dir, "all", "main.go"), "package main\n\nimport (\n\t\"os\"\n\t\"path/filepath\"\n\t\"strings\"\n\n"+imports.String()+
		")\n\nfunc main() {\n\tswitch strings.TrimSuffix(filepath.Base(os.Args[0]), \".run\") {\n"+cases.String()+"\t}\n}\n")
	sums, err := os.ReadFile(filepath.Join(root, "sdk", "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	mod, err := os.ReadFile(filepath.Join(root, "sdk", "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	sdk := "github.com/faultline-storage/faultline/sdk"
	write(t, filepath.Join(dir, "go.sum"), string(sums))
	write(t, filepath.Join(dir, "go.mod"), strings.Replace(string(mod), "module "+sdk, "module examples.test", 1)+
		"\nrequire "+sdk+" v0.0.0\n\nreplace "+sdk+" => "+filepath.Join(root, "sdk")+"\n")
	t.Logf("building the examples in %s", dir)
	program = filepath.Join(dir, "all.run")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", program, "./all")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod", "GOPROXY=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}

var classPattern = regexp.MustCompile(`(?m)^type (\w+) struct \{\n(?:\t.*\n)*?\tplugin\.\w+\b`)

// wholeGo makes a package of a snippet, whose function Program is the plugin; a
// package main has a main instead.
func wholeGo(t *testing.T, name, text string) string {
	t.Helper()
	var classes []string
	for _, m := range classPattern.FindAllStringSubmatch(text, -1) {
		classes = append(classes, m[1])
	}
	add := func(declaration, code string) {
		if !strings.Contains(text, declaration) {
			text += "\n" + code + "\n"
		}
	}
	add("type Array struct", "type Array struct {\n\tplugin.ScannableResource\n\tAddress plugin.Hostname `attr:\",globalid\"`\n}")
	add("func NewAcme()", "type Acme struct{}\n\nfunc NewAcme() *Acme { return &Acme{} }\n\n"+
		"func (*Acme) InitialScan(context.Context, *plugin.Session, *Array) error { return nil }")
	if strings.Contains(text, "Drive]") || strings.Contains(text, "&Drive{") {
		if !strings.Contains(text, "type Drive struct") {
			classes = append(classes, "Drive")
		}
		add("type Drive struct", "type Drive struct {\n\tplugin.PhysicalDisk\n\tSerial string `attr:\",globalid\"`\n}")
	}
	if !strings.Contains(text, "func main()") {
		text += "\nfunc main() {\n\tplugin.Main(\"acme\", 1, plugin.Scans(NewAcme)"
		for _, c := range classes {
			if c != "Array" {
				text += ", plugin.Reports[" + c + "]()"
			}
		}
		text += ")\n}\n"
	}
	if name != "main" {
		text = strings.Replace(text, "func main() {\n\tplugin.Main(", "func Program() *plugin.Program {\n\treturn plugin.New(", 1)
	}
	var imports []string
	for _, i := range [][2]string{{"context.", "context"}, {"fmt.", "fmt"}, {"log.", "log"}, {"plugin.", "github.com/faultline-storage/faultline/sdk/plugin"}} {
		if regexp.MustCompile(`\b` + regexp.QuoteMeta(i[0])).MatchString(text) {
			imports = append(imports, fmt.Sprintf("import %q\n", i[1]))
		}
	}
	slices.Sort(imports)
	out, err := format.Source([]byte("package " + name + "\n\n" + strings.Join(imports, "") + "\n" + text))
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, text)
	}
	return string(out)
}
