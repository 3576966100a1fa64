package sqlite

import (
	"path/filepath"
	"testing"
)

// TestCommitsReachTheDisk checks what durability on a loss of power rests on,
// which no test can show otherwise.
func TestCommitsReachTheDisk(t *testing.T) {
	db, err := Open(t.Context(), filepath.Join(t.TempDir(), "faultline.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2" /* FULL */} {
		var got string
		if err := db.writer.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
			t.Errorf("%s: got %q, %v; want %q", pragma, got, err, want)
		}
	}
	if _, err := db.read.ExecContext(t.Context(), "DELETE FROM meta"); err == nil {
		t.Error("a reading connection wrote")
	}
}
