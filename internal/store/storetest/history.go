package storetest

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/faultline-storage/faultline/internal/resource"
)

var historyRules = []rule{
	{"TheHistoryOfAResourceIsReadBack", historyBack},
	{"TheHistoryIsTrimmedWithTheLog", historyTrimmed},
	{"WhatWasDeletedIsFoundByItsKey", former},
	{"ARefusedMutationLeavesNoHistory", noHistoryOfARefused},
}

// fillHistory commits ten mutations with even numbers. Resource 1 changes in
// each of them, resource 2 in every third.
func fillHistory(t *testing.T, s Store) (one, two []resource.StoredChange) {
	t.Helper()
	for i := range 10 {
		m := &resource.Mutation{Seq: uint64(2 * (i + 1)), Time: epoch.Add(time.Duration(i)), Log: []byte("{}")}
		row := resource.StoredChange{Resource: 1, Seq: m.Seq, Time: m.Time, What: fmt.Appendf(nil, `{"i":%d,"t":"<ü \u0000>"}`, i)}
		one = append(one, row)
		m.History = append(m.History, row)
		if i%3 == 0 {
			row.Resource = 2
			two = append(two, row)
			m.History = append(m.History, row)
		}
		commit(t, s, m)
	}
	return one, two
}

// wantHistory checks what is read back, want being the oldest first.
func wantHistory(t *testing.T, s Store, id resource.ID, from uint64, limit int, want []resource.StoredChange) {
	t.Helper()
	got, err := s.History(t.Context(), id, from, limit)
	if err != nil {
		t.Fatal(err)
	}
	var newestFirst []resource.StoredChange
	for _, c := range slices.Backward(want) {
		newestFirst = append(newestFirst, c)
	}
	if d := diff(newestFirst, got); d != "" {
		t.Errorf("resource %d back from %d (-want +got):\n%s", id, from, d)
	}
}

func historyBack(t *testing.T, s Store) {
	wantHistory(t, s, 1, math.MaxInt64, 10, nil)
	one, two := fillHistory(t, s)
	wantHistory(t, s, 1, math.MaxInt64, 100, one)
	wantHistory(t, s, 1, 20, 100, one)
	wantHistory(t, s, 1, 19, 3, one[6:9])
	wantHistory(t, s, 1, 1, 3, nil)
	wantHistory(t, s, 2, math.MaxInt64, 100, two)
	wantHistory(t, s, 2, 13, 1, two[1:2])
	wantHistory(t, s, 3, math.MaxInt64, 100, nil)
}

func historyTrimmed(t *testing.T, s Store) {
	one, two := fillHistory(t, s)
	if err := s.Trim(t.Context(), 11); err != nil {
		t.Fatal(err)
	}
	wantHistory(t, s, 1, math.MaxInt64, 100, one[5:])
	wantHistory(t, s, 2, math.MaxInt64, 100, two[2:])
	// Samples are trimmed on their own.
	if err := s.TrimSamples(t.Context(), 1000); err != nil {
		t.Fatal(err)
	}
	wantHistory(t, s, 1, math.MaxInt64, 100, one[5:])
}

func former(t *testing.T, s Store) {
	key := strings.Repeat("k", 43)
	for i, id := range []resource.ID{1, 2, 4} {
		gone := resource.StoredChange{Resource: id, Seq: uint64(i + 1), Time: epoch, What: []byte(`{}`), Gone: key}
		other := resource.StoredChange{Resource: id + 10, Seq: gone.Seq, Time: epoch, What: []byte(`{}`), Gone: "another"}
		commit(t, s, &resource.Mutation{Seq: gone.Seq, Time: epoch, Log: []byte("{}"), History: []resource.StoredChange{gone, other}})
		wantHistory(t, s, id, math.MaxInt64, 1, []resource.StoredChange{gone})
	}
	wantFormer := func(key string, before, want resource.ID) {
		t.Helper()
		if got, err := s.Former(t.Context(), key, before); err != nil || got != want {
			t.Errorf("before %d: got %d, %v; want %d", before, got, err, want)
		}
	}
	wantFormer(key, 9, 4)
	wantFormer(key, 4, 2)
	wantFormer(key, 2, 1)
	wantFormer(key, 1, 0)
	wantFormer("none", 9, 0)
	if err := s.Trim(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	wantFormer(key, 9, 4)
	wantFormer(key, 4, 0)
}

func noHistoryOfARefused(t *testing.T, s Store) {
	commit(t, s, creation(5, newRoot(1, "a")))
	m := creation(5, newRoot(2, "b")) // the number is taken
	m.History = []resource.StoredChange{{Resource: 1, Seq: 5, Time: epoch, What: []byte(`{}`)}}
	if err := s.Commit(t.Context(), m); err == nil {
		t.Fatal("a mutation with a number that was taken is committed")
	}
	wantHistory(t, s, 1, math.MaxInt64, 10, nil)
}
