package app

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"

	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/internal/session"
	"github.com/faultline-storage/faultline/sdk/wire"
)

// declare puts the classes of a plugin into the inventory.
type declare func(ctx context.Context, plugin string, m wire.Manifest) error

// manifestStore is where manifests are kept between runs of the server.
type manifestStore interface {
	SaveManifest(ctx context.Context, plugin string, manifest []byte) error
	Manifests(ctx context.Context) (map[string][]byte, error)
}

// classSetter is the part of the inventory that declarations go to.
type classSetter interface {
	Class(plugin, name string) *resource.Class
	Count(c *resource.Class) int
	SetClasses(ctx context.Context, plugin string, classes []*resource.Class) ([]*resource.Class, error)
}

// declarer returns the declare that sets the classes and keeps the manifest, in
// this order: rows can be read by an older declaration of their class, and are
// then brought in step again, but a newer one would hide that they have to be.
func declarer(store manifestStore, inv classSetter) declare {
	return func(ctx context.Context, plugin string, m wire.Manifest) error {
		classes, err := session.Classes(plugin, m)
		if err != nil {
			return err
		}
		if _, err := inv.SetClasses(ctx, plugin, classes); err != nil {
			return err
		}
		if m, err = withFormer(ctx, store, inv, plugin, m); err != nil {
			return err
		}
		b, err := json.Marshal(m)
		if err != nil {
			return err
		}
		return store.SaveManifest(ctx, plugin, b)
	}
}

// withFormer adds to a manifest the classes that the plugin declared before,
// declares no more, and that there are still resources of.
func withFormer(ctx context.Context, store manifestStore, inv classSetter, plugin string, m wire.Manifest) (wire.Manifest, error) {
	all, err := store.Manifests(ctx)
	if err != nil {
		return m, err
	}
	var before wire.Manifest
	if text, ok := all[plugin]; !ok {
		return m, nil
	} else if err := json.Unmarshal(text, &before); err != nil {
		return m, nil //nolint:nilerr // a manifest that cannot be used is replaced, not a reason to refuse its successor
	}
	m.Classes = slices.Clone(m.Classes)
	for _, c := range before.Classes {
		declared := slices.ContainsFunc(m.Classes, func(d wire.Class) bool { return d.Name == c.Name })
		if known := inv.Class(plugin, c.Name); !declared && known != nil && inv.Count(known) > 0 {
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
