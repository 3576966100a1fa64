package postgres

import (
	"context"
	"fmt"

	"github.com/faultline-storage/faultline/internal/resource"
)

// SaveManifest keeps what a plugin declares, in place of what it declared
// before.
func (db *DB) SaveManifest(ctx context.Context, plugin string, manifest []byte) error {
	m := &resource.Mutation{Manifest: &resource.Manifest{Plugin: plugin, JSON: manifest}}
	err := db.inTx(ctx, db.fence(), func(t *tx) error { return t.manifest(m) })
	if err != nil {
		return fmt.Errorf("save the manifest of plugin %s: %w", plugin, err)
	}
	return nil
}

func (t *tx) manifest(m *resource.Mutation) error {
	if m.Manifest == nil {
		return nil
	}
	text := m.Manifest.JSON
	if text == nil {
		text = []byte{} // a nil slice would be NULL
	}
	t.send("save manifest", [][]byte{[]byte(escape(m.Manifest.Plugin)), text})
	return nil
}

// Manifests returns what each plugin declared last, by plugin.
func (db *DB) Manifests(ctx context.Context) (map[string][]byte, error) {
	rs, err := db.read.Query(ctx, "SELECT plugin, json FROM manifest")
	if err != nil {
		return nil, fmt.Errorf("read the manifests: %w", err)
	}
	defer rs.Close()
	all := map[string][]byte{}
	for rs.Next() {
		var name string
		var manifest []byte
		if err := rs.Scan(&name, &manifest); err != nil {
			return nil, fmt.Errorf("read the manifests: %w", err)
		}
		if name, err = unescape(name); err != nil {
			return nil, fmt.Errorf("read the manifests: %w", err)
		}
		all[name] = manifest
	}
	return all, rs.Err()
}
