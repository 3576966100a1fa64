package acme

import (
	"context"
	"encoding/json"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/faultline-storage/faultline/examples/acme/sim"
	"github.com/faultline-storage/faultline/sdk/wire"
)

// plugins are those that must do the same.
var plugins = map[string]func(t *testing.T) *host{"go": startGo, "python": startPython, "node": startNode}

// others starts those that are compared with the one in Go.
func others(t *testing.T) map[string]*host {
	return map[string]*host{"python": startPython(t), "node": startNode(t)}
}

// simulate serves an array until the test ends.
func simulate(t testing.TB, o sim.Options) (*sim.Array, string) {
	t.Helper()
	a, err := sim.New(o)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return a, "http://" + l.Addr().String()
}

func strike(t testing.TB, a *sim.Array, faults ...string) {
	t.Helper()
	for _, text := range faults {
		f, err := sim.ParseFault(text)
		if err == nil {
			err = a.Apply(f)
		}
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
}

func root(url string, more ...any) map[string]any {
	attrs := map[string]any{"url": url, "user": "admin", "period": 5, "push": false}
	for i := 0; i < len(more); i += 2 {
		attrs[more[i].(string)] = more[i+1]
	}
	return attrs
}

// has fails the test unless one line of the dump begins and contains as given.
func has(t *testing.T, dump []string, start string, facts ...string) {
	t.Helper()
	i := slices.IndexFunc(dump, func(s string) bool { return strings.HasPrefix(s, start) })
	if i < 0 {
		t.Errorf("no %s", start)
		return
	}
	for _, f := range facts {
		if !strings.Contains(dump[i], f) {
			t.Errorf("no %s in %s", f, dump[i])
		}
	}
}

func TestManifestsAreEqual(t *testing.T) {
	declared := func(h *host) (m any) {
		if err := json.Unmarshal(h.rawManif, &m); err != nil {
			t.Fatal(err)
		}
		return m
	}
	want := declared(startGo(t))
	for name, h := range others(t) {
		if d := cmp.Diff(want, declared(h)); d != "" {
			t.Errorf("go (-) and %s (+) declare different classes: %s", name, d)
		}
	}
}

// TestSameGraph drives all plugins through the same life of an array.
func TestSameGraph(t *testing.T) {
	array, url := simulate(t, sim.Options{Disks: 204, Seed: 5})
	g, rest := startGo(t), others(t)
	all := []*host{g}
	for _, h := range rest {
		all = append(all, h)
	}
	same := func(when string) []string {
		t.Helper()
		dump := g.dump()
		for name, h := range rest {
			if d := cmp.Diff(dump, h.dump()); d != "" {
				t.Errorf("%s: go (-) and %s (+) report different graphs: %s", when, name, d)
			}
		}
		return dump
	}
	for _, h := range all {
		h.open(root(url))
		if r := h.initialScan(); r.Turn != 1 || r.UpdatePeriod != 5 || !r.Updates {
			t.Errorf("initial scan: %+v", r)
		}
	}
	dump := same("after the initial scan")
	if want := 1 + 2 + 3 + 12 + 6 + 204 + 20 + 30 + 60; len(dump) != want {
		t.Errorf("%d resources, want %d", len(dump), want)
	}
	has(t, dump, "Array(", `"acme-1"`, `model="AX-5000"`)
	has(t, dump, "Pool(2)", `"Pool 2"`, `status="OK"`, "<Disk(")

	for _, h := range all {
		before := h.ops
		if r := h.updateScan(); r.Turn != 0 || h.ops != before {
			t.Errorf("an update of an unchanged array: %+v, %d ops", r, h.ops-before)
		}
	}
	for _, step := range []string{
		"fail-disk disk-17", "rebuild pool-2 1h", "remove-disk disk-17", "remove-disk disk-3", "add-disk", "overheat enclosure-2",
		"fail-fan fan-1-3", "fail-psu psu-3-1", "lose-path lun-4 controller-0", "fail-controller controller-1", "warn-disk disk-21",
		"lose-disk disk-22", "sample", "upgrade-firmware 20%", "heal",
	} {
		strike(t, array, step)
		for _, h := range all {
			if r := h.updateScan(); r.Turn == 0 {
				t.Errorf("after %s: nothing was reported", step)
			}
		}
		dump := same("after " + step)
		switch step {
		case "rebuild pool-2 1h":
			has(t, dump, "Pool(2)", `status="REBUILDING"`, "rebuild_progress=0")
			disks := strings.Count(dump[slices.IndexFunc(dump, func(s string) bool { return strings.HasPrefix(s, "Pool(2)") })], "<Disk(")
			if disks != 10 {
				t.Errorf("%d disks affect pool 2 after a spare took over, want 10", disks)
			}
		case "remove-disk disk-17":
			if want := 1 + 2 + 3 + 12 + 6 + 203 + 20 + 30 + 60; len(dump) != want {
				t.Errorf("%d resources after %s, want %d", len(dump), step, want)
			}
		}
	}
	// A new session sees what the updated one sees.
	again := startGo(t)
	again.open(root(url))
	again.initialScan()
	if d := cmp.Diff(again.dump(), g.dump()); d != "" {
		t.Error("a new session (-) and an updated one (+) differ:", d)
	}
	for _, h := range all {
		h.teardown()
	}
}

func TestPushReportsWithoutAScan(t *testing.T) {
	for name, start := range plugins {
		t.Run(name, func(t *testing.T) {
			array, url := simulate(t, sim.Options{Disks: 40})
			h := start(t)
			h.open(root(url, "push", true))
			h.initialScan()
			for i, fault := range []string{"fail-disk disk-7", "heal disk-7", "remove-disk disk-8"} {
				turns := i + 2
				strike(t, array, fault)
				h.await(func() bool { return h.turns >= turns })
			}
			dump := h.dump()
			has(t, dump, "Pool(1)", `status="DEGRADED"`)
			if n := strings.Count(strings.Join(dump, "\n"), "\nDisk("); n != 39 {
				t.Errorf("%d disks, want 39", n)
			}
			// The scan that follows has nothing new to say about resources.
			before := h.ops
			h.updateScan()
			if h.ops != before {
				t.Errorf("the update scan repeated %d ops", h.ops-before)
			}
			h.teardown()
		})
	}
}

func TestPasswords(t *testing.T) {
	for _, password := range []string{"", "s3cret", "Grüße, 世界", strings.Repeat("x", 300)} {
		if got, err := Reveal(Obfuscate(password)); err != nil || got != password {
			t.Errorf("%q became %q, %v", password, got, err)
		}
	}
	for _, bad := range []string{"s3cret", "acme1:not base64!", ""} {
		if _, err := Reveal(bad); err == nil {
			t.Errorf("%q was revealed", bad)
		}
	}
	for name, start := range plugins {
		t.Run(name, func(t *testing.T) {
			_, url := simulate(t, sim.Options{Disks: 20, Password: "Grüße"})
			h := start(t)
			var enc wire.EncryptResult
			h.call(wire.MethodEncrypt, wire.EncryptParams{Class: "Array", Attribute: "password", Value: "Grüße"}, &enc)
			if want := Obfuscate("Grüße"); enc.Value != want {
				t.Errorf("the password is stored as %s, want %s", enc.Value, want)
			}
			h.open(root(url, "password", enc.Value))
			h.initialScan()
			h.teardown()
			for _, password := range []string{Obfuscate("wrong"), "Grüße"} {
				h.open(root(url, "password", password))
				a := h.try(wire.MethodInitialScan, wire.SessionParams{Session: "s"})
				if a.Error == nil || a.Error.Code != wire.CodeScanFailed || strings.Contains(a.Error.Message, "Grüße") {
					t.Errorf("scan with a bad password: %+v", a.Error)
				}
				h.teardown()
			}
		})
	}
}

func TestScansFailWhenTheArrayDoes(t *testing.T) {
	for name, start := range plugins {
		t.Run(name, func(t *testing.T) {
			array, url := simulate(t, sim.Options{Disks: 20})
			h := start(t)
			fails := func(method, want string) {
				t.Helper()
				a := h.try(method, wire.SessionParams{Session: "s"})
				if a.Error == nil || a.Error.Code != wire.CodeScanFailed || !strings.Contains(a.Error.Message, want) {
					t.Errorf("%s: %+v, want an error with %q", method, a.Error, want)
				}
			}
			strike(t, array, "garbage")
			for range 5 {
				h.open(root(url))
				fails(wire.MethodInitialScan, "")
				h.teardown()
			}
			strike(t, array, "heal", "silent reset")
			h.open(root(url))
			fails(wire.MethodInitialScan, "")
			h.teardown()
			strike(t, array, "heal")
			h.open(root("ftp://example.com"))
			fails(wire.MethodInitialScan, "is no address such as http://127.0.0.1:8080")
			h.teardown()
			h.open(root(url))
			h.initialScan()
			strike(t, array, "garbage")
			fails(wire.MethodUpdateScan, "")
			h.teardown()
		})
	}
}

// TestRestart has another array take the place of the first.
func TestRestart(t *testing.T) {
	for name, start := range plugins {
		t.Run(name, func(t *testing.T) {
			first, err := sim.New(sim.Options{Disks: 20})
			if err != nil {
				t.Fatal(err)
			}
			second, err := sim.New(sim.Options{Disks: 20})
			if err != nil {
				t.Fatal(err)
			}
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			url := "http://" + l.Addr().String()
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- first.Serve(ctx, l) }()
			h := start(t)
			h.open(root(url))
			h.initialScan()
			cancel()
			if err := <-done; err != nil {
				t.Fatal(err)
			}
			if l, err = net.Listen("tcp", strings.TrimPrefix(url, "http://")); err != nil {
				t.Fatal(err)
			}
			ctx, cancel = context.WithCancel(t.Context())
			go func() { done <- second.Serve(ctx, l) }()
			a := h.try(wire.MethodUpdateScan, wire.SessionParams{Session: "s"})
			if a.Error == nil || !strings.Contains(a.Error.Message, "the array was restarted") {
				t.Errorf("update scan after a restart: %+v", a.Error)
			}
			h.teardown()
			cancel()
			<-done
		})
	}
}

func TestLargeArrayHasPages(t *testing.T) {
	array, url := simulate(t, sim.Options{Disks: 2_345})
	all := others(t)
	all["go"] = startGo(t)
	for _, h := range all {
		h.open(root(url))
		h.initialScan()
	}
	strike(t, array, "upgrade-firmware 100%", "remove-disk disk-2200")
	dumps := map[string]bool{}
	for name, h := range all {
		h.updateScan()
		dump := strings.Join(h.dump(), "\n")
		if n := strings.Count(dump, "\nDisk("); n != 2_344 {
			t.Errorf("%s: %d disks, want 2344", name, n)
		}
		dumps[dump] = true
	}
	if len(dumps) != 1 {
		t.Error("the plugins report different graphs; TestSameGraph shows how")
	}
}
