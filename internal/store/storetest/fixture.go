package storetest

import (
	"context"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/faultline-storage/faultline/internal/resource"
)

// The classes of the tests.
var (
	couplet = indexed(&resource.Class{Plugin: "acme", Name: "Couplet", IDScope: resource.Global, IDNames: []string{"address"},
		Bases:      []string{resource.BaseScannable, resource.BaseResource},
		Attributes: []resource.Attribute{{Name: "address", Kind: resource.Hostname}}})
	drive = indexed(&resource.Class{Plugin: "acme", Name: "Drive", IDScope: resource.Scoped, IDNames: []string{"serial"},
		Bases: []string{"PhysicalDisk", resource.BaseResource},
		Attributes: []resource.Attribute{
			{Name: "serial", Kind: resource.String}, {Name: "size", Kind: resource.Bytes, Optional: true},
			{Name: "load", Kind: resource.Float, Optional: true}, {Name: "spare", Kind: resource.Boolean, Optional: true},
			{Name: `odd "name"`, Kind: resource.String, Optional: true}, {Name: "pool", Kind: resource.Reference, Optional: true},
		}})
	device = indexed(&resource.Class{Plugin: "linux", Name: "Device", IDScope: resource.Global, IDNames: []string{"serial"},
		Attributes: []resource.Attribute{{Name: "serial", Kind: resource.String}}})
)

func indexed(c *resource.Class) *resource.Class {
	c.Index()
	return c
}

// epoch is when everything happens, with a part below a microsecond to see
// whether it is kept.
var epoch = time.Date(2026, 3, 4, 5, 6, 7, 123456789, time.UTC)

func newRoot(id resource.ID, address string) *resource.Resource {
	return &resource.Resource{ID: id, Class: couplet, Label: "Couplet " + address,
		Values: []resource.Value{resource.StringValue(address)}, Identity: fmt.Sprintf("[%q]", address),
		Scope: id, Reporters: []resource.ID{id}, Root: &resource.RootState{}, FirstSeen: epoch, Updated: epoch}
}

func newDrive(id, root resource.ID, serial string) *resource.Resource {
	return &resource.Resource{ID: id, Class: drive, Label: "Drive " + serial, OwnLabel: true,
		Values: []resource.Value{resource.StringValue(serial), resource.IntValue(1 << 40), resource.Null, resource.BoolValue(true),
			resource.Null, resource.Null},
		Identity: fmt.Sprintf("[%q]", serial), Scope: root, Reporters: []resource.ID{root}, FirstSeen: epoch, Updated: epoch}
}

func newDevice(id, root resource.ID, serial string) *resource.Resource {
	return &resource.Resource{ID: id, Class: device, Label: "Device " + serial, Values: []resource.Value{resource.StringValue(serial)},
		Identity: fmt.Sprintf("[%q]", serial), Scope: root, Reporters: []resource.ID{root}, FirstSeen: epoch, Updated: epoch}
}

func edge(parent, child resource.ID, roots ...resource.ID) resource.StoredEdge {
	return resource.StoredEdge{Edge: resource.Edge{Parent: parent, Child: child}, Roots: roots}
}

// creation returns a mutation that creates resources.
func creation(seq uint64, rs ...*resource.Resource) *resource.Mutation {
	return &resource.Mutation{Seq: seq, Time: epoch, Put: rs, Created: len(rs), Log: fmt.Appendf(nil, `{"n":%d}`, seq)}
}

// change returns a mutation that changes resources.
func change(seq uint64, rs ...*resource.Resource) *resource.Mutation {
	m := creation(seq, rs...)
	m.Created = 0
	return m
}

func commit(t *testing.T, s Store, ms ...*resource.Mutation) {
	t.Helper()
	for _, m := range ms {
		if err := s.Commit(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
}

// State is all that a store holds of an inventory.
type State struct {
	Seq       uint64
	Next      resource.ID
	Resources []resource.StoredResource
	Edges     []resource.StoredEdge
}

// Read returns the state of a store.
func Read(ctx context.Context, s Store) (State, error) {
	var st State
	var err error
	st.Seq, st.Next, err = s.Load(ctx,
		func(r resource.StoredResource) error { st.Resources = append(st.Resources, r); return nil },
		func(e resource.StoredEdge) error { st.Edges = append(st.Edges, e); return nil })
	return st, err
}

func read(t *testing.T, s Store) State {
	t.Helper()
	st, err := Read(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// stored is what Load is to give for the resources.
func stored(rs ...*resource.Resource) []resource.StoredResource {
	var out []resource.StoredResource
	for _, r := range rs {
		out = append(out, r.Stored())
	}
	return out
}

// diff compares any two values of this package; empty and nil lists are equal.
func diff(want, got any) string {
	if reflect.DeepEqual(want, got) { // much faster, and nearly always so
		return ""
	}
	return cmp.Diff(want, got, cmpopts.EquateEmpty())
}

func wantState(t *testing.T, s Store, want State) {
	t.Helper()
	if d := diff(want, read(t, s)); d != "" {
		t.Errorf("state (-want +got):\n%s", d)
	}
}

// with returns a changed copy of a resource.
func with(r *resource.Resource, f func(*resource.Resource)) *resource.Resource {
	c := *r
	c.Values = append([]resource.Value(nil), r.Values...)
	if r.Root != nil {
		root := *r.Root
		c.Root = &root
	}
	f(&c)
	return &c
}
