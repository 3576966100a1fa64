package wire_test

import (
	"testing"

	"github.com/faultline-storage/faultline/sdk/wire"
)

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "abc", 3}, {"label", "label", 0}, {"lable", "label", 2}, {"Disk", "Disks", 1}, {"Drive", "Driver", 1},
		{"kitten", "sitting", 3}, {"Pool", "Lun", 4},
	} {
		if got := wire.Distance(c.a, c.b); got != c.want || wire.Distance(c.b, c.a) != got {
			t.Errorf("from %q to %q it is %d, and back %d; want %d", c.a, c.b, got, wire.Distance(c.b, c.a), c.want)
		}
	}
}
