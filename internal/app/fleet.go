package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"maps"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/faultline-storage/faultline/internal/inventory"
	"github.com/faultline-storage/faultline/internal/link"
	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/internal/session"
)

// The states of a host.
const (
	hostConnected = "connected"
	hostStopped   = "stopped" // its agent ended in order
	hostLost      = "lost"    // nothing was heard of it for the grace
	// hostAwaiting is a host that was reported by a plugin, and whose agent has never
	// come.
	hostAwaiting = "awaiting"
)

const (
	// agentRoom is how much data of agents the server holds before it is handled,
	// in bytes, beside small messages.
	agentRoom = 128 << 20
	// hostPatience is how long an agent waits for its host to be in the inventory,
	// before it is asked to come again.
	hostPatience = 20 * time.Second
	// mostDevicePlugins bounds the device plugins of one host.
	mostDevicePlugins = 64
	// hostStarts is how many hosts at a time open a session of one plugin, and how many
	// have the plugin read their full report. The others wait in the order in which
	// they came. It is enough to keep the plugin busy while others commit; and no
	// call is so long in coming to its turn within the plugin that its deadline
	// passes, which ends the plugin and all that it was doing.
	hostStarts = 64
)

// fleet has the hosts that run the agent: it accepts agents for the hub, has what
// they say handed to the plugins of the server (fleetfeed.go), and says how the
// hosts are, which the server's own session reports (self.go). Its methods are
// safe for concurrent use.
type fleet struct {
	fleetOptions

	room *semaphore.Weighted // for data of agents; see agentRoom
	said *onceIn

	mu     sync.Mutex
	hosts  map[string]*fleetHost
	dirty  map[string]bool                // hosts to report
	feeds  map[resource.ID]*hostFeed      // by root
	starts map[string]*semaphore.Weighted // by plugin; see hostStarts
	kick   chan struct{}                  // has room for one: dirty is not empty
}

// fleetOptions are what a fleet works with.
type fleetOptions struct {
	inv     *inventory.Inventory
	plugins *pluginSet
	// options are those of the session of a root, which a host's agent feeds.
	options func(root, host resource.ID, plugin string) session.Options
	grace   time.Duration
	// listening measures the silence of hosts that have no link. The hub looks.
	listening *link.Listening
	log       *slog.Logger
	now       func() time.Time
	after     func(time.Duration) <-chan time.Time
}

// fleetHost is a host. It is guarded by fleet.mu.
type fleetHost struct {
	name  string
	id    resource.ID   // 0 until the inventory has it
	known chan struct{} // closed when id is set
	gone  bool          // somebody removed it
	attrs map[string]json.RawMessage
	peer  *agentPeer           // nil if it has no link
	heard link.Heard           // when it had one, or tried to have one
	feeds map[string]*hostFeed // by plugin
}

func newFleet(o fleetOptions) *fleet {
	f := &fleet{
		fleetOptions: o, room: semaphore.NewWeighted(agentRoom), said: &onceIn{span: time.Hour, now: o.now},
		hosts: map[string]*fleetHost{}, dirty: map[string]bool{}, feeds: map[resource.ID]*hostFeed{}, starts: map[string]*semaphore.Weighted{},
		kick: make(chan struct{}, 1),
	}
	for _, c := range o.inv.Classes() {
		if c.Plugin == resource.ServerPlugin && c.Name == hostClass {
			for _, r := range o.inv.Members(c) {
				f.restore(r)
			}
		}
	}
	return f
}

// admit waits until another host may open or start a session of a plugin. leave is
// called when that is done.
func (f *fleet) admit(ctx context.Context, plugin string) (leave func(), err error) {
	f.mu.Lock()
	s := f.starts[plugin]
	if s == nil {
		s = semaphore.NewWeighted(hostStarts)
		f.starts[plugin] = s
	}
	f.mu.Unlock()
	if err := s.Acquire(ctx, 1); err != nil {
		return nil, err
	}
	return sync.OnceFunc(func() { s.Release(1) }), nil
}

// restore takes up a host that the inventory has from before.
func (f *fleet) restore(r *resource.Resource) {
	h := newFleetHost(r.Identity, f.listening.Heard())
	for i, v := range r.Values {
		h.attrs[r.Class.Attributes[i].Name] = v.AppendJSON(nil)
	}
	h.name, _ = r.Values[r.Class.Attr("fqdn")].Text()
	h.id = r.ID
	close(h.known)
	f.hosts[h.name] = h
}

