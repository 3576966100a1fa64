package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/faultline-storage/faultline/internal/inventory"
	"github.com/faultline-storage/faultline/internal/pluginhost"
	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/internal/secret"
	sdk "github.com/faultline-storage/faultline/sdk/plugin"
	"github.com/faultline-storage/faultline/sdk/wire"
)

// shelf is a plugin in several versions, which the environment chooses.
type shelf struct {
	sdk.ScannableResource
	Name string `attr:",globalid"`
}

// scan has the first scan of a shelf report what a version of the plugin finds.
type scan struct{ report func(*sdk.Session) }

func (p scan) InitialScan(_ context.Context, s *sdk.Session, _ *shelf) error {
	p.report(s)
	return nil
}

func (scan) UpdateScan(context.Context, *sdk.Session, *shelf) error { return nil }

func scans(report func(*sdk.Session)) sdk.Option {
	return sdk.Scans(func() scan { return scan{report} })
}

func shelfMain() {
	switch os.Getenv("SHELF") {
	case "two":
		type Slot struct {
			sdk.PhysicalDisk
			Number int `attr:",scopedid"`
			Status string
			Maker  string `default:"unknown"`
		}
		sdk.Main("shelf", 1, sdk.Reports[Slot](), scans(func(s *sdk.Session) { sdk.Report(s, &Slot{Number: 1, Status: "OK"}) }))
	case "bad":
		type Slot struct {
			sdk.PhysicalDisk
			Number int `attr:",scopedid" min:"5" max:"1"`
		}
		sdk.Main("shelf", 1, sdk.Reports[Slot](), scans(func(*sdk.Session) {}))
	default:
		type Slot struct {
			sdk.PhysicalDisk
			Number int `attr:",scopedid"`
			Status string
		}
		sdk.Main("shelf", 1, sdk.Reports[Slot](), scans(func(s *sdk.Session) { sdk.Report(s, &Slot{Number: 1, Status: "OK"}) }))
	}
}

// shelfBench is a pluginSet with the sessions of one root, as in a server.
type shelfBench struct {
	path    string
	set     *pluginSet
	inv     *inventory.Inventory
	root    resource.ID
	offline func() bool // whether the root ever was
}

func newShelfBench(t *testing.T) *shelfBench {
	t.Helper()
	b := &shelfBench{path: filepath.Join(t.TempDir(), "shelf")}
	b.write(t, "one")
	inv, store := memoryInventory(t)
	b.inv = inv
	b.set = newPluginSet(setOptions{
		host:    pluginhost.Options{Greeting: wire.Peer{Name: "test"}},
		declare: (&declarations{store: store, inv: inv, log: slog.New(slog.DiscardHandler)}).set,
	})
	secrets, err := secret.New(randomKey())
	if err != nil {
		t.Fatal(err)
	}
	r := newRunner((&localSessions{
		inv: inv, plugins: b.set, secrets: secrets, log: slog.New(slog.DiscardHandler), now: time.Now, updatePeriod: 100 * time.Millisecond,
	}).options)
	place := newPlacement(inv, slog.New(slog.DiscardHandler))
	place.local, place.has = r, b.set.has
	var parts lifecycle
	parts.run("plugins", func(err error) { t.Error(err) }, func(ctx context.Context) error { b.set.run(ctx); return nil })
	parts.run("sessions", func(err error) { t.Error(err) }, func(ctx context.Context) error {
		defer r.stopAll()
		return keepUp(ctx, slog.New(slog.DiscardHandler), inv, place.run)
	})
	t.Cleanup(func() {
		if err := parts.stop(time.Minute); err != nil {
			t.Error(err)
		}
	})
	if _, err := b.set.add(b.path, fromFolder); err != nil {
		t.Fatal(err)
	}
	b.until(t, "the class", func() bool { return inv.Class("shelf", "shelf") != nil })
	root, _, err := inv.AddRoot(t.Context(), inv.Class("shelf", "shelf"), []resource.Value{resource.StringValue("s")})
	if err != nil {
		t.Fatal(err)
	}
	b.root = root.ID
	b.until(t, "a session", func() bool { return inv.Get(b.root).Root.Live })
	_, _, changes := inv.Subscribe(t.Context())
	var mu sync.Mutex
	ever := false
	go func() {
		for ch, err := range changes {
			if err != nil {
				return
			}
			for _, u := range ch.Updated {
				mu.Lock()
				ever = ever || u.Resource.ID == b.root && (u.Resource.Root.Offline || !u.Resource.Root.Live)
				mu.Unlock()
			}
		}
	}()
	b.offline = func() bool { mu.Lock(); defer mu.Unlock(); return ever }
	return b
}

