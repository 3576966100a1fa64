package cli

import (
	"testing"

	"github.com/faultline-storage/faultline/internal/api/gen"
)

func TestEncodeValue(t *testing.T) {
	enum := gen.ClassAttribute{Kind: gen.Enum, Options: []gen.Scalar{"a", 0.0, 1.0, true}}
	optional := enum
	optional.Optional = true
	for _, tt := range []struct {
		a          gen.ClassAttribute
		text, want string // an error if want is empty
	}{
		{gen.ClassAttribute{Kind: gen.String}, "5", `"5"`},
		{gen.ClassAttribute{Kind: gen.String}, "", `""`},
		{gen.ClassAttribute{Kind: gen.Password}, `a"b`, `"a\"b"`},
		{gen.ClassAttribute{Kind: gen.Hostname}, "::1", `"::1"`},
		{gen.ClassAttribute{Kind: gen.Integer}, "-5", `-5`},
		{gen.ClassAttribute{Kind: gen.Integer}, "9223372036854775807", `9223372036854775807`},
		{gen.ClassAttribute{Kind: gen.Integer}, "", `null`},
		{gen.ClassAttribute{Kind: gen.Integer}, "5.5", ""},
		{gen.ClassAttribute{Kind: gen.Bytes}, "1024", `1024`},
		{gen.ClassAttribute{Kind: gen.Bytes}, "1 KiB", ""},
		{gen.ClassAttribute{Kind: gen.Float}, "1e3", `1000`},
		{gen.ClassAttribute{Kind: gen.Float}, "Inf", ""},
		{gen.ClassAttribute{Kind: gen.Float}, "x", ""},
		{gen.ClassAttribute{Kind: gen.Boolean}, "Yes", `true`},
		{gen.ClassAttribute{Kind: gen.Boolean}, "off", `false`},
		{gen.ClassAttribute{Kind: gen.Boolean}, "maybe", ""},
		{enum, "a", `"a"`}, {enum, "1", `1`}, {enum, "true", `true`}, {enum, "b", ""}, {enum, "", ""}, {optional, "", `null`},
	} {
		got, err := encodeValue(tt.a, tt.text)
		if string(got) != tt.want || (err != nil) != (tt.want == "") {
			t.Errorf("%s %q: %s, %v, want %s", tt.a.Kind, tt.text, got, err, tt.want)
		}
	}
}
