package postgres

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/faultline-storage/faultline/internal/store/dump"
)

// ErrNotEmpty says that a restore would replace what a database holds.
var ErrNotEmpty = errors.New("the database is not empty")

// own are the columns of meta that say who leads. They are no part of a backup.
var own = []string{"epoch", "leader", "leader_since"}

// Dump writes all tables of the database as of one commit. A server may lead
// and write meanwhile. begin is told the number of the last migration; Dump
// does not close its writer.
func Dump(ctx context.Context, url string, begin func(schema int64) (*dump.Writer, error)) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("read database %s: %w", Redact(url), err)
		}
	}()
	cfg, err := config(url)
	if err != nil {
		return err
	}
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	return pgx.BeginTxFunc(ctx, conn, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		var schema int64
		if err := tx.QueryRow(ctx, "SELECT coalesce(max(version_id), 0) FROM goose_db_version WHERE is_applied").Scan(&schema); err != nil {
			return err
		}
		w, err := begin(schema)
		if err != nil {
			return err
		}
		tables, err := tablesOf(ctx, tx)
		if err != nil {
			return err
		}
		for _, t := range tables {
			if err := dumpTable(ctx, tx, t, w); err != nil {
				return fmt.Errorf("write table %s: %w", t.name, err)
			}
		}
		return nil
	})
}

// tableInfo is a table as it is, with its columns by name.
type tableInfo struct {
	table
	key []string // as an order
}

// tablesOf returns the tables of the schema that comes first in the search
// path.
func tablesOf(ctx context.Context, q queryer) ([]tableInfo, error) {
	var all []tableInfo
	err := each(ctx, q, func(c *cells) error {
		name, column, kindName, key := c.text(), c.text(), c.text(), c.flag()
		if name == "meta" && slices.Contains(own, column) {
			return c.err
		}
		if len(all) == 0 || all[len(all)-1].name != name {
			all = append(all, tableInfo{table: table{name: name}})
		}
		t := &all[len(all)-1]
		k := slices.IndexFunc(kinds[:], func(k struct {
			name       string
			oid, array uint32
		}) bool {
			return k.name == kindName
		})
		if k < 0 {
			return fmt.Errorf("column %s.%s is of type %s, which a backup does not know", name, column, kindName)
		}
		t.names, t.kinds = append(t.names, column), append(t.kinds, kind(k))
		if key {
			order := pgx.Identifier{column}.Sanitize()
			if kind(k) == text {
				order += ` COLLATE "C"`
			}
			t.key = append(t.key, order)
		}
		return c.err
	}, `SELECT r.relname::text, a.attname::text, format_type(a.atttypid, NULL), i.indkey IS NOT NULL AND a.attnum = ANY(i.indkey)
		FROM pg_class r JOIN pg_attribute a ON a.attrelid = r.oid LEFT JOIN pg_index i ON i.indrelid = r.oid AND i.indisprimary
		WHERE r.relnamespace = current_schema()::regnamespace AND r.relkind = 'r' AND r.relname NOT LIKE 'goose\_%' AND a.attnum > 0 AND NOT a.attisdropped
		ORDER BY r.relname::text COLLATE "C", array_position(i.indkey::int2[], a.attnum), a.attname::text COLLATE "C"`)
	if err != nil {
		return nil, err
	}
	for i := range all {
		all[i].sort()
	}
	return all, nil
}

// sort brings the columns into the order of their names.
func (t *tableInfo) sort() {
	kindOf := map[string]kind{}
	for i, n := range t.names {
		kindOf[n] = t.kinds[i]
	}
	slices.Sort(t.names)
	for i, n := range t.names {
		t.kinds[i] = kindOf[n]
	}
}

func quoted(names []string) string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = pgx.Identifier{n}.Sanitize()
	}
	return strings.Join(out, ", ")
}

