package auth

import (
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
	"fmt"
	"math/big"
	"os"
	"strings"
	"time"

	"github.com/faultline-storage/faultline/internal/resource"
)

// signer is the authority's certificate with its key.
type signer struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// seal is what the store keeps of a key and its certificate.
func (s *signer) seal(box Box) (string, error) {
	key, err := keyPEM(s.key)
	if err != nil {
		return "", err
	}
	return box.Seal(AuthoritySetting, string(key)+string(s.pem())), nil
}

func (s *signer) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.cert.Raw})
}

// unseal is the inverse of seal; nil of nothing.
func unseal(box Box, sealed string) (*signer, error) {
	if sealed == "" {
		return nil, nil //nolint:nilnil // there is none
	}
	text, err := box.Open(AuthoritySetting, sealed)
	if err != nil {
		return nil, &resource.Fault{Kind: resource.Unavailable, Text: "the key that signs the certificates of agents was sealed under another secret.key; bring that file back, " +
			"or delete the row '" + AuthoritySetting + "' of the table setting, start the server again and register all hosts anew", Cause: err}
	}
	const what = "the authority of agents"
	key, err := findPEM(what, []byte(text), "PRIVATE KEY")
	if err != nil {
		return nil, err
	}
	cert, err := findPEM(what, []byte(text), "CERTIFICATE")
	if err != nil {
		return nil, err
	}
	return readSigner(what, key, what, cert)
}

func readSigner(keyFrom string, key []byte, certFrom string, cert []byte) (*signer, error) {
	k, err := x509.ParsePKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", keyFrom, err)
	}
	ec, ok := k.(*ecdsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("%s holds a key of another kind than ECDSA", keyFrom)
	}
	c, err := x509.ParseCertificate(cert)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", certFrom, err)
	}
	if !ec.PublicKey.Equal(c.PublicKey) || !c.IsCA {
		return nil, fmt.Errorf("%s is no certificate of an authority with the key in %s", certFrom, keyFrom)
	}
	return &signer{cert: c, key: ec}, nil
}

func newSigner(now time.Time) (*signer, error) {
	key, err := newKey()
	if err != nil {
		return nil, err
	}
	if now.Before(sane) {
		return nil, resource.Errorf(resource.Unavailable, "the server's clock says %s, and what is made by it ends long ago; set the clock", stamp(now))
	}
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
	return &signer{cert: cert, key: key}, err
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
	return findPEM(path, b, kind)
}

// findPEM returns the first block of a kind in a text, which errors call by name.
func findPEM(name string, b []byte, kind string) ([]byte, error) {
	for {
		var block *pem.Block
		if block, b = pem.Decode(b); block == nil {
			return nil, fmt.Errorf("%s has no %s in PEM", name, strings.ToLower(kind))
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

func (s *signer) fingerprint() string { return fingerprint(s.cert) }

// fingerprint names a certificate by its public key.
func fingerprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.RawSubjectPublicKeyInfo)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func (s *signer) config(now time.Time) (*tls.Config, error) {
	key, err := newKey()
	if err != nil {
		return nil, err
	}
	// Its time is that of the authority: an agent whose clock was set back or forth
	// has to find the server all the same.
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: serialAt(now), Subject: pkix.Name{CommonName: ServerName}, DNSNames: []string{ServerName},
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

// sign makes a certificate for a host and the key of a request. Those that were
// made up to revoked are not good.
func (s *signer) sign(now time.Time, host string, csr *x509.CertificateRequest, revoked time.Time) (*x509.Certificate, error) {
	made := now
	if !made.After(revoked) { // the clock may have been set back
		made = revoked.Add(1)
	}
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
