package pluginhost

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/faultline-storage/faultline/sdk/wire"
)

const (
	// maxLogText is how much of a message or of a line of standard error is kept.
	maxLogText = 8 << 10
	// tailLines and tailText bound what is kept of standard error for Process.Err.
	tailLines = 10
	tailText  = 500
)

// A logSink takes what one plugin logs, from any goroutine.
type logSink struct {
	log   *slog.Logger
	level slog.Leveler
	on    func(wire.LogRecord)
	tap   func(Stream, []byte)
	limit *limiter

	mu   sync.Mutex
	tail []string // the last lines of standard error
}

func newLogSink(o Options) *logSink {
	k := &logSink{
		log:   o.Log.With("plugin", o.Spec.Name),
		level: o.LogLevel,
		on:    o.OnLog,
		tap:   o.Tap,
	}
	k.limit = newLimiter(o.LogRate, func(n int) {
		k.log.Warn(fmt.Sprintf("%d log records dropped: the plugin logs more than %d in a second", n, o.LogRate))
	})
	return k
}

// record takes a record, unless its level is too low or there are too many.
func (k *logSink) record(r wire.LogRecord) {
	level := parseLevel(r.Level)
	if level < k.level.Level() || !k.limit.allow() {
		return
	}
	k.emit(level, r)
}

func (k *logSink) emit(level slog.Level, r wire.LogRecord) {
	r.Message = cut(r.Message, maxLogText)
	k.on(r)
	ctx := context.Background()
	if !k.log.Enabled(ctx, level) {
		return
	}
	when := time.Now()
	if r.Time > 0 {
		when = time.UnixMilli(r.Time)
	}
	rec := slog.NewRecord(when, level, r.Message, 0)
	if r.Source != "" && r.Source != "log" {
		rec.AddAttrs(slog.String("source", r.Source))
	}
	if r.Session != "" {
		rec.AddAttrs(slog.String("session", r.Session))
	}
	if len(r.Fields) > 0 {
		// A group of their own, so that no plugin can pass for another.
		var fields []any
		for _, name := range slices.Sorted(maps.Keys(r.Fields)) {
			fields = append(fields, slog.Any(name, r.Fields[name]))
		}
		rec.AddAttrs(slog.Group("fields", fields...))
	}
	// A log that cannot be written is nothing that this package could mend.
	_ = k.log.Handler().Handle(ctx, rec)
}

// line takes a line of free text that the process printed.
func (k *logSink) line(source, text string) {
	if strings.TrimSpace(text) == "" {
		return
	}
	k.record(wire.LogRecord{Level: "warning", Time: time.Now().UnixMilli(), Source: source, Message: text})
}

// readStderr logs every line of r until it ends.
func (k *logSink) readStderr(r io.Reader) {
	br := bufio.NewReaderSize(r, maxLogText/2) // the mark of a cut line has to fit
	for {
		more := 0 // bytes of an over-long line that are not kept
		line, err := br.ReadSlice('\n')
		text := strings.TrimRight(string(line), "\r\n")
		for errors.Is(err, bufio.ErrBufferFull) {
			var rest []byte
			rest, err = br.ReadSlice('\n')
			more += len(bytes.TrimRight(rest, "\r\n"))
		}
		if more > 0 {
			text = withCutMark(text, more)
		}
		if text != "" {
			k.tap(Stderr, []byte(text))
			k.remember(text)
			k.line("stderr", text)
		}
		if err != nil {
			return
		}
	}
}

func (k *logSink) remember(text string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.tail) == tailLines {
		k.tail = append(k.tail[:0], k.tail[1:]...)
	}
	k.tail = append(k.tail, cut(text, tailText))
}

// lastLines returns the last lines of standard error.
func (k *logSink) lastLines() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.tail)
}

// cut shortens s to about n bytes and makes it valid UTF-8.
func cut(s string, n int) string {
	if len(s) > n {
		rest := len(s) - n
		for n > 0 && !utf8.RuneStart(s[n]) {
			n--
		}
		s = withCutMark(s[:n], rest)
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

func withCutMark(s string, more int) string { return fmt.Sprintf("%s… (%d bytes more)", s, more) }
