package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/internal/store/row"
)

// CommitAlerts inserts or updates the alerts, by ID, and moves AlertPosition to
// position, unless that is 0, all in one transaction. What an alert is about
// does not change, so an update leaves it.
func (db *DB) CommitAlerts(ctx context.Context, alerts []*resource.Alert, position uint64) error {
	if len(alerts) == 0 && position == 0 {
		return nil
	}
	ordered := row.EndedFirst(alerts)
	var next resource.AlertID
	var seq uint64
	for _, a := range alerts {
		next, seq = max(next, a.ID+1), max(seq, a.Seq)
	}
	err := db.inTx(ctx, func(t *tx) error {
		if position > 0 {
			if err := t.move(resource.AlertPosition, position); err != nil {
				return err
			}
		}
		if len(alerts) == 0 {
			return nil
		}
		err := t.run(db.stmts.upsertAlert, len(ordered), func(a *args, i int) error { return t.fillAlert(a, ordered[i]) })
		if err != nil {
			return err
		}
		_, err = t.exec("UPDATE meta SET next_alert = max(next_alert, ?), alert_seq = max(alert_seq, ?)", int64(next), int64(seq))
		return err
	})
	if err != nil {
		return fmt.Errorf("commit %d alerts: %w", len(alerts), err)
	}
	return nil
}

func (t *tx) fillAlert(a *args, al *resource.Alert) error {
	class, err := t.class(al.Plugin, al.Class)
	if err != nil {
		return err
	}
	a.int(int64(al.ID))
	a.int(int64(al.Resource))
	a.int(class)
	a.text(al.Condition)
	a.text(al.Attribute)
	a.int(int64(al.Severity))
	a.text(al.Message)
	a.text(al.Text)
	a.int(row.Nanos(al.Began))
	a.int(row.Nanos(al.Ended))
	a.int(int64(al.Seq))
	return nil
}

const alertColumns = `SELECT a.id, a.resource, c.plugin, c.name, a.condition, a.attribute, a.severity, a.message, a.text, a.began, a.ended, a.seq
	FROM alert a LEFT JOIN class c ON c.id = a.class `

// LoadAlerts calls f for every active alert, by ID, and returns the next free
// ID and the greatest seq of any alert, all as of one commit.
func (db *DB) LoadAlerts(ctx context.Context, f func(*resource.Alert) error) (next resource.AlertID, seq uint64, err error) {
	tx, err := db.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return 0, 0, fmt.Errorf("load alerts: %w", err)
	}
	defer func() { err = errors.Join(err, tx.Rollback()) }()
	if err := tx.QueryRowContext(ctx, "SELECT next_alert, alert_seq FROM meta").Scan(&next, &seq); err != nil {
		return 0, 0, fmt.Errorf("load alerts: read the position: %w", err)
	}
	if err := eachAlert(ctx, tx, alertColumns+"WHERE a.ended = 0 ORDER BY a.id", nil, f); err != nil {
		return 0, 0, fmt.Errorf("load alerts: %w", err)
	}
	return next, seq, nil
}

