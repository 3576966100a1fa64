package plugin

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"unsafe"

	"github.com/faultline-storage/faultline/sdk/wire"
)

// rep is how a field stores its value.
type rep uint8

const (
	repString rep = iota
	repBool
	repFloat
	repInt8
	repInt16
	repInt32
	repInt64
	repUint8
	repUint16
	repUint32
	repUint64
	repRef // *Class
	repAny // Any
)

// field is one attribute of a class, compiled: where it lies in the struct, how
// to compare, check and encode it. Fields of resources are reached by offset
// and not through package reflect because a turn looks at every field of every
// resource; all such access is in this file.
type field struct {
	wire.Attribute
	goName string
	in     reflect.Type // the struct that has the field
	off    uintptr
	rep    rep
	ptr    bool    // the field is a *T
	resOff uintptr // of repRef: where Resource lies in the target

	slot    int    // where the value last sent is kept; see shadow
	nullBit uint64 // bit of a ptr field among the class's nulls
	ident   bool   // part of the identity
	prefix  string // "name":

	enumStrings map[string]bool
	enumNumbers map[float64]bool
	set         func(p unsafe.Pointer) // stores the constant default at the field's value
	compute     func(res, field unsafe.Pointer)
	computeOff  uintptr
	fieldType   reflect.Type
}

// hasDefault reports whether a missing value can be filled in.
func (f *field) hasDefault() bool { return f.set != nil || f.compute != nil }

// shadow holds the values last sent of one resource.
type shadow struct {
	strs  []string
	nums  []uint64
	refs  []*node
	nulls *uint64
}

// value returns where the value lies, or nil if it is a nil pointer.
func (f *field) value(res unsafe.Pointer) unsafe.Pointer {
	p := unsafe.Add(res, f.off)
	if f.ptr {
		return *(*unsafe.Pointer)(p)
	}
	return p
}

// number returns a number, as bits that tell different values apart.
func (f *field) number(p unsafe.Pointer) uint64 {
	switch f.rep {
	case repBool:
		if *(*bool)(p) {
			return 1
		}
		return 0
	case repFloat:
		return math.Float64bits(*(*float64)(p))
	case repInt8:
		return uint64(*(*int8)(p))
	case repInt16:
		return uint64(*(*int16)(p))
	case repInt32:
		return uint64(*(*int32)(p))
	case repUint8:
		return uint64(*(*uint8)(p))
	case repUint16:
		return uint64(*(*uint16)(p))
	case repUint32:
		return uint64(*(*uint32)(p))
	default: // repInt64, repUint64
		return *(*uint64)(p)
	}
}

// ref returns the node that a reference points to, or nil; ok is false if it
// points to something that has none.
func (f *field) ref(p unsafe.Pointer) (n *node, ok bool) {
	if f.rep == repAny {
		a := *(*Any)(p)
		if a == nil || reflect.ValueOf(a).IsNil() {
			return nil, true
		}
		n = a.resource().n
	} else {
		target := *(*unsafe.Pointer)(p)
		if target == nil {
			return nil, true
		}
		n = (*Resource)(unsafe.Add(target, f.resOff)).n
	}
	if n = n.canonical(); n == nil || n.s == nil {
		return nil, false
	}
	return n, true
}

// isZero reports whether the field holds the zero value of its type: what an
// author who did not assign it left there.
func (f *field) isZero(res unsafe.Pointer) bool {
	if f.ptr {
		return f.value(res) == nil
	}
	p := unsafe.Add(res, f.off)
	switch f.rep {
	case repString:
		return *(*string)(p) == ""
	case repRef:
		return *(*unsafe.Pointer)(p) == nil
	case repAny:
		a := *(*Any)(p)
		return a == nil || reflect.ValueOf(a).IsNil()
	default:
		return f.number(p) == 0
	}
}

// isNull reports whether the attribute has no value.
func (f *field) isNull(res unsafe.Pointer) bool {
	if f.ptr || f.Optional || f.rep >= repRef {
		return f.isZero(res)
	}
	return false
}

// clear makes the field the zero value.
func (f *field) clear(res unsafe.Pointer) {
	reflect.NewAt(f.fieldType, unsafe.Add(res, f.off)).Elem().SetZero()
}

// copy assigns the field of src to dst, two resources of the class.
func (f *field) copy(dst, src unsafe.Pointer) {
	d, s := unsafe.Add(dst, f.off), unsafe.Add(src, f.off)
	switch {
	case f.ptr || f.rep == repRef:
		*(*unsafe.Pointer)(d) = *(*unsafe.Pointer)(s)
	case f.rep == repString:
		*(*string)(d) = *(*string)(s)
	case f.rep == repAny:
		*(*Any)(d) = *(*Any)(s)
	case f.rep == repInt64 || f.rep == repUint64 || f.rep == repFloat:
		*(*uint64)(d) = *(*uint64)(s)
	default:
		reflect.NewAt(f.fieldType, d).Elem().Set(reflect.NewAt(f.fieldType, s).Elem())
	}
}

