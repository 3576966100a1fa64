package plugin

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"unsafe"

	"github.com/faultline-storage/faultline/sdk/wire"
)

// setType derives kind and representation from the Go type.
func (f *field) setType(t reflect.Type) bool {
	if t == anyType {
		f.Kind, f.rep = wire.KindReference, repAny
		return true
	}
	if t.Kind() == reflect.Pointer {
		if t.Implements(anyType) {
			f.Kind, f.rep = wire.KindReference, repRef
			f.resOff = resourceOffset(t.Elem())
			return true
		}
		f.ptr = true
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.String:
		f.Kind, f.rep = wire.KindString, repString
	case reflect.Bool:
		f.Kind, f.rep = wire.KindBoolean, repBool
	case reflect.Float64:
		f.Kind, f.rep = wire.KindFloat, repFloat
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		f.Kind, f.rep = wire.KindInteger, repInt8+rep(t.Kind()-reflect.Int8)
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		f.Kind, f.rep = wire.KindInteger, repUint8+rep(t.Kind()-reflect.Uint8)
	case reflect.Int:
		f.Kind, f.rep = wire.KindInteger, repInt64
		if unsafe.Sizeof(int(0)) == 4 {
			f.rep = repInt32
		}
	case reflect.Uint:
		f.Kind, f.rep = wire.KindInteger, repUint64
		if unsafe.Sizeof(uint(0)) == 4 {
			f.rep = repUint32
		}
	default:
		return false
	}
	if kind, ok := namedKinds[t]; ok {
		f.Kind = kind
	}
	return true
}

// resourceOffset returns where Resource lies in a struct that embeds it.
func resourceOffset(t reflect.Type) uintptr {
	p := reflect.New(t)
	return uintptr(unsafe.Pointer(p.Interface().(Any).resource())) - uintptr(p.UnsafePointer())
}

// valueTags are the tags of an attribute by its kind, beside attr and label.
var valueTags = map[string][]string{
	wire.KindString:    {"maxlen", "default", "enum"},
	wire.KindHostname:  {"maxlen", "default"},
	wire.KindUUID:      {"default"},
	wire.KindPath:      {"maxlen", "default"},
	wire.KindPassword:  {"maxlen"},
	wire.KindInteger:   {"min", "max", "default", "enum"},
	wire.KindBytes:     {"min", "max", "default"},
	wire.KindFloat:     {"min", "max", "default", "enum"},
	wire.KindBoolean:   {"default", "enum"},
	wire.KindReference: {},
}

// setTags reads the tags beside attr and returns what is wrong with them.
func (f *field) setTags(tag reflect.StructTag) []tagProblem {
	problems := checkTags(tag, f.Kind+" attribute", append([]string{"attr", "label", "was"}, valueTags[f.Kind]...)...)
	if len(problems) > 0 {
		return problems
	}
	fail := func(rule wire.Rule, format string, args ...any) {
		problems = append(problems, tagProblem{rule, fmt.Sprintf(format, args...)})
	}
	if text, ok := tag.Lookup("was"); ok {
		for name := range strings.SplitSeq(text, ",") {
			if !isName(name) {
				fail(wire.RuleRenamed, "was:%q: %q is no name of an attribute; give the names that it had in older versions, the latest first", text, name)
			}
			f.RenamedFrom = append(f.RenamedFrom, name)
		}
	}
	bound := func(key string) *float64 {
		text, ok := tag.Lookup(key)
		if !ok {
			return nil
		}
		v, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsNaN(v) || math.IsInf(v, 0) || (f.Kind != wire.KindFloat && v != math.Trunc(v)) {
			fail(wire.RuleOptionValue, "%s:%q is no %s", key, text, f.Kind)
		}
		return &v
	}
	f.Min, f.Max = bound("min"), bound("max")
	if f.Min != nil && f.Max != nil && *f.Min > *f.Max {
		fail(wire.RuleBoundsContradict, "min is more than max")
	}
	if text, ok := tag.Lookup("maxlen"); ok {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			fail(wire.RuleOptionValue, "maxlen:%q is no number of characters", text)
		} else {
			f.MaxLength = &n
		}
	}
	if text, ok := tag.Lookup("enum"); ok {
		if f.Min != nil || f.Max != nil || f.MaxLength != nil {
			fail(wire.RuleOptionUnknown, "an enum has no min, max or maxlen")
		}
		if p := f.setOptions(text); p != "" {
			fail(wire.RuleEnumOptions, "%s", p)
		}
	}
	if text, ok := tag.Lookup("default"); ok && len(problems) == 0 {
		if p := f.setDefault(text); p != "" {
			fail(wire.RuleDefaultInvalid, "%s", p)
		}
	}
	return problems
}

// parse turns the text of a tag into a value of the field's type, without
// pointer, and its JSON.
func (f *field) parse(text string) (reflect.Value, json.RawMessage, bool) {
	t := f.fieldType
	if f.ptr {
		t = t.Elem()
	}
	v := reflect.New(t).Elem()
	if f.rep == repString {
		v.SetString(text)
		return v, appendString(nil, text), true
	}
	if text != strings.TrimSpace(text) || json.Unmarshal([]byte(text), v.Addr().Interface()) != nil {
		return v, nil, false
	}
	raw, err := json.Marshal(v.Interface())
	return v, raw, err == nil && text != "null"
}

func (f *field) setOptions(tag string) string {
	f.Kind = wire.KindEnum
	f.enumStrings, f.enumNumbers = nil, nil
	for text := range strings.SplitSeq(tag, ",") {
		v, raw, ok := f.parse(text)
		if !ok {
			return fmt.Sprintf("enum:%q: %q is no value of the field's type", tag, text)
		}
		if f.rep == repString {
			if f.enumStrings == nil {
				f.enumStrings = map[string]bool{}
			}
			if text == "" || f.enumStrings[text] {
				return fmt.Sprintf("enum:%q: option %q is empty or given twice", tag, text)
			}
			f.enumStrings[text] = true
		} else {
			if f.enumNumbers == nil {
				f.enumNumbers = map[float64]bool{}
			}
			n := 0.0
			switch {
			case v.CanInt():
				n = float64(v.Int())
			case v.CanUint():
				n = float64(v.Uint())
			case v.CanFloat():
				n = v.Float()
			case v.Bool():
				n = 1
			}
			if f.enumNumbers[n] {
				return fmt.Sprintf("enum:%q: option %q is given twice", tag, text)
			}
			f.enumNumbers[n] = true
		}
		f.Options = append(f.Options, raw)
	}
	return ""
}

func (f *field) setDefault(text string) string {
	v, raw, ok := f.parse(text)
	if !ok {
		return fmt.Sprintf("default:%q is no value of the field's type", text)
	}
	f.Default = raw
	typ, ptr := f.fieldType, f.ptr
	f.set = func(p unsafe.Pointer) {
		dst := reflect.NewAt(typ, p).Elem()
		if ptr {
			dst.Set(reflect.New(typ.Elem()))
			dst = dst.Elem()
		}
		dst.Set(v)
	}
	// The default must pass the attribute's own rules.
	holder := reflect.New(typ)
	f.set(holder.UnsafePointer())
	probe := *f
	probe.off = 0
	if p := probe.check(holder.UnsafePointer(), new(int)); p != "" {
		return fmt.Sprintf("default:%q: %s", text, p)
	}
	return ""
}

// setDefaultValue gives the attribute its default.
func (f *field) setDefaultValue(res unsafe.Pointer) {
	p := unsafe.Add(res, f.off)
	if f.set != nil {
		f.set(p)
		return
	}
	f.compute(unsafe.Add(res, f.computeOff), p)
}
