package memory

import (
	"context"
	"maps"
	"slices"
)

// SaveManifest keeps what a plugin declares, in place of what it declared
// before.
func (s *Store) SaveManifest(ctx context.Context, plugin string, manifest []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.manifests == nil {
		s.manifests = map[string][]byte{}
	}
	s.manifests[plugin] = slices.Clone(manifest)
	return ctx.Err()
}

// Manifests returns what each plugin declared last, by plugin.
func (s *Store) Manifests(ctx context.Context) (map[string][]byte, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return maps.Clone(s.manifests), ctx.Err()
}
