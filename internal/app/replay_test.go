package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/faultline-storage/faultline/internal/record"
	"github.com/faultline-storage/faultline/sdk/wire"
)

// hot declares a root whose one gauge raises a warning when it is above 50 for a
// minute.
func hot() wire.Manifest {
	bound := 50.0
	return wire.Manifest{APIVersion: 1, Classes: []wire.Class{{
		Name: "Root", Bases: []string{wire.BaseScannable, wire.BaseResource}, Identifier: wire.Identifier{Scope: wire.ScopeGlobal, Attributes: []string{"name"}},
		Attributes: []wire.Attribute{{Name: "name", Kind: wire.KindString}},
		Statistics: []wire.Statistic{{Name: "heat", Kind: wire.KindGauge, SamplePeriod: 10}},
		Conditions: []wire.Condition{{Kind: wire.ConditionUpper, Attribute: "heat", WarnBound: &bound, ForSeconds: 60, Message: "hot"}},
	}}}
}

// recordScan writes a recording of a scan with one update. steps are the seconds from the
// beginning to the initial scan, the update and the end.
func recordScan(t testing.TB, steps [3]int, batches func(turn int64) []wire.Batch) []byte {
	t.Helper()
	var b bytes.Buffer
	now := time.UnixMilli(1_700_000_000_000)
	w, err := record.NewWriter(&b, func() time.Time { return now }, record.Header{
		Plugin: "acme", Class: "Root", Updates: 1, Attributes: map[string]json.RawMessage{"name": json.RawMessage(`"r"`)},
	}, wire.InitializeParams{}, wire.InitializeResult{Protocol: 1, Manifest: hot()})
	if err != nil {
		t.Fatal(err)
	}
	turn := int64(0)
	call := func(method string, result any) {
		id, err := w.Call(method, wire.SessionParams{})
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := result.(*wire.TurnResult); ok {
			turn++
			for _, batch := range batches(turn) {
				if err := w.Batch(batch); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := w.Answer(id, result); err != nil {
			t.Fatal(err)
		}
	}
	began := now
	call(wire.MethodSessionOpen, nil)
	now = began.Add(time.Duration(steps[0]) * time.Second)
	call(wire.MethodInitialScan, &wire.TurnResult{Turn: 1, Updates: true})
	now = began.Add(time.Duration(steps[1]) * time.Second)
	call(wire.MethodUpdateScan, &wire.TurnResult{Turn: 2})
	call(wire.MethodTeardown, nil)
	now = began.Add(time.Duration(steps[2]) * time.Second)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// heat reports a temperature in each turn.
func heat(degrees ...string) func(turn int64) []wire.Batch {
	return func(turn int64) []wire.Batch {
		return []wire.Batch{{Turn: turn, Last: true, Complete: turn == 1, Samples: []wire.Sample{
			{Name: "heat", Time: 1_700_000_000_000 + turn*1000, Value: json.RawMessage(degrees[turn-1])},
		}}}
	}
}

// replayOf replays a recording.
func replayOf(ctx context.Context, text []byte) (*Found, error) {
	rec, err := record.Read(bytes.NewReader(text), "f")
	if err != nil {
		return nil, err
	}
	return new(Tool).replay(ctx, rec, "f", nil)
}

// TestReplayHasTheTimeOfTheRecording: a condition must hold for a minute, which it
// does or does not by the clock of the recording, however fast it is replayed.
func TestReplayHasTheTimeOfTheRecording(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		steps   [3]int
		degrees []string
		want    []string // when alerts began, after the beginning
	}{
		{"too short", [3]int{0, 30, 59}, []string{"60", "61"}, nil},
		{"long enough at the end", [3]int{0, 30, 60}, []string{"60", "61"}, []string{"1m0s"}},
		{"long enough at the update", [3]int{10, 80, 80}, []string{"60", "61"}, []string{"1m10s"}}, // since the initial scan
		{"not hot any more", [3]int{0, 30, 90}, []string{"60", "40"}, nil},
		{"hot later", [3]int{0, 30, 95}, []string{"40", "60"}, []string{"1m30s"}},
	} {
		text := recordScan(t, tc.steps, heat(tc.degrees...))
		found, err := replayOf(t.Context(), text)
		if err != nil {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		var got []string
		for _, a := range found.Alerts {
			got = append(got, a.Began.Sub(found.Resources[0].FirstSeen).Truncate(time.Second).String())
		}
		if d := cmp.Diff(tc.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, d)
		}
		again, err := replayOf(t.Context(), text)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(found, again); d != "" {
			t.Errorf("%s: a second replay finds something else (-first +second):\n%s", tc.name, d)
		}
	}
}

// TestReplayThatStrays: a recording that the host cannot follow is told by its line.
func TestReplayThatStrays(t *testing.T) {
	t.Parallel()
	write := func(change func(h *record.Header, m *wire.Manifest), calls ...string) []byte {
		var b bytes.Buffer
		h := record.Header{Plugin: "acme", Class: "Root", Updates: 1, Attributes: map[string]json.RawMessage{"name": json.RawMessage(`"r"`)}}
		m := hot()
		change(&h, &m)
		w, err := record.NewWriter(&b, time.Now, h, wire.InitializeParams{}, wire.InitializeResult{Manifest: m})
		if err != nil {
			t.Fatal(err)
		}
		for _, method := range calls {
			id, err := w.Call(method, wire.SessionParams{})
			if err != nil {
				t.Fatal(err)
			}
			result := &wire.TurnResult{Updates: true}
			if method == wire.MethodInitialScan {
				result.Turn = 1
				if err := w.Batch(wire.Batch{Turn: 1, Last: true, Complete: true}); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.Answer(id, result); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	same := func(*record.Header, *wire.Manifest) {}
	whole := []string{wire.MethodSessionOpen, wire.MethodInitialScan, wire.MethodUpdateScan, wire.MethodTeardown}
	for _, tc := range []struct {
		text []byte
		line int
		want string
	}{
		{write(same), 3, "ends here, and the host calls session/open"},
		{write(same, whole[:1]...), 5, "ends here, and the host calls session/initial_scan"},
		{write(same, whole[0], whole[2], whole[3]), 6, "has a call of session/update_scan here, and the host calls session/initial_scan"},
		{write(same, whole[:3]...), 10, "ends here, and the host calls session/teardown"},
		{write(func(h *record.Header, _ *wire.Manifest) { h.Updates = 0 }, whole...), 9, "has a call of session/update_scan here, and the host calls session/teardown"},
		{write(same, append(whole[:4:4], whole[2])...), 13, "goes on here with a call of session/update_scan, and the scan is over"},
		{write(func(h *record.Header, _ *wire.Manifest) { h.Class = "Other" }, whole...), 1, "has no class Other"},
		{write(func(h *record.Header, _ *wire.Manifest) { h.Attributes = nil }, whole...), 1, "attribute name of acme.Root needs a value"},
		{write(func(_ *record.Header, m *wire.Manifest) { m.APIVersion = 7 }, whole...), 3, "version 7"},
	} {
		_, err := replayOf(t.Context(), tc.text)
		var at *record.LineError
		if !errors.As(err, &at) || at.Line != tc.line || !strings.Contains(at.Text, tc.want) {
			t.Errorf("got %v, want line %d and %q", err, tc.line, tc.want)
		}
	}
	if _, err := replayOf(t.Context(), write(same, whole...)); err != nil {
		t.Error(err)
	}
}

// FuzzReplay replays any batches at all. It must come to an end, and not panic.
func FuzzReplay(f *testing.F) {
	f.Add([]byte(`[{"turn":1,"last":true,"complete":true,"ops":[{"op":"set","h":0,"attributes":{"name":"r"}}],"samples":[{"h":0,"name":"heat","t":1,"v":70}]}]`), []byte(`[{"turn":2,"last":true}]`))
	f.Add([]byte(`[{"turn":1,"last":true,"ops":[{"op":"put","h":1,"class":"Root","attributes":{"name":"x"},"parents":[0]}]}]`), []byte(`[{"turn":2,"last":true,"ops":[{"op":"remove","h":1}]}]`))
	f.Add([]byte(`[]`), []byte(`null`))
	f.Fuzz(func(t *testing.T, first, second []byte) {
		var turns [2][]wire.Batch
		for i, text := range [][]byte{first, second} {
			if json.Unmarshal(text, &turns[i]) != nil {
				return
			}
		}
		text := recordScan(t, [3]int{0, 1, 2}, func(turn int64) []wire.Batch { return turns[turn-1] })
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		found, err := replayOf(ctx, text)
		if ctx.Err() != nil {
			t.Fatal("the replay hangs")
		}
		if err == nil && len(found.Resources) == 0 {
			t.Fatal("the root is gone")
		}
	})
}
