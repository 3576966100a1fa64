package plugin

import (
	"bytes"
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"
)

func TestSnakeCase(t *testing.T) {
	for in, want := range map[string]string{
		"SerialNumber": "serial_number", "LocalID": "local_id", "RPM": "rpm", "HTTPPort": "http_port", "Address1": "address1",
		"A": "a", "WWNs": "ww_ns", "With_Under": "with_under", "IPv6Address": "i_pv6_address",
	} {
		if got := snakeCase(in); got != want {
			t.Errorf("snakeCase(%s) = %s, want %s", in, got, want)
		}
	}
}

func TestCheckTags(t *testing.T) {
	for tag, want := range map[reflect.StructTag]int{
		`attr:"x" label:"y"`: 0, `json:"x" yaml:"y" xml:"z" db:"a" bson:"b" form:"f"`: 0, `lable:"x"`: 1, `maxlength:"3"`: 1, `enums:"a"`: 1,
		`unit:"C"`: 1, `attr:"x"label:"y"`: 0, `attr`: 1, `attr:x`: 1, ``: 0,
	} {
		if got := checkTags(tag, "thing", "attr", "label"); len(got) != want {
			t.Errorf("%s: %q", tag, got)
		}
	}
}

func TestHostname(t *testing.T) {
	for _, s := range []string{"a", "mycompany.com", "192.168.0.67", "::1", "fe80::1%eth0", "2001:db8::a:b", strings.Repeat("a", 63) + ".b", "1-2.x", "10.0.0.300.x", "10.0.0.x3",
		strings.Repeat("a.", 126) + "b"} {
		if p := checkHostname(s); p != "" {
			t.Errorf("%s: %s", s, p)
		}
	}
	for _, s := range []string{"", "-a", "a-", "a..b", "a.", ".a", "a_b", "ä", "a b", strings.Repeat("a", 64), strings.Repeat("a.", 126) + "bc", "1:2", ":::",
		"10.0.0.300", "10.0.0", "1.2.3.4.5", "10.0.0.01", "a.1", "7"} {
		if checkHostname(s) == "" {
			t.Errorf("%q passes", s)
		}
	}
}

func TestUUID(t *testing.T) {
	for _, s := range []string{"b44f7d8e-a40d-4b96-b241-2ab462b4c1c1", "b44f7d8ea40d4b96b2412ab462b4c1c1", "B44F-7D8EA40D4B96B2412AB462B4C1C1-"} {
		if p := checkUUID(s); p != "" {
			t.Errorf("%s: %s", s, p)
		}
	}
	for _, s := range []string{"", "other", strings.Repeat("z", 32), "b44f7d8ea40d4b96b2412ab462b4c1c"} {
		if checkUUID(s) == "" {
			t.Errorf("%q passes", s)
		}
	}
}

func FuzzAppendString(f *testing.F) {
	for _, s := range []string{"", "plain", "\"\\\n\r\t\x00\x1f", "ä漢😀", "\xff\xfe", "a\xffb\u2028", "\ufffd"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := appendString(nil, s)
		var back string
		if err := json.Unmarshal(got, &back); err != nil {
			t.Fatalf("%q becomes %s: %v", s, got, err)
		}
		ref, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var want string
		if err := json.Unmarshal(ref, &want); err != nil {
			t.Fatal(err)
		}
		if back != want || bytes.ContainsAny(got, "\n\r") {
			t.Errorf("%q becomes %s, which reads %q, not %q", s, got, back, want)
		}
	})
}

func FuzzAppendFloat(f *testing.F) {
	for _, v := range []float64{0, 1, -1, 0.1, 1e15, 1e20, 1e21, 1e-6, 1e-7, math.MaxFloat64, math.SmallestNonzeroFloat64, math.Copysign(0, -1), 1 << 53} {
		f.Add(v)
	}
	f.Fuzz(func(t *testing.T, v float64) {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return
		}
		got := appendFloat(nil, v)
		var back float64
		if err := json.Unmarshal(got, &back); err != nil || back != v {
			t.Errorf("%v becomes %s, which reads %v, %v", v, got, back, err)
		}
	})
}

func FuzzTags(f *testing.F) {
	for _, s := range []string{"name,globalid", ",optional,hidden", "-", "a b", ",,", "x,scopedid,globalid", "0-512,513-", "5-", "30s", "1-2-3"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if tag, err := parseAttrTag(s); err == nil {
			if tag.name != "" && tag.name != "-" && !isName(tag.name) {
				t.Errorf("%q gives the name %q", s, tag.name)
			}
			for _, o := range tag.options {
				if !tag.has(o) || !strings.Contains(s, o) {
					t.Errorf("%q gives the option %q", s, o)
				}
			}
		}
		if bins, err := parseBins(s); err == nil {
			low := int64(math.MinInt64)
			for i, b := range bins {
				if b[0] <= low && i > 0 || len(b) == 1 && i != len(bins)-1 || len(b) == 2 && b[1] < b[0] {
					t.Errorf("%q gives %v", s, bins)
				}
				low = b[len(b)-1]
			}
		}
		if n, err := parseEvery(s); err == nil && n < 1 {
			t.Errorf("%q gives %d", s, n)
		}
	})
}

// TestNoAllocation holds the promise that a turn which changes nothing costs no
// memory.
func TestNoAllocation(t *testing.T) {
	s, v := benchSession(t, 100)
	s.benchTurn(t, func() { _ = v.InitialScan(t.Context(), s, nil) })
	nothing := func() error { return nil }
	if n := testing.AllocsPerRun(20, func() {
		if turn, err := s.hookTurn(false, nothing); turn != 0 || err != nil {
			t.Fatal(turn, err)
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
