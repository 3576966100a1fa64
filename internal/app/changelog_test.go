package app

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/internal/store/sqlite"
)

// TestTheChangeLogIsTrimmed keeps what the settings say.
func TestTheChangeLogIsTrimmed(t *testing.T) {
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "faultline.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	now := time.Unix(1_000_000, 0)
	for i := range 10 { // one an hour, the last one now
		at := now.Add(time.Duration(i-9) * time.Hour)
		if err := db.Commit(t.Context(), &resource.Mutation{Seq: positionAt(at), Time: at, Log: []byte("entry"), Samples: []byte("samples")}); err != nil {
			t.Fatal(err)
		}
	}
	for _, tc := range []struct {
		name             string
		keep             retention
		entries, samples int
	}{
		{"nothing is old", retention{changes: 24 * time.Hour, samples: 24 * time.Hour}, 10, 10},
		{"samples are", retention{changes: 24 * time.Hour, samples: 3 * time.Hour}, 10, 3},
		{"changes are", retention{changes: 5 * time.Hour, samples: 3 * time.Hour}, 5, 3},
		{"there are too many", retention{changes: 5 * time.Hour, samples: 3 * time.Hour, bytes: 30}, 2, 2},
	} {
		if err := trimOnce(t.Context(), db, tc.keep, now); err != nil {
			t.Fatal(err)
		}
		log, err := db.Log(t.Context(), 0, 100)
		if err != nil {
			t.Fatal(err)
		}
		samples := 0
		for _, e := range log {
			if len(e.Samples) > 0 {
				samples++
			}
		}
		if len(log) != tc.entries || samples != tc.samples {
			t.Errorf("%s: %d entries, %d with samples; want %d and %d", tc.name, len(log), samples, tc.entries, tc.samples)
		}
	}
}

// TestTrimmingThatFailsIsTriedAgain goes on with what it can.
func TestTrimmingThatFailsIsTriedAgain(t *testing.T) {
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "faultline.db"))
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	err = trimOnce(t.Context(), db, retention{changes: time.Hour, samples: time.Hour, bytes: 1}, time.Now())
	if err == nil {
		t.Fatal("a closed store was trimmed")
	}
	var joined interface{ Unwrap() []error }
	if !errors.As(err, &joined) || len(joined.Unwrap()) != 3 {
		t.Errorf("got %v", err)
	}
}
