package record

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// Redacted stands where a secret stood. It is a valid value of most kinds of
// attribute that text can have.
const Redacted = "REDACTED"

// shortest is how many characters a secret needs to be looked for in texts: a
// shorter one would be found by chance everywhere.
const shortest = 4

// secrets are values that must not be written, and how they look in text.
type secrets struct {
	known map[string]bool
	forms []string // the longest first, so that none hides a part of another
}

// add notes a secret. An empty one is none.
func (s *secrets) add(secret string) error {
	if secret == "" || secret == Redacted || s.known[secret] {
		return nil
	}
	if n := utf8.RuneCountInString(secret); n < shortest {
		return fmt.Errorf("a password, or what the plugin makes of one, has only %d characters: "+
			"it would be found by chance everywhere, and cannot be kept out of a recording; record with one of at least %d", n, shortest)
	}
	if s.known == nil {
		s.known = map[string]bool{}
	}
	s.known[secret] = true
	// As it is, as programs quote it, and as it stands in an address.
	quoted, err := json.Marshal(secret)
	if err != nil {
		return err
	}
	plain := bytes.NewBuffer(nil)
	e := json.NewEncoder(plain)
	e.SetEscapeHTML(false)
	if err := e.Encode(secret); err != nil {
		return err
	}
	for _, form := range []string{
		secret, string(quoted[1 : len(quoted)-1]), strings.Trim(strings.TrimSpace(plain.String()), `"`),
		url.QueryEscape(secret), url.PathEscape(secret), url.UserPassword("", secret).String()[1:],
	} {
		if form != "" && !slices.Contains(s.forms, form) {
			s.forms = append(s.forms, form)
		}
	}
	slices.SortFunc(s.forms, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	return nil
}

// text returns the text without secrets.
func (s *secrets) text(text string) string {
	for _, form := range s.forms {
		if strings.Contains(text, form) {
			text = strings.ReplaceAll(text, form, Redacted)
		}
	}
	return text
}

// json returns the JSON text without secrets in its strings, and with 0 for a number
// that is one, unless it is the handle of a reference. The names of members are left
// if names is false: they are declared, and known to everybody. raw must be valid
// JSON.
func (s *secrets) json(raw json.RawMessage, names bool) json.RawMessage {
	if len(s.forms) == 0 {
		return raw
	}
	out := make([]byte, 0, len(raw))
	var name []byte // of the last member
	for i := 0; i < len(raw); {
		switch c := raw[i]; {
		case c == '"':
			end := endOfString(raw, i)
			literal := raw[i:end]
			named := isName(raw, end)
			if named {
				name = literal
			}
			if names || !named {
				out = s.literal(out, literal)
			} else {
				out = append(out, literal...)
			}
			i = end
		case c == '-' || c >= '0' && c <= '9':
			end := i
			for end < len(raw) && strings.IndexByte("+-.eE0123456789", raw[end]) >= 0 {
				end++
			}
			if s.known[string(raw[i:end])] && string(name) != `"$ref"` {
				out = append(out, '0')
			} else {
				out = append(out, raw[i:end]...)
			}
			i = end
		default:
			out = append(out, c)
			i++
		}
	}
	return out
}

// endOfString returns the index behind the string literal that begins at i.
func endOfString(raw []byte, i int) int {
	for i++; i < len(raw); i++ {
		switch raw[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(raw)
}

// isName reports whether a colon follows.
func isName(raw []byte, i int) bool {
	rest := bytes.TrimLeft(raw[i:], " \t\r\n")
	return len(rest) > 0 && rest[0] == ':'
}

// literal appends a string literal without secrets.
func (s *secrets) literal(out, literal []byte) []byte {
	var text string
	if json.Unmarshal(literal, &text) != nil {
		return append(out, literal...)
	}
	clean := s.text(text)
	if clean == text {
		return append(out, literal...)
	}
	quoted, err := json.Marshal(clean)
	if err != nil { // a string always marshals
		panic(err)
	}
	return append(out, quoted...)
}

// marshal encodes as json.Marshal does, and leaves < and > readable.
func marshal(v any) (json.RawMessage, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
