package pluginhost

import (
	"bytes"
	"io"
)

const (
	// lineBuffer is the size of a fresh buffer, and the least that is read at once.
	lineBuffer = 64 << 10
	// maxSpare bounds the buffer that is made ready for the next batch.
	maxSpare = 4 << 20
	// maxIdle is the largest buffer that waits for the next line, which may be hours
	// away: a device plugin's first answer has megabytes, and the others hardly any.
	maxIdle = 4 * lineBuffer
)

// A lineReader cuts a stream into lines of at most limit bytes. It serves one
// goroutine.
type lineReader struct {
	r     io.Reader
	limit int

	buf     []byte
	begin   int // of what was not returned yet
	scanned int // no line feed stands between begin and here
	last    int // the length of the last line
	kept    int // the length of the last line that was kept, 0 if buf holds none
	err     error
}

func newLineReader(r io.Reader, limit int) *lineReader { return &lineReader{r: r, limit: limit} }

// next returns the next line without its line feed. The bytes are valid until
// the next call, or for good if keep is called before. At the end the error is
// the reader's own, and the bytes are what follows the last line feed; at a line
// that is too long it is ErrLineTooLong.
func (l *lineReader) next() ([]byte, error) {
	for {
		if i := bytes.IndexByte(l.buf[l.scanned:], '\n'); i >= 0 {
			line := l.buf[l.begin : l.scanned+i : l.scanned+i]
			l.begin = l.scanned + i + 1
			l.scanned = l.begin
			if len(line) > l.limit {
				return nil, ErrLineTooLong
			}
			l.last = len(line)
			return line, nil
		}
		l.scanned = len(l.buf)
		if len(l.buf)-l.begin > l.limit {
			return nil, ErrLineTooLong
		}
		if l.err != nil {
			rest := l.buf[l.begin:]
			l.begin = len(l.buf)
			return rest, l.err
		}
		l.fill()
	}
}

// fill reads more, making room first.
func (l *lineReader) fill() {
	if l.begin == len(l.buf) && l.kept == 0 && cap(l.buf) > maxIdle {
		l.buf, l.begin, l.scanned = nil, 0, 0
	}
	if cap(l.buf)-len(l.buf) < lineBuffer/2 {
		rest := l.buf[l.begin:]
		switch size := len(rest) + lineBuffer; {
		case size <= cap(l.buf) && l.kept == 0:
			l.buf = l.buf[:copy(l.buf[:cap(l.buf)], rest)]
		default:
			// A long line is on its way, or the old bytes belong to somebody.
			// Lines of a turn are alike, so expect another like the last.
			size = max(size, 2*len(rest), min(l.kept+lineBuffer, maxSpare))
			l.buf = append(make([]byte, 0, size), rest...)
			l.kept = 0
		}
		l.scanned -= l.begin
		l.begin = 0
	}
	n, err := l.r.Read(l.buf[len(l.buf):cap(l.buf)])
	l.buf = l.buf[:len(l.buf)+n]
	if err != nil {
		l.err = err
	}
}

// keep makes the line that next returned last the caller's own.
func (l *lineReader) keep() {
	// What was read beyond the line moves to a buffer of its own with the next
	// fill; until then nothing writes into the line.
	l.kept = max(l.last, 1)
}
