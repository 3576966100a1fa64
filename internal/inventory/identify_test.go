package inventory_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/faultline-storage/faultline/internal/resource"
)

// TestIdentifiersOfAnyKindAndLength reports resources with identifiers of all
// kinds, again in another session, and after a restart: they stay what they are.
func TestIdentifiersOfAnyKindAndLength(t *testing.T) {
	all := &resource.Class{Plugin: "acme", Name: "All", IDScope: resource.Scoped, Bases: []string{resource.BaseResource},
		IDNames: []string{"s", "i", "f", "b", "r", "o"}, Attributes: []resource.Attribute{
			{Name: "s", Kind: resource.String}, {Name: "i", Kind: resource.Integer}, {Name: "f", Kind: resource.Float},
			{Name: "b", Kind: resource.Boolean}, {Name: "r", Kind: resource.Reference}, {Name: "o", Kind: resource.String, Optional: true},
		}}
	all.Index()
	long := strings.Repeat("é\x00\"\\\n", 2000)
	text := resource.StringValue
	var values [][]resource.Value
	for _, s := range []string{"", " ", "a", "A", "ａ", "e\u0301", "é", "\u2028", long, long + "x", `["a",1]`} {
		values = append(values, []resource.Value{text(s), resource.IntValue(1), resource.FloatValue(0.1), resource.BoolValue(true), resource.RefValue(1), resource.Null})
	}
	for _, v := range []struct {
		i int
		v resource.Value
	}{
		{1, resource.IntValue(-1 << 63)}, {1, resource.IntValue(1<<63 - 1)}, {2, resource.FloatValue(0.30000000000000004)}, {2, resource.FloatValue(0.3)},
		{2, resource.FloatValue(-1e308)}, {3, resource.BoolValue(false)}, {4, resource.RefValue(2)}, {5, text("")}, {5, text("null")},
	} {
		other := slices.Clone(values[2])
		other[v.i] = v.v
		values = append(values, other)
	}
	w := newWorld(t, disk(), all)
	w.root("a")
	report := func() []resource.ID {
		t.Helper()
		w.open("a")
		ops := w.ops("a", "put Disk d1", "put Disk d2")
		for i, v := range values {
			ops = append(ops, resource.Op{Kind: resource.Put, Handle: resource.Handle(3 + i), Class: all, Values: slices.Clone(v)})
		}
		b := &resource.Batch{Root: w.roots["a"], Session: w.sessions["a"], Complete: true, Ops: ops}
		if err := w.inv.Apply(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		page, err := w.inv.List(resource.Query{Class: "All"})
		if err != nil {
			t.Fatal(err)
		}
		var ids []resource.ID
		for _, r := range page.Items {
			ids = append(ids, r.ID)
		}
		return ids
	}
	first := report()
	if len(first) != len(values) {
		t.Fatalf("%d identifiers made %d resources", len(values), len(first))
	}
	again := report()
	w.load()
	if after := report(); !slices.Equal(first, again) || !slices.Equal(first, after) {
		t.Errorf("first %v, then %v, after a restart %v", first, again, after)
	}
	if err := w.inv.Check(); err != nil {
		t.Error(err)
	}
	page, err := w.inv.List(resource.Query{Identifier: map[string]string{"s": long}})
	if err != nil || len(page.Items) != 1 {
		t.Errorf("%d with the long text, %v", len(page.Items), err)
	}
}

func TestResourcesAreFoundByAPartOfTheirIdentifier(t *testing.T) {
	shelf := class("Shelf", "Enclosure", resource.Scoped, "id", "id", "note?")
	drive := class("Drive", "PhysicalDisk", resource.Scoped, "shelf slot", "id?", "&shelf", "slot", "note?")
	bay := class("Bay", "", resource.Scoped, "slot side", "id?", "slot", "side?")
	w := newWorld(t, shelf, drive, bay)
	w.root("a")
	w.scan("a", "put Shelf s1 note=1", "put Shelf s2", "put Drive d11 shelf=&s1 slot=1", "put Drive d12 shelf=&s1 slot=2",
		"put Drive d21 shelf=&s2 slot=1 note=x", "put Bay b slot=1 side=left", "put Bay c slot=1")
	id := w.inv.Get(2)
	for _, tt := range []struct {
		want string
		find []string
	}{
		{"d11 d12", []string{"shelf=" + id.Name()}},
		{"d11 d12", []string{fmt.Sprint("shelf=", id.ID)}},
		{"d11 d21 b c", []string{"slot=1"}},
		{"d11", []string{"slot=1", "shelf=" + id.Name()}},
		{"b", []string{"side=left"}},
		{"c", []string{"side=", "slot=1"}},
		{"", []string{"slot=3"}},
		{"s1", []string{"id=s1"}},
	} {
		q := resource.Query{Identifier: map[string]string{}}
		for _, f := range tt.find {
			k, v, _ := strings.Cut(f, "=")
			q.Identifier[k] = v
		}
		page, err := w.inv.List(q)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range page.Items {
			got = append(got, r.Values[0].String())
		}
		if s := strings.Join(got, " "); s != tt.want {
			t.Errorf("%v: found %s, want %s", tt.find, s, tt.want)
		}
	}
	for _, r := range []struct{ side, label string }{{"left", "acme.Bay 1 left"}, {"", "acme.Bay 1"}} {
		page, err := w.inv.List(resource.Query{Class: "Bay", Identifier: map[string]string{"side": r.side}})
		if err != nil || len(page.Items) != 1 || page.Items[0].Label != r.label {
			t.Errorf("side %q: %v, %v, want the label %q", r.side, page.Items, err, r.label)
		}
	}
	_, err := w.inv.List(resource.Query{Identifier: map[string]string{"note": "x"}})
	if resource.KindOf(err) != resource.Invalid || !strings.Contains(err.Error(), "note") {
		t.Errorf("what identifies nothing: %v", err)
	}
}
