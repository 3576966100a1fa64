package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/internal/store/memory"
	"github.com/faultline-storage/faultline/internal/store/sqlite"
	"github.com/faultline-storage/faultline/internal/store/storetest"
)

func openIn(ctx context.Context, dir string) (storetest.Store, error) {
	return sqlite.Open(ctx, filepath.Join(dir, "faultline.db"))
}

func TestMain(m *testing.M) { storetest.Main(m, openIn) }

func open(t testing.TB) *sqlite.DB {
	t.Helper()
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "faultline.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Store { return open(t) })
}

func TestNothingAcknowledgedIsLostOnKill(t *testing.T) {
	rounds := 30
	if testing.Short() {
		rounds = 5
	}
	storetest.Crash(t, rounds, openIn, func() storetest.Store { return memory.New() })
}

func TestASecondOpenIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "faultline.db")
	db, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = sqlite.Open(t.Context(), path)
	if !errors.Is(err, sqlite.ErrLocked) || !strings.Contains(err.Error(), fmt.Sprintf("process %d", os.Getpid())) {
		t.Errorf("got %v, want ErrLocked with the holder's number", err)
	}
	if err := errors.Join(db.Close(), db.Close()); err != nil {
		t.Fatal(err)
	}
	db, err = sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatalf("after the first closed: %v", err)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}

func TestFilesArePrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a ? % # b") // and the name needs escaping
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "x?y.db")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	db, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Commit(t.Context(), disks(1)); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, f := range files {
		st, err := f.Info()
		if err != nil {
			t.Fatal(err)
		}
		if st.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", f.Name(), st.Mode())
		}
		if strings.HasPrefix(f.Name(), "x?y.db") {
			seen++
		}
	}
	if seen != 4 { // the database, its journal and index, the lock
		t.Errorf("files: %v", files)
	}
}

func TestOpenRefusesANewerSchema(t *testing.T) {
	path := filepath.Join(t.TempDir(), "faultline.db")
	db, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	tamper(t, path, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)")
	if _, err = sqlite.Open(t.Context(), path); err == nil || !strings.Contains(err.Error(), "newer version") {
		t.Errorf("got %v", err)
	}
	// The failed open let the lock go.
	tamper(t, path, "DELETE FROM goose_db_version WHERE version_id = 9999")
	if db, err = sqlite.Open(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	db.Close()
}

func TestOpenOfAFileThatIsNoDatabase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "faultline.db")
	if err := os.WriteFile(path, []byte(strings.Repeat("this is no database. ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlite.Open(t.Context(), path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v, want an error with the path", err)
	}
}

// tamper changes the database file past the store.
func tamper(t *testing.T, path, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(statement); err != nil {
		t.Fatal(err)
	}
}

func TestACorruptRowIsNamed(t *testing.T) {
	for _, tc := range []struct{ name, statement, want string }{
		{"reporters", "UPDATE resource SET reporters = 'x' WHERE id = 3", "resource 3: column reporters"},
		{"attributes", "UPDATE resource SET attributes = '{' WHERE id = 3", "resource 3: column attributes"},
		{"class", "UPDATE resource SET class = 77 WHERE id = 3", "resource 3: its class 77"},
		{"edge", "UPDATE edge SET roots = '{}' WHERE child = 3", "to 3: column roots"},
		{"alert class", "UPDATE alert SET class = 77", "alert 1: its class"},
		{"pending class", "UPDATE pending_alert SET class = 77", "resource 3: its class"},
		{"severity", "UPDATE alert SET severity = 9", "alert 1: column severity"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "faultline.db")
			db, err := sqlite.Open(t.Context(), path)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			if err := db.Commit(t.Context(), disks(3)); err != nil {
				t.Fatal(err)
			}
			if err := db.CommitAlerts(t.Context(), &resource.AlertMutation{
				Put:  []*resource.Alert{{ID: 1, Resource: 3, Plugin: "acme", Class: "Disk", Severity: resource.Info, Seq: 1}},
				Pend: []*resource.PendingAlert{{AlertKey: resource.AlertKey{Resource: 3, Severity: resource.Info}, Plugin: "acme", Class: "Disk"}},
			}); err != nil {
				t.Fatal(err)
			}
			tamper(t, path, tc.statement)
			_, _, err = db.Load(t.Context(), func(resource.StoredResource) error { return nil }, func(resource.StoredEdge) error { return nil })
			if err == nil {
				_, _, err = db.LoadAlerts(t.Context(), func(*resource.Alert) error { return nil }, func(*resource.PendingAlert) error { return nil })
			}
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want ...%s...", err, tc.want)
			}
		})
	}
}

// A change of a resource that is not there would be lost in silence.
func TestAChangeNeedsItsRow(t *testing.T) {
	db := open(t)
	m := disks(2)
	if err := db.Commit(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	absent := *m.Put[0]
	absent.ID = 99
	changed := *m.Put[1]
	changed.Alias = "front"
	err := db.Commit(t.Context(), &resource.Mutation{Seq: 2, Time: m.Time, Put: []*resource.Resource{&changed, &absent}})
	if err == nil || !strings.Contains(err.Error(), "99") {
		t.Errorf("the error is %v, want one that names 99", err)
	}
	_, _, err = db.Load(t.Context(), func(r resource.StoredResource) error {
		if r.Alias != "" {
			t.Errorf("resource %d of the failed commit has the alias %q", r.ID, r.Alias)
		}
		return nil
	}, func(resource.StoredEdge) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
}
