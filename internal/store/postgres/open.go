package postgres

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
)

//go:embed migration/*.sql
var migrations embed.FS

const (
	// readers bounds the pool of reading connections.
	readers = 4
	// oldest is the first version of PostgreSQL that is fine: 14.
	oldest = 140000
)

// Options configure Open. URL is required.
type Options struct {
	// URL is a connection string, postgres://user@host/database or in the form of
	// libpq. What it leaves out comes from the PG variables of the environment,
	// .pgpass and the service file, as for any client of PostgreSQL.
	URL string
	// Name tells people which server this is; the host and the process if empty.
	Name string
	// Standby is called whenever another server is found to lead, with what is
	// known of it. Open tries again when it returns; an error of it ends Open. If
	// it is nil, Open fails with a LockedError.
	Standby func(ctx context.Context, l Leader) error
}

// DB is an open database that this server leads. Its methods are safe for
// concurrent use; writes wait for each other.
type DB struct {
	lock   *pgconn.PgConn // holds the advisory lock
	read   *pgxpool.Pool
	epoch  int64
	closed sync.Once
	watch  watch

	mu     sync.Mutex // held by the one writer; guards what follows
	writer *pgconn.PgConn
	// classes is the class dictionary as committed.
	classes map[className]int64
}

// Open connects, waits until this server leads (see Options.Standby), and
// brings the schema up to date. It fails if a newer version of the program
// wrote it. No error holds the password of the URL. The caller closes the DB.
func Open(ctx context.Context, o Options) (*DB, error) {
	db := &DB{watch: watch{ended: make(chan error, 1)}}
	if err := db.open(ctx, o); err != nil {
		return nil, errors.Join(fmt.Errorf("open database %s: %w", Redact(o.URL), err), db.Close())
	}
	return db, nil
}

func (db *DB) open(ctx context.Context, o Options) error {
	cfg, err := config(o.URL)
	if err != nil {
		return err
	}
	if db.lock, err = connect(ctx, cfg, nil); err != nil {
		return err
	}
	if err := suitable(ctx, db.lock); err != nil {
		return err
	}
	if err := lead(ctx, db.lock, o.Standby); err != nil {
		return err
	}
	db.watch.start(db.lock, db.lose)
	if err := migrate(ctx, cfg); err != nil {
		return err
	}
	// The statements all go by keys. A plan of them is kept, and one that was
	// made when the tables were small must not read them whole when they are not.
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.writer, err = connect(ctx, cfg, map[string]string{"enable_seqscan": "off", "enable_hashjoin": "off", "enable_mergejoin": "off"}); err != nil {
		return err
	}
	socket := db.writer.Conn()
	db.watch.writer.Store(&socket)
	if db.epoch, err = nextEpoch(ctx, db.writer, o.Name); err != nil {
		return err
	}
	if err := prepare(ctx, db.writer); err != nil {
		return err
	}
	pool, err := pgxpool.ParseConfig(o.URL)
	if err != nil {
		return err
	}
	pool.ConnConfig = cfg.Copy()
	pool.ConnConfig.RuntimeParams["default_transaction_read_only"] = "on"
	pool.MaxConns, pool.MinConns = readers, 0
	if db.read, err = pgxpool.NewWithConfig(ctx, pool); err != nil {
		return err
	}
	db.classes, err = loadClasses(ctx, db.read)
	return err
}

// config parses a connection string.
func config(text string) (*pgx.ConnConfig, error) {
	cfg, err := pgx.ParseConfig(text)
	if err != nil {
		return nil, err // its text hides the password
	}
	if cfg.Database == "" {
		cfg.Database = cfg.User // as PostgreSQL does
	}
	if cfg.RuntimeParams["application_name"] == "" {
		cfg.RuntimeParams["application_name"] = "faultline"
	}
	// Both sides find out within some 15 s that the other host is gone, so that
	// another server can take over.
	dialer := &net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 5 * time.Second, Interval: 3 * time.Second, Count: 3}}
	cfg.DialFunc = dialer.DialContext
	maps.Copy(cfg.RuntimeParams, map[string]string{
		"tcp_keepalives_idle": "5", "tcp_keepalives_interval": "3", "tcp_keepalives_count": "3",
		"idle_in_transaction_session_timeout": "60s", "statement_timeout": "0", "lock_timeout": "0",
		"jit": "off", // no statement is worth compiling
	})
	if cfg.ConnectTimeout == 0 {
		cfg.ConnectTimeout = 10 * time.Second
	}
	return cfg, nil
}

