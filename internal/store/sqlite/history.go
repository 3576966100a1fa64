package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/internal/store/row"
)

// History returns up to limit changes of a resource with a seq of at most from,
// the newest first. They go with the entries of the change log; see Trim.
func (db *DB) History(ctx context.Context, id resource.ID, from uint64, limit int) (out []resource.StoredChange, err error) {
	fail := func(err error) ([]resource.StoredChange, error) {
		return nil, fmt.Errorf("read the history of resource %d: %w", id, err)
	}
	rows, err := db.read.QueryContext(ctx, `SELECT seq, time, what, coalesce(gone, '') FROM resource_change
		WHERE resource = ? AND seq <= ? ORDER BY seq DESC LIMIT ?`, int64(id), int64(from), limit)
	if err != nil {
		return fail(err)
	}
	defer rows.Close()
	for rows.Next() {
		c := resource.StoredChange{Resource: id}
		var n int64
		if err := rows.Scan(&c.Seq, &n, &c.What, &c.Gone); err != nil {
			return fail(err)
		}
		c.Time = row.FromNanos(n)
		out = append(out, c)
	}
	if err := rows.Err(); err != nil {
		return fail(err)
	}
	return out, nil
}

// Former returns the last resource before another that was deleted and had a
// key, or 0.
func (db *DB) Former(ctx context.Context, key string, before resource.ID) (id resource.ID, err error) {
	err = db.read.QueryRowContext(ctx, "SELECT resource FROM resource_change WHERE gone = ? AND resource < ? ORDER BY resource DESC LIMIT 1",
		key, int64(before)).Scan(&id)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, fmt.Errorf("look for what was deleted before resource %d: %w", before, err)
	}
	return id, nil
}
