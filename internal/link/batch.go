package link

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/faultline-storage/faultline/internal/resource"
)

const (
	// partSize is about how large a part of a batch is.
	partSize = 256 << 10
	// maxTurn bounds what one turn takes in memory where it is received, in bytes;
	// opCost is about what an op takes beside what it holds.
	maxTurn = 1 << 30
	opCost  = 160

	batchVersion = 1
)

// The flags of a part, and of an op.
const (
	partComplete = 1 << iota // Batch.Complete
	partLast
)

// The forms of a value.
const (
	formNull = iota
	formText
	formInt
	formFloat
	formFalse
	formTrue
	formRef
	formBins
)

// writer writes parts of batches. Names are spelled out where they are first used
// in a part, and are numbers after that.
type writer struct {
	b     []byte
	names map[string]uint64
}

func (w *writer) uvarint(n uint64) { w.b = binary.AppendUvarint(w.b, n) }
func (w *writer) varint(n int64)   { w.b = binary.AppendVarint(w.b, n) }

func (w *writer) text(s string) {
	w.uvarint(uint64(len(s)))
	w.b = append(w.b, s...)
}

func (w *writer) name(s string) {
	n, known := w.names[s]
	if !known {
		n = uint64(len(w.names))
		w.names[s] = n
	}
	w.uvarint(n)
	if !known {
		w.text(s)
	}
}

func (w *writer) value(v resource.Value) {
	if v.IsNull() {
		w.b = append(w.b, formNull)
	} else if s, ok := v.Text(); ok {
		w.b = append(w.b, formText)
		w.text(s)
	} else if n, ok := v.Int(); ok {
		w.b = append(w.b, formInt)
		w.varint(n)
	} else if t, ok := v.Bool(); ok {
		w.b = append(w.b, formFalse)
		if t {
			w.b[len(w.b)-1] = formTrue
		}
	} else if n, ok := v.Ref(); ok {
		w.b = append(w.b, formRef)
		w.varint(n)
	} else if f, ok := v.Number(); ok {
		w.float(f)
	}
}

func (w *writer) float(f float64) {
	w.b = append(w.b, formFloat)
	w.b = binary.LittleEndian.AppendUint64(w.b, math.Float64bits(f))
}

func (w *writer) handles(list []resource.Handle) {
	w.uvarint(uint64(len(list)))
	for _, h := range list {
		w.varint(int64(h))
	}
}

func (w *writer) op(op *resource.Op) {
	w.b = append(w.b, byte(op.Kind))
	w.varint(int64(op.Handle))
	switch op.Kind {
	case resource.Put:
		w.label(op.Label)
		w.name(op.Class.Name)
		n := 0
		for _, v := range op.Values {
			if !v.IsNull() {
				n++
			}
		}
		w.uvarint(uint64(n))
		for i, v := range op.Values {
			if !v.IsNull() {
				w.name(op.Class.Attributes[i].Name)
				w.value(v)
			}
		}
		w.handles(op.Parents)
	case resource.Set:
		w.label(op.Label)
		w.name(op.Class.Name)
		w.uvarint(uint64(len(op.Set)))
		for _, s := range op.Set {
			w.name(op.Class.Attributes[s.Index].Name)
			w.value(s.Value)
		}
	case resource.Link:
		w.handles(op.Parents)
		w.handles(op.Drop)
	}
}

func (w *writer) label(l *string) {
	if l == nil {
		w.b = append(w.b, 0)
		return
	}
	w.b = append(w.b, 1)
	w.text(*l)
}

func (w *writer) sample(s *resource.HandleSample) {
	w.varint(int64(s.Handle))
	w.name(s.Name)
	w.varint(s.Time.UnixMicro())
	switch {
	case s.Bins != nil:
		w.b = append(w.b, formBins)
		w.uvarint(uint64(len(s.Bins)))
		for _, n := range s.Bins {
			w.varint(n)
		}
	case s.Value == math.Trunc(s.Value) && math.Abs(s.Value) < 1<<53 && (s.Value != 0 || !math.Signbit(s.Value)):
		w.b = append(w.b, formInt)
		w.varint(int64(s.Value))
	default:
		w.float(s.Value)
	}
}

