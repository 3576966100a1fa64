package agent_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/faultline-storage/faultline/internal/agent"
	"github.com/faultline-storage/faultline/sdk/wire"
)

// world is a host with things that come and go, a device plugin that tells of them,
// and a server that keeps what it was told.
type world struct {
	t interface {
		Helper()
		Error(args ...any)
		Errorf(format string, args ...any)
	}
	poller *agent.Poller

	mu      sync.Mutex
	things  map[string]int // what there is
	procs   int
	proc    *process // nil while none runs
	up      chan struct{}
	session *session // the newest; the server has no other
	opened  int
	ready   chan struct{} // closed while the server opens sessions
	reached bool          // the server answers

	// What the plugin and the server note, for tests to look at.
	hooks []string // "1 start", "1 update": session and hook
	table map[string]int
	heard []string // "1.0": session and sequence
	close []string // reasons

	info  wire.DeviceInfo
	fail  func(hook string) error // asked before a hook returns
	delay time.Duration           // of a hook
}

// process is one process of the plugin.
type process struct {
	w    *world
	done chan struct{}

	inHook  bool
	session string // open in the plugin
	told    map[string]int
}

func (p *process) Done() <-chan struct{} { return p.done }
func (p *process) Info() wire.DeviceInfo { return p.w.info }

// end ends the process. The caller holds w.mu.
func (p *process) end() {
	if p.w.proc == p {
		p.w.proc = nil
		close(p.done)
	}
}

// delta is the messages of one hook: one that opens, others by thing.
type delta struct {
	All    bool           `json:"all,omitempty"` // what is not in Things is gone
	Things map[string]int `json:"things,omitempty"`
	Gone   []string       `json:"gone,omitempty"`
}

