package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// lifecycle undoes what setup did, the last thing first. The zero value is
// ready for use.
type lifecycle struct {
	undo []undo
}

type undo struct {
	name string
	fn   func(context.Context) error
}

// onStop registers how to undo something, right where it is done.
func (l *lifecycle) onStop(name string, fn func(context.Context) error) {
	l.undo = append(l.undo, undo{name, fn})
}

// run starts a long-lived part on a goroutine of its own. Stopping it ends its
// context and waits for it. If it ends with an error before that, failed is
// called with it.
func (l *lifecycle) run(name string, failed func(error), fn func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := fn(ctx); err != nil && ctx.Err() == nil {
			failed(fmt.Errorf("%s: %w", name, err))
		}
	})
	l.onStop(name, func(context.Context) error {
		cancel()
		wg.Wait()
		return nil
	})
}

// stop undoes everything within the time and joins the errors. What overruns
// it is left behind: the process is about to end.
func (l *lifecycle) stop(within time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	var errs []error
	for _, u := range slices.Backward(l.undo) {
		done := make(chan error, 1)
		go func() { done <- u.fn(ctx) }()
		select {
		case err := <-done:
			if err != nil {
				errs = append(errs, fmt.Errorf("stop %s: %w", u.name, err))
			}
		case <-ctx.Done():
			errs = append(errs, fmt.Errorf("stop %s: not done within %v", u.name, within))
		}
	}
	l.undo = nil
	return errors.Join(errs...)
}
