package resource

import "time"

// AlertQuery selects, sorts and pages alerts, active and ended. The zero
// AlertQuery selects all, newest first.
type AlertQuery struct {
	Active        *bool      // nil selects both
	Severities    []Severity // nil selects all
	Resource      ID         // of this resource
	Plugin, Class string     // of resources of this plugin, of this class
	Condition     string     // Alert.Condition
	Since         time.Time  // raised at this time or later, or still active then
	// Sort is "began", "ended", "severity" or "resource", with a leading "-" for
	// descending; alerts that are equal in it come in the order in which they
	// were raised, also reversed by "-". Active alerts count as ended last. Empty
	// means "-began".
	Sort   string
	Limit  int    // 0 means 100; at most 10,000
	Cursor string // AlertPage.Next of the page before, for the same Sort
}

// DefaultLimit and MaxLimit bound the Limit of a query.
const (
	DefaultLimit = 100
	MaxLimit     = 10_000
)

// AlertPage is one page of a query's answer.
type AlertPage struct {
	Items []*Alert
	Next  string // empty on the last page
}
