package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sync"

	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the driver "sqlite"
)

//go:embed migration/*.sql
var migrations embed.FS

// readers bounds the pool of reading connections.
const readers = 4

// DB is an open database. Its methods are safe for concurrent use; writes wait
// for each other.
type DB struct {
	path   string
	lock   *os.File
	write  *sql.DB // one connection
	read   *sql.DB
	check  *checkpointer
	closed sync.Once

	mu     sync.Mutex // held by the one writer; guards what follows
	writer *sql.Conn  // of write, for good
	stmts  statements
	args   args
	// classes is the class dictionary as committed.
	classes map[className]int64
}

// Open opens the database file at path, creates it if it is not there, and
// brings its schema up to date. It fails with ErrLocked if another process has
// it open, and if a newer version of the program wrote it. The caller closes
// the DB.
func Open(ctx context.Context, path string) (*DB, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	lock, err := acquire(path + ".lock")
	if err != nil {
		return nil, err
	}
	db := &DB{path: path, lock: lock}
	if err := db.open(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open database %s: %w", path, err), db.Close())
	}
	return db, nil
}

func (db *DB) open(ctx context.Context) error {
	if err := createPrivate(db.path); err != nil {
		return err
	}
	var err error
	// A commit must reach the disk before it is acknowledged: synchronous=FULL.
	// The limit gives the space of a large transaction's journal back.
	if db.write, err = connect(db.path, 1, "journal_mode(WAL)", "synchronous(FULL)", "journal_size_limit(67108864)", "cache_size(-32768)", "wal_autocheckpoint(0)"); err != nil {
		return err
	}
	if db.read, err = connect(db.path, readers, "query_only(1)"); err != nil {
		return err
	}
	p, err := provider(db.write)
	if err != nil {
		return err
	}
	if err := upgrade(ctx, p); err != nil {
		return err
	}
	if db.classes, err = loadClasses(ctx, db.write); err != nil {
		return err
	}
	db.stmts = newStatements()
	if db.writer, err = db.write.Conn(ctx); err != nil {
		return err
	}
	// A checkpoint makes the log durable before it moves it.
	mover, err := connect(db.path, 1, "synchronous(FULL)", "wal_autocheckpoint(0)")
	if err != nil {
		return err
	}
	db.check = startCheckpointer(mover, &db.mu)
	return nil
}

// createPrivate makes sure that the file exists and only its owner can use it;
// the engine gives its journal the same mode. A new file is made durable, name
// and all.
func createPrivate(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return err
	}
	if st.Mode().Perm()&0o077 != 0 {
		if err := f.Chmod(0o600); err != nil {
			return fmt.Errorf("make the file private: %w", err)
		}
	}
	if st.Size() > 0 {
		return nil
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}

func connect(path string, conns int, pragmas ...string) (*sql.DB, error) {
	q := url.Values{"_pragma": append([]string{"busy_timeout(10000)"}, pragmas...)}
	u := url.URL{Path: path}
	db, err := sql.Open("sqlite", "file:"+u.EscapedPath()+"?"+q.Encode())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	return db, nil
}

func provider(db *sql.DB) (*goose.Provider, error) {
	sub, err := fs.Sub(migrations, "migration")
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(goose.DialectSQLite3, db, sub)
}

// upgrade brings the schema up to date, and refuses one that is from the future.
func upgrade(ctx context.Context, p *goose.Provider) error {
	have, want, err := p.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("read the schema version: %w", err)
	}
	if have > want {
		return fmt.Errorf("its schema version is %d and this program knows versions up to %d: a newer version wrote it; run that one", have, want)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("upgrade the schema from version %d to %d: %w", have, want, err)
	}
	return nil
}

// Close waits for the running transaction, closes the database and lets other
// processes open it. Closing again does nothing.
func (db *DB) Close() (err error) {
	db.closed.Do(func() {
		if db.check != nil {
			err = db.check.close()
		}
		db.mu.Lock()
		defer db.mu.Unlock()
		if db.writer != nil {
			err = errors.Join(err, db.writer.Close())
		}
		for _, p := range []*sql.DB{db.read, db.write} { // the last one to close folds the journal in
			if p != nil {
				err = errors.Join(err, p.Close())
			}
		}
		err = errors.Join(err, db.lock.Close())
	})
	return err
}

// queryer is a connection pool or a transaction.
type queryer interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

func loadClasses(ctx context.Context, q queryer) (map[className]int64, error) {
	rows, err := q.QueryContext(ctx, "SELECT id, plugin, name FROM class")
	if err != nil {
		return nil, fmt.Errorf("read classes: %w", err)
	}
	defer rows.Close()
	m := make(map[className]int64)
	for rows.Next() {
		var id int64
		var c className
		if err := rows.Scan(&id, &c.plugin, &c.name); err != nil {
			return nil, fmt.Errorf("read classes: %w", err)
		}
		m[c] = id
	}
	return m, rows.Err()
}
