package postgres

import (
	"database/sql"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/faultline-storage/faultline/internal/store/postgres/pgtest"
)

// TestMigrationsRunBothWays goes up, down to nothing and up again, and finds
// the same schema.
func TestMigrationsRunBothWays(t *testing.T) {
	cfg, err := config(pgtest.URL(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := migrate(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	db := stdlib.OpenDB(*cfg)
	defer db.Close()
	p, err := provider(db)
	if err != nil {
		t.Fatal(err)
	}
	want := schema(t, db)
	if len(want) < 40 {
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
	if err := migrate(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, schema(t, db)); d != "" {
		t.Errorf("after down and up (-want +got):\n%s", d)
	}
}

func schema(t *testing.T, db *sql.DB) []string {
	t.Helper()
	rows, err := db.Query(`
		SELECT concat_ws(' ', table_name, column_name, ordinal_position, data_type, is_nullable, column_default) FROM information_schema.columns
			WHERE table_schema = 'public' AND table_name NOT LIKE 'goose%'
		UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename NOT LIKE 'goose%'
		ORDER BY 1`)
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
