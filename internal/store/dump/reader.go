package dump

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"

	"filippo.io/age"
	"filippo.io/age/armor"
)

// Reader reads a backup. It is for one goroutine.
type Reader struct {
	Header  Header
	buf     *bufio.Reader
	sum     hash.Hash
	columns int
	rows    int
	table   string
	counts  map[string]int
	ended   bool
}

// magic begins what age encrypted.
const magic = "age-encryption.org/"

// IsEncrypted reports whether a file that begins so is encrypted.
func IsEncrypted(beginning []byte) bool {
	return bytes.HasPrefix(beginning, []byte(magic)) || bytes.HasPrefix(beginning, []byte(armor.Header))
}

// NewReader reads the header of a backup. An encrypted one needs an identity.
// Errors wrap ErrDamaged or ErrNewer where they say so.
func NewReader(r io.Reader, identities ...age.Identity) (*Reader, error) {
	in := bufio.NewReaderSize(r, 64<<10)
	beginning, _ := in.Peek(len(armor.Header)) // of an empty file, too
	plain := io.Reader(in)
	if IsEncrypted(beginning) {
		if len(identities) == 0 {
			return nil, errors.New("the backup is encrypted; give its passphrase (--passphrase-file) or key (--identity)")
		}
		if !bytes.HasPrefix(beginning, []byte(magic)) {
			plain = armor.NewReader(in)
		}
		var err error
		if plain, err = age.Decrypt(plain, identities...); err != nil {
			return nil, fmt.Errorf("decrypt: %w", err)
		}
	}
	unzipped, err := gzip.NewReader(plain)
	if err != nil {
		return nil, damaged("it is not compressed as a backup is")
	}
	d := &Reader{buf: bufio.NewReaderSize(unzipped, 64<<10), sum: sha256.New(), counts: map[string]int{}}
	line, err := d.line()
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(line, &d.Header); err != nil || d.Header.Format < 1 {
		return nil, damaged("its first line is not that of a backup")
	}
	if d.Header.Format > Format {
		return nil, fmt.Errorf("%w (format %d; this program reads formats up to %d)", ErrNewer, d.Header.Format, Format)
	}
	d.sum.Write(line)
	return d, nil
}

// line reads a line with its end.
func (d *Reader) line() ([]byte, error) {
	line, err := d.buf.ReadBytes('\n')
	if err == nil {
		return line, nil
	}
	if errors.Is(err, io.EOF) {
		return nil, damaged("it is cut off")
	}
	return nil, damaged("%v", err)
}

// Next returns the next item, or io.EOF after a whole backup. The values of a
// row are the caller's.
func (d *Reader) Next() (Item, error) {
	if d.ended {
		return Item{}, io.EOF
	}
	line, err := d.line()
	if err != nil {
		return Item{}, err
	}
	if line[0] == '[' {
		d.sum.Write(line)
		return d.row(line)
	}
	var l struct {
		tableLine
		endLine
	}
	if err := json.Unmarshal(line, &l); err != nil {
		return Item{}, damaged("a line is not JSON")
	}
	if l.End != nil {
		return Item{}, d.end(l.End)
	}
	if _, again := d.counts[l.Table]; l.Table == "" || len(l.Columns) == 0 || again {
		return Item{}, damaged("a line is neither a table nor a row")
	}
	d.sum.Write(line)
	d.table, d.columns = l.Table, len(l.Columns)
	d.counts[l.Table] = 0
	return Item{Table: l.Table, Columns: l.Columns}, nil
}

func (d *Reader) row(line []byte) (Item, error) {
	var raw []json.RawMessage
	if err := json.Unmarshal(line, &raw); err != nil {
		return Item{}, damaged("a row of table %s is not JSON", d.table)
	}
	if len(raw) != d.columns || d.table == "" {
		return Item{}, damaged("a row of table %s has %d values, not %d", d.table, len(raw), d.columns)
	}
	values := make([]any, len(raw))
	for i, r := range raw {
		var err error
		switch r[0] {
		case '"':
			var s string
			err = json.Unmarshal(r, &s)
			values[i] = s
		case '{':
			var b blob
			if err = json.Unmarshal(r, &b); b.B64 == nil {
				b.B64 = []byte{}
			}
			values[i] = b.B64
		case 'n':
		default:
			var n int64
			err = json.Unmarshal(r, &n)
			values[i] = n
		}
		if err != nil {
			return Item{}, damaged("a value in table %s is %.40q", d.table, r)
		}
	}
	d.rows++
	d.counts[d.table]++
	return Item{Values: values}, nil
}

// end checks what the last line says, and that it is the last.
func (d *Reader) end(e *ending) error {
	if e.Rows != d.rows {
		return damaged("it has %d rows, and %d were written", d.rows, e.Rows)
	}
	if !strings.EqualFold(e.SHA256, hex.EncodeToString(d.sum.Sum(nil))) {
		return damaged("its checksum is wrong")
	}
	if _, err := d.buf.ReadByte(); !errors.Is(err, io.EOF) { // where gzip and age check their own sums
		return damaged("something follows its end")
	}
	d.ended = true
	return io.EOF
}

// Rows returns how many rows of a table were read.
func (d *Reader) Rows(table string) int { return d.counts[table] }

// Check reads the rest of the backup.
func (d *Reader) Check() error {
	for {
		if _, err := d.Next(); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
	}
}
