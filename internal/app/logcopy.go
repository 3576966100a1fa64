package app

import (
	"context"
	"log/slog"
	"slices"
)

// copying is a handler of a log that also gives what it handles to somebody else,
// from a level on that is his own.
type copying struct {
	slog.Handler
	least slog.Level
	take  func(rec slog.Record, each eachAttr)
	attrs []slog.Attr
}

// eachAttr calls f with each attribute of a line, those of its log first. Groups of a
// log are for the log itself only.
type eachAttr func(f func(slog.Attr))

// copyTo returns a log that does as the given one, and whose lines take gets from the
// least level on.
func copyTo(log *slog.Logger, least slog.Level, take func(rec slog.Record, each eachAttr)) *slog.Logger {
	return slog.New(copying{Handler: log.Handler(), least: least, take: take})
}

// Enabled implements slog.Handler.
func (h copying) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= h.least || h.Handler.Enabled(ctx, l)
}

// Handle implements slog.Handler.
func (h copying) Handle(ctx context.Context, rec slog.Record) error {
	if rec.Level >= h.least {
		h.take(rec, func(f func(slog.Attr)) {
			for _, a := range h.attrs {
				f(a)
			}
			rec.Attrs(func(a slog.Attr) bool { f(a); return true })
		})
	}
	if h.Handler.Enabled(ctx, rec.Level) {
		return h.Handler.Handle(ctx, rec)
	}
	return nil
}

// WithAttrs implements slog.Handler.
func (h copying) WithAttrs(attrs []slog.Attr) slog.Handler {
	h.Handler, h.attrs = h.Handler.WithAttrs(attrs), slices.Concat(h.attrs, attrs)
	return h
}

// WithGroup implements slog.Handler.
func (h copying) WithGroup(name string) slog.Handler {
	h.Handler = h.Handler.WithGroup(name)
	return h
}
