package auth

import (
	"bytes"
	"cmp"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/faultline-storage/faultline/internal/resource"
)

// Files of an Authority in the data directory.
const (
	authorityKey  = "agent-ca.key"
	authorityCert = "agent-ca.pem"
	hostFile      = "agents"
	joinFile      = "agent-tokens"
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

// AuthorityOptions are what NewAuthority needs.
type AuthorityOptions struct {
	Dir string // the data directory; it must exist when something is made
	Log *slog.Logger
	Now func() time.Time // time.Now if nil
}

// Authority is the server's own certificate authority for agents, with what it
// keeps in the data directory: its key, the certificates of hosts and the
// tokens that let a host register. It makes its key when that is first needed.
// All methods are safe for concurrent use, also by several processes.
type Authority struct {
	dir   string
	log   *slog.Logger
	now   func() time.Time
	hosts *table[Host]
	joins *table[JoinToken]

	mu   sync.Mutex
	pair *signer // nil until it was needed
	// good has the certificates that the authority was found to have signed, by
	// their hash: a host shows the same one with each request.
	good map[[sha256.Size]byte]bool
	// byName has the rows of hosts, as of the state of the file in indexed.
	byName  map[string]Host
	indexed os.FileInfo
}

// signer is the authority's certificate with its key.
type signer struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// NewAuthority returns the authority of a data directory. Nothing is read or made
// before it is needed.
func NewAuthority(o AuthorityOptions) *Authority {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Authority{
		dir: o.Dir, log: cmp.Or(o.Log, slog.New(slog.DiscardHandler)), now: o.Now,
		hosts: &table[Host]{path: filepath.Join(o.Dir, hostFile), what: "file of agents", parse: readHost, form: Host.line},
		joins: &table[JoinToken]{path: filepath.Join(o.Dir, joinFile), what: "file of agents' tokens", parse: readJoin, form: JoinToken.line},
		good:  map[[sha256.Size]byte]bool{},
	}
}

// CertificateFile is where the authority's certificate is, once there is one.
func (a *Authority) CertificateFile() string { return filepath.Join(a.dir, authorityCert) }

// Exists reports whether the authority was made, which the first token for agents
// does.
func (a *Authority) Exists() bool {
	_, err := os.Stat(filepath.Join(a.dir, authorityKey))
	return err == nil
}

// signer returns the authority's key and certificate, which it makes if there are
// none.
func (a *Authority) signer() (*signer, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.pair != nil {
		return a.pair, nil
	}
	s, err := a.read()
	if errors.Is(err, fs.ErrNotExist) {
		s, err = a.create()
	}
	if err != nil {
		return nil, fmt.Errorf("the authority of agents: %w", err)
	}
	a.pair = s
	return s, nil
}

func (a *Authority) read() (*signer, error) {
	keyPath, certPath := filepath.Join(a.dir, authorityKey), a.CertificateFile()
	st, err := os.Stat(keyPath)
	if err != nil {
		return nil, err
	}
	if st.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%s may be read or written by others, who could then speak for any host; run chmod 600 on it, and if others may have read it, remove %s and %s and register all hosts again", keyPath, keyPath, certPath)
	}
	key, err := readPEM(keyPath, "PRIVATE KEY")
	if err != nil {
		return nil, err
	}
	cert, err := readPEM(certPath, "CERTIFICATE")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s is there, and %s is not; bring it back from a backup, or remove the key and register all hosts again", keyPath, certPath)
	}
	if err != nil {
		return nil, err
	}
	return readSigner(keyPath, key, certPath, cert)
}

func readSigner(keyPath string, key []byte, certPath string, cert []byte) (*signer, error) {
	k, err := x509.ParsePKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", keyPath, err)
	}
	ec, ok := k.(*ecdsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("%s holds a key of another kind than ECDSA", keyPath)
	}
	c, err := x509.ParseCertificate(cert)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", certPath, err)
	}
	if !ec.PublicKey.Equal(c.PublicKey) || !c.IsCA {
		return nil, fmt.Errorf("%s is no certificate of an authority with the key in %s", certPath, keyPath)
	}
	return &signer{cert: c, key: ec}, nil
}

// create makes the authority, unless another process is faster.
func (a *Authority) create() (*signer, error) {
	unlock, err := lock(filepath.Join(a.dir, authorityKey))
	if err != nil {
		return nil, err
	}
	defer unlock()
	if s, err := a.read(); !errors.Is(err, fs.ErrNotExist) {
		return s, err
	}
	key, err := newKey()
	if err != nil {
		return nil, err
	}
	now := a.now()
	tmpl := &x509.Certificate{
		SerialNumber: serialAt(now), Subject: pkix.Name{CommonName: "Faultline agents " + rand.Text()[:8]},
		NotBefore: now.Add(-24 * time.Hour), NotAfter: now.Add(authorityLife),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	kb, err := keyPEM(key)
	if err != nil {
		return nil, err
	}
	// The key comes last: it says that the authority is complete.
	if err := writeFile(a.CertificateFile(), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})); err != nil {
		return nil, err
	}
	if err := writeFile(filepath.Join(a.dir, authorityKey), kb); err != nil {
		return nil, err
	}
	a.log.Info("made an authority that signs the certificates of agents", "file", a.CertificateFile())
	return &signer{cert: cert, key: key}, nil
}