func dumpTable(ctx context.Context, tx pgx.Tx, t tableInfo, w *dump.Writer) error {
	if err := w.Table(t.name, t.names); err != nil {
		return err
	}
	values := make([]any, len(t.names))
	return each(ctx, tx, func(c *cells) error {
		for i, k := range t.kinds {
			v := c.bytes()
			var err error
			switch {
			case v == nil:
				values[i] = nil
			case k == integer && len(v) == 8:
				values[i] = int64(binary.BigEndian.Uint64(v))
			case k == flag && len(v) == 1:
				values[i] = int64(v[0])
			case k == text:
				values[i], err = unescape(string(v))
			default:
				values[i] = v
			}
			if err != nil {
				return err
			}
		}
		return w.Row(values)
	}, "SELECT "+quoted(t.names)+" FROM "+quoted([]string{t.name})+" ORDER BY "+strings.Join(t.key, ", "))
}

// beside is the schema in which a restore makes its tables.
const beside = "faultline_restore"

// Restore makes the database hold what the backup does. It makes new tables in
// a schema of their own and swaps them in at the end, in one transaction, so
// that after an error nothing has changed. A database that is not empty is
// replaced only if the caller says so. It fails with a LockedError while a
// server leads.
func Restore(ctx context.Context, url string, r *dump.Reader, replace bool) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("restore into database %s: %w", Redact(url), err)
		}
	}()
	cfg, err := config(url)
	if err != nil {
		return err
	}
	lock, err := connect(ctx, cfg, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock(context.WithoutCancel(ctx), lock)) }()
	if err := suitable(ctx, lock); err != nil {
		return err
	}
	if err := lead(ctx, lock, nil); err != nil {
		return err
	}
	epoch, err := vacate(ctx, lock, replace)
	if err != nil {
		return err
	}
	if _, err := lock.Exec(ctx, "DROP SCHEMA IF EXISTS "+beside+" CASCADE; CREATE SCHEMA "+beside).ReadAll(); err != nil {
		return err
	}
	if err := fill(ctx, cfg, r); err != nil {
		_, e := lock.Exec(context.WithoutCancel(ctx), "DROP SCHEMA IF EXISTS "+beside+" CASCADE").ReadAll()
		return errors.Join(err, e)
	}
	return swap(ctx, lock, epoch)
}

// vacate makes sure that the tables may be replaced, and returns their epoch.
func vacate(ctx context.Context, conn *pgconn.PgConn, replace bool) (epoch int64, err error) {
	v, err := values(ctx, conn, "SELECT epoch::text, (seq > 0 OR next_resource > 1 OR next_alert > 1)::text FROM meta")
	var refused *pgconn.PgError
	if errors.As(err, &refused) && refused.Code == "42P01" { // undefined_table: a new database
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	if v[1] == "true" && !replace {
		return 0, ErrNotEmpty
	}
	return strconv.ParseInt(v[0], 10, 64)
}

// fill makes the tables beside and fills them.
func fill(ctx context.Context, cfg *pgx.ConnConfig, r *dump.Reader) (err error) {
	cfg = cfg.Copy()
	cfg.RuntimeParams["search_path"] = beside
	db := stdlib.OpenDB(*cfg)
	defer func() { err = errors.Join(err, db.Close()) }()
	p, err := provider(db)
	if err != nil {
		return err
	}
	sources := p.ListSources()
	if newest := sources[len(sources)-1].Version; r.Header.Schema > newest {
		return fmt.Errorf("%w (schema version %d; this program knows versions up to %d)", dump.ErrNewer, r.Header.Schema, newest)
	}
	if _, err := p.UpTo(ctx, r.Header.Schema); err != nil {
		return fmt.Errorf("make the tables: %w", err)
	}
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))) }()
	if err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error { return insertAll(ctx, tx, r) }); err != nil {
		return err
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("upgrade the restored tables: %w", err)
	}
	return nil
}

