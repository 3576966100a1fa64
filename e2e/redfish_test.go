package e2e

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"
)

// redfishService serves a folder of index.json files as a Redfish service. A
// page of a list lies in a folder whose name has the query.
func redfishService(dir string) *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := path.Clean("/" + r.URL.Path)
		if q, err := url.QueryUnescape(r.URL.RawQuery); err == nil && strings.Contains(q, "$skip") {
			p += "?" + q
		}
		w.Header().Set("Content-Type", "application/json")
		b, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(p), "index.json"))
		if err != nil {
			w.WriteHeader(http.StatusNotFound)
			b = []byte(`{"error":{"code":"Base.1.0.ResourceMissingAtURI","message":"not found"}}`)
		}
		_, _ = w.Write(b) // the client may be gone
	}))
}

// serveRedfish is a command: redfish DIR serves the folder and sets REDFISH.
func serveRedfish(ts *testscript.TestScript, args []string) {
	s := redfishService(ts.MkAbs(args[0]))
	ts.Defer(s.Close)
	ts.Setenv("REDFISH", s.URL)
}

// TestCaptures scans captures of real services, in the terminal.
func TestCaptures(t *testing.T) {
	t.Parallel()
	const captures = "../../shared/realdata/dev/redfish" // outside the repository
	dirs, err := filepath.Glob(filepath.Join(captures, "*", "EXPECTED.json"))
	if err != nil {
		t.Fatal(err)
	}
	if len(dirs) == 0 {
		t.Skip("skipped: the captures of real Redfish services are not here")
	}
	if testing.Short() {
		t.Skip("skipped: captures of real Redfish services, with -short")
	}
	for _, file := range dirs {
		t.Run(filepath.Base(filepath.Dir(file)), func(t *testing.T) {
			t.Parallel()
			want := expectedCounts(t, file)
			s := redfishService(filepath.Dir(file))
			defer s.Close()
			cmd := exec.Command("faultline", "plugin", "run", "builtin:redfish", "--class", "Service", "--set", "url="+s.URL, "-o", "json")
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			out, err := cmd.Output()
			if err != nil {
				t.Fatalf("%v: %s", err, &stderr)
			}
			var found struct {
				Resources []struct{ Class string }
			}
			if err := json.Unmarshal(out, &found); err != nil {
				t.Fatal(err)
			}
			got := map[string]int{}
			for _, r := range found.Resources {
				got[r.Class]++
			}
			want["Service"] = 1
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("resources by class (-want +got):\n%s", d)
			}
		})
	}
}

// expectedCounts returns how many resources of each class a capture holds. Of
// two forms of the same things, in lists of their own or inside another
// object, the longer counts; devices of the old form are drives where there are
// no others.
func expectedCounts(t *testing.T, file string) map[string]int {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var e struct {
		Counts map[string]map[string]int
	}
	if err := json.Unmarshal(b, &e); err != nil {
		t.Fatal(err)
	}
	n := func(kind string) int { return e.Counts[kind]["total"] }
	out := map[string]int{}
	for class, count := range map[string]int{
		"Chassis": n("chassis"), "Drive": n("drive"), "Fan": max(n("fan"), n("fan_inline")),
		"PowerSupply": max(n("psu"), n("psu_inline")), "TemperatureSensor": n("temperature"), "Volume": n("volume"),
		"Controller": max(n("controller"), n("controller_inline")), "Pool": n("pool"),
	} {
		if class == "Drive" && count == 0 {
			count = n("simple_device")
		}
		if count > 0 {
			out[class] = count
		}
	}
	return out
}
