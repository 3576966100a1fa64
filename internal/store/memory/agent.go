package memory

import (
	"context"
	"maps"
	"slices"

	"github.com/faultline-storage/faultline/internal/resource"
)

// LoadAgents calls host for every host that was registered, and token for every
// token for agents, each by name.
func (s *Store) LoadAgents(ctx context.Context, host func(resource.AgentHost) error, token func(resource.AgentToken) error) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, name := range slices.Sorted(maps.Keys(s.agentHosts)) {
		if err := host(s.agentHosts[name]); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.agentTokens)) {
		if err := token(s.agentTokens[name]); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// CommitAgents applies m, or nothing of it if it returns an error.
func (s *Store) CommitAgents(ctx context.Context, m *resource.AgentMutation) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	for _, name := range m.DeleteTokens {
		delete(s.agentTokens, name)
	}
	for _, h := range m.PutHosts {
		s.agentHosts[h.Name] = h
	}
	for _, k := range m.PutTokens {
		s.agentTokens[k.Name] = k
	}
	return nil
}