func (p *process) Call(_ context.Context, method string, params, result any) error {
	w := p.w
	name := params.(wire.DeviceParams).Session
	w.mu.Lock()
	if p.inHook {
		w.t.Errorf("%s begins while another hook runs", method)
	}
	w.hooks = append(w.hooks, name+" "+map[string]string{wire.MethodDeviceStart: "start", wire.MethodDeviceUpdate: "update", wire.MethodDeviceEnd: "end"}[method])
	p.inHook = true
	things := maps.Clone(w.things)
	delay, fail := w.delay, w.fail
	w.mu.Unlock()
	select {
	case <-time.After(delay):
	case <-p.done:
		return errors.New("process ended")
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	p.inHook = false
	if w.proc != p {
		return errors.New("process ended")
	}
	d := delta{}
	switch method {
	case wire.MethodDeviceStart:
		if p.session == name {
			w.t.Errorf("session %s is started twice", name)
		}
		p.session, d.All, d.Things = name, true, things
	case wire.MethodDeviceUpdate:
		if p.session != name {
			w.t.Errorf("an update of session %s, and %q is open", name, p.session)
		}
		d.Things = map[string]int{}
		for k, v := range things {
			if old, ok := p.told[k]; !ok || old != v {
				d.Things[k] = v
			}
		}
		for k := range p.told {
			if _, ok := things[k]; !ok {
				d.Gone = append(d.Gone, k)
			}
		}
		slices.Sort(d.Gone)
	case wire.MethodDeviceEnd:
		if p.session == name {
			p.session = ""
		}
		return nil
	}
	if fail != nil {
		if err := fail(method); err != nil {
			p.session = ""
			return err
		}
	}
	p.told = things
	res := result.(*wire.DeviceResult)
	if d.All || len(d.Things) > 0 || len(d.Gone) > 0 {
		b, err := json.Marshal(d)
		if err != nil {
			return err
		}
		res.Messages = append(res.Messages, wire.DeviceMessage{Data: b})
	}
	return nil
}

// session is one session with the server.
type session struct {
	w        *world
	name     string
	done     chan struct{}
	err      error
	waiting  []json.RawMessage
	sequence int
	changed  chan struct{}
}

func (s *session) Done() <-chan struct{} { return s.done }

func (s *session) Err() error {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	return s.err
}

func (s *session) Send(_ context.Context, data json.RawMessage, _ int) error {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	if s.err != nil {
		return s.err
	}
	if len(data) > 1000 {
		return errors.New("it is too large")
	}
	s.waiting = append(s.waiting, data)
	if len(s.waiting) > 1 {
		s.w.t.Errorf("%d answers of the plugin wait for the server", len(s.waiting))
	}
	s.w.deliver()
	return nil
}

func (s *session) Flush(ctx context.Context) error {
	for {
		s.w.mu.Lock()
		n, err, changed := len(s.waiting), s.err, s.changed
		s.w.mu.Unlock()
		if err != nil || n == 0 {
			return err
		}
		select {
		case <-changed:
		case <-s.done:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (s *session) Close(reason string) {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	if s.err == nil {
		s.w.close = append(s.w.close, reason)
		s.end(errors.New("closed"))
	}
}

// end ends the session. The caller holds w.mu.
func (s *session) end(why error) {
	if s.err == nil {
		s.err, s.waiting = why, nil
		close(s.done)
	}
}

// deliver has the server take what waits, if it is reached. The caller holds mu.
func (w *world) deliver() {
	s := w.session
	if s == nil || s.err != nil || !w.reached || len(s.waiting) == 0 {
		return
	}
	for _, data := range s.waiting {
		var d delta
		if err := json.Unmarshal(data, &d); err != nil {
			w.t.Error(err)
		}
		w.heard = append(w.heard, fmt.Sprintf("%s.%d", s.name, s.sequence))
		if d.All != (s.sequence == 0) {
			w.t.Errorf("message %d of session %s: %s", s.sequence, s.name, data)
		}
		s.sequence++
		if d.All {
			w.table = map[string]int{}
		}
		maps.Copy(w.table, d.Things)
		for _, k := range d.Gone {
			delete(w.table, k)
		}
	}
	s.waiting = nil
	close(s.changed)
	s.changed = make(chan struct{})
}

func (w *world) open(ctx context.Context) (agent.Session, error) {
	for {
		w.mu.Lock()
		ready := w.ready
		w.mu.Unlock()
		select {
		case <-ready:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		w.mu.Lock()
		if w.ready != ready {
			w.mu.Unlock()
			continue
		}
		if w.session != nil {
			w.session.end(errors.New("another session was opened"))
		}
		w.opened++
		s := &session{w: w, name: fmt.Sprint(w.opened), done: make(chan struct{}), changed: make(chan struct{})}
		w.session = s
		w.mu.Unlock()
		return s, nil
	}
}

func (w *world) process(ctx context.Context) (agent.Process, error) {
	for {
		w.mu.Lock()
		p, up := w.proc, w.up
		w.mu.Unlock()
		if p != nil {
			return p, nil
		}
		select {
		case <-up:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// run starts a process.
func (w *world) run() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.proc == nil {
		w.procs++
		w.proc = &process{w: w, done: make(chan struct{})}
		close(w.up)
		w.up = make(chan struct{})
	}
}

func (w *world) set(things map[string]int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.things = things
}

// news is what the plugin says when it notices something.
func (w *world) news() {
	w.mu.Lock()
	name := ""
	if w.proc != nil {
		name = w.proc.session
	}
	w.mu.Unlock()
	w.poller.Changed(name)
}

// newWorld makes a world in which everything works, but for what setUp changes, and
// runs the poller in it until the test ends.
func newWorld(t *testing.T, setUp ...func(*world)) *world {
	t.Helper()
	w := &world{
		t: t, things: map[string]int{}, up: make(chan struct{}), ready: make(chan struct{}), reached: true,
		info: wire.DeviceInfo{Updates: true}, delay: time.Millisecond,
	}
	close(w.ready)
	for _, set := range setUp {
		set(w)
	}
	w.poller = agent.NewPoller(agent.Options{Plugin: "p", Process: w.process, Open: w.open, Now: time.Now, After: time.After})
	w.run()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.poller.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("Run: %v", err)
		}
	})
	return w
}

func (w *world) wantHooks(want ...string) {
	w.t.Helper()
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	if !slices.Equal(w.hooks, want) {
		w.t.Errorf("hooks %q, want %q", w.hooks, want)
	}
	w.hooks = nil
}

func TestPeriod(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		time.Sleep(35 * time.Second)
		w.wantHooks("1 start", "1 update", "1 update", "1 update")
		w.mu.Lock()
		w.info.Period = 0.001 // it wants too much
		w.mu.Unlock()
		time.Sleep(20 * time.Second) // the pause that began before is as long as it was
		synctest.Wait()
		w.mu.Lock()
		if n := len(w.hooks); n < 10 || n > 20 {
			t.Errorf("%d updates in 20 s", n)
		}
		w.mu.Unlock()
	})
}

func TestNews(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		time.Sleep(2 * time.Second)
		w.wantHooks("1 start")
		w.news()
		time.Sleep(10 * time.Millisecond)
		w.wantHooks("1 update") // at once
		for range 150 {
			w.news()
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(2 * time.Second)
		w.wantHooks("1 update", "1 update") // one a second, and one for the last of them
		w.poller.Changed("7")
		time.Sleep(2 * time.Second)
		w.wantHooks()
	})
}

// TestOnce: a plugin without updates is never asked for them, and told of a session's
// end all the same.
func TestOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(w *world) { w.info.Updates = false })
		time.Sleep(time.Minute)
		w.news()
		time.Sleep(time.Minute)
		w.wantHooks("1 start")
		w.mu.Lock()
		w.session.end(errors.New("the server wants everything"))
		w.mu.Unlock()
		time.Sleep(time.Second)
		w.wantHooks("1 end", "2 start")
	})
}

