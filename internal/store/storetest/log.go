package storetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/faultline-storage/faultline/internal/resource"
)

var logRules = []rule{
	{"TheLogIsReadBothWays", logBothWays},
	{"TheLogIsTrimmed", logTrimmed},
	{"SamplesAreTrimmedOnTheirOwn", samplesTrimmed},
	{"LargeEntriesComeInParts", largeEntries},
	{"APositionIsCommittedWithItsAlerts", positions},
	{"AlertsAreReadByTheirLastChange", alertsSince},
}

// fillLog commits 20 mutations with even numbers: of three in turn one has an
// entry, one has samples, one both.
func fillLog(t *testing.T, s Store) (want []resource.LogEntry) {
	t.Helper()
	for i := range 20 {
		m := &resource.Mutation{Seq: uint64(2 * (i + 1)), Time: epoch.Add(time.Duration(i))}
		if i%3 != 1 {
			m.Log = fmt.Appendf(nil, `{"i":%d}`, i)
		}
		if i%3 != 0 {
			m.Samples = fmt.Appendf(nil, "\x00samples %d", i)
		}
		commit(t, s, m)
		want = append(want, resource.LogEntry{Seq: m.Seq, Time: m.Time, Log: m.Log, Samples: m.Samples})
	}
	return want
}

func wantLog(t *testing.T, s Store, after uint64, limit int, want []resource.LogEntry) {
	t.Helper()
	got, err := s.Log(t.Context(), after, limit)
	if err != nil {
		t.Fatal(err)
	}
	if d := diff(want, got); d != "" {
		t.Errorf("log after %d (-want +got):\n%s", after, d)
	}
}

func wantLogBack(t *testing.T, s Store, from uint64, limit int, want []resource.LogEntry) {
	t.Helper()
	got, err := s.LogBack(t.Context(), from, limit)
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(got)
	if d := diff(want, got); d != "" {
		t.Errorf("log back from %d (-want +got):\n%s", from, d)
	}
}

func wantPosition(t *testing.T, s Store, name string, want uint64) {
	t.Helper()
	if got, err := s.Position(t.Context(), name); err != nil || got != want {
		t.Errorf("position %s: got %d, %v; want %d", name, got, err, want)
	}
}

func logBothWays(t *testing.T, s Store) {
	wantLog(t, s, 0, 10, nil)
	wantLogBack(t, s, 1000, 10, nil)
	want := fillLog(t, s)
	wantLog(t, s, 0, 100, want)
	wantLog(t, s, 0, 3, want[:3])
	wantLog(t, s, 5, 3, want[2:5])
	wantLog(t, s, 40, 3, nil)
	wantLogBack(t, s, 1000, 100, want)
	wantLogBack(t, s, 40, 3, want[17:])
	wantLogBack(t, s, 7, 2, want[1:3])
	wantLogBack(t, s, 1, 3, nil)
}

func logTrimmed(t *testing.T, s Store) {
	if err := s.Trim(t.Context(), 1000); err != nil {
		t.Fatal(err)
	}
	wantPosition(t, s, resource.LogFloor, 0) // there was nothing to lose
	want := fillLog(t, s)
	for _, most := range []int64{1 << 30, 0} {
		seq, err := s.LogSize(t.Context(), most)
		if wanted := map[int64]uint64{1 << 30: 0, 0: 40}[most]; err != nil || seq != wanted {
			t.Errorf("entries of %d bytes: got %d, %v; want %d", most, seq, err, wanted)
		}
	}
	last := want[19]
	if seq, err := s.LogSize(t.Context(), int64(len(last.Log)+len(last.Samples))); err != nil || seq != 38 {
		t.Errorf("entries of the last one's size: got %d, %v; want 38", seq, err)
	}
	if err := s.Trim(t.Context(), 21); err != nil {
		t.Fatal(err)
	}
	wantLog(t, s, 0, 100, want[10:])
	wantPosition(t, s, resource.LogFloor, 20)
	if err := s.Trim(t.Context(), 1000); err != nil {
		t.Fatal(err)
	}
	wantLog(t, s, 0, 100, nil)
	wantPosition(t, s, resource.LogFloor, 40)
	// A trimmed log does not turn the clock back.
	if st := read(t, s); st.Seq != 40 {
		t.Errorf("seq: got %d, want 40", st.Seq)
	}
}

