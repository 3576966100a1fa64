package resource

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Parse reads a value that a plugin or the store wrote: JSON of exactly the
// attribute's kind. null is the null Value. It does not check the attribute's
// rules; see Check. raw must be valid JSON.
func (a *Attribute) Parse(raw []byte) (Value, error) {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 {
		return Null, fmt.Errorf("no value")
	}
	if raw[0] == 'n' {
		return Null, nil
	}
	switch a.Kind {
	case String, Hostname, UUID, Path, Password:
		if raw[0] == '"' {
			return StringValue(unquote(raw)), nil
		}
	case Integer, Bytes:
		if n, err := parseInt(raw); err == nil {
			return IntValue(n), nil
		}
	case Float:
		if f, err := strconv.ParseFloat(string(raw), 64); err == nil && raw[0] != '"' && !math.IsInf(f, 0) && !math.IsNaN(f) {
			return FloatValue(f), nil
		}
	case Boolean:
		switch string(raw) {
		case "true":
			return BoolValue(true), nil
		case "false":
			return BoolValue(false), nil
		}
	case Enum:
		return ParseScalar(raw)
	case Reference:
		if n, ok := parseRef(raw); ok {
			return RefValue(n), nil
		}
	}
	return Null, fmt.Errorf("%s is no %s", shorten(string(raw)), a.Kind)
}

// ParseScalar reads a JSON string, number, boolean or null.
func ParseScalar(raw []byte) (Value, error) {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 {
		return Null, fmt.Errorf("no value")
	}
	switch raw[0] {
	case '"':
		return StringValue(unquote(raw)), nil
	case 't':
		return BoolValue(true), nil
	case 'f':
		return BoolValue(false), nil
	case 'n':
		return Null, nil
	}
	if n, err := strconv.ParseInt(string(raw), 10, 64); err == nil {
		return IntValue(n), nil
	}
	if f, err := strconv.ParseFloat(string(raw), 64); err == nil && !math.IsInf(f, 0) && !math.IsNaN(f) {
		return FloatValue(f), nil
	}
	return Null, fmt.Errorf("%s is no string, number or boolean", shorten(string(raw)))
}

// ParseInput reads a value that a person gave. Beside what Parse takes, text
// that spells a number, a boolean or an option is one, empty text is null
// unless the attribute is text, and a reference is the target's ID.
func (a *Attribute) ParseInput(raw []byte) (Value, error) {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 {
		return Null, fmt.Errorf("no value")
	}
	text := string(raw)
	if raw[0] == '"' {
		text = unquote(raw)
	}
	switch a.Kind {
	case Integer, Bytes, Float, Reference:
		if text == "" || text == "null" {
			return Null, nil
		}
		if a.Kind == Reference {
			if n, err := strconv.ParseInt(text, 10, 64); err == nil {
				return RefValue(n), nil
			}
			return Null, fmt.Errorf("%s is no resource ID", shorten(text))
		}
		return a.Parse([]byte(strings.TrimSpace(text)))
	case Boolean:
		switch strings.ToLower(text) {
		case "true", "yes", "on", "1":
			return BoolValue(true), nil
		case "false", "no", "off", "0":
			return BoolValue(false), nil
		case "", "null":
			return Null, nil
		}
		return Null, fmt.Errorf("%s is no boolean; say true or false", shorten(text))
	case Enum:
		for _, o := range a.Options {
			if o.String() == text {
				return o, nil
			}
		}
		if raw[0] == 'n' || text == "" {
			return Null, nil
		}
		return StringValue(text), nil // Check names the options
	}
	return a.Parse(raw)
}

func parseInt(raw []byte) (int64, error) {
	n, err := strconv.ParseInt(string(raw), 10, 64)
	if err == nil {
		return n, nil
	}
	// Languages without integers write 4096 as 4096.0.
	f, ferr := strconv.ParseFloat(string(raw), 64)
	if ferr != nil || f != math.Trunc(f) || math.Abs(f) >= 1<<63 {
		return 0, err
	}
	return int64(f), nil
}

// parseRef reads {"$ref": n}. Nearly all are written without spaces.
func parseRef(raw []byte) (int64, bool) {
	if digits, ok := bytes.CutPrefix(raw, []byte(`{"$ref":`)); ok {
		if digits, ok = bytes.CutSuffix(digits, []byte{'}'}); ok {
			if n, err := strconv.ParseInt(string(digits), 10, 64); err == nil && digits[0] != '+' {
				return n, true
			}
		}
	}
	var ref struct {
		Target *int64 `json:"$ref"`
	}
	if raw[0] != '{' || json.Unmarshal(raw, &ref) != nil || ref.Target == nil {
		return 0, false
	}
	return *ref.Target, true
}

// Check reports how a value breaks the attribute's rules (guide, "Attribute
// Classes"). Null breaks them unless the attribute is optional.
func (a *Attribute) Check(v Value) error {
	if v.IsNull() {
		if a.Optional {
			return nil
		}
		return fmt.Errorf("a value is required")
	}
	switch a.Kind {
	case String, Password:
		if s, _ := v.Text(); a.MaxLength != nil && utf8.RuneCountInString(s) > *a.MaxLength {
			return fmt.Errorf("%s is longer than %d characters", shorten(s), *a.MaxLength)
		}
	case Integer, Bytes, Float:
		n, ok := v.Number()
		if !ok {
			return fmt.Errorf("%s is no number", v)
		}
		if a.Min != nil && n < *a.Min {
			return fmt.Errorf("%s is less than the minimum of %v", v, *a.Min)
		}
		if a.Max != nil && n > *a.Max {
			return fmt.Errorf("%s is more than the maximum of %v", v, *a.Max)
		}
	case Enum:
		for _, o := range a.Options {
			if o.Same(v) {
				return nil
			}
		}
		return fmt.Errorf("%s is not one of %s", shorten(v.String()), optionList(a.Options))
	case Hostname:
		if s, _ := v.Text(); !isHostname(s) {
			return fmt.Errorf("%s is no host name or IP address", shorten(s))
		}
	case UUID:
		if s, _ := v.Text(); !isUUID(s) {
			return fmt.Errorf("%s is no UUID: it needs 32 hexadecimal digits", shorten(s))
		}
	}
	return nil
}

