package auth

import (
	"cmp"
	"context"
	"crypto/subtle"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/faultline-storage/faultline/internal/resource"
)

// joinPrefix makes a token for agents known on sight.
const joinPrefix = "fla_"

// row returns what is kept of a host; of one that nobody knows, its name.
func (a *Authority) row(host string) (resource.AgentHost, error) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	if a.store == nil {
		return resource.AgentHost{}, errNotLoaded
	}
	h := a.hosts[host]
	h.Name = host
	return h, nil
}

// Good reports whether a host has a certificate that can be used.
func (a *Authority) Good(host string) bool {
	h, err := a.row(host)
	return err == nil && h.Good(a.now())
}

// Hosts returns the hosts that were registered, by name.
func (a *Authority) Hosts() []resource.AgentHost {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return slices.SortedFunc(maps.Values(a.hosts), func(x, y resource.AgentHost) int { return strings.Compare(x.Name, y.Name) })
}

// Revoke makes the certificates of a host worthless: they are refused from the next
// request on. The host may be registered again. It returns what is known of the host
// then.
func (a *Authority) Revoke(ctx context.Context, host string) (h resource.AgentHost, err error) {
	if host, err = HostName(host); err != nil {
		return h, err
	}
	end, err := a.begin()
	if err != nil {
		return h, err
	}
	defer end()
	if h, err = a.row(host); err != nil {
		return h, err
	}
	if h.Serial == "" {
		return h, &resource.Fault{Kind: resource.NotFound, Field: "host", Text: fmt.Sprintf("no host %s was registered; faultline host certificates lists them", host)}
	}
	h.Revoked = a.revocation(h)
	return h, a.commit(ctx, &resource.AgentMutation{PutHosts: []resource.AgentHost{h}})
}

// revocation is the moment up to which certificates have to be refused so that a host
// has no good one. A clock that was set back must not leave those from the future.
func (a *Authority) revocation(h resource.AgentHost) time.Time {
	now := a.now().UTC().Round(0)
	if now.Before(h.Issued) {
		return h.Issued
	}
	return now
}

// Limits of CreateJoin.
const (
	maxJoinLife = 365 * 24 * time.Hour
	maxJoinUses = 100_000
	// joinKept is how long a token is listed after its end.
	joinKept = 30 * 24 * time.Hour
)

// CreateJoin makes a token with which hosts may register: for its lifetime, as many
// as Uses says. It returns what is kept of it and the token itself, which is not
// kept anywhere, with the authority's fingerprint, by which an agent knows the server. Errors of the
// arguments are resource.Faults of the fields "name", "lifetime", "uses" and "host".
func (a *Authority) CreateJoin(ctx context.Context, k resource.AgentToken, lifetime time.Duration) (made resource.AgentToken, token string, err error) {
	now := a.now().UTC().Truncate(time.Millisecond)
	if err := checkTokenName(k.Name); err != nil {
		return made, "", err
	}
	if strings.HasPrefix(k.Name, ".") || strings.Contains(k.Name, "/") { // it is a part of a path in the API
		return made, "", resource.FieldErrorf("name", "the name of a token for agents does not begin with a dot and has no slash, unlike %q", k.Name)
	}
	if k.Host != "" {
		host, err := HostName(k.Host)
		if err != nil {
			return made, "", err
		}
		k.Host = host
	}
	if lifetime < time.Second || lifetime > maxJoinLife {
		return made, "", resource.FieldErrorf("lifetime", "a token for agents lasts for a second to a year, not for %v", lifetime)
	}
	if k.Uses < 1 || k.Uses > maxJoinUses {
		return made, "", resource.FieldErrorf("uses", "a token for agents is good for 1 to %d hosts, not for %d", maxJoinUses, k.Uses)
	}
	end, err := a.begin()
	if err != nil {
		return made, "", err
	}
	defer end()
	m := resource.AgentMutation{}
	for _, o := range a.Joins() {
		switch {
		case now.Sub(o.Expires) > joinKept:
			m.DeleteTokens = append(m.DeleteTokens, o.Name)
		case o.Name == k.Name:
			return made, "", tokenExists(k.Name)
		}
	}
	s, err := a.ensure(ctx)
	if err != nil {
		return made, "", err
	}
	token = joinPrefix + newSecret()
	k.Created, k.Expires, k.Used, k.Hash = now, now.Add(lifetime), 0, hashOf([]byte(token))
	m.PutTokens = []resource.AgentToken{k}
	if err := a.commit(ctx, &m); err != nil {
		return made, "", err
	}
	return k, token + "." + s.fingerprint(), nil
}

// Joins returns the tokens for agents in the order in which they were made. Those
// that ended are among them for a month.
func (a *Authority) Joins() []resource.AgentToken {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return slices.SortedFunc(maps.Values(a.tokens), func(x, y resource.AgentToken) int {
		return cmp.Or(x.Created.Compare(y.Created), strings.Compare(x.Name, y.Name))
	})
}

// RevokeJoin ends a token for agents. Hosts that registered with it stay.
func (a *Authority) RevokeJoin(ctx context.Context, name string) error {
	end, err := a.begin()
	if err != nil {
		return err
	}
	defer end()
	if !slices.ContainsFunc(a.Joins(), func(k resource.AgentToken) bool { return k.Name == name }) {
		return noSuchToken(name)
	}
	return a.commit(ctx, &resource.AgentMutation{DeleteTokens: []string{name}})
}

