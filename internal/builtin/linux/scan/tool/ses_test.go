package tool_test

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/faultline-storage/faultline/internal/builtin/linux/scan/tool"
)

// sesPage makes a diagnostic page as sg_ses -rr writes it.
func sesPage(code byte, body ...[]byte) []byte {
	all := []byte{code, 0, 0, 0, 0, 0, 0, 1}
	for _, b := range body {
		all = append(all, b...)
	}
	binary.BigEndian.PutUint16(all[2:], uint16(len(all)-4)) //nolint:gosec // a short page
	return all
}

// sesSlot makes what the additional page says of a slot: with the index of the element
// and the slot's number, or without both.
func sesSlot(indexed bool, index, slot byte, address string) []byte {
	phy := append(make([]byte, 12), append([]byte(address), make([]byte, 8)...)...)
	if !indexed {
		return append([]byte{0x06, 30, 1, 0}, phy...)
	}
	d := append([]byte{0x16, 34, 1, index, 1, 0, 0, slot}, phy...)
	if address == "" { // an empty slot
		return []byte{0x96, 2, 1, index}
	}
	return d
}

// TestSESSlots: which disk is in which slot, and that each element is one of its own,
// however the enclosure counts.
func TestSESSlots(t *testing.T) {
	enclosure := append([]byte{0, 0, 3, 36}, []byte("\x50\x00\x0a\xce\x00\x00\x00\x01ACME    JBOD            0001")...)
	// Two groups of thermometers around the slots.
	configuration := sesPage(1, enclosure, []byte{4, 1, 0, 0, 0x17, 3, 0, 0, 4, 2, 0, 0})
	status := sesPage(2, []byte{
		0, 0, 0, 0, 1, 0, 50, 0,
		0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 5, 0, 0, 0,
		0, 0, 0, 0, 1, 0, 60, 0, 2, 0, 90, 0,
	})
	const a, b = "\x50\x00\xc5\x00\x0a\x0a\x0a\x0a", "\x50\x00\xc5\x00\x0b\x0b\x0b\x0b"
	for name, of := range map[string]struct {
		additional []byte
		want       []string // SAS address and number of each slot
	}{
		"numbered": {
			sesPage(0x0a, sesSlot(true, 3, 1, a), sesSlot(true, 4, 2, b), sesSlot(true, 5, 3, b)),
			[]string{"5000c5000a0a0a0a 1", "5000c5000b0b0b0b 2", "5000c5000b0b0b0b 3"},
		},
		"one is empty": {
			sesPage(0x0a, sesSlot(true, 3, 1, a), sesSlot(true, 4, 0, ""), sesSlot(true, 5, 3, b)),
			[]string{"5000c5000a0a0a0a 1", " 2", "5000c5000b0b0b0b 3"},
		},
		"numbers that two slots share": {
			sesPage(0x0a, sesSlot(true, 3, 1, a), sesSlot(true, 4, 2, b), sesSlot(true, 5, 1, b)),
			[]string{"5000c5000a0a0a0a -1", "5000c5000b0b0b0b -1", "5000c5000b0b0b0b -1"},
		},
		"without an index": {
			sesPage(0x0a, sesSlot(false, 0, 0, a), sesSlot(false, 0, 0, b)),
			[]string{"5000c5000a0a0a0a -1", "5000c5000b0b0b0b -1", " -1"},
		},
		"cut off": {sesPage(0x0a, sesSlot(true, 3, 1, a))[:20], []string{" 1", " 2", " 3"}},
		"none":    {nil, []string{" -1", " -1", " -1"}},
	} {
		pages := map[byte][]byte{}
		for _, page := range [][]byte{configuration, status, of.additional} {
			maps.Copy(pages, tool.SESPages(page))
		}
		s, err := tool.ReadSES(pages)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var slots, heat []string
		for _, e := range s.Elements {
			if e.Type == "slot" {
				slots = append(slots, fmt.Sprintf("%s %d", e.SAS, e.Slot))
			} else {
				heat = append(heat, fmt.Sprintf("%s %d %s %g", e.Type, e.Index, e.Status, *e.Value))
			}
		}
		if diff := cmp.Diff(of.want, slots); diff != "" {
			t.Errorf("%s: slots (-want +got):\n%s", name, diff)
		}
		if !slices.Equal(heat, []string{"temperature 0 OK 30", "temperature 1 OK 40", "temperature 2 Critical 70"}) {
			t.Errorf("%s: %q", name, heat)
		}
	}
}

