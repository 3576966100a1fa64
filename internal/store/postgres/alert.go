package postgres

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/internal/store/row"
)

// CommitAlerts applies m in one transaction.
func (db *DB) CommitAlerts(ctx context.Context, m *resource.AlertMutation) error {
	if m.Empty() {
		return nil
	}
	ordered := row.EndedFirst(m.Put)
	var next resource.AlertID
	var seq uint64
	for _, a := range ordered {
		next, seq = max(next, a.ID+1), max(seq, a.Seq)
	}
	move := fence{name: "move on alerts", params: [][]byte{scalar(db.epoch), scalar(int64(next)), scalar(int64(seq))}}
	err := db.inTx(ctx, move, func(t *tx) error {
		if m.Position > 0 {
			t.move(resource.AlertPosition, m.Position)
		}
		for _, a := range ordered {
			if err := t.learn(a.Plugin, a.Class); err != nil {
				return err
			}
		}
		for _, p := range m.Pend {
			if err := t.learn(p.Plugin, p.Class); err != nil {
				return err
			}
		}
		if err := t.each(upsertAlert, len(ordered), func(r *rows, i int) { t.fillAlert(r, ordered[i]) }); err != nil {
			return err
		}
		if err := t.each(upsertPending, len(m.Pend), func(r *rows, i int) { t.fillPending(r, m.Pend[i]) }); err != nil {
			return err
		}
		return t.each(deletePending, len(m.Settle), func(r *rows, i int) { fillKey(r, m.Settle[i]) })
	})
	if err != nil {
		return fmt.Errorf("commit %d alerts: %w", len(m.Put), err)
	}
	return nil
}

func (t *tx) fillAlert(r *rows, a *resource.Alert) {
	r.int(int64(a.ID))
	r.int(int64(a.Resource))
	r.int(t.class(a.Plugin, a.Class))
	r.text(a.Condition)
	r.text(a.Attribute)
	r.int(int64(a.Severity))
	r.text(a.Name)
	r.text(a.Message)
	r.text(a.Text)
	r.text(a.SearchText())
	r.int(row.Nanos(a.Since))
	r.int(row.Nanos(a.Began))
	r.int(row.Nanos(a.Ended))
	r.text(a.Ack.User)
	r.text(a.Ack.Comment)
	r.int(row.Nanos(a.Ack.Time))
	r.int(int64(a.Seq))
}

func (t *tx) fillPending(r *rows, p *resource.PendingAlert) {
	fillKey(r, p.AlertKey)
	r.int(t.class(p.Plugin, p.Class))
	r.int(row.Nanos(p.Since))
	r.text(p.Message)
}

func fillKey(r *rows, k resource.AlertKey) {
	r.int(int64(k.Resource))
	r.text(k.Condition)
	r.text(k.Attribute)
	r.int(int64(k.Severity))
}

const alertColumns = `SELECT a.id, a.resource, c.id IS NOT NULL, c.plugin, c.name, a.condition, a.attribute, a.severity, a.name, a.message, a.text,
	a.since, a.began, a.ended, a.ack_user, a.ack_comment, a.ack_time, a.seq
	FROM alert a LEFT JOIN class c ON c.id = a.class `

// LoadAlerts calls alert for every active alert, by ID, and pending for every
// pending one, by key. It returns the next free ID and the greatest seq of any
// alert, all as of one commit.
func (db *DB) LoadAlerts(ctx context.Context, alert func(*resource.Alert) error, pending func(*resource.PendingAlert) error) (next resource.AlertID, seq uint64, err error) {
	err = db.snapshot(ctx, func(tx pgx.Tx) error {
		if err := tx.QueryRow(ctx, "SELECT next_alert, alert_seq FROM meta").Scan(&next, &seq); err != nil {
			return fmt.Errorf("read the position: %w", err)
		}
		if err := eachAlert(ctx, tx, alertColumns+"WHERE a.ended = 0 ORDER BY a.id", nil, alert); err != nil {
			return err
		}
		return eachPending(ctx, tx, pending)
	})
	if err != nil {
		return 0, 0, fmt.Errorf("load alerts: %w", err)
	}
	return next, seq, nil
}

