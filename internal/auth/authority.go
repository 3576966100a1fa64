package auth

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/faultline-storage/faultline/internal/resource"
)

const (
	// ServerName is the name in the certificate that the server shows to agents. They
	// go by it and by their own authority, whatever name or address leads them there,
	// and ask for it when they begin a TLS connection (SNI). By that the server tells
	// agents from others at the same address.
	ServerName = "agents.faultline.internal"

	authorityLife = 20 * 365 * 24 * time.Hour
	// hostLife is how long a host's certificate is good. It is renewed when a third
	// is left.
	hostLife = 90 * 24 * time.Hour
	// backdate is how far a certificate's time begins before the clock of who makes
	// it, for clocks that go slow.
	backdate = time.Hour
	// MaxSkew is how far the clock of a host may be off when it registers.
	MaxSkew = 5 * time.Minute
)

// AuthoritySetting is the name under which a store keeps the authority's key and
// certificate, sealed. The key is sealed for the same purpose.
const AuthoritySetting = "agent authority"

// sane is a time before which no clock is right: this program is younger. A machine
// whose clock has no battery starts in 1970.
var sane = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)

// AuthorityOptions are what NewAuthority needs.
type AuthorityOptions struct {
	Log *slog.Logger
	Now func() time.Time // time.Now if nil
}

// Store is what an Authority asks of a database. Of several servers that share
// one, only one changes it at a time.
type Store interface {
	// Setting returns what SaveSetting kept under the name, or "".
	Setting(ctx context.Context, name string) (string, error)
	SaveSetting(ctx context.Context, name, value string) error
	// LoadAgents calls host for every host that was registered, and token for every
	// token for agents.
	LoadAgents(ctx context.Context, host func(resource.AgentHost) error, token func(resource.AgentToken) error) error
	// CommitAgents applies m in one transaction, or not at all.
	CommitAgents(ctx context.Context, m *resource.AgentMutation) error
}

// Box seals texts for a purpose, so that the database can have them.
type Box interface {
	Seal(purpose, plain string) string
	Open(purpose, sealed string) (string, error)
}

// Authority is the server's own certificate authority for agents, with what it
// keeps in the store: its key, the certificates of hosts and the tokens that let a
// host register. It makes its key with the first token. Before Load it knows
// nothing, and its methods return errors of kind Unavailable. All methods are safe
// for concurrent use.
type Authority struct {
	log *slog.Logger
	now func() time.Time

	// changing is held by who changes what is kept, while the store commits it.
	changing sync.Mutex

	mu    sync.RWMutex // of what follows; it is never held while the store works
	store Store        // nil before Load
	box   Box
	pair  *signer // nil if there is none yet
	// broken is why there is no pair although the store has one.
	broken error
	config *tls.Config // of connections of agents; nil until it is asked for
	hosts  map[string]resource.AgentHost
	tokens map[string]resource.AgentToken
	// good has the certificates that the authority was found to have signed, by
	// their hash: a host shows the same one with each request.
	good map[[sha256.Size]byte]bool
}

// NewAuthority returns an authority that knows nothing yet.
func NewAuthority(o AuthorityOptions) *Authority {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Authority{log: cmp.Or(o.Log, slog.New(slog.DiscardHandler)), now: o.Now, good: map[[sha256.Size]byte]bool{}}
}

// Load reads what a store keeps, and from then on the authority works on it. A key
// that the box does not open is no error: agents are refused, and the log says why.
func (a *Authority) Load(ctx context.Context, store Store, box Box) error {
	hosts, tokens := map[string]resource.AgentHost{}, map[string]resource.AgentToken{}
	sealed, err := store.Setting(ctx, AuthoritySetting)
	if err == nil {
		err = store.LoadAgents(ctx, func(h resource.AgentHost) error { hosts[h.Name] = h; return nil },
			func(k resource.AgentToken) error { tokens[k.Name] = k; return nil })
	}
	if err != nil {
		return fmt.Errorf("read who may speak for hosts: %w", err)
	}
	pair, broken := unseal(box, sealed)
	if broken != nil {
		a.log.Error("no agent is accepted", "error", broken)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.store, a.box, a.hosts, a.tokens = store, box, hosts, tokens
	a.pair, a.broken, a.config = pair, broken, nil
	return nil
}

// Show has an authority that is not loaded answer connections of agents, so that
// they can be told to come again: sealed is what another server keeps.
func (a *Authority) Show(box Box, sealed string) error {
	pair, err := unseal(box, sealed)
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.store == nil {
		a.pair = pair
	}
	return nil
}

// Exists reports whether there is an authority, which the first token for agents
// makes.
func (a *Authority) Exists() bool {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return a.pair != nil
}

// signer returns the authority's key and certificate.
func (a *Authority) signer() (*signer, error) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	switch {
	case a.pair != nil:
		return a.pair, nil
	case a.broken != nil:
		return nil, a.broken
	case a.store == nil:
		return nil, errNotLoaded
	}
	return nil, resource.Errorf(resource.NotFound, "no token for agents was ever made; make one with faultline token create NAME --agent")
}

// errNotLoaded refuses what only a server that leads can do.
var errNotLoaded = resource.Errorf(resource.Unavailable, "the server is starting, or standing by for another server")

// ensure returns the authority's key and certificate, which it makes and keeps if
// there are none. The caller holds changing.
func (a *Authority) ensure(ctx context.Context) (*signer, error) {
	s, err := a.signer()
	if resource.KindOf(err) != resource.NotFound {
		return s, err
	}
	if s, err = newSigner(a.now()); err != nil {
		return nil, err
	}
	// Whom another authority knew, this one does not.
	var m resource.AgentMutation
	for _, h := range a.Hosts() {
		h.Revoked = a.revocation(h)
		m.PutHosts = append(m.PutHosts, h)
	}
	if err := a.commit(ctx, &m); err != nil {
		return nil, err
	}
	if err := a.keep(ctx, s); err != nil {
		return nil, err
	}
	a.log.Info("made an authority that signs the certificates of agents", "fingerprint", s.fingerprint())
	return s, nil
}

