package sqlite

import (
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
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
