package resource

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Value is the value of one attribute. The zero Value is null. Values are
// comparable with ==, except that two Floats follow float rules (a Value never
// holds NaN).
type Value struct {
	kind valueKind
	n    int64 // integer, boolean, reference; bits of a float
	s    string
}

type valueKind uint8

const (
	vNull valueKind = iota
	vString
	vInt
	vFloat
	vBool
	vRef
)

// Null is the absent value.
var Null Value

// StringValue returns a text value.
func StringValue(s string) Value { return Value{kind: vString, s: s} }

// IntValue returns an integer value.
func IntValue(n int64) Value { return Value{kind: vInt, n: n} }

// FloatValue returns a floating-point value; f must not be NaN.
func FloatValue(f float64) Value { return Value{kind: vFloat, n: int64(math.Float64bits(f))} }

// BoolValue returns a boolean value.
func BoolValue(b bool) Value {
	if b {
		return Value{kind: vBool, n: 1}
	}
	return Value{kind: vBool}
}

// RefValue returns a reference. Inside a Batch its number is a Handle, in a
// Resource it is an ID.
func RefValue(id int64) Value { return Value{kind: vRef, n: id} }

// IsNull reports whether the value is absent.
func (v Value) IsNull() bool { return v.kind == vNull }

// Text returns the text of a text value.
func (v Value) Text() (string, bool) { return v.s, v.kind == vString }

// Int returns the number of an integer value.
func (v Value) Int() (int64, bool) { return v.n, v.kind == vInt }

// Bool returns the truth of a boolean value.
func (v Value) Bool() (bool, bool) { return v.n != 0, v.kind == vBool }

// Ref returns the target of a reference.
func (v Value) Ref() (int64, bool) { return v.n, v.kind == vRef }

// Number returns the value of an integer or a float as a float.
func (v Value) Number() (float64, bool) {
	switch v.kind {
	case vInt:
		return float64(v.n), true
	case vFloat:
		return math.Float64frombits(uint64(v.n)), true
	}
	return 0, false
}

// String returns the value as plain text: what a label or a log shows.
// Null is empty.
func (v Value) String() string {
	switch v.kind {
	case vString:
		return v.s
	case vInt:
		return strconv.FormatInt(v.n, 10)
	case vFloat:
		return strconv.FormatFloat(math.Float64frombits(uint64(v.n)), 'g', -1, 64)
	case vBool:
		return strconv.FormatBool(v.n != 0)
	case vRef:
		return "#" + strconv.FormatInt(v.n, 10)
	}
	return ""
}

// AppendJSON appends the value as JSON to b. A reference is {"$ref":n}.
func (v Value) AppendJSON(b []byte) []byte {
	switch v.kind {
	case vString:
		return AppendJSONString(b, v.s)
	case vInt:
		return strconv.AppendInt(b, v.n, 10)
	case vFloat:
		return strconv.AppendFloat(b, math.Float64frombits(uint64(v.n)), 'g', -1, 64)
	case vBool:
		return strconv.AppendBool(b, v.n != 0)
	case vRef:
		b = append(b, `{"$ref":`...)
		return append(strconv.AppendInt(b, v.n, 10), '}')
	}
	return append(b, "null"...)
}

// MarshalJSON implements json.Marshaler; see AppendJSON.
func (v Value) MarshalJSON() ([]byte, error) { return v.AppendJSON(nil), nil }

// Plain returns the value as nil, string, int64, float64 or bool; a reference
// as its int64. It is for programs that walk values of any kind.
func (v Value) Plain() any {
	switch v.kind {
	case vString:
		return v.s
	case vInt, vRef:
		return v.n
	case vFloat:
		f, _ := v.Number()
		return f
	case vBool:
		return v.n != 0
	}
	return nil
}

// AppendJSONString appends s as a JSON string. Invalid UTF-8 becomes U+FFFD.
func AppendJSONString(b []byte, s string) []byte {
	plain := true
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c == '"' || c == '\\' || c >= 0x7f || c == '<' || c == '>' || c == '&' {
			plain = false
			break
		}
	}
	if plain {
		b = append(b, '"')
		b = append(b, s...)
		return append(b, '"')
	}
	j, err := json.Marshal(s)
	if err != nil { // a string always marshals
		panic(err)
	}
	return append(b, j...)
}

// Format returns the value as people read it (the API's text): Bytes with IEC
// units, booleans as yes or no, a reference by what name returns for it.
func (a *Attribute) Format(v Value, name func(ID) string) string {
	if v.IsNull() {
		return ""
	}
	switch a.Kind {
	case Bytes:
		if n, ok := v.Int(); ok {
			return FormatBytes(n)
		}
	case Boolean:
		if b, ok := v.Bool(); ok {
			if b {
				return "yes"
			}
			return "no"
		}
	case Reference:
		if n, ok := v.Ref(); ok && name != nil {
			return name(ID(n))
		}
	case Password:
		return ""
	}
	return v.String()
}

// FormatBytes returns n with an IEC unit and one decimal: "1.5 TiB". Numbers
// below 1024 have the unit B and no decimal.
func FormatBytes(n int64) string {
	const units = "KMGTPE"
	neg := ""
	u := uint64(n)
	if n < 0 {
		neg, u = "-", -u
	}
	if u < 1024 {
		return fmt.Sprintf("%s%d B", neg, u)
	}
	f, i := float64(u)/1024, 0
	// 1023.95 KiB would print as 1024.0 KiB; the next unit reads better.
	for f >= 1023.95 && i < len(units)-1 {
		f /= 1024
		i++
	}
	return fmt.Sprintf("%s%.1f %ciB", neg, f, units[i])
}

// FormatQuantity returns a number with its unit as people read it: bytes, and bytes
// in a time, with an IEC unit, others with at most six digits.
func FormatQuantity(v float64, unit string) string {
	if of, in, _ := strings.Cut(unit, "/"); of == "bytes" && math.Abs(v) < math.MaxInt64 {
		text := FormatBytes(int64(v))
		if in != "" {
			text += "/" + in
		}
		return text
	}
	text := strconv.FormatFloat(v, 'g', 6, 64)
	if v == math.Trunc(v) && math.Abs(v) < 1e15 {
		text = strconv.FormatFloat(v, 'f', 0, 64)
	}
	if unit == "%" {
		return text + "%"
	}
	return strings.TrimSpace(text + " " + unit)
}

// Fold returns the text by which a relation matches the value: its text,
// lowered if ignoreCase. Null matches nothing, so ok is false.
func (v Value) Fold(ignoreCase bool) (text string, ok bool) {
	if v.IsNull() {
		return "", false
	}
	text = v.String()
	if ignoreCase {
		text = strings.ToLower(text)
	}
	return text, true
}
