package resource

import (
	"encoding/json"
	"fmt"
)

// DecodeClass reads a class as json.Marshal wrote it. It is how a store keeps a
// declaration of the past.
func DecodeClass(b []byte) (*Class, error) {
	c := new(Class)
	if err := json.Unmarshal(b, c); err != nil {
		return nil, fmt.Errorf("read a stored class: %w", err)
	}
	for i := range c.Attributes {
		// A whole number is read as an integer.
		if a := &c.Attributes[i]; a.Kind == Float {
			if n, ok := a.Default.Int(); ok {
				a.Default = FloatValue(float64(n))
			}
		}
	}
	c.Index()
	return c, nil
}

// UnmarshalJSON is the inverse of MarshalJSON, but for whole numbers: they are
// read as integers.
func (v *Value) UnmarshalJSON(b []byte) (err error) {
	if len(b) > 0 && b[0] == '{' {
		ref := Attribute{Kind: Reference}
		*v, err = ref.Parse(b)
		return err
	}
	*v, err = ParseScalar(b)
	return err
}
