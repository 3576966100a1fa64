package resource_test

import (
	"math"
	"testing"

	"github.com/faultline-storage/faultline/internal/resource"
)

func TestAValueChangesItsKindOnlyWithoutLoss(t *testing.T) {
	text, number, fraction, truth := resource.StringValue, resource.IntValue, resource.FloatValue, resource.BoolValue
	options := []resource.Value{text("OK"), number(5), truth(true)}
	short := 3
	for _, tc := range []struct {
		from resource.Kind
		v    resource.Value
		to   resource.Attribute
		want resource.Value
		ok   bool
	}{
		{resource.String, text("7"), resource.Attribute{Kind: resource.Integer}, number(7), true},
		{resource.String, text("-7"), resource.Attribute{Kind: resource.Bytes}, number(-7), true},
		{resource.String, text("007"), resource.Attribute{Kind: resource.Integer}, resource.Null, false},
		{resource.String, text("+7"), resource.Attribute{Kind: resource.Integer}, resource.Null, false},
		{resource.String, text("7.0"), resource.Attribute{Kind: resource.Integer}, resource.Null, false},
		{resource.String, text("2.5"), resource.Attribute{Kind: resource.Float}, fraction(2.5), true},
		{resource.String, text("2.50"), resource.Attribute{Kind: resource.Float}, resource.Null, false},
		{resource.String, text("NaN"), resource.Attribute{Kind: resource.Float}, resource.Null, false},
		{resource.String, text("true"), resource.Attribute{Kind: resource.Boolean}, truth(true), true},
		{resource.String, text("yes"), resource.Attribute{Kind: resource.Boolean}, resource.Null, false},
		{resource.String, text("10.0.0.1"), resource.Attribute{Kind: resource.Hostname}, text("10.0.0.1"), true},
		{resource.String, text("no host"), resource.Attribute{Kind: resource.Hostname}, resource.Null, false},
		{resource.String, text("OK"), resource.Attribute{Kind: resource.Enum, Options: options}, text("OK"), true},
		{resource.String, text("5"), resource.Attribute{Kind: resource.Enum, Options: options}, number(5), true},
		{resource.String, text("bad"), resource.Attribute{Kind: resource.Enum, Options: options}, resource.Null, false},
		{resource.Enum, number(5), resource.Attribute{Kind: resource.Integer}, number(5), true},
		{resource.Enum, truth(true), resource.Attribute{Kind: resource.Boolean}, truth(true), true},
		{resource.Enum, text("OK"), resource.Attribute{Kind: resource.Boolean}, resource.Null, false},
		{resource.Integer, number(7), resource.Attribute{Kind: resource.String}, text("7"), true},
		{resource.Integer, number(7), resource.Attribute{Kind: resource.Bytes}, number(7), true},
		{resource.Integer, number(1 << 53), resource.Attribute{Kind: resource.Float}, fraction(1 << 53), true},
		{resource.Integer, number(1<<53 + 1), resource.Attribute{Kind: resource.Float}, resource.Null, false},
		{resource.Integer, number(1), resource.Attribute{Kind: resource.Boolean}, resource.Null, false},
		{resource.Float, fraction(3), resource.Attribute{Kind: resource.Integer}, number(3), true},
		{resource.Float, fraction(3.5), resource.Attribute{Kind: resource.Integer}, resource.Null, false},
		{resource.Float, fraction(math.MaxFloat64), resource.Attribute{Kind: resource.Integer}, resource.Null, false},
		{resource.Integer, number(12345), resource.Attribute{Kind: resource.String, MaxLength: &short}, resource.Null, false},
		{resource.String, text("long"), resource.Attribute{Kind: resource.String, MaxLength: &short}, resource.Null, false},
		{resource.Password, text("sealed"), resource.Attribute{Kind: resource.String}, resource.Null, false},
		{resource.String, text("open"), resource.Attribute{Kind: resource.Password}, resource.Null, false},
		{resource.Password, text("sealed"), resource.Attribute{Kind: resource.Password, MaxLength: &short}, text("sealed"), true},
		{resource.Reference, resource.RefValue(3), resource.Attribute{Kind: resource.Integer}, resource.Null, false},
		{resource.Integer, number(3), resource.Attribute{Kind: resource.Reference}, resource.Null, false},
		{resource.Reference, resource.RefValue(3), resource.Attribute{Kind: resource.Reference}, resource.RefValue(3), true},
		{resource.Integer, resource.Null, resource.Attribute{Kind: resource.String}, resource.Null, true},
	} {
		got, ok := tc.to.Convert(tc.v, &resource.Attribute{Kind: tc.from})
		if got != tc.want || ok != tc.ok {
			t.Errorf("%s %v as %s: %v %t, want %v %t", tc.from, tc.v, tc.to.Kind, got, ok, tc.want, tc.ok)
		}
	}
}

func TestARowMayBeOlderThanTheNamesOfItsClass(t *testing.T) {
	c := &resource.Class{Attributes: []resource.Attribute{
		{Name: "serial", Kind: resource.String, RenamedFrom: []string{"sn", "number"}}, {Name: "kept", Kind: resource.String},
	}}
	c.Index()
	for text, want := range map[string]string{
		`{"serial":"a","number":"c"}`: "a", `{"number":"c","kept":"k"}`: "c", `{"sn":"b"}`: "b", `{"other":"d"}`: "",
	} {
		row := resource.StoredResource{Attributes: []byte(text)}
		r, err := row.Resource(c)
		if err != nil || r.Values[0].String() != want {
			t.Errorf("%s: %v, %v", text, r.Values, err)
		}
	}
}
