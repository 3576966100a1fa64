// Package pgtest gives tests a PostgreSQL of their own: one cluster for a test
// process, one database for a test. The cluster ends with the process, however
// that ends, and leaves nothing behind.
package pgtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// clusterEnv is the environment variable that tells processes that a test
// starts where the cluster of the test is.
const clusterEnv = "FAULTLINE_PGTEST_CLUSTER"

// URL returns the address of a new empty database, which is dropped when the
// test ends. A machine without PostgreSQL fails the test; with -short it skips
// it.
func URL(tb testing.TB) string {
	tb.Helper()
	name := fmt.Sprintf("test_%d_%d", os.Getpid(), number.Add(1))
	u := URLOf(tb, name)
	tb.Cleanup(func() {
		if err := admin(context.Background(), func(c *pgx.Conn) error {
			_, err := c.Exec(context.Background(), "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)")
			return err
		}); err != nil {
			tb.Error(err)
		}
	})
	return u
}

var number atomic.Int64

// URLOf returns the address of the database of that name, which stays until the
// process ends. It is made if it is not there.
func URLOf(tb testing.TB, name string) string {
	tb.Helper()
	u, err := Database(context.Background(), name)
	if errors.Is(err, errNotInstalled) && testing.Short() {
		tb.Skip("skipped, with -short: ", err)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return u
}

// Database is URLOf for a process that a test started; it finds the cluster of
// the test by its environment.
func Database(ctx context.Context, name string) (string, error) {
	err := admin(ctx, func(c *pgx.Conn) error {
		var there bool
		if err := c.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name).Scan(&there); err != nil || there {
			return err
		}
		_, err := c.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{name}.Sanitize())
		return err
	})
	if err != nil {
		return "", fmt.Errorf("private PostgreSQL: %w", err)
	}
	base, err := cluster()
	if err != nil {
		return "", err
	}
	return address(base, name), nil
}

