package auth

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/faultline-storage/faultline/internal/resource"
)

// Where the server answers hosts that register and renew.
const (
	RegisterPath = "/agent/v1/register"
	RenewPath    = "/agent/v1/renew"
)

// Files of an Identity.
const (
	identityPair   = "agent.pem"     // key and certificate, which change together
	identityNext   = "agent.key.new" // key of a registration that has not ended
	identityCA     = "server-ca.pem"
	identityServer = "server" // the address, on a line
)

const (
	// identityTick is how often an agent looks whether its certificate is to be
	// renewed, or was replaced by another registration.
	identityTick = time.Minute
	// renewPause is the pause after a renewal that failed; there are weeks left.
	renewPause = 15 * time.Minute
	// callTime bounds a registration or renewal.
	callTime = time.Minute
	// dialTime bounds the connection to the server's machine, and handshakeTime the
	// handshake after it.
	dialTime      = 20 * time.Second
	handshakeTime = 5 * time.Minute
	maxReply      = 1 << 20
)

// Identity is what a host has to show to the server, in a folder of its agent. Its
// methods are safe for concurrent use.
type Identity struct {
	dir string
	now func() time.Time

	mu        sync.Mutex
	host      string
	server    string
	cert      *tls.Certificate
	transport *http.Transport
	loaded    os.FileInfo // of the certificate
	tried     time.Time   // when a renewal was last tried
	said      time.Time   // the server's clock when it last answered; zero if it has not
	heard     time.Time   // when that was, by this host's clock
}

// OpenIdentity reads what a registration left in a folder. An error of kind
// NotFound says that there is none.
func OpenIdentity(dir string) (*Identity, error) { return openIdentity(dir, time.Now) }

func openIdentity(dir string, now func() time.Time) (*Identity, error) {
	i := &Identity{dir: dir, now: now}
	if err := i.load(); err != nil {
		return nil, err
	}
	return i, nil
}

// load reads the files. The caller holds mu, or is OpenIdentity.
func (i *Identity) load() error {
	loaded, err := os.Stat(i.path(identityPair))
	if errors.Is(err, fs.ErrNotExist) {
		return &resource.Fault{Kind: resource.NotFound, Text: "this host is not registered at a server (nothing is in " + i.dir + "); run faultline agent register"}
	}
	if err != nil {
		return err
	}
	key, err := readKey(i.path(identityPair))
	if err != nil {
		return err
	}
	der, err := readPEM(i.path(identityPair), "CERTIFICATE")
	if err != nil {
		return err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return fmt.Errorf("%s: %w", i.path(identityPair), err)
	}
	if len(cert.DNSNames) != 1 || !key.PublicKey.Equal(cert.PublicKey) {
		return fmt.Errorf("%s has no host's certificate that fits its key; run faultline agent register", i.path(identityPair))
	}
	ca, err := os.ReadFile(i.path(identityCA))
	if err != nil {
		return err
	}
	trust, err := trustIn(ca, i.now)
	if err != nil {
		return fmt.Errorf("%s has no certificate in PEM; run faultline agent register", i.path(identityCA))
	}
	server, err := os.ReadFile(i.path(identityServer))
	if err != nil {
		return err
	}
	i.host, i.server, i.loaded = cert.DNSNames[0], strings.TrimSpace(string(server)), loaded
	i.cert = &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: cert}
	if i.transport != nil {
		defer i.transport.CloseIdleConnections()
	}
	trust.Certificates = []tls.Certificate{*i.cert}
	i.transport = agentTransport(trust)
	return nil
}

// trustIn is how a server is known by its authority. The server's certificate lasts as
// long as that, so this host's clock does not count: one that is years off must not keep
// the host from the server, which alone can say so.
func trustIn(ca []byte, now func() time.Time) (*tls.Config, error) {
	block, _ := pem.Decode(ca)
	if block == nil {
		return nil, errors.New("there is no PEM")
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AddCert(cert)
	return &tls.Config{RootCAs: roots, ServerName: ServerName, Time: func() time.Time { return within(cert, now()) }}, nil
}

func (i *Identity) path(name string) string { return filepath.Join(i.dir, name) }

func readKey(path string) (*ecdsa.PrivateKey, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if st.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%s may be read or written by others; run chmod 600 on it", path)
	}
	der, err := readPEM(path, "PRIVATE KEY")
	if err != nil {
		return nil, err
	}
	k, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	key, ok := k.(*ecdsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("%s holds a key of another kind than ECDSA", path)
	}
	return key, nil
}

// agentTransport speaks to the server as an agent. Each request has a connection to
// itself, so that one which died in silence is given up with the request that
// found it out; TLS sessions are resumed. A machine that is not there is found out
// when connecting to it. A server that is there may need long for its part of the
// handshake, with thousands of others before this one.
func agentTransport(c *tls.Config) *http.Transport {
	c.MinVersion, c.ClientSessionCache = tls.VersionTLS13, tls.NewLRUClientSessionCache(4)
	t := &http.Transport{
		Proxy: http.ProxyFromEnvironment, TLSClientConfig: c, DialContext: (&net.Dialer{Timeout: dialTime}).DialContext,
		TLSHandshakeTimeout: handshakeTime,
		IdleConnTimeout:     90 * time.Second, MaxIdleConnsPerHost: 2, Protocols: new(http.Protocols),
	}
	t.Protocols.SetHTTP1(true)
	return t
}

