package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"

	"github.com/faultline-storage/faultline/internal/inventory"
	"github.com/faultline-storage/faultline/internal/lint"
	"github.com/faultline-storage/faultline/internal/pluginhost"
	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/internal/session"
	"github.com/faultline-storage/faultline/sdk/wire"
)

// asked is a plugin's process that is asked something; see pluginhost.Process.
type asked interface {
	Call(ctx context.Context, method string, params, result any) error
}

// declare puts the classes of a plugin into the inventory. It asks the plugin for
// the computed defaults of stored resources, unless p is nil: then the next scan
// brings them.
type declare func(ctx context.Context, plugin string, m wire.Manifest, p asked) error

// manifestStore is where manifests are kept between runs of the server.
type manifestStore interface {
	Manifests(ctx context.Context) (map[string][]byte, error)
}

// declarant is the part of the inventory that declarations go to.
type declarant interface {
	Class(plugin, name string) *resource.Class
	Count(c *resource.Class) int
	Declare(ctx context.Context, d inventory.Declaration) ([]*resource.Class, *inventory.Migration, error)
	Plan(ctx context.Context, d inventory.Declaration) (*inventory.Migration, error)
}

// declarations is what plugins declare, in the inventory and in the store.
type declarations struct {
	store manifestStore
	inv   declarant
	log   *slog.Logger
}

// set implements declare. The classes and the manifest go to the store together
// with the rows that follow from them.
func (d *declarations) set(ctx context.Context, plugin string, m wire.Manifest, p asked) error {
	classes, err := checkedClasses(plugin, m)
	if err != nil {
		return err
	}
	kept, err := d.withFormer(ctx, plugin, m)
	if err != nil {
		return err
	}
	text, err := json.Marshal(kept)
	if err != nil {
		return err
	}
	next := inventory.Declaration{Plugin: plugin, Classes: classes, Manifest: text}
	plan, err := d.inv.Plan(ctx, next)
	if err != nil {
		return err
	}
	if before, ok, err := d.former(ctx, plugin); err == nil && ok && d.log != nil && !sameManifest(before, kept) {
		logChanges(d.log.With("plugin", plugin), d.compare(plugin, before, m, plan))
	}
	if next.Computed, err = d.compute(ctx, plugin, plan.Missing, p); err != nil {
		return err
	}
	_, _, err = d.inv.Declare(ctx, next)
	return err
}

// checkedClasses turns what a plugin declares into classes, unless something of it
// is an error by the rules of `plugin validate`. The SDKs refuse such declarations
// themselves; a plugin in another language has only this check.
func checkedClasses(plugin string, m wire.Manifest) ([]*resource.Class, error) {
	classes, err := session.Classes(plugin, m)
	errs := unjoin(err)
	for _, p := range lint.Check(lint.Plugin{Name: plugin, Manifest: m}) {
		told := slices.ContainsFunc(errs, func(e error) bool {
			var o *session.Misdeclared
			return errors.As(e, &o) && o.Code == p.Code && o.Where == p.Where
		})
		if !p.Warning() && !told {
			errs = append(errs, &session.Misdeclared{Plugin: plugin, Problem: p})
		}
	}
	return classes, errors.Join(errs...)
}

// misdeclared returns what is wrong with declarations, where that is the error.
func misdeclared(err error) (list []wire.Problem) {
	for _, e := range unjoin(err) {
		var m *session.Misdeclared
		if errors.As(e, &m) {
			list = append(list, m.Problem)
		}
	}
	return list
}

// defaultCalls is how many computed defaults are asked for at a time.
const defaultCalls = 16

