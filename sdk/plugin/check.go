package plugin

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"unicode/utf8"
	"unsafe"

	"github.com/faultline-storage/faultline/sdk/wire"
)

// maxValueBytes bounds the text of one resource, so that an op fits a line even
// if every byte has to be escaped.
const maxValueBytes = 2 << 20

// check returns what is wrong with the value, or "". It adds the length of text
// to size.
func (f *field) check(res unsafe.Pointer, size *int) string {
	p := f.value(res)
	if f.isNull(res) {
		if f.Optional {
			return ""
		}
		return "has no value, but is mandatory"
	}
	switch f.rep {
	case repString:
		s := *(*string)(p)
		if *size += len(s); *size > maxValueBytes {
			return fmt.Sprintf("the values of this resource have more than %d bytes", maxValueBytes)
		}
		return f.checkText(s)
	case repBool:
		if f.enumNumbers != nil {
			return f.checkOption(float64(f.number(p)), strconv.FormatBool(*(*bool)(p)))
		}
		return ""
	case repFloat:
		v := *(*float64)(p)
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Sprintf("%v is not a finite number", v)
		}
		return f.checkNumber(v, string(appendFloat(nil, v)))
	case repRef, repAny:
		n, ok := f.ref(p)
		if !ok {
			return "refers to a resource that is not reported"
		}
		if n.dead {
			return "refers to a resource that was removed"
		}
		return ""
	default:
		if f.rep >= repUint8 {
			u := f.number(p)
			if u > math.MaxInt64 {
				return fmt.Sprintf("%d is too large: integers have 63 bits", u)
			}
			return f.checkNumber(float64(u), "")
		}
		return f.checkNumber(float64(int64(f.number(p))), "")
	}
}

func (f *field) checkText(s string) string {
	if f.Kind == wire.KindPassword && f.MaxLength != nil && utf8.RuneCountInString(s) > *f.MaxLength {
		return fmt.Sprintf("has more than %d characters", *f.MaxLength) // the value must not show
	}
	switch f.Kind {
	case wire.KindHostname:
		return checkHostname(s)
	case wire.KindUUID:
		return checkUUID(s)
	case wire.KindEnum:
		if !f.enumStrings[s] {
			return fmt.Sprintf("%s is not one of %s", quote(s), f.optionList())
		}
	}
	if f.MaxLength != nil {
		if n := utf8.RuneCountInString(s); n > *f.MaxLength {
			return fmt.Sprintf("%s has %d characters, more than %d", quote(s), n, *f.MaxLength)
		}
	}
	return ""
}

func (f *field) checkNumber(v float64, text string) string {
	if f.enumNumbers != nil {
		return f.checkOption(v, text)
	}
	if f.Min == nil && f.Max == nil {
		return ""
	}
	if text == "" {
		text = strconv.FormatFloat(v, 'f', -1, 64)
	}
	if f.Min != nil && v < *f.Min {
		return fmt.Sprintf("%s is less than %v", text, *f.Min)
	}
	if f.Max != nil && v > *f.Max {
		return fmt.Sprintf("%s is more than %v", text, *f.Max)
	}
	return ""
}

func (f *field) checkOption(v float64, text string) string {
	if f.enumNumbers[v] {
		return ""
	}
	if text == "" {
		text = strconv.FormatFloat(v, 'f', -1, 64)
	}
	return fmt.Sprintf("%s is not one of %s", text, f.optionList())
}

func (f *field) optionList() string {
	b, _ := json.Marshal(f.Options)
	return string(b[1 : len(b)-1])
}
