package feed

import (
	"context"
	"sync"
)

// Position is how far a reader of a log has come, for others to wait for. All
// methods are safe for concurrent use.
type Position struct {
	mu    sync.Mutex
	seq   uint64
	moved chan struct{} // closed at the next Move
}

// NewPosition returns the position before any entry.
func NewPosition() *Position { return &Position{moved: make(chan struct{})} }

// Move says that the entries up to and including seq are dealt with. What was
// done with them must be visible by now to those who wait.
func (p *Position) Move(seq uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seq = seq
	close(p.moved)
	p.moved = make(chan struct{})
}

// Seq returns the seq of the last Move, or 0.
func (p *Position) Seq() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seq
}

// Wait waits until the entries up to and including seq are dealt with. It
// returns ctx's error if ctx ends before.
func (p *Position) Wait(ctx context.Context, seq uint64) error {
	for {
		p.mu.Lock()
		at, moved := p.seq, p.moved
		p.mu.Unlock()
		if at >= seq {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
