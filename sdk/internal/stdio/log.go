package stdio

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/faultline-storage/faultline/sdk/wire"
)

// LevelFromEnv returns the level that the host asked for (SPEC.md, section 7).
func LevelFromEnv() slog.Level { return LevelNamed(os.Getenv("FAULTLINE_LOG_LEVEL")) }

// LevelNamed returns the level of a name of the protocol: warning for a name that it
// does not know.
func LevelNamed(name string) slog.Level {
	switch name {
	case "debug":
		return slog.LevelDebug
	case "info":
		return slog.LevelInfo
	case "error":
		return slog.LevelError
	default:
		return slog.LevelWarn
	}
}

func levelName(l slog.Level) string {
	switch {
	case l < slog.LevelInfo:
		return "debug"
	case l < slog.LevelWarn:
		return "info"
	case l < slog.LevelError:
		return "warning"
	default:
		return "error"
	}
}

// MaxMessage bounds the text of a log record, in bytes.
const MaxMessage = 64 << 10

// Log sends a log record. Failure to send is no news: it fails everything else.
func (c *Conn) Log(rec wire.LogRecord) {
	if len(rec.Message) > MaxMessage {
		rec.Message = rec.Message[:MaxMessage] + "…"
	}
	rec.Message = strings.ToValidUTF8(rec.Message, "\ufffd")
	params, err := json.Marshal(rec)
	if err != nil || len(params) > 4*MaxMessage { // a field that is no JSON, or too much of it
		rec.Fields = map[string]any{"fields": "left out: too long or not representable"}
		if params, err = json.Marshal(rec); err != nil {
			return
		}
	}
	line := append([]byte(`{"jsonrpc":"2.0","method":"`+wire.NoteLog+`","params":`), params...)
	_ = c.WriteLine(append(line, "}\n"...))
}

// NewLogger makes a logger whose records go to the host. session is empty for
// what belongs to no session.
func NewLogger(c *Conn, session string, level slog.Leveler, now func() time.Time) *slog.Logger {
	return slog.New(&handler{conn: c, session: session, level: level, now: now})
}

// handler is the slog handler of NewLogger.
type handler struct {
	conn    *Conn
	session string
	level   slog.Leveler
	now     func() time.Time
	attrs   []slog.Attr // resolved into groups already
	groups  []string
}

// Enabled implements slog.Handler.
func (h *handler) Enabled(_ context.Context, l slog.Level) bool { return l >= h.level.Level() }

// Handle implements slog.Handler.
func (h *handler) Handle(_ context.Context, r slog.Record) error {
	rec := wire.LogRecord{Session: h.session, Level: levelName(r.Level), Time: h.now().UnixMilli(), Source: "log", Message: r.Message}
	var attrs []slog.Attr
	r.Attrs(func(a slog.Attr) bool { attrs = append(attrs, a); return true })
	attrs = append(slices.Clip(h.attrs), h.grouped(attrs)...)
	if len(attrs) > 0 {
		rec.Fields = map[string]any{}
		addFields(rec.Fields, attrs)
	}
	h.conn.Log(rec)
	return nil
}

// WithAttrs implements slog.Handler.
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	h2 := *h
	h2.attrs = append(slices.Clip(h.attrs), h.grouped(attrs)...)
	return &h2
}

// WithGroup implements slog.Handler.
func (h *handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	h2 := *h
	h2.groups = append(slices.Clip(h.groups), name)
	return &h2
}

// grouped wraps attributes in the open groups.
func (h *handler) grouped(attrs []slog.Attr) []slog.Attr {
	if len(attrs) == 0 {
		return nil
	}
	for _, g := range slices.Backward(h.groups) {
		attrs = []slog.Attr{{Key: g, Value: slog.GroupValue(attrs...)}}
	}
	return attrs
}

func addFields(m map[string]any, attrs []slog.Attr) {
	for _, a := range attrs {
		v := a.Value.Resolve()
		if v.Kind() != slog.KindGroup {
			m[a.Key] = fieldValue(v)
			continue
		}
		sub := m
		if a.Key != "" {
			var ok bool
			if sub, ok = m[a.Key].(map[string]any); !ok {
				sub = map[string]any{}
				m[a.Key] = sub
			}
		}
		addFields(sub, v.Group())
	}
}

// fieldValue turns a value into one that JSON can show.
func fieldValue(v slog.Value) any {
	switch v.Kind() {
	case slog.KindString, slog.KindBool, slog.KindInt64, slog.KindUint64:
		return v.Any()
	case slog.KindFloat64, slog.KindDuration, slog.KindTime:
		return v.String() // an infinity is no JSON; a duration reads better as text
	}
	if err, ok := v.Any().(error); ok {
		return err.Error()
	}
	if _, err := json.Marshal(v.Any()); err != nil {
		return v.String()
	}
	return v.Any()
}
