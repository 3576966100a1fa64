package resource

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"
)

// The forms of a stored sample's value.
const (
	sampleFloat = iota // 8 bytes
	sampleInt          // a varint: most counters and gauges are whole numbers
	sampleBins
	sampleForms
)

// samplesVersion is the first byte of stored samples.
const samplesVersion = 1

// AppendSamples appends samples in the compact form in which a store keeps
// those of one change; class returns the class of a resource. Nothing is
// appended for no samples.
//
// The form: a version, then for each sample the resource's ID less the one
// before, the number of the statistic's name and the form of the value, the
// time in nanoseconds less the one before, and the value. A name is spelled out
// where its number is first used, so that a later declaration of the class can
// still read it. Neighbours are alike, so a sample takes about five bytes and
// its value.
func AppendSamples(b []byte, samples []Sample, class func(ID) *Class) []byte {
	if len(samples) == 0 {
		return b
	}
	b = append(b, samplesVersion)
	names := map[string]uint64{}
	var c *Class
	var numbers []int64 // of c's statistics: that of the name, less those not used yet
	var id ID
	var nanos int64
	for i := range samples {
		s := &samples[i]
		if c == nil || s.Resource != id {
			if now := class(s.Resource); now != c {
				c = now
				numbers = append(numbers[:0], make([]int64, len(c.Statistics))...)
			}
		}
		b = binary.AppendVarint(b, int64(s.Resource-id))
		id = s.Resource
		form, whole := uint64(sampleFloat), int64(0)
		switch {
		case s.Bins != nil:
			form = sampleBins
		case s.Value == math.Trunc(s.Value) && math.Abs(s.Value) < 1<<53 && !(s.Value == 0 && math.Signbit(s.Value)):
			form, whole = sampleInt, int64(s.Value)
		}
		number := numbers[s.Stat] - 1
		fresh := false
		if number < 0 {
			name := c.Statistics[s.Stat].Name
			n, known := names[name]
			if !known {
				n, fresh = uint64(len(names)), true
				names[name] = n
			}
			number = int64(n)
			numbers[s.Stat] = number + 1
		}
		b = binary.AppendUvarint(b, uint64(number)*sampleForms+form)
		if fresh {
			name := c.Statistics[s.Stat].Name
			b = append(binary.AppendUvarint(b, uint64(len(name))), name...)
		}
		at := s.Time.UnixNano()
		b = binary.AppendVarint(b, at-nanos)
		nanos = at
		switch form {
		case sampleFloat:
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(s.Value))
		case sampleInt:
			b = binary.AppendVarint(b, whole)
		case sampleBins:
			b = binary.AppendUvarint(b, uint64(len(s.Bins)))
			for _, n := range s.Bins {
				b = binary.AppendVarint(b, n)
			}
		}
	}
	return b
}

// errSamples is what is wrong with stored samples.
var errSamples = errors.New("the stored samples cannot be read")

// ReadSamples reads what AppendSamples wrote, and returns the samples of the
// resources whose class is known and has the statistic; class returns nil for
// others.
func ReadSamples(b []byte, class func(ID) *Class) ([]Sample, error) {
	if len(b) == 0 {
		return nil, nil
	}
	if b[0] != samplesVersion {
		return nil, fmt.Errorf("%w: their version is %d, and this program knows %d", errSamples, b[0], samplesVersion)
	}
	r := Unpacker{B: b[1:]}
	var out []Sample
	var names []string
	var c *Class
	var id ID
	var nanos int64
	for len(r.B) > 0 && !r.Bad {
		if delta := r.Varint(); c == nil || delta != 0 {
			id += ID(delta)
			c = class(id)
		}
		n := r.Uvarint()
		form := n % sampleForms
		if n /= sampleForms; n == uint64(len(names)) {
			names = append(names, string(r.Bytes(r.Uvarint())))
		} else if n > uint64(len(names)) {
			return nil, fmt.Errorf("%w: they use name %d of %d", errSamples, n, len(names))
		}
		nanos += r.Varint()
		s := Sample{Resource: id, Stat: -1, Time: time.Unix(0, nanos).UTC()}
		switch form {
		case sampleFloat:
			if v := r.Bytes(8); v != nil {
				s.Value = math.Float64frombits(binary.LittleEndian.Uint64(v))
			}
		case sampleInt:
			s.Value = float64(r.Varint())
		case sampleBins:
			s.Bins = make([]int64, r.Count())
			for k := range s.Bins {
				s.Bins[k] = r.Varint()
			}
		}
		if c != nil {
			s.Stat = c.Stat(names[n])
		}
		if s.Stat >= 0 && !r.Bad {
			out = append(out, s)
		}
	}
	if r.Bad {
		return nil, fmt.Errorf("%w: they are cut short", errSamples)
	}
	return out, nil
}
