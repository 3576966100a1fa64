package redfish

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode"
)

// object is one JSON object as a service sent it. Its accessors never fail:
// what is missing, null or of a type that the schema does not foresee is
// "no value", because one wrong property must not hide the rest of a drive.
// A nil object has no properties.
type object map[string]any

var byteOrderMark = []byte("\xef\xbb\xbf")

// decode reads a document. Whatever is not one JSON object is an error.
func decode(b []byte) (object, error) {
	b = bytes.TrimSpace(bytes.TrimPrefix(b, byteOrderMark))
	if len(b) == 0 {
		return nil, errors.New("empty answer")
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber() // a capacity does not fit a float64 exactly
	var o object
	if err := d.Decode(&o); err != nil {
		return nil, fmt.Errorf("no JSON object: %w", err)
	}
	if o == nil {
		return nil, errors.New("no JSON object: null")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("no JSON object: more text after it")
	}
	return o, nil
}

// at returns the object at the end of a chain of properties, or nil.
func (o object) at(keys ...string) object {
	for _, k := range keys {
		m, _ := o[k].(map[string]any)
		o = m
	}
	return o
}

// list returns the objects of an array property. A lone object stands for an
// array of one; elements that are no objects are returned as nil, so that
// positions are kept.
func (o object) list(key string) []object {
	switch v := o[key].(type) {
	case map[string]any:
		return []object{v}
	case []any:
		out := make([]object, len(v))
		for i, e := range v {
			m, _ := e.(map[string]any)
			out[i] = m
		}
		return out
	}
	return nil
}

// placeholders are texts that services write where they have nothing to say.
var placeholders = map[string]bool{
	"": true, "nil": true, "null": true, "n/a": true, "na": true, "none": true, "not available": true,
	"not applicable": true, "unknown": true, "not specified": true, "to be filled by o.e.m.": true,
}

// text returns a text property without surrounding space; a number is its
// digits. It is empty if there is none, or only a placeholder such as "N/A".
func (o object) text(key string) string {
	s := ""
	switch v := o[key].(type) {
	case string:
		s = strings.TrimFunc(v, func(r rune) bool { return r == 0 || unicode.IsSpace(r) })
	case json.Number:
		s = v.String()
	}
	if placeholders[strings.ToLower(s)] {
		return ""
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// first returns the first text property that says something.
func (o object) first(keys ...string) string {
	for _, k := range keys {
		if s := o.text(k); s != "" {
			return s
		}
	}
	return ""
}

// number returns a numeric property, or one that is a text holding a number.
func (o object) number(key string) *float64 {
	var s string
	switch v := o[key].(type) {
	case json.Number:
		s = v.String()
	case string:
		s = strings.TrimSpace(v)
	default:
		return nil
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
		return nil
	}
	return &f
}

// firstNumber returns the first numeric property there is.
func (o object) firstNumber(keys ...string) *float64 {
	for _, k := range keys {
		if f := o.number(k); f != nil {
			return f
		}
	}
	return nil
}

// size returns a property that counts something and so is not negative: bytes,
// revolutions. It keeps all digits of a 64 bit integer.
func (o object) size(key string) *int64 {
	if n, ok := o[key].(json.Number); ok {
		if i, err := n.Int64(); err == nil {
			if i < 0 {
				return nil
			}
			return &i
		}
	}
	f := o.number(key)
	if f == nil || *f < 0 || *f >= math.MaxInt64 {
		return nil
	}
	i := int64(*f)
	return &i
}

// flag returns a truth property, also one written as text.
func (o object) flag(key string) *bool {
	switch v := o[key].(type) {
	case bool:
		return &v
	case string:
		if b, err := strconv.ParseBool(strings.ToLower(strings.TrimSpace(v))); err == nil {
			return &b
		}
	}
	return nil
}

// texts returns an array of texts joined by commas.
func (o object) texts(key string) string {
	v, ok := o[key].([]any)
	if !ok {
		return o.text(key)
	}
	var out []string
	for i := range v {
		if s := (object{"": v[i]}).text(""); s != "" {
			out = append(out, s)
		}
	}
	return strings.Join(out, ", ")
}

// link is the property that names a resource.
const linkKey = "@odata.id"

// refs returns the addresses that a property links to: of a link, an array of
// links, or a collection that is written in place with its Members.
func (o object) refs(key string) []string {
	var out []string
	add := func(v any) {
		switch v := v.(type) {
		case string:
			if strings.HasPrefix(v, "/") {
				out = append(out, v)
			}
		case map[string]any:
			if s, ok := v[linkKey].(string); ok && strings.TrimSpace(s) != "" {
				out = append(out, strings.TrimSpace(s))
			}
		}
	}
	if list, ok := o[key].([]any); ok {
		for _, v := range list {
			add(v)
		}
		return out
	}
	add(o[key])
	return out
}

// ref returns the first address that a property links to, or "".
func (o object) ref(key string) string {
	if all := o.refs(key); len(all) > 0 {
		return all[0]
	}
	return ""
}

// bare reports whether the object is a link and nothing more.
func (o object) bare() bool {
	_, link := o[linkKey]
	return len(o) == 0 || link && len(o) == 1
}
