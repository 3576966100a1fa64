package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/faultline-storage/faultline/internal/store/sqlite"
	"github.com/faultline-storage/faultline/internal/store/storetest"
)

func open(t testing.TB) *sqlite.DB {
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
