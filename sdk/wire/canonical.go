package wire

import (
	"bytes"
	"cmp"
	"encoding/json"
	"math"
	"slices"
	"strconv"
)

// Canonical returns the manifest in the one form that does not depend on the
// language or the order of declaration: classes sorted by name, keys of objects
// sorted, whole numbers without a fraction, two spaces of indentation, and a
// line feed at the end.
func (m Manifest) Canonical() ([]byte, error) {
	m.Classes = slices.Clone(m.Classes)
	slices.SortStableFunc(m.Classes, func(a, b Class) int { return cmp.Compare(a.Name, b.Name) })
	raw, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(canonical(v)); err != nil { // package json sorts the keys of maps
		return nil, err
	}
	return out.Bytes(), nil
}

// canonical gives numbers their shortest form.
func canonical(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = canonical(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = canonical(v[k])
		}
	case json.Number:
		if _, err := v.Int64(); err == nil {
			return v
		}
		if f, err := v.Float64(); err == nil && f == math.Trunc(f) && math.Abs(f) < 1<<53 {
			return json.Number(strconv.FormatFloat(f, 'f', -1, 64))
		}
	}
	return v
}
