package alert_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/faultline-storage/faultline/internal/alert"
	"github.com/faultline-storage/faultline/internal/feed"
	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/internal/store/memory"
	"github.com/faultline-storage/faultline/internal/store/sqlite"
)

func TestNewNeedsItsParts(t *testing.T) {
	if _, err := alert.New(alert.Options{Store: memory.New()}); err == nil {
		t.Error("a stage without a graph was made")
	}
}

// failing is a store whose next commit fails, before or after it happened.
type failing struct {
	*memory.Store
	before, after bool
}

var errDisk = errors.New("the disk is full")

func (f *failing) CommitAlerts(ctx context.Context, m *resource.AlertMutation) error {
	if f.before {
		return errDisk
	}
	err := f.Store.CommitAlerts(ctx, m)
	if f.after {
		return errDisk
	}
	return err
}

// TestAFailedCommitShowsNothing fails a commit, then runs the stage again: in
// the end subscribers know all, once.
func TestAFailedCommitShowsNothing(t *testing.T) {
	for _, happened := range []bool{false, true} {
		t.Run(fmt.Sprintf("happened=%v", happened), func(t *testing.T) {
			store := &failing{Store: memory.New()}
			w := newWorld(t, store)
			d := w.create(acme["Drive"], "d1", map[string]resource.Value{"status": str("NEAR")})
			w.tell()
			w.up()
			if len(w.stage.Own(d)) != 2 {
				t.Fatalf("got %q", w.active(d))
			}
			seq := w.stage.Seq()
			w.stop()

			store.before, store.after = !happened, happened
			w.set(d, "status", str("FAILED"))
			snapshot, at := w.snapshot()
			w.publish()
			// The snapshot has the change already, so Run fails at its start.
			if err := w.stage.Run(t.Context(), snapshot, at, w.log.Since(t.Context(), at)); !errors.Is(err, errDisk) {
				t.Fatalf("run: got %v", err)
			}
			if got := w.active(d); !slices.Equal(got, []string{"warning Drive near failure", "info Drive needs care"}) || w.stage.Seq() != seq {
				t.Errorf("after the failure: got %q", got)
			}

			store.before, store.after = false, false
			w.run()
			if got := w.active(d); !slices.Equal(got, []string{"error Drive failure", "info Drive needs care"}) {
				t.Errorf("in the end: got %q", got)
			}
			var got []string
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			for list, err := range w.stage.Since(ctx, seq) {
				if err != nil {
					t.Fatal(err)
				}
				for _, a := range list {
					got = append(got, fmt.Sprint(a.Condition, " ", a.Active(), " ", a.Seq))
				}
				if list[len(list)-1].Seq == w.stage.Seq() {
					break
				}
			}
			if len(got) != 2 || !slices.Contains(got, fmt.Sprint("near false ", seq+2)) && !slices.Contains(got, fmt.Sprint("near false ", seq+1)) {
				t.Errorf("subscribers were told %q", got)
			}
		})
	}
}

func TestWaitSeq(t *testing.T) {
	w := newWorld(t, nil)
	w.up()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.stage.WaitSeq(ctx, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("a change that does not come: got %v", err)
	}
	if err := w.stage.WaitSeq(t.Context(), 0); err != nil {
		t.Errorf("a change of the past: got %v", err)
	}
	s, err := alert.New(alert.Options{Store: memory.New(), Get: w.Get, Walk: w.Walk, Now: time.Now, After: time.After})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.WaitSeq(ctx, 0); !errors.Is(err, context.Canceled) {
		t.Errorf("a stage that does not run: got %v", err)
	}
	for range s.Since(ctx, 0) {
		t.Error("a stage that does not run has something to tell")
	}
}

func TestSinceCanStartInTheMiddleOfASet(t *testing.T) {
	w := newWorld(t, nil)
	w.up()
	w.create(acme["Drive"], "d1", map[string]resource.Value{"status": str("FAILED")})
	w.tell()
	for after, want := range map[uint64]int{0: 2, 1: 1} {
		for list, err := range w.stage.Since(t.Context(), after) {
			if err != nil || len(list) != want {
				t.Errorf("after %d: got %d alerts, %v; want %d", after, len(list), err, want)
			}
			break
		}
	}
	for _, err := range w.stage.Since(t.Context(), 77) {
		if !errors.Is(err, feed.ErrBehind) {
			t.Errorf("a position of another life: got %v", err)
		}
	}
}

