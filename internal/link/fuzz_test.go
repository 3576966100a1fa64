package link

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/faultline-storage/faultline/internal/resource"
)

// FuzzPacket reads any bytes as a packet. What is accepted is written and read
// again as it was.
func FuzzPacket(f *testing.F) {
	f.Add(AppendPacket(nil, Packet{Ack: 3}))
	f.Add(AppendPacket(nil, Packet{Ack: 1 << 40, Frames: []Frame{
		{Number: 1, Kind: "session/batch", Body: []byte("abc")}, {Number: 2, Call: 9, Kind: "root/get"}, {Number: 3, Re: 4, Fault: true, Body: []byte("{}")}, {Number: 4, Bye: true},
	}}))
	f.Add([]byte{packetVersion, 0, 0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := read(data)
		if err != nil {
			if !errors.Is(err, ErrPacket) {
				t.Errorf("%v is no ErrPacket", err)
			}
			return
		}
		again, err := read(AppendPacket(nil, p))
		if err != nil || cmp.Diff(p, again) != "" {
			t.Errorf("%v: %s", err, cmp.Diff(p, again))
		}
	})
}

func read(data []byte) (Packet, error) {
	r, err := ReadPacket(bytes.NewReader(data))
	if err != nil {
		return Packet{}, err
	}
	p := Packet{Ack: r.Ack}
	for {
		f, err := r.Next()
		if errors.Is(err, io.EOF) {
			return p, nil
		}
		if err != nil {
			return p, err
		}
		p.Frames = append(p.Frames, f)
	}
}

// kinds is a class with two attributes of each kind.
func kinds() *resource.Class {
	least, most, length := -1.5, 100.0, 3
	c := &resource.Class{Plugin: "acme", Name: "Every", IDScope: resource.Scoped, IDNames: []string{"string"}}
	for k := resource.String; k <= resource.Reference; k++ {
		for _, optional := range []bool{false, true} {
			a := resource.Attribute{Name: k.String(), Kind: k, Optional: optional}
			if optional {
				a.Name += "?"
			}
			switch k {
			case resource.String:
				a.MaxLength = &length
			case resource.Integer, resource.Float:
				a.Min, a.Max = &least, &most
			case resource.Enum:
				a.Options = []resource.Value{resource.StringValue("a"), resource.IntValue(1), resource.BoolValue(true)}
			}
			c.Attributes = append(c.Attributes, a)
		}
	}
	c.Index()
	return c
}

// FuzzPart reads any bytes as a part of a batch. It must not panic, and what it
// accepts satisfies the class.
func FuzzPart(f *testing.F) {
	c := kinds()
	values := make([]resource.Value, len(c.Attributes))
	for i, v := range []resource.Value{
		resource.StringValue("s"), resource.IntValue(1), resource.FloatValue(1.5), resource.BoolValue(true), resource.IntValue(5), resource.StringValue("a"),
		resource.StringValue("h"), resource.StringValue("00000000-0000-0000-0000-000000000000"), resource.StringValue("/"), resource.StringValue("p"), resource.RefValue(0),
	} {
		values[2*i] = v
	}
	label := "x"
	for _, b := range []*resource.Batch{
		{Root: 1, Session: "s", Turn: 1, Complete: true, Ops: []resource.Op{{Kind: resource.Put, Handle: 1, Class: c, Values: values, Label: &label, Parents: []resource.Handle{0}}}},
		{Root: 1, Session: "s", Turn: 2, Ops: []resource.Op{
			{Kind: resource.Set, Handle: 1, Class: c, Set: []resource.AttrValue{{Index: 1}, {Index: 2, Value: resource.IntValue(3)}}},
			{Kind: resource.Link, Handle: 1, Parents: []resource.Handle{0}, Drop: []resource.Handle{2}}, {Kind: resource.Remove, Handle: 1},
		}, Samples: []resource.HandleSample{{Handle: 1, Name: "g", Time: time.UnixMilli(1), Value: 0.5}, {Handle: 1, Name: "h", Time: time.UnixMilli(1), Bins: []int64{1}}}},
	} {
		if err := eachPart(b, func(part []byte, _ bool) error { f.Add(part); return nil }); err != nil {
			f.Fatal(err)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, rest, err := readHead(data)
		if err == nil {
			err = p.readBody(rest, func(name string) *resource.Class {
				if name == c.Name {
					return c
				}
				return nil
			}, func(s string) string { return s })
		}
		if err != nil {
			if resource.KindOf(err) != resource.Invalid {
				t.Errorf("%v is not the sender's fault", err)
			}
			return
		}
		for _, op := range p.ops {
			if op.Kind == resource.Put && len(op.Values) != len(c.Attributes) {
				t.Fatalf("%d values", len(op.Values))
			}
			for i, v := range op.Values {
				satisfies(t, &c.Attributes[i], v)
			}
			for _, s := range op.Set {
				satisfies(t, &c.Attributes[s.Index], s.Value)
			}
		}
		for _, s := range p.samples {
			if _, err := json.Marshal(s); err != nil {
				t.Errorf("sample %+v: %v", s, err)
			}
		}
	})
}

