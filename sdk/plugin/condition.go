package plugin

// Condition is an alert condition, made by When, Above or Below (guide, "Alert
// Conditions").
type Condition interface {
	condition() *condition
}

type condition struct {
	kind              string
	field             any
	errs, warns, info []any
	err, warn, inf    *float64
}

// ValueCondition watches an attribute for certain values. See When.
type ValueCondition[T comparable] struct{ c *condition }

func (v ValueCondition[T]) condition() *condition { return v.c }

// When watches the attribute for the values that are then given to Error, Warn
// and Info:
//
//	c.Alert(plugin.When(&d.Status).Warn(Degraded).Error(Failed), "Drive problem")
func When[T comparable](attribute *T) ValueCondition[T] {
	return ValueCondition[T]{&condition{kind: "value", field: attribute}}
}

func anys[T any](values []T) []any {
	out := make([]any, len(values))
	for i, v := range values {
		out[i] = v
	}
	return out
}

// Error adds values that are errors.
func (v ValueCondition[T]) Error(values ...T) ValueCondition[T] {
	v.c.errs = append(v.c.errs, anys(values)...)
	return v
}

// Warn adds values that are warnings.
func (v ValueCondition[T]) Warn(values ...T) ValueCondition[T] {
	v.c.warns = append(v.c.warns, anys(values)...)
	return v
}

// Info adds values that are worth a note.
func (v ValueCondition[T]) Info(values ...T) ValueCondition[T] {
	v.c.info = append(v.c.info, anys(values)...)
	return v
}

// Number is a field that a bound can be put on: a number, Gauge or Counter.
type Number interface {
	~int | ~int8 | ~int16 | ~int32 | ~int64 |
		~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~float64 |
		*int | *int8 | *int16 | *int32 | *int64 |
		*uint | *uint8 | *uint16 | *uint32 | *uint64 | *float64 | *Bytes |
		Gauge | Counter
}

// Bound watches a number. See Above and Below.
type Bound struct{ c *condition }

func (b Bound) condition() *condition { return b.c }

// Above watches the field for values above the bounds that are then given to
// Error, Warn and Info. A value equal to a bound is fine.
//
//	c.Alert(plugin.Above(&d.Temperature).Warn(70).Error(85), "Drive too hot")
func Above[T Number](field *T) Bound {
	return Bound{&condition{kind: "upper_bound", field: field}}
}

// Below watches the field for values below the bounds that are then given to
// Error, Warn and Info. A value equal to a bound is fine.
func Below[T Number](field *T) Bound {
	return Bound{&condition{kind: "lower_bound", field: field}}
}

// Error sets the bound beyond which the value is an error.
func (b Bound) Error(bound float64) Bound { b.c.err = &bound; return b }

// Warn sets the bound beyond which the value is a warning.
func (b Bound) Warn(bound float64) Bound { b.c.warn = &bound; return b }

// Info sets the bound beyond which the value is worth a note.
func (b Bound) Info(bound float64) Bound { b.c.inf = &bound; return b }