// write makes the plugin's file one of its versions.
func (b *shelfBench) write(t *testing.T, version string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf("#!/bin/sh\nSHELF=%s exec %s __plugin shelf\n", version, self)
	fresh := b.path + ".new"
	if err := os.WriteFile(fresh, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(fresh, b.path); err != nil {
		t.Fatal(err)
	}
}

func (b *shelfBench) until(t *testing.T, what string, f func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !f(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func (b *shelfBench) pid() int { return b.set.get("shelf").state().PID }

func (b *shelfBench) slot(t *testing.T) *resource.Resource {
	t.Helper()
	c := b.inv.Class("shelf", "Slot")
	page, err := b.inv.List(resource.Query{Plugin: "shelf", Class: c.Name, Limit: 10})
	if err != nil || len(page.Items) != 1 {
		t.Fatalf("%d slots, %v", len(page.Items), err)
	}
	return page.Items[0]
}

func accepted(*version) error { return nil }

func TestAReloadMovesSessionsAndKeepsTheRootOnline(t *testing.T) {
	for _, version := range []string{"one", "two"} { // the same declarations, and others
		t.Run(version, func(t *testing.T) {
			b := newShelfBench(t)
			p, old, before := b.set.get("shelf"), b.pid(), b.slot(t)
			b.write(t, version)
			if err := p.reload(t.Context(), accepted); err != nil {
				t.Fatal(err)
			}
			if b.pid() == old {
				t.Error("the old process is in charge")
			}
			contact := b.inv.Get(b.root).Root.LastContact
			b.until(t, "a scan by the new version", func() bool { return b.inv.Get(b.root).Root.LastContact.After(contact) })
			b.until(t, "the end of the old process", func() bool { return !alive(old) })
			if after := b.slot(t); after.ID != before.ID || version == "two" && len(after.Values) != len(before.Values)+1 {
				t.Errorf("the slot was %+v and is %+v", before, after)
			}
			if b.offline() {
				t.Error("the root was offline, or not live")
			}
		})
	}
}

func TestABadVersionIsNotLoadedAndTheOldOneGoesOn(t *testing.T) {
	b := newShelfBench(t)
	p, old := b.set.get("shelf"), b.pid()
	b.write(t, "bad")
	if err := p.reload(t.Context(), accepted); err == nil || !strings.Contains(err.Error(), "number") {
		t.Errorf("reload: %v", err)
	}
	b.write(t, "two")
	refused := resource.Errorf(resource.Conflict, "no")
	if err := p.reload(t.Context(), func(*version) error { return refused }); !errors.Is(err, refused) {
		t.Errorf("reload: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.reload(ctx, accepted); err == nil {
		t.Error("a reload that was called off succeeded")
	}
	if b.pid() != old || b.inv.Class("shelf", "Slot").Attr("maker") >= 0 {
		t.Error("the old version is not in charge")
	}
	if b.offline() {
		t.Error("the root was offline, or not live")
	}
}

func TestAnUnloadedPluginIsLoadedAgain(t *testing.T) {
	b := newShelfBench(t)
	p, old := b.set.get("shelf"), b.pid()
	if err := p.unload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if alive(old) {
		t.Error("its process is there")
	}
	b.until(t, "the root to be offline", func() bool { return b.inv.Get(b.root).Root.Offline })
	if text := b.inv.Get(b.root).Root.Error; !strings.Contains(text, "unloaded") {
		t.Errorf("the root's error is %q", text)
	}
	b.slot(t)
	if err := p.load(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.until(t, "the root to be online", func() bool { return !b.inv.Get(b.root).Root.Offline })
	if err := b.set.remove(t.Context(), "shelf"); err != nil {
		t.Fatal(err)
	}
	if _, err := b.set.process(t.Context(), "shelf"); err == nil || !strings.Contains(err.Error(), "not loaded") {
		t.Errorf("a removed plugin: %v", err)
	}
	b.slot(t)
}

// alive reports whether there is a process with the number.
func alive(pid int) bool {
	_, err := os.Stat(fmt.Sprintf("/proc/%d", pid))
	return err == nil
}
