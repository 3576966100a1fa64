package resource

import (
	"bytes"
	"cmp"
	"strings"
)

// Natural compares texts as people number things: "disk 2" comes before
// "disk 10". Texts that differ only in leading zeros are compared as they are.
func Natural(a, b string) int {
	x, y := a, b
	for x != "" && y != "" {
		dx, dy := digits(x), digits(y)
		if dx == 0 || dy == 0 {
			if x[0] != y[0] {
				return cmp.Compare(x[0], y[0])
			}
			x, y = x[1:], y[1:]
			continue
		}
		nx, ny := strings.TrimLeft(x[:dx], "0"), strings.TrimLeft(y[:dy], "0")
		if c := cmp.Or(cmp.Compare(len(nx), len(ny)), strings.Compare(nx, ny)); c != 0 {
			return c
		}
		x, y = x[dx:], y[dy:]
	}
	return cmp.Or(cmp.Compare(len(x), len(y)), strings.Compare(a, b))
}

// digits returns how many digits the text begins with.
func digits[T string | []byte](s T) int {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return i
		}
	}
	return len(s)
}

// AppendCollated appends bytes that compare as Natural compares texts: a bytewise
// comparison of two results has the order of Natural. It is for sorting many.
func AppendCollated(b, s []byte) []byte {
	zeros := false
	for x := s; len(x) > 0; {
		d := digits(x)
		if d == 0 {
			if b = append(b, x[0]); x[0] == 0 {
				b = append(b, 0xff) // else it is the end
			}
			x = x[1:]
			continue
		}
		// The longer of two numbers is the greater one.
		n := bytes.TrimLeft(x[:d], "0")
		b = append(b, '0', byte(len(n)>>8), byte(len(n)))
		b = append(b, n...)
		zeros = zeros || len(n) < d
		x = x[d:]
	}
	if !zeros {
		return append(b, 0, 1)
	}
	// Of texts that differ in leading zeros only, one that has none is the greatest.
	b = append(b, 0, 0)
	return append(b, s...)
}
