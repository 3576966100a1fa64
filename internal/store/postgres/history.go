package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/internal/store/row"
)

// History returns up to limit changes of a resource with a seq of at most from,
// the newest first. They go with the entries of the change log; see Trim.
func (db *DB) History(ctx context.Context, id resource.ID, from uint64, limit int) (out []resource.StoredChange, err error) {
	err = each(ctx, db.read, func(c *cells) error {
		out = append(out, resource.StoredChange{
			Resource: id, Seq: uint64(c.int()), Time: row.FromNanos(c.int()), What: []byte(c.text()), Gone: c.text(),
		})
		return c.err
	}, `SELECT seq, time, what, coalesce(gone, '') FROM resource_change WHERE resource = $1 AND seq <= $2 ORDER BY seq DESC LIMIT $3`,
		int64(id), int64(from), limit)
	if err != nil {
		return nil, fmt.Errorf("read the history of resource %d: %w", id, err)
	}
	return out, nil
}

// Former returns the last resource before another that was deleted and had a
// key, or 0.
func (db *DB) Former(ctx context.Context, key string, before resource.ID) (id resource.ID, err error) {
	err = db.read.QueryRow(ctx, "SELECT resource FROM resource_change WHERE gone = $1 AND resource < $2 ORDER BY resource DESC LIMIT 1",
		escape(key), int64(before)).Scan(&id)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return 0, fmt.Errorf("look for what was deleted before resource %d: %w", before, err)
	}
	return id, nil
}
