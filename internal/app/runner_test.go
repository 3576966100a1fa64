package app

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/faultline-storage/faultline/internal/feed"
	"github.com/faultline-storage/faultline/internal/inventory"
	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/internal/secret"
	"github.com/faultline-storage/faultline/internal/store/memory"
	"github.com/faultline-storage/faultline/sdk/wire"
)

func memoryInventory(t *testing.T, classes ...*resource.Class) (*inventory.Inventory, *memory.Store) {
	t.Helper()
	store := memory.New()
	inv, err := inventory.New(t.Context(), inventory.Options{Store: store, Classes: classes, Log: slog.New(slog.DiscardHandler), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return inv, store
}

func box() *resource.Class {
	c := &resource.Class{
		Plugin: "acme", Name: "Box", Bases: []string{resource.BaseScannable, resource.BaseResource},
		IDScope: resource.Global, IDNames: []string{"name"},
		Attributes: []resource.Attribute{{Name: "name", Kind: resource.String}, {Name: "note", Kind: resource.String, Optional: true}},
	}
	c.Index()
	return c
}

// TestARunnerThatFellBehindCatchesUp has a runner follow for a while, misses what
// happens then, and lets it follow again.
func TestARunnerThatFellBehindCatchesUp(t *testing.T) {
	c := box()
	inv, _ := memoryInventory(t, c)
	secrets, err := secret.New(randomKey())
	if err != nil {
		t.Fatal(err)
	}
	r := newRunner((&localSessions{
		inv: inv, plugins: newPluginSet(setOptions{}), secrets: secrets, log: slog.New(slog.DiscardHandler), now: time.Now,
	}).options)
	place := newPlacement(inv, slog.New(slog.DiscardHandler))
	place.local, place.has = r, func(string) bool { return true }
	ctx, cancel := context.WithCancel(t.Context())
	defer r.stopAll()
	defer cancel()
	follow := func(act func()) {
		t.Helper()
		all, seq, _ := inv.Subscribe(ctx)
		err := place.run(ctx, all, seq, func(yield func(*resource.Changes, error) bool) {
			act()
			for ch, err := range inv.Since(ctx, seq) {
				if !yield(ch, err) || ch.Seq >= inv.Seq() {
					break
				}
			}
			yield(nil, feed.ErrBehind)
		})
		if !errors.Is(err, feed.ErrBehind) {
			t.Fatal(err)
		}
	}
	add := func(name string) resource.ID {
		t.Helper()
		root, _, err := inv.AddRoot(ctx, c, []resource.Value{resource.StringValue(name), resource.Null})
		if err != nil {
			t.Fatal(err)
		}
		return root.ID
	}
	edit := func(id resource.ID, note string) {
		t.Helper()
		e := inventory.Edit{Class: c, Set: []resource.AttrValue{{Index: 1, Value: resource.StringValue(note)}}}
		if err := inv.Edit(ctx, id, e); err != nil {
			t.Fatal(err)
		}
	}
	remove := func(id resource.ID) {
		t.Helper()
		if err := inv.RemoveRoot(ctx, id); err != nil {
			t.Fatal(err)
		}
	}
	kept, edited, removed := add("kept"), add("edited"), add("removed")
	var late resource.ID
	follow(func() { late = add("late") })
	sessions := map[resource.ID]*running{}
	for _, id := range []resource.ID{kept, edited, removed, late} {
		if sessions[id] = r.of(id); sessions[id] == nil {
			t.Fatalf("root %d has no session", id)
		}
	}

	// Nobody follows.
	edit(edited, "1")
	remove(removed)
	fresh := add("fresh")
	follow(func() { edit(late, "2") })
	if r.of(kept) != sessions[kept] {
		t.Error("the session of a root that nobody touched is another one")
	}
	if s := r.of(edited); s == nil || s == sessions[edited] {
		t.Error("an edited root has its old session")
	}
	if s := r.of(late); s == nil || s == sessions[late] {
		t.Error("a root that was edited while the runner followed has its old session")
	}
	if r.of(removed) != nil {
		t.Error("a removed root has a session")
	}
	if r.of(fresh) == nil {
		t.Error("a new root has no session")
	}
	select {
	case <-sessions[removed].done:
	case <-time.After(10 * time.Second):
		t.Error("the session of a removed root goes on")
	}
}

func TestDeclarationsThatWentKeepTheirResourcesReadable(t *testing.T) {
	inv, store := memoryInventory(t)
	d := (&declarations{store: store, inv: inv}).set
	class := func(name string) wire.Class {
		return wire.Class{
			Name: name, Bases: []string{resource.BaseScannable, resource.BaseResource},
			Identifier: wire.Identifier{Scope: "global", Attributes: []string{"name"}}, Attributes: []wire.Attribute{{Name: "name", Kind: "string"}},
		}
	}
	declare := func(names ...string) {
		t.Helper()
		m := wire.Manifest{APIVersion: wire.APIVersion}
		for _, n := range names {
			m.Classes = append(m.Classes, class(n))
		}
		if err := d(t.Context(), "acme", m, nil); err != nil {
			t.Fatal(err)
		}
	}
	declare("Used", "Unused")
	if _, _, err := inv.AddRoot(t.Context(), inv.Class("acme", "Used"), []resource.Value{resource.StringValue("a")}); err != nil {
		t.Fatal(err)
	}
	declare("New")
	known, err := knownClasses(t.Context(), store, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range known {
		names = append(names, c.Name)
	}
	if len(names) != 2 || names[0] != "New" || names[1] != "Used" {
		t.Errorf("known after a restart: %q, want New and Used", names)
	}
}