// changed reports whether the value differs from the one last sent.
func (f *field) changed(res unsafe.Pointer, sh *shadow) bool {
	p := unsafe.Add(res, f.off)
	if f.ptr {
		p = *(*unsafe.Pointer)(p)
		if null := *sh.nulls&f.nullBit != 0; null || p == nil {
			return null != (p == nil)
		}
	}
	switch f.rep {
	case repString:
		return *(*string)(p) != sh.strs[f.slot]
	case repRef, repAny:
		n, ok := f.ref(p)
		return !ok || n != sh.refs[f.slot]
	default:
		return f.number(p) != sh.nums[f.slot]
	}
}

// differs reports whether any attribute of a resource differs from what was
// last sent. Nearly always none does, and nearly all are texts and numbers, so
// these are compared without a look at how each is stored.
func (c *class) differs(res unsafe.Pointer, sh *shadow) bool {
	for _, f := range c.texts {
		now, was := *(*string)(unsafe.Add(res, f.off)), sh.strs[f.slot]
		if len(now) != len(was) || unsafe.StringData(now) != unsafe.StringData(was) && now != was {
			return true
		}
	}
	for _, f := range c.words {
		if *(*uint64)(unsafe.Add(res, f.off)) != sh.nums[f.slot] {
			return true
		}
	}
	for _, f := range c.others {
		if f.changed(res, sh) {
			return true
		}
	}
	return false
}

// keep notes the value as the one last sent.
func (f *field) keep(res unsafe.Pointer, sh *shadow) {
	p := unsafe.Add(res, f.off)
	if f.ptr {
		p = *(*unsafe.Pointer)(p)
		if p == nil {
			*sh.nulls |= f.nullBit
			return
		}
		*sh.nulls &^= f.nullBit
	}
	switch f.rep {
	case repString:
		sh.strs[f.slot] = *(*string)(p)
	case repRef, repAny:
		sh.refs[f.slot], _ = f.ref(p)
	default:
		sh.nums[f.slot] = f.number(p)
	}
}

// fill gives a mandatory attribute without a value its default, if it has one.
func (f *field) fill(res unsafe.Pointer) {
	if f.Optional || !f.hasDefault() || !f.isZero(res) {
		return
	}
	f.setDefaultValue(res)
}

// append appends the value as JSON.
func (f *field) append(b []byte, res unsafe.Pointer) []byte {
	if f.isNull(res) {
		return append(b, "null"...)
	}
	p := f.value(res)
	switch f.rep {
	case repString:
		return appendString(b, *(*string)(p))
	case repBool:
		return strconv.AppendBool(b, *(*bool)(p))
	case repFloat:
		return appendFloat(b, *(*float64)(p))
	case repRef, repAny:
		n, _ := f.ref(p)
		b = append(b, `{"$ref":`...)
		b = strconv.AppendInt(b, n.handle, 10)
		return append(b, '}')
	default:
		return strconv.AppendInt(b, int64(f.number(p)), 10)
	}
}

// appendKey appends the value to a key of the index of resources. It returns
// what stands in the way, if something does.
func (f *field) appendKey(b []byte, res unsafe.Pointer) ([]byte, string) {
	if f.isNull(res) {
		if !f.Optional {
			return b, "has no value, but identifies the resource"
		}
		return append(b, 0), ""
	}
	p := f.value(res)
	switch f.rep {
	case repString:
		s := *(*string)(p)
		b = append(b, 1)
		b = strconv.AppendInt(b, int64(len(s)), 36)
		b = append(b, ':')
		return append(b, s...), ""
	case repRef, repAny:
		n, ok := f.ref(p)
		if !ok {
			return b, "refers to a resource that is not reported yet; report that one first"
		}
		// By identity and not by handle: if the target is removed and reported
		// again, what it identifies stays the same.
		b = append(b, 2)
		b = strconv.AppendInt(b, int64(n.c.index), 36)
		b = append(b, ':')
		b = strconv.AppendInt(b, int64(len(n.key)), 36)
		b = append(b, ':')
		return append(b, n.key...), ""
	default:
		b = append(b, 3)
		b = strconv.AppendUint(b, f.number(p), 36)
		return append(b, ';'), ""
	}
}

// text shows the value in an error.
func (f *field) text(res unsafe.Pointer) string {
	if f.Kind == wire.KindPassword {
		return stars
	}
	if f.rep >= repRef && !f.isNull(res) {
		n, ok := f.ref(f.value(res))
		if !ok {
			return "(not reported)"
		}
		return n.c.Name + " " + n.identity()
	}
	if f.rep == repString && !f.isNull(res) {
		return quote(*(*string)(f.value(res)))
	}
	return string(f.append(nil, res))
}

// decode stores a JSON value in the field.
func (f *field) decode(res unsafe.Pointer, raw json.RawMessage) error {
	if string(raw) == "null" {
		f.clear(res)
		return nil
	}
	if f.rep >= repRef {
		return fmt.Errorf("a reference cannot be given from outside")
	}
	dst := reflect.NewAt(f.fieldType, unsafe.Add(res, f.off))
	if err := json.Unmarshal(raw, dst.Interface()); err != nil {
		if f.Kind == wire.KindPassword {
			return fmt.Errorf("is no %s", f.Kind) // the value must not show
		}
		return fmt.Errorf("%s is no %s", quote(string(raw)), f.Kind)
	}
	return nil
}
