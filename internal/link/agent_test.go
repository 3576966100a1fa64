package link_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/faultline-storage/faultline/internal/link"
	"github.com/faultline-storage/faultline/internal/link/linktest"
	"github.com/faultline-storage/faultline/internal/resource"
)

// desk is a server that writes down what agents say.
type desk struct {
	mu    sync.Mutex
	conn  *link.Conn
	opens int
	room  int      // bytes that were asked for
	heard []string // "plugin session sequence data"
	hold  chan struct{}
	fail  map[string]bool // data that is refused
}

func (d *desk) accept(h link.Hello, _ link.Origin, c *link.Conn) (link.Peer, []byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.conn = c
	if h.Kind != link.AgentKind {
		return nil, nil, errors.New("this is no agent")
	}
	b, err := json.Marshal(link.AgentWelcome{Host: 7})
	return deskPeer{d}, b, err
}

type deskPeer struct{ d *desk }

func (p deskPeer) Receive(_ context.Context, m link.Message, answer func([]byte, error)) {
	p.d.mu.Lock()
	defer p.d.mu.Unlock()
	switch m.Kind {
	case link.AgentOpen:
		var n link.AgentPlugin
		if err := json.Unmarshal(m.Body, &n); err != nil {
			answer(nil, err)
			return
		}
		p.d.opens++
		answer(json.Marshal(link.AgentSessionID{Session: fmt.Sprint(n.Plugin, p.d.opens)}))
	case link.AgentRoom:
		var n link.AgentSize
		err := json.Unmarshal(m.Body, &n)
		p.d.room += n.Bytes
		answer(nil, err)
	case link.AgentData:
		head, data, err := link.ReadAgentData(m.Body)
		if err == nil && p.d.fail[string(data)] {
			err = errors.New("the plugin does not like it")
		}
		if err == nil {
			p.d.heard = append(p.d.heard, fmt.Sprint(head.Session, " ", head.Sequence, " ", string(data)))
		}
		if hold := p.d.hold; hold != nil && err == nil {
			go func() { <-hold; answer(nil, nil) }()
			return
		}
		answer(nil, err)
	}
}
func (deskPeer) Lost(time.Time) {}
func (deskPeer) Back()          {}
func (deskPeer) Gone(error)     {}

func (d *desk) list() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.heard)
}

func (d *desk) note(t *testing.T, kind string, n link.AgentNote) {
	t.Helper()
	b, err := json.Marshal(n)
	d.mu.Lock()
	defer d.mu.Unlock()
	if err = errors.Join(err, d.conn.Post(link.Message{Kind: kind, Body: b})); err != nil {
		t.Fatal(err)
	}
}

// connectAgent runs an agent against a desk, over a transport.
func connectAgent(t *testing.T, d *desk, via func(link.Transport) link.Transport) *link.Agent {
	t.Helper()
	hasty := func(wait time.Duration) <-chan time.Time { return time.After(wait / 50) }
	hub := link.NewHub(link.HubOptions{Accept: d.accept, Grace: time.Minute, Now: time.Now, After: hasty})
	a := link.NewAgent(link.AgentOptions{
		Transport: via(hub.Local(link.Origin{User: "oss1"})), Name: "oss1", Instance: "i", Now: time.Now, After: hasty,
		Hello: func() link.AgentHello { return link.AgentHello{Boot: "b"} },
	})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	t.Cleanup(func() { cancel(); hub.Close(); <-ended })
	return a
}

