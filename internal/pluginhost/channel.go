package pluginhost

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/creachadair/jrpc2"
	"github.com/creachadair/jrpc2/channel"

	"github.com/faultline-storage/faultline/sdk/wire"
)

const (
	// garbagePerMinute is how many lines that are no message a process may
	// print in a minute (protocol/SPEC.md, section 1).
	garbagePerMinute = 1000
	// uselessPerSecond is how many lines that lead to nothing (unknown
	// notifications, log records over the limit) the host reads in a second.
	uselessPerSecond = 10_000
	// maxQueue bounds what waits for a process to read its standard input, in bytes.
	maxQueue = 64 << 20
	// writeChunk is how much is written under one write deadline.
	writeChunk = 64 << 10
)

// A conn is the host's end of the conversation with one process. To jrpc2 it is
// a channel that carries requests one way and responses the other; jrpc2
// would give each notification a goroutine of its own, without order or bound,
// so those never get there. Recv handles them itself, in order.
type conn struct {
	in      *lineReader
	dec     decoder
	sink    *logSink
	batch   func(wire.Batch)
	changed func(session string)
	tap     func(Stream, []byte)
	fail    func(error) // ends the process; the first reason counts
	garbage *window
	brake   brake
	stop    <-chan struct{} // closed when the process is gone
	ended   func()          // called once when the process's output has ended

	out     *os.File
	timeout time.Duration

	mu      sync.Mutex
	pending map[string]bool // ids of requests without a response; false if nobody waits any more
	callers int             // who is in a call of jrpc2
	heard   chan struct{}   // closed and replaced when a caller has left
	queue   [][]byte
	queued  int  // bytes in queue
	closed  bool // no more is taken
	wake    chan struct{}
}

var _ channel.Channel = (*conn)(nil)

// Recv returns the next response. At the end of the output, and when the process
// broke the rules, that is io.EOF.
func (c *conn) Recv() ([]byte, error) {
	for {
		line, err := c.in.next()
		if len(line) > 0 {
			c.tap(Stdout, line)
		}
		if err != nil {
			switch {
			case errors.Is(err, ErrLineTooLong):
				c.fail(err)
			case len(line) > 0 && line[0] != '{':
				c.sink.line("stdout", string(line[:min(len(line), maxLogText+1)]))
			}
			c.settle()
			c.ended()
			return nil, io.EOF
		}
		m, err := c.dec.decode(line)
		switch {
		case errors.Is(err, ErrBadBatch):
			c.fail(err)
			c.ended()
			return nil, io.EOF
		case err != nil:
			c.stray(line)
		case m.method == "":
			if rsp := c.response(m); rsp != nil {
				return rsp, nil
			}
			c.stray(line)
		case m.batch != nil:
			c.in.keep() // its values share the bytes of line
			c.batch(*m.batch)
		case m.id != nil && string(m.id) != "null":
			c.refuse(m)
		case m.method == wire.NoteLog:
			c.log(m.params)
		case m.method == wire.NoteDeviceChanged:
			c.noteChanged(m.params)
		default:
			c.useless() // unknown notifications mean nothing, by design
		}
	}
}

// response returns what jrpc2 may see of a response: the known members, and
// only if a request waits for it.
func (c *conn) response(m message) []byte {
	c.mu.Lock()
	_, asked := c.pending[string(m.id)]
	delete(c.pending, string(m.id))
	c.mu.Unlock()
	if !asked || m.result == nil && m.fault == nil {
		return nil
	}
	var b bytes.Buffer
	b.WriteString(`{"jsonrpc":"2.0","id":`)
	b.Write(m.id)
	if m.fault != nil && string(m.fault) != "null" {
		b.WriteString(`,"error":`)
		b.Write(m.fault)
	} else {
		b.WriteString(`,"result":`)
		b.Write(m.result)
	}
	b.WriteByte('}')
	return b.Bytes()
}

// calling and called enclose a call of jrpc2, whose id is known after it. It is
// empty if nothing was sent.
func (c *conn) calling() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.callers++
}

func (c *conn) called(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.pending[id]; ok {
		c.pending[id] = false
	}
	c.callers--
	close(c.heard)
	c.heard = make(chan struct{})
}

// settle waits until every response that jrpc2 was given has reached its caller:
// jrpc2 hands responses out on goroutines of their own, and the end of the output
// would overtake them, as the answer to shutdown of a process that then ends.
func (c *conn) settle() {
	over := time.NewTimer(drainTime)
	defer over.Stop()
	for {
		c.mu.Lock()
		unanswered := 0
		for _, waits := range c.pending {
			if waits {
				unanswered++
			}
		}
		callers, heard := c.callers, c.heard
		c.mu.Unlock()
		if callers <= unanswered {
			return
		}
		select {
		case <-heard:
		case <-over.C:
			return
		}
	}
}

