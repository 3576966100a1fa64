package plugin

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/faultline-storage/faultline/sdk/wire"
)

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
	// clear has the clear thresholds, in the order error, warn, info.
	clear [3]*float64
	hold  time.Duration
}

// ValueCondition watches an attribute for certain values. See When.
type ValueCondition[T comparable] struct{ c *condition }

func (v ValueCondition[T]) condition() *condition { return v.c }

// When watches the attribute for the values that are then given to Error, Warn
// and Info:
//
//	c.Alert(plugin.When(&d.Status).Warn(Degraded).Error(Failed), "Drive problem")
func When[T comparable](attribute *T) ValueCondition[T] {
	return ValueCondition[T]{&condition{kind: wire.ConditionValue, field: attribute}}
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

// For raises the alert only when the condition has held without interruption
// for so long. The default, 0, raises it at once.
func (v ValueCondition[T]) For(d time.Duration) ValueCondition[T] {
	v.c.hold = d
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
	return Bound{&condition{kind: wire.ConditionUpper, field: field}}
}

// Below watches the field for values below the bounds that are then given to
// Error, Warn and Info. A value equal to a bound is fine.
func Below[T Number](field *T) Bound {
	return Bound{&condition{kind: wire.ConditionLower, field: field}}
}

// Error sets the bound beyond which the value is an error.
func (b Bound) Error(bound float64) Bound { b.c.err = &bound; return b }

// Warn sets the bound beyond which the value is a warning.
func (b Bound) Warn(bound float64) Bound { b.c.warn = &bound; return b }

// Info sets the bound beyond which the value is worth a note.
func (b Bound) Info(bound float64) Bound { b.c.inf = &bound; return b }

// ErrorClear sets where the value must be back for an error to end, on the fine
// side of the bound that Error sets. Without it, that is the bound.
//
//	c.Alert(plugin.Above(&d.Temperature).Error(85).ErrorClear(75), "Drive too hot")
func (b Bound) ErrorClear(threshold float64) Bound { b.c.clear[0] = &threshold; return b }

// WarnClear sets where the value must be back for a warning to end. See
// ErrorClear.
func (b Bound) WarnClear(threshold float64) Bound { b.c.clear[1] = &threshold; return b }

// InfoClear sets where the value must be back for a note to end. See ErrorClear.
func (b Bound) InfoClear(threshold float64) Bound { b.c.clear[2] = &threshold; return b }

// For raises the alert only when the value has been beyond its bound without
// interruption for so long. The default, 0, raises it at once.
//
//	c.Alert(plugin.Above(&d.Temperature).Warn(70).For(5*time.Minute), "Drive hot")
func (b Bound) For(d time.Duration) Bound { b.c.hold = d; return b }

// checkThresholds tells what is wrong with the duration and the clear thresholds
// of a condition, or returns an empty text.
func (c *condition) checkThresholds() string {
	if c.hold < 0 || c.hold.Seconds() > wire.MaxForSeconds {
		return fmt.Sprintf("the duration given to For is %v; it may be from 0 to 366 days", c.hold)
	}
	for i, bound := range []*float64{c.err, c.warn, c.inf} {
		name, at := [...]string{"Error", "Warn", "Info"}[i], c.clear[i]
		switch {
		case at == nil:
		case bound == nil:
			return fmt.Sprintf("%sClear without %s: a clear threshold needs the bound that it clears", name, name)
		case math.IsNaN(*at) || math.IsInf(*at, 0):
			return fmt.Sprintf("the threshold given to %sClear is not a finite number", name)
		case c.kind == wire.ConditionUpper && *at > *bound:
			return fmt.Sprintf("%sClear(%v) is above the bound %v: an alert of Above ends at or below the bound", name, *at, *bound)
		case c.kind == wire.ConditionLower && *at < *bound:
			return fmt.Sprintf("%sClear(%v) is below the bound %v: an alert of Below ends at or above the bound", name, *at, *bound)
		}
	}
	return ""
}

// condition checks a condition and gives it its form in the manifest.
func (c *Class) condition(at caller, cond *condition) (w wire.Condition, ok bool) {
	f, st := c.field(cond.field)
	if f == nil && st == nil {
		c.c.problem(wire.RuleConditionUnknown, at, "", "the pointer of the alert condition does not point to a field of this class").fix(pointerFix)
		return w, false
	}
	w.Kind = cond.kind
	if st != nil {
		w.Attribute = st.Name
	} else {
		w.Attribute = f.Name
	}
	problem := func(rule wire.Rule, format string, args ...any) (wire.Condition, bool) {
		c.c.problem(rule, at, w.Attribute, format, args...)
		return w, false
	}
	if wrong := cond.checkThresholds(); wrong != "" {
		return problem(wire.RuleConditionOption, "%s", wrong)
	}
	w.ForSeconds = cond.hold.Seconds()
	if cond.kind != wire.ConditionValue {
		w.ErrorClear, w.WarnClear, w.InfoClear = cond.clear[0], cond.clear[1], cond.clear[2]
		w.ErrorBound, w.WarnBound, w.InfoBound = cond.err, cond.warn, cond.inf
		if cond.err == nil && cond.warn == nil && cond.inf == nil {
			return problem(wire.RuleConditionEmpty, "the alert condition has no bound: add Error, Warn or Info")
		}
		for _, b := range []*float64{cond.err, cond.warn, cond.inf} {
			if b != nil && (math.IsNaN(*b) || math.IsInf(*b, 0)) {
				return problem(wire.RuleConditionOption, "a bound of the alert condition is not a finite number")
			}
		}
		return w, true
	}
	if f == nil {
		return problem(wire.RuleConditionKind, "When watches attributes; use Above or Below for a statistic")
	}
	if len(cond.errs)+len(cond.warns)+len(cond.info) == 0 {
		return problem(wire.RuleConditionEmpty, "the alert condition has no values: add Error, Warn or Info")
	}
	for _, list := range []struct {
		from []any
		to   *[]json.RawMessage
	}{{cond.errs, &w.ErrorStates}, {cond.warns, &w.WarnStates}, {cond.info, &w.InfoStates}} {
		for _, v := range list.from {
			raw, err := rawValue(v)
			if err != nil {
				return problem(wire.RuleConditionKind, "%v", err)
			}
			if f.Kind == wire.KindEnum && !slices.ContainsFunc(f.Options, func(o json.RawMessage) bool { return string(o) == string(raw) }) {
				return problem(wire.RuleConditionState, "the alert condition watches for %s, which is not one of %s", raw, f.optionList())
			}
			*list.to = append(*list.to, raw)
		}
	}
	return w, true
}

// severities names the severities that a condition watches for.
func severities(w wire.Condition) (list []string) {
	if w.ErrorBound != nil || len(w.ErrorStates) > 0 {
		list = append(list, "error")
	}
	if w.WarnBound != nil || len(w.WarnStates) > 0 {
		list = append(list, "warning")
	}
	if w.InfoBound != nil || len(w.InfoStates) > 0 {
		list = append(list, "info")
	}
	return list
}

// addCondition adds a condition if it can be told from the others.
func (c *class) addCondition(at caller, w wire.Condition) {
	for _, old := range c.Conditions {
		if old.Attribute != w.Attribute || old.ID != w.ID {
			continue
		}
		for _, s := range severities(w) {
			if slices.Contains(severities(old), s) {
				c.problem(wire.RuleConditionClash, at, w.Attribute, "two alert conditions of severity %s watch this attribute under the same id %q", s, w.ID).
					fix("give each an id of its own: c.Alert(condition, %s, %q)", quote(w.Message), suggestID(w))
				return
			}
		}
	}
	c.Conditions = append(c.Conditions, w)
	c.conditionsAt = append(c.conditionsAt, at)
}
