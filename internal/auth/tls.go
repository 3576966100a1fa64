package auth

import (
	"crypto/tls"
	"fmt"
	"os"
	"sync"
	"time"
)

// ServerTLS returns the configuration of a TLS listener with the certificate
// (and its chain) and the private key in the given PEM files. A renewed
// certificate is taken from the next connection on; while the new files do not
// fit together, the old certificate stays.
func ServerTLS(certFile, keyFile string) (*tls.Config, error) {
	p := &pair{certFile: certFile, keyFile: keyFile}
	if err := p.load(); err != nil {
		return nil, err
	}
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return p.get(), nil },
	}, nil
}

// pair is a certificate with its key, as last read.
type pair struct {
	certFile, keyFile string

	mu       sync.Mutex
	cert     *tls.Certificate
	modified time.Time // the newer of the two files
}

func (p *pair) get() *tls.Certificate {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.newest().Equal(p.modified) {
		_ = p.load() // the old certificate stays; the next connection tries again
	}
	return p.cert
}

func (p *pair) load() error {
	modified := p.newest()
	cert, err := tls.LoadX509KeyPair(p.certFile, p.keyFile)
	if err != nil {
		return fmt.Errorf("certificate %s with key %s: %w", p.certFile, p.keyFile, err)
	}
	p.cert, p.modified = &cert, modified
	return nil
}

func (p *pair) newest() (t time.Time) {
	for _, name := range []string{p.certFile, p.keyFile} {
		if st, err := os.Stat(name); err == nil && st.ModTime().After(t) {
			t = st.ModTime()
		}
	}
	return t
}
