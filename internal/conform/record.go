package conform

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/faultline-storage/faultline/internal/pluginhost"
	"github.com/faultline-storage/faultline/sdk/mirror"
	"github.com/faultline-storage/faultline/sdk/wire"
)

// A recorder watches everything that all processes of a run write. It is safe
// for concurrent use.
type recorder struct {
	mu      sync.Mutex
	classes []wire.Class
	records map[string]*record // by session
	needles []needle           // forms of passwords
	printed int                // log records of what was printed
	lines   int                // on standard output
	stray   findings           // lines on standard output that are no messages
	leaked  findings           // where a password stood
	lost    findings           // batches of sessions that were never opened
	waiting map[string]chan struct{}
	spent   time.Duration
}

// record is what one session sent.
type record struct {
	*mirror.Session
	scanned  bool // the first hook succeeded
	closed   bool
	late     int // batches after the teardown
	broken   findings
	circular findings
	turns    chan struct{} // has a value if a turn came since it was last read
}

// needle is a form of a password to look for.
type needle struct {
	attribute string
	text      []byte
}

func newRecorder() *recorder {
	return &recorder{records: map[string]*record{}, waiting: map[string]chan struct{}{}}
}

// shortest is the length of the shortest password that is looked for: a shorter
// one stands in any text by chance.
const shortest = 6

// look has the recorder look for a password from now on.
func (k *recorder) look(attribute, value string) bool {
	if len(value) < shortest {
		return false
	}
	quoted, err := json.Marshal(value)
	if err != nil {
		return false
	}
	forms := [][]byte{[]byte(value), quoted[1 : len(quoted)-1], []byte(url.QueryEscape(value)), []byte(base64.StdEncoding.EncodeToString([]byte(value)))}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, f := range forms {
		if !slices.ContainsFunc(k.needles, func(n needle) bool { return bytes.Equal(n.text, f) }) {
			k.needles = append(k.needles, needle{attribute, f})
		}
	}
	return true
}

// open makes a record for a new session.
func (k *recorder) open(session string) *record {
	k.mu.Lock()
	defer k.mu.Unlock()
	r := &record{Session: mirror.New(session, k.classes), turns: make(chan struct{}, 1)}
	k.records[session] = r
	return r
}

// close notes that a session was torn down. What it reported is forgotten: a run
// has many sessions, and hardware may have many parts.
func (k *recorder) close(session string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if r := k.records[session]; r != nil {
		r.closed = true
		r.Resources, r.Changes = map[int64]*mirror.Resource{0: {}}, nil
	}
}

// busy returns how long the recorder itself has worked on batches so far, while
// answers had to wait.
func (k *recorder) busy() time.Duration {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.spent
}

// with gives f the record of a session while nothing changes it.
func (k *recorder) with(r *record, f func(*record)) {
	k.mu.Lock()
	defer k.mu.Unlock()
	f(r)
}

// batch takes a batch in.
func (k *recorder) batch(b wire.Batch) {
	k.mu.Lock()
	defer k.mu.Unlock()
	began := time.Now()
	defer func() { k.spent += time.Since(began) }()
	r := k.records[b.Session]
	switch {
	case r == nil:
		k.lost.add("a batch names the session %q, which was never opened", b.Session)
		return
	case r.closed:
		r.late++
		return
	}
	for _, p := range r.Apply(b) {
		to := &r.broken
		if p.Kind == mirror.Cycle {
			to = &r.circular
		}
		to.add("session %s, turn %d: %s", b.Session, b.Turn, p.Text)
	}
	if b.Last {
		select {
		case r.turns <- struct{}{}:
		default:
		}
	}
}

