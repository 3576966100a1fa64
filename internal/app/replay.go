package app

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/faultline-storage/faultline/internal/pluginhost"
	"github.com/faultline-storage/faultline/internal/record"
	"github.com/faultline-storage/faultline/internal/session"
	"github.com/faultline-storage/faultline/sdk/wire"
)

// Replay returns what the scan in a recording found; see RunOptions.Record. The
// plugin takes no part in it, and a recording always gives the same, to the byte.
func (t *Tool) Replay(ctx context.Context, path string) (*Found, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	rec, err := record.Read(f, path)
	if err != nil {
		return nil, err
	}
	return t.replay(ctx, rec, path, t.Log)
}

// replay scans with a recording in place of a plugin. What the plugin logged goes to
// the log, which may be nil.
func (t *Tool) replay(ctx context.Context, rec *record.Recording, file string, log *slog.Logger) (*Found, error) {
	classes, err := session.Classes(rec.Plugin, rec.Initialize.Manifest)
	if err != nil {
		return nil, &record.LineError{File: file, Line: 3, Text: "the declarations of the plugin: " + err.Error()}
	}
	plugins := newPluginSet(setOptions{})
	p := &replayed{rec: rec, file: file, deliver: plugins.deliver, log: log, clock: newClock(rec.Began), done: make(chan struct{})}
	found, err := t.scan(ctx, scanned{
		name: rec.Plugin, classes: classes, class: rec.Class, attributes: rec.Attributes, updates: rec.Updates,
		plugin: p, route: plugins.route, now: p.clock.Now, after: p.clock.After, ended: func() { p.clock.set(rec.Ended) },
	})
	if strayed := p.end(); strayed != nil {
		return nil, strayed
	}
	if WrongInput(err) {
		return nil, &record.LineError{File: file, Line: 1, Text: err.Error()}
	}
	return found, err
}

// replayed is a plugin that says what a recording has. It implements
// session.Plugin.
//
// Time stands still during a call: what is committed meanwhile has the time of the
// call, however long the replay takes.
type replayed struct {
	rec     *record.Recording
	file    string
	deliver func(wire.Batch)
	log     *slog.Logger
	clock   *clock
	done    chan struct{} // closed when the plugin's process had ended

	mu      sync.Mutex
	next    int    // entry
	session string // that is open
	gone    error  // why the process had ended
	strayed error  // the scan does not follow the recording
}

// end returns why the recording could not be followed to its end, if it could not.
func (p *replayed) end() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for at := p.next; at < len(p.rec.Entries) && p.strayed == nil && p.session != ""; at++ {
		if c := p.rec.Entries[at].Call; c != nil {
			_ = p.stray(at, "the recording goes on here with a call of %s, and the scan is over", c.Method)
		}
	}
	return p.strayed
}

// Call implements session.Plugin.
func (p *replayed) Call(ctx context.Context, method string, params, result any) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if open, ok := params.(wire.OpenParams); ok {
		p.session = open.Session
	}
	at := p.next
	for at < len(p.rec.Entries) && p.rec.Entries[at].Call == nil {
		at++
	}
	if at == len(p.rec.Entries) {
		return p.stray(len(p.rec.Entries)-1, "the recording ends here, and the host calls %s", method)
	}
	called := p.rec.Entries[at]
	if called.Call.Method != method {
		return p.stray(at, "the recording has a call of %s here, and the host calls %s", called.Call.Method, method)
	}
	p.clock.set(called.Time)
	for ; p.next < at; p.next++ {
		p.give(&p.rec.Entries[p.next])
	}
	for p.next++; p.next < len(p.rec.Entries); p.next++ {
		e := &p.rec.Entries[p.next]
		switch {
		case e.Call != nil: // it was not answered before
			return nil
		case e.Reply == nil:
			p.give(e)
		case e.Reply.ID == called.Call.ID:
			p.next++
			return p.answer(at, method, e.Reply, result)
		}
	}
	return nil // the plugin was still busy when the session ended
}

// give hands on what the plugin sent by itself.
func (p *replayed) give(e *record.Entry) {
	switch {
	case e.Batch != nil:
		b := *e.Batch
		b.Session = p.session
		p.deliver(b)
	case e.Log != nil && p.log != nil:
		level := slog.LevelWarn
		_ = level.UnmarshalText([]byte(e.Log.Level)) // an unknown one is a warning
		if e.Log.Level == "warning" {
			level = slog.LevelWarn
		}
		p.log.Log(context.Background(), level, e.Log.Message, "plugin", p.rec.Plugin, "source", e.Log.Source)
	}
}

func (p *replayed) answer(at int, method string, reply *record.Reply, result any) error {
	f := reply.Failure
	switch {
	case f == nil && result == nil:
		return nil
	case f == nil:
		if err := json.Unmarshal(reply.Result, result); err != nil {
			return p.stray(at, "the answer to this call cannot be read: %v", err)
		}
		return nil
	case !f.Lost:
		return &pluginhost.CallError{Plugin: p.rec.Plugin, Method: method, Code: f.Code, Message: f.Message, Data: f.Data}
	}
	err := &lostError{text: f.Message}
	if f.Ended && p.gone == nil {
		p.gone = err
		close(p.done)
	}
	return err
}

// stray notes that the scan takes another way than the recording.
func (p *replayed) stray(at int, format string, args ...any) error {
	line := 3 // the handshake
	if at >= 0 {
		line = p.rec.Entries[at].Line
	}
	err := &record.LineError{File: p.file, Line: line, Text: fmt.Sprintf(format, args...) + "; record the scan again with this version of faultline"}
	if p.strayed == nil {
		p.strayed = err
	}
	return err
}

// lostError is the end of a process, or of the patience with it, that was recorded.
type lostError struct{ text string }

func (e *lostError) Error() string { return e.text }

// Notify implements session.Plugin. Nobody listens.
func (p *replayed) Notify(string, any) error { return nil }

// Done implements session.Plugin.
func (p *replayed) Done() <-chan struct{} { return p.done }

// Err implements session.Plugin.
func (p *replayed) Err() error {
	select {
	case <-p.done:
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.gone
	default:
		return nil
	}
}

// Retired implements session.Plugin: nobody replaces a recording.
func (p *replayed) Retired() <-chan struct{} { return nil }

// Release implements session.Plugin.
func (p *replayed) Release() {}

// clock is a clock that is set. Its methods are safe for concurrent use.
type clock struct {
	mu     sync.Mutex
	now    time.Time
	timers []timer
}

type timer struct {
	due time.Time
	c   chan time.Time
}

func newClock(now time.Time) *clock { return &clock{now: now} }

// Now returns the time.
func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// After returns a channel that delivers when the clock is set to d from now or
// later.
func (c *clock) After(d time.Duration) <-chan time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := timer{due: c.now.Add(d), c: make(chan time.Time, 1)}
	if d <= 0 {
		t.c <- c.now
	} else {
		c.timers = append(c.timers, t)
	}
	return t.c
}

// set moves the clock on; it never goes back.
func (c *clock) set(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now.Before(c.now) {
		return
	}
	c.now = now
	waiting := c.timers[:0]
	for _, t := range c.timers {
		if t.due.After(now) {
			waiting = append(waiting, t)
		} else {
			t.c <- now
		}
	}
	c.timers = waiting
}
