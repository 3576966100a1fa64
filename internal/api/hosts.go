package api

import (
	"context"

	"github.com/faultline-storage/faultline/internal/api/gen"
)

// ListHosts lists the hosts that run the agent. Hosts become known by an agent
// that registers; this version has none, so there are none.
func (h *handlers) ListHosts(context.Context, gen.ListHostsRequestObject) (gen.ListHostsResponseObject, error) {
	return gen.ListHosts200JSONResponse{Items: []gen.Host{}}, nil
}
