package record

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"time"

	"github.com/faultline-storage/faultline/sdk/wire"
)

// Recording is what a file holds.
type Recording struct {
	Header
	// Began and Ended are the times of its first and last line.
	Began, Ended time.Time
	// Initialize is how the plugin answered the handshake.
	Initialize wire.InitializeResult
	// Entries are the messages after the handshake, in order.
	Entries []Entry
}

// Entry is one message. Just one of Call, Reply and the notes is set.
type Entry struct {
	Line int // of the file
	Time time.Time
	// Call is a call of the host; its Reply comes later, unless the plugin was still
	// busy at the end.
	Call  *Call
	Reply *Reply
	Batch *wire.Batch
	Log   *wire.LogRecord
}

// Call is a call of the host.
type Call struct {
	ID     int64
	Method string
}

// Reply is the answer to a call: Failure or else Result.
type Reply struct {
	ID      int64
	Result  json.RawMessage
	Failure *Failure
}

// maxLine is the longest line that is read: a message of the protocol, and room for
// what Writer puts around it and for what its encoding adds.
const maxLine = 33 << 20

// LineError says what is wrong with a recording, and in which line.
type LineError struct {
	File string
	Line int
	Text string
}

// Error implements error.
func (e *LineError) Error() string { return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Text) }

// Read reads a recording. name is the file's, for errors; those about its content are
// of type *LineError.
func Read(in io.Reader, name string) (*Recording, error) {
	r := &reader{in: bufio.NewReaderSize(in, 64<<10), file: name, sum: seed, calls: map[int64]string{}, rec: &Recording{}}
	for {
		line, err := r.next()
		if err != nil {
			return nil, err
		}
		if line == nil {
			break
		}
		if err := r.take(line); err != nil {
			return nil, err
		}
	}
	switch {
	case r.line == 0:
		r.line = 1
		return nil, r.wrong("the file is empty, and no recording")
	case !r.ended:
		return nil, r.wrong("the recording breaks off after this line: it is truncated")
	}
	return r.rec, nil
}

// IsRecording reports whether a file begins as a recording does.
func IsRecording(head []byte) bool { return bytes.HasPrefix(head, []byte(prefix)) }

type reader struct {
	in    *bufio.Reader
	file  string
	line  int
	sum   string
	ended bool
	// calls are those of the host that are not answered, by number.
	calls map[int64]string
	rec   *Recording
}

func (r *reader) wrong(format string, args ...any) error {
	return &LineError{File: r.file, Line: r.line, Text: fmt.Sprintf(format, args...)}
}

// next returns the next line without its end, or nil.
func (r *reader) next() ([]byte, error) {
	var line []byte
	for {
		part, err := r.in.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case err == nil:
			r.line++
			return line[:len(line)-1], nil
		case errors.Is(err, io.EOF) && len(line) == 0:
			return nil, nil
		case errors.Is(err, io.EOF):
			r.line++
			if r.line == 1 && !IsRecording(line) {
				return nil, r.foreign()
			}
			return nil, r.wrong("the line has no end: the recording is truncated")
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		case len(line) > maxLine:
			r.line++
			return nil, r.wrong("the line is longer than any of a recording")
		}
	}
}

func (r *reader) foreign() error {
	return r.wrong("this is no recording; `faultline plugin run PATH --record FILE` writes one")
}

// content is a line without its sum.
type content struct {
	Time      *int64          `json:"t"`
	Recording *Header         `json:"recording"`
	Host      json.RawMessage `json:"host"`
	Plugin    json.RawMessage `json:"plugin"`
	End       *end            `json:"end"`
}

