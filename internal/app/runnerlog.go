package app

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"

	"github.com/faultline-storage/faultline/internal/link"
)

// sendLogs tells the server what the plugins log, until ctx ends.
func (r *Runner) sendLogs(ctx context.Context) error {
	for {
		select {
		case n := <-r.logs:
			r.sendLog(ctx, n)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// sendLog waits until the server has the line, or the runner ends.
func (r *Runner) sendLog(ctx context.Context, n logNote) {
	r.mu.Lock()
	dropped := r.dropped
	r.dropped = 0
	r.mu.Unlock()
	if dropped > 0 {
		n.Text = fmt.Sprintf("%s (%d lines of the log before this were dropped: the server was away)", n.Text, dropped)
	}
	b, err := json.Marshal(n)
	if err != nil { // a field that has no form as JSON
		n.Fields = nil
		if b, err = json.Marshal(n); err != nil {
			return
		}
	}
	for ctx.Err() == nil {
		changed := r.changes()
		if w := r.current(); w != nil && w.conn.Send(ctx, link.Message{Kind: kindLog, Body: b, Priority: link.Low}) == nil {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
		}
	}
}

// forward is a handler of logs that also hands them to the server.
type forward struct {
	slog.Handler
	r       *Runner
	least   slog.Level // of what the server gets
	session bool       // a session logs, not a plugin
	attrs   []slog.Attr
}

// Enabled implements slog.Handler.
func (h forward) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= h.least || h.Handler.Enabled(ctx, l)
}

// Handle implements slog.Handler.
func (h forward) Handle(ctx context.Context, rec slog.Record) error {
	if rec.Level >= h.least {
		n := logNote{Time: rec.Time, Level: rec.Level, Text: rec.Message, Session: h.session, Fields: map[string]any{}}
		add := func(a slog.Attr) bool {
			switch v := a.Value.Resolve(); {
			case a.Key == "plugin":
				n.Plugin = v.String()
			case v.Kind() == slog.KindAny, v.Kind() == slog.KindDuration:
				n.Fields[a.Key] = v.String()
			default:
				n.Fields[a.Key] = v.Any()
			}
			return true
		}
		for _, a := range h.attrs {
			add(a)
		}
		rec.Attrs(add)
		select {
		case h.r.logs <- n:
		default:
			h.r.mu.Lock()
			h.r.dropped++
			h.r.mu.Unlock()
		}
	}
	if h.Handler.Enabled(ctx, rec.Level) {
		return h.Handler.Handle(ctx, rec)
	}
	return nil
}

// WithAttrs implements slog.Handler.
func (h forward) WithAttrs(attrs []slog.Attr) slog.Handler {
	h.Handler, h.attrs = h.Handler.WithAttrs(attrs), slices.Concat(h.attrs, attrs)
	return h
}

// WithGroup implements slog.Handler. Groups are for the runner's own log only.
func (h forward) WithGroup(name string) slog.Handler {
	h.Handler = h.Handler.WithGroup(name)
	return h
}
