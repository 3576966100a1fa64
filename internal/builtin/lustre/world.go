package lustre

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/faultline-storage/faultline/internal/builtin/lustre/fact"
)

// managementName is what every management target is called.
const managementName = "MGS"

// grace is how long what a host said last is taken as true after its session has
// ended: a session that begins anew does not make its targets unknown, nor does the
// end of the whole process, which ends one session after the other.
const grace = 20 * time.Second

// A host that is cut off keeps its session, since it goes on where it was when it is
// back. What tells is its silence: a host with targets says something every 20 s.
const (
	// doubt is after how much silence a host no longer has a target that another one
	// says it has. It is less than held, so that a failover from a host that died is no
	// double mount.
	doubt = 45 * time.Second
	// silence is after how much of it nothing is known of the host any more.
	silence = 3 * time.Minute
	// lookPeriod is how often the world looks who has become silent.
	lookPeriod = 5 * time.Second
)

// key names a target in the whole system.
type key struct{ fs, name string }

// world is what all hosts say of Lustre. No host knows by itself where a target
// runs: a host that has lost one cannot tell a failover from an outage. So the
// sessions of all hosts, which run in one process, share what they were told, and
// all say the same of a target. That makes it indifferent which of them is the
// last to write an attribute.
type world struct {
	after func(time.Duration, func()) // runs a function later; time.AfterFunc outside of tests
	now   func() time.Time

	mu      sync.Mutex // guards what follows, and the views of the hosts
	hosts   map[int64]*host
	seats   *seats
	said    map[key]bool // targets of which a state was ever told
	sizes   map[key]int64
	use     map[key]use
	mention map[key]map[int64]bool // which hosts report a target
	started time.Time
	looking bool
}

// host is what one host says.
type host struct {
	id   int64
	view view
	// plug is the session; nil since the time ended, if there is none.
	plug  *Lustre
	ended time.Time
	spoke time.Time
	// was is how far the host was to be believed when that was looked at last.
	was trust
}

// trust is how far a host is to be believed.
type trust int

const (
	unheard trust = iota // nothing that it said counts
	doubted              // what it said counts where no other host says otherwise
	trusted
)

// name is what people call the host.
func (h *host) name() string {
	return cmp.Or(h.view.Host, fmt.Sprintf("host %d", h.id))
}

func newWorld(file string) *world {
	w := &world{
		after: func(d time.Duration, f func()) { time.AfterFunc(d, f) }, now: time.Now,
		hosts: map[int64]*host{}, seats: openSeats(file), said: map[key]bool{}, sizes: map[key]int64{},
		use: map[key]use{}, mention: map[key]map[int64]bool{},
	}
	w.started = w.now()
	return w
}

// trust tells how far the host is to be believed.
func (w *world) trust(h *host) trust {
	switch now := w.now(); {
	case h == nil, h.plug == nil && now.Sub(h.ended) >= grace, h.plug != nil && now.Sub(h.spoke) >= silence:
		return unheard
	case h.plug != nil && now.Sub(h.spoke) >= doubt:
		return doubted
	}
	return trusted
}

// heard reports whether what the host says counts.
func (w *world) heard(h *host) bool { return w.trust(h) != unheard }

// look has everybody look again at the targets of hosts that have become silent or
// were lost, and goes on for as long as the process lives.
func (w *world) look() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, h := range w.hosts {
		if now := w.trust(h); now != h.was {
			h.was = now
			keys := w.concerns(h)
			for _, k := range keys {
				w.reseat(k)
			}
			w.seats.save()
			w.poke(h, keys)
		}
	}
	w.after(lookPeriod, w.look)
}

// enter notes that a session speaks for a host from now on.
func (w *world) enter(id int64, p *Lustre) *host {
	w.mu.Lock()
	defer w.mu.Unlock()
	h := w.hosts[id]
	if h == nil {
		h = &host{id: id}
		w.hosts[id] = h
	}
	if !w.looking {
		w.looking = true
		w.after(lookPeriod, w.look)
	}
	h.plug, h.spoke, h.was = p, w.now(), trusted
	return h
}

