package resource

import "time"

// Incident is what one sick resource causes: its own alerts, and those of the
// resources that depend on it. See package alert for who causes what. It is
// immutable.
type Incident struct {
	// Resource is the topmost sick resource. It identifies the incident for as
	// long as that lasts.
	Resource ID
	// Causes are the active alerts of the resource, worst first.
	Causes []*Alert
	// Effects counts the active alerts of its descendants, by severity and by the
	// full name of their class. An alert that has several topmost sick ancestors
	// is an effect in the incident of each.
	Effects AlertCounts
	// Severity is the worst among all these alerts.
	Severity Severity
}

// AlertCounts counts alerts.
type AlertCounts struct {
	Total      int
	BySeverity [4]int // in the order of the severities
	ByClass    map[string]int
}

// Began is when the first of the causes began.
func (i *Incident) Began() time.Time {
	var first time.Time
	for _, a := range i.Causes {
		if a.MayCause() && (first.IsZero() || a.Began.Before(first)) {
			first = a.Began
		}
	}
	return first
}

// Acknowledged reports whether all alerts that make the resource sick are
// acknowledged.
func (i *Incident) Acknowledged() bool {
	for _, a := range i.Causes {
		if a.MayCause() && !a.Ack.Given() {
			return false
		}
	}
	return true
}

// MayCause reports whether an alert makes its resource sick in the sense of an
// incident: what is worth a note and no more does not, nor does a decision that
// waits for a user.
func (a *Alert) MayCause() bool { return a.Severity >= Warning && a.Condition != HeldCondition }
