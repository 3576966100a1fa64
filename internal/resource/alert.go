package resource

import (
	"slices"
	"time"
)

// AlertID identifies an alert. AlertIDs are positive and never reused.
type AlertID int64

// OfflineCondition is the Condition of the alert that says that a root cannot
// be reached. No class declares it.
const OfflineCondition = "offline"

// HeldCondition is the Condition of the alert that says that a scan of a root
// lacked most of what there was, and that nothing was removed for it yet. No
// class declares it.
const HeldCondition = "removal_held"

// ServerMade reports whether the server itself watches the condition, so that no
// class declares it.
func ServerMade(condition string) bool {
	return condition == OfflineCondition || condition == HeldCondition
}

// Alert is a declared condition that holds, or held, on a resource. It is
// immutable: a change makes a new one. At most one alert is active for one
// (Resource, Condition, Attribute, Severity).
type Alert struct {
	ID        AlertID
	Resource  ID
	Plugin    string
	Class     string
	Condition string // Condition.Name, or OfflineCondition
	Attribute string
	Severity  Severity
	// Message is the condition's; Text adds the resource's class label and name
	// as they were when the alert was raised.
	Message, Text string
	Began         time.Time
	Ended         time.Time // zero while active
	// Seq is the position of the alert's last change in the order of all alert
	// changes.
	Seq uint64
}

// Active reports whether the condition still holds.
func (a *Alert) Active() bool { return a.Ended.IsZero() }

// Holds reports whether the condition holds at the given severity for a value.
// Null trips nothing. Bounds are strict (guide, "UpperBoundCondition").
func (c *Condition) Holds(s Severity, v Value) bool {
	if v.IsNull() {
		return false
	}
	switch c.Kind {
	case ValueCondition:
		return slices.ContainsFunc(c.States[s], v.Same)
	case UpperBound:
		b, ok := c.Bounds[s]
		n, num := v.Number()
		return ok && num && n > b
	case LowerBound:
		b, ok := c.Bounds[s]
		n, num := v.Number()
		return ok && num && n < b
	}
	return false
}

// Same reports whether two values are equal as an author sees them: 1 and 1.0
// are.
func (v Value) Same(w Value) bool {
	if v == w {
		return true
	}
	a, ok1 := v.Number()
	b, ok2 := w.Number()
	return ok1 && ok2 && a == b
}

// Watches reports whether the condition has states or a bound of the severity.
func (c *Condition) Watches(s Severity) bool {
	if _, ok := c.Bounds[s]; ok {
		return true
	}
	return len(c.States[s]) > 0
}