// connect opens a connection whose commits are durable.
func connect(ctx context.Context, cfg *pgx.ConnConfig, params map[string]string) (*pgconn.PgConn, error) {
	c := cfg.Config.Copy()
	maps.Copy(c.RuntimeParams, params)
	conn, err := pgconn.ConnectConfig(ctx, c)
	if err != nil {
		return nil, err
	}
	const durable = "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
	if _, err := conn.Exec(ctx, durable).ReadAll(); err != nil {
		return nil, errors.Join(err, conn.Close(ctx))
	}
	return conn, nil
}

// suitable checks what the engine relies on.
func suitable(ctx context.Context, conn *pgconn.PgConn) error {
	v, err := values(ctx, conn, `SELECT current_setting('server_version_num'), current_setting('server_version'), current_setting('server_encoding'),
		pg_is_in_recovery()::text`)
	if err != nil {
		return err
	}
	switch n, err := strconv.Atoi(v[0]); {
	case err != nil:
		return fmt.Errorf("the server's version is %q", v[0])
	case n < oldest:
		return fmt.Errorf("the server is PostgreSQL %s; version %d or newer is needed", v[1], oldest/10000)
	case v[2] != "UTF8":
		return fmt.Errorf("the database's encoding is %s; create it with ENCODING 'UTF8' TEMPLATE template0", v[2])
	case v[3] != "false":
		return errors.New("the server is a read-only standby of PostgreSQL; give the address of the primary, or several hosts with target_session_attrs=read-write")
	}
	return nil
}

// values returns the one row of a query as texts.
func values(ctx context.Context, conn *pgconn.PgConn, query string, params ...[]byte) ([]string, error) {
	r := conn.ExecParams(ctx, query, params, nil, nil, nil).Read()
	if r.Err != nil {
		return nil, r.Err
	}
	if len(r.Rows) != 1 {
		return nil, fmt.Errorf("%d rows instead of one", len(r.Rows))
	}
	out := make([]string, len(r.Rows[0]))
	for i, v := range r.Rows[0] {
		out[i] = string(v)
	}
	return out, nil
}

// migrate brings the schema up to date, and refuses one that is from the
// future.
func migrate(ctx context.Context, cfg *pgx.ConnConfig) (err error) {
	db := stdlib.OpenDB(*cfg)
	defer func() { err = errors.Join(err, db.Close()) }()
	p, err := provider(db)
	if err != nil {
		return err
	}
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

func provider(db *sql.DB) (*goose.Provider, error) {
	sub, err := fs.Sub(migrations, "migration")
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(goose.DialectPostgres, db, sub)
}

func prepare(ctx context.Context, conn *pgconn.PgConn) error {
	for _, s := range statements {
		if _, err := conn.Prepare(ctx, s.name, s.sql, s.table.oids()); err != nil {
			return fmt.Errorf("prepare %q: %w", s.name, err)
		}
	}
	for _, s := range single {
		oids := make([]uint32, len(s.params))
		for i, k := range s.params {
			oids[i] = kinds[k].oid
		}
		if _, err := conn.Prepare(ctx, s.name, s.sql, oids); err != nil {
			return fmt.Errorf("prepare %q: %w", s.name, err)
		}
	}
	return nil
}

// Close waits for the running transaction, closes the connections and lets
// another server lead. Closing again does nothing.
func (db *DB) Close() (err error) {
	db.closed.Do(func() {
		db.mu.Lock()
		defer db.mu.Unlock()
		ctx := context.Background()
		if db.read != nil {
			db.read.Close()
		}
		if db.writer != nil && !db.writer.IsClosed() {
			err = db.writer.Close(ctx)
		}
		db.watch.stop()
		if db.lock != nil { // last: from now on another server may write
			err = errors.Join(err, unlock(ctx, db.lock))
		}
		if db.lost() != nil {
			err = nil // nothing is left that could be closed cleanly
		}
	})
	return err
}

// Redact returns a connection string without its password, for people.
func Redact(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Scheme == "" {
		cfg, err := pgx.ParseConfig(text)
		if err != nil {
			return "of a connection string that cannot be read"
		}
		return fmt.Sprintf("%s at %s", cfg.Database, cfg.Host)
	}
	if q := u.Query(); q.Has("password") || q.Has("sslpassword") {
		for _, k := range []string{"password", "sslpassword"} {
			if q.Has(k) {
				q.Set(k, "xxxxx")
			}
		}
		u.RawQuery = q.Encode()
	}
	return u.Redacted()
}
