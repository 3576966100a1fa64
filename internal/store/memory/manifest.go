package memory

import (
	"context"
	"maps"
	"slices"

	"github.com/faultline-storage/faultline/internal/resource"
)

// SaveManifest keeps what a plugin declares, in place of what it declared
// before.
func (s *Store) SaveManifest(ctx context.Context, plugin string, manifest []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keep(&resource.Manifest{Plugin: plugin, JSON: manifest})
	return ctx.Err()
}

// keep does SaveManifest. The caller holds mu.
func (s *Store) keep(m *resource.Manifest) {
	if s.manifests == nil {
		s.manifests = map[string][]byte{}
	}
	s.manifests[m.Plugin] = slices.Clone(m.JSON)
}

// Manifests returns what each plugin declared last, by plugin.
func (s *Store) Manifests(ctx context.Context) (map[string][]byte, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return maps.Clone(s.manifests), ctx.Err()
}