// TestFailing: a plugin whose hooks fail is asked less and less often, up to a cap,
// and the server knows that there is no session.
func TestFailing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(w *world) {
			w.fail = func(string) error { return errors.New("no disk answers") }
		})
		var starts []time.Duration
		for began, n := time.Now(), 0; n < 10; time.Sleep(100 * time.Millisecond) {
			w.mu.Lock()
			if len(w.hooks) > n {
				starts = append(starts, time.Since(began).Round(time.Second))
				n = len(w.hooks)
			}
			w.mu.Unlock()
		}
		want := []float64{0, 1, 3, 7, 15, 31, 63, 123, 183, 243}
		for i := range want {
			if d := starts[i].Seconds() - want[i]; d < -2 || d > 2 {
				t.Fatalf("starts after %v, want %v s", starts, want)
			}
		}
		time.Sleep(time.Second)
		w.mu.Lock()
		if w.session.err == nil || len(w.close) != 10 || w.close[0] != "no disk answers" {
			t.Errorf("closed %q", w.close)
		}
		w.fail = nil
		w.mu.Unlock()
		time.Sleep(3 * time.Minute)
		w.mu.Lock()
		if w.session.err != nil {
			t.Errorf("the session ended with %v", w.session.err)
		}
		w.mu.Unlock()
	})
}

func TestTooLarge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		things := map[string]int{}
		for i := range 200 {
			things[fmt.Sprint("thing", i)] = i
		}
		time.Sleep(time.Second)
		w.set(things)
		time.Sleep(11 * time.Second)
		w.wantHooks("1 start", "1 update", "2 start")
		w.mu.Lock()
		if len(w.close) != 2 || w.close[0] != "message 0 of update_session (2792 bytes): it is too large" ||
			w.close[1] != "message 0 of start_session (2803 bytes): it is too large" {
			t.Errorf("closed %q", w.close)
		}
		w.mu.Unlock()
	})
}

// TestUnreachable: what the server has not taken holds the plugin up, so that
// nothing piles up; when it is back it hears of the whole difference at once.
func TestUnreachable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		time.Sleep(time.Second)
		w.wantHooks("1 start")
		w.mu.Lock()
		w.reached = false
		w.mu.Unlock()
		for i := range 1000 {
			w.set(map[string]int{"a": i})
			w.news()
			time.Sleep(time.Second)
		}
		w.wantHooks("1 update")
		w.mu.Lock()
		w.reached = true
		w.deliver()
		w.mu.Unlock()
		time.Sleep(2 * time.Second)
		w.wantHooks("1 update")
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.table["a"] != 999 || !slices.Equal(w.heard, []string{"1.0", "1.1", "1.2"}) {
			t.Errorf("the server has %v and heard %q", w.table, w.heard)
		}
	})
}

func TestProcessEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		time.Sleep(time.Second)
		w.mu.Lock()
		w.proc.end()
		w.mu.Unlock()
		time.Sleep(time.Hour) // it does not come back for long
		w.wantHooks("1 start")
		w.mu.Lock()
		if !slices.Equal(w.close, []string{"the plugin's process ended"}) || w.opened != 1 {
			t.Errorf("closed %q, opened %d", w.close, w.opened)
		}
		w.ready = make(chan struct{}) // the server is busy
		w.mu.Unlock()
		w.run()
		time.Sleep(time.Second)
		w.mu.Lock()
		w.proc.end()
		close(w.ready)
		w.mu.Unlock()
		time.Sleep(time.Second)
		w.run()
		time.Sleep(time.Second)
		w.wantHooks("3 start") // 2 found its process gone when the server was ready
	})
}
