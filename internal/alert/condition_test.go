package alert_test

import (
	"math"
	"slices"
	"testing"

	"github.com/faultline-storage/faultline/internal/resource"
)

// widget returns a class with attributes of each kind and the conditions.
func widget(conditions ...resource.Condition) *resource.Class {
	c := &resource.Class{Plugin: "acme", Name: "Widget", OwnLabel: "Widget", Bases: []string{resource.BaseResource},
		Attributes: []resource.Attribute{
			{Name: "a", Kind: resource.String}, {Name: "number_of_things", Kind: resource.Integer}, {Name: "size", Kind: resource.Bytes},
			{Name: "up", Kind: resource.Boolean}, {Name: "ratio", Kind: resource.Float, OwnLabel: "The ratio"},
			{Name: "key", Kind: resource.Password}, {Name: "other", Kind: resource.Reference},
		},
		Statistics: []resource.Statistic{{Name: "load", Kind: resource.Gauge, Unit: "%"}, {Name: "errors", Kind: resource.Counter},
			{Name: "sizes", Kind: resource.Histogram, Bins: [][]int64{{0, 1}}}},
		Conditions: conditions}
	c.Index()
	return c
}

func valueCondition(id, attr string, sev resource.Severity, vs ...resource.Value) resource.Condition {
	return resource.Condition{ID: id, Kind: resource.ValueCondition, Attribute: attr, States: map[resource.Severity][]resource.Value{sev: vs}}
}

func bound(kind resource.ConditionKind, attr string, bounds map[resource.Severity]float64) resource.Condition {
	return resource.Condition{Kind: kind, Attribute: attr, Bounds: bounds}
}

var (
	str     = resource.StringValue
	integer = resource.IntValue
	float   = resource.FloatValue
)