// compute asks the plugin for the defaults that stored resources need. One that
// it cannot compute stays without: the next scan may report it.
func (d *declarations) compute(ctx context.Context, plugin string, missing []inventory.Missing, p asked) (map[resource.ID][]resource.AttrValue, error) {
	if len(missing) == 0 || p == nil {
		return nil, nil
	}
	out := make(map[resource.ID][]resource.AttrValue, len(missing))
	var mu sync.Mutex
	var g sync.WaitGroup
	turns := make(chan struct{}, defaultCalls)
	var failed error
	failures := 0
	for _, m := range missing {
		turns <- struct{}{}
		g.Go(func() {
			defer func() { <-turns }()
			values, err := defaultsOf(ctx, p, m)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed = err
				failures++
				return
			}
			out[m.Resource.ID] = values
		})
	}
	g.Wait()
	if failed != nil && errors.Is(failed, pluginhost.ErrEnded) {
		return nil, failed
	}
	if failed != nil {
		d.log.Warn("stored resources stay without a value: the plugin did not compute their defaults", "plugin", plugin, "resources", failures, "error", failed)
	}
	return out, ctx.Err()
}

func defaultsOf(ctx context.Context, p asked, m inventory.Missing) ([]resource.AttrValue, error) {
	c := m.Resource.Class
	known := map[string]json.RawMessage{}
	for i, v := range m.Resource.Values {
		a := &c.Attributes[i]
		if !v.IsNull() && a.Kind != resource.Password && a.Kind != resource.Reference {
			known[a.Name] = v.AppendJSON(nil)
		}
	}
	var res wire.DefaultsResult
	if err := p.Call(ctx, wire.MethodDefaults, wire.DefaultsParams{Class: c.Name, Attributes: known}, &res); err != nil {
		return nil, err
	}
	var out []resource.AttrValue
	for _, i := range m.Attributes {
		a := &c.Attributes[i]
		raw, ok := res.Attributes[a.Name]
		if !ok || a.Kind == resource.Reference {
			continue
		}
		v, err := a.Parse(raw)
		if err == nil {
			err = a.Check(v)
		}
		if err != nil {
			return nil, fmt.Errorf("the default that the plugin computes for %s.%s: %w", c.FullName(), a.Name, err)
		}
		out = append(out, resource.AttrValue{Index: i, Value: v})
	}
	return out, nil
}

// former returns what the plugin declared last, as it is stored; ok is false if
// there is nothing that can be used.
func (d *declarations) former(ctx context.Context, plugin string) (m wire.Manifest, ok bool, err error) {
	all, err := d.store.Manifests(ctx)
	if err != nil {
		return m, false, err
	}
	text, ok := all[plugin]
	if !ok {
		return m, false, nil
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return wire.Manifest{}, false, nil //nolint:nilerr // one that cannot be used is replaced, not a reason to refuse its successor
	}
	return m, true, nil
}

// withFormer adds to a manifest the classes that the plugin declared before,
// declares no more, and that there are still resources of.
func (d *declarations) withFormer(ctx context.Context, plugin string, m wire.Manifest) (wire.Manifest, error) {
	before, ok, err := d.former(ctx, plugin)
	if err != nil || !ok {
		return m, err
	}
	m.Classes = slices.Clone(m.Classes)
	for _, c := range before.Classes {
		declared := slices.ContainsFunc(m.Classes, func(d wire.Class) bool { return d.Name == c.Name })
		if known := d.inv.Class(plugin, c.Name); !declared && known != nil && d.inv.Count(known) > 0 {
			m.Classes = append(m.Classes, c)
		}
	}
	return m, nil
}

// knownClasses returns the classes that plugins declared in earlier runs.
func knownClasses(ctx context.Context, store manifestStore, log *slog.Logger) ([]*resource.Class, error) {
	manifests, err := store.Manifests(ctx)
	if err != nil {
		return nil, err
	}
	var all []*resource.Class
	for plugin, text := range manifests {
		var m wire.Manifest
		err := json.Unmarshal(text, &m)
		var classes []*resource.Class
		if err == nil {
			classes, err = session.Classes(plugin, m)
		}
		if err != nil {
			// The plugin will declare its classes anew when it starts.
			log.Error("the stored declarations of a plugin cannot be used", "plugin", plugin, "error", err)
			continue
		}
		all = append(all, classes...)
	}
	return all, nil
}
