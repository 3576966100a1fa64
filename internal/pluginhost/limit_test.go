package pluginhost

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestLimiter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var reports []int
		l := newLimiter(10, func(n int) { reports = append(reports, n) })
		passed := 0
		for range 30 {
			if l.allow() {
				passed++
			}
		}
		if passed != 10 {
			t.Errorf("%d passed, want 10", passed)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if len(reports) != 1 || reports[0] != 20 {
			t.Errorf("reports %v, want [20]", reports)
		}
		if !l.allow() {
			t.Error("nothing passes in the next second")
		}
		for range 10 {
			l.allow()
		}
		l.flush()
		l.flush()
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if len(reports) != 2 || reports[1] != 1 {
			t.Errorf("reports %v, want [20 1]", reports)
		}
	})
}

func TestWindow(t *testing.T) {
	t.Parallel()
	w := newWindow(3, time.Minute)
	now := time.Unix(1000, 0)
	for i, tt := range []struct {
		after time.Duration
		want  bool
	}{
		{0, false}, {0, false}, {0, false}, {0, true}, // a fourth at once
		{time.Minute, false}, {0, false}, {0, false}, {59 * time.Second, true},
		{2 * time.Second, false},
	} {
		now = now.Add(tt.after)
		if got := w.exceeded(now); got != tt.want {
			t.Errorf("step %d: %v, want %v", i, got, tt.want)
		}
	}
}

func TestBrake(t *testing.T) {
	t.Parallel()
	b := brake{perSecond: 3}
	now := time.Unix(1000, 0)
	for i, want := range []time.Duration{0, 0, 900 * time.Millisecond} {
		if i == 2 {
			now = now.Add(100 * time.Millisecond)
		}
		if got := b.step(now); got != want {
			t.Errorf("step %d: %v, want %v", i, got, want)
		}
	}
	if got := b.step(now.Add(time.Second)); got != 0 {
		t.Errorf("the next second begins with %v", got)
	}
}

func TestStall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var s stall
		began := time.Now()
		fired := make(chan time.Duration, 1)
		s.after(10*time.Second, func() { fired <- time.Since(began) })
		time.Sleep(2 * time.Second)
		s.begin()
		time.Sleep(30 * time.Second)
		s.end()
		if got := <-fired; got != 40*time.Second {
			t.Errorf("fired after %v, want 40s", got)
		}
		stop := s.after(time.Second, func() { t.Error("fired though it was called off") })
		stop()
		time.Sleep(time.Minute)
	})
}
