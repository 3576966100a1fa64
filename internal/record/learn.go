package record

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/faultline-storage/faultline/sdk/wire"
)

// learn finds the secrets in what the host sends and is answered. mu is held.
func (w *Writer) learn(v any) {
	switch v := v.(type) {
	case wire.EncryptParams:
		w.fail(attributeError(v.Attribute, w.hide.add(v.Value)))
	case *wire.EncryptResult:
		w.fail(w.hide.add(v.Value))
	case wire.OpenParams:
		_, err := w.members(v.Class, v.Attributes)
		w.fail(err)
		w.classes = map[int64]string{0: v.Class}
	case wire.DefaultsParams:
		_, err := w.members(v.Class, v.Attributes)
		w.fail(err)
	case *wire.DefaultsResult:
		_, err := w.members(w.classes[0], v.Attributes)
		w.fail(err)
	}
}

// op finds the secrets in an op and replaces them, whatever their length. mu is held.
func (w *Writer) op(op *wire.Op) error {
	switch op.Op {
	case wire.OpPut:
		w.classes[op.Handle] = op.Class
	case wire.OpRemove:
		delete(w.classes, op.Handle)
		return nil
	}
	class := w.classes[op.Handle]
	if len(w.passwords[class]) == 0 || len(op.Attributes) == 0 {
		return nil
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(op.Attributes, &members); err != nil {
		return err
	}
	for name := range w.passwords[class] {
		if text := textOf(members[name]); text != "" {
			_ = w.hide.add(text) // a short one is replaced here, and cannot be looked for elsewhere
			members[name] = asJSON(Redacted)
		}
	}
	op.Attributes = asJSON(members)
	return nil
}

// members returns attributes of a class without secrets. Its passwords are secrets
// from now on.
func (w *Writer) members(class string, attributes map[string]json.RawMessage) (map[string]json.RawMessage, error) {
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		if w.passwords[class][name] {
			if err := w.hide.add(textOf(attributes[name])); err != nil {
				return nil, attributeError(name, err)
			}
		}
	}
	out := make(map[string]json.RawMessage, len(attributes))
	for name, raw := range attributes {
		out[name] = w.hide.json(raw, false)
	}
	return out, nil
}

func attributeError(name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("attribute %s: %w", name, err)
}

// textOf returns the string that a JSON text is, or an empty one.
func textOf(raw json.RawMessage) string {
	var text string
	if len(raw) == 0 || json.Unmarshal(raw, &text) != nil {
		return ""
	}
	return text
}

// result returns the result of a call without secrets, as JSON.
func (s *secrets) result(v any) json.RawMessage {
	switch v := v.(type) {
	case nil:
		return json.RawMessage("{}")
	case *wire.TurnResult: // its numbers are not the author's
		out := *v
		out.Incomplete = slices.Clone(v.Incomplete)
		for i := range out.Incomplete {
			out.Incomplete[i] = s.text(out.Incomplete[i])
		}
		return asJSON(out)
	}
	return s.json(asJSON(v), false)
}

func (s *secrets) errorData(d wire.ErrorData) wire.ErrorData {
	d.Kind, d.Detail, d.Attribute = s.text(d.Kind), s.text(d.Detail), s.text(d.Attribute)
	d.Problems = slices.Clone(d.Problems)
	for i := range d.Problems {
		p := &d.Problems[i]
		p.File, p.Where, p.Text = s.text(p.File), s.text(p.Where), s.text(p.Text)
	}
	return d
}

// manifest returns the declarations without secrets, though a secret is found there
// only by chance, or as a default. Names are left: they are what the rest of the
// recording refers to.
func (s *secrets) manifest(m wire.Manifest) wire.Manifest {
	if len(s.forms) == 0 {
		return m
	}
	all := func(list []json.RawMessage) []json.RawMessage {
		out := slices.Clone(list)
		for i := range out {
			out[i] = s.json(out[i], false)
		}
		return out
	}
	m.Classes = slices.Clone(m.Classes)
	for i := range m.Classes {
		c := &m.Classes[i]
		c.Label = s.text(c.Label)
		c.Attributes = slices.Clone(c.Attributes)
		for j := range c.Attributes {
			a := &c.Attributes[j]
			a.Label, a.Default, a.Options = s.text(a.Label), s.json(a.Default, false), all(a.Options)
		}
		c.Statistics = slices.Clone(c.Statistics)
		for j := range c.Statistics {
			c.Statistics[j].Label, c.Statistics[j].Unit = s.text(c.Statistics[j].Label), s.text(c.Statistics[j].Unit)
		}
		c.Conditions = slices.Clone(c.Conditions)
		for j := range c.Conditions {
			k := &c.Conditions[j]
			k.Message = s.text(k.Message)
			k.ErrorStates, k.WarnStates, k.InfoStates = all(k.ErrorStates), all(k.WarnStates), all(k.InfoStates)
		}
		c.Charts = slices.Clone(c.Charts)
		for j := range c.Charts {
			c.Charts[j].Title = s.text(c.Charts[j].Title)
		}
	}
	return m
}
