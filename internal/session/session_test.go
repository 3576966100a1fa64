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

// fake is a plugin process, the inventory and the clock, all of them noting
// what is asked of them.
type fake struct {
	mu    sync.Mutex
	calls []string // methods and state changes, in order
	state resource.RootState
	// answer decides on a call; the default answers an initial scan with one
	// batch and everything else with nothing.
	answer func(n int, method string) (wire.TurnResult, error)
	turn   int64
	route  func(wire.Batch)
	dead   chan struct{}
	apply  func(*resource.Batch) error
	// deleted is what OpenSession was given.
	deleted func([]resource.Handle)
	told    []any // the params of notifications
	retired chan struct{}
	again   chan struct{}
	held    int // how often the process was handed out and not released
}

func (f *fake) note(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, fmt.Sprintf(format, args...))
}

func (f *fake) noted() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Join(f.calls, " ")
}

func (f *fake) Call(ctx context.Context, method string, params, result any) error {
	method = strings.TrimPrefix(method, "session/")
	if method == "teardown" {
		synctest.Wait() // what was reported before may be applied before or after
	}
	f.note("%s", method)
	f.mu.Lock()
	n := 0
	for _, c := range f.calls {
		if c == method {
			n++
		}
	}
	f.mu.Unlock()
	res, err := f.answer(n, method)
	if err == nil && ctx.Err() != nil {
		err = ctx.Err()
	}
	if out, ok := result.(*wire.TurnResult); ok && err == nil {
		*out = res
	}
	return err
}

func (f *fake) Notify(method string, params any) error {
	f.note("%s", strings.TrimPrefix(method, "session/"))
	f.mu.Lock()
	defer f.mu.Unlock()
	f.told = append(f.told, params)
	return nil
}
func (f *fake) Done() <-chan struct{} { return f.dead }
func (f *fake) Retired() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.retired
}
func (f *fake) Release() { f.held-- }
func (f *fake) Err() error {
	select {
	case <-f.dead:
		return errors.New("plugin acme was killed")
	default:
		return nil
	}
}

func (f *fake) OpenSession(_ resource.ID, _ string, deleted func([]resource.Handle)) error {
	f.turn, f.deleted = 0, deleted
	return nil
}

func (f *fake) CloseSession(resource.ID, string) { f.note("close") }
func (f *fake) Contact(resource.ID, time.Time)   {}
func (f *fake) Apply(_ context.Context, b *resource.Batch) error {
	f.note("apply(%d)", len(b.Ops))
	if f.apply != nil {
		return f.apply(b)
	}
	return nil
}

func (f *fake) SetRootState(_ context.Context, _ resource.ID, change func(*resource.RootState)) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(&f.state)
	f.calls = append(f.calls, fmt.Sprintf("[live=%t offline=%t]", f.state.Live, f.state.Offline))
	return nil
}

// report sends a batch with one put and returns the answer that goes with it.
func (f *fake) report(complete bool, attributes string) wire.TurnResult {
	f.turn++
	f.route(wire.Batch{Turn: f.turn, Last: true, Complete: complete, Ops: []wire.Op{
		{Op: wire.OpPut, Handle: f.turn, Class: "Disk", Attributes: json.RawMessage(attributes)},
	}})
	return wire.TurnResult{Turn: f.turn, Updates: true}
}

var classes = func() map[string]*resource.Class {
	m := map[string]*resource.Class{}
	for _, c := range []*resource.Class{
		{Name: "Array", Bases: []string{resource.BaseScannable, resource.BaseResource}},
		{Name: "Disk", IDScope: resource.Scoped, IDNames: []string{"serial"}, Attributes: []resource.Attribute{
			{Name: "serial", Kind: resource.String}, {Name: "size", Kind: resource.Bytes, Default: resource.IntValue(7)},
			{Name: "model", Kind: resource.String},
		}, Statistics: []resource.Statistic{{Name: "temperature", Kind: resource.Gauge}, {Name: "sizes", Kind: resource.Histogram, Bins: [][]int64{{0, 9}, {10}}}}},
	} {
		c.Plugin = "acme"
		c.Index()
		m[c.Name] = c
	}
	return m
}()

