package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/internal/store/postgres/pgtest"
)

var disk = func() *resource.Class {
	c := &resource.Class{Plugin: "acme", Name: "Disk", IDScope: resource.Scoped, IDNames: []string{"serial"}, Attributes: []resource.Attribute{
		{Name: "serial", Kind: resource.String}, {Name: "shelf", Kind: resource.Integer}, {Name: "slot", Kind: resource.Integer},
		{Name: "capacity", Kind: resource.Bytes}, {Name: "status", Kind: resource.Enum}, {Name: "model", Kind: resource.String},
		{Name: "firmware", Kind: resource.String}, {Name: "rpm", Kind: resource.Integer, Optional: true},
	}}
	c.Index()
	return c
}()

// disks is a mutation that creates n resources with an edge each.
func disks(n int) *resource.Mutation {
	m := &resource.Mutation{Seq: 1, Time: time.Unix(1_770_000_000, 0), Created: n, Log: []byte(`{}`)}
	for i := range n {
		serial := fmt.Sprintf("ACME%08d", i)
		m.Put = append(m.Put, &resource.Resource{ID: resource.ID(i + 2), Class: disk, Label: "Disk " + serial,
			Values: []resource.Value{resource.StringValue(serial), resource.IntValue(int64(i / 24)), resource.IntValue(int64(i % 24)),
				resource.IntValue(4 << 40), resource.StringValue("OK"), resource.StringValue("ACME X1"), resource.StringValue("1.0.3"), resource.Null},
			Identity: `["` + serial + `"]`, Scope: 1, Reporters: []resource.ID{1}, FirstSeen: m.Time, Updated: m.Time})
		m.AddEdges = append(m.AddEdges, resource.StoredEdge{Edge: resource.Edge{Parent: resource.ID(n + 2 + i/24), Child: resource.ID(i + 2)}, Roots: []resource.ID{1}})
	}
	return m
}

// raw writes rows that are ready made, 100 a statement, through pgx: what
// everybody does who writes them with INSERT.
type raw struct{ resources, edges [][]any }

func rawRows(m *resource.Mutation) raw {
	var r raw
	for _, p := range m.Put {
		r.resources = append(r.resources, []any{int64(p.ID), int64(1), int64(p.Scope), p.Identity, int64(p.Scope), p.Label, false, "",
			string(p.AppendAttributes(nil)), "[1]", p.FirstSeen.UnixNano(), p.Updated.UnixNano()})
	}
	for _, e := range m.AddEdges {
		r.edges = append(r.edges, []any{int64(e.Parent), int64(e.Child), "[1]"})
	}
	return r
}

var rawTables = []struct {
	name    string
	columns []string
}{
	{"resource", []string{"id", "class", "space", "identity", "scope", "label", "own_label", "alias", "attributes", "reporters", "first_seen", "updated"}},
	{"edge", []string{"parent", "child", "roots"}},
}

