package mirror_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/faultline-storage/faultline/sdk/mirror"
	"github.com/faultline-storage/faultline/sdk/wire"
)

// classes are a shelf, and drives that are identified by their shelf and slot.
var classes = []wire.Class{
	{Name: "Shelf", Identifier: wire.Identifier{Scope: wire.ScopeScoped, Attributes: []string{"number"}}},
	{Name: "Drive", Identifier: wire.Identifier{Scope: wire.ScopeScoped, Attributes: []string{"shelf", "slot"}}},
}

func batch(t testing.TB, text string) wire.Batch {
	t.Helper()
	var b wire.Batch
	if err := json.Unmarshal([]byte(text), &b); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return b
}

const first = `{"session":"s","turn":1,"part":0,"last":true,"complete":true,"ops":[
	{"op":"put","h":1,"class":"Shelf","attributes":{"number":1}},
	{"op":"put","h":2,"class":"Drive","attributes":{"shelf":{"$ref":1},"slot":0},"parents":[1],"label":"Drive 0"}],
	"samples":[{"h":2,"name":"heat","t":1,"v":30}]}`

// TestRules applies batches after the first one and looks at what they break.
func TestRules(t *testing.T) {
	for _, test := range []struct {
		name  string
		after string // less what all have in common
		kind  string
		want  string
	}{
		{"nothing", `"turn":2,"part":0,"last":true`, "", ""},
		{"a change", `"turn":2,"part":0,"last":true,"ops":[{"op":"set","h":2,"attributes":{"size":5}}]`, "", ""},
		{"a turn is missing", `"turn":3,"part":0,"last":true`, mirror.Broken, "part 0 of turn 3 follows the end of turn 1"},
		{"a turn twice", `"turn":1,"part":0,"last":true`, mirror.Broken, "follows the end of turn 1"},
		{"a part is missing", `"turn":2,"part":1,"last":true`, mirror.Broken, "part 1 of turn 2"},
		{"complete too late", `"turn":2,"part":0,"last":true,"complete":true`, mirror.Broken, "only the first turn"},
		{"an old handle", `"turn":2,"part":0,"last":true,"ops":[{"op":"put","h":2,"class":"Shelf","attributes":{"number":2}}]`, mirror.Broken, "not above 2"},
		{"no class", `"turn":2,"part":0,"last":true,"ops":[{"op":"put","h":3,"class":"Fan"}]`, mirror.Broken, `no class "Fan"`},
		{"no op", `"turn":2,"part":0,"last":true,"ops":[{"op":"move","h":2}]`, mirror.Broken, "no op of this name"},
		{"no resource", `"turn":2,"part":0,"last":true,"ops":[{"op":"set","h":9,"attributes":{"slot":1}}]`, mirror.Broken, "no resource has this handle"},
		{"no resource of a sample", `"turn":2,"part":0,"last":true,"samples":[{"h":9,"name":"heat","t":1,"v":1}]`, mirror.Broken, "sample of heat"},
		{"attributes that are none", `"turn":2,"part":0,"last":true,"ops":[{"op":"set","h":2,"attributes":[1]}]`, mirror.Broken, "cannot unmarshal"},
		{"the root is removed", `"turn":2,"part":0,"last":true,"ops":[{"op":"remove","h":0}]`, mirror.Broken, "root cannot be removed"},
		{"a parent that is not there", `"turn":2,"part":0,"last":true,"ops":[{"op":"link","h":2,"add":[7]}]`, mirror.Broken, "parent 7, which does not exist"},
		{"a reference to what is gone", `"turn":2,"part":0,"last":true,"ops":[{"op":"remove","h":1}]`, mirror.Broken, "shelf refers to 1"},
		{"one identity twice", `"turn":2,"part":0,"last":true,"ops":[{"op":"put","h":3,"class":"Shelf","attributes":{"number":1}}]`, mirror.Broken, "handles 1 and 3 are one resource, Shelf number=1"},
		{"parents in a cycle", `"turn":2,"part":0,"last":true,"ops":[{"op":"link","h":1,"add":[2]}]`, mirror.Cycle, "the parents form a cycle: Shelf number=1 → Drive shelf=(Shelf number=1) slot=0 → Shelf number=1"},
		{"its own parent", `"turn":2,"part":0,"last":true,"ops":[{"op":"link","h":1,"add":[1]}]`, mirror.Cycle, "Shelf number=1 → Shelf number=1"},
		{"references in a cycle", `"turn":2,"part":0,"last":true,"ops":[{"op":"set","h":1,"attributes":{"best":{"$ref":2}}}]`, mirror.Cycle, "references form a cycle"},
		{"identities in a cycle", `"turn":2,"part":0,"last":true,"ops":[
			{"op":"put","h":3,"class":"Drive","attributes":{"shelf":{"$ref":4},"slot":{"$ref":4}}},
			{"op":"put","h":4,"class":"Drive","attributes":{"shelf":{"$ref":3},"slot":{"$ref":3}}}]`, mirror.Cycle, "references form a cycle"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := mirror.New("s", classes)
			if problems := s.Apply(batch(t, first)); problems != nil {
				t.Fatal(problems)
			}
			problems := s.Apply(batch(t, `{"session":"s",`+test.after+`}`))
			if test.want == "" {
				if problems != nil {
					t.Errorf("problems %v", problems)
				}
				return
			}
			if !slices.ContainsFunc(problems, func(p mirror.Problem) bool {
				return p.Kind == test.kind && strings.Contains(p.Text, test.want)
			}) {
				t.Errorf("problems %v, want a %s one with %q", problems, test.kind, test.want)
			}
		})
	}
}

