package api_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/faultline-storage/faultline/internal/api"
	"github.com/faultline-storage/faultline/internal/api/apitest"
	"github.com/faultline-storage/faultline/internal/api/gen"
	"github.com/faultline-storage/faultline/internal/resource"
)

// fakeAgents has one token and two hosts.
type fakeAgents struct {
	did  []string
	fail error
}

func (f *fakeAgents) do(what, user string) error {
	f.did = append(f.did, strings.TrimSpace(what+" "+user))
	return f.fail
}

func (*fakeAgents) Tokens() []api.AgentToken {
	at := time.Unix(1e9, 0).UTC()
	return []api.AgentToken{{Name: "rack7", State: gen.AgentTokenUsedUp, Created: at, Expires: at.Add(time.Hour), Uses: 2, Used: 2}}
}

func (f *fakeAgents) CreateToken(_ context.Context, k api.AgentTokenCreate, user string) (*api.NewAgentToken, error) {
	if err := f.do("create "+k.Name, user); err != nil {
		return nil, err
	}
	return &api.NewAgentToken{Token: api.AgentToken{Name: k.Name, Host: k.Host, State: gen.AgentTokenGood, Uses: *k.Uses}, Secret: "fla_x.y", Fingerprint: "y"}, nil
}

func (f *fakeAgents) DeleteToken(_ context.Context, name, user string) error {
	return f.do("delete "+name, user)
}

func (*fakeAgents) Certificates() (*api.AgentAuthority, []api.HostCertificate) {
	return &api.AgentAuthority{Fingerprint: "y"}, []api.HostCertificate{{Host: "oss1", State: gen.CertificateGood}, {Host: "oss2", State: gen.CertificateRevoked}}
}

func (f *fakeAgents) Revoke(_ context.Context, host, user string) (*api.HostCertificate, error) {
	if err := f.do("revoke "+host, user); err != nil {
		return nil, err
	}
	return &api.HostCertificate{Host: host, State: gen.CertificateRevoked}, nil
}

func TestAgents(t *testing.T) {
	t.Parallel()
	agents := &fakeAgents{}
	o := apitest.New().Options()
	o.Agents = agents
	s := api.New(o)
	missing := resource.Errorf(resource.NotFound, "there is none")
	for _, c := range []struct {
		method, path, body string
		fail               error
		status             int
		did, want          string
	}{
		{"GET", "/agent-tokens", "", nil, 200, "", `"state":"used up"`},
		{"GET", "/agent-tokens?host=x", "", nil, 400, "", `no query parameter`},
		{"POST", "/agent-tokens", `{"name":"a","uses":3,"host":"oss1"}`, nil, 201, "create a", `"secret":"fla_x.y"`},
		{"POST", "/agent-tokens", `{"name":"a","use":3}`, nil, 400, "", `no field \"use\"`},
		{"POST", "/agent-tokens", `{"uses":3}`, nil, 400, "", "name is missing"},
		{"POST", "/agent-tokens", `{"name":"a","uses":"3"}`, nil, 400, "", `"field":"uses"`},
		{"POST", "/agent-tokens", `{"name":"a","uses":1.5}`, nil, 400, "", `"field":"uses"`},
		{"POST", "/agent-tokens", `{"name":"a","uses":3}`, resource.FieldErrorf("lifetime", "too long"), 400, "create a", `"field":"lifetime"`},
		{"POST", "/agent-tokens", `{"name":"a","uses":3}`, &resource.Fault{Kind: resource.Conflict, Field: "name", Text: "taken"}, 409, "create a", "taken"},
		{"DELETE", "/agent-tokens/rack%2F7", "", nil, 204, "delete rack/7", ""},
		{"DELETE", "/agent-tokens/rack8", "", missing, 404, "delete rack8", "there is none"},
		{"GET", "/agent-tokens/rack7", "", nil, 405, "", "DELETE is"},
		{"GET", "/host-certificates", "", nil, 200, "", `"authority":{"certificate":"","fingerprint":"y"},"items":[{"expires":"0001-01-01T00:00:00Z","host":"oss1"`},
		{"GET", "/host-certificates?host=oss2", "", nil, 200, "", `"items":[{"expires":"0001-01-01T00:00:00Z","host":"oss2"`},
		{"GET", "/host-certificates?host=oss3", "", nil, 200, "", `"items":[]`},
		{"POST", "/host-certificates/oss1/revoke", "", nil, 200, "revoke oss1", `"state":"revoked"`},
		{"POST", "/host-certificates/oss3/revoke", "", missing, 404, "revoke oss3", "there is none"},
	} {
		agents.did, agents.fail = nil, c.fail
		w := do(t, s, c.method, "/api/v1"+c.path, c.body)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.want) {
			t.Errorf("%s %s %s: %d %s; want %d with %s", c.method, c.path, c.body, w.Code, w.Body, c.status, c.want)
		}
		if did := strings.Join(agents.did, ", "); did != c.did {
			t.Errorf("%s %s: did %q, want %q", c.method, c.path, did, c.did)
		}
		if strings.Contains(w.Body.String(), "fla_") && w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s %s: the answer with the secret may be kept", c.method, c.path)
		}
	}
}

// TestAgentsByRight: without a token nothing can be read or done, and with one it is
// known who did it.
func TestAgentsByRight(t *testing.T) {
	t.Parallel()
	agents := &fakeAgents{}
	o := apitest.New().Options()
	o.Agents = agents
	o.Authorize = func(r *http.Request) (string, bool) {
		return "operations", r.Header.Get("Authorization") == "Bearer flt_good"
	}
	s := api.New(o)
	for _, c := range []struct{ method, path, body, did string }{
		{"GET", "/agent-tokens", "", ""},
		{"POST", "/agent-tokens", `{"name":"a","uses":1}`, "create a operations"},
		{"DELETE", "/agent-tokens/a", "", "delete a operations"},
		{"GET", "/host-certificates", "", ""},
		{"POST", "/host-certificates/oss1/revoke", "", "revoke oss1 operations"},
	} {
		agents.did = nil
		if w := do(t, s, c.method, "/api/v1"+c.path, c.body); w.Code != 401 || len(agents.did) > 0 {
			t.Errorf("%s %s without a token: %d, did %q", c.method, c.path, w.Code, agents.did)
		}
		if w := do(t, s, c.method, "/api/v1"+c.path, c.body, "Authorization", "Bearer flt_good"); w.Code >= 300 || strings.Join(agents.did, "") != c.did {
			t.Errorf("%s %s: %d, did %q, want %q", c.method, c.path, w.Code, agents.did, c.did)
		}
	}
}

func TestNoAgents(t *testing.T) {
	t.Parallel()
	s := api.New(apitest.New().Options())
	for _, c := range []struct {
		method, path, body string
		status             int
	}{
		{"GET", "/agent-tokens", "", 200},
		{"POST", "/agent-tokens", `{"name":"a"}`, 503},
		{"DELETE", "/agent-tokens/a", "", 503},
		{"GET", "/host-certificates", "", 200},
		{"POST", "/host-certificates/oss1/revoke", "", 503},
	} {
		if w := do(t, s, c.method, "/api/v1"+c.path, c.body); w.Code != c.status {
			t.Errorf("%s %s: %d %s, want %d", c.method, c.path, w.Code, w.Body, c.status)
		}
	}
}
