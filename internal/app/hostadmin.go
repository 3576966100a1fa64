package app

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/faultline-storage/faultline/internal/api"
	"github.com/faultline-storage/faultline/internal/api/gen"
	"github.com/faultline-storage/faultline/internal/inventory"
	"github.com/faultline-storage/faultline/internal/resource"
)

// hostAdmin is what users do with hosts; it implements api.Fleet. Its methods are
// safe for concurrent use.
type hostAdmin struct {
	*fleetActs
	inv       *inventory.Inventory
	installer *installer
	volumes   interface {
		List(q resource.VolumeQuery) (resource.VolumePage, error)
	}
	log *slog.Logger
}

// List implements api.Fleet.
func (a *hostAdmin) List() []api.Host {
	list := a.list()
	volumes := a.countVolumes()
	out := make([]api.Host, 0, len(list))
	for i := range list {
		if list[i].ID != 0 { // else the inventory is about to have it
			h := a.show(&list[i])
			h.Volumes = volumes[list[i].ID]
			out = append(out, h)
		}
	}
	return out
}

// countVolumes counts the volumes that each host reaches.
func (a *hostAdmin) countVolumes() map[resource.ID]int {
	out := map[resource.ID]int{}
	q := resource.VolumeQuery{Limit: 10000}
	for {
		page, err := a.volumes.List(q)
		if err != nil { // a cursor that is no longer good: what was counted has to do
			a.log.Warn("the volumes of hosts were not all counted", "error", err)
			return out
		}
		for _, v := range page.Items {
			seen := map[int64]bool{}
			for _, n := range v.Nodes {
				if !seen[n.HostID] {
					seen[n.HostID] = true
					out[resource.ID(n.HostID)]++
				}
			}
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			return out
		}
	}
}

func (a *hostAdmin) show(h *hostState) api.Host {
	out := api.Host{
		ID: int64(h.ID), Name: h.Name, State: gen.HostState(h.State), Address: h.Address, AgentVersion: h.Version,
		Plugins: []gen.HostPlugin{}, Booted: moment(h.Booted), LastContact: moment(h.LastContact),
	}
	for _, p := range h.Plugins {
		g := gen.HostPlugin{Name: p.Name, Session: gen.HostSessionConnecting}
		if r := a.inv.Get(p.Root); r != nil {
			id := int64(p.Root)
			g.Root = &id
			if r.Root != nil && r.Root.Offline {
				g.Session = gen.HostSessionOffline
			}
		}
		if p.Live {
			g.Session = gen.HostSessionLive
		}
		out.Plugins = append(out.Plugins, g)
	}
	out.Installation = a.installer.latest(h.Name, h.Address)
	switch h.State {
	case hostAwaiting:
		out.Advice = h.Reason
	case hostStopped:
		out.Advice = "start the agent there: systemctl start faultline-agent; or remove the host: faultline rm " + fmt.Sprint(h.ID)
	case hostLost:
		out.Advice = "see whether the machine runs and reaches the server, and what its agent says: journalctl -u faultline-agent"
	}
	return out
}

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// Remove implements api.Fleet.
func (a *hostAdmin) Remove(ctx context.Context, id resource.ID) error { return a.remove(ctx, id) }

// Add implements api.Fleet.
func (a *hostAdmin) Add(h api.AddHost) (*api.Installation, error) { return a.installer.begin(h) }

// Installation implements api.Fleet.
func (a *hostAdmin) Installation(id string) (*api.Installation, error) {
	if in := a.installer.get(id); in != nil {
		return in, nil
	}
	return nil, resource.Errorf(resource.NotFound, "there is no installation %s; one is known for a day after its end", id)
}