func TestQueries(t *testing.T) {
	w := newWorld(t, nil)
	w.up()
	a := w.create(acme["Array"], "a", nil)
	f := w.create(acme["Fan"], "f", map[string]resource.Value{"speed": integer(500)}, a)
	d := w.create(acme["Drive"], "d", map[string]resource.Value{"status": str("FAILED")}, f)
	w.create(acme["Drive"], "fine", nil)
	fs := w.create(acme["Scratch"], "fs", nil, d)
	w.state(a, resource.RootState{Offline: true})
	w.tell()
	s := w.stage

	var got []string
	for _, al := range s.Inherited(fs) { // worst first, then nearest
		got = append(got, al.Severity.String()+" "+al.Class)
	}
	if want := []string{"error Drive", "warning Fan", "warning Array", "info Drive"}; !slices.Equal(got, want) {
		t.Errorf("inherited: got %q, want %q", got, want)
	}
	if n := s.ActiveCounts(); n != [4]int{0, 1, 2, 1} {
		t.Errorf("active: %v", n)
	}
	if n := s.HealthCounts(acme["Drive"]); n != [4]int{1, 0, 0, 1} {
		t.Errorf("drives: %v", n)
	}
	if n := s.HealthCounts(acme["Lun"]); n != [4]int{} {
		t.Errorf("no LUNs: %v", n)
	}
	al := s.Own(d)[0]
	if s.Get(al.ID) != al || s.Get(99) != nil {
		t.Error("get does not find what there is, or finds what there is not")
	}
	if _, systems := s.Affected(al); !slices.Equal(systems, []resource.ID{fs}) {
		t.Errorf("file systems: %v", systems)
	}
	w.remove(d)
	w.tell()
	if over := s.Get(al.ID); over == nil || over.Active() || over.Text != al.Text {
		t.Errorf("after the end: %+v", over)
	}
	if counts, systems := s.Affected(al); len(counts) != 0 || len(systems) != 0 {
		t.Errorf("a resource that is gone affects %v, %v", counts, systems)
	}
	if s.Health(d) != resource.OK || s.Own(d) != nil || s.Inherited(d) != nil {
		t.Error("a resource that is gone is sick")
	}
	no := false
	if p, err := s.List(resource.AlertQuery{Active: &no, Severities: []resource.Severity{resource.Error}}); err != nil || len(p.Items) != 1 {
		t.Errorf("history: %v, %v", p.Items, err)
	}
}

func TestAFileSystemsOwnAlertEndangersIt(t *testing.T) {
	w := newWorld(t, nil)
	w.up()
	c := &resource.Class{Plugin: "lustre", Name: "FS", Bases: []string{alert.FileSystem},
		Attributes: []resource.Attribute{{Name: "a"}}, Conditions: []resource.Condition{valueCondition("", "a", resource.Error, str("X"))}}
	c.Index()
	id := w.create(c, "fs", map[string]resource.Value{"a": str("X")})
	w.tell()
	if counts, fs := w.stage.Affected(w.stage.Own(id)[0]); len(counts) != 0 || !slices.Equal(fs, []resource.ID{id}) {
		t.Errorf("got %v, %v", counts, fs)
	}
}

// TestReadersRunBesideTheStage asks while the stage evaluates; the race
// detector watches.
func TestReadersRunBesideTheStage(t *testing.T) {
	w := newWorld(t, nil)
	w.up()
	var ds []resource.ID
	pool := w.create(acme["Pool"], "p", nil)
	for i := range 20 {
		ds = append(ds, w.create(acme["Drive"], fmt.Sprint("d", i), nil))
		w.link(ds[i], pool)
	}
	w.tell()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			w.stage.Health(pool)
			w.stage.HealthCounts(acme["Pool"])
			w.stage.Inherited(pool)
			for _, a := range w.stage.Own(ds[3]) {
				w.stage.Affected(a)
				w.stage.Get(a.ID)
			}
			w.stage.ActiveCounts()
		}
	}()
	for i := range 200 {
		w.set(ds[i%20], "status", str([]string{"OK", "NEAR", "FAILED"}[i%3]))
		w.sample(ds[i%20], "temperature", float64(i%100))
		w.tell()
	}
	cancel()
	<-done
}

// BenchmarkTenThousandAlerts raises 10,000 alerts by one change, on SQLite,
// with a new health of 10,000 resources.
func BenchmarkTenThousandAlerts(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		db, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "faultline.db"))
		if err != nil {
			b.Fatal(err)
		}
		w := newWorld(b, db)
		w.up()
		root := w.create(acme["Array"], "a", nil)
		var ids []resource.ID
		for i := range 10_000 {
			ids = append(ids, w.create(acme["Fan"], fmt.Sprint("f", i), nil))
		}
		w.tell()
		for _, id := range ids {
			r := *w.all[id]
			r.Values = []resource.Value{integer(500)}
			w.all[id] = &r
			w.pending.Updated = append(w.pending.Updated, resource.Update{Resource: &r, Attributes: []int{0}})
		}
		b.StartTimer()
		w.tell()
		if w.stage.Health(ids[0]) != resource.Warning || w.stage.Health(root) != resource.OK {
			b.Fatal("health")
		}
		b.StopTimer()
		w.stop()
		db.Close()
		b.StartTimer()
	}
}

// BenchmarkHealth has one sick array above 100,000 drives. "walk" asks after
// each change of an alert, "look" while nothing changes.
func BenchmarkHealth(b *testing.B) {
	w := newWorld(b, nil)
	w.up()
	root := w.create(acme["Array"], "a", nil)
	var children []resource.ID
	for i := range resource.ID(100_000) {
		r := &resource.Resource{ID: 2 + i, Class: acme["Drive"], Label: "d", Parents: []resource.ID{root}, Values: []resource.Value{resource.Null}}
		w.all[r.ID] = r
		children = append(children, r.ID)
	}
	w.all[root].Children = children
	b.Run("walk", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			b.StopTimer()
			w.state(root, resource.RootState{Offline: true})
			w.tell()
			w.state(root, resource.RootState{})
			w.tell()
			w.state(root, resource.RootState{Offline: true})
			w.tell()
			b.StartTimer()
			if w.stage.Health(children[0]) != resource.Warning {
				b.Fatal("health")
			}
		}
	})
	b.Run("look", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			w.stage.Health(children[i%len(children)])
		}
	})
}
