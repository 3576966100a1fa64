package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/faultline-storage/faultline/internal/resource"
)

var inventoryRules = []rule{
	{"AnEmptyStoreStartsAtOne", emptyStore},
	{"LoadReturnsWhatWasCommitted", roundTrip},
	{"AChangedResourceReplacesItsRow", changedResource},
	{"WhoWroteEachAttributeIsKept", writers},
	{"TheStateOfARootIsKept", rootState},
	{"DeleteTakesTheEdgesAlong", deleteTakesEdges},
	{"EdgesAreAddedReplacedAndRemoved", edges},
	{"AnIdentityIsUniqueInItsSpace", identitySpace},
	{"AnIdentityIsFreeWhenItsHolderGoesInTheSameMutation", identityReuse},
	{"ACreatedResourceMustBeNew", createdIsNew},
	{"ARefusedMutationLeavesNothing", nothingOfARefused},
	{"SeqMustGrow", seqGrows},
	{"IDsAreNotReused", idsGrow},
	{"AnEndedContextCommitsNothing", endedContext},
	{"ACallbackErrorEndsLoad", callbackError},
	{"LargeMutationsAreCommittedWhole", largeMutation},
	{"WhatBeginsEarlyIsCommittedWholeOrNotAtAll", early},
	{"AnyTextSurvives", anyText},
	{"LoadSeesOneCommit", loadSeesOneCommit},
}

func emptyStore(t *testing.T, s Store) { wantState(t, s, State{Next: 1}) }

func roundTrip(t *testing.T, s Store) {
	root, d := newRoot(1, "a.example"), newDrive(2, 1, "S1")
	d.Values[2], d.Values[4], d.Values[5] = resource.FloatValue(0.1), resource.StringValue("<ü>"), resource.RefValue(1)
	d.Alias, d.Updated = "left drive", epoch.Add(time.Hour)
	g := with(newDevice(3, 1, "S1"), func(r *resource.Resource) { r.Reporters = []resource.ID{1, 7} })
	m := creation(5, root, d, g)
	m.AddEdges = []resource.StoredEdge{edge(1, 2, 1), edge(2, 3)}
	commit(t, s, m)
	wantState(t, s, State{Seq: 5, Next: 4, Resources: stored(root, d, g), Edges: m.AddEdges})

	got := string(read(t, s).Resources[1].Attributes)
	want := `{"serial":"S1","size":1099511627776,"load":0.1,"spare":true,"odd \"name\"":"\u003cü\u003e","pool":{"$ref":1}}`
	if got != want {
		t.Errorf("attributes: got %s, want %s", got, want)
	}
}

func changedResource(t *testing.T, s Store) {
	root, d, g := newRoot(1, "a"), newDrive(2, 1, "S1"), newDevice(3, 1, "S1")
	commit(t, s, creation(1, root, d, g))
	d2 := with(d, func(r *resource.Resource) {
		r.Label, r.OwnLabel, r.Alias = "new", false, "alias"
		r.Values[1] = resource.Null
		r.Updated = epoch.Add(time.Minute)
	})
	g2 := with(g, func(r *resource.Resource) { r.Scope, r.Reporters = 9, []resource.ID{9, 12} })
	commit(t, s, change(2, d2, g2))
	wantState(t, s, State{Seq: 2, Next: 4, Resources: stored(root, d2, g2)})
}

func writers(t *testing.T, s Store) {
	root, d := newRoot(1, "a"), newDrive(2, 1, "S1")
	shared := with(newDevice(3, 1, "S1"), func(r *resource.Resource) {
		r.Reporters, r.WrittenBy = []resource.ID{1, 7}, []resource.ID{7}
	})
	commit(t, s, creation(1, root, d, shared))
	wantState(t, s, State{Seq: 1, Next: 4, Resources: stored(root, d, shared)})

	d2 := with(d, func(r *resource.Resource) {
		r.Reporters, r.WrittenBy = []resource.ID{1, 7}, []resource.ID{1, 7, 0, 1, 0, 0}
	})
	alone := with(shared, func(r *resource.Resource) { r.Reporters, r.WrittenBy = []resource.ID{1}, nil })
	commit(t, s, change(2, d2, alone))
	want := stored(root, d2, alone)
	wantState(t, s, State{Seq: 2, Next: 4, Resources: want})
	if got := string(want[1].WrittenBy); got != `{"serial":1,"size":7,"spare":1}` {
		t.Errorf("row: got %s", got)
	}
}

