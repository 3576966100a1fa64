package app

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/faultline-storage/faultline/sdk/wire"
)

// TestWhatValidateRefusesTheServerRefuses: a plugin without an SDK has nobody else
// to look at what it declares. Problems of the session's own check are told once.
func TestWhatValidateRefusesTheServerRefuses(t *testing.T) {
	t.Parallel()
	drive := func(change func(*wire.Class)) wire.Manifest {
		c := wire.Class{
			Name: "Drive", Bases: []string{wire.BaseResource},
			Identifier: wire.Identifier{Scope: wire.ScopeScoped, Attributes: []string{"slot"}},
			Attributes: []wire.Attribute{
				{Name: "slot", Kind: wire.KindInteger},
				{Name: "status", Kind: wire.KindEnum, Options: []json.RawMessage{[]byte(`"OK"`), []byte(`"FAILED"`)}},
			},
		}
		change(&c)
		return wire.Manifest{APIVersion: wire.APIVersion, Classes: []wire.Class{c}}
	}
	seven, one := 7.0, 1.0
	for name, c := range map[string]struct {
		change func(*wire.Class)
		want   []wire.Rule
	}{
		"nothing wrong": {func(*wire.Class) {}, nil},
		"a warning only": {func(c *wire.Class) {
			c.Conditions = []wire.Condition{{Kind: wire.ConditionValue, Attribute: "status", ErrorStates: []json.RawMessage{[]byte(`"FAILED"`)}}}
		}, nil},
		"bounds": {func(c *wire.Class) { c.Attributes[0].Min, c.Attributes[0].Max = &seven, &one }, []wire.Rule{wire.RuleBoundsContradict}},
		"state": {func(c *wire.Class) {
			c.Conditions = []wire.Condition{{Kind: wire.ConditionValue, Attribute: "status", ErrorStates: []json.RawMessage{[]byte(`"BROKEN"`)}, Message: "Broken"}}
		}, []wire.Rule{wire.RuleConditionState}},
		"identifier":             {func(c *wire.Class) { c.Attributes[0].Hidden, c.Attributes[0].Optional = true, true }, []wire.Rule{wire.RuleIdentifierHidden}},
		"of the session's check": {func(c *wire.Class) { c.Identifier.Attributes = []string{"absent"} }, []wire.Rule{wire.RuleIdentifierUnknown}},
		"of both": {func(c *wire.Class) {
			c.Identifier.Attributes = []string{"absent"}
			c.Attributes[0].Min, c.Attributes[0].Max = &seven, &one
		}, []wire.Rule{wire.RuleIdentifierUnknown, wire.RuleBoundsContradict}},
	} {
		_, err := checkedClasses("shelf", drive(c.change))
		var got []wire.Rule
		for _, p := range misdeclared(err) {
			got = append(got, p.Code)
		}
		if !slices.Equal(got, c.want) || (err == nil) != (len(c.want) == 0) {
			t.Errorf("%s: %v, %v; want %v", name, got, err, c.want)
		}
		if err != nil && !strings.Contains(err.Error(), "shelf.Drive") {
			t.Errorf("%s: the error names no class: %v", name, err)
		}
	}
}
