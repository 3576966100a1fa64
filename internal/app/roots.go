package app

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/faultline-storage/faultline/internal/api"
	"github.com/faultline-storage/faultline/internal/inventory"
	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/internal/secret"
	"github.com/faultline-storage/faultline/sdk/wire"
)

// roots does what users may do to resources; it implements api.Roots. Between
// the request and the inventory stand the plugin's own functions (password
// encryption, computed defaults) and the server's seal.
type roots struct {
	inv     *inventory.Inventory
	secrets *secret.Box
	// process returns a plugin's process, which is released after use.
	process func(ctx context.Context, plugin string) (caller, error)
	// try does the initial scan of a root that is in no inventory; see Test.
	try func(ctx context.Context, c *resource.Class, values []resource.Value) (api.Trial, error)
}

// caller is a plugin that can be called, wherever it runs.
type caller interface {
	Call(ctx context.Context, method string, params, result any) error
	Release()
}

// Add implements api.Roots.
func (r *roots) Add(ctx context.Context, plugin, class string, attributes map[string]json.RawMessage) (resource.ID, error) {
	c, values, err := r.newRoot(ctx, plugin, class, attributes)
	if err != nil {
		return 0, err
	}
	res, _, err := r.inv.AddRoot(ctx, c, values)
	if err != nil {
		return 0, err
	}
	return res.ID, nil
}

// newRoot returns the class and the values of a root that a user wants.
func (r *roots) newRoot(ctx context.Context, plugin, class string, attributes map[string]json.RawMessage) (*resource.Class, []resource.Value, error) {
	c, err := r.class(plugin, class)
	if err != nil {
		return nil, nil, err
	}
	values := make([]resource.Value, len(c.Attributes))
	if err := r.read(ctx, c, attributes, func(i int, v resource.Value) { values[i] = v }); err != nil {
		return nil, nil, err
	}
	if err := r.defaults(ctx, c, attributes, values); err != nil {
		return nil, nil, err
	}
	for i := range values {
		a := &c.Attributes[i]
		if values[i].IsNull() && !a.Optional {
			return nil, nil, resource.FieldErrorf(a.Name, "attribute %s of %s needs a value", a.Name, c.FullName())
		}
	}
	return c, values, nil
}

// Test implements api.Roots.
func (r *roots) Test(ctx context.Context, id resource.ID, plugin, class string, attributes map[string]json.RawMessage) (api.Trial, error) {
	if id == 0 {
		c, values, err := r.newRoot(ctx, plugin, class, attributes)
		if err != nil {
			return api.Trial{}, err
		}
		return r.try(ctx, c, values)
	}
	res := r.inv.Get(id)
	if res == nil {
		return api.Trial{}, resource.Errorf(resource.NotFound, "there is no resource %d", id)
	}
	values := slices.Clone(res.Values)
	if err := r.read(ctx, res.Class, attributes, func(i int, v resource.Value) { values[i] = v }); err != nil {
		return api.Trial{}, err
	}
	return r.try(ctx, res.Class, values)
}

func (r *roots) class(plugin, class string) (*resource.Class, error) {
	if c := r.inv.Class(plugin, class); c != nil {
		if !c.Scannable() {
			return nil, resource.FieldErrorf("class", "resources of class %s are found by scans; only scannable classes can be added: %s",
				c.FullName(), r.scannable(""))
		}
		return c, nil
	}
	for _, c := range r.inv.Classes() {
		if c.Plugin == plugin {
			return nil, resource.FieldErrorf("class", "plugin %s has no class %s; what can be added: %s", plugin, class, r.scannable(plugin))
		}
	}
	return nil, resource.FieldErrorf("plugin", "there is no plugin %s, or it has not started yet; what can be added: %s", plugin, r.scannable(""))
}

// scannable lists the classes that users may add.
func (r *roots) scannable(plugin string) string {
	var names []string
	for _, c := range r.inv.Classes() {
		if c.Scannable() && (plugin == "" || c.Plugin == plugin) {
			names = append(names, c.FullName())
		}
	}
	if len(names) == 0 {
		return "nothing"
	}
	return strings.Join(names, ", ")
}

// read checks the values that a user gave.
func (r *roots) read(ctx context.Context, c *resource.Class, attributes map[string]json.RawMessage, set func(int, resource.Value)) error {
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		i := c.Attr(name)
		if i < 0 {
			return resource.FieldErrorf(name, "%s has no attribute %s; it has %s", c.FullName(), name, settable(c))
		}
		a := &c.Attributes[i]
		if a.ReadOnly {
			return resource.FieldErrorf(name, "attribute %s is read from the hardware and cannot be set", name)
		}
		v, err := a.ParseInput(attributes[name])
		if err == nil {
			err = a.Check(v)
		}
		if err != nil {
			if a.Kind == resource.Password { // the error may quote the value
				return resource.FieldErrorf(name, "attribute %s: the password does not satisfy the attribute's rules", name)
			}
			return resource.FieldErrorf(name, "attribute %s: %v", name, err)
		}
		if a.Kind == resource.Password && !v.IsNull() {
			if v, err = r.seal(ctx, c, a.Name, v); err != nil {
				return err
			}
		}
		set(i, v)
	}
	return nil
}

