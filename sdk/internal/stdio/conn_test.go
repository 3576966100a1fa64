package stdio

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
)

func FuzzReadLine(f *testing.F) {
	f.Add([]byte("{}\n[1]\n\n  \r\n{\"a\":1}"))
	f.Add([]byte(strings.Repeat("x", 100) + "\ny"))
	f.Fuzz(func(t *testing.T, data []byte) {
		const limit = 64
		r := bufio.NewReaderSize(bytes.NewReader(data), 16)
		var got []string
		for {
			line, err := readLine(r, limit)
			if len(line) > 0 {
				if bytes.ContainsRune(line, '\n') || len(line) > limit {
					t.Fatalf("line %q", line)
				}
				cleanMessage(line) // must not panic
				got = append(got, string(line))
			}
			if err != nil {
				if !errors.Is(err, io.EOF) {
					return // too long
				}
				break
			}
		}
		var want []string
		for line := range strings.SplitSeq(string(data), "\n") {
			if line = string(bytes.TrimSpace([]byte(line))); line != "" {
				want = append(want, line)
			}
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

func TestCleanMessage(t *testing.T) {
	for in, want := range map[string]string{
		`{"jsonrpc":"2.0","method":"x"}`:                  `{"jsonrpc":"2.0","method":"x"}`,
		`{"jsonrpc":"2.0","id":1,"method":"x","extra":2}`: `{"id":1,"jsonrpc":"2.0","method":"x"}`,
		`[{"jsonrpc":"2.0"}]`:                             `[]`,
		`nonsense`:                                        `nonsense`,
	} {
		if got := string(cleanMessage([]byte(in))); got != want {
			t.Errorf("%s becomes %s, want %s", in, got, want)
		}
	}
}