// refuse answers a call of the plugin: the host has no methods.
func (c *conn) refuse(m message) {
	name, err := json.Marshal("the host answers no calls; unknown method " + cut(m.method, 100))
	if err == nil {
		_ = c.enqueue([]byte(`{"jsonrpc":"2.0","id":` + string(m.id) + `,"error":{"code":` +
			strconv.Itoa(int(jrpc2.MethodNotFound)) + `,"message":` + string(name) + `}}`))
	}
	c.useless()
}

// stray handles a line that is no message.
func (c *conn) stray(line []byte) {
	c.sink.line("stdout", string(line[:min(len(line), maxLogText+1)]))
	if c.garbage.exceeded(time.Now()) {
		c.fail(ErrGarbage)
	}
	c.useless()
}

func (c *conn) log(params json.RawMessage) {
	// Check the limit first: to decode a flood only to drop it would cost the
	// host more than it costs the plugin.
	if !c.sink.limit.allow() {
		c.useless()
		return
	}
	var r wire.LogRecord
	if err := json.Unmarshal(params, &r); err != nil {
		r = wire.LogRecord{Level: "warning", Message: "log record that cannot be read: " + string(params[:min(len(params), maxLogText)])}
	}
	if level := parseLevel(r.Level); level >= c.sink.level.Level() {
		c.sink.emit(level, r)
	}
}

// noteChanged hands the news of a device plugin on. That costs nobody more than a
// line that leads to nothing, so a flood is slowed down as one.
func (c *conn) noteChanged(params json.RawMessage) {
	var p wire.DeviceParams
	if json.Unmarshal(params, &p) == nil && p.Session != "" {
		c.changed(p.Session)
	}
	c.useless()
}

// useless counts a line that led to nothing, and waits if there were too many.
func (c *conn) useless() {
	if d := c.brake.step(time.Now()); d > 0 {
		select {
		case <-time.After(d):
		case <-c.stop:
		}
	}
}

// Send hands a request or notification to the writer. It does not wait.
func (c *conn) Send(msg []byte) error {
	id := requestID(msg)
	if id != "" {
		c.mu.Lock()
		c.pending[id] = true
		c.mu.Unlock()
	}
	err := c.enqueue(msg)
	if err != nil && id != "" {
		c.mu.Lock()
		delete(c.pending, id)
		c.mu.Unlock()
	}
	return err
}

// requestID returns the id of a request as jrpc2 writes it.
func requestID(msg []byte) string {
	const prefix = `{"jsonrpc":"2.0","id":`
	rest, ok := bytes.CutPrefix(msg, []byte(prefix))
	if !ok {
		return ""
	}
	id, _, _ := bytes.Cut(rest, []byte{','})
	return string(id)
}

func (c *conn) enqueue(msg []byte) error {
	c.tap(Stdin, msg)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return channel.ErrClosed
	}
	if c.queued+len(msg) > maxQueue && c.queued > 0 {
		go c.fail(ErrNotReading) // not under the lock
		return ErrNotReading
	}
	c.queue = append(c.queue, append(msg[:len(msg):len(msg)], '\n'))
	c.queued += len(msg)
	select {
	case c.wake <- struct{}{}:
	default:
	}
	return nil
}

// Close takes no more messages; what waits is still written, then the
// process's standard input is closed.
func (c *conn) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.closed = true
		close(c.wake)
	}
	return nil
}

// write writes the queue until Close, or until the process is gone or stopped
// reading.
func (c *conn) write() {
	defer c.out.Close()
	for range c.wake {
		for {
			c.mu.Lock()
			if len(c.queue) == 0 {
				c.mu.Unlock()
				break
			}
			msg := c.queue[0]
			c.queue[0] = nil
			c.queue = c.queue[1:]
			c.queued -= len(msg) - 1
			c.mu.Unlock()
			if err := c.writeOne(msg); err != nil {
				if errors.Is(err, os.ErrDeadlineExceeded) {
					c.fail(ErrNotReading)
				}
				// Else the process closed its end; it will say by its exit why.
				c.drop()
				return
			}
		}
	}
}

// writeOne writes one message. The deadline is renewed with each chunk, so that
// only standing still counts.
func (c *conn) writeOne(msg []byte) error {
	for len(msg) > 0 {
		n := min(len(msg), writeChunk)
		if err := c.out.SetWriteDeadline(time.Now().Add(c.timeout)); err != nil {
			return err
		}
		if _, err := c.out.Write(msg[:n]); err != nil {
			return err
		}
		msg = msg[n:]
	}
	return nil
}

// drop empties the queue and takes no more.
func (c *conn) drop() {
	_ = c.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.queue, c.queued = nil, 0
}
