package postgres

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/internal/store/row"
)

// queryer is a connection pool or a transaction.
type queryer interface {
	Query(ctx context.Context, query string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, query string, args ...any) pgx.Row
}

// binaryResult asks for values in the form that cells reads.
var binaryResult = pgx.QueryResultFormats{pgx.BinaryFormatCode}

// cells reads the values of one row in their order. The first that is not what
// it should be is kept in err.
type cells struct {
	values [][]byte
	err    error
}

func (c *cells) bytes() []byte {
	if len(c.values) == 0 {
		c.err = errors.New("a column is missing")
		return nil
	}
	v := c.values[0]
	c.values = c.values[1:]
	return v
}

func (c *cells) int() int64 {
	b := c.bytes()
	if len(b) != 8 {
		c.err = fmt.Errorf("%d bytes where a bigint has 8", len(b))
		return 0
	}
	return int64(binary.BigEndian.Uint64(b))
}

func (c *cells) flag() bool {
	b := c.bytes()
	return len(b) == 1 && b[0] != 0
}

func (c *cells) text() string {
	s, err := unescape(string(c.bytes()))
	if err != nil {
		c.err = err
	}
	return s
}

// json is the text as bytes of their own; nil for NULL.
func (c *cells) json() []byte {
	b := c.bytes()
	if bytes.Contains(b, []byte(mark)) {
		s, err := unescape(string(b))
		if err != nil {
			c.err = err
		}
		return []byte(s)
	}
	return bytes.Clone(b)
}

// each calls f for every row of a query.
func each(ctx context.Context, q queryer, f func(*cells) error, query string, args ...any) error {
	rs, err := q.Query(ctx, query, append([]any{binaryResult}, args...)...)
	if err != nil {
		return err
	}
	defer rs.Close()
	for rs.Next() {
		if err := f(&cells{values: rs.RawValues()}); err != nil {
			return err
		}
	}
	return rs.Err()
}

// snapshot runs f in a transaction that sees one commit.
func (db *DB) snapshot(ctx context.Context, f func(pgx.Tx) error) error {
	return pgx.BeginTxFunc(ctx, db.read, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, f)
}

// Load calls resource for every resource, by ID, then edge for every edge, by
// (parent, child), all as of one commit. It returns that commit's seq and the
// next free ID. An error of a callback ends it and is returned.
func (db *DB) Load(ctx context.Context, res func(resource.StoredResource) error, edge func(resource.StoredEdge) error) (seq uint64, next resource.ID, err error) {
	err = db.snapshot(ctx, func(tx pgx.Tx) error {
		if err := tx.QueryRow(ctx, "SELECT seq, next_resource FROM meta").Scan(&seq, &next); err != nil {
			return fmt.Errorf("read the position: %w", err)
		}
		err := row.Ahead(func(yield func(resource.StoredResource) error) error { return loadResources(ctx, tx, yield) }, row.Checked(res))
		if err != nil {
			return err
		}
		return row.Ahead(func(yield func(resource.StoredEdge) error) error { return loadEdges(ctx, tx, yield) }, edge)
	})
	if err != nil {
		return 0, 0, fmt.Errorf("load the inventory: %w", err)
	}
	return seq, next, nil
}

// root is a row of the table root.
type root struct {
	offline     bool
	error       string
	lastContact int64
	held        []byte
}

func loadResources(ctx context.Context, tx pgx.Tx, f func(resource.StoredResource) error) error {
	names, err := classNames(ctx, tx)
	if err != nil {
		return err
	}
	roots, err := loadRoots(ctx, tx)
	if err != nil {
		return err
	}
	var lists row.IDReader
	return each(ctx, tx, func(c *cells) error {
		r := resource.StoredResource{ID: resource.ID(c.int())}
		class, ok := names[c.int()]
		if !ok {
			return fmt.Errorf("resource %d: its class is not in the table class", r.ID)
		}
		r.Plugin, r.Class = class.plugin, class.name
		r.Identity = c.text()
		r.Scope = resource.ID(c.int())
		r.Label, r.OwnLabel, r.Alias = c.text(), c.flag(), c.text()
		r.Attributes = c.json()
		reporters := c.bytes()
		r.FirstSeen, r.Updated = row.FromNanos(c.int()), row.FromNanos(c.int())
		r.WrittenBy = c.json()
		if c.err != nil {
			return fmt.Errorf("resource %d: %w", r.ID, c.err)
		}
		var err error
		if r.Reporters, err = lists.Parse(reporters); err != nil {
			return fmt.Errorf("resource %d: column reporters: %w", r.ID, err)
		}
		if s, ok := roots[r.ID]; ok {
			r.Root, r.Offline, r.Error, r.LastContact = true, s.offline, s.error, row.FromNanos(s.lastContact)
			r.Held = s.held
		}
		return f(r)
	}, "SELECT id, class, identity, scope, label, own_label, alias, attributes, reporters, first_seen, updated, written_by FROM resource ORDER BY id")
}

func loadRoots(ctx context.Context, tx pgx.Tx) (map[resource.ID]root, error) {
	m := make(map[resource.ID]root)
	err := each(ctx, tx, func(c *cells) error {
		id := resource.ID(c.int())
		m[id] = root{c.flag(), c.text(), c.int(), c.json()}
		return c.err
	}, "SELECT id, offline, error, last_contact, held FROM root")
	if err != nil {
		return nil, fmt.Errorf("read roots: %w", err)
	}
	return m, nil
}

func loadEdges(ctx context.Context, tx pgx.Tx, f func(resource.StoredEdge) error) error {
	var lists row.IDReader
	return each(ctx, tx, func(c *cells) error {
		var e resource.StoredEdge
		e.Parent, e.Child = resource.ID(c.int()), resource.ID(c.int())
		roots := c.bytes()
		if c.err != nil {
			return fmt.Errorf("read edges: %w", c.err)
		}
		var err error
		if e.Roots, err = lists.Parse(roots); err != nil {
			return fmt.Errorf("edge from %d to %d: column roots: %w", e.Parent, e.Child, err)
		}
		return f(e)
	}, "SELECT parent, child, roots FROM edge ORDER BY parent, child")
}

func loadClasses(ctx context.Context, q queryer) (map[className]int64, error) {
	m := make(map[className]int64)
	err := each(ctx, q, func(c *cells) error {
		id := c.int()
		m[className{c.text(), c.text()}] = id
		return c.err
	}, "SELECT id, plugin, name FROM class")
	if err != nil {
		return nil, fmt.Errorf("read classes: %w", err)
	}
	return m, nil
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
