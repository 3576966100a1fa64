package redfish

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"
)

// Limits of the client. Management controllers are slow and small machines:
// few requests at once, and none of their answers may exhaust this one.
const (
	maxRequests   = 4
	maxBody       = 8 << 20
	maxRedirects  = 5
	maxFailures   = 5 // transport failures in a row after which a service counts as gone
	maxRetryAfter = 10 * time.Second
	sessionPath   = rootPath + "/SessionService/Sessions"
)

// clientOptions says whom to talk to and how.
type clientOptions struct {
	url            string
	user, password string
	insecure       bool          // do not verify the certificate
	timeout        time.Duration // of one request, body included; default 30 s
	log            *slog.Logger
}

// client speaks HTTP to one service. It is safe for concurrent use.
type client struct {
	site site
	opts clientOptions
	http *http.Client
	slot chan struct{} // one element for each running request

	mu       sync.Mutex
	token    string // of a Redfish session, once basic authentication was refused
	session  string // the session's own path, to log out
	sessions string // where to log in
	failures int    // transport failures in a row
}

func newClient(o clientOptions) (*client, error) {
	s, err := parseSite(o.url)
	if err != nil {
		return nil, err
	}
	o.timeout = cmp.Or(o.timeout, 30*time.Second)
	c := &client{site: s, opts: o, slot: make(chan struct{}, maxRequests), sessions: sessionPath}
	transport := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: o.timeout}).DialContext,
		TLSHandshakeTimeout:   o.timeout,
		ResponseHeaderTimeout: o.timeout,
		MaxIdleConnsPerHost:   maxRequests,
		IdleConnTimeout:       90 * time.Second,
		TLSClientConfig:       &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: o.insecure},
	}
	c.http = &http.Client{
		Transport: transport,
		Timeout:   o.timeout,
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			if len(via) >= maxRedirects {
				return fmt.Errorf("more than %d redirects", maxRedirects)
			}
			if !s.same(r.URL) {
				return &redirectError{to: (&url.URL{Scheme: r.URL.Scheme, Host: r.URL.Host}).String()}
			}
			return nil
		},
	}
	return c, nil
}

// redirectError says that the service sends its clients to another host.
type redirectError struct{ to string }

func (e *redirectError) Error() string {
	return fmt.Sprintf("it redirects to %s, which is not followed: if that is the service, give url=%s", e.to, e.to)
}

// statusError is an answer that is no success.
type statusError struct {
	code int
	// basic is set if the answer offers basic authentication.
	basic bool
}

func (e *statusError) Error() string {
	return fmt.Sprintf("HTTP %d %s", e.code, http.StatusText(e.code))
}

// denied says that the service refuses the user; no document will be readable.
type deniedError struct{ user string }

func (e *deniedError) Error() string {
	if e.user == "" {
		return "the service asks for a user: set user and password"
	}
	return fmt.Sprintf("the service refuses user %q: check user and password, and that the account is not locked", e.user)
}

// transportError is a request that got no complete answer.
type transportError struct{ err error }

func (e *transportError) Error() string {
	var timeout net.Error
	if errors.As(e.err, &timeout) && timeout.Timeout() {
		return "no answer in time"
	}
	var u *url.Error
	if errors.As(e.err, &u) {
		return u.Err.Error() // without the address, which the caller names
	}
	return e.err.Error()
}
func (e *transportError) Unwrap() error { return e.err }

// goneError ends a scan: the service has stopped answering.
type goneError struct{ err error }

func (e *goneError) Error() string {
	return fmt.Sprintf("the service stopped answering: %d requests in a row failed, the last: %v", maxFailures, e.err)
}
func (e *goneError) Unwrap() error { return e.err }