func newKey() (*ecdsa.PrivateKey, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) }

func keyPEM(key *ecdsa.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// readPEM returns the first block of a kind in a file.
func readPEM(path, kind string) ([]byte, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	for {
		var block *pem.Block
		if block, b = pem.Decode(b); block == nil {
			return nil, fmt.Errorf("%s has no %s in PEM", path, strings.ToLower(kind))
		}
		if block.Type == kind {
			return block.Bytes, nil
		}
	}
}

// serialAt returns a serial number that tells when a certificate was made, so that
// all those of a host before some moment can be revoked.
func serialAt(at time.Time) *big.Int {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], uint64(at.UnixNano())) //nolint:gosec // a clock is beyond 1970
	rand.Read(b[8:])                                         // never fails
	return new(big.Int).SetBytes(b[:])
}

// serialTime is when a certificate with the serial was made, in nanoseconds.
func serialTime(serial *big.Int) int64 {
	return new(big.Int).Rsh(serial, 64).Int64()
}

// fingerprint names a certificate by its public key.
func fingerprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.RawSubjectPublicKeyInfo)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// PEM is the authority's certificate, which is no secret.
func (a *Authority) PEM() ([]byte, error) {
	s, err := a.signer()
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.cert.Raw}), nil
}

// TLS returns how the server answers connections of agents: with a certificate of
// its authority, and asking for theirs. Whether that is good is for Host to say, so
// that the answer can tell what is wrong with it.
func (a *Authority) TLS() (*tls.Config, error) {
	s, err := a.signer()
	if err != nil {
		return nil, err
	}
	key, err := newKey()
	if err != nil {
		return nil, err
	}
	// Its time is that of the authority: an agent whose clock was set back or forth
	// has to find the server all the same.
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: serialAt(a.now()), Subject: pkix.Name{CommonName: ServerName}, DNSNames: []string{ServerName},
		NotBefore: s.cert.NotBefore, NotAfter: s.cert.NotAfter,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, s.cert, &key.PublicKey, s.key)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AddCert(s.cert)
	return &tls.Config{
		MinVersion: tls.VersionTLS13, NextProtos: []string{"http/1.1"},
		Certificates: []tls.Certificate{{Certificate: [][]byte{der, s.cert.Raw}, PrivateKey: key}},
		ClientAuth:   tls.RequestClientCert, ClientCAs: pool,
	}, nil
}

// Host returns the name of the host whose certificate a connection has shown, or
// an error of kind Invalid that says what is wrong and what to do. With an error,
// the name is that of a host whose certificate was good before, if there is one.
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
		return host, resource.Errorf(resource.Invalid, "the certificate of host %s was good until %s, and the server's clock says %s; register the host again: faultline agent register", host, stamp(cert.NotAfter), stamp(now))
	}
	row, err := a.row(host)
	if err != nil {
		a.log.Error("no agent is accepted", "error", err)
		return "", resource.Errorf(resource.Invalid, "the server cannot read which hosts are revoked; its log says why")
	}
	if at := row.revoked; at != 0 && serialTime(cert.SerialNumber) <= at {
		return host, resource.Errorf(resource.Invalid, "the certificate of host %s was revoked at %s; register the host again if it is to come back: faultline agent register", host, stamp(time.Unix(0, at)))
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
	a.mu.Lock()
	known := a.good[hash]
	a.mu.Unlock()
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

// sign makes a certificate for a host and the key of a request. Those up to
// revoked, in Unix nanoseconds, are not good.
func (a *Authority) sign(s *signer, host string, csr *x509.CertificateRequest, revoked int64) (*x509.Certificate, error) {
	now := a.now()
	made := time.Unix(0, max(now.UnixNano(), revoked+1)) // the clock may have been set back
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: serialAt(made), DNSNames: []string{host},
		NotBefore: now.Add(-backdate), NotAfter: now.Add(hostLife),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, s.cert, csr.PublicKey, s.key)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

// readRequest checks a certificate request: who sends it has the key.
func readRequest(der []byte) (*x509.CertificateRequest, error) {
	csr, err := x509.ParseCertificateRequest(der)
	if err == nil {
		err = csr.CheckSignature()
	}
	if err != nil {
		return nil, &resource.Fault{Kind: resource.Invalid, Field: "csr", Text: "the certificate request cannot be used", Cause: err}
	}
	key, ok := csr.PublicKey.(*ecdsa.PublicKey)
	if !ok || key.Curve != elliptic.P256() {
		return nil, resource.FieldErrorf("csr", "the key of a host is of the kind ECDSA P-256")
	}
	return csr, nil
}

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

// sameKey reports whether a certificate request has the key with the hash.
func sameKey(csr *x509.CertificateRequest, hash [sha256.Size]byte) bool {
	sum := sha256.Sum256(csr.RawSubjectPublicKeyInfo)
	return bytes.Equal(sum[:], hash[:])
}
