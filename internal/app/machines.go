package app

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/faultline-storage/faultline/internal/api"
	"github.com/faultline-storage/faultline/internal/api/gen"
	"github.com/faultline-storage/faultline/internal/inventory"
	"github.com/faultline-storage/faultline/internal/resource"
)

const (
	// machinePause and machineMaxPause bound the pause between two tries to install
	// the agent on a machine that a plugin reported: it may not have booted yet.
	machinePause    = time.Minute
	machineMaxPause = time.Hour
	// machineTick is how often somebody looks whether something is due.
	machineTick = time.Second
	// lookupTime bounds the question for the addresses of a name.
	lookupTime = 5 * time.Second
	// longestAdvice bounds what is told of an installation that failed, in characters:
	// its end is what there is to do.
	longestAdvice = 1000
)

// machines makes a host of every VirtualMachine that a plugin reports (guide,
// "Reporting Hosts"): the host that has its address, else a new one, whose agent is
// awaited, and installed where the server has SSH credentials. It tells the
// resource the number of its host.
type machines struct {
	fleet     *fleet
	inv       *inventory.Inventory
	installer *installer
	// remove removes a host that was awaited in vain.
	remove func(ctx context.Context, id resource.ID) error
	lookup func(ctx context.Context, name string) ([]string, error)
	log    *slog.Logger

	mu    sync.Mutex
	known map[resource.ID]string // addresses of the VirtualMachines
	tries map[string]*machineTry // by address
	kick  chan struct{}          // has room for one: something is to be looked at
}

// machineTry is how the agent of an address is installed.
type machineTry struct {
	id    string // of the installation; empty before the first
	due   time.Time
	pause time.Duration
}

func newMachines(m *machines) *machines {
	m.known, m.tries, m.kick = map[resource.ID]string{}, map[string]*machineTry{}, make(chan struct{}, 1)
	if m.lookup == nil {
		m.lookup = net.DefaultResolver.LookupHost
	}
	return m
}

// follow notes which VirtualMachines there are. It is a subscriber.
func (m *machines) follow(ctx context.Context, all iter.Seq[*resource.Resource], _ uint64, changes iter.Seq2[*resource.Changes, error]) error {
	m.mu.Lock()
	clear(m.known)
	m.mu.Unlock()
	for r := range all {
		m.note(r)
	}
	for ch, err := range changes {
		if err != nil {
			return err
		}
		for _, r := range ch.Created {
			m.note(r)
		}
		for i := range ch.Updated {
			m.note(ch.Updated[i].Resource)
		}
		for _, r := range ch.Deleted {
			m.mu.Lock()
			if _, ok := m.known[r.ID]; ok {
				delete(m.known, r.ID)
				m.wake()
			}
			m.mu.Unlock()
		}
	}
	return ctx.Err()
}

func (m *machines) note(r *resource.Resource) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case r.Class.Is(resource.BaseVirtualMachine):
		i := r.Class.Attr("address")
		if i < 0 {
			return // lint refuses such a class
		}
		address, _ := r.Values[i].Text()
		if m.known[r.ID] = strings.ToLower(strings.TrimSpace(address)); m.known[r.ID] == "" {
			delete(m.known, r.ID)
		}
		m.wake()
	case r.Class.Is(resource.BaseHost):
		m.wake()
	}
}

// wake has run look.
func (m *machines) wake() {
	select {
	case m.kick <- struct{}{}:
	default:
	}
}

