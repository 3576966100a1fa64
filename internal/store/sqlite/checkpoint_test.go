package sqlite

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/faultline-storage/faultline/internal/resource"
)

// TestCheckpoints commits without a pause and sees that the write-ahead log
// does not grow for ever, and that nothing gets lost on the way.
func TestCheckpoints(t *testing.T) {
	path := filepath.Join(t.TempDir(), "faultline.db")
	db, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.check.hold.Lock() // no commit has woken it yet
	db.check.long = 2 * checkpointPages
	db.check.hold.Unlock()
	const commits, size = 120, 200_000
	for seq := range uint64(commits) {
		err := db.Commit(context.Background(), &resource.Mutation{Seq: seq + 1, Time: time.Unix(int64(seq), 0), Log: fmt.Appendf(nil, "%0*d", size, seq)})
		if err != nil {
			t.Fatal(err)
		}
	}
	for seq := uint64(0); seq < commits; {
		log, err := db.Log(t.Context(), seq, commits) // as many as it likes to give at once
		if err != nil || len(log) == 0 {
			t.Fatalf("after entry %d of %d there are %d, %v", seq, commits, len(log), err)
		}
		for _, e := range log {
			if seq++; e.Seq != seq {
				t.Fatalf("entry %d follows entry %d", e.Seq, seq-1)
			}
		}
	}
	if err := db.check.close(); err != nil { // the last step is over then
		t.Fatal(err)
	}
	if db.check.failed != nil {
		t.Error(db.check.failed)
	}
	st, err := os.Stat(path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	if all := int64(commits * size); st.Size() > all*3/4 {
		t.Errorf("the log has %d bytes after commits of %d", st.Size(), all)
	}
}
