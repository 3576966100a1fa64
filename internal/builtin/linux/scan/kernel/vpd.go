package kernel

import (
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strings"
	"unicode/utf8"
)

// Page80 returns the serial number of VPD page 0x80, as the device has it without
// the blanks around it.
func Page80(page []byte) string {
	body := vpdBody(page, 0x80)
	return printable(body)
}

// vpdBody returns what follows the header of a VPD page, as much as its length
// says and is there; nil if it is not that page.
func vpdBody(page []byte, code byte) []byte {
	if len(page) < 4 || page[1] != code {
		return nil
	}
	n := int(binary.BigEndian.Uint16(page[2:4]))
	return page[4:min(len(page), 4+n)]
}

// printable is the text of an identifier: blanks and NULs around it do not count,
// and what no terminal should see becomes a question mark.
func printable(b []byte) string {
	text := strings.Trim(string(b), " \t\r\n\x00")
	return strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0x7f || r == utf8.RuneError {
			return '?'
		}
		return r
	}, text)
}

// Designator is an identifier of VPD page 0x83.
type Designator struct {
	// Type is "naa", "eui", "t10", "name" (SCSI name string), "uuid" or "vendor".
	Type string
	// Value is in lower-case hexadecimal digits for naa, eui and uuid, and text for
	// the others. It is as the device gives it but for the blanks around it.
	Value string
	// Raw is the text before its blanks were cut, of t10 and vendor.
	Raw string
	// rank is lower for the better.
	rank int
}

// String is the form of fact.IDs: type and value. A SCSI name string says its type
// itself.
func (d Designator) String() string {
	if d.Type == "name" {
		return d.Value
	}
	return d.Type + "." + d.Value
}

// WWID is the form that scsi_id, and by it multipathd, use: a digit for the type
// before the identifier, and one underscore for blanks. vendor and model are of the
// INQUIRY data, padded or not.
func (d Designator) WWID(vendor, model string) string {
	switch d.Type {
	case "naa":
		return "3" + d.Value
	case "eui":
		return "2" + d.Value
	case "t10":
		return underscores("1" + d.Raw)
	case "vendor":
		return underscores("0" + pad(vendor, 8) + pad(model, 16) + d.Raw)
	case "name":
		return underscores("8" + d.Value)
	}
	return ""
}

func pad(text string, n int) string {
	if len(text) < n {
		return text + strings.Repeat(" ", n-len(text))
	}
	return text
}

func underscores(text string) string { return strings.Join(strings.Fields(text), "_") }

// Page83 returns the designators of a logical unit in VPD page 0x83, the best
// first, each once. Those of the target or of a port are none of them: all units
// behind it have the same.
func Page83(page []byte) []Designator {
	body := vpdBody(page, 0x83)
	var all []Designator
	for len(body) >= 4 {
		n := int(body[3])
		if n > len(body)-4 {
			break // cut off
		}
		const logicalUnit = 0
		if body[1]>>4&3 == logicalUnit {
			if d, ok := designator(body[0]&0xf, body[1]&0xf, body[4:4+n]); ok {
				all = append(all, d)
			}
		}
		body = body[4+n:]
	}
	slices.SortStableFunc(all, func(a, b Designator) int { return a.rank - b.rank })
	var once []Designator
	for _, d := range all {
		if !slices.ContainsFunc(once, func(o Designator) bool { return o.String() == d.String() }) {
			once = append(once, d)
		}
	}
	return once
}

// Codes of SPC: how a designator is written, and what it is.
const (
	codeBinary, codeASCII, codeUTF8 = 1, 2, 3

	typeVendor, typeT10, typeEUI, typeNAA, typeName, typeUUID = 0, 1, 2, 3, 8, 10
)

func designator(code, kind byte, value []byte) (Designator, bool) {
	d := Designator{Raw: string(value)}
	digits := func() string {
		if code == codeASCII {
			return strings.ToLower(printable(value))
		}
		return hex.EncodeToString(value)
	}
	switch kind {
	case typeNAA:
		d.Type, d.Value = "naa", digits()
		// A registered extended one is of the volume; the shorter ones may be of the
		// array's controller. Local ones (3) are unique where somebody cares only.
		switch {
		case strings.HasPrefix(d.Value, "6"):
			d.rank = 0
		case strings.HasPrefix(d.Value, "5"):
			d.rank = 1
		case strings.HasPrefix(d.Value, "2"):
			d.rank = 2
		default:
			d.rank = 4
		}
	case typeEUI:
		d.Type, d.Value, d.rank = "eui", digits(), 3
	case typeName:
		d.Type, d.Value, d.rank = "name", printable(value), 5
		for _, prefix := range []string{"naa.", "eui."} {
			if rest, ok := cutFold(d.Value, prefix); ok {
				d.Value = prefix + strings.ToLower(rest)
			}
		}
	case typeUUID:
		// Two bytes that say it is of RFC 4122, then the identifier.
		if len(value) != 18 {
			return d, false
		}
		d.Type, d.Value, d.rank = "uuid", hex.EncodeToString(value[2:]), 6
	case typeT10:
		d.Type, d.Value, d.rank = "t10", printable(value), 7
	case typeVendor:
		if code == codeBinary {
			d.Raw = hex.EncodeToString(value)
			d.Value = d.Raw
		} else {
			d.Value = printable(value)
		}
		d.Type, d.rank = "vendor", 8
	default:
		return d, false
	}
	return d, d.Value != ""
}

func cutFold(text, prefix string) (string, bool) {
	if len(text) >= len(prefix) && strings.EqualFold(text[:len(prefix)], prefix) {
		return text[len(prefix):], true
	}
	return text, false
}