// TestState follows a session through changes, removal and a deletion from
// outside.
func TestState(t *testing.T) {
	s := mirror.New("s", classes)
	apply := func(text string) {
		t.Helper()
		if problems := s.Apply(batch(t, text)); problems != nil {
			t.Fatal(problems)
		}
	}
	apply(first)
	if got := s.Identity(2); got != "Drive shelf=(Shelf number=1) slot=0" || s.Identity(0) != "root" {
		t.Errorf("identity %q", got)
	}
	if d := s.Resources[2]; !s.Complete || d.Label != "Drive 0" || len(d.Samples) != 1 || !slices.Equal(d.Parents, []int64{1}) {
		t.Errorf("drive %v", d)
	}
	apply(`{"session":"s","turn":2,"part":0,"ops":[{"op":"set","h":2,"attributes":{"size":5},"label":"D"}]}`)
	apply(`{"session":"s","turn":2,"part":1,"last":true,"ops":[{"op":"set","h":2,"attributes":{"size":5}},{"op":"link","h":2,"remove":[1]}]}`)
	var changes []string
	for _, c := range s.Changes {
		changes = append(changes, c.Name+" "+string(c.Was)+" "+string(c.Is))
	}
	if want := []string{"size null 5", `label "Drive 0" "D"`, "size 5 5", "parents [1] []"}; !slices.Equal(changes, want) {
		t.Errorf("changes %q, want %q", changes, want)
	}
	// A removal is known by its identity, and no more once it is reported again.
	apply(`{"session":"s","turn":3,"part":0,"last":true,"ops":[{"op":"remove","h":1},{"op":"remove","h":2}]}`)
	if !s.Removed["Drive shelf=(Shelf number=1) slot=0"] || !s.Removed["Shelf number=1"] || len(s.Resources) != 1 {
		t.Errorf("removed %v", s.Removed)
	}
	apply(`{"session":"s","turn":4,"part":0,"last":true,"ops":[{"op":"put","h":3,"class":"Shelf","attributes":{"number":1}},
		{"op":"put","h":4,"class":"Drive","attributes":{"shelf":{"$ref":3},"slot":0,"twin":{"$ref":3}},"parents":[3]}]}`)
	if len(s.Removed) != 0 {
		t.Errorf("removed %v", s.Removed)
	}
	// What the host deleted may be named a while longer.
	s.Delete(3)
	apply(`{"session":"s","turn":5,"part":0,"last":true,"ops":[{"op":"set","h":3,"attributes":{"number":1}},{"op":"link","h":4,"add":[3]},
		{"op":"set","h":4,"attributes":{"twin":{"$ref":3}}}],"samples":[{"h":3,"name":"heat","t":1,"v":1}]}`)
	if d := s.Resources[4]; len(d.Parents) != 0 || d.Attributes["twin"] != nil {
		t.Errorf("drive %v", d)
	}
	if got := (mirror.Resource{Handle: 7}); got.Clone().Handle != 7 {
		t.Error("a clone is another")
	}
}

// FuzzApply feeds a mirror with anything: it must not panic, and must know every
// resource that it lists.
func FuzzApply(f *testing.F) {
	f.Add(first, `{"session":"s","turn":2,"part":0,"last":true,"ops":[{"op":"remove","h":1}]}`)
	f.Add(`{"turn":1,"ops":[{"op":"put","h":1,"class":"Drive","attributes":{"shelf":{"$ref":1},"slot":{"$ref":1}}}],"last":true}`, `{}`)
	f.Add(`{"turn":-1,"ops":[{"op":"link","h":0,"add":[0],"remove":[0]}],"last":true}`, `{"turn":0,"part":9}`)
	f.Fuzz(func(t *testing.T, a, b string) {
		s := mirror.New("s", classes)
		for _, text := range []string{a, b} {
			var in wire.Batch
			if json.Unmarshal([]byte(text), &in) != nil {
				continue
			}
			s.Apply(in)
			s.Delete(1)
			for _, r := range s.Sorted() {
				if s.Identity(r.Handle) == "" {
					t.Errorf("no identity of %v", r)
				}
			}
		}
	})
}
