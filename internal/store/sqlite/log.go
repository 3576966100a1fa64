package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/internal/store/row"
)

// logPage bounds the bytes that one read of the change log returns, but for
// its first entry.
const logPage = 4 << 20

// Log returns up to limit entries of the change log with a seq greater than
// after, in order; fewer if they are large, but one if there is any.
func (db *DB) Log(ctx context.Context, after uint64, limit int) ([]resource.LogEntry, error) {
	return db.entries(ctx, "SELECT seq, time, entry, samples FROM change_log WHERE seq > ? ORDER BY seq LIMIT ?", after, limit)
}

// LogBack returns up to limit entries of the change log with a seq of at most
// from, the newest first; fewer if they are large, but one if there is any.
func (db *DB) LogBack(ctx context.Context, from uint64, limit int) ([]resource.LogEntry, error) {
	return db.entries(ctx, "SELECT seq, time, entry, samples FROM change_log WHERE seq <= ? ORDER BY seq DESC LIMIT ?", from, limit)
}

func (db *DB) entries(ctx context.Context, query string, seq uint64, limit int) (log []resource.LogEntry, err error) {
	rows, err := db.read.QueryContext(ctx, query, int64(seq), limit)
	if err != nil {
		return nil, fmt.Errorf("read the change log: %w", err)
	}
	defer rows.Close()
	for size := 0; size < logPage && rows.Next(); {
		var e resource.LogEntry
		var n int64
		if err := rows.Scan(&e.Seq, &n, &e.Log, &e.Samples); err != nil {
			return nil, fmt.Errorf("read the change log: %w", err)
		}
		e.Time = row.FromNanos(n)
		log = append(log, e)
		size += len(e.Log) + len(e.Samples)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read the change log: %w", err)
	}
	return log, nil
}

// LogSize returns the greatest seq from which on the entries take more than
// most bytes, or 0 if they do not.
func (db *DB) LogSize(ctx context.Context, most int64) (seq uint64, err error) {
	err = db.read.QueryRowContext(ctx, `SELECT coalesce(max(seq), 0) FROM (
		SELECT seq, sum(length(entry) + coalesce(length(samples), 0)) OVER (ORDER BY seq DESC) AS size FROM change_log
	) WHERE size > ?`, most).Scan(&seq)
	if err != nil {
		return 0, fmt.Errorf("measure the change log: %w", err)
	}
	return seq, nil
}

// trimStep bounds how many entries one transaction trims, so that commits need
// not wait long.
const trimStep = 1000

// Trim deletes the entries of the change log up to and including the given
// seq, and moves LogFloor to the last of them. What they led to stays.
func (db *DB) Trim(ctx context.Context, upTo uint64) error {
	err := db.trim(ctx, upTo, resource.LogFloor, "SELECT seq FROM change_log WHERE seq <= ? ORDER BY seq LIMIT ?",
		"DELETE FROM change_log WHERE seq <= ?", "DELETE FROM resource_change WHERE seq <= ?")
	if err != nil {
		return fmt.Errorf("trim the change log: %w", err)
	}
	return nil
}

// TrimSamples deletes the samples of the entries up to and including the given
// seq, and the entries that have nothing else, and moves SamplesFloor to the
// last that had any.
func (db *DB) TrimSamples(ctx context.Context, upTo uint64) error {
	err := db.trim(ctx, upTo, resource.SamplesFloor, "SELECT seq FROM change_log WHERE samples IS NOT NULL AND seq <= ? ORDER BY seq LIMIT ?",
		"DELETE FROM change_log WHERE samples IS NOT NULL AND seq <= ? AND length(entry) = 0",
		"UPDATE change_log SET samples = NULL WHERE samples IS NOT NULL AND seq <= ?")
	if err != nil {
		return fmt.Errorf("trim samples: %w", err)
	}
	return nil
}

// trim runs the statements up to the last seq that the query finds, step by
// step, and notes each under the position. A store with nothing to trim is not
// written to.
func (db *DB) trim(ctx context.Context, upTo uint64, position, find string, statements ...string) error {
	find = "SELECT max(seq) FROM (" + find + ")"
	for {
		var last sql.NullInt64
		if err := db.read.QueryRowContext(ctx, find, int64(upTo), trimStep).Scan(&last); err != nil {
			return err
		}
		if !last.Valid {
			return nil
		}
		err := db.inTx(ctx, func(t *tx) error {
			for _, s := range statements {
				if _, err := t.exec(s, last.Int64); err != nil {
					return err
				}
			}
			return t.move(position, uint64(last.Int64))
		})
		if err != nil {
			return err
		}
	}
}

// move keeps a position under a name.
func (t *tx) move(name string, seq uint64) error {
	_, err := t.exec("INSERT INTO position (name, seq) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET seq = excluded.seq", name, int64(seq))
	if err != nil {
		return fmt.Errorf("move position %s: %w", name, err)
	}
	return nil
}

// Position returns the position that is kept under a name, or 0.
func (db *DB) Position(ctx context.Context, name string) (seq uint64, err error) {
	err = db.read.QueryRowContext(ctx, "SELECT seq FROM position WHERE name = ?", name).Scan(&seq)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, fmt.Errorf("read position %s: %w", name, err)
	}
	return seq, nil
}
