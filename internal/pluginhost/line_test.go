package pluginhost

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"
)

// FuzzLines cuts a stream into lines, through readers that give what they like,
// and keeps some of them. It must find the same lines as bytes.Split, and a
// line that was kept must never change.
func FuzzLines(f *testing.F) {
	f.Add([]byte("a\nbb\n\nccc"), 10, uint64(1))
	f.Add([]byte(strings.Repeat("x", 100)+"\n"), 50, uint64(2))
	f.Add([]byte(strings.Repeat("line\n", 60_000)), 10, uint64(3))
	f.Add([]byte(strings.Repeat(strings.Repeat("y", 90_000)+"\n", 5)), 100_000, uint64(4))
	f.Fuzz(func(t *testing.T, stream []byte, limit int, seed uint64) {
		if limit < 0 || limit > 1<<20 {
			return
		}
		random := rand.New(rand.NewPCG(seed, 0))
		var r io.Reader = bytes.NewReader(stream)
		switch random.IntN(3) {
		case 0:
			r = iotest.OneByteReader(r)
			if len(stream) > 10_000 {
				return
			}
		case 1:
			r = iotest.DataErrReader(iotest.HalfReader(r))
		}
		lines := bytes.Split(stream, []byte("\n"))
		l := newLineReader(r, limit)
		type keptLine struct {
			got  []byte
			want []byte
		}
		var kept []keptLine
		for i, want := range lines {
			got, err := l.next()
			if len(want) > limit {
				if !errors.Is(err, ErrLineTooLong) {
					t.Fatalf("line %d of %d bytes: %v", i, len(want), err)
				}
				break
			}
			if !bytes.Equal(got, want) {
				t.Fatalf("line %d is %q, want %q", i, got, want)
			}
			if last := i == len(lines)-1; last != (err != nil) || last && !errors.Is(err, io.EOF) {
				t.Fatalf("line %d of %d: %v", i, len(lines), err)
			}
			if err == nil && random.IntN(2) == 0 {
				l.keep()
				kept = append(kept, keptLine{got, want})
			}
		}
		for i, k := range kept {
			if !bytes.Equal(k.got, k.want) {
				t.Errorf("line %d was kept and is now %q, want %q", i, k.got, k.want)
			}
		}
	})
}
