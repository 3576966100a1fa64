package resource

import (
	"encoding/base64"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// AlertQuery selects, sorts and pages alerts, active and ended. The zero
// AlertQuery selects all, newest first.
type AlertQuery struct {
	Active        *bool      // nil selects both
	Severities    []Severity // nil selects all
	Resource      ID         // of this resource
	Plugin, Class string     // of resources of this plugin, of this class
	Condition     string     // Alert.Condition
	Acknowledged  *bool      // nil selects both
	// Text selects alerts in whose SearchText each of its words occurs, ignoring
	// case.
	Text  string
	Since time.Time // leaves out what ended before this time
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

// maxWords bounds the words of AlertQuery.Text.
const maxWords = 20

// AlertPage is one page of a query's answer.
type AlertPage struct {
	Items []*Alert
	Next  string // empty on the last page
}

// AlertSorts are the fields that AlertQuery.Sort may name.
var AlertSorts = []string{"began", "ended", "severity", "resource"}

// AlertPlan is the checked form of a query's order and page, which all stores
// share. Alerts are ordered by (Key, ID).
type AlertPlan struct {
	Field string // one of AlertSorts
	Desc  bool
	Limit int
	// Words are those of the query's Text, in lower case.
	Words []string
	// Resume says that the page starts after the position (AfterKey, AfterID).
	Resume   bool
	AfterKey int64
	AfterID  AlertID
}

// Plan checks the query's Text, Sort, Limit and Cursor. Its errors are Faults that
// name the field.
func (q *AlertQuery) Plan() (AlertPlan, error) {
	p := AlertPlan{Field: "began", Desc: true, Limit: DefaultLimit, Words: strings.Fields(strings.ToLower(q.Text))}
	if len(p.Words) > maxWords {
		return p, FieldErrorf("q", "a text to search for has at most %d words, not %d", maxWords, len(p.Words))
	}
	if q.Sort != "" {
		p.Field, p.Desc = strings.CutPrefix(q.Sort, "-")
		if !slices.Contains(AlertSorts, p.Field) {
			return p, FieldErrorf("sort", "alerts cannot be sorted by %q; use one of %s", p.Field, strings.Join(AlertSorts, ", "))
		}
	}
	if q.Limit < 0 || q.Limit > MaxLimit {
		return p, FieldErrorf("limit", "a limit must be between 1 and %d, not %d", MaxLimit, q.Limit)
	}
	if q.Limit > 0 {
		p.Limit = q.Limit
	}
	if q.Cursor == "" {
		return p, nil
	}
	p.Resume = true
	b, err := base64.RawURLEncoding.DecodeString(q.Cursor)
	var order string
	if err == nil {
		_, err = fmt.Sscanf(string(b), "%s %d %d", &order, &p.AfterKey, &p.AfterID)
	}
	if err != nil || p.AfterID <= 0 {
		return p, FieldErrorf("cursor", "%q is not a cursor of this list; start again without one", q.Cursor)
	}
	if order != p.order() {
		return p, FieldErrorf("cursor", "the cursor is of another sort order; start again without one")
	}
	return p, nil
}

func (p *AlertPlan) order() string {
	if p.Desc {
		return "-" + p.Field
	}
	return p.Field
}

// Key is the alert's value of the field that the plan sorts by.
func (p *AlertPlan) Key(a *Alert) int64 {
	switch p.Field {
	case "ended":
		if a.Active() {
			return math.MaxInt64
		}
		return a.Ended.UnixNano()
	case "severity":
		return int64(a.Severity)
	case "resource":
		return int64(a.Resource)
	}
	return a.Began.UnixNano()
}

// Cursor returns the cursor of the page that follows the alert.
func (p *AlertPlan) Cursor(last *Alert) string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%s %d %d", p.order(), p.Key(last), last.ID))
}

// Selects reports whether the query selects the alert, its page aside.
func (q *AlertQuery) Selects(a *Alert) bool {
	switch {
	case q.Active != nil && *q.Active != a.Active(),
		q.Severities != nil && !slices.Contains(q.Severities, a.Severity),
		q.Resource != 0 && q.Resource != a.Resource,
		q.Plugin != "" && q.Plugin != a.Plugin,
		q.Class != "" && q.Class != a.Class,
		q.Condition != "" && q.Condition != a.Condition,
		q.Acknowledged != nil && *q.Acknowledged != a.Ack.Given(),
		!q.Since.IsZero() && !a.Active() && a.Ended.Before(q.Since):
		return false
	}
	if q.Text == "" {
		return true
	}
	in := a.SearchText()
	return !slices.ContainsFunc(strings.Fields(strings.ToLower(q.Text)), func(word string) bool { return !strings.Contains(in, word) })
}

// SearchText is what AlertQuery.Text searches, in lower case: the alert's text,
// its condition, its attribute, and plugin.Class, as they were when it was raised.
func (a *Alert) SearchText() string {
	return strings.ToLower(a.Text + "\n" + a.Condition + "\n" + a.Attribute + "\n" + a.Plugin + "." + a.Class)
}
