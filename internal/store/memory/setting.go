package memory

import "context"

// Setting returns what SaveSetting kept under the name, or "".
func (s *Store) Setting(ctx context.Context, name string) (string, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.settings[name], ctx.Err()
}

// SaveSetting keeps a value under a name, in place of the one before.
func (s *Store) SaveSetting(ctx context.Context, name, value string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.settings == nil {
		s.settings = map[string]string{}
	}
	s.settings[name] = value
	return nil
}