// Host is the name of the host, as the server knows it.
func (i *Identity) Host() string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.host
}

// Server is the address of the server, such as https://manager:8700.
func (i *Identity) Server() string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.server
}

// Expires is when the certificate ends, unless it is renewed.
func (i *Identity) Expires() time.Time {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.cert.Leaf.NotAfter
}

// RoundTrip implements http.RoundTripper: it shows the certificate as it is now, to
// the server that registered the host and to no other.
func (i *Identity) RoundTrip(r *http.Request) (*http.Response, error) {
	i.mu.Lock()
	t := i.transport
	i.mu.Unlock()
	rsp, err := t.RoundTrip(r)
	if err == nil {
		if said, err := http.ParseTime(rsp.Header.Get("Date")); err == nil {
			i.mu.Lock()
			i.said, i.heard = said, i.now()
			i.mu.Unlock()
		}
	}
	return rsp, err
}

// due reports whether less than a third of the certificate's time is left. The
// server's clock decides, as it does on whether the certificate is good: by a clock of
// this host that is years off it would be renewed every quarter of an hour, or never.
// The caller holds mu.
func (i *Identity) due() bool {
	if i.said.IsZero() {
		return false // and nobody would renew it
	}
	leaf, now := i.cert.Leaf, i.said.Add(i.now().Sub(i.heard))
	return leaf.NotAfter.Sub(now) < leaf.NotAfter.Sub(leaf.NotBefore)/3
}

// Run renews the certificate in time, and takes in another registration, until ctx
// ends.
func (i *Identity) Run(ctx context.Context, log *slog.Logger) {
	for {
		if err := i.Refresh(ctx); err != nil && ctx.Err() == nil {
			log.Error("the host's certificate was not renewed; it is tried again", "host", i.Host(), "expires", i.Expires(), "error", err)
		}
		select {
		case <-time.After(identityTick):
		case <-ctx.Done():
			return
		}
	}
}

// Refresh takes in another registration, if there was one, and renews the
// certificate if less than a third of its time is left by the server's clock, which
// each answer to RoundTrip tells.
func (i *Identity) Refresh(ctx context.Context) error {
	i.mu.Lock()
	if st, err := os.Stat(i.path(identityPair)); err == nil && (!os.SameFile(st, i.loaded) || !st.ModTime().Equal(i.loaded.ModTime())) {
		if err := i.load(); err != nil {
			i.mu.Unlock()
			return err
		}
	}
	now := i.now()
	due := i.due() && (i.tried.IsZero() || now.Sub(i.tried) > renewPause)
	if due {
		i.tried = now
	}
	i.mu.Unlock()
	if !due {
		return nil
	}
	return i.renew(ctx)
}

// renew gets another certificate, for a new key.
func (i *Identity) renew(ctx context.Context) error {
	unlock, err := lock(i.path(identityPair))
	if err != nil {
		return err
	}
	defer unlock()
	key, err := newKey()
	if err != nil {
		return err
	}
	csr, err := csrFor(key)
	if err != nil {
		return err
	}
	var c Certificate
	if err := post(ctx, i, i.Server()+RenewPath, renewal{CSR: csr}, &c); err != nil {
		return err
	}
	if err := keep(i.dir, i.Server(), key, c); err != nil {
		return err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.load()
}

// renewal is what a host sends to have its certificate renewed.
type renewal struct {
	CSR []byte `json:"csr"`
}

func csrFor(key *ecdsa.PrivateKey) ([]byte, error) {
	return x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
}

// keep writes an identity to a folder. The pair comes last, for by it the agent sees
// that there is another one.
func keep(dir, server string, key *ecdsa.PrivateKey, c Certificate) error {
	kb, err := keyPEM(key)
	if err != nil {
		return err
	}
	for _, f := range []struct {
		name string
		b    []byte
	}{
		{identityServer, []byte(server + "\n")}, {identityCA, []byte(c.Authority)}, {identityPair, append(kb, c.Certificate...)},
	} {
		if err := writeFile(filepath.Join(dir, f.name), f.b); err != nil {
			return err
		}
	}
	return nil
}

// ReadRenewal reads what a host sends to have its certificate renewed: the request
// for Authority.Renew.
func ReadRenewal(r io.Reader) (csr []byte, err error) {
	var body renewal
	if err := json.NewDecoder(io.LimitReader(r, maxReply)).Decode(&body); err != nil {
		return nil, &resource.Fault{Kind: resource.Invalid, Text: "the request to renew cannot be read", Cause: err}
	}
	return body.CSR, nil
}