// keep has the store, and the authority, have a key. The caller holds changing.
func (a *Authority) keep(ctx context.Context, s *signer) error {
	sealed, err := s.seal(a.box)
	if err == nil {
		err = a.store.SaveSetting(ctx, AuthoritySetting, sealed)
	}
	if err != nil {
		return fmt.Errorf("keep the authority of agents: %w", err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.pair, a.config = s, nil
	return nil
}

// commit changes what is kept. The caller holds changing.
func (a *Authority) commit(ctx context.Context, m *resource.AgentMutation) error {
	if err := a.store.CommitAgents(ctx, m); err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, name := range m.DeleteTokens {
		delete(a.tokens, name)
	}
	for _, h := range m.PutHosts {
		a.hosts[h.Name] = h
	}
	for _, k := range m.PutTokens {
		a.tokens[k.Name] = k
	}
	return nil
}

// begin begins a change; the caller calls end.
func (a *Authority) begin() (end func(), err error) {
	a.changing.Lock()
	a.mu.RLock()
	defer a.mu.RUnlock()
	if a.store == nil {
		a.changing.Unlock()
		return nil, errNotLoaded
	}
	return a.changing.Unlock, nil
}

// Certificate is the authority's certificate in PEM, and the fingerprint of its key
// by which a token tells agents the server. Neither is a secret.
func (a *Authority) Certificate() (pem []byte, fingerprint string, err error) {
	s, err := a.signer()
	if err != nil {
		return nil, "", err
	}
	return s.pem(), s.fingerprint(), nil
}

// TLS returns how the server answers connections of agents: with a certificate of
// its authority, and asking for theirs. Whether that is good is for Host to say, so
// that the answer can tell what is wrong with it. Its sessions are resumed, so it is
// the same until another authority is loaded.
func (a *Authority) TLS() (*tls.Config, error) {
	s, err := a.signer()
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.config == nil {
		a.config, err = s.config(a.now())
	}
	return a.config, err
}

// Host returns the name of the host whose certificate a connection has shown, or
// an error that says what is wrong and what to do: of kind Invalid for a certificate
// that will never be good again, with the host's name if it was revoked; of kind
// Unavailable for one that has ended, for it may be the clock that is wrong.
func (a *Authority) Host(cs *tls.ConnectionState) (string, error) {
	if cs == nil || len(cs.PeerCertificates) == 0 {
		return "", resource.Errorf(resource.Invalid, "an agent shows the certificate of its host, and this one showed none; register it: faultline agent register")
	}
	cert := cs.PeerCertificates[0]
	host, err := a.signed(cert)
	if err != nil {
		return "", err
	}
	now := a.now()
	if now.After(cert.NotAfter) {
		return "", resource.Errorf(resource.Unavailable, "the certificate of host %s was good until %s, and the server's clock says %s; if that clock is right, register the host again: faultline agent register", host, stamp(cert.NotAfter), stamp(now))
	}
	row, err := a.row(host)
	if err != nil {
		return "", err
	}
	if !row.Revoked.IsZero() && serialTime(cert.SerialNumber) <= row.Revoked.UnixNano() {
		return host, resource.Errorf(resource.Invalid, "the certificate of host %s was revoked at %s; register the host again if it is to come back: faultline agent register", host, stamp(row.Revoked))
	}
	return host, nil
}

// signed returns the host that a certificate of the authority names.
func (a *Authority) signed(cert *x509.Certificate) (string, error) {
	s, err := a.signer()
	if err != nil {
		return "", err
	}
	hash := sha256.Sum256(cert.Raw)
	a.mu.RLock()
	known := a.good[hash]
	a.mu.RUnlock()
	if !known {
		roots := x509.NewCertPool()
		roots.AddCert(s.cert)
		_, err := cert.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: within(cert, a.now()), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
		if err != nil || len(cert.DNSNames) != 1 {
			return "", &resource.Fault{Kind: resource.Invalid, Text: "the certificate is none that this server gave to a host; register the host here: faultline agent register", Cause: err}
		}
		a.mu.Lock()
		if len(a.good) >= 20_000 { // renewed certificates pile up
			clear(a.good)
		}
		a.good[hash] = true
		a.mu.Unlock()
	}
	return cert.DNSNames[0], nil
}

// within is the moment nearest to a time at which a certificate is good.
func within(c *x509.Certificate, t time.Time) time.Time {
	switch {
	case t.Before(c.NotBefore):
		return c.NotBefore
	case t.After(c.NotAfter):
		return c.NotAfter
	}
	return t
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// HostName returns the form of a host's name by which it is known, or an error of
// the field "host".
func HostName(name string) (string, error) {
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	bad := name == "" || len(name) > 100
	for label := range strings.SplitSeq(name, ".") {
		bad = bad || label == "" || len(label) > 63 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" || label[0] == '-'
	}
	if bad || name == "localhost" || strings.HasPrefix(name, "localhost.") {
		return "", resource.FieldErrorf("host", "%.120q is no name for a host: up to 100 letters, digits, hyphens and dots, and not localhost", name)
	}
	return name, nil
}

// keyHash names the key of a certificate request.
func keyHash(csr *x509.CertificateRequest) string { return hashOf(csr.RawSubjectPublicKeyInfo) }

// hashOf is the SHA-256 in hexadecimal.
func hashOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
