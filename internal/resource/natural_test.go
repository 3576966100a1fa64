package resource_test

import (
	"bytes"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/faultline-storage/faultline/internal/resource"
)

func TestNaturalOrder(t *testing.T) {
	want := []string{"", "01", "1", "2", "10", "disk", "disk 1/2", "disk 1/10", "disk 02", "disk 2", "disk 10", "diskette", "é1"}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, resource.Natural)
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

func TestNaturalIsAnOrder(t *testing.T) {
	text := rapid.StringMatching(`[a0-2 ]{0,6}`)
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := text.Draw(t, "a"), text.Draw(t, "b"), text.Draw(t, "c")
		if resource.Natural(a, b) != -resource.Natural(b, a) || (resource.Natural(a, b) == 0) != (a == b) {
			t.Fatalf("%q, %q: %d and %d", a, b, resource.Natural(a, b), resource.Natural(b, a))
		}
		if resource.Natural(a, b) < 0 && resource.Natural(b, c) < 0 && resource.Natural(a, c) >= 0 {
			t.Fatalf("%q < %q < %q and not %q < %q", a, b, c, a, c)
		}
	})
}

func TestCollatedTextsHaveTheOrderOfNatural(t *testing.T) {
	text := rapid.StringMatching(`[a0-2 \x00é]{0,6}`)
	rapid.Check(t, func(t *rapid.T) {
		a, b := text.Draw(t, "a"), text.Draw(t, "b")
		got := bytes.Compare(resource.AppendCollated(nil, []byte(a)), resource.AppendCollated(nil, []byte(b)))
		if got != resource.Natural(a, b) {
			t.Fatalf("%q, %q: %d, want %d", a, b, got, resource.Natural(a, b))
		}
	})
}
