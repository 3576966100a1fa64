package app

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/faultline-storage/faultline/internal/api/gen"
	"github.com/faultline-storage/faultline/internal/auth"
	"github.com/faultline-storage/faultline/internal/config"
	"github.com/faultline-storage/faultline/internal/fleettest"
	"github.com/faultline-storage/faultline/internal/install"
	"github.com/faultline-storage/faultline/internal/store/postgres/pgtest"
)

// ask makes a request to the API and returns the body of the answer.
func (m *manager) ask(t *testing.T, method, path, body string, status int) string {
	t.Helper()
	return askAt(t, m.srv.Addr().String(), method, path, body, status)
}

func askAt(t *testing.T, address, method, path, body string, status int) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+address+"/api/v1"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	rsp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer rsp.Body.Close() //nolint:errcheck // it was read
	b, err := io.ReadAll(rsp.Body)
	if err != nil || rsp.StatusCode != status {
		t.Fatalf("%s %s %s: %d, want %d: %s %v", method, path, body, rsp.StatusCode, status, b, err)
	}
	return string(b)
}

func decoded[T any](t *testing.T, text string) (v T) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// newToken makes a token by the API.
func (m *manager) newToken(t *testing.T, body string) gen.NewAgentToken {
	t.Helper()
	return decoded[gen.NewAgentToken](t, m.ask(t, http.MethodPost, "/agent-tokens", body, http.StatusCreated))
}

func (m *manager) joins(t *testing.T, token, name string) error {
	t.Helper()
	_, err := auth.Join(t.Context(), auth.JoinOptions{Dir: t.TempDir(), Server: "https://" + m.srv.Addr().String(), Token: token, Host: name})
	return err
}

func wantError(t *testing.T, what string, err error, text string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), text) {
		t.Errorf("%s: %v, want an error with %q", what, err, text)
	}
}

