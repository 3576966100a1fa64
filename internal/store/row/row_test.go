package row_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/internal/store/row"
)

func TestTimes(t *testing.T) {
	for _, want := range []time.Time{{}, time.Date(2026, 3, 4, 5, 6, 7, 123456789, time.UTC), time.Unix(-1, 5).UTC()} {
		if got := row.FromNanos(row.Nanos(want)); !got.Equal(want) || got.IsZero() != want.IsZero() {
			t.Errorf("got %v, want %v", got, want)
		}
	}
}

func TestIDs(t *testing.T) {
	var w row.IDWriter
	var r row.IDReader
	for _, want := range [][]resource.ID{nil, {1}, {1}, {1, 22, 333}, {}} {
		text := w.Text(want)
		got, err := r.Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if len(got)+len(want) > 0 && !cmp.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", text, got, want)
		}
	}
	if _, err := r.Parse([]byte(`{}`)); err == nil {
		t.Error("an object was taken for a list")
	}
}

func TestEndedFirst(t *testing.T) {
	at := time.Unix(1, 0)
	raised, ended, other := &resource.Alert{ID: 1, Seq: 1}, &resource.Alert{ID: 1, Seq: 3, Ended: at}, &resource.Alert{ID: 2, Seq: 2}
	got := row.EndedFirst([]*resource.Alert{raised, other, ended})
	if d := cmp.Diff([]*resource.Alert{ended, other}, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}