func (r raw) insert(ctx context.Context, c *pgx.Conn) error {
	return pgx.BeginFunc(ctx, c, func(tx pgx.Tx) error {
		for i, rows := range [][][]any{r.resources, r.edges} {
			t := rawTables[i]
			var q strings.Builder
			fmt.Fprintf(&q, "INSERT INTO %s (%s) VALUES ", t.name, strings.Join(t.columns, ", "))
			for n := range 100 * len(t.columns) {
				switch {
				case n == 0:
					q.WriteString("(")
				case n%len(t.columns) == 0:
					q.WriteString("),(")
				default:
					q.WriteString(",")
				}
				fmt.Fprintf(&q, "$%d", n+1)
			}
			q.WriteString(")")
			var args []any
			for i := 0; i < len(rows); i += 100 {
				args = args[:0]
				for _, row := range rows[i : i+100] {
					args = append(args, row...)
				}
				if _, err := tx.Exec(ctx, q.String(), args...); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// copy is the least that anybody does who writes rows.
func (r raw) copy(ctx context.Context, c *pgx.Conn) error {
	return pgx.BeginFunc(ctx, c, func(tx pgx.Tx) error {
		for i, rows := range [][][]any{r.resources, r.edges} {
			if _, err := tx.CopyFrom(ctx, pgx.Identifier{rawTables[i].name}, rawTables[i].columns, pgx.CopyFromRows(rows)); err != nil {
				return err
			}
		}
		return nil
	})
}

func rawConn(tb testing.TB, url string) *pgx.Conn {
	tb.Helper()
	c, err := pgx.Connect(tb.Context(), url)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = c.Close(context.Background()) })
	return c
}

// BenchmarkCommit compares Commit of 100,000 new resources and edges with raw
// bulk inserts of the same rows into the same tables, in one run: ratio is the
// time of prepared inserts of 100 rows / Commit time, copy-ratio the time of
// the driver's COPY / Commit time.
func BenchmarkCommit(b *testing.B) {
	m := disks(100_000)
	rows := rawRows(m)
	var ours, theirs, copied time.Duration
	open(b) // the cluster
	pgtest.Sync(b)
	for b.Loop() {
		b.StopTimer()
		db, url := open(b)
		c := rawConn(b, url)
		took := func(total *time.Duration, f func() error) {
			b.Helper()
			start := time.Now()
			if err := f(); err != nil {
				b.Fatal(err)
			}
			*total += time.Since(start)
			_, err1 := c.Exec(b.Context(), "TRUNCATE resource, edge")
			_, err2 := c.Exec(b.Context(), "CHECKPOINT")
			if err := errors.Join(err1, err2); err != nil {
				b.Fatal(err)
			}
		}
		took(&theirs, func() error { return rows.insert(b.Context(), c) })
		took(&copied, func() error { return rows.copy(b.Context(), c) })
		b.StartTimer()
		took(&ours, func() error {
			err := db.Commit(b.Context(), m)
			b.StopTimer()
			return err
		})
		b.StartTimer()
	}
	b.ReportMetric(theirs.Seconds()/ours.Seconds(), "ratio")
	b.ReportMetric(copied.Seconds()/ours.Seconds(), "copy-ratio")
	b.ReportMetric(float64(b.N*len(m.Put))/ours.Seconds(), "resources/s")
}

// BenchmarkLoad loads 100,000 resources and edges.
func BenchmarkLoad(b *testing.B) {
	db, _ := open(b)
	if err := db.Commit(b.Context(), disks(100_000)); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		_, _, err := db.Load(b.Context(), func(resource.StoredResource) error { return nil }, func(resource.StoredEdge) error { return nil })
		if err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkUpdate compares Commit of 1,000 changed of 100,000 resources with
// raw prepared updates of the same rows, all in one pipeline, in one run. ratio
// is raw time / Commit time.
func BenchmarkUpdate(b *testing.B) {
	db, url := open(b)
	pgtest.Sync(b)
	all := disks(100_000)
	if err := db.Commit(b.Context(), all); err != nil {
		b.Fatal(err)
	}
	theirs := rawConn(b, url)
	var ours, raw time.Duration
	seq := all.Seq
	for b.Loop() {
		seq++
		m := &resource.Mutation{Seq: seq, Time: all.Time, Log: []byte(`{}`)}
		for i := range 1000 {
			r := *all.Put[i*97%len(all.Put)]
			r.Values = append([]resource.Value(nil), r.Values...)
			r.Values[4] = resource.StringValue(fmt.Sprint("S", seq))
			m.Put = append(m.Put, &r)
		}
		start := time.Now()
		if err := db.Commit(b.Context(), m); err != nil {
			b.Fatal(err)
		}
		ours += time.Since(start)

		b.StopTimer()
		batch := &pgx.Batch{}
		for _, r := range m.Put {
			batch.Queue("UPDATE resource SET attributes = $1, updated = $2 WHERE id = $3",
				strings.Replace(string(r.AppendAttributes(nil)), `"S`, `"T`, 1), r.Updated.UnixNano(), int64(r.ID))
		}
		start = time.Now()
		if err := pgx.BeginFunc(b.Context(), theirs, func(tx pgx.Tx) error { return tx.SendBatch(b.Context(), batch).Close() }); err != nil {
			b.Fatal(err)
		}
		raw += time.Since(start)
		b.StartTimer()
	}
	b.ReportMetric(raw.Seconds()/ours.Seconds(), "ratio")
}

// BenchmarkSmallCommit commits one changed resource.
func BenchmarkSmallCommit(b *testing.B) {
	db, _ := open(b)
	pgtest.Sync(b)
	m := disks(1)
	for b.Loop() {
		if err := db.Commit(b.Context(), m); err != nil {
			b.Fatal(err)
		}
		m.Created = 0
		m.Seq++
	}
}

// BenchmarkAlerts commits 10,000 new alerts.
func BenchmarkAlerts(b *testing.B) {
	db, _ := open(b)
	id := resource.AlertID(1)
	for b.Loop() {
		b.StopTimer()
		var as []*resource.Alert
		for range 10_000 {
			as = append(as, &resource.Alert{ID: id, Resource: resource.ID(id), Plugin: "acme", Class: "Disk", Condition: "status", Attribute: "status",
				Severity: resource.Error, Message: "Drive failure", Text: fmt.Sprintf("Drive failure (Disk, ACME%d)", id),
				Began: time.Unix(1_770_000_000, int64(id)), Seq: uint64(id)})
			id++
		}
		b.StartTimer()
		if err := db.CommitAlerts(b.Context(), &resource.AlertMutation{Put: as}); err != nil {
			b.Fatal(err)
		}
	}
}
