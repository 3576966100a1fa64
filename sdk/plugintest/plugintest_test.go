package plugintest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/faultline-storage/faultline/sdk/plugin"
	"github.com/faultline-storage/faultline/sdk/plugintest"
)

type Array struct {
	plugin.ScannableResource
	Address plugin.Hostname `attr:",globalid"`
}

type Tray struct {
	plugin.Enclosure
	Number int `attr:",scopedid"`
}

type Drive struct {
	plugin.PhysicalDisk
	Tray *Tray `attr:",scopedid"`
	Slot int   `attr:",scopedid"`
	Load float64
	Temp plugin.Gauge
}

// Acme talks to an array that a test sets up.
type Acme struct {
	drives   int
	restless bool // every update finds another load
	moving   bool // every session finds other drives
	loop     bool // parents form a cycle
	fail     error
	scans    int
}

func (a *Acme) InitialScan(ctx context.Context, s *plugin.Session, root *Array) error {
	a.scans++
	s.Every(5 * time.Second)
	return a.UpdateScan(ctx, s, root)
}

func (a *Acme) UpdateScan(_ context.Context, s *plugin.Session, _ *Array) error {
	tray := plugin.Report(s, &Tray{Number: 1})
	for i := range a.drives {
		if a.moving {
			i += a.scans
		}
		d := plugin.Report(s, &Drive{Tray: tray, Slot: i}, tray)
		d.Temp.Set(float64(20 + i))
		if a.restless {
			a.scans++
			d.Load = float64(a.scans)
		}
		if a.loop {
			tray.AddParent(d)
		}
	}
	return a.fail
}

// AgentSessionStart reports a drive for every slot that the data names.
func (a *Acme) AgentSessionStart(_ context.Context, s *plugin.Session, hostID int64, data json.RawMessage) error {
	a.drives = int(hostID)
	return a.UpdateScan(s.Context(), s, nil)
}

// AgentSessionContinue is AgentSessionStart.
func (a *Acme) AgentSessionContinue(ctx context.Context, s *plugin.Session, hostID int64, data json.RawMessage) error {
	return a.AgentSessionStart(ctx, s, hostID, data)
}

func start(t testing.TB, a *Acme) *plugintest.Harness {
	return plugintest.Start(t, func() *Acme { return a }, &Array{Address: "10.0.0.1"}, plugin.Reports[Tray](), plugin.Reports[Drive]())
}

func TestHarness(t *testing.T) {
	a := &Acme{drives: 3}
	h := start(t, a)
	h.InitialScan()
	h.Want("Drive", 3)
	tray := h.Get("Tray", plugintest.Attrs{"number": 1})
	h.Want("Drive", plugintest.Attrs{"slot": 2, "tray": tray, "load": 0})
	d := h.Get("Drive", plugintest.Attrs{"slot": 2})
	h.WantParents(d, tray)
	h.Clock.Advance(time.Minute)
	h.UpdateScan()
	samples := h.Samples(d, "temp")
	if len(samples) != 2 || string(samples[1].Value) != "22" || samples[1].Time-samples[0].Time != 60_000 {
		t.Errorf("samples %v", samples)
	}
	if h.UpdatePeriod() != 5*time.Second {
		t.Errorf("period %v", h.UpdatePeriod())
	}
	a.fail = errors.New("no route")
	if err := h.TryUpdateScan(); err == nil || err.Error() != "no route" {
		t.Errorf("error %v", err)
	}
	h.Reopen()
	if err := h.TryInitialScan(); err == nil {
		t.Error("no error")
	}
	h.Want("Drive", 0)
	a.fail = nil
	h.Conform()
	if err := h.AgentStart(2, []string{}); err != nil {
		t.Error(err)
	}
	h.Want("Drive", 2)
	if err := h.AgentContinue(4, nil); err != nil {
		t.Error(err)
	}
	h.Want("Drive", 4)
}

// recorder notes what a test would complain about.
type recorder struct {
	testing.TB
	said []string
}

func (r *recorder) Errorf(format string, args ...any) {
	r.said = append(r.said, fmt.Sprintf(format, args...))
}
func (r *recorder) Error(args ...any) { r.said = append(r.said, fmt.Sprint(args...)) }

// TestConformFinds makes sure that Conform and the harness find what they are
// there for.
func TestConformFinds(t *testing.T) {
	for _, test := range []struct {
		a    Acme
		want string
	}{
		{Acme{drives: 2}, ""},
		{Acme{drives: 2, restless: true}, "unchanged hardware made 2 changes"},
		{Acme{drives: 2, moving: true}, "other resources"},
		{Acme{drives: 2, loop: true}, "cycle"},
	} {
		t.Run(test.want, func(t *testing.T) {
			r := &recorder{TB: t}
			start(r, &test.a).Conform()
			said := strings.Join(r.said, "\n")
			if (test.want == "") != (said == "") || !strings.Contains(said, test.want) {
				t.Errorf("said %q, want %q", said, test.want)
			}
		})
	}
}
