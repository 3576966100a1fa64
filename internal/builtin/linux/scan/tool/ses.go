package tool

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// SES is what an enclosure says by its diagnostic pages.
type SES struct {
	ID                        string // the primary enclosure's logical identifier, 16 hexadecimal digits
	Vendor, Product, Revision string
	// Status is the worst of what the whole says: "OK", "INFO", "NON-CRITICAL",
	// "CRITICAL", "UNRECOVERABLE".
	Status   string
	Elements []SESElement
}

// SESElement is a part of an enclosure.
type SESElement struct {
	Type   string // as fact.Element has it
	Index  int    // among those of its Type, from 0
	Name   string
	Status string
	Value  *float64
	Fault, Predict,
	Ident bool
	// SAS is the address of the device in a slot, 16 hexadecimal digits.
	SAS string
	// Slot is the number that the enclosure gives the slot, -1 if it does not number all
	// of them one after another.
	Slot int
}

// sesTypes are the element types of SES-3 and SES-4.
var sesTypes = map[byte]string{
	0x01: "slot", 0x02: "psu", 0x03: "fan", 0x04: "temperature", 0x05: "door", 0x06: "alarm", 0x07: "controller", 0x08: "controller", 0x09: "cache",
	0x0a: "invalid operation", 0x0b: "ups", 0x0c: "display", 0x0d: "keypad", 0x0e: "enclosure", 0x0f: "transceiver", 0x10: "language", 0x11: "port", 0x12: "voltage", 0x13: "current",
	0x14: "target port", 0x15: "initiator port", 0x16: "subenclosure", 0x17: "slot", 0x18: "expander", 0x19: "connector",
}

var sesStatus = []string{"Unsupported", "OK", "Critical", "Non-critical", "Unrecoverable", "Not installed", "Unknown", "Not available", "No access allowed"}

// SESStatusOf is the word for the status code of an element's first byte.
func SESStatusOf(b byte) string {
	if code := int(b & 0x0f); code < len(sesStatus) {
		return sesStatus[code]
	}
	return "Unknown"
}

// SESElementOf reads the four bytes of an element's status.
func SESElementOf(kind byte, raw [4]byte) SESElement {
	e := SESElement{Type: sesTypes[kind], Status: SESStatusOf(raw[0]), Predict: raw[0]&0x40 != 0, Slot: -1}
	if e.Type == "" {
		e.Type = fmt.Sprintf("type %#02x", kind)
	}
	number := func(n float64) {
		if e.Status != "Not installed" && e.Status != "Unsupported" {
			e.Value = &n
		}
	}
	// Most types have the light in the first bit after the status, and "fail" next.
	e.Ident, e.Fault = raw[1]&0x80 != 0, raw[1]&0x40 != 0
	switch kind {
	case 0x01, 0x17:
		e.Ident = raw[2]&0x02 != 0
		e.Fault = raw[3]&0x60 != 0 // sensed, or requested
	case 0x02, 0x19: // a connector has its kind there
		e.Fault = raw[3]&0x40 != 0
	case 0x0a: // has its kind there
		e.Ident, e.Fault = false, false
	case 0x0b: // has its minutes there
		e.Ident, e.Fault = raw[3]&0x80 != 0, raw[3]&0x40 != 0
	case 0x03:
		e.Fault = raw[3]&0x40 != 0
		number(float64(int(raw[1]&0x07)<<8|int(raw[2])) * 10)
	case 0x04:
		if raw[2] != 0 {
			number(float64(raw[2]) - 20)
		}
	case 0x12, 0x13:
		number(float64(int16(binary.BigEndian.Uint16(raw[2:]))) / 100) //nolint:gosec // a signed number of 16 bits
	}
	return e
}

// SESPages splits raw diagnostic pages by their codes: binary, or as hexadecimal
// digits with comments, which sg_ses writes for a later --inhex.
func SESPages(data []byte) map[byte][]byte {
	if bytes.IndexByte(data, 0) < 0 { // a text has no zeros, a page has
		data = hexBytes(data)
	}
	pages := map[byte][]byte{}
	for len(data) >= 4 {
		n := min(4+int(binary.BigEndian.Uint16(data[2:])), len(data))
		if _, ok := pages[data[0]]; !ok {
			pages[data[0]] = data[:n]
		}
		data = data[n:]
	}
	return pages
}

func hexBytes(text []byte) []byte {
	var all []byte
	for line := range bytes.Lines(text) {
		if i := bytes.IndexByte(line, '#'); i >= 0 {
			line = line[:i]
		}
		for word := range bytes.FieldsSeq(line) {
			if b, err := hex.DecodeString(string(word)); err == nil && len(word) == 2 {
				all = append(all, b...)
			}
		}
	}
	return all
}

// Codes of the pages that tell of an enclosure.
const (
	SESConfiguration = 0x01
	SESStatus        = 0x02
	SESNames         = 0x07
	SESAdditional    = 0x0a
)

type sesHeader struct {
	kind  byte
	count int
	text  string
}

