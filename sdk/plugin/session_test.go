package plugin_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/faultline-storage/faultline/sdk/plugin"
	"github.com/faultline-storage/faultline/sdk/plugintest"
	"github.com/faultline-storage/faultline/sdk/wire"
)

// fake is a plugin whose hooks are given by a test.
type fake struct {
	initial, update func(s *plugin.Session) error
	teardown        func() error
}

func (f *fake) InitialScan(_ context.Context, s *plugin.Session, _ *Array) error {
	if f.initial == nil {
		return nil
	}
	return f.initial(s)
}

func (f *fake) UpdateScan(_ context.Context, s *plugin.Session, _ *Array) error {
	if f.update == nil {
		return nil
	}
	return f.update(s)
}

func (f *fake) Teardown() error {
	if f.teardown == nil {
		return nil
	}
	return f.teardown()
}

// scan starts a plugin that reports the classes of the scripted plugin.
func scan(t *testing.T, f *fake) *plugintest.Harness {
	t.Helper()
	return plugintest.Start(t, func() *fake { return f }, &Array{Address: "a", Port: 1},
		plugin.Reports[Shelf](), plugin.Reports[Drive](), plugin.Reports[Pool](), plugin.Reports[Lun](), plugin.Reports[Vm]())
}

// fails checks that a turn failed with the code, and names what it should.
func fails(t *testing.T, err error, code int, words ...string) {
	t.Helper()
	var e *plugintest.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want an error with code %d", err, code)
	}
	if e.Code != code {
		t.Errorf("code %d, want %d: %s", e.Code, code, e.Message)
	}
	for _, w := range words {
		if !strings.Contains(e.Message, w) {
			t.Errorf("the error does not say %q: %s", w, e.Message)
		}
	}
}

func shelfDrive(s *plugin.Session, slot int) (*Shelf, *Drive) {
	shelf := plugin.Report(s, &Shelf{Number: 1})
	return shelf, plugin.Report(s, &Drive{Shelf: shelf, Slot: slot, Status: OK}, shelf)
}

