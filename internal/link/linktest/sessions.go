package linktest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/faultline-storage/faultline/internal/link"
	"github.com/faultline-storage/faultline/internal/resource"
)

// Sink is what sessions write to; see session.Sink.
type Sink interface {
	OpenSession(root resource.ID, session string, deleted func([]resource.Handle)) error
	CloseSession(root resource.ID, session string)
	Apply(ctx context.Context, b *resource.Batch) error
	SetRootState(ctx context.Context, root resource.ID, change func(*resource.RootState)) error
	Contact(root resource.ID, at time.Time)
}

// Inventory stands for the inventory: it notes what it is told.
type Inventory struct {
	mu      sync.Mutex
	notes   []string
	state   resource.RootState
	deleted func([]resource.Handle)
}

func (v *Inventory) note(format string, args ...any) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.notes = append(v.notes, fmt.Sprintf(format, args...))
}

// OpenSession implements Sink.
func (v *Inventory) OpenSession(root resource.ID, session string, deleted func([]resource.Handle)) error {
	if root == 404 {
		return resource.Errorf(resource.NotFound, "there is no resource %d", root)
	}
	v.mu.Lock()
	v.deleted = deleted
	v.mu.Unlock()
	v.note("open %d %s", root, session)
	return nil
}

// CloseSession implements Sink.
func (v *Inventory) CloseSession(root resource.ID, session string) {
	v.note("close %d %s", root, session)
}

// Contact implements Sink.
func (v *Inventory) Contact(root resource.ID, at time.Time) { v.note("contact %d %d", root, at.Unix()) }

// SetRootState implements Sink.
func (v *Inventory) SetRootState(_ context.Context, root resource.ID, change func(*resource.RootState)) error {
	if root == 404 {
		return resource.Errorf(resource.NotFound, "there is no resource %d", root)
	}
	v.mu.Lock()
	change(&v.state)
	s := v.state
	v.mu.Unlock()
	v.note("state live=%t offline=%t error=%q contact=%d next=%d incomplete=%q", s.Live, s.Offline, s.Error, unix(s.LastContact), unix(s.NextTry), s.Incomplete)
	return nil
}

