package sqlite

import (
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/faultline-storage/faultline/internal/resource"
)

// TestMigrationsRunBothWays goes up, down to nothing and up again, and finds
// the same schema.
func TestMigrationsRunBothWays(t *testing.T) {
	db, err := connect(filepath.Join(t.TempDir(), "faultline.db"), 1)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	p, err := provider(db)
	if err != nil {
		t.Fatal(err)
	}
	if err := upgrade(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	want := schema(t, db)
	if len(want) < 10 {
		t.Fatalf("schema: %v", want)
	}
	for i := len(p.ListSources()); i > 0; i-- {
		if _, err := p.Down(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if rest := schema(t, db); len(rest) != 0 {
		t.Errorf("left over: %v", rest)
	}
	if err := upgrade(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, schema(t, db)); d != "" {
		t.Errorf("after down and up (-want +got):\n%s", d)
	}
}

// TestOldAlertsGetTheirNewColumns brings alerts of the first schema up to date.
func TestOldAlertsGetTheirNewColumns(t *testing.T) {
	path := filepath.Join(t.TempDir(), "faultline.db")
	old, err := connect(path, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	p, err := provider(old)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.UpTo(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if _, err := old.Exec(`INSERT INTO class (id, plugin, name) VALUES (5, 'acme', 'Drive');
		INSERT INTO alert VALUES (1, 7, 5, 'hot', 'temperature', 2, 'Too hot, (really)', 'Too hot, (really) (Hard drive, a, b (c))', 1000, 0, 1);
		UPDATE meta SET next_alert = 2, alert_seq = 1`); err != nil {
		t.Fatal(err)
	}
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	page, err := db.Alerts(t.Context(), resource.AlertQuery{Text: "REALLY acme.drive"})
	if err != nil || len(page.Items) != 1 {
		t.Fatalf("got %v, %v", page.Items, err)
	}
	if a := page.Items[0]; a.Name != "a, b (c)" || !a.Since.Equal(a.Began) || a.Ack.Given() {
		t.Errorf("got %+v", a)
	}
}

func schema(t *testing.T, db *sql.DB) []string {
	t.Helper()
	rows, err := db.Query("SELECT sql FROM sqlite_schema WHERE name NOT LIKE 'goose%' AND name NOT LIKE 'sqlite%' ORDER BY name")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			t.Fatal(err)
		}
		out = append(out, s)
	}
	return out
}