// eachPart calls f with the parts of a batch, in order, until it fails.
func eachPart(b *resource.Batch, f func(part []byte, last bool) error) error {
	ops, samples := b.Ops, b.Samples
	for n := 0; ; n++ {
		w := &writer{names: map[string]uint64{}}
		w.b = append(w.b, batchVersion, 0)
		w.uvarint(uint64(b.Root))
		w.text(b.Session)
		w.uvarint(uint64(b.Turn))
		w.uvarint(uint64(n))
		for len(ops) > 0 && len(w.b) < partSize {
			w.op(&ops[0])
			ops = ops[1:]
		}
		w.b = append(w.b, 0)
		for len(samples) > 0 && len(w.b) < partSize {
			w.sample(&samples[0])
			samples = samples[1:]
		}
		last := len(ops) == 0 && len(samples) == 0
		if b.Complete {
			w.b[1] |= partComplete
		}
		if last {
			w.b[1] |= partLast
		}
		if err := f(w.b, last); err != nil || last {
			return err
		}
	}
}

// part is a part of a batch, as it was read.
type part struct {
	root     resource.ID
	session  string
	turn     int64
	number   uint64
	complete bool
	last     bool
	ops      []resource.Op
	samples  []resource.HandleSample
}

// partReader reads a part.
type partReader struct {
	resource.Unpacker
	names []string
	class func(name string) *resource.Class
	seal  func(string) string
	err   error // of what was read well and makes no sense
}

// readHead reads what a part belongs to.
func readHead(b []byte) (p part, rest resource.Unpacker, err error) {
	r := resource.Unpacker{B: b}
	version, flags := r.Byte(), r.Byte()
	if !r.Bad && version != batchVersion {
		return p, r, resource.Errorf(resource.Invalid, "the version of a batch is %d, and this program knows %d", version, batchVersion)
	}
	p.complete, p.last = flags&partComplete != 0, flags&partLast != 0
	p.root = resource.ID(r.Uvarint())
	p.session = string(r.Bytes(r.Uvarint()))
	p.turn = int64(r.Uvarint())
	p.number = r.Uvarint()
	if r.Bad {
		return p, r, errPart
	}
	return p, r, nil
}

var errPart = resource.Errorf(resource.Invalid, "a part of a batch is cut short")

// readBody reads the ops and samples of a part. Every value fits its attribute
// after that, and every attribute that needs a value has one.
func (p *part) readBody(rest resource.Unpacker, class func(string) *resource.Class, seal func(string) string) error {
	r := partReader{Unpacker: rest, class: class, seal: seal}
	for r.ok() {
		kind := resource.OpKind(r.Byte())
		if kind == 0 {
			break
		}
		p.ops = append(p.ops, r.op(kind))
	}
	for r.ok() && len(r.B) > 0 {
		p.samples = append(p.samples, r.sample())
	}
	if r.err != nil {
		return r.err
	}
	if r.Bad {
		return errPart
	}
	return nil
}

func (r *partReader) ok() bool { return !r.Bad && r.err == nil }

func (r *partReader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = resource.Errorf(resource.Invalid, format, args...)
	}
}

func (r *partReader) name() string {
	n := r.Uvarint()
	if n == uint64(len(r.names)) && !r.Bad {
		r.names = append(r.names, string(r.Bytes(r.Uvarint())))
	}
	if r.Bad || n >= uint64(len(r.names)) {
		r.Bad = true
		return ""
	}
	return r.names[n]
}

func (r *partReader) op(kind resource.OpKind) resource.Op {
	op := resource.Op{Kind: kind, Handle: resource.Handle(r.Varint())}
	switch kind {
	case resource.Put:
		op.Label = r.label()
		op.Class = r.findClass()
		if op.Class == nil {
			return op
		}
		op.Values = make([]resource.Value, len(op.Class.Attributes))
		r.attributes(op.Class, func(i int, v resource.Value) { op.Values[i] = v })
		for i := range op.Values {
			if a := &op.Class.Attributes[i]; r.ok() && op.Values[i].IsNull() && !a.Optional {
				r.fail("%s with handle %d: attribute %s has no value, and it is not optional", op.Class.FullName(), op.Handle, a.Name)
			}
		}
		op.Parents = r.handles()
	case resource.Set:
		op.Label = r.label()
		op.Class = r.findClass()
		if op.Class == nil {
			return op
		}
		r.attributes(op.Class, func(i int, v resource.Value) {
			if a := &op.Class.Attributes[i]; v.IsNull() && !a.Optional {
				r.fail("%s with handle %d: attribute %s has no value, and it is not optional", op.Class.FullName(), op.Handle, a.Name)
			}
			op.Set = append(op.Set, resource.AttrValue{Index: i, Value: v})
		})
	case resource.Link:
		op.Parents, op.Drop = r.handles(), r.handles()
	case resource.Remove:
	default:
		r.fail("there is no op %d", kind)
	}
	return op
}

