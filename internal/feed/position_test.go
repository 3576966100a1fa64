package feed_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/faultline-storage/faultline/internal/feed"
)

func TestWaitEndsWhenThePositionIsReached(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := feed.NewPosition()
		if err := p.Wait(t.Context(), 0); err != nil {
			t.Fatalf("before any entry: %v", err)
		}
		done := make(chan error, 1)
		go func() { done <- p.Wait(t.Context(), 3) }()
		for _, seq := range []uint64{1, 2} {
			p.Move(seq)
			synctest.Wait()
			select {
			case err := <-done:
				t.Fatalf("the wait for 3 ended at %d: %v", seq, err)
			default:
			}
		}
		p.Move(4)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if p.Seq() != 4 {
			t.Errorf("at %d, want 4", p.Seq())
		}
	})
}

func TestWaitEndsWithItsContext(t *testing.T) {
	p := feed.NewPosition()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.Wait(ctx, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's error", err)
	}
}
