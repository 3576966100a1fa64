package memory

import (
	"context"
	"maps"
	"slices"

	"github.com/faultline-storage/faultline/internal/resource"
)

// History returns up to limit changes of a resource with a seq of at most from,
// the newest first.
func (s *Store) History(ctx context.Context, id resource.ID, from uint64, limit int) (out []resource.StoredChange, err error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, c := range slices.Backward(s.history[id]) {
		if c.Seq <= from && len(out) < limit {
			c.What = slices.Clone(c.What)
			out = append(out, c)
		}
	}
	return out, ctx.Err()
}

// Former returns the last resource before another that was deleted and had a
// key, or 0.
func (s *Store) Former(ctx context.Context, key string, before resource.ID) (resource.ID, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, id := range slices.Backward(s.formers[key]) {
		if id < before {
			return id, ctx.Err()
		}
	}
	return 0, ctx.Err()
}

func (s *Store) keepHistory(m *resource.Mutation) {
	for _, c := range m.History {
		c.Seq, c.Time, c.What = m.Seq, m.Time, slices.Clone(c.What)
		s.history[c.Resource] = append(s.history[c.Resource], c)
		if c.Gone != "" {
			s.formers[c.Gone] = append(s.formers[c.Gone], c.Resource)
		}
	}
}

func (s *Store) trimHistory(upTo uint64) {
	maps.DeleteFunc(s.history, func(id resource.ID, list []resource.StoredChange) bool {
		kept := slices.DeleteFunc(list, func(c resource.StoredChange) bool { return c.Seq <= upTo })
		s.history[id] = kept
		return len(kept) == 0
	})
	maps.DeleteFunc(s.formers, func(key string, ids []resource.ID) bool {
		kept := slices.DeleteFunc(ids, func(id resource.ID) bool { return s.history[id] == nil })
		s.formers[key] = kept
		return len(kept) == 0
	})
}
