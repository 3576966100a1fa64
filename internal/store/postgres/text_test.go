package postgres

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestAnyBytesSurviveEscaping(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOf(rapid.SampledFrom([]string{"\x00", "a", mark, "\xff", "\xe2\x90", "00", "ü", "\xe2"})).Draw(t, "parts")
		want := strings.Join(parts, "") + string(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes"))
		text := escape(want)
		if strings.IndexByte(text, 0) >= 0 || !utf8.ValidString(text) {
			t.Fatalf("%q is no text for PostgreSQL", text)
		}
		got, err := unescape(text)
		if err != nil || got != want {
			t.Fatalf("got %q, %v, want %q", got, err, want)
		}
	})
	for _, bad := range []string{mark, "a" + mark + "0", mark + "zz"} {
		if got, err := unescape(bad); err == nil {
			t.Errorf("%q was read as %q", bad, got)
		}
	}
}
