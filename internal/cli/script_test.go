package cli_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/faultline-storage/faultline/internal/api"
	"github.com/faultline-storage/faultline/internal/api/apitest"
	"github.com/faultline-storage/faultline/internal/cli"
	"github.com/faultline-storage/faultline/internal/resource"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"faultline": func() {
			os.Exit(cli.Main(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
		},
	})
}

// TestClient runs the scripts of the client commands, each against a server of
// its own that serves the world of apitest. The command "world" changes it.
func TestClient(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/client",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "",
		Setup: func(env *testscript.Env) error {
			w := apitest.New()
			o := w.Options()
			// A script that sets TOKEN shows it; others need none.
			o.Authorize = func(r *http.Request) (string, bool) {
				switch r.Header.Get("Authorization") {
				case "":
					return "", true
				case "Bearer flt_good":
					return "operations", true
				}
				return "", false
			}
			srv := httptest.NewServer(api.New(o))
			env.Defer(srv.Close)
			env.Values["world"] = w
			env.Setenv("FAULTLINE_SERVER", srv.URL)
			env.Setenv("FAULTLINE_TOKEN", "")
			env.Setenv("HOME", env.WorkDir)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"world": world, "fails": exits(1), "misuse": exits(2),
		},
	})
}

// exits is a command that runs faultline and wants an exit code and one line of
// error.
func exits(code int) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, _ bool, args []string) {
		err := ts.Exec("faultline", args...)
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != code {
			ts.Fatalf("faultline %v: %v, want exit code %d", args, err, code)
		}
		if text := ts.ReadFile("stderr"); strings.Count(text, "\n") != 1 || !strings.HasPrefix(text, "faultline: ") {
			ts.Fatalf("the error is not one line: %q", text)
		}
	}
}

// world is the command that changes the world: "world offline", "world pool
// degraded", "world past", "world many", "world attributes TEXT" (the last Add or Edit had it).
func world(ts *testscript.TestScript, neg bool, args []string) {
	w := ts.Value("world").(*apitest.World)
	switch strings.Join(args, " ") {
	case "offline":
		w.SetRoot(apitest.Couplet, resource.RootState{Offline: true, Error: "connection refused", Incomplete: []string{"bay 3: no answer"}})
	case "holds":
		w.SetRoot(apitest.Couplet, resource.RootState{Live: true, Held: &resource.HeldRemoval{
			Resources: []resource.ID{apitest.Pool, apitest.Lun}, Lacking: 3, Of: 5, Since: apitest.Start,
		}})
	case "pool degraded":
		w.Raise(apitest.Pool, resource.Warning, "degraded", "local_id", "Pool degraded")
	case "past":
		w.TellPast()
	case "drive works":
		w.End(1)
	case "evil":
		w.Edit(context.Background(), apitest.Lun, new("\x1b[31mred\n"), nil) //nolint:errcheck // cannot fail
	case "many":
		for range 150 {
			w.Create("Enclosure", apitest.Couplet, "Enclosure x", nil, resource.IntValue(2))
		}
	default:
		if args[0] != "attributes" {
			ts.Fatalf("unknown: world %v", args)
		}
		var got []string
		for name, raw := range w.Given() {
			got = append(got, name+"="+string(raw))
		}
		for _, want := range args[1:] {
			found := false
			for _, g := range got {
				found = found || g == want
			}
			if found == neg {
				ts.Fatalf("attributes are %v", got)
			}
		}
	}
}
