package postgres_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/internal/store/memory"
	"github.com/faultline-storage/faultline/internal/store/postgres"
	"github.com/faultline-storage/faultline/internal/store/postgres/pgtest"
	"github.com/faultline-storage/faultline/internal/store/storetest"
)

// openIn opens a database that belongs to a folder. A server that was killed
// may hold the lock for a moment.
func openIn(ctx context.Context, dir string) (storetest.Store, error) {
	url, err := pgtest.Database(ctx, fmt.Sprintf("dir_%x", sha256.Sum256([]byte(dir)))[:40])
	if err != nil {
		return nil, err
	}
	return postgres.Open(ctx, postgres.Options{URL: url, Standby: func(ctx context.Context, _ postgres.Leader) error { return ctx.Err() }})
}

func TestMain(m *testing.M) { storetest.Main(m, openIn) }

func open(t testing.TB) (*postgres.DB, string) {
	t.Helper()
	url := pgtest.URL(t)
	db, err := postgres.Open(t.Context(), postgres.Options{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db, url
}

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Store {
		db, _ := open(t)
		return db
	})
}

func TestNothingAcknowledgedIsLostOnKill(t *testing.T) {
	rounds := 30
	if testing.Short() {
		rounds = 5
	}
	pgtest.URLOf(t, "postgres") // the processes that are killed must not start a cluster
	storetest.Crash(t, rounds, openIn, func() storetest.Store { return memory.New() })
}

// exec changes the database past the store.
func exec(t *testing.T, url, statement string) {
	t.Helper()
	c, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Exec(t.Context(), statement)
	if err := errors.Join(err, c.Close(t.Context())); err != nil {
		t.Fatal(err)
	}
}

func TestOpenRefusesANewerSchema(t *testing.T) {
	db, url := open(t)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	exec(t, url, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, true)")
	if _, err := postgres.Open(t.Context(), postgres.Options{URL: url}); err == nil || !strings.Contains(err.Error(), "newer version") {
		t.Errorf("got %v", err)
	}
	// The failed open let the lock go.
	exec(t, url, "DELETE FROM goose_db_version WHERE version_id = 9999")
	db, err := postgres.Open(t.Context(), postgres.Options{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}

func TestOpenRefusesAnotherEncoding(t *testing.T) {
	url := pgtest.URL(t)
	name := "latin_" + strings.TrimPrefix(strings.SplitN(url, "?", 2)[0][strings.LastIndex(strings.SplitN(url, "?", 2)[0], "/"):], "/")
	exec(t, url, "CREATE DATABASE "+name+" ENCODING 'LATIN1' TEMPLATE template0")
	_, err := postgres.Open(t.Context(), postgres.Options{URL: pgtest.URLOf(t, name)})
	if err == nil || !strings.Contains(err.Error(), "encoding is LATIN1") {
		t.Errorf("got %v", err)
	}
}

func TestNoErrorHasThePassword(t *testing.T) {
	const secret = "pgtest-hidden"
	for _, url := range []string{
		"postgres://faultline:" + secret + "@127.0.0.1:1/db?connect_timeout=2",
		"postgres://127.0.0.1:1/db?user=a&password=" + secret,
		"host=127.0.0.1 port=1 user=a dbname=db password=" + secret,
		"postgres://faultline:" + secret + "@127.0.0.1:x/db",
		"postgres://faultline:" + secret + "%zz@127.0.0.1:1/db",
		"password=" + secret + " port=x",
	} {
		_, err := postgres.Open(t.Context(), postgres.Options{URL: url})
		if err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("got %v", err)
		}
	}
}

func TestACorruptRowIsNamed(t *testing.T) {
	for _, tc := range []struct{ name, statement, want string }{
		{"reporters", "UPDATE resource SET reporters = 'x' WHERE id = 3", "resource 3: column reporters"},
		{"attributes", "UPDATE resource SET attributes = '{' WHERE id = 3", "resource 3: column attributes"},
		{"class", "UPDATE resource SET class = 77 WHERE id = 3", "resource 3: its class"},
		{"label", "UPDATE resource SET label = U&'\\241b0' WHERE id = 3", "resource 3: "},
		{"edge", "UPDATE edge SET roots = '{}' WHERE child = 3", "to 3: column roots"},
		{"alert class", "UPDATE alert SET class = 77", "alert 1: its class"},
		{"severity", "UPDATE alert SET severity = 9", "alert 1: column severity"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			db, url := open(t)
			if err := db.Commit(t.Context(), disks(3)); err != nil {
				t.Fatal(err)
			}
			if err := db.CommitAlerts(t.Context(), &resource.AlertMutation{
				Put:  []*resource.Alert{{ID: 1, Resource: 3, Plugin: "acme", Class: "Disk", Severity: resource.Info, Seq: 1}},
				Pend: []*resource.PendingAlert{{AlertKey: resource.AlertKey{Resource: 3, Severity: resource.Info}, Plugin: "acme", Class: "Disk"}},
			}); err != nil {
				t.Fatal(err)
			}
			exec(t, url, tc.statement)
			_, _, err := db.Load(t.Context(), func(resource.StoredResource) error { return nil }, func(resource.StoredEdge) error { return nil })
			if err == nil {
				_, _, err = db.LoadAlerts(t.Context(), func(*resource.Alert) error { return nil }, func(*resource.PendingAlert) error { return nil })
			}
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want ...%s...", err, tc.want)
			}
		})
	}
}