const good = `{"serial":"d1","model":"m"}`

// run runs a session of the fake for the given (synthetic) time.
func run(t *testing.T, f *fake, d time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	sessionOf(f).Run(ctx)
}

// sessionOf returns the session of a root of the fake.
func sessionOf(f *fake, change ...func(*session.Options)) *session.Session {
	f.dead = make(chan struct{})
	o := session.Options{
		ID: 1, Plugin: "acme",
		Root: func() (session.Root, error) { return session.Root{Class: "Array"}, nil },
		Wait: func(context.Context) (session.Plugin, error) { f.held++; return f, nil },
		Again: func() <-chan struct{} {
			f.mu.Lock()
			defer f.mu.Unlock()
			return f.again
		},
		Class: func(n string) *resource.Class { return classes[n] },
		Seal:  func(s string) string { return s },
		Sink:  f,
		Route: func(_ string, to func(wire.Batch)) func() { f.route = to; return func() {} },
		Log:   slog.New(slog.DiscardHandler), Now: time.Now, After: time.After,
	}
	for _, c := range change {
		c(&o)
	}
	return session.New(o)
}

func TestLifeCycle(t *testing.T) {
	for _, tc := range []struct {
		name   string
		answer func(f *fake) func(int, string) (wire.TurnResult, error)
		apply  func(*resource.Batch) error
		time   time.Duration
		want   string
	}{
		{
			"scan, updates, teardown",
			func(f *fake) func(int, string) (wire.TurnResult, error) {
				return func(_ int, m string) (wire.TurnResult, error) {
					if m == "initial_scan" {
						r := f.report(true, good)
						r.UpdatePeriod = 10
						return r, nil
					}
					return wire.TurnResult{}, nil
				}
			},
			nil, 25 * time.Second,
			"open initial_scan apply(1) [live=true offline=false] update_scan [live=true offline=false] update_scan update_scan teardown close [live=false offline=false]",
		},
		{
			"no update scan",
			func(f *fake) func(int, string) (wire.TurnResult, error) {
				return func(_ int, m string) (wire.TurnResult, error) {
					if m == "initial_scan" {
						r := f.report(true, good)
						r.Updates = false
						return r, nil
					}
					return wire.TurnResult{}, nil
				}
			},
			nil, time.Hour,
			"open initial_scan apply(1) [live=true offline=false] [live=true offline=false] teardown close [live=false offline=false]",
		},
		{
			"the first scan fails, the second is fine",
			func(f *fake) func(int, string) (wire.TurnResult, error) {
				return func(n int, m string) (wire.TurnResult, error) {
					if m != "initial_scan" {
						return wire.TurnResult{}, nil
					}
					if n == 1 {
						return wire.TurnResult{}, errors.New("no route to host")
					}
					return f.report(true, good), nil
				}
			},
			nil, 2 * time.Second,
			"open initial_scan teardown close [live=false offline=true] open initial_scan apply(1) [live=true offline=true] update_scan [live=true offline=false] teardown close [live=false offline=false]",
		},
		{
			"a failed update commits what it changed",
			func(f *fake) func(int, string) (wire.TurnResult, error) {
				return func(_ int, m string) (wire.TurnResult, error) {
					switch m {
					case "initial_scan":
						return f.report(true, good), nil
					case "update_scan":
						f.report(false, good)
						return wire.TurnResult{}, errors.New("timeout")
					}
					return wire.TurnResult{}, nil
				}
			},
			nil, 500 * time.Millisecond,
			"open initial_scan apply(1) [live=true offline=false] update_scan apply(1) teardown close [live=false offline=true] [live=false offline=true]",
		},
		{
			"every update fails: offline holds until one succeeds",
			func(f *fake) func(int, string) (wire.TurnResult, error) {
				return func(_ int, m string) (wire.TurnResult, error) {
					switch m {
					case "initial_scan":
						return f.report(true, good), nil
					case "update_scan":
						return wire.TurnResult{}, errors.New("timeout")
					}
					return wire.TurnResult{}, nil
				}
			},
			nil, 2 * time.Second,
			"open initial_scan apply(1) [live=true offline=false] update_scan teardown close [live=false offline=true]" +
				" open initial_scan apply(1) [live=true offline=true] update_scan teardown close [live=false offline=true] [live=false offline=true]",
		},
		{
			"the inventory refuses the turn",
			func(f *fake) func(int, string) (wire.TurnResult, error) {
				return func(_ int, m string) (wire.TurnResult, error) {
					if m == "initial_scan" {
						return f.report(true, good), nil
					}
					return wire.TurnResult{}, nil
				}
			},
			func(*resource.Batch) error { return errors.New("cycle") },
			500 * time.Millisecond,
			"open initial_scan apply(1) rejected teardown close [live=false offline=true] [live=false offline=true]",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &fake{apply: tc.apply}
				f.answer = tc.answer(f)
				run(t, f, tc.time)
				if got := f.noted(); got != tc.want {
					t.Errorf("got  %s\nwant %s", got, tc.want)
				}
			})
		})
	}
}

func TestASessionMovesToAnotherProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{retired: make(chan struct{})}
		retire := func() {
			f.mu.Lock()
			defer f.mu.Unlock()
			close(f.retired)
			f.retired = make(chan struct{})
		}
		f.answer = func(n int, m string) (wire.TurnResult, error) {
			if m != "initial_scan" {
				return wire.TurnResult{}, nil
			}
			if n == 1 {
				time.AfterFunc(6*time.Second, retire) // between two update scans
			}
			return f.report(true, good), nil
		}
		run(t, f, 8*time.Second)
		const want = "open initial_scan apply(1) [live=true offline=false] update_scan [live=true offline=false] update_scan teardown close " +
			"open initial_scan apply(1) [live=true offline=false] update_scan [live=true offline=false] teardown close [live=false offline=false]"
		if got := f.noted(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		if f.held != 0 {
			t.Errorf("the process was handed out %d times more than released", f.held)
		}
	})
}

func TestAFailedSessionIsTriedAtOnceWhenThatHelps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{again: make(chan struct{})}
		const loaded = 100 * time.Second
		start := time.Now()
		var tries []int
		f.answer = func(_ int, m string) (wire.TurnResult, error) {
			if m == "open" {
				tries = append(tries, int(time.Since(start).Seconds()))
				if time.Since(start) < loaded {
					return wire.TurnResult{}, errors.New("not loaded")
				}
			}
			return wire.TurnResult{}, nil
		}
		time.AfterFunc(loaded, func() {
			f.mu.Lock()
			defer f.mu.Unlock()
			close(f.again)
			f.again = nil
		})
		run(t, f, 110*time.Second)
		if want := []int{0, 1, 3, 7, 15, 31, 63, 100}; !slices.Equal(tries, want) {
			t.Errorf("tried at %v, want %v", tries, want)
		}
		if f.held != 0 {
			t.Errorf("the process was handed out %d times more than released", f.held)
		}
	})
}

func TestBackoffDoublesAndIsCapped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{}
		start := time.Now()
		var tries []int
		f.answer = func(_ int, m string) (wire.TurnResult, error) {
			if m == "initial_scan" {
				tries = append(tries, int(time.Since(start).Seconds()))
			}
			return wire.TurnResult{}, errors.New("refused")
		}
		run(t, f, 1200*time.Second)
		if len(tries) > 0 {
			t.Errorf("a scan after a failed open at %v", tries)
		}
		opens := strings.Count(f.noted(), "open")
		// 0 1 3 7 15 31 63 127 255 511 767 1023
		if opens != 12 {
			t.Errorf("%d tries in 1,200 s, want 12", opens)
		}
	})
}

func TestADeadProcessEndsTheSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{}
		f.answer = func(n int, m string) (wire.TurnResult, error) {
			if m == "initial_scan" {
				if n == 1 {
					time.AfterFunc(500*time.Millisecond, func() { close(f.dead) })
				}
				return f.report(true, good), nil
			}
			return wire.TurnResult{}, nil
		}
		run(t, f, time.Second)
		if want := "update_scan [live=true offline=false] close [live=false offline=true]"; !strings.Contains(f.noted(), want) {
			t.Errorf("%s lacks %s", f.noted(), want)
		}
	})
}

