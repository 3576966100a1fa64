package app

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/faultline-storage/faultline/internal/link"
	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/internal/session"
)

const (
	// feedRoom is how many messages of a session wait for its plugin, before the
	// host's link waits. An agent has no more on its way.
	feedRoom = 16
	// feedPause and feedMaxPause bound the pause between two tries to open a session
	// whose plugin is not to be had.
	feedPause    = time.Second
	feedMaxPause = 30 * time.Second
	// loggedData is how much of the data that a plugin failed on goes into the log,
	// in bytes.
	loggedData = 4 << 10
)

// pluginName is what names of plugins look like; see pluginhost.Resolve.
var pluginName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,99}$`)

// hostFeed is a session of a host's device plugin, from the agent's call to open it.
// There is one for a host and plugin at a time.
type hostFeed struct {
	p       *agentPeer
	plugin  string
	session string
	log     *slog.Logger
	ctx     context.Context //nolint:containedctx // it ends with the session
	cancel  context.CancelFunc
	fail    context.CancelCauseFunc // as cancel, for a failure of the device plugin
	data    chan session.AgentData
	over    chan struct{} // closed when nothing more is taken from data

	mu       sync.Mutex
	next     uint64      // the sequence number of the next message
	reserved int64       // bytes of fleet.room that messages to come may use
	root     resource.ID // 0 until the session is open
	live     bool        // the first message was handled
	opened   bool
	note     *link.AgentNote // why the agent is to begin again; nil if it need not
}

// Receive implements link.Peer.
func (p *agentPeer) Receive(ctx context.Context, m link.Message, answer func([]byte, error)) {
	switch m.Kind {
	case link.AgentOpen:
		var n link.AgentPlugin
		if err := json.Unmarshal(m.Body, &n); err != nil {
			answer(nil, unread(m.Kind, err))
			return
		}
		if err := p.open(n.Plugin, answer); err != nil {
			p.log.Warn("a session of a device plugin was not opened", "plugin", shortened(n.Plugin), "error", err)
			answer(nil, err)
		}
	case link.AgentRoom:
		var n link.AgentSize
		if err := json.Unmarshal(m.Body, &n); err != nil {
			answer(nil, unread(m.Kind, err))
			return
		}
		p.makeRoom(n, answer)
	case link.AgentData:
		p.take(ctx, m.Body, answer)
	case link.AgentClose:
		var n link.AgentNote
		if err := json.Unmarshal(m.Body, &n); err != nil {
			answer(nil, unread(m.Kind, err))
			return
		}
		if f := p.feed(n.AgentPlugin); f != nil && n.Text == "" {
			f.cancel()
		} else if f != nil {
			if len(n.Text) > loggedData {
				n.Text = strings.ToValidUTF8(n.Text[:loggedData], "") + "…"
			}
			f.log.Warn("a device plugin failed on its host", "error", n.Text)
			f.fail(&session.AgentError{Host: p.host.name, Text: n.Text})
		}
		answer(nil, nil)
	default:
		answer(nil, resource.Errorf(resource.Invalid, "nobody knows messages of kind %.80q", m.Kind))
	}
}

func unread(kind string, err error) error {
	return &resource.Fault{Kind: resource.Invalid, Text: "a message of kind " + kind + " cannot be read", Cause: err}
}

// feed returns the session that a message is of, or nil.
func (p *agentPeer) feed(n link.AgentPlugin) *hostFeed {
	p.f.mu.Lock()
	defer p.f.mu.Unlock()
	if f := p.host.feeds[n.Plugin]; f != nil && f.p == p && f.session == n.Session && f.ctx.Err() == nil {
		return f
	}
	return nil
}

// open opens a session in the place of the one that the plugin had. answer is called
// when it can take the first message.
func (p *agentPeer) open(plugin string, answer func([]byte, error)) error {
	if !pluginName.MatchString(plugin) {
		return resource.FieldErrorf("plugin", "%.120q is no name of a plugin: letters, digits and underscores", plugin)
	}
	if plugin == resource.ServerPlugin {
		return resource.FieldErrorf("plugin", "%s is the server's own plugin", plugin)
	}
	n := &hostFeed{
		p: p, plugin: plugin, session: rand.Text(), log: p.log.With("plugin", plugin),
		data: make(chan session.AgentData, feedRoom), over: make(chan struct{}),
	}
	n.ctx, n.fail = context.WithCancelCause(context.Background())
	n.cancel = func() { n.fail(nil) }
	p.f.mu.Lock()
	defer p.f.mu.Unlock()
	before := p.host.feeds[plugin]
	if p.host.gone || p.host.peer != p {
		return resource.Errorf(resource.Unavailable, "the host was removed, or its agent began anew")
	}
	if before == nil && len(p.host.feeds) >= mostDevicePlugins {
		return resource.FieldErrorf("plugin", "the host has sessions of %d device plugins, and more are not allowed", len(p.host.feeds))
	}
	p.host.feeds[plugin] = n
	go n.run(before, answer)
	return nil
}

// makeRoom answers when there is room for data that a session wants to send.
func (p *agentPeer) makeRoom(n link.AgentSize, answer func([]byte, error)) {
	f := p.feed(n.AgentPlugin)
	switch {
	case f == nil:
		answer(nil, p.unknown(n.AgentPlugin))
		return
	case n.Bytes < 0 || n.Bytes > link.MaxAgentData:
		answer(nil, f.reset(link.CauseOrder, fmt.Sprintf("it wants to send %d bytes at once, and %d are allowed", n.Bytes, link.MaxAgentData)))
		return
	}
	go func() {
		err := p.f.room.Acquire(f.ctx, int64(n.Bytes))
		if err == nil {
			f.mu.Lock()
			f.reserved += int64(n.Bytes)
			f.mu.Unlock()
			f.drain() // it may be over by now
		}
		answer(nil, err)
	}()
}

// unknown tells the agent that a session is not there, and returns that as an error.
func (p *agentPeer) unknown(n link.AgentPlugin) error {
	text := "the server has no such session of plugin " + shortened(n.Plugin)
	p.post(link.AgentReset, link.AgentNote{AgentPlugin: n, Cause: link.CauseOrder, Text: text})
	return resource.Errorf(resource.Conflict, "%s", text)
}

// take hands data to the session that it is of. It waits while too much waits for
// the plugin.
func (p *agentPeer) take(ctx context.Context, body []byte, answer func([]byte, error)) {
	head, data, err := link.ReadAgentData(body)
	if err != nil {
		p.log.Warn("data of an agent was refused", "error", err)
		answer(nil, err)
		return
	}
	f := p.feed(head.AgentPlugin)
	if f == nil {
		answer(nil, p.unknown(head.AgentPlugin))
		return
	}
	f.mu.Lock()
	next := f.next
	f.next++
	f.mu.Unlock()
	switch {
	case head.Sequence != next:
		answer(nil, f.reset(link.CauseOrder, fmt.Sprintf("message %d came where message %d was expected", head.Sequence, next)))
		return
	case !json.Valid(data):
		answer(nil, f.reset(link.CausePlugin, fmt.Sprintf("message %d is no JSON", head.Sequence)))
		return
	}
	size, err := f.holds(ctx, int64(len(data)))
	if err != nil {
		answer(nil, err)
		return
	}
	d := session.AgentData{Data: data, Done: func(err error) {
		p.f.room.Release(size)
		if err == nil && head.Sequence == 0 {
			f.began()
		}
		f.failed(head.Sequence, data, err)
		answer(nil, err)
	}}
	select {
	case f.data <- d:
		f.drain()
	case <-f.over:
		d.Done(errSessionOver)
	case <-ctx.Done():
		d.Done(ctx.Err())
	}
}

// errSessionOver is what data of a session ends with that is over.
var errSessionOver = resource.Errorf(resource.Conflict, "the session is over")

// holds takes the room for data: of small data none, else what was made for it
// before, and what is lacking now.
func (f *hostFeed) holds(ctx context.Context, n int64) (int64, error) {
	if n <= link.AgentFree {
		return 0, nil
	}
	f.mu.Lock()
	have := min(n, f.reserved)
	f.reserved -= have
	f.mu.Unlock()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(f.ctx, cancel)()
	if err := f.p.f.room.Acquire(ctx, n-have); err != nil {
		f.p.f.room.Release(have)
		return 0, err
	}
	return n, nil
}

// began notes that the first message was handled.
func (f *hostFeed) began() {
	f.mu.Lock()
	f.live = true
	f.mu.Unlock()
	f.p.f.mu.Lock()
	lost := f.p.lost
	f.p.f.mu.Unlock()
	if lost { // meanwhile
		f.p.f.mark(f.root, false)
	}
}

// failed logs data that the plugin failed on.
func (f *hostFeed) failed(sequence uint64, data []byte, err error) {
	if err == nil || errors.Is(err, errSessionOver) || errors.Is(err, session.ErrRetired) || f.ctx.Err() != nil {
		return
	}
	shown := data
	if len(shown) > loggedData {
		shown = shown[:loggedData]
	}
	f.log.Error("a plugin failed on what an agent sent", "message", sequence, "bytes", len(data), "data", string(shown), "error", err)
}

// at returns the root of the session, and whether the first message was handled.
func (f *hostFeed) at() (root resource.ID, live bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.root, f.live
}

// started returns the root of the session if its first message was handled, or 0.
func (f *hostFeed) started() resource.ID {
	if root, live := f.at(); live {
		return root
	}
	return 0
}

// reset ends the session and has the agent begin anew. It returns that as an error.
func (f *hostFeed) reset(cause link.AgentCause, why string) error {
	f.mu.Lock()
	if f.note == nil {
		f.note = &link.AgentNote{AgentPlugin: link.AgentPlugin{Plugin: f.plugin, Session: f.session}, Cause: cause, Text: why}
		f.log.Warn("a session of a device plugin was ended", "cause", cause, "reason", why)
	}
	f.mu.Unlock()
	f.cancel()
	return resource.Errorf(resource.Conflict, "%s", why)
}

// leave ends the session if it is one of the peer, whose link has ended.
func (f *hostFeed) leave(p *agentPeer) {
	if f.p == p {
		f.cancel()
	}
}

// stop ends the session and waits until it is torn down.
func (f *hostFeed) stop() {
	f.cancel()
	<-f.over
}

// drain answers what came too late, once the session is over.
func (f *hostFeed) drain() {
	select {
	case <-f.over:
	default:
		return
	}
	f.mu.Lock()
	f.p.f.room.Release(f.reserved)
	f.reserved = 0
	f.mu.Unlock()
	for {
		select {
		case d := <-f.data:
			d.Done(errSessionOver)
		default:
			return
		}
	}
}

// run is the session, after the one before it. answer is called once.
func (f *hostFeed) run(before *hostFeed, answer func([]byte, error)) {
	fl := f.p.f
	defer func() {
		f.cancel()
		fl.mu.Lock()
		if f.p.host.feeds[f.plugin] == f {
			delete(f.p.host.feeds, f.plugin)
		}
		if fl.feeds[f.root] == f {
			delete(fl.feeds, f.root)
		}
		fl.mu.Unlock()
		f.mu.Lock()
		note, opened := f.note, f.opened
		f.mu.Unlock()
		if note != nil {
			f.p.post(link.AgentReset, *note)
		}
		if !opened {
			answer(nil, errSessionOver)
		}
		close(f.over)
		f.drain()
	}()
	if before != nil {
		before.stop()
	}
	told := ""
	pause := feedPause
	for f.ctx.Err() == nil {
		again := fl.plugins.loaded(f.plugin)
		err := f.once(answer)
		f.mu.Lock()
		opened := f.opened
		f.mu.Unlock()
		switch {
		case f.ctx.Err() != nil:
			return
		case opened && errors.Is(err, session.ErrRetired):
			_ = f.reset(link.CauseReload, "the server's plugin "+f.plugin+" was started anew")
			return
		case opened:
			_ = f.reset(link.CausePlugin, err.Error())
			return
		}
		if err.Error() != told {
			told = err.Error()
			f.p.post(link.AgentWaiting, link.AgentNote{AgentPlugin: link.AgentPlugin{Plugin: f.plugin}, Text: told})
			if fl.said.first("waiting " + told) { // once, not for each host
				f.log.Warn("a device plugin waits for the server's plugin of its name", "reason", told)
			}
		}
		var retry <-chan time.Time
		if fl.plugins.has(f.plugin) {
			retry = fl.after(pause)
			pause = min(2*pause, feedMaxPause)
		}
		select {
		case <-again:
			pause = feedPause
		case <-retry:
		case <-f.ctx.Done():
		}
	}
}

// once opens the session and runs it to its end.
func (f *hostFeed) once(answer func([]byte, error)) error {
	fl := f.p.f
	if !fl.plugins.has(f.plugin) {
		return resource.Errorf(resource.Unavailable, "the server has no plugin %s; add it to its plugins, or remove the device plugin from the hosts", f.plugin)
	}
	// Its classes are known when its process serves.
	l, err := fl.plugins.process(f.ctx, f.plugin)
	if err != nil {
		return err
	}
	l.Release()
	leave, err := fl.admit(f.ctx, f.plugin)
	if err != nil {
		return err
	}
	defer leave()
	root, err := fl.rootFor(f.ctx, f.p.host, f.plugin)
	if err != nil {
		return err
	}
	fl.mu.Lock()
	fl.feeds[root] = f
	fl.mu.Unlock()
	f.mu.Lock()
	f.root = root
	f.mu.Unlock()
	o := fl.options(root, f.p.host.id, f.plugin)
	o.Admit = func(ctx context.Context) (func(), error) { return fl.admit(ctx, f.plugin) }
	return session.New(o).Feed(f.ctx, f.data, func() {
		leave()
		f.mu.Lock()
		f.opened = true
		f.mu.Unlock()
		answer(json.Marshal(link.AgentSessionID{Session: f.session}))
	})
}
