package plugintest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/faultline-storage/faultline/sdk/mirror"
	"github.com/faultline-storage/faultline/sdk/wire"
)

// host is the other end of the line: a small host.
type host struct {
	t       testing.TB
	out     io.Writer
	classes []wire.Class
	done    sync.WaitGroup

	mu      sync.Mutex // guards what follows
	changed *sync.Cond // something came
	calls   int
	answers map[int]message
	ended   bool
	model   *mirror.Session // the open one
	watch   *watcher        // of its alerts
	closed  map[string]bool
	logs    []wire.LogRecord
}

// message is any JSON-RPC message.
type message struct {
	ID     *int            `json:"id"`
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
	Result json.RawMessage `json:"result"`
	Error  *Error          `json:"error"`
}

// Error is an error answer of the plugin: a failed hook, for example.
type Error struct {
	Code    int            `json:"code"` // one of the codes of package wire
	Message string         `json:"message"`
	Data    wire.ErrorData `json:"data"`
}

// Error returns the message, and the stack trace if there is one.
func (e *Error) Error() string {
	if e.Data.Detail != "" {
		return e.Message + "\n" + e.Data.Detail
	}
	return e.Message
}

func newHost(t testing.TB, classes []wire.Class, in io.Reader, out io.Writer) *host {
	h := &host{t: t, out: out, classes: classes, answers: map[int]message{}, closed: map[string]bool{}}
	h.changed = sync.NewCond(&h.mu)
	h.done.Go(func() { h.read(in) })
	return h
}

// read takes every line in until the plugin is gone.
func (h *host) read(in io.Reader) {
	sc := bufio.NewScanner(in)
	sc.Buffer(nil, 16<<20)
	for sc.Scan() {
		h.mu.Lock()
		h.take(sc.Bytes())
		h.mu.Unlock()
		h.changed.Broadcast()
	}
	h.mu.Lock()
	h.ended = true
	h.mu.Unlock()
	h.changed.Broadcast()
}

func (h *host) take(line []byte) {
	var m message
	if err := json.Unmarshal(line, &m); err != nil {
		h.t.Errorf("the plugin sent a line that is no message: %s", line)
		return
	}
	if m.ID != nil {
		h.answers[*m.ID] = m
		return
	}
	switch m.Method {
	case wire.NoteBatch:
		var b wire.Batch
		if err := json.Unmarshal(m.Params, &b); err != nil {
			h.t.Errorf("the plugin sent a bad batch: %v", err)
			return
		}
		if h.closed[b.Session] || h.model == nil || h.model.Name != b.Session {
			h.t.Errorf("the plugin sent a batch for session %s, which is not open", b.Session)
			return
		}
		for _, problem := range h.model.Apply(b) {
			h.t.Errorf("turn %d: %s", b.Turn, problem.Text)
		}
		h.watch.take(b, h.model)
	case wire.NoteLog:
		var rec wire.LogRecord
		if err := json.Unmarshal(m.Params, &rec); err != nil {
			h.t.Errorf("the plugin sent a bad log record: %v", err)
			return
		}
		h.logs = append(h.logs, rec)
	}
}

func (h *host) open(session string, watch *watcher) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.model, h.watch = mirror.New(session, h.classes), watch
}

func (h *host) close(session string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed[session] = true
}

func (h *host) turns() int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.model == nil:
		return 0
	case h.model.Open: // a scan sends parts before it may fail
		return h.model.Turn - 1
	}
	return h.model.Turn
}

func (h *host) logRecords() []wire.LogRecord {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.logs)
}

// call makes a call and waits for its answer.
func (h *host) call(method string, params, result any) error {
	h.t.Helper()
	h.mu.Lock()
	h.calls++
	id := h.calls
	h.mu.Unlock()
	raw, err := json.Marshal(params)
	if err != nil {
		return err
	}
	h.send(fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":%q,"params":%s}`, id, method, raw))
	var m message
	ok := h.wait(func() bool {
		var answered bool
		m, answered = h.answers[id]
		delete(h.answers, id)
		return answered || h.ended
	})
	switch {
	case !ok:
		return fmt.Errorf("%s: no answer within %v", method, Timeout)
	case m.ID == nil:
		return fmt.Errorf("%s: the plugin ended without an answer", method)
	case m.Error != nil:
		return m.Error
	case result != nil:
		return json.Unmarshal(m.Result, result)
	}
	return nil
}

// notify sends a notification.
func (h *host) notify(method string, params any) error {
	raw, err := json.Marshal(params)
	if err != nil {
		return err
	}
	h.send(fmt.Sprintf(`{"jsonrpc":"2.0","method":%q,"params":%s}`, method, raw))
	return nil
}

// wait waits until ready, which is called with mu held, returns true. It
// returns false if that takes too long.
func (h *host) wait(ready func() bool) bool {
	late := false
	timer := time.AfterFunc(Timeout, func() {
		h.mu.Lock()
		late = true
		h.mu.Unlock()
		h.changed.Broadcast()
	})
	defer timer.Stop()
	h.mu.Lock()
	defer h.mu.Unlock()
	for !ready() {
		if late {
			return false
		}
		h.changed.Wait()
	}
	return true
}

func (h *host) send(line string) {
	if _, err := io.WriteString(h.out, line+"\n"); err != nil {
		h.t.Errorf("cannot write to the plugin: %v", err)
	}
}

// grease sends a notification that no plugin knows.
func (h *host) grease() {
	h.send(fmt.Sprintf(`{"jsonrpc":"2.0","method":"x-grease-%d","params":{"x":[1]}}`, h.calls))
}
