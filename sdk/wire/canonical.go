package wire

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"strings"
)

// Canonical returns the manifest in the one form that does not depend on the
// language or the order of declaration: classes sorted by name, keys of objects
// sorted, numbers in their shortest form (85, not 85.0), two spaces of
// indentation, and a line feed at the end.
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

// canonical gives numbers the form that package json gives them, as languages
// write fractions and exponents differently. Integers stay as they are: one of
// 64 bits is no float.
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
		if f, err := v.Float64(); err == nil && strings.ContainsAny(v.String(), ".eE") {
			return f
		}
	}
	return v
}
