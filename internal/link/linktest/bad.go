package linktest

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/faultline-storage/faultline/internal/link"
)

// errLost is what a Bad transport says of what it lost.
var errLost = errors.New("lost on the way")

// Bad is a transport that loses requests and answers, delivers requests twice, and
// delivers old ones again later, out of order, as a network may. While Cut, it
// loses everything.
type Bad struct {
	link.Transport
	// Odds are how many of 100 exchanges go wrong.
	Odds int

	mu  sync.Mutex
	rnd *rand.Rand
	cut bool
	old []func() // requests that may come again
}

// NewBad returns a bad transport, which does the same for the same seed and
// exchanges.
func NewBad(t link.Transport, odds int, seed uint64) *Bad {
	return &Bad{Transport: t, Odds: odds, rnd: rand.New(rand.NewPCG(seed, 1))}
}

// Cut cuts the connection, or mends it.
func (b *Bad) Cut(cut bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.cut = cut
}

// fate draws what happens to a request: its loss, its repetition, and the loss of
// the answer. It may deliver an old request first.
func (b *Bad) fate() (lose, twice, deaf bool) {
	b.mu.Lock()
	lose, twice, deaf = b.cut || b.rnd.IntN(300) < b.Odds, b.rnd.IntN(300) < b.Odds, b.rnd.IntN(300) < b.Odds
	var again func()
	if n := len(b.old); n > 0 && !b.cut && b.rnd.IntN(200) < b.Odds {
		again = b.old[b.rnd.IntN(n)]
	}
	b.mu.Unlock()
	if again != nil {
		again()
	}
	return lose, twice, deaf
}

// Hello implements link.Transport.
func (b *Bad) Hello(ctx context.Context, h link.Hello) (link.Welcome, error) {
	lose, _, deaf := b.fate()
	if lose {
		return link.Welcome{}, errLost
	}
	w, err := b.Transport.Hello(ctx, h)
	if deaf {
		return link.Welcome{}, errLost
	}
	return w, err
}

// Exchange implements link.Transport.
func (b *Bad) Exchange(ctx context.Context, name string, p link.Packet, wait time.Duration) (link.Packet, error) {
	lose, twice, deaf := b.fate()
	if lose {
		return link.Packet{}, errLost
	}
	if len(p.Frames) > 0 {
		again := func() { _, _ = b.Transport.Exchange(context.Background(), name, p, 0) }
		b.mu.Lock()
		if b.old = append(b.old, again); len(b.old) > 20 {
			b.old = b.old[1:]
		}
		b.mu.Unlock()
		if twice {
			again()
		}
	}
	out, err := b.Transport.Exchange(ctx, name, p, wait)
	b.mu.Lock()
	deaf = deaf || b.cut
	b.mu.Unlock()
	if deaf {
		return link.Packet{}, errLost
	}
	return out, err
}
