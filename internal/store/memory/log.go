package memory

import (
	"context"
	"slices"

	"github.com/faultline-storage/faultline/internal/resource"
)

// Log returns up to limit entries of the change log with a seq greater than
// after, in order.
func (s *Store) Log(ctx context.Context, after uint64, limit int) ([]resource.LogEntry, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	i, _ := s.find(after + 1)
	return s.entries(s.log[i:min(len(s.log), i+limit)]), ctx.Err()
}

// LogBack returns up to limit entries of the change log with a seq of at most
// from, the newest first.
func (s *Store) LogBack(ctx context.Context, from uint64, limit int) ([]resource.LogEntry, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	i, _ := s.find(from + 1)
	out := s.entries(s.log[max(0, i-limit):i])
	slices.Reverse(out)
	return out, ctx.Err()
}

// find returns the index of the first entry with that seq or a greater one.
func (s *Store) find(seq uint64) (int, bool) {
	return slices.BinarySearchFunc(s.log, seq, func(e resource.LogEntry, seq uint64) int {
		if e.Seq < seq {
			return -1
		}
		return 1
	})
}

func (s *Store) entries(log []resource.LogEntry) []resource.LogEntry {
	out := slices.Clone(log)
	for i := range out {
		out[i].Log, out[i].Samples = slices.Clone(out[i].Log), slices.Clone(out[i].Samples)
	}
	return out
}

// LogSize returns the greatest seq from which on the entries take more than
// most bytes, or 0 if they do not.
func (s *Store) LogSize(ctx context.Context, most int64) (uint64, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var size int64
	for _, e := range slices.Backward(s.log) {
		if size += int64(len(e.Log) + len(e.Samples)); size > most {
			return e.Seq, ctx.Err()
		}
	}
	return 0, ctx.Err()
}

// Trim deletes the entries of the change log up to and including the given
// seq.
func (s *Store) Trim(ctx context.Context, upTo uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	i, _ := s.find(upTo + 1)
	if i > 0 {
		s.positions[resource.LogFloor] = s.log[i-1].Seq
		s.log = slices.Clone(s.log[i:])
	}
	s.trimHistory(upTo)
	return nil
}

// TrimSamples deletes the samples of the entries up to and including the given
// seq, and the entries that have nothing else.
func (s *Store) TrimSamples(ctx context.Context, upTo uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	i, _ := s.find(upTo + 1)
	kept := make([]resource.LogEntry, 0, len(s.log))
	for _, e := range s.log[:i] {
		if len(e.Samples) > 0 {
			s.positions[resource.SamplesFloor] = e.Seq
		}
		if e.Samples = nil; len(e.Log) > 0 {
			kept = append(kept, e)
		}
	}
	s.log = append(kept, s.log[i:]...)
	return nil
}

// Position returns the position that is kept under a name, or 0.
func (s *Store) Position(ctx context.Context, name string) (uint64, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.positions[name], ctx.Err()
}