func TestBadReportsNameWhatIsWrong(t *testing.T) {
	for _, tc := range []struct {
		name, attributes string
		want             []string
	}{
		{"unknown attribute", `{"serial":"d1","model":"m","colour":"red"}`, []string{"acme.Disk", "colour"}},
		{"wrong kind", `{"serial":"d1","model":5}`, []string{"acme.Disk", "model", `5`}},
		{"missing", `{"serial":"d1"}`, []string{"acme.Disk", `serial="d1"`, "model", "no value"}},
		{"null", `{"serial":"d1","model":null}`, []string{"model", "no value"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &fake{}
				f.answer = func(_ int, m string) (wire.TurnResult, error) {
					if m == "initial_scan" {
						return f.report(true, tc.attributes), nil
					}
					return wire.TurnResult{}, nil
				}
				run(t, f, 500*time.Millisecond)
				for _, w := range tc.want {
					if !strings.Contains(f.state.Error, w) {
						t.Errorf("error %q lacks %q", f.state.Error, w)
					}
				}
				if strings.Contains(f.noted(), "apply") {
					t.Error("something of it was applied")
				}
			})
		})
	}
}

func TestDefaultsFillMandatoryValues(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{}
		var got []resource.Value
		f.apply = func(b *resource.Batch) error { got = b.Ops[0].Values; return nil }
		f.answer = func(_ int, m string) (wire.TurnResult, error) {
			if m == "initial_scan" {
				return f.report(true, good), nil
			}
			return wire.TurnResult{}, nil
		}
		run(t, f, time.Second)
		if want := []resource.Value{resource.StringValue("d1"), resource.IntValue(7), resource.StringValue("m")}; !slices.Equal(got, want) {
			t.Errorf("values %v", got)
		}
	})
}

func TestAHookErrorNamesTheHookOnce(t *testing.T) {
	for text, want := range map[string]string{
		"plugin acme: update_scan: no route to host":              "update scan: no route to host",
		"plugin acme: update_scan did not answer within 2s":       "update scan: update_scan did not answer within 2s",
		"plugin acme: process ended by itself (signal: killed)":   "update scan: process ended by itself (signal: killed)",
		"turn 3 was refused: acme.Disk has no attribute colour":   "update scan: turn 3 was refused: acme.Disk has no attribute colour",
		"plugin of another kind":                                  "update scan: plugin of another kind",
		"plugin acme: update_scan: plugin x: update_scan: nested": "update scan: plugin x: update_scan: nested",
	} {
		if got := (&session.HookError{Hook: "update_scan", Err: errors.New(text)}).Error(); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestOnceTellsTheFirstHookThatFails(t *testing.T) {
	for _, tc := range []struct {
		fails []string
		want  string
		calls string
	}{
		{nil, "", "open initial_scan apply(1) [live=true offline=false] update_scan update_scan teardown close"},
		{[]string{"initial_scan", "teardown"}, "initial_scan", "open initial_scan teardown close"},
		{[]string{"update_scan", "teardown"}, "update_scan", "open initial_scan apply(1) [live=true offline=false] update_scan teardown close"},
		{[]string{"teardown"}, "teardown", "open initial_scan apply(1) [live=true offline=false] update_scan update_scan teardown close"},
	} {
		t.Run(strings.Join(tc.fails, " "), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &fake{}
				f.answer = func(_ int, m string) (wire.TurnResult, error) {
					switch {
					case slices.Contains(tc.fails, m):
						return wire.TurnResult{}, errors.New("broken")
					case m == "initial_scan":
						return f.report(true, good), nil
					}
					return wire.TurnResult{}, nil
				}
				_, err := sessionOf(f).Once(t.Context(), 2)
				var hook *session.HookError
				switch {
				case errors.As(err, &hook) != (tc.want != ""), hook != nil && hook.Hook != tc.want:
					t.Errorf("error %v, want one of %q", err, tc.want)
				}
				if got := f.noted(); got != tc.calls {
					t.Errorf("got  %s\nwant %s", got, tc.calls)
				}
			})
		})
	}
}
