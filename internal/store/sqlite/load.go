package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/internal/store/row"
)

// Load calls resource for every resource, by ID, then edge for every edge, by
// (parent, child), all as of one commit. It returns that commit's seq and the
// next free ID. An error of a callback ends it and is returned.
func (db *DB) Load(ctx context.Context, res func(resource.StoredResource) error, edge func(resource.StoredEdge) error) (seq uint64, next resource.ID, err error) {
	tx, err := db.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return 0, 0, fmt.Errorf("load the inventory: %w", err)
	}
	defer func() { err = errors.Join(err, tx.Rollback()) }()
	if err := tx.QueryRowContext(ctx, "SELECT seq, next_resource FROM meta").Scan(&seq, &next); err != nil {
		return 0, 0, fmt.Errorf("load the inventory: read the position: %w", err)
	}
	// The driver watches a context that can end at every row; here that is looked at
	// now and then.
	quiet := context.WithoutCancel(ctx)
	err = row.Ahead(func(yield func(resource.StoredResource) error) error {
		return loadResources(quiet, tx, watched(ctx, yield))
	}, row.Checked(res))
	if err == nil {
		err = row.Ahead(func(yield func(resource.StoredEdge) error) error {
			return loadEdges(quiet, tx, watched(ctx, yield))
		}, edge)
	}
	if err != nil {
		return 0, 0, fmt.Errorf("load the inventory: %w", err)
	}
	return seq, next, nil
}

// watched is f, which also fails when ctx has ended.
func watched[T any](ctx context.Context, f func(T) error) func(T) error {
	n := 0
	return func(row T) error {
		if n++; n%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		return f(row)
	}
}

// root is a row of the table root.
type root struct {
	offline     bool
	error       string
	lastContact int64
	held        []byte
}

func loadResources(ctx context.Context, tx *sql.Tx, f func(resource.StoredResource) error) error {
	names, err := classNames(ctx, tx)
	if err != nil {
		return err
	}
	roots, err := loadRoots(ctx, tx)
	if err != nil {
		return err
	}
	rows, err := tx.QueryContext(ctx, `SELECT id, class, identity, scope, label, own_label, alias, attributes, reporters, first_seen, updated, written_by
		FROM resource ORDER BY id`)
	if err != nil {
		return fmt.Errorf("read resources: %w", err)
	}
	defer rows.Close()
	var reporters, writtenBy sql.RawBytes
	var lists row.IDReader
	for rows.Next() {
		var r resource.StoredResource
		var class, first, updated int64
		if err := rows.Scan(&r.ID, &class, &r.Identity, &r.Scope, &r.Label, &r.OwnLabel, &r.Alias, &r.Attributes, &reporters, &first, &updated, &writtenBy); err != nil {
			return fmt.Errorf("read the resource after %d: %w", r.ID, err)
		}
		c, ok := names[class]
		if !ok {
			return fmt.Errorf("resource %d: its class %d is not in the table class", r.ID, class)
		}
		r.Plugin, r.Class = c.plugin, c.name
		if r.Reporters, err = lists.Parse(reporters); err != nil {
			return fmt.Errorf("resource %d: column reporters: %w", r.ID, err)
		}
		r.WrittenBy = bytes.Clone(writtenBy)
		if s, ok := roots[r.ID]; ok {
			r.Root, r.Offline, r.Error, r.LastContact = true, s.offline, s.error, row.FromNanos(s.lastContact)
			r.Held = s.held
		}
		r.FirstSeen, r.Updated = row.FromNanos(first), row.FromNanos(updated)
		if err := f(r); err != nil {
			return err
		}
	}
	return rows.Err()
}

func loadRoots(ctx context.Context, tx *sql.Tx) (map[resource.ID]root, error) {
	rows, err := tx.QueryContext(ctx, "SELECT id, offline, error, last_contact, held FROM root")
	if err != nil {
		return nil, fmt.Errorf("read roots: %w", err)
	}
	defer rows.Close()
	m := make(map[resource.ID]root)
	for rows.Next() {
		var id resource.ID
		var r root
		if err := rows.Scan(&id, &r.offline, &r.error, &r.lastContact, &r.held); err != nil {
			return nil, fmt.Errorf("read roots: %w", err)
		}
		m[id] = r
	}
	return m, rows.Err()
}

func loadEdges(ctx context.Context, tx *sql.Tx, f func(resource.StoredEdge) error) error {
	rows, err := tx.QueryContext(ctx, "SELECT parent, child, roots FROM edge ORDER BY parent, child")
	if err != nil {
		return fmt.Errorf("read edges: %w", err)
	}
	defer rows.Close()
	var roots sql.RawBytes
	var lists row.IDReader
	for rows.Next() {
		var e resource.StoredEdge
		if err := rows.Scan(&e.Parent, &e.Child, &roots); err != nil {
			return fmt.Errorf("read edges: %w", err)
		}
		if e.Roots, err = lists.Parse(roots); err != nil {
			return fmt.Errorf("edge from %d to %d: column roots: %w", e.Parent, e.Child, err)
		}
		if err := f(e); err != nil {
			return err
		}
	}
	return rows.Err()
}

func classNames(ctx context.Context, q queryer) (map[int64]className, error) {
	m, err := loadClasses(ctx, q)
	if err != nil {
		return nil, err
	}
	names := make(map[int64]className, len(m))
	for c, id := range m {
		names[id] = c
	}
	return names, nil
}