func insertAll(ctx context.Context, tx pgx.Tx, r *dump.Reader) error {
	tables, err := tablesOf(ctx, tx)
	if err != nil {
		return err
	}
	item, err := r.Next()
	for err == nil {
		i := slices.IndexFunc(tables, func(t tableInfo) bool { return t.name == item.Table })
		if i < 0 {
			return fmt.Errorf("%w: there is no table %q in its schema", dump.ErrDamaged, item.Table)
		}
		s := source{r: r, names: item.Columns}
		for _, c := range item.Columns {
			k := slices.Index(tables[i].names, c)
			if k < 0 {
				return fmt.Errorf("%w: table %s has no column %q in its schema", dump.ErrDamaged, item.Table, c)
			}
			s.kinds = append(s.kinds, tables[i].kinds[k])
		}
		if item.Table == "meta" {
			err = s.update(ctx, tx)
		} else {
			if _, err := tx.Exec(ctx, "DELETE FROM "+quoted([]string{item.Table})); err != nil {
				return err
			}
			_, err = tx.CopyFrom(ctx, pgx.Identifier{item.Table}, item.Columns, &s)
			if e := s.Err(); e != nil { // which PostgreSQL has only repeated as a text
				return e
			}
		}
		if err != nil {
			return fmt.Errorf("table %s: %w", item.Table, err)
		}
		item, err = s.item, s.err
	}
	if !errors.Is(err, io.EOF) {
		return err
	}
	_, err = tx.Exec(ctx, "SELECT setval(pg_get_serial_sequence('class', 'id'), (SELECT coalesce(max(id), 0) + 1 FROM class), false)")
	return err
}

// source is the rows of one table, as the driver's COPY asks for them. It ends
// with the first item that is none, and keeps that.
type source struct {
	r     *dump.Reader
	names []string
	kinds []kind
	item  dump.Item
	err   error
}

// Next implements pgx.CopyFromSource.
func (s *source) Next() bool {
	s.item, s.err = s.r.Next()
	return s.err == nil && s.item.Table == ""
}

// Values implements pgx.CopyFromSource.
func (s *source) Values() ([]any, error) {
	v := s.item.Values
	for i, k := range s.kinds {
		switch x := v[i].(type) {
		case int64:
			if k == flag {
				v[i] = x != 0
			}
		case string:
			v[i] = escape(x)
		}
	}
	return v, nil
}

// Err implements pgx.CopyFromSource. An error of the file is looked at after
// the rows.
func (s *source) Err() error {
	if errors.Is(s.err, io.EOF) {
		return nil
	}
	return s.err
}

// update sets the columns of meta, whose row is there, to those of the one row.
func (s *source) update(ctx context.Context, tx pgx.Tx) error {
	for s.Next() {
		v, err := s.Values()
		if err != nil {
			return err
		}
		set := make([]string, len(s.names))
		for i, n := range s.names {
			set[i] = quoted([]string{n}) + " = $" + strconv.Itoa(i+1)
		}
		if _, err := tx.Exec(ctx, "UPDATE meta SET "+strings.Join(set, ", "), v...); err != nil {
			return err
		}
	}
	return s.Err()
}

// swap puts the tables that were made beside into the place of those that are
// there, if any. A server that still believes to lead cannot commit after that:
// its statements are about tables that are gone, and its epoch is over.
func swap(ctx context.Context, conn *pgconn.PgConn, epoch int64) error {
	_, err := conn.Exec(ctx, `BEGIN;
		UPDATE `+beside+`.meta SET epoch = `+strconv.FormatInt(epoch+1, 10)+`;
		DO $$
		DECLARE
			t text;
		BEGIN
			FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = '`+beside+`' LOOP
				EXECUTE format('DROP TABLE IF EXISTS %I.%I', current_schema(), t);
				EXECUTE format('ALTER TABLE `+beside+`.%I SET SCHEMA %I', t, current_schema());
			END LOOP;
		END $$;
		DROP SCHEMA `+beside+`;
		COMMIT`).ReadAll()
	if err != nil {
		_, e := conn.Exec(ctx, "ROLLBACK").ReadAll()
		return errors.Join(fmt.Errorf("put the restored tables in place: %w", err), e)
	}
	return nil
}
