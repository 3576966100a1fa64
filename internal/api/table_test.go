package api_test

import (
	"encoding/csv"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/faultline-storage/faultline/internal/api/apitest"
	"github.com/faultline-storage/faultline/internal/api/gen"
	"github.com/faultline-storage/faultline/internal/resource"
)

func TestAPageByOffset(t *testing.T) {
	s, _ := newServer(t)
	list := get[gen.ResourceList](t, s, "/resources?limit=2&offset=3")
	if list.Total != 6 || len(list.Items) != 2 || list.Items[0].ID != 4 || list.Next == "" {
		t.Errorf("%+v", list)
	}
	if list = get[gen.ResourceList](t, s, "/resources?offset=100"); list.Total != 6 || len(list.Items) != 0 || list.Next != "" {
		t.Errorf("beyond the end: %+v", list)
	}
}

func TestTableRequestsAreRefused(t *testing.T) {
	s, _ := newServer(t)
	for query, field := range map[string]string{
		"offset=-1": "offset", "offset=1&cursor=2": "offset", "where=status": "where", "where=%3Dx": "where", "format=xml": "format",
		"format=csv": "class", "format=csv&class=acme.Nothing": "class", "format=csv&class=acme.HardDrive&columns=name,nothing": "columns",
		"format=csv&class=acme.HardDrive&columns=latency": "columns", "format=csv&class=acme.Couplet&columns=password": "columns", "columns=name": "columns",
	} {
		w := do(t, s, "GET", "/api/v1/resources?"+query, "")
		var p gen.Problem
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != http.StatusBadRequest || p.Field != field {
			t.Errorf("%s: %d %s", query, w.Code, w.Body)
		}
	}
}

func TestCSV(t *testing.T) {
	s, w := newServer(t)
	for i, name := range []string{"=HYPERLINK(\"http://x\")", " +1", "-1", "@a", "\tb", "plain, with \"quotes\"", "＝1"} {
		w.Create("HardDrive", apitest.Couplet, name, nil, resource.IntValue(int64(10+i)), resource.StringValue("OK"),
			resource.IntValue(-5), resource.RefValue(int64(apitest.Enclosure)), resource.StringValue("fw"))
	}
	res := do(t, s, "GET", "/api/v1/resources?class=acme.HardDrive&format=csv", "")
	if got := res.Header().Get("Content-Disposition"); got != `attachment; filename="acme.HardDrive.csv"` || !strings.HasPrefix(res.Header().Get("Content-Type"), "text/csv") {
		t.Errorf("headers %v", res.Header())
	}
	rows, err := csv.NewReader(res.Body).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	want := [][]string{
		{"Name", "Health", "Slot", "Status", "Raw size (bytes)", "Enclosure", "Temperature (C)"},
		{"Drive 1", "ok", "1", "OK", "4000787030016", "Enclosure 1", "40"},
		{"Drive 2", "error", "2", "FAILED", "4000787030016", "Enclosure 1", "40"},
	}
	if d := cmp.Diff(want, rows[:3]); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	for i, name := range []string{"'=HYPERLINK(\"http://x\")", "' +1", "'-1", "'@a", "'\tb", "plain, with \"quotes\"", "'＝1"} {
		if got := rows[3+i]; got[0] != name || got[4] != "-5" {
			t.Errorf("%q is written as %q", name, got)
		}
	}
	some := do(t, s, "GET", "/api/v1/resources?class=acme.HardDrive&format=csv&columns=id,firmware&health=error&sort=-id&limit=1", "").Body.String()
	if some != "ID,Firmware\n4,fw-7\n" {
		t.Errorf("chosen columns: %q", some)
	}
}

// TestAttributesCalledAsFields exports attributes whose names mean something else of
// all resources.
func TestAttributesCalledAsFields(t *testing.T) {
	s, w := newServer(t)
	c := &resource.Class{Plugin: "odd", Name: "Thing", Bases: []string{"Resource"}, Attributes: []resource.Attribute{
		{Name: "name", Kind: resource.String}, {Name: "health", Kind: resource.Integer},
	}}
	c.Index()
	w.AddClass(c)
	for _, r := range []struct {
		label, name string
		health      int64
	}{{"A", "y", 20}, {"B", "x", 10}, {"C", "z", 30}} {
		w.CreateOf(c, apitest.Couplet, r.label, nil, resource.StringValue(r.name), resource.IntValue(r.health))
	}
	file := do(t, s, "GET", "/api/v1/resources?class=odd.Thing&format=csv", "").Body.String()
	if first, _, _ := strings.Cut(file, "\nB"); first != "Name,Health,Name,Health\nA,ok,y,20" {
		t.Errorf("%q", file)
	}
	if w := do(t, s, "GET", "/api/v1/resources?class=acme.HardDrive&sort=attribute.name", ""); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "is no attribute") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestSearch(t *testing.T) {
	s, _ := newServer(t)
	got := get[gen.SearchResult](t, s, "/search?q=drive&limit=1")
	want := gen.SearchResult{Total: 2, Groups: []gen.SearchGroup{
		{Plugin: "acme", Class: "HardDrive", Label: "Hard drive", Count: 2, Items: []gen.SearchItem{{ID: 3, Name: "Drive 1", Root: "Couplet 10.0.0.7", Health: gen.SeverityOk}}},
	}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	for _, query := range []string{"", "?q=", "?q=%20", "?q=a&limit=0"} {
		if w := do(t, s, "GET", "/api/v1/search"+query, ""); w.Code != http.StatusBadRequest {
			t.Errorf("%q: %d %s", query, w.Code, w.Body)
		}
	}
}

func TestATrial(t *testing.T) {
	s, w := newServer(t)
	const body = `{"plugin":"acme","class":"Couplet","attributes":{"host":"10.0.0.9"}}`
	res := do(t, s, "POST", "/api/v1/resources/test", body)
	equalJSON(t, res.Body.String(), `{"ok":true,"seconds":0.5,"resources":1,"counts":{"acme.HardDrive":1},"incomplete":[]}`)
	if list := get[gen.ResourceList](t, s, "/resources"); list.Total != 6 {
		t.Errorf("%d resources after a trial", list.Total)
	}
	for body, code := range map[string]int{
		`{"plugin":"acme","class":"Couplet","attributes":{},"id":1}`:     http.StatusOK,
		`{"plugin":"acme","class":"Couplet","attributes":{},"id":3}`:     http.StatusBadRequest, // nobody added it
		`{"plugin":"acme","class":"Other","attributes":{},"id":1}`:       http.StatusBadRequest,
		`{"plugin":"acme","class":"Couplet","attributes":{},"id":99}`:    http.StatusNotFound,
		`{"plugin":"acme","class":"Couplet","attributes":{},"sooner":1}`: http.StatusBadRequest,
	} {
		if res := do(t, s, "POST", "/api/v1/resources/test", body); res.Code != code {
			t.Errorf("%s: %d %s", body, res.Code, res.Body)
		}
	}
	w.Fail = resource.FieldErrorf("host", "attribute host: no host name")
	var p gen.Problem
	if err := json.Unmarshal(do(t, s, "POST", "/api/v1/resources/test", body).Body.Bytes(), &p); err != nil || p.Field != "host" {
		t.Errorf("%+v %v", p, err)
	}
}

func TestPathsOfTestAndIDAreTold(t *testing.T) {
	s, _ := newServer(t)
	if w := do(t, s, "GET", "/api/v1/resources/test", ""); !slices.Contains([]int{http.StatusBadRequest, http.StatusMethodNotAllowed}, w.Code) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
