package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/internal/store/row"
)

// logPage bounds the bytes that one read of the change log returns, but for
// its first entry.
const logPage = 4 << 20

// Log returns up to limit entries of the change log with a seq greater than
// after, in order; fewer if they are large, but one if there is any.
func (db *DB) Log(ctx context.Context, after uint64, limit int) ([]resource.LogEntry, error) {
	return db.entries(ctx, "seq > $1", "seq", after, limit)
}

// LogBack returns up to limit entries of the change log with a seq of at most
// from, the newest first; fewer if they are large, but one if there is any.
func (db *DB) LogBack(ctx context.Context, from uint64, limit int) ([]resource.LogEntry, error) {
	return db.entries(ctx, "seq <= $1", "seq DESC", from, limit)
}

// entries reads a page. PostgreSQL sends all that it is asked for, so the
// bound of bytes is a matter of the query: the entries before one, without it,
// must be less.
func (db *DB) entries(ctx context.Context, which, order string, seq uint64, limit int) (log []resource.LogEntry, err error) {
	const size = "length(entry) + coalesce(length(samples), 0)"
	err = each(ctx, db.read, func(c *cells) error {
		e := resource.LogEntry{Seq: uint64(c.int()), Time: row.FromNanos(c.int())}
		e.Log = append([]byte(nil), c.bytes()...)
		e.Samples = append([]byte(nil), c.bytes()...)
		log = append(log, e)
		return c.err
	}, `WITH page AS (SELECT seq, `+size+` AS size FROM change_log WHERE `+which+` ORDER BY `+order+` LIMIT $2),
		fits AS (SELECT seq FROM (SELECT seq, sum(size) OVER (ORDER BY `+order+` ROWS UNBOUNDED PRECEDING) - size AS before FROM page) p WHERE before < $3)
		SELECT seq, time, entry, samples FROM change_log JOIN fits USING (seq) ORDER BY `+order, int64(seq), limit, int64(logPage))
	if err != nil {
		return nil, fmt.Errorf("read the change log: %w", err)
	}
	return log, nil
}

// LogSize returns the greatest seq from which on the entries take more than
// most bytes, or 0 if they do not.
func (db *DB) LogSize(ctx context.Context, most int64) (seq uint64, err error) {
	err = db.read.QueryRow(ctx, `SELECT coalesce(max(seq), 0) FROM (
		SELECT seq, sum(length(entry) + coalesce(length(samples), 0)) OVER (ORDER BY seq DESC) AS size FROM change_log
	) sizes WHERE size > $1`, most).Scan(&seq)
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
	if err := db.trim(ctx, upTo, resource.LogFloor, "true", "trim", "trim history"); err != nil {
		return fmt.Errorf("trim the change log: %w", err)
	}
	return nil
}

// TrimSamples deletes the samples of the entries up to and including the given
// seq, and the entries that have nothing else, and moves SamplesFloor to the
// last that had any.
func (db *DB) TrimSamples(ctx context.Context, upTo uint64) error {
	if err := db.trim(ctx, upTo, resource.SamplesFloor, "samples IS NOT NULL", "trim entries of samples", "trim samples"); err != nil {
		return fmt.Errorf("trim samples: %w", err)
	}
	return nil
}

// trim runs the statements up to the last seq that is concerned, step by step,
// and notes each under the position. A store with nothing to trim is not
// written to.
func (db *DB) trim(ctx context.Context, upTo uint64, position, concerned string, statements ...string) error {
	find := "SELECT max(seq) FROM (SELECT seq FROM change_log WHERE " + concerned + " AND seq <= $1 ORDER BY seq LIMIT $2) step"
	for {
		var last *int64
		if err := db.read.QueryRow(ctx, find, int64(upTo), trimStep).Scan(&last); err != nil {
			return err
		}
		if last == nil {
			return nil
		}
		err := db.inTx(ctx, db.fence(), func(t *tx) error {
			for _, s := range statements {
				t.send(s, [][]byte{scalar(*last)})
			}
			t.move(position, uint64(*last))
			return nil
		})
		if err != nil {
			return err
		}
	}
}

// move keeps a position under a name.
func (t *tx) move(name string, seq uint64) {
	t.send("move position", [][]byte{[]byte(escape(name)), scalar(int64(seq))})
}

// Position returns the position that is kept under a name, or 0.
func (db *DB) Position(ctx context.Context, name string) (seq uint64, err error) {
	err = db.read.QueryRow(ctx, "SELECT seq FROM position WHERE name = $1", escape(name)).Scan(&seq)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return 0, fmt.Errorf("read position %s: %w", name, err)
	}
	return seq, nil
}
