package scan

import (
	"context"
	"testing"
	"time"

	"github.com/faultline-storage/faultline/internal/builtin/linux/fact"
	"github.com/faultline-storage/faultline/internal/builtin/linux/scan/scantest"
	"github.com/faultline-storage/faultline/internal/builtin/linux/scan/source"
)

// daemon is a multipathd that answers, and nothing else is installed.
type daemon struct {
	state string // of a path
	asked int
}

func (d *daemon) Run(_ context.Context, c source.Command) (source.Output, error) {
	if c.Name != "multipathd" {
		return source.Output{}, source.ErrMissing
	}
	d.asked++
	return source.Output{Stdout: []byte(`{"major_version":0,"minor_version":1,"maps":[{"name":"mpath0","uuid":"3600508b4000000000000000000000000","sysfs":"dm-0",
"path_groups":[{"group":1,"paths":[{"dev":"sda","dev_t":"8:0","dm_st":"` + d.state + `","chk_st":"ready","pri":50}]}]}]}`)}, nil
}

// What multipathd says is asked for each minute, and the report put together anew only
// if it says something else.
func TestAskedAgain(t *testing.T) {
	files := scantest.InMemory{Tree: source.NewTree()}
	files.PutFolder("/run/udev/data")
	files.Put("/proc/self/mountinfo", "")
	scantest.PutDisk(files, 0, 0)
	scantest.PutMap(files, 0, 0, 0)
	clock, mp := time.Unix(1e9, 0), &daemon{state: "active"}
	s := New(Options{Files: files.Tree, Commands: mp, Now: func() time.Time { return clock }})
	first := s.Scan(t.Context())
	state := func(r *fact.Report) string {
		t.Helper()
		for _, d := range r.Devices {
			if d.Map != nil && len(d.Map.Paths) == 1 {
				return d.Map.Paths[0].DM
			}
		}
		t.Fatalf("no map with a path in %+v", r)
		return ""
	}
	before := state(first)
	for minute := range 3 {
		clock = clock.Add(time.Minute)
		if got := s.update(t.Context(), &news{}); got != first || mp.asked != minute+2 {
			t.Errorf("minute %d: another report is %v, asked %d times", minute, got != first, mp.asked)
		}
		clock = clock.Add(15 * time.Second)
		if s.update(t.Context(), &news{}); mp.asked != minute+2 {
			t.Errorf("minute %d: asked %d times", minute, mp.asked)
		}
	}
	mp.state = "failed"
	clock = clock.Add(time.Minute)
	if got := state(s.update(t.Context(), &news{})); got == before {
		t.Errorf("a path that failed is %q", got)
	}
}
