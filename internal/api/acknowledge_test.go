package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/faultline-storage/faultline/internal/api"
	"github.com/faultline-storage/faultline/internal/api/apitest"
	"github.com/faultline-storage/faultline/internal/api/gen"
	"github.com/faultline-storage/faultline/internal/resource"
)

func TestAcknowledge(t *testing.T) {
	s, w := newServer(t)
	pool := w.Raise(apitest.Pool, resource.Warning, "degraded", "local_id", "Pool degraded")
	shape := func(a string) string {
		return `{"id": 1, "resource": 4, "resource_name": "Drive 2", "root": "Couplet 10.0.0.7", "plugin": "acme", "class": "HardDrive", "condition": "failure", "attribute": "status",
  "severity": "error", "message": "Drive failure", "text": "Drive failure: Hard drive Drive 2", "active": true,
  "since": "2026-03-01T12:00:00Z", "began": "2026-03-01T12:00:00Z", "ended": null, "acknowledged": ` + a + `,
  "affected": {"counts": {"acme.RaidPool": 1, "acme.Lun": 1}, "filesystems": []}}`
	}
	equalJSON(t, do(t, s, "POST", "/api/v1/alerts/1/acknowledge", `{"user":" olga ","comment":"on its way\n"}`).Body.String(),
		shape(`{"user": "olga", "comment": "on its way", "time": "2026-03-01T12:00:00Z"}`))
	if r := get[gen.Resource](t, s, "/resources/4"); !r.OwnAlerts[0].Acknowledged {
		t.Error("the resource does not tell that its alert is acknowledged")
	}
	equalJSON(t, do(t, s, "POST", "/api/v1/alerts/1/unacknowledge", "").Body.String(), shape("null"))
	equalJSON(t, do(t, s, "POST", "/api/v1/alerts/acknowledge", `{"ids":[2,1],"user":"piet"}`).Body.String(), `{"count":2,"ids":[2,1]}`)
	equalJSON(t, do(t, s, "POST", "/api/v1/alerts/unacknowledge", `{"severity":["warning"],"plugin":"acme"}`).Body.String(), `{"count":1,"ids":[2]}`)
	if l := get[gen.AlertList](t, s, "/alerts?acknowledged=true"); len(l.Items) != 1 || l.Items[0].ID != 1 {
		t.Errorf("acknowledged: %+v", l.Items)
	}
	if l := get[gen.AlertList](t, s, "/alerts?q=POOL%20degraded"); len(l.Items) != 1 || l.Items[0].ID != int64(pool.ID) {
		t.Errorf("with a text: %+v", l.Items)
	}

	w.End(2)
	for _, tc := range []struct {
		path, body string
		status     int
		field      string
	}{
		{"/alerts/1/acknowledge", `{}`, 400, "user"},
		{"/alerts/1/acknowledge", `{"user":"  "}`, 400, "user"},
		{"/alerts/1/acknowledge", `{"user":"a\u0007"}`, 400, "user"},
		{"/alerts/1/acknowledge", `{"user":"` + strings.Repeat("x", 201) + `"}`, 400, "user"},
		{"/alerts/1/acknowledge", `{"user":"x","comment":"` + strings.Repeat("ü", 4001) + `"}`, 400, "comment"},
		{"/alerts/1/acknowledge", `{"user":"x","text":"y"}`, 400, "text"},
		{"/alerts/0/acknowledge", `{"user":"x"}`, 400, "id"},
		{"/alerts/0/unacknowledge", ``, 400, "id"},
		{"/alerts/9/acknowledge", `{"user":"x"}`, 404, ""},
		{"/alerts/2/acknowledge", `{"user":"x"}`, 409, ""},
		{"/alerts/9/unacknowledge", ``, 404, ""},
		{"/alerts/acknowledge", `{"user":"x"}`, 400, "ids"},
		{"/alerts/acknowledge", `{"user":"x","ids":[1],"class":"HardDrive"}`, 400, "ids"},
		{"/alerts/acknowledge", `{"user":"x","ids":[-1]}`, 400, "ids"},
		{"/alerts/acknowledge", `{"user":"x","q":" "}`, 400, "ids"},
		{"/alerts/acknowledge", `{"user":"x","severity":["bad"]}`, 400, "severity"},
		{"/alerts/acknowledge", `{"user":"x","resource":-1}`, 400, "resource"},
		{"/alerts/acknowledge", `{"user":"x","ids":[1,2]}`, 409, ""},
		{"/alerts/unacknowledge", `{"user":"x"}`, 400, "user"},
		{"/alerts/unacknowledge", `{"ids":[1,77]}`, 404, ""},
	} {
		w := do(t, s, "POST", "/api/v1"+tc.path, tc.body)
		p := decode[gen.Problem](t, w)
		if w.Code != tc.status || p.Field != tc.field {
			t.Errorf("%s %.80s: got %d, field %q, %s; want %d, %q", tc.path, tc.body, w.Code, p.Field, p.Detail, tc.status, tc.field)
		}
	}
}

