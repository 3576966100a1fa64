// Package tool reads the output of tools that know more about block devices than
// /sys does, in the forms of old and new versions: LVM, multipathd, mdadm, zpool and
// zfs, smartctl, sg_ses. Every function takes what it is given, however broken, and
// returns what can be understood of it; an error only says that nothing can.
package tool

import (
	"bytes"
	"encoding/json"
	"errors"
	"iter"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// ErrNothing is returned for output that holds nothing of what the tool tells.
var ErrNothing = errors.New("its output holds nothing that is understood")

func lines(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for line := range strings.Lines(text) {
			if !yield(strings.TrimRight(line, "\r\n")) {
				return
			}
		}
	}
}

// object is a JSON object of a tool whose versions differ in what they write as
// text, number or truth.
type object map[string]any

// decode reads the first JSON object that begins in the text: some tools write
// warnings before it.
func decode(text []byte) (object, error) {
	start := bytes.IndexByte(text, '{')
	if start < 0 {
		return nil, ErrNothing
	}
	d := json.NewDecoder(bytes.NewReader(text[start:]))
	d.UseNumber()
	var o object
	if err := d.Decode(&o); err != nil {
		return nil, err
	}
	return o, nil
}

// at follows the keys into objects in objects.
func (o object) at(keys ...string) any {
	var v any = map[string]any(o)
	for _, key := range keys {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[key]
	}
	return v
}

func (o object) object(keys ...string) object {
	m, _ := o.at(keys...).(map[string]any)
	return m
}

// objects are the objects of a list, or the values of an object in the order of
// its keys.
func (o object) objects(keys ...string) []object {
	var all []object
	switch v := o.at(keys...).(type) {
	case []any:
		for _, e := range v {
			if m, ok := e.(map[string]any); ok {
				all = append(all, m)
			}
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if m, ok := v[key].(map[string]any); ok {
				all = append(all, m)
			}
		}
	}
	return all
}

func (o object) text(keys ...string) string {
	switch v := o.at(keys...).(type) {
	case string:
		return strings.TrimSpace(v)
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}

func (o object) number(keys ...string) (float64, bool) {
	var text string
	switch v := o.at(keys...).(type) {
	case json.Number:
		text = v.String()
	case string:
		text = strings.TrimSpace(v)
	}
	n, err := strconv.ParseFloat(text, 64)
	return n, err == nil && !math.IsInf(n, 0) && !math.IsNaN(n)
}

func (o object) int(keys ...string) int64 {
	n, _ := o.number(keys...)
	return clampInt(n)
}

// clampInt avoids what Go leaves open: floats beyond the integers.
func clampInt(n float64) int64 {
	switch {
	case n >= math.MaxInt64:
		return math.MaxInt64
	case n <= math.MinInt64:
		return math.MinInt64
	case math.IsNaN(n):
		return 0
	}
	return int64(n)
}

// Size reads a size with or without its unit: "1073741824B", "476.45g", "1,5T". All
// units are powers of 1024. An answer in bytes is exact.
func Size(text string) int64 {
	text = strings.Trim(strings.ReplaceAll(text, ",", "."), " <>")
	i := strings.IndexFunc(text, func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
	unit := ""
	if i >= 0 {
		text, unit = text[:i], strings.ToLower(strings.TrimSpace(text[i:]))
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && (unit == "" || unit == "b") {
		return n
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0
	}
	power := 0
	if unit != "" {
		if power = strings.IndexByte("bkmgtpe", unit[0]); power < 0 {
			return 0
		}
	}
	return clampInt(n * math.Pow(1024, float64(power)))
}

func or(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
