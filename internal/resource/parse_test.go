package resource_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/faultline-storage/faultline/internal/resource"
)

func ptr[T any](v T) *T { return &v }

func TestParseAndCheck(t *testing.T) {
	enum := resource.Attribute{Kind: resource.Enum, Options: []resource.Value{resource.IntValue(0), resource.StringValue("up")}}
	for _, tc := range []struct {
		name string
		attr resource.Attribute
		raw  string
		want string // a part of the error; empty means fine
	}{
		{"string", resource.Attribute{Kind: resource.String}, `"päd \"x\""`, ""},
		{"empty string", resource.Attribute{Kind: resource.String}, `""`, ""},
		{"number for a string", resource.Attribute{Kind: resource.String}, `5`, "no string"},
		{"as long as allowed", resource.Attribute{Kind: resource.String, MaxLength: ptr(3)}, `"äöü"`, ""},
		{"too long", resource.Attribute{Kind: resource.String, MaxLength: ptr(3)}, `"äöüx"`, "longer than 3"},
		{"integer", resource.Attribute{Kind: resource.Integer}, `-7`, ""},
		{"whole float for an integer", resource.Attribute{Kind: resource.Integer}, `4096.0`, ""},
		{"float for an integer", resource.Attribute{Kind: resource.Integer}, `1.5`, "no integer"},
		{"text for an integer", resource.Attribute{Kind: resource.Integer}, `"7"`, "no integer"},
		{"at the minimum", resource.Attribute{Kind: resource.Integer, Min: ptr(1.0)}, `1`, ""},
		{"below the minimum", resource.Attribute{Kind: resource.Integer, Min: ptr(1.0)}, `0`, "minimum"},
		{"above the maximum", resource.Attribute{Kind: resource.Bytes, Max: ptr(9.0)}, `10`, "maximum"},
		{"boolean", resource.Attribute{Kind: resource.Boolean}, `false`, ""},
		{"text for a boolean", resource.Attribute{Kind: resource.Boolean}, `"false"`, "no boolean"},
		{"option", enum, `0`, ""},
		{"text option", enum, `"up"`, ""},
		{"no option", enum, `"0"`, "not one of 0, up"},
		{"host", resource.Attribute{Kind: resource.Hostname}, `"array-1.example.com"`, ""},
		{"IPv4", resource.Attribute{Kind: resource.Hostname}, `"192.168.0.67"`, ""},
		{"IPv6", resource.Attribute{Kind: resource.Hostname}, `"fe80::1"`, ""},
		{"underscore", resource.Attribute{Kind: resource.Hostname}, `"a_b"`, "no host name"},
		{"trailing dot", resource.Attribute{Kind: resource.Hostname}, `"a.b."`, "no host name"},
		{"longest name", resource.Attribute{Kind: resource.Hostname}, `"` + strings.Repeat("a.", 126) + `b"`, ""},
		{"name too long", resource.Attribute{Kind: resource.Hostname}, `"` + strings.Repeat("a.", 126) + `bc"`, "no host name"},
		{"no IPv4", resource.Attribute{Kind: resource.Hostname}, `"10.0.0.300"`, "no host name"},
		{"short IPv4", resource.Attribute{Kind: resource.Hostname}, `"10.0.0"`, "no host name"},
		{"number", resource.Attribute{Kind: resource.Hostname}, `"7"`, "no host name"},
		{"name with numbers", resource.Attribute{Kind: resource.Hostname}, `"10.0.0.x3"`, ""},
		{"hyphen at the end", resource.Attribute{Kind: resource.Hostname}, `"a-.b"`, "no host name"},
		{"UUID", resource.Attribute{Kind: resource.UUID}, `"b44f7d8e-a40d-4b96-b241-2ab462b4c1c1"`, ""},
		{"UUID without hyphens", resource.Attribute{Kind: resource.UUID}, `"b44f7d8ea40d4b96b2412ab462b4c1c1"`, ""},
		{"no UUID", resource.Attribute{Kind: resource.UUID}, `"zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"`, "hexadecimal"},
		{"reference", resource.Attribute{Kind: resource.Reference}, `{"$ref":3}`, ""},
		{"text for a reference", resource.Attribute{Kind: resource.Reference}, `"x"`, "no reference"},
		{"mandatory null", resource.Attribute{Kind: resource.Integer, Min: ptr(1.0)}, `null`, "required"},
		{"optional null", resource.Attribute{Kind: resource.Integer, Min: ptr(1.0), Optional: true}, `null`, ""},
		{"optional null of an enum", resource.Attribute{Kind: resource.Enum, Optional: true}, `null`, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			v, err := tc.attr.Parse([]byte(tc.raw))
			if err == nil {
				err = tc.attr.Check(v)
			}
			switch {
			case tc.want == "" && err != nil:
				t.Errorf("%s: %v", tc.raw, err)
			case tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)):
				t.Errorf("%s: error %v, want %q in it", tc.raw, err, tc.want)
			}
		})
	}
}

func TestFormatQuantity(t *testing.T) {
	for _, tc := range []struct {
		v    float64
		unit string
		want string
	}{
		{31, "C", "31 C"},
		{27.5, "C", "27.5 C"},
		{98.98052516, "%", "98.9805%"},
		{52218880, "bytes", "49.8 MiB"},
		{1536, "bytes/s", "1.5 KiB/s"},
		{7, "", "7"},
		{123456789, "rpm", "123456789 rpm"},
		{1e300, "bytes", "1e+300 bytes"},
		{-0.5, "V", "-0.5 V"},
	} {
		if got := resource.FormatQuantity(tc.v, tc.unit); got != tc.want {
			t.Errorf("%v %s: got %q, want %q", tc.v, tc.unit, got, tc.want)
		}
	}
}

func TestFormatBytes(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 1536: "1.5 KiB", 1 << 50: "1.0 PiB", 1<<63 - 1: "8.0 EiB",
		1<<20 - 1: "1.0 MiB", -2048: "-2.0 KiB",
	} {
		if got := resource.FormatBytes(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}

func FuzzEachMember(f *testing.F) {
	for _, s := range []string{`{}`, `{"a":1}`, ` {"a" : "x\"}" , "b":{"c":[1,{"d":"]"}]}}`, `{"a`, `{"a":`, `{"a":1,}`, `[1]`, `{"é":null}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got := map[string]string{}
		err := resource.EachMember(b, func(name, raw []byte) error {
			got[string(name)] = string(raw)
			return nil
		})
		var want map[string]json.RawMessage
		if !json.Valid(b) || json.Unmarshal(b, &want) != nil || want == nil {
			return // only valid objects are promised
		}
		if err != nil {
			t.Fatalf("%q: %v", b, err)
		}
		if len(got) != len(want) {
			t.Fatalf("%q: %d members, want %d", b, len(got), len(want))
		}
		for k, v := range want {
			if got[k] != strings.TrimSpace(string(v)) {
				t.Fatalf("%q: member %q is %q, want %q", b, k, got[k], v)
			}
		}
	})
}
