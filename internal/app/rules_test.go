package app

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/faultline-storage/faultline/protocol/rule"
	"github.com/faultline-storage/faultline/sdk/wire"
)

var update = flag.Bool("update", false, "write the golden files of TestRules anew")

// elsewhere says which test produces a code that no example of the register can.
var elsewhere = map[string]string{
	"FL101": "e2e/testdata/script/checks.txtar",
	"FL102": "e2e/testdata/script/checks.txtar",
	"FL313": "internal/session/manifest_test.go",
}

// TestRulesInPython runs every Python example of the register: the wrong one
// gives its code and no other, the right one nothing. What is printed is in
// testdata/rules/python.golden.
func TestRulesInPython(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("python3 is not installed: not running the examples of rules")
	}
	dir := t.TempDir()
	runExamples(t, "py", dir, func(r rule.Rule, which, text string) string {
		path := filepath.Join(dir, r.Code, which+".py")
		write(t, path, wholePython(text))
		return path
	})
}

// TestRulesInGo is TestRulesInPython for Go: all examples are packages of one
// program, which takes the one that it is called by.
func TestRulesInGo(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("compiles a program: not in short mode")
	}
	dir := t.TempDir()
	program := buildExamples(t, dir)
	runExamples(t, "go", dir, func(r rule.Rule, which, _ string) string {
		if r.Name == "GoBuild" {
			return filepath.Join(dir, "built", which)
		}
		path := filepath.Join(dir, packageName(r, which))
		if err := os.Symlink(program, path+".run"); err != nil {
			t.Fatal(err)
		}
		return path + ".run"
	})
}

// TestEveryRule keeps a code from being dead.
func TestEveryRule(t *testing.T) {
	t.Parallel()
	for _, r := range allRules(t) {
		_, inPython := r.Examples["wrong.py"]
		_, inGo := r.Examples["wrong.go"]
		file, ok := elsewhere[r.Code]
		switch {
		case inPython || inGo:
			if ok {
				t.Errorf("%s has an example: it needs no entry in elsewhere", r.Code)
			}
		case !ok:
			t.Errorf("nothing shows that %s (%s) is ever said: give it an example", r.Code, r.Name)
		default:
			text, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(file)))
			if err != nil || !strings.Contains(string(text), r.Code) && !strings.Contains(string(text), "Rule"+r.Name) {
				t.Errorf("%s does not test %s (%v)", file, r.Code, err)
			}
		}
	}
}

func allRules(t *testing.T) []rule.Rule {
	t.Helper()
	rules, err := rule.All()
	if err != nil {
		t.Fatal(err)
	}
	return rules
}

// runExamples validates the wrong and the right example of every rule in one
// language. prepare returns the path of one.
func runExamples(t *testing.T, ext, dir string, prepare func(r rule.Rule, which, text string) string) {
	t.Helper()
	type example struct {
		rule.Rule

		which   string
		path    string
		verdict Verdict
	}
	var examples []*example
	for _, r := range allRules(t) {
		for _, which := range []string{"wrong", "right"} {
			text, ok := r.Examples[which+"."+ext]
			if ok && !(testing.Short() && which == "right") {
				examples = append(examples, &example{Rule: r, which: which, path: prepare(r, which, text)})
			}
		}
	}
	var wg sync.WaitGroup
	free := make(chan struct{}, runtime.GOMAXPROCS(0)) // each example is a process
	for _, e := range examples {
		wg.Go(func() {
			free <- struct{}{}
			defer func() { <-free }()
			tool := Tool{Version: "test"}
			e.verdict = tool.Validate(t.Context(), []string{e.path}, nil)[0]
		})
	}
	wg.Wait()
	var golden strings.Builder
	for _, e := range examples {
		judgeExample(t, e.Rule, e.which, ext, e.verdict)
		if e.which == "wrong" {
			fmt.Fprintf(&golden, "-- %s --\n%s", e.Code, plain(lines(e.verdict.Problems), dir))
		}
	}
	compareGolden(t, filepath.Join("testdata", "rules", ext+".golden"), golden.String())
}

// judgeExample says what is not as it must be in the verdict on an example.
func judgeExample(t *testing.T, r rule.Rule, which, ext string, v Verdict) {
	t.Helper()
	var codes []string
	for _, p := range v.Problems {
		codes = append(codes, string(p.Code))
		if p.Line == 0 || !strings.HasSuffix(p.File, "."+ext) {
			t.Errorf("%s %s: no place in the source: %s", r.Code, which, p)
		}
		if p.Severity != r.Severity() && (p.Severity != "" || r.Warning) {
			t.Errorf("%s %s: severity %q, but the register says %q", r.Code, which, p.Severity, r.Severity())
		}
	}
	codes = slices.Compact(codes)
	switch {
	case which == "right" && len(codes) > 0:
		t.Errorf("%s: the right example in .%s is not:\n%s", r.Code, ext, lines(v.Problems))
	case which == "wrong" && !slices.Equal(codes, []string{r.Code}):
		t.Errorf("%s: the wrong example in .%s must give %s and no other code, but gives:\n%s", r.Code, ext, r.Code, lines(v.Problems))
	case which == "wrong" && v.OK != r.Warning:
		t.Errorf("%s: OK is %v", r.Code, v.OK)
	}
}

func lines(problems []wire.Problem) string {
	var b strings.Builder
	for _, p := range problems {
		fmt.Fprintln(&b, p)
	}
	return b.String()
}

var (
	interpreter = regexp.MustCompile(`plugins, \S+ \(Python [0-9.]+\)`)
	carets      = regexp.MustCompile(`(SyntaxError): .*, column \d+: `)
)

// plain takes out of messages what differs between machines and interpreters.
func plain(text, dir string) string {
	text = strings.ReplaceAll(text, dir+string(filepath.Separator), "")
	text = interpreter.ReplaceAllString(text, "plugins, PYTHON")
	return carets.ReplaceAllString(text, "$1: ...: ")
}

func compareGolden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		write(t, path, got)
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got), write it anew with -update:\n%s", path, d)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// wholePython makes a plugin of a snippet: with imports, the version, a root and
// the plugin class, as far as it lacks them.
func wholePython(text string) string {
	head := "from chroma_core.lib.storage_plugin.api import (\n" +
		"    alert_conditions, attributes, identifiers, plugin, relations, resources, statistics, targets)\n"
	if !strings.Contains(text, "version = ") {
		head += "version = 1\n"
	}
	tail := ""
	if !strings.Contains(text, "ScannableResource") && !strings.Contains(text, "class Array") {
		tail += "\n\nclass Array(resources.ScannableResource):\n    class Meta:\n        identifier = identifiers.GlobalId('address')\n" +
			"    address = attributes.Hostname()\n"
	}
	if !strings.Contains(text, "class Acme") {
		tail += "\n\nclass Acme(plugin.Plugin):\n    def initial_scan(self, root):\n        pass\n"
	}
	return head + text + tail
}
