package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
)

// A commit is durable once it is in the write-ahead log. Moving it from there
// into the database proper is the work of a checkpoint. SQLite does it within
// the commit that makes the log long; here it is done beside the commits, so
// that none of them has to wait for it.
const (
	// checkpointPages is how many pages of the log wait before a checkpoint
	// begins; as many as SQLite's own default.
	checkpointPages = 1000
	// longPages is the length of the log (256 MiB) from which commits have to wait:
	// the log only starts over if a checkpoint has moved all of it before the next
	// commit.
	longPages = 64 << 10
)

// checkpointer moves commits from the write-ahead log into the database.
type checkpointer struct {
	db   *sql.DB     // one connection
	hold sync.Locker // keeps commits out
	wake chan struct{}
	done chan struct{}
	stop context.CancelFunc
	long int // longPages, but for tests
	// failed is the last error, for tests: a checkpoint that fails is tried again
	// after the next commit, and nothing is lost meanwhile.
	failed error
}

func startCheckpointer(db *sql.DB, hold sync.Locker) *checkpointer {
	ctx, stop := context.WithCancel(context.Background())
	c := &checkpointer{db: db, hold: hold, wake: make(chan struct{}, 1), done: make(chan struct{}), stop: stop, long: longPages}
	go c.run(ctx)
	return c
}

// committed says that the log has become longer.
func (c *checkpointer) committed() {
	select {
	case c.wake <- struct{}{}:
	default: // it is awake already
	}
}

func (c *checkpointer) run(ctx context.Context) {
	defer close(c.done)
	for {
		select {
		case <-c.wake:
			c.failed = c.step(context.WithoutCancel(ctx))
		case <-ctx.Done():
			return
		}
	}
}

func (c *checkpointer) step(ctx context.Context) error {
	length, moved, err := c.checkpoint(ctx, "NOOP")
	if err != nil || length-moved < checkpointPages {
		return err
	}
	if length, _, err = c.checkpoint(ctx, "PASSIVE"); err != nil || length < c.long {
		return err
	}
	c.hold.Lock()
	defer c.hold.Unlock()
	_, _, err = c.checkpoint(ctx, "TRUNCATE")
	return err
}

// checkpoint returns the length of the log and how much of it has been moved,
// in pages.
func (c *checkpointer) checkpoint(ctx context.Context, mode string) (length, moved int, err error) {
	var busy int
	err = c.db.QueryRowContext(ctx, "PRAGMA wal_checkpoint("+mode+")").Scan(&busy, &length, &moved)
	if err != nil {
		return 0, 0, fmt.Errorf("checkpoint %s: %w", mode, err)
	}
	return length, moved, nil
}

// close ends the work and the connection.
func (c *checkpointer) close() error {
	c.stop()
	<-c.done
	return c.db.Close()
}
