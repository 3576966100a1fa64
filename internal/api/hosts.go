package api

import (
	"context"
	"slices"

	"github.com/faultline-storage/faultline/internal/api/gen"
	"github.com/faultline-storage/faultline/internal/resource"
)

// Fleet is the hosts that run the agent. Errors are of type *resource.Fault. All
// methods are safe for concurrent use.
type Fleet interface {
	// List returns the hosts, by name.
	List() []Host
	// Remove removes a host with all that its agent reported.
	Remove(ctx context.Context, id resource.ID) error
	// Add begins the installation of the agent on a machine.
	Add(h AddHost) (*Installation, error)
	// Installation returns an installation by its ID.
	Installation(id string) (*Installation, error)
}

type (
	// Host is a host, in the shape of the interface.
	Host = gen.Host
	// AddHost says where to install the agent, in the shape of the interface.
	AddHost = gen.AddHost
	// Installation is an installation of an agent, in the shape of the interface.
	Installation = gen.Installation
)

// noHosts is the fleet of a server that has none.
type noHosts struct{}

func (noHosts) List() []Host { return nil }

func (noHosts) Remove(_ context.Context, id resource.ID) error {
	return notFound("there is no host %d", id)
}

func (noHosts) Add(AddHost) (*Installation, error) {
	return nil, resource.Errorf(resource.Unavailable, "this server takes no agents")
}

func (noHosts) Installation(id string) (*Installation, error) {
	return nil, notFound("there is no installation %s", id)
}

// ListHosts lists the hosts that run the agent, or are to run it.
func (h *handlers) ListHosts(context.Context, gen.ListHostsRequestObject) (gen.ListHostsResponseObject, error) {
	list := append([]gen.Host{}, h.fleet.List()...)
	if err := h.countHosts(list, false); err != nil {
		return nil, err
	}
	return gen.ListHosts200JSONResponse{Items: list}, nil
}

// countHosts fills in how many alerts hosts have, and how much they report, also by
// class if that is wanted.
func (s *Server) countHosts(list []gen.Host, classes bool) error {
	of := map[resource.ID]*gen.Host{} // by the host's own resource and its roots
	for i := range list {
		h := &list[i]
		of[resource.ID(h.ID)] = h
		if classes {
			h.Reports = gen.Counts{}
		}
		for j := range h.Plugins {
			p := &h.Plugins[j]
			if p.Root == nil {
				continue
			}
			of[resource.ID(*p.Root)] = h
			for c, n := range s.inventory.Reported(resource.ID(*p.Root)) {
				p.Resources += n
				if classes {
					h.Reports[c.FullName()] += n
				}
			}
		}
	}
	active := true
	q := resource.AlertQuery{Active: &active, Limit: resource.MaxLimit}
	for {
		page, err := s.alerts.List(q)
		if err != nil {
			return err
		}
		for _, a := range page.Items {
			for _, h := range s.hostsOf(a.Resource, of) {
				switch a.Severity {
				case resource.Error:
					h.Alerts.Error++
				case resource.Warning:
					h.Alerts.Warning++
				case resource.Info:
					h.Alerts.Info++
				}
			}
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			return nil
		}
	}
}

// hostsOf returns the hosts that a resource is, or that report it, each once.
func (s *Server) hostsOf(id resource.ID, of map[resource.ID]*gen.Host) (hosts []*gen.Host) {
	if h := of[id]; h != nil {
		return []*gen.Host{h}
	}
	r := s.inventory.Get(id)
	if r == nil {
		return nil
	}
	for _, root := range r.Reporters {
		if h := of[root]; h != nil && !slices.Contains(hosts, h) {
			hosts = append(hosts, h)
		}
	}
	return hosts
}

// GetHost returns a host.
func (h *handlers) GetHost(_ context.Context, req gen.GetHostRequestObject) (gen.GetHostResponseObject, error) {
	for _, host := range h.fleet.List() {
		if host.ID == req.ID {
			one := []gen.Host{host}
			if err := h.countHosts(one, true); err != nil {
				return nil, err
			}
			return gen.GetHost200JSONResponse(one[0]), nil
		}
	}
	return nil, notFound("there is no host %d", req.ID)
}

// RemoveHost removes a host with all that its agent reported.
func (h *handlers) RemoveHost(ctx context.Context, req gen.RemoveHostRequestObject) (gen.RemoveHostResponseObject, error) {
	if err := h.fleet.Remove(ctx, resource.ID(req.ID)); err != nil {
		return nil, err
	}
	return gen.RemoveHost204Response{}, nil
}

// AddHost begins the installation of the agent on a machine.
func (h *handlers) AddHost(_ context.Context, req gen.AddHostRequestObject) (gen.AddHostResponseObject, error) {
	if req.Body.Address == "" {
		return nil, resource.FieldErrorf("address", "address is missing: the name or IP address of the machine")
	}
	in, err := h.fleet.Add(*req.Body)
	if err != nil {
		return nil, err
	}
	return gen.AddHost202JSONResponse(*in), nil
}

// GetInstallation returns how far the installation of an agent is.
func (h *handlers) GetInstallation(_ context.Context, req gen.GetInstallationRequestObject) (gen.GetInstallationResponseObject, error) {
	in, err := h.fleet.Installation(req.Installation)
	if err != nil {
		return nil, err
	}
	return gen.GetInstallation200JSONResponse(*in), nil
}