func samplesTrimmed(t *testing.T, s Store) {
	want := fillLog(t, s)
	if err := s.TrimSamples(t.Context(), 21); err != nil {
		t.Fatal(err)
	}
	var rest []resource.LogEntry
	for _, e := range want {
		if e.Seq <= 21 {
			if e.Samples = nil; e.Log == nil {
				continue
			}
		}
		rest = append(rest, e)
	}
	wantLog(t, s, 0, 100, rest)
	wantPosition(t, s, resource.SamplesFloor, 18)
	wantPosition(t, s, resource.LogFloor, 0)
	if err := s.TrimSamples(t.Context(), 21); err != nil {
		t.Fatal(err)
	}
	wantLog(t, s, 0, 100, rest)
}

func largeEntries(t *testing.T, s Store) {
	const n, size = 5, 3 << 20
	for i := range n {
		commit(t, s, &resource.Mutation{Seq: uint64(i + 1), Time: epoch, Log: make([]byte, size)})
	}
	var at uint64
	for at < n {
		page, err := s.Log(t.Context(), at, 1000)
		if err != nil || len(page) == 0 {
			t.Fatalf("after %d: %d entries, %v", at, len(page), err)
		}
		for _, e := range page {
			if at++; e.Seq != at || len(e.Log) != size {
				t.Fatalf("entry %d of %d bytes, want %d", e.Seq, len(e.Log), at)
			}
		}
	}
}

func positions(t *testing.T, s Store) {
	wantPosition(t, s, resource.AlertPosition, 0)
	if err := s.CommitAlerts(t.Context(), &resource.AlertMutation{Put: []*resource.Alert{newAlert(1, 1)}, Position: 7}); err != nil {
		t.Fatal(err)
	}
	wantPosition(t, s, resource.AlertPosition, 7)
	wantPosition(t, s, "another", 0)
	twin := newAlert(1, 2)
	twin.ID = 2
	if err := s.CommitAlerts(t.Context(), &resource.AlertMutation{Put: []*resource.Alert{twin}, Position: 8}); err == nil {
		t.Fatal("a second alert of one condition was committed")
	}
	wantPosition(t, s, resource.AlertPosition, 7)
	if err := s.CommitAlerts(t.Context(), &resource.AlertMutation{Position: 9}); err != nil {
		t.Fatal(err)
	}
	wantPosition(t, s, resource.AlertPosition, 9)
	if err := s.CommitAlerts(t.Context(), &resource.AlertMutation{Put: []*resource.Alert{ended(newAlert(1, 1), 2, time.Second)}}); err != nil {
		t.Fatal(err)
	}
	wantPosition(t, s, resource.AlertPosition, 9)
}

func alertsSince(t *testing.T, s Store) {
	for i := range resource.AlertID(6) {
		a := newAlert(i+1, uint64(i+1))
		a.Resource = resource.ID(i + 1)
		if err := s.CommitAlerts(t.Context(), &resource.AlertMutation{Put: []*resource.Alert{a}}); err != nil {
			t.Fatal(err)
		}
	}
	second := newAlert(2, 2)
	second.Resource = 2
	if err := s.CommitAlerts(t.Context(), &resource.AlertMutation{Put: []*resource.Alert{ended(second, 7, time.Second)}}); err != nil {
		t.Fatal(err)
	}
	for after, want := range map[uint64][]uint64{0: {1, 3, 4}, 1: {3, 4, 5}, 5: {6, 7}, 7: nil} {
		got, err := s.AlertsSince(t.Context(), after, 3)
		if err != nil {
			t.Fatal(err)
		}
		var seqs []uint64
		for _, a := range got {
			seqs = append(seqs, a.Seq)
		}
		if !slices.Equal(seqs, want) {
			t.Errorf("alerts after %d: got %v, want %v", after, seqs, want)
		}
	}
}
