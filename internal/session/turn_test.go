package session_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/internal/session"
	"github.com/faultline-storage/faultline/sdk/wire"
)

// scans answers the initial scan with f and other calls with nothing.
func scans(f func() (wire.TurnResult, error)) func(int, string) (wire.TurnResult, error) {
	return func(_ int, m string) (wire.TurnResult, error) {
		if m == "initial_scan" {
			return f()
		}
		return wire.TurnResult{}, nil
	}
}

func put(h int64, attributes string) wire.Op {
	return wire.Op{Op: wire.OpPut, Handle: h, Class: "Disk", Attributes: json.RawMessage(attributes)}
}

func TestTurnsThatBreakTheProtocol(t *testing.T) {
	for _, tc := range []struct {
		name   string
		sent   []wire.Batch
		answer int64
		want   string // in the error of the root
	}{
		{"a turn that was never sent", nil, 1, "its turn was 1"},
		{"a turn that was sent in part", []wire.Batch{{Turn: 1}}, 1, "only a part"},
		{"a turn without its last part", []wire.Batch{{Turn: 1}, {Turn: 2, Last: true}}, 2, "turn 1 had no last part"},
		{"a part too much", []wire.Batch{{Turn: 1, Last: true}, {Turn: 1, Part: 1, Last: true}}, 1, "part 1 of turn 1 came out of order"},
		{"a part too few", []wire.Batch{{Turn: 1}, {Turn: 1, Part: 2, Last: true}}, 1, "part 2 of turn 1 came out of order"},
		{"a turn twice", []wire.Batch{{Turn: 1, Last: true}, {Turn: 1, Last: true}}, 1, "turn 1 came after turn 1"},
		{"two complete turns", []wire.Batch{{Turn: 1, Last: true, Complete: true}, {Turn: 2, Last: true, Complete: true}}, 2, "only the first turn"},
		{"null where a value must be", []wire.Batch{
			{Turn: 1, Last: true, Complete: true, Ops: []wire.Op{put(1, good)}},
			{Turn: 2, Last: true, Ops: []wire.Op{{Op: wire.OpSet, Handle: 1, Attributes: json.RawMessage(`{"model":null}`)}}},
		}, 2, "attribute model has no value"},
		{"a time beyond the calendar", []wire.Batch{{Turn: 1, Last: true, Ops: []wire.Op{put(1, good)},
			Samples: []wire.Sample{{Handle: 1, Name: "temperature", Time: 1 << 60, Value: json.RawMessage("1")}}}}, 1, "temperature: 1152921504606846976 is no time"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &fake{}
				f.answer = scans(func() (wire.TurnResult, error) {
					for _, b := range tc.sent {
						f.route(b)
					}
					return wire.TurnResult{Turn: tc.answer, Updates: true}, nil
				})
				run(t, f, 500*time.Millisecond)
				if !strings.Contains(f.state.Error, tc.want) {
					t.Errorf("error %q, want %q", f.state.Error, tc.want)
				}
				if !strings.Contains(f.noted(), "teardown close") {
					t.Errorf("it was not torn down: %s", f.noted())
				}
			})
		})
	}
}

func TestNullBecomesTheDefault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{}
		var last resource.Op
		f.apply = func(b *resource.Batch) error { last = b.Ops[len(b.Ops)-1]; return nil }
		f.answer = scans(func() (wire.TurnResult, error) {
			f.route(wire.Batch{Turn: 1, Last: true, Ops: []wire.Op{
				put(1, good), {Op: wire.OpSet, Handle: 1, Attributes: json.RawMessage(`{"size":null}`)},
			}})
			return wire.TurnResult{Turn: 1}, nil
		})
		run(t, f, time.Second)
		if len(last.Set) != 1 || last.Set[0].Value != resource.IntValue(7) {
			t.Errorf("set %+v", last.Set)
		}
	})
}

