package pluginhost

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/faultline-storage/faultline/sdk/wire"
)

// A message is what one line of a plugin holds. It is a response if method is
// empty, a call if it has an id as well, else a notification.
type message struct {
	method string
	id     json.RawMessage
	params json.RawMessage // nil for a session/batch
	result json.RawMessage
	fault  json.RawMessage // the member "error"
	batch  *wire.Batch     // of a session/batch
}

// errNoMessage says that a line is no JSON-RPC object.
var errNoMessage = errors.New("no JSON-RPC object")

// A decoder turns lines into messages. It reads a line once: whoever watches
// 100,000 disks arrive notices. Lines that it finds unusual (a name written
// twice, escapes in names, numbers in an odd form) and lines that are wrong are
// left to encoding/json, which has the last word: what the fast way accepts, it
// decodes just as encoding/json does; FuzzDecode holds it to that. It takes about
// an eighth of the time of encoding/json, and no longer than the fastest
// library, since it neither copies values nor reads the envelope by itself.
// A decoder serves one goroutine.
type decoder struct {
	// names keeps the strings that come again with every op: class and
	// statistic names, session ids.
	names map[string]string
	// ops and samples are how many of them the last batch had.
	ops, samples int
	// ints is what is left of a block that parent lists are cut from.
	ints []int64
}

// decode returns the message in line, errNoMessage, or, for a session/batch that
// cannot be decoded, an error that wraps ErrBadBatch. The message shares the
// bytes of line.
func (d *decoder) decode(line []byte) (message, error) {
	if !utf8.Valid(line) {
		line = bytes.ToValidUTF8(line, []byte("\uFFFD"))
	}
	s := scanner{b: line}
	if s.peek() != '{' {
		return message{}, notMessage(line, errNoMessage)
	}
	if m, ok := d.fast(s); ok {
		return m, nil
	}
	return d.slow(line)
}

func (d *decoder) fast(s scanner) (m message, ok bool) {
	var seen uint
	version := false
	ok = s.object(func(name []byte) (ok bool) {
		switch string(name) {
		case "jsonrpc":
			var v json.RawMessage
			v, ok = s.raw()
			version = string(v) == `"2.0"`
			return ok && once(&seen, 0)
		case "method":
			m.method, ok = d.name(&s)
			return ok && once(&seen, 1)
		case "id":
			m.id, ok = s.raw()
			return ok && once(&seen, 2)
		case "params":
			if m.method == wire.NoteBatch {
				m.batch = new(wire.Batch)
				return once(&seen, 3) && d.batch(&s, m.batch)
			}
			m.params, ok = s.raw()
			return ok && once(&seen, 3)
		case "result":
			m.result, ok = s.raw()
			return ok && once(&seen, 4)
		case "error":
			m.fault, ok = s.raw()
			return ok && once(&seen, 5)
		}
		return !foldsTo(name, "jsonrpc", "method", "id", "params", "result", "error") && s.skip(0)
	})
	if !ok || !version || s.peek() != 0 || s.i != len(s.b) {
		return message{}, false
	}
	if m.method == wire.NoteBatch && m.batch == nil {
		if m.params == nil {
			return message{}, false
		}
		m.batch = new(wire.Batch)
		p := scanner{b: m.params}
		if !d.batch(&p, m.batch) {
			return message{}, false
		}
		m.params = nil
	}
	return m, true
}

// slow decodes with encoding/json.
func (d *decoder) slow(line []byte) (message, error) {
	var head struct {
		Version string          `json:"jsonrpc"`
		Method  string          `json:"method"`
		ID      json.RawMessage `json:"id"`
		Params  json.RawMessage `json:"params"`
		Result  json.RawMessage `json:"result"`
		Error   json.RawMessage `json:"error"`
	}
	if err := json.Unmarshal(line, &head); err != nil {
		return message{}, notMessage(line, err)
	}
	if head.Version != "2.0" {
		return message{}, errNoMessage
	}
	m := message{method: head.Method, id: head.ID, params: head.Params, result: head.Result, fault: head.Error}
	if m.method == wire.NoteBatch {
		m.batch = new(wire.Batch)
		if m.params == nil {
			return message{}, fmt.Errorf("%w: it has no params", ErrBadBatch)
		}
		if err := json.Unmarshal(m.params, m.batch); err != nil {
			return message{}, fmt.Errorf("%w: %w", ErrBadBatch, err)
		}
		m.params = nil
	}
	return m, nil
}

// notMessage returns the error for a line that is no message. Most such lines are
// stray prints. But one that was a batch before something else was printed into
// it must not pass for that: a part of the truth would be lost, and nothing
// would ever correct it.
func notMessage(line []byte, why error) error {
	head := line[:min(len(line), 4096)]
	if bytes.Contains(head, []byte(`"jsonrpc"`)) && bytes.Contains(head, []byte(`"`+wire.NoteBatch+`"`)) {
		return fmt.Errorf("%w: %w", ErrBadBatch, why)
	}
	return errNoMessage
}

