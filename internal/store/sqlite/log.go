package sqlite

import (
	"context"
	"fmt"

	"github.com/faultline-storage/faultline/internal/resource"
)

// Log returns up to limit entries of the change log with a seq greater than
// after, in order.
func (db *DB) Log(ctx context.Context, after uint64, limit int) ([]resource.LogEntry, error) {
	rows, err := db.read.QueryContext(ctx, "SELECT seq, time, entry FROM change_log WHERE seq > ? ORDER BY seq LIMIT ?", int64(after), limit)
	if err != nil {
		return nil, fmt.Errorf("read the change log: %w", err)
	}
	defer rows.Close()
	var log []resource.LogEntry
	for rows.Next() {
		var e resource.LogEntry
		var n int64
		if err := rows.Scan(&e.Seq, &n, &e.Log); err != nil {
			return nil, fmt.Errorf("read the change log: %w", err)
		}
		e.Time = fromNanos(n)
		log = append(log, e)
	}
	return log, rows.Err()
}

// trimStep bounds how many entries one transaction of Trim deletes, so that
// commits need not wait long.
const trimStep = 10_000

// Trim deletes the entries of the change log up to and including the given
// seq. What they led to stays.
func (db *DB) Trim(ctx context.Context, upTo uint64) error {
	for {
		var n int64
		err := db.inTx(ctx, func(t *tx) error {
			res, err := t.exec("DELETE FROM change_log WHERE seq IN (SELECT seq FROM change_log WHERE seq <= ? ORDER BY seq LIMIT ?)", int64(upTo), int64(trimStep))
			if err != nil {
				return err
			}
			n, err = res.RowsAffected()
			return err
		})
		if err != nil {
			return fmt.Errorf("trim the change log: %w", err)
		}
		if n < trimStep {
			return nil
		}
	}
}
