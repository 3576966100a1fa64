package app

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/faultline-storage/faultline/examples/acme/sim"
	"github.com/faultline-storage/faultline/internal/inventory"
	"github.com/faultline-storage/faultline/internal/pluginhost"
	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/internal/session"
	"github.com/faultline-storage/faultline/internal/store/postgres"
	"github.com/faultline-storage/faultline/internal/store/postgres/pgtest"
	"github.com/faultline-storage/faultline/internal/store/sqlite"
	"github.com/faultline-storage/faultline/sdk/wire"
)

// benchDisks is the size of the array that the benchmarks scan.
const benchDisks = 100_000

// counted counts the commits of a store.
type counted struct {
	*sqlite.DB
	commits int
}

func (c *counted) Commit(ctx context.Context, m *resource.Mutation) error {
	c.commits++
	return c.DB.Commit(ctx, m)
}

// rig is a simulated array, the Go plugin for it in a process of its own, and
// everything of a server between that and the database.
type rig struct {
	array *sim.Array
	store *counted // of a rig over SQLite
	path  string   // of its database
	inv   *inventory.Inventory
	s     *session.Session
}

// newRig returns a rig over SQLite.
func newRig(b *testing.B) *rig {
	b.Helper()
	path := filepath.Join(b.TempDir(), "faultline.db")
	db, err := sqlite.Open(context.Background(), path)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := db.Close(); err != nil {
			b.Error(err)
		}
	})
	store := &counted{DB: db}
	r := rigOver(b, store)
	r.store, r.path = store, path
	return r
}

// rigOver returns a rig over any store, which the caller closes after it.
func rigOver(b *testing.B, store inventory.Store) *rig {
	b.Helper()
	ctx := context.Background()
	r := &rig{}
	var err error
	check := func(err error) {
		b.Helper()
		if err != nil {
			b.Fatal(err)
		}
	}
	r.array, err = sim.New(sim.Options{Disks: benchDisks})
	check(err)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	serving, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- r.array.Serve(serving, ln) }()
	b.Cleanup(func() { stop(); <-done })

	tool := &Tool{}
	spec, err := tool.resolve("builtin:acme")
	check(err)
	set := newPluginSet(setOptions{})
	o := tool.options(spec)
	o.OnBatch = set.deliver
	p, err := pluginhost.Start(ctx, o)
	check(err)
	b.Cleanup(func() { check(p.Stop(ctx)) })
	classes, err := session.Classes("acme", p.Info().Manifest)
	check(err)
	r.inv, err = inventory.New(ctx, inventory.Options{Store: store, Classes: classes, Log: slog.New(slog.DiscardHandler), Now: time.Now})
	check(err)
	c := r.inv.Class("acme", "Array")
	values := make([]resource.Value, len(c.Attributes))
	for i := range c.Attributes {
		values[i] = c.Attributes[i].Default
	}
	values[c.Attr("url")] = resource.StringValue("http://" + ln.Addr().String())
	root, _, err := r.inv.AddRoot(ctx, c, values)
	check(err)
	r.s = session.New(session.Options{
		ID: root.ID, Plugin: "acme",
		Root:  func() (session.Root, error) { return rootFor(r.inv, nil, root.ID) },
		Wait:  func(context.Context) (session.Plugin, error) { return borrowed(p), nil },
		Class: func(name string) *resource.Class { return r.inv.Class("acme", name) },
		Seal:  func(s string) string { return s },
		Sink:  r.inv, Route: set.route, Log: slog.New(slog.DiscardHandler), Now: time.Now, After: time.After,
	})
	return r
}

// table is the rows of a table, as they come out of a database.
type table struct {
	name string
	rows [][]any
}

// rows reads the rows that a scan leaves behind.
func (r *rig) rows(b *testing.B) []table {
	b.Helper()
	db := openRaw(b, r.path)
	defer db.Close()
	var all []table
	for _, name := range []string{"resource", "edge"} {
		rows, err := db.Query("SELECT * FROM " + name)
		if err != nil {
			b.Fatal(err)
		}
		cols, err := rows.Columns()
		if err != nil {
			b.Fatal(err)
		}
		t := table{name: name}
		for rows.Next() {
			row, to := make([]any, len(cols)), make([]any, len(cols))
			for i := range row {
				to[i] = &row[i]
			}
			if err := rows.Scan(to...); err != nil {
				b.Fatal(err)
			}
			t.rows = append(t.rows, row)
		}
		if err := rows.Err(); err != nil {
			b.Fatal(err)
		}
		all = append(all, t)
	}
	return all
}

