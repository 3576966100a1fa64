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
	// Name is the resource's name when the alert was raised.
	Name string
	// Message is the condition's; Text adds the resource's class label and Name.
	Message, Text string
	// Since is when the condition began to hold. Began is when the alert was
	// raised: the same, or later by the condition's For.
	Since, Began time.Time
	Ended        time.Time // zero while active
	// Ack is the last acknowledgement. It stays with the alert when that ends.
	Ack Acknowledgement
	// Seq is the position of the alert's last change in the order of all alert
	// changes.
	Seq uint64
}

// Active reports whether the alert has not ended.
func (a *Alert) Active() bool { return a.Ended.IsZero() }

// Acknowledgement says that somebody knows of an alert. The zero
// Acknowledgement says that nobody does.
type Acknowledgement struct {
	User    string
	Comment string
	Time    time.Time
}

// Given reports whether there is an acknowledgement.
func (a Acknowledgement) Given() bool { return !a.Time.IsZero() }

// AlertSelection names active alerts: those with the IDs, or those that a query
// selects, whose page does not matter.
type AlertSelection struct {
	IDs   []AlertID
	Query *AlertQuery // if not nil, IDs are not looked at
}

// AlertKey identifies what an alert is about. At most one alert with the key is
// active.
type AlertKey struct {
	Resource             ID
	Condition, Attribute string
	Severity             Severity
}

// Key returns what the alert is about.
func (a *Alert) Key() AlertKey { return AlertKey{a.Resource, a.Condition, a.Attribute, a.Severity} }

// PendingAlert is a condition that holds, but not yet for as long as its For
// asks.
type PendingAlert struct {
	AlertKey
	Plugin, Class string
	Since         time.Time // when it began to hold
	Message       string    // of the alert that it may become
}

// AlertMutation is what a store must do about alerts in one transaction.
type AlertMutation struct {
	// Put are new and changed alerts, as they are afterwards. Of what an alert is
	// about, only Condition and Attribute ever change, where an attribute has another
	// name in a new version of the plugin; Name, Since and Began do not.
	Put []*Alert
	// Pend are new and changed pending alerts.
	Pend []*PendingAlert
	// Position is where AlertPosition moves, unless it is 0.
	Position uint64
	// Settle names pending alerts that are no longer pending: they are raised, or
	// their condition no longer holds. None of them is in Pend.
	Settle []AlertKey
}

// Empty reports whether there is nothing to do.
func (m *AlertMutation) Empty() bool {
	return len(m.Put)+len(m.Pend)+len(m.Settle) == 0 && m.Position == 0
}

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

// Ends reports whether a value ends an alert of the condition at the given
// severity. A value beyond the clear threshold but not beyond the bound neither
// raises nor ends one; null, which trips nothing, ends it.
func (c *Condition) Ends(s Severity, v Value) bool {
	if c.Holds(s, v) {
		return false
	}
	back, ok := c.Clear[s]
	n, num := v.Number()
	switch {
	case !ok || !num:
		return true
	case c.Kind == LowerBound:
		return n >= back
	default:
		return n <= back
	}
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