// TestConditions assigns one value to one attribute and looks at what is
// raised, with the default message.
func TestConditions(t *testing.T) {
	failed := valueCondition("", "a", resource.Error, str("FAILED"), str("BAD"))
	upper := bound(resource.UpperBound, "number_of_things", map[resource.Severity]float64{resource.Warning: 85, resource.Error: 90})
	lower := bound(resource.LowerBound, "number_of_things", map[resource.Severity]float64{resource.Warning: 0})
	for _, tc := range []struct {
		name string
		cond resource.Condition
		v    resource.Value
		want []string
	}{
		{"value in the list", failed, str("FAILED"), []string{"error A is FAILED"}},
		{"another in the list", failed, str("BAD"), []string{"error A is BAD"}},
		{"value not in the list", failed, str("OK"), nil},
		{"case counts", failed, str("failed"), nil},
		{"part of a value", failed, str("FAILED "), nil},
		{"null", failed, resource.Null, nil},
		{"null in the list", valueCondition("", "a", resource.Error, resource.Null), resource.Null, nil},
		{"empty text in the list", valueCondition("", "a", resource.Info, str("")), str(""), []string{"info A has a watched value"}},
		{"no states", valueCondition("", "a", resource.Error), str("FAILED"), nil},
		{"message of the author", resource.Condition{ID: "x", Kind: resource.ValueCondition, Attribute: "a", Message: "Broken",
			States: states(resource.Info, "FAILED")}, str("FAILED"), []string{"info Broken"}},
		{"message with a detail", resource.Condition{Kind: resource.ValueCondition, Attribute: "a", Message: "Broken", Detail: "a",
			States: states(resource.Info, "FAILED")}, str("FAILED"), []string{"info Broken: FAILED"}},
		{"message with a detail that is not there", resource.Condition{Kind: resource.ValueCondition, Attribute: "up", Message: "Broken", Detail: "a",
			States: map[resource.Severity][]resource.Value{resource.Info: {resource.BoolValue(true)}}}, resource.BoolValue(true), []string{"info Broken"}},
		{"number equal to an integer", valueCondition("", "number_of_things", resource.Warning, integer(3)), integer(3), []string{"warning Number of things is 3"}},
		{"float equal to an integer", valueCondition("", "ratio", resource.Warning, integer(3)), float(3), []string{"warning The ratio is 3"}},
		{"text of a number is no number", valueCondition("", "a", resource.Warning, integer(3)), str("3"), nil},
		{"boolean", valueCondition("", "up", resource.Warning, resource.BoolValue(false)), resource.BoolValue(false), []string{"warning Up is no"}},
		{"the other boolean", valueCondition("", "up", resource.Warning, resource.BoolValue(false)), resource.BoolValue(true), nil},
		{"false is not 0", valueCondition("", "up", resource.Warning, integer(0)), resource.BoolValue(false), nil},
		{"a password is not shown", valueCondition("", "key", resource.Warning, str("secret")), str("secret"), []string{"warning Key has a watched value"}},

		{"above the bound", upper, integer(86), []string{"warning Number of things above 85"}},
		{"at the bound", upper, integer(85), nil},
		{"below the bound", upper, integer(84), nil},
		{"above both bounds", upper, integer(91), []string{"error Number of things above 90", "warning Number of things above 85"}},
		{"at the upper one of both", upper, integer(90), []string{"warning Number of things above 85"}},
		{"null above", upper, resource.Null, nil},
		{"numeric text above", upper, str("100"), nil},
		{"text above", upper, str("much"), nil},
		{"boolean above", bound(resource.UpperBound, "up", map[resource.Severity]float64{resource.Error: 0}), resource.BoolValue(true), nil},
		{"infinity above", bound(resource.UpperBound, "ratio", map[resource.Severity]float64{resource.Error: 1.5}), float(math.Inf(1)), []string{"error The ratio above 1.5"}},
		{"bytes above", bound(resource.UpperBound, "size", map[resource.Severity]float64{resource.Info: 1 << 30}), integer(1 << 31), []string{"info Size above 1.0 GiB"}},

		{"below the lower bound", lower, integer(-1), []string{"warning Number of things below 0"}},
		{"at the lower bound", lower, integer(0), nil},
		{"above the lower bound", lower, integer(1), nil},
		{"null below", lower, resource.Null, nil},
		{"numeric text below", lower, str("-5"), nil},
		{"just below", lower, float(-1e-300), []string{"warning Number of things below 0"}},
		{"no bounds", bound(resource.LowerBound, "number_of_things", nil), integer(-1), nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, how := range []string{"created", "updated", "found at start"} {
				w := newWorld(t, nil)
				c := widget(tc.cond)
				if how != "found at start" {
					w.up()
				}
				id := w.create(c, "w", nil)
				if how == "updated" {
					w.tell()
				}
				w.set(id, tc.cond.Attribute, tc.v)
				w.tell()
				if how == "found at start" {
					w.up()
				}
				if got := w.active(id); !slices.Equal(got, tc.want) {
					t.Errorf("%s: got %q, want %q", how, got, tc.want)
				}
				for _, a := range w.stage.Own(id) {
					if a.Attribute != tc.cond.Attribute || a.Condition != tc.cond.Name() || a.Text != a.Message+" (Widget, w)" || a.Class != "Widget" || a.Plugin != "acme" {
						t.Errorf("%s: alert %+v", how, a)
					}
				}
				w.stop()
			}
		})
	}
}

func TestAReferenceIsNamedInTheMessage(t *testing.T) {
	w := newWorld(t, nil)
	w.up()
	target := w.create(widget(), "shelf 1", nil)
	c := widget(valueCondition("", "other", resource.Warning, resource.RefValue(int64(target)), resource.RefValue(99)))
	a := w.create(c, "a", map[string]resource.Value{"other": resource.RefValue(int64(target))})
	b := w.create(c, "b", map[string]resource.Value{"other": resource.RefValue(99)})
	w.tell()
	if got := w.active(a); !slices.Equal(got, []string{"warning Other is shelf 1"}) {
		t.Errorf("got %q", got)
	}
	if got := w.active(b); !slices.Equal(got, []string{"warning Other is #99"}) {
		t.Errorf("a missing target: got %q", got)
	}
}