// Alert returns the alert with the ID, or a NotFound fault.
func (db *DB) Alert(ctx context.Context, id resource.AlertID) (*resource.Alert, error) {
	var found *resource.Alert
	err := eachAlert(ctx, db.read, alertColumns+"WHERE a.id = ?", []any{int64(id)}, func(a *resource.Alert) error {
		found = a
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read alert %d: %w", id, err)
	}
	if found == nil {
		return nil, resource.Errorf(resource.NotFound, "there is no alert %d", id)
	}
	return found, nil
}

// Alerts answers a query. Its errors about the query are Faults that name the
// field.
func (db *DB) Alerts(ctx context.Context, q resource.AlertQuery) (resource.AlertPage, error) {
	p, err := q.Plan()
	if err != nil {
		return resource.AlertPage{}, err
	}
	sqlText, values := alertSQL(&q, &p)
	var page resource.AlertPage
	err = eachAlert(ctx, db.read, sqlText, values, func(a *resource.Alert) error {
		page.Items = append(page.Items, a)
		return nil
	})
	if err != nil {
		return resource.AlertPage{}, fmt.Errorf("list alerts: %w", err)
	}
	if len(page.Items) > p.Limit { // one more was asked for, to know
		page.Items = page.Items[:p.Limit]
		page.Next = p.Cursor(page.Items[p.Limit-1])
	}
	return page, nil
}

// AlertsSince returns up to limit alerts whose last change is after the given
// Seq, by that.
func (db *DB) AlertsSince(ctx context.Context, seq uint64, limit int) ([]*resource.Alert, error) {
	var out []*resource.Alert
	err := eachAlert(ctx, db.read, alertColumns+"WHERE a.seq > ? ORDER BY a.seq LIMIT ?", []any{int64(seq), limit}, func(a *resource.Alert) error {
		out = append(out, a)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read alerts after %d: %w", seq, err)
	}
	return out, nil
}

// alertKeys are the expressions of what AlertPlan.Key returns.
var alertKeys = map[string]string{
	"began":    "a.began",
	"ended":    fmt.Sprintf("iif(a.ended = 0, %d, a.ended)", int64(math.MaxInt64)),
	"severity": "a.severity",
	"resource": "a.resource",
}

func alertSQL(q *resource.AlertQuery, p *resource.AlertPlan) (string, []any) {
	var where []string
	var values []any
	need := func(cond string, v ...any) {
		where = append(where, cond)
		values = append(values, v...)
	}
	if q.Active != nil {
		if *q.Active {
			need("a.ended = 0")
		} else {
			need("a.ended <> 0")
		}
	}
	if q.Severities != nil {
		marks := make([]string, len(q.Severities))
		for i, s := range q.Severities {
			marks[i] = "?"
			values = append(values, int64(s))
		}
		need("a.severity IN (" + strings.Join(marks, ",") + ")")
	}
	if q.Resource != 0 {
		need("a.resource = ?", int64(q.Resource))
	}
	if q.Plugin != "" {
		need("c.plugin = ?", q.Plugin)
	}
	if q.Class != "" {
		need("c.name = ?", q.Class)
	}
	if q.Condition != "" {
		need("a.condition = ?", q.Condition)
	}
	if !q.Since.IsZero() {
		need("(a.ended = 0 OR a.ended >= ?)", row.Nanos(q.Since))
	}
	key, way, after := alertKeys[p.Field], "", ">"
	if p.Desc {
		way, after = " DESC", "<"
	}
	if p.Resume {
		need("("+key+", a.id) "+after+" (?, ?)", p.AfterKey, int64(p.AfterID))
	}
	s := alertColumns
	if len(where) > 0 {
		s += "WHERE " + strings.Join(where, " AND ")
	}
	s += " ORDER BY " + key + way + ", a.id" + way + " LIMIT ?"
	return s, append(values, p.Limit+1)
}

func eachAlert(ctx context.Context, q queryer, query string, values []any, f func(*resource.Alert) error) error {
	rows, err := q.QueryContext(ctx, query, values...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		a := new(resource.Alert)
		var plugin, class sql.NullString
		var began, ended int64
		if err := rows.Scan(&a.ID, &a.Resource, &plugin, &class, &a.Condition, &a.Attribute, &a.Severity, &a.Message, &a.Text, &began, &ended, &a.Seq); err != nil {
			return fmt.Errorf("alert %d: %w", a.ID, err)
		}
		if !class.Valid {
			return fmt.Errorf("alert %d: its class is not in the table class", a.ID)
		}
		if a.Severity < resource.Info || a.Severity > resource.Error {
			return fmt.Errorf("alert %d: column severity: %d is no severity", a.ID, a.Severity)
		}
		a.Plugin, a.Class = plugin.String, class.String
		a.Began, a.Ended = row.FromNanos(began), row.FromNanos(ended)
		if err := f(a); err != nil {
			return err
		}
	}
	return rows.Err()
}
