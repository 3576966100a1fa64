package app

import (
	"log/slog"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/faultline-storage/faultline/internal/api"
)

const (
	// keptLines is how many lines of the log of each plugin are kept in memory.
	keptLines = 500
	// longestLine bounds the text of a kept line, and each of its fields, in bytes.
	longestLine = 2 << 10
	// mostLogs bounds the plugins whose lines are kept: runners may come and go.
	mostLogs = 1000
)

// logTails keep the last lines that each plugin logged, and that are about it. The
// zero value is ready; it is safe for concurrent use.
type logTails struct {
	mu    sync.Mutex
	lines map[pluginPlace][]api.PluginLogLine // oldest first
}

// keep returns a log that does as the given one, and whose lines about plugins are
// kept from the least level on.
func (t *logTails) keep(log *slog.Logger, least slog.Level) *slog.Logger {
	return copyTo(log, least, t.take)
}

// take keeps a line, if it is about a plugin.
func (t *logTails) take(rec slog.Record, each eachAttr) {
	var place pluginPlace
	line := api.PluginLogLine{Time: rec.Time, Level: levelOf(rec.Level), Text: shortLine(rec.Message), Fields: map[string]string{}}
	each(func(a slog.Attr) {
		switch v := a.Value.Resolve(); {
		case a.Key == "plugin":
			place.name = v.String()
		case a.Key == "runner":
			place.runner = v.String()
		case v.Kind() == slog.KindGroup:
			for _, in := range v.Group() {
				line.Fields[in.Key] = shortLine(in.Value.Resolve().String())
			}
		case a.Key != "component":
			line.Fields[a.Key] = shortLine(v.String())
		}
	})
	if place.name != "" {
		t.add(place, line)
	}
}

// of returns the kept lines of a plugin.
func (t *logTails) of(p api.PluginRef) []api.PluginLogLine {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.lines[pluginPlace{p.Name, p.Runner}])
}

func (t *logTails) add(p pluginPlace, line api.PluginLogLine) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.lines == nil {
		t.lines = map[pluginPlace][]api.PluginLogLine{}
	}
	lines, known := t.lines[p]
	switch {
	case !known && len(t.lines) >= mostLogs:
		return
	case len(lines) == keptLines:
		lines = slices.Delete(lines, 0, 1)
	}
	t.lines[p] = append(lines, line)
}

func shortLine(s string) string {
	if len(s) <= longestLine {
		return s
	}
	end := longestLine
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return strings.ToValidUTF8(s[:end], "") + "…"
}
