package storetest

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/faultline-storage/faultline/internal/resource"
)

var alertQueryRules = []rule{
	{"QueriesSelectAlerts", selectAlerts},
	{"QueriesSearchAlertsForAText", searchAlerts},
	{"QueriesSortAndPageAlerts", pageAlerts},
	{"ABadQueryNamesItsField", badQuery},
}

// someAlerts are twelve alerts of various kinds, the even ones ended.
func someAlerts() []*resource.Alert {
	var as []*resource.Alert
	for i := range resource.AlertID(12) {
		a := newAlert(i+1, uint64(i+1))
		a.Resource = resource.ID(i%4 + 1)
		a.Began = epoch.Add(time.Duration(i/2) * time.Second) // in pairs
		if i%3 == 0 {
			a.Plugin, a.Class = "linux", "Device"
		}
		if i%2 == 1 {
			a = ended(a, a.Seq, time.Duration(20-i)*time.Second)
		}
		if i%5 == 2 {
			a.Ack = resource.Acknowledgement{User: "olga", Time: epoch}
		}
		as = append(as, a)
	}
	return as
}

func ids(as []*resource.Alert) []resource.AlertID {
	var out []resource.AlertID
	for _, a := range as {
		out = append(out, a.ID)
	}
	return out
}

func selectAlerts(t *testing.T, s Store) {
	as := someAlerts()
	commitAlerts(t, s, as...)
	yes, no := true, false
	for _, q := range []resource.AlertQuery{
		{}, {Active: &yes}, {Active: &no}, {Severities: []resource.Severity{resource.Error}},
		{Severities: []resource.Severity{resource.Info, resource.Warning}}, {Severities: []resource.Severity{}},
		{Resource: 2}, {Resource: 77}, {Plugin: "linux"}, {Class: "Drive"}, {Plugin: "linux", Class: "Drive"},
		{Condition: "c4"}, {Acknowledged: &yes}, {Acknowledged: &no, Active: &yes}, {Since: as[3].Ended}, {Since: as[3].Ended.Add(1)}, {Active: &yes, Resource: 3, Severities: resource.Severities},
	} {
		var want []*resource.Alert
		for _, a := range as {
			if q.Selects(a) {
				want = append(want, a)
			}
		}
		slices.Reverse(want) // newest first
		got, err := s.Alerts(t.Context(), q)
		if err != nil {
			t.Fatalf("%+v: %v", q, err)
		}
		if d := diff(want, got.Items); d != "" {
			t.Errorf("%+v (-want +got):\n%s", q, d)
		}
	}
}

func pageAlerts(t *testing.T, s Store) {
	as := someAlerts()
	commitAlerts(t, s, as...)
	for sort, want := range map[string][]resource.AlertID{
		"":          {12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1},
		"began":     {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12},
		"ended":     {12, 10, 8, 6, 4, 2, 1, 3, 5, 7, 9, 11},
		"-ended":    {11, 9, 7, 5, 3, 1, 2, 4, 6, 8, 10, 12},
		"severity":  {2, 5, 8, 11, 1, 4, 7, 10, 3, 6, 9, 12},
		"-severity": {12, 9, 6, 3, 10, 7, 4, 1, 11, 8, 5, 2},
		"resource":  {1, 5, 9, 2, 6, 10, 3, 7, 11, 4, 8, 12},
	} {
		for _, limit := range []int{1, 5, 12, 13} {
			q := resource.AlertQuery{Sort: sort, Limit: limit}
			var got []resource.AlertID
			for pages := 0; ; pages++ {
				p, err := s.Alerts(t.Context(), q)
				if err != nil {
					t.Fatalf("sort %q: %v", sort, err)
				}
				got = append(got, ids(p.Items)...)
				if p.Next == "" {
					break
				}
				if len(p.Items) != limit || pages > 12 {
					t.Fatalf("sort %q: a page of %d with a next one", sort, len(p.Items))
				}
				q.Cursor = p.Next
			}
			if d := diff(want, got); d != "" {
				t.Errorf("sort %q by %d (-want +got):\n%s", sort, limit, d)
			}
		}
	}
}

func badQuery(t *testing.T, s Store) {
	commitAlerts(t, s, someAlerts()...)
	p, err := s.Alerts(t.Context(), resource.AlertQuery{Limit: 2})
	if err != nil {
		t.Fatal(err)
	}
	for name, q := range map[string]resource.AlertQuery{
		"sort":                   {Sort: "text"},
		"limit":                  {Limit: 10_001},
		"q":                      {Text: strings.Repeat("word ", 21)},
		"cursor":                 {Cursor: "zzz"},
		"cursor of another sort": {Cursor: p.Next, Sort: "ended"},
	} {
		_, err := s.Alerts(t.Context(), q)
		var f *resource.Fault
		if !errors.As(err, &f) || f.Kind != resource.Invalid || !strings.HasPrefix(name, f.Field) {
			t.Errorf("%s: got %#v", name, err)
		}
	}
}

func searchAlerts(t *testing.T, s Store) {
	as := []*resource.Alert{newAlert(1, 1), newAlert(2, 2), newAlert(3, 3), newAlert(4, 4)}
	as[0].Text = "Drive failure (Hard drive, Ünit 100%_a)"
	as[1].Text, as[1].Condition = "Too hot (Hard drive, B\\2 'x')", "temperature"
	as[2].Text, as[2].Plugin, as[2].Class = "Too hot (Fan, f1)", "linux", "Device"
	as[3] = ended(as[3], 5, time.Minute)
	commitAlerts(t, s, as...)
	for text, want := range map[string][]resource.AlertID{
		"":                  {4, 3, 2, 1},
		"  ":                {4, 3, 2, 1},
		"hot":               {3, 2},
		"HOT  drive":        {2},
		"drive hot":         {2},
		"ünit":              {1},
		"ÜNIT":              {1},
		"%":                 {1}, // no pattern
		"_":                 {1},
		"'":                 {2},
		"b\\2":              {2},
		"temperature":       {2},
		"linux.device":      {3},
		"status":            {4, 3, 2, 1}, // the attribute
		"acme failure":      {4, 1},
		"nothing":           nil,
		"drive failure fan": nil,
	} {
		got, err := s.Alerts(t.Context(), resource.AlertQuery{Text: text})
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if !slices.Equal(ids(got.Items), want) {
			t.Errorf("%q: got %v, want %v", text, ids(got.Items), want)
		}
	}
	yes := true
	if got, err := s.Alerts(t.Context(), resource.AlertQuery{Text: "failure", Active: &yes}); err != nil || !slices.Equal(ids(got.Items), []resource.AlertID{1}) {
		t.Errorf("with another filter: got %v, %v", ids(got.Items), err)
	}
}
