package api

import (
	"context"

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
	return gen.ListHosts200JSONResponse{Items: append([]gen.Host{}, h.fleet.List()...)}, nil
}

// GetHost returns a host.
func (h *handlers) GetHost(_ context.Context, req gen.GetHostRequestObject) (gen.GetHostResponseObject, error) {
	for _, host := range h.fleet.List() {
		if host.ID == req.ID {
			return gen.GetHost200JSONResponse(host), nil
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
