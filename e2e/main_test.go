package e2e

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/faultline-storage/faultline/internal/cli"
)

func TestMain(m *testing.M) {
	testscript.Main(suite{m}, map[string]func(){"faultline": faultline})
}

// faultline is the program, as in cmd/faultline.
func faultline() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	os.Exit(cli.Main(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// cache is where the program unpacks the Python SDK, for all scenarios.
var cache string

// goRace has a program under the race detector end at the first race, so that
// the scenario fails, and saves each the second that it sleeps before it ends.
const goRace = "halt_on_error=1 atexit_sleep_ms=0"

// suite is the tests with what they share.
type suite struct{ *testing.M }

// Run implements testscript.TestingM.
func (s suite) Run() int {
	var err error
	if cache, err = os.MkdirTemp("", "faultline-e2e-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(cache)
	// A launcher that chooses an interpreter costs its time at every start.
	if python, err := exec.Command("python3", "-c", "import sys; print(sys.executable)").Output(); err == nil {
		os.Setenv("PATH", filepath.Dir(strings.TrimSpace(string(python)))+string(os.PathListSeparator)+os.Getenv("PATH"))
	}
	// Scenarios wait for most of their time.
	flag.Parse()
	if p := flag.Lookup("test.parallel"); p != nil {
		if n, err := strconv.Atoi(p.Value.String()); err == nil && n < 4 {
			_ = p.Value.Set("4")
		}
	}
	return s.M.Run()
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		Setup:               setup,
		Cmds:                commands,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
	})
}

func setup(env *testscript.Env) error {
	w := &world{dir: env.WorkDir}
	env.Values[worldKey{}] = w
	env.Defer(w.end)
	plugins, err := filepath.Abs("testdata/plugin")
	if err != nil {
		return err
	}
	examples, err := filepath.Abs("../examples")
	if err != nil {
		return err
	}
	repository, err := filepath.Abs("..")
	if err != nil {
		return err
	}
	home := filepath.Join(env.WorkDir, ".home")
	if err := os.Mkdir(home, 0o700); err != nil {
		return err
	}
	env.Setenv("HOME", home)
	env.Setenv("XDG_CACHE_HOME", cache)
	env.Setenv("GORACE", goRace)
	env.Setenv("PLUGINS", plugins)
	env.Setenv("EXAMPLES", examples)
	env.Setenv("REPOSITORY", repository)
	env.Setenv("FAULTLINE_SERVER", "http://127.0.0.1:1") // nobody, until there is a server
	return nil
}