func TestBadReports(t *testing.T) {
	type stranger struct{ plugin.Fan }
	unreported := &Shelf{Number: 9}
	tests := []struct {
		name  string
		scan  func(s *plugin.Session)
		code  int
		words []string
	}{
		{"nil", func(s *plugin.Session) { plugin.Report(s, (*Shelf)(nil)) }, wire.CodeScanFailed, []string{"nil"}},
		{"undeclared", func(s *plugin.Session) { plugin.Report(s, &stranger{}) }, wire.CodeScanFailed, []string{"stranger", "Reports"}},
		{"nil parent", func(s *plugin.Session) { plugin.Report(s, &Shelf{Number: 1}, nil) }, wire.CodeInvalidValue, []string{"Shelf 1", "parent", "nil"}},
		{"own parent", func(s *plugin.Session) { x := plugin.Report(s, &Shelf{Number: 1}); x.AddParent(x) }, wire.CodeInvalidValue, []string{"own parent"}},
		{"lost parent", func(s *plugin.Session) { plugin.Report(s, &Shelf{Number: 1}, unreported) }, wire.CodeInvalidValue, []string{"Shelf 1", "not reported"}},
		{"removed parent", func(s *plugin.Session) {
			x := plugin.Report(s, &Shelf{Number: 1})
			plugin.Remove(x)
			plugin.Report(s, &Shelf{Number: 2}, x)
		}, wire.CodeInvalidValue, []string{"Shelf 2", "removed", "Shelf 1"}},
		{"identity by lost reference", func(s *plugin.Session) { plugin.Report(s, &Drive{Shelf: unreported, Status: OK}) }, wire.CodeInvalidValue, []string{"Drive", "shelf", "not reported yet"}},
		{"identity without value", func(s *plugin.Session) { plugin.Report(s, &Drive{Status: OK}) }, wire.CodeInvalidValue, []string{"Drive", "shelf", "no value"}},
		{"lost reference", func(s *plugin.Session) {
			plugin.Report(s, &Lun{WWID: "b44f7d8ea40d4b96b2412ab462b4c1c1", Pool: &Pool{Name: "p"}})
		}, wire.CodeInvalidValue, []string{"Lun", "pool", "not reported"}},
		{"changed identity", func(s *plugin.Session) { plugin.Report(s, &Shelf{Number: 1}).Number = 2 }, wire.CodeInvalidValue, []string{"Shelf", "number", "identi"}},
		{"enum", func(s *plugin.Session) { _, d := shelfDrive(s, 3); d.Status = "MELTED" }, wire.CodeInvalidValue, []string{"Drive", "3", "status", "MELTED", "NEARFAILURE"}},
		{"minimum", func(s *plugin.Session) { shelfDrive(s, -1) }, wire.CodeInvalidValue, []string{"slot", "-1", "less than 0"}},
		{"maximum", func(s *plugin.Session) { _, d := shelfDrive(s, 1); d.Wear = new(1.5) }, wire.CodeInvalidValue, []string{"wear", "1.5", "more than 1"}},
		{"not a number", func(s *plugin.Session) { _, d := shelfDrive(s, 1); d.Wear = new(math.NaN()) }, wire.CodeInvalidValue, []string{"wear", "finite"}},
		{"uuid", func(s *plugin.Session) { _, d := shelfDrive(s, 1); d.WWN = "5000c500" }, wire.CodeInvalidValue, []string{"wwn", "8 hexadecimal"}},
		{"length", func(s *plugin.Session) { plugin.Report(s, &Pool{Name: "a name that is too long"}) }, wire.CodeInvalidValue, []string{"Pool", "23", "16"}},
		{"hostname", func(s *plugin.Session) { plugin.Report(s, &Vm{Array: s.Root()}).Address = "not_a_host" }, wire.CodeInvalidValue, []string{"address", "not_a_host"}},
		{"mandatory hostname", func(s *plugin.Session) { plugin.Report(s, &Vm{Array: s.Root()}) }, wire.CodeInvalidValue, []string{"Vm", "address", "no value"}},
		{"gauge", func(s *plugin.Session) { _, d := shelfDrive(s, 1); d.Temperature.Set(math.Inf(1)) }, wire.CodeInvalidValue, []string{"temperature", "finite"}},
		{"histogram", func(s *plugin.Session) { _, d := shelfDrive(s, 1); d.Latency.Set([]int64{1}) }, wire.CodeInvalidValue, []string{"latency", "1 counts for 4 bins"}},
		{"text too long", func(s *plugin.Session) {
			_, d := shelfDrive(s, 1)
			plugin.Report(s, &Lun{WWID: "b44f7d8ea40d4b96b2412ab462b4c1c1", Pool: plugin.Report(s, &Pool{Name: "p"}, d), Name: strings.Repeat("x", 3<<20)})
		}, wire.CodeInvalidValue, []string{"Lun", "name", "bytes"}},
		{"root", func(s *plugin.Session) { plugin.Remove(s.Root()) }, wire.CodeScanFailed, []string{"root"}},
		{"panic", func(s *plugin.Session) { panic("boo") }, wire.CodeScanFailed, []string{"boo"}},
		{"nil map", func(s *plugin.Session) { nilMap()["x"] = 1 }, wire.CodeScanFailed, []string{"nil map"}},
		{"Goexit", func(s *plugin.Session) { runtime.Goexit() }, wire.CodeScanFailed, []string{"goroutine"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			torn := 0
			f := &fake{teardown: func() error { torn++; return nil }}
			f.initial = func(s *plugin.Session) error { test.scan(s); return nil }
			h := scan(t, f)
			fails(t, h.TryInitialScan(), test.code, test.words...)
			f.initial = func(s *plugin.Session) error { shelfDrive(s, 1); return nil }
			h.Reopen()
			if torn != 1 {
				t.Errorf("Teardown was called %d times", torn)
			}
			h.InitialScan() // the process lives and works
			h.Want("Drive", 1)
			f.update = func(s *plugin.Session) error {
				shelf, _ := plugin.Find(s, &Shelf{Number: 1})
				plugin.Report(s, &Drive{Shelf: shelf, Slot: 7, Status: OK})
				test.scan(s)
				return nil
			}
			fails(t, h.TryUpdateScan(), test.code, test.words...)
			if test.name != "Goexit" {
				h.Want("Drive", plugintest.Attrs{"slot": 7}) // the good is kept
			}
		})
	}
}

