package app

import (
	"context"
	"log/slog"
)

// pluginLog is the log of one plugin: the server's own, which has a level of its
// own, or all of it once somebody asked for more than warnings.
type pluginLog struct {
	normal, all slog.Handler
	level       slog.Leveler // of the plugin
}

func (l pluginLog) chosen() slog.Handler {
	if l.level.Level() < slog.LevelWarn {
		return l.all
	}
	return l.normal
}

// Enabled implements slog.Handler.
func (l pluginLog) Enabled(ctx context.Context, at slog.Level) bool {
	return l.chosen().Enabled(ctx, at)
}

// Handle implements slog.Handler.
func (l pluginLog) Handle(ctx context.Context, r slog.Record) error { return l.chosen().Handle(ctx, r) }

// WithAttrs implements slog.Handler.
func (l pluginLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	return pluginLog{l.normal.WithAttrs(attrs), l.all.WithAttrs(attrs), l.level}
}

// WithGroup implements slog.Handler.
func (l pluginLog) WithGroup(name string) slog.Handler {
	return pluginLog{l.normal.WithGroup(name), l.all.WithGroup(name), l.level}
}