// findJoin returns the token that somebody shows, if a host may use it now.
func (a *Authority) findJoin(token, host string) (k resource.AgentToken, err error) {
	token, _, _ = strings.Cut(token, ".") // what follows is for the agent
	hash := []byte(hashOf([]byte(token)))
	found := false
	for _, o := range a.Joins() {
		if subtle.ConstantTimeCompare(hash, []byte(o.Hash)) == 1 {
			k, found = o, true
		}
	}
	switch {
	case !found:
		return k, resource.FieldErrorf("token", "the server does not know this token; make one with faultline token create NAME --agent")
	case a.now().After(k.Expires):
		return k, resource.FieldErrorf("token", "token %s ended at %s; make another one with faultline token create NAME --agent", k.Name, stamp(k.Expires))
	case k.Host != "" && k.Host != host:
		return k, resource.FieldErrorf("token", "token %s is for host %s, not for %s", k.Name, k.Host, host)
	}
	return k, nil
}

// Registration is what a host shows to get its first certificate.
type Registration struct {
	Token string    `json:"token"`
	Host  string    `json:"host"`
	CSR   []byte    `json:"csr"`  // DER
	Clock time.Time `json:"time"` // of the host
}

// Certificate is what a host gets. Both are in PEM.
type Certificate struct {
	Certificate string `json:"certificate"`
	Authority   string `json:"authority"`
}

// Register gives a host a certificate. Errors of kind Invalid and Conflict are
// for who registers. What was answered in vain may be asked for again with the same
// key: that costs no second use of the token.
func (a *Authority) Register(ctx context.Context, r Registration) (c Certificate, token string, err error) {
	host, err := HostName(r.Host)
	if err != nil {
		return c, "", err
	}
	if _, err := a.row(host); err != nil {
		return c, "", err
	}
	shown, err := a.findJoin(r.Token, host)
	if err != nil {
		return c, "", err
	}
	now := a.now()
	if skew := now.Sub(r.Clock); skew.Abs() > MaxSkew {
		return c, shown.Name, resource.FieldErrorf("time", "the clock of host %s says %s, and that of the server %s; set them, for example by NTP, and register again", host, stamp(r.Clock), stamp(now))
	}
	csr, err := readRequest(r.CSR)
	if err != nil {
		return c, shown.Name, err
	}
	c, err = a.issue(ctx, host, csr, func(had resource.AgentHost) ([]resource.AgentToken, error) {
		k, err := a.findJoin(r.Token, host) // as it is now
		if err != nil {
			return nil, err
		}
		again := had.Good(now) && keyHash(csr) == had.Key
		switch {
		case again:
			return nil, nil
		case had.Good(now) && k.Host == "":
			return nil, &resource.Fault{Kind: resource.Conflict, Field: "host", Text: fmt.Sprintf("there is a host %s already, with a certificate of its own; if this machine takes its place, revoke that one first (faultline host revoke %s), or make a token for it (faultline token create NAME --agent --host %s); else give this one another name (--name)", host, host, host)}
		case k.Used >= k.Uses:
			return nil, resource.FieldErrorf("token", "token %s was used %d times, and more are not allowed; make another one with faultline token create NAME --agent", k.Name, k.Used)
		}
		k.Used++
		return []resource.AgentToken{k}, nil
	})
	return c, shown.Name, err
}

// Renew gives a host another certificate, whose present one has been found to be
// good.
func (a *Authority) Renew(ctx context.Context, host string, der []byte) (Certificate, error) {
	csr, err := readRequest(der)
	if err != nil {
		return Certificate{}, err
	}
	return a.issue(ctx, host, csr, func(resource.AgentHost) ([]resource.AgentToken, error) { return nil, nil })
}

// issue signs a certificate and keeps what is to be known of it, if may allows it
// for what the host had. May returns the tokens that change by it.
func (a *Authority) issue(ctx context.Context, host string, csr *x509.CertificateRequest, may func(had resource.AgentHost) ([]resource.AgentToken, error)) (Certificate, error) {
	end, err := a.begin()
	if err != nil {
		return Certificate{}, err
	}
	defer end()
	s, err := a.signer()
	if err != nil {
		return Certificate{}, err
	}
	h, err := a.row(host)
	if err != nil {
		return Certificate{}, err
	}
	used, err := may(h)
	if err != nil {
		return Certificate{}, err
	}
	cert, err := s.sign(a.now(), host, csr, h.Revoked)
	if err != nil {
		return Certificate{}, err
	}
	h.Serial, h.Issued = cert.SerialNumber.Text(16), time.Unix(0, serialTime(cert.SerialNumber)).UTC()
	h.Expires, h.Key = cert.NotAfter, keyHash(csr)
	if err := a.commit(ctx, &resource.AgentMutation{PutHosts: []resource.AgentHost{h}, PutTokens: used}); err != nil {
		return Certificate{}, err
	}
	return Certificate{
		Certificate: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})),
		Authority:   string(s.pem()),
	}, nil
}
