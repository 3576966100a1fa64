package app

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/faultline-storage/faultline/internal/api"
	"github.com/faultline-storage/faultline/internal/api/gen"
)

func TestTheLastLinesOfEachPluginAreKept(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	tails := &logTails{}
	log := tails.keep(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelWarn})), slog.LevelInfo).With("component", "plugin")
	log.Warn("of no plugin")
	log.With("plugin", "acme").Debug("too fine")
	log.With("plugin", "acme").Info("hello", "session", "s1", slog.Group("fields", "disk", 7))
	log.Error("elsewhere", "plugin", "acme", "runner", "one")

	got := tails.of(api.PluginRef{Name: "acme"})
	for i := range got {
		if time.Since(got[i].Time) > time.Minute {
			t.Errorf("line %d is of %v", i, got[i].Time)
		}
		got[i].Time = time.Time{}
	}
	want := []api.PluginLogLine{{Level: gen.LogLevelInfo, Text: "hello", Fields: map[string]string{"session": "s1", "disk": "7"}}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if got := tails.of(api.PluginRef{Name: "acme", Runner: "one"}); len(got) != 1 || got[0].Text != "elsewhere" || got[0].Level != gen.LogLevelError {
		t.Errorf("of the runner's plugin: %+v", got)
	}
	if s := out.String(); strings.Contains(s, "hello") || !strings.Contains(s, "elsewhere") || !strings.Contains(s, "of no plugin") {
		t.Errorf("the log itself is changed: %s", s)
	}

	for i := range keptLines + 3 {
		log.Warn(fmt.Sprint(i), "plugin", "busy", "long", strings.Repeat("é", longestLine))
	}
	got = tails.of(api.PluginRef{Name: "busy"})
	if len(got) != keptLines || got[0].Text != "3" || got[keptLines-1].Text != fmt.Sprint(keptLines+2) {
		t.Errorf("%d lines, from %+v", len(got), got[:1])
	}
	if n := len(got[0].Fields["long"]); n > longestLine+len("…") {
		t.Errorf("a field has %d bytes", n)
	}
	for i := range mostLogs + 10 {
		log.Warn("x", "plugin", fmt.Sprint("p", i))
	}
	if n := len(tails.lines); n != mostLogs {
		t.Errorf("the lines of %d plugins are kept", n)
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	before := &pluginUse{PID: 1, At: at, CPU: time.Second}
	now := &pluginUse{PID: 1, At: at.Add(10 * time.Second), CPU: 6 * time.Second, Memory: 5, Threads: 3, OpenFiles: 2}
	half := 0.5
	want := &gen.PluginUsage{Memory: 5, Processes: 3, OpenFiles: 2, Time: now.At}
	if d := cmp.Diff(want, useSample{now: now}.usage()); d != "" {
		t.Errorf("the first: %s", d)
	}
	want.CPU = &half
	if d := cmp.Diff(want, useSample{before, now}.usage()); d != "" {
		t.Errorf("the second: %s", d)
	}
	other := *before
	other.PID = 2
	want.CPU = nil
	if d := cmp.Diff(want, useSample{&other, now}.usage()); d != "" {
		t.Errorf("of another process: %s", d)
	}
	if u := (useSample{}).usage(); u != nil {
		t.Errorf("of none: %+v", u)
	}
}
