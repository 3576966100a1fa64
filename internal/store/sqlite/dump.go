package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/faultline-storage/faultline/internal/store/dump"
)

// ErrNotEmpty says that a restore would replace what a database holds.
var ErrNotEmpty = errors.New("the database is not empty")

// Dump writes all tables of the database file as of one commit. Another process
// may have it open and write to it. begin is told the number of the last
// migration; Dump does not close its writer.
func Dump(ctx context.Context, path string, begin func(schema int64) (*dump.Writer, error)) (err error) {
	if _, err := os.Stat(path); err != nil {
		return fmt.Errorf("there is no database: %w", err)
	}
	db, err := connect(path, 1, "query_only(1)")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	tx, err := db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	defer func() { err = errors.Join(err, tx.Rollback()) }()
	schema, err := schemaOf(ctx, tx)
	if err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	w, err := begin(schema)
	if err != nil {
		return err
	}
	tables, err := tablesOf(ctx, tx)
	if err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	for _, t := range tables {
		if err := dumpTable(ctx, tx, t, w); err != nil {
			return fmt.Errorf("write table %s: %w", t.name, err)
		}
	}
	return nil
}

// schemaOf returns the number of the last migration.
func schemaOf(ctx context.Context, q rowQueryer) (schema int64, err error) {
	err = q.QueryRowContext(ctx, "SELECT coalesce(max(version_id), 0) FROM goose_db_version WHERE is_applied").Scan(&schema)
	return schema, err
}

// rowQueryer is a database or a transaction.
type rowQueryer interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// tableInfo is a table as it is, with its columns by name.
type tableInfo struct {
	name         string
	columns, key []string
}

func tablesOf(ctx context.Context, q queryer) ([]tableInfo, error) {
	rows, err := q.QueryContext(ctx, `SELECT t.name, c.name, c.pk FROM sqlite_schema t, pragma_table_info(t.name) c
		WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite\_%' ESCAPE '\' AND t.name NOT LIKE 'goose\_%' ESCAPE '\' ORDER BY t.name, c.pk, c.name`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []tableInfo
	for rows.Next() {
		var table, column string
		var key int
		if err := rows.Scan(&table, &column, &key); err != nil {
			return nil, err
		}
		if len(all) == 0 || all[len(all)-1].name != table {
			all = append(all, tableInfo{name: table})
		}
		t := &all[len(all)-1]
		if t.columns = append(t.columns, column); key > 0 {
			t.key = append(t.key, column)
		}
	}
	for _, t := range all {
		slices.Sort(t.columns)
	}
	return all, rows.Err()
}

// quoted makes a list of names.
func quoted(names []string) string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = `"` + strings.ReplaceAll(n, `"`, `""`) + `"`
	}
	return strings.Join(out, ", ")
}

func dumpTable(ctx context.Context, tx *sql.Tx, t tableInfo, w *dump.Writer) error {
	if err := w.Table(t.name, t.columns); err != nil {
		return err
	}
	rows, err := tx.QueryContext(ctx, "SELECT "+quoted(t.columns)+" FROM "+quoted([]string{t.name})+" ORDER BY "+quoted(t.key)) //nolint:gosec // names are quoted, and those of the schema
	if err != nil {
		return err
	}
	defer rows.Close()
	values, to := make([]any, len(t.columns)), make([]any, len(t.columns))
	for i := range values {
		to[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(to...); err != nil {
			return err
		}
		if err := w.Row(values); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Restore makes the database file hold what the backup does. It writes a new
// file beside and renames it, so that after an error nothing has changed. A
// database that is not empty is replaced only if the caller says so. It fails
// with ErrLocked while a server has the database open.
func Restore(ctx context.Context, path string, r *dump.Reader, replace bool) (err error) {
	lock, err := acquire(path + ".lock")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	if err := vacate(ctx, path, replace); err != nil {
		return err
	}
	fresh := path + ".restore"
	defer func() {
		if e := os.Remove(fresh); e != nil && !errors.Is(e, fs.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}()
	if err := os.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := createPrivate(fresh); err != nil {
		return err
	}
	if err := fill(ctx, fresh, r); err != nil {
		return err
	}
	// A journal of the old file must not be taken for one of the new file.
	for _, suffix := range []string{"-wal", "-shm"} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := os.Rename(fresh, path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// vacate makes sure that the database may be replaced, and that all of it is in
// its file.
func vacate(ctx context.Context, path string, replace bool) (err error) {
	if st, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) || err == nil && st.Size() == 0 {
		return nil
	}
	db, err := connect(path, 1)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var used bool
	if err := db.QueryRowContext(ctx, "SELECT seq > 0 OR next_resource > 1 OR next_alert > 1 FROM meta").Scan(&used); err != nil && !replace {
		return fmt.Errorf("look into %s: %w", path, err)
	}
	if used && !replace {
		return ErrNotEmpty
	}
	var busy, in, moved int
	if err := db.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &in, &moved); err != nil || busy != 0 {
		if replace && err != nil { // it is damaged, and to be replaced for that
			return nil
		}
		return errors.Join(fmt.Errorf("%s is being read; try again when a backup or another program is done with it", path), err)
	}
	return nil
}

// fill makes a new database of a backup.
func fill(ctx context.Context, path string, r *dump.Reader) (err error) {
	db, err := connect(path, 1, "synchronous(FULL)")
	if err != nil {
		return err
	}
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
	if err := insertAll(ctx, db, r); err != nil {
		return err
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("upgrade the restored tables: %w", err)
	}
	return nil
}

func insertAll(ctx context.Context, db *sql.DB, r *dump.Reader) (err error) {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, tx.Rollback())
		}
	}()
	tables, err := tablesOf(ctx, tx)
	if err != nil {
		return err
	}
	var name string
	var insert *sql.Stmt
	for {
		item, err := r.Next()
		if errors.Is(err, io.EOF) {
			return tx.Commit()
		}
		if err != nil {
			return err
		}
		if item.Table == "" {
			if _, err := insert.ExecContext(ctx, item.Values...); err != nil {
				return fmt.Errorf("table %s: %w", name, err)
			}
			continue
		}
		name = item.Table
		if err := known(tables, item); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "DELETE FROM "+quoted([]string{name})); err != nil { //nolint:gosec // known has checked the name
			return err
		}
		if insert != nil {
			if err := insert.Close(); err != nil {
				return err
			}
		}
		marks := strings.TrimSuffix(strings.Repeat("?, ", len(item.Columns)), ", ")
		if insert, err = tx.PrepareContext(ctx, "INSERT INTO "+quoted([]string{name})+" ("+quoted(item.Columns)+") VALUES ("+marks+")"); err != nil { //nolint:gosec // known has checked the names
			return fmt.Errorf("table %s: %w", name, err)
		}
	}
}

// known makes sure that the schema has a table of a backup.
func known(tables []tableInfo, item dump.Item) error {
	i := slices.IndexFunc(tables, func(t tableInfo) bool { return t.name == item.Table })
	if i < 0 {
		return fmt.Errorf("%w: there is no table %q in its schema", dump.ErrDamaged, item.Table)
	}
	for _, c := range item.Columns {
		if !slices.Contains(tables[i].columns, c) {
			return fmt.Errorf("%w: table %s has no column %q in its schema", dump.ErrDamaged, item.Table, c)
		}
	}
	return nil
}