// ReadSES reads an enclosure's pages. The configuration and the status are needed.
func ReadSES(pages map[byte][]byte) (SES, error) {
	s, headers, err := sesConfiguration(pages[SESConfiguration])
	if err != nil {
		return s, err
	}
	status := pages[SESStatus]
	if len(status) < 8 {
		return s, fmt.Errorf("the enclosure's status page: %w", ErrNothing)
	}
	s.Status = "OK"
	for i, word := range []string{"UNRECOVERABLE", "CRITICAL", "NON-CRITICAL", "INFO"} {
		if status[1]&(1<<i) != 0 && s.Status == "OK" {
			s.Status = word
		}
	}
	names := sesNames(pages[SESNames], headers)
	at := status[8:]
	overall := 0 // the index of an element among all, each type's overall one included
	var places []int
	known := map[string]int{} // by type, which several headers may share
	for _, h := range headers {
		for i := -1; i < h.count && len(at) >= 4; i++ {
			raw := [4]byte(at)
			at = at[4:]
			if i >= 0 {
				e := SESElementOf(h.kind, raw)
				e.Index, e.Name = known[e.Type], names[overall]
				known[e.Type]++
				s.Elements = append(s.Elements, e)
				places = append(places, overall)
			}
			overall++
		}
	}
	s.additional(pages[SESAdditional], places)
	s.number()
	return s, nil
}

// number gives all slots numbers if those that have one are numbered one after another,
// else none: an empty slot often has none, and must not take that of another one.
func (s *SES) number() {
	first, known, ordered := 0, false, true
	for _, e := range s.Elements {
		if e.Slot >= 0 {
			if !known {
				first, known = e.Slot-e.Index, true
			}
			ordered = ordered && e.Slot-e.Index == first
		}
	}
	for i := range s.Elements {
		switch e := &s.Elements[i]; {
		case e.Type != "slot":
		case known && ordered && first+e.Index >= 0:
			e.Slot = first + e.Index
		default:
			e.Slot = -1
		}
	}
}

// sesConfiguration reads who the enclosure is, and how many elements of which type
// there are.
func sesConfiguration(page []byte) (SES, []sesHeader, error) {
	var s SES
	if len(page) < 8 || page[0] != SESConfiguration {
		return s, nil, fmt.Errorf("the enclosure's configuration page: %w", ErrNothing)
	}
	rest := page[8:]
	types := 0
	for range int(page[1]) + 1 {
		if len(rest) < 4 {
			break
		}
		n := min(4+int(rest[3]), len(rest))
		d := rest[:n]
		types += int(d[2])
		if s.ID == "" && len(d) >= 40 {
			s.ID = hex.EncodeToString(d[4:12])
			text := func(b []byte) string {
				return strings.Join(strings.Fields(strings.ToValidUTF8(string(bytes.Trim(b, "\x00 ")), "?")), " ")
			}
			s.Vendor, s.Product, s.Revision = text(d[12:20]), text(d[20:36]), text(d[36:40])
		}
		rest = rest[n:]
	}
	var headers []sesHeader
	var lengths []int
	for range types {
		if len(rest) < 4 {
			break
		}
		headers = append(headers, sesHeader{kind: rest[0], count: int(rest[1])})
		lengths = append(lengths, int(rest[3]))
		rest = rest[4:]
	}
	for i, n := range lengths {
		n = min(n, len(rest))
		headers[i].text = sesText(rest[:n])
		rest = rest[n:]
	}
	return s, headers, nil
}

func sesText(b []byte) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == 0xfffd {
			return ' '
		}
		return r
	}, string(b)))
}

// sesNames are the names of elements, by their index among all, overall ones
// included.
func sesNames(page []byte, headers []sesHeader) map[int]string {
	names := map[int]string{}
	if len(page) < 8 {
		return names
	}
	rest := page[8:]
	overall := 0
	for _, h := range headers {
		for range h.count + 1 {
			if len(rest) < 4 {
				return names
			}
			n := min(4+int(binary.BigEndian.Uint16(rest[2:])), len(rest))
			names[overall] = sesText(rest[4:n])
			rest = rest[n:]
			overall++
		}
	}
	return names
}

// sesDescribed are the types of elements that the additional page tells of.
var sesDescribed = []string{"slot", "controller", "target port", "initiator port", "expander"}

// additional reads what is in the slots. places are the indexes of the elements
// among all.
func (s *SES) additional(page []byte, places []int) {
	if len(page) < 8 {
		return
	}
	const (
		invalid, indexed = 0x80, 0x10
		sas              = 6
	)
	rest := page[8:]
	// Some makers count the overall elements, too, and do not say so: then the first index
	// is not that of the first element.
	unsaid := len(rest) >= 4 && rest[0]&indexed != 0 && rest[3] == 1 && len(s.Elements) > 0 && slices.Contains(sesDescribed, s.Elements[0].Type)
	for next := 0; len(rest) >= 4; {
		n := min(2+int(rest[1]), len(rest))
		d := rest[:n]
		rest = rest[n:]
		if n < 4 {
			continue
		}
		at := next
		body := d[2:]
		if d[0]&indexed != 0 {
			// The index counts the overall elements, too, if a bit says so.
			at = int(d[3])
			if said := d[2] & 0x03; said == 1 || said == 0 && unsaid {
				at = slices.Index(places, at)
			}
			body = d[4:]
		} else {
			for at < len(s.Elements) && !slices.Contains(sesDescribed, s.Elements[at].Type) {
				at++
			}
		}
		next = at + 1
		if d[0]&invalid != 0 || d[0]&0x0f != sas || at < 0 || at >= len(s.Elements) || len(body) < 4 || s.Elements[at].Type != "slot" {
			continue
		}
		e := &s.Elements[at]
		// Of a slot: phys, kind of descriptor; with an index also reserved, slot number; then
		// 28 bytes each.
		phys, kind := int(body[0]), body[1]>>6
		if kind != 0 {
			continue
		}
		if d[0]&indexed != 0 {
			e.Slot = int(body[3])
			body = body[2:]
		}
		body = body[2:]
		for range phys {
			if len(body) < 28 {
				break
			}
			if address := hex.EncodeToString(body[12:20]); e.SAS == "" && strings.Trim(address, "0") != "" {
				e.SAS = address
			}
			body = body[28:]
		}
	}
}
