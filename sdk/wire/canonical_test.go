package wire

import (
	"encoding/json"
	"testing"
)

func TestCanonical(t *testing.T) {
	bound := 70.0
	m := Manifest{APIVersion: 1, Classes: []Class{
		{Name: "B", Bases: []string{"Resource"}, Identifier: Identifier{Scope: ScopeAuto}},
		{Name: "A", Label: "<ä>", Bases: []string{"Resource"}, Identifier: Identifier{Scope: ScopeAuto}, Conditions: []Condition{
			{Kind: ConditionUpper, Attribute: "x", WarnBound: &bound},
			{Kind: ConditionValue, Attribute: "y", ErrorStates: []json.RawMessage{json.RawMessage("1.0"), json.RawMessage("9007199254740993"), json.RawMessage("0.5"), json.RawMessage("1e-05"), json.RawMessage("1e+20")}},
		}},
	}}
	got, err := m.Canonical()
	if err != nil {
		t.Fatal(err)
	}
	want := `{
  "api_version": 1,
  "classes": [
    {
      "alert_conditions": [
        {
          "attribute": "x",
          "kind": "upper_bound",
          "warn_bound": 70
        },
        {
          "attribute": "y",
          "error_states": [
            1,
            9007199254740993,
            0.5,
            0.00001,
            100000000000000000000
          ],
          "kind": "value"
        }
      ],
      "bases": [
        "Resource"
      ],
      "identifier": {
        "scope": "auto"
      },
      "label": "<ä>",
      "name": "A"
    },
    {
      "bases": [
        "Resource"
      ],
      "identifier": {
        "scope": "auto"
      },
      "name": "B"
    }
  ]
}
`
	if string(got) != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if m.Classes[0].Name != "B" {
		t.Error("Canonical changed the manifest")
	}
}
