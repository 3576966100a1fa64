package redfish

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// captures is where captures of real services are, outside the repository.
const captures = "../../../../shared/realdata/dev/redfish"

// serveCapture serves a folder of index.json files as a Redfish service.
func serveCapture(t *testing.T, dir string) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := filepath.Clean("/" + r.URL.Path)
		file := filepath.Join(dir, p, "index.json")
		if q, _ := url.QueryUnescape(r.URL.RawQuery); strings.Contains(q, "$skip") {
			file = filepath.Join(dir, p+"?"+q, "index.json")
		}
		b, err := os.ReadFile(file)
		if err != nil {
			http.Error(w, `{"error":{"code":"Base.1.0.ResourceMissingAtURI","message":"not found"}}`, http.StatusNotFound)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(b)
	}))
	t.Cleanup(s.Close)
	return s
}

// walkOnce reads a service once, without a session.
func walkOnce(t *testing.T, o clientOptions) (*found, *walk, error) {
	t.Helper()
	c, err := newClient(o)
	if err != nil {
		return nil, nil, err
	}
	t.Cleanup(func() { c.close(context.Background()) })
	ctx, stop := context.WithCancelCause(t.Context())
	defer stop(nil)
	w := &walk{reader: newReader(c, stop), log: slog.New(slog.DiscardHandler), mem: newMemory()}
	f, err := w.run(ctx)
	return f, w, err
}

func className(r hardware) string { return strings.TrimPrefix(fmt.Sprintf("%T", r), "*redfish.") }

func countClasses(nodes []*node) map[string]int {
	out := map[string]int{}
	for _, n := range nodes {
		out[className(n.res)]++
	}
	return out
}

// expected is a capture's EXPECTED.json: what a plain walk over it finds.
type expected struct {
	Counts map[string]map[string]int `json:"counts"`
	NonOK  []struct {
		Class, ID, Health, State string
	} `json:"non_ok"`
	WithSerial int            `json:"drives_with_serial"`
	Predicted  int            `json:"drives_failure_predicted"`
	Capacity   int64          `json:"drive_capacity_bytes"`
	Missing    map[string]int `json:"missing_links"`
}

func readExpected(t *testing.T, name string) expected {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(captures, name, "EXPECTED.json"))
	if err != nil {
		t.Skipf("skipped: the captures of real services are not here: %v", err)
	}
	var e expected
	if err := json.Unmarshal(b, &e); err != nil {
		t.Fatal(err)
	}
	return e
}

// TestCaptures holds for every capture how many objects there are, worked out by
// hand, and checks that this is what the capture's own counts come to: of two
// forms of the same things, the longer list.
func TestCaptures(t *testing.T) {
	want := map[string]map[string]int{
		"cray_gigabyte":         {"Chassis": 1, "Drive": 1, "PowerSupply": 2, "TemperatureSensor": 20},
		"libredfish_hpe":        {"Chassis": 1, "Controller": 17, "Drive": 18, "Fan": 6, "PowerSupply": 2, "TemperatureSensor": 53, "Volume": 1},
		"libredfish_lenovo":     {"Chassis": 2, "Controller": 2, "Drive": 4, "Fan": 10, "PowerSupply": 4, "TemperatureSensor": 21},
		"libredfish_supermicro": {"Chassis": 3, "Controller": 1, "Drive": 8, "Fan": 6, "PowerSupply": 8, "TemperatureSensor": 38},
		"public-bladed":         {"Chassis": 5, "Drive": 8, "Fan": 8, "PowerSupply": 2, "TemperatureSensor": 5},
		"public-expansion-box":  {"Chassis": 5, "Fan": 4, "PowerSupply": 2, "TemperatureSensor": 1},
		"public-localstorage":   {"Chassis": 1, "Controller": 1, "Drive": 4, "Fan": 2, "PowerSupply": 1, "TemperatureSensor": 3, "Volume": 3},
		"public-rackmount1":     {"Chassis": 1, "Drive": 4, "Fan": 4, "PowerSupply": 2, "TemperatureSensor": 3},
		"seagate_exos_v1":       {"Chassis": 1, "Controller": 2, "Fan": 4, "PowerSupply": 2, "TemperatureSensor": 44},
		"snia_ebof":             {"Chassis": 1, "Controller": 2, "Drive": 2, "TemperatureSensor": 1, "Volume": 2},
	}
	for name, want := range want {
		t.Run(name, func(t *testing.T) {
			e := readExpected(t, name)
			derived := map[string]int{}
			for class, forms := range map[string][]string{
				"Chassis": {"chassis"}, "Controller": {"controller", "controller_inline"}, "Drive": {"drive", "simple_device"},
				"Fan": {"fan", "fan_inline"}, "PowerSupply": {"psu", "psu_inline"}, "TemperatureSensor": {"temperature"},
				"Pool": {"pool"}, "Volume": {"volume"},
			} {
				for _, f := range forms {
					if n := e.Counts[f]["total"]; n > derived[class] {
						derived[class] = n
					}
				}
			}
			if d := cmp.Diff(want, derived); d != "" {
				t.Errorf("the table differs from EXPECTED.json (-table +derived):\n%s", d)
			}
			s := serveCapture(t, filepath.Join(captures, name))
			f, _, err := walkOnce(t, clientOptions{url: s.URL})
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(want, countClasses(f.nodes)); d != "" {
				t.Errorf("counts (-want +got):\n%s", d)
			}
			for _, g := range f.gaps {
				t.Log("gap:", g)
			}
		})
	}
}
