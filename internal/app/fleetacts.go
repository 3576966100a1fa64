package app

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/faultline-storage/faultline/internal/auth"
	"github.com/faultline-storage/faultline/internal/link"
	"github.com/faultline-storage/faultline/internal/resource"
)

// fleetActs are what users ask of hosts and do to them. Its methods are safe for
// concurrent use.
type fleetActs struct {
	fleet     *fleet
	hub       *link.Hub
	authority *auth.Authority
}

// errRemoved is the end of the link of a host that was removed.
var errRemoved = errors.New("the host was removed")

// list returns the hosts by name.
func (a *fleetActs) list() []hostState { return a.fleet.list(a.hub.Seen(link.AgentKind)) }

// revoke refuses the agent of a host from now on.
func (a *fleetActs) revoke(ctx context.Context, name string) (resource.AgentHost, error) {
	h, err := a.authority.Revoke(ctx, name)
	if err == nil {
		a.hub.End(link.AgentKind, h.Name, errRevoked)
	}
	return h, err
}

// remove removes a host: its certificates, its resource and all that its agent
// reported. It may be registered again, and is then another host. An error of kind
// NotFound says that there is none.
func (a *fleetActs) remove(ctx context.Context, id resource.ID) error {
	name, err := a.fleet.leaving(id)
	if err != nil {
		return err
	}
	_, err = a.authority.Revoke(ctx, name)
	if auth.Missing(err) { // its certificates were given by another server's authority
		err = nil
	}
	if err == nil {
		a.hub.End(link.AgentKind, name, errRemoved)
		err = a.fleet.remove(ctx, name)
	}
	if err != nil {
		a.fleet.stay(name)
	}
	return err
}

// hostState is how a host is; see fleetActs.list.
type hostState struct {
	ID      resource.ID
	Name    string
	State   string // connected, stopped or lost
	Address string
	Version string // of the agent
	Booted  time.Time
	// LastContact is when its agent was last heard of; zero if it was not since the
	// server started, unless it stopped or was lost before.
	LastContact time.Time
	Plugins     []hostPlugin
	Reason      string // why it is not connected
}

// hostPlugin is a device plugin of a host that has a session.
type hostPlugin struct {
	Name string
	Root resource.ID // 0 until the session is open
	Live bool
}

// list returns the hosts by name. seen is link.Hub.Seen.
func (f *fleet) list(seen map[string]time.Time) []hostState {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []hostState
	for _, name := range slices.Sorted(maps.Keys(f.hosts)) {
		h := f.hosts[name]
		one := func(attr string) (s string) {
			_ = json.Unmarshal(h.attrs[attr], &s) // null is no text
			return s
		}
		st := hostState{
			ID: h.id, Name: name, State: one("state"), Address: one("address"), Version: one("agent_version"),
			LastContact: seen[name], Reason: one("reason"),
		}
		for _, plugin := range slices.Sorted(maps.Keys(h.feeds)) {
			root, live := h.feeds[plugin].at()
			st.Plugins = append(st.Plugins, hostPlugin{Name: plugin, Root: root, Live: live && h.peer != nil && !h.peer.lost})
		}
		st.Booted, _ = time.Parse(time.RFC3339, one("boot_time")) // zero if it is not known
		if st.LastContact.IsZero() {
			st.LastContact, _ = time.Parse(time.RFC3339, one("last_contact"))
		}
		out = append(out, st)
	}
	return out
}

// leaving says that a host is about to be removed: no session of it begins any
// more. It returns its name.
func (f *fleet) leaving(id resource.ID) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for name, h := range f.hosts {
		if h.id == id && id != 0 {
			h.gone = true
			return name, nil
		}
	}
	return "", resource.Errorf(resource.NotFound, "there is no host %d", id)
}

// stay takes leaving back.
func (f *fleet) stay(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if h := f.hosts[name]; h != nil {
		h.gone = false
	}
}

// remove removes a host that is leaving and has no link, with all that its agent
// reported.
func (f *fleet) remove(ctx context.Context, name string) error {
	f.mu.Lock()
	h := f.hosts[name]
	if h == nil { // somebody else removed it meanwhile
		f.mu.Unlock()
		return nil
	}
	feeds := slices.Collect(maps.Values(h.feeds))
	f.mu.Unlock()
	for _, feed := range feeds {
		feed.stop()
	}
	for _, root := range f.rootsOf(h.id, name) {
		if err := f.inv.RemoveRoot(ctx, root); err != nil && resource.KindOf(err) != resource.NotFound {
			return err
		}
	}
	f.mu.Lock()
	if f.hosts[name] == h {
		delete(f.hosts, name)
		f.touch(name)
	}
	f.mu.Unlock()
	f.log.Info("a host was removed", "host", name)
	return f.awaitRemoval(ctx, h.id)
}

const (
	// removalTime bounds how long somebody who removes a host waits until the server's
	// own session has told the inventory, and removalTick is how often they look.
	removalTime = 5 * time.Second
	removalTick = 10 * time.Millisecond
)

// awaitRemoval waits until the inventory has lost a host, so that who removed it does not
// find it there. If it takes long, it goes later.
func (f *fleet) awaitRemoval(ctx context.Context, host resource.ID) error {
	for over := f.after(removalTime); f.inv.Get(host) != nil; {
		select {
		case <-f.after(removalTick):
		case <-over:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// rootsOf returns the roots of what the agent of a host reported.
func (f *fleet) rootsOf(host resource.ID, name string) (list []resource.ID) {
	for _, c := range f.inv.Classes() {
		if !hostRoot(c) {
			continue
		}
		byID, byName := c.Attr("host_id"), c.Attr("fqdn")
		for _, r := range f.inv.Members(c) {
			var n int64
			var text string
			if byID >= 0 {
				n, _ = r.Values[byID].Int()
			}
			if byName >= 0 {
				text, _ = r.Values[byName].Text()
			}
			if r.Root != nil && (resource.ID(n) == host || text == name) {
				list = append(list, r.ID)
			}
		}
	}
	return list
}
