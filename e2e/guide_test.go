package e2e

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// snippets is where the programs of the plugin author's guide stand: a folder
// each, with the same plugin in Go and in Python.
const snippets = "../docs/plugin-guide/snippets"

// guideRuns says how each plugin of the guide is run, with run.txt as the output.
// One that needs hardware that answers is run by its own tests only.
var guideRuns = map[string][]string{
	"shelf":     {"--set", "path=/home/you/hardware.json"},
	"kinds":     {"--set", "address=box.example.com"},
	"identity":  {"--class", "Couplet", "--set", "address_1=a.example.com", "--set", "address_2=b.example.com"},
	"watch":     {"--set", "address=array.example.com"},
	"graph":     {"--set", "address=array.example.com"},
	"hosts":     {"--class", "Box", "--set", "address=box.example.com"},
	"renames":   {"--set", "address=array.example.com"},
	"lifecycle": nil,
}

// TestGuide holds both columns of the guide to the same: what is declared, to the
// byte, and what is found.
func TestGuide(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a program for each page")
	}
	bin := t.TempDir()
	if out, err := exec.Command("go", "build", "-o", bin+string(filepath.Separator), snippets+"/...").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	folders, err := filepath.Glob(filepath.Join(snippets, "*", "main.go"))
	if err != nil || len(folders) != len(guideRuns) {
		t.Fatalf("%d snippets with a main.go, %d in the table; %v", len(folders), len(guideRuns), err)
	}
	for name, args := range guideRuns {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, err := filepath.Abs(filepath.Join(snippets, name))
			if err != nil {
				t.Fatal(err)
			}
			goPlugin, pythonPlugin := filepath.Join(bin, name), filepath.Join(dir, name+".py")
			ok := "Validating plugin '" + name + "'...\nOK\n"
			if out := faultlineOutput(t, "plugin", "validate", goPlugin, pythonPlugin); out != ok+ok {
				t.Error(out)
			}
			if d := cmp.Diff(faultlineOutput(t, "plugin", "describe", goPlugin), faultlineOutput(t, "plugin", "describe", pythonPlugin)); d != "" {
				t.Errorf("Go (-) and Python (+) declare different classes: %s", d)
			}
			if args == nil {
				return
			}
			raw, err := os.ReadFile(filepath.Join(dir, "run.txt"))
			if err != nil {
				t.Fatal(err)
			}
			for _, plugin := range []string{goPlugin, pythonPlugin} {
				run := append([]string{"plugin", "run", plugin}, args...)
				for i := range run {
					run[i] = strings.ReplaceAll(run[i], "/home/you", dir)
				}
				out := strings.ReplaceAll(faultlineOutput(t, run...), dir, "/home/you")
				if d := cmp.Diff(string(raw), out); d != "" {
					t.Errorf("%s: run.txt (-) and the output (+) differ: %s", plugin, d)
				}
			}
		})
	}
}

// faultlineOutput runs the program, which must succeed and say nothing on
// standard error.
func faultlineOutput(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.Command("faultline", args...)
	cmd.Env = append(os.Environ(), "XDG_CACHE_HOME="+cache, "GORACE="+goRace)
	var out, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problems
	if err := cmd.Run(); err != nil || problems.Len() > 0 {
		t.Errorf("faultline %s: %v\n%s%s", strings.Join(args, " "), err, out.String(), problems.String())
	}
	return out.String()
}

// TestGuideInPython runs the Python tests that the guide shows.
func TestGuideInPython(t *testing.T) {
	tests, err := filepath.Glob(filepath.Join(snippets, "*", "test_*.py"))
	if err != nil || len(tests) < 3 {
		t.Fatalf("only %d tests found; %v", len(tests), err)
	}
	sdk, err := filepath.Abs("../python")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range tests {
		t.Run(filepath.Base(test), func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command("python3", "-m", "unittest", filepath.Base(test))
			cmd.Dir = filepath.Dir(test)
			cmd.Env = append(os.Environ(), "PYTHONPATH="+sdk, "PYTHONDONTWRITEBYTECODE=1")
			if out, err := cmd.CombinedOutput(); err != nil || !bytes.Contains(out, []byte("\nOK")) {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}
