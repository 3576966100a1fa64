package redfish

import (
	"math"
	"testing"
	"unicode/utf8"
)

func TestDecode(t *testing.T) {
	for _, tc := range []struct {
		in string
		ok bool
	}{
		{`{"a":1}`, true},
		{"\xef\xbb\xbf {\"a\":1}\n", true},
		{``, false}, {"  \n", false}, {`null`, false}, {`[]`, false}, {`"x"`, false},
		{`{"a":1`, false}, {`{"a":1} {}`, false}, {`<html>`, false},
	} {
		o, err := decode([]byte(tc.in))
		if (err == nil) != tc.ok {
			t.Errorf("decode(%q) = %v, %v; want ok %v", tc.in, o, err, tc.ok)
		}
	}
}

func TestAccessorsTakeAnything(t *testing.T) {
	o, err := decode([]byte(`{
		"big": 9007199254740993, "exp": 1.5e12, "str": " 42 ", "neg": -5, "huge": 1e40, "word": "abc", "null": null,
		"t": true, "ts": "TRUE", "obj": {"in": {"x": "y"}}, "list": [{"n":1}, null, 7, {"n":2}], "na": "N/A", "nul": "abc\u0000 ",
		"names": ["SAS", 3, null, "SATA"], "link": {"@odata.id": "/a"}, "links": [{"@odata.id": "/a"}, "/b", "c", {}, null, {"@odata.id": 5}]
	}`))
	if err != nil {
		t.Fatal(err)
	}
	if n := o.size("big"); n == nil || *n != 9007199254740993 {
		t.Errorf("size(big) = %v", n)
	}
	if n := o.size("exp"); n == nil || *n != 1_500_000_000_000 {
		t.Errorf("size(exp) = %v", n)
	}
	if n := o.size("str"); n == nil || *n != 42 {
		t.Errorf("size(str) = %v", n)
	}
	for _, k := range []string{"neg", "huge", "word", "null", "t", "obj", "list", "missing"} {
		if n := o.size(k); n != nil {
			t.Errorf("size(%s) = %d", k, *n)
		}
	}
	if f := o.number("neg"); f == nil || *f != -5 {
		t.Errorf("number(neg) = %v", f)
	}
	for _, k := range []string{"t", "ts"} {
		if b := o.flag(k); b == nil || !*b {
			t.Errorf("flag(%s) = %v", k, b)
		}
	}
	if b := o.flag("str"); b != nil {
		t.Errorf("flag(str) = %v", *b)
	}
	for k, want := range map[string]string{"str": "42", "big": "9007199254740993", "na": "", "nul": "abc", "obj": "", "null": "", "t": ""} {
		if s := o.text(k); s != want {
			t.Errorf("text(%s) = %q, want %q", k, s, want)
		}
	}
	if s := o.at("obj", "in").text("x"); s != "y" {
		t.Errorf("at = %q", s)
	}
	if s := o.at("str", "in").text("x"); s != "" {
		t.Errorf("at through a text = %q", s)
	}
	if l := o.list("list"); len(l) != 4 || l[1] != nil || l[3].text("n") != "2" {
		t.Errorf("list = %v", l)
	}
	if s := o.texts("names"); s != "SAS, 3, SATA" {
		t.Errorf("texts = %q", s)
	}
	if r := o.refs("links"); len(r) != 2 || r[0] != "/a" || r[1] != "/b" {
		t.Errorf("refs = %v", r)
	}
	if o.ref("link") != "/a" || o.ref("word") != "" {
		t.Errorf("ref = %q, %q", o.ref("link"), o.ref("word"))
	}
}

// FuzzDecode: no document, however strange, may panic a mapping, and what comes
// out can be sent on.
func FuzzDecode(f *testing.F) {
	f.Add(`{"Status":{"State":"Absent","Health":"Critical"},"Name":["x"],"CapacityBytes":"12","Location":[{"PartLocation":7},"x"]}`)
	f.Add(`{"Reading":1e999,"ReadingUnits":"Cel","Thresholds":{"UpperCritical":{"Reading":"5"}},"Oem":{"V":{"Temperature":"37"}}}`)
	f.Add(`{"ReadingType":"Temperature","ReadingUnits":"","Status":[{"Health":"OK"}],"Identifiers":{"DurableName":null}}`)
	f.Fuzz(func(t *testing.T, in string) {
		o, err := decode([]byte(in))
		if err != nil {
			return
		}
		all := []hardware{
			chassisOf(o, "/p", "i"), controllerOf(o, "/p", "i"), driveOf(o, "/p", "i"), poolOf(o, "/p", "i"), volumeOf(o, "/p", "i"),
			fanOf(o, "/p", "i"), powerSupplyOf(o, "/p", "i"), thermometerOf(o, "/p", "i"),
		}
		if s := sensorOf(o, "/p", "i"); s != nil {
			s.judge()
			all = append(all, s)
		}
		for _, r := range all {
			a := r.facts()
			if a.name == "" || !utf8.ValidString(a.name) || !utf8.ValidString(a.location) {
				t.Errorf("%T: name %q location %q", r, a.name, a.location)
			}
			if a.mode == absent && *a.health != "" {
				t.Errorf("%T is absent and %s", r, *a.health)
			}
			for _, v := range r.readings() {
				if *v != nil && (math.IsNaN(**v) || math.IsInf(**v, 0)) {
					t.Errorf("%T: reading %v", r, **v)
				}
			}
			fill(snapshot(r), r)
		}
	})
}
