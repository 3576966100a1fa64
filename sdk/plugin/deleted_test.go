package plugin

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/faultline-storage/faultline/sdk/internal/stdio"
	"github.com/faultline-storage/faultline/sdk/wire"
)

type lostShelf struct {
	Enclosure
	Number int `attr:",scopedid"`
}

type lostDrive struct {
	PhysicalDisk
	Shelf *lostShelf `attr:",scopedid"`
	Slot  int        `attr:",scopedid"`
	Size  int
	Spare *lostDrive `attr:",optional"`
	Temp  Gauge      `unit:"C"`
}

type lostPlugin struct{}

func (*lostPlugin) InitialScan(context.Context, *Session, *benchArray) error { return nil }

// lostSession returns a session with two shelves (1, 2) and a drive on each (3,
// 4), of which the second is a spare of the first, and what the next turns send.
func lostSession(t *testing.T) (s *Session, shelves []*lostShelf, drives []*lostDrive, turn func(func()) string) {
	t.Helper()
	p := New("lost", 1, Scans(func() *lostPlugin { return &lostPlugin{} }), Reports[lostShelf](), Reports[lostDrive]())
	if _, problems := p.Manifest(); len(problems) > 0 {
		t.Fatal(problems)
	}
	var out bytes.Buffer
	srv := &server{p: p, conn: stdio.NewConn(nil, &out, func() {}), sessions: map[string]*Session{}}
	srv.conn.SetReady()
	s, err := srv.newSession(wire.OpenParams{Session: "s1", Class: "benchArray", Attributes: map[string]json.RawMessage{"address": json.RawMessage(`"a"`)}})
	if err != nil {
		t.Fatal(err)
	}
	s.state = stateReady
	turn = func(f func()) string {
		t.Helper()
		out.Reset()
		s.benchTurn(t, f)
		var ops []string
		for line := range strings.Lines(out.String()) {
			var msg struct{ Params wire.Batch }
			if err := json.Unmarshal([]byte(line), &msg); err != nil {
				t.Fatal(err)
			}
			for _, op := range msg.Params.Ops {
				ops = append(ops, fmt.Sprint(op.Op, op.Handle, string(op.Attributes), op.Parents, op.Add, op.Remove))
			}
			for _, smp := range msg.Params.Samples {
				ops = append(ops, fmt.Sprint("sample", smp.Handle))
			}
		}
		return strings.Join(ops, "\n")
	}
	turn(func() {
		for i := range 2 {
			shelves = append(shelves, Report(s, &lostShelf{Number: i + 1}))
		}
		for i, shelf := range shelves {
			drives = append(drives, Report(s, &lostDrive{Shelf: shelf, Slot: i + 1}, shelf))
		}
		drives[1].Spare = drives[0]
	})
	return s, shelves, drives, turn
}

func TestWhatIsDeletedInATurnIsReportedAgainWithItsChanges(t *testing.T) {
	s, shelves, drives, turn := lostSession(t)
	got := turn(func() {
		drives[0].Size = 7
		s.deleted([]int64{3, 1, 0, 99})
		drives[1].Size = 9
		drives[1].AddParent(shelves[0])
		drives[0].Temp.Set(30)
	})
	want := []string{
		`set4{"size":9,"spare":{"$ref":6}}[] [] []`, `link4[] [5] []`,
		`put5{"number":1}[] [] []`, `put6{"shelf":{"$ref":5},"slot":1,"size":7}[5] [] []`, `sample6`,
	}
	if got := strings.Split(got, "\n"); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if got := turn(func() {}); got != "" {
		t.Errorf("then %s", got)
	}
}

func TestWhatIsDeletedAndRemovedInATurnStaysAway(t *testing.T) {
	s, _, drives, turn := lostSession(t)
	got := turn(func() {
		s.deleted([]int64{3})
		Remove(drives[0])
	})
	if want := `set4{"spare":null}[] [] []` + "\n" + `remove3[] [] []`; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := turn(func() { s.deleted([]int64{3}) }); got != "" {
		t.Errorf("then %s", got)
	}
}

func TestAReferenceThatChangedGoesItsOwnWay(t *testing.T) {
	s, shelves, drives, turn := lostSession(t)
	got := turn(func() {
		third := Report(s, &lostDrive{Shelf: shelves[1], Slot: 3})
		s.deleted([]int64{3})
		drives[1].Spare = third
	})
	if !strings.Contains(got, `set4{"spare":{"$ref":5}}`) || !strings.Contains(got, "put6") {
		t.Errorf("got\n%s", got)
	}
}