// run links VirtualMachines and hosts, and has agents installed, until ctx ends.
func (m *machines) run(ctx context.Context) error {
	tick := time.NewTicker(machineTick)
	defer tick.Stop()
	for {
		select {
		case <-m.kick:
			m.link(ctx)
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		m.install()
	}
}

// link finds or makes the host of each VirtualMachine, and removes hosts that are
// awaited for none any more.
func (m *machines) link(ctx context.Context) {
	m.mu.Lock()
	var ids []resource.ID
	wanted := map[string]bool{}
	for id, address := range m.known {
		ids = append(ids, id)
		wanted[address] = true
	}
	m.mu.Unlock()
	if len(ids) == 0 && !m.fleet.awaits() {
		return
	}
	slices.Sort(ids)
	hosts := m.fleet.list(nil)
	byID := map[resource.ID]*hostState{}
	for i := range hosts {
		byID[hosts[i].ID] = &hosts[i]
	}
	found := map[string]*hostState{}
	for _, id := range ids {
		r := m.inv.Get(id)
		i := -1
		if r != nil {
			i = r.Class.Attr("host_id")
		}
		if i < 0 {
			continue
		}
		m.mu.Lock()
		address := m.known[id]
		m.mu.Unlock()
		n, _ := r.Values[i].Int()
		if now := byID[resource.ID(n)]; now != nil && now.State != hostAwaiting {
			continue // once it is set, nothing more is done
		}
		h, looked := found[address]
		if !looked {
			h = m.find(ctx, hosts, address)
			found[address] = h
		}
		if h == nil {
			m.fleet.expect(address, address, m.advice(address), false)
			continue // its number comes with the host
		}
		if h.ID == 0 || h.ID == resource.ID(n) {
			continue
		}
		if err := m.inv.Assign(ctx, id, "host_id", resource.IntValue(int64(h.ID))); err != nil {
			if ctx.Err() == nil && resource.KindOf(err) != resource.NotFound {
				m.log.Error("a virtual machine was not told its host", "resource", id, "host", h.Name, "error", err)
			}
			continue
		}
		m.log.Info("a virtual machine is a host", "resource", id, "address", address, "host", h.Name)
	}
	for i := range hosts {
		h := &hosts[i]
		other := found[h.Name]
		if h.State != hostAwaiting || h.ID == 0 || wanted[h.Name] && (other == nil || other.ID == h.ID) {
			continue
		}
		if err := m.remove(ctx, h.ID); err != nil && ctx.Err() == nil {
			m.log.Error("a host that nobody awaits any more was not removed", "host", h.Name, "error", err)
		}
	}
}

// find returns the host of an address, or nil: one that an agent runs on before one
// that is awaited, and one of that name before one that was installed there, and that
// before one whose agent came from there, which is the address of a machine with
// several networks that leads to the server.
func (m *machines) find(ctx context.Context, hosts []hostState, address string) *hostState {
	at := func(match func(*hostState) bool) *hostState {
		for i := range hosts {
			if hosts[i].State != hostAwaiting && match(&hosts[i]) {
				return &hosts[i]
			}
		}
		return nil
	}
	if h := at(func(h *hostState) bool { return strings.EqualFold(h.Name, address) }); h != nil {
		return h
	}
	installed := m.installer.hostAt(address)
	if h := at(func(h *hostState) bool { return h.Name == installed }); h != nil {
		return h
	}
	if h := at(func(h *hostState) bool { return sameAddress(h.Address, address) }); h != nil {
		return h
	}
	if net.ParseIP(address) == nil {
		ctx, cancel := context.WithTimeout(ctx, lookupTime)
		list, err := m.lookup(ctx, address)
		cancel()
		if err == nil {
			if h := at(func(h *hostState) bool {
				return slices.ContainsFunc(list, func(a string) bool { return sameAddress(h.Address, a) })
			}); h != nil {
				return h
			}
		}
	}
	for i := range hosts {
		if hosts[i].Name == address {
			return &hosts[i]
		}
	}
	return nil
}

func sameAddress(a, b string) bool {
	x, y := net.ParseIP(a), net.ParseIP(b)
	if x == nil || y == nil {
		return a != "" && strings.EqualFold(a, b)
	}
	return x.Equal(y)
}

// advice says what is to be done on an address, or what is being done.
func (m *machines) advice(address string) string {
	if m.installer.able() != nil {
		return "install the agent on " + address + ": run there what `faultline host install-command` prints; or set ssh_key, and the server does it"
	}
	return "the agent is being installed on " + address
}

// install begins the installations that are due, and notes what became of others.
func (m *machines) install() {
	if m.installer.able() != nil {
		return
	}
	now := time.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.known) == 0 {
		clear(m.tries)
		return
	}
	wanted := map[string]bool{}
	for _, address := range m.known {
		wanted[address] = true
	}
	for _, h := range m.fleet.list(nil) {
		if h.State != hostAwaiting || !wanted[h.Name] {
			continue
		}
		t := m.tries[h.Name]
		if t == nil {
			t = &machineTry{pause: machinePause}
			m.tries[h.Name] = t
		}
		if t.id != "" {
			in := m.installer.get(t.id)
			if in != nil && in.State == gen.InstallationRunning {
				continue
			}
			// One that is done has a host, which link finds.
			t.id, t.due = "", now.Add(t.pause)
			if in != nil && in.State == gen.InstallationFailed {
				m.fleet.expect(h.Name, h.Name, fmt.Sprintf("%s. It is tried again at %s, or with faultline add host %s",
					cutText(in.Error, longestAdvice), t.due.UTC().Format(time.RFC3339), h.Name), true)
			}
			t.pause = min(2*t.pause, machineMaxPause)
		}
		if now.Before(t.due) {
			continue
		}
		in, err := m.installer.begin(api.AddHost{Address: h.Name})
		if err != nil {
			t.due = now.Add(machinePause)
			if resource.KindOf(err) == resource.Invalid { // else somebody is at it, or the server ends
				m.fleet.expect(h.Name, h.Name, "no agent can be installed on "+h.Name+": "+err.Error(), true)
			}
			continue
		}
		t.id = in.ID
		m.fleet.expect(h.Name, h.Name, m.advice(h.Name), false)
	}
	for address := range m.tries {
		if !wanted[address] {
			delete(m.tries, address)
		}
	}
}
