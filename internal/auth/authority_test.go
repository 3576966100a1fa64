package auth

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/internal/secret"
	"github.com/faultline-storage/faultline/internal/store/memory"
)

// clock is a clock that tests set.
type clock struct{ now time.Time }

func newAuthority(t *testing.T) (*Authority, *clock) {
	t.Helper()
	c := &clock{now: time.Now()}
	return load(t, memory.New(), newBox(t), c), c
}

func newBox(t *testing.T) *secret.Box {
	t.Helper()
	key := make([]byte, 32)
	rand.Read(key)
	box, err := secret.New(key)
	if err != nil {
		t.Fatal(err)
	}
	return box
}

// load is what a server does that begins to lead.
func load(t *testing.T, store Store, box Box, c *clock) *Authority {
	t.Helper()
	a := NewAuthority(AuthorityOptions{Now: func() time.Time { return c.now }})
	if err := a.Load(t.Context(), store, box); err != nil {
		t.Fatal(err)
	}
	return a
}

func join(t *testing.T, a *Authority, k resource.AgentToken) string {
	t.Helper()
	_, token, err := a.CreateJoin(t.Context(), k, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func registration(t *testing.T, c *clock, token, host string, key *ecdsa.PrivateKey) Registration {
	t.Helper()
	csr, err := csrFor(key)
	if err != nil {
		t.Fatal(err)
	}
	return Registration{Token: token, Host: host, CSR: csr, Clock: c.now}
}

func testKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := newKey()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// shown is a connection that shows a certificate.
func shown(t *testing.T, pemText string) *tls.ConnectionState {
	t.Helper()
	path := filepath.Join(t.TempDir(), "cert.pem")
	if err := os.WriteFile(path, []byte(pemText), 0o600); err != nil {
		t.Fatal(err)
	}
	der, err := readPEM(path, "CERTIFICATE")
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.ConnectionState{PeerCertificates: []*x509.Certificate{cert}}
}

func wantRefusal(t *testing.T, what string, err error, kind resource.ErrorKind, text string) {
	t.Helper()
	if resource.KindOf(err) != kind || err == nil || !strings.Contains(err.Error(), text) {
		t.Errorf("%s: %v, want an error with %q", what, err, text)
	}
}

func TestRegistration(t *testing.T) {
	t.Parallel()
	a, c := newAuthority(t)
	if a.Exists() {
		t.Error("there is an authority before it is needed")
	}
	token := join(t, a, resource.AgentToken{Name: "two", Uses: 2})
	if l := a.Joins(); len(l) != 1 || strings.Contains(fmt.Sprint(l), strings.TrimPrefix(token[:30], joinPrefix)) {
		t.Errorf("what is kept of the token: %+v", l)
	}
	key := testKey(t)
	r := registration(t, c, token, "OSS1.example.com.", key)
	cert, name, err := a.Register(t.Context(), r)
	if err != nil || name != "two" {
		t.Fatal(name, err)
	}
	if host, err := a.Host(shown(t, cert.Certificate)); err != nil || host != "oss1.example.com" {
		t.Errorf("the certificate is that of %q, %v", host, err)
	}
	// The answer was lost: it costs nothing to ask again.
	if _, _, err := a.Register(t.Context(), r); err != nil {
		t.Errorf("the same again: %v", err)
	}
	_, _, err = a.Register(t.Context(), registration(t, c, token, "oss1.example.com", testKey(t)))
	wantRefusal(t, "another machine of that name", err, resource.Conflict, "faultline host revoke oss1.example.com")
	if _, _, err := a.Register(t.Context(), registration(t, c, token, "oss2", testKey(t))); err != nil {
		t.Fatal(err)
	}
	_, _, err = a.Register(t.Context(), registration(t, c, token, "oss3", testKey(t)))
	wantRefusal(t, "a token that is used up", err, resource.Invalid, "was used 2 times")
	c.now = c.now.Add(2 * time.Hour)
	_, _, err = a.Register(t.Context(), registration(t, c, token, "oss3", testKey(t)))
	wantRefusal(t, "a token that ended", err, resource.Invalid, "token two ended at")
	_, _, err = a.Register(t.Context(), registration(t, c, "fla_nonsense", "oss3", testKey(t)))
	wantRefusal(t, "a token that nobody made", err, resource.Invalid, "does not know this token")

	// A token for one host replaces what it had.
	token = join(t, a, resource.AgentToken{Name: "again", Uses: 1, Host: "oss1.example.com"})
	_, _, err = a.Register(t.Context(), registration(t, c, token, "oss4", testKey(t)))
	wantRefusal(t, "the token of another host", err, resource.Invalid, "is for host oss1.example.com")
	for _, skew := range []time.Duration{-2 * MaxSkew, 2 * MaxSkew} {
		r := registration(t, c, token, "oss1.example.com", testKey(t))
		r.Clock = c.now.Add(skew)
		_, _, err = a.Register(t.Context(), r)
		wantRefusal(t, "a wrong clock", err, resource.Invalid, "the clock of host oss1.example.com says")
	}
	if _, _, err := a.Register(t.Context(), registration(t, c, token, "oss1.example.com", testKey(t))); err != nil {
		t.Errorf("a host that was installed anew: %v", err)
	}
	for _, bad := range []string{"", "localhost", "a b", "../etc", "a..b", strings.Repeat("x", 101), "a/b", "x\n"} {
		_, _, err := a.Register(t.Context(), registration(t, c, token, bad, testKey(t)))
		wantRefusal(t, "host "+bad, err, resource.Invalid, "no name for a host")
	}
	if err := a.RevokeJoin(t.Context(), "again"); err != nil {
		t.Error(err)
	}
	if l := a.Joins(); len(l) != 1 || l[0].Used != 2 {
		t.Errorf("tokens %+v", l)
	}
}

func TestCertificatesThatAreNotGood(t *testing.T) {
	t.Parallel()
	a, c := newAuthority(t)
	token := join(t, a, resource.AgentToken{Name: "many", Uses: 10})
	cert, _, err := a.Register(t.Context(), registration(t, c, token, "oss1", testKey(t)))
	if err != nil {
		t.Fatal(err)
	}
	cs := shown(t, cert.Certificate)
	_, err = a.Host(&tls.ConnectionState{})
	wantRefusal(t, "no certificate", err, resource.Invalid, "showed none")
	other, oc := newAuthority(t)
	foreign, _, err := other.Register(t.Context(), registration(t, oc, join(t, other, resource.AgentToken{Name: "x", Uses: 1}), "oss1", testKey(t)))
	if err != nil {
		t.Fatal(err)
	}
	_, err = a.Host(shown(t, foreign.Certificate))
	wantRefusal(t, "the certificate of another authority", err, resource.Invalid, "none that this server gave")
	_, err = a.Host(shown(t, cert.Authority))
	wantRefusal(t, "the authority's own", err, resource.Invalid, "none that this server gave")

	began := c.now
	c.now = began.Add(hostLife + time.Minute)
	host, err := a.Host(cs)
	wantRefusal(t, "an old certificate", err, resource.Unavailable, "register the host again")
	if host != "" {
		t.Errorf("the link of %q is to end, and the clock may be wrong", host)
	}
	c.now = began.Add(time.Minute)
	renewed, err := a.Renew(t.Context(), "oss1", registration(t, c, "", "", testKey(t)).CSR)
	if err != nil {
		t.Fatal(err)
	}
	// Whoever revokes has a clock that is behind.
	c.now = began
	if _, err := a.Revoke(t.Context(), "oss1"); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{cert.Certificate, renewed.Certificate} {
		_, err = a.Host(shown(t, text))
		wantRefusal(t, "a revoked certificate", err, resource.Invalid, "was revoked at")
	}
	if a.Good("oss1") {
		t.Error("a host whose certificates are revoked is good")
	}
	if l := a.Hosts(); len(l) != 1 || l[0].Good(c.now) || l[0].Revoked.IsZero() {
		t.Errorf("hosts %+v", l)
	}
	again, _, err := a.Register(t.Context(), registration(t, c, token, "oss1", testKey(t)))
	if err != nil {
		t.Fatal(err)
	}
	if host, err := a.Host(shown(t, again.Certificate)); err != nil || host != "oss1" {
		t.Errorf("registered again: %q, %v", host, err)
	}
	_, err = a.Host(cs)
	wantRefusal(t, "the old one after that", err, resource.Invalid, "was revoked at")
	_, err = a.Revoke(t.Context(), "oss9")
	wantRefusal(t, "a host that nobody knows", err, resource.NotFound, "no host oss9")
}

// door is a server that registers and renews.
func door(t *testing.T, a *Authority) *httptest.Server {
	t.Helper()
	cfg, err := a.TLS()
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", a.now().UTC().Format(http.TimeFormat))
		var c Certificate
		var err error
		switch r.URL.Path {
		case RegisterPath:
			var body Registration
			if err = json.NewDecoder(r.Body).Decode(&body); err == nil {
				c, _, err = a.Register(r.Context(), body)
			}
		case RenewPath:
			var host string
			var csr []byte
			if host, err = a.Host(r.TLS); err == nil {
				if csr, err = ReadRenewal(r.Body); err == nil {
					c, err = a.Renew(r.Context(), host, csr)
				}
			}
		}
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			_ = json.NewEncoder(w).Encode(map[string]string{"detail": err.Error()})
			return
		}
		_ = json.NewEncoder(w).Encode(c)
	}))
	srv.TLS = cfg
	srv.StartTLS()
	t.Cleanup(srv.Close)
	return srv
}

