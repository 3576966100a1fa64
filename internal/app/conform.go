package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/faultline-storage/faultline/internal/conform"
	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/sdk/wire"
)

// TestOptions say what Tool.Test tests. What the checks themselves take is in
// Conform, whose Host, Root and Accept are set by Test.
type TestOptions struct {
	Path string // of the plugin
	// Class of the root; empty if the plugin has just one.
	Class      string
	Attributes map[string]json.RawMessage // of the root, as a user types them
	// Unreachable are attributes of a root at which nothing answers; nil has the
	// check work it out.
	Unreachable map[string]json.RawMessage
	Conform     conform.Options
}

// Test makes the conformance checks on a plugin. Wrong questions are errors that
// WrongInput knows.
func (t *Tool) Test(ctx context.Context, o TestOptions) (*conform.Report, error) {
	spec, err := t.resolve(o.Path)
	if err != nil {
		return nil, err
	}
	var class *resource.Class
	c := o.Conform
	c.Host = t.options(spec)
	c.Root = func(m wire.Manifest) (string, map[string]json.RawMessage, error) {
		classes, err := checkedClasses(spec.Name, m)
		if err != nil {
			return "", nil, err
		}
		if class, err = t.testRoot(o, spec.Name, classes); err != nil {
			return "", nil, err
		}
		typed, err := typedValues(class, o.Attributes)
		return class.Name, typed, err
	}
	c.Accept = func(ctx context.Context) error { return t.accepts(ctx, o, class.Name) }
	if o.Unreachable != nil {
		// The class is known only after the handshake; the values are checked then.
		root := c.Root
		c.Unreachable = map[string]json.RawMessage{}
		c.Root = func(m wire.Manifest) (string, map[string]json.RawMessage, error) {
			name, typed, err := root(m)
			if err != nil {
				return "", nil, err
			}
			other, err := typedValues(class, o.Unreachable)
			maps.Copy(c.Unreachable, other)
			return name, typed, err
		}
	}
	return conform.Run(ctx, c)
}

// testRoot finds the class of the root: of a plugin that is fed by agent data it
// is the one for hosts.
func (t *Tool) testRoot(o TestOptions, plugin string, classes []*resource.Class) (*resource.Class, error) {
	if o.Conform.Agent != nil && o.Class == "" {
		for _, c := range classes {
			if slices.Contains(c.Bases, resource.BaseHostRoot) {
				return c, nil
			}
		}
		return &resource.Class{Plugin: plugin, Name: wire.BaseHostRoot}, nil
	}
	name, err := rootClass(o.Class, plugin, classes)
	if err != nil {
		return nil, err
	}
	for _, c := range classes {
		if c.Name == name {
			if !c.Scannable() && o.Conform.Agent == nil {
				return nil, resource.FieldErrorf("class", "resources of class %s are found by scans; the root must be of a scannable class", c.FullName())
			}
			return c, nil
		}
	}
	return nil, resource.FieldErrorf("class", "plugin %s has no class %s", plugin, name)
}

// typedValues checks what a user typed and gives it the form that the plugin
// sees; passwords stay in the clear.
func typedValues(c *resource.Class, given map[string]json.RawMessage) (map[string]json.RawMessage, error) {
	out := map[string]json.RawMessage{}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		i := c.Attr(name)
		if i < 0 {
			return nil, resource.FieldErrorf(name, "%s has no attribute %s; it has %s", c.FullName(), name, settable(c))
		}
		a := &c.Attributes[i]
		if a.ReadOnly {
			return nil, resource.FieldErrorf(name, "attribute %s is read from the hardware and cannot be set", name)
		}
		v, err := a.ParseInput(given[name])
		if err == nil {
			err = a.Check(v)
		}
		if err != nil && a.Kind == resource.Password { // the error may quote the value
			err = errors.New("the password does not satisfy the attribute's rules")
		}
		if err != nil {
			return nil, resource.FieldErrorf(name, "attribute %s: %v", name, err)
		}
		out[name] = v.AppendJSON(nil)
	}
	return out, nil
}

// accepts scans with the stages of a server and returns why they refused what
// came.
func (t *Tool) accepts(ctx context.Context, o TestOptions, class string) error {
	quiet := *t
	quiet.Log = nil
	found, err := quiet.Run(ctx, RunOptions{Path: o.Path, Class: class, Attributes: o.Attributes, Updates: 2})
	if err != nil {
		return err
	}
	for _, e := range found.Errors {
		if e.Hook != "incomplete" {
			return fmt.Errorf("%s: %s", e.Hook, e.Message)
		}
	}
	return nil
}