// take takes a line in.
func (r *reader) take(line []byte) error {
	rest, ok := bytes.CutPrefix(line, []byte(prefix))
	if !ok && r.line == 1 {
		return r.foreign()
	}
	if r.ended {
		return r.wrong("the recording ended in the line before; this one does not belong to it")
	}
	if !ok || len(rest) < sumLength+2 || string(rest[sumLength:sumLength+2]) != `",` {
		return r.wrong("the line was changed: it does not begin with its sum; record the scan again")
	}
	sum, text := string(rest[:sumLength]), string(rest[sumLength+2:])
	if r.sum = sumOf(r.sum, text); r.sum != sum {
		if r.line == 1 {
			return r.wrong("the line was changed, or this is no recording: its sum is %s, not %s", r.sum, sum)
		}
		return r.wrong("this line, or the one before it that was here, was changed since it was recorded: its sum is %s, not %s; record the scan again", r.sum, sum)
	}
	var c content
	if err := json.Unmarshal([]byte("{"+text), &c); err != nil {
		return r.wrong("%v", err)
	}
	if c.Time == nil || *c.Time < 0 || *c.Time > maxTime {
		return r.wrong("the line has no time t")
	}
	t := time.UnixMilli(*c.Time).UTC()
	r.rec.Ended = t
	switch {
	case r.line == 1:
		return r.header(t, c.Recording)
	case c.End != nil:
		if r.ended = true; c.End.Lines != r.line {
			return r.wrong("the recording has %d lines, and this is line %d", c.End.Lines, r.line)
		}
		if r.line < 4 {
			return r.wrong("the recording ends before its handshake")
		}
		return nil
	case c.Host != nil:
		return r.host(t, c.Host)
	case c.Plugin != nil:
		return r.plugin(t, c.Plugin)
	}
	return r.wrong("the line has no message")
}

// maxTime is the end of the year 9999, beyond which a time has no JSON form.
const maxTime = 253402300799999

var identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func (r *reader) header(t time.Time, h *Header) error {
	switch {
	case h == nil:
		return r.wrong("the first line says not what was recorded")
	case h.Version != Version:
		return r.wrong("the recording has version %d of its format; this program reads version %d; record the scan again", h.Version, Version)
	case !identifier.MatchString(h.Plugin) || h.Class == "":
		return r.wrong("the recording is of no plugin or no class: %q, %q", h.Plugin, h.Class)
	case h.Updates < 0:
		return r.wrong("the number of updates is below 0")
	}
	r.rec.Header, r.rec.Began = *h, t
	return nil
}

// message is any message of the protocol.
type message struct {
	ID     int64           `json:"id"`
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
	Result json.RawMessage `json:"result"`
	Error  *Failure        `json:"error"`
}

func (r *reader) host(t time.Time, raw json.RawMessage) error {
	var m message
	if err := json.Unmarshal(raw, &m); err != nil {
		return r.wrong("%v", err)
	}
	switch {
	case m.Method == "":
		return r.wrong("the host's message has no method")
	case (m.Method == wire.MethodInitialize) != (r.line == 2):
		return r.wrong("%s is not the message that belongs here", m.Method)
	case m.ID == 0:
		return nil // notifications are there for readers
	case r.calls[m.ID] != "":
		return r.wrong("call %d is made twice", m.ID)
	}
	r.calls[m.ID] = m.Method
	if r.line > 2 {
		r.rec.Entries = append(r.rec.Entries, Entry{Line: r.line, Time: t, Call: &Call{ID: m.ID, Method: m.Method}})
	}
	return nil
}

func (r *reader) plugin(t time.Time, raw json.RawMessage) error {
	var m message
	if err := json.Unmarshal(raw, &m); err != nil {
		return r.wrong("%v", err)
	}
	e := Entry{Line: r.line, Time: t}
	var err error
	switch m.Method {
	case "":
		method, open := r.calls[m.ID]
		if !open || m.Error == nil && m.Result == nil {
			return r.wrong("the plugin's message answers no call, or has no answer")
		}
		delete(r.calls, m.ID)
		if r.line == 3 {
			if m.Error != nil || method != wire.MethodInitialize {
				return r.wrong("the handshake was not answered")
			}
			if err := json.Unmarshal(m.Result, &r.rec.Initialize); err != nil {
				return r.wrong("%v", err)
			}
			return nil
		}
		e.Reply = &Reply{ID: m.ID, Result: m.Result, Failure: m.Error}
	case wire.NoteBatch:
		e.Batch = new(wire.Batch)
		err = json.Unmarshal(m.Params, e.Batch)
	case wire.NoteLog:
		e.Log = new(wire.LogRecord)
		err = json.Unmarshal(m.Params, e.Log)
	default:
		return r.wrong("the plugin's message has the unknown method %q", m.Method)
	}
	if err != nil {
		return r.wrong("%v", err)
	}
	if r.line < 4 {
		return r.wrong("the handshake is not in its place")
	}
	r.rec.Entries = append(r.rec.Entries, e)
	return nil
}
