package resource_test

import (
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/faultline-storage/faultline/internal/resource"
)

func TestCompare(t *testing.T) {
	text := resource.StringValue
	for _, tt := range []struct {
		a, b       resource.Value
		ignoreCase bool
		want       string
	}{
		{text("a1"), text("a1"), false, "same"},
		{text("A1"), text("a1"), true, "same"},
		{text("7"), resource.IntValue(7), false, "same"},
		{text("A1"), text("a1"), false, "case"},
		{text("a 1"), text("a1"), false, "whitespace"},
		{text(" A1\n"), text("a1"), false, "whitespace"},
		{text("50:00:C5"), text("5000c5"), false, "punctuation"},
		{text("naa.5000c5"), text("5000C5"), false, "part"},
		{text("abc"), text("xabcx"), false, "other"},
		{text("..."), text("--"), false, "other"},
		{text("a"), resource.Null, true, "null"},
		{resource.Null, resource.Null, false, "null"},
	} {
		if got := resource.Compare(tt.a, tt.b, tt.ignoreCase); got.String() != tt.want {
			t.Errorf("%q and %q: %v, want %s", tt.a, tt.b, got, tt.want)
		}
		if x, y := resource.Compare(tt.a, tt.b, tt.ignoreCase), resource.Compare(tt.b, tt.a, tt.ignoreCase); x != y {
			t.Errorf("%q and %q: %v, and the other way round %v", tt.a, tt.b, x, y)
		}
	}
}

// TestAlike compares with the edit distance, worked out in full.
func TestAlike(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringOfN(rapid.RuneFrom([]rune("abä1")), 4, 12, -1)
		a := word.Draw(t, "a")
		b := a
		for range rapid.IntRange(0, 4).Draw(t, "edits") {
			r := []rune(b)
			i := rapid.IntRange(0, len(r)).Draw(t, "at")
			switch c := []rune(word.Draw(t, "c"))[0]; {
			case i == len(r) || rapid.Bool().Draw(t, "insert"):
				b = string(r[:i]) + string(c) + string(r[i:])
			case rapid.Bool().Draw(t, "replace"):
				b = string(r[:i]) + string(c) + string(r[i+1:])
			default:
				b = string(r[:i]) + string(r[i+1:])
			}
		}
		long := min(utf8.RuneCountInString(a), utf8.RuneCountInString(b)) >= 6
		if got, want := resource.Alike(a, b), long && distance([]rune(a), []rune(b)) <= 2; got != want {
			t.Fatalf("%q and %q: %t, want %t", a, b, got, want)
		}
	})
}

func distance(a, b []rune) int {
	if len(a) == 0 || len(b) == 0 {
		return len(a) + len(b)
	}
	row := make([][]int, len(a)+1)
	for i := range row {
		row[i] = make([]int, len(b)+1)
		for j := range row[i] {
			switch {
			case i == 0 || j == 0:
				row[i][j] = i + j
			case a[i-1] == b[j-1]:
				row[i][j] = row[i-1][j-1]
			default:
				row[i][j] = 1 + min(row[i-1][j-1], row[i-1][j], row[i][j-1])
			}
		}
	}
	return row[len(a)][len(b)]
}
