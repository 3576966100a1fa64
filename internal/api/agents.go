package api

import (
	"context"

	"github.com/faultline-storage/faultline/internal/api/gen"
	"github.com/faultline-storage/faultline/internal/resource"
)

// Agents is who may speak for hosts. Errors are of type *resource.Fault. User is
// who asks, for the log; empty if the server knows no name. All methods are safe for
// concurrent use.
type Agents interface {
	// Tokens returns the tokens with which hosts register, in the order in which they
	// were made.
	Tokens() []AgentToken
	// CreateToken makes one. Nothing but its result has the secret.
	CreateToken(ctx context.Context, k AgentTokenCreate, user string) (*NewAgentToken, error)
	// DeleteToken ends one.
	DeleteToken(ctx context.Context, name, user string) error
	// Certificates returns the certificates of hosts, by name, and the authority that
	// signs them; nil before the first token was made.
	Certificates() (*AgentAuthority, []HostCertificate)
	// Revoke makes the certificates of a host worthless and ends its connection.
	Revoke(ctx context.Context, host, user string) (*HostCertificate, error)
}

type (
	// AgentToken is a token with which hosts register, in the shape of the interface.
	AgentToken = gen.AgentToken
	// AgentTokenCreate says what token to make, in the shape of the interface.
	AgentTokenCreate = gen.AgentTokenCreate
	// NewAgentToken is a token with its secret, in the shape of the interface.
	NewAgentToken = gen.NewAgentToken
	// AgentAuthority is who signs certificates, in the shape of the interface.
	AgentAuthority = gen.AgentAuthority
	// HostCertificate is the latest certificate of a host, in the shape of the interface.
	HostCertificate = gen.HostCertificate
)

// noAgents is a server that takes no agents.
type noAgents struct{}

var errNoAgents = resource.Errorf(resource.Unavailable, "this server takes no agents")

func (noAgents) Tokens() []AgentToken { return nil }

func (noAgents) CreateToken(context.Context, AgentTokenCreate, string) (*NewAgentToken, error) {
	return nil, errNoAgents
}

func (noAgents) DeleteToken(context.Context, string, string) error { return errNoAgents }

func (noAgents) Certificates() (*AgentAuthority, []HostCertificate) { return nil, nil }

func (noAgents) Revoke(context.Context, string, string) (*HostCertificate, error) {
	return nil, errNoAgents
}

// ListAgentTokens lists the tokens with which hosts register.
func (h *handlers) ListAgentTokens(context.Context, gen.ListAgentTokensRequestObject) (gen.ListAgentTokensResponseObject, error) {
	return gen.ListAgentTokens200JSONResponse{Items: append([]AgentToken{}, h.agents.Tokens()...)}, nil
}

// CreateAgentToken makes a token with which hosts register.
func (h *handlers) CreateAgentToken(ctx context.Context, req gen.CreateAgentTokenRequestObject) (gen.CreateAgentTokenResponseObject, error) {
	if req.Body.Name == "" {
		return nil, resource.FieldErrorf("name", "name is missing: what to call the token")
	}
	made, err := h.agents.CreateToken(ctx, *req.Body, userOf(ctx))
	if err != nil {
		return nil, err
	}
	return gen.CreateAgentToken201JSONResponse(*made), nil
}

// DeleteAgentToken ends a token with which hosts register.
func (h *handlers) DeleteAgentToken(ctx context.Context, req gen.DeleteAgentTokenRequestObject) (gen.DeleteAgentTokenResponseObject, error) {
	if err := h.agents.DeleteToken(ctx, req.Name, userOf(ctx)); err != nil {
		return nil, err
	}
	return gen.DeleteAgentToken204Response{}, nil
}

// ListHostCertificates lists the hosts that were registered.
func (h *handlers) ListHostCertificates(_ context.Context, req gen.ListHostCertificatesRequestObject) (gen.ListHostCertificatesResponseObject, error) {
	authority, all := h.agents.Certificates()
	out := gen.ListHostCertificates200JSONResponse{Authority: authority, Items: []HostCertificate{}}
	for _, c := range all {
		if req.Params.Host == nil || c.Host == *req.Params.Host {
			out.Items = append(out.Items, c)
		}
	}
	return out, nil
}

// RevokeHost refuses the agent of a host from now on.
func (h *handlers) RevokeHost(ctx context.Context, req gen.RevokeHostRequestObject) (gen.RevokeHostResponseObject, error) {
	c, err := h.agents.Revoke(ctx, req.Host, userOf(ctx))
	if err != nil {
		return nil, err
	}
	return gen.RevokeHost200JSONResponse(*c), nil
}