func openRaw(b *testing.B, path string) *sql.DB {
	b.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=cache_size(-32768)")
	if err != nil {
		b.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	return db
}

// rawInsert puts the rows into an empty database of the same schema, 100 rows a
// prepared statement, in one transaction: the least that anybody must do.
func rawInsert(b *testing.B, tables []table) time.Duration {
	b.Helper()
	path := filepath.Join(b.TempDir(), "raw.db")
	empty, err := sqlite.Open(b.Context(), path)
	if err != nil {
		b.Fatal(err)
	}
	if err := empty.Close(); err != nil {
		b.Fatal(err)
	}
	db := openRaw(b, path)
	defer db.Close()
	start := time.Now()
	tx, err := db.Begin()
	if err != nil {
		b.Fatal(err)
	}
	for _, t := range tables {
		tuple := "(" + strings.TrimSuffix(strings.Repeat("?,", len(t.rows[0])), ",") + ")"
		for size, rows := 100, t.rows; len(rows) > 0; {
			size = min(size, len(rows))
			st, err := tx.Prepare("INSERT INTO " + t.name + " VALUES " + strings.TrimSuffix(strings.Repeat(tuple+",", size), ","))
			if err != nil {
				b.Fatal(err)
			}
			args := make([]any, 0, size*len(t.rows[0]))
			for len(rows) >= size {
				args = args[:0]
				for _, row := range rows[:size] {
					args = append(args, row...)
				}
				if _, err := st.Exec(args...); err != nil {
					b.Fatal(err)
				}
				if rows = rows[size:]; len(rows) == 0 {
					break
				}
			}
		}
	}
	if err := tx.Commit(); err != nil {
		b.Fatal(err)
	}
	return time.Since(start)
}

// BenchmarkInitialScan measures an initial scan of 100,000 disks (163,340
// resources), from the simulated array through the Go plugin to committed rows,
// and a raw insert of the same rows in the same run.
func BenchmarkInitialScan(b *testing.B) {
	for b.Loop() {
		r := newRig(b)
		took := r.scan(b)
		tables := r.rows(b)
		reportScan(b, len(tables[0].rows), took, rawInsert(b, tables))
	}
}

// scan has the plugin scan, and returns how long that took until all was
// committed.
func (r *rig) scan(b *testing.B) (took time.Duration) {
	b.Helper()
	err := r.s.Drive(context.Background(), func(hook func(string) (wire.TurnResult, error)) error {
		start := time.Now()
		_, err := hook(wire.MethodInitialScan)
		took = time.Since(start)
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return took
}

// reportScan reports a scan of n resources beside a raw insert of the same.
func reportScan(b *testing.B, n int, took, raw time.Duration) {
	b.ReportMetric(float64(n)/took.Seconds(), "resources/s")
	b.ReportMetric(float64(n)/raw.Seconds(), "raw-rows/s")
	b.ReportMetric(raw.Seconds()/took.Seconds(), "ratio-to-raw")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkInitialScanPostgres is BenchmarkInitialScan over PostgreSQL.
func BenchmarkInitialScanPostgres(b *testing.B) {
	for b.Loop() {
		open := func(url string) *postgres.DB {
			db, err := postgres.Open(b.Context(), postgres.Options{URL: url})
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() {
				if err := db.Close(); err != nil {
					b.Error(err)
				}
			})
			return db
		}
		url, empty := pgtest.URL(b), pgtest.URL(b)
		pgtest.Sync(b)
		r := rigOver(b, open(url))
		took := r.scan(b)
		open(empty)
		counts, raw := pgtest.Insert(b, url, empty, "resource", "edge")
		reportScan(b, counts[0], took, raw)
	}
}

// BenchmarkUpdate measures update turns of the same array: one in which
// nothing changed, and one in which 1 % of the disks did, with a raw update of
// the same rows in the same run.
func BenchmarkUpdate(b *testing.B) {
	for b.Loop() {
		r := newRig(b)
		err := r.s.Drive(context.Background(), func(hook func(string) (wire.TurnResult, error)) error {
			if _, err := hook(wire.MethodInitialScan); err != nil {
				return err
			}
			n := r.inv.Count(r.inv.Class("acme", "Disk"))
			commits := r.store.commits
			start := time.Now()
			for range 10 {
				if _, err := hook(wire.MethodUpdateScan); err != nil {
					return err
				}
			}
			same := time.Since(start) / 10
			if r.store.commits != commits {
				return fmt.Errorf("%d commits in turns without a change", r.store.commits-commits)
			}
			b.ReportMetric(float64(same.Nanoseconds())/float64(n), "ns/unchanged-disk")

			var changed, raw time.Duration
			for i := range 5 {
				f, err := sim.ParseFault("upgrade-firmware 1")
				if err != nil {
					return err
				}
				if err := r.array.Apply(f); err != nil {
					return err
				}
				seq := r.inv.Seq()
				start = time.Now()
				if _, err := hook(wire.MethodUpdateScan); err != nil {
					return err
				}
				changed += time.Since(start)
				raw += rawUpdate(b, r, seq, i)
			}
			b.ReportMetric(changed.Seconds()*1000/5, "ms/1%-turn")
			b.ReportMetric(raw.Seconds()/changed.Seconds(), "1%-ratio-to-raw")
			b.ReportMetric(0, "ns/op")
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

// rawUpdate updates, in a copy of the database, the rows that the changes after
// seq touched, with one prepared statement in one transaction.
func rawUpdate(b *testing.B, r *rig, seq uint64, round int) time.Duration {
	b.Helper()
	var rows []*resource.Resource
	for ch, err := range r.inv.Since(b.Context(), seq) {
		if err != nil {
			b.Fatal(err)
		}
		for _, u := range ch.Updated {
			rows = append(rows, u.Resource)
		}
		break
	}
	if len(rows) < benchDisks/100 {
		b.Fatalf("only %d resources changed", len(rows))
	}
	path := filepath.Join(b.TempDir(), fmt.Sprint("copy", round, ".db"))
	src := openRaw(b, r.path)
	if _, err := src.Exec("VACUUM INTO ?", path); err != nil {
		b.Fatal(err)
	}
	if err := src.Close(); err != nil {
		b.Fatal(err)
	}
	db := openRaw(b, path)
	defer db.Close()
	start := time.Now()
	tx, err := db.Begin()
	if err != nil {
		b.Fatal(err)
	}
	st, err := tx.Prepare("UPDATE resource SET attributes = ?, updated = ? WHERE id = ?")
	if err != nil {
		b.Fatal(err)
	}
	for _, u := range rows {
		if _, err := st.Exec(string(u.AppendAttributes(nil)), u.Updated.UnixNano(), int64(u.ID)); err != nil {
			b.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		b.Fatal(err)
	}
	return time.Since(start)
}