func nilMap() map[string]int { return nil }

func TestSessionErr(t *testing.T) {
	var before, after error
	h := scan(t, &fake{initial: func(s *plugin.Session) error {
		before = s.Err()
		plugin.Report(s, (*Shelf)(nil))
		after = s.Err()
		return nil
	}})
	if h.TryInitialScan() == nil || before != nil || after == nil {
		t.Errorf("Err was %v, then %v", before, after)
	}
}

func TestReportAgain(t *testing.T) {
	var first *Drive
	h := scan(t, &fake{
		initial: func(s *plugin.Session) error {
			_, first = shelfDrive(s, 1)
			if !first.Created() {
				t.Error("Created is false on the first report")
			}
			first.RPM = new(7200)
			first.Temperature.Set(20)
			return nil
		},
		update: func(s *plugin.Session) error {
			shelf := &Shelf{Number: 1}
			plugin.Report(s, shelf) // becomes a stand-in for the first one
			again := &Drive{Shelf: shelf, Slot: 1, Status: Failed}
			again.Temperature.Set(21) // before the report
			d := plugin.Report(s, again)
			if d != first || d.Created() {
				t.Error("the second report is not the canonical resource, or says it was created")
			}
			d.Temperature.Set(22)
			return nil
		},
	})
	h.InitialScan()
	h.Clock.Advance(time.Second)
	h.UpdateScan()
	d := h.Get("Drive", plugintest.Attrs{"slot": 1, "status": "FAILED", "rpm": nil})
	h.WantParents(d, h.Get("Shelf", nil)) // kept
	var got []string
	for _, smp := range h.Samples(d, "temperature") {
		got = append(got, fmt.Sprintf("%s@%d", smp.Value, smp.Time-h.Clock.Now().UnixMilli()))
	}
	if fmt.Sprint(got) != "[20@-1000 21@0 22@0]" {
		t.Errorf("samples %v", got)
	}
}

func TestForwardReferences(t *testing.T) {
	h := scan(t, &fake{initial: func(s *plugin.Session) error {
		pool := &Pool{Name: "p"}
		shelf := &Shelf{Number: 1}
		pool.AddParent(shelf)
		lun := plugin.Report(s, &Lun{WWID: "b44f7d8ea40d4b96b2412ab462b4c1c1", Pool: pool}, pool)
		if lun.Name != "" {
			t.Error("the default came before the end of the turn")
		}
		plugin.Report(s, pool)
		plugin.Report(s, &Shelf{Number: 1})
		plugin.Report(s, shelf) // not the canonical one, but an alias of it
		return nil
	}})
	h.InitialScan()
	pool := h.Get("Pool", nil)
	lun := h.Get("Lun", plugintest.Attrs{"pool": pool, "name": "unnamed"})
	h.WantParents(lun, pool)
	h.WantParents(pool, h.Get("Shelf", nil))
}

func TestRemoveAndReport(t *testing.T) {
	f := &fake{initial: func(s *plugin.Session) error { shelfDrive(s, 1); shelfDrive(s, 2); return nil }}
	h := scan(t, f)
	h.InitialScan()
	f.update = func(s *plugin.Session) error {
		for d := range plugin.All[Drive](s) { // removing in the loop is allowed
			plugin.Remove(d)
			plugin.Remove(d)
		}
		if n := len(collect(plugin.All[Drive](s))); n != 0 {
			t.Errorf("All finds %d removed drives", n)
		}
		shelf, ok := plugin.Find(s, &Shelf{Number: 1})
		if !ok {
			t.Error("Find misses the shelf")
		}
		if _, ok := plugin.Find(s, &Drive{Shelf: shelf, Slot: 1}); ok {
			t.Error("Find finds a removed drive")
		}
		return nil
	}
	h.UpdateScan()
	h.Want("Drive", 0)
	h.Want("Shelf", 1)
	f.update = func(s *plugin.Session) error {
		shelf, d := shelfDrive(s, 3)
		plugin.Remove(shelf)
		plugin.Report(s, shelf) // the same pointer: d refers to the new one at once
		d.Capacity = 5
		return nil
	}
	h.UpdateScan()
	shelf := h.Get("Shelf", nil)
	h.Want("Drive", plugintest.Attrs{"shelf": shelf, "capacity": 5})
	f.update = func(s *plugin.Session) error {
		plugin.Remove(&Shelf{Number: 1}) // never reported: nothing happens
		return nil
	}
	h.UpdateScan()
	h.Want("Shelf", 1)
}