// TestSESIndex: enclosures count elements with or without the overall ones, and not all
// say which.
func TestSESIndex(t *testing.T) {
	enclosure := append([]byte{0, 0, 2, 36}, []byte("\x50\x00\x0a\xce\x00\x00\x00\x01ACME    JBOD            0001")...)
	slots, box := []byte{0x17, 3, 0, 0}, []byte{0x0e, 1, 0, 0}
	for name, of := range map[string]struct {
		types  [2][]byte
		said   byte
		first  byte // the index of the first slot
		places string
	}{
		"said":                        {[2][]byte{slots, box}, 1, 1, "[0 1 2]"},
		"without":                     {[2][]byte{slots, box}, 0, 0, "[0 1 2]"},
		"unsaid":                      {[2][]byte{slots, box}, 0, 1, "[0 1 2]"},
		"without, not first":          {[2][]byte{box, slots}, 0, 1, "[0 1 2]"},
		"said, not first":             {[2][]byte{box, slots}, 1, 3, "[0 1 2]"},
		"an overall one":              {[2][]byte{box, slots}, 1, 2, "[1 2]"},
		"beyond all that there are":   {[2][]byte{slots, box}, 0, 200, "[]"},
		"beyond all, and it says how": {[2][]byte{slots, box}, 1, 200, "[]"},
	} {
		var additional [][]byte
		for i := range byte(3) {
			d := sesSlot(true, of.first+i, 4+i, "\x50\x00\xc5\x00\x0a\x0a\x0a"+string([]byte{'0' + i}))
			d[2] = of.said
			additional = append(additional, d)
		}
		s, err := tool.ReadSES(map[byte][]byte{
			1: sesPage(1, enclosure, of.types[0], of.types[1]), 2: sesPage(2, make([]byte, 4*6)), 0x0a: sesPage(0x0a, additional...),
		})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		places := []int{}
		for _, e := range s.Elements {
			if e.SAS != "" {
				places = append(places, int(e.SAS[15]-'0'))
				if e.Slot != 4+int(e.SAS[15]-'0') {
					t.Errorf("%s: %+v", name, e)
				}
			}
		}
		if got := fmt.Sprint(places); got != of.places {
			t.Errorf("%s: disks %s in the slots, want %s", name, got, of.places)
		}
	}
}

// TestSESElement: what is not a light is not read as one.
func TestSESElement(t *testing.T) {
	for name, of := range map[string]struct {
		kind byte
		raw  [4]byte
		want tool.SESElement
	}{
		"an internal connector":     {0x19, [4]byte{1, 0x7f, 0xff, 0}, tool.SESElement{Type: "connector", Status: "OK", Slot: -1}},
		"a failed connector":        {0x19, [4]byte{2, 0x85, 0xff, 0x40}, tool.SESElement{Type: "connector", Status: "Critical", Ident: true, Fault: true, Slot: -1}},
		"a UPS with a full battery": {0x0b, [4]byte{1, 0xff, 0, 0}, tool.SESElement{Type: "ups", Status: "OK", Slot: -1}},
		"a failed UPS":              {0x0b, [4]byte{2, 0, 0, 0x40}, tool.SESElement{Type: "ups", Status: "Critical", Fault: true, Slot: -1}},
		"no power supply":           {0x0a, [4]byte{1, 0xc0, 0, 0}, tool.SESElement{Type: "invalid operation", Status: "OK", Slot: -1}},
		"a power supply":            {0x02, [4]byte{2, 0x80, 0, 0x60}, tool.SESElement{Type: "psu", Status: "Critical", Ident: true, Fault: true, Slot: -1}},
		"an expander":               {0x18, [4]byte{1, 0xc0, 0, 0}, tool.SESElement{Type: "expander", Status: "OK", Ident: true, Fault: true, Slot: -1}},
	} {
		if diff := cmp.Diff(of.want, tool.SESElementOf(of.kind, of.raw)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
