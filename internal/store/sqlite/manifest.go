package sqlite

import (
	"context"
	"fmt"

	"github.com/faultline-storage/faultline/internal/resource"
)

// SaveManifest keeps what a plugin declares, in place of what it declared
// before.
func (db *DB) SaveManifest(ctx context.Context, plugin string, manifest []byte) error {
	return db.inTx(ctx, func(t *tx) error {
		return t.manifest(&resource.Mutation{Manifest: &resource.Manifest{Plugin: plugin, JSON: manifest}})
	})
}

func (t *tx) manifest(m *resource.Mutation) error {
	if m.Manifest == nil {
		return nil
	}
	_, err := t.exec("INSERT INTO manifest VALUES (?, ?) ON CONFLICT (plugin) DO UPDATE SET json = excluded.json", m.Manifest.Plugin, m.Manifest.JSON)
	if err != nil {
		return fmt.Errorf("save the manifest of plugin %s: %w", m.Manifest.Plugin, err)
	}
	return nil
}

// Manifests returns what each plugin declared last, by plugin.
func (db *DB) Manifests(ctx context.Context) (map[string][]byte, error) {
	rows, err := db.read.QueryContext(ctx, "SELECT plugin, json FROM manifest")
	if err != nil {
		return nil, fmt.Errorf("read the manifests: %w", err)
	}
	defer rows.Close()
	all := map[string][]byte{}
	for rows.Next() {
		var name string
		var manifest []byte
		if err := rows.Scan(&name, &manifest); err != nil {
			return nil, fmt.Errorf("read the manifests: %w", err)
		}
		all[name] = manifest
	}
	return all, rows.Err()
}
