package postgres

import (
	"encoding/binary"
	"io"
	"strconv"
	"strings"
)

// kind is the type of a column.
type kind byte

const (
	integer kind = iota
	flag
	text
	blob
)

// kinds are the types as PostgreSQL knows them; its own never change.
var kinds = [...]struct {
	name       string
	oid, array uint32
}{
	integer: {"bigint", 20, 1016},
	flag:    {"boolean", 16, 1000},
	text:    {"text", 25, 1009},
	blob:    {"bytea", 17, 1001},
}

// table is the columns of a table that are written.
type table struct {
	name  string
	names []string
	kinds []kind
}

// columns makes a table of "name:i" for a bigint, :f for a boolean, :t for a
// text and :b for a bytea.
func columns(name, list string) table {
	t := table{name: name}
	for c := range strings.FieldsSeq(list) {
		n, k, _ := strings.Cut(c, ":")
		t.names = append(t.names, n)
		t.kinds = append(t.kinds, kind(strings.Index("iftb", k)))
	}
	return t
}

// over is the rows of arrays, one parameter for each column.
func (t table) over() string {
	var b strings.Builder
	b.WriteString("unnest(")
	for i, k := range t.kinds {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString("$" + strconv.Itoa(i+1) + "::" + kinds[k].name + "[]")
	}
	return b.String() + ")"
}

func (t table) insert() string {
	return "INSERT INTO " + t.name + " (" + strings.Join(t.names, ", ") + ") SELECT * FROM " + t.over()
}

// upsert replaces those columns of rows that are there.
func (t table) upsert(key string, replaced ...string) string {
	set := make([]string, len(replaced))
	for i, c := range replaced {
		set[i] = c + " = excluded." + c
	}
	return t.insert() + " ON CONFLICT (" + key + ") DO UPDATE SET " + strings.Join(set, ", ")
}

func (t table) copy() string {
	return "COPY " + t.name + " (" + strings.Join(t.names, ", ") + ") FROM STDIN (FORMAT binary)"
}

func (t table) oids() []uint32 {
	oids := make([]uint32, len(t.kinds))
	for i, k := range t.kinds {
		oids[i] = kinds[k].array
	}
	return oids
}

// rows encodes the values of rows, which are appended column by column, row by
// row. In an array and in COPY a value looks the same: its length and its
// binary form.
type rows struct {
	cols [][]byte // of arrays, or the one stream of COPY
	next int      // the column of the next value
}

func (r *rows) column() *[]byte {
	c := &r.cols[r.next]
	if r.next++; r.next == len(r.cols) {
		r.next = 0
	}
	return c
}

func (r *rows) int(n int64) {
	c := r.column()
	*c = binary.BigEndian.AppendUint64(append(*c, 0, 0, 0, 8), uint64(n))
}

func (r *rows) flag(b bool) {
	c := r.column()
	v := byte(0)
	if b {
		v = 1
	}
	*c = append(*c, 0, 0, 0, 1, v)
}

// text appends any text.
func (r *rows) text(s string) {
	s = escape(s)
	c := r.column()
	*c = append(binary.BigEndian.AppendUint32(*c, uint32(len(s))), s...)
}

// bytes appends a text that is given as bytes.
func (r *rows) bytes(b []byte) {
	if !plain(b) {
		r.text(string(b))
		return
	}
	c := r.column()
	*c = append(binary.BigEndian.AppendUint32(*c, uint32(len(b))), b...)
}

// orNull appends a text, or NULL for none.
func (r *rows) orNull(b []byte) {
	if len(b) > 0 {
		r.bytes(b)
		return
	}
	c := r.column()
	*c = append(*c, 0xff, 0xff, 0xff, 0xff)
}

// arrays returns the parameters of a statement over n rows of the table.
func arrays(t table, n int, fill func(r *rows, i int)) [][]byte {
	r := rows{cols: make([][]byte, len(t.kinds))}
	for i, k := range t.kinds {
		b := make([]byte, 0, 20+16*n)
		b = binary.BigEndian.AppendUint32(b, 1) // dimensions
		b = binary.BigEndian.AppendUint32(b, 1) // nulls are possible
		b = binary.BigEndian.AppendUint32(b, kinds[k].oid)
		b = binary.BigEndian.AppendUint32(b, uint32(n))
		r.cols[i] = binary.BigEndian.AppendUint32(b, 1) // the first index
	}
	for i := range n {
		fill(&r, i)
	}
	return r.cols
}

// copyHeader begins the binary format of COPY: signature, flags and the length
// of an extension.
const copyHeader = "PGCOPY\n\xff\r\n\x00" + "\x00\x00\x00\x00" + "\x00\x00\x00\x00"

// copyReader is n rows in the binary format of COPY, made while they are read.
type copyReader struct {
	width   uint16 // columns
	n, i    int
	fill    func(r *rows, i int)
	rows    rows
	at      int // what of rows was read
	started bool
	ended   bool
}

// Read implements io.Reader.
func (c *copyReader) Read(p []byte) (int, error) {
	if c.rows.cols == nil {
		c.rows.cols = make([][]byte, 1)
	}
	buf := &c.rows.cols[0]
	if c.at == len(*buf) {
		*buf, c.at = (*buf)[:0], 0
		if !c.started {
			*buf, c.started = append(*buf, copyHeader...), true
		}
		for len(*buf) < len(p) && c.i < c.n {
			*buf = binary.BigEndian.AppendUint16(*buf, c.width)
			c.fill(&c.rows, c.i)
			c.i++
		}
		if c.i == c.n && !c.ended {
			*buf, c.ended = append(*buf, 0xff, 0xff), true
		}
		if len(*buf) == 0 {
			return 0, io.EOF
		}
	}
	n := copy(p, (*buf)[c.at:])
	c.at += n
	return n, nil
}

func scalar(n int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(n)) }
