package lint

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/faultline-storage/faultline/sdk/wire"
)

// manifest reads classes; those without bases or identifier get common ones.
func manifest(t *testing.T, classes string) wire.Manifest {
	t.Helper()
	var m wire.Manifest
	if err := json.Unmarshal([]byte(`{"api_version":1,"classes":[`+classes+`]}`), &m); err != nil {
		t.Fatal(err)
	}
	for i := range m.Classes {
		if len(m.Classes[i].Bases) == 0 {
			m.Classes[i].Bases = []string{wire.BaseResource}
		}
	}
	return m
}

// found shows problems as "CODE WHERE: text".
func found(problems []wire.Problem) []string {
	out := []string{}
	for _, p := range problems {
		out = append(out, string(p.Code)+" "+p.Where+": "+p.Text)
	}
	return out
}

// TestCheck has what the examples of the register (internal/app, TestRules) leave
// out: what only a plugin without an SDK can declare, and what is told once.
func TestCheck(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, classes, want string }{
		{"labels of classes", `{"name":"A","label":"Box"},{"name":"B","label":"Box"},{"name":"C","label":"acme.D"},{"name":"D"}`,
			`FL501 B: has the label "Box", as A has|FL501 D: has the label "acme.D", as C has`},
		{"hidden attributes have no column", `{"name":"A","attributes":[{"name":"x","kind":"string","label":"L"},{"name":"y","kind":"string","label":"L","hidden":true}]}`, ``},
		{"an attribute's own name counts", `{"name":"A","attributes":[{"name":"file_size","kind":"bytes"},{"name":"x","kind":"bytes","label":"File size"}]}`,
			`FL501 A.x: has the label "File size", as file_size has`},
		{"what is inherited is told once", `{"name":"A","attributes":[{"name":"x","kind":"integer","min":2,"max":1}]},
			{"name":"B","bases":["A","Resource"],"attributes":[{"name":"x","kind":"integer","min":2,"max":1}]}`, `FL305 A.x: min 2 is more than max 1`},
		{"bins", `{"name":"A","statistics":[{"name":"h","kind":"histogram","sample_period":0,"bins":[[5,1],[2,9],[20]]}]}`,
			`FL311 A.h: the sample period is 0; it is a whole number of seconds, at least 1|FL312 A.h: bin 5-1 is empty: it begins above its end|FL510 A.h: no bin has the values from 10 to 19`},
		{"lower bounds", `{"name":"A","attributes":[{"name":"x","kind":"integer","min":0,"max":9}],"alert_conditions":[
			{"kind":"lower_bound","attribute":"x","message":"m","error_bound":10,"warn_bound":5}]}`,
			`FL504 A.x: error_bound 10 is always passed: every value of x is below it|FL505 A.x: warn_bound 5 begins no earlier than error_bound 10: a lesser severity should be reached first`},
		{"upper bound that always holds", `{"name":"A","attributes":[{"name":"x","kind":"integer","min":0}],"alert_conditions":[
			{"kind":"upper_bound","attribute":"x","message":"m","info_bound":-1}]}`, `FL504 A.x: info_bound -1 is always passed: every value of x is above it`},
		{"conditions of no use", `{"name":"A","attributes":[{"name":"x","kind":"enum","options":["a"]},{"name":"r","kind":"reference"}],"statistics":[
			{"name":"h","kind":"histogram","sample_period":1,"bins":[[0]]}],"alert_conditions":[
			{"kind":"value","attribute":"x","message":"m","error_states":["b"]},{"kind":"value","attribute":"r","message":"m"},{"kind":"upper_bound","attribute":"h","message":"m","warn_bound":1}]}`,
			`FL404 A.x: the alert condition watches for "b", which is no option of x|FL405 A.r: the alert condition watches for nothing|FL402 A.r: an alert condition cannot watch values of kind reference|FL402 A.h: a bound needs a number, but h is of kind histogram`},
		{"charts", `{"name":"A","statistics":[{"name":"g","kind":"gauge","unit":"C","sample_period":1},{"name":"k","kind":"gauge","unit":"W","sample_period":1},{"name":"h","kind":"histogram","sample_period":1,"bins":[[0]]}],
			"charts":[{"title":"t","series":["g","k","h"]},{"title":"t","series":["g"]}]}`,
			`FL423 A: chart "t" mixes time series and histograms|FL424 A: chart "t" has 3 different units, ["C" "W" ""]; at most two fit|FL508 A: two charts have the title "t"`},
		{"a more exact kind may stand for a text", `{"name":"A","bases":["LogicalDrive","Resource"],"attributes":[{"name":"size","kind":"integer","optional":true},{"name":"filesystem_type","kind":"enum","options":["ext4"],"optional":true}]}`, ``},
		{"a promised attribute is gone", `{"name":"A","bases":["PathWeight","Resource"],"statistics":[{"name":"weight","kind":"gauge","sample_period":1}]}`,
			`FL310 A.weight: every PathWeight has the attribute weight, but here that is something else`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			want := []string{}
			if tc.want != "" {
				want = strings.Split(tc.want, "|")
			}
			if d := cmp.Diff(want, found(Check(Plugin{Name: "acme", Manifest: manifest(t, tc.classes)}))); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
}

func TestRelations(t *testing.T) {
	t.Parallel()
	other := manifest(t, `{"name":"Base","attributes":[{"name":"id","kind":"string"}]},
		{"name":"Device","bases":["Base","Resource"],"attributes":[{"name":"id","kind":"string"},{"name":"serial","kind":"string"},{"name":"lun","kind":"integer"}]}`)
	lookup := func(plugin string) (wire.Manifest, error) {
		if plugin == "other" {
			return other, nil
		}
		return wire.Manifest{}, errors.New("nobody knows it")
	}
	for _, tc := range []struct{ relation, want string }{
		{`"plugin":"other","class":"Device","attributes":["serial"]`, ``},
		{`"plugin":"other","class":"Base","attributes":["serial"]`, ``}, // a class that inherits from it has the attribute
		{`"plugin":"builtin","class":"LogicalDrive","attributes":["wwid"]`, ``},
		{`"plugin":"other","class":"Devise","attributes":["serial"]`, `FL433 A: the relation is to ("other", "Devise"), and plugin other has no class Devise`},
		{`"plugin":"other","class":"Device","attributes":["wwid"]`, `FL432 A.wwid: the relation to Device compares wwid, which no such resource has`},
		{`"plugin":"other","class":"Device","attributes":["lun"]`, `FL514 A.lun: the relation to Device compares lun, which is of kind string here and of kind integer there: they are never equal`},
		{`"plugin":"third","class":"X","attributes":["serial"]`, `FL434 A: the relation to ("third", "X") is to a plugin that is not known here: nobody knows it`},
		{`"class":"B","attributes":["serial"]`, `FL433 A: the relation is to ("acme", "B"), and plugin acme has no class B`},
	} {
		m := manifest(t, `{"name":"A","attributes":[{"name":"serial","kind":"string"},{"name":"wwid","kind":"string"},{"name":"lun","kind":"string"}],"relations":[{"kind":"provide",`+tc.relation+`}]}`)
		got := strings.Join(found(Relations(Plugin{Name: "acme", Manifest: m}, lookup)), "|")
		if got != tc.want {
			t.Errorf("%s:\n got %s\nwant %s", tc.relation, got, tc.want)
		}
	}
}

// FuzzCheck sees that no manifest, whoever wrote it, brings the check down.
func FuzzCheck(f *testing.F) {
	for _, path := range []string{"example.json", "scripted.json"} {
		seed, err := os.ReadFile(filepath.Join("..", "..", "protocol", "golden", path))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(seed)
	}
	f.Add([]byte(`{"classes":[{"name":"A","bases":["A"],"identifier":{"attributes":["x"]},"attributes":[{"name":""}],"statistics":[{"bins":[[],[1,2,3]]}],
		"alert_conditions":[{"attribute":""}],"relations":[{"class":"A","attributes":["x"]}],"charts":[{"series":["x","x"]}]}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var m wire.Manifest
		if json.Unmarshal(text, &m) != nil {
			return
		}
		p := Plugin{Name: "acme", Manifest: m}
		for _, problem := range append(Check(p), Relations(p, func(string) (wire.Manifest, error) { return m, nil })...) {
			if problem.Code == "" || problem.Text == "" {
				t.Errorf("a problem without code or text: %+v", problem)
			}
		}
	})
}
