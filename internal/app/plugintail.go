package app

import (
	"context"
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
	return slog.New(tailing{Handler: log.Handler(), tails: t, least: least})
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

// tailing is the handler of such a log.
type tailing struct {
	slog.Handler
	tails *logTails
	least slog.Level
	attrs []slog.Attr
}

// Enabled implements slog.Handler.
func (h tailing) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= h.least || h.Handler.Enabled(ctx, l)
}

// Handle implements slog.Handler.
func (h tailing) Handle(ctx context.Context, rec slog.Record) error {
	if rec.Level >= h.least {
		var place pluginPlace
		line := api.PluginLogLine{Time: rec.Time, Level: levelOf(rec.Level), Text: shortLine(rec.Message), Fields: map[string]string{}}
		add := func(a slog.Attr) bool {
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
			return true
		}
		for _, a := range h.attrs {
			add(a)
		}
		rec.Attrs(add)
		if place.name != "" {
			h.tails.add(place, line)
		}
	}
	if h.Handler.Enabled(ctx, rec.Level) {
		return h.Handler.Handle(ctx, rec)
	}
	return nil
}

// WithAttrs implements slog.Handler.
func (h tailing) WithAttrs(attrs []slog.Attr) slog.Handler {
	h.Handler, h.attrs = h.Handler.WithAttrs(attrs), slices.Concat(h.attrs, attrs)
	return h
}

// WithGroup implements slog.Handler. Groups are for the log itself only.
func (h tailing) WithGroup(name string) slog.Handler {
	h.Handler = h.Handler.WithGroup(name)
	return h
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
