package alert_test

import (
	"testing"
	"time"

	"github.com/faultline-storage/faultline/internal/resource"
)

// valve is a class that watches one attribute under the given name, with and
// without an id, and another one with a duration.
func valve(name, hot string, was ...string) *resource.Class {
	failed := map[resource.Severity][]resource.Value{resource.Error: {resource.StringValue("FAILED")}}
	c := &resource.Class{
		Plugin: "acme", Name: "Valve", Bases: []string{resource.BaseResource}, IDScope: resource.Global, IDNames: []string{"name"},
		Attributes: []resource.Attribute{
			{Name: "name", Kind: resource.String}, {Name: name, Kind: resource.String, Optional: true},
			{Name: hot, Kind: resource.Integer, Optional: true},
		},
		Conditions: []resource.Condition{
			{Kind: resource.ValueCondition, Attribute: name, States: failed, Message: "Failed"},
			{ID: "own", Kind: resource.ValueCondition, Attribute: name, States: failed, Message: "Failed"},
			{Kind: resource.UpperBound, Attribute: hot, Bounds: map[resource.Severity]float64{resource.Warning: 70}, For: time.Hour},
		},
	}
	if len(was) > 0 {
		c.Attributes[1].RenamedFrom, c.Attributes[2].RenamedFrom = was[:1], was[1:]
	}
	c.Index()
	return c
}

func stillPending(t *testing.T, w *world) (n int) {
	t.Helper()
	_, _, err := w.store.LoadAlerts(t.Context(), func(*resource.Alert) error { return nil }, func(*resource.PendingAlert) error { n++; return nil })
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestAnAlertFollowsItsAttributeToAnotherName(t *testing.T) {
	for _, restart := range []bool{false, true} {
		w := newWorld(t, nil)
		w.up()
		old := valve("status", "temp")
		id := w.create(old, "v1", map[string]resource.Value{"status": resource.StringValue("FAILED"), "temp": resource.IntValue(90)})
		w.tell()
		before := w.stage.Own(id)
		if len(before) != 2 || stillPending(t, w) != 1 {
			t.Fatalf("%d alerts, %d pending", len(before), stillPending(t, w))
		}
		if restart {
			w.stop()
		}
		w.redeclare(old, valve("state", "heat", "status", "temp"))
		w.tell()
		if restart {
			w.up()
			w.tell()
		}
		after := w.stage.Own(id)
		if len(after) != 2 || stillPending(t, w) != 1 {
			t.Fatalf("after the new declaration: %d alerts, %d pending", len(after), stillPending(t, w))
		}
		for i, a := range after {
			if a.ID != before[i].ID || !a.Began.Equal(before[i].Began) || a.Attribute != "state" || a.Condition == "status" {
				t.Errorf("%+v became %+v", before[i], a)
			}
		}
		// Its condition is watched under the new name.
		w.set(id, "state", resource.StringValue("OK"))
		w.set(id, "heat", resource.IntValue(20))
		w.tell()
		if n := len(w.stage.Own(id)); n != 0 || stillPending(t, w) != 0 {
			t.Errorf("%d alerts, %d pending of a fine valve", n, stillPending(t, w))
		}
		// One that names no older attribute is another.
		w.set(id, "state", resource.StringValue("FAILED"))
		w.tell()
		first := w.stage.Own(id)[0].ID
		w.redeclare(w.Get(id).Class, valve("health", "heat"))
		w.tell()
		if list := w.stage.Own(id); len(list) != 2 || list[0].ID == first {
			t.Errorf("an attribute that was called nothing else took alerts over: %+v", list)
		}
		w.stop()
	}
}
