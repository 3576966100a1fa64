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
	handles map[resource.Handle]*resource.Class
}

// add appends what a part of a turn says to the batch.
func (d *decoder) add(b *resource.Batch, in *wire.Batch) error {
	for i := range in.Ops {
		op, err := d.op(&in.Ops[i])
		if err != nil {
			return err
		}
		b.Ops = append(b.Ops, op)
	}
	for i := range in.Samples {
		s, err := d.sample(&in.Samples[i])
		if err != nil {
			return err
		}
		b.Samples = append(b.Samples, s)
	}
	return nil
}

func (d *decoder) op(in *wire.Op) (resource.Op, error) {
	h := resource.Handle(in.Handle)
	op := resource.Op{Handle: h, Label: in.Label}
	switch in.Op {
	case wire.OpPut:
		op.Kind = resource.Put
		if op.Class = d.class(in.Class); op.Class == nil {
			return op, fmt.Errorf("the plugin reports a resource of class %q, which it does not declare", in.Class)
		}
		d.handles[h] = op.Class
		op.Parents = handles(in.Parents)
		var err error
		op.Values, err = d.values(op.Class, in.Attributes)
		return op, err
	case wire.OpSet:
		op.Kind = resource.Set
		op.Class = d.handles[h]
		if op.Class == nil {
			return op, fmt.Errorf("handle %d was never put", h)
		}
		if len(in.Attributes) == 0 {
			return op, nil
		}
		return op, d.each(op.Class, in.Attributes, func(i int, v resource.Value) {
			op.Set = append(op.Set, resource.AttrValue{Index: i, Value: v})
		})
	case wire.OpLink:
		op.Kind = resource.Link
		op.Parents, op.Drop = handles(in.Add), handles(in.Remove)
	case wire.OpRemove:
		op.Kind = resource.Remove
	default:
		return op, fmt.Errorf("unknown op %q", in.Op)
	}
	return op, nil
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
	c := d.handles[s.Handle]
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
