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
	// handles has the class of every handle that was put, by handle.
	handles []*resource.Class
}

// turn gathers the parts of a turn. They are joined once, at its end: a turn
// may be large.
type turn struct {
	number  int64
	parts   int
	whole   bool // the batch is complete
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

// classOf returns the class of a handle, or nil if it was never put.
func (d *decoder) classOf(h resource.Handle) *resource.Class {
	if h < 0 || int(h) >= len(d.handles) {
		return nil
	}
	return d.handles[h]
}

// put notes the class of a fresh handle. Handles count up; a far jump is left
// for the inventory to refuse.
func (d *decoder) put(h resource.Handle, c *resource.Class) {
	if h < 0 || int(h) > 2*len(d.handles)+1<<20 {
		return
	}
	for int(h) >= len(d.handles) {
		d.handles = append(d.handles, nil)
	}
	d.handles[h] = c
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
		d.put(h, op.Class)
		op.Parents = handles(in.Parents)
		var err error
		op.Values, err = d.values(op.Class, in.Attributes)
		return err
	case wire.OpSet:
		op.Kind = resource.Set
		op.Class = d.classOf(h)
		if op.Class == nil {
			return fmt.Errorf("handle %d was never put", h)
		}
		if len(in.Attributes) == 0 {
			return nil
		}
		return d.each(op.Class, in.Attributes, func(i int, v resource.Value) {
			op.Set = append(op.Set, resource.AttrValue{Index: i, Value: v})
		})
	case wire.OpLink:
		op.Kind = resource.Link
		op.Parents, op.Drop = handles(in.Add), handles(in.Remove)
	case wire.OpRemove:
		op.Kind = resource.Remove
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
		if err := d.each(c, object, func(i int, v resource.Value) { values[i] = v }); err != nil {
			return nil, err
		}
	}
	for i := range values {
		a := &c.Attributes[i]
		if !values[i].IsNull() || a.Optional {
			continue
		}
		if values[i] = a.Default; values[i].IsNull() {
			return nil, fmt.Errorf("%s %s: attribute %s has no value, and it is not optional", c.FullName(), identity(c, values), a.Name)
		}
	}
	return values, nil
}

func (d *decoder) each(c *resource.Class, object json.RawMessage, f func(int, resource.Value)) error {
	return resource.EachMember(object, func(name string, raw []byte) error {
		i := c.Attr(name)
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
		f(i, v)
		return nil
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

func (d *decoder) sample(in *wire.Sample) (resource.HandleSample, error) {
	s := resource.HandleSample{Handle: resource.Handle(in.Handle), Name: in.Name, Time: time.UnixMilli(in.Time)}
	c := d.classOf(s.Handle)
	if c == nil {
		return s, fmt.Errorf("statistic %s: handle %d was never put", in.Name, in.Handle)
	}
	i := c.Stat(in.Name)
	if i < 0 {
		return s, fmt.Errorf("%s has no statistic %s", c.FullName(), in.Name)
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
