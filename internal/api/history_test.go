package api_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/faultline-storage/faultline/internal/api"
	"github.com/faultline-storage/faultline/internal/api/apitest"
	"github.com/faultline-storage/faultline/internal/api/gen"
	"github.com/faultline-storage/faultline/internal/resource"
)

// happened tells what a history lists.
func happened(h gen.History) (out []string) {
	for _, it := range h.Items {
		s := fmt.Sprintf("%s %d %s", it.Time.Format("15:04"), it.Resource, it.Kind)
		if it.Alert != nil {
			s += " " + it.Alert.Message
		}
		out = append(out, s)
	}
	return out
}

func TestHistory(t *testing.T) {
	s, w := newServer(t)
	w.TellPast()
	w.End(1) // an hour after apitest.Start
	h := get[gen.History](t, s, "/resources/4/history")
	all := []string{
		"13:00 4 alert_ended Drive failure",
		"12:10 4 changed",
		"12:00 4 alert_began Drive failure",
		"11:55 4 changed",
		"11:50 4 created",
		"11:40 99 deleted",
		"11:30 99 created",
	}
	if d := cmp.Diff(all, happened(h)); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if h.Resource.Name != "Drive 2" || h.Deleted || h.Next != "" || h.KeptSince == nil || !h.KeptSince.Equal(apitest.Start.Add(-25*time.Minute)) {
		t.Errorf("%+v", h)
	}
	got, err := json.Marshal(h.Items[3])
	if err != nil {
		t.Fatal(err)
	}
	equalJSON(t, string(got), `{"time": "2026-03-01T11:55:00Z", "kind": "changed", "resource": 4, "root": 1,
  "attributes": [
    {"name": "status", "label": "Status", "from": "OK", "to": "FAILED", "from_text": "OK", "to_text": "FAILED"},
    {"name": "capacity", "label": "Raw size", "from": null, "to": 4000787030016, "from_text": "", "to_text": "3.6 TiB"},
    {"name": "enclosure", "label": "Enclosure", "from": 2, "to": 77, "from_text": "Enclosure 1", "to_text": "#77"},
    {"name": "undeclared", "label": "undeclared", "from": 1.5, "to": true, "from_text": "1.5", "to_text": "true"},
    {"name": "pin", "label": "pin", "from": null, "to": null, "from_text": "", "to_text": "", "secret": true}],
  "parents": {"added": [{"id": 2, "plugin": "acme", "class": "Enclosure", "name": "Enclosure 1"}],
    "removed": [{"id": 77, "plugin": "acme", "class": "Enclosure", "name": "Enclosure 9", "gone": true}], "added_count": 1, "removed_count": 1}}`)

	// Any size of pages gives the same.
	for most := range 4 {
		var pages []string
		for path := fmt.Sprintf("/resources/4/history?limit=%d", most+1); ; {
			h := get[gen.History](t, s, path)
			if len(h.Items) > most+1 || len(h.Items) == 0 {
				t.Fatalf("%d items on a page of %d", len(h.Items), most+1)
			}
			pages = append(pages, happened(h)...)
			if h.Next == "" {
				break
			}
			path = fmt.Sprintf("/resources/4/history?limit=%d&cursor=%s", most+1, h.Next)
		}
		if d := cmp.Diff(all, pages); d != "" {
			t.Errorf("pages of %d: -want +got:\n%s", most+1, d)
		}
	}
	for query, want := range map[string][]string{
		"4/history?since=2026-03-01T11:55:00Z":                            all[:4],
		"4/history?until=2026-03-01T12:30:00Z&since=2026-03-01T12:00:00Z": all[1:3],
		"4/history?since=2099-01-01T00:00:00Z":                            nil,
		"99/history":                                                      all[5:],
	} {
		if d := cmp.Diff(want, happened(get[gen.History](t, s, "/resources/"+query))); d != "" {
			t.Errorf("%s: -want +got:\n%s", query, d)
		}
	}
	if h := get[gen.History](t, s, "/resources/99/history"); !h.Deleted || h.Resource.ID != 99 || h.Resource.Class != "HardDrive" || h.Resource.Name != "Drive 2" {
		t.Errorf("of what is gone: %+v", h)
	}
	// Nothing is known but that it was seen.
	if d := cmp.Diff([]string{"12:00 3 created"}, happened(get[gen.History](t, s, "/resources/3/history"))); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

// An attribute that is a password now was none to be told then, whatever it was.
func TestHistoryTellsNoPassword(t *testing.T) {
	s, w := newServer(t)
	w.Tell(apitest.Couplet, time.Time{}, &resource.Change{
		HistoryPosition: resource.HistoryPosition{Resource: apitest.Couplet, Seq: 3}, Time: apitest.Start, Class: "acme.Couplet",
		Attributes: []resource.ChangedAttribute{{Name: "password", From: json.RawMessage(`"open"`), To: json.RawMessage(`"sesame"`)}},
	})
	h := get[gen.History](t, s, "/resources/1/history")
	a := h.Items[0].Attributes[0]
	if !a.Secret || a.From != nil || a.To != nil || a.FromText+a.ToText != "" || h.KeptSince != nil {
		t.Errorf("%+v", h)
	}
}

func TestHistoryRefused(t *testing.T) {
	s, w := newServer(t)
	w.TellPast()
	next := get[gen.History](t, s, "/resources/4/history?limit=1").Next
	for query, want := range map[string]struct {
		status int
		field  string
	}{
		"0/history":                 {400, "id"},
		"98/history":                {404, ""},
		"4/history?limit=0":         {400, "limit"},
		"4/history?limit=1001":      {400, "limit"},
		"4/history?cursor=x":        {400, "cursor"},
		"4/history?cursor=MSAyIDM":  {400, "cursor"},
		"3/history?cursor=" + next:  {400, "cursor"}, // another's
		"4/history?since=yesterday": {400, "since"},
		"4/history?until=now":       {400, "until"},
	} {
		r := do(t, s, "GET", api.Prefix+"/resources/"+query, "")
		if p := decode[gen.Problem](t, r); r.Code != want.status || p.Field != want.field {
			t.Errorf("%s: %d %+v", query, r.Code, p)
		}
	}
}
