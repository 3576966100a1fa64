package resource_test

import (
	"errors"
	"math"
	"testing"

	"github.com/faultline-storage/faultline/internal/resource"
)

// FuzzAlertQuery plans any query with any cursor: a plan whose own cursor leads
// on, or a fault that names the field.
func FuzzAlertQuery(f *testing.F) {
	f.Add("-began", "bm8", 5, int64(7))
	f.Add("severity", "", 0, int64(1))
	f.Add("ended", "e30", -1, int64(math.MaxInt64))
	f.Fuzz(func(t *testing.T, sort, cursor string, limit int, id int64) {
		if id < 1 {
			return
		}
		q := resource.AlertQuery{Sort: sort, Cursor: cursor, Limit: limit}
		p, err := q.Plan()
		var fault *resource.Fault
		if err != nil {
			if !errors.As(err, &fault) || fault.Field == "" {
				t.Fatalf("an error without a field: %v", err)
			}
			return
		}
		last := &resource.Alert{ID: resource.AlertID(id), Severity: resource.Warning}
		q.Cursor = p.Cursor(last)
		next, err := q.Plan()
		if err != nil {
			t.Fatalf("its own cursor %q: %v", q.Cursor, err)
		}
		if !next.Resume || next.AfterID != last.ID || next.AfterKey != p.Key(last) {
			t.Errorf("the cursor %q leads to %+v", q.Cursor, next)
		}
	})
}