func settable(c *resource.Class) string {
	var names []string
	for i := range c.Attributes {
		if a := &c.Attributes[i]; !a.ReadOnly {
			names = append(names, a.Name)
		}
	}
	return strings.Join(names, ", ")
}

// seal has the plugin obfuscate a password (guide, "Password") and seals the
// result.
func (r *roots) seal(ctx context.Context, c *resource.Class, attribute string, v resource.Value) (resource.Value, error) {
	p, err := r.process(ctx, c.Plugin)
	if err != nil {
		return v, err
	}
	defer p.Release()
	plain, _ := v.Text()
	var res wire.EncryptResult
	if err := p.Call(ctx, wire.MethodEncrypt, wire.EncryptParams{Class: c.Name, Attribute: attribute, Value: plain}, &res); err != nil {
		return v, &resource.Fault{Kind: resource.Invalid, Field: attribute, Text: "plugin " + c.Plugin + " did not encrypt attribute " + attribute, Cause: redact(err, plain)}
	}
	return resource.StringValue(r.secrets.Seal(passwords, res.Value)), nil
}

// redact keeps a secret out of an error's text.
func redact(err error, secret string) error {
	if secret == "" || !strings.Contains(err.Error(), secret) {
		return err
	}
	return errors.New(strings.ReplaceAll(err.Error(), secret, "…"))
}

// defaults fills in what the user left out.
func (r *roots) defaults(ctx context.Context, c *resource.Class, given map[string]json.RawMessage, values []resource.Value) error {
	computed := false
	for i := range values {
		a := &c.Attributes[i]
		if !values[i].IsNull() || a.Optional {
			continue
		}
		values[i] = a.Default
		computed = computed || a.DefaultComputed
	}
	if !computed {
		return nil
	}
	p, err := r.process(ctx, c.Plugin)
	if err != nil {
		return err
	}
	defer p.Release()
	plain := map[string]json.RawMessage{} // what the plugin may know for it
	for i, v := range values {
		a := &c.Attributes[i]
		if _, ok := given[a.Name]; ok && !v.IsNull() && a.Kind != resource.Password && a.Kind != resource.Reference {
			plain[a.Name] = v.AppendJSON(nil)
		}
	}
	var res wire.DefaultsResult
	if err := p.Call(ctx, wire.MethodDefaults, wire.DefaultsParams{Class: c.Name, Attributes: plain}, &res); err != nil {
		return err
	}
	for i := range values {
		a := &c.Attributes[i]
		raw, ok := res.Attributes[a.Name]
		if !ok || !values[i].IsNull() || !a.DefaultComputed {
			continue
		}
		v, err := a.Parse(raw)
		if err == nil {
			err = a.Check(v)
		}
		if err != nil {
			return resource.FieldErrorf(a.Name, "the default that plugin %s computes for attribute %s: %v", c.Plugin, a.Name, err)
		}
		values[i] = v
	}
	return nil
}

// Edit implements api.Roots.
func (r *roots) Edit(ctx context.Context, id resource.ID, alias *string, attributes map[string]json.RawMessage) error {
	res := r.inv.Get(id)
	if res == nil {
		return resource.Errorf(resource.NotFound, "there is no resource %d", id)
	}
	e := inventory.Edit{Alias: alias, Class: res.Class}
	if len(attributes) > 0 {
		if res.Root == nil {
			return resource.Errorf(resource.Conflict, "resource %d was found by a scan: its attributes are read from the hardware", id)
		}
		err := r.read(ctx, res.Class, attributes, func(i int, v resource.Value) {
			e.Set = append(e.Set, resource.AttrValue{Index: i, Value: v})
		})
		if err != nil {
			return err
		}
	}
	return r.inv.Edit(ctx, id, e)
}

// Approve implements api.Roots.
func (r *roots) Approve(ctx context.Context, id resource.ID, resources int) (removed int, err error) {
	return r.inv.ApproveRemoval(ctx, id, resources)
}

// Remove implements api.Roots. From then on the inventory takes nothing more
// from the root's session, which the runner has torn down.
func (r *roots) Remove(ctx context.Context, id resource.ID) error { return r.inv.RemoveRoot(ctx, id) }
