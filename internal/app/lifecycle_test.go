package app

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestStopUndoesTheLastFirstAndJoinsErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l lifecycle
		var order []string
		undo := func(name string, err error) {
			l.onStop(name, func(context.Context) error { order = append(order, name); return err })
		}
		undo("store", errors.New("disk full"))
		l.run("stage", func(err error) { t.Errorf("failed: %v", err) }, func(ctx context.Context) error {
			<-ctx.Done()
			order = append(order, "stage")
			return ctx.Err()
		})
		undo("api", nil)
		err := l.stop(time.Second)
		if want := []string{"api", "stage", "store"}; !slices.Equal(order, want) {
			t.Errorf("order %v, want %v", order, want)
		}
		if err == nil || err.Error() != "stop store: disk full" {
			t.Errorf("error %v", err)
		}
		if err := l.stop(time.Second); err != nil || len(order) != 3 {
			t.Errorf("a second stop did %v, %v", order, err)
		}
	})
}

func TestStopLeavesBehindWhatOverrunsItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l lifecycle
		stuck, stopped := make(chan struct{}), false
		l.onStop("plugins", func(ctx context.Context) error { stopped = true; return nil })
		l.onStop("sessions", func(context.Context) error { <-stuck; return nil })
		began := time.Now()
		err := l.stop(30 * time.Second)
		if took := time.Since(began); took != 30*time.Second {
			t.Errorf("took %v", took)
		}
		if err == nil || !strings.Contains(err.Error(), "stop sessions: not done within 30s") {
			t.Errorf("error %v", err)
		}
		synctest.Wait()
		if !stopped {
			t.Error("what comes after it was not stopped")
		}
		close(stuck)
	})
}

func TestAPartThatEndsOnItsOwnIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l lifecycle
		var told error
		l.run("alert", func(err error) { told = err }, func(context.Context) error { return errors.New("disk full") })
		synctest.Wait()
		if told == nil || told.Error() != "alert: disk full" {
			t.Errorf("told %v", told)
		}
		if err := l.stop(time.Second); err != nil {
			t.Error(err)
		}
	})
}