// get reads one document. Requests queue up; when its turn comes, still may
// say that the document is no longer wanted. Besides the context's own end, the
// errors *deniedError and *goneError mean that asking on is of no use.
func (c *client) get(ctx context.Context, raw string, still func() error) (object, error) {
	select {
	case c.slot <- struct{}{}:
		defer func() { <-c.slot }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if still != nil {
		if err := still(); err != nil {
			return nil, err
		}
	}
	b, err := c.try(ctx, raw)
	if err != nil {
		return nil, err
	}
	o, err := decode(b)
	if err != nil {
		return nil, err
	}
	if e := o.at("error"); e != nil && o.text(linkKey) == "" {
		return nil, fmt.Errorf("the service answers with an error: %s", cmp.Or(e.first("message", "code"), "no text"))
	}
	return o, nil
}

// try asks, logs in if that is needed, and asks a second time where that may
// help: after a broken connection and when the service is busy.
func (c *client) try(ctx context.Context, raw string) ([]byte, error) {
	var err error
	for attempt, login := 0, 0; ; {
		var b []byte
		var wait time.Duration
		used := c.currentToken()
		b, wait, err = c.once(ctx, raw)
		var status *statusError
		var transport *transportError
		switch {
		case err == nil:
			c.note(nil)
			return b, nil
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case errors.As(err, &status) && status.code == http.StatusUnauthorized:
			// A service that takes basic authentication and refuses it does not know
			// the user; trying on would only lock the account.
			if login++; login > 1 || status.basic && used == "" && c.opts.user != "" {
				return nil, &deniedError{c.opts.user}
			}
			if err := c.logIn(ctx, used); err != nil {
				return nil, err
			}
			continue
		case errors.As(err, &status):
			c.note(nil)
			if attempt++; attempt > 1 || status.code != http.StatusServiceUnavailable && status.code != http.StatusTooManyRequests {
				return nil, err
			}
			if !sleep(ctx, wait) {
				return nil, ctx.Err()
			}
		case errors.As(err, &transport):
			if c.note(err) && !c.alive(ctx) {
				return nil, &goneError{err}
			}
			var timeout net.Error
			if attempt++; attempt > 1 || certificateError(err) || errors.As(err, &timeout) && timeout.Timeout() {
				return nil, err // a second wait of the same length would only double the damage
			}
		default:
			return nil, err
		}
	}
}

// note counts transport failures in a row, and says when there are too many.
func (c *client) note(err error) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil {
		c.failures = 0
		return false
	}
	c.failures++
	return c.failures >= maxFailures
}

// alive asks for the root once: a service that answers that much is there, and
// only some of its documents are out of reach.
func (c *client) alive(ctx context.Context) bool {
	_, _, err := c.once(ctx, rootPath+"/")
	var transport *transportError
	if errors.As(err, &transport) {
		return false
	}
	c.note(nil)
	return true
}

// forgive starts counting failures anew, at the beginning of a scan.
func (c *client) forgive() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failures = 0
}

func (c *client) currentToken() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.token
}

// once makes one request. With an error of a busy service comes how long it
// wants to be left alone.
func (c *client) once(ctx context.Context, raw string) ([]byte, time.Duration, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.site.String()+raw, nil)
	if err != nil {
		return nil, 0, err
	}
	c.prepare(req)
	if token := c.currentToken(); token != "" {
		req.Header.Set("X-Auth-Token", token)
	} else if c.opts.user != "" {
		req.SetBasicAuth(c.opts.user, c.opts.password)
	}
	res, err := c.http.Do(req)
	if err != nil {
		var redirect *redirectError
		if errors.As(err, &redirect) {
			return nil, 0, redirect
		}
		return nil, 0, &transportError{err}
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, maxBody+1))
	switch {
	case res.StatusCode < 200 || res.StatusCode > 299:
		return nil, retryAfter(res.Header), &statusError{res.StatusCode, offersBasic(res.Header)}
	case err != nil:
		return nil, 0, &transportError{err}
	case len(b) > maxBody:
		return nil, 0, fmt.Errorf("the answer is larger than %d MiB", maxBody>>20)
	}
	return b, 0, nil
}

func (c *client) prepare(req *http.Request) {
	req.Header.Set("Accept", "application/json")
	req.Header.Set("OData-Version", "4.0")
	req.Header.Set("User-Agent", "faultline-redfish")
}

// retryAfter reads how long a busy service wants to be left alone, within bounds.
func retryAfter(h http.Header) time.Duration {
	if s, err := strconv.Atoi(h.Get("Retry-After")); err == nil && s >= 0 {
		return min(time.Duration(s)*time.Second, maxRetryAfter)
	}
	return time.Second
}

// sleep reports whether d went by before ctx ended.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// certificateError reports whether the service's certificate is the problem.
func certificateError(err error) bool {
	var verification *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	return errors.As(err, &verification) || errors.As(err, &authority) || errors.As(err, &host) || errors.As(err, &invalid)
}

// explain says what the user can do about a service that cannot be scanned.
func explain(s site, err error) error {
	var status *statusError
	var transport *transportError
	var denied *deniedError
	hint := ""
	switch {
	case errors.As(err, &denied): // says it itself
	case certificateError(err):
		hint = ": if this is the right host and its certificate is its own, set verify_tls=false"
	case errors.As(err, &status) && status.code == http.StatusNotFound:
		hint = ": there is no Redfish service at that address: check url"
	case errors.As(err, &status) && status.code == http.StatusForbidden:
		hint = ": the user lacks the right to read: check the account's role"
	case errors.As(err, &transport):
		hint = ": check url, that the host is up, and that no firewall is in between"
	}
	return fmt.Errorf("read Redfish service %s: %w%s", s, err, hint)
}
