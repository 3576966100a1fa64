package link_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/faultline-storage/faultline/internal/link"
	"github.com/faultline-storage/faultline/internal/link/linktest"
	"github.com/faultline-storage/faultline/internal/resource"
)

// room is a hub in made-up time.
type room struct {
	t     *testing.T
	hub   *link.Hub
	start time.Time
	// behind is what the server says of itself.
	behind atomic.Bool
	stop   []func()

	mu     sync.Mutex
	events []string
}

func newRoom(t *testing.T) *room {
	r := &room{t: t, start: time.Now()}
	r.hub = link.NewHub(link.HubOptions{
		Accept: func(h link.Hello, _ link.Origin, c *link.Conn) (link.Peer, []byte, error) {
			r.note("hello %s", h.Instance)
			return roomPeer{r, h.Instance, c}, nil, nil
		},
		Grace: 30 * time.Second, Keep: 10 * time.Minute, Now: time.Now, After: time.After,
		Listening: link.NewListening(link.ListeningOptions{Now: time.Now, Period: 3 * time.Second, Behind: r.behind.Load}),
	})
	r.run(func(ctx context.Context) { _ = r.hub.Run(ctx) })
	return r
}

func (r *room) run(f func(context.Context)) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { f(ctx) })
	stop = func() { cancel(); wg.Wait() }
	r.stop = append(r.stop, stop)
	return stop
}

func (r *room) end() {
	for _, stop := range slices.Backward(r.stop) {
		stop()
	}
}

func (r *room) note(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, fmt.Sprintf("%d ", int(time.Since(r.start).Seconds()))+fmt.Sprintf(format, args...))
}

// said returns what happened since the last time.
func (r *room) said() []string {
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	events := r.events
	r.events = nil
	return events
}

func (r *room) want(events ...string) {
	r.t.Helper()
	if said := r.said(); !slices.Equal(said, events) {
		r.t.Errorf("got\n%s\nwant\n%s", strings.Join(said, "\n"), strings.Join(events, "\n"))
	}
}

type roomPeer struct {
	r    *room
	name string
	c    *link.Conn
}

func (p roomPeer) Receive(_ context.Context, m link.Message, answer func([]byte, error)) {
	p.r.note("%s: %s", p.name, m.Body)
	if string(m.Body) == "slow" {
		time.Sleep(2 * time.Minute)
	}
	answer(nil, nil)
}
func (p roomPeer) Lost(time.Time) { p.r.note("%s lost", p.name) }
func (p roomPeer) Back()          { p.r.note("%s back", p.name) }
func (p roomPeer) Gone(why error) { p.r.note("%s gone: %v", p.name, why) }

// join starts a client; conns gets its links.
func (r *room) join(instance string, tr link.Transport) (c *link.Client, conns chan *link.Conn, kill func()) {
	conns = make(chan *link.Conn, 10)
	c = link.NewClient(link.ClientOptions{
		Transport: tr, Now: time.Now, After: time.After, Jitter: func() float64 { return 0 },
		Hello: func() link.Hello { return link.Hello{Kind: "runner", Name: "r", Instance: instance} },
		Open: func(conn *link.Conn, _ link.Welcome) (link.Receiver, func()) {
			conns <- conn
			return func(_ context.Context, m link.Message, answer func([]byte, error)) { answer(m.Body, nil) }, func() {
				r.note("%s: %v", instance, conn.Err())
			}
		},
	})
	return c, conns, r.run(func(ctx context.Context) { _ = c.Run(ctx) })
}

func say(t *testing.T, c *link.Conn, text string) {
	t.Helper()
	if err := c.Send(t.Context(), link.Message{Kind: "say", Body: []byte(text)}); err != nil {
		t.Error(err)
	}
}

func TestACutLinkGoesOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRoom(t)
		defer r.end()
		net := linktest.NewBad(r.hub.Local(link.Origin{}), 0, 1)
		_, conns, _ := r.join("a", net)
		conn := <-conns
		say(t, conn, "one")
		r.want("0 hello a", "0 a: one")

		time.Sleep(9 * time.Second) // a held request is open
		net.Cut(true)
		say(t, conn, "two")
		time.Sleep(20 * time.Second)
		net.Cut(false)
		time.Sleep(6 * time.Second) // the longest pause
		if said := r.said(); len(said) != 1 || !strings.HasSuffix(said[0], "a: two") {
			t.Errorf("after a short cut: %q", said)
		}

		net.Cut(true)
		say(t, conn, "three")
		time.Sleep(5 * time.Minute)
		say(t, conn, "four")
		net.Cut(false)
		time.Sleep(16 * time.Second)
		events := r.said()
		if len(events) != 4 || !strings.HasSuffix(events[0], "a lost") || !strings.HasSuffix(events[1], "a back") ||
			!strings.HasSuffix(events[2], "a: three") || !strings.HasSuffix(events[3], "a: four") {
			t.Errorf("after a long cut: %q", events)
		}
		if conn.Err() != nil {
			t.Error("the link ended")
		}
	})
}

func TestSilenceIsNoticedInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRoom(t)
		defer r.end()
		net := linktest.NewBad(r.hub.Local(link.Origin{}), 0, 1)
		r.join("a", net)
		time.Sleep(time.Second)
		net.Cut(true)
		time.Sleep(25 * time.Second)
		r.want("0 hello a")
		time.Sleep(10 * time.Second)
		if said := r.said(); len(said) != 1 || !strings.HasSuffix(said[0], "a lost") {
			t.Errorf("%q", said)
		}
		time.Sleep(10 * time.Minute)
		if said := r.said(); len(said) != 1 || !strings.HasSuffix(said[0], "a gone: "+link.ErrExpired.Error()) {
			t.Errorf("%q", said)
		}
		net.Cut(false) // it begins anew
		time.Sleep(20 * time.Second)
		if said := r.said(); len(said) != 2 || !strings.HasSuffix(said[0], link.ErrUnknown.Error()) || !strings.HasSuffix(said[1], "hello a") {
			t.Errorf("%q", said)
		}
	})
}

// TestAPeerWhoseMessageIsHandledIsNotSilent, however long the server needs for it.
func TestAPeerWhoseMessageIsHandledIsNotSilent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRoom(t)
		defer r.end()
		net := linktest.NewBad(r.hub.Local(link.Origin{}), 0, 1)
		_, conns, _ := r.join("a", net)
		conn := <-conns
		say(t, conn, "slow")
		say(t, conn, "after it")
		time.Sleep(time.Second)
		net.Cut(true)
		time.Sleep(2*time.Minute + 25*time.Second)
		r.want("0 hello a", "0 a: slow")
		time.Sleep(10 * time.Second)
		if said := r.said(); len(said) != 1 || !strings.HasSuffix(said[0], "a lost") {
			t.Errorf("after the grace that follows: %q", said)
		}
	})
}

// TestAServerThatIsBehindMissesNobody: it did not listen, and what it did not hear
// is not silence. Once it keeps up, the grace is what it was.
func TestAServerThatIsBehindMissesNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRoom(t)
		defer r.end()
		net := linktest.NewBad(r.hub.Local(link.Origin{}), 0, 1)
		r.join("a", net)
		time.Sleep(time.Second)
		net.Cut(true)
		r.behind.Store(true)
		time.Sleep(time.Hour)
		r.behind.Store(false)
		time.Sleep(20 * time.Second)
		r.want("0 hello a")
		time.Sleep(15 * time.Second)
		if said := r.said(); len(said) != 1 || !strings.HasSuffix(said[0], "a lost") {
			t.Errorf("after the grace: %q", said)
		}
	})
}

// late has requests arrive late. Who gave up before has asked in vain.
type late struct {
	link.Transport
	by time.Duration
}

