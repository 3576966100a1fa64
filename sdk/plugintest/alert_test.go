package plugintest_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/faultline-storage/faultline/sdk/plugin"
	"github.com/faultline-storage/faultline/sdk/plugintest"
)

// Site is a root with a password and a condition of its own.
type Site struct {
	plugin.ScannableResource
	Address  plugin.Hostname `attr:",globalid"`
	Password plugin.Secret   `attr:",optional"`
	Mode     string          `attr:",optional"`
}

func (s *Site) Describe(c *plugin.Class) {
	c.Alert(plugin.When(&s.Mode).Info("test"), "Site is in test")
}

type Part struct {
	plugin.PhysicalDisk
	Number int `attr:",scopedid"`
	Status string
	Spare  *int `attr:",optional"`
	Heat   plugin.Gauge
}

func (p *Part) Describe(c *plugin.Class) {
	c.Alert(plugin.When(&p.Status).Error("FAILED"), "Part failure")
	c.Alert(plugin.Above(&p.Heat).Warn(70).Error(85).WarnClear(60), "Part too hot")
	c.Alert(plugin.Below(&p.Spare).Warn(10).For(time.Minute), "Little spare")
}

// Parts reports one part as a test has it.
type Parts struct {
	status string
	spare  *int
	heat   float64
	gone   bool
	tells  bool
}

func (p *Parts) InitialScan(ctx context.Context, s *plugin.Session, root *Site) error {
	if p.tells {
		s.Log.Info(fmt.Sprintf("signing in with %s", string(root.Password)))
	}
	return p.UpdateScan(ctx, s, root)
}

func (p *Parts) UpdateScan(_ context.Context, s *plugin.Session, _ *Site) error {
	part := plugin.Report(s, &Part{Number: 1, Status: p.status, Spare: p.spare})
	part.Heat.Set(p.heat)
	if p.gone {
		plugin.Remove(part)
	}
	return nil
}

func startParts(t testing.TB, p *Parts) *plugintest.Harness {
	return plugintest.Start(t, func() *Parts { return p }, &Site{Address: "a", Password: "open sesame", Mode: "test"}, plugin.Reports[Part]())
}

func TestAlerts(t *testing.T) {
	p := &Parts{status: "OK", heat: 20}
	h := startParts(t, p)
	h.InitialScan()
	h.WantAlerts("Site is in test")
	for _, step := range []struct {
		status string
		heat   float64
		want   []string
	}{
		{"OK", 70, nil},
		{"OK", 86, []string{"error Part too hot", "warning Part too hot"}},
		{"FAILED", 85, []string{"error Part failure", "warning Part too hot"}},
		{"FAILED", 61, []string{"error Part failure", "warning Part too hot"}},
		{"OK", 60, nil},
	} {
		p.status, p.heat = step.status, step.heat
		h.UpdateScan()
		var got []string
		for _, a := range h.Alerts() {
			if a.Resource.Class == "Part" {
				got = append(got, a.Severity+" "+a.Message)
			}
		}
		if !slices.Equal(got, step.want) {
			t.Errorf("%s at %v: alerts %q, want %q", step.status, step.heat, got, step.want)
		}
	}

	few := 5
	p.spare = &few
	began := h.Clock.Now()
	h.UpdateScan()
	h.Clock.Advance(59 * time.Second)
	h.WantAlerts("Site is in test")
	h.Clock.Advance(2 * time.Second)
	h.WantAlerts("Site is in test", "Little spare")
	if a := h.Alerts()[0]; !a.Since.Equal(began) || !a.Began.Equal(began.Add(time.Minute)) || string(a.Value) != "5" {
		t.Errorf("alert %+v", a)
	}
	p.gone = true
	h.UpdateScan()
	h.WantAlerts("Site is in test")
	if got := h.Removed(); !slices.Equal(got, []string{"Part number=1"}) {
		t.Errorf("removed %q", got)
	}

	r := &recorder{TB: t}
	other := startParts(r, &Parts{status: "FAILED"})
	other.InitialScan()
	other.WantAlerts("Site is in test")
	if said := strings.Join(r.said, "\n"); !strings.Contains(said, "error Part failure: status of Part (handle 1)") {
		t.Errorf("said %q", said)
	}
}

// TestDelete has the server delete a part: the plugin reports it again.
func TestDelete(t *testing.T) {
	h := startParts(t, &Parts{status: "OK"})
	h.InitialScan()
	part := h.Get("Part", plugintest.Attrs{"number": 1})
	h.Delete(part)
	if again := h.Await("Part", plugintest.Attrs{"number": 1}); again.Handle == part.Handle {
		t.Errorf("it came back as %v", again)
	}
}

// TestConformFindsSecrets: a password in the log is found.
func TestConformFindsSecrets(t *testing.T) {
	for tells, want := range map[bool]string{false: "", true: "the log has the value of Site.password"} {
		r := &recorder{TB: t}
		startParts(r, &Parts{status: "OK", tells: tells}).Conform()
		if said := strings.Join(r.said, "\n"); !strings.Contains(said, want) || (want == "") != (said == "") {
			t.Errorf("said %q, want %q", said, want)
		}
	}
}