func unix(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

// Apply implements Sink.
func (v *Inventory) Apply(_ context.Context, b *resource.Batch) error {
	if b.Turn == 666 {
		return resource.FieldErrorf("size", "turn %d is evil", b.Turn)
	}
	v.note("%s", Describe(b))
	return nil
}

// Describe returns all that is in a batch as text.
func Describe(b *resource.Batch) string {
	var t strings.Builder
	fmt.Fprintf(&t, "turn %d of %d %s (%s, complete %t):", b.Turn, b.Root, b.Session, b.Plugin, b.Complete)
	for i := range b.Ops {
		op := &b.Ops[i]
		fmt.Fprintf(&t, " %d h=%d", op.Kind, op.Handle)
		if op.Class != nil {
			t.WriteString(" " + op.Class.FullName())
		}
		if op.Label != nil {
			fmt.Fprintf(&t, " label=%q", *op.Label)
		}
		if op.Values != nil {
			v, err := json.Marshal(op.Values)
			fmt.Fprintf(&t, " %s %v", v, err)
		}
		for _, s := range op.Set {
			v, err := json.Marshal(s.Value)
			fmt.Fprintf(&t, " %d=%s %v", s.Index, v, err)
		}
		fmt.Fprintf(&t, " %v %v;", op.Parents, op.Drop)
	}
	for _, s := range b.Samples {
		fmt.Fprintf(&t, " %d %s %d %v %v;", s.Handle, s.Name, s.Time.UnixMilli(), s.Value, s.Bins)
	}
	return t.String()
}

// Class is a class with an attribute of each kind.
func Class() *resource.Class {
	most := 100
	c := &resource.Class{Plugin: "acme", Name: "Disk", IDScope: resource.Scoped, IDNames: []string{"string"}, Bases: []string{resource.BaseResource}}
	for k := resource.String; k <= resource.Reference; k++ {
		a := resource.Attribute{Name: k.String(), Kind: k, Optional: k != resource.String}
		switch k {
		case resource.Enum:
			a.Options = []resource.Value{resource.StringValue("OK"), resource.IntValue(1), resource.FloatValue(2.5), resource.BoolValue(true)}
		case resource.String:
			a.MaxLength = &most
		}
		c.Attributes = append(c.Attributes, a)
	}
	c.Statistics = []resource.Statistic{{Name: "gauge", Kind: resource.Gauge}, {Name: "bins", Kind: resource.Histogram, Bins: [][]int64{{0, 9}, {10}}}}
	c.Index()
	return c
}

// Batch returns a batch with one of everything.
func Batch(c *resource.Class, session string, turn int64) *resource.Batch {
	label := "drive\x00 Ω"
	values := make([]resource.Value, len(c.Attributes))
	for i, v := range []resource.Value{
		resource.StringValue("s\"<ü"), resource.IntValue(-1 << 62), resource.FloatValue(1e300), resource.BoolValue(false), resource.IntValue(1 << 50),
		resource.FloatValue(2.5), resource.StringValue("fe80::1"), resource.StringValue("00000000-0000-0000-0000-000000000000"),
		resource.StringValue("/dev/sda"), resource.StringValue("sesame"), resource.RefValue(3),
	} {
		values[i] = v
	}
	return &resource.Batch{
		Root: 7, Session: session, Plugin: "acme", Turn: turn, Complete: turn == 1,
		Ops: []resource.Op{
			{Kind: resource.Put, Handle: 1, Class: c, Values: values, Label: &label, Parents: []resource.Handle{0, 2}},
			{Kind: resource.Put, Handle: 2, Class: c, Values: append([]resource.Value{resource.StringValue("2")}, make([]resource.Value, len(values)-1)...)},
			{Kind: resource.Set, Handle: 2, Class: c, Set: []resource.AttrValue{{Index: 3, Value: resource.BoolValue(true)}, {Index: 4, Value: resource.Null}}},
			{Kind: resource.Set, Handle: 2, Class: c, Label: &label},
			{Kind: resource.Link, Handle: 2, Parents: []resource.Handle{1}, Drop: []resource.Handle{0}},
			{Kind: resource.Remove, Handle: 2},
		},
		Samples: []resource.HandleSample{
			{Handle: 1, Name: "gauge", Time: time.UnixMilli(1700000000001), Value: 2.5},
			{Handle: 1, Name: "gauge", Time: time.UnixMilli(253402300799000), Value: -3},
			{Handle: 1, Name: "bins", Time: time.UnixMilli(0), Bins: []int64{0, 1 << 40}},
		},
	}
}

// TestSessions is what every way from a session to an inventory must do: the
// direct one, and a Sink and an Intake over any transport. connect returns the
// sink to write to the inventory with.
func TestSessions(t *testing.T, connect func(t *testing.T, v *Inventory, c *resource.Class) Sink) {
	ctx := context.Background()
	start := func(t *testing.T) (*Inventory, Sink, *resource.Class) {
		v, c := &Inventory{}, Class()
		return v, connect(t, v, c), c
	}
	want := func(t *testing.T, v *Inventory, notes ...string) {
		t.Helper()
		eventually(t, func() error {
			v.mu.Lock()
			defer v.mu.Unlock()
			if !slices.Equal(v.notes, notes) {
				return fmt.Errorf("the inventory was told\n%s\nwant\n%s", strings.Join(v.notes, "\n"), strings.Join(notes, "\n"))
			}
			return nil
		})
	}
	must := func(t *testing.T, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}

	t.Run("a session from its beginning to its end", func(t *testing.T) {
		t.Parallel()
		v, s, c := start(t)
		must(t, s.OpenSession(7, "a", nil))
		first, second := Batch(c, "a", 1), Batch(c, "a", 2)
		notes := []string{"open 7 a", Describe(first), `state live=true offline=false error="" contact=5 next=0 incomplete=["x"]`, Describe(second), "contact 7 9", "close 7 a"}
		must(t, s.Apply(ctx, first))
		must(t, s.SetRootState(ctx, 7, func(st *resource.RootState) {
			st.Live, st.Error, st.NextTry = true, "", time.Time{}
			st.LastContact, st.Incomplete = time.Unix(5, 0), []string{"x"}
		}))
		must(t, s.Apply(ctx, second))
		s.Contact(7, time.Unix(9, 0))
		s.CloseSession(7, "a")
		want(t, v, notes...)
	})

	t.Run("a large turn is one turn", func(t *testing.T) {
		t.Parallel()
		v, s, c := start(t)
		must(t, s.OpenSession(7, "a", nil))
		b := &resource.Batch{Root: 7, Session: "a", Plugin: "acme", Turn: 1}
		for i := range 20_000 {
			values := make([]resource.Value, len(c.Attributes))
			values[0] = resource.StringValue(fmt.Sprintf("serial-%090d", i))
			b.Ops = append(b.Ops, resource.Op{Kind: resource.Put, Handle: resource.Handle(i + 1), Class: c, Values: values})
			b.Samples = append(b.Samples, resource.HandleSample{Handle: resource.Handle(i + 1), Name: "gauge", Time: time.UnixMilli(int64(i)), Value: float64(i) / 3})
		}
		text := Describe(b)
		must(t, s.Apply(ctx, b))
		want(t, v, "open 7 a", text)
	})

	t.Run("what is refused says why", func(t *testing.T) {
		t.Parallel()
		_, s, c := start(t)
		var f *resource.Fault
		if err := s.Apply(ctx, Batch(c, "a", 666)); !errors.As(err, &f) || f.Kind != resource.Invalid || f.Field != "size" || f.Text != "turn 666 is evil" {
			t.Errorf("%#v", err)
		}
		if err := s.OpenSession(404, "a", nil); resource.KindOf(err) != resource.NotFound {
			t.Errorf("a root that is not there: %v", err)
		}
		if err := s.SetRootState(ctx, 404, func(st *resource.RootState) { st.Live = false }); resource.KindOf(err) != resource.NotFound {
			t.Errorf("the state of a root that is not there: %v", err)
		}
	})

	t.Run("a change of state leaves the rest", func(t *testing.T) {
		t.Parallel()
		v, s, _ := start(t)
		v.state = resource.RootState{Offline: true, Error: "old", LastContact: time.Unix(3, 0)}
		must(t, s.SetRootState(ctx, 7, func(st *resource.RootState) { st.Live, st.NextTry = true, time.Unix(4, 0) }))
		must(t, s.SetRootState(ctx, 7, func(st *resource.RootState) { st.Offline = false }))
		want(t, v,
			`state live=true offline=true error="old" contact=3 next=4 incomplete=[]`,
			`state live=true offline=false error="old" contact=3 next=4 incomplete=[]`)
	})

	t.Run("a session is told of what is deleted from outside", func(t *testing.T) {
		t.Parallel()
		v, s, _ := start(t)
		told := make(chan []resource.Handle, 2)
		must(t, s.OpenSession(7, "a", func(h []resource.Handle) { told <- h }))
		v.mu.Lock()
		v.deleted([]resource.Handle{4, 5})
		v.mu.Unlock()
		select {
		case h := <-told:
			if !slices.Equal(h, []resource.Handle{4, 5}) {
				t.Errorf("handles %v", h)
			}
		case <-time.After(patience):
			t.Error("it was not told")
		}
	})

	t.Run("sessions do not wait for each other", func(t *testing.T) {
		t.Parallel()
		_, s, c := start(t)
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				name := fmt.Sprint("s", i)
				if err := s.OpenSession(7, name, nil); err != nil {
					t.Error(err)
				}
				for turn := range 10 {
					if err := s.Apply(ctx, Batch(c, name, int64(turn+1))); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
	})
}

// Over returns the Sink at one end of a link and has an Intake at the other hand
// what comes to the inventory.
func Over(t *testing.T, v link.Inventory, class func(plugin, name string) *resource.Class, connect func(t *testing.T, h *link.Hub) link.Transport) (*link.Sink, *Server) {
	t.Helper()
	s := NewServer(t, time.Minute)
	var mu sync.Mutex
	intakes := map[*link.Conn]*link.Intake{}
	s.Handle(func(ctx context.Context, m link.Message, answer func([]byte, error)) bool {
		mu.Lock()
		conn := s.Conn()
		in := intakes[conn]
		if in == nil {
			in = link.NewIntake(link.IntakeOptions{
				Conn: conn, Inventory: v, Class: class,
				Owns: func(resource.ID) (string, error) { return "acme", nil },
				Seal: func(s string) string { return s },
			})
			intakes[conn] = in
		}
		mu.Unlock()
		return in.Receive(ctx, m, answer)
	})
	sinks := make(chan *link.Sink, 10)
	NewClient(t, "r1", connect(t, s.Hub), func(c *link.Conn) func(link.Message) bool {
		sink := link.NewSink(c)
		sinks <- sink
		return sink.Receive
	})
	return <-sinks, s
}
