package resource

import "fmt"

// Severity orders the states of health. The zero value is OK.
type Severity uint8

// The severities, from fine to worst.
const (
	OK Severity = iota
	Info
	Warning
	Error
)

var severityNames = [...]string{"ok", "info", "warning", "error"}

// Severities are those an alert may have, worst first.
var Severities = []Severity{Error, Warning, Info}

// String returns the name of the severity in the API.
func (s Severity) String() string {
	if int(s) < len(severityNames) {
		return severityNames[s]
	}
	return fmt.Sprintf("severity %d", s)
}

// ParseSeverity is the inverse of Severity.String.
func ParseSeverity(s string) (Severity, bool) {
	for i, n := range severityNames {
		if n == s {
			return Severity(i), true
		}
	}
	return OK, false
}
