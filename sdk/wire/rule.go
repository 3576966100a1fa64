package wire

// Rule is a rule that the declarations of a plugin must keep, by its code:
// "FL" and three digits. A code never changes its meaning. The rules are listed
// and explained in protocol/rule, from which the constants are generated.
type Rule string

// Severities of a Problem.
const (
	SeverityError   = "error"   // the plugin cannot run; an empty Severity is an error, too
	SeverityWarning = "warning" // it can
)

// Severity returns the severity of what breaks the rule.
func (r Rule) Severity() string {
	if warnings[r] {
		return SeverityWarning
	}
	return SeverityError
}