func collect[T any](seq func(func(*T) bool)) (list []*T) {
	seq(func(v *T) bool { list = append(list, v); return true })
	return list
}

func TestPost(t *testing.T) {
	var s *plugin.Session
	var d *Drive
	f := &fake{}
	f.initial = func(ses *plugin.Session) error {
		s = ses
		_, d = shelfDrive(ses, 1)
		s.Post(func() { d.Capacity++ }) // runs after this turn
		return nil
	}
	h := scan(t, f)
	h.InitialScan()
	h.Await("Drive", plugintest.Attrs{"capacity": 1})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				s.Post(func() { d.Capacity++ })
				d.Read.Set(1)
				plugin.PostTo(d, func(d *Drive) { d.Slot = 1; d.Capacity++ })
			}
		})
	}
	wg.Wait()
	drive := h.Await("Drive", plugintest.Attrs{"capacity": 1601})
	h.UpdateScan() // all samples are out after it
	if n := len(h.Samples(drive, "read")); n != 800 {
		t.Errorf("%d samples, want 800", n)
	}

	s.Post(func() { panic("in a post") })
	f.update = func(*plugin.Session) error { t.Error("a hook ran after a failed post"); return nil }
	fails(t, h.TryUpdateScan(), wire.CodeScanFailed, "in a post")

	f.update = nil
	h.Reopen()
	h.InitialScan()
	h.Await("Drive", plugintest.Attrs{"capacity": 1})
	plugin.Report(s, &Shelf{Number: 5}) // outside of a turn
	fails(t, h.TryUpdateScan(), wire.CodeScanFailed, "Report", "outside of a turn", "Post")

	h.Reopen()
	h.InitialScan()
	old := s
	h.Reopen()
	old.Post(func() { t.Error("a function ran after teardown") })
	d.Temperature.Set(1)
	if old.Context().Err() == nil {
		t.Error("the context outlives the session")
	}
}

func TestBadPost(t *testing.T) {
	var s *plugin.Session
	var a, b *Drive
	h := scan(t, &fake{initial: func(ses *plugin.Session) error {
		s = ses
		_, a = shelfDrive(ses, 1)
		_, b = shelfDrive(ses, 2)
		return nil
	}})
	h.InitialScan()
	s.Post(func() { a.Status, b.Status = "MELTED", Failed })
	h.Await("Drive", plugintest.Attrs{"slot": 2, "status": "FAILED"})
	h.Want("Drive", plugintest.Attrs{"slot": 1, "status": "OK"})
	fails(t, h.TryUpdateScan(), wire.CodeInvalidValue, "MELTED")
}

// TestParts reports more than fits one batch.
func TestParts(t *testing.T) {
	const n = 12_000
	h := scan(t, &fake{
		initial: func(s *plugin.Session) error {
			shelf := plugin.Report(s, &Shelf{Number: 1})
			var disks []plugin.Any
			for i := range n {
				d := plugin.Report(s, &Drive{Shelf: shelf, Slot: i, Status: OK}, shelf)
				d.Temperature.Set(float64(i))
				disks = append(disks, d)
			}
			plugin.Report(s, &Pool{Name: "all"}, append(disks, disks...)...)
			return nil
		},
		update: func(s *plugin.Session) error {
			p, _ := plugin.Find(s, &Pool{Name: "all"})
			for d := range plugin.All[Drive](s) {
				if d.Slot%2 == 0 && d.Slot < 100 {
					p.RemoveParent(d)
				}
			}
			return nil
		},
	})
	h.InitialScan()
	h.Want("Drive", n)
	p := h.Get("Pool", nil)
	if len(p.Parents) != n {
		t.Errorf("the pool has %d parents", len(p.Parents))
	}
	h.UpdateScan()
	if p := h.Get("Pool", nil); len(p.Parents) != n-50 {
		t.Errorf("the pool has %d parents after the update", len(p.Parents))
	}
}
