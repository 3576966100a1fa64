package session

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/sdk/wire"
)

// TestTargets reads what scans talk to; what makes no sense is refused.
func TestTargets(t *testing.T) {
	for _, tc := range []struct {
		base, target, wrong string
		want                *resource.Target
	}{
		{resource.BaseScannable, `{"attribute":"x","concurrency":1,"min_interval":0.5}`, "", &resource.Target{Attribute: "x", Concurrency: 1, MinInterval: 500 * time.Millisecond}},
		{resource.BaseScannable, `null`, "", nil},
		{resource.BaseScannable, `{"attribute":"x"}`, "acme.A.x: the bounds", nil},
		{resource.BaseScannable, `{"attribute":"x","concurrency":-1}`, "acme.A.x: the bounds", nil},
		{resource.BaseScannable, `{"attribute":"x","min_interval":100000}`, "acme.A.x: the bounds", nil},
		{resource.BaseScannable, `{"attribute":"n","concurrency":1}`, "acme.A.n: the target names this attribute, which is no text", nil},
		{resource.BaseScannable, `{"attribute":"y","concurrency":1}`, "acme.A.y: the target names this attribute, which the class does not have", nil},
		{"Controller", `{"attribute":"x","concurrency":1}`, "acme.A.x: the target is of a class that nobody scans", nil},
	} {
		var m wire.Manifest
		if err := json.Unmarshal([]byte(`{"api_version":1,"classes":[{"name":"A","bases":["`+tc.base+`","Resource"],"identifier":{"scope":"global","attributes":["x"]},
			"attributes":[{"name":"x","kind":"hostname"},{"name":"n","kind":"integer"}],"target":`+tc.target+`}]}`), &m); err != nil {
			t.Fatal(err)
		}
		classes, err := Classes("acme", m)
		if tc.wrong != "" {
			if err == nil || !strings.Contains(err.Error(), tc.wrong) {
				t.Errorf("%s: got %v, want %s", tc.target, err, tc.wrong)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", tc.target, err)
		} else if d := cmp.Diff(tc.want, classes[0].Target); d != "" {
			t.Errorf("%s (-want +got):\n%s", tc.target, d)
		}
	}
}

// TestThresholdsOfConditions reads durations and clear thresholds; what makes no
// sense is refused with the names of class, attribute and member.
func TestThresholdsOfConditions(t *testing.T) {
	for _, tc := range []struct {
		condition string // members of a condition on x
		want      resource.Condition
		wrong     string
	}{
		{`"kind":"upper_bound","warn_bound":70,"error_bound":85,"warn_clear":65.5,"for_seconds":1.5`,
			resource.Condition{Bounds: map[resource.Severity]float64{resource.Warning: 70, resource.Error: 85},
				Clear: map[resource.Severity]float64{resource.Warning: 65.5}, For: 1500 * time.Millisecond}, ""},
		{`"kind":"lower_bound","info_bound":5,"info_clear":5`,
			resource.Condition{Bounds: map[resource.Severity]float64{resource.Info: 5}, Clear: map[resource.Severity]float64{resource.Info: 5}}, ""},
		{`"kind":"upper_bound","warn_bound":70`, resource.Condition{Bounds: map[resource.Severity]float64{resource.Warning: 70}}, ""},
		{`"kind":"upper_bound","warn_bound":70,"warn_clear":71`, resource.Condition{}, "acme.A.x: warn_clear 71 is beyond warn_bound 70"},
		{`"kind":"lower_bound","error_bound":70,"error_clear":69`, resource.Condition{}, "acme.A.x: error_clear 69 is beyond error_bound 70"},
		{`"kind":"upper_bound","warn_bound":70,"info_clear":60`, resource.Condition{}, "acme.A.x: info_clear without info_bound"},
		{`"kind":"value","error_states":[1],"error_clear":1`, resource.Condition{}, "acme.A.x: a value condition has no error_clear"},
		{`"kind":"value","error_states":[1],"for_seconds":-1`, resource.Condition{}, "acme.A.x: the for_seconds of an alert condition is -1; it must be from 0 to 31622400"},
		{`"kind":"value","error_states":[1],"detail":"x"`, resource.Condition{}, "acme.A.x: an alert condition adds this to its message"},
		{`"kind":"value","error_states":[1],"detail":"y"`, resource.Condition{}, "acme.A.y: an alert condition adds this to its message"},
		{`"kind":"value","error_states":[1],"for_seconds":1e300`, resource.Condition{}, "for_seconds"},
	} {
		var m wire.Manifest
		if err := json.Unmarshal([]byte(`{"api_version":1,"classes":[{"name":"A","bases":["Resource"],"identifier":{"scope":"global","attributes":["x"]},
			"attributes":[{"name":"x","kind":"integer"}],"alert_conditions":[{"attribute":"x",`+tc.condition+`}]}]}`), &m); err != nil {
			t.Fatal(err)
		}
		classes, err := Classes("acme", m)
		if tc.wrong != "" {
			if err == nil || !strings.Contains(err.Error(), tc.wrong) {
				t.Errorf("%s: got %v, want %s", tc.condition, err, tc.wrong)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", tc.condition, err)
			continue
		}
		got := classes[0].Conditions[0]
		tc.want.Kind, tc.want.Attribute = got.Kind, "x"
		if d := cmp.Diff(tc.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", tc.condition, d)
		}
	}
}

// TestMisdeclared refuses manifests that the SDKs would not let through, all
// problems at once and each with its rule.
func TestMisdeclared(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		classes string
		want    []wire.Rule
	}{
		{`{"name":"A","bases":["Resource"],"identifier":{"scope":"global","attributes":["x","x","y"]},
			"attributes":[{"name":"x","kind":"integer"},{"name":"x","kind":"string"}]}`,
			[]wire.Rule{wire.RuleMemberTwice, wire.RuleIdentifierTwice, wire.RuleIdentifierUnknown}},
		{`{"name":"A","bases":[],"identifier":{"scope":"mine"},"attributes":[{"name":"x","kind":"complex"}]},
			{"name":"A","bases":["Resource"],"identifier":{"scope":"auto"}}`,
			[]wire.Rule{wire.RuleEmbedWrong, wire.RuleAttributeType, wire.RuleIdentifierMissing, wire.RuleClassTwice, wire.RuleAutoIDNotRoot}},
		{`{"name":"A-B","bases":["ScannableResource","Resource"],"identifier":{"scope":"scoped","attributes":["x"]},
			"attributes":[{"name":"x","kind":"password","user_read_only":true},{"name":"e","kind":"enum"}],
			"relations":[{"kind":"provide","class":"B","attributes":[]}],"charts":[{"title":"t","series":["s"]}]}`,
			[]wire.Rule{wire.RuleClassName, wire.RuleReadOnlyMandatory, wire.RuleEnumOptions, wire.RuleScopedRoot, wire.RuleIdentifierPassword,
				wire.RuleRelationForm, wire.RuleChartUnknown}},
	} {
		var m wire.Manifest
		if err := json.Unmarshal([]byte(`{"api_version":1,"classes":[`+tc.classes+`]}`), &m); err != nil {
			t.Fatal(err)
		}
		_, err := Classes("acme", m)
		joined, ok := err.(interface{ Unwrap() []error })
		if !ok {
			t.Errorf("%s: got %v", tc.classes, err)
			continue
		}
		var got []wire.Rule
		for _, e := range joined.Unwrap() {
			var bad *Misdeclared
			if !errors.As(e, &bad) || !strings.HasPrefix(e.Error(), "acme.A") {
				t.Errorf("%v names no plugin and class, or has no rule", e)
				continue
			}
			got = append(got, bad.Code)
		}
		if d := cmp.Diff(tc.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", tc.classes, d)
		}
	}
}