// TestATokenNamesTheUser: nobody can acknowledge under another name.
func TestATokenNamesTheUser(t *testing.T) {
	o := apitest.New().Options()
	o.Authorize = func(r *http.Request) (string, bool) {
		return "operations", r.Header.Get("Authorization") == "Bearer good"
	}
	s := api.New(o)
	w := do(t, s, "POST", "/api/v1/alerts/1/acknowledge", `{"user":"somebody else"}`, "Authorization", "Bearer good")
	if w.Code != 200 || !strings.Contains(w.Body.String(), `"user":"operations"`) {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

func TestIncidents(t *testing.T) {
	s, w := newServer(t)
	w.Raise(apitest.Pool, resource.Warning, "degraded", "local_id", "Pool degraded")
	w.Raise(apitest.Couplet, resource.Info, "note", "address_1", "Note")
	const drive = `{"id": 4, "resource": {"id": 4, "plugin": "acme", "class": "HardDrive", "name": "Drive 2", "root": "Couplet 10.0.0.7"}, "severity": "error",
  "began": "2026-03-01T12:00:00Z", "acknowledged": false,
  "causes": [{"id": 1, "resource": 4, "resource_name": "Drive 2", "root": "Couplet 10.0.0.7", "severity": "error", "condition": "failure", "message": "Drive failure",
    "text": "Drive failure: Hard drive Drive 2", "began": "2026-03-01T12:00:00Z", "acknowledged": false}],
  "effects": {"total": 1, "by_severity": {"info": 0, "warning": 1, "error": 0}, "by_class": {"acme.RaidPool": 1}@},
  "affected": {"counts": {"acme.RaidPool": 1, "acme.Lun": 1}, "filesystems": []}, "volumes": 1}`
	equalJSON(t, do(t, s, "GET", "/api/v1/incidents", "").Body.String(), `{"items": [`+strings.Replace(drive, "@", "", 1)+`], "incidents": 1, "alerts": 2}`)
	equalJSON(t, do(t, s, "GET", "/api/v1/incidents/4", "").Body.String(), strings.Replace(drive, "@", `, "items": [{"id": 2, "resource": 5,
    "resource_name": "Pool 0", "root": "Couplet 10.0.0.7", "severity": "warning", "condition": "degraded", "message": "Pool degraded", "text": "Pool degraded: acme.RaidPool Pool 0",
    "began": "2026-03-01T12:00:00Z", "acknowledged": false}]`, 1))

	// Of several, pages, and what the filters keep.
	for i := range 5 {
		w.Raise(w.Create("Enclosure", apitest.Couplet, "Enclosure x", nil, resource.IntValue(int64(7+i))).ID, resource.Warning, "hot", "", "Too hot")
	}
	var got []int64
	path := "/incidents?limit=2"
	for {
		l := get[gen.IncidentList](t, s, path)
		for _, i := range l.Items {
			got = append(got, i.ID)
		}
		if l.Incidents != 6 || len(l.Items) > 2 {
			t.Fatalf("%d of %d incidents", len(l.Items), l.Incidents)
		}
		if l.Next == "" {
			break
		}
		path = "/incidents?limit=2&cursor=" + l.Next
	}
	if len(got) != 6 || got[0] != 4 {
		t.Errorf("pages: %v", got)
	}
	if l := get[gen.IncidentList](t, s, "/incidents?severity=warning"); len(l.Items) != 5 {
		t.Errorf("warnings: %d", len(l.Items))
	}
	do(t, s, "POST", "/api/v1/alerts/1/acknowledge", `{"user":"olga"}`)
	if l := get[gen.IncidentList](t, s, "/incidents?acknowledged=true"); len(l.Items) != 1 || !l.Items[0].Acknowledged {
		t.Errorf("acknowledged: %+v", l.Items)
	}
	for path, want := range map[string]string{
		"/incidents?severity=ok": "severity", "/incidents?cursor=x": "cursor", "/incidents?limit=0": "limit", "/incidents/0": "id",
		"/incidents/4?limit=0": "limit", "/incidents?x=1": "x",
	} {
		if w := do(t, s, "GET", "/api/v1"+path, ""); w.Code != 400 || decode[gen.Problem](t, w).Field != want {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	if w := do(t, s, "GET", "/api/v1/incidents/5", ""); w.Code != 404 {
		t.Errorf("an effect: %d", w.Code)
	}
}
