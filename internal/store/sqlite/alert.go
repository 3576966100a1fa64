package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/internal/store/row"
)

// CommitAlerts applies m in one transaction.
func (db *DB) CommitAlerts(ctx context.Context, m *resource.AlertMutation) error {
	if m.Empty() {
		return nil
	}
	ordered := row.EndedFirst(m.Put)
	err := db.inTx(ctx, func(t *tx) error {
		if m.Position > 0 {
			if err := t.move(resource.AlertPosition, m.Position); err != nil {
				return err
			}
		}
		if err := t.putAlerts(ordered); err != nil {
			return err
		}
		err := t.run(db.stmts.upsertPending, len(m.Pend), func(a *args, i int) error { return t.fillPending(a, m.Pend[i]) })
		if err != nil {
			return err
		}
		return t.run(db.stmts.deletePending, len(m.Settle), func(a *args, i int) error { fillKey(a, m.Settle[i]); return nil })
	})
	if err != nil {
		return fmt.Errorf("commit %d alerts: %w", len(m.Put), err)
	}
	return nil
}

// putAlerts inserts or updates the alerts, by ID.
func (t *tx) putAlerts(alerts []*resource.Alert) error {
	if len(alerts) == 0 {
		return nil
	}
	var next resource.AlertID
	var seq uint64
	for _, a := range alerts {
		next, seq = max(next, a.ID+1), max(seq, a.Seq)
	}
	err := t.run(t.db.stmts.upsertAlert, len(alerts), func(a *args, i int) error { return t.fillAlert(a, alerts[i]) })
	if err != nil {
		return err
	}
	_, err = t.exec("UPDATE meta SET next_alert = max(next_alert, ?), alert_seq = max(alert_seq, ?)", int64(next), int64(seq))
	return err
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
	a.text(al.Name)
	a.text(al.Message)
	a.text(al.Text)
	a.text(al.SearchText())
	a.int(row.Nanos(al.Since))
	a.int(row.Nanos(al.Began))
	a.int(row.Nanos(al.Ended))
	a.text(al.Ack.User)
	a.text(al.Ack.Comment)
	a.int(row.Nanos(al.Ack.Time))
	a.int(int64(al.Seq))
	return nil
}

func (t *tx) fillPending(a *args, p *resource.PendingAlert) error {
	class, err := t.class(p.Plugin, p.Class)
	if err != nil {
		return err
	}
	fillKey(a, p.AlertKey)
	a.int(class)
	a.int(row.Nanos(p.Since))
	a.text(p.Message)
	return nil
}

func fillKey(a *args, k resource.AlertKey) {
	a.int(int64(k.Resource))
	a.text(k.Condition)
	a.text(k.Attribute)
	a.int(int64(k.Severity))
}

const alertColumns = `SELECT a.id, a.resource, c.plugin, c.name, a.condition, a.attribute, a.severity, a.name, a.message, a.text,
	a.since, a.began, a.ended, a.ack_user, a.ack_comment, a.ack_time, a.seq
	FROM alert a LEFT JOIN class c ON c.id = a.class `

// LoadAlerts calls alert for every active alert, by ID, and pending for every
// pending one, by key. It returns the next free ID and the greatest seq of any
// alert, all as of one commit.
func (db *DB) LoadAlerts(ctx context.Context, alert func(*resource.Alert) error, pending func(*resource.PendingAlert) error) (next resource.AlertID, seq uint64, err error) {
	tx, err := db.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return 0, 0, fmt.Errorf("load alerts: %w", err)
	}
	defer func() { err = errors.Join(err, tx.Rollback()) }()
	if err := tx.QueryRowContext(ctx, "SELECT next_alert, alert_seq FROM meta").Scan(&next, &seq); err != nil {
		return 0, 0, fmt.Errorf("load alerts: read the position: %w", err)
	}
	if err := eachAlert(ctx, tx, alertColumns+"WHERE a.ended = 0 ORDER BY a.id", nil, alert); err != nil {
		return 0, 0, fmt.Errorf("load alerts: %w", err)
	}
	if err := eachPending(ctx, tx, pending); err != nil {
		return 0, 0, fmt.Errorf("load pending alerts: %w", err)
	}
	return next, seq, nil
}

func eachPending(ctx context.Context, q queryer, f func(*resource.PendingAlert) error) error {
	rows, err := q.QueryContext(ctx, `SELECT p.resource, p.condition, p.attribute, p.severity, c.plugin, c.name, p.since, p.message
		FROM pending_alert p LEFT JOIN class c ON c.id = p.class ORDER BY 1, 2, 3, 4`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var p resource.PendingAlert
		var plugin, class sql.NullString
		var since int64
		if err := rows.Scan(&p.Resource, &p.Condition, &p.Attribute, &p.Severity, &plugin, &class, &since, &p.Message); err != nil {
			return fmt.Errorf("resource %d: %w", p.Resource, err)
		}
		if !class.Valid {
			return fmt.Errorf("resource %d: its class is not in the table class", p.Resource)
		}
		p.Plugin, p.Class, p.Since = plugin.String, class.String, row.FromNanos(since)
		if err := f(&p); err != nil {
			return err
		}
	}
	return rows.Err()
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

var alertDialect = row.AlertDialect{Contains: "instr(a.search, ?) > 0"}

// Alerts answers a query. Its errors about the query are Faults that name the
// field.
func (db *DB) Alerts(ctx context.Context, q resource.AlertQuery) (resource.AlertPage, error) {
	p, err := q.Plan()
	if err != nil {
		return resource.AlertPage{}, err
	}
	where, args := row.AlertSQL(&q, &p, alertDialect)
	var items []*resource.Alert
	err = eachAlert(ctx, db.read, alertColumns+where, args, func(a *resource.Alert) error {
		items = append(items, a)
		return nil
	})
	if err != nil {
		return resource.AlertPage{}, fmt.Errorf("list alerts: %w", err)
	}
	return row.AlertPage(items, &p), nil
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

func eachAlert(ctx context.Context, q queryer, query string, values []any, f func(*resource.Alert) error) error {
	rows, err := q.QueryContext(ctx, query, values...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		a := new(resource.Alert)
		var plugin, class sql.NullString
		var since, began, ended, acked int64
		if err := rows.Scan(&a.ID, &a.Resource, &plugin, &class, &a.Condition, &a.Attribute, &a.Severity, &a.Name, &a.Message, &a.Text,
			&since, &began, &ended, &a.Ack.User, &a.Ack.Comment, &acked, &a.Seq); err != nil {
			return fmt.Errorf("alert %d: %w", a.ID, err)
		}
		if !class.Valid {
			return fmt.Errorf("alert %d: its class is not in the table class", a.ID)
		}
		if a.Severity < resource.Info || a.Severity > resource.Error {
			return fmt.Errorf("alert %d: column severity: %d is no severity", a.ID, a.Severity)
		}
		a.Plugin, a.Class = plugin.String, class.String
		a.Since, a.Began, a.Ended, a.Ack.Time = row.FromNanos(since), row.FromNanos(began), row.FromNanos(ended), row.FromNanos(acked)
		if err := f(a); err != nil {
			return err
		}
	}
	return rows.Err()
}
