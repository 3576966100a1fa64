package storetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/faultline-storage/faultline/internal/resource"
)

var alertRules = []rule{
	{"AnEmptyStoreHasNoAlerts", noAlerts},
	{"LoadAlertsReturnsTheActiveOnes", activeAlerts},
	{"AnEndedAlertStaysAsHistory", endedAlert},
	{"OneActiveAlertPerCondition", oneActive},
	{"AConditionMayEndAndBeRaisedInOneCommit", endAndRaise},
	{"WhatAnAlertIsAboutDoesNotChange", aboutStays},
	{"AlertsOutliveTheirResource", outlive},
	{"QueriesSelectAlerts", selectAlerts},
	{"QueriesSortAndPageAlerts", pageAlerts},
	{"ABadQueryNamesItsField", badQuery},
	{"ManyAlertsAreCommittedWhole", manyAlerts},
}

// newAlert returns an active alert on resource 1; everything about it follows
// from its numbers.
func newAlert(id resource.AlertID, seq uint64) *resource.Alert {
	return &resource.Alert{ID: id, Resource: 1, Plugin: "acme", Class: "Drive", Condition: fmt.Sprint("c", id), Attribute: "status",
		Severity: resource.Severities[id%3], Message: "Drive failure", Text: "Drive failure (Drive, S1)",
		Began: epoch.Add(time.Duration(id) * time.Second), Seq: seq}
}

func ended(a *resource.Alert, seq uint64, after time.Duration) *resource.Alert {
	c := *a
	c.Ended, c.Seq = a.Began.Add(after), seq
	return &c
}

func commitAlerts(t *testing.T, s Store, as ...*resource.Alert) {
	t.Helper()
	if err := s.CommitAlerts(t.Context(), as, 0); err != nil {
		t.Fatal(err)
	}
}

func wantActive(t *testing.T, s Store, next resource.AlertID, seq uint64, want ...*resource.Alert) {
	t.Helper()
	var got []*resource.Alert
	n, q, err := s.LoadAlerts(t.Context(), func(a *resource.Alert) error { got = append(got, a); return nil })
	if err != nil {
		t.Fatal(err)
	}
	if n != next || q != seq {
		t.Errorf("next ID and seq: got %d, %d, want %d, %d", n, q, next, seq)
	}
	if d := diff(want, got); d != "" {
		t.Errorf("active alerts (-want +got):\n%s", d)
	}
}

func noAlerts(t *testing.T, s Store) {
	wantActive(t, s, 1, 0)
	commitAlerts(t, s)
	if _, err := s.Alert(t.Context(), 1); resource.KindOf(err) != resource.NotFound {
		t.Errorf("alert 1: got error %v", err)
	}
	if p, err := s.Alerts(t.Context(), resource.AlertQuery{}); err != nil || len(p.Items) != 0 || p.Next != "" {
		t.Errorf("got %v, %v", p, err)
	}
}

func activeAlerts(t *testing.T, s Store) {
	a, b, c := newAlert(1, 1), newAlert(2, 2), newAlert(5, 3)
	commitAlerts(t, s, c, a, b)
	wantActive(t, s, 6, 3, a, b, c)
	commitAlerts(t, s, ended(b, 4, time.Minute))
	wantActive(t, s, 6, 4, a, c)
}

func endedAlert(t *testing.T, s Store) {
	a := newAlert(1, 1)
	commitAlerts(t, s, a)
	over := ended(a, 2, time.Minute)
	commitAlerts(t, s, over)
	got, err := s.Alert(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	if d := diff(over, got); d != "" {
		t.Errorf("alert 1 (-want +got):\n%s", d)
	}
	wantActive(t, s, 2, 2)
}

func oneActive(t *testing.T, s Store) {
	a := newAlert(1, 1)
	commitAlerts(t, s, a)
	second := *a
	second.ID, second.Seq = 2, 2
	if err := s.CommitAlerts(t.Context(), []*resource.Alert{newAlert(3, 3), &second}, 0); err == nil {
		t.Error("one condition has two active alerts")
	}
	wantActive(t, s, 2, 1, a)
	for _, f := range []func(*resource.Alert){
		func(a *resource.Alert) { a.Resource = 2 },
		func(a *resource.Alert) { a.Condition = "other" },
		func(a *resource.Alert) { a.Attribute = "other" },
		func(a *resource.Alert) { a.Severity = resource.Info },
	} {
		c := *a
		c.ID += 10
		c.Seq += 10
		f(&c)
		commitAlerts(t, s, &c, ended(&c, c.Seq+1, time.Second))
	}
}

func endAndRaise(t *testing.T, s Store) {
	a := newAlert(1, 1)
	commitAlerts(t, s, a)
	again := *a
	again.ID, again.Seq, again.Began = 2, 3, a.Began.Add(time.Hour)
	commitAlerts(t, s, &again, ended(a, 2, time.Hour)) // in whatever order they are given
	wantActive(t, s, 3, 3, &again)
}

func aboutStays(t *testing.T, s Store) {
	a := newAlert(1, 1)
	commitAlerts(t, s, a)
	b := *a
	b.Resource, b.Class, b.Condition, b.Attribute, b.Began = 9, "Device", "x", "y", epoch
	b.Ended, b.Seq = epoch.Add(time.Hour), 2
	commitAlerts(t, s, &b)
	want := *a
	want.Ended, want.Seq = b.Ended, 2
	if got, err := s.Alert(t.Context(), 1); err != nil || diff(&want, got) != "" {
		t.Errorf("got %+v, %v", got, err)
	}
}

func outlive(t *testing.T, s Store) {
	commit(t, s, creation(1, newRoot(1, "a")))
	a := newAlert(1, 1)
	commitAlerts(t, s, a, ended(newAlert(2, 2), 3, time.Second))
	commit(t, s, &resource.Mutation{Seq: 2, Time: epoch, Delete: []resource.ID{1}})
	wantActive(t, s, 3, 3, a)
	if p, err := s.Alerts(t.Context(), resource.AlertQuery{Resource: 1}); err != nil || len(p.Items) != 2 {
		t.Errorf("got %v, %v", p.Items, err)
	}
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
		{Condition: "c4"}, {Since: as[3].Ended}, {Since: as[3].Ended.Add(1)}, {Active: &yes, Resource: 3, Severities: resource.Severities},
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

func manyAlerts(t *testing.T, s Store) {
	id := resource.AlertID(1)
	for _, n := range sizes {
		var as, over []*resource.Alert
		for range n {
			a := newAlert(id, uint64(id))
			as, over = append(as, a), append(over, ended(a, uint64(id), time.Second))
			id++
		}
		commitAlerts(t, s, as...)
		wantActive(t, s, id, uint64(id)-1, as...)
		commitAlerts(t, s, over...)
		wantActive(t, s, id, uint64(id)-1)
	}
}
