package memory

import (
	"context"
	"maps"
	"slices"

	"github.com/faultline-storage/faultline/internal/resource"
)

// LoadVolumes calls volume for everything that is kept of volumes, by key, and
// cluster for every declared cluster, by name.
func (s *Store) LoadVolumes(ctx context.Context, volume func(*resource.StoredVolume) error, cluster func(*resource.Cluster) error) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, key := range slices.Sorted(maps.Keys(s.volumes)) {
		if err := volume(copyVolume(s.volumes[key])); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.clusters)) {
		if err := cluster(&resource.Cluster{Name: name, Hosts: slices.Clone(s.clusters[name])}); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// CommitVolumes applies m, or nothing of it if it returns an error.
func (s *Store) CommitVolumes(ctx context.Context, m *resource.VolumeMutation) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	for _, v := range m.Put {
		s.volumes[v.Key] = copyVolume(v)
	}
	for _, key := range m.Delete {
		delete(s.volumes, key)
	}
	for _, c := range m.PutClusters {
		s.clusters[c.Name] = slices.Clone(c.Hosts)
	}
	for _, name := range m.DeleteClusters {
		delete(s.clusters, name)
	}
	return nil
}

func copyVolume(v *resource.StoredVolume) *resource.StoredVolume {
	c := *v
	c.Users, c.Places = slices.Clone(v.Users), slices.Clone(v.Places)
	c.Wish.Unused, c.Choice.Hosts = slices.Clone(v.Wish.Unused), slices.Clone(v.Choice.Hosts)
	return &c
}
