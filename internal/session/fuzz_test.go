package session

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/sdk/wire"
)

// checker is an inventory that checks what sessions hand it.
type checker struct {
	t    *testing.T
	last int64
}

func (c *checker) OpenSession(resource.ID, string, func([]resource.Handle)) error { return nil }
func (c *checker) CloseSession(resource.ID, string)                               {}
func (c *checker) Contact(resource.ID, time.Time)                                 {}
func (c *checker) SetRootState(context.Context, resource.ID, func(*resource.RootState)) error {
	return nil
}

func (c *checker) Apply(_ context.Context, b *resource.Batch) error {
	if b.Turn <= c.last || b.Complete && c.last > 0 {
		c.t.Fatalf("turn %d (complete %t) after turn %d", b.Turn, b.Complete, c.last)
	}
	c.last = b.Turn
	for _, op := range b.Ops {
		if op.Kind == resource.Put {
			if len(op.Values) != len(op.Class.Attributes) {
				c.t.Fatalf("%d values of %s", len(op.Values), op.Class.Name)
			}
			for i, v := range op.Values {
				c.value(op.Class, i, v)
			}
		}
		for _, s := range op.Set {
			c.value(op.Class, s.Index, s.Value)
		}
	}
	for _, s := range b.Samples {
		if _, err := json.Marshal(s.Time); err != nil || s.Bins != nil && len(s.Bins) != 2 {
			c.t.Fatalf("sample %+v: %v", s, err)
		}
	}
	return nil
}

func (c *checker) value(class *resource.Class, i int, v resource.Value) {
	a := &class.Attributes[i]
	if err := a.Check(v); err != nil {
		c.t.Fatalf("%s of %s: %v", a.Name, class.Name, err)
	}
	_, text := v.Text()
	_, number := v.Number()
	_, integer := v.Int()
	_, truth := v.Bool()
	_, ref := v.Ref()
	fits := v.IsNull()
	switch a.Kind {
	case resource.String, resource.Hostname, resource.UUID, resource.Path, resource.Password:
		fits = fits || text
	case resource.Integer, resource.Bytes:
		fits = fits || integer
	case resource.Float:
		fits = fits || number && !integer
	case resource.Boolean:
		fits = fits || truth
	case resource.Reference:
		fits = fits || ref
	case resource.Enum:
		fits = fits || !ref
	}
	if !fits {
		c.t.Fatalf("%s of kind %s has the value %v", a.Name, a.Kind, v)
	}
	if b, err := json.Marshal(v); err != nil || !json.Valid(b) {
		c.t.Fatalf("%s: %q, %v", a.Name, b, err)
	}
}

func every() *resource.Class {
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
			case resource.Bytes:
				a.Default = resource.IntValue(7)
			}
			c.Attributes = append(c.Attributes, a)
		}
	}
	c.Statistics = []resource.Statistic{{Name: "gauge", Kind: resource.Gauge}, {Name: "histogram", Kind: resource.Histogram, Bins: [][]int64{{0, 9}, {10}}}}
	c.Index()
	return c
}

// FuzzTurns feeds a session with any batches at all. It must not panic, and hand
// on only whole turns, in order, of valid values.
func FuzzTurns(f *testing.F) {
	const all = `{"string":"s","integer":1,"float":1.5,"boolean":true,"bytes":5,"enum":"a","hostname":"h","uuid":"00000000-0000-0000-0000-000000000000","path":"/","password":"p","reference":{"$ref":0}}`
	for _, seed := range []string{
		`[{"turn":1,"last":true,"complete":true,"ops":[{"op":"put","h":1,"class":"Every","attributes":` + all + `,"parents":[0]}],"samples":[{"h":1,"name":"gauge","t":1,"v":2.5},{"h":1,"name":"histogram","t":1,"v":[1,2]}]}]`,
		`[{"turn":1,"ops":[{"op":"put","h":1,"class":"Every","attributes":` + all + `}]},{"turn":1,"part":1,"last":true},{"turn":2,"last":true,"ops":[{"op":"set","h":1,"attributes":{"integer":null,"string?":null},"label":"x"},{"op":"link","h":1,"add":[0],"remove":[0]},{"op":"remove","h":1}]}]`,
		`[{"turn":1},{"turn":2,"last":true}]`,
		`[{"turn":2,"last":true},{"turn":1,"last":true},{"turn":3,"complete":true,"last":true}]`,
	} {
		f.Add([]byte(seed))
	}
	class := every()
	f.Fuzz(func(t *testing.T, data []byte) {
		var batches []wire.Batch
		if json.Unmarshal(data, &batches) != nil {
			return
		}
		classes := func(name string) *resource.Class {
			if name == class.Name {
				return class
			}
			return nil
		}
		s := New(Options{ID: 1, Sink: &checker{t: t}, Log: slog.New(slog.DiscardHandler)})
		r := &run{Session: s, dec: newDecoder(classes, func(s string) string { return s }, class)}
		turn := &turn{}
		for i := range batches {
			if err := r.step(context.Background(), &turn, &batches[i]); err != nil {
				return
			}
		}
	})
}

// FuzzClasses reads any declarations at all. Accepted ones can be relied on.
func FuzzClasses(f *testing.F) {
	f.Add([]byte(`{"api_version":1,"classes":[{"name":"A","bases":["Resource"],"identifier":{"scope":"global","attributes":["x"]},"attributes":[{"name":"x","kind":"enum","options":["a",1],"default":1}],"relations":[{"kind":"provide","plugin":"acme","class":"A","attributes":["x"]}],"alert_conditions":[{"kind":"value","attribute":"x","error_states":["a"]}]}]}`))
	f.Add([]byte(`{"api_version":1,"classes":[{"name":"A","bases":["Resource"],"identifier":{"scope":"global","attributes":["x"]},"attributes":[{"name":"x","kind":"integer"}],"alert_conditions":[{"kind":"upper_bound","attribute":"x","error_bound":5,"error_clear":4,"for_seconds":1.5}]}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var m wire.Manifest
		if json.Unmarshal(data, &m) != nil {
			return
		}
		classes, err := Classes("acme", m)
		if err != nil {
			return
		}
		for _, c := range classes {
			if (c.IDScope != resource.Auto) != (len(c.IDAttrs()) > 0) {
				t.Errorf("%s: identifier %s of %v", c.Name, c.IDScope, c.IDNames)
			}
			for i := range c.Attributes {
				a := &c.Attributes[i]
				if c.Attr(a.Name) != i || !a.Default.IsNull() && a.Check(a.Default) != nil {
					t.Errorf("%s.%s: default %v", c.Name, a.Name, a.Default)
				}
			}
			for _, cond := range c.Conditions {
				if c.Attr(cond.Attribute) < 0 && c.Stat(cond.Attribute) < 0 {
					t.Errorf("%s: a condition on %s", c.Name, cond.Attribute)
				}
				if cond.For < 0 {
					t.Errorf("%s: a condition for %v", c.Name, cond.For)
				}
				for s, v := range cond.Clear {
					// What has reached the threshold is fine, so that an alert can end.
					if cond.Holds(s, resource.FloatValue(v)) {
						t.Errorf("%s: a condition that holds at its clear threshold %v", c.Name, v)
					}
				}
			}
			for _, id := range c.IDNames {
				if n := slices.Index(c.IDNames, id); slices.Contains(c.IDNames[n+1:], id) {
					t.Errorf("%s: %s identifies twice", c.Name, id)
				}
			}
		}
	})
}
