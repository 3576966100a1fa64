package link

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/faultline-storage/faultline/internal/resource"
)

const (
	// MaxBody bounds the body of a message, in bytes. A line of a plugin may have
	// 16 MiB, and nothing that is made from one is larger than this.
	MaxBody = 24 << 20
	// MaxPacket is what the frames of one packet have together, in bytes; a packet
	// of one frame may have more.
	MaxPacket = 4 << 20

	maxKind  = 64
	maxFrame = MaxBody + maxKind + 64
)

// Priority says which of the messages that wait is sent first. Messages of the
// same priority keep their order; others may overtake them.
type Priority uint8

// The priorities.
const (
	Normal Priority = iota
	High
	Low
	priorities
)

// Message is what one end of a link tells the other.
type Message struct {
	Kind string // letters and digits, at most 64 bytes; the receiver knows what it means
	Body []byte // at most MaxBody
	// Priority is for the sender only.
	Priority Priority
}

// Frame is a message on its way. The zero values of Call and Re mean none.
type Frame struct {
	Number uint64 // of the sender, from 1, without gaps
	Call   uint64 // the sender's number of a call, if it waits for an answer
	Re     uint64 // the receiver's number of the call that this answers
	// Fault says that the answer is an error, and the body a fault. Bye says that
	// the sender has nothing more to say.
	Fault, Bye bool
	Kind       string
	Body       []byte
}

func (f *Frame) size() int { return len(f.Body) + len(f.Kind) + 32 }

const (
	flagFault = 1 << iota
	flagBye
)

// Packet is what one request or response carries.
type Packet struct {
	// Ack is the number of the last frame of the other side that was handled.
	Ack    uint64
	Frames []Frame
}

// packetVersion is the first byte of a packet.
const packetVersion = 1

// AppendPacket appends the form of a packet that ReadPacket reads: a version, the
// acknowledgement, then the frames, each after its length.
func AppendPacket(b []byte, p Packet) []byte {
	b = append(b, packetVersion)
	b = binary.AppendUvarint(b, p.Ack)
	var head []byte
	for i := range p.Frames {
		f := &p.Frames[i]
		head = binary.AppendUvarint(head[:0], f.Number)
		head = binary.AppendUvarint(head, f.Call)
		head = binary.AppendUvarint(head, f.Re)
		var flags byte
		if f.Fault {
			flags |= flagFault
		}
		if f.Bye {
			flags |= flagBye
		}
		head = append(head, flags, byte(len(f.Kind)))
		head = append(head, f.Kind...)
		b = binary.AppendUvarint(b, uint64(len(head)+len(f.Body)))
		b = append(b, head...)
		b = append(b, f.Body...)
	}
	return b
}

// ErrPacket is what is wrong with a packet that cannot be read.
var ErrPacket = errors.New("the packet cannot be read")

// PacketReader reads a packet while it arrives. It keeps one frame in memory.
type PacketReader struct {
	r   *bufio.Reader
	Ack uint64
}

// ReadPacket reads the head of a packet.
func ReadPacket(r io.Reader) (*PacketReader, error) {
	p := &PacketReader{r: bufio.NewReader(r)}
	version, err := p.r.ReadByte()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPacket, whole(err))
	}
	if version != packetVersion {
		return nil, fmt.Errorf("%w: its version is %d, and this program knows %d", ErrPacket, version, packetVersion)
	}
	if p.Ack, err = binary.ReadUvarint(p.r); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPacket, whole(err))
	}
	return p, nil
}

// Next returns the next frame, or io.EOF after the last one.
func (p *PacketReader) Next() (Frame, error) {
	if _, err := p.r.Peek(1); errors.Is(err, io.EOF) {
		return Frame{}, io.EOF
	}
	n, err := binary.ReadUvarint(p.r)
	if err != nil {
		return Frame{}, fmt.Errorf("%w: %w", ErrPacket, whole(err))
	}
	if n > maxFrame {
		return Frame{}, fmt.Errorf("%w: a message of %d bytes, and %d are allowed", ErrPacket, n, MaxBody)
	}
	b, err := readN(p.r, int(n))
	if err != nil {
		return Frame{}, fmt.Errorf("%w: %w", ErrPacket, whole(err))
	}
	return readFrame(b)
}

// readN reads n bytes. The memory grows with what has arrived, so that a length
// alone costs nothing.
func readN(r io.Reader, n int) ([]byte, error) {
	const step = 1 << 20
	b := make([]byte, 0, min(n, step))
	for len(b) < n {
		have := len(b)
		more := min(n-have, max(step, have))
		b = append(b, make([]byte, more)...)
		if _, err := io.ReadFull(r, b[have:]); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// whole turns the end of the input inside of something into an error.
func whole(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func readFrame(b []byte) (Frame, error) {
	r := resource.Unpacker{B: b}
	f := Frame{Number: r.Uvarint(), Call: r.Uvarint(), Re: r.Uvarint()}
	flags := r.Byte()
	f.Fault, f.Bye = flags&flagFault != 0, flags&flagBye != 0
	f.Kind = string(r.Bytes(uint64(r.Byte())))
	f.Body = r.B
	switch {
	case r.Bad:
		return Frame{}, fmt.Errorf("%w: a frame is cut short", ErrPacket)
	case f.Number == 0 || len(f.Kind) > maxKind || len(f.Body) > MaxBody:
		return Frame{}, fmt.Errorf("%w: frame %d of kind %.80q with %d bytes", ErrPacket, f.Number, f.Kind, len(f.Body))
	}
	return f, nil
}

// fault is the form of an error.
type fault struct {
	Kind  resource.ErrorKind `json:"kind,omitempty"`
	Field string             `json:"field,omitempty"`
	Text  string             `json:"text"`
}

func faultOf(err error) fault {
	f := fault{Kind: resource.KindOf(err), Text: err.Error()}
	var r *resource.Fault
	if errors.As(err, &r) {
		f.Field = r.Field
	}
	return f
}

func (f fault) err() error { return &resource.Fault{Kind: f.Kind, Field: f.Field, Text: f.Text} }