func TestTokensForAgentsByAPI(t *testing.T) {
	t.Parallel()
	program := filepath.Join(t.TempDir(), "faultline-linux-s390x")
	if err := os.WriteFile(program, []byte("the program for another machine"), 0o700); err != nil {
		t.Fatal(err)
	}
	m := newManager(t, func(c *config.Config) {
		c.AgentServer, c.AgentPrograms = "https://manager.example:8700", filepath.Dir(program)
	})
	k := m.newToken(t, `{"name":"rack7","uses":2,"lifetime":3600}`)
	if left := time.Until(k.Token.Expires); k.Token.State != gen.AgentTokenGood || k.Token.Uses != 2 || left < 59*time.Minute || left > time.Hour {
		t.Errorf("the token is %+v", k.Token)
	}
	if !strings.HasSuffix(k.Secret, "."+k.Fingerprint) || len(k.Fingerprint) != 43 || k.Server != "https://manager.example:8700" {
		t.Errorf("the answer is %+v", k)
	}
	if want := "printf '%s\\n' '" + k.Secret + "' | faultline agent register --server 'https://manager.example:8700' --token-file -"; k.RegisterCommand != want {
		t.Errorf("the command is\n%s\nwant\n%s", k.RegisterCommand, want)
	}

	// What is said of the program is so: who gets it at that address has that sum.
	one := m.newToken(t, `{"name":"one","host":"OSS9.","machine":"s390x","server":"10.0.0.7"}`)
	sum, err := install.Checksum(program)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{sum, "--connect-to 'agents.faultline.internal:443:10.0.0.7:443'", "https://agents.faultline.internal:443/agent/v1/program/linux-s390x",
		"agent install --server 'https://10.0.0.7:443' --token-file - --name oss9)"} {
		if !strings.Contains(one.InstallCommand, want) {
			t.Errorf("%s\nlacks %s", one.InstallCommand, want)
		}
	}
	if one.Token.Host != "oss9" || one.Token.Uses != 1 || time.Until(one.Token.Expires) < 23*time.Hour {
		t.Errorf("the token is %+v", one.Token)
	}

	for _, c := range []struct {
		body   string
		status int
		field  string
	}{
		{`{"name":"rack7"}`, 409, "name"},
		{`{"name":"a b"}`, 400, "name"},
		{`{"name":".."}`, 400, "name"},
		{`{"name":"x","uses":0}`, 400, "uses"},
		{`{"name":"x","uses":100001}`, 400, "uses"},
		{`{"name":"x","lifetime":0}`, 400, "lifetime"},
		{`{"name":"x","lifetime":31536001}`, 400, "lifetime"},
		{`{"name":"x","lifetime":9223372036854775807}`, 400, "lifetime"},
		{`{"name":"x","host":"localhost"}`, 400, "host"},
		{`{"name":"x","server":"manager; rm -rf /"}`, 400, "server"},
		{`{"name":"x","server":"ftp://a/b"}`, 400, "server"},
		{`{"name":"x","machine":"vax"}`, 400, "machine"},
		{`{"name":"x","machine":"../../etc/passwd"}`, 400, "machine"},
		{`{"name":"x","ends":"never"}`, 400, "ends"},
	} {
		if p := decoded[gen.Problem](t, m.ask(t, http.MethodPost, "/agent-tokens", c.body, c.status)); p.Field != c.field {
			t.Errorf("%s: field %q, want %q: %s", c.body, p.Field, c.field, p.Detail)
		}
	}

	// Used up, ended, deleted: refused, and the list says so.
	for _, name := range []string{"oss1", "oss2"} {
		if err := m.joins(t, k.Secret, name); err != nil {
			t.Fatal(err)
		}
	}
	wantError(t, "a token that is used up", m.joins(t, k.Secret, "oss3"), "token rack7 was used 2 times")
	wantError(t, "the token of another host", m.joins(t, one.Secret, "oss3"), "is for host oss9")
	brief := m.newToken(t, `{"name":"brief","lifetime":1}`)
	state := func(name string) gen.AgentTokenState {
		for _, k := range decoded[gen.AgentTokenList](t, m.ask(t, http.MethodGet, "/agent-tokens", "", http.StatusOK)).Items {
			if k.Name == name {
				return k.State
			}
		}
		return ""
	}
	until(t, "a token ends", func() bool { return state("brief") == gen.AgentTokenEnded })
	wantError(t, "a token that ended", m.joins(t, brief.Secret, "oss3"), "token brief ended at")
	if s := state("rack7"); s != gen.AgentTokenUsedUp {
		t.Errorf("a token that is used up is %q", s)
	}
	gone := m.newToken(t, `{"name":"gone"}`)
	m.ask(t, http.MethodDelete, "/agent-tokens/gone", "", http.StatusNoContent)
	m.ask(t, http.MethodDelete, "/agent-tokens/gone", "", http.StatusNotFound)
	wantError(t, "a token that was deleted", m.joins(t, gone.Secret, "oss3"), "does not know this token")

	// Nothing of a secret is where it does not belong.
	list := m.ask(t, http.MethodGet, "/agent-tokens", "", http.StatusOK) + m.ask(t, http.MethodGet, "/host-certificates", "", http.StatusOK)
	db, err := os.ReadFile(databaseFile(m.cfg.Data))
	if err != nil {
		t.Fatal(err)
	}
	wal, err := os.ReadFile(databaseFile(m.cfg.Data) + "-wal")
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	for where, text := range map[string]string{"the log": m.log.String(), "a list": list, "the database": string(db) + string(wal)} {
		for _, secret := range []string{k.Secret, one.Secret, brief.Secret, gone.Secret} {
			bare, _, _ := strings.Cut(secret, ".")
			if strings.Contains(text, bare) {
				t.Errorf("%s has a token", where)
			}
		}
		if strings.Contains(text, "PRIVATE KEY") {
			t.Errorf("%s has a private key", where)
		}
	}
	if !regexp.MustCompile(`a token for agents was made.* token=rack7 uses=2`).MatchString(m.log.String()) {
		t.Error("the log does not say that a token was made")
	}
}

