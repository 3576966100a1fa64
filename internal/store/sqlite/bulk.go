package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
)

// bulkSizes are the numbers of rows that one statement handles. More than
// about 100 gain nothing; the small sizes serve the small commits, and the
// rest of the large ones.
var bulkSizes = [...]int{100, 10, 1}

// statement is a statement over a number of rows, prepared once a size.
type statement struct {
	prefix, tuple, suffix string
	cols                  int
	must                  bool // of overOne: the row has to be there
	prepared              [len(bulkSizes)]driver.StmtExecContext
}

// overRows returns the statement "prefix (?,?),(?,?) suffix" of rows with cols
// columns.
func overRows(prefix string, cols int, suffix string) *statement {
	return &statement{prefix: prefix + " ", cols: cols, suffix: " " + suffix,
		tuple: "(" + strings.TrimSuffix(strings.Repeat("?,", cols), ",") + ")"}
}

// overList returns the statement "prefix (?,?,?) suffix" of single values.
func overList(prefix, suffix string) *statement {
	return &statement{prefix: prefix + " (", tuple: "?", cols: 1, suffix: ") " + suffix}
}

// overOne returns a statement of one row at a time, with cols parameters.
func overOne(text string, cols int) *statement {
	return &statement{prefix: text, cols: cols}
}

// size returns the form for bulkSizes[i] rows.
func (s *statement) size(c driver.Conn, i int) (driver.StmtExecContext, error) {
	if s.prepared[i] != nil {
		return s.prepared[i], nil
	}
	q := s.prefix + strings.TrimSuffix(strings.Repeat(s.tuple+",", bulkSizes[i]), ",") + s.suffix
	st, err := c.Prepare(q)
	if err != nil {
		return nil, fmt.Errorf("prepare %q: %w", s.prefix, err)
	}
	x, ok := st.(driver.StmtExecContext)
	if !ok {
		return nil, fmt.Errorf("the SQLite driver's statements are %T, which cannot run under a context", st)
	}
	s.prepared[i] = x
	return x, nil
}

// args collects the arguments of one run of a statement. The driver is called
// without database/sql in between, whose checks cost as much as a row.
type args struct {
	v []driver.NamedValue
}

func (a *args) int(n int64)   { a.add(n) }
func (a *args) text(s string) { a.add(s) }
func (a *args) flag(b bool) {
	if b {
		a.add(int64(1))
	} else {
		a.add(int64(0))
	}
}

func (a *args) add(v driver.Value) {
	a.v = append(a.v, driver.NamedValue{Ordinal: len(a.v) + 1, Value: v})
}

// run runs the statement over n rows; fill appends the arguments of row i.
func (t *tx) run(s *statement, n int, fill func(a *args, i int) error) error {
	a := &t.db.args
	defer func() { clear(a.v); a.v = a.v[:0] }() // let the values go
	z := 0
	if s.tuple == "" { // overOne
		z = len(bulkSizes) - 1
	}
	for i := 0; i < n; {
		for n-i < bulkSizes[z] {
			z++
		}
		if err := t.ctx.Err(); err != nil {
			return err
		}
		st, err := s.size(t.conn, z)
		if err != nil {
			return err
		}
		a.v = a.v[:0]
		for range bulkSizes[z] {
			if err := fill(a, i); err != nil {
				return err
			}
			i++
		}
		res, err := st.ExecContext(context.Background(), a.v)
		if err != nil {
			return err
		}
		if s.must {
			if found, err := res.RowsAffected(); err != nil || found != 1 {
				return errors.Join(err, fmt.Errorf("row %v is not there to be changed", a.v[0].Value))
			}
		}
	}
	return nil
}

// exec runs a statement once and returns its result.
func (t *tx) exec(query string, values ...driver.Value) (driver.Result, error) {
	var a args
	for _, v := range values {
		a.add(v)
	}
	return exec(t.conn, query, a.v)
}

func exec(c driver.Conn, query string, v []driver.NamedValue) (driver.Result, error) {
	x, ok := c.(driver.ExecerContext)
	if !ok {
		return nil, fmt.Errorf("the SQLite driver's connection is a %T, which cannot run statements under a context", c)
	}
	return x.ExecContext(context.Background(), query, v)
}