// Sync makes commits wait for the disk, for benchmarks. Tests do not: they kill
// servers, not the machine.
func Sync(tb testing.TB) {
	tb.Helper()
	err := admin(tb.Context(), func(c *pgx.Conn) error {
		for _, s := range []string{"ALTER SYSTEM SET fsync = on", "ALTER SYSTEM SET synchronous_commit = on", "SELECT pg_reload_conf()"} {
			if _, err := c.Exec(tb.Context(), s); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
}

// Terminate ends all connections to the database of an address, as a restart
// of PostgreSQL does.
func Terminate(tb testing.TB, address string) {
	tb.Helper()
	u, err := url.Parse(address)
	if err != nil {
		tb.Fatal(err)
	}
	err = admin(tb.Context(), func(c *pgx.Conn) error {
		_, err := c.Exec(tb.Context(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", strings.TrimPrefix(u.Path, "/"))
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
}

func admin(ctx context.Context, f func(*pgx.Conn) error) error {
	base, err := cluster()
	if err != nil {
		return err
	}
	c, err := pgx.Connect(ctx, address(base, "postgres"))
	if err != nil {
		return err
	}
	return errors.Join(f(c), c.Close(ctx))
}

// address is where a database of the cluster in a folder is. The password is
// not asked for; tests look for it where it must not be.
func address(base, database string) string {
	u := url.URL{Scheme: "postgres", User: url.UserPassword("faultline", "pgtest-secret"), Path: "/" + database,
		RawQuery: url.Values{"host": {base}, "sslmode": {"disable"}}.Encode()}
	return u.String()
}

// cluster returns the folder of the cluster, which it starts at its first call.
var cluster = sync.OnceValues(func() (string, error) {
	if base := os.Getenv(clusterEnv); base != "" {
		return base, nil
	}
	base, err := start()
	if err != nil {
		return "", err
	}
	return base, os.Setenv(clusterEnv, base) // for the processes that a test starts
})

var errNotInstalled = errors.New("PostgreSQL is not installed: neither the PATH nor /usr/lib/postgresql/*/bin has initdb and postgres; " +
	"scripts/setup-debian.sh installs it")

// programs returns the folder of initdb and postgres.
func programs() (string, error) {
	if p, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(p), nil
	}
	dirs, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil {
		return "", err
	}
	version := func(dir string) int {
		n, _ := strconv.Atoi(filepath.Base(filepath.Dir(dir)))
		return n
	}
	slices.SortFunc(dirs, func(a, b string) int { return version(b) - version(a) })
	for _, d := range dirs {
		if _, err := os.Stat(filepath.Join(d, "initdb")); err == nil {
			return d, nil
		}
	}
	return "", errNotInstalled
}

// guard runs the server of the cluster in its folder until its standard input
// ends, which is when the test process is gone. Then it removes the folder.
const guard = `
"$1/postgres" -D "$2/data" >"$2/log" 2>&1 </dev/null &
read _
kill -QUIT $!
wait $!
rm -rf "$2"
`

// start makes a cluster in a new folder and runs its server, with a socket in
// the folder and no other address.
func start() (base string, err error) {
	bin, err := programs()
	if err != nil {
		return "", err
	}
	if base, err = os.MkdirTemp("", "faultline-pg-"); err != nil {
		return "", err
	}
	defer func() {
		if err != nil {
			_ = os.RemoveAll(base)
		}
	}()
	who := &syscall.SysProcAttr{Setsid: true} // an interrupt of the terminal is not for it
	if os.Geteuid() == 0 {                    // PostgreSQL refuses to run as root
		uid, gid, err := unprivileged()
		if err != nil {
			return "", err
		}
		who.Credential = &syscall.Credential{Uid: uid, Gid: gid}
		if err := os.Chown(base, int(uid), int(gid)); err != nil {
			return "", err
		}
	}
	initdb := exec.CommandContext(context.Background(), filepath.Join(bin, "initdb"), "-D", filepath.Join(base, "data"), "-U", "faultline", "-A", "trust",
		"-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions")
	initdb.SysProcAttr, initdb.Dir = who, base
	if out, err := initdb.CombinedOutput(); err != nil {
		return "", fmt.Errorf("private PostgreSQL: initdb: %w\n%s", err, out)
	}
	settings := fmt.Sprintf("listen_addresses = ''\nunix_socket_directories = '%s'\nunix_socket_permissions = 0700\nfsync = off\n"+
		"max_connections = 200\nshared_buffers = 64MB\nautovacuum_naptime = 5s\nmax_wal_size = 4GB\n", strings.ReplaceAll(base, "'", "''"))
	conf, err := os.OpenFile(filepath.Join(base, "data", "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return "", err
	}
	_, err = conf.WriteString(settings)
	if err := errors.Join(err, conf.Close()); err != nil {
		return "", err
	}
	// The write end of the pipe is closed by the kernel when this process ends;
	// nobody inherits it.
	life, hold, err := os.Pipe()
	if err != nil {
		return "", err
	}
	defer life.Close()
	server := exec.CommandContext(context.Background(), "/bin/sh", "-c", guard, "sh", bin, base)
	server.SysProcAttr, server.Dir, server.Stdin = who, base, life
	if err := server.Start(); err != nil {
		return "", errors.Join(err, hold.Close())
	}
	alive = hold
	go func() { _ = server.Wait() }()
	return base, wait(base)
}

// alive is the pipe whose end ends the server. It lives as long as the process.
var alive *os.File

// wait waits until the server answers.
func wait(base string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for {
		c, err := pgx.Connect(ctx, address(base, "postgres"))
		if err == nil {
			return c.Close(ctx)
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			log, _ := os.ReadFile(filepath.Join(base, "log"))
			return fmt.Errorf("private PostgreSQL does not answer: %w\n%s", errors.Join(err, alive.Close()), bytes.TrimSpace(log))
		}
	}
}

// unprivileged returns a user that PostgreSQL may run as.
func unprivileged() (uid, gid uint32, err error) {
	for _, name := range []string{"postgres", "nobody"} {
		u, e := user.Lookup(name)
		if e != nil {
			err = e
			continue
		}
		a, e1 := strconv.ParseUint(u.Uid, 10, 32)
		b, e2 := strconv.ParseUint(u.Gid, 10, 32)
		if err := errors.Join(e1, e2); err != nil {
			return 0, 0, err
		}
		return uint32(a), uint32(b), nil
	}
	return 0, 0, fmt.Errorf("PostgreSQL does not run as root, and there is no other user for it: %w", err)
}
