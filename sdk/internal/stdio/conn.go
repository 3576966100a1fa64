package stdio

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"sync"
	"sync/atomic"

	"github.com/creachadair/jrpc2/channel"
)

// maxLine bounds a line from the host, in bytes.
const maxLine = 64 << 20

// Conn is the line between plugin and host: one JSON-RPC message a line. It is
// the channel of the JSON-RPC server, which sends answers through it;
// notifications are written past the server, since they need nothing of it.
type Conn struct {
	in     *bufio.Reader
	closer io.Closer // closes what in reads, if it can be closed
	ended  func()    // called when the host is gone; may be called again
	closed atomic.Bool

	mu    sync.Mutex // guards what follows, and the order of lines
	out   io.Writer
	err   error
	shook bool     // the next answer is that of the handshake
	ready bool     // the handshake was answered
	held  [][]byte // lines that wait for that
	last  func()   // to be called after the next answer, the last one
}

// NewConn makes the line. ended is called when the host is gone, perhaps more than
// once.
func NewConn(in io.Reader, out io.Writer, ended func()) *Conn {
	c := &Conn{in: bufio.NewReaderSize(in, 16<<10), out: out, ended: ended}
	c.closer, _ = in.(io.Closer)
	return c
}

// Recv returns the next message.
func (c *Conn) Recv() ([]byte, error) {
	for {
		line, err := readLine(c.in, maxLine)
		if c.closed.Load() {
			return nil, io.EOF
		}
		if len(line) > 0 {
			return cleanMessage(line), nil
		}
		if err != nil {
			c.ended()
			return nil, err
		}
	}
}

// readLine reads up to the next line feed and returns what stands before it,
// without white space around it. At the end of input it returns the rest, if
// any, and then io.EOF.
func readLine(r *bufio.Reader, limit int) ([]byte, error) {
	var line []byte
	for {
		piece, err := r.ReadSlice('\n')
		line = append(line, piece...)
		if len(line) > limit {
			return nil, fmt.Errorf("a line from the host has more than %d bytes", limit)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		line = bytes.TrimSpace(line)
		if err == io.EOF && len(line) > 0 {
			err = nil
		}
		return line, err
	}
}

// cleanMessage drops members of the message that JSON-RPC 2.0 does not know:
// both sides ignore fields that they do not know, but the library refuses them.
// A message that is no object is handed on, for the library to refuse.
func cleanMessage(line []byte) []byte {
	if line[0] == '[' {
		return []byte("[]") // the protocol has no batches; this one is refused as empty
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(line, &members) != nil {
		return line
	}
	known := 0
	for _, name := range []string{"jsonrpc", "id", "method", "params", "result", "error"} {
		if _, ok := members[name]; ok {
			known++
		}
	}
	if known == len(members) {
		return line
	}
	kept := map[string]json.RawMessage{}
	for _, name := range []string{"jsonrpc", "id", "method", "params"} {
		if raw, ok := members[name]; ok {
			kept[name] = raw
		}
	}
	clean, err := json.Marshal(kept)
	if err != nil {
		return line
	}
	return clean
}

// Send writes an answer.
func (c *Conn) Send(msg []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.write(append(msg, '\n'))
	switch {
	case c.shook:
		c.shook, c.ready = false, true
		for _, line := range c.held {
			c.write(line)
		}
		c.held = nil
		c.write(greaseLine())
	case c.last != nil:
		c.last()
		c.last = nil
	case c.ready && mathrand.IntN(16) == 0:
		c.write(greaseLine())
	}
	return c.err
}

// Close is called when the server stops. Writing stays possible, since sessions
// have yet to be torn down.
func (c *Conn) Close() error {
	if c.closer != nil {
		return c.closer.Close()
	}
	return nil
}

// Shut makes Recv end, at once if what it reads can be closed.
func (c *Conn) Shut() {
	c.closed.Store(true)
	if c.closer != nil {
		go c.closer.Close() // not waited for, since it may itself wait for the read
	}
}

// WriteLine sends a line, which includes its line feed and is not kept. Before
// the handshake is answered the line is held back.
func (c *Conn) WriteLine(line []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.ready {
		const most = 1000
		if len(c.held) < most {
			c.held = append(c.held, bytes.Clone(line))
		}
		return c.err
	}
	c.write(line)
	return c.err
}

func (c *Conn) write(line []byte) {
	if c.err != nil {
		return
	}
	if _, c.err = c.out.Write(line); c.err != nil {
		c.ended()
	}
}

// SetReady makes the line one whose handshake was answered, for those who come
// without one.
func (c *Conn) SetReady() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ready = true
}

// Handshake says that the next answer is that of the handshake. Notifications
// may be sent after it, not before.
func (c *Conn) Handshake() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.shook = true
}

// AfterLast sets what to do once the next answer is out.
func (c *Conn) AfterLast(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last = f
}

// greaseLine makes a notification that nobody knows, so that nobody comes to
// rely on a fixed list of them.
func greaseLine() []byte {
	const letters = "abcdefghijklmnopqrstuvwxyz"
	var name [6]byte
	if _, err := rand.Read(name[:]); err != nil {
		return nil
	}
	for i := range name {
		name[i] = letters[int(name[i])%len(letters)]
	}
	return fmt.Appendf(nil, `{"jsonrpc":"2.0","method":"x-grease-%s","params":{"%s":[%d,null]}}`+"\n", name, name[:3], name[0])
}

var _ channel.Channel = (*Conn)(nil)