func rootState(t *testing.T, s Store) {
	root := newRoot(1, "a")
	commit(t, s, creation(1, root))
	bad := with(root, func(r *resource.Resource) {
		r.Root = &resource.RootState{Offline: true, Error: "no route", LastContact: epoch.Add(-time.Hour),
			Held: &resource.HeldRemoval{Resources: []resource.ID{7, 9}, Lacking: 3, Of: 4, Since: epoch}}
	})
	commit(t, s, change(2, bad))
	wantState(t, s, State{Seq: 2, Next: 2, Resources: stored(bad)})
	good := with(bad, func(r *resource.Resource) { r.Root = &resource.RootState{LastContact: epoch} })
	commit(t, s, change(3, good))
	wantState(t, s, State{Seq: 3, Next: 2, Resources: stored(good)})
	commit(t, s, &resource.Mutation{Seq: 4, Time: epoch, Delete: []resource.ID{1}})
	wantState(t, s, State{Seq: 4, Next: 2})
}

func deleteTakesEdges(t *testing.T, s Store) {
	root, a, b, c := newRoot(1, "a"), newDrive(2, 1, "A"), newDrive(3, 1, "B"), newDrive(4, 1, "C")
	m := creation(1, root, a, b, c)
	m.AddEdges = []resource.StoredEdge{edge(1, 2, 1), edge(2, 3, 1), edge(3, 4, 1), edge(2, 4, 1)}
	commit(t, s, m, &resource.Mutation{Seq: 2, Time: epoch, Delete: []resource.ID{3}})
	wantState(t, s, State{Seq: 2, Next: 5, Resources: stored(root, a, c), Edges: []resource.StoredEdge{edge(1, 2, 1), edge(2, 4, 1)}})
	// What is not there is not an error: the inventory may know it from a log.
	commit(t, s, &resource.Mutation{Seq: 3, Time: epoch, Delete: []resource.ID{3, 99}})
}

func edges(t *testing.T, s Store) {
	rs := []*resource.Resource{newRoot(1, "a"), newDrive(2, 1, "A"), newDrive(3, 1, "B")}
	m := creation(1, rs...)
	m.AddEdges = []resource.StoredEdge{edge(1, 2, 1), edge(1, 3, 1), edge(2, 3, 1, 5)}
	m2 := &resource.Mutation{Seq: 2, Time: epoch,
		RemoveEdges: []resource.Edge{{Parent: 1, Child: 3}, {Parent: 8, Child: 9}},
		AddEdges:    []resource.StoredEdge{edge(1, 2, 1, 2, 3), edge(2, 3)}}
	commit(t, s, m, m2)
	wantState(t, s, State{Seq: 2, Next: 4, Resources: stored(rs...), Edges: []resource.StoredEdge{edge(1, 2, 1, 2, 3), edge(2, 3)}})
}

func identitySpace(t *testing.T, s Store) {
	// A scoped class: one identity may exist once in every scope.
	commit(t, s, creation(1, newRoot(1, "a"), newRoot(2, "b"), newDrive(3, 1, "S"), newDrive(4, 2, "S"), newDevice(5, 1, "S")))
	for i, r := range []*resource.Resource{newDrive(6, 1, "S"), newDevice(6, 2, "S"), newRoot(6, "a")} {
		if err := s.Commit(t.Context(), creation(2, r)); err == nil {
			t.Errorf("case %d: a second %s %s was committed", i, r.Class.FullName(), r.Identity)
		}
	}
}

func identityReuse(t *testing.T, s Store) {
	root := newRoot(1, "a")
	commit(t, s, creation(1, root, newDrive(2, 1, "S")))
	m := creation(2, newDrive(3, 1, "S"))
	m.Delete = []resource.ID{2}
	commit(t, s, m)
	wantState(t, s, State{Seq: 2, Next: 4, Resources: stored(root, newDrive(3, 1, "S"))})
}

func createdIsNew(t *testing.T, s Store) {
	commit(t, s, creation(1, newRoot(1, "a")))
	if err := s.Commit(t.Context(), creation(2, newRoot(1, "a"))); err == nil {
		t.Error("a resource was created twice")
	}
	m := creation(2, newRoot(2, "b"))
	m.Created = 2
	if err := s.Commit(t.Context(), m); err == nil {
		t.Error("two of one resource were new")
	}
}