func TestIdentity(t *testing.T) {
	t.Parallel()
	a, c := newAuthority(t)
	dir := t.TempDir()
	if _, err := OpenIdentity(dir); resource.KindOf(err) != resource.NotFound {
		t.Errorf("nothing there: %v", err)
	}
	if _, err := a.TLS(); err == nil {
		t.Error("agents are answered before there was a token")
	}
	token := join(t, a, resource.AgentToken{Name: "one", Uses: 3})
	srv := door(t, a)
	o := JoinOptions{Dir: dir, Server: srv.URL, Token: token, Host: "oss1", Now: func() time.Time { return c.now }}

	// Who is not the server that made the token is told nothing.
	other, _ := newAuthority(t)
	wrong := o
	wrong.Token = join(t, other, resource.AgentToken{Name: "x", Uses: 1})
	if _, err := Join(t.Context(), wrong); err == nil || !strings.Contains(err.Error(), "not the server that made the token") {
		t.Errorf("another server: %v", err)
	}
	for _, bad := range []string{"", "flt_x.y", "fla_x"} {
		wrong.Token = bad
		_, err := Join(t.Context(), wrong)
		wantRefusal(t, "token "+bad, err, resource.Invalid, "this is no token for agents")
	}
	wrong = o
	wrong.Server = "ftp://x"
	_, err := Join(t.Context(), wrong)
	wantRefusal(t, "a bad address", err, resource.Invalid, "no address of a server")

	id, err := Join(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if id.Host() != "oss1" || id.Server() != srv.URL {
		t.Errorf("host %q at %q", id.Host(), id.Server())
	}
	if st, err := os.Stat(filepath.Join(dir, identityPair)); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", st, err)
	}
	if err := id.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := id.Expires()
	refresh := func(hostClock time.Time) {
		t.Helper()
		id.now = func() time.Time { return hostClock }
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		rsp, err := id.RoundTrip(req)
		if err != nil {
			t.Fatalf("a host whose clock says %v: %v", hostClock, err)
		}
		rsp.Body.Close()
		if err := id.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	// When a third of its time is left by the server's clock it is renewed, whatever the
	// host's own says.
	for _, at := range []time.Time{time.Unix(0, 0), c.now.AddDate(0, 0, -1), c.now.AddDate(0, 0, 80), c.now.AddDate(30, 0, 0)} {
		if refresh(at); !id.Expires().Equal(before) {
			t.Errorf("by a host's clock that says %v it was renewed", at)
		}
	}
	c.now = c.now.Add(hostLife * 3 / 4)
	refresh(time.Unix(0, 0))
	if !id.Expires().After(before) {
		t.Errorf("it ends at %v, before at %v", id.Expires(), before)
	}
	again, err := OpenIdentity(dir)
	if err != nil || !again.Expires().Equal(id.Expires()) {
		t.Errorf("read back: %v, %v", again, err)
	}
	// Another registration is taken in.
	if _, err := a.Revoke(t.Context(), "oss1"); err != nil {
		t.Fatal(err)
	}
	c.now = c.now.Add(time.Second)
	o.Token, o.CA = join(t, a, resource.AgentToken{Name: "two", Uses: 1}), nil
	if o.CA, _, err = a.Certificate(); err != nil {
		t.Fatal(err)
	}
	if _, err := Join(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(filepath.Join(dir, identityPair), time.Now(), time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if err := id.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if host, err := a.Host(&tls.ConnectionState{PeerCertificates: []*x509.Certificate{id.cert.Leaf}}); err != nil || host != "oss1" {
		t.Errorf("after another registration: %q, %v", host, err)
	}
	if err := os.Chmod(filepath.Join(dir, identityPair), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenIdentity(dir); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("a key that others can read: %v", err)
	}
}

// TestAClockThatCannotBeRight makes no authority that ends before anybody uses it.
func TestAClockThatCannotBeRight(t *testing.T) {
	t.Parallel()
	a, c := newAuthority(t)
	c.now = time.Unix(86400, 0)
	try := func() error {
		_, _, err := a.CreateJoin(t.Context(), resource.AgentToken{Name: "one", Uses: 1}, time.Hour)
		return err
	}
	err := try()
	wantRefusal(t, "in 1970", err, resource.Unavailable, "the server's clock says 1970-01-02")
	c.now = time.Now()
	if err := try(); err != nil {
		t.Error(err)
	}
}
