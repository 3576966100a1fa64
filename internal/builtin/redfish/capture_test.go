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
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/faultline-storage/faultline/sdk/wire"
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
			f, w, err := walkOnce(t, clientOptions{url: s.URL})
			if err != nil {
				t.Fatal(err)
			}
			h := startHost(t, map[string]any{"url": s.URL})
			h.mustScan(wire.MethodInitialScan)
			if d := cmp.Diff(want, h.counts()); d != "" {
				t.Errorf("counts (-want +got):\n%s", d)
			}
			checkAlerts(t, e, f, w, h.alerts())
			checkDrives(t, e, h)
			missing := 0
			for _, n := range e.Missing {
				missing += n
			}
			if h.complete != (missing == 0) || len(h.result.Incomplete) != len(f.gaps) || (len(f.gaps) == 0) != (missing == 0) {
				t.Errorf("complete %v with %d gaps, of %d links that lead nowhere", h.complete, len(f.gaps), missing)
			}
			h.mustScan(wire.MethodUpdateScan)
			if len(h.ops) > 0 {
				t.Errorf("the second scan changes something: %+v", h.ops)
			}
		})
	}
}

// checkAlerts compares alerts to the objects that the capture's own walk found not to be OK.
func checkAlerts(t *testing.T, e expected, f *found, w *walk, got []alert) {
	t.Helper()
	severity := map[string]string{"Warning": "warning", "Critical": "error"}
	justified := map[string]bool{}
	for _, bad := range e.NonOK {
		switch bad.Class {
		case "storage", "system", "manager":
			continue // have no class
		}
		if bad.State == absent || slices.Contains(w.dropped, bad.ID) {
			continue // must not alert, or stands for an object that is as bad
		}
		found := false
		for _, n := range f.nodes {
			if slices.Contains(n.alias, bad.ID) {
				for _, a := range got {
					found = found || a.path == n.path() && a.attribute == "health" && a.severity == severity[bad.Health]
				}
				justified[n.path()] = true
			}
		}
		if !found {
			t.Errorf("no alert for %+v", bad)
		}
	}
	predicted := 0
	for _, a := range got {
		switch {
		case a.attribute == "failure_predicted":
			predicted++
		case a.class == "Service" && a.attribute == "unread" && a.severity == "info":
		case !justified[a.path]:
			t.Errorf("an alert for nothing: %+v", a)
		}
	}
	if predicted != e.Predicted {
		t.Errorf("%d failures predicted, want %d", predicted, e.Predicted)
	}
}

// checkDrives compares totals over the drives that are not from SimpleStorage alone.
func checkDrives(t *testing.T, e expected, h *host) {
	t.Helper()
	var capacity int64
	serials := 0
	for _, r := range h.resources {
		path, _ := r.attributes["path"].(string)
		if r.class != "Drive" || strings.Contains(path, "#/Devices/") {
			continue
		}
		if c, ok := r.attributes["capacity"].(float64); ok {
			capacity += int64(c)
		}
		if r.attributes["serial_number"] != nil {
			serials++
		}
	}
	if capacity != e.Capacity || serials != e.WithSerial {
		t.Errorf("%d bytes and %d serial numbers, want %d and %d", capacity, serials, e.Capacity, e.WithSerial)
	}
}
