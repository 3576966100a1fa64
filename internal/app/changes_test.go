package app

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/sdk/wire"
)

// shelves is a manifest with one class, which a test changes.
func shelves(change func(*wire.Class)) wire.Manifest {
	failed := []byte(`"FAILED"`)
	c := wire.Class{
		Name: "Shelf", Bases: []string{resource.BaseScannable, resource.BaseResource},
		Identifier: wire.Identifier{Scope: "global", Attributes: []string{"name"}},
		Attributes: []wire.Attribute{{Name: "name", Kind: "string"}, {Name: "status", Kind: "string", Optional: true}, {Name: "slots", Kind: "string", Optional: true}},
		Statistics: []wire.Statistic{{Name: "temperature", Kind: "gauge", SamplePeriod: 10}},
		Conditions: []wire.Condition{{Kind: "value", Attribute: "status", ErrorStates: []json.RawMessage{failed}}},
	}
	if change != nil {
		change(&c)
	}
	return wire.Manifest{APIVersion: wire.APIVersion, Classes: []wire.Class{c}}
}

func TestChangesSayWhatHappensToStoredResources(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*wire.Class)
		want   []string
	}{
		"nothing": {nil, nil},
		"a label": {func(c *wire.Class) { c.Label = "Shelf" }, []string{"~ class : label none → Shelf | "}},
		"a mandatory attribute": {func(c *wire.Class) {
			c.Attributes = append(c.Attributes, wire.Attribute{Name: "maker", Kind: "string", Default: []byte(`"Acme"`)})
		}, []string{`+ attribute maker: the attribute is new: string, default "Acme" | 2 resources get the default`}},
		"one that is computed": {func(c *wire.Class) {
			c.Attributes = append(c.Attributes, wire.Attribute{Name: "maker", Kind: "string", DefaultComputed: true})
		}, []string{"+ attribute maker: the attribute is new: string, computed default | 2 resources get the computed default"}},
		"one without a default": {func(c *wire.Class) {
			c.Attributes = append(c.Attributes, wire.Attribute{Name: "maker", Kind: "string"})
		}, []string{"+ attribute maker: the attribute is new: string | 2 resources have no value before the next scan"}},
		"another name": {func(c *wire.Class) {
			c.Attributes[1] = wire.Attribute{Name: "state", Kind: "string", Optional: true, RenamedFrom: []string{"condition", "status"}}
			c.Conditions[0].Attribute = "state"
		}, []string{"> attribute state: it was called status | values, alerts and history go on under the new name"}},
		"another name that is not told": {func(c *wire.Class) {
			c.Attributes[1].Name, c.Conditions[0].Attribute = "state", "state"
		}, []string{
			"+ attribute state: the attribute is new: string, optional | ",
			"- attribute status: the attribute is no longer declared | 2 values are dropped",
			"+ condition state: the alert condition is new | what it holds for gets an alert",
			"- condition status: the alert condition is no longer declared | its alerts end",
		}},
		"another kind": {func(c *wire.Class) { c.Attributes[2].Kind = "integer" },
			[]string{"~ attribute slots: kind string → integer | 1 value is converted; 1 value does not fit and is dropped"}},
		"another sample period": {func(c *wire.Class) { c.Statistics[0].SamplePeriod = 60 },
			[]string{"~ statistic temperature: sample period 10 → 60 | its series starts anew"}},
		"another bound": {func(c *wire.Class) { c.Conditions[0].ErrorStates[0] = []byte(`"DEAD"`) },
			[]string{`~ condition status: error states ["FAILED"] → ["DEAD"] | alerts that still hold go on; the others end`}},
		"another identifier": {func(c *wire.Class) { c.Identifier.Attributes = []string{"status"} }, []string{"REFUSED acme.Shelf"}},
		"no class":           {func(c *wire.Class) { c.Name = "Rack" }, []string{"+ class : the class is new | ", "- class : the class is no longer declared | 2 resources stay until the next scan of their root lacks them; their alerts end with them"}},
		"what is wrong":      {func(c *wire.Class) { c.Attributes[0].Kind = "text" }, []string{"REFUSED text"}},
	} {
		t.Run(name, func(t *testing.T) {
			inv, store := memoryInventory(t)
			d := &declarations{store: store, inv: inv, log: slog.New(slog.DiscardHandler)}
			if err := d.set(t.Context(), "acme", shelves(nil), nil); err != nil {
				t.Fatal(err)
			}
			class := inv.Class("acme", "Shelf")
			for i, slots := range []string{"24", "many"} {
				values := []resource.Value{resource.StringValue(fmt.Sprint("s", i)), resource.StringValue("OK"), resource.StringValue(slots)}
				if _, _, err := inv.AddRoot(t.Context(), class, values); err != nil {
					t.Fatal(err)
				}
			}
			ch, err := d.changes(t.Context(), "acme", nil, shelves(tc.change))
			if err != nil {
				t.Fatal(err)
			}
			mark := map[string]string{"added": "+", "removed": "-", "changed": "~", "renamed": ">"}
			var got []string
			for _, c := range ch.Changes {
				got = append(got, fmt.Sprintf("%s %s %s: %s | %s", mark[string(c.Change)], c.What, c.Name, c.Text, c.Effect))
			}
			if len(tc.want) == 1 && strings.HasPrefix(tc.want[0], "REFUSED ") {
				if want := strings.TrimPrefix(tc.want[0], "REFUSED "); !strings.Contains(ch.Refused, want) {
					t.Errorf("refused for %q, want something about %s", ch.Refused, want)
				}
				return
			}
			slices.Sort(got)
			slices.Sort(tc.want)
			if !slices.Equal(got, tc.want) || ch.Refused != "" || ch.Same != (len(tc.want) == 0) {
				t.Errorf("refused %q, same %t, got\n%s\nwant\n%s", ch.Refused, ch.Same, strings.Join(got, "\n"), strings.Join(tc.want, "\n"))
			}
			if again := inv.Class("acme", "Shelf"); again != class {
				t.Error("to look changed something")
			}
		})
	}
}
