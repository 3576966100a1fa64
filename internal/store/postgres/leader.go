package postgres

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/internal/store/row"
)

// lockKey is the advisory lock of the leader: the first bytes of "faultline" as
// a number. Advisory locks belong to a database.
const lockKey = 0x6661756c746c696e

// Leader is what is known of the server that leads.
type Leader struct {
	Name  string    // its host and process; empty if it only begins
	Since time.Time // by the database's clock; zero if it only begins
}

// String describes the leader in an error or status.
func (l Leader) String() string {
	if l.Name == "" {
		return "another server writes to this database"
	}
	return fmt.Sprintf("another server (%s) writes to this database since %s", l.Name, l.Since.UTC().Format(time.RFC3339))
}

// LockedError says that another server leads.
type LockedError struct{ Leader Leader }

// Error implements error.
func (e *LockedError) Error() string { return e.Leader.String() }

// lead waits until the connection holds the lock.
func lead(ctx context.Context, conn *pgconn.PgConn, standby func(context.Context, Leader) error) error {
	for {
		// A call that waits would hold a snapshot of the database for as long, which
		// keeps it from cleaning up.
		v, err := values(ctx, conn, "SELECT pg_try_advisory_lock($1::bigint)::text", []byte(strconv.Itoa(lockKey)))
		if err != nil {
			return fmt.Errorf("take the lock: %w", err)
		}
		if v[0] == "true" {
			return nil
		}
		l := leader(ctx, conn)
		if standby == nil {
			return &LockedError{l}
		}
		if err := standby(ctx, l); err != nil {
			return err
		}
	}
}

// unlockTime bounds how long a server waits to give up the lock in order.
const unlockTime = 5 * time.Second

// unlock gives up the lock and closes the connection. The end of a connection frees
// the lock, too, but only when the database gets to it, and the next server may ask
// before that.
func unlock(ctx context.Context, conn *pgconn.PgConn) error {
	if conn.IsClosed() {
		return nil
	}
	asking, cancel := context.WithTimeout(ctx, unlockTime)
	defer cancel()
	_, _ = values(asking, conn, "SELECT pg_advisory_unlock_all()::text") // a connection that is broken frees it by that
	return conn.Close(ctx)
}

// leader asks who leads. The tables may not be there yet, or be those of an
// older version.
func leader(ctx context.Context, conn *pgconn.PgConn) Leader {
	v, err := values(ctx, conn, "SELECT leader, leader_since::text FROM meta")
	if err != nil {
		return Leader{}
	}
	n, err := strconv.ParseInt(v[1], 10, 64)
	if err != nil {
		return Leader{}
	}
	return Leader{Name: v[0], Since: row.FromNanos(n)}
}

// nextEpoch makes this server the leader: from now on no other can commit. It
// waits for a commit that another one has begun.
func nextEpoch(ctx context.Context, conn *pgconn.PgConn, name string) (int64, error) {
	if name == "" {
		host, _ := os.Hostname() // only for people
		name = fmt.Sprintf("%s, process %d", cmp.Or(host, "unknown host"), os.Getpid())
	}
	v, err := values(ctx, conn, `UPDATE meta SET epoch = epoch + 1, leader = $1,
		leader_since = (extract(epoch FROM clock_timestamp()) * 1000000)::bigint * 1000 RETURNING epoch::text`, []byte(escape(name)))
	if err != nil {
		return 0, fmt.Errorf("begin an epoch: %w", err)
	}
	return strconv.ParseInt(v[0], 10, 64)
}

// fence is the first statement of a transaction that changes nothing of meta.
func (db *DB) fence() fence { return fence{name: "fence", params: db.epochParam()} }

func (db *DB) epochParam() [][]byte { return [][]byte{scalar(db.epoch)} }

// A watch looks after the connection that holds the lock.
type watch struct {
	cancel context.CancelFunc
	done   sync.WaitGroup
	why    atomic.Pointer[error]
	ended  chan error
	// writer is the socket of the connection that writes.
	writer atomic.Pointer[net.Conn]
}

// start waits on the connection until it breaks; then it calls gone.
func (w *watch) start(conn *pgconn.PgConn, gone func(error)) {
	var ctx context.Context
	ctx, w.cancel = context.WithCancel(context.Background())
	w.done.Go(func() {
		for {
			if err := conn.WaitForNotification(ctx); err != nil {
				if ctx.Err() == nil {
					gone(fmt.Errorf("the connection that holds the lock is gone: %w", err))
				}
				return
			}
		}
	})
}

func (w *watch) stop() {
	if w.cancel != nil {
		w.cancel()
		w.done.Wait()
	}
}

// lose ends the lead of this server: it writes nothing more.
func (db *DB) lose(why error) {
	err := error(&resource.Fault{Kind: resource.Unavailable, Text: "this server no longer leads and writes nothing more", Cause: why})
	if !db.watch.why.CompareAndSwap(nil, &err) {
		return
	}
	if c := db.watch.writer.Load(); c != nil {
		_ = (*c).Close() // a commit that waits for a host that is gone ends now
	}
	db.watch.ended <- err
}

// lost returns why this server no longer leads, or nil.
func (db *DB) lost() error {
	if p := db.watch.why.Load(); p != nil {
		return *p
	}
	return nil
}

// Leads reports whether this server may write. It never becomes true again.
func (db *DB) Leads() bool { return db.lost() == nil }

// Lost delivers one error when this server no longer leads: another one took
// over, or a connection broke. All writes fail from then on. What the last
// write did is open, so the database has to be opened anew and read again.
func (db *DB) Lost() <-chan error { return db.watch.ended }
