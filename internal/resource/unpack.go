package resource

import "encoding/binary"

// Unpacker takes values off bytes, such as binary.AppendUvarint packed, until it
// meets one that is not there. From then on it is Bad and yields zeroes, so that
// one look at the end is enough. It serves one goroutine.
type Unpacker struct {
	B   []byte // what is left; nil once Bad
	Bad bool
}

// Varint takes a signed number.
func (r *Unpacker) Varint() int64 {
	v, n := binary.Varint(r.B)
	r.skip(n)
	return v
}

// Uvarint takes an unsigned number.
func (r *Unpacker) Uvarint() uint64 {
	v, n := binary.Uvarint(r.B)
	r.skip(n)
	return v
}

func (r *Unpacker) skip(n int) {
	if n <= 0 {
		r.Bad, r.B = true, nil
		return
	}
	r.B = r.B[n:]
}

// Byte takes one byte.
func (r *Unpacker) Byte() byte {
	if b := r.Bytes(1); b != nil {
		return b[0]
	}
	return 0
}

// Bytes takes n bytes, which stay part of what the Unpacker was given.
func (r *Unpacker) Bytes(n uint64) []byte {
	if n > uint64(len(r.B)) {
		r.Bad, r.B = true, nil
		return nil
	}
	out := r.B[:n]
	r.B = r.B[n:]
	return out
}

// Count takes the number of things that follow, of which each takes a byte at
// least: a greater number than there are bytes is bad, and costs no memory.
func (r *Unpacker) Count() int {
	n := r.Uvarint()
	if n > uint64(len(r.B)) {
		r.Bad, r.B = true, nil
		return 0
	}
	return int(n)
}