func (r *partReader) label() *string {
	if r.Byte() == 0 {
		return nil
	}
	s := r.text()
	return &s
}

// text reads a text. What is no UTF-8 becomes U+FFFD, as in JSON.
func (r *partReader) text() string {
	return strings.ToValidUTF8(string(r.Bytes(r.Uvarint())), "\uFFFD")
}

func (r *partReader) findClass() *resource.Class {
	name := r.name()
	c := r.class(name)
	if c == nil {
		r.fail("the server knows no class %.80q of the plugin; the session must begin again", name)
	}
	return c
}

func (r *partReader) attributes(c *resource.Class, set func(int, resource.Value)) {
	for n := r.Count(); n > 0 && r.ok(); n-- {
		name := r.name()
		v := r.value()
		if r.Bad {
			return
		}
		i := c.Attr(name)
		if i < 0 {
			r.fail("%s has no attribute %.80q", c.FullName(), name)
			return
		}
		a := &c.Attributes[i]
		if !v.IsNull() {
			if !fits(a.Kind, v) {
				r.fail("%s: attribute %s is no %s", c.FullName(), name, a.Kind)
				return
			}
			if err := a.Check(v); err != nil {
				r.fail("%s: attribute %s: %v", c.FullName(), name, err)
				return
			}
			if text, ok := v.Text(); ok && a.Kind == resource.Password {
				v = resource.StringValue(r.seal(text))
			}
		}
		set(i, v)
	}
}

// fits reports whether a value is one of the kind.
func fits(k resource.Kind, v resource.Value) bool {
	_, text := v.Text()
	_, integer := v.Int()
	_, truth := v.Bool()
	_, ref := v.Ref()
	switch k {
	case resource.String, resource.Hostname, resource.UUID, resource.Path, resource.Password:
		return text
	case resource.Integer, resource.Bytes:
		return integer
	case resource.Float:
		return !text && !integer && !truth && !ref
	case resource.Boolean:
		return truth
	case resource.Reference:
		return ref
	case resource.Enum:
		return !ref
	}
	return false
}

func (r *partReader) value() resource.Value {
	switch form := r.Byte(); form {
	case formNull:
		return resource.Null
	case formText:
		return resource.StringValue(r.text())
	case formInt:
		return resource.IntValue(r.Varint())
	case formFloat:
		f := r.float()
		if math.IsNaN(f) || math.IsInf(f, 0) {
			r.Bad = true
			return resource.Null
		}
		return resource.FloatValue(f)
	case formFalse, formTrue:
		return resource.BoolValue(form == formTrue)
	case formRef:
		return resource.RefValue(r.Varint())
	}
	r.Bad = true
	return resource.Null
}

func (r *partReader) float() float64 {
	b := r.Bytes(8)
	if b == nil {
		return 0
	}
	return math.Float64frombits(binary.LittleEndian.Uint64(b))
}

func (r *partReader) handles() []resource.Handle {
	n := r.Count()
	if n == 0 {
		return nil
	}
	list := make([]resource.Handle, n)
	for i := range list {
		list[i] = resource.Handle(r.Varint())
	}
	return list
}

// lastTime is the end of the year 9999, beyond which a time has no JSON form.
var lastTime = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)

func (r *partReader) sample() resource.HandleSample {
	s := resource.HandleSample{Handle: resource.Handle(r.Varint()), Name: r.name(), Time: time.UnixMicro(r.Varint())}
	switch form := r.Byte(); form {
	case formInt:
		s.Value = float64(r.Varint())
	case formFloat:
		s.Value = r.float()
	case formBins:
		s.Bins = make([]int64, r.Count())
		for i := range s.Bins {
			s.Bins[i] = r.Varint()
		}
	default:
		r.Bad = true
	}
	if r.ok() && (math.IsNaN(s.Value) || math.IsInf(s.Value, 0) || s.Time.Before(time.Unix(0, 0)) || s.Time.After(lastTime)) {
		r.fail("statistic %.80s: %v at %v is no sample", s.Name, s.Value, s.Time)
	}
	return s
}

func (p *part) String() string {
	return fmt.Sprintf("part %d of turn %d of session %s", p.number, p.turn, p.session)
}