func optionList(options []Value) string {
	names := make([]string, len(options))
	for i, o := range options {
		names[i] = o.String()
	}
	return strings.Join(names, ", ")
}

// isHostname accepts a DNS name of at most 253 characters and an IPv4 or IPv6
// address. No top-level domain is a number, so a name that ends in one is meant
// as an address and must be one.
func isHostname(s string) bool {
	if _, err := netip.ParseAddr(s); err == nil {
		return true
	}
	if s == "" || len(s) > 253 {
		return false
	}
	if last := s[strings.LastIndexByte(s, '.')+1:]; strings.Trim(last, "0123456789") == "" {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for i := range len(label) {
			c := label[i]
			if c != '-' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
				return false
			}
		}
	}
	return true
}

// isUUID accepts 32 hexadecimal digits with hyphens anywhere (guide, "Uuid").
func isUUID(s string) bool {
	digits := 0
	for i := range len(s) {
		switch c := s[i]; {
		case c == '-':
		case c >= '0' && c <= '9', c >= 'a' && c <= 'f', c >= 'A' && c <= 'F':
			digits++
		default:
			return false
		}
	}
	return digits == 32
}

// shorten quotes text for an error, cut to a bearable length.
func shorten(s string) string {
	const most = 60
	if utf8.RuneCountInString(s) > most {
		s = string([]rune(s)[:most]) + "…"
	}
	return strconv.Quote(s)
}

// unquote reads a JSON string.
func unquote(raw []byte) string {
	if len(raw) >= 2 && bytes.IndexByte(raw, '\\') < 0 && utf8.Valid(raw) {
		return string(raw[1 : len(raw)-1])
	}
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

// EachMember calls f with every member of a JSON object, in order. The text
// must be valid JSON; what is cut short or no object is an error. f must not
// keep or change what it gets.
func EachMember(object []byte, f func(name, raw []byte) error) error {
	b := bytes.TrimSpace(object)
	if len(b) == 0 || b[0] != '{' {
		return fmt.Errorf("%s is no JSON object", shorten(string(object)))
	}
	i := skipSpace(b, 1)
	for i < len(b) && b[i] != '}' {
		end := skipValue(b, i)
		if b[i] != '"' || end > len(b) {
			return errTruncated
		}
		name := b[i+1 : end-1]
		if bytes.IndexByte(name, '\\') >= 0 || !utf8.Valid(name) {
			name = []byte(unquote(b[i:end]))
		}
		if i = skipSpace(b, end); i >= len(b) || b[i] != ':' {
			return errTruncated
		}
		i = skipSpace(b, i+1)
		if end = skipValue(b, i); end > len(b) || end == i {
			return errTruncated
		}
		if err := f(name, b[i:end]); err != nil {
			return err
		}
		if i = skipSpace(b, end); i < len(b) && b[i] == ',' {
			i = skipSpace(b, i+1)
		}
	}
	if i >= len(b) {
		return errTruncated
	}
	return nil
}

var errTruncated = fmt.Errorf("the JSON object is not whole")

func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\t' || b[i] == '\n' || b[i] == '\r') {
		i++
	}
	return i
}

// skipValue returns the index after the value at i, or more than len(b) if the
// value is cut short.
func skipValue(b []byte, i int) int {
	depth := 0
	for i < len(b) {
		switch b[i] {
		case '"':
			for i++; i < len(b) && b[i] != '"'; i++ {
				if b[i] == '\\' {
					i++
				}
			}
			if i >= len(b) {
				return len(b) + 1
			}
			if i++; depth == 0 {
				return i
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return i
			}
			if depth--; depth == 0 {
				return i + 1
			}
		case ',', ' ', '\n', '\t', '\r':
			if depth == 0 {
				return i
			}
		}
		i++
	}
	if depth > 0 {
		return len(b) + 1
	}
	return i
}

// Resource makes the resource of a stored row. A value that its class no
// longer allows by kind becomes null: what is stored must stay readable.
func (s *StoredResource) Resource(c *Class) (Resource, error) {
	r := Resource{
		ID: s.ID, Class: c, Label: s.Label, OwnLabel: s.OwnLabel, Alias: s.Alias, Identity: s.Identity,
		Scope: s.Scope, Reporters: s.Reporters, FirstSeen: s.FirstSeen, Updated: s.Updated,
		Values: make([]Value, len(c.Attributes)),
	}
	former := c.formerNames()
	err := EachMember(s.Attributes, func(name, raw []byte) error {
		i := c.Attr(string(name))
		if i < 0 && former != nil { // the row is older than the declaration
			if j, ok := former[string(name)]; ok && r.Values[j].IsNull() {
				i = j
			}
		}
		if i >= 0 {
			if v, err := c.Attributes[i].Parse(raw); err == nil {
				r.Values[i] = v
			}
		}
		return nil
	})
	if err == nil {
		r.WrittenBy, err = ParseWriters(s.WrittenBy, c)
	}
	if s.Root {
		r.Root = &RootState{Offline: s.Offline, Error: s.Error, LastContact: s.LastContact}
		if len(s.Held) > 0 {
			r.Root.Held = &HeldRemoval{}
			err = errors.Join(err, json.Unmarshal(s.Held, r.Root.Held))
		}
	}
	return r, err
}
