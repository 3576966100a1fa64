package feed_test

import (
	"context"
	"errors"
	"testing"

	"github.com/faultline-storage/faultline/internal/feed"
)

func TestSinceYieldsEverythingInOrder(t *testing.T) {
	l := feed.New[int](1000, 0)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	got := make(chan []int)
	go func() {
		var g []int
		for v, err := range l.Since(ctx, 0) {
			if err != nil {
				t.Error(err)
			}
			if g = append(g, v); len(g) == 500 {
				break
			}
		}
		got <- g
	}()
	for i := 1; i <= 500; i++ {
		l.Append(uint64(i), i)
	}
	for i, v := range <-got {
		if v != i+1 {
			t.Fatalf("entry %d is %d", i, v)
		}
	}
}

func TestSinceOfAGoneEntryIsBehind(t *testing.T) {
	l := feed.New[int](3, 10)
	for i := 11; i <= 30; i++ {
		l.Append(uint64(i), i)
	}
	for _, tc := range []struct {
		after  uint64
		first  int
		behind bool
	}{{5, 0, true}, {26, 0, true}, {27, 28, false}, {29, 30, false}} {
		for v, err := range l.Since(t.Context(), tc.after) {
			if errors.Is(err, feed.ErrBehind) != tc.behind || !tc.behind && v != tc.first {
				t.Errorf("after %d: got %d, %v", tc.after, v, err)
			}
			break
		}
	}
}

func TestSinceEndsWithItsContext(t *testing.T) {
	l := feed.New[int](3, 0)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range l.Since(ctx, 0) {
		t.Error("an entry out of nothing")
	}
}

func TestAppendOutOfOrderPanics(t *testing.T) {
	l := feed.New[int](3, 7)
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	l.Append(7, 0)
}
