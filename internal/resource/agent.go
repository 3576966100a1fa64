package resource

import "time"

// AgentHost is what is kept of a host whose agent was registered.
type AgentHost struct {
	Name string
	// Serial is the serial number of its latest certificate, in hexadecimal.
	Serial string
	// Issued is when that certificate was made and Expires when it ends.
	Issued, Expires time.Time
	// Key is the SHA-256 of its public key, in hexadecimal.
	Key string
	// Revoked is the moment up to which certificates of the host are not good; zero
	// if none was revoked.
	Revoked time.Time
}

// Good reports whether the latest certificate of the host can be used.
func (h *AgentHost) Good(now time.Time) bool {
	return h.Issued.After(h.Revoked) && now.Before(h.Expires)
}

// AgentToken lets hosts register.
type AgentToken struct {
	Name string
	// Hash is the SHA-256 of the token, in hexadecimal.
	Hash             string
	Created, Expires time.Time
	// Uses is how many hosts may register with it, Used how many did.
	Uses, Used int
	// Host is the one host that may register with it, also if it is registered
	// already: a machine that was installed anew. Empty for any host that is not.
	Host string
}

// AgentMutation is one change of what is kept of agents.
type AgentMutation struct {
	PutHosts     []AgentHost
	PutTokens    []AgentToken
	DeleteTokens []string // by name
}

// Empty reports whether the mutation changes nothing.
func (m *AgentMutation) Empty() bool {
	return len(m.PutHosts) == 0 && len(m.PutTokens) == 0 && len(m.DeleteTokens) == 0
}
