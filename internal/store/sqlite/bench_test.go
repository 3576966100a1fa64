package sqlite_test

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/internal/store/sqlite"
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

// raw writes rows that are ready made, 100 a statement, through database/sql:
// the least that anybody does who writes them.
type raw struct{ resources, edges [][]any }

func rawRows(m *resource.Mutation) raw {
	var r raw
	for _, p := range m.Put {
		r.resources = append(r.resources, []any{int64(p.ID), int64(1), int64(p.Scope), p.Identity, int64(p.Scope), p.Label, int64(0), "",
			string(p.AppendAttributes(nil)), "[1]", p.FirstSeen.UnixNano(), p.Updated.UnixNano()})
	}
	for _, e := range m.AddEdges {
		r.edges = append(r.edges, []any{int64(e.Parent), int64(e.Child), "[1]"})
	}
	return r
}

func (r raw) insert(ctx context.Context, db *sql.DB) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	for _, part := range []struct {
		sql  string
		rows [][]any
	}{
		{"INSERT INTO resource (id, class, space, identity, scope, label, own_label, alias, attributes, reporters, first_seen, updated) VALUES ", r.resources},
		{"INSERT INTO edge (parent, child, roots) VALUES ", r.edges},
	} {
		tuple := "(" + strings.TrimSuffix(strings.Repeat("?,", len(part.rows[0])), ",") + ")"
		st, err := tx.PrepareContext(ctx, part.sql+strings.TrimSuffix(strings.Repeat(tuple+",", 100), ","))
		if err != nil {
			return err
		}
		var args []any
		for i := 0; i < len(part.rows); i += 100 {
			args = args[:0]
			for _, row := range part.rows[i : i+100] {
				args = append(args, row...)
			}
			if _, err := st.ExecContext(ctx, args...); err != nil {
				return err
			}
		}
	}
	return tx.Commit()
}

// rawDB opens the database file with the same pragmas, past the store.
func rawDB(tb testing.TB, path string) *sql.DB {
	q := url.Values{"_pragma": {"journal_mode(WAL)", "synchronous(FULL)", "journal_size_limit(67108864)", "cache_size(-32768)"}}
	db, err := sql.Open("sqlite", "file:"+path+"?"+q.Encode())
	if err != nil {
		tb.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	tb.Cleanup(func() { db.Close() })
	return db
}

// BenchmarkCommit compares Commit of 100,000 new resources and edges with a
// raw prepared bulk insert of the same rows into the same tables, in one run.
// ratio is raw time / Commit time.
func BenchmarkCommit(b *testing.B) {
	m := disks(100_000)
	rows := rawRows(m)
	var ours, theirs time.Duration
	for b.Loop() {
		b.StopTimer()
		dir := b.TempDir()
		for i, f := range []func() error{
			func() error {
				db, err := sqlite.Open(b.Context(), filepath.Join(dir, "store.db"))
				if err != nil {
					return err
				}
				defer db.Close()
				start := time.Now()
				b.StartTimer()
				err = db.Commit(b.Context(), m)
				b.StopTimer()
				ours += time.Since(start)
				return err
			},
			func() error {
				path := filepath.Join(dir, "raw.db")
				db, err := sqlite.Open(b.Context(), path)
				if err != nil {
					return err
				}
				if err := db.Close(); err != nil {
					return err
				}
				r := rawDB(b, path)
				if err := r.PingContext(b.Context()); err != nil {
					return err
				}
				start := time.Now()
				err = rows.insert(b.Context(), r)
				theirs += time.Since(start)
				return err
			},
		} {
			if err := f(); err != nil {
				b.Fatal(i, err)
			}
		}
		b.StartTimer()
	}
	b.ReportMetric(theirs.Seconds()/ours.Seconds(), "ratio")
	b.ReportMetric(float64(b.N*len(m.Put))/ours.Seconds(), "resources/s")
}

// BenchmarkLoad loads 100,000 resources and edges.
func BenchmarkLoad(b *testing.B) {
	db := open(b)
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
// raw prepared updates of the same rows, one a statement, in one run. ratio is
// raw time / Commit time.
func BenchmarkUpdate(b *testing.B) {
	path := filepath.Join(b.TempDir(), "faultline.db")
	db, err := sqlite.Open(b.Context(), path)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	all := disks(100_000)
	if err := db.Commit(b.Context(), all); err != nil {
		b.Fatal(err)
	}
	theirs := rawDB(b, path)
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
		var texts []string
		for _, r := range m.Put {
			texts = append(texts, strings.Replace(string(r.AppendAttributes(nil)), `"S`, `"T`, 1))
		}
		start = time.Now()
		if err := rawUpdate(b.Context(), theirs, m, texts); err != nil {
			b.Fatal(err)
		}
		raw += time.Since(start)
		b.StartTimer()
	}
	b.ReportMetric(raw.Seconds()/ours.Seconds(), "ratio")
}

func rawUpdate(ctx context.Context, db *sql.DB, m *resource.Mutation, texts []string) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	st, err := tx.PrepareContext(ctx, "UPDATE resource SET attributes = ?, updated = ? WHERE id = ?")
	if err != nil {
		return err
	}
	for i, r := range m.Put {
		if _, err := st.ExecContext(ctx, texts[i], r.Updated.UnixNano(), int64(r.ID)); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// BenchmarkHistory commits changes of 1 and of 1,000 of 100,000 resources with and
// without the rows of their histories, in turn, in one database that has 300,000
// such rows, and reads the newest 100 of one. ratio is the time without / with.
func BenchmarkHistory(b *testing.B) {
	db := open(b)
	all := disks(100_000)
	if err := db.Commit(b.Context(), all); err != nil {
		b.Fatal(err)
	}
	seq := all.Seq
	var last resource.ID // that has a row
	change := func(n int, told bool) time.Duration {
		seq++
		m := &resource.Mutation{Seq: seq, Time: all.Time, Log: []byte(`{}`)}
		for i := range n {
			r := *all.Put[(i*97+int(seq)*7)%len(all.Put)]
			r.Values = append([]resource.Value(nil), r.Values...)
			r.Values[4] = resource.StringValue(fmt.Sprint("S", seq))
			m.Put = append(m.Put, &r)
			if told {
				last = r.ID
				m.History = append(m.History, resource.StoredChange{Resource: r.ID, What: []byte(`{"root":1,"attributes":[{"name":"status","from":"OK","to":"FAILED"}]}`)})
			}
		}
		start := time.Now()
		if err := db.Commit(b.Context(), m); err != nil {
			b.Fatal(err)
		}
		return time.Since(start)
	}
	for range 300 {
		change(1000, true)
	}
	for _, n := range []int{1, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var with, without, reading time.Duration
			for b.Loop() {
				with += change(n, true)
				without += change(n, false)
				start := time.Now()
				if rows, err := db.History(b.Context(), last, 1<<62, 100); err != nil || len(rows) == 0 {
					b.Fatal(len(rows), err)
				}
				reading += time.Since(start)
			}
			b.ReportMetric(without.Seconds()/with.Seconds(), "ratio")
			b.ReportMetric(float64(reading.Microseconds())/float64(b.N), "µs/read")
		})
	}
}

// BenchmarkAlerts commits 10,000 new alerts.
func BenchmarkAlerts(b *testing.B) {
	db := open(b)
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