func patient(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func TestAgentOrder(t *testing.T) {
	t.Parallel()
	ctx, d := patient(t), &desk{hold: make(chan struct{})}
	a := connectAgent(t, d, func(tr link.Transport) link.Transport { return tr })
	s, err := a.Open(ctx, "linux")
	if err != nil {
		t.Fatal(err)
	}
	// The first message is on its way before the others are there, and none of
	// those may be before it, whatever its priority.
	for i, p := range []link.Priority{link.Normal, link.Low, link.Normal, link.High, link.Low, link.High, link.Normal} {
		if err := s.Send(ctx, json.RawMessage(fmt.Sprint(i)), p); err != nil {
			t.Fatal(err)
		}
		for i == 0 && len(d.list()) == 0 {
			time.Sleep(time.Millisecond)
		}
	}
	close(d.hold)
	if err := s.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	want := []string{"0 0", "1 3", "2 5", "3 2", "4 6", "5 1", "6 4"}
	for i := range want {
		want[i] = "linux1 " + want[i]
	}
	if got := d.list(); !slices.Equal(got, want) {
		t.Errorf("order %q, want %q", got, want)
	}
}

func TestAgentOverBadTransport(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	ctx, d := patient(t), &desk{}
	a := connectAgent(t, d, func(tr link.Transport) link.Transport { return linktest.NewBad(tr, 40, seed) })
	s, err := a.Open(ctx, "linux")
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for i := range 500 {
		want = append(want, fmt.Sprintf("%s %d %d", s.ID(), i, i))
		if err := s.Send(ctx, json.RawMessage(fmt.Sprint(i)), link.Normal); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	if got := d.list(); !slices.Equal(got, want) {
		t.Errorf("%d messages arrived, want %d in order, each once", len(got), len(want))
	}
}

func TestAgentAsksForRoom(t *testing.T) {
	t.Parallel()
	ctx, d := patient(t), &desk{}
	a := connectAgent(t, d, func(tr link.Transport) link.Transport { return tr })
	s, err := a.Open(ctx, "linux")
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{1, link.AgentFree, link.AgentFree + 1, 3 << 20} {
		if err := s.Send(ctx, json.RawMessage(strings.Repeat("1", size)), link.Normal); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if want := link.AgentFree + 1 + 3<<20; d.room != want || len(d.heard) != 4 {
		t.Errorf("room for %d bytes was asked for, want %d; %d messages came", d.room, want, len(d.heard))
	}
}

func TestAgentReset(t *testing.T) {
	t.Parallel()
	ctx, d := patient(t), &desk{fail: map[string]bool{`"bad"`: true}}
	a := connectAgent(t, d, func(tr link.Transport) link.Transport { return tr })
	over := func(s *link.AgentSession) *link.ResetError {
		t.Helper()
		select {
		case <-s.Done():
		case <-ctx.Done():
			t.Fatal("the session does not end")
		}
		var r *link.ResetError
		if !errors.As(s.Err(), &r) {
			t.Fatalf("the session ended with %v", s.Err())
		}
		if err := s.Send(ctx, json.RawMessage("1"), link.High); !errors.Is(err, error(r)) {
			t.Errorf("Send afterwards: %v", err)
		}
		return r
	}
	open := func() *link.AgentSession {
		t.Helper()
		s, err := a.Open(ctx, "linux")
		if err != nil {
			t.Fatal(err)
		}
		return s
	}

	s := open()
	d.note(t, link.AgentReset, link.AgentNote{AgentPlugin: link.AgentPlugin{Plugin: "linux", Session: "another"}, Cause: link.CauseOrder})
	d.note(t, link.AgentReset, link.AgentNote{AgentPlugin: link.AgentPlugin{Plugin: "linux", Session: s.ID()}, Cause: link.CauseFull, Text: "asked"})
	if r := over(s); r.Cause != link.CauseFull {
		t.Errorf("cause %q", r.Cause)
	}
	s = open()
	d.note(t, link.AgentResetAll, link.AgentNote{Cause: link.CauseReload})
	over(s)
	s = open()
	if err := s.Send(ctx, json.RawMessage(`"bad"`), link.Normal); err != nil {
		t.Fatal(err)
	}
	if r := over(s); r.Cause != link.CausePlugin {
		t.Errorf("cause %q", r.Cause)
	}
	s = open()
	other := open() // a plugin that started anew
	<-s.Done()
	if !errors.Is(s.Err(), link.ErrSessionClosed) || other.Err() != nil {
		t.Errorf("ends: %v, %v", s.Err(), other.Err())
	}
	if err := other.Send(ctx, make([]byte, link.MaxAgentData+1), link.Normal); resource.KindOf(err) != resource.Invalid {
		t.Errorf("too much: %v", err)
	}
	other.Close("")
	if err := other.Send(ctx, json.RawMessage("1"), link.Normal); !errors.Is(err, link.ErrSessionClosed) {
		t.Errorf("Send after Close: %v", err)
	}
}

func TestAgentSessionsEndWithTheLink(t *testing.T) {
	t.Parallel()
	ctx, d := patient(t), &desk{}
	a := connectAgent(t, d, func(tr link.Transport) link.Transport { return tr })
	s, err := a.Open(ctx, "linux")
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Close(ctx); err != nil {
		t.Fatal(err)
	}
	<-s.Done()
	if !errors.Is(s.Err(), link.ErrClosed) && !errors.Is(s.Err(), link.ErrUnknown) { // a poll may hear of it first
		t.Errorf("the session ended with %v", s.Err())
	}
	short, cancel := context.WithTimeout(ctx, time.Millisecond)
	defer cancel()
	if _, err := a.Open(short, "linux"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Open without a link: %v", err)
	}
}

func TestAgentDataForm(t *testing.T) {
	t.Parallel()
	head := link.AgentDataHead{AgentPlugin: link.AgentPlugin{Plugin: "linux", Session: "s"}, Sequence: 3}
	b, err := link.AppendAgentData(nil, head, json.RawMessage("{\n}"))
	if err != nil {
		t.Fatal(err)
	}
	got, data, err := link.ReadAgentData(b)
	if err != nil || got != head || string(data) != "{\n}" {
		t.Errorf("read back: %+v, %q, %v", got, data, err)
	}
	for _, bad := range []string{"", "{}", "[]\n1", "{\n1"} {
		if _, _, err := link.ReadAgentData([]byte(bad)); resource.KindOf(err) != resource.Invalid {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
