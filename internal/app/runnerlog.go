package app

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"

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

// forwarding returns a log that does as the given one, and whose lines the server
// gets from the least level on. Session says that a session logs, not a plugin.
func (r *Runner) forwarding(log *slog.Logger, least slog.Level, session bool) *slog.Logger {
	return copyTo(log, least, func(rec slog.Record, each eachAttr) {
		n := logNote{Time: rec.Time, Level: rec.Level, Text: rec.Message, Session: session, Fields: map[string]any{}}
		each(func(a slog.Attr) {
			switch v := a.Value.Resolve(); {
			case a.Key == "plugin":
				n.Plugin = v.String()
			case v.Kind() == slog.KindAny, v.Kind() == slog.KindDuration:
				n.Fields[a.Key] = v.String()
			default:
				n.Fields[a.Key] = v.Any()
			}
		})
		select {
		case r.logs <- n:
		default:
			r.mu.Lock()
			r.dropped++
			r.mu.Unlock()
		}
	})
}