func newFleetHost(name string, heard link.Heard) *fleetHost {
	return &fleetHost{
		name: name, known: make(chan struct{}), heard: heard, feeds: map[string]*hostFeed{},
		attrs: map[string]json.RawMessage{
			"fqdn": quoted(name), "host_id": null, "address": null, "agent_version": null, "boot_time": null,
			"state": quoted(hostConnected), "last_contact": null, "reason": null, "install_failed": json.RawMessage("false"),
		},
	}
}

// set changes attributes of a host, which are reported soon. The caller holds mu.
func (f *fleet) set(h *fleetHost, attrs map[string]json.RawMessage) {
	if len(differing(h.attrs, attrs)) == 0 && f.hosts[h.name] == h {
		return
	}
	maps.Copy(h.attrs, attrs)
	f.touch(h.name)
}

// touch has a host reported. The caller holds mu.
func (f *fleet) touch(name string) {
	f.dirty[name] = true
	select {
	case f.kick <- struct{}{}:
	default:
	}
}

// hostReport is what there is to report of a host; attrs is nil if it is gone.
type hostReport struct {
	name  string
	attrs map[string]json.RawMessage
}

// reports returns what is to be reported of the hosts: of all, or of those that
// changed since the last call.
func (f *fleet) reports(all bool) []hostReport {
	f.mu.Lock()
	defer f.mu.Unlock()
	names := slices.Sorted(maps.Keys(f.dirty))
	if all {
		names = slices.Sorted(maps.Keys(f.hosts))
	}
	clear(f.dirty)
	list := make([]hostReport, 0, len(names))
	for _, name := range names {
		r := hostReport{name: name}
		if h := f.hosts[name]; h != nil {
			r.attrs = maps.Clone(h.attrs)
		}
		list = append(list, r)
	}
	return list
}

// sessions counts the hosts that feed a plugin, and those of them whose session is
// live.
func (f *fleet) sessions(plugin string) (live, all int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, h := range f.hosts {
		feed := h.feeds[plugin]
		if feed == nil {
			continue
		}
		all++
		if h.peer != nil && feed.started() != 0 {
			live++
		}
	}
	return live, all
}

// expect makes a host that an agent is awaited of, or tells a new reason why there
// is none yet. failed says that it could not be installed.
func (f *fleet) expect(name, address, reason string, failed bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	h := f.hosts[name]
	if h == nil {
		h = newFleetHost(name, f.listening.Heard())
		h.attrs["state"], h.attrs["address"] = quoted(hostAwaiting), text(address)
		f.hosts[name] = h
		f.touch(name)
	}
	if h.awaited() {
		f.set(h, map[string]json.RawMessage{"reason": text(reason), "install_failed": json.RawMessage(strconv.FormatBool(failed))})
	}
}

// awaits reports whether the agent of any host is awaited.
func (f *fleet) awaits() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, h := range f.hosts {
		if h.awaited() {
			return true
		}
	}
	return false
}

// awaited reports whether the host's agent has never come. The caller holds
// fleet.mu.
func (h *fleetHost) awaited() bool { return string(h.attrs["state"]) == string(quoted(hostAwaiting)) }

// linkOf returns what tells one link of a host's agent from another; nil if it has
// none.
func (f *fleet) linkOf(name string) any {
	f.mu.Lock()
	defer f.mu.Unlock()
	if h := f.hosts[name]; h != nil && h.peer != nil && !h.peer.lost {
		return h.peer
	}
	return nil
}

// any reports whether there are hosts.
func (f *fleet) any() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.hosts) > 0
}

// follow learns from the inventory which numbers the hosts have, and which roots
// of theirs somebody removed. It is a subscriber.
func (f *fleet) follow(ctx context.Context, all iter.Seq[*resource.Resource], _ uint64, changes iter.Seq2[*resource.Changes, error]) error {
	for r := range all {
		f.found(r)
	}
	for ch, err := range changes {
		if err != nil {
			return err
		}
		for _, r := range ch.Created {
			f.found(r)
		}
		for _, r := range ch.Deleted {
			f.lose(r.ID)
		}
	}
	return ctx.Err()
}

