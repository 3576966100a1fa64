package resource

import (
	"math"
	"slices"
	"strconv"
)

// Former returns the index that attribute i of the class has in an older
// declaration of it: under its name, or else under the latest of the names that
// it had; -1 if the older declaration has none of them.
func (c *Class) Former(i int, old *Class) int {
	a := &c.Attributes[i]
	if j := old.Attr(a.Name); j >= 0 {
		return j
	}
	for _, name := range a.RenamedFrom {
		if j := old.Attr(name); j >= 0 && c.Attr(name) < 0 {
			return j
		}
	}
	return -1
}

// formerNames has the attributes by the names that they had; nil if none had one.
func (c *Class) formerNames() (by map[string]int) {
	for i := range c.Attributes {
		for _, name := range c.Attributes[i].RenamedFrom {
			if by == nil {
				by = map[string]int{}
			}
			if c.Attr(name) < 0 {
				by[name] = i
			}
		}
	}
	return by
}

// Convert returns a value of another declaration of the attribute as one of
// this, and whether there is one that says the same: text and number change into
// each other where neither form says more. Passwords and references change into
// nothing else. Null stays null. The value is one that Check accepts.
func (a *Attribute) Convert(v Value, from *Attribute) (Value, bool) {
	if v.IsNull() {
		return Null, true
	}
	if from.Kind != a.Kind {
		var ok bool
		if v, ok = a.cast(v, from); !ok {
			return Null, false
		}
	}
	// A sealed password says nothing about the rules of the attribute.
	if a.Kind != Password && a.Check(v) != nil {
		return Null, false
	}
	return v, true
}

// cast is Convert between different kinds, without the rules of the attribute.
func (a *Attribute) cast(v Value, from *Attribute) (Value, bool) {
	sealed := []Kind{Password, Reference}
	if slices.Contains(sealed, a.Kind) || slices.Contains(sealed, from.Kind) {
		return Null, false
	}
	switch a.Kind {
	case String, Hostname, UUID, Path:
		return StringValue(v.String()), true
	case Integer, Bytes:
		return integral(v)
	case Float:
		return floating(v)
	case Boolean:
		if _, ok := v.Bool(); ok {
			return v, true
		}
		if s, ok := v.Text(); ok && (s == "true" || s == "false") {
			return BoolValue(s == "true"), true
		}
	case Enum:
		for _, o := range a.Options {
			if o.Same(v) || o.String() == v.String() {
				return o, true
			}
		}
	}
	return Null, false
}

func integral(v Value) (Value, bool) {
	if _, ok := v.Int(); ok {
		return v, true
	}
	if s, ok := v.Text(); ok {
		n, err := strconv.ParseInt(s, 10, 64)
		return IntValue(n), err == nil && strconv.FormatInt(n, 10) == s
	}
	f, ok := v.Number()
	if !ok || f != math.Trunc(f) || math.Abs(f) > maxExact {
		return Null, false
	}
	return IntValue(int64(f)), true
}

func floating(v Value) (Value, bool) {
	if n, ok := v.Int(); ok {
		return FloatValue(float64(n)), n <= maxExact && n >= -maxExact
	}
	if s, ok := v.Text(); ok {
		f, err := strconv.ParseFloat(s, 64)
		return FloatValue(f), err == nil && !math.IsNaN(f) && !math.IsInf(f, 0) && FloatValue(f).String() == s
	}
	_, ok := v.Number()
	return v, ok
}

// maxExact is up to where every integer is a float of its own.
const maxExact = 1 << 53