func TestCertificatesByAPI(t *testing.T) {
	t.Parallel()
	m := newManager(t, nil)
	bad, good := m.host(t, "bad"), m.host(t, "good")
	bad.Start(quiet())
	good.Start(quiet())
	if _, err := bad.Say(t.Context(), "crates", news(map[string]int{"a": 1})); err != nil {
		t.Fatal(err)
	}
	s, err := good.Say(t.Context(), "crates", news(map[string]int{"a": 1}))
	if err != nil {
		t.Fatal(err)
	}
	list := func(query string) gen.HostCertificateList {
		return decoded[gen.HostCertificateList](t, m.ask(t, http.MethodGet, "/host-certificates"+query, "", http.StatusOK))
	}
	all := list("")
	if all.Authority == nil || !strings.HasPrefix(all.Authority.Certificate, "-----BEGIN CERTIFICATE-----") || !strings.HasSuffix(m.token, "."+all.Authority.Fingerprint) {
		t.Errorf("the authority is %+v", all.Authority)
	}
	if len(all.Items) != 2 || all.Items[0].Host != "bad" || all.Items[0].State != gen.CertificateGood || !all.Items[0].Expires.Equal(bad.Expires()) || all.Items[0].Revoked != nil {
		t.Errorf("the certificates are %+v", all.Items)
	}
	m.ask(t, http.MethodPost, "/host-certificates/nobody/revoke", "", http.StatusNotFound)
	m.ask(t, http.MethodPost, "/host-certificates/localhost/revoke", "", http.StatusBadRequest)

	// The agent hangs in a request that the server holds; it is cut off all the same.
	c := decoded[gen.HostCertificate](t, m.ask(t, http.MethodPost, "/host-certificates/BAD/revoke", "", http.StatusOK))
	if c.Host != "bad" || c.State != gen.CertificateRevoked || c.Revoked == nil {
		t.Errorf("after it was revoked: %+v", c)
	}
	wantError(t, "the agent of the revoked host", bad.Wait(), "was revoked at")
	id, _ := m.state("bad")
	until(t, "what it reported is stale", func() bool { return m.crates(id) == "a=1!" })
	if l := list("?host=bad"); len(l.Items) != 1 || l.Items[0].State != gen.CertificateRevoked {
		t.Errorf("the certificate is %+v", l.Items)
	}
	if err := fleettest.More(t.Context(), s, news(map[string]int{"a": 2})); err != nil {
		t.Errorf("another host: %v", err)
	}
	good.Kill()
}

