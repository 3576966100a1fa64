package session_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/internal/session"
	"github.com/faultline-storage/faultline/sdk/wire"
)

// TestGate has scans come one a second, each for some seconds, and looks at when
// they begin.
func TestGate(t *testing.T) {
	t.Parallel()
	type scan struct {
		address string
		target  resource.Target
		takes   int // seconds
		giveUp  int // after so many seconds; 0 never
	}
	one := resource.Target{Concurrency: 1}
	for _, tt := range []struct {
		name  string
		scans []scan
		want  string // address@second of every scan that began
	}{
		{"one at a time, first come first served", []scan{{"a", one, 10, 0}, {"a", one, 1, 0}, {"A ", one, 1, 0}}, "a@0 a@10 A @11"},
		{"other addresses", []scan{{"a", one, 10, 0}, {"b", one, 10, 0}}, "a@0 b@1"},
		{"two at a time", []scan{{"a", resource.Target{Concurrency: 2}, 10, 0}, {"a", resource.Target{Concurrency: 2}, 10, 0}, {"a", resource.Target{Concurrency: 2}, 10, 0}}, "a@0 a@1 a@10"},
		{"interval from beginning to beginning", []scan{{"a", resource.Target{MinInterval: 30 * time.Second}, 1, 0}, {"a", resource.Target{MinInterval: 30 * time.Second}, 1, 0}, {"a", resource.Target{MinInterval: 30 * time.Second}, 1, 0}}, "a@0 a@30 a@60"},
		{"a long scan and an interval", []scan{{"a", resource.Target{Concurrency: 1, MinInterval: 5 * time.Second}, 20, 0}, {"a", resource.Target{Concurrency: 1, MinInterval: 5 * time.Second}, 1, 0}, {"a", resource.Target{Concurrency: 1, MinInterval: 5 * time.Second}, 1, 0}}, "a@0 a@20 a@25"},
		{"one that gives up leaves its place", []scan{{"a", one, 10, 0}, {"a", one, 10, 3}, {"a", one, 1, 0}}, "a@0 a@10"},
		{"what runs has a bound, too", []scan{{"a", one, 10, 0}, {"a", resource.Target{MinInterval: time.Second}, 1, 0}}, "a@0 a@10"},
		{"nobody overtakes", []scan{{"a", resource.Target{Concurrency: 2}, 10, 0}, {"a", one, 1, 0}, {"a", resource.Target{Concurrency: 2}, 1, 0}}, "a@0 a@10 a@11"},
		{"the same host as URLs", []scan{{"https://bmc-1/redfish", one, 10, 0}, {"https://BMC-1:443", one, 1, 0}, {"bmc-1", one, 1, 0}, {"https://bmc-1:8443", one, 1, 0}},
			"https://bmc-1/redfish@0 https://bmc-1:8443@3 https://BMC-1:443@10 bmc-1@11"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := session.NewGate(time.Now, time.After)
				began := time.Now()
				var mu sync.Mutex
				var got []string
				var wg sync.WaitGroup
				for i, s := range tt.scans {
					wg.Go(func() {
						time.Sleep(time.Duration(i) * time.Second)
						ctx := t.Context()
						if s.giveUp > 0 {
							var cancel context.CancelFunc
							ctx, cancel = context.WithTimeout(ctx, time.Duration(s.giveUp)*time.Second)
							defer cancel()
						}
						leave, err := g.Enter(ctx, s.address, &s.target, func() {})
						if err != nil {
							return
						}
						mu.Lock()
						got = append(got, fmt.Sprintf("%s@%d", s.address, int(time.Since(began).Seconds())))
						mu.Unlock()
						time.Sleep(time.Duration(s.takes) * time.Second)
						leave()
						leave() // once is enough, and twice does no harm
					})
				}
				wg.Wait()
				if g := strings.Join(got, " "); g != tt.want {
					t.Errorf("got  %s\nwant %s", g, tt.want)
				}
			})
		})
	}
}

// plain is a fake for tests that wait by themselves.
type plain struct{ *fake }

func (p plain) Call(_ context.Context, method string, _, result any) error {
	method = strings.TrimPrefix(method, "session/")
	p.note("%s", method)
	n := strings.Count(" "+p.noted()+" ", " "+method+" ")
	res, err := p.answer(n, method)
	if out, ok := result.(*wire.TurnResult); ok && err == nil {
		*out = res
	}
	return err
}

// Release hands the next one a process that is not retired.
func (p plain) Release() {
	p.held--
	p.retired = nil
}

// polite is a session of a fake whose root has the address of a gate.
func polite(f *fake, id resource.ID, g *session.Gate, address string) *session.Session {
	class := &resource.Class{Plugin: "acme", Name: "Array", Bases: []string{resource.BaseScannable, resource.BaseResource},
		Attributes: []resource.Attribute{{Name: "address", Kind: resource.Hostname}},
		Target:     &resource.Target{Attribute: "address", Concurrency: 1, MinInterval: 30 * time.Second}}
	class.Index()
	return session.New(session.Options{
		ID: id, Plugin: "acme", Gate: g,
		Root: func() (session.Root, error) {
			return session.Root{Class: "Array", Attributes: map[string]json.RawMessage{"address": json.RawMessage(`"` + address + `"`)}}, nil
		},
		Wait:  func(context.Context) (session.Plugin, error) { f.held++; return plain{f}, nil },
		Class: func(string) *resource.Class { return class },
		Seal:  func(s string) string { return s }, Sink: f,
		Route: func(_ string, to func(wire.Batch)) func() { f.route = to; return func() {} },
		Log:   slog.New(slog.DiscardHandler), Now: time.Now, After: time.After, UpdatePeriod: time.Second,
	})
}