func (f *fleet) found(r *resource.Resource) {
	if r.Class.Plugin != resource.ServerPlugin || r.Class.Name != hostClass {
		return
	}
	name, _ := r.Values[r.Class.Attr("fqdn")].Text()
	f.mu.Lock()
	defer f.mu.Unlock()
	h := f.hosts[name]
	if h == nil || h.id == r.ID {
		return
	}
	if h.id == 0 {
		close(h.known)
	}
	h.id = r.ID
	f.set(h, map[string]json.RawMessage{"host_id": fmt.Append(nil, r.ID)})
}

// lose ends the session of a root that is gone. If its host is not, its agent soon
// opens another one, with another root.
func (f *fleet) lose(id resource.ID) {
	f.mu.Lock()
	feed := f.feeds[id]
	f.mu.Unlock()
	if feed != nil {
		_ = feed.reset(link.CauseReload, "what the host reported was removed")
	}
}

// sameMachine implements link.HubOptions.Replaces: within one boot of a machine the
// agent that was started last is the one that lives. Another machine may have been
// given the same name, or be a copy.
func sameMachine(old, now link.Hello) bool {
	var a, b link.AgentHello
	if json.Unmarshal(old.Body, &a) != nil || json.Unmarshal(now.Body, &b) != nil {
		return false
	}
	return a.Boot != "" && a.Boot == b.Boot && a.Machine == b.Machine && b.Started > a.Started
}

// check implements link.HubOptions.Check: an agent speaks for the host whose
// certificate it shows, and for no other.
func (f *fleet) check(h link.Hello, from link.Origin) error {
	if h.Kind != link.AgentKind {
		return resource.FieldErrorf("kind", "this way is for agents, not for peers of the kind %.80q", h.Kind)
	}
	if h.Name != from.User {
		f.log.Warn("an agent was refused that speaks for another host", "host", from.User, "for", shortened(h.Name), "address", from.Addr)
		return resource.FieldErrorf("name", "the certificate is that of host %s, and the agent speaks for %.120q", from.User, h.Name)
	}
	return nil
}

// accept implements link.HubOptions.Accept.
func (f *fleet) accept(h link.Hello, from link.Origin, c *link.Conn) (link.Peer, []byte, error) {
	var hello link.AgentHello
	if err := json.Unmarshal(h.Body, &hello); err != nil {
		return nil, nil, &resource.Fault{Kind: resource.Invalid, Text: "what the agent says of its host cannot be read", Cause: err}
	}
	address, _, err := net.SplitHostPort(from.Addr)
	if err != nil {
		address = from.Addr
	}
	attrs := map[string]json.RawMessage{
		"state": quoted(hostConnected), "reason": null, "last_contact": null, "install_failed": json.RawMessage("false"),
		"address": text(address), "agent_version": text(h.Version), "boot_time": null,
	}
	if !hello.Booted.IsZero() {
		attrs["boot_time"] = quoted(hello.Booted.UTC().Format(time.RFC3339))
	}
	f.mu.Lock()
	host, heard := f.hosts[h.Name], f.listening.Heard()
	if host == nil {
		host = newFleetHost(h.Name, heard)
		f.hosts[h.Name] = host
		f.touch(h.Name)
	}
	host.heard = heard // should the server not get to it, it is not the host that is silent
	f.set(host, attrs)
	f.mu.Unlock()
	select {
	case <-host.known:
	case <-f.after(hostPatience):
		return nil, nil, resource.Errorf(resource.Unavailable, "the server is busy: host %s is not in the inventory yet", h.Name)
	}
	p := &agentPeer{f: f, host: host, conn: c, log: f.log.With("host", h.Name)}
	f.mu.Lock()
	defer f.mu.Unlock()
	if host.gone {
		return nil, nil, resource.Errorf(resource.Unavailable, "host %s was removed just now", h.Name)
	}
	host.peer = p
	p.log.Info("an agent is connected", "address", from.Addr, "version", h.Version, "plugins", hello.Plugins)
	b, err := json.Marshal(link.AgentWelcome{Host: host.id})
	return p, b, err
}