// leave notes that the session has ended, unless another one speaks for the
// host. What the host said is forgotten after the grace.
func (w *world) leave(id int64, p *Lustre) {
	w.mu.Lock()
	defer w.mu.Unlock()
	h := w.hosts[id]
	if h == nil || h.plug != p {
		return
	}
	h.plug, h.ended = nil, w.now() // look finds out when the grace is over
}

// take merges what a host says, and has the sessions of other hosts look again at
// the targets for which that matters. It reports whether anything but usage
// changed.
func (w *world) take(h *host, r *fact.Report) (changed bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	touched := w.concerns(h)
	h.spoke = w.now()
	changed = h.view.take(r)
	if h.was != trusted {
		h.was, changed = trusted, true // what it said before counts again
	}
	for name, u := range r.Usage {
		if t := h.view.Targets[name]; t != nil && u != nil {
			w.sample(h.view.key(h.id, name), u)
		}
	}
	if !changed {
		return false
	}
	touched = append(touched, h.view.targets(h.id)...)
	w.remember(h)
	for _, k := range touched {
		w.reseat(k)
	}
	w.forgetRemoved(h)
	w.seats.save()
	w.poke(h, touched)
	return true
}

// concerns are the targets that the host says anything of, or had last: it tells
// also by saying nothing.
func (w *world) concerns(h *host) []key {
	list := h.view.targets(h.id)
	for k, at := range w.seats.of {
		if at.Host == h.id {
			list = append(list, k)
		}
	}
	return list
}

// reseat notes where a target runs. While several hosts claim it, the first one
// keeps the seat until it gives the target up, so that nothing goes to and fro.
func (w *world) reseat(k key) {
	claims := w.claims(k)
	if len(claims) == 0 {
		return
	}
	last, known := w.seats.of[k]
	now := claims[0]
	if i := slices.IndexFunc(claims, func(h *host) bool { return h.id == last.Host }); i >= 0 {
		now = claims[i]
	}
	t := now.view.Targets[fact.Name(k.name)]
	w.seats.sit(k, seat{Host: now.id, Path: t.Device, Backend: t.Backend, UUID: t.UUID})
	if old := w.hosts[last.Host]; known && old != nil && old != now {
		w.remember(old)
	}
}

// remember notes which targets the session of the host reports.
func (w *world) remember(h *host) {
	own := map[key]bool{}
	for _, k := range w.reported(h) {
		own[k] = true
		if w.mention[k] == nil {
			w.mention[k] = map[int64]bool{}
		}
		w.mention[k][h.id] = true
	}
	for k, hosts := range w.mention {
		if !own[k] {
			delete(hosts, h.id)
		}
		if len(hosts) == 0 {
			delete(w.mention, k)
		}
	}
}

// reported are the targets that the session of a host reports: those that it has,
// sees, knows to belong to a file system that it serves, or had last when nobody
// else has them.
func (w *world) reported(h *host) []key {
	set := map[key]bool{}
	for name := range h.view.Targets {
		set[h.view.key(h.id, name)] = true
	}
	for name, s := range h.view.Storage {
		if s.Kind != fact.MGT {
			set[key{s.FS, string(name)}] = true
		}
	}
	for name, p := range h.view.Peers {
		if p.By != byClient {
			set[key{p.FS, string(name)}] = true
		}
	}
	for k, s := range w.seats.of {
		if s.Host == h.id {
			set[k] = true
		}
	}
	list := make([]key, 0, len(set))
	for k := range set {
		list = append(list, k)
	}
	slices.SortFunc(list, func(a, b key) int { return cmp.Or(strings.Compare(a.fs, b.fs), strings.Compare(a.name, b.name)) })
	return list
}

// poke has the sessions of other hosts that report one of the targets, or its
// file system, look again. The caller holds mu.
func (w *world) poke(from *host, keys []key) {
	systems := map[string]bool{}
	whom := map[int64]bool{}
	for _, k := range keys {
		systems[k.fs] = true
		for id := range w.mention[k] {
			whom[id] = true
		}
	}
	for _, h := range w.hosts {
		if h == from || h.plug == nil || w.trust(h) != trusted {
			continue // a session whose host is silent writes nothing
		}
		if whom[h.id] || h.plug.writesAny(systems) {
			h.plug.again()
		}
	}
}

