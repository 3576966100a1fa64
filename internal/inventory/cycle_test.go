package inventory_test

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/faultline-storage/faultline/internal/inventory"
	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/internal/store/memory"
)

// TestEveryWayOfClosingACycleIsRefused has one turn for each way of closing a
// cycle. It is refused as a whole, and the error names the way round.
func TestEveryWayOfClosingACycleIsRefused(t *testing.T) {
	global := class("Pool", "StoragePool", resource.Global, "id", "id", "note?")
	for _, tt := range []struct {
		name     string
		complete bool
		turn     []string
		cycle    string
	}{
		{"its own parent", false, []string{"link p1 +p1"}, "p1 cannot be its own parent"},
		{"two of one turn", false, []string{"put Pool x < y", "put Pool y < x"}, "y → x → y"},
		{"a link", false, []string{"link p1 +p2"}, "p1 → p2 → p1"},
		{"a long way round", false, []string{"put Pool p4 < p3", "link p1 +p4"}, "p1 → p2 → p3 → p4 → p1"},
		{"a scan", true, []string{"put Pool p1 < p3", "put Pool p2 < p1", "put Pool p3 < p2"}, "p3 → p1 → p2 → p3"},
		{"through the root", false, []string{"link p1 +root", "link root +p3"}, "a → p1 → p2 → p3 → a"},
		{"one edge for another that stays", false, []string{"link p2 -p1", "link p1 +p3", "link p2 +p1"}, "p2 → p3 → p1 → p2"},
		{"what another root reports", false, []string{"put Pool far", "link p1 +far", "put Pool near < p3"}, "near → far → p1 → p2 → p3 → near"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, global)
			w.root("b")
			w.root("a")
			w.scan("b", "put Pool far < near", "put Pool near")
			w.scan("a", "put Pool p1", "put Pool p2 < p1", "put Pool p3 < p2")
			if tt.complete {
				w.open("a")
			}
			before := strings.Join(w.dump(), "\n")
			err := w.apply("a", tt.complete, tt.turn...)
			if resource.KindOf(err) != resource.Conflict {
				t.Fatalf("error %v", err)
			}
			text := strings.NewReplacer(`acme.Pool ["`, "", `acme.Array ["`, "", `"]`, "").Replace(err.Error())
			if !turned(text, tt.cycle) {
				t.Errorf("the error is %s\nand should name %s", text, tt.cycle)
			}
			if after := strings.Join(w.dump(), "\n"); after != before {
				t.Errorf("the refused turn left\n%s\nof\n%s", after, before)
			}
		})
	}
}

// turned reports whether the text has the cycle, from any of its members on.
func turned(text, cycle string) bool {
	names := strings.Split(cycle, " → ")
	for range names {
		if strings.Contains(text, strings.Join(names, " → ")) {
			return true
		}
		names = append(names[1:], names[1])
	}
	return false
}

// What relations alone, or relations and parents, would close to a cycle is
// left out, and the log names the way round.
func TestACycleByRelationsIsLoggedWithItsPath(t *testing.T) {
	lun, dev := linked()
	var log strings.Builder
	w := newWorld(t, lun, dev)
	w.store = memory.New()
	var err error
	w.inv, err = inventory.New(t.Context(), inventory.Options{
		Store: w.store, Classes: []*resource.Class{lun, dev, w.classes["Array"]}, Log: slog.New(slog.NewTextHandler(&log, nil)),
		Now: func() time.Time { w.clock = w.clock.Add(time.Second); return w.clock },
	})
	if err != nil {
		t.Fatal(err)
	}
	w.root("a")
	w.scan("a", "put Lun l serial=1 wwn=2", "put Dev d serial=1 wwn=2")
	if got := log.String(); strings.Count(got, "\n") != 1 ||
		!strings.Contains(got, `cycle="acme.Lun [\"l\"] → acme.Dev [\"d\"] → acme.Lun [\"l\"]"`) {
		t.Errorf("the log is %s", got)
	}
	log.Reset()
	w.scan("a", "put Lun l serial=1 < m", "put Lun m < d", "put Dev d serial=1")
	if got := log.String(); !strings.Contains(got, `cycle="acme.Dev [\"d\"] → acme.Lun [\"m\"] → acme.Lun [\"l\"] → acme.Dev [\"d\"]"`) {
		t.Errorf("the log is %s", got)
	}
}