func eachPending(ctx context.Context, q queryer, f func(*resource.PendingAlert) error) error {
	return each(ctx, q, func(c *cells) error {
		p := &resource.PendingAlert{AlertKey: resource.AlertKey{Resource: resource.ID(c.int()), Condition: c.text(), Attribute: c.text()}}
		p.Severity = resource.Severity(c.int())
		if !c.flag() {
			return fmt.Errorf("pending alert of resource %d: its class is not in the table class", p.Resource)
		}
		p.Plugin, p.Class, p.Since, p.Message = c.text(), c.text(), row.FromNanos(c.int()), c.text()
		if c.err != nil {
			return fmt.Errorf("pending alert of resource %d: %w", p.Resource, c.err)
		}
		return f(p)
	}, `SELECT p.resource, p.condition, p.attribute, p.severity, c.id IS NOT NULL, c.plugin, c.name, p.since, p.message
		FROM pending_alert p LEFT JOIN class c ON c.id = p.class ORDER BY p.resource, p.condition COLLATE "C", p.attribute COLLATE "C", p.severity`)
}

// Alert returns the alert with the ID, or a NotFound fault.
func (db *DB) Alert(ctx context.Context, id resource.AlertID) (*resource.Alert, error) {
	var found *resource.Alert
	err := eachAlert(ctx, db.read, alertColumns+"WHERE a.id = $1", []any{int64(id)}, func(a *resource.Alert) error {
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

var alertDialect = row.AlertDialect{Contains: "strpos(a.search, ?) > 0", Text: escape}

// numbered writes each ? as PostgreSQL wants it: $1, $2 and so on.
func numbered(query string) string {
	parts := strings.Split(query, "?")
	b := []byte(parts[0])
	for i, part := range parts[1:] {
		b = append(strconv.AppendInt(append(b, '$'), int64(i+1), 10), part...)
	}
	return string(b)
}

// Alerts answers a query. Its errors about the query are Faults that name the
// field.
func (db *DB) Alerts(ctx context.Context, q resource.AlertQuery) (resource.AlertPage, error) {
	p, err := q.Plan()
	if err != nil {
		return resource.AlertPage{}, err
	}
	where, args := row.AlertSQL(&q, &p, alertDialect)
	var items []*resource.Alert
	err = eachAlert(ctx, db.read, alertColumns+numbered(where), args, func(a *resource.Alert) error {
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
	err := eachAlert(ctx, db.read, alertColumns+"WHERE a.seq > $1 ORDER BY a.seq LIMIT $2", []any{int64(seq), limit}, func(a *resource.Alert) error {
		out = append(out, a)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read alerts after %d: %w", seq, err)
	}
	return out, nil
}

func eachAlert(ctx context.Context, q queryer, query string, args []any, f func(*resource.Alert) error) error {
	return each(ctx, q, func(c *cells) error {
		a := &resource.Alert{ID: resource.AlertID(c.int()), Resource: resource.ID(c.int())}
		if !c.flag() {
			return fmt.Errorf("alert %d: its class is not in the table class", a.ID)
		}
		a.Plugin, a.Class, a.Condition, a.Attribute = c.text(), c.text(), c.text(), c.text()
		severity := c.int()
		a.Name, a.Message, a.Text = c.text(), c.text(), c.text()
		a.Since, a.Began, a.Ended = row.FromNanos(c.int()), row.FromNanos(c.int()), row.FromNanos(c.int())
		a.Ack = resource.Acknowledgement{User: c.text(), Comment: c.text(), Time: row.FromNanos(c.int())}
		a.Seq = uint64(c.int())
		if c.err != nil {
			return fmt.Errorf("alert %d: %w", a.ID, c.err)
		}
		if a.Severity = resource.Severity(severity); int64(a.Severity) != severity || a.Severity < resource.Info || a.Severity > resource.Error {
			return fmt.Errorf("alert %d: column severity: %d is no severity", a.ID, severity)
		}
		return f(a)
	}, query, args...)
}
