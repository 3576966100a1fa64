package resource

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// Predicate is what a query asks of one attribute.
type Predicate struct {
	// Attribute is the name of an attribute, with AttributePrefix or without, or
	// "name" for what people call the resource. A resource whose class has no such attribute does not fit.
	Attribute string
	Op        Operator
	// Text is what the value is compared with. Numbers may have a unit of bytes.
	Text string
}

// Operator is how a predicate compares.
type Operator string

// The comparisons. Texts are what people read, and case does not count; numbers
// are compared as numbers. Nothing is equal to the empty text only, and neither
// less nor greater than anything.
const (
	Equal          Operator = "="
	NotEqual       Operator = "!="
	Contains       Operator = "~"
	Less           Operator = "<"
	LessOrEqual    Operator = "<="
	Greater        Operator = ">"
	GreaterOrEqual Operator = ">="
)

// ops are the comparisons, those first that begin with another.
var ops = []Operator{NotEqual, LessOrEqual, GreaterOrEqual, Equal, Contains, Less, Greater}

// ParsePredicate reads a condition such as "status=FAILED", "serial~wd" or
// "capacity>=10 TiB". It does not know which attributes there are.
func ParsePredicate(text string) (Predicate, error) {
	i := strings.IndexAny(text, "!<>=~")
	if i > 0 {
		for _, op := range ops {
			if rest, ok := strings.CutPrefix(text[i:], string(op)); ok {
				return Predicate{Attribute: strings.TrimSpace(text[:i]), Op: op, Text: strings.TrimSpace(rest)}, nil
			}
		}
	}
	return Predicate{}, FieldErrorf("where", "%q is no condition; write the name of an attribute, one of = != ~ < <= > >=, and a value", text)
}

// Ordered reports whether the condition compares numbers by size.
func (c *Predicate) Ordered() bool {
	return c.Op == Less || c.Op == LessOrEqual || c.Op == Greater || c.Op == GreaterOrEqual
}

// Matcher returns what tells whether a value of the attribute fits; name is for
// references, as in Format. It fails if the comparison makes no sense.
func (c *Predicate) Matcher(a *Attribute, name func(ID) string) (func(Value) bool, error) {
	if a.Kind == Password {
		return nil, FieldErrorf("where", "nothing can be asked of attribute %s, which is a password", a.Name)
	}
	numeric := a.Kind == Integer || a.Kind == Float || a.Kind == Bytes
	n, isNumber := parseQuantity(c.Text)
	switch {
	case c.Ordered() && !numeric:
		return nil, FieldErrorf("where", "attribute %s is no number; %s compares numbers, so use =, != or ~", a.Name, c.Op)
	case c.Ordered() && !isNumber:
		return nil, FieldErrorf("where", "%q, with which attribute %s is compared, is no number", c.Text, a.Name)
	case c.Ordered():
		return func(v Value) bool {
			x, ok := v.Number()
			return ok && compares(x, c.Op, n)
		}, nil
	}
	want := strings.ToLower(c.Text)
	read := func(v Value) string { return strings.ToLower(a.Format(v, name)) }
	if c.Op == Contains {
		return func(v Value) bool { return strings.Contains(read(v), want) }, nil
	}
	equal := func(v Value) bool {
		if v.IsNull() {
			return want == ""
		}
		if x, ok := v.Number(); ok && isNumber {
			return x == n || read(v) == want
		}
		if s, ok := v.Text(); ok { // which spares a copy of what differs in length
			return len(s) == len(want) && strings.EqualFold(s, want) || len(s) != len(want) && strings.ToLower(s) == want
		}
		return read(v) == want || strings.ToLower(v.String()) == want
	}
	if c.Op == NotEqual {
		return func(v Value) bool { return !equal(v) }, nil
	}
	return equal, nil
}

func compares(x float64, op Operator, n float64) bool {
	switch op {
	case Less:
		return x < n
	case LessOrEqual:
		return x <= n
	case Greater:
		return x > n
	default:
		return x >= n
	}
}

// byteUnits are what a number may be followed by, lowered.
var byteUnits = []string{"", "k", "m", "g", "t", "p", "e"}

// parseQuantity reads a number that may have a unit of bytes: "12", "1.5 TiB",
// "10TB".
func parseQuantity(text string) (float64, bool) {
	low := strings.ToLower(strings.TrimSpace(text))
	end := strings.LastIndexAny(low, "0123456789.") + 1
	n, err := strconv.ParseFloat(low[:end], 64)
	if err != nil || math.IsInf(n, 0) || math.IsNaN(n) {
		return 0, false
	}
	unit := strings.TrimSpace(low[end:])
	base := 1000.0
	switch {
	case unit == "" || unit == "b":
		return n, true
	case strings.HasSuffix(unit, "ib"):
		unit, base = strings.TrimSuffix(unit, "ib"), 1024
	case strings.HasSuffix(unit, "b"):
		unit = strings.TrimSuffix(unit, "b")
	default:
		return 0, false
	}
	i := slices.Index(byteUnits, unit)
	if i < 1 {
		return 0, false
	}
	return n * math.Pow(base, float64(i)), true
}