func nothingOfARefused(t *testing.T, s Store) {
	root, a := newRoot(1, "a"), newDrive(2, 1, "A")
	m := creation(1, root, a)
	m.AddEdges = []resource.StoredEdge{edge(1, 2, 1)}
	commit(t, s, m)
	before := read(t, s)

	bad := creation(2, newDevice(3, 1, "B"), newDrive(4, 1, "C"), newDrive(4, 1, "C"))
	bad.Delete = []resource.ID{2}
	bad.AddEdges = []resource.StoredEdge{edge(1, 3, 1)}
	if err := s.Commit(t.Context(), bad); err == nil {
		t.Fatal("a mutation that creates a resource twice was committed")
	}
	wantState(t, s, before)
	if log, err := s.Log(t.Context(), 0, 10); err != nil || len(log) != 1 {
		t.Errorf("log: got %v, %v; want one entry", log, err)
	}
	// The same number and the class that only the refused one had are usable.
	commit(t, s, creation(2, newDevice(3, 1, "B")))
	if got := read(t, s).Resources[2]; got.Plugin != "linux" || got.Class != "Device" {
		t.Errorf("class: got %s.%s", got.Plugin, got.Class)
	}
}

func seqGrows(t *testing.T, s Store) {
	commit(t, s, creation(3, newRoot(1, "a")), creation(7, newRoot(2, "b")))
	for _, seq := range []uint64{1, 3, 7} {
		if err := s.Commit(t.Context(), creation(seq, newRoot(3, "c"))); resource.KindOf(err) != resource.Conflict {
			t.Errorf("seq %d after 7: got error %v, want a conflict", seq, err)
		}
	}
	if st := read(t, s); st.Seq != 7 || len(st.Resources) != 2 {
		t.Errorf("got seq %d and %d resources", st.Seq, len(st.Resources))
	}
}

func idsGrow(t *testing.T, s Store) {
	commit(t, s, creation(1, newRoot(1, "a"), newDrive(9, 1, "A")), &resource.Mutation{Seq: 2, Time: epoch, Delete: []resource.ID{9}})
	if st := read(t, s); st.Next != 10 {
		t.Errorf("next ID: got %d, want 10", st.Next)
	}
}

func endedContext(t *testing.T, s Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Commit(ctx, creation(1, newRoot(1, "a"))); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if err := s.CommitAlerts(ctx, &resource.AlertMutation{Put: []*resource.Alert{newAlert(1, 1)}}); !errors.Is(err, context.Canceled) {
		t.Errorf("alerts: got %v", err)
	}
	wantState(t, s, State{Next: 1})
	commit(t, s, creation(1, newRoot(1, "a")))
}

func callbackError(t *testing.T, s Store) {
	m := creation(1, newRoot(1, "a"), newDrive(2, 1, "A"))
	m.AddEdges = []resource.StoredEdge{edge(1, 2, 1)}
	commit(t, s, m)
	stop := errors.New("stop")
	calls := 0
	_, _, err := s.Load(t.Context(), func(resource.StoredResource) error { calls++; return stop }, func(resource.StoredEdge) error { return nil })
	if !errors.Is(err, stop) || calls != 1 {
		t.Errorf("resource: got %v after %d calls", err, calls)
	}
	_, _, err = s.Load(t.Context(), func(resource.StoredResource) error { return nil }, func(resource.StoredEdge) error { return stop })
	if !errors.Is(err, stop) {
		t.Errorf("edge: got %v", err)
	}
}

// earlyStore is a store that can begin before a mutation is known whole.
type earlyStore interface {
	CommitEarly(ctx context.Context, created []*resource.Resource, rest func() (*resource.Mutation, error)) error
}

func early(t *testing.T, s Store) {
	e, ok := s.(earlyStore)
	if !ok {
		t.Skip("this engine waits for the whole mutation; that rule does not apply to it")
	}
	root := newRoot(1, "a")
	commit(t, s, creation(1, root))
	m := creation(2)
	for id := range resource.ID(345) {
		m.Put = append(m.Put, newDrive(id+2, 1, fmt.Sprint(id)))
		m.AddEdges = append(m.AddEdges, edge(1, id+2, 1))
	}
	m.Created = len(m.Put)
	before := read(t, s)
	begin := func(rest func() (*resource.Mutation, error)) error {
		return e.CommitEarly(t.Context(), slices.Clone(m.Put[:300]), rest)
	}

	wrong := errors.New("wrong")
	if err := begin(func() (*resource.Mutation, error) { return nil, wrong }); !errors.Is(err, wrong) {
		t.Errorf("a failed rest: got %v", err)
	}
	wantState(t, s, before)
	if err := begin(func() (*resource.Mutation, error) { return nil, nil }); err != nil {
		t.Errorf("no rest: got %v", err)
	}
	wantState(t, s, before)
	late := *m
	late.Seq = 1
	if err := begin(func() (*resource.Mutation, error) { return &late, nil }); resource.KindOf(err) != resource.Conflict {
		t.Errorf("a mutation that is too late: got %v", err)
	}
	wantState(t, s, before)
	over, cancel := context.WithCancel(t.Context())
	cancel()
	called := false
	err := e.CommitEarly(over, m.Put, func() (*resource.Mutation, error) { called = true; return m, nil })
	if !errors.Is(err, context.Canceled) || !called {
		t.Errorf("an ended context: got %v, rest called: %v", err, called)
	}
	wantState(t, s, before)

	root2 := with(root, func(r *resource.Resource) { r.Alias = "changed beside" })
	m.Put = append(m.Put, root2)
	if err := begin(func() (*resource.Mutation, error) { return m, nil }); err != nil {
		t.Fatal(err)
	}
	wantState(t, s, State{Seq: 2, Next: 347, Resources: append(stored(root2), stored(m.Put[:m.Created]...)...), Edges: m.AddEdges})
}