func (d *decoder) batch(s *scanner, b *wire.Batch) bool {
	var seen uint
	return s.object(func(name []byte) (ok bool) {
		switch string(name) {
		case "session":
			b.Session, ok = d.name(s)
			return ok && once(&seen, 0)
		case "turn":
			b.Turn, ok = s.integer()
			return ok && once(&seen, 1)
		case "part":
			var n int64
			n, ok = s.integer()
			b.Part = int(n)
			return ok && once(&seen, 2)
		case "last":
			b.Last, ok = s.boolean()
			return ok && once(&seen, 3)
		case "complete":
			b.Complete, ok = s.boolean()
			return ok && once(&seen, 4)
		case "ops":
			b.Ops = make([]wire.Op, 0, s.room(d.ops))
			ok = s.array(func() bool {
				b.Ops = append(b.Ops, wire.Op{})
				return d.op(s, &b.Ops[len(b.Ops)-1])
			})
			d.ops = len(b.Ops)
			return ok && once(&seen, 5)
		case "samples":
			b.Samples = make([]wire.Sample, 0, s.room(d.samples))
			ok = s.array(func() bool {
				b.Samples = append(b.Samples, wire.Sample{})
				return d.sample(s, &b.Samples[len(b.Samples)-1])
			})
			d.samples = len(b.Samples)
			return ok && once(&seen, 6)
		}
		return !foldsTo(name, "session", "turn", "part", "last", "complete", "ops", "samples") && s.skip(0)
	})
}

// room is how many ops or samples to make room for where the last batch had
// so many: batches of a turn are of like size, but not of the same. Each takes
// 20 bytes at the least, so the sender cannot make the host reserve much more
// than it sent.
func (s *scanner) room(last int) int { return min(last+last/8, (len(s.b)-s.i)/20) }

func (d *decoder) op(s *scanner, o *wire.Op) bool {
	var seen uint
	return s.object(func(name []byte) (ok bool) {
		switch string(name) {
		case "op":
			o.Op, ok = d.name(s)
			return ok && once(&seen, 0)
		case "h":
			o.Handle, ok = s.integer()
			return ok && once(&seen, 1)
		case "class":
			o.Class, ok = d.name(s)
			return ok && once(&seen, 2)
		case "attributes":
			o.Attributes, ok = s.raw()
			return ok && once(&seen, 3)
		case "label":
			o.Label, ok = s.label()
			return ok && once(&seen, 4)
		case "parents":
			o.Parents, ok = d.handles(s)
			return ok && once(&seen, 5)
		case "add":
			o.Add, ok = d.handles(s)
			return ok && once(&seen, 6)
		case "remove":
			o.Remove, ok = d.handles(s)
			return ok && once(&seen, 7)
		}
		return !foldsTo(name, "op", "h", "class", "attributes", "label", "parents", "add", "remove") && s.skip(0)
	})
}

func (d *decoder) sample(s *scanner, v *wire.Sample) bool {
	var seen uint
	return s.object(func(name []byte) (ok bool) {
		switch string(name) {
		case "h":
			v.Handle, ok = s.integer()
			return ok && once(&seen, 0)
		case "name":
			v.Name, ok = d.name(s)
			return ok && once(&seen, 1)
		case "t":
			v.Time, ok = s.integer()
			return ok && once(&seen, 2)
		case "v":
			v.Value, ok = s.raw()
			return ok && once(&seen, 3)
		}
		return !foldsTo(name, "h", "name", "t", "v") && s.skip(0)
	})
}

// name passes a string that is likely to come again.
func (d *decoder) name(s *scanner) (string, bool) {
	text, escaped, ok := s.str()
	if !ok || escaped {
		return "", false
	}
	if v, ok := d.names[string(text)]; ok {
		return v, true
	}
	v := string(text)
	if len(v) <= 128 && len(d.names) < 4096 {
		if d.names == nil {
			d.names = make(map[string]string)
		}
		d.names[v] = v
	}
	return v, true
}

// handles passes a list of handles.
func (d *decoder) handles(s *scanner) ([]int64, bool) {
	if s.peek() == 'n' {
		return nil, s.word("null")
	}
	if cap(d.ints)-len(d.ints) < 8 {
		d.ints = make([]int64, 0, 1024)
	}
	list := d.ints[len(d.ints):]
	ok := s.array(func() bool {
		n, ok := s.integer()
		list = append(list, n)
		return ok
	})
	if len(list) <= cap(d.ints)-len(d.ints) {
		d.ints = d.ints[:len(d.ints)+len(list)]
	}
	return list[:len(list):len(list)], ok
}

func (s *scanner) boolean() (value, ok bool) {
	if s.peek() == 't' {
		return true, s.word("true")
	}
	return false, s.word("false")
}

// label passes a string or null.
func (s *scanner) label() (*string, bool) {
	if s.peek() == 'n' {
		return nil, s.word("null")
	}
	start := s.i
	text, escaped, ok := s.str()
	if !ok {
		return nil, false
	}
	v := ""
	if escaped {
		if json.Unmarshal(s.b[start:s.i], &v) != nil {
			return nil, false
		}
	} else {
		v = string(text)
	}
	return &v, true
}

// once reports whether bit was not set in seen before, and sets it.
func once(seen *uint, bit uint) bool {
	first := *seen&(1<<bit) == 0
	*seen |= 1 << bit
	return first
}

// foldsTo reports whether encoding/json would take name for one of names.
func foldsTo(name []byte, names ...string) bool {
	for _, n := range names {
		if bytes.EqualFold(name, []byte(n)) {
			return true
		}
	}
	return false
}
