package pgtest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Insert inserts the rows of tables of one database into the same, empty tables
// of another, 100 a prepared statement, in one transaction: what everybody does
// who writes rows with INSERT. It returns how many there are of each table, and
// how long that took, without reading them.
func Insert(tb testing.TB, from, to string, tables ...string) (counts []int, took time.Duration) {
	tb.Helper()
	ctx := tb.Context()
	src, err := pgx.Connect(ctx, from)
	if err != nil {
		tb.Fatal(err)
	}
	dst, err := pgx.Connect(ctx, to)
	if err != nil {
		tb.Fatal(err)
	}
	defer func() {
		for _, c := range []*pgx.Conn{src, dst} {
			if err := c.Close(context.Background()); err != nil {
				tb.Error(err)
			}
		}
	}()
	all := make([][][]any, len(tables))
	columns := make([]string, len(tables))
	for i, table := range tables {
		rows, err := src.Query(ctx, "SELECT * FROM "+table)
		if err != nil {
			tb.Fatal(err)
		}
		var names []string
		for _, d := range rows.FieldDescriptions() {
			names = append(names, d.Name)
		}
		columns[i] = strings.Join(names, ", ")
		if all[i], err = pgx.CollectRows(rows, func(row pgx.CollectableRow) ([]any, error) { return row.Values() }); err != nil {
			tb.Fatal(err)
		}
		counts = append(counts, len(all[i]))
	}
	start := time.Now()
	err = pgx.BeginFunc(ctx, dst, func(tx pgx.Tx) error {
		for i, rows := range all {
			for len(rows) > 0 {
				n := min(100, len(rows))
				var args []any
				for _, row := range rows[:n] {
					args = append(args, row...)
				}
				q := fmt.Sprintf("INSERT INTO %s (%s) VALUES %s", tables[i], columns[i], tuples(n, len(rows[0])))
				if _, err := tx.Exec(ctx, q, args...); err != nil {
					return err
				}
				rows = rows[n:]
			}
		}
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	return counts, time.Since(start)
}

// tuples returns the parameters of n rows: "($1,$2),($3,$4)".
func tuples(n, columns int) string {
	var b strings.Builder
	for i := range n * columns {
		switch {
		case i == 0:
			b.WriteByte('(')
		case i%columns == 0:
			b.WriteString("),(")
		default:
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "$%d", i+1)
	}
	return b.String() + ")"
}
