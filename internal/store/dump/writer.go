package dump

import (
	"bufio"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"

	"filippo.io/age"
)

// Writer writes a backup. It is for one goroutine.
type Writer struct {
	to      io.WriteCloser // age, or a wrapper of the file
	zip     *gzip.Writer
	buf     *bufio.Writer
	sum     hash.Hash
	columns int // of the table that began last
	line    []byte
	rows    int
	counts  map[string]int
	table   string
}

// NewWriter begins a backup with its header, whose Format it sets. With
// recipients the backup is encrypted for them; without, the header must have
// no key.
func NewWriter(w io.Writer, h Header, recipients ...age.Recipient) (*Writer, error) {
	d := &Writer{to: nopCloser{w}, sum: sha256.New(), counts: map[string]int{}}
	if len(recipients) > 0 {
		var err error
		if d.to, err = age.Encrypt(w, recipients...); err != nil {
			return nil, fmt.Errorf("encrypt: %w", err)
		}
	} else if h.Key != "" {
		return nil, errors.New("a backup that is not encrypted must not hold the key of the passwords")
	}
	var err error
	if d.zip, err = gzip.NewWriterLevel(d.to, gzip.BestSpeed); err != nil {
		return nil, err
	}
	d.buf = bufio.NewWriterSize(io.MultiWriter(d.zip, d.sum), 64<<10)
	h.Format = Format
	return d, d.json(h)
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

func (d *Writer) json(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = d.buf.Write(append(b, '\n'))
	return err
}

// Table begins a table.
func (d *Writer) Table(name string, columns []string) error {
	d.columns, d.table = len(columns), name
	d.counts[name] = 0
	return d.json(tableLine{name, columns})
}

// Row writes a row of the table that began last. Its values are int64, string,
// []byte or nil; Row does not keep them.
func (d *Writer) Row(values []any) error {
	if len(values) != d.columns {
		return fmt.Errorf("a row of table %s has %d values, not %d", d.table, len(values), d.columns)
	}
	b := append(d.line[:0], '[')
	var err error
	for i, v := range values {
		if i > 0 {
			b = append(b, ',')
		}
		if b, err = appendValue(b, v); err != nil {
			return err
		}
	}
	d.line = append(b, ']', '\n')
	d.rows++
	d.counts[d.table]++
	_, err = d.buf.Write(d.line)
	return err
}

// Rows returns how many rows of a table were written.
func (d *Writer) Rows(table string) int { return d.counts[table] }

// Close ends the backup. A backup that was not closed cannot be read. The
// underlying writer stays open.
func (d *Writer) Close() error {
	if err := d.buf.Flush(); err != nil {
		return err
	}
	if err := d.json(endLine{&ending{d.rows, hex.EncodeToString(d.sum.Sum(nil))}}); err != nil {
		return err
	}
	if err := d.buf.Flush(); err != nil {
		return err
	}
	return errors.Join(d.zip.Close(), d.to.Close())
}