func (l late) wait(ctx context.Context) error {
	select {
	case <-time.After(l.by):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (l late) Hello(ctx context.Context, h link.Hello) (w link.Welcome, err error) {
	if err := l.wait(ctx); err != nil {
		return w, err
	}
	return l.Transport.Hello(ctx, h)
}

func (l late) Exchange(ctx context.Context, name string, p link.Packet, wait time.Duration) (link.Packet, error) {
	if err := l.wait(ctx); err != nil {
		return link.Packet{}, err
	}
	return l.Transport.Exchange(ctx, name, p, wait)
}

// TestAPeerWaitsLongEnough for a server that takes requests up minutes after they
// were made.
func TestAPeerWaitsLongEnough(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRoom(t)
		defer r.end()
		r.behind.Store(true)
		_, conns, _ := r.join("a", late{r.hub.Local(link.Origin{}), 3 * time.Minute})
		conn := <-conns
		say(t, conn, "one")
		time.Sleep(10 * time.Minute)
		say(t, conn, "two")
		time.Sleep(10 * time.Minute)
		var said []string
		for _, e := range r.said() {
			_, text, _ := strings.Cut(e, " ")
			said = append(said, text)
		}
		if want := []string{"hello a", "a: one", "a: two"}; !slices.Equal(said, want) || conn.Err() != nil {
			t.Errorf("%q, %v", said, conn.Err())
		}
	})
}

// TestAPeerThatStartsAnewTakesItsNameOver, and one that only says so does not.
func TestAPeerThatStartsAnewTakesItsNameOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRoom(t)
		defer r.end()
		_, _, kill := r.join("a", r.hub.Local(link.Origin{}))
		r.want("0 hello a")
		r.join("b", r.hub.Local(link.Origin{}))
		time.Sleep(time.Minute)
		r.want() // it is refused as long as a is alive
		if _, err := r.hub.Hello(link.Hello{Protocol: link.Protocol, Kind: "runner", Name: "r", Instance: "c"}, link.Origin{User: "thief"}); resource.KindOf(err) != resource.Conflict {
			t.Errorf("another token: %v", err)
		}
		kill()
		time.Sleep(20 * time.Second)
		var said []string
		for _, e := range r.said() {
			_, text, _ := strings.Cut(e, " ")
			said = append(said, text)
		}
		if want := []string{"a: " + link.ErrClosed.Error(), "a gone: " + link.ErrReplaced.Error(), "hello b"}; !slices.Equal(said, want) {
			t.Errorf("%q", said)
		}
	})
}

func TestAPeerThatDoesNotTakeItsMessagesIsCutOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var peer *link.Conn
		hub := link.NewHub(link.HubOptions{
			Accept: func(_ link.Hello, _ link.Origin, c *link.Conn) (link.Peer, []byte, error) {
				peer = c
				return roomPeer{&room{t: t, start: time.Now()}, "a", c}, nil, nil
			},
			Now: time.Now, After: time.After,
		})
		if _, err := hub.Hello(link.Hello{Protocol: link.Protocol, Kind: "runner", Name: "r", Instance: "a"}, link.Origin{}); err != nil {
			t.Fatal(err)
		}
		body := make([]byte, 1<<20)
		var err error
		n := 0
		for ; err == nil && n < 100; n++ {
			err = peer.Post(link.Message{Kind: "x", Body: body})
		}
		if !errors.Is(err, link.ErrOverflow) || n < 10 || n > 20 || peer.Err() == nil {
			t.Errorf("after %d messages of 1 MiB: %v, %v", n, err, peer.Err())
		}
	})
}

func TestPrioritiesAreKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRoom(t)
		defer r.end()
		net := linktest.NewBad(r.hub.Local(link.Origin{}), 0, 1)
		_, conns, _ := r.join("a", net)
		conn := <-conns
		time.Sleep(time.Second)
		net.Cut(true)
		say(t, conn, "on its way") // it has its number when the cut is found
		time.Sleep(time.Second)
		for _, m := range []struct {
			text string
			p    link.Priority
		}{{"low 1", link.Low}, {"normal 1", link.Normal}, {"high 1", link.High}, {"low 2", link.Low}, {"normal 2", link.Normal}, {"high 2", link.High}} {
			if err := conn.Send(t.Context(), link.Message{Kind: "say", Body: []byte(m.text), Priority: m.p}); err != nil {
				t.Fatal(err)
			}
		}
		net.Cut(false)
		time.Sleep(16 * time.Second)
		var said []string
		for _, e := range r.said()[1:] {
			_, text, _ := strings.Cut(e, ": ")
			said = append(said, text)
		}
		if want := []string{"on its way", "high 1", "high 2", "normal 1", "normal 2", "low 1", "low 2"}; !slices.Equal(said, want) {
			t.Errorf("%q", said)
		}
	})
}
