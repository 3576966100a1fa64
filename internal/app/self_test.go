package app

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/faultline-storage/faultline/internal/alert"
	"github.com/faultline-storage/faultline/internal/inventory"
	"github.com/faultline-storage/faultline/internal/pluginhost"
	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/internal/secret"
	"github.com/faultline-storage/faultline/internal/session"
	"github.com/faultline-storage/faultline/internal/store/memory"
)

// TestTheServersOwnClasses: what the server declares of itself passes the check
// that any plugin's declarations do, and users can add none of it.
func TestTheServersOwnClasses(t *testing.T) {
	classes, err := session.Classes(resource.ServerPlugin, selfManifest())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range classes {
		root := c.Name == resource.ServerClass || c.Name == hostPluginClass
		if c.Internal() != (c.Name != hostClass) || c.Scannable() || c.Root() != root {
			t.Errorf("%s: internal %v, scannable %v, root %v", c.Name, c.Internal(), c.Scannable(), c.Root())
		}
	}
	// Nobody else gets there by the same words.
	if classes, err = session.Classes("acme", selfManifest()); err != nil || classes[0].Internal() || classes[0].Root() {
		t.Errorf("another plugin's: %+v, %v", classes[0], err)
	}
}

// selfBench is a server's own reports, with alerts, over plugins that are files
// of its folder.
type selfBench struct {
	dir    string
	set    *pluginSet
	inv    *inventory.Inventory
	alerts *alert.Stage
}

func newSelfBench(t *testing.T) *selfBench {
	t.Helper()
	b := &selfBench{dir: t.TempDir()}
	log := slog.New(slog.DiscardHandler)
	store := memory.New()
	inv, err := inventory.New(t.Context(), inventory.Options{Store: store, Log: log, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	b.inv = inv
	b.alerts, err = alert.New(alert.Options{Store: store, Get: inv.Get, Walk: inv.Walk, Class: inv.Class, Count: inv.Count, Seq: inv.Seq, Now: time.Now, After: time.After, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	d := (&declarations{store: store, inv: inv, log: log}).set
	b.set = newPluginSet(setOptions{host: pluginhost.Options{Log: log}, declare: d})
	secrets, err := secret.New(randomKey())
	if err != nil {
		t.Fatal(err)
	}
	place := newPlacement(inv, log)
	own, err := newSelf(t.Context(), "1", inv, d, selfPlugins{list: allPlugins(b.set, place), deliver: b.set.deliver, awaited: place.awaits}, log)
	if err != nil {
		t.Fatal(err)
	}
	r := newRunner((&localSessions{inv: inv, plugins: b.set, secrets: secrets, self: own, log: log, now: time.Now}).options)
	place.local, place.has = r, hasItself(b.set)
	var stages lifecycle
	failed := func(err error) { t.Error(err) }
	stages.run("alert", failed, func(ctx context.Context) error { return keepUp(ctx, log, inv, b.alerts.Run) })
	stages.run("plugins", failed, func(ctx context.Context) error { b.set.run(ctx); return nil })
	stages.run("sessions", failed, func(ctx context.Context) error {
		defer r.stopAll()
		return keepUp(ctx, log, inv, place.run)
	})
	stages.run("self", failed, own.run)
	t.Cleanup(func() {
		if err := stages.stop(stopTimeout); err != nil {
			t.Error(err)
		}
	})
	return b
}

func (b *selfBench) write(t *testing.T, name, script string) string {
	t.Helper()
	path := filepath.Join(b.dir, name)
	if err := os.WriteFile(path, []byte(script), 0o755); err != nil { //nolint:gosec // it is to be run
		t.Fatal(err)
	}
	return path
}

// nodes returns "name state: alert ..." of every plugin that has a node.
func (b *selfBench) nodes(t *testing.T) (list []string) {
	t.Helper()
	page, err := b.inv.List(resource.Query{Plugin: resource.ServerPlugin, Class: pluginClass})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range page.Items {
		text := fmt.Sprintf("%v %v:", r.Values[r.Class.Attr("name")], r.Values[r.Class.Attr("state")])
		for _, a := range b.alerts.Own(r.ID) {
			text += " " + a.Condition + " " + a.Message
		}
		list = append(list, text)
	}
	slices.Sort(list)
	return list
}

func (b *selfBench) until(t *testing.T, want func([]string) bool) {
	t.Helper()
	end := time.Now().Add(time.Minute)
	for !want(b.nodes(t)) {
		if time.Now().After(end) {
			t.Fatalf("the nodes are %q", b.nodes(t))
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// TestAPluginInTroubleHasANode follows plugins that cannot start, through their
// repair and their removal.
func TestAPluginInTroubleHasANode(t *testing.T) {
	t.Parallel()
	b := newSelfBench(t)
	if n := b.nodes(t); len(n) > 0 {
		t.Errorf("without trouble there are %q", n)
	}
	if _, err := b.set.add(filepath.Join(b.dir, "absent.py"), fromConfig); err != nil {
		t.Fatal(err)
	}
	wrong := b.write(t, "wrong", `#!/bin/sh
read -r _
echo '{"jsonrpc":"2.0","id":1,"error":{"code":-32005,"message":"wrong","data":{"problems":[{"where":"Disk","text":"no identifier"}]}}}'
read -r _
`)
	if _, err := b.set.add(wrong, fromConfig); err != nil {
		t.Fatal(err)
	}
	b.until(t, func(nodes []string) bool {
		return len(nodes) == 2 &&
			strings.Contains(nodes[0], "absent.py failed: cannot_start Cannot start: plugin") && strings.Contains(nodes[0], "no such file") &&
			strings.Contains(nodes[1], "wrong failed: cannot_start Cannot start: plugin wrong") && strings.Contains(nodes[1], "no identifier")
	})

	// A plugin that somebody takes away is no trouble.
	if err := b.set.get("wrong").unload(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.until(t, func(nodes []string) bool { return len(nodes) == 2 && nodes[1] == "wrong stopped:" })
	if err := b.set.remove(t.Context(), "wrong"); err != nil {
		t.Fatal(err)
	}
	b.until(t, func(nodes []string) bool { return len(nodes) == 1 })

	// Its name is the server's.
	own := b.write(t, "faultline", "#!/bin/sh\n")
	if p, err := b.set.add(own, fromConfig); err != nil || p.name == resource.ServerPlugin || p.broken == nil || !strings.Contains(p.broken.Error(), "the server's own") {
		t.Errorf("a plugin named faultline: %v, %v", p, err)
	}
}