// sizes lie around those of a bulk statement.
var sizes = []int{1, 9, 10, 11, 99, 100, 101, 210, 345}

func largeMutation(t *testing.T, s Store) {
	root := newRoot(1, "a")
	commit(t, s, creation(1, root))
	id, seq := resource.ID(2), uint64(2)
	for _, n := range sizes {
		m := creation(seq)
		for i := range n {
			m.Put = append(m.Put, newDrive(id, 1, fmt.Sprintf("%d-%d", n, i)))
			m.AddEdges = append(m.AddEdges, edge(1, id, 1))
			id++
		}
		m.Created = n
		commit(t, s, m)
		want := State{Seq: seq, Next: id, Resources: append(stored(root), stored(m.Put...)...), Edges: m.AddEdges}
		wantState(t, s, want)

		upd := change(seq+1, slices.Clone(m.Put)...)
		for i := range upd.Put {
			upd.Put[i] = with(upd.Put[i], func(r *resource.Resource) { r.Values[1] = resource.IntValue(int64(i)) })
			if i%2 == 0 {
				upd.RemoveEdges = append(upd.RemoveEdges, m.AddEdges[i].Edge)
			}
		}
		commit(t, s, upd)
		want.Seq, want.Edges = seq+1, slices.DeleteFunc(slices.Clone(m.AddEdges), func(e resource.StoredEdge) bool {
			return slices.Contains(upd.RemoveEdges, e.Edge)
		})
		want.Resources = append(stored(root), stored(upd.Put...)...)
		wantState(t, s, want)

		del := &resource.Mutation{Seq: seq + 2, Time: epoch}
		for _, r := range m.Put {
			del.Delete = append(del.Delete, r.ID)
		}
		commit(t, s, del)
		wantState(t, s, State{Seq: seq + 2, Next: id, Resources: stored(root)})
		seq += 3
	}
}

func anyText(t *testing.T, s Store) {
	texts := []string{"", " ", "a\x00b", "\n\r\t", `"\'`, "🜚 ü \u2028", "\x7f", "{}", "NULL", string(make([]byte, 70_000))}
	var rs []*resource.Resource
	for i, x := range texts {
		d := newDrive(resource.ID(i+1), 1, x)
		d.Label, d.Alias = x, x
		d.Identity = string(resource.AppendJSONString([]byte{'['}, x)) + "]"
		rs = append(rs, d)
	}
	commit(t, s, creation(1, rs...))
	wantState(t, s, State{Seq: 1, Next: resource.ID(len(rs) + 1), Resources: stored(rs...)})
}

// loadSeesOneCommit reads while another goroutine commits pairs of resources:
// half a pair is never seen.
func loadSeesOneCommit(t *testing.T, s Store) {
	const pairs = 60
	done := make(chan error, 1)
	go func() {
		for i := range resource.ID(pairs) {
			m := creation(uint64(i+1), newDevice(2*i+1, 1, fmt.Sprint(2*i)), newDevice(2*i+2, 1, fmt.Sprint(2*i+1)))
			m.AddEdges = []resource.StoredEdge{edge(2*i+1, 2*i+2, 1)}
			if err := s.Commit(t.Context(), m); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	for running := true; running; {
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			running = false
		default:
		}
		st := read(t, s)
		if n := int(st.Seq); len(st.Resources) != 2*n || len(st.Edges) != n || st.Next != resource.ID(2*n+1) {
			t.Fatalf("at seq %d: %d resources, %d edges, next %d", n, len(st.Resources), len(st.Edges), st.Next)
		}
	}
}
