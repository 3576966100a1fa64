package sim

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParseScript(t *testing.T) {
	got, err := ParseScript("demo.faults", `
# a bad day
at 2s   fail-disk disk-17      # zeros do not matter
at 5s   rebuild pool-3 4s
at 500ms overheat enclosure-1
at 5s   lose-path lun-4 controller-1
at 1m   silent 5s reset
at 1m   silent
at 1m   silent reset
at 61s  slow 500ms
at 62s  upgrade-firmware 1%
at 63s  heal lun-4/controller-01
at 64s  heal
`)
	if err != nil {
		t.Fatal(err)
	}
	sec := Duration(time.Second)
	want := Script{Name: "demo.faults", Steps: []Step{
		{500 * time.Millisecond, Fault{Name: "overheat", Target: "enclosure-1"}, 5},
		{2 * time.Second, Fault{Name: "fail-disk", Target: "disk-0017"}, 3},
		{5 * time.Second, Fault{Name: "rebuild", Target: "pool-03", For: 4 * sec}, 4},
		{5 * time.Second, Fault{Name: "lose-path", Target: "lun-4", Controller: "controller-1"}, 6},
		{time.Minute, Fault{Name: "silent", For: 5 * sec, Mode: ModeReset}, 7},
		{time.Minute, Fault{Name: "silent"}, 8},
		{time.Minute, Fault{Name: "silent", Mode: ModeReset}, 9},
		{61 * time.Second, Fault{Name: "slow", Delay: sec / 2}, 10},
		{62 * time.Second, Fault{Name: "upgrade-firmware", Percent: 1}, 11},
		{63 * time.Second, Fault{Name: "heal", Target: "lun-4/controller-1"}, 12},
		{64 * time.Second, Fault{Name: "heal"}, 13},
	}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestParseScriptNamesEveryBadLine(t *testing.T) {
	_, err := ParseScript("bad.faults", strings.Join([]string{
		"at 1s fail-disk disk-1",
		"fail-disk disk-1",
		"at noon heal",
		"at -1s heal",
		"at 1s explode",
		"at 1s fail-disk",
		"at 1s fail-disk pool-1",
		"at 1s fail-fan fan-1",
		"at 1s slow 0s",
		"at 1s silent 5s quietly",
		"at 1s upgrade-firmware 101",
		"at 1s upgrade-firmware NaN",
		"at 1s rebuild pool-1 5s 6s",
		"at 1s heal lun-1/disk-1",
		"at 1s overheat enclosure-1 hot",
	}, "\n"))
	if err == nil {
		t.Fatal("no error")
	}
	want := []string{
		`bad.faults:2: "fail-disk disk-1" is no step; write: at TIME FAULT, such as: at 2s fail-disk disk-0017`,
		`bad.faults:3: "noon" is no duration such as 500ms, 5s or 2m`,
		`bad.faults:4: "-1s" is negative`,
		`bad.faults:5: unknown fault "explode"; known are ` + strings.Join(faultNames(), ", "),
		`bad.faults:6: fail-disk lacks its DISK; write: fail-disk DISK`,
		`bad.faults:7: fail-disk: "pool-1" is no object such as disk-0001; write: fail-disk DISK`,
		`bad.faults:8: fail-fan: "fan-1" is no object such as fan-1-2; write: fail-fan FAN`,
		`bad.faults:9: slow: "0s" is no time at all; write: slow DELAY [DURATION]`,
		`bad.faults:10: silent: "quietly" is no way to be silent; write hang or reset; write: silent [DURATION] [hang|reset]`,
		`bad.faults:11: upgrade-firmware: "101" is no share of the disks such as 1% (more than 0, at most 100); write: upgrade-firmware PERCENT`,
		`bad.faults:12: upgrade-firmware: "NaN" is no share of the disks such as 1% (more than 0, at most 100); write: upgrade-firmware PERCENT`,
		`bad.faults:13: rebuild: "6s" is too much; write: rebuild POOL [DURATION]`,
		`bad.faults:14: heal: "lun-1/disk-1" is no path such as lun-4/controller-1; write: heal [OBJECT]`,
		`bad.faults:15: overheat: "hot" is no number of degrees from 1 to 200; write: overheat ENCLOSURE [DEGREES]`,
	}
	if d := cmp.Diff(want, strings.Split(err.Error(), "\n")); d != "" {
		t.Error(d)
	}
	var line *LineError
	if !errors.As(err, &line) || line.Line != 2 {
		t.Errorf("the first error is %+v, want one of line 2", line)
	}
}

func FuzzParseScript(f *testing.F) {
	f.Add("at 2s fail-disk disk-0017\nat 5s rebuild pool-03 4s # comment")
	f.Add("at 1h2m silent 5s reset\n\nat 1ns upgrade-firmware 0.5%")
	f.Add("at 1s heal lun-4/controller-1")
	f.Add("at 1s lose-path lun-00004 controller-1")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseScript("fuzz", text)
		if err != nil {
			return
		}
		for i, step := range s.Steps {
			if i > 0 && step.At < s.Steps[i-1].At {
				t.Errorf("step %d is out of order", i)
			}
			again, err := ParseFault(step.Fault.String())
			if err != nil || again != step.Fault {
				t.Errorf("%+v prints as %q, which reads as %+v, %v", step.Fault, step.Fault, again, err)
			}
			if clean, _, err := step.Fault.check(); err != nil || clean != step.Fault {
				t.Errorf("%+v checks as %+v, %v", step.Fault, clean, err)
			}
		}
	})
}

func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := small(t)
		script, err := ParseScript("run", "at 2s fail-disk disk-17\nat 5s rebuild pool-2 4s\nat 7s fail-disk disk-9999\nat 8s heal")
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		var at []time.Duration
		err = a.Run(t.Context(), script, func(s Step) {
			at = append(at, time.Since(start))
			if s.At != at[len(at)-1] {
				t.Errorf("step %v came at %v", s, at[len(at)-1])
			}
		})
		if err == nil || err.Error() != "run:3: fail-disk: the array has no disk-9999; it has 168 of that kind" {
			t.Errorf("Run: %v", err)
		}
		if len(at) != 2 {
			t.Errorf("%d steps were run, want 2", len(at))
		}
		get[map[string]any](t, a, "/api/v1/system")
		if p := one[pool](t, a, "pools", "pool-02"); p.Status != statusRebuilding || *p.RebuildPercent != 50 {
			t.Errorf("after half of the rebuild: %+v", p)
		}
		time.Sleep(2 * time.Second)
		if p := one[pool](t, a, "pools", "pool-02"); p.Status != statusOK || p.RebuildPercent != nil {
			t.Errorf("after the rebuild: %+v", p)
		}
	})
}
