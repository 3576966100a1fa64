package postgres

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// mark begins an escaped byte; twice, it is itself. It is the picture of the
// escape character, which hardly any text has.
const mark = "\u241b"

// escape makes a text that PostgreSQL takes of any string.
func escape(s string) string {
	if utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 && !strings.Contains(s, mark) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case s[i:i+n] == mark:
			b.WriteString(mark + mark)
		case r == 0, r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, mark+"%02x", s[i])
		default:
			b.WriteString(s[i : i+n])
		}
		i += n
	}
	return b.String()
}

// plain reports whether escape would leave the text alone.
func plain(b []byte) bool {
	return bytes.IndexByte(b, 0) < 0 && bytes.IndexByte(b, mark[0]) < 0 && utf8.Valid(b)
}

// unescape is the inverse of escape.
func unescape(s string) (string, error) {
	if !strings.Contains(s, mark) {
		return s, nil
	}
	var b strings.Builder
	for {
		before, after, found := strings.Cut(s, mark)
		b.WriteString(before)
		if !found {
			return b.String(), nil
		}
		if rest, ok := strings.CutPrefix(after, mark); ok {
			b.WriteString(mark)
			s = rest
			continue
		}
		if len(after) < 2 {
			return "", fmt.Errorf("%.80q ends in the middle of an escaped byte", s)
		}
		c, err := strconv.ParseUint(after[:2], 16, 8)
		if err != nil {
			return "", fmt.Errorf("%.80q has no byte after U+241B", s)
		}
		b.WriteByte(byte(c))
		s = after[2:]
	}
}