// forgetRemoved forgets the seats of targets that the management target no longer
// knows, though it knows others of the file system: they were removed for good.
func (w *world) forgetRemoved(h *host) {
	registered := map[string]bool{}
	for _, p := range h.view.Peers {
		if p.By == managementName {
			registered[p.FS] = true
		}
	}
	for k := range w.seats.of {
		if registered[k.fs] && k.name != managementName && h.view.Peers[fact.Name(k.name)] == nil && len(w.claims(k)) == 0 {
			w.seats.leave(k)
		}
	}
}

// claims returns the hosts that have the target, by number. One that is silent
// counts only if no other one has it.
func (w *world) claims(k key) (list []*host) {
	all := w.allClaims(k)
	for _, h := range all {
		if w.trust(h) == trusted {
			list = append(list, h)
		}
	}
	if len(list) == 0 {
		return all
	}
	return list
}

func (w *world) allClaims(k key) (list []*host) {
	for id := range w.mention[k] {
		h := w.hosts[id]
		if t := h.view.Targets[fact.Name(k.name)]; t != nil && !stopping(t) && w.heard(h) && h.view.key(id, fact.Name(k.name)) == k {
			list = append(list, h)
		}
	}
	slices.SortFunc(list, func(a, b *host) int { return cmp.Compare(a.id, b.id) })
	return list
}

// stopping reports whether a target is on its way out.
func stopping(t *fact.Target) bool { return t.State == "ST" }

// conclusion is what is so of a target, by all hosts.
type conclusion struct {
	key
	kind   fact.Kind
	state  State
	host   int64 // 0 if unknown
	active []string
	disk   fact.Disk
	size   int64
	// here is what the host that has the target says of it; nil if none does. at is
	// that host.
	here *fact.Target
	at   *host
}

// conclude works out what is so of a target. The caller holds mu.
func (w *world) conclude(k key) conclusion {
	c := conclusion{key: k, kind: kindOf(k.name), size: w.sizes[k]}
	last, known := w.seats.of[k]
	if known {
		c.host, c.disk = last.Host, fact.Disk{Backend: last.Backend, Device: last.Path, UUID: last.UUID}
		// The number of a device is another one after the next start of the host.
		if h := w.hosts[last.Host]; h != nil && h.view.Storage[fact.Name(k.name)] != nil {
			c.disk = h.view.Storage[fact.Name(k.name)].Disk
		}
	}
	claims := w.claims(k)
	for _, h := range claims {
		c.active = append(c.active, h.name())
		if c.here == nil || h.id == last.Host {
			c.here, c.at, c.host = h.view.Targets[fact.Name(k.name)], h, h.id
			c.disk = c.here.Disk
		}
	}
	link := w.link(k)
	switch {
	case len(claims) > 1:
		c.state = Contested
	case len(claims) == 1:
		c.state = Mounted
	case link == fact.Deactivated:
		c.state = Deactivated
	case link == fact.Disconnected:
		c.state = Offline
	case known && w.hosts[last.Host] == nil:
		// Not heard of since this process began: what is stored stands.
	case link == fact.Connected || link == fact.Recovering:
		c.state = Elsewhere
	case known && w.heard(w.hosts[last.Host]):
		c.state = Offline
	case known || w.said[k]:
		c.state = Unknown
	}
	if c.state != "" {
		w.said[k] = true
	}
	return c
}

// link is the best word that anybody has on whether a target answers: somebody
// who reaches it knows better than others who do not.
func (w *world) link(k key) (best fact.Link) {
	rank := []fact.Link{fact.Registered, fact.Disconnected, fact.Deactivated, fact.Recovering, fact.Connected}
	for _, h := range w.hosts {
		if !w.heard(h) {
			continue
		}
		p := h.view.Peers[fact.Name(k.name)]
		if p != nil && p.FS == k.fs && slices.Index(rank, p.Link) > slices.Index(rank, best) {
			best = p.Link
		}
	}
	return best
}

// kindOf tells the kind of a target from its name.
func kindOf(name string) fact.Kind {
	switch i := strings.LastIndexByte(name, '-'); {
	case strings.HasPrefix(name[i+1:], "MDT"):
		return fact.MDT
	case strings.HasPrefix(name[i+1:], "OST"):
		return fact.OST
	}
	return fact.MGT
}