// TestStatistics gives statistics samples.
func TestStatistics(t *testing.T) {
	hot := bound(resource.UpperBound, "load", map[resource.Severity]float64{resource.Warning: 70})
	broken := bound(resource.UpperBound, "errors", map[resource.Severity]float64{resource.Error: 0})
	exact := valueCondition("exact", "load", resource.Info, integer(7))
	w := newWorld(t, nil)
	w.up()
	id := w.create(widget(hot, broken, exact), "w", nil)
	w.sample(id, "load", 71) // in the change that creates it
	w.tell()
	for _, tc := range []struct {
		stat string
		v    float64
		want []string
	}{
		{"load", 71, []string{"warning Load above 70 %"}},
		{"load", math.NaN(), []string{"warning Load above 70 %"}},
		{"errors", 0, []string{"warning Load above 70 %"}},
		{"load", 70, nil},
		{"load", 7, []string{"info Load is 7 %"}},
		{"errors", 1, []string{"error Errors above 0", "info Load is 7 %"}},
		{"load", 8, []string{"error Errors above 0"}},
	} {
		w.sample(id, tc.stat, tc.v)
		w.tell()
		if got := w.active(id); !slices.Equal(got, tc.want) {
			t.Errorf("%s=%v: got %q, want %q", tc.stat, tc.v, got, tc.want)
		}
	}
	// A histogram is not judged, and a sample of a resource that is gone by now
	// is passed over.
	w.sample(id, "sizes", 0)
	w.sample(id, "load", 99)
	w.remove(id)
	w.tell()
	if got := w.active(id); got != nil {
		t.Errorf("after the end: %q", got)
	}
}

func TestConditionsWithIDs(t *testing.T) {
	w := newWorld(t, nil)
	w.up()
	c := widget(
		valueCondition("one", "a", resource.Error, str("FAIL1")),
		valueCondition("two", "a", resource.Error, str("FAIL2")),
		valueCondition("either", "a", resource.Error, str("FAIL1"), str("FAIL2")),
		valueCondition("one", "up", resource.Error, resource.BoolValue(false)), // the same id of another attribute
	)
	id := w.create(c, "w", map[string]resource.Value{"a": str("FAIL1"), "up": resource.BoolValue(false)})
	w.tell()
	names := func() (out []string) {
		for _, a := range w.stage.Own(id) {
			out = append(out, a.Condition+"/"+a.Attribute)
		}
		return out
	}
	if got := names(); !slices.Equal(got, []string{"one/a", "either/a", "one/up"}) {
		t.Errorf("got %v", got)
	}
	first := w.stage.Own(id)[1].ID
	w.set(id, "a", str("FAIL2"))
	w.tell()
	if got := names(); !slices.Equal(got, []string{"either/a", "one/up", "two/a"}) || w.stage.Own(id)[0].ID != first {
		t.Errorf("after the change: got %v", got)
	}
}

// TestANewDeclarationIsApplied gives resources a class with other conditions.
func TestANewDeclarationIsApplied(t *testing.T) {
	w := newWorld(t, nil)
	w.up()
	before := widget(valueCondition("old", "a", resource.Error, str("X")), valueCondition("kept", "a", resource.Info, str("X")))
	after := widget(valueCondition("kept", "a", resource.Info, str("X")), valueCondition("new", "a", resource.Warning, str("X")))
	id := w.create(before, "w", map[string]resource.Value{"a": str("X")})
	w.tell()
	kept := w.stage.Own(id)[1].ID
	w.redeclare(before, after)
	w.tell()
	own := w.stage.Own(id)
	if len(own) != 2 || own[0].Condition != "new" || own[1].ID != kept {
		t.Errorf("got %q", w.active(id))
	}
	if n := w.stage.HealthCounts(after); n != [4]int{0, 0, 1, 0} {
		t.Errorf("counts: %v", n)
	}
	// The same while the stage is down.
	w.stop()
	w.redeclare(after, before)
	w.publish()
	w.up()
	if own = w.stage.Own(id); len(own) != 2 || own[0].Condition != "old" || own[1].ID != kept {
		t.Errorf("after a restart: got %q", w.active(id))
	}
}