// agentPeer is an agent at the other end of a link.
type agentPeer struct {
	f    *fleet
	host *fleetHost
	conn *link.Conn
	log  *slog.Logger
	lost bool // guarded by fleet.mu
}

// post sends a note. It fails only with the link, and all is over then.
func (p *agentPeer) post(kind string, note link.AgentNote) {
	b, err := json.Marshal(note)
	if err == nil {
		err = p.conn.Post(link.Message{Kind: kind, Body: b, Priority: link.High})
	}
	if err != nil && p.conn.Err() == nil {
		p.log.Error("an agent was not told something", "message", kind, "error", err)
	}
}

// Lost implements link.Peer. The sessions stay: what the agent says once it is back
// goes on where it was, for the link loses nothing.
func (p *agentPeer) Lost(since time.Time) {
	p.f.mu.Lock()
	p.lost = true
	p.f.miss(p.host, since)
	p.f.mu.Unlock()
	p.live(false)
}

// Back implements link.Peer.
func (p *agentPeer) Back() {
	p.f.mu.Lock()
	p.lost = false
	p.f.set(p.host, map[string]json.RawMessage{"state": quoted(hostConnected), "reason": null, "last_contact": null})
	p.f.mu.Unlock()
	p.log.Info("a lost host is back")
	p.live(true)
}

// live marks the roots of the sessions that have started.
func (p *agentPeer) live(live bool) {
	p.f.mu.Lock()
	var roots []resource.ID
	for _, feed := range p.host.feeds {
		if id := feed.started(); id != 0 {
			roots = append(roots, id)
		}
	}
	p.f.mu.Unlock()
	for _, id := range roots {
		p.f.mark(id, live)
	}
}

// mark notes whether a root is live.
func (f *fleet) mark(root resource.ID, live bool) {
	err := f.inv.SetRootState(context.Background(), root, func(st *resource.RootState) { st.Live = live })
	if err != nil && resource.KindOf(err) != resource.NotFound {
		f.log.Error("the state of a root was not noted", "root", root, "error", err)
	}
}

// miss says that nothing was heard of a host. The caller holds mu.
func (f *fleet) miss(h *fleetHost, since time.Time) {
	f.log.Error("contact lost: nothing was heard of a host", "host", h.name, "since", since.UTC().Truncate(time.Second))
	at := since.UTC().Format(time.RFC3339)
	f.set(h, map[string]json.RawMessage{
		"state": quoted(hostLost), "last_contact": quoted(at), "reason": quoted("nothing was heard of it since " + at),
	})
}

// Gone implements link.Peer.
func (p *agentPeer) Gone(why error) {
	p.f.mu.Lock()
	host, now := p.host, p.f.now()
	if host.peer == p {
		host.peer, host.heard = nil, p.f.listening.Heard()
	}
	feeds := slices.Collect(maps.Values(host.feeds))
	if errors.Is(why, link.ErrClosed) && !host.gone {
		p.f.set(host, map[string]json.RawMessage{
			"state": quoted(hostStopped), "last_contact": quoted(now.UTC().Format(time.RFC3339)), "reason": quoted("the agent was stopped"),
		})
	}
	p.f.mu.Unlock()
	p.log.Info("an agent is gone", "reason", why)
	for _, feed := range feeds {
		feed.leave(p)
	}
}

// run watches for hosts that have no link, until ctx ends.
func (f *fleet) run(ctx context.Context) error {
	for {
		select {
		case <-f.after(f.grace / 10):
		case <-ctx.Done():
			f.stop()
			return ctx.Err()
		}
		f.mu.Lock()
		for _, h := range f.hosts {
			if h.peer == nil && f.listening.Silence(h.heard) > f.grace && string(h.attrs["state"]) == string(quoted(hostConnected)) {
				f.miss(h, h.heard.At)
			}
		}
		f.mu.Unlock()
	}
}

// stop ends all sessions and waits for their teardown.
func (f *fleet) stop() {
	f.mu.Lock()
	var feeds []*hostFeed
	for _, h := range f.hosts {
		feeds = append(feeds, slices.Collect(maps.Values(h.feeds))...)
	}
	f.mu.Unlock()
	var wg sync.WaitGroup
	for _, feed := range feeds {
		wg.Go(feed.stop)
	}
	wg.Wait()
}