// TestAStandbyTakesOverTheAgents: of two servers on one database the second one
// knows the hosts, the revocations and the tokens of the first, and tells agents that
// come before its time to come again.
func TestAStandbyTakesOverTheAgents(t *testing.T) {
	t.Parallel()
	m := newManager(t, func(c *config.Config) { c.Store = pgtest.URL(t) })
	dirs := map[string]string{"oss1": t.TempDir(), "oss2": t.TempDir()}
	h := fleettest.Register(t, dirs["oss1"], "https://"+m.srv.Addr().String(), m.token, "oss1")
	h.Start(quiet())
	if _, err := h.Say(t.Context(), "crates", news(map[string]int{"a": 1})); err != nil {
		t.Fatal(err)
	}
	h.Kill()
	fleettest.Register(t, dirs["oss2"], "https://"+m.srv.Addr().String(), m.token, "oss2")
	m.ask(t, http.MethodPost, "/host-certificates/oss2/revoke", "", http.StatusOK)

	key, err := os.ReadFile(filepath.Join(m.cfg.Data, "secret.key"))
	if err != nil {
		t.Fatal(err)
	}
	cfg := m.cfg
	cfg.Data, cfg.Listen = t.TempDir(), "127.0.0.1:0"
	if err := os.WriteFile(filepath.Join(cfg.Data, "secret.key"), key, 0o600); err != nil {
		t.Fatal(err)
	}
	waits, done := make(chan string, 1), make(chan *Server, 1)
	go func() {
		defer close(done)
		srv, err := Start(t.Context(), Options{Config: cfg, Log: slog.New(slog.NewTextHandler(m.log, nil)), Version: "test",
			OnStandby: func(addr net.Addr, _ string) { waits <- addr.String() }})
		if err != nil {
			close(waits)
			if !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
			return
		}
		done <- srv
	}()
	address, ok := <-waits
	if !ok {
		t.FailNow()
	}
	askAt(t, address, http.MethodGet, "/agent-tokens", "", http.StatusServiceUnavailable)
	joinsThere := func(name string) error {
		_, err := auth.Join(t.Context(), auth.JoinOptions{Dir: t.TempDir(), Server: "https://" + address, Token: m.token, Host: name})
		return err
	}
	wantError(t, "a host that registers at the standby", joinsThere("oss3"), "standing by for another server")

	m.stop(t)
	if m.srv = <-done; m.srv == nil {
		t.Fatal("the second server did not take over")
	}
	if err := joinsThere("oss3"); err != nil {
		t.Errorf("the token of the first server: %v", err)
	}
	list := decoded[gen.HostCertificateList](t, m.ask(t, http.MethodGet, "/host-certificates", "", http.StatusOK))
	if len(list.Items) != 3 || list.Items[0].State != gen.CertificateGood || list.Items[1].State != gen.CertificateRevoked {
		t.Errorf("the certificates are %+v", list.Items)
	}
	// The manager's address leads to the second server now.
	moved := func(name string) *fleettest.Host {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dirs[name], "server"), []byte("https://"+address+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		id, err := auth.OpenIdentity(dirs[name])
		if err != nil {
			t.Fatal(err)
		}
		return fleettest.NewHost(id)
	}
	h = moved("oss1")
	h.Start(quiet())
	if _, err := h.Say(t.Context(), "crates", news(map[string]int{"a": 2})); err != nil {
		t.Fatal(err)
	}
	if id, _ := m.state("oss1"); m.crates(id) != "a=2" {
		t.Errorf("host %d has %q", id, m.crates(id))
	}
	refused := moved("oss2")
	refused.Start(quiet())
	wantError(t, "a host that the first server revoked", refused.Wait(), "was revoked at")
	h.Kill()
}

// TestFilesOfAgentsAreTakenOver: a data folder of an earlier version, which kept the
// authority in files, is used on: its tokens and revocations hold.
func TestFilesOfAgentsAreTakenOver(t *testing.T) {
	t.Parallel()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	ca := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	cert, err := x509.CreateCertificate(rand.Reader, ca, ca, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(cert)
	if err != nil {
		t.Fatal(err)
	}
	fingerprint, secret := sha256.Sum256(parsed.RawSubjectPublicKeyInfo), "fla_of_the_files"
	end := now.Add(time.Hour).UTC().Format(time.RFC3339)
	files := map[string]string{
		"agent-ca.key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})),
		"agent-ca.pem": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})),
		"agents":       fmt.Sprintf("oss1 %x%016x %s %x %d\n", now.UnixNano(), 7, end, sha256.Sum256([]byte("key")), now.UnixNano()+1),
		"agent-tokens": fmt.Sprintf("%x %s %s 2 1 * old\n", sha256.Sum256([]byte(secret)), end, end),
	}
	m := newManager(t, func(c *config.Config) {
		for name, text := range files {
			if err := os.WriteFile(filepath.Join(c.Data, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	})
	for name := range files {
		if _, err := os.Stat(filepath.Join(m.cfg.Data, name)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
	}
	m.stop(t)
	m.start(t)
	list := decoded[gen.HostCertificateList](t, m.ask(t, http.MethodGet, "/host-certificates", "", http.StatusOK))
	if len(list.Items) != 1 || list.Items[0].Host != "oss1" || list.Items[0].State != gen.CertificateRevoked {
		t.Errorf("the certificates are %+v", list.Items)
	}
	secret += "." + base64.RawURLEncoding.EncodeToString(fingerprint[:])
	if err := m.joins(t, secret, "oss2"); err != nil {
		t.Errorf("a token of the files: %v", err)
	}
	wantError(t, "once more", m.joins(t, secret, "oss3"), "token old was used 2 times")
}