func TestTheUpdatePeriodIsKeptWithinReason(t *testing.T) {
	for period, want := range map[float64]int{1e-9: 11, 0.25: 5, 0: 1, 1e300: 1} { // of update scans in a little over a second
		synctest.Test(t, func(t *testing.T) {
			f := &fake{}
			f.answer = scans(func() (wire.TurnResult, error) {
				r := f.report(true, good)
				r.UpdatePeriod = period
				return r, nil
			})
			run(t, f, 1050*time.Millisecond)
			if n := strings.Count(f.noted(), "update_scan"); n != want {
				t.Errorf("with a period of %g s: %d update scans, want %d", period, n, want)
			}
		})
	}
}

func TestASessionEndsWithItsRoot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{dead: make(chan struct{})}
		gone := false
		f.answer = scans(func() (wire.TurnResult, error) {
			gone = true // a user removes it in the middle of the scan
			return f.report(true, good), nil
		})
		f.apply = func(*resource.Batch) error { return resource.Errorf(resource.Conflict, "session is not open") }
		session.New(session.Options{
			ID: 1, Plugin: "acme",
			Root: func() (session.Root, error) {
				if gone {
					return session.Root{}, resource.Errorf(resource.NotFound, "there is no resource 1")
				}
				return session.Root{Class: "Array"}, nil
			},
			Wait:  func(context.Context) (session.Plugin, error) { return f, nil },
			Class: func(n string) *resource.Class { return classes[n] },
			Seal:  func(s string) string { return s },
			Sink:  f,
			Route: func(_ string, to func(wire.Batch)) func() { f.route = to; return func() {} },
			Log:   slog.New(slog.DiscardHandler), Now: time.Now, After: time.After,
		}).Run(t.Context()) // which returns
		if want := "open initial_scan apply(1) rejected teardown close"; f.noted() != want {
			t.Errorf("got  %s\nwant %s", f.noted(), want)
		}
	})
}

func TestThePluginIsToldOfDeletedResources(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{}
		f.apply = func(*resource.Batch) error {
			f.deleted([]resource.Handle{7, 9}) // while the batch is committed
			f.deleted([]resource.Handle{8})
			return nil
		}
		f.answer = scans(func() (wire.TurnResult, error) {
			r := f.report(true, good)
			r.Updates = false
			return r, nil
		})
		run(t, f, time.Hour)
		var got []int64
		for _, p := range f.told {
			got = append(got, p.(wire.Deleted).Handles...)
		}
		if !slices.Equal(got, []int64{7, 9, 8}) {
			t.Errorf("told of %v: %s", got, f.noted())
		}
	})
}

// TestPartsOfAScanThatStillRuns sees that parts which come while the hook runs
// count when the last one is there, as that says, and else not at all.
func TestPartsOfAScanThatStillRuns(t *testing.T) {
	for _, complete := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			f := &fake{}
			var applied []*resource.Batch
			f.apply = func(b *resource.Batch) error { applied = append(applied, b); return nil }
			tries := 0
			f.answer = scans(func() (wire.TurnResult, error) {
				tries++
				f.route(wire.Batch{Turn: 1, Ops: []wire.Op{put(1, good), put(2, good)}, Complete: !complete})
				f.route(wire.Batch{Turn: 1, Part: 1, Ops: []wire.Op{{Op: wire.OpSet, Handle: 1, Attributes: json.RawMessage(`{"model":"n"}`)}},
					Samples: []wire.Sample{{Handle: 2, Name: "temperature", Time: 1, Value: json.RawMessage("1")}}})
				time.Sleep(time.Hour) // the hook goes on
				synctest.Wait()
				if len(applied) > 0 {
					t.Error("a part was applied before the last one came")
				}
				if tries == 1 {
					return wire.TurnResult{}, errors.New("the array went away")
				}
				f.route(wire.Batch{Turn: 1, Part: 2, Last: true, Complete: complete})
				return wire.TurnResult{Turn: 1}, nil
			})
			run(t, f, 3*time.Hour)
			if tries != 2 || len(applied) != 1 {
				t.Fatalf("%d scans and %d batches applied, want 2 and 1: %s", tries, len(applied), f.noted())
			}
			if b := applied[0]; b.Complete != complete || len(b.Ops) != 3 || len(b.Samples) != 1 {
				t.Errorf("the batch is %+v", b)
			}
		})
	}
}
