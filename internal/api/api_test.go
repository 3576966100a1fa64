package api_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/faultline-storage/faultline/internal/api"
	"github.com/faultline-storage/faultline/internal/api/apitest"
	"github.com/faultline-storage/faultline/internal/api/gen"
	"github.com/faultline-storage/faultline/internal/resource"
)

// do sends one request to a server, from 127.0.0.1 unless the test says other.
func do(t *testing.T, s http.Handler, method, path, body string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(method, "http://127.0.0.1:8700"+path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		if header[i] == "Host" {
			r.Host = header[i+1]
		} else {
			r.Header.Set(header[i], header[i+1])
		}
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

func decode[T any](t *testing.T, w *httptest.ResponseRecorder) (v T) {
	t.Helper()
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
		t.Fatalf("%v in %s", err, w.Body)
	}
	return v
}

func get[T any](t *testing.T, s http.Handler, path string) T {
	t.Helper()
	w := do(t, s, "GET", "/api/v1"+path, "")
	if w.Code != http.StatusOK {
		t.Fatalf("GET %s: %d %s", path, w.Code, w.Body)
	}
	return decode[T](t, w)
}

func newServer(t *testing.T) (*api.Server, *apitest.World) {
	t.Helper()
	w := apitest.New()
	return api.New(w.Options()), w
}

// TestResourceShape pins the shape that programs rely on.
func TestResourceShape(t *testing.T) {
	s, _ := newServer(t)
	const want = `{
  "id": 4, "plugin": "acme", "class": "HardDrive", "bases": ["PhysicalDisk", "Resource"],
  "label": "Drive 2", "alias": null, "name": "Drive 2", "identifier": {"slot": 2}, "scope": 1, "reported_by": [1],
  "attributes": {
    "slot": {"kind": "integer", "label": "Slot", "value": 2, "text": "2"},
    "status": {"kind": "enum", "label": "Status", "value": "FAILED", "text": "FAILED"},
    "capacity": {"kind": "bytes", "label": "Raw size", "value": 4000787030016, "text": "3.6 TiB"},
    "enclosure": {"kind": "reference", "label": "Enclosure", "value": 2, "text": "Enclosure 1"},
    "firmware": {"kind": "string", "label": "Firmware", "value": "fw-7", "text": "fw-7", "hidden": true}
  },
  "statistics": {
    "temperature": {"kind": "gauge", "label": "Temperature", "unit": "C", "value": 40, "time": "2026-03-01T12:00:00Z"},
    "latency": {"kind": "histogram", "label": "Latency", "unit": "ms", "value": null, "time": "2026-03-01T12:00:00Z", "bins": [5, 0, 2]}
  },
  "health": "error",
  "own_alerts": [{"id": 1, "resource": 4, "resource_name": "Drive 2", "root": "Couplet 10.0.0.7", "acknowledged": false, "severity": "error", "condition": "failure", "message": "Drive failure",
    "text": "Drive failure: Hard drive Drive 2", "began": "2026-03-01T12:00:00Z"}],
  "inherited_alerts": [], "parents": [2], "children_count": 1, "stale": false, "deletable": false,
  "first_seen": "2026-03-01T12:00:00Z", "updated": "2026-03-01T12:00:00Z"
}`
	equalJSON(t, do(t, s, "GET", "/api/v1/resources/4", "").Body.String(), want)

	root := get[gen.Resource](t, s, "/resources/1")
	if root.Session == nil || root.Session.State != gen.Live || !root.Deletable {
		t.Errorf("root: session %v, deletable %v", root.Session, root.Deletable)
	}
	if _, ok := root.Attributes["password"]; ok {
		t.Error("a password is among the attributes")
	}
}

func equalJSON(t *testing.T, got, want string) {
	t.Helper()
	var g, w any
	if err := json.Unmarshal([]byte(got), &g); err != nil {
		t.Fatalf("%v in %s", err, got)
	}
	if err := json.Unmarshal([]byte(want), &w); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(w, g); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

func TestAlertShape(t *testing.T) {
	s, w := newServer(t)
	const want = `{"id": 1, "resource": 4, "resource_name": "Drive 2", "root": "Couplet 10.0.0.7", "plugin": "acme", "class": "HardDrive", "condition": "failure", "attribute": "status",
  "severity": "error", "message": "Drive failure", "text": "Drive failure: Hard drive Drive 2", "active": true,
  "since": "2026-03-01T12:00:00Z", "began": "2026-03-01T12:00:00Z", "ended": null, "acknowledged": null,
  "affected": {"counts": {"acme.RaidPool": 1, "acme.Lun": 1}, "filesystems": []}}`
	equalJSON(t, do(t, s, "GET", "/api/v1/alerts/1", "").Body.String(), want)
	w.End(1)
	a := get[gen.Alert](t, s, "/alerts/1")
	if a.Active || a.Ended == nil || len(a.Affected.Counts) != 0 {
		t.Errorf("ended alert: %+v", a)
	}
}

func TestNoPasswordAnywhere(t *testing.T) {
	s, _ := newServer(t)
	for _, path := range []string{"/resources", "/resources/1", "/classes", "/status", "/resources/1/graph", "/resources/1/impact?limit=5",
		"/resources?q=" + apitest.Password} {
		if b := do(t, s, "GET", "/api/v1"+path, "").Body.String(); strings.Contains(b, apitest.Password) {
			t.Errorf("%s tells a password: %s", path, b)
		}
	}
}

func TestListResources(t *testing.T) {
	s, _ := newServer(t)
	for query, want := range map[string][]int64{
		"":                              {1, 2, 3, 4, 5, 6},
		"?class=HardDrive":              {3, 4},
		"?class=acme.HardDrive":         {3, 4},
		"?plugin=acme&class=HardDrive":  {3, 4},
		"?plugin=other":                 {},
		"?base=StoragePool":             {5},
		"?scope=1":                      {1, 2, 3, 4, 5, 6},
		"?scope=9":                      {},
		"?host=1":                       {},
		"?health=error":                 {4, 5, 6},
		"?health=ok,warning":            {1, 2, 3},
		"?q=DRIVE":                      {3, 4},
		"?identifier=slot=2":            {4},
		"?parent=2":                     {3, 4},
		"?ancestor_of=6":                {2, 3, 4, 5, 6},
		"?descendant_of=4":              {4, 5, 6},
		"?sort=-id&limit=2":             {6, 5},
		"?limit=2":                      {1, 2},
		"?limit=2&cursor=2":             {3, 4},
		"?descendant_of=4&health=error": {4, 5, 6},
	} {
		list := get[gen.ResourceList](t, s, "/resources"+query)
		got := []int64{}
		for _, r := range list.Items {
			got = append(got, r.ID)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: -want +got:\n%s", query, d)
		}
		if (list.Next != "") != (strings.Contains(query, "limit=2")) {
			t.Errorf("%s: next %q", query, list.Next)
		}
	}
	w := do(t, s, "GET", "/api/v1/resources", "")
	if w.Header().Get("Faultline-Position") == "" {
		t.Error("a list has no position")
	}
	if b := do(t, s, "GET", "/api/v1/resources?plugin=other", "").Body.String(); strings.TrimSpace(b) != `{"items":[],"total":0}` {
		t.Errorf("empty list: %s", b)
	}
}

func TestProblems(t *testing.T) {
	s, _ := newServer(t)
	for _, tt := range []struct {
		method, path, body string
		status             int
		field, detail      string
	}{
		{"GET", "/resources?colour=red", "", 400, "colour", "plugin"},
		{"GET", "/resources?limit=0", "", 400, "limit", "1 to 10000"},
		{"GET", "/resources?limit=10001", "", 400, "limit", ""},
		{"GET", "/resources?limit=many", "", 400, "limit", "many"},
		{"GET", "/resources?limit=1&limit=2", "", 400, "limit", "2 times"},
		{"GET", "/resources?limit=", "", 400, "limit", ""},
		{"GET", "/resources?cursor=x", "", 400, "cursor", ""},
		{"GET", "/resources?sort=x", "", 400, "sort", "first_seen"},
		{"GET", "/resources?sort=-x&class=Lun", "", 400, "sort", ""},
		{"GET", "/resources?sort=slot&class=Lun", "", 400, "sort", "slot"},
		{"GET", "/resources?sort=password", "", 400, "sort", ""},
		{"GET", "/resources?health=bad", "", 400, "health", "bad"},
		{"GET", "/resources?scope=0", "", 400, "scope", ""},
		{"GET", "/resources?parent=-1", "", 400, "parent", ""},
		{"GET", "/resources?parent=x", "", 400, "parent", ""},
		{"GET", "/resources?ancestor_of=99999999999999999999", "", 400, "ancestor_of", ""},
		{"GET", "/resources?plugin=a&class=b.C", "", 400, "class", ""},
		{"GET", "/resources?q=%zz", "", 400, "", "query string"},
		{"GET", "/resources?identifier=slot", "", 400, "identifier", "name=value"},
		{"GET", "/resources?identifier=slot=1&identifier=slot=2", "", 400, "identifier", "before"},
		{"GET", "/resources/6/graph?nearest=Moon", "", 400, "nearest", "Moon"},
		{"GET", "/resources/6/why-linked/6", "", 400, "other", "two"},
		{"GET", "/resources/6/why-linked/0", "", 400, "other", "positive"},
		{"GET", "/resources/6/why-linked/77", "", 404, "", "77"},
		{"GET", "/resources/99", "", 404, "", "99"},
		{"GET", "/resources/0", "", 400, "id", ""},
		{"GET", "/resources/x", "", 400, "id", "x"},
		{"GET", "/resources/4?x=1", "", 400, "x", "there are none"},
		{"GET", "/resources/4/graph?direction=left", "", 400, "direction", "left"},
		{"GET", "/resources/4/graph?depth=-1", "", 400, "depth", ""},
		{"GET", "/resources/4/graph?limit=0", "", 400, "limit", ""},
		{"GET", "/resources/99/graph", "", 404, "", ""},
		{"GET", "/resources/99/impact", "", 404, "", ""},
		{"GET", "/resources/4/impact?limit=-1", "", 400, "limit", ""},
		{"GET", "/resources/99/causes", "", 404, "", ""},
		{"GET", "/resources/4/causes?all=maybe", "", 400, "all", ""},
		{"GET", "/resources/4/series?statistic=humidity", "", 400, "statistic", "temperature, latency"},
		{"GET", "/resources/4/series?from=yesterday", "", 400, "from", ""},
		{"GET", "/resources/4/series?from=2026-03-01T12:00:00Z&to=2026-03-01T11:00:00Z", "", 400, "to", "before"},
		{"GET", "/resources/4/series?max_points=0", "", 400, "max_points", ""},
		{"GET", "/alerts/99", "", 404, "", ""},
		{"GET", "/alerts/x", "", 400, "id", ""},
		{"GET", "/alerts?severity=ok", "", 400, "severity", ""},
		{"GET", "/alerts?active=maybe", "", 400, "active", ""},
		{"GET", "/alerts?resource=0", "", 400, "resource", ""},
		{"GET", "/alerts?health=ok", "", 400, "health", ""},
		{"GET", "/events?statistics=x", "", 400, "statistics", ""},
		{"GET", "/events?statistics=0", "", 400, "statistics", ""},
		{"GET", "/events?from=1", "", 400, "from", ""},
		{"GET", "/nothing", "", 404, "", "openapi.json"},
		{"GET", "/resources/", "", 404, "", ""},
		{"PUT", "/resources", "{}", 405, "", "GET, POST"},
		{"POST", "/resources/4", "{}", 405, "", "GET, PATCH, DELETE"},

		{"POST", "/resources", `{"class":"Couplet","attributes":{}}`, 400, "plugin", ""},
		{"POST", "/resources", `{"plugin":"acme","attributes":{}}`, 400, "class", ""},
		{"POST", "/resources", `{"plugin":"acme","class":"Nothing","attributes":{}}`, 400, "class", ""},
		{"POST", "/resources", `{"plugin":"acme","class":"Couplet","attributes":{"adress":"x"}}`, 400, "adress", ""},
		{"POST", "/resources", `{"plugin":"acme","class":"Couplet","attributes":[]}`, 400, "attributes", "array"},
		{"POST", "/resources", `{"plugin":7,"class":"Couplet","attributes":{}}`, 400, "plugin", "number"},
		{"POST", "/resources", `{"plugin":"acme","class":"Couplet","attributes":{},"alias":"x"}`, 400, "alias", "attributes, class, plugin"},
		{"POST", "/resources", `{"Plugin":"acme"}`, 400, "Plugin", ""},
		{"POST", "/resources", `{"plugin":`, 400, "", "byte"},
		{"POST", "/resources", `{} {}`, 400, "", "JSON"},
		{"POST", "/resources", `[]`, 400, "", "object"},
		{"POST", "/resources", `null`, 400, "", "object"},
		{"POST", "/resources?x=1", `{}`, 400, "x", ""},
		{"PATCH", "/resources/4", `{}`, 400, "", "alias"},
		{"PATCH", "/resources/4", `{"alias":""}`, 400, "alias", "blank"},
		{"PATCH", "/resources/4", `{"alias":"  "}`, 400, "alias", "blank"},
		{"PATCH", "/resources/4", `{"alias":" x"}`, 400, "alias", "space"},
		{"PATCH", "/resources/4", `{"alias":"x\t"}`, 400, "alias", "space"},
		{"PATCH", "/resources/4", `{"alias":"a\u0007b"}`, 400, "alias", "control"},
		{"PATCH", "/resources/4", `{"alias":7}`, 400, "alias", "string or null"},
		{"PATCH", "/resources/4", `{"alias":"` + strings.Repeat("x", 256) + `"}`, 400, "alias", "255"},
		{"PATCH", "/resources/4", `{"label":"x"}`, 400, "label", ""},
		{"PATCH", "/resources/4", `{"attributes":{"slot":3}}`, 409, "attributes", "plugin"},
		{"PATCH", "/resources/99", `{"alias":"x"}`, 404, "", ""},
		{"POST", "/resources/1/approve", `{}`, 409, "", "waits"},
		{"POST", "/resources/1/approve", `{"resources":0}`, 400, "resources", "at least 1"},
		{"POST", "/resources/1/approve", `{"all":true}`, 400, "all", "resources"},
		{"DELETE", "/resources/4", "", 409, "", "added"},
		{"DELETE", "/resources/99", "", 404, "", ""},
	} {
		w := do(t, s, tt.method, "/api/v1"+tt.path, tt.body)
		name := tt.method + " " + tt.path + " " + tt.body
		if w.Code != tt.status || w.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %d %s %s", name, w.Code, w.Header().Get("Content-Type"), w.Body)
			continue
		}
		p := decode[gen.Problem](t, w)
		if p.Status != tt.status || p.Title == "" || p.Type == "" || p.Field != tt.field || !strings.Contains(p.Detail, tt.detail) {
			t.Errorf("%s: %+v, want field %q and %q", name, p, tt.field, tt.detail)
		}
	}
}

func TestFaultsOfTheServer(t *testing.T) {
	for _, tt := range []struct {
		err    error
		status int
	}{
		{resource.Errorf(resource.Conflict, "exists"), 409},
		{resource.Errorf(resource.Unavailable, "the plugin does not run"), 503},
		{resource.Errorf(resource.NotFound, "gone"), 404},
		{resource.FieldErrorf("address", "no address"), 400},
		{resource.Errorf(resource.Internal, "secret detail"), 500},
		{errors.New("secret detail"), 500},
	} {
		s, w := newServer(t)
		w.Fail = tt.err
		for _, r := range []*httptest.ResponseRecorder{
			do(t, s, "POST", "/api/v1/resources", `{"plugin":"acme","class":"Couplet","attributes":{}}`),
			do(t, s, "PATCH", "/api/v1/resources/1", `{"alias":"x"}`),
			do(t, s, "DELETE", "/api/v1/resources/1", ""),
		} {
			if r.Code != tt.status || strings.Contains(r.Body.String(), "secret") {
				t.Errorf("%v: %d %s", tt.err, r.Code, r.Body)
			}
		}
	}
}

func TestAddEditRemove(t *testing.T) {
	s, w := newServer(t)
	r := do(t, s, "POST", "/api/v1/resources", `{"plugin":"acme","class":"Couplet","attributes":{"address":"10.0.0.8","port":null,"password":"p"}}`)
	if r.Code != http.StatusCreated || r.Header().Get("Location") != "/api/v1/resources/7" {
		t.Fatalf("%d %v %s", r.Code, r.Header(), r.Body)
	}
	if got := string(w.Given()["port"]) + string(w.Given()["address"]); got != `null"10.0.0.8"` {
		t.Errorf("attributes arrived as %s", got)
	}
	edit := func(body string) gen.Resource {
		t.Helper()
		r := do(t, s, "PATCH", "/api/v1/resources/7", body)
		if r.Code != http.StatusOK {
			t.Fatalf("%s: %d %s", body, r.Code, r.Body)
		}
		return decode[gen.Resource](t, r)
	}
	if got := edit(`{"alias":"left rack"}`); got.Alias == nil || *got.Alias != "left rack" || got.Name != "left rack" {
		t.Errorf("after alias: %+v", got)
	}
	if got := edit(`{"attributes":{"port":443}}`); got.Alias == nil || string(w.Given()["port"]) != "443" {
		t.Errorf("after attributes: %+v, %s", got, w.Given())
	}
	if got := edit(`{"alias":null}`); got.Alias != nil || got.Name != got.Label {
		t.Errorf("after null: %+v", got)
	}
	if r := do(t, s, "DELETE", "/api/v1/resources/7", ""); r.Code != http.StatusNoContent || r.Body.Len() != 0 {
		t.Errorf("%d %s", r.Code, r.Body)
	}
	if r := do(t, s, "GET", "/api/v1/resources/7", ""); r.Code != http.StatusNotFound {
		t.Errorf("after removal: %d", r.Code)
	}
}

func TestClassesAndPlugins(t *testing.T) {
	s, _ := newServer(t)
	for query, want := range map[string]int{
		"": 5, "?class=Lun": 1, "?class=acme.Lun": 1, "?base=PhysicalDisk": 1, "?scannable=true": 1, "?scannable=false": 4, "?plugin=x": 0,
	} {
		if list := get[gen.ClassList](t, s, "/classes"+query); len(list.Items) != want {
			t.Errorf("%s: %d classes, want %d", query, len(list.Items), want)
		}
	}
	equalJSON(t, do(t, s, "GET", "/api/v1/classes?class=HardDrive", "").Body.String(), `{"items": [{
  "plugin": "acme", "name": "HardDrive", "full": "acme.HardDrive", "label": "Hard drive", "bases": ["PhysicalDisk", "Resource"],
  "identifier": {"scope": "scoped", "attributes": ["slot"]}, "scannable": false, "root": false, "count": 2,
  "attributes": [
    {"name": "slot", "kind": "integer", "label": "Slot", "optional": false, "hidden": false, "user_read_only": false, "identifying": true, "default_computed": false},
    {"name": "status", "kind": "enum", "label": "Status", "optional": false, "hidden": false, "user_read_only": false, "identifying": false, "default_computed": false, "options": ["OK", "NEARFAILURE", "FAILED"]},
    {"name": "capacity", "kind": "bytes", "label": "Raw size", "optional": false, "hidden": false, "user_read_only": false, "identifying": false, "default_computed": false},
    {"name": "enclosure", "kind": "reference", "label": "Enclosure", "optional": true, "hidden": false, "user_read_only": false, "identifying": false, "default_computed": false},
    {"name": "firmware", "kind": "string", "label": "Firmware", "optional": false, "hidden": true, "user_read_only": false, "identifying": false, "default_computed": false, "max_length": 16}
  ],
  "statistics": [
    {"name": "temperature", "kind": "gauge", "label": "Temperature", "unit": "C", "sample_period": 10},
    {"name": "latency", "kind": "histogram", "label": "Latency", "unit": "ms", "sample_period": 10, "bins": [[0, 9], [10, 99], [100]]}
  ],
  "conditions": [
    {"name": "failure", "kind": "value", "attribute": "status", "message": "Drive failure", "states": {"error": ["FAILED"]}},
    {"name": "temperature", "kind": "upper_bound", "attribute": "temperature", "message": "Too hot", "bounds": {"warning": 70, "error": 85}}
  ],
  "relations": [], "charts": [{"title": "Temperature", "series": ["temperature"]}, {"title": "Latency", "series": ["latency"]}],
  "columns": ["slot", "status", "capacity", "enclosure"]}]}`)

	equalJSON(t, do(t, s, "GET", "/api/v1/plugins", "").Body.String(), `{"items": [
  {"name": "acme", "kind": "executable", "path": "/opt/acme", "version": "1", "sdk": {"name": "go", "version": "0.1.0"}, "state": "running",
   "error": "", "problems": [], "pid": 4711, "sessions": 1, "restarts": 0, "classes": ["acme.Couplet", "acme.HardDrive"]},
  {"name": "broken", "kind": "python", "path": "broken.py", "version": "", "sdk": {"name": "", "version": ""}, "state": "failed",
   "error": "1 problem", "problems": [{"file": "broken.py", "line": 7, "where": "Disk.size", "text": "no such option: sise"}],
   "sessions": 0, "restarts": 0, "classes": []}]}`)
}

func TestStatusHostsVolumes(t *testing.T) {
	s, _ := newServer(t)
	st := get[gen.Status](t, s, "/status")
	want := gen.HealthCounts{Ok: 3, Error: 3}
	if st.Version != "1.2.3" || st.Resources.Total != 6 || st.Resources.Health != want || len(st.Resources.Classes) != 5 ||
		st.Alerts.Error != 1 || st.Plugins.Running != 1 || st.Plugins.Failed != 1 || st.Position != "6.1" {
		t.Errorf("%+v", st)
	}
	for _, path := range []string{"/hosts", "/volumes"} {
		if b := do(t, s, "GET", "/api/v1"+path, "").Body.String(); strings.TrimSpace(b) != `{"items":[]}` {
			t.Errorf("%s: %s", path, b)
		}
	}
	doc := get[map[string]any](t, s, "/openapi.json")
	if doc["openapi"] != "3.0.3" {
		t.Errorf("openapi.json: %v", doc["openapi"])
	}
}

func TestListAlerts(t *testing.T) {
	s, w := newServer(t)
	w.Raise(apitest.Drive1, resource.Warning, "temperature", "temperature", "Too hot")
	w.Raise(apitest.Lun, resource.Info, "x", "x", "Note")
	w.End(3)
	for query, want := range map[string][]int64{
		"": {3, 2, 1}, "?active=true": {2, 1}, "?active=false": {3}, "?severity=error,warning": {2, 1}, "?resource=4": {1},
		"?class=Lun": {3}, "?limit=1": {3}, "?limit=1&cursor=1": {2},
	} {
		list := get[gen.AlertList](t, s, "/alerts"+query)
		var got []int64
		for _, a := range list.Items {
			got = append(got, a.ID)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: -want +got:\n%s", query, d)
		}
	}
}

func TestSeries(t *testing.T) {
	s, _ := newServer(t)
	list := get[gen.SeriesList](t, s, "/resources/3/series")
	if len(list.Items) != 2 || len(list.Items[0].Points) != 10 || list.Items[1].Points[0].Value != nil {
		t.Errorf("%+v", list)
	}
	list = get[gen.SeriesList](t, s, "/resources/3/series?statistic=temperature&max_points=3")
	var got []float64
	for _, p := range list.Items[0].Points {
		got = append(got, *p.Value)
	}
	if d := cmp.Diff([]float64{32, 35, 39}, got); d != "" {
		t.Errorf("thinned: -want +got:\n%s", d)
	}
	list = get[gen.SeriesList](t, s, "/resources/3/series?statistic=temperature&from=2026-03-01T12:00:02Z&to=2026-03-01T12:00:03Z")
	if len(list.Items[0].Points) != 2 {
		t.Errorf("from and to: %+v", list)
	}
}

func TestHead(t *testing.T) {
	s, _ := newServer(t)
	srv := httptest.NewServer(s)
	defer srv.Close()
	resp, err := http.Head(srv.URL + "/api/v1/resources")
	if err != nil {
		t.Fatal(err)
	}
	b, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	if resp.StatusCode != 200 || len(b) != 0 {
		t.Errorf("%d %q", resp.StatusCode, b)
	}
}
