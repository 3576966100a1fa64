package auth

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/faultline-storage/faultline/internal/resource"
)

// JoinOptions configure Join. All but CA and Now are required.
type JoinOptions struct {
	Dir    string // the folder for the identity
	Server string // its address; the connection is TLS, whatever it begins with
	Token  string
	Host   string // the name of this host
	// CA is the certificate of the server's authority in PEM. Without it the server
	// is known by the fingerprint at the end of the token.
	CA  []byte
	Now func() time.Time // time.Now if nil; also of the Identity
}

// Join registers this host at a server and keeps what it gets in the folder. If
// nobody knows whether the server had answered, it can be done again.
func Join(ctx context.Context, o JoinOptions) (*Identity, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	host, err := HostName(o.Host)
	if err != nil {
		return nil, err
	}
	server, err := agentURL(o.Server)
	if err != nil {
		return nil, err
	}
	trust, err := trustOf(o)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, err
	}
	unlock, err := lock(filepath.Join(o.Dir, identityPair))
	if err != nil {
		return nil, err
	}
	defer unlock()
	// The key is kept before the server hears of it, so that the registration can be
	// repeated.
	pending := filepath.Join(o.Dir, identityNext)
	key, err := readKey(pending)
	if errors.Is(err, fs.ErrNotExist) {
		if key, err = newKey(); err == nil {
			var kb []byte
			if kb, err = keyPEM(key); err == nil {
				err = writeFile(pending, kb)
			}
		}
	}
	if err != nil {
		return nil, err
	}
	csr, err := csrFor(key)
	if err != nil {
		return nil, err
	}
	t := agentTransport(trust)
	defer t.CloseIdleConnections()
	var c Certificate
	if err := post(ctx, t, server+RegisterPath, Registration{Token: o.Token, Host: host, CSR: csr, Clock: o.Now()}, &c); err != nil {
		return nil, err
	}
	if err := keep(o.Dir, server, key, c); err != nil {
		return nil, err
	}
	if err := os.Remove(pending); err != nil {
		return nil, err
	}
	return openIdentity(o.Dir, o.Now)
}

func agentURL(server string) (string, error) {
	text := server
	if !strings.Contains(text, "://") {
		text = "https://" + text
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || strings.Trim(u.Path, "/") != "" {
		return "", resource.FieldErrorf("server", "%q is no address of a server, such as https://manager:8700", server)
	}
	return "https://" + u.Host, nil
}

// trustOf is how a server is known that has not given a certificate yet.
func trustOf(o JoinOptions) (*tls.Config, error) {
	if len(o.CA) > 0 {
		trust, err := trustIn(o.CA, o.Now)
		if err != nil {
			return nil, resource.FieldErrorf("ca", "the file of the server's authority has no certificate in PEM")
		}
		return trust, nil
	}
	_, want, ok := strings.Cut(o.Token, ".")
	if !ok || !strings.HasPrefix(o.Token, joinPrefix) {
		return nil, resource.FieldErrorf("token", "this is no token for agents, which begins with %s and ends with the fingerprint of the server; make one with faultline token create NAME --agent", joinPrefix)
	}
	return &tls.Config{
		ServerName:         ServerName,
		InsecureSkipVerify: true, //nolint:gosec // VerifyConnection does it, by the fingerprint
		VerifyConnection: func(cs tls.ConnectionState) error {
			roots := x509.NewCertPool()
			for _, c := range cs.PeerCertificates {
				if fingerprint(c) == want {
					roots.AddCert(c)
				}
			}
			// A wrong clock is for the server to tell.
			_, err := cs.PeerCertificates[0].Verify(x509.VerifyOptions{
				Roots: roots, DNSName: ServerName, CurrentTime: within(cs.PeerCertificates[0], o.Now()),
				KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
			})
			if err != nil {
				return fmt.Errorf("this is not the server that made the token, or something between here and there ends the TLS connection: %w", err)
			}
			return nil
		},
	}, nil
}

// post has the server answer a request in JSON. What it refuses is a
// resource.Fault of kind Invalid or Conflict.
func post(ctx context.Context, t http.RoundTripper, to string, body, answer any) error {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	b, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(b))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	rsp, err := (&http.Client{Transport: t}).Do(req)
	if err != nil {
		return &resource.Fault{Kind: resource.Unavailable, Text: "the server cannot be reached", Cause: err}
	}
	defer rsp.Body.Close() //nolint:errcheck // it was read
	text, err := io.ReadAll(io.LimitReader(rsp.Body, maxReply))
	if err != nil {
		return &resource.Fault{Kind: resource.Unavailable, Text: "the server's answer broke off", Cause: err}
	}
	if rsp.StatusCode == http.StatusOK {
		return json.Unmarshal(text, answer)
	}
	var p struct {
		Detail string `json:"detail"`
		Field  string `json:"field"`
	}
	_ = json.Unmarshal(text, &p) // what is no problem document keeps the status
	kind := resource.Unavailable
	switch rsp.StatusCode {
	case http.StatusConflict:
		kind = resource.Conflict
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden:
		kind = resource.Invalid
	}
	return &resource.Fault{Kind: kind, Field: p.Field, Text: cmp.Or(p.Detail, "the server answers "+rsp.Status)}
}