func satisfies(t *testing.T, a *resource.Attribute, v resource.Value) {
	if err := a.Check(v); err != nil {
		t.Fatalf("%s: %v", a.Name, err)
	}
	// What is no value of the kind does not survive the store.
	if back, err := a.Parse(v.AppendJSON(nil)); err != nil || !back.Same(v) {
		t.Fatalf("%s: %v comes back as %v, %v", a.Name, v, back, err)
	}
}

// TestBatchesSurviveTheirForm: any batch is read as it was written.
func TestBatchesSurviveTheirForm(t *testing.T) {
	c := kinds()
	text := rapid.StringN(0, 3, -1)
	value := func(i int) *rapid.Generator[resource.Value] {
		a := &c.Attributes[i]
		var g *rapid.Generator[resource.Value]
		switch a.Kind {
		case resource.String, resource.Path, resource.Password:
			g = rapid.Map(text, resource.StringValue)
		case resource.Integer:
			g = rapid.Map(rapid.Int64Range(-1, 100), resource.IntValue)
		case resource.Bytes:
			g = rapid.Map(rapid.Int64(), resource.IntValue)
		case resource.Float:
			g = rapid.Map(rapid.Float64Range(-1.5, 100), resource.FloatValue)
		case resource.Boolean:
			g = rapid.Map(rapid.Bool(), resource.BoolValue)
		case resource.Enum:
			g = rapid.SampledFrom(a.Options)
		case resource.Hostname:
			g = rapid.Just(resource.StringValue("a.example"))
		case resource.UUID:
			g = rapid.Just(resource.StringValue("00000000-0000-0000-0000-00000000000a"))
		case resource.Reference:
			g = rapid.Map(rapid.Int64(), resource.RefValue)
		}
		if a.Optional {
			g = rapid.OneOf(g, rapid.Just(resource.Null))
		}
		return g
	}
	handle := rapid.Map(rapid.Int64(), func(n int64) resource.Handle { return resource.Handle(n) })
	handles := rapid.Map(rapid.SliceOfN(handle, 0, 3), func(l []resource.Handle) []resource.Handle {
		if len(l) == 0 {
			return nil
		}
		return l
	})
	rapid.Check(t, func(t *rapid.T) {
		b := &resource.Batch{Root: 5, Session: text.Draw(t, "session"), Turn: rapid.Int64Range(1, 1<<60).Draw(t, "turn"), Complete: rapid.Bool().Draw(t, "complete")}
		for range rapid.IntRange(0, 4).Draw(t, "ops") {
			op := resource.Op{Kind: resource.OpKind(rapid.IntRange(1, 4).Draw(t, "kind")), Handle: handle.Draw(t, "handle")}
			switch op.Kind {
			case resource.Put:
				op.Class = c
				for i := range c.Attributes {
					op.Values = append(op.Values, value(i).Draw(t, "value"))
				}
				op.Parents = handles.Draw(t, "parents")
				op.Label = rapid.Ptr(text, true).Draw(t, "label")
			case resource.Set:
				op.Class = c
				for range rapid.IntRange(0, 3).Draw(t, "set") {
					i := rapid.IntRange(0, len(c.Attributes)-1).Draw(t, "attribute")
					op.Set = append(op.Set, resource.AttrValue{Index: i, Value: value(i).Draw(t, "value")})
				}
				op.Label = rapid.Ptr(text, true).Draw(t, "label")
			case resource.Link:
				op.Parents, op.Drop = handles.Draw(t, "add"), handles.Draw(t, "drop")
			}
			b.Ops = append(b.Ops, op)
		}
		for range rapid.IntRange(0, 3).Draw(t, "samples") {
			s := resource.HandleSample{Handle: handle.Draw(t, "handle"), Name: text.Draw(t, "name"), Time: time.UnixMilli(rapid.Int64Range(0, 253402300799000).Draw(t, "time"))}
			if rapid.Bool().Draw(t, "histogram") {
				s.Bins = rapid.SliceOfN(rapid.Int64(), 1, 3).Draw(t, "bins")
			} else {
				s.Value = rapid.Float64().Filter(func(f float64) bool { return f == f && f-f == 0 }).Draw(t, "number")
			}
			b.Samples = append(b.Samples, s)
		}
		got := resource.Batch{Plugin: b.Plugin}
		parts := uint64(0)
		err := eachPart(b, func(raw []byte, last bool) error {
			p, rest, err := readHead(raw)
			if err != nil {
				return err
			}
			if p.last != last || p.number != parts {
				t.Fatalf("%v, last %t", &p, p.last)
			}
			parts++
			if err := p.readBody(rest, func(string) *resource.Class { return c }, func(s string) string { return s }); err != nil {
				return err
			}
			got.Root, got.Session, got.Turn, got.Complete = p.root, p.session, p.turn, p.complete
			got.Ops, got.Samples = append(got.Ops, p.ops...), append(got.Samples, p.samples...)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(b, &got, cmp.Comparer(func(a, b resource.Value) bool { return a == b }), cmp.Comparer(func(a, b *resource.Class) bool { return a == b })); d != "" {
			t.Fatalf("-written +read:\n%s", d)
		}
	})
}
