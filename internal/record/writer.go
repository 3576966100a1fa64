package record

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"sync"
	"time"

	"github.com/faultline-storage/faultline/sdk/wire"
)

// Version of the format of the file.
const Version = 1

// Header says what was scanned. It is the first line.
type Header struct {
	Version int `json:"version"`
	// Faultline is the version of the program that wrote the file.
	Faultline string `json:"faultline,omitempty"`
	Plugin    string `json:"plugin"`
	// Class and Attributes are those of the root, as somebody gave them: passwords
	// are replaced.
	Class      string                     `json:"class"`
	Attributes map[string]json.RawMessage `json:"attributes"`
	// Updates is how many update scans were asked for.
	Updates int `json:"updates"`
}

// Writer writes a recording. Its methods are safe for concurrent use. An error of
// one of them is returned by all that follow.
type Writer struct {
	out *bufio.Writer
	now func() time.Time
	// passwords has the names of the password attributes of each class.
	passwords map[string]map[string]bool

	mu      sync.Mutex
	hide    secrets
	sum     string
	lines   int
	calls   int64
	classes map[int64]string // of the handles of the session
	err     error
}

// NewWriter begins a recording with its header and the handshake. What the header
// has for password attributes is a secret from now on. The caller may close out
// after Close.
func NewWriter(out io.Writer, now func() time.Time, h Header, asked wire.InitializeParams, answer wire.InitializeResult) (*Writer, error) {
	w := &Writer{out: bufio.NewWriter(out), now: now, sum: seed, passwords: map[string]map[string]bool{}, classes: map[int64]string{0: h.Class}}
	for i := range answer.Manifest.Classes {
		c := &answer.Manifest.Classes[i]
		for _, a := range c.Attributes {
			if a.Kind != wire.KindPassword {
				continue
			}
			if w.passwords[c.Name] == nil {
				w.passwords[c.Name] = map[string]bool{}
			}
			w.passwords[c.Name][a.Name] = true
			if err := w.hide.add(textOf(a.Default)); err != nil {
				return nil, err
			}
		}
	}
	h.Version = Version
	var err error
	if h.Attributes, err = w.members(h.Class, h.Attributes); err != nil {
		return nil, err
	}
	w.line("recording", h)
	w.message("host", call{Version: rpc, ID: w.nextID(), Method: wire.MethodInitialize, Params: asJSON(asked)})
	answer.Plugin.Name, answer.Plugin.Version = w.hide.text(answer.Plugin.Name), w.hide.text(answer.Plugin.Version)
	answer.Manifest = w.hide.manifest(answer.Manifest)
	w.message("plugin", reply{Version: rpc, ID: w.calls, Result: asJSON(answer)})
	return w, w.err
}

const (
	rpc = "2.0"
	// seed is what the first sum is based on.
	seed = "faultline recording"
)

// call is a call or notification of either side.
type call struct {
	Version string          `json:"jsonrpc"`
	ID      int64           `json:"id,omitempty"`
	Method  string          `json:"method"`
	Params  json.RawMessage `json:"params"`
}

// reply answers a call.
type reply struct {
	Version string          `json:"jsonrpc"`
	ID      int64           `json:"id"`
	Result  json.RawMessage `json:"result,omitempty"`
	Error   *Failure        `json:"error,omitempty"`
}

// Failure is why a call failed: an error answer of the plugin, or if Lost is set the
// end of its process or of the host's patience.
type Failure struct {
	Code    int            `json:"code"`
	Message string         `json:"message"`
	Data    wire.ErrorData `json:"data"`
	Lost    bool           `json:"lost,omitempty"`
	// Ended says that the process was gone.
	Ended bool `json:"ended,omitempty"`
}

func (w *Writer) nextID() int64 {
	w.calls++
	return w.calls
}

// Call notes that the host makes a call, and returns the number to answer it with.
// A password in its parameters is a secret from now on.
func (w *Writer) Call(method string, params any) (id int64, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.learn(params)
	id = w.nextID()
	w.message("host", call{Version: rpc, ID: id, Method: method, Params: w.hide.json(asJSON(params), false)})
	return id, w.err
}

// Notify notes that the host sends a notification.
func (w *Writer) Notify(method string, params any) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.message("host", call{Version: rpc, Method: method, Params: w.hide.json(asJSON(params), false)})
	return w.err
}

// Answer notes the result of a call: a pointer to a type of package wire, or nil.
func (w *Writer) Answer(id int64, result any) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.learn(result)
	w.message("plugin", reply{Version: rpc, ID: id, Result: w.hide.result(result)})
	return w.err
}

// Fail notes that a call failed.
func (w *Writer) Fail(id int64, f Failure) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	f.Message = w.hide.text(f.Message)
	f.Data = w.hide.errorData(f.Data)
	w.message("plugin", reply{Version: rpc, ID: id, Error: &f})
	return w.err
}

// Batch notes a batch of the plugin. The passwords in it are secrets from now on.
func (w *Writer) Batch(b wire.Batch) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	ops := make([]wire.Op, len(b.Ops))
	for i, op := range b.Ops { // all secrets before any text
		w.fail(w.op(&op))
		ops[i] = op
	}
	for i := range ops {
		op := &ops[i]
		op.Attributes = w.hide.json(op.Attributes, false)
		if op.Label != nil {
			label := w.hide.text(*op.Label)
			op.Label = &label
		}
	}
	b.Ops = ops
	raw, err := marshal(b)
	w.fail(err)
	w.message("plugin", call{Version: rpc, Method: wire.NoteBatch, Params: raw})
	return w.err
}

// Log notes a log record of the plugin.
func (w *Writer) Log(r wire.LogRecord) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	r.Message = w.hide.text(r.Message)
	if r.Fields != nil {
		raw, err := marshal(r.Fields)
		w.fail(err)
		r.Fields = nil
		w.fail(json.Unmarshal(w.hide.json(raw, true), &r.Fields))
	}
	w.message("plugin", call{Version: rpc, Method: wire.NoteLog, Params: asJSON(r)})
	return w.err
}

// Close writes the end. Nothing may be written after it.
func (w *Writer) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.line("end", end{Lines: w.lines + 1})
	w.fail(w.out.Flush())
	return w.err
}

// end is the last line; it counts itself.
type end struct {
	Lines int `json:"lines"`
}

func (w *Writer) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}

// message writes a message, which has no secrets.
func (w *Writer) message(from string, m any) { w.line(from, m) }

// line writes one line. Other lines than the first are written with mu held.
func (w *Writer) line(member string, v any) {
	raw, err := marshal(v)
	w.fail(err)
	if w.err != nil {
		return
	}
	head, err := marshal(w.now().UnixMilli())
	w.fail(err)
	rest := `"t":` + string(head) + `,"` + member + `":` + string(raw) + "}"
	w.sum = sumOf(w.sum, rest)
	w.lines++
	_, err = w.out.WriteString(prefix + w.sum + `",` + rest + "\n")
	w.fail(err)
}

const (
	prefix    = `{"sum":"`
	sumLength = 16 // hexadecimal digits; against accidents and hasty editors, not forgers
)

// sumOf is the sum of a line without its beginning, after a line with the sum before.
func sumOf(before, rest string) string {
	sum := sha256.Sum256([]byte(before + rest))
	return hex.EncodeToString(sum[:])[:sumLength]
}

// asJSON encodes what always can be.
func asJSON(v any) json.RawMessage {
	raw, err := marshal(v)
	if err != nil {
		panic(err)
	}
	return raw
}
