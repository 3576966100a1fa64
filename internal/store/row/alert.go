package row

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/faultline-storage/faultline/internal/resource"
)

// AlertDialect is in what engines differ when they are asked for alerts.
type AlertDialect struct {
	// Contains is the condition that the column a.search contains the argument ?.
	Contains string
	// Text is how the engine stores a text; nil for as it is.
	Text func(string) string
}

// alertKeys are the expressions of what AlertPlan.Key returns.
var alertKeys = map[string]string{
	"began":    "a.began",
	"ended":    fmt.Sprintf("(CASE a.ended WHEN 0 THEN %d ELSE a.ended END)", int64(math.MaxInt64)),
	"severity": "a.severity",
	"resource": "a.resource",
}

// AlertSQL returns what follows the columns of a statement that answers the
// query: conditions, order and limit, over the alerts a and their classes c. It
// asks for one alert more than the page holds, so that AlertPage can tell whether
// another follows. Each ? stands for the next argument.
func AlertSQL(q *resource.AlertQuery, p *resource.AlertPlan, d AlertDialect) (string, []any) {
	var where []string
	var args []any
	need := func(cond string, values ...any) {
		where = append(where, cond)
		args = append(args, values...)
	}
	text := func(column, value string) {
		if value == "" {
			return
		}
		if d.Text != nil {
			value = d.Text(value)
		}
		need(column+" = ?", value)
	}
	flag := func(column string, want *bool) {
		switch {
		case want == nil:
		case *want:
			need(column + " = 0")
		default:
			need(column + " <> 0")
		}
	}
	flag("a.ended", q.Active)
	if q.Severities != nil {
		list := make([]any, len(q.Severities))
		for i, s := range q.Severities {
			list[i] = int64(s)
		}
		if len(list) == 0 {
			need("1 = 0")
		} else {
			need("a.severity IN (?"+strings.Repeat(", ?", len(list)-1)+")", list...)
		}
	}
	if q.Resource != 0 {
		need("a.resource = ?", int64(q.Resource))
	}
	text("c.plugin", q.Plugin)
	text("c.name", q.Class)
	text("a.condition", q.Condition)
	if q.Acknowledged != nil {
		none := !*q.Acknowledged
		flag("a.ack_time", &none)
	}
	for _, word := range p.Words {
		if d.Text != nil {
			word = d.Text(word)
		}
		need(d.Contains, word)
	}
	if !q.Since.IsZero() {
		need("(a.ended = 0 OR a.ended >= ?)", Nanos(q.Since))
	}
	key, way, after := alertKeys[p.Field], "", ">"
	if p.Desc {
		way, after = " DESC", "<"
	}
	if p.Resume {
		need("("+key+", a.id) "+after+" (?, ?)", p.AfterKey, int64(p.AfterID))
	}
	s := ""
	if len(where) > 0 {
		s = "WHERE " + strings.Join(where, " AND ")
	}
	return s + " ORDER BY " + key + way + ", a.id" + way + " LIMIT " + strconv.Itoa(p.Limit+1), args
}

// AlertPage makes the page of what AlertSQL asked for.
func AlertPage(items []*resource.Alert, p *resource.AlertPlan) resource.AlertPage {
	page := resource.AlertPage{Items: items}
	if len(items) > p.Limit {
		page.Items = items[:p.Limit]
		page.Next = p.Cursor(items[p.Limit-1])
	}
	return page
}