// tap sees a line.
func (k *recorder) tap(from pluginhost.Stream, line []byte) {
	if from == pluginhost.Stdin {
		k.sent(line)
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if from == pluginhost.Stdout {
		k.lines++
		if text := stray(line); text != "" {
			k.stray.add("%s: %s", text, k.redact(cut(line)))
		}
	}
	for _, n := range k.needles {
		if bytes.Contains(line, n.text) && !answersEncrypt(line) {
			k.leaked.add("the value of %s stands in %s: %s", n.attribute, where(from, line), k.redact(around(line, n.text)))
			return
		}
	}
}

// log counts what was printed.
func (k *recorder) log(r wire.LogRecord) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if r.Source == "stdout" {
		k.printed++
	}
}

// expect returns a channel that is closed when a call of the method in the
// session is on its way to the plugin.
func (k *recorder) expect(method, session string) <-chan struct{} {
	k.mu.Lock()
	defer k.mu.Unlock()
	c := make(chan struct{})
	k.waiting[method+" "+session] = c
	return c
}

// sent notes what goes to the plugin.
func (k *recorder) sent(line []byte) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.waiting) == 0 {
		return
	}
	var m struct {
		Method string             `json:"method"`
		Params wire.SessionParams `json:"params"`
	}
	if json.Unmarshal(line, &m) != nil {
		return
	}
	key := m.Method + " " + m.Params.Session
	if c := k.waiting[key]; c != nil {
		close(c)
		delete(k.waiting, key)
	}
}

// sorted returns the records in the order of their sessions.
func (k *recorder) sorted() []*record {
	return slices.SortedFunc(maps.Values(k.records), func(a, b *record) int {
		return cmp.Or(cmp.Compare(len(a.Name), len(b.Name)), cmp.Compare(a.Name, b.Name))
	})
}

// redact takes the passwords out of a text that is shown.
func (k *recorder) redact(text []byte) string {
	for _, n := range k.needles {
		text = bytes.ReplaceAll(text, n.text, []byte("•••"))
	}
	return string(text)
}

// stray says why a line is no message, or "".
func stray(line []byte) string {
	var m struct {
		Method *string         `json:"method"`
		ID     json.RawMessage `json:"id"`
	}
	if err := json.Unmarshal(line, &m); err != nil {
		return "no JSON object"
	}
	if m.Method == nil && m.ID == nil {
		return "neither an answer nor a notification"
	}
	return ""
}

// answersEncrypt says whether a line is the answer to encrypt or defaults, which
// may have passwords.
func answersEncrypt(line []byte) bool {
	var m struct {
		Method *string `json:"method"`
		Result struct {
			Value      *string          `json:"value"`
			Attributes *json.RawMessage `json:"attributes"`
		} `json:"result"`
	}
	return json.Unmarshal(line, &m) == nil && m.Method == nil && (m.Result.Value != nil || m.Result.Attributes != nil)
}

// where names the kind of a line.
func where(from pluginhost.Stream, line []byte) string {
	if from == pluginhost.Stderr {
		return "standard error"
	}
	var m struct {
		Method string          `json:"method"`
		Error  json.RawMessage `json:"error"`
	}
	switch err := json.Unmarshal(line, &m); {
	case err != nil:
		return "a line on standard output"
	case m.Method == wire.NoteLog:
		return "a log record"
	case m.Method == wire.NoteBatch:
		return "a batch"
	case m.Method != "":
		return fmt.Sprintf("the notification %.40q", m.Method)
	case m.Error != nil:
		return "an error answer"
	}
	return "an answer"
}

// The lengths of what is shown of a line.
const (
	shownLine   = 200
	shownAround = 60
)

func cut(line []byte) []byte {
	if len(line) > shownLine {
		return append(slices.Clone(line[:shownLine]), "…"...)
	}
	return slices.Clone(line)
}

// around returns the part of a line that has a text in its middle.
func around(line, text []byte) []byte {
	i := bytes.Index(line, text)
	return bytes.ToValidUTF8(slices.Clone(line[max(0, i-shownAround):min(len(line), i+len(text)+shownAround)]), []byte("…"))
}
