package auth

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// writePair writes a new certificate with the given serial number.
func writePair(t *testing.T, cert, key string, serial int64, modified time.Time) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(serial), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"localhost"}}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &k.PublicKey, k)
	if err != nil {
		t.Fatal(err)
	}
	kb, err := x509.MarshalECPrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "EC PRIVATE KEY", Bytes: kb}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(b), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(name, modified, modified); err != nil {
			t.Fatal(err)
		}
	}
}

func serial(t *testing.T, c *tls.Config) int64 {
	t.Helper()
	cert, err := c.GetCertificate(&tls.ClientHelloInfo{})
	if err != nil {
		t.Fatal(err)
	}
	x, err := x509.ParseCertificate(cert.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	return x.SerialNumber.Int64()
}

func TestServerTLS(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	if _, err := ServerTLS(cert, key); err == nil {
		t.Error("missing files make a configuration")
	}
	start := time.Now().Add(-time.Hour)
	writePair(t, cert, key, 1, start)
	c, err := ServerTLS(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	if c.MinVersion < tls.VersionTLS12 {
		t.Errorf("minimum version %x", c.MinVersion)
	}
	if n := serial(t, c); n != 1 {
		t.Errorf("certificate %d, want 1", n)
	}
	writePair(t, cert, key, 2, start.Add(time.Minute))
	if n := serial(t, c); n != 2 {
		t.Errorf("certificate %d after renewal, want 2", n)
	}
	if err := os.WriteFile(key, []byte("half a file"), 0o600); err != nil {
		t.Fatal(err)
	}
	if n := serial(t, c); n != 2 {
		t.Errorf("certificate %d with a broken key file, want 2", n)
	}
}
