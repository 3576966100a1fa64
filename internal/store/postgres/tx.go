package postgres

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/faultline-storage/faultline/internal/resource"
)

// className is a key of the class dictionary.
type className struct{ plugin, name string }

const (
	// step is how many rows a statement over arrays handles. It bounds the
	// memory of their encoding.
	step = 1000
	// copyFrom is the number of new rows from which COPY is worth its round trip.
	copyFrom = 200
)

// tx is a writing transaction. Statements are queued and sent together by
// flush, which returns the first error.
type tx struct {
	db   *DB
	conn *pgconn.PgConn
	ctx  context.Context // when to give up between two statements
	pipe *pgconn.Pipeline
	// queued are the names of the statements since the last flush.
	queued []string
	// added are the classes that join the dictionary if the transaction commits.
	added map[className]int64
}

// fence is the first statement of a transaction. It locks the row of meta, and
// has a row or touches one if this server still leads.
type fence struct {
	name   string
	params [][]byte
	// refused is the error if there was no row although the server leads.
	refused error
}

// inTx runs f in one writing transaction that begins with the fence.
//
// No statement runs under ctx: one that is interrupted leaves it open what
// happened, and closes the connection. Instead ctx is looked at between
// statements.
func (db *DB) inTx(ctx context.Context, first fence, f func(*tx) error) error {
	db.mu.Lock()
	defer db.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := db.lost(); err != nil {
		return err
	}
	t := &tx{db: db, conn: db.writer, ctx: ctx}
	err := t.begin(first)
	if err == nil {
		err = f(t)
	}
	if err == nil {
		t.send("commit", nil)
		_, err = t.flush()
	}
	t.end()
	if err == nil {
		maps.Copy(db.classes, t.added)
		return nil
	}
	if !db.writer.IsClosed() {
		if e := db.writer.Exec(context.Background(), "ROLLBACK").Close(); e != nil {
			err = errors.Join(err, fmt.Errorf("roll back: %w", e))
		}
	}
	if db.writer.IsClosed() {
		// Whether the commit happened is open, so the graph in memory may differ
		// from the database.
		db.lose(fmt.Errorf("the connection that writes is gone: %w", err))
		return db.lost()
	}
	return err
}

func (t *tx) begin(first fence) error {
	t.send("begin", nil)
	t.send(first.name, first.params)
	n, err := t.flush()
	if err != nil {
		return err
	}
	if n == 1 {
		return nil
	}
	if first.refused == nil {
		return t.deposed()
	}
	// The statement has more conditions; the plain one tells which was not met.
	t.send("fence", t.db.epochParam())
	if n, err = t.flush(); err != nil {
		return err
	}
	if n != 1 {
		return t.deposed()
	}
	return first.refused
}

// deposed is the error of a server whose epoch is over.
func (t *tx) deposed() error {
	t.db.lose(errors.New("another server has taken over"))
	return t.db.lost()
}

// end leaves the pipeline, if one is open, and so what it may hold.
func (t *tx) end() {
	if t.pipe != nil {
		_ = t.pipe.Close() // its error was returned by flush
		t.pipe, t.queued = nil, nil
	}
}

// send queues a prepared statement.
func (t *tx) send(name string, params [][]byte) {
	if t.pipe == nil {
		t.pipe = t.conn.StartPipeline(context.Background())
	}
	t.queued = append(t.queued, name)
	t.pipe.SendQueryPrepared(name, params, binaryFormat, binaryFormat)
}

// binaryFormat is the format of all parameters and results.
var binaryFormat = []int16{1}

// flush sends what is queued, waits until all of it ran, and returns how many
// rows the last statement touched or returned.
func (t *tx) flush() (affected int64, err error) {
	if t.pipe == nil {
		return 0, nil
	}
	if err := t.pipe.Sync(); err != nil {
		return 0, err
	}
	for i := 0; ; i++ {
		res, e := t.pipe.GetResults()
		switch r := res.(type) {
		case *pgconn.ResultReader:
			var tag pgconn.CommandTag
			if tag, e = r.Close(); e == nil {
				affected = tag.RowsAffected()
			}
		case *pgconn.PipelineSync:
			t.queued = t.queued[:0]
			return affected, err
		}
		if e == nil && res == nil {
			e = errors.New("the answer ended early")
		}
		if e != nil && err == nil {
			what := "finish"
			if i < len(t.queued) {
				what = t.queued[i]
			}
			err = fmt.Errorf("%s: %w", what, e)
		}
		if t.conn.IsClosed() || res == nil && e == nil {
			return 0, err
		}
	}
}

// each runs a statement over n rows; fill appends the values of row i.
func (t *tx) each(s *statement, n int, fill func(r *rows, i int)) error {
	for i := 0; i < n; i += step {
		if err := t.ctx.Err(); err != nil {
			return err
		}
		t.send(s.name, arrays(s.table, min(step, n-i), func(r *rows, k int) { fill(r, i+k) }))
		if n > step { // do not keep all of a large change in memory
			if err := t.pipe.Flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

// add writes n new rows.
func (t *tx) add(s *statement, n int, fill func(r *rows, i int)) error {
	if n < copyFrom {
		return t.each(s, n, fill)
	}
	if err := t.ctx.Err(); err != nil {
		return err
	}
	if _, err := t.flush(); err != nil {
		return err
	}
	t.end()
	_, err := t.conn.CopyFrom(context.Background(), &copyReader{width: uint16(len(s.table.kinds)), n: n, fill: fill}, s.table.copy())
	return err
}

// class returns the number of a class, which learn has seen.
func (t *tx) class(plugin, name string) int64 {
	c := className{plugin, name}
	if id, ok := t.db.classes[c]; ok {
		return id
	}
	return t.added[c]
}

// learn adds a class to the dictionary, if need be.
func (t *tx) learn(plugin, name string) error {
	c := className{plugin, name}
	if _, ok := t.db.classes[c]; ok {
		return nil
	}
	if _, ok := t.added[c]; ok {
		return nil
	}
	if _, err := t.flush(); err != nil {
		return err
	}
	t.end()
	res := t.conn.ExecPrepared(context.Background(), "add class", [][]byte{[]byte(escape(plugin)), []byte(escape(name))}, binaryFormat, []int16{0}).Read()
	if res.Err != nil {
		return fmt.Errorf("add class %s.%s: %w", plugin, name, res.Err)
	}
	var id int64
	if len(res.Rows) == 1 {
		if _, err := fmt.Sscan(string(res.Rows[0][0]), &id); err != nil {
			return fmt.Errorf("add class %s.%s: %w", plugin, name, err)
		}
	}
	if t.added == nil {
		t.added = make(map[className]int64)
	}
	t.added[c] = id
	return nil
}

// learnAll is learn for the classes of resources.
func (t *tx) learnAll(list []*resource.Resource) error {
	var last *resource.Class
	for _, r := range list {
		if r.Class == last {
			continue
		}
		last = r.Class
		if err := t.learn(last.Plugin, last.Name); err != nil {
			return err
		}
	}
	return nil
}
