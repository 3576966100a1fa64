package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"maps"
)

// className is a key of the class dictionary.
type className struct{ plugin, name string }

// tx is a writing transaction.
type tx struct {
	db   *DB
	conn driver.Conn
	ctx  context.Context // when to give up between two statements
	// added are the classes that join the dictionary if the transaction commits.
	added map[className]int64
}

// inTx runs f in one writing transaction.
//
// No statement runs under ctx: a context that ends in the middle of a COMMIT
// would leave it open whether that happened. Instead tx.run looks at it.
func (db *DB) inTx(ctx context.Context, f func(*tx) error) error {
	db.mu.Lock()
	defer db.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	return db.writer.Raw(func(c any) error {
		conn, ok := c.(driver.Conn)
		if !ok {
			return fmt.Errorf("the SQLite driver's connection is a %T", c)
		}
		if _, err := exec(conn, "BEGIN IMMEDIATE", nil); err != nil {
			return fmt.Errorf("begin: %w", err)
		}
		t := &tx{db: db, conn: conn, ctx: ctx}
		err := f(t)
		if err == nil {
			_, err = exec(conn, "COMMIT", nil)
		}
		if err != nil {
			// Some errors, a full disk for one, have rolled back already; then this
			// fails, which says nothing new.
			if _, e := exec(conn, "ROLLBACK", nil); e != nil {
				err = errors.Join(err, fmt.Errorf("roll back: %w", e))
			}
			return err
		}
		maps.Copy(db.classes, t.added)
		db.check.committed()
		return nil
	})
}

// class returns the number of a class, which it adds to the dictionary if need
// be.
func (t *tx) class(plugin, name string) (int64, error) {
	c := className{plugin, name}
	if id, ok := t.db.classes[c]; ok {
		return id, nil
	}
	if id, ok := t.added[c]; ok {
		return id, nil
	}
	res, err := t.exec("INSERT INTO class (plugin, name) VALUES (?, ?)", plugin, name)
	if err != nil {
		return 0, fmt.Errorf("add class %s.%s: %w", plugin, name, err)
	}
	id, err := res.LastInsertId()
	if err != nil {
		return 0, err
	}
	if t.added == nil {
		t.added = make(map[className]int64)
	}
	t.added[c] = id
	return id, nil
}