// TestTwoRootsOfOneAddress: their scans never run at once, and keep the interval,
// also those that fail and are tried again. Who waits says so.
func TestTwoRootsOfOneAddress(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := session.NewGate(time.Now, time.After)
		began := time.Now()
		var mu sync.Mutex
		var at []int
		running := 0
		scans := func(n int, method string) (wire.TurnResult, error) {
			if !strings.HasSuffix(method, "_scan") {
				return wire.TurnResult{}, nil
			}
			mu.Lock()
			at = append(at, int(time.Since(began).Seconds()))
			if running++; running > 1 {
				t.Error("two scans at once")
			}
			mu.Unlock()
			time.Sleep(5 * time.Second)
			mu.Lock()
			running--
			mu.Unlock()
			if n == 1 && method == "initial_scan" {
				return wire.TurnResult{}, errors.New("the array is busy")
			}
			return wire.TurnResult{Updates: true}, nil
		}
		ctx, cancel := context.WithTimeout(t.Context(), 595*time.Second)
		defer cancel()
		var wg sync.WaitGroup
		var fakes []*fake
		for i := range 2 {
			f := &fake{answer: scans, dead: make(chan struct{})}
			fakes = append(fakes, f)
			wg.Go(func() { polite(f, resource.ID(i+1), g, "10.0.0.1").Run(ctx) })
		}
		time.Sleep(20 * time.Second)
		synctest.Wait()
		waits := 0
		for _, f := range fakes {
			f.mu.Lock()
			if f.state.Waiting == "waiting for its turn at 10.0.0.1" {
				waits++
			} else if f.state.Waiting != "" {
				t.Errorf("it waits: %q", f.state.Waiting)
			}
			f.mu.Unlock()
		}
		if waits != 2 { // the one that comes next, and the one that was tried again
			t.Errorf("%d sessions wait", waits)
		}
		wg.Wait()
		var want []int
		for s := 0; s < 600; s += 30 {
			want = append(want, s)
		}
		if !slices.Equal(at, want) {
			t.Errorf("scans began at %v, want %v", at, want)
		}
		for i, f := range fakes {
			if f.state.Waiting != "" || f.state.Offline || f.held != 0 {
				t.Errorf("session %d after its end: %+v, held %d", i, f.state, f.held)
			}
		}
	})
}

// TestNobodyWaitsAtTheEnd: a session that waits for its turn ends at once when it
// is stopped, or when its plugin retires or dies; one that is stopped within a
// scan keeps the turn until the plugin has torn it down.
func TestNobodyWaitsAtTheEnd(t *testing.T) {
	t.Parallel()
	for _, end := range []string{"stopped", "retired", "killed"} {
		t.Run(end, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := session.NewGate(time.Now, time.After)
				leave, err := g.Enter(t.Context(), "10.0.0.1", &resource.Target{Concurrency: 1}, nil)
				if err != nil {
					t.Fatal(err)
				}
				f := &fake{answer: func(int, string) (wire.TurnResult, error) { return wire.TurnResult{}, nil }, dead: make(chan struct{}), retired: make(chan struct{})}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				over := make(chan struct{})
				go func() { polite(f, 1, g, "10.0.0.1").Run(ctx); close(over) }()
				synctest.Wait()
				if f.state.Waiting == "" || strings.Contains(f.noted(), "scan") {
					t.Fatalf("%+v, %s", f.state, f.noted())
				}
				switch end {
				case "stopped":
					cancel()
				case "retired":
					close(f.retired)
				case "killed":
					close(f.dead)
				}
				synctest.Wait()
				if f.state.Waiting != "" && end != "retired" { // which waits again, with another process
					t.Errorf("it still waits: %+v", f.state)
				}
				if !strings.Contains(f.noted(), "close") {
					t.Errorf("its session is open: %s", f.noted())
				}
				cancel()
				<-over
				leave()
			})
		})
	}
	t.Run("within a scan", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			g := session.NewGate(time.Now, time.After)
			scanned := make(chan struct{})
			hook := make(chan struct{})
			f := &fake{dead: make(chan struct{})}
			ctx, cancel := context.WithCancel(t.Context())
			f.answer = func(_ int, method string) (wire.TurnResult, error) {
				switch method {
				case "initial_scan":
					close(scanned)
					<-ctx.Done() // as a host's call returns, while the plugin goes on
					return wire.TurnResult{}, ctx.Err()
				case "teardown":
					<-hook // which the plugin does after the hook
				}
				return wire.TurnResult{}, nil
			}
			over := make(chan struct{})
			go func() { polite(f, 1, g, "10.0.0.1").Run(ctx); close(over) }()
			<-scanned
			cancel()
			<-over // after the time that a session waits for its teardown
			entered := make(chan struct{})
			go func() {
				leave, err := g.Enter(t.Context(), "10.0.0.1", &resource.Target{Concurrency: 1}, func() {})
				if err == nil {
					close(entered)
					leave()
				}
			}()
			synctest.Wait()
			select {
			case <-entered:
				t.Error("another scan began while the plugin was in its hook")
			default:
			}
			close(hook)
			<-entered
		})
	})
}
