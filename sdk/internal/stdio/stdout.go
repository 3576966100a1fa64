package stdio

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"io"
	"os"
	"sync"
	"time"

	"github.com/faultline-storage/faultline/sdk/wire"
)

// Prints is what is printed to the process's standard output, whose descriptor
// is the writing end of a pipe: by fmt.Println, by C code, by child processes.
// The protocol keeps the real standard output for itself.
type Prints struct {
	r    *os.File
	w    *os.File
	mark []byte // a line that nobody prints by accident

	marking sync.Mutex // keeps marks in the order of waits
	mu      sync.Mutex // guards waits
	waits   []chan struct{}
}

// maxPrint bounds one printed line, in bytes; longer ones are cut in pieces.
const maxPrint = 16 << 10

// newPrints makes the pipe.
func newPrints() (*Prints, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	var random [16]byte
	if _, err := rand.Read(random[:]); err != nil {
		return nil, err
	}
	return &Prints{r: r, w: w, mark: []byte("\x00" + hex.EncodeToString(random[:]) + "\n")}, nil
}

// read hands every printed line to emit, until the pipe ends.
func (p *Prints) read(emit func(line string)) {
	var pending []byte
	buf := make([]byte, 4<<10)
	for {
		n, err := p.r.Read(buf)
		pending = append(pending, buf[:n]...)
		pending = p.lines(pending, emit)
		if err != nil {
			if err == io.EOF && len(pending) > 0 {
				emit(string(pending))
			}
			return
		}
	}
}

// lines emits the complete lines and returns the rest.
func (p *Prints) lines(pending []byte, emit func(line string)) []byte {
	for {
		i := bytes.IndexByte(pending, '\n')
		if i < 0 {
			break
		}
		if line, ok := bytes.CutSuffix(pending[:i+1], p.mark); ok {
			if len(line) > 0 { // the beginning of a line whose end was not printed
				emit(string(line))
			}
			p.reached()
			pending = pending[i+1:]
			continue
		}
		emit(string(bytes.TrimSuffix(pending[:i], []byte("\r"))))
		pending = pending[i+1:]
	}
	for len(pending) > maxPrint {
		emit(string(pending[:maxPrint]))
		pending = pending[maxPrint:]
	}
	return append([]byte(nil), pending...)
}

// reached releases the one that has waited longest.
func (p *Prints) reached() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.waits) > 0 {
		close(p.waits[0])
		p.waits = p.waits[1:]
	}
}

// Sync waits until everything printed so far was read: then the log records of
// a hook's prints stand before its batch. It does so by printing a mark.
func (p *Prints) Sync() {
	done := make(chan struct{})
	p.marking.Lock()
	p.mu.Lock()
	p.waits = append(p.waits, done)
	p.mu.Unlock() // not held while writing: the reader needs it to make room
	_, err := p.w.Write(p.mark)
	p.marking.Unlock()
	if err != nil {
		return
	}
	select {
	case <-done:
	case <-time.After(time.Second): // a flood of prints must not hold the scan up
	}
}

// LogTo makes prints log records of conn.
func (p *Prints) LogTo(c *Conn, now func() time.Time) {
	go p.read(func(line string) {
		c.Log(wire.LogRecord{Level: "warning", Time: now().UnixMilli(), Source: "stdout", Message: line})
	})
}
