package storetest

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/faultline-storage/faultline/internal/resource"
)

// Opener opens the store in a directory, which it may find empty.
type Opener func(ctx context.Context, dir string) (Store, error)

// crashDir is the environment variable that turns the test binary into the
// process that Crash kills.
const crashDir = "FAULTLINE_STORETEST_CRASH_DIR"

// Main is to be called by the TestMain of an engine that has a crash test. It
// runs the tests, or commits without end if Crash started this process.
func Main(m *testing.M, open Opener) {
	if dir := os.Getenv(crashDir); dir != "" {
		fmt.Fprintln(os.Stderr, commitForever(context.Background(), dir, open))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// Crash kills a process with SIGKILL while it commits, rounds times, at random
// points, and checks each time that the store has all that the process was
// told to be committed, and no half mutation.
func Crash(t *testing.T, rounds int, open Opener, reference func() Store) {
	dir := t.TempDir()
	ref := reference() // replays what the process committed
	var done uint64    // the last mutation of ref
	for round := range rounds {
		acked := killed(t, dir, round)
		s, err := open(t.Context(), dir)
		if err != nil {
			t.Fatalf("round %d: open after kill: %v", round, err)
		}
		got := readAll(t, s)
		if got.Seq < acked {
			t.Fatalf("round %d: mutation %d was acknowledged; after the kill the store is at %d", round, acked, got.Seq)
		}
		for ; done < got.Seq; done++ {
			if err := step(t.Context(), ref, done+1); err != nil {
				t.Fatal(err)
			}
		}
		want := readAll(t, ref)
		if got.AlertSeq > want.AlertSeq || got.AlertSeq+1 < want.AlertSeq {
			t.Fatalf("round %d: alerts are at %d and mutations at %d", round, got.AlertSeq, got.Seq)
		}
		if got.Position != got.AlertSeq {
			t.Fatalf("round %d: alerts are at %d and their position at %d", round, got.AlertSeq, got.Position)
		}
		if got.AlertSeq < want.AlertSeq { // killed between a mutation and its alert; the next start repeats the alert
			if err := s.CommitAlerts(t.Context(), stepAlerts(got.Seq)); err != nil {
				t.Fatal(err)
			}
			got = readAll(t, s)
		}
		if d := diff(want, got); d != "" {
			t.Fatalf("round %d: at mutation %d (-want +got):\n%s", round, got.Seq, d)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d mutations in %d lives", done, rounds)
}

// killed starts a process that commits, kills it some time after its first
// acknowledgement, and returns the last mutation that it was told of.
func killed(t *testing.T, dir string, round int) (acked uint64) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe)
	cmd.Env = append(os.Environ(), crashDir+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, uint64(round)))
	kill := func() {
		if err := cmd.Process.Kill(); err != nil {
			t.Error(err)
		}
	}
	first := true
	for in := bufio.NewScanner(out); in.Scan(); {
		n, err := strconv.ParseUint(strings.TrimSpace(in.Text()), 10, 64)
		if err != nil {
			t.Fatalf("the committing process says %q", in.Text())
		}
		acked = n
		if first {
			first = false
			defer time.AfterFunc(time.Duration(rng.IntN(25_000))*time.Microsecond, kill).Stop()
		}
	}
	if first {
		t.Fatal("the committing process ended without a commit")
	}
	if err := cmd.Wait(); err == nil {
		t.Fatal("the committing process ended by itself")
	}
	return acked
}

func commitForever(ctx context.Context, dir string, open Opener) error {
	s, err := open(ctx, dir)
	if err != nil {
		return err
	}
	st, err := Read(ctx, s)
	if err != nil {
		return err
	}
	for seq := st.Seq + 1; ; seq++ {
		if err := step(ctx, s, seq); err != nil {
			return err
		}
		fmt.Println(seq)
	}
}

// step commits the mutation number seq of an endless sequence, and its alerts.
// What it does follows from seq alone.
func step(ctx context.Context, s Store, seq uint64) error {
	if err := s.Commit(ctx, stepMutation(seq)); err != nil {
		return err
	}
	return s.CommitAlerts(ctx, stepAlerts(seq))
}

// Every step creates a group of drives, changes the root and the group before,
// and deletes an older group.
const (
	stepGroup = 8
	stepsKept = 5
)

func groupID(seq uint64, i int) resource.ID { return resource.ID(2 + (seq-1)*stepGroup + uint64(i)) }

func stepMutation(seq uint64) *resource.Mutation {
	m := &resource.Mutation{Seq: seq, Time: epoch, Log: fmt.Appendf(nil, "%d", seq), Samples: fmt.Appendf(nil, "samples of %d", seq)}
	root := newRoot(1, "a")
	root.Alias = fmt.Sprint("at ", seq)
	root.Root.LastContact = epoch.Add(time.Duration(seq))
	group := func(seq uint64) []*resource.Resource {
		var rs []*resource.Resource
		for i := range stepGroup {
			rs = append(rs, newDrive(groupID(seq, i), 1, fmt.Sprintf("%d-%d", seq, i)))
		}
		return rs
	}
	if seq == 1 {
		m.Put = append(m.Put, root)
	}
	m.Put = append(m.Put, group(seq)...)
	m.Created = len(m.Put)
	if seq > 1 {
		m.Put = append(m.Put, root)
		for _, r := range group(seq - 1) {
			m.Put = append(m.Put, with(r, func(r *resource.Resource) { r.Values[1] = resource.IntValue(int64(seq)) }))
		}
	}
	for i := range stepGroup {
		m.AddEdges = append(m.AddEdges, edge(1, groupID(seq, i), 1))
		if seq > stepsKept {
			m.Delete = append(m.Delete, groupID(seq-stepsKept, i))
		}
	}
	return m
}

// stepAlerts are an alert that begins, and the one before, which ends; the
// same of pending alerts.
func stepAlerts(seq uint64) *resource.AlertMutation {
	pending := func(seq uint64) *resource.PendingAlert { return newPending(resource.ID(seq), "hot", 0) }
	m := &resource.AlertMutation{Pend: []*resource.PendingAlert{pending(seq)}, Position: seq}
	if seq > 1 {
		m.Put = append(m.Put, ended(newAlert(resource.AlertID(seq-1), 0), 2*seq-1, time.Second))
		m.Settle = append(m.Settle, pending(seq-1).AlertKey)
	}
	m.Put = append(m.Put, newAlert(resource.AlertID(seq), 2*seq))
	return m
}

// all is State and the alerts.
type all struct {
	State
	NextAlert resource.AlertID
	AlertSeq  uint64 // of the step
	Active    []*resource.Alert
	Position  uint64              // up to which alerts are evaluated
	Last      []resource.LogEntry // of the change log
	Pending   []*resource.PendingAlert
}

func readAll(t *testing.T, s Store) all {
	t.Helper()
	a := all{State: read(t, s)}
	var err error
	a.NextAlert, a.AlertSeq, err = s.LoadAlerts(t.Context(), func(al *resource.Alert) error { a.Active = append(a.Active, al); return nil },
		func(p *resource.PendingAlert) error { a.Pending = append(a.Pending, p); return nil })
	if err != nil {
		t.Fatal(err)
	}
	a.AlertSeq /= 2
	if a.Position, err = s.Position(t.Context(), resource.AlertPosition); err != nil {
		t.Fatal(err)
	}
	if a.Last, err = s.LogBack(t.Context(), a.Seq, 3); err != nil {
		t.Fatal(err)
	}
	return a
}
