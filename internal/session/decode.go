package session

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/sdk/wire"
)

// decoder turns the wire batches of one session into checked batches. It is
// used by one goroutine.
type decoder struct {
	// class finds a class of the session's plugin by name; nil if there is none.
	class func(name string) *resource.Class
	// seal hides a password that a plugin reports; see internal/secret.
	seal func(string) string
	// handles has the class of every handle that was put and not removed.
	handles map[resource.Handle]*resource.Class
	// ended are the handles that the turn removes.
	ended []resource.Handle
}

// newDecoder returns the decoder of a session whose root is of the class.
func newDecoder(class func(string) *resource.Class, seal func(string) string, root *resource.Class) decoder {
	return decoder{class: class, seal: seal, handles: map[resource.Handle]*resource.Class{0: root}}
}

// turn gathers the parts of a turn. They are joined once, at its end: a turn
// may be large.
type turn struct {
	number  int64
	parts   int
	ops     [][]resource.Op
	samples [][]resource.HandleSample
}

// add reads a part of a turn.
func (d *decoder) add(t *turn, in *wire.Batch) error {
	ops := make([]resource.Op, len(in.Ops))
	for i := range in.Ops {
		if err := d.op(&in.Ops[i], &ops[i]); err != nil {
			return err
		}
	}
	samples := make([]resource.HandleSample, len(in.Samples))
	for i := range in.Samples {
		var err error
		if samples[i], err = d.sample(&in.Samples[i]); err != nil {
			return err
		}
	}
	t.ops, t.samples = append(t.ops, ops), append(t.samples, samples)
	t.parts++
	return nil
}

// endTurn forgets the handles that the turn removed. They are never used again.
func (d *decoder) endTurn() {
	for _, h := range d.ended {
		delete(d.handles, h)
	}
	d.ended = d.ended[:0]
}

func (d *decoder) op(in *wire.Op, op *resource.Op) error {
	h := resource.Handle(in.Handle)
	op.Handle, op.Label = h, in.Label
	switch in.Op {
	case wire.OpPut:
		op.Kind = resource.Put
		if op.Class = d.class(in.Class); op.Class == nil {
			return fmt.Errorf("the plugin reports a resource of class %q, which it does not declare", in.Class)
		}
		d.handles[h] = op.Class
		op.Parents = handles(in.Parents)
		var err error
		op.Values, err = d.values(op.Class, in.Attributes)
		return err
	case wire.OpSet:
		op.Kind = resource.Set
		if op.Class = d.handles[h]; op.Class == nil {
			return fmt.Errorf("handle %d was never put", h)
		}
		if len(in.Attributes) == 0 {
			return nil
		}
		return d.each(op.Class, in.Attributes, func(i int, v resource.Value) error {
			if v.IsNull() {
				var err error
				if v, err = missing(op.Class, i); err != nil {
					return fmt.Errorf("%s with handle %d: %w", op.Class.FullName(), h, err)
				}
			}
			op.Set = append(op.Set, resource.AttrValue{Index: i, Value: v})
			return nil
		})
	case wire.OpLink:
		op.Kind = resource.Link
		op.Parents, op.Drop = handles(in.Add), handles(in.Remove)
	case wire.OpRemove:
		op.Kind = resource.Remove
		d.ended = append(d.ended, h)
	default:
		return fmt.Errorf("unknown op %q", in.Op)
	}
	return nil
}

func handles(in []int64) []resource.Handle {
	if len(in) == 0 {
		return nil
	}
	out := make([]resource.Handle, len(in))
	for i, h := range in {
		out[i] = resource.Handle(h)
	}
	return out
}

// values reads the attributes of a put: all of the class, checked, with
// constant defaults filled in.
func (d *decoder) values(c *resource.Class, object json.RawMessage) ([]resource.Value, error) {
	values := make([]resource.Value, len(c.Attributes))
	if len(object) > 0 {
		if err := d.each(c, object, func(i int, v resource.Value) error { values[i] = v; return nil }); err != nil {
			return nil, err
		}
	}
	for i := range values {
		if !values[i].IsNull() {
			continue
		}
		var err error
		if values[i], err = missing(c, i); err != nil {
			return nil, fmt.Errorf("%s %s: %w", c.FullName(), identity(c, values), err)
		}
	}
	return values, nil
}

// missing returns what stands for a value that is not there.
func missing(c *resource.Class, i int) (resource.Value, error) {
	a := &c.Attributes[i]
	if a.Optional {
		return resource.Null, nil
	}
	if a.Default.IsNull() {
		return resource.Null, fmt.Errorf("attribute %s has no value, and it is not optional", a.Name)
	}
	return a.Default, nil
}

func (d *decoder) each(c *resource.Class, object json.RawMessage, f func(int, resource.Value) error) error {
	return resource.EachMember(object, func(name, raw []byte) error {
		i := c.Attr(string(name))
		if i < 0 {
			return fmt.Errorf("%s has no attribute %s", c.FullName(), name)
		}
		a := &c.Attributes[i]
		v, err := a.Parse(raw)
		if err == nil && !v.IsNull() {
			err = a.Check(v)
		}
		if err != nil {
			return fmt.Errorf("%s in %s: attribute %s: %w", c.FullName(), brief(object), name, err)
		}
		if a.Kind == resource.Password {
			if text, ok := v.Text(); ok {
				v = resource.StringValue(d.seal(text))
			}
		}
		return f(i, v)
	})
}

// identity names a resource in an error by its identifying values.
func identity(c *resource.Class, values []resource.Value) string {
	parts := make([]string, 0, len(c.IDNames))
	for _, i := range c.IDAttrs() {
		parts = append(parts, fmt.Sprintf("%s=%q", c.Attributes[i].Name, values[i].String()))
	}
	return "(" + strings.Join(parts, ", ") + ")"
}

// brief cuts JSON for an error.
func brief(raw []byte) string {
	if len(raw) > 200 {
		return string(raw[:200]) + "…"
	}
	return string(raw)
}

// maxTime is the end of the year 9999, beyond which a time has no JSON form.
const maxTime = 253402300799999

func (d *decoder) sample(in *wire.Sample) (resource.HandleSample, error) {
	s := resource.HandleSample{Handle: resource.Handle(in.Handle), Name: in.Name, Time: time.UnixMilli(in.Time)}
	c := d.handles[s.Handle]
	if c == nil {
		return s, fmt.Errorf("statistic %s: handle %d was never put", in.Name, in.Handle)
	}
	i := c.Stat(in.Name)
	if i < 0 {
		return s, fmt.Errorf("%s has no statistic %s", c.FullName(), in.Name)
	}
	if in.Time < 0 || in.Time > maxTime {
		return s, fmt.Errorf("%s: statistic %s: %d is no time in milliseconds since 1970 that a calendar has", c.FullName(), in.Name, in.Time)
	}
	st := &c.Statistics[i]
	if st.Kind == resource.Histogram {
		if err := json.Unmarshal(in.Value, &s.Bins); err != nil || len(s.Bins) != len(st.Bins) {
			return s, fmt.Errorf("%s: statistic %s: %s is no array of %d integers, one for each bin", c.FullName(), in.Name, brief(in.Value), len(st.Bins))
		}
		return s, nil
	}
	v, err := resource.ParseScalar(in.Value)
	n, ok := v.Number()
	if err != nil || !ok || math.IsInf(n, 0) {
		return s, fmt.Errorf("%s: statistic %s: %s is no number", c.FullName(), in.Name, brief(in.Value))
	}
	s.Value = n
	return s, nil
}
