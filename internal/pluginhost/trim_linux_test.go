package pluginhost

import (
	"fmt"
	"os"
	"slices"
	"testing"
)

func TestCleanRanges(t *testing.T) {
	t.Parallel()
	text := ""
	for _, m := range []struct {
		line string
		kib  int
	}{
		{"00400000-00500000 r-xp 00000000 fe:00 12 /usr/bin/faultline", 0},
		{"00500000-00600000 r--p 00100000 fe:00 12 /usr/bin/faultline", 0},
		{"00600000-00610000 r--p 00200000 fe:00 12 /usr/bin/faultline", 8}, // made read-only after it was written
		{"00610000-00620000 rw-p 00210000 fe:00 12 /usr/bin/faultline", 0},
		{"00620000-00630000 r--s 00220000 fe:00 12 /usr/bin/faultline", 0},
		{"7f0000000000-7f0000010000 r-xp 00000000 fe:00 13 /lib/libc.so.6", 0},
		{"7f0000010000-7f0000020000 r--p 00000000 00:00 0 ", 0},
	} {
		text += fmt.Sprintf("%s\nSize: 64 kB\nRss: 32 kB\nAnonymous:      %d kB\nVmFlags: rd ex mr\n", m.line, m.kib)
	}
	want := [][2]uintptr{{0x400000, 0x500000}, {0x500000, 0x600000}}
	if got := cleanRanges([]byte(text), "/usr/bin/faultline"); !slices.Equal(got, want) {
		t.Errorf("%x, want %x", got, want)
	}
}

// TestGiveBack: the process gets smaller, and works on.
func TestGiveBack(t *testing.T) {
	rss := func() (kib int) {
		t.Helper()
		b, err := os.ReadFile("/proc/self/statm")
		if err != nil {
			t.Skip("skipped: there is no /proc here: ", err)
		}
		var size, resident int
		if _, err := fmt.Sscan(string(b), &size, &resident); err != nil {
			t.Fatal(err)
		}
		return resident * os.Getpagesize() / 1024
	}
	block := make([]byte, 64<<20)
	for i := range block {
		block[i] = byte(i)
	}
	before := rss()
	block = nil
	GiveBack()
	if after := rss(); after > before-60<<10 {
		t.Errorf("%d KiB before, %d KiB after", before, after)
	}
	_ = block
}
