package link_test

import (
	"testing"
	"time"

	"github.com/faultline-storage/faultline/internal/link"
)

func TestListening(t *testing.T) {
	t.Parallel()
	now := time.Unix(1e9, 0)
	behind := false
	l := link.NewListening(link.ListeningOptions{Now: func() time.Time { return now }, Period: time.Second, Behind: func() bool { return behind }})
	heard := l.Heard()
	want := func(silence time.Duration) {
		t.Helper()
		if got := l.Silence(heard); got != silence {
			t.Errorf("silent for %v, want %v", got, silence)
		}
	}
	step := func(d time.Duration) {
		now = now.Add(d)
		l.Look()
	}
	step(time.Second)
	step(1500 * time.Millisecond) // a bit late
	want(2500 * time.Millisecond)
	step(time.Minute) // stopped meanwhile
	want(2500 * time.Millisecond)
	step(time.Second)
	want(3500 * time.Millisecond)
	behind = true
	step(time.Second)
	step(time.Second)
	want(3500 * time.Millisecond)
	behind = false
	step(time.Second)
	want(4500 * time.Millisecond)
	heard = l.Heard()
	step(time.Second)
	want(time.Second)
}
