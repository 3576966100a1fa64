package storetest

import (
	"fmt"
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
	{"AnAlertFollowsItsAttributeToAnotherName", renamedAlert},
	{"AlertsOutliveTheirResource", outlive},
	{"AnAcknowledgementStaysWithItsAlert", acknowledge},
	{"PendingAlertsComeAndGo", pendingAlerts},
	{"AFailedCommitOfAlertsLeavesNothing", failedAlerts},
	{"ManyAlertsAreCommittedWhole", manyAlerts},
}

// newAlert returns an active alert on resource 1; everything about it follows
// from its numbers.
func newAlert(id resource.AlertID, seq uint64) *resource.Alert {
	return &resource.Alert{ID: id, Resource: 1, Plugin: "acme", Class: "Drive", Condition: fmt.Sprint("c", id), Attribute: "status",
		Severity: resource.Severities[id%3], Name: "S1", Message: "Drive failure", Text: "Drive failure (Drive, S1)",
		Since: epoch, Began: epoch.Add(time.Duration(id) * time.Second), Seq: seq}
}

func ended(a *resource.Alert, seq uint64, after time.Duration) *resource.Alert {
	c := *a
	c.Ended, c.Seq = a.Began.Add(after), seq
	return &c
}

func commitAlerts(t *testing.T, s Store, as ...*resource.Alert) {
	t.Helper()
	commitAlertMutation(t, s, &resource.AlertMutation{Put: as})
}

func commitAlertMutation(t *testing.T, s Store, m *resource.AlertMutation) {
	t.Helper()
	if err := s.CommitAlerts(t.Context(), m); err != nil {
		t.Fatal(err)
	}
}

func wantActive(t *testing.T, s Store, next resource.AlertID, seq uint64, want ...*resource.Alert) {
	t.Helper()
	var got []*resource.Alert
	n, q, err := s.LoadAlerts(t.Context(), func(a *resource.Alert) error { got = append(got, a); return nil },
		func(*resource.PendingAlert) error { return nil })
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
	if err := s.CommitAlerts(t.Context(), &resource.AlertMutation{Put: []*resource.Alert{newAlert(3, 3), &second}}); err == nil {
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
	b.Resource, b.Class, b.Began = 9, "Device", epoch
	b.Name, b.Message, b.Text, b.Severity, b.Since = "other", "other", "other", resource.Info, epoch.Add(time.Hour)
	b.Ended, b.Seq = epoch.Add(time.Hour), 2
	commitAlerts(t, s, &b)
	want := *a
	want.Ended, want.Seq = b.Ended, 2
	if got, err := s.Alert(t.Context(), 1); err != nil || diff(&want, got) != "" {
		t.Errorf("got %+v, %v", got, err)
	}
}

func renamedAlert(t *testing.T, s Store) {
	a := newAlert(1, 1)
	commitAlerts(t, s, a)
	b := *a
	b.Condition, b.Attribute, b.Seq = "state", "state", 2
	commitAlerts(t, s, &b)
	wantActive(t, s, 2, 2, &b)
	c := newAlert(2, 3) // the old name is free again
	c.Condition, c.Severity = a.Condition, a.Severity
	commitAlerts(t, s, c)
	wantActive(t, s, 3, 3, &b, c)
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

func acknowledge(t *testing.T, s Store) {
	a := newAlert(1, 1)
	a.Ack = resource.Acknowledgement{User: "olga", Comment: "spare is on its way", Time: epoch.Add(time.Minute)}
	b := newAlert(2, 2)
	commitAlerts(t, s, a, b)
	wantActive(t, s, 3, 2, a, b)
	acked := *b
	acked.Ack, acked.Seq = resource.Acknowledgement{User: "piet", Time: epoch.Add(time.Hour)}, 3
	taken := *a
	taken.Ack, taken.Seq = resource.Acknowledgement{}, 4
	commitAlerts(t, s, &acked, &taken)
	wantActive(t, s, 3, 4, &taken, &acked)
	over := ended(&acked, 5, 2*time.Hour)
	commitAlerts(t, s, over)
	if got, err := s.Alert(t.Context(), 2); err != nil || diff(over, got) != "" {
		t.Errorf("an ended alert: got %+v, %v", got, err)
	}
}

func newPending(id resource.ID, condition string, since time.Duration) *resource.PendingAlert {
	return &resource.PendingAlert{AlertKey: resource.AlertKey{Resource: id, Condition: condition, Attribute: "status", Severity: resource.Warning},
		Plugin: "acme", Class: "Drive", Since: epoch.Add(since), Message: "Too hot"}
}

func wantPending(t *testing.T, s Store, want ...*resource.PendingAlert) {
	t.Helper()
	var got []*resource.PendingAlert
	_, _, err := s.LoadAlerts(t.Context(), func(*resource.Alert) error { return nil },
		func(p *resource.PendingAlert) error { got = append(got, p); return nil })
	if err != nil {
		t.Fatal(err)
	}
	if d := diff(want, got); d != "" {
		t.Errorf("pending alerts (-want +got):\n%s", d)
	}
}

func pendingAlerts(t *testing.T, s Store) {
	a, b, c := newPending(1, "hot", 0), newPending(1, "slow", time.Second), newPending(2, "hot", time.Hour)
	commitAlertMutation(t, s, &resource.AlertMutation{Pend: []*resource.PendingAlert{c, b, a}})
	wantPending(t, s, a, b, c)
	wantActive(t, s, 1, 0) // they are no alerts
	raised := newAlert(1, 1)
	changed := *c
	changed.Message, changed.Since = "Much too hot", epoch.Add(time.Minute)
	commitAlertMutation(t, s, &resource.AlertMutation{Put: []*resource.Alert{raised}, Pend: []*resource.PendingAlert{&changed},
		Settle: []resource.AlertKey{a.AlertKey, {Resource: 77, Condition: "none"}}})
	wantPending(t, s, b, &changed)
	wantActive(t, s, 2, 1, raised)
	// They outlive their resource; who follows the inventory settles them.
	commit(t, s, creation(1, newRoot(2, "a")))
	commit(t, s, &resource.Mutation{Seq: 2, Time: epoch, Delete: []resource.ID{2}})
	wantPending(t, s, b, &changed)
	var many []*resource.PendingAlert
	var keys []resource.AlertKey
	for i := range resource.ID(250) {
		many = append(many, newPending(10+i, "hot", 0))
		keys = append(keys, many[i].AlertKey)
	}
	commitAlertMutation(t, s, &resource.AlertMutation{Pend: many, Settle: []resource.AlertKey{b.AlertKey, changed.AlertKey}})
	wantPending(t, s, many...)
	commitAlertMutation(t, s, &resource.AlertMutation{Settle: keys})
	wantPending(t, s)
}

func failedAlerts(t *testing.T, s Store) {
	a, p := newAlert(1, 1), newPending(1, "hot", 0)
	commitAlertMutation(t, s, &resource.AlertMutation{Put: []*resource.Alert{a}, Pend: []*resource.PendingAlert{p}})
	second := *a
	second.ID, second.Seq = 2, 2
	err := s.CommitAlerts(t.Context(), &resource.AlertMutation{Put: []*resource.Alert{newAlert(3, 3), &second},
		Pend: []*resource.PendingAlert{newPending(2, "hot", 0)}, Settle: []resource.AlertKey{p.AlertKey}})
	if err == nil {
		t.Error("one condition has two active alerts")
	}
	wantActive(t, s, 2, 1, a)
	wantPending(t, s, p)
}
