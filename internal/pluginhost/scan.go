package pluginhost

import "encoding/json"

// maxDepth bounds the nesting that the scanner follows. Deeper values, up to
// its own bound, are left to encoding/json.
const maxDepth = 500

// A scanner walks over JSON text once, checking the grammar as it goes. Its
// methods report false when the text is not what they expect; the position is
// then of no use any more.
type scanner struct {
	b []byte
	i int
}

// peek skips white space and returns the byte at the position, 0 at the end.
func (s *scanner) peek() byte {
	for s.i < len(s.b) {
		switch c := s.b[s.i]; c {
		case ' ', '\t', '\r', '\n':
			s.i++
		default:
			return c
		}
	}
	return 0
}

// eat skips white space and then c, if it is there.
func (s *scanner) eat(c byte) bool {
	if s.peek() != c {
		return false
	}
	s.i++
	return true
}

// object calls member for every member of an object, with the position at the
// member's value, which member has to pass. Names with escapes are refused: no
// name of the protocol needs them.
func (s *scanner) object(member func(name []byte) bool) bool {
	if !s.eat('{') {
		return false
	}
	if s.eat('}') {
		return true
	}
	for {
		name, escaped, ok := s.str()
		if !ok || escaped || !s.eat(':') || !member(name) {
			return false
		}
		if s.eat(',') {
			continue
		}
		return s.eat('}')
	}
}

// array calls element with the position at each element, which it has to pass.
func (s *scanner) array(element func() bool) bool {
	if !s.eat('[') {
		return false
	}
	if s.eat(']') {
		return true
	}
	for {
		if !element() {
			return false
		}
		if s.eat(',') {
			continue
		}
		return s.eat(']')
	}
}

// plain marks the bytes that stand for themselves inside a string.
var plain = func() (t [256]bool) {
	for c := 0x20; c < 256; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

// str passes a string and returns what stands between the quotes, and whether
// that has escapes.
func (s *scanner) str() (text []byte, escaped, ok bool) {
	if !s.eat('"') {
		return nil, false, false
	}
	b, i := s.b, s.i
	for {
		for i < len(b) && plain[b[i]] {
			i++
		}
		if i >= len(b) {
			return nil, false, false
		}
		switch b[i] {
		case '"':
			text = b[s.i:i]
			s.i = i + 1
			return text, escaped, true
		case '\\':
			n := escapeLen(b[i:])
			if n == 0 {
				return nil, false, false
			}
			escaped = true
			i += n
		default:
			return nil, false, false
		}
	}
}

// escapeLen returns the length of the escape that b begins with, 0 if it is none.
func escapeLen(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	switch b[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if len(b) < 6 {
			return 0
		}
		for _, c := range b[2:6] {
			if !(c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F') {
				return 0
			}
		}
		return 6
	}
	return 0
}

// raw passes any value and returns its text, which shares the scanner's bytes.
func (s *scanner) raw() (json.RawMessage, bool) {
	s.peek()
	start := s.i
	if !s.skip(0) {
		return nil, false
	}
	return json.RawMessage(s.b[start:s.i:s.i]), true
}

// skip passes any value.
func (s *scanner) skip(depth int) bool {
	if depth > maxDepth {
		return false
	}
	switch c := s.peek(); c {
	case '{':
		s.i++
		if s.eat('}') {
			return true
		}
		for {
			if _, _, ok := s.str(); !ok || !s.eat(':') || !s.skip(depth+1) {
				return false
			}
			if s.eat(',') {
				continue
			}
			return s.eat('}')
		}
	case '[':
		s.i++
		if s.eat(']') {
			return true
		}
		for {
			if !s.skip(depth + 1) {
				return false
			}
			if s.eat(',') {
				continue
			}
			return s.eat(']')
		}
	case '"':
		_, _, ok := s.str()
		return ok
	case 't':
		return s.word("true")
	case 'f':
		return s.word("false")
	case 'n':
		return s.word("null")
	default:
		return s.number()
	}
}

// word passes exactly w. What follows it is the business of the caller, who
// expects a comma or a bracket.
func (s *scanner) word(w string) bool {
	if len(s.b)-s.i < len(w) || string(s.b[s.i:s.i+len(w)]) != w {
		return false
	}
	s.i += len(w)
	return true
}

// number passes a number by the grammar of JSON.
func (s *scanner) number() bool {
	b, i := s.b, s.i
	digits := func() bool {
		start := i
		for i < len(b) && b[i]-'0' <= 9 {
			i++
		}
		return i > start
	}
	if i < len(b) && b[i] == '-' {
		i++
	}
	if i < len(b) && b[i] == '0' {
		i++
	} else if !digits() {
		return false
	}
	if i < len(b) && b[i] == '.' {
		i++
		if !digits() {
			return false
		}
	}
	if i < len(b) && (b[i] == 'e' || b[i] == 'E') {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		if !digits() {
			return false
		}
	}
	s.i = i
	return true
}

// integer passes a number that is written as an integer of at most 18 digits.
func (s *scanner) integer() (int64, bool) {
	s.peek()
	start := s.i
	if !s.number() {
		return 0, false
	}
	digits, neg := s.b[start:s.i], false
	if digits[0] == '-' {
		digits, neg = digits[1:], true
	}
	if len(digits) > 18 {
		return 0, false
	}
	var n int64
	for _, c := range digits {
		if c < '0' {
			return 0, false // a point
		}
		if c > '9' {
			return 0, false // an exponent
		}
		n = n*10 + int64(c-'0')
	}
	if neg {
		n = -n
	}
	return n, true
}
