package agent_test

import (
	"errors"
	"fmt"
	"maps"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// TestModel does to a plugin, its process, the server and the link between them
// whatever may happen, and compares with a model that could not be simpler: once all
// is well and quiet, the server has what there is. On the way the world watches that
// hooks never overlap, that a session starts once and with everything, that one
// answer waits at most, and that sequences have no gap.
func TestModel(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		steps := actions.Draw(r, "steps")
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			w.t = r
			for _, step := range steps {
				w.act(step)
				time.Sleep(step.pause)
			}
			// All is well now, and the plugin has been asked since.
			w.mu.Lock()
			w.fail, w.reached, w.delay = nil, true, time.Millisecond
			select {
			case <-w.ready:
			default:
				close(w.ready)
			}
			w.deliver()
			w.mu.Unlock()
			w.run()
			time.Sleep(3 * time.Minute)
			synctest.Wait()
			w.mu.Lock()
			defer w.mu.Unlock()
			if !maps.Equal(w.table, w.things) {
				r.Errorf("the server has %v, and there is %v\nsteps %v\nhooks %v\nheard %v", w.table, w.things, steps, w.hooks, w.heard)
			}
			want := map[int]int{} // the next sequence of each session
			for _, h := range w.heard {
				var session, sequence int
				if _, err := fmt.Sscanf(h, "%d.%d", &session, &sequence); err != nil {
					r.Error(err)
				}
				if sequence != want[session] {
					r.Errorf("session %d: sequence %d, want %d", session, sequence, want[session])
				}
				want[session]++
			}
		})
	})
}

// step is something that happens, and how long nothing does after it.
type step struct {
	what  string
	thing string
	value int
	pause time.Duration
}

var actions = rapid.SliceOfN(rapid.Custom(func(r *rapid.T) step {
	return step{
		what: rapid.SampledFrom([]string{
			"put", "put", "put", "drop", "news", "news", "crash", "start", "fail", "mend", "cut", "back", "reset", "restart", "busy", "ready", "slow", "fast",
		}).Draw(r, "what"),
		thing: rapid.SampledFrom([]string{"a", "b", "c"}).Draw(r, "thing"),
		value: rapid.IntRange(0, 3).Draw(r, "value"),
		pause: time.Duration(rapid.SampledFrom([]int{0, 1, 50, 999, 1000, 5000, 15_000, 120_000}).Draw(r, "pause")) * time.Millisecond,
	}
}), 1, 40)

func (w *world) act(s step) {
	if s.what == "start" {
		w.run()
		return
	}
	if s.what == "news" {
		w.news()
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	switch s.what {
	case "put":
		things := maps.Clone(w.things)
		things[s.thing] = s.value
		w.things = things
	case "drop":
		things := maps.Clone(w.things)
		delete(things, s.thing)
		w.things = things
	case "crash":
		if w.proc != nil {
			w.proc.end()
		}
	case "fail":
		w.fail = func(string) error { return errors.New("it fails") }
	case "mend":
		w.fail = nil
	case "cut":
		w.reached = false
	case "back":
		w.reached = true
		w.deliver()
	case "reset": // the server wants everything, or its plugin failed
		if w.session != nil {
			w.session.end(errors.New("reset"))
		}
	case "restart": // what it was told is forgotten with the session
		if w.session != nil {
			w.session.end(errors.New("the server does not know the link"))
		}
		w.table = nil
	case "busy":
		select {
		case <-w.ready:
			w.ready = make(chan struct{})
		default:
		}
	case "ready":
		select {
		case <-w.ready:
		default:
			close(w.ready)
		}
	case "slow":
		w.delay = 20 * time.Second
	case "fast":
		w.delay = time.Millisecond
	}
}
